/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net: packets both ways with a datagram socket as the wire, buffers
 * that are late, small or wrong, the control queue and the receive filter.
 * VirtIO 1.2, 5.1.
 */
#include "libqtest/qtest-virtio.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#define NET_ID      1
#define HDR         12
#define F_MRG_RXBUF (1ull << 15)
#define F_CTRL_VLAN (1ull << 19)

enum { Q_RX, Q_TX, Q_CTRL };

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

typedef struct Rig {
    QTest *qts;
    QPci pci;
    QVirtio v;
    QVirtQueue q[3];
    uint64_t rx, tx;                /* buffers */
    int wire;
} Rig;

static void rig_start_driver(Rig *r, uint64_t without)
{
    qvirtio_init(&r->v, &r->pci, NET_ID, 0);
    qvirtio_negotiate(&r->v, UINT64_MAX & ~QVIRTIO_RING_PACKED & ~without);
    for (unsigned int i = 0; i < 3; i++) {
        qvirtio_queue_setup(&r->v, &r->q[i], i, 0);
    }
    qvirtio_driver_ok(&r->v);
}

static void rig_init(Rig *r, uint64_t without)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), ==, 0);
    r->wire = fds[0];
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    r->qts = qtest_startf("-M virt -m 64M -netdev dgram,id=n,local.type=fd,"
                          "local.str=%d -device virtio-net-pci,netdev=n,id=nic,"
                          "mac=52:54:00:12:34:56", fds[1]);
    close(fds[1]);
    qpci_init(&r->pci, r->qts);
    rig_start_driver(r, without);
    r->rx = qtest_alloc(r->qts, 64 * KiB, 4096);
    r->tx = qtest_alloc(r->qts, 64 * KiB, 4096);
}

static void rig_end(Rig *r)
{
    qvirtio_clear(&r->v);
    qtest_quit(r->qts);
    close(r->wire);
}

/* Packet number @seed to the card: address, then a pattern. */
static void make_packet(uint8_t *p, size_t len, uint8_t seed)
{
    memcpy(p, mac, 6);
    memset(p + 6, 2, 8);
    for (size_t i = 14; i < len; i++) {
        p[i] = seed + i;
    }
}

static void wire_send(Rig *r, const uint8_t *p, size_t len)
{
    g_assert_cmpint(send(r->wire, p, len, 0), ==, len);
}

static ssize_t wire_recv(Rig *r, uint8_t *p, size_t size)
{
    struct pollfd pfd = { .fd = r->wire, .events = POLLIN };

    g_assert_cmpint(poll(&pfd, 1, 10000), ==, 1);
    return recv(r->wire, p, size, 0);
}

static void add_rx(Rig *r, uint64_t at, uint32_t len)
{
    qvq_add(&r->q[Q_RX], &(QVirtBuf){ at, len, true }, 1);
}

static uint32_t wait_rx(Rig *r)
{
    uint32_t head, len;

    QTEST_WAIT(r->qts, qvq_poll_used(&r->q[Q_RX], &head, &len));
    return len;
}

static void expect_rx(Rig *r, uint64_t at, const uint8_t *p, size_t len)
{
    g_autofree uint8_t *got = g_malloc(len);

    g_assert_cmpuint(wait_rx(r), ==, HDR + len);
    g_assert_cmpuint(qtest_readw(r->qts, at + 10), ==, 1);
    qtest_memread(r->qts, at + HDR, got, len);
    g_assert_cmpmem(got, len, p, len);
}

static void check_tx(Rig *r, size_t len, uint8_t seed)
{
    g_autofree uint8_t *p = g_malloc(len), *got = g_malloc(len + 1);
    QVirtBuf bufs[2] = { { r->tx, HDR + 20, false },
                         { r->tx + HDR + 20, len - 20, false } };
    uint16_t head;

    make_packet(p, len, seed);
    qtest_memset(r->qts, r->tx, 0, HDR);
    qtest_memwrite(r->qts, r->tx + HDR, p, len);
    head = qvq_add(&r->q[Q_TX], bufs, 2);
    qvq_kick(&r->q[Q_TX]);
    qvq_wait_used(&r->q[Q_TX], head, NULL);
    g_assert_cmpint(wire_recv(r, got, len + 1), ==, len);
    g_assert_cmpmem(got, len, p, len);
}

