/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-mmio: its registers, empty slots, the interrupt line, resets of the
 * device and of a queue, the configuration and its generation, and devices
 * behind it. VIRTIO 1.2, 4.2.
 */
#include "libqtest/qtest-virtio.h"

#define SLOT(n)         (0x0a000000ull + (n) * 0x200)
#define SPI(n)          (16 + (n))
#define LAST            31

#define MAGIC           0x000
#define VERSION         0x004
#define DEVICE_ID       0x008
#define VENDOR_ID       0x00c
#define FEATURES        0x010
#define FEATURES_SEL    0x014
#define QUEUE_SEL       0x030
#define QUEUE_NUM_MAX   0x034
#define QUEUE_NUM       0x038
#define QUEUE_READY     0x044
#define NOTIFY          0x050
#define IRQ_STATUS      0x060
#define IRQ_ACK         0x064
#define STATUS          0x070
#define DESC_LOW        0x080
#define SHM_LEN         0x0b0
#define QUEUE_RESET     0x0c0
#define GENERATION      0x0fc
#define CONFIG          0x100

#define NET_ID          1
#define BLK_ID          2
#define RNG_ID          4
#define IRQ_USED        1
#define IRQ_CONFIG      2
#define RING_RESET      (1ull << 40)

typedef struct Rig {
    QTest *qts;
    uint64_t base, buf;
    QVirtio v;
    QVirtQueue q;
} Rig;

static uint32_t rd(Rig *r, unsigned int reg)
{
    return qtest_readl(r->qts, r->base + reg);
}

static void wr(Rig *r, unsigned int reg, uint32_t val)
{
    qtest_writel(r->qts, r->base + reg, val);
}

static void rig_start_driver(Rig *r)
{
    qvirtio_init_mmio(&r->v, r->qts, r->base, RNG_ID);
    qvirtio_negotiate(&r->v, QVIRTIO_VERSION_1 | RING_RESET);
    qvirtio_queue_setup(&r->v, &r->q, 0, 0);
    qvirtio_driver_ok(&r->v);
}

static void rig_init(Rig *r, unsigned int slot, const char *args)
{
    r->qts = qtest_startf("-M virt -m 64M %s", args);
    r->base = SLOT(slot);
    r->buf = qtest_alloc(r->qts, 4096, 4096);
    qtest_irq_intercept_in(r->qts, "gsi");
    rig_start_driver(r);
}

static void take_entropy(Rig *r)
{
    uint32_t len;
    uint16_t head = qvq_add(&r->q, &(QVirtBuf){ r->buf, 64, true }, 1);

    qvq_kick(&r->q);
    qvq_wait_used(&r->q, head, &len);
    g_assert_cmpuint(len, ==, 64);
}

static void test_slots(void)
{
    Rig r = { .qts = qtest_start("-M virt -m 64M -device virtio-rng-device "
                                 "-device virtio-rng-device -device "
                                 "virtio-rng-device,bus=virtio-mmio-bus.3") };

    for (unsigned int n = 0; n <= LAST; n++) {
        bool used = n == LAST || n == LAST - 1 || n == 3;

        r.base = SLOT(n);
        g_assert_cmphex(rd(&r, MAGIC), ==, 0x74726976);
        g_assert_cmpuint(rd(&r, VERSION), ==, 2);
        g_assert_cmphex(rd(&r, VENDOR_ID), ==, 0x554d4551);
        g_assert_cmpuint(rd(&r, DEVICE_ID), ==, used ? RNG_ID : 0);
    }
    /* an empty one takes everything and gives nothing */
    r.base = SLOT(4);
    for (unsigned int off = DEVICE_ID; off < 0x200; off += 4) {
        wr(&r, off, 1);
        if (off != VENDOR_ID) {
            g_assert_cmphex(rd(&r, off), ==, 0);
        }
    }
    qtest_quit(r.qts);
}

static void test_interrupt(void)
{
    Rig r;

    rig_init(&r, LAST, "-device virtio-rng-device");
    g_assert_false(qtest_get_irq(r.qts, SPI(LAST)));
    take_entropy(&r);
    QTEST_WAIT(r.qts, qtest_get_irq(r.qts, SPI(LAST)));
    g_assert_cmphex(rd(&r, IRQ_STATUS), ==, IRQ_USED);
    wr(&r, IRQ_ACK, IRQ_CONFIG);            /* of something else */
    g_assert_true(qtest_get_irq(r.qts, SPI(LAST)));
    wr(&r, IRQ_ACK, IRQ_USED);
    g_assert_false(qtest_get_irq(r.qts, SPI(LAST)));
    g_assert_cmphex(rd(&r, IRQ_STATUS), ==, 0);
    take_entropy(&r);
    QTEST_WAIT(r.qts, qtest_get_irq(r.qts, SPI(LAST)));
    qvirtio_clear(&r.v);
    g_assert_false(qtest_get_irq(r.qts, SPI(LAST)));
    qtest_quit(r.qts);
}

