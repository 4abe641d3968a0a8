/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network card, VIRTIO 1.2, 5.1: multi-queue, mergeable receive buffers,
 * checksum and segmentation offloads as far as the back end has them, control
 * queue, link status, MTU, announcements after migration.
 *
 *   queue 2i     receive of pair i
 *   queue 2i+1   transmit of pair i
 *   queue 2N     control (2 when the driver does not accept multi-queue)
 *
 * Queues run in the main loop; with a tap of vhost=on the kernel serves them.
 * Not offered: RSS and hash reports, which tap cannot do without help.
 */
#include "util/osdep.h"
#include "virtio-net-internal.h"
#include "hw/core/boot-order.h"
#include "hw/virtio/vhost.h"
#include "net/tap.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "trace/trace-hw_net.h"

#define NET_CTRL_QUEUE_SIZE   64
#define NET_CONFIG_LEN        offsetof(struct virtio_net_config,               \
                                       rss_max_key_size)
#define NET_ANNOUNCE_DELAY_NS (50 * NSEC_PER_MSEC)

/* Offered only when the peer takes vnet headers and does the work. */
#define NET_HOST_OFFLOADS                                                      \
    (BIT64(VIRTIO_NET_F_CSUM) | BIT64(VIRTIO_NET_F_HOST_TSO4) |                \
     BIT64(VIRTIO_NET_F_HOST_TSO6) | BIT64(VIRTIO_NET_F_HOST_ECN) |            \
     BIT64(VIRTIO_NET_F_HOST_UFO))
#define NET_GUEST_OFFLOADS                                                     \
    (BIT64(VIRTIO_NET_F_GUEST_CSUM) | BIT64(VIRTIO_NET_F_GUEST_TSO4) |         \
     BIT64(VIRTIO_NET_F_GUEST_TSO6) | BIT64(VIRTIO_NET_F_GUEST_ECN) |          \
     BIT64(VIRTIO_NET_F_GUEST_UFO))

/* ---- Configuration ---- */

static void virtio_net_get_config(VirtIODevice *vdev, uint8_t *config)
{
    VirtIONet *n = VIRTIO_NET(vdev);
    struct virtio_net_config cfg = {
        .status = n->status,
        .max_virtqueue_pairs = n->max_pairs,
        .mtu = n->host_mtu,
        .speed = n->speed,
        .duplex = 0xff,
    };

    memcpy(cfg.mac, n->mac, sizeof(cfg.mac));
    if (n->duplex) {
        cfg.duplex = g_str_equal(n->duplex, "full");
    }
    memcpy(config, &cfg, vdev->config_len);
}

