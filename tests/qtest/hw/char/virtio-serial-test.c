/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-serial: control messages, data both ways through sockets, and what a
 * driver can do wrong. VirtIO 1.2, 5.3.
 */
#include "libqtest/qtest-virtio.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#define CONSOLE_ID  3

enum { Q_RX0, Q_TX0, Q_CRX, Q_CTX, Q_RX1, Q_TX1, N_QUEUES };
enum { DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE,
       PORT_OPEN, PORT_NAME };

#define CTRL_BUFS   16
#define CTRL_SIZE   64

typedef struct Rig {
    QTest *qts;
    QPci pci;
    QVirtio v;
    QVirtQueue q[N_QUEUES];
    uint64_t ctrl, out, rx, tx;     /* buffers */
    int console, port;              /* the host's ends */
} Rig;

typedef struct Control {
    uint32_t id;
    uint16_t event, value;
    char name[CTRL_SIZE - 8];
} Control;

static void add_ctrl_buf(Rig *r, unsigned int n)
{
    qvq_add(&r->q[Q_CRX], &(QVirtBuf){ r->ctrl + CTRL_SIZE * (n % CTRL_BUFS),
                                       CTRL_SIZE, true }, 1);
}

static void rig_start_driver(Rig *r)
{
    qvirtio_init(&r->v, &r->pci, CONSOLE_ID, 0);
    qvirtio_negotiate(&r->v, UINT64_MAX & ~QVIRTIO_RING_PACKED);
    g_assert_cmpuint(qvirtio_num_queues(&r->v), >=, N_QUEUES);
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        qvirtio_queue_setup(&r->v, &r->q[i], i, 0);
    }
    qvirtio_driver_ok(&r->v);
    for (unsigned int i = 0; i < CTRL_BUFS; i++) {
        add_ctrl_buf(r, i);
    }
    qvq_kick(&r->q[Q_CRX]);
}

static void rig_init(Rig *r)
{
    int a[2], b[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, a), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, b), ==, 0);
    r->console = a[0];
    r->port = b[0];
    fcntl(a[0], F_SETFD, FD_CLOEXEC);
    fcntl(b[0], F_SETFD, FD_CLOEXEC);
    r->qts = qtest_startf("-M virt -m 64M "
                          "-chardev socket,id=c0,fd=%d "
                          "-chardev socket,id=c1,fd=%d "
                          "-device virtio-serial-pci,id=vs,max_ports=4 "
                          "-device virtconsole,chardev=c0 "
                          "-device virtserialport,chardev=c1,id=p1,"
                          "name=org.test.port", a[1], b[1]);
    close(a[1]);
    close(b[1]);
    qpci_init(&r->pci, r->qts);
    r->ctrl = qtest_alloc(r->qts, CTRL_BUFS * CTRL_SIZE, 4096);
    r->out = qtest_alloc(r->qts, 64, 16);
    r->rx = qtest_alloc(r->qts, 64 * KiB, 4096);
    r->tx = qtest_alloc(r->qts, 1 * MiB, 4096);
    rig_start_driver(r);
}

static void rig_end(Rig *r)
{
    qvirtio_clear(&r->v);
    qtest_quit(r->qts);
    close(r->console);
    close(r->port);
}

static void send_raw(Rig *r, const void *msg, uint32_t len)
{
    uint16_t head;

    qtest_memwrite(r->qts, r->out, msg, len);
    head = qvq_add(&r->q[Q_CTX], &(QVirtBuf){ r->out, len, false }, 1);
    qvq_kick(&r->q[Q_CTX]);
    qvq_wait_used(&r->q[Q_CTX], head, NULL);
}

static void send_ctrl(Rig *r, uint32_t id, uint16_t event, uint16_t value)
{
    Control c = { id, event, value, "" };

    send_raw(r, &c, 8);
}

/* The next message; its buffer goes back. */
static Control next_ctrl(Rig *r)
{
    Control c = { 0 };
    uint32_t head, len;
    uint16_t n = r->q[Q_CRX].used_idx;

    QTEST_WAIT(r->qts, qvq_poll_used(&r->q[Q_CRX], &head, &len));
    g_assert_cmpuint(len, >=, 8);
    g_assert_cmpuint(len, <=, CTRL_SIZE);
    qtest_memread(r->qts, r->ctrl + CTRL_SIZE * (n % CTRL_BUFS), &c, len);
    add_ctrl_buf(r, n);
    qvq_kick(&r->q[Q_CRX]);
    return c;
}

