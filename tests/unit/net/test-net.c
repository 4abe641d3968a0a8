/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets between peers, their waiting, links, NICs, sockets as back ends. */
#include "util/osdep.h"
#include "net/net.h"
#include <glib/gstdio.h>
#include <sys/socket.h>
#include "util/iov.h"
#include "io/fdparam.h"
#include "tests/unit/lib/assert-error.h"
#include "tests/unit/lib/loop.h"

/* ---- A NIC that notes what it gets ---- */

typedef struct TestNic {
    NICConf conf;
    NICState *nic;
    GString *got;                   /* packets, each ended by ';' */
    bool full;                      /* takes nothing */
    int sent_calls, link_changes;
} TestNic;

static ssize_t nic_receive(NetClientState *nc, const struct iovec *iov,
                           int niov)
{
    TestNic *t = nic_get_opaque(nc);
    size_t len = iov_size(iov, niov);
    g_autofree char *text = g_malloc0(len + 1);

    if (t->full) {
        return 0;
    }
    iov_to_buf(iov, niov, 0, text, len);
    g_string_append_printf(t->got, "%s;", text);
    return len;
}

static void nic_link_changed(NetClientState *nc)
{
    TestNic *t = nic_get_opaque(nc);

    t->link_changes++;
}

static const NetClientInfo test_nic_info = {
    .type = "nic",
    .size = sizeof(NetClientState),
    .is_nic = true,
    .receive_iov = nic_receive,
    .link_status_changed = nic_link_changed,
};

static void nic_init(TestNic *t, const char *netdev, const char *id)
{
    memset(t, 0, sizeof(*t));
    t->got = g_string_new("");
    if (netdev) {
        t->conf.peers.queues = net_client_find_netdev(netdev,
            t->conf.peers.ncs, NET_MAX_QUEUES);
        g_assert_cmpint(t->conf.peers.queues, >, 0);
    }
    nic_choose_mac(&t->conf.macaddr);
    t->nic = nic_new(&test_nic_info, &t->conf, "test", id, t);
}

static void nic_cleanup(TestNic *t)
{
    nic_del(t->nic);
    g_string_free(t->got, TRUE);
}

static NetClientState *queue0(TestNic *t)
{
    return nic_get_queue(t->nic, 0);
}