static uint64_t virtio_net_get_features(VirtIODevice *vdev, uint64_t f)
{
    VirtIONet *n = VIRTIO_NET(vdev);
    NetClientState *nc = nic_get_queue(n->nic, 0);
    NetOffloads o = net_peer_get_offloads(nc);

    f |= BIT64(VIRTIO_NET_F_MAC);
    if (!n->host_hdr_len || !o.csum) {
        f &= ~(NET_HOST_OFFLOADS | NET_GUEST_OFFLOADS |
               BIT64(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
    }
    if (!o.tso4) {
        f &= ~(BIT64(VIRTIO_NET_F_HOST_TSO4) | BIT64(VIRTIO_NET_F_GUEST_TSO4));
    }
    if (!o.tso6) {
        f &= ~(BIT64(VIRTIO_NET_F_HOST_TSO6) | BIT64(VIRTIO_NET_F_GUEST_TSO6));
    }
    if (!o.ecn) {
        f &= ~(BIT64(VIRTIO_NET_F_HOST_ECN) | BIT64(VIRTIO_NET_F_GUEST_ECN));
    }
    if (!o.ufo) {
        f &= ~(BIT64(VIRTIO_NET_F_HOST_UFO) | BIT64(VIRTIO_NET_F_GUEST_UFO));
    }
    if (n->max_pairs > 1) {
        f |= BIT64(VIRTIO_NET_F_MQ);
    }
    if (n->host_mtu) {
        f |= BIT64(VIRTIO_NET_F_MTU);
    }
    if (n->speed >= 0 || n->duplex) {
        f |= BIT64(VIRTIO_NET_F_SPEED_DUPLEX);
    }
    if (n->queues[0].vhost) {
        f = vhost_dev_filter_features(n->queues[0].vhost, f);
    }
    return f;
}

/* Features that need another: VIRTIO 1.2, 5.1.3.1. */
static bool virtio_net_validate_features(VirtIODevice *vdev, uint64_t f)
{
    static const struct {
        uint8_t bit, needs;
    } rules[] = {
        { VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM },
        { VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM },
        { VIRTIO_NET_F_GUEST_UFO, VIRTIO_NET_F_GUEST_CSUM },
        { VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_CSUM },
        { VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_CSUM },
        { VIRTIO_NET_F_HOST_UFO, VIRTIO_NET_F_CSUM },
        { VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VQ },
        { VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_CTRL_VQ },
        { VIRTIO_NET_F_GUEST_ANNOUNCE, VIRTIO_NET_F_CTRL_VQ },
        { VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ },
        { VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_VQ },
        { VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, VIRTIO_NET_F_CTRL_VQ },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (virtio_has_feature(f, rules[i].bit) &&
            !virtio_has_feature(f, rules[i].needs)) {
            guest_error("virtio-net", "feature %u without feature %u",
                        rules[i].bit, rules[i].needs);
            return false;
        }
    }
    return true;
}

static void virtio_net_set_features(VirtIODevice *vdev, uint64_t f)
{
    VirtIONet *n = VIRTIO_NET(vdev);

    n->cur_offloads = f & NET_GUEST_OFFLOADS;
    virtio_net_apply_offloads(n);
    if (virtio_has_feature(f, VIRTIO_NET_F_CTRL_VLAN)) {
        memset(n->filter.vlans, 0, sizeof(n->filter.vlans));
    } else {
        memset(n->filter.vlans, 0xff, sizeof(n->filter.vlans));
    }
}

void virtio_net_set_pairs(VirtIONet *n, uint16_t pairs)
{
    n->cur_pairs = pairs;
    for (unsigned i = 0; i < n->max_pairs; i++) {
        NetClientState *nc = nic_get_queue(n->nic, i);

        if (n->max_pairs > 1) {
            net_peer_set_queue_enabled(nc, i < pairs);
        }
        if (i < pairs) {
            net_flush_queued_packets(nc);
        }
    }
}

/* ---- Link ---- */

void virtio_net_set_link(NetClientState *nc)
{
    VirtIONet *n = nic_get_opaque(nc);
    uint16_t old = n->status;

    if (nc->link_down) {
        n->status &= ~VIRTIO_NET_S_LINK_UP;
    } else {
        n->status |= VIRTIO_NET_S_LINK_UP;
    }
    if (n->status != old && n->parent_obj.parent_obj.realized) {
        virtio_notify_config(&n->parent_obj);
    }
}

static void virtio_net_announce_timer(void *opaque)
{
    VirtIONet *n = opaque;

    n->status |= VIRTIO_NET_S_ANNOUNCE;
    virtio_notify_config(&n->parent_obj);
}

/* ---- vhost ---- */

static bool virtio_net_queue_is_offloaded(VirtIODevice *vdev, uint32_t i)
{
    VirtIONet *n = VIRTIO_NET(vdev);

    return n->vhost_started && i / 2 < n->max_pairs &&
           n->queues[i / 2].vhost && virtio_get_queue(vdev, i) != n->ctrl_vq &&
           (i < 2 || virtio_vdev_has_feature(vdev, VIRTIO_NET_F_MQ));
}

/* All pairs that the driver could come to use: the command that has it use
 * more attaches their taps and leaves vhost alone. */
static bool virtio_net_start_vhost(VirtIODevice *vdev)
{
    VirtIONet *n = VIRTIO_NET(vdev);
    unsigned pairs = virtio_vdev_has_feature(vdev, VIRTIO_NET_F_MQ) ?
                     n->max_pairs : 1;

    if (!n->queues[0].vhost) {
        return true;
    }
    for (unsigned i = 0; i < pairs; i++) {
        NetClientState *peer = nic_get_queue(n->nic, i)->peer;
        g_autoptr(Error) err = NULL;

        tap_set_vhost_running(peer, true);
        if (!vhost_dev_start(n->queues[i].vhost, vdev, tap_get_fd(peer),
                             &err)) {
            warn_report("%s: %s; packets go through the process",
                        qdev_get_printable_name(DEVICE(n)),
                        error_get_pretty(err));
            tap_set_vhost_running(peer, false);
            while (i-- > 0) {
                vhost_dev_stop(n->queues[i].vhost, vdev);
                tap_set_vhost_running(nic_get_queue(n->nic, i)->peer, false);
            }
            return false;
        }
    }
    n->vhost_started = true;
    return true;
}

static void virtio_net_stop_vhost(VirtIODevice *vdev)
{
    VirtIONet *n = VIRTIO_NET(vdev);

    if (!n->vhost_started) {
        return;
    }
    n->vhost_started = false;
    for (unsigned i = 0; i < n->max_pairs; i++) {
        vhost_dev_stop(n->queues[i].vhost, vdev);
        tap_set_vhost_running(nic_get_queue(n->nic, i)->peer, false);
    }
}

static bool virtio_net_init_vhost(VirtIONet *n, Error **errp)
{
    for (unsigned i = 0; i < n->max_pairs; i++) {
        NetClientState *peer = nic_get_queue(n->nic, i)->peer;
        int fd = peer ? tap_get_vhost_fd(peer) : -1;
        uint32_t poll_us;

        if (fd < 0) {
            return true;
        }
        n->queues[i].vhost = vhost_dev_new(fd, 2 * i, 2, errp);
        if (!n->queues[i].vhost) {
            return false;
        }
        poll_us = tap_get_vhost_poll_us(peer);
        if (poll_us && !vhost_dev_set_poll_us(n->queues[i].vhost, poll_us,
                                              errp)) {
            return false;
        }
    }
    return true;
}

static void virtio_net_cleanup_vhost(VirtIONet *n)
{
    for (unsigned i = 0; i < n->max_pairs; i++) {
        g_clear_pointer(&n->queues[i].vhost, vhost_dev_free);
    }
}

/* ---- Life ---- */

static void virtio_net_running(VirtIODevice *vdev, bool running)
{
    VirtIONet *n = VIRTIO_NET(vdev);

    for (unsigned i = 0; i < n->max_pairs; i++) {
        if (running && i < n->cur_pairs && !n->vhost_started) {
            net_flush_queued_packets(nic_get_queue(n->nic, i));
        } else if (!running) {
            virtio_net_drop_tx(&n->queues[i]);
        }
    }
}

static void virtio_net_reset(VirtIODevice *vdev)
{
    VirtIONet *n = VIRTIO_NET(vdev);

    timer_del(&n->announce_timer);
    n->status &= ~VIRTIO_NET_S_ANNOUNCE;
    memcpy(n->mac, n->conf.macaddr.a, sizeof(n->mac));
    virtio_net_filter_reset(n);
    virtio_net_set_pairs(n, 1);
}

static bool virtio_net_check_props(VirtIONet *n, Error **errp)
{
    static const struct {
        const char *name;
        size_t offset;
    } sizes[] = {
        { "rx_queue_size", offsetof(VirtIONet, rx_queue_size) },
        { "tx_queue_size", offsetof(VirtIONet, tx_queue_size) },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint16_t size = *(uint16_t *)((char *)n + sizes[i].offset);

        if (size < 256 || size > VIRTQUEUE_MAX_SIZE || !IS_POWER_OF_2(size)) {
            error_setg(errp, "Invalid %s (= %u), must be a power of 2 between "
                       "256 and %d", sizes[i].name, size, VIRTQUEUE_MAX_SIZE);
            return false;
        }
    }
    if (n->duplex && !g_str_equal(n->duplex, "full") &&
        !g_str_equal(n->duplex, "half")) {
        error_setg(errp, "'duplex' must be 'half' or 'full', not '%s'",
                   n->duplex);
        return false;
    }
    if (n->tx && !g_str_equal(n->tx, "bh")) {
        warn_report("virtio-net: tx=%s is not supported, packets are sent at "
                    "once", n->tx);
    }
    if (n->speed < -1) {
        error_setg(errp, "'speed' must be between 0 and INT_MAX");
        return false;
    }
    return true;
}

static void virtio_net_add_queues(VirtIONet *n)
{
    VirtIODevice *vdev = &n->parent_obj;

    for (unsigned i = 0; i < n->max_pairs; i++) {
        VirtIONetQueue *q = &n->queues[i];

        q->n = n;
        q->rx_vq = virtio_add_queue(vdev, n->rx_queue_size,
                                    virtio_net_handle_rx);
        q->tx_vq = virtio_add_queue(vdev, n->tx_queue_size,
                                    virtio_net_handle_tx);
        q->tx_bh = aio_bh_new(main_context(), virtio_net_tx_bh, q);
    }
    n->ctrl_vq = virtio_add_queue(vdev, NET_CTRL_QUEUE_SIZE,
                                  virtio_net_handle_ctrl);
}

static void virtio_net_unrealize(VirtIODevice *vdev)
{
    VirtIONet *n = VIRTIO_NET(vdev);

    boot_order_remove(DEVICE(n));
    timer_del(&n->announce_timer);
    virtio_net_cleanup_vhost(n);
    for (unsigned i = 0; i < n->max_pairs; i++) {
        virtio_net_drop_tx(&n->queues[i]);
        aio_bh_delete(n->queues[i].tx_bh);
    }
    nic_del(n->nic);
    n->nic = NULL;
    virtio_cleanup(vdev);
    g_clear_pointer(&n->queues, g_free);
}

static bool virtio_net_realize(VirtIODevice *vdev, Error **errp)
{
    VirtIONet *n = VIRTIO_NET(vdev);
    DeviceState *dev = virtio_get_user_device(vdev);
    NetClientState *nc;

    if (!virtio_net_check_props(n, errp) ||
        !boot_order_add(DEVICE(n), n->conf.bootindex, "ethernet-phy@0",
                        errp)) {
        return false;
    }
    n->max_pairs = MAX(n->conf.peers.queues, 1);
    n->queues = g_new0(VirtIONetQueue, n->max_pairs);
    virtio_init(vdev, NET_CONFIG_LEN);
    nic_choose_mac(&n->conf.macaddr);
    memcpy(n->mac, n->conf.macaddr.a, sizeof(n->mac));
    n->status = VIRTIO_NET_S_LINK_UP;
    n->nic = nic_new(&virtio_net_client_info, &n->conf,
                     object_get_typename(OBJECT(dev)), dev->id, n);
    nc = nic_get_queue(n->nic, 0);
    if (net_peer_has_vnet_hdr_len(nc, VIRTIO_NET_HDR_LEN)) {
        n->host_hdr_len = VIRTIO_NET_HDR_LEN;
    }
    for (unsigned i = 0; i < n->max_pairs; i++) {
        net_peer_set_vnet_hdr_len(nic_get_queue(n->nic, i), n->host_hdr_len);
        nic_get_queue(n->nic, i)->vnet_hdr_len = n->host_hdr_len;
    }
    nic_set_info_str(n->nic, n->mac);
    virtio_net_add_queues(n);
    timer_init_ns(&n->announce_timer, main_context(), CLOCK_VIRTUAL,
                  virtio_net_announce_timer, n);
    virtio_net_filter_reset(n);
    n->tell_filter = true;
    n->cur_pairs = 1;
    if (!virtio_net_init_vhost(n, errp)) {
        virtio_net_unrealize(vdev);
        return false;
    }
    return true;
}

static bool virtio_net_post_load(void *opaque, int version_id, Error **errp)
{
    VirtIONet *n = opaque;

    if (n->cur_pairs == 0 || n->cur_pairs > n->max_pairs ||
        !virtio_net_filter_valid(&n->filter)) {
        error_setg(errp, "virtio-net: %u of %u queue pairs, filter of %u",
                   n->cur_pairs, n->max_pairs, n->filter.in_use);
        return false;
    }
    if (nic_get_queue(n->nic, 0)->link_down) {
        n->status &= ~VIRTIO_NET_S_LINK_UP;
    }
    virtio_net_set_pairs(n, n->cur_pairs);
    virtio_net_apply_offloads(n);
    if (virtio_vdev_has_feature(&n->parent_obj, VIRTIO_NET_F_GUEST_ANNOUNCE)) {
        timer_mod_ns(&n->announce_timer,
                     clock_get_ns(CLOCK_VIRTUAL) + NET_ANNOUNCE_DELAY_NS);
    }
    return true;
}

static const VMStateDescription vmstate_filter = {
    .name = "virtio-net-filter",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(promisc, VirtIONetFilter),
        VMSTATE_BOOL(allmulti, VirtIONetFilter),
        VMSTATE_BOOL(alluni, VirtIONetFilter),
        VMSTATE_BOOL(nomulti, VirtIONetFilter),
        VMSTATE_BOOL(nouni, VirtIONetFilter),
        VMSTATE_BOOL(nobcast, VirtIONetFilter),
        VMSTATE_BOOL(uni_overflow, VirtIONetFilter),
        VMSTATE_BOOL(multi_overflow, VirtIONetFilter),
        VMSTATE_UINT32(in_use, VirtIONetFilter),
        VMSTATE_UINT32(first_multi, VirtIONetFilter),
        VMSTATE_UINT8_ARRAY(macs, VirtIONetFilter, MAC_TABLE_ENTRIES * 6),
        VMSTATE_UINT32_ARRAY(vlans, VirtIONetFilter, VLAN_WORDS),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_virtio_net = {
    .name = TYPE_VIRTIO_NET,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = virtio_net_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8_ARRAY(mac, VirtIONet, 6),
        VMSTATE_UINT16(status, VirtIONet),
        VMSTATE_UINT16(cur_pairs, VirtIONet),
        VMSTATE_UINT64(cur_offloads, VirtIONet),
        VMSTATE_STRUCT(filter, VirtIONet, vmstate_filter, VirtIONetFilter),
        VMSTATE_END_OF_LIST()
    },
};

#define FEATURE(name, bit, help)                                               \
    PROP_BIT64(name, VirtIONet, parent_obj.host_features, VIRTIO_NET_F_##bit,  \
               true, help)

static const Property virtio_net_props[] = {
    FEATURE("csum", CSUM, "take packets without checksum"),
    FEATURE("guest_csum", GUEST_CSUM, "give packets without checksum"),
    FEATURE("guest_tso4", GUEST_TSO4, "give large TCP packets, IPv4"),
    FEATURE("guest_tso6", GUEST_TSO6, "give large TCP packets, IPv6"),
    FEATURE("guest_ecn", GUEST_ECN, "give large TCP packets with ECN"),
    FEATURE("guest_ufo", GUEST_UFO, "give large UDP packets"),
    FEATURE("guest_announce", GUEST_ANNOUNCE,
            "let the driver announce itself after migration"),
    FEATURE("host_tso4", HOST_TSO4, "take large TCP packets, IPv4"),
    FEATURE("host_tso6", HOST_TSO6, "take large TCP packets, IPv6"),
    FEATURE("host_ecn", HOST_ECN, "take large TCP packets with ECN"),
    FEATURE("host_ufo", HOST_UFO, "take large UDP packets"),
    FEATURE("mrg_rxbuf", MRG_RXBUF, "spread a packet over several buffers"),
    FEATURE("status", STATUS, "tell whether the link is up"),
    FEATURE("ctrl_vq", CTRL_VQ, "offer the control queue"),
    FEATURE("ctrl_rx", CTRL_RX, "offer receive modes"),
    FEATURE("ctrl_vlan", CTRL_VLAN, "offer VLAN filtering"),
    FEATURE("ctrl_rx_extra", CTRL_RX_EXTRA, "offer more receive modes"),
    FEATURE("ctrl_mac_addr", CTRL_MAC_ADDR, "let the driver set the address"),
    FEATURE("ctrl_guest_offloads", CTRL_GUEST_OFFLOADS,
            "let the driver change offloads at run time"),
    PROP_BIT64("mq", VirtIONet, parent_obj.host_features, VIRTIO_NET_F_MQ,
               false, "offer several queue pairs; implied by a back end with "
               "several queues"),
    PROP_UINT16("rx_queue_size", VirtIONet, rx_queue_size, 256,
                "descriptors of a receive queue, 256 to 1024"),
    PROP_UINT16("tx_queue_size", VirtIONet, tx_queue_size, 256,
                "descriptors of a transmit queue, 256 to 1024"),
    PROP_UINT16("host_mtu", VirtIONet, host_mtu, 0,
                "MTU told to the driver, bytes; 0: not told"),
    PROP_INT32("speed", VirtIONet, speed, -1,
               "link speed told to the driver, Mbit/s; -1: unknown"),
    PROP_STRING("duplex", VirtIONet, duplex, NULL,
                "'half' or 'full', told to the driver"),
    PROP_STRING("tx", VirtIONet, tx, NULL,
                "how transmission is scheduled: 'bh' only"),
    PROP_UINT32("x-txburst", VirtIONet, tx_burst, 256,
                "packets sent before other work gets its turn"),
    NIC_PROPS(VirtIONet, conf),
};

static void virtio_net_class_init(ObjectClass *oc, const void *data)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(oc);

    vdc->device_id = VIRTIO_ID_NET;
    vdc->realize = virtio_net_realize;
    vdc->unrealize = virtio_net_unrealize;
    vdc->get_config = virtio_net_get_config;
    vdc->get_features = virtio_net_get_features;
    vdc->validate_features = virtio_net_validate_features;
    vdc->set_features = virtio_net_set_features;
    vdc->reset = virtio_net_reset;
    vdc->running = virtio_net_running;
    vdc->queue_is_offloaded = virtio_net_queue_is_offloaded;
    vdc->start_offload = virtio_net_start_vhost;
    vdc->stop_offload = virtio_net_stop_vhost;
    vdc->vmsd = &vmstate_virtio_net;
    DEVICE_CLASS(oc)->categories = BIT(DEVICE_CATEGORY_NETWORK);
    device_class_set_props(DEVICE_CLASS(oc), virtio_net_props);
}

static const TypeInfo virtio_net_types[] = {
    {
        .name = TYPE_VIRTIO_NET,
        .parent = TYPE_VIRTIO_DEVICE,
        .help = "network card",
        .instance_size = sizeof(VirtIONet),
        .class_init = virtio_net_class_init,
    },
};
DEFINE_TYPES(virtio_net_types)