static void expect_ctrl(Rig *r, uint32_t id, uint16_t event, uint16_t value)
{
    Control c = next_ctrl(r);

    g_assert_cmpuint(c.id, ==, id);
    g_assert_cmpuint(c.event, ==, event);
    g_assert_cmpuint(c.value, ==, value);
    if (event == PORT_NAME) {
        g_assert_cmpstr(c.name, ==, "org.test.port");
    }
}

/* As Linux does it. */
static void set_up_ports(Rig *r)
{
    send_ctrl(r, 0, DEVICE_READY, 1);
    expect_ctrl(r, 0, PORT_ADD, 1);
    expect_ctrl(r, 1, PORT_ADD, 1);
    send_ctrl(r, 0, PORT_READY, 1);
    expect_ctrl(r, 0, CONSOLE_PORT, 1);
    expect_ctrl(r, 0, PORT_OPEN, 1);
    send_ctrl(r, 1, PORT_READY, 1);
    expect_ctrl(r, 1, PORT_NAME, 1);
    expect_ctrl(r, 1, PORT_OPEN, 1);
    send_ctrl(r, 0, PORT_OPEN, 1);
    send_ctrl(r, 1, PORT_OPEN, 1);
}

static void host_read(int fd, void *buf, size_t len)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    size_t done = 0;

    while (done < len) {
        ssize_t n;

        g_assert_cmpint(poll(&pfd, 1, 10000), ==, 1);
        n = read(fd, (char *)buf + done, len - done);
        g_assert_cmpint(n, >, 0);
        done += n;
    }
}

static void check_output(Rig *r, int queue, int fd)
{
    QVirtBuf bufs[2] = { { r->tx, 5, false }, { r->tx + 100, 6, false } };
    char got[11];
    uint16_t head;

    qtest_memwrite(r->qts, r->tx, "hello", 5);
    qtest_memwrite(r->qts, r->tx + 100, " world", 6);
    head = qvq_add(&r->q[queue], bufs, 2);
    qvq_kick(&r->q[queue]);
    qvq_wait_used(&r->q[queue], head, NULL);
    host_read(fd, got, sizeof(got));
    g_assert_cmpmem(got, sizeof(got), "hello world", 11);
}

/* Buffers of 4 bytes for a message of 10: it comes in order, in pieces. */
static void check_input(Rig *r, int queue, int fd)
{
    char got[10];
    size_t done = 0;

    g_assert_cmpint(write(fd, "0123456789", 10), ==, 10);
    while (done < sizeof(got)) {
        uint32_t len;
        uint16_t head = qvq_add(&r->q[queue], &(QVirtBuf){ r->rx, 4, true }, 1);

        qvq_kick(&r->q[queue]);
        qvq_wait_used(&r->q[queue], head, &len);
        g_assert_cmpuint(len, >, 0);
        g_assert_cmpuint(done + len, <=, sizeof(got));
        qtest_memread(r->qts, r->rx, got + done, len);
        done += len;
    }
    g_assert_cmpmem(got, sizeof(got), "0123456789", 10);
}

static void test_data(void)
{
    Rig r;

    rig_init(&r);
    g_assert_cmpuint(qvirtio_config_readl(&r.v, 4), ==, 4);
    set_up_ports(&r);
    for (int i = 0; i < 30; i++) {
        check_output(&r, Q_TX0, r.console);
        check_output(&r, Q_TX1, r.port);
        check_input(&r, Q_RX0, r.console);
        check_input(&r, Q_RX1, r.port);
    }
    qvirtio_clear(&r.v);
    rig_start_driver(&r);
    set_up_ports(&r);
    check_output(&r, Q_TX1, r.port);
    check_input(&r, Q_RX1, r.port);
    rig_end(&r);
}