static void check_rx(Rig *r, size_t len, uint8_t seed)
{
    g_autofree uint8_t *p = g_malloc(len);

    make_packet(p, len, seed);
    add_rx(r, r->rx, 2048);
    qvq_kick(&r->q[Q_RX]);
    wire_send(r, p, len);
    expect_rx(r, r->rx, p, len);
}

static void test_packets(void)
{
    Rig r;

    rig_init(&r, 0);
    for (unsigned int i = 0; i < 300; i++) {
        check_tx(&r, 60 + i, i);
        check_rx(&r, 60 + i, i);
    }
    qvirtio_clear(&r.v);
    rig_start_driver(&r, 0);
    check_rx(&r, 100, 1);
    check_tx(&r, 100, 1);
    rig_end(&r);
}

/* The packet comes before the buffer, also with stop and cont between. */
static void test_rx_late_buffer(void)
{
    Rig r;
    uint8_t p[200];

    rig_init(&r, 0);
    for (int i = 0; i < 20; i++) {
        make_packet(p, sizeof(p), i);
        wire_send(&r, p, sizeof(p));
        qtest_pause(r.qts);
        if (i % 3 == 0) {
            json_object_put(qtest_qmp_ok(r.qts, "{'execute':'stop'}"));
            json_object_put(qtest_qmp_ok(r.qts, "{'execute':'cont'}"));
        }
        add_rx(&r, r.rx, 512);
        qvq_kick(&r.q[Q_RX]);
        expect_rx(&r, r.rx, p, sizeof(p));
    }
    rig_end(&r);
}

static void test_rx_mergeable(gconstpointer opaque)
{
    Rig r;
    uint8_t p[1000], got[1000];
    size_t done = 0;

    rig_init(&r, (uintptr_t)opaque);
    g_assert_true(r.v.features & F_MRG_RXBUF);
    make_packet(p, sizeof(p), 9);
    /* Two are not enough: they stay available. */
    add_rx(&r, r.rx, 256);
    add_rx(&r, r.rx + 256, 256);
    qvq_kick(&r.q[Q_RX]);
    wire_send(&r, p, sizeof(p));
    for (int i = 0; i < 20; i++) {
        qtest_pause(r.qts);
    }
    g_assert_cmpuint(qvq_get_used_idx(&r.q[Q_RX]), ==, 0);
    if (r.v.features & QVIRTIO_EVENT_IDX) {
        /* The kick is for the third: the driver does not repeat the others. */
        g_assert_cmpuint(qvq_get_avail_event(&r.q[Q_RX]), ==, 2);
    }
    add_rx(&r, r.rx + 512, 256);
    qvq_kick(&r.q[Q_RX]);
    add_rx(&r, r.rx + 768, 256);
    qvq_kick(&r.q[Q_RX]);
    for (int i = 0; i < 4; i++) {
        uint32_t len = wait_rx(&r), skip = i ? 0 : HDR;

        g_assert_cmpuint(len, ==, i < 3 ? 256 : 1012 - 3 * 256);
        qtest_memread(r.qts, r.rx + 256 * i + skip, got + done, len - skip);
        done += len - skip;
    }
    g_assert_cmpuint(qtest_readw(r.qts, r.rx + 10), ==, 4);
    g_assert_cmpmem(got, done, p, sizeof(p));
    check_rx(&r, 100, 3);
    rig_end(&r);
}

