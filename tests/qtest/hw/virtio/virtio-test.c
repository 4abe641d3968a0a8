/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rings and registers that all virtio devices share, seen from a driver
 * that keeps or breaks the rules of VIRTIO 1.2, 2.7 and 2.8. The device is the
 * entropy source, which fills what it is given.
 */
#include "libqtest/qtest-virtio.h"

#define RNG_ID      4
#define RING_RESET  (1ull << 40)
#define QUEUE_SIZE  8
#define BUF_BYTES   64
#define NOWHERE     0x700000000000ull   /* neither RAM nor a device */

#define PACKED_AVAIL 0x0080
#define PACKED_USED  0x8000

typedef struct Rig {
    QTest *qts;
    QPci pci;
    QVirtio v;
    QVirtQueue q;
    uint64_t buf;
    /* packed ring: where the driver writes and reads */
    uint16_t put, get;
    bool put_wrap, get_wrap;
} Rig;

static void rig_queue(Rig *r, uint64_t features, uint16_t size)
{
    qvirtio_negotiate(&r->v, features | QVIRTIO_VERSION_1);
    g_assert_cmphex(r->v.features & features, ==, features);
    qvirtio_queue_setup(&r->v, &r->q, 0, size);
    r->put = r->get = 0;
    r->put_wrap = r->get_wrap = true;
}

static void rig_init(Rig *r, const char *props, uint64_t features)
{
    r->qts = qtest_startf("-M virt -m 64M -device virtio-rng-pci,%s "
                          "-device virtio-rng-pci", props);
    qpci_init(&r->pci, r->qts);
    qvirtio_init(&r->v, &r->pci, RNG_ID, 0);
    qvirtio_enable_msix(&r->v);
    rig_queue(r, features, QUEUE_SIZE);
    r->buf = qtest_alloc(r->qts, 0x1000, 0x1000);
}

static void rig_end(Rig *r)
{
    qvirtio_clear(&r->v);
    qtest_quit(r->qts);
}

/* Reset and begin anew, as a driver does after DEVICE_NEEDS_RESET. */
static void rig_restart(Rig *r, uint64_t features, uint16_t size)
{
    qvirtio_reset(&r->v);
    qvirtio_set_status(&r->v, QVIRTIO_ACKNOWLEDGE | QVIRTIO_DRIVER);
    r->v.msix = false;
    rig_queue(r, features, size);
}

static void common_writew(Rig *r, unsigned int reg, uint16_t val)
{
    qpci_bar_writew(r->v.pci, r->v.common.bar, r->v.common.offset + reg, val);
}

static uint16_t common_readw(Rig *r, unsigned int reg)
{
    return qpci_bar_readw(r->v.pci, r->v.common.bar, r->v.common.offset + reg);
}

static bool has_entropy(Rig *r, uint64_t addr, size_t len)
{
    uint8_t data[BUF_BYTES] = { 0 };
    size_t set = 0;

    g_assert_cmpuint(len, <=, sizeof(data));
    qtest_memread(r->qts, addr, data, len);
    for (size_t i = 0; i < len; i++) {
        set += data[i] != 0;
    }
    qtest_memset(r->qts, addr, 0, len);
    return set > 0;
}

static void split_serves(Rig *r, QVirtQueue *q)
{
    QVirtBuf buf = { r->buf, BUF_BYTES, true };
    uint32_t len;
    uint16_t head = qvq_add(q, &buf, 1);

    qvq_kick(q);
    qvq_wait_used(q, head, &len);
    g_assert_cmpuint(len, ==, BUF_BYTES);
    g_assert_true(has_entropy(r, r->buf, BUF_BYTES));
}

/* The second device does not care about what happens to the first. */
static void other_device_serves(Rig *r)
{
    QVirtio v;
    QVirtQueue q;

    qvirtio_init(&v, &r->pci, RNG_ID, 1);
    qvirtio_negotiate(&v, QVIRTIO_VERSION_1);
    qvirtio_queue_setup(&v, &q, 0, QUEUE_SIZE);
    qvirtio_driver_ok(&v);
    split_serves(r, &q);
    qvirtio_clear(&v);
}

