/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tap against the kernel, in a network namespace of its own. */
#include "util/osdep.h"
#include "net/tap.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "util/iov.h"
#include "tests/unit/lib/assert-error.h"
#include "tests/unit/lib/loop.h"

static const char *why_not;             /* NULL: taps can be made */

typedef struct TestNic {
    NICConf conf;
    NICState *nic;
    int packets;                        /* of our type */
    size_t last_len;
    bool full;
} TestNic;

#define TEST_ETHERTYPE 0x88b5           /* IEEE 802 local experimental */

static ssize_t nic_receive(NetClientState *nc, const struct iovec *iov,
                           int niov)
{
    TestNic *t = nic_get_opaque(nc);
    size_t len = iov_size(iov, niov);
    uint16_t type = 0;

    if (t->full) {
        return 0;
    }
    iov_to_buf(iov, niov, nc->vnet_hdr_len + 12, &type, 2);
    if (type == htons(TEST_ETHERTYPE)) {
        t->packets++;
        t->last_len = len;
    }
    return len;
}

static const NetClientInfo test_nic_info = {
    .type = "nic",
    .size = sizeof(NetClientState),
    .is_nic = true,
    .receive_iov = nic_receive,
};

static void nic_init(TestNic *t)
{
    memset(t, 0, sizeof(*t));
    t->conf.peers.queues = net_client_find_netdev("t", t->conf.peers.ncs,
                                                  NET_MAX_QUEUES);
    t->nic = nic_new(&test_nic_info, &t->conf, "test", "nic", t);
}

static void nic_cleanup(TestNic *t)
{
    nic_del(t->nic);
    net_client_del(net_client_find("t"));
}

static void netdev_add(const char *arg)
{
    g_autoptr(Error) err = NULL;

    net_client_init_from_arg(arg, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
}

/* Set the interface up and open the host's end of it. */
static int host_socket(const char *ifname)
{
    struct sockaddr_ll sll = { .sll_family = AF_PACKET };
    struct ifreq ifr = { 0 };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK,
                    htons(TEST_ETHERTYPE));

    g_assert_cmpint(fd, >=, 0);
    g_strlcpy(ifr.ifr_name, ifname, IFNAMSIZ);
    g_assert_cmpint(ioctl(fd, SIOCGIFFLAGS, &ifr), ==, 0);
    ifr.ifr_flags |= IFF_UP;
    g_assert_cmpint(ioctl(fd, SIOCSIFFLAGS, &ifr), ==, 0);
    sll.sll_ifindex = if_nametoindex(ifname);
    sll.sll_protocol = htons(TEST_ETHERTYPE);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&sll, sizeof(sll)), ==, 0);
    return fd;
}

static void fill_packet(uint8_t *p, size_t len)
{
    memset(p, 0xff, len);
    p[12] = TEST_ETHERTYPE >> 8;
    p[13] = TEST_ETHERTYPE & 0xff;
}

static void test_packets_both_ways(void)
{
    uint8_t packet[100], buf[200];
    TestNic t;
    int fd;

    if (why_not) {
        g_test_skip(why_not);
        return;
    }
    netdev_add("tap,id=t,ifname=nemut0,script=no,downscript=no");
    nic_init(&t);
    g_assert_cmpint(t.conf.peers.queues, ==, 1);
    fd = host_socket("nemut0");
    fill_packet(packet, sizeof(packet));

    /* no header agreed on: it is put on and taken off by the tap */
    net_send(nic_get_queue(t.nic, 0), packet, sizeof(packet), NULL);
    RUN_UNTIL(recv(fd, buf, sizeof(buf), 0) == sizeof(packet));
    g_assert_cmpint(write(fd, packet, sizeof(packet)), ==, sizeof(packet));
    RUN_UNTIL(t.packets == 1);
    g_assert_cmpuint(t.last_len, ==, sizeof(packet));
    close(fd);
    nic_cleanup(&t);
    g_assert_cmpuint(if_nametoindex("nemut0"), ==, 0);
}

