/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User networking: options, DHCP and ARP answers, a forwarded port. */
#include "util/osdep.h"
#include "net/net.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "util/iov.h"
#include "util/timer.h"
#include "tests/unit/lib/assert-error.h"
#include "tests/unit/lib/loop.h"

typedef struct TestNic {
    NICConf conf;
    NICState *nic;
    GPtrArray *got;                 /* of GByteArray */
} TestNic;

static ssize_t nic_receive(NetClientState *nc, const struct iovec *iov,
                           int niov)
{
    TestNic *t = nic_get_opaque(nc);
    size_t len = iov_size(iov, niov);
    GByteArray *packet = g_byte_array_new();

    g_byte_array_set_size(packet, len);
    iov_to_buf(iov, niov, 0, packet->data, len);
    g_ptr_array_add(t->got, packet);
    return len;
}

static const NetClientInfo test_nic_info = {
    .type = "nic",
    .size = sizeof(NetClientState),
    .is_nic = true,
    .receive_iov = nic_receive,
};

static void free_packet(void *packet)
{
    g_byte_array_free(packet, TRUE);
}

static void nic_init(TestNic *t, const char *arg)
{
    g_autoptr(Error) err = NULL;

    net_client_init_from_arg(arg, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    memset(t, 0, sizeof(*t));
    t->got = g_ptr_array_new_with_free_func(free_packet);
    t->conf.peers.queues = net_client_find_netdev("u", t->conf.peers.ncs,
                                                  NET_MAX_QUEUES);
    t->nic = nic_new(&test_nic_info, &t->conf, "test", "nic", t);
}

static void nic_cleanup(TestNic *t)
{
    nic_del(t->nic);
    g_ptr_array_free(t->got, TRUE);
    net_client_del(net_client_find("u"));
}

/* Run the loop until a packet of @ethertype comes, and give it. */
static GByteArray *wait_packet(TestNic *t, uint16_t ethertype)
{
    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

    while (g_get_monotonic_time() < end) {
        for (guint i = 0; i < t->got->len; i++) {
            GByteArray *p = t->got->pdata[i];

            if (p->len > 14 && p->data[12] == ethertype >> 8 &&
                p->data[13] == (ethertype & 0xff)) {
                return g_ptr_array_steal_index(t->got, i);
            }
        }
        if (!aio_poll(main_context(), false)) {
            g_usleep(200);
        }
    }
    g_error("no packet of type 0x%x", ethertype);
    return NULL;
}

static const uint8_t guest_mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

/* RFC 826: who has @ip? */
static void send_arp_request(TestNic *t, const char *from, const char *ip)
{
    uint8_t p[42] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

    memcpy(p + 6, guest_mac, 6);
    memcpy(p + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10);
    memcpy(p + 22, guest_mac, 6);
    inet_pton(AF_INET, from, p + 28);
    inet_pton(AF_INET, ip, p + 38);
    net_send(nic_get_queue(t->nic, 0), p, sizeof(p), NULL);
}

static void test_router_answers_arp(void)
{
    GByteArray *p;
    TestNic t;
    uint8_t ip[4];

    nic_init(&t, "user,id=u,net=192.168.7.0/24");
    send_arp_request(&t, "192.168.7.15", "192.168.7.2");
    p = wait_packet(&t, 0x0806);
    g_assert_cmpint(p->data[21], ==, 2);                /* reply */
    inet_pton(AF_INET, "192.168.7.2", ip);
    g_assert_cmpmem(p->data + 28, 4, ip, 4);
    free_packet(p);
    nic_cleanup(&t);
}

/* SYN of a host's connection to the forwarded port arrives at the guest. */
static void test_forwarded_port_reaches_the_guest(void)
{
    struct sockaddr_in sa = { .sin_family = AF_INET };
    socklen_t len = sizeof(sa);
    g_autofree char *arg = NULL;
    GByteArray *p;
    TestNic t;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    /* a free port */
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), ==, 0);
    getsockname(fd, (struct sockaddr *)&sa, &len);
    close(fd);
    arg = g_strdup_printf("user,id=u,hostfwd=tcp:127.0.0.1:%d-:80,"
                          "hostfwd=udp::0-:53", ntohs(sa.sin_port));
    nic_init(&t, arg);
    send_arp_request(&t, "10.0.2.15", "10.0.2.2");      /* it knows us now */
    free_packet(wait_packet(&t, 0x0806));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fd, (struct sockaddr *)&sa, sizeof(sa));
    p = wait_packet(&t, 0x0800);
    g_assert_cmpint(p->data[14 + 9], ==, 6);            /* TCP */
    g_assert_cmpint(p->data[34 + 13] & 0x12, ==, 2);    /* SYN, no ACK */
    g_assert_cmpint(p->data[34 + 2] << 8 | p->data[34 + 3], ==, 80);
    free_packet(p);
    close(fd);
    nic_cleanup(&t);
}

/* Nothing has happened: the loop must have no reason to wake up. */
static void test_idle_network_sleeps(void)
{
    TestNic t;

    nic_init(&t, "user,id=u,ipv6=off");
    while (aio_poll(main_context(), false)) {
    }
    g_usleep(20000);
    g_assert_false(aio_poll(main_context(), false));
    g_assert_cmpint(virtual_clock_deadline_ns(), ==, INT64_MAX);
    nic_cleanup(&t);
}

static void test_bad_options(void)
{
    static const struct {
        const char *arg, *text;
    } cases[] = {
        { "user,id=x,net=10.0.2", "10.0.2" },
        { "user,id=x,net=10.0.2.0/40", "10.0.2.0/40" },
        { "user,id=x,net=10.0.2.0/255.0.255.0", "mask" },
        { "user,id=x,host=10.1.2.2", "10.1.2.2" },
        { "user,id=x,host=10.0.2.3,dns=10.0.2.3", "different" },
        { "user,id=x,dhcpstart=10.0.2.1", "dhcpstart" },
        { "user,id=x,dns=dns.example", "dns.example" },
        { "user,id=x,ipv4=off,ipv6=off", "both off" },
        { "user,id=x,ipv6-prefixlen=127", "127" },
        { "user,id=x,ipv6-prefix=xyz", "xyz" },
        { "user,id=x,hostfwd=tcp", "no ':' separators" },
        { "user,id=x,hostfwd=sctp::1-:1", "protocol" },
        { "user,id=x,hostfwd=tcp:nohost:1-:1", "host address" },
        { "user,id=x,hostfwd=tcp::70000-:1", "host port" },
        { "user,id=x,hostfwd=tcp::1-:0", "guest port" },
        { "user,id=x,guestfwd=tcp:10.0.2.100:80", "guest forwarding" },
        { "user,id=x,guestfwd=udp:10.0.2.100:80-null", "guest forwarding" },
        { "user,id=x,guestfwd=tcp:10.0.2.100:80-bogus", "bogus" },
        { "user,id=x,bogus=1", "bogus" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        net_client_init_from_arg(cases[i].arg, &err);
        assert_error_of(cases[i].arg, err, cases[i].text);
        g_assert_null(net_client_find("x"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    virtual_clock_enable(true);
#define ADD(name, fn) g_test_add_func("/net/user/" name, fn)
    ADD("arp", test_router_answers_arp);
    ADD("hostfwd", test_forwarded_port_reaches_the_guest);
    ADD("idle", test_idle_network_sleeps);
    ADD("bad", test_bad_options);
    return g_test_run();
}