static void netdev_add(const char *fmt, ...) PRINTF(1, 2);
static void netdev_add(const char *fmt, ...)
{
    g_autofree char *arg = NULL;
    g_autoptr(Error) err = NULL;
    va_list ap;

    va_start(ap, fmt);
    arg = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    net_client_init_from_arg(arg, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
}

static void netdev_del(const char *id)
{
    NetClientState *nc = net_client_find(id);

    g_assert_nonnull(nc);
    net_client_del(nc);
    g_assert_null(net_client_find(id));
}

/* ---- The queue, with a pair made by hand ---- */

typedef struct Pair {
    TestNic a, b;
} Pair;

static void pair_init(Pair *p)
{
    nic_init(&p->a, NULL, "a");
    nic_init(&p->b, NULL, "b");
    queue0(&p->a)->peer = queue0(&p->b);
    queue0(&p->b)->peer = queue0(&p->a);
}

static void pair_cleanup(Pair *p)
{
    nic_cleanup(&p->a);
    nic_cleanup(&p->b);
}

static void note_sent(NetClientState *nc, ssize_t len)
{
    TestNic *t = nic_get_opaque(nc);

    t->sent_calls++;
}

static void test_packets_arrive_in_order(void)
{
    struct iovec iov[] = { { (void *)"sc", 2 }, { (void *)"at", 2 } };
    Pair p;

    pair_init(&p);
    g_assert_cmpint(net_send(queue0(&p.a), "one", 3, NULL), ==, 3);
    g_assert_cmpint(net_send_iov(queue0(&p.a), iov, 2, NULL), ==, 4);
    g_assert_cmpstr(p.b.got->str, ==, "one;scat;");

    p.b.full = true;
    g_assert_cmpint(net_send(queue0(&p.a), "1", 1, note_sent), ==, 0);
    g_assert_cmpint(net_send(queue0(&p.a), "2", 1, note_sent), ==, 0);
    p.b.full = false;
    /* still behind those that wait */
    g_assert_cmpint(net_send(queue0(&p.a), "3", 1, note_sent), ==, 0);
    g_assert_cmpint(p.a.sent_calls, ==, 0);
    net_flush_queued_packets(queue0(&p.b));
    g_assert_cmpstr(p.b.got->str, ==, "one;scat;1;2;3;");
    g_assert_cmpint(p.a.sent_calls, ==, 3);
    pair_cleanup(&p);
}

static void test_waiting_packets_are_bounded(void)
{
    Pair p;

    pair_init(&p);
    p.b.full = true;
    for (int i = 0; i < NET_QUEUE_MAX_PACKETS + 100; i++) {
        g_assert_cmpint(net_send(queue0(&p.a), "x", 1, NULL), ==, 0);
    }
    p.b.full = false;
    net_flush_queued_packets(queue0(&p.b));
    g_assert_cmpuint(p.b.got->len, ==, 2 * NET_QUEUE_MAX_PACKETS);
    pair_cleanup(&p);
}

static void test_purge_tells_the_sender(void)
{
    Pair p;

    pair_init(&p);
    p.b.full = true;
    net_send(queue0(&p.a), "1", 1, note_sent);
    net_purge_queued_packets(queue0(&p.a));
    g_assert_cmpint(p.a.sent_calls, ==, 1);
    p.b.full = false;
    net_flush_queued_packets(queue0(&p.b));
    g_assert_cmpstr(p.b.got->str, ==, "");
    pair_cleanup(&p);
}

static void test_raw_packets_get_an_empty_header(void)
{
    Pair p;

    pair_init(&p);
    queue0(&p.b)->vnet_hdr_len = 12;
    g_assert_cmpint(net_send_raw(queue0(&p.a), "x", 1), ==, 1);
    g_assert_cmpstr(p.b.got->str, ==, ";");     /* twelve NULs first */
    pair_cleanup(&p);
}

static void test_link_down_drops(void)
{
    g_autoptr(Error) err = NULL;
    Pair p;

    pair_init(&p);
    g_assert_true(net_client_set_link("b", false, &err));
    g_assert_cmpint(p.b.link_changes, ==, 1);
    g_assert_cmpint(net_send(queue0(&p.a), "x", 1, NULL), ==, 1);
    g_assert_cmpint(net_send(queue0(&p.b), "x", 1, NULL), ==, 1);
    g_assert_cmpstr(p.a.got->str, ==, "");
    g_assert_cmpstr(p.b.got->str, ==, "");
    g_assert_true(net_client_set_link("b", true, &err));
    net_send(queue0(&p.a), "y", 1, NULL);
    g_assert_cmpstr(p.b.got->str, ==, "y;");
    g_assert_false(net_client_set_link("c", true, &err));
    g_assert_cmpint(error_get_class(err), ==, ERROR_CLASS_DEVICE_NOT_FOUND);
    pair_cleanup(&p);
}

static void test_macs_are_given_in_turn(void)
{
    char text[MAC_STR_LEN + 1];
    Pair p;

    pair_init(&p);
    mac_to_string(&p.a.conf.macaddr, text);
    g_assert_cmpstr(text, ==, "52:54:00:12:34:56");
    mac_to_string(&p.b.conf.macaddr, text);
    g_assert_cmpstr(text, ==, "52:54:00:12:34:57");
    pair_cleanup(&p);
    pair_init(&p);
    mac_to_string(&p.a.conf.macaddr, text);
    g_assert_cmpstr(text, ==, "52:54:00:12:34:56");
    pair_cleanup(&p);
}

/* ---- Back ends ---- */

static char *sock_dir;

static void test_stream_pair(void)
{
    g_autofree char *path = g_build_filename(sock_dir, "stream", NULL);
    g_autofree char *big = g_strnfill(9000, 'B');
    TestNic a, b;

    netdev_add("stream,id=srv,server=on,addr.type=unix,addr.path=%s", path);
    netdev_add("{\"type\":\"stream\",\"id\":\"cli\",\"addr\":{\"type\":"
               "\"unix\",\"path\":\"%s\"},\"reconnect\":1}", path);
    nic_init(&a, "srv", "a");
    nic_init(&b, "cli", "b");
    RUN_UNTIL(!g_str_equal(net_client_find("cli")->info_str, "disconnected") &&
              !g_str_equal(net_client_find("srv")->info_str, "disconnected"));
    g_assert_cmpint(net_send(queue0(&a), "to b", 4, NULL), ==, 4);
    g_assert_cmpint(net_send(queue0(&a), big, 9000, NULL), ==, 9000);
    g_assert_cmpint(net_send(queue0(&b), "to a", 4, NULL), ==, 4);
    RUN_UNTIL(a.got->len == 5 && b.got->len == 5 + 9001);
    g_assert_cmpstr(a.got->str, ==, "to a;");

    /* a receiver that stops, stops the sender; nothing is lost */
    g_string_truncate(b.got, 0);
    b.full = true;
    for (int i = 0; i < 500; i++) {
        net_send(queue0(&a), big, 9000, note_sent);
        aio_poll(main_context(), false);
    }
    g_assert_cmpint(b.got->len, ==, 0);
    b.full = false;
    net_flush_queued_packets(queue0(&b));
    RUN_UNTIL(b.got->len == 500 * 9001);

    /* the client comes back by itself */
    netdev_del("srv");
    g_assert_true(queue0(&a)->link_down);
    g_assert_cmpint(net_send(queue0(&a), "x", 1, NULL), ==, 1);
    RUN_UNTIL(g_str_equal(net_client_find("cli")->info_str, "disconnected"));
    netdev_add("stream,id=srv,server=on,addr.type=unix,addr.path=%s", path);
    RUN_UNTIL(!g_str_equal(net_client_find("cli")->info_str, "disconnected"));
    nic_cleanup(&a);
    nic_cleanup(&b);
    netdev_del("srv");
    netdev_del("cli");
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_dgram_pair_and_fd(void)
{
    g_autofree char *one = g_build_filename(sock_dir, "one", NULL);
    g_autofree char *two = g_build_filename(sock_dir, "two", NULL);
    char buf[16] = "";
    int pair[2];
    TestNic a, b, c;

    netdev_add("dgram,id=da,local.type=unix,local.path=%s,remote.type=unix,"
               "remote.path=%s", one, two);
    netdev_add("dgram,id=db,local.type=unix,local.path=%s,remote.type=unix,"
               "remote.path=%s", two, one);
    nic_init(&a, "da", "a");
    nic_init(&b, "db", "b");
    net_send(queue0(&a), "hello", 5, NULL);
    net_send(queue0(&b), "again", 5, NULL);
    RUN_UNTIL(a.got->len == 6 && b.got->len == 6);
    nic_cleanup(&a);
    nic_cleanup(&b);
    netdev_del("da");
    netdev_del("db");

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), ==, 0);
    netdev_add("dgram,id=dc,local.type=fd,local.str=%d", pair[0]);
    nic_init(&c, "dc", "c");
    g_assert_cmpint(write(pair[1], "in", 2), ==, 2);
    RUN_UNTIL(c.got->len == 3);
    net_send(queue0(&c), "out", 3, NULL);
    g_assert_cmpint(read(pair[1], buf, sizeof(buf)), ==, 3);
    nic_cleanup(&c);
    netdev_del("dc");
    close(pair[1]);
}