static void test_reset(void)
{
    Rig r;

    rig_init(&r, LAST, "-device virtio-rng-device");
    take_entropy(&r);
    QTEST_WAIT(r.qts, qtest_get_irq(r.qts, SPI(LAST)));
    json_object_put(qtest_qmp_ok(r.qts, "{'execute': 'system_reset'}"));
    QTEST_WAIT(r.qts, rd(&r, STATUS) == 0);
    g_assert_false(qtest_get_irq(r.qts, SPI(LAST)));
    g_assert_cmpuint(rd(&r, QUEUE_READY), ==, 0);
    rig_start_driver(&r);
    take_entropy(&r);
    qvirtio_clear(&r.v);
    qtest_quit(r.qts);
}

/* By QueueReset, and as drivers of 1.0 do it, by QueueReady. */
static void test_queue_reset(gconstpointer reg)
{
    Rig r;
    unsigned int by = GPOINTER_TO_UINT(reg);

    rig_init(&r, LAST, "-device virtio-rng-device");
    take_entropy(&r);
    wr(&r, QUEUE_SEL, 0);
    wr(&r, by, by == QUEUE_RESET);
    g_assert_cmpuint(rd(&r, QUEUE_RESET), ==, 0);
    g_assert_cmpuint(rd(&r, QUEUE_READY), ==, 0);
    wr(&r, NOTIFY, 0);
    qvirtio_queue_setup(&r.v, &r.q, 0, 4);
    take_entropy(&r);
    qvirtio_clear(&r.v);
    qtest_quit(r.qts);
}

static void test_mistakes(void)
{
    Rig r;

    rig_init(&r, LAST, "-device virtio-rng-device");
    wr(&r, FEATURES_SEL, 2);
    g_assert_cmphex(rd(&r, FEATURES), ==, 0);
    wr(&r, QUEUE_SEL, 1);
    g_assert_cmpuint(rd(&r, QUEUE_NUM_MAX), ==, 0);
    wr(&r, QUEUE_READY, 1);
    g_assert_cmpuint(rd(&r, QUEUE_READY), ==, 0);
    /* 32 bits select, not their lower half */
    wr(&r, QUEUE_SEL, 0x10000);
    g_assert_cmpuint(rd(&r, QUEUE_NUM_MAX), ==, 0);
    wr(&r, NOTIFY, 0x10000);
    wr(&r, NOTIFY, 7);
    wr(&r, SHM_LEN, 0);
    g_assert_cmphex(rd(&r, SHM_LEN), ==, UINT32_MAX);
    wr(&r, QUEUE_SEL, 0);
    wr(&r, QUEUE_NUM, 0x10004);             /* while it is enabled, too */
    wr(&r, DESC_LOW, 0x12345000);
    /* neither bytes nor odd places */
    g_assert_cmphex(qtest_readb(r.qts, r.base + MAGIC), ==, 0);
    qtest_writeb(r.qts, r.base + STATUS, 0);
    g_assert_cmphex(rd(&r, STATUS), !=, 0);
    take_entropy(&r);
    qvirtio_clear(&r.v);
    qtest_quit(r.qts);
}

