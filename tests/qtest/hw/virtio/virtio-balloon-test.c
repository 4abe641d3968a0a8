/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-balloon: pages given away, statistics, QMP, and page numbers that are
 * no pages. VirtIO 1.2, 5.5.
 */
#include "libqtest/qtest-virtio.h"

#define BALLOON_ID  5
#define GPA(offset) (QTEST_RAM_BASE + (offset))     /* in RAM */
#define PAGE        4096u
#define RAM_MIB     64

enum { Q_INFLATE, Q_DEFLATE, Q_STATS, Q_REPORT };
#define F_REPORTING (1ull << 5)

typedef struct Rig {
    QTest *qts;
    QPci pci;
    QVirtio v;
    QVirtQueue q[4];
    uint64_t buf;
} Rig;

static void rig_start_driver(Rig *r)
{
    qvirtio_init(&r->v, &r->pci, BALLOON_ID, 0);
    qvirtio_enable_msix(&r->v);
    qvirtio_negotiate(&r->v, QVIRTIO_VERSION_1 | 2 | F_REPORTING);
    for (unsigned int i = 0; i < qvirtio_num_queues(&r->v); i++) {
        qvirtio_queue_setup(&r->v, &r->q[i], i, 0);
    }
    qvirtio_driver_ok(&r->v);
}

static void rig_init(Rig *r)
{
    r->qts = qtest_startf("-M virt -m %dM -device virtio-balloon-pci,id=b,"
                          "free-page-reporting=on", RAM_MIB);
    qpci_init(&r->pci, r->qts);
    rig_start_driver(r);
    r->buf = qtest_alloc(r->qts, 64 * KiB, PAGE);
}

static void rig_end(Rig *r)
{
    qvirtio_clear(&r->v);
    qtest_quit(r->qts);
}

static void give_pages(Rig *r, int queue, const uint32_t *pfns, unsigned int n)
{
    uint16_t head;

    qtest_memwrite(r->qts, r->buf, pfns, 4 * n);
    head = qvq_add(&r->q[queue], &(QVirtBuf){ r->buf, 4 * n, false }, 1);
    qvq_kick(&r->q[queue]);
    qvq_wait_used(&r->q[queue], head, NULL);
}

static void test_inflate(void)
{
    Rig r;
    uint32_t at = GPA(32 * MiB) / PAGE;

    rig_init(&r);
    qtest_memset(r.qts, GPA(32 * MiB), 0x55, 8 * PAGE);
    /* up, down, alone: pages 1 2 3, 6 5 */
    give_pages(&r, Q_INFLATE, (uint32_t[]){ at + 1, at + 2, at + 3, at + 6,
                                            at + 5 }, 5);
    for (unsigned int i = 0; i < 8; i++) {
        bool gone = (i >= 1 && i <= 3) || i == 5 || i == 6;

        g_assert_cmphex(qtest_readb(r.qts, GPA(32 * MiB) + i * PAGE), ==,
                        gone ? 0 : 0x55);
        g_assert_cmphex(qtest_readb(r.qts, GPA(32 * MiB) + (i + 1) * PAGE - 1),
                        ==,
                        gone ? 0 : 0x55);
    }
    give_pages(&r, Q_DEFLATE, (uint32_t[]){ at + 1, at + 2 }, 2);
    qtest_writeb(r.qts, GPA(32 * MiB) + PAGE, 1);
    g_assert_cmphex(qtest_readb(r.qts, GPA(32 * MiB) + PAGE), ==, 1);
    rig_end(&r);
}

/* Not RAM, past the end, half a number: ignored, all else works. */
static void test_bad_pages(void)
{
    Rig r;
    uint32_t end = GPA(RAM_MIB * MiB) / PAGE;

    rig_init(&r);
    qtest_memset(r.qts, GPA(32 * MiB), 0x55, PAGE);
    give_pages(&r, Q_INFLATE, (uint32_t[]){ UINT32_MAX, end, end + 1,
                                            0xfee00, 0xc0000, 0 }, 6);
    give_pages(&r, Q_INFLATE, (uint32_t[]){ end - 1, end, end + 1 }, 3);
    qvq_add(&r.q[Q_INFLATE], &(QVirtBuf){ r.buf, 3, false }, 1);
    qvq_add(&r.q[Q_INFLATE], &(QVirtBuf){ r.buf, 8, true }, 1);
    qvq_kick(&r.q[Q_INFLATE]);
    QTEST_WAIT(r.qts, qvq_get_used_idx(&r.q[Q_INFLATE]) == 4);
    r.q[Q_INFLATE].used_idx = 4;
    g_assert_cmphex(qtest_readb(r.qts, GPA(32 * MiB)), ==, 0x55);
    give_pages(&r, Q_INFLATE, (uint32_t[]){ GPA(32 * MiB) / PAGE }, 1);
    g_assert_cmphex(qtest_readb(r.qts, GPA(32 * MiB)), ==, 0);
    rig_end(&r);
}