/* Without mergeable buffers a packet that is too long is lost. */
static void test_rx_too_long(void)
{
    Rig r;
    uint8_t p[600];

    rig_init(&r, F_MRG_RXBUF);
    add_rx(&r, r.rx, 300);
    qvq_kick(&r.q[Q_RX]);
    make_packet(p, sizeof(p), 1);
    wire_send(&r, p, sizeof(p));
    make_packet(p, 288, 2);
    wire_send(&r, p, 288);
    expect_rx(&r, r.rx, p, 288);
    rig_end(&r);
}

/* The wire is full: packets wait, over stop and cont, and none is lost. */
static void test_tx_full(void)
{
    Rig r;
    uint8_t p[64], got[64];
    const unsigned int n = 100, rounds = 8;
    int size = 4096;

    rig_init(&r, 0);
    setsockopt(r.wire, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    make_packet(p, sizeof(p), 0);
    qtest_memwrite(r.qts, r.tx + HDR, p, sizeof(p));
    for (unsigned int round = 0; round < rounds; round++) {
        for (unsigned int i = 0; i < n; i++) {
            qvq_add(&r.q[Q_TX], &(QVirtBuf){ r.tx, HDR + 64, false }, 1);
        }
        qvq_kick(&r.q[Q_TX]);
        for (int i = 0; i < 5; i++) {
            qtest_pause(r.qts);
        }
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'stop'}"));
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'cont'}"));
        for (unsigned int i = 0; i < n; i++) {
            g_assert_cmpint(wire_recv(&r, got, sizeof(got)), ==, sizeof(got));
            g_assert_cmpmem(got, sizeof(got), p, sizeof(p));
        }
        QTEST_WAIT(r.qts, qvq_get_used_idx(&r.q[Q_TX]) == (round + 1) * n);
    }
    r.q[Q_TX].used_idx = rounds * n;
    check_tx(&r, 100, 1);
    rig_end(&r);
}

/* ---- Wrong buffers ---- */

static void broken_then_usable(Rig *r, int queue, QVirtBuf buf)
{
    uint8_t p[60];

    qvq_add(&r->q[queue], &buf, 1);
    qvq_kick(&r->q[queue]);
    make_packet(p, sizeof(p), 0);
    wire_send(r, p, sizeof(p));
    QTEST_WAIT(r->qts, qvirtio_get_status(&r->v) & QVIRTIO_NEEDS_RESET);
    qvirtio_clear(&r->v);
    rig_start_driver(r, 0);
    check_tx(r, 100, 1);
}

static void test_malformed(void)
{
    Rig r;

    rig_init(&r, 0);
    broken_then_usable(&r, Q_TX, (QVirtBuf){ r.tx, HDR - 1, false });
    broken_then_usable(&r, Q_TX, (QVirtBuf){ r.tx, 100, true });
    broken_then_usable(&r, Q_RX, (QVirtBuf){ r.rx, HDR, true });
    broken_then_usable(&r, Q_RX, (QVirtBuf){ r.rx, 1, true });
    broken_then_usable(&r, Q_RX, (QVirtBuf){ r.rx, 100, false });
    broken_then_usable(&r, Q_CTRL, (QVirtBuf){ r.tx, 1, false });
    broken_then_usable(&r, Q_CTRL, (QVirtBuf){ r.tx, 2, false });
    broken_then_usable(&r, Q_CTRL, (QVirtBuf){ r.tx, 2, true });
    rig_end(&r);
}

/* A header without a packet, and one that is too long: nothing is sent. */
static void test_tx_odd_sizes(void)
{
    Rig r;
    QVirtBuf bufs[20];
    uint16_t head;

    rig_init(&r, 0);
    head = qvq_add(&r.q[Q_TX], &(QVirtBuf){ r.tx, HDR, false }, 1);
    qvq_kick(&r.q[Q_TX]);
    qvq_wait_used(&r.q[Q_TX], head, NULL);
    for (int i = 0; i < 20; i++) {
        bufs[i] = (QVirtBuf){ QTEST_RAM_BASE + 4 * MiB, 50 * MiB, false };
    }
    head = qvq_add(&r.q[Q_TX], bufs, 20);
    qvq_kick(&r.q[Q_TX]);
    qvq_wait_used(&r.q[Q_TX], head, NULL);
    check_tx(&r, 100, 1);
    rig_end(&r);
}