/* ---- Split rings that keep the rules ---- */

static void test_split_chain(void)
{
    Rig r;
    uint32_t len;
    uint16_t head;

    rig_init(&r, "event_idx=off", 0);
    qvirtio_driver_ok(&r.v);
    for (int i = 0; i < 5 * QUEUE_SIZE; i++) {
        QVirtBuf bufs[3] = {
            { r.buf, 7, true }, { r.buf + 0x100, 1, true },
            { r.buf + 0x200, 56, true },
        };

        head = qvq_add(&r.q, bufs, 3);
        qvq_kick(&r.q);
        qvq_wait_used(&r.q, head, &len);
        g_assert_cmpuint(len, ==, 64);
        g_assert_true(has_entropy(&r, r.buf + 0x200, 56));
        g_assert_true(qvq_interrupted(&r.q));
    }
    rig_end(&r);
}

static void test_split_indirect(void)
{
    Rig r;
    QVirtBuf bufs[12];
    uint32_t len;
    uint16_t head;

    rig_init(&r, "event_idx=off", QVIRTIO_INDIRECT_DESC);
    qvirtio_driver_ok(&r.v);
    for (unsigned int i = 0; i < 12; i++) {
        bufs[i] = (QVirtBuf){ r.buf + 16 * i, 4, true };
    }
    head = qvq_add_indirect(&r.q, bufs, 12);    /* more than the ring has */
    qvq_kick(&r.q);
    qvq_wait_used(&r.q, head, &len);
    g_assert_cmpuint(len, ==, 48);
    split_serves(&r, &r.q);
    rig_end(&r);
}

/* Indices run past 65535. */
static void test_split_index_wraps(void)
{
    Rig r;
    const uint16_t size = 256;

    rig_init(&r, "event_idx=off", 0);
    qpci_msix_disable(r.v.pci);
    rig_restart(&r, 0, 0);
    g_assert_cmpuint(r.q.size, >=, 8);
    qvirtio_driver_ok(&r.v);
    for (uint16_t i = 0; i < r.q.size; i++) {
        QVirtBuf buf = { r.buf + i * 4, 4, true };

        qvq_write_desc(&r.q, i, &buf, QVIRTQ_WRITE, 0);
        qtest_writew(r.qts, r.q.avail + 4 + 2 * i, i);
    }
    for (uint32_t n = r.q.size; n <= 0x10000u + size; n += r.q.size) {
        qvq_set_avail_idx(&r.q, n);
        qvq_kick(&r.q);
        QTEST_WAIT(r.qts, qvq_get_used_idx(&r.q) == (uint16_t)n);
    }
    g_assert_cmphex(qvirtio_get_status(&r.v) & QVIRTIO_NEEDS_RESET, ==, 0);
    rig_end(&r);
}

static void test_split_event_index(void)
{
    Rig r;

    rig_init(&r, "indirect_desc=off", QVIRTIO_EVENT_IDX);
    qvirtio_driver_ok(&r.v);
    qvq_set_used_event(&r.q, 0);
    split_serves(&r, &r.q);
    g_assert_true(qvq_interrupted(&r.q));
    g_assert_cmpuint(qvq_get_avail_event(&r.q), ==, 1);
    qvq_set_used_event(&r.q, 3);
    split_serves(&r, &r.q);
    split_serves(&r, &r.q);
    g_assert_false(qvq_interrupted(&r.q));
    split_serves(&r, &r.q);
    g_assert_true(qvq_interrupted(&r.q));
    split_serves(&r, &r.q);
    g_assert_false(qvq_interrupted(&r.q));
    rig_end(&r);
}