static void test_disk(void)
{
    static const char text[] = "on the other bus";
    Rig r;
    uint32_t header[4] = { 0 };
    char back[sizeof(text)];
    uint16_t head;

    r.qts = qtest_start("-M virt -m 64M -blockdev null-co,node-name=d,"
                        "read-zeroes=on,size=1048576 -device virtio-blk-device,"
                        "drive=d,serial=abc,bus=virtio-mmio-bus.0");
    r.base = SLOT(0);
    r.buf = qtest_alloc(r.qts, 4096, 4096);
    qtest_irq_intercept_in(r.qts, "gsi");
    qvirtio_init_mmio(&r.v, r.qts, r.base, BLK_ID);
    qvirtio_negotiate(&r.v, QVIRTIO_VERSION_1);
    g_assert_cmpuint(qvirtio_config_readq(&r.v, 0), ==, 2048);
    qvirtio_queue_setup(&r.v, &r.q, 0, 0);
    qvirtio_driver_ok(&r.v);
    qtest_memwrite(r.qts, r.buf, header, sizeof(header));
    qtest_memwrite(r.qts, r.buf + 512, text, sizeof(text));
    head = qvq_add(&r.q, (QVirtBuf[]){ { r.buf, 16, false },
                                       { r.buf + 512, 512, true },
                                       { r.buf + 2048, 1, true } }, 3);
    qvq_kick(&r.q);
    qvq_wait_used(&r.q, head, NULL);
    g_assert_cmpuint(qtest_readb(r.qts, r.buf + 2048), ==, 0);
    qtest_memread(r.qts, r.buf + 512, back, sizeof(back));
    g_assert_cmphex(back[0], ==, 0);
    QTEST_WAIT(r.qts, qtest_get_irq(r.qts, SPI(0)));
    qvirtio_clear(&r.v);
    qtest_quit(r.qts);
}

/* The link goes: a configuration interrupt and another generation. */
static void test_configuration_change(void)
{
    Rig r;
    uint32_t old;

    r.qts = qtest_start("-M virt -m 64M -netdev stream,id=n,server=on,"
                        "addr.type=inet,addr.host=127.0.0.1,addr.port=0 "
                        "-device virtio-net-device,netdev=n,id=card");
    r.base = SLOT(LAST);
    qtest_irq_intercept_in(r.qts, "gsi");
    qvirtio_init_mmio(&r.v, r.qts, r.base, NET_ID);
    qvirtio_negotiate(&r.v, QVIRTIO_VERSION_1 | 1ull << 16);
    qvirtio_driver_ok(&r.v);
    old = rd(&r, GENERATION);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute': 'set_link', 'arguments':"
                                 " {'name': 'card', 'up': false}}"));
    QTEST_WAIT(r.qts, rd(&r, IRQ_STATUS) & IRQ_CONFIG);
    g_assert_true(qtest_get_irq(r.qts, SPI(LAST)));
    g_assert_cmpuint(rd(&r, GENERATION), !=, old);
    g_assert_cmpuint(qtest_readw(r.qts, r.base + CONFIG + 6) & 1, ==, 0);
    wr(&r, IRQ_ACK, rd(&r, IRQ_STATUS));
    g_assert_false(qtest_get_irq(r.qts, SPI(LAST)));
    qvirtio_clear(&r.v);
    qtest_quit(r.qts);
}

static void test_command_line(void)
{
    static const struct { const char *args, *part; } rows[] = {
        { "-device virtio-rng-device,bus=virtio-mmio-bus.32",
          "'virtio-mmio-bus.32'" },
        { "-device virtio-rng-device,bus=virtio-mmio-bus.3 -device "
          "virtio-rng-device,bus=virtio-mmio-bus.3",
          "'virtio-mmio-bus.3' is full" },
        { "-device virtio-rng-device,bus=pcie.0", "can't go on" },
        { "-device virtio-mmio", "'virtio-mmio'" },
        { "-global virtio-mmio.force-legacy=on", "force-legacy" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *args = g_strconcat("-M virt -accel qtest -display "
                                            "none ", rows[i].args, NULL);
        g_autofree char *err = NULL;

        g_assert_cmpint(qtest_run(args, NULL, &err), ==, 1);
        if (!strstr(err, rows[i].part)) {
            g_error("'%s' is not in: %s", rows[i].part, err);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-mmio/slots", test_slots);
    g_test_add_func("/virtio-mmio/interrupt", test_interrupt);
    g_test_add_func("/virtio-mmio/reset", test_reset);
    g_test_add_data_func("/virtio-mmio/queue-reset/by-reset",
                         GUINT_TO_POINTER(QUEUE_RESET), test_queue_reset);
    g_test_add_data_func("/virtio-mmio/queue-reset/by-ready",
                         GUINT_TO_POINTER(QUEUE_READY), test_queue_reset);
    g_test_add_func("/virtio-mmio/mistakes", test_mistakes);
    g_test_add_func("/virtio-mmio/disk", test_disk);
    g_test_add_func("/virtio-mmio/configuration-change",
                    test_configuration_change);
    g_test_add_func("/virtio-mmio/command-line", test_command_line);
    return qtest_main();
}