/* Input waits until the guest opens the port. */
static void test_closed_port(void)
{
    Rig r;
    uint32_t head, len;

    rig_init(&r);
    set_up_ports(&r);
    send_ctrl(&r, 1, PORT_OPEN, 0);
    qvq_add(&r.q[Q_RX1], &(QVirtBuf){ r.rx, 64, true }, 1);
    qvq_kick(&r.q[Q_RX1]);
    g_assert_cmpint(write(r.port, "abc", 3), ==, 3);
    for (int i = 0; i < 20; i++) {
        qtest_pause(r.qts);
    }
    g_assert_false(qvq_poll_used(&r.q[Q_RX1], &head, &len));
    send_ctrl(&r, 1, PORT_OPEN, 1);
    QTEST_WAIT(r.qts, qvq_poll_used(&r.q[Q_RX1], &head, &len));
    g_assert_cmpuint(len, ==, 3);
    rig_end(&r);
}

/* More than the socket takes, with stop and cont in between: each byte comes
 * once. */
static void test_throttled(void)
{
    const size_t total = 1 * MiB;
    g_autofree uint8_t *sent = g_malloc(total), *got = g_malloc(total);
    Rig r;
    uint16_t head;

    rig_init(&r);
    set_up_ports(&r);
    for (size_t i = 0; i < total; i++) {
        sent[i] = i ^ i >> 8 ^ i >> 16;
    }
    qtest_memwrite(r.qts, r.tx, sent, total);
    head = qvq_add(&r.q[Q_TX1], &(QVirtBuf){ r.tx, total, false }, 1);
    qvq_kick(&r.q[Q_TX1]);
    for (size_t done = 0; done < total; done += total / 8) {
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'stop'}"));
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'cont'}"));
        host_read(r.port, got + done, total / 8);
    }
    qvq_wait_used(&r.q[Q_TX1], head, NULL);
    g_assert_cmpmem(got, total, sent, total);
    check_output(&r, Q_TX1, r.port);
    /* Full again, then reset: the new driver starts afresh. */
    qvq_add(&r.q[Q_TX1], &(QVirtBuf){ r.tx, total, false }, 1);
    qvq_kick(&r.q[Q_TX1]);
    qtest_pause(r.qts);
    qvirtio_clear(&r.v);
    rig_start_driver(&r);
    set_up_ports(&r);
    g_assert_cmpuint(qvq_get_used_idx(&r.q[Q_TX1]), ==, 0);
    rig_end(&r);
}

static void test_host_closes(void)
{
    Rig r;
    uint16_t head;

    rig_init(&r);
    set_up_ports(&r);
    close(r.port);
    expect_ctrl(&r, 1, PORT_OPEN, 0);
    /* Output goes nowhere and does not stop the guest. */
    head = qvq_add(&r.q[Q_TX1], &(QVirtBuf){ r.tx, 4096, false }, 1);
    qvq_kick(&r.q[Q_TX1]);
    qvq_wait_used(&r.q[Q_TX1], head, NULL);
    check_output(&r, Q_TX0, r.console);
    r.port = dup(r.console);
    rig_end(&r);
}

static void test_hot_plug(void)
{
    Rig r;

    rig_init(&r);
    set_up_ports(&r);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'device_add','arguments':"
                                 "{'driver':'virtserialport','id':'p3',"
                                 "'bus':'vs.0','nr':3}}"));
    expect_ctrl(&r, 3, PORT_ADD, 1);
    json_object_put(qtest_qmp_ok(r.qts, "{'execute':'device_del','arguments':"
                                 "{'id':'p3'}}"));
    expect_ctrl(&r, 3, PORT_REMOVE, 1);
    g_free(qtest_qmp_fail(r.qts, NULL, "{'execute':'device_add','arguments':"
                          "{'driver':'virtserialport','bus':'vs.0','nr':4}}"));
    g_free(qtest_qmp_fail(r.qts, NULL, "{'execute':'device_add','arguments':"
                          "{'driver':'virtserialport','bus':'vs.0','nr':1}}"));
    check_output(&r, Q_TX1, r.port);
    rig_end(&r);
}

