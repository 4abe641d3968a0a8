/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net: the control queue and the receive filter it sets.
 * VIRTIO 1.2, 5.1.6.5.
 *
 * A command is copied out of the guest's memory once; a wrong one gets
 * VIRTIO_NET_ERR and changes nothing.
 */
#include "util/osdep.h"
#include "virtio-net-internal.h"
#include "qapi/qapi-events-net.h"
#include "qapi/qapi-types-net.h"
#include "util/log.h"
#include "trace/trace-hw_net.h"

#define ETH_ALEN 6

/* Class, command and the largest argument: two tables of MAC_TABLE_ENTRIES
 * would be 776 bytes; more is an overflow that is only counted. */
typedef struct CtrlCommand {
    uint8_t class, cmd;
    const VirtQueueElement *elem;
    size_t len;                     /* bytes of argument */
} CtrlCommand;

static bool ctrl_arg(const CtrlCommand *c, size_t offset, void *buf, size_t len)
{
    return iov_to_buf(c->elem->out_sg, c->elem->out_num,
                      sizeof(struct virtio_net_ctrl_hdr) + offset, buf,
                      len) == len;
}

/* Tell the monitor once until it asks: a guest shall not flood it. */
static void filter_changed(VirtIONet *n)
{
    DeviceState *dev = DEVICE(n);

    if (n->tell_filter) {
        n->tell_filter = false;
        qapi_event_send_nic_rx_filter_changed(dev->id, dev->canonical_path);
    }
}

static uint8_t ctrl_rx(VirtIONet *n, const CtrlCommand *c)
{
    VirtIONetFilter *f = &n->filter;
    uint8_t on;

    if (c->len != 1 || !ctrl_arg(c, 0, &on, 1)) {
        return VIRTIO_NET_ERR;
    }
    switch (c->cmd) {
    case VIRTIO_NET_CTRL_RX_PROMISC:
        f->promisc = on;
        break;
    case VIRTIO_NET_CTRL_RX_ALLMULTI:
        f->allmulti = on;
        break;
    case VIRTIO_NET_CTRL_RX_ALLUNI:
        f->alluni = on;
        break;
    case VIRTIO_NET_CTRL_RX_NOMULTI:
        f->nomulti = on;
        break;
    case VIRTIO_NET_CTRL_RX_NOUNI:
        f->nouni = on;
        break;
    case VIRTIO_NET_CTRL_RX_NOBCAST:
        f->nobcast = on;
        break;
    default:
        return VIRTIO_NET_ERR;
    }
    filter_changed(n);
    return VIRTIO_NET_OK;
}

/* Append one counted table at *@offset; too many entries set *@overflow. */
static bool mac_table_add(VirtIONetFilter *f, const CtrlCommand *c,
                          size_t *offset, bool *overflow)
{
    uint32_t entries;
    uint64_t bytes;

    if (!ctrl_arg(c, *offset, &entries, sizeof(entries))) {
        return false;
    }
    *offset += sizeof(entries);
    bytes = (uint64_t)entries * ETH_ALEN;
    if (bytes > c->len - *offset) {
        return false;
    }
    if (entries > MAC_TABLE_ENTRIES - f->in_use) {
        *overflow = true;
    } else if (!ctrl_arg(c, *offset, f->macs + f->in_use * ETH_ALEN, bytes)) {
        return false;
    } else {
        f->in_use += entries;
    }
    *offset += bytes;
    return true;
}

static uint8_t ctrl_mac_table(VirtIONet *n, const CtrlCommand *c)
{
    VirtIONetFilter f = n->filter;
    size_t offset = 0;

    f.in_use = 0;
    f.uni_overflow = f.multi_overflow = false;
    if (!mac_table_add(&f, c, &offset, &f.uni_overflow)) {
        return VIRTIO_NET_ERR;
    }
    f.first_multi = f.in_use;
    if (!mac_table_add(&f, c, &offset, &f.multi_overflow) || offset != c->len) {
        return VIRTIO_NET_ERR;
    }
    n->filter = f;
    filter_changed(n);
    return VIRTIO_NET_OK;
}

static uint8_t ctrl_mac(VirtIONet *n, const CtrlCommand *c)
{
    if (c->cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET) {
        return ctrl_mac_table(n, c);
    }
    if (c->cmd != VIRTIO_NET_CTRL_MAC_ADDR_SET || c->len != ETH_ALEN ||
        !ctrl_arg(c, 0, n->mac, ETH_ALEN)) {
        return VIRTIO_NET_ERR;
    }
    nic_set_info_str(n->nic, n->mac);
    filter_changed(n);
    return VIRTIO_NET_OK;
}

