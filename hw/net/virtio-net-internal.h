/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of virtio-net share: virtio-net.c (device), -queue.c (data
 * path), -ctrl.c (control queue and receive filter).
 */
#ifndef HW_NET_VIRTIO_NET_INTERNAL_H
#define HW_NET_VIRTIO_NET_INTERNAL_H

#include <linux/virtio_net.h>
#include "hw/virtio/virtio.h"
#include "net/net.h"

#define TYPE_VIRTIO_NET "virtio-net-device"
OBJECT_DECLARE_SIMPLE_TYPE(VirtIONet, VIRTIO_NET)

typedef struct VhostDev VhostDev;

#define VIRTIO_NET_HDR_LEN  sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define MAC_TABLE_ENTRIES   64      /* as Linux and QEMU have them */
#define MAX_VLAN            4096
#define VLAN_WORDS          (MAX_VLAN / 32)

typedef struct VirtIONetQueue {
    VirtIONet *n;
    VirtQueue *rx_vq, *tx_vq;
    AioBH *tx_bh;                   /* goes on after a burst */
    VirtQueueElement *tx_waiting;   /* the peer has it, and will tell */
    VhostDev *vhost;                /* NULL: this process moves packets */
} VirtIONetQueue;

/* VIRTIO 1.2, 5.1.6.5: what the driver wants to receive. */
typedef struct VirtIONetFilter {
    bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
    bool uni_overflow, multi_overflow;
    uint32_t in_use, first_multi;
    uint8_t macs[MAC_TABLE_ENTRIES * 6];
    uint32_t vlans[VLAN_WORDS];
} VirtIONetFilter;

struct VirtIONet {
    VirtIODevice parent_obj;

    /* Properties (frozen after realize) */
    NICConf conf;
    uint16_t rx_queue_size, tx_queue_size;
    uint16_t host_mtu;              /* bytes; 0: not offered */
    int32_t speed;                  /* Mbit/s; -1: unknown */
    char *duplex, *tx;
    uint32_t tx_burst;

    /* Guest-visible (migrated) */
    uint8_t mac[6];
    uint16_t status;                /* VIRTIO_NET_S_* */
    uint16_t cur_pairs;             /* pairs the driver uses */
    uint64_t cur_offloads;
    VirtIONetFilter filter;

    /* Runtime */
    NICState *nic;
    VirtIONetQueue *queues;
    uint16_t max_pairs;
    VirtQueue *ctrl_vq;
    int host_hdr_len;               /* vnet header of the peer: 12 or 0 */
    bool vhost_started;
    bool tell_filter;               /* the next change of it, to the monitor */
    AioTimer announce_timer;
};

/* virtio-net-queue.c */
extern const NetClientInfo virtio_net_client_info;
void virtio_net_handle_rx(VirtIODevice *vdev, VirtQueue *vq);
void virtio_net_handle_tx(VirtIODevice *vdev, VirtQueue *vq);
void virtio_net_tx_bh(void *opaque);
/* Give up what waits in the peer (reset, stop). */
void virtio_net_drop_tx(VirtIONetQueue *q);

/* virtio-net-ctrl.c */
void virtio_net_handle_ctrl(VirtIODevice *vdev, VirtQueue *vq);
/* Whether the guest wants the packet with this Ethernet header. */
bool virtio_net_filter_accepts(VirtIONet *n, const uint8_t *eth, size_t len);
void virtio_net_filter_reset(VirtIONet *n);
RxFilterInfo *virtio_net_query_rx_filter(NetClientState *nc);
void virtio_net_apply_offloads(VirtIONet *n);
bool virtio_net_filter_valid(const VirtIONetFilter *f);

/* virtio-net.c */
void virtio_net_set_link(NetClientState *nc);
void virtio_net_set_pairs(VirtIONet *n, uint16_t pairs);

static inline VirtIONetQueue *virtio_net_queue_of(VirtIONet *n, VirtQueue *vq)
{
    return &n->queues[virtio_queue_get_index(vq) / 2];
}

#endif