static void test_split_no_interrupt(void)
{
    Rig r;

    rig_init(&r, "event_idx=off", 0);
    qvirtio_driver_ok(&r.v);
    qtest_writew(r.qts, r.q.avail, 1);
    split_serves(&r, &r.q);
    g_assert_false(qvq_interrupted(&r.q));
    qtest_writew(r.qts, r.q.avail, 0);
    split_serves(&r, &r.q);
    g_assert_true(qvq_interrupted(&r.q));
    rig_end(&r);
}

static void test_split_in_order(void)
{
    Rig r;
    uint16_t heads[QUEUE_SIZE];

    rig_init(&r, "in_order=on", QVIRTIO_IN_ORDER);
    qvirtio_driver_ok(&r.v);
    for (int lap = 0; lap < 5; lap++) {
        for (int i = 0; i < QUEUE_SIZE - 1; i++) {
            QVirtBuf buf = { r.buf + 16 * i, 16, true };

            heads[i] = qvq_add(&r.q, &buf, 1);
        }
        qvq_kick(&r.q);
        for (int i = 0; i < QUEUE_SIZE - 1; i++) {
            qvq_wait_used(&r.q, heads[i], NULL);
        }
    }
    rig_end(&r);
}

static void test_queue_reset(void)
{
    Rig r;

    rig_init(&r, "queue_reset=on", RING_RESET);
    qvirtio_driver_ok(&r.v);
    split_serves(&r, &r.q);
    for (int i = 0; i < 3; i++) {
        common_writew(&r, QVIRTIO_COMMON_Q_SELECT, 0);
        common_writew(&r, QVIRTIO_COMMON_Q_RESET, 1);
        QTEST_WAIT(r.qts, common_readw(&r, QVIRTIO_COMMON_Q_RESET) == 0);
        g_assert_cmpuint(common_readw(&r, QVIRTIO_COMMON_Q_ENABLE), ==, 0);
        qvq_kick(&r.q);                 /* nothing is there to hear it */
        r.v.msix = false;
        qvirtio_queue_setup(&r.v, &r.q, 0, QUEUE_SIZE);
        split_serves(&r, &r.q);
        split_serves(&r, &r.q);
    }
    rig_end(&r);
}

/* ---- Split rings that break them ---- */

static void one_desc(Rig *r, uint64_t addr, uint32_t len, uint16_t flags,
                     uint16_t next)
{
    QVirtBuf buf = { addr, len, false };

    qvq_write_desc(&r->q, 0, &buf, flags, next);
    qvq_make_available(&r->q, 0);
}

static void break_loop(Rig *r)
{
    one_desc(r, r->buf, 4, QVIRTQ_WRITE | QVIRTQ_NEXT, 0);
}

static void break_head(Rig *r)
{
    qvq_make_available(&r->q, r->q.size);
}

static void break_next(Rig *r)
{
    one_desc(r, r->buf, 4, QVIRTQ_WRITE | QVIRTQ_NEXT, 0xffff);
}

static void break_avail_jump(Rig *r)
{
    qvq_set_avail_idx(&r->q, r->q.size + 1);
}

static void break_avail_back(Rig *r)
{
    qvq_set_avail_idx(&r->q, 0xffff);
}

static void break_zero_length(Rig *r)
{
    one_desc(r, r->buf, 0, QVIRTQ_WRITE, 0);
}

static void break_no_ram(Rig *r)
{
    one_desc(r, NOWHERE, 4, QVIRTQ_WRITE, 0);
}

static void break_address_wraps(Rig *r)
{
    one_desc(r, UINT64_MAX - 1, 16, QVIRTQ_WRITE, 0);
}

static void break_past_ram(Rig *r)
{
    one_desc(r, 64 * MiB - 16, 32, QVIRTQ_WRITE, 0);
}

static void break_read_after_write(Rig *r)
{
    QVirtBuf buf = { r->buf, 4, false };

    qvq_write_desc(&r->q, 1, &buf, 0, 0);
    one_desc(r, r->buf, 4, QVIRTQ_WRITE | QVIRTQ_NEXT, 1);
}