/* Messages of no sense are ignored. */
static void test_bad_control(void)
{
    static const Control bad[] = {
        { 99, PORT_READY, 1, "" }, { UINT32_MAX, PORT_OPEN, 1, "" },
        { 2, PORT_OPEN, 1, "" }, { 1, 777, 1, "" }, { 1, PORT_ADD, 1, "" },
        { 1, PORT_READY, 0, "" }, { 4, DEVICE_READY, 0, "" },
    };
    Rig r;

    rig_init(&r);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        send_raw(&r, &bad[i], 8);
    }
    send_raw(&r, &bad[0], 7);
    send_raw(&r, &bad[0], 1);
    set_up_ports(&r);
    check_output(&r, Q_TX1, r.port);
    /* A driver that asks for ever and takes nothing. */
    for (int i = 0; i < 3000; i++) {
        Control c = { 0, DEVICE_READY, 1, "" };

        if (i == 0) {
            qtest_memwrite(r.qts, r.out, &c, 8);
        }
        qvq_add(&r.q[Q_CTX], &(QVirtBuf){ r.out, 8, false }, 1);
        if (i % 16 == 15) {
            qvq_kick(&r.q[Q_CTX]);
            QTEST_WAIT(r.qts, qvq_get_used_idx(&r.q[Q_CTX]) ==
                              r.q[Q_CTX].avail_idx);
        }
    }
    check_output(&r, Q_TX1, r.port);
    g_assert_cmphex(qvirtio_get_status(&r.v) & QVIRTIO_NEEDS_RESET, ==, 0);
    rig_end(&r);
}

/* Buffers of the wrong direction. */
static void test_wrong_buffers(void)
{
    Rig r;
    uint32_t len;
    uint16_t head;

    rig_init(&r);
    set_up_ports(&r);
    head = qvq_add(&r.q[Q_TX1], &(QVirtBuf){ r.tx, 16, true }, 1);
    qvq_kick(&r.q[Q_TX1]);
    qvq_wait_used(&r.q[Q_TX1], head, &len);
    g_assert_cmpuint(len, ==, 0);
    check_output(&r, Q_TX1, r.port);
    qvq_add(&r.q[Q_RX1], &(QVirtBuf){ r.rx, 16, false }, 1);
    qvq_kick(&r.q[Q_RX1]);
    g_assert_cmpint(write(r.port, "abc", 3), ==, 3);
    QTEST_WAIT(r.qts, qvirtio_get_status(&r.v) & QVIRTIO_NEEDS_RESET);
    qvirtio_clear(&r.v);
    rig_start_driver(&r);
    set_up_ports(&r);
    qvq_add(&r.q[Q_RX1], &(QVirtBuf){ r.rx, 16, true }, 1);
    qvq_kick(&r.q[Q_RX1]);
    qvq_wait_used(&r.q[Q_RX1], 0, &len);
    g_assert_cmpuint(len, ==, 3);
    rig_end(&r);
}

/* The same memory 100 GiB over: the rest of the program has its turns. */
static void test_endless_output(void)
{
    g_autofree QVirtBuf *bufs = g_new(QVirtBuf, 1024);
    Rig r = { .console = -1, .port = -1 };

    r.qts = qtest_start("-M virt -m 128M -chardev ringbuf,id=c0 "
                        "-device virtio-serial-pci "
                        "-device virtconsole,chardev=c0");
    qpci_init(&r.pci, r.qts);
    r.ctrl = qtest_alloc(r.qts, CTRL_BUFS * CTRL_SIZE, 4096);
    rig_start_driver(&r);
    for (int i = 0; i < 1024; i++) {
        bufs[i] = (QVirtBuf) { 4 * MiB, 100 * MiB, false };
    }
    qvq_add_indirect(&r.q[Q_TX0], bufs, 1024);
    qvq_kick(&r.q[Q_TX0]);
    for (int i = 0; i < 10; i++) {
        json_object_put(qtest_qmp_ok(r.qts, "{'execute':'query-status'}"));
    }
    qvirtio_reset(&r.v);
    rig_end(&r);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio-serial/data", test_data);
    g_test_add_func("/virtio-serial/closed-port", test_closed_port);
    g_test_add_func("/virtio-serial/throttled", test_throttled);
    g_test_add_func("/virtio-serial/host-closes", test_host_closes);
    g_test_add_func("/virtio-serial/hot-plug", test_hot_plug);
    g_test_add_func("/virtio-serial/bad-control", test_bad_control);
    g_test_add_func("/virtio-serial/wrong-buffers", test_wrong_buffers);
    g_test_add_func("/virtio-serial/endless-output", test_endless_output);
    return qtest_main();
}