static void test_bad_netdevs(void)
{
    static const struct {
        const char *arg, *text;
    } cases[] = {
        { "stream,id=x", "addr" },
        { "stream,id=1x,addr.type=unix,addr.path=/tmp/x", "id" },
        { "strem,id=x", "strem" },
        { "stream,id=x,server=on,reconnect=1,addr.type=unix,addr.path=/tmp/x",
          "reconnect" },
        { "stream,id=x,server=on,addr.type=unix,addr.path=/nonexistent/x",
          "/nonexistent/x" },
        { "dgram,id=x", "local=" },
        { "dgram,id=x,local.type=unix,local.path=/tmp/x", "both" },
        { "tap,id=x,fd=999", "999" },
        { "tap,id=x,fd=0", "not a tap" },
        { "tap,id=x,fd=0,fds=1:2", "mutually" },
        { "tap,id=x,fd=0,ifname=t", "ifname" },
        { "tap,id=x,queues=0", "'0'" },
        { "tap,id=x,ifname=0123456789abcdef", "too long" },
        { "tap,id=x,fd=0,bogus=1", "bogus" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        net_client_init_from_arg(cases[i].arg, &err);
        assert_error_of(cases[i].arg, err, cases[i].text);
        g_assert_null(net_client_find("x"));
    }
}

static void test_duplicate_id(void)
{
    g_autofree char *path = g_build_filename(sock_dir, "dup", NULL);
    g_autofree char *arg = g_strdup_printf(
        "stream,id=x,server=on,addr.type=unix,addr.path=%s", path);
    g_autoptr(Error) err = NULL;

    netdev_add("%s", arg);
    g_assert_false(net_client_init_from_arg(arg, &err));
    assert_error(err, "Duplicate");
    net_cleanup();
    g_assert_null(net_client_find("x"));
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    sock_dir = g_dir_make_tmp("nemu-net-XXXXXX", NULL);
#define ADD(name, fn) g_test_add_func("/net/" name, fn)
    ADD("order", test_packets_arrive_in_order);
    ADD("bound", test_waiting_packets_are_bounded);
    ADD("purge", test_purge_tells_the_sender);
    ADD("raw", test_raw_packets_get_an_empty_header);
    ADD("link", test_link_down_drops);
    ADD("mac", test_macs_are_given_in_turn);
    ADD("stream", test_stream_pair);
    ADD("dgram", test_dgram_pair_and_fd);
    ADD("bad", test_bad_netdevs);
    ADD("duplicate", test_duplicate_id);
    ret = g_test_run();
    g_rmdir(sock_dir);
    g_free(sock_dir);
    return ret;
}