static void break_not_writable(Rig *r)
{
    one_desc(r, r->buf, 4, 0, 0);
}

static void break_indirect_size(Rig *r)
{
    one_desc(r, r->buf, 24, QVIRTQ_INDIRECT, 0);
}

static void break_indirect_empty(Rig *r)
{
    one_desc(r, r->buf, 0, QVIRTQ_INDIRECT, 0);
}

static void break_indirect_huge(Rig *r)
{
    one_desc(r, r->buf, 0xfffffff0, QVIRTQ_INDIRECT, 0);
}

static void break_indirect_no_ram(Rig *r)
{
    one_desc(r, NOWHERE, 16, QVIRTQ_INDIRECT, 0);
}

static void break_indirect_and_next(Rig *r)
{
    one_desc(r, r->buf, 16, QVIRTQ_INDIRECT | QVIRTQ_NEXT, 1);
}

/* One entry of a table of two: addr, len, flags, next. */
static void table_entry(Rig *r, uint16_t flags, uint16_t next)
{
    qtest_writeq(r->qts, r->buf, r->buf + 0x100);
    qtest_writel(r->qts, r->buf + 8, 16);
    qtest_writew(r->qts, r->buf + 12, flags);
    qtest_writew(r->qts, r->buf + 14, next);
    one_desc(r, r->buf, 32, QVIRTQ_INDIRECT, 0);
}

static void break_indirect_nested(Rig *r)
{
    table_entry(r, QVIRTQ_INDIRECT, 0);
}

static void break_indirect_loop(Rig *r)
{
    table_entry(r, QVIRTQ_WRITE | QVIRTQ_NEXT, 0);
}

static void break_indirect_next(Rig *r)
{
    table_entry(r, QVIRTQ_WRITE | QVIRTQ_NEXT, 2);
}

typedef struct Hostile {
    const char *name;
    void (*fn)(Rig *r);
    bool packed;
} Hostile;

/* ---- Packed rings ---- */

static void packed_desc(Rig *r, uint16_t slot, const QVirtBuf *buf, uint16_t id,
                        uint16_t flags)
{
    uint64_t at = r->q.desc + 16 * slot;

    qtest_writeq(r->qts, at, buf->addr);
    qtest_writel(r->qts, at + 8, buf->len);
    qtest_writew(r->qts, at + 12, id);
    qtest_writew(r->qts, at + 14, flags);
}

/* The first descriptor's flags go last (2.8.21). @extra: flags of all. */
static void packed_add(Rig *r, const QVirtBuf *bufs, unsigned int n,
                       uint16_t id, uint16_t extra)
{
    uint16_t slots[2 * QUEUE_SIZE], flags[2 * QUEUE_SIZE];

    for (unsigned int i = 0; i < n; i++) {
        slots[i] = r->put;
        flags[i] = extra | (r->put_wrap ? PACKED_AVAIL : PACKED_USED) |
                   (bufs[i].device_writes ? QVIRTQ_WRITE : 0) |
                   (i + 1 < n ? QVIRTQ_NEXT : 0);
        if (++r->put == r->q.size) {
            r->put = 0;
            r->put_wrap = !r->put_wrap;
        }
    }
    for (unsigned int i = n; i-- > 0;) {
        packed_desc(r, slots[i], &bufs[i], id, flags[i]);
    }
}

static bool packed_is_used(Rig *r)
{
    uint16_t flags = qtest_readw(r->qts, r->q.desc + 16 * r->get + 14);
    uint16_t both = PACKED_AVAIL | PACKED_USED;

    return (flags & both) == (r->get_wrap ? both : 0);
}

