/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passing packets between peers, and keeping those the receiver cannot take.
 */
#include "util/osdep.h"
#include "net/net-internal.h"
#include "util/iov.h"
#include "trace/trace-net.h"

typedef struct NetPacket {
    STAILQ_ENTRY(NetPacket) next;
    NetClientState *sender;
    NetSentFn *sent;
    unsigned flags;
    size_t len;
    uint8_t data[];
} NetPacket;

struct NetQueue {
    STAILQ_HEAD(, NetPacket) packets;
    unsigned n;
    bool delivering;                /* a receiver sends in its receive */
};

NetQueue *net_queue_new(void)
{
    NetQueue *q = g_new0(NetQueue, 1);

    STAILQ_INIT(&q->packets);
    return q;
}

void net_queue_free(NetQueue *q)
{
    NetPacket *p, *tmp;

    STAILQ_FOREACH_SAFE(p, &q->packets, next, tmp) {
        g_free(p);
    }
    g_free(q);
}

static void net_queue_append(NetQueue *q, NetClientState *sender,
                             const struct iovec *iov, int niov, unsigned flags,
                             NetSentFn *sent)
{
    size_t len = iov_size(iov, niov);
    NetPacket *p;

    /* Who waits for sent stops by itself; who does not is cut off here. */
    if (q->n >= NET_QUEUE_MAX_PACKETS && !sent) {
        trace_net_queue_drop(sender->name, len);
        return;
    }
    p = g_malloc(sizeof(*p) + len);
    p->sender = sender;
    p->sent = sent;
    p->flags = flags;
    p->len = len;
    iov_to_buf(iov, niov, 0, p->data, len);
    STAILQ_INSERT_TAIL(&q->packets, p, next);
    q->n++;
    trace_net_queue_wait(sender->name, len, q->n);
}

/* To a receiver that expects a vnet header, a packet that has none. */
static ssize_t net_receive_with_hdr(NetClientState *nc,
                                    const struct iovec *iov, int niov)
{
    static const uint8_t hdr[NET_VNET_HDR_MAX];
    g_autofree struct iovec *with = g_new(struct iovec, niov + 1);
    ssize_t ret;

    with[0].iov_base = (void *)hdr;
    with[0].iov_len = MIN(nc->vnet_hdr_len, NET_VNET_HDR_MAX);
    memcpy(with + 1, iov, niov * sizeof(*iov));
    ret = nc->info->receive_iov(nc, with, niov + 1);
    return ret > 0 ? (ssize_t)iov_size(iov, niov) : ret;
}

static ssize_t net_deliver(NetClientState *nc, const struct iovec *iov,
                           int niov, unsigned flags)
{
    ssize_t ret;

    if (nc->link_down) {
        return iov_size(iov, niov);
    }
    if (nc->receive_disabled) {
        return 0;
    }
    nc->incoming->delivering = true;
    if (!(flags & NET_PACKET_RAW) || !nc->vnet_hdr_len) {
        ret = nc->info->receive_iov(nc, iov, niov);
    } else if (nc->info->receive_raw) {
        ret = nc->info->receive_raw(nc, iov, niov);
    } else {
        ret = net_receive_with_hdr(nc, iov, niov);
    }
    nc->incoming->delivering = false;
    if (ret == 0) {
        nc->receive_disabled = true;
    }
    return ret;
}

static bool net_can_receive(NetClientState *nc)
{
    return !nc->receive_disabled &&
           (!nc->info->can_receive || nc->info->can_receive(nc));
}

static ssize_t net_send_flags(NetClientState *nc, const struct iovec *iov,
                              int niov, unsigned flags, NetSentFn *sent)
{
    NetClientState *peer = nc->peer;
    NetQueue *q;
    ssize_t ret;

    if (nc->link_down || !peer) {
        return iov_size(iov, niov);
    }
    q = peer->incoming;
    if (q->delivering || !STAILQ_EMPTY(&q->packets) || !net_can_receive(peer)) {
        net_queue_append(q, nc, iov, niov, flags, sent);
        return 0;
    }
    ret = net_deliver(peer, iov, niov, flags);
    if (ret == 0) {
        net_queue_append(q, nc, iov, niov, flags, sent);
        return 0;
    }
    if (!STAILQ_EMPTY(&q->packets)) {
        net_queue_flush(peer);
    }
    return ret;
}

ssize_t net_send_iov(NetClientState *nc, const struct iovec *iov, int niov,
                     NetSentFn *sent)
{
    return net_send_flags(nc, iov, niov, 0, sent);
}

ssize_t net_send(NetClientState *nc, const void *buf, size_t len,
                 NetSentFn *sent)
{
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };

    return net_send_flags(nc, &iov, 1, 0, sent);
}

ssize_t net_send_raw(NetClientState *nc, const void *buf, size_t len)
{
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };

    return net_send_flags(nc, &iov, 1, NET_PACKET_RAW, NULL);
}

/* Returns whether all are delivered. */
bool net_queue_flush(NetClientState *nc)
{
    NetQueue *q = nc->incoming;

    if (q->delivering) {
        return false;
    }
    while (!STAILQ_EMPTY(&q->packets)) {
        NetPacket *p = STAILQ_FIRST(&q->packets);
        struct iovec iov = { .iov_base = p->data, .iov_len = p->len };
        ssize_t ret;

        STAILQ_REMOVE_HEAD(&q->packets, next);
        q->n--;
        ret = net_deliver(nc, &iov, 1, p->flags);
        if (ret == 0) {
            STAILQ_INSERT_HEAD(&q->packets, p, next);
            q->n++;
            return false;
        }
        if (p->sent) {
            p->sent(p->sender, ret);
        }
        g_free(p);
    }
    return true;
}

void net_flush_queued_packets(NetClientState *nc)
{
    nc->receive_disabled = false;
    net_queue_flush(nc);
}

void net_queue_purge(NetQueue *q, NetClientState *sender)
{
    STAILQ_HEAD(, NetPacket) gone = STAILQ_HEAD_INITIALIZER(gone);
    NetPacket *p, *tmp;

    STAILQ_FOREACH_SAFE(p, &q->packets, next, tmp) {
        if (!sender || p->sender == sender) {
            STAILQ_REMOVE(&q->packets, p, NetPacket, next);
            q->n--;
            STAILQ_INSERT_TAIL(&gone, p, next);
        }
    }
    STAILQ_FOREACH_SAFE(p, &gone, next, tmp) {
        if (p->sent) {
            p->sent(p->sender, 0);
        }
        g_free(p);
    }
}

void net_purge_queued_packets(NetClientState *nc)
{
    if (nc->peer) {
        net_queue_purge(nc->peer->incoming, nc);
    }
}
