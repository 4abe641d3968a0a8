/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net: packets in and out. VIRTIO 1.2, 5.1.6.2 to 5.1.6.4.
 *
 * Every packet in guest buffers begins with a header of 12 bytes. A peer that
 * speaks vnet headers of that length gets and gives it as it is; else it is
 * zero on receive and skipped on transmit.
 */
#include "util/osdep.h"
#include "virtio-net-internal.h"
#include "util/log.h"
#include "trace/trace-hw_net.h"

/* A 64 KiB packet in buffers of one MTU takes 45. */
#define RX_MAX_BUFFERS 128

/* ---- Receive ---- */

static bool rx_ready(VirtIONet *n, VirtIONetQueue *q)
{
    return n->parent_obj.ioeventfd_started && virtio_queue_ready(q->rx_vq) &&
           q - n->queues < n->cur_pairs;
}

static bool virtio_net_can_receive(NetClientState *nc)
{
    VirtIONet *n = nic_get_opaque(nc);

    return rx_ready(n, &n->queues[nc->queue_index]);
}

typedef struct RxPacket {
    const struct iovec *iov;
    int niov;
    size_t size, offset;            /* of the payload after the host's header */
    struct virtio_net_hdr_mrg_rxbuf hdr;
    VirtQueueElement *elem[RX_MAX_BUFFERS];
    uint32_t len[RX_MAX_BUFFERS];
    uint32_t n;
} RxPacket;

static void rx_give_up(VirtQueue *vq, RxPacket *p)
{
    while (p->n) {
        p->n--;
        virtqueue_unpop(vq, p->elem[p->n]);
        g_free(p->elem[p->n]);
    }
}

/* The next @bytes of the packet to @elem, from @to on. */
static void rx_copy(const RxPacket *p, const VirtQueueElement *elem, size_t to,
                    size_t bytes)
{
    size_t skip = p->offset;

    for (int i = 0; i < p->niov && bytes; i++) {
        size_t len = p->iov[i].iov_len, n;

        if (skip >= len) {
            skip -= len;
            continue;
        }
        n = MIN(len - skip, bytes);
        iov_from_buf(elem->in_sg, elem->in_num, to,
                     (uint8_t *)p->iov[i].iov_base + skip, n);
        to += n;
        bytes -= n;
        skip = 0;
    }
}

/* Take buffers until all of the packet is copied. 1, 0 for "no buffers now",
 * -1 when it never fits. */
static int rx_fill(VirtIONet *n, VirtQueue *vq, RxPacket *p)
{
    bool mergeable = virtio_vdev_has_feature(&n->parent_obj,
                                             VIRTIO_NET_F_MRG_RXBUF);

    while (p->offset < p->size || p->n == 0) {
        VirtQueueElement *elem;
        size_t skip = p->n ? 0 : VIRTIO_NET_HDR_LEN, room, part;

        if (p->n == RX_MAX_BUFFERS || (p->n == 1 && !mergeable)) {
            return -1;
        }
        elem = virtqueue_pop(vq, sizeof(*elem));
        if (!elem) {
            return 0;
        }
        room = iov_size(elem->in_sg, elem->in_num);
        p->elem[p->n] = elem;
        if (room <= skip) {
            p->n++;
            virtio_error(&n->parent_obj, "receive buffer of %zu bytes", room);
            return -1;
        }
        part = MIN(room - skip, p->size - p->offset);
        rx_copy(p, elem, skip, part);
        p->offset += part;
        p->len[p->n++] = skip + part;
    }
    return 1;
}

static ssize_t rx_deliver(VirtIONet *n, VirtIONetQueue *q, RxPacket *p)
{
    VirtQueue *vq = q->rx_vq;

    p->hdr.num_buffers = p->n;
    iov_from_buf(p->elem[0]->in_sg, p->elem[0]->in_num, 0, &p->hdr,
                 sizeof(p->hdr));
    for (uint32_t i = 0; i < p->n; i++) {
        virtqueue_fill(vq, p->elem[i], p->len[i], i);
        g_free(p->elem[i]);
    }
    virtqueue_flush(vq, p->n);
    virtio_notify(&n->parent_obj, vq);
    return p->size;
}

static ssize_t virtio_net_receive_iov(NetClientState *nc,
                                      const struct iovec *iov, int niov)
{
    VirtIONet *n = nic_get_opaque(nc);
    VirtIONetQueue *q = &n->queues[nc->queue_index];
    RxPacket p = { .iov = iov, .niov = niov, .size = iov_size(iov, niov),
                   .offset = n->host_hdr_len };
    uint8_t eth[18];
    size_t got;
    int ret;

    if (!rx_ready(n, q)) {
        return 0;
    }
    got = iov_to_buf(iov, niov, p.offset, eth, sizeof(eth));
    if (!virtio_net_filter_accepts(n, eth, got)) {
        return p.size;
    }
    if (n->host_hdr_len) {
        iov_to_buf(iov, niov, 0, &p.hdr, sizeof(p.hdr));
    }
    /*
     * Once more with kicks on: the guest may have added buffers just now. The
     * kick is asked for before the buffers are taken: taking them moves the
     * event past those that were not enough.
     */
    for (int i = 0; i < 2; i++) {
        if (i) {
            virtio_queue_set_notification(q->rx_vq, true);
        }
        ret = rx_fill(n, q->rx_vq, &p);
        if (ret > 0) {
            return rx_deliver(n, q, &p);
        }
        rx_give_up(q->rx_vq, &p);
        if (ret < 0 || virtio_is_broken(&n->parent_obj)) {
            trace_virtio_net_rx_drop(n, p.size);
            return p.size;
        }
        p.offset = n->host_hdr_len;
    }
    return 0;
}