static void packed_wait(Rig *r, uint16_t id, unsigned int n, uint32_t len)
{
    uint64_t at = r->q.desc + 16 * r->get;

    QTEST_WAIT(r->qts, packed_is_used(r));
    g_assert_cmpuint(qtest_readw(r->qts, at + 12), ==, id);
    g_assert_cmpuint(qtest_readl(r->qts, at + 8), ==, len);
    r->get += n;
    if (r->get >= r->q.size) {
        r->get -= r->q.size;
        r->get_wrap = !r->get_wrap;
    }
}

static void packed_serves(Rig *r, uint16_t id)
{
    QVirtBuf bufs[3] = {
        { r->buf, 8, true }, { r->buf + 0x100, 16, true },
        { r->buf + 0x200, 40, true },
    };

    packed_add(r, bufs, 3, id, 0);
    qvq_kick(&r->q);
    packed_wait(r, id, 3, 64);
    g_assert_true(has_entropy(r, r->buf + 0x200, 40));
}

static void test_packed_chain(void)
{
    Rig r;

    rig_init(&r, "packed=on,event_idx=off", QVIRTIO_RING_PACKED);
    qvirtio_driver_ok(&r.v);
    for (uint16_t i = 0; i < 40; i++) {
        packed_serves(&r, 1000 + i);
        g_assert_true(qvq_interrupted(&r.q));
    }
    qtest_writew(r.qts, r.q.avail + 2, 1);      /* flags: no interrupts */
    packed_serves(&r, 7);
    g_assert_false(qvq_interrupted(&r.q));
    rig_end(&r);
}

/* A size that is no power of two, several chains with one kick. */
static void test_packed_odd_size(void)
{
    Rig r;

    rig_init(&r, "packed=on", QVIRTIO_RING_PACKED);
    rig_restart(&r, QVIRTIO_RING_PACKED, 5);
    qvirtio_driver_ok(&r.v);
    for (uint16_t lap = 0; lap < 12; lap++) {
        QVirtBuf buf = { r.buf, 16, true };

        for (uint16_t i = 0; i < 3; i++) {
            packed_add(&r, &buf, 1, i, 0);
        }
        qvq_kick(&r.q);
        for (uint16_t i = 0; i < 3; i++) {
            packed_wait(&r, i, 1, 16);
        }
    }
    rig_end(&r);
}

static void test_packed_indirect(void)
{
    Rig r;
    QVirtBuf table;

    rig_init(&r, "packed=on", QVIRTIO_RING_PACKED | QVIRTIO_INDIRECT_DESC);
    qvirtio_driver_ok(&r.v);
    table = (QVirtBuf){ qtest_alloc(r.qts, 32, 16), 32, false };
    for (int i = 0; i < 2; i++) {
        qtest_writeq(r.qts, table.addr + 16 * i, r.buf + 0x100 * i);
        qtest_writel(r.qts, table.addr + 16 * i + 8, 24);
        qtest_writew(r.qts, table.addr + 16 * i + 14, QVIRTQ_WRITE);
    }
    for (uint16_t i = 0; i < 3 * QUEUE_SIZE; i++) {
        packed_add(&r, &table, 1, i, QVIRTQ_INDIRECT);
        qvq_kick(&r.q);
        packed_wait(&r, i, 1, 48);
        g_assert_true(has_entropy(&r, r.buf + 0x100, 24));
    }
    rig_end(&r);
}

static void test_packed_event_index(void)
{
    Rig r;

    rig_init(&r, "packed=on", QVIRTIO_RING_PACKED | QVIRTIO_EVENT_IDX);
    qvirtio_driver_ok(&r.v);
    /* The first one may interrupt whatever the event says. */
    packed_serves(&r, 0);
    qvq_interrupted(&r.q);
    /* Interrupt when slot 6 of this lap is used: the third chain. */
    qtest_writew(r.qts, r.q.avail, 6 | 0x8000);
    qtest_writew(r.qts, r.q.avail + 2, 2);
    packed_serves(&r, 1);
    g_assert_false(qvq_interrupted(&r.q));
    packed_serves(&r, 2);
    g_assert_true(qvq_interrupted(&r.q));
    packed_serves(&r, 3);
    g_assert_false(qvq_interrupted(&r.q));
    rig_end(&r);
}