/* The same memory many times over, 6 GiB of it: the device looks at no more
 * than a driver has reason to send. */
static void test_endless_buffer(void)
{
    static const int queues[] = { Q_STATS, Q_INFLATE };
    QVirtBuf bufs[128];
    Rig r;

    rig_init(&r);
    qtest_memset(r.qts, 8 * MiB, 0xff, MiB);
    for (size_t i = 0; i < G_N_ELEMENTS(bufs); i++) {
        bufs[i] = (QVirtBuf) { 8 * MiB, 48 * MiB, false };
    }
    for (size_t i = 0; i < G_N_ELEMENTS(queues); i++) {
        qvq_add(&r.q[queues[i]], bufs, G_N_ELEMENTS(bufs));
        qvq_kick(&r.q[queues[i]]);
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'query-status'}"));
    }
    QTEST_WAIT(r.qts, qvq_get_used_idx(&r.q[Q_INFLATE]) == 1);
    rig_end(&r);
}

static void test_reporting(void)
{
    Rig r;
    QVirtQueue *q = &r.q[Q_REPORT];
    QVirtBuf bufs[2] = { { GPA(40 * MiB), 4 * PAGE, true },
                         { GPA(50 * MiB) + 16, 2 * PAGE, true } };
    uint16_t head;

    rig_init(&r);
    g_assert_true(r.v.features & F_REPORTING);
    qtest_memset(r.qts, GPA(40 * MiB), 0x66, 5 * PAGE);
    qtest_memset(r.qts, GPA(50 * MiB), 0x66, 4 * PAGE);
    head = qvq_add(q, bufs, 2);
    qvq_kick(q);
    qvq_wait_used(q, head, NULL);
    g_assert_cmphex(qtest_readb(r.qts, GPA(40 * MiB)), ==, 0);
    g_assert_cmphex(qtest_readb(r.qts, GPA(40 * MiB) + 4 * PAGE - 1), ==, 0);
    g_assert_cmphex(qtest_readb(r.qts, GPA(40 * MiB) + 4 * PAGE), ==, 0x66);
    g_assert_cmphex(qtest_readb(r.qts, GPA(50 * MiB) + 15), ==, 0x66);
    g_assert_cmphex(qtest_readb(r.qts, GPA(50 * MiB) + 2 * PAGE + 16), ==, 0x66);
    rig_end(&r);
}

static void test_qmp(void)
{
    Rig r;
    struct json_object *info;

    rig_init(&r);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'balloon','arguments':"
                                 "{'value':%u}}", 48 * (unsigned)MiB));
    g_assert_cmpuint(qvirtio_config_readl(&r.v, 0), ==, 16 * MiB / PAGE);
    g_assert_true(qpci_msix_fired(r.v.pci, r.v.config_vector_addr, 0));
    qvirtio_config_writel(&r.v, 4, 16 * MiB / PAGE);
    info = qtest_qmp_event(r.qts, "BALLOON_CHANGE");
    g_assert_cmpint(qjson_int(info, "data.actual"), ==, 48 * MiB);
    json_object_put(info);
    /* More than there is. */
    qvirtio_config_writel(&r.v, 4, UINT32_MAX);
    info = qtest_qmp_ok(r.qts, "{'execute':'query-balloon'}");
    g_assert_cmpint(qjson_int(info, "actual"), ==, 0);
    json_object_put(info);
    rig_end(&r);
}

static void send_stats(Rig *r, uint64_t free_bytes)
{
    QVirtQueue *q = &r->q[Q_STATS];

    qtest_writew(r->qts, r->buf, 4);            /* free memory */
    qtest_writeq(r->qts, r->buf + 2, free_bytes);
    qtest_writew(r->qts, r->buf + 10, 0xffff);  /* no such thing */
    qtest_writeq(r->qts, r->buf + 12, 1);
    qvq_add(q, &(QVirtBuf){ r->buf, 20, false }, 1);
    qvq_kick(q);
}