/* ---- Control ---- */

static uint8_t ctrl(Rig *r, uint8_t class, uint8_t cmd, const void *arg,
                    uint32_t len)
{
    QVirtBuf bufs[3] = { { r->tx, 2, false }, { r->tx + 16, len, false },
                         { r->tx + 8, 1, true } };
    uint16_t head;

    qtest_writeb(r->qts, r->tx, class);
    qtest_writeb(r->qts, r->tx + 1, cmd);
    qtest_writeb(r->qts, r->tx + 8, 0xee);
    if (len) {
        qtest_memwrite(r->qts, r->tx + 16, arg, len);
    } else {
        bufs[1] = bufs[2];
    }
    head = qvq_add(&r->q[Q_CTRL], bufs, len ? 3 : 2);
    qvq_kick(&r->q[Q_CTRL]);
    qvq_wait_used(&r->q[Q_CTRL], head, NULL);
    return qtest_readb(r->qts, r->tx + 8);
}

static void test_ctrl_errors(void)
{
    static const struct {
        uint8_t class, cmd;
        uint32_t len;
        uint8_t arg[24];
        uint8_t ack;
    } rows[] = {
        { 0, 0, 1, { 1 }, 0 }, { 0, 0, 2, { 1 }, 1 }, { 0, 0, 0, { 0 }, 1 },
        { 0, 6, 1, { 1 }, 1 },
        { 1, 1, 6, { 2, 3, 4, 5, 6, 7 }, 0 }, { 1, 1, 5, { 2 }, 1 },
        { 1, 1, 7, { 2 }, 1 }, { 1, 2, 6, { 2 }, 1 },
        { 1, 0, 8, { 0 }, 0 }, { 1, 0, 7, { 0 }, 1 }, { 1, 0, 9, { 0 }, 1 },
        { 1, 0, 14, { 1 }, 0 }, { 1, 0, 14, { 2 }, 1 },
        { 1, 0, 8, { 0xff, 0xff, 0xff, 0xff }, 1 },
        { 1, 0, 14, { 0, 0, 0, 0, 1 }, 0 },
        { 1, 0, 8, { 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x2a }, 1 },
        { 2, 0, 2, { 0xff, 0x0f }, 0 }, { 2, 0, 2, { 0x00, 0x10 }, 1 },
        { 2, 1, 2, { 5 }, 0 }, { 2, 2, 2, { 5 }, 1 }, { 2, 0, 3, { 5 }, 1 },
        { 3, 0, 0, { 0 }, 1 },          /* nothing was to be announced */
        { 4, 0, 2, { 1 }, 1 },          /* no multi-queue */
        { 5, 0, 8, { 0xff, 0xff, 0xff, 0xff }, 1 },
        { 99, 0, 1, { 0 }, 1 }, { 0xff, 0xff, 24, { 0 }, 1 },
    };
    Rig r;

    rig_init(&r, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("row %zu", i);
        g_assert_cmpuint(ctrl(&r, rows[i].class, rows[i].cmd, rows[i].arg,
                              rows[i].len), ==, rows[i].ack);
    }
    rig_end(&r);
}

static void expect_filtered(Rig *r, const uint8_t *dest, bool passes)
{
    uint8_t p[60], mark[60];

    make_packet(p, sizeof(p), 1);
    memcpy(p, dest, 6);
    make_packet(mark, sizeof(mark), 0x80);
    add_rx(r, r->rx, 128);
    add_rx(r, r->rx + 128, 128);
    qvq_kick(&r->q[Q_RX]);
    wire_send(r, p, sizeof(p));
    wire_send(r, mark, sizeof(mark));
    if (passes) {
        expect_rx(r, r->rx, p, sizeof(p));
        expect_rx(r, r->rx + 128, mark, sizeof(mark));
        return;
    }
    expect_rx(r, r->rx, mark, sizeof(mark));
    wire_send(r, mark, sizeof(mark));
    expect_rx(r, r->rx + 128, mark, sizeof(mark));
}