static void test_packed_in_order(void)
{
    Rig r;

    rig_init(&r, "packed=on,in_order=on",
             QVIRTIO_RING_PACKED | QVIRTIO_IN_ORDER);
    qvirtio_driver_ok(&r.v);
    for (uint16_t i = 0; i < 20; i++) {
        packed_serves(&r, i);
    }
    rig_end(&r);
}

static void break_packed_endless(Rig *r)
{
    QVirtBuf bufs[QUEUE_SIZE];

    for (int i = 0; i < QUEUE_SIZE; i++) {
        bufs[i] = (QVirtBuf){ r->buf, 4, true };
    }
    packed_add(r, bufs, QUEUE_SIZE, 0, QVIRTQ_NEXT);
}

static void break_packed_zero_length(Rig *r)
{
    packed_add(r, &(QVirtBuf){ r->buf, 0, true }, 1, 0, 0);
}

static void break_packed_no_ram(Rig *r)
{
    packed_add(r, &(QVirtBuf){ NOWHERE, 4, true }, 1, 0, 0);
}

static void break_packed_indirect_size(Rig *r)
{
    packed_add(r, &(QVirtBuf){ r->buf, 8, false }, 1, 0, QVIRTQ_INDIRECT);
}

static void break_packed_indirect_in_chain(Rig *r)
{
    QVirtBuf bufs[2] = { { r->buf, 16, true }, { r->buf, 16, false } };

    packed_add(r, bufs, 1, 0, QVIRTQ_NEXT);
    packed_add(r, bufs + 1, 1, 0, QVIRTQ_INDIRECT);
}

static void break_packed_indirect_nested(Rig *r)
{
    qtest_writeq(r->qts, r->buf, r->buf);
    qtest_writel(r->qts, r->buf + 8, 16);
    qtest_writew(r->qts, r->buf + 14, QVIRTQ_INDIRECT);
    packed_add(r, &(QVirtBuf){ r->buf, 16, false }, 1, 0, QVIRTQ_INDIRECT);
}

static const Hostile hostile[] = {
    { "split/loop", break_loop },
    { "split/head-out-of-range", break_head },
    { "split/next-out-of-range", break_next },
    { "split/avail-jump", break_avail_jump },
    { "split/avail-back", break_avail_back },
    { "split/zero-length", break_zero_length },
    { "split/not-ram", break_no_ram },
    { "split/past-ram", break_past_ram },
    { "split/address-wraps", break_address_wraps },
    { "split/read-after-write", break_read_after_write },
    { "split/not-writable", break_not_writable },
    { "split/indirect-size", break_indirect_size },
    { "split/indirect-empty", break_indirect_empty },
    { "split/indirect-huge", break_indirect_huge },
    { "split/indirect-not-ram", break_indirect_no_ram },
    { "split/indirect-and-next", break_indirect_and_next },
    { "split/indirect-nested", break_indirect_nested },
    { "split/indirect-loop", break_indirect_loop },
    { "split/indirect-next", break_indirect_next },
    { "packed/endless", break_packed_endless, true },
    { "packed/zero-length", break_packed_zero_length, true },
    { "packed/not-ram", break_packed_no_ram, true },
    { "packed/indirect-size", break_packed_indirect_size, true },
    { "packed/indirect-in-chain", break_packed_indirect_in_chain, true },
    { "packed/indirect-nested", break_packed_indirect_nested, true },
};

static void wait_needs_reset(Rig *r)
{
    QTEST_WAIT(r->qts, qvirtio_get_status(&r->v) & QVIRTIO_NEEDS_RESET);
}