static uint8_t ctrl_vlan(VirtIONet *n, const CtrlCommand *c)
{
    uint16_t vid;

    if (c->len != sizeof(vid) || !ctrl_arg(c, 0, &vid, sizeof(vid)) ||
        vid >= MAX_VLAN) {
        return VIRTIO_NET_ERR;
    }
    switch (c->cmd) {
    case VIRTIO_NET_CTRL_VLAN_ADD:
        n->filter.vlans[vid / 32] |= BIT(vid % 32);
        break;
    case VIRTIO_NET_CTRL_VLAN_DEL:
        n->filter.vlans[vid / 32] &= ~BIT(vid % 32);
        break;
    default:
        return VIRTIO_NET_ERR;
    }
    filter_changed(n);
    return VIRTIO_NET_OK;
}

static uint8_t ctrl_announce(VirtIONet *n, const CtrlCommand *c)
{
    if (c->cmd != VIRTIO_NET_CTRL_ANNOUNCE_ACK ||
        !(n->status & VIRTIO_NET_S_ANNOUNCE)) {
        return VIRTIO_NET_ERR;
    }
    n->status &= ~VIRTIO_NET_S_ANNOUNCE;
    return VIRTIO_NET_OK;
}

static uint8_t ctrl_mq(VirtIONet *n, const CtrlCommand *c)
{
    uint16_t pairs;

    if (c->cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
        !virtio_vdev_has_feature(&n->parent_obj, VIRTIO_NET_F_MQ) ||
        c->len != sizeof(pairs) || !ctrl_arg(c, 0, &pairs, sizeof(pairs)) ||
        pairs == 0 || pairs > n->max_pairs) {
        return VIRTIO_NET_ERR;
    }
    virtio_net_set_pairs(n, pairs);
    return VIRTIO_NET_OK;
}

static const uint64_t offload_mask =
    BIT64(VIRTIO_NET_F_GUEST_CSUM) | BIT64(VIRTIO_NET_F_GUEST_TSO4) |
    BIT64(VIRTIO_NET_F_GUEST_TSO6) | BIT64(VIRTIO_NET_F_GUEST_ECN) |
    BIT64(VIRTIO_NET_F_GUEST_UFO);

void virtio_net_apply_offloads(VirtIONet *n)
{
    uint64_t f = n->cur_offloads;
    NetOffloads o = {
        .csum = virtio_has_feature(f, VIRTIO_NET_F_GUEST_CSUM),
        .tso4 = virtio_has_feature(f, VIRTIO_NET_F_GUEST_TSO4),
        .tso6 = virtio_has_feature(f, VIRTIO_NET_F_GUEST_TSO6),
        .ecn = virtio_has_feature(f, VIRTIO_NET_F_GUEST_ECN),
        .ufo = virtio_has_feature(f, VIRTIO_NET_F_GUEST_UFO),
    };

    for (unsigned i = 0; n->host_hdr_len && i < n->max_pairs; i++) {
        net_peer_set_offloads(nic_get_queue(n->nic, i), &o);
    }
}

static uint8_t ctrl_offloads(VirtIONet *n, const CtrlCommand *c)
{
    uint64_t want, may = n->parent_obj.guest_features & offload_mask;

    if (c->cmd != VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ||
        !virtio_vdev_has_feature(&n->parent_obj,
                                 VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) ||
        c->len != sizeof(want) || !ctrl_arg(c, 0, &want, sizeof(want)) ||
        (want & ~may)) {
        return VIRTIO_NET_ERR;
    }
    n->cur_offloads = want;
    virtio_net_apply_offloads(n);
    return VIRTIO_NET_OK;
}

static uint8_t ctrl_run(VirtIONet *n, const CtrlCommand *c)
{
    switch (c->class) {
    case VIRTIO_NET_CTRL_RX:
        return ctrl_rx(n, c);
    case VIRTIO_NET_CTRL_MAC:
        return ctrl_mac(n, c);
    case VIRTIO_NET_CTRL_VLAN:
        return ctrl_vlan(n, c);
    case VIRTIO_NET_CTRL_ANNOUNCE:
        return ctrl_announce(n, c);
    case VIRTIO_NET_CTRL_MQ:
        return ctrl_mq(n, c);
    case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
        return ctrl_offloads(n, c);
    default:
        return VIRTIO_NET_ERR;
    }
}

