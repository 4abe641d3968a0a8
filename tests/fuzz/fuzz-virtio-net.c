/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net: transmit, receive, control queue. The first byte chooses the
 * card: with two pairs and offloads, or plain. The other end is here.
 */
#include "fuzz-virtio.h"
#include <linux/virtio_net.h>
#include "net/net.h"
#include "qapi/qapi-types-net.h"

#define CARDS 2

static VirtIODevice *cards[CARDS];
static NetClientState *ends[CARDS];     /* the first of each */
static bool full;

static ssize_t end_receive(NetClientState *nc, const struct iovec *iov,
                           int niov)
{
    g_autofree uint8_t *copy = NULL;
    size_t n = iov_size(iov, niov);

    if (full) {
        return 0;
    }
    /* Read it all, as a real one would. */
    copy = g_malloc(n);
    g_assert_cmpuint(iov_to_buf(iov, niov, 0, copy, n), ==, n);
    return n;
}

static bool end_has_vnet_hdr_len(NetClientState *nc, int len)
{
    return nc->name[0] == 'a' && len == 12;
}

static void end_set_vnet_hdr_len(NetClientState *nc, int len)
{
}

static NetOffloads end_get_offloads(NetClientState *nc)
{
    return (NetOffloads) { true, true, true, true, true, true, true };
}

static void end_set_offloads(NetClientState *nc, const NetOffloads *o)
{
}

static bool end_set_queue_enabled(NetClientState *nc, bool on)
{
    return true;
}

static const NetClientInfo end_info = {
    .type = "fuzz",
    .size = sizeof(NetClientState),
    .receive_iov = end_receive,
    .has_vnet_hdr_len = end_has_vnet_hdr_len,
    .set_vnet_hdr_len = end_set_vnet_hdr_len,
    .get_offloads = end_get_offloads,
    .set_offloads = end_set_offloads,
    .set_queue_enabled = end_set_queue_enabled,
};

static void set_full(bool on)
{
    full = on;
    for (int i = 0; !full && i < CARDS; i++) {
        net_flush_queued_packets(ends[i]);
    }
}

static void net_event(VirtIODevice *vdev, uint8_t what, FuzzInput *in)
{
    NetClientState *nc = ends[vdev == cards[1]];
    uint8_t times, byte;
    const uint8_t *bytes;
    g_autofree uint8_t *packet = NULL;
    size_t n, len;

    switch (what % 4) {
    case 0:                         /* one packet, larger than the input */
        times = fuzz_u8(in);
        byte = fuzz_u8(in);
        n = fuzz_bytes(in, &bytes, byte);
        len = n * (1 + times);
        packet = g_malloc(len + 1);
        for (size_t i = 0; i < len; i += n) {
            memcpy(packet + i, bytes, n);
        }
        net_send(nc, packet, len, NULL);
        break;
    case 1:
        set_full(!full);
        break;
    case 2:
        net_client_set_link(nc->name, fuzz_u8(in) & 1, NULL);
        break;
    default:
        if (nc->peer) {
            qapi_free_RxFilterInfo(nc->peer->info->query_rx_filter(nc->peer));
        }
        break;
    }
}

static const FuzzVirtio fuzz[CARDS] = {
    { .always = BIT64(VIRTIO_NET_F_CTRL_VQ), .queues = { 0, 1, 2, 3, 4 },
      .n_queues = 5, .event = net_event },
    { .always = BIT64(VIRTIO_NET_F_CTRL_VQ), .queues = { 0, 1, 2 },
      .n_queues = 3, .event = net_event },
};

static void start(void)
{
    fuzz_start_machine();
    ends[0] = net_client_new(&end_info, "fuzz", "a");
    net_client_new(&end_info, "fuzz", "a")->queue_index = 1;
    ends[1] = net_client_new(&end_info, "fuzz", "b");
    fuzz_add_device("{\"driver\":\"virtio-net-pci\",\"id\":\"n0\","
                    "\"netdev\":\"a\",\"mq\":true,\"packed\":true,"
                    "\"in_order\":true,\"ioeventfd\":false}");
    fuzz_add_device("{\"driver\":\"virtio-net-pci\",\"id\":\"n1\","
                    "\"netdev\":\"b\",\"packed\":true,\"in_order\":true,"
                    "\"ioeventfd\":false}");
    cards[0] = fuzz_virtio_find("n0");
    cards[1] = fuzz_virtio_find("n1");
    fuzz_run_machine();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };
    unsigned int i = fuzz_u8(&in) % CARDS;

    if (!cards[0]) {
        start();
    }
    fuzz_virtio_run(&fuzz[i], cards[i], &in);
    set_full(false);
    net_purge_queued_packets(ends[i]);
    net_client_set_link(ends[i]->name, true, NULL);
    return 0;
}