/* The guest added receive buffers. */
void virtio_net_handle_rx(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIONet *n = VIRTIO_NET(vdev);
    uint32_t index = virtio_queue_get_index(vq);

    /* Without multi-queue the control queue is number 2 (5.1.2). */
    if (index == 2 && !virtio_vdev_has_feature(vdev, VIRTIO_NET_F_MQ)) {
        virtio_net_handle_ctrl(vdev, vq);
        return;
    }
    virtio_queue_set_notification(vq, false);
    net_flush_queued_packets(nic_get_queue(n->nic, index / 2));
}

/* ---- Transmit ---- */

static void tx_done(VirtIONetQueue *q)
{
    virtqueue_push(q->tx_vq, q->tx_waiting, 0);
    virtio_notify(&q->n->parent_obj, q->tx_vq);
    g_clear_pointer(&q->tx_waiting, g_free);
}

static void tx_sent(NetClientState *nc, ssize_t len)
{
    VirtIONet *n = nic_get_opaque(nc);
    VirtIONetQueue *q = &n->queues[nc->queue_index];

    if (!q->tx_waiting) {
        return;
    }
    tx_done(q);
    aio_bh_schedule(q->tx_bh);
}

/* Returns false when the peer is full and will call tx_sent. */
static bool tx_one(VirtIONet *n, VirtIONetQueue *q, VirtQueueElement *elem)
{
    NetClientState *nc = nic_get_queue(n->nic, q - n->queues);
    struct iovec skipped[VIRTQUEUE_MAX_SIZE] UNINITIALIZED;
    struct iovec *iov = elem->out_sg;
    unsigned niov = elem->out_num;
    size_t size = iov_size(iov, niov);

    if (size < VIRTIO_NET_HDR_LEN || elem->in_num) {
        virtio_error(&n->parent_obj, "transmit buffer of %zu bytes", size);
        virtqueue_detach(q->tx_vq, elem);
        g_free(elem);
        return false;
    }
    if (!n->host_hdr_len) {
        niov = iov_copy(skipped, G_N_ELEMENTS(skipped), iov, niov,
                        VIRTIO_NET_HDR_LEN, size);
        iov = skipped;
    }
    q->tx_waiting = elem;
    if (niov && size > VIRTIO_NET_HDR_LEN && size <= NET_BUFSIZE &&
        net_send_iov(nc, iov, niov, tx_sent) == 0) {
        return false;
    }
    q->tx_waiting = NULL;
    virtqueue_push(q->tx_vq, elem, 0);
    g_free(elem);
    return true;
}

static void tx_flush(VirtIONetQueue *q)
{
    VirtIONet *n = q->n;
    VirtIODevice *vdev = &n->parent_obj;
    uint32_t burst = 0;

    if (q->tx_waiting || !vdev->ioeventfd_started) {
        return;
    }
    virtio_queue_set_notification(q->tx_vq, false);
    for (;;) {
        VirtQueueElement *elem = virtqueue_pop(q->tx_vq, sizeof(*elem));

        if (!elem) {
            virtio_queue_set_notification(q->tx_vq, true);
            if (virtqueue_is_empty(q->tx_vq)) {
                break;
            }
            virtio_queue_set_notification(q->tx_vq, false);
            continue;
        }
        if (!tx_one(n, q, elem)) {
            break;
        }
        if (++burst >= n->tx_burst) {
            /* Others want to run as well. */
            aio_bh_schedule(q->tx_bh);
            break;
        }
    }
    if (burst) {
        virtio_notify(vdev, q->tx_vq);
    }
}

void virtio_net_handle_tx(VirtIODevice *vdev, VirtQueue *vq)
{
    tx_flush(virtio_net_queue_of(VIRTIO_NET(vdev), vq));
}

void virtio_net_tx_bh(void *opaque)
{
    tx_flush(opaque);
}

void virtio_net_drop_tx(VirtIONetQueue *q)
{
    NetClientState *nc = nic_get_queue(q->n->nic, q - q->n->queues);

    aio_bh_cancel(q->tx_bh);
    net_purge_queued_packets(nc);
    if (q->tx_waiting) {
        /* Sent when the device runs again: the driver waits for it. */
        virtqueue_unpop(q->tx_vq, q->tx_waiting);
        g_clear_pointer(&q->tx_waiting, g_free);
    }
    aio_bh_cancel(q->tx_bh);
}

const NetClientInfo virtio_net_client_info = {
    .type = "nic",
    .size = sizeof(NetClientState),
    .is_nic = true,
    .receive_iov = virtio_net_receive_iov,
    .can_receive = virtio_net_can_receive,
    .link_status_changed = virtio_net_set_link,
    .query_rx_filter = virtio_net_query_rx_filter,
};