void virtio_net_handle_ctrl(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtIONet *n = VIRTIO_NET(vdev);
    VirtQueueElement *elem;

    while ((elem = virtqueue_pop(vq, sizeof(*elem)))) {
        struct virtio_net_ctrl_hdr hdr;
        size_t out = iov_size(elem->out_sg, elem->out_num);
        CtrlCommand c = { .elem = elem };
        uint8_t ack;

        if (iov_to_buf(elem->out_sg, elem->out_num, 0, &hdr, sizeof(hdr)) <
            sizeof(hdr) || iov_size(elem->in_sg, elem->in_num) < sizeof(ack)) {
            virtio_error(vdev, "control buffer of %zu bytes", out);
            virtqueue_detach(vq, elem);
            g_free(elem);
            return;
        }
        c.class = hdr.class;
        c.cmd = hdr.cmd;
        c.len = out - sizeof(hdr);
        ack = ctrl_run(n, &c);
        trace_virtio_net_ctrl(n, c.class, c.cmd, ack);
        iov_from_buf(elem->in_sg, elem->in_num, 0, &ack, sizeof(ack));
        virtqueue_push(vq, elem, sizeof(ack));
        virtio_notify(vdev, vq);
        g_free(elem);
    }
}

/* ---- The filter ---- */

static bool mac_in(const VirtIONetFilter *f, const uint8_t *mac, uint32_t from,
                   uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (!memcmp(f->macs + i * ETH_ALEN, mac, ETH_ALEN)) {
            return true;
        }
    }
    return false;
}

bool virtio_net_filter_accepts(VirtIONet *n, const uint8_t *eth, size_t len)
{
    static const uint8_t bcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    const VirtIONetFilter *f = &n->filter;

    if (len < ETH_ALEN) {
        return false;
    }
    if (f->promisc) {
        return true;
    }
    if (len >= 16 && eth[12] == 0x81 && eth[13] == 0x00 &&
        virtio_vdev_has_feature(&n->parent_obj, VIRTIO_NET_F_CTRL_VLAN)) {
        uint16_t vid = (eth[14] << 8 | eth[15]) & 0xfff;

        if (!(f->vlans[vid / 32] & BIT(vid % 32))) {
            return false;
        }
    }
    if (eth[0] & 1) {
        if (!memcmp(eth, bcast, ETH_ALEN)) {
            return !f->nobcast;
        }
        return !f->nomulti && (f->allmulti || f->multi_overflow ||
                               mac_in(f, eth, f->first_multi, f->in_use));
    }
    return !f->nouni && (f->alluni || f->uni_overflow ||
                         !memcmp(eth, n->mac, ETH_ALEN) ||
                         mac_in(f, eth, 0, f->first_multi));
}

bool virtio_net_filter_valid(const VirtIONetFilter *f)
{
    return f->in_use <= MAC_TABLE_ENTRIES && f->first_multi <= f->in_use;
}

/* As after reset: everything is received until the driver says otherwise. */
void virtio_net_filter_reset(VirtIONet *n)
{
    memset(&n->filter, 0, sizeof(n->filter));
    n->filter.promisc = true;
    memset(n->filter.vlans, 0xff, sizeof(n->filter.vlans));
}

static strList *mac_list(const VirtIONetFilter *f, uint32_t from, uint32_t to)
{
    strList *list = NULL;

    for (uint32_t i = to; i > from; i--) {
        const uint8_t *m = f->macs + (i - 1) * ETH_ALEN;
        strList *e = g_new0(strList, 1);

        e->value = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
                                   m[2], m[3], m[4], m[5]);
        e->next = list;
        list = e;
    }
    return list;
}

static RxState rx_state(bool none, bool all)
{
    return none ? RX_STATE_NONE : all ? RX_STATE_ALL : RX_STATE_NORMAL;
}

RxFilterInfo *virtio_net_query_rx_filter(NetClientState *nc)
{
    VirtIONet *n = nic_get_opaque(nc);
    const VirtIONetFilter *f = &n->filter;
    RxFilterInfo *info = g_new0(RxFilterInfo, 1);
    const uint8_t *m = n->mac;
    intList **tail = &info->vlan_table;

    n->tell_filter = true;
    info->name = g_strdup(nc->name);
    info->promiscuous = f->promisc;
    info->unicast = rx_state(f->nouni, f->alluni);
    info->multicast = rx_state(f->nomulti, f->allmulti);
    info->broadcast_allowed = !f->nobcast;
    info->multicast_overflow = f->multi_overflow;
    info->unicast_overflow = f->uni_overflow;
    info->main_mac = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", m[0],
                                     m[1], m[2], m[3], m[4], m[5]);
    info->unicast_table = mac_list(f, 0, f->first_multi);
    info->multicast_table = mac_list(f, f->first_multi, f->in_use);
    info->vlan = virtio_vdev_has_feature(&n->parent_obj, VIRTIO_NET_F_CTRL_VLAN)
                 ? RX_STATE_NORMAL : RX_STATE_ALL;
    for (int vid = 0; info->vlan == RX_STATE_NORMAL && vid < MAX_VLAN; vid++) {
        if (f->vlans[vid / 32] & BIT(vid % 32)) {
            intList *e = g_new0(intList, 1);

            e->value = vid;
            *tail = e;
            tail = &e->next;
        }
    }
    return info;
}