static int64_t free_memory(Rig *r)
{
    struct json_object *o;
    int64_t val;

    o = qtest_qmp_ok(r->qts, "{'execute':'qom-get','arguments':{'path':"
                     "'/machine/peripheral/b','property':'guest-stats'}}");
    val = qjson_int(o, "stats.stat-free-memory");
    json_object_put(o);
    return val;
}

static void test_stats(void)
{
    Rig r;
    QVirtQueue *q = &r.q[Q_STATS];

    rig_init(&r);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'qom-set','arguments':"
                                 "{'path':'/machine/peripheral/b','property':"
                                 "'guest-stats-polling-interval','value':2}}"));
    /* The guest has said nothing yet: not known, which is not 0 bytes. */
    g_assert_cmpint(free_memory(&r), ==, INT64_MAX);
    send_stats(&r, 1000);
    QTEST_WAIT(r.qts, free_memory(&r) == 1000);
    g_assert_cmpuint(qvq_get_used_idx(q), ==, 0);
    qtest_clock_step(r.qts, 2100000000);
    QTEST_WAIT(r.qts, qvq_get_used_idx(q) == 1);
    send_stats(&r, 2000);
    QTEST_WAIT(r.qts, free_memory(&r) == 2000);
    /* A second buffer at once: the first comes back. */
    send_stats(&r, 3000);
    QTEST_WAIT(r.qts, free_memory(&r) == 3000);
    g_assert_cmpuint(qvq_get_used_idx(q), ==, 2);
    /* Stop and cont keep it; reset forgets it. */
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'stop'}"));
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'cont'}"));
    qtest_clock_step(r.qts, 2100000000);
    QTEST_WAIT(r.qts, qvq_get_used_idx(q) == 3);
    send_stats(&r, 4000);
    QTEST_WAIT(r.qts, free_memory(&r) == 4000);
    qvirtio_clear(&r.v);
    rig_start_driver(&r);
    qtest_clock_step(r.qts, 4200000000);
    g_assert_cmpuint(qvq_get_used_idx(q), ==, 0);
    send_stats(&r, 5000);
    QTEST_WAIT(r.qts, free_memory(&r) == 5000);
    rig_end(&r);
}

/* The queue is reset while the device holds a buffer of it. */
static void test_stats_queue_reset(void)
{
    Rig r;
    QVirtQueue *q = &r.q[Q_STATS];
    uint64_t common;

    rig_init(&r);
    qvirtio_clear(&r.v);
    qvirtio_init(&r.v, &r.pci, BALLOON_ID, 0);
    qvirtio_negotiate(&r.v, QVIRTIO_VERSION_1 | 2 | 1ull << 40);
    qvirtio_queue_setup(&r.v, q, Q_STATS, 0);
    qvirtio_driver_ok(&r.v);
    send_stats(&r, 1000);
    QTEST_WAIT(r.qts, free_memory(&r) == 1000);
    common = r.v.common.offset;
    qpci_bar_writew(r.v.pci, r.v.common.bar, common + QVIRTIO_COMMON_Q_SELECT,
                    Q_STATS);
    qpci_bar_writew(r.v.pci, r.v.common.bar, common + QVIRTIO_COMMON_Q_RESET,
                    1);
    QTEST_WAIT(r.qts, qpci_bar_readw(r.v.pci, r.v.common.bar, common +
                                     QVIRTIO_COMMON_Q_RESET) == 0);
    qvirtio_queue_setup(&r.v, q, Q_STATS, 0);
    send_stats(&r, 2000);
    QTEST_WAIT(r.qts, free_memory(&r) == 2000);
    /* Nothing of the old ring was used in the new one. */
    g_assert_cmpuint(qvq_get_used_idx(q), ==, 0);
    rig_end(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-balloon/inflate", test_inflate);
    g_test_add_func("/virtio-balloon/bad-pages", test_bad_pages);
    g_test_add_func("/virtio-balloon/endless-buffer", test_endless_buffer);
    g_test_add_func("/virtio-balloon/reporting", test_reporting);
    g_test_add_func("/virtio-balloon/qmp", test_qmp);
    g_test_add_func("/virtio-balloon/stats", test_stats);
    g_test_add_func("/virtio-balloon/stats/queue-reset",
                    test_stats_queue_reset);
    return qtest_main();
}