static void test_filter(void)
{
    static const uint8_t other[6] = { 0x52, 0x54, 0, 1, 2, 3 };
    static const uint8_t multi[6] = { 0x01, 0, 0x5e, 1, 2, 3 };
    static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    uint8_t table[20] = { 1, 0, 0, 0, 0x52, 0x54, 0, 1, 2, 3,
                          1, 0, 0, 0, 0x01, 0, 0x5e, 1, 2, 3 };
    g_autofree uint8_t *large = g_malloc0(8 + 6 * 100);
    Rig r;

    rig_init(&r, F_CTRL_VLAN);
    expect_filtered(&r, other, true);
    g_assert_cmpuint(ctrl(&r, 0, 0, "\0", 1), ==, 0);
    expect_filtered(&r, other, false);
    expect_filtered(&r, multi, false);
    expect_filtered(&r, all, true);
    g_assert_cmpuint(ctrl(&r, 1, 0, table, sizeof(table)), ==, 0);
    expect_filtered(&r, other, true);
    expect_filtered(&r, multi, true);
    /* A wrong table changes nothing. */
    table[10] = 2;
    g_assert_cmpuint(ctrl(&r, 1, 0, table, sizeof(table)), ==, 1);
    expect_filtered(&r, other, true);
    g_assert_cmpuint(ctrl(&r, 0, 5, "\1", 1), ==, 0);
    expect_filtered(&r, all, false);
    /* More than fit: all unicast passes, multicast does not. */
    large[0] = 100;
    g_assert_cmpuint(ctrl(&r, 1, 0, large, 8 + 6 * 100), ==, 0);
    expect_filtered(&r, other, true);
    expect_filtered(&r, multi, false);
    rig_end(&r);
}

/* However often the guest changes the filter, the monitor is told once until
 * it has a look. */
static void test_filter_event(void)
{
    static const char event[] = "NIC_RX_FILTER_CHANGED";
    Rig r;

    rig_init(&r, 0);
    g_assert_false(qtest_qmp_event_seen(r.qts, event));
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(ctrl(&r, 0, 0, "\0", 1), ==, 0);
        g_assert_cmpuint(ctrl(&r, 1, 1, mac, sizeof(mac)), ==, 0);
        g_assert_true(qtest_qmp_event_seen(r.qts, event));
        g_assert_false(qtest_qmp_event_seen(r.qts, event));
        json_object_put(qtest_qmp_ok(r.qts, "{'execute': 'query-rx-filter'}"));
        g_assert_false(qtest_qmp_event_seen(r.qts, event));
    }
    rig_end(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-net/packets", test_packets);
    g_test_add_func("/virtio-net/rx/late-buffer", test_rx_late_buffer);
    g_test_add_data_func("/virtio-net/rx/mergeable", NULL, test_rx_mergeable);
    g_test_add_data_func("/virtio-net/rx/mergeable-no-event-index",
                         (gconstpointer)(uintptr_t)QVIRTIO_EVENT_IDX,
                         test_rx_mergeable);
    g_test_add_func("/virtio-net/rx/too-long", test_rx_too_long);
    g_test_add_func("/virtio-net/tx/full", test_tx_full);
    g_test_add_func("/virtio-net/tx/odd-sizes", test_tx_odd_sizes);
    g_test_add_func("/virtio-net/malformed", test_malformed);
    g_test_add_func("/virtio-net/ctrl/errors", test_ctrl_errors);
    g_test_add_func("/virtio-net/ctrl/filter", test_filter);
    g_test_add_func("/virtio-net/ctrl/filter-event", test_filter_event);
    return qtest_main();
}