static void test_hostile(gconstpointer opaque)
{
    const Hostile *h = opaque;
    uint64_t features = QVIRTIO_INDIRECT_DESC |
                        (h->packed ? QVIRTIO_RING_PACKED : 0);
    Rig r;

    rig_init(&r, h->packed ? "packed=on" : "packed=off", features);
    qvirtio_driver_ok(&r.v);
    h->fn(&r);
    qvq_kick(&r.q);
    wait_needs_reset(&r);
    g_assert_true(qpci_msix_fired(r.v.pci, r.v.config_vector_addr, 0));
    other_device_serves(&r);
    /* A broken device takes nothing more. */
    qvq_kick(&r.q);
    g_assert_true(qvirtio_get_status(&r.v) & QVIRTIO_NEEDS_RESET);

    rig_restart(&r, features, QUEUE_SIZE);
    qvirtio_driver_ok(&r.v);
    if (h->packed) {
        packed_serves(&r, 9);
    } else {
        split_serves(&r, &r.q);
    }
    g_assert_cmphex(qvirtio_get_status(&r.v) & QVIRTIO_NEEDS_RESET, ==, 0);
    rig_end(&r);
}

/* Rings that cannot be, each given to a queue after reset. */
static void test_bad_ring(void)
{
    static const struct {
        unsigned int reg;
        uint32_t low, high;
    } bad[] = {
        { QVIRTIO_COMMON_Q_DESC, QTEST_RAM_BASE + 0x200008, 0 },
        { QVIRTIO_COMMON_Q_AVAIL, 0x200001, 0 },
        { QVIRTIO_COMMON_Q_USED, 0x200002, 0 },
        { QVIRTIO_COMMON_Q_DESC, 0, 0x7000 },
        { QVIRTIO_COMMON_Q_USED, 0xfffffffc, 0xffffffff },
        { QVIRTIO_COMMON_Q_DESC, QTEST_BAR_BASE, 0 },   /* a BAR */
        { QVIRTIO_COMMON_Q_SIZE, 6, 0 },
    };
    Rig r;

    rig_init(&r, "packed=off", 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        uint64_t at = r.v.common.offset + bad[i].reg;

        qvirtio_reset(&r.v);
        qvirtio_set_status(&r.v, QVIRTIO_ACKNOWLEDGE | QVIRTIO_DRIVER);
        qvirtio_negotiate(&r.v, QVIRTIO_VERSION_1);
        common_writew(&r, QVIRTIO_COMMON_Q_SELECT, 0);
        if (bad[i].reg == QVIRTIO_COMMON_Q_SIZE) {
            common_writew(&r, QVIRTIO_COMMON_Q_SIZE, bad[i].low);
        } else {
            qpci_bar_writel(r.v.pci, r.v.common.bar, at, bad[i].low);
            qpci_bar_writel(r.v.pci, r.v.common.bar, at + 4, bad[i].high);
        }
        common_writew(&r, QVIRTIO_COMMON_Q_ENABLE, 1);
        wait_needs_reset(&r);
        qvirtio_driver_ok(&r.v);
        qvq_kick(&r.q);
        other_device_serves(&r);
    }
    rig_restart(&r, 0, QUEUE_SIZE);
    qvirtio_driver_ok(&r.v);
    split_serves(&r, &r.q);
    rig_end(&r);
}

/* ---- Status and registers ---- */