static void test_vnet_header(void)
{
    struct virtio_net_hdr_mrg_rxbuf hdr = { 0 };
    uint8_t packet[100], buf[200];
    struct iovec iov[] = { { &hdr, sizeof(hdr) }, { packet, sizeof(packet) } };
    NetClientState *nc;
    NetOffloads o;
    TestNic t;
    int fd;

    if (why_not) {
        g_test_skip(why_not);
        return;
    }
    netdev_add("tap,id=t,ifname=nemut1,script=no,downscript=no,vnet_hdr=on");
    nic_init(&t);
    nc = nic_get_queue(t.nic, 0);
    fd = host_socket("nemut1");
    fill_packet(packet, sizeof(packet));
    g_assert_true(net_peer_has_vnet_hdr_len(nc, sizeof(hdr)));
    g_assert_false(net_peer_has_vnet_hdr_len(nc, 11));
    net_peer_set_vnet_hdr_len(nc, sizeof(hdr));
    o = net_peer_get_offloads(nc);
    g_assert_true(o.csum && o.tso4 && o.tso6);
    net_peer_set_offloads(nc, &o);
    g_assert_cmpint(net_send_iov(nc, iov, 2, NULL), ==,
                    sizeof(hdr) + sizeof(packet));
    RUN_UNTIL(recv(fd, buf, sizeof(buf), 0) == sizeof(packet));
    g_assert_cmpint(write(fd, packet, sizeof(packet)), ==, sizeof(packet));
    RUN_UNTIL(t.packets == 1);
    g_assert_cmpuint(t.last_len, ==, sizeof(hdr) + sizeof(packet));

    /* a NIC without buffers stops the tap; nothing of it is lost */
    t.full = true;
    for (int i = 0; i < 10; i++) {
        g_assert_cmpint(write(fd, packet, sizeof(packet)), >, 0);
        aio_poll(main_context(), false);
    }
    t.full = false;
    net_flush_queued_packets(nc);
    RUN_UNTIL(t.packets == 11);
    g_assert_cmpint(tap_get_vhost_fd(nc->peer), ==, -1);
    g_assert_cmpint(tap_get_fd(nc->peer), >=, 0);
    g_assert_cmpint(tap_get_fd(nc), ==, -1);
    close(fd);
    nic_cleanup(&t);
}

static void test_multi_queue_and_fds(void)
{
    g_autofree char *arg = NULL;
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
                                      IFF_MULTI_QUEUE };
    int fds[2];
    TestNic t;

    if (why_not) {
        g_test_skip(why_not);
        return;
    }
    netdev_add("tap,id=t,ifname=nemut2,script=no,downscript=no,queues=3");
    nic_init(&t);
    g_assert_cmpint(t.conf.peers.queues, ==, 3);
    g_assert_cmpint(t.nic->n_queues, ==, 3);
    g_assert_true(net_peer_set_queue_enabled(nic_get_queue(t.nic, 2), false));
    g_assert_true(net_peer_set_queue_enabled(nic_get_queue(t.nic, 2), true));
    nic_cleanup(&t);

    for (int i = 0; i < 2; i++) {
        fds[i] = open("/dev/net/tun", O_RDWR);
        g_strlcpy(ifr.ifr_name, "nemut3", IFNAMSIZ);
        g_assert_cmpint(ioctl(fds[i], TUNSETIFF, &ifr), ==, 0);
    }
    arg = g_strdup_printf("tap,id=t,fds=%d:%d", fds[0], fds[1]);
    netdev_add(arg);
    nic_init(&t);
    g_assert_cmpint(t.conf.peers.queues, ==, 2);
    g_assert_true(net_peer_has_vnet_hdr_len(nic_get_queue(t.nic, 1), 12));
    nic_cleanup(&t);
}

static void test_scripts_run(void)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(),
                                             "nemu-tap-XXXXXX", NULL);
    g_autofree char *arg = NULL, *log = NULL;
    g_autofree char *script = NULL, *content = NULL;
    g_autoptr(Error) err = NULL;
    int fd;

    if (why_not) {
        g_test_skip(why_not);
        return;
    }
    fd = g_mkstemp(path);
    log = g_strdup_printf("%s.log", path);
    script = g_strdup_printf("#!/bin/sh\necho \"$1\" >> %s\n", log);
    g_assert_cmpint(write(fd, script, strlen(script)), ==, strlen(script));
    fchmod(fd, 0700);
    close(fd);
    arg = g_strdup_printf("tap,id=t,ifname=nemut4,script=%s,downscript=%s",
                          path, path);
    netdev_add(arg);
    net_client_del(net_client_find("t"));
    g_assert_true(g_file_get_contents(log, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "nemut4\nnemut4\n");
    unlink(log);
    unlink(path);
    g_assert_false(net_client_init_from_arg(
        "tap,id=t,ifname=nemut5,script=/bin/false,downscript=no", &err));
    assert_error(err, "/bin/false");
    g_assert_null(net_client_find("t"));
    g_assert_cmpuint(if_nametoindex("nemut5"), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (unshare(CLONE_NEWNET) < 0 &&
        unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        why_not = "no network namespace";
    } else if (access("/dev/net/tun", R_OK | W_OK) < 0) {
        why_not = "no /dev/net/tun";
    }
    test_loop_init();
    g_test_add_func("/net/tap/packets", test_packets_both_ways);
    g_test_add_func("/net/tap/vnet-header", test_vnet_header);
    g_test_add_func("/net/tap/multi-queue", test_multi_queue_and_fds);
    g_test_add_func("/net/tap/scripts", test_scripts_run);
    return g_test_run();
}
