/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the virtio core share: the queue, and the operations in
 * which split and packed rings differ.
 */
#ifndef HW_VIRTIO_INTERNAL_H
#define HW_VIRTIO_INTERNAL_H

#include "hw/virtio/virtio-bus.h"
#include "util/rcu.h"

/*
 * A queue's three areas in host memory, mapped. Replaced as a whole when the
 * memory map moves them; readers hold rcu_read_lock().
 */
typedef struct VRing {
    struct rcu_head rcu;
    AddressSpace *as;
    uint8_t *area[3];               /* desc, driver (avail), device (used) */
    uint64_t len[3];                /* bytes */
} VRing;
enum { VRING_DESC, VRING_DRIVER, VRING_DEVICE };

/* One used buffer that waits for the flush. */
typedef struct VirtQueueUsed {
    uint32_t id;
    uint32_t len;                   /* bytes */
    uint32_t ndescs;
    bool filled;                    /* in-order: the device is done with it */
} VirtQueueUsed;

/* A chain while it is being collected: copies, never guest memory. */
typedef struct VirtChain {
    uint32_t index;
    uint32_t ndescs;
    uint32_t total;                 /* descriptors seen, bounds loops */
    uint32_t out_num, in_num;
    struct iovec *iov;              /* VIRTQUEUE_MAX_SIZE entries */
    uint64_t out_bytes, in_bytes;
} VirtChain;

typedef struct VRingOps {
    /* bytes of the three areas for a queue of @num */
    void (*area_sizes)(uint16_t num, bool event_idx, uint64_t len[3]);
    bool (*is_empty)(VirtQueue *vq, const VRing *r);
    /* collect the next chain: 1, 0 when there is none, -1 when broken */
    int (*next_chain)(VirtQueue *vq, const VRing *r, VirtChain *c);
    /* the chain was taken / is put back */
    void (*advance)(VirtQueue *vq, const VRing *r, uint32_t ndescs);
    void (*rewind)(VirtQueue *vq, uint32_t ndescs);
    /* write @n entries of vq->used to the ring and publish them */
    void (*write_used)(VirtQueue *vq, const VRing *r, uint32_t first,
                       uint32_t n);
    bool (*should_notify)(VirtQueue *vq, const VRing *r);
    void (*set_notification)(VirtQueue *vq, const VRing *r, bool enable);
} VRingOps;

/* More than any ring holds: the next notify always signals. */
#define VQ_UNSIGNALLED_UNKNOWN 0x10000

extern const VRingOps vring_split_ops, vring_packed_ops;

struct VirtQueue {
    VirtIODevice *vdev;
    VirtioQueueFn *fn;
    uint32_t index;
    uint16_t num_max;

    /* Guest-visible (migrated) */
    uint16_t num;
    uint16_t vector;
    bool enabled;
    uint64_t addr[3];               /* gpa of the areas */
    uint16_t last_avail;            /* next to take: index (split), slot */
    uint16_t used_idx;              /* next to write */
    bool last_avail_wrap, used_wrap;        /* packed */
    uint32_t unsignalled;           /* used entries since the last signal */

    /* Runtime; home of ctx */
    const VRingOps *ops;
    VRing *ring;                    /* RCU; NULL: not usable */
    uint16_t shadow_avail;          /* split: last seen avail->idx */
    bool notification;              /* the driver may kick */
    uint32_t inuse;                 /* chains taken and not given back */
    bool in_handler;                /* which may take @budget more chains */
    uint32_t budget;
    VirtQueueUsed *used;            /* num_max; batch, or in-order window */
    uint32_t inorder_head, inorder_count;
    AioContext *ctx;                /* NULL: main */
    bool attached;                  /* handler is in the context */
    bool ioeventfd_assigned;        /* the transport has host_notifier */
    bool raise_pending;             /* atomic: for the device's raise_bh */
    bool guest_notifier_on;         /* its signals reach the guest */
    bool relayed;                   /* by the main loop: virtio_relay_start */
    EventNotifier host_notifier, guest_notifier;
};

/* The handler has had its share; the rest is for the next pass of the loop. */
static inline bool vq_is_spent(const VirtQueue *vq)
{
    return vq->in_handler && vq->budget == 0;
}

static inline bool vq_event_idx(const VirtQueue *vq)
{
    return virtio_vdev_has_feature(vq->vdev, VIRTIO_RING_F_EVENT_IDX);
}

/* VIRTIO 1.2, 2.7.10.1: whether crossing @event calls for a signal. */
static inline bool vring_crossed(uint16_t event, uint16_t new_idx, uint16_t old)
{
    return (uint16_t)(new_idx - event - 1) < (uint16_t)(new_idx - old);
}

/*
 * virtio_chain_add: append one descriptor, given as local copies. Returns
 * false (device broken) when the chain breaks a rule.
 */
bool virtio_chain_add(VirtQueue *vq, VirtChain *c, uint64_t addr, uint32_t len,
                      bool writable);
/*
 * virtio_chain_indirect: copy an indirect table of @len bytes at @addr into
 * *@table (g_free). Returns its entries, 0 when it breaks a rule (broken).
 */
uint32_t virtio_chain_indirect(VirtQueue *vq, uint64_t addr, uint32_t len,
                               void **table);

/* virtqueue.c */
void virtqueue_init_state(VirtQueue *vq);
/* Map the areas; false (device broken) when they are not in RAM. */
bool virtqueue_map_ring(VirtQueue *vq);
void virtqueue_unmap_ring(VirtQueue *vq);
/* The memory map changed: map again where something moved. */
void virtqueue_remap_ring(VirtQueue *vq);

/* virtio-notify.c */
void virtio_detach_queue(VirtQueue *vq);
/* Main loop: interrupts that an iothread could not send itself. */
void virtio_raise_bh(void *opaque);

VirtioBusClass *virtio_get_bus_class(VirtIODevice *vdev, DeviceState **transport);

#endif