static void test_status(void)
{
    Rig r;
    QVirtBuf buf;

    rig_init(&r, "packed=off", 0);
    buf = (QVirtBuf){ r.buf, 16, true };
    /* Before DRIVER_OK nothing is taken. */
    qvq_add(&r.q, &buf, 1);
    qvq_kick(&r.q);
    g_assert_cmpuint(qvq_get_used_idx(&r.q), ==, 0);
    qvirtio_driver_ok(&r.v);
    qvq_wait_used(&r.q, 0, NULL);

    /* A driver without VERSION_1, or with what is not offered. */
    qvirtio_reset(&r.v);
    qvirtio_set_status(&r.v, 3 | QVIRTIO_FEATURES_OK);
    g_assert_cmphex(qvirtio_get_status(&r.v) & QVIRTIO_FEATURES_OK, ==, 0);
    qvirtio_set_status(&r.v, 3 | QVIRTIO_DRIVER_OK);
    g_assert_cmphex(qvirtio_get_status(&r.v) & QVIRTIO_DRIVER_OK, ==, 0);

    /* Queues, vectors and registers that do not exist. */
    common_writew(&r, QVIRTIO_COMMON_Q_SELECT, 999);
    g_assert_cmpuint(common_readw(&r, QVIRTIO_COMMON_Q_SIZE), ==, 0);
    common_writew(&r, QVIRTIO_COMMON_Q_ENABLE, 1);
    common_writew(&r, QVIRTIO_COMMON_MSIX, 5000);
    g_assert_cmphex(common_readw(&r, QVIRTIO_COMMON_MSIX), ==,
                    QVIRTIO_NO_VECTOR);
    for (unsigned int off = 0; off < r.v.common.length; off += 2) {
        if (off != QVIRTIO_COMMON_STATUS) {
            common_writew(&r, off, 0xffff);
            common_readw(&r, off);
        }
    }
    rig_restart(&r, 0, QUEUE_SIZE);
    qvirtio_driver_ok(&r.v);
    split_serves(&r, &r.q);
    rig_end(&r);
}

static uint32_t driver_features(Rig *r, uint32_t half)
{
    uint32_t at = r->v.common.offset;

    qpci_bar_writel(r->v.pci, r->v.common.bar, at + QVIRTIO_COMMON_GFSELECT,
                    half);
    return qpci_bar_readl(r->v.pci, r->v.common.bar, at + QVIRTIO_COMMON_GF);
}

/* After FEATURES_OK a write is refused and reads back as if it never was. */
static void test_features_are_frozen(void)
{
    Rig r;

    rig_init(&r, "packed=off", 0);
    for (uint32_t half = 0; half < 2; half++) {
        uint32_t want = r.v.features >> 32 * half;

        g_assert_cmphex(driver_features(&r, half), ==, want);
        qpci_bar_writel(r.v.pci, r.v.common.bar,
                        r.v.common.offset + QVIRTIO_COMMON_GF, ~want);
        g_assert_cmphex(driver_features(&r, half), ==, want);
    }
    g_assert_cmphex(driver_features(&r, 2), ==, 0);
    qvirtio_driver_ok(&r.v);
    split_serves(&r, &r.q);
    qvirtio_reset(&r.v);
    g_assert_cmphex(driver_features(&r, 1), ==, 0);
    rig_end(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio/split/chain", test_split_chain);
    g_test_add_func("/virtio/split/indirect", test_split_indirect);
    g_test_add_func("/virtio/split/index-wraps", test_split_index_wraps);
    g_test_add_func("/virtio/split/event-index", test_split_event_index);
    g_test_add_func("/virtio/split/no-interrupt", test_split_no_interrupt);
    g_test_add_func("/virtio/split/in-order", test_split_in_order);
    g_test_add_func("/virtio/packed/chain", test_packed_chain);
    g_test_add_func("/virtio/packed/odd-size", test_packed_odd_size);
    g_test_add_func("/virtio/packed/indirect", test_packed_indirect);
    g_test_add_func("/virtio/packed/event-index", test_packed_event_index);
    g_test_add_func("/virtio/packed/in-order", test_packed_in_order);
    g_test_add_func("/virtio/queue-reset", test_queue_reset);
    g_test_add_func("/virtio/bad-ring", test_bad_ring);
    g_test_add_func("/virtio/status", test_status);
    g_test_add_func("/virtio/features-are-frozen", test_features_are_frozen);
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        g_autofree char *path = g_strconcat("/virtio/hostile/",
                                            hostile[i].name, NULL);

        g_test_add_data_func(path, &hostile[i], test_hostile);
    }
    return qtest_main();
}
