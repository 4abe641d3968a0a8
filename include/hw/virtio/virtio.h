/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio 1.2: the device side of the split and packed rings, and what every
 * virtio device has in common.
 *
 * A device (virtio-rng-device) is a child of its transport (virtio-rng-pci)
 * on a bus of one slot. The transport translates registers into the calls of
 * virtio-bus.h; the device adds queues in realize and gets a callback when the
 * driver kicks one.
 *
 *     static void rng_handle(VirtIODevice *vdev, VirtQueue *vq)
 *     {
 *         VirtQueueElement *elem;
 *
 *         while ((elem = virtqueue_pop(vq, sizeof(*elem)))) {
 *             size_t n = iov_from_buf(elem->in_sg, elem->in_num, 0, buf, len);
 *
 *             virtqueue_push(vq, elem, n);
 *             g_free(elem);
 *         }
 *         virtio_notify(vdev, vq);
 *     }
 *
 * Threading: a queue belongs to one AioContext, the main one by default, to
 * which virtio_queue_set_ctx() may bind it before the driver is ready. Its
 * callback, pop, push and notify run there, without the big lock when it is an
 * iothread's. Everything else belongs to the big lock.
 *
 * The guest is hostile: a ring that breaks a rule marks its device broken
 * (DEVICE_NEEDS_RESET in the status, a configuration interrupt, one log line),
 * after which pop gives nothing until reset.
 */
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include "hw/core/qdev.h"
#include "migration/vmstate.h"
#include "system/memory.h"
#include "util/aio.h"
#include "util/iov.h"

#define TYPE_VIRTIO_DEVICE "virtio-device"
OBJECT_DECLARE_TYPE(VirtIODevice, VirtioDeviceClass, VIRTIO_DEVICE)

typedef struct VirtQueue VirtQueue;
typedef void VirtioQueueFn(VirtIODevice *vdev, VirtQueue *vq);

#define VIRTQUEUE_MAX_SIZE 1024     /* descriptors in a queue or a chain */
#define VIRTIO_QUEUE_MAX   1024     /* queues of a device */
#define VIRTIO_NO_VECTOR   0xffff
#define VIRTIO_CONFIG_MAX  256      /* bytes of device configuration */

/* Bits of VIRTIO 1.2, 6 that not every kernel's header has. */
#ifndef VIRTIO_F_IN_ORDER
#define VIRTIO_F_IN_ORDER 35
#endif
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif

/*
 * A chain of descriptors, mapped. Embed it first in a request and give its
 * size to virtqueue_pop. The lists stay valid until push or detach.
 */
typedef struct VirtQueueElement {
    uint32_t index;                 /* head descriptor, or buffer id */
    uint32_t ndescs;                /* ring slots the chain took */
    uint32_t out_num, in_num;
    struct iovec *out_sg;           /* driver to device: read only */
    struct iovec *in_sg;            /* device to driver */
} VirtQueueElement;

struct VirtIODevice {
    DeviceState parent_obj;

    /* Frozen after realize */
    uint16_t device_id;             /* VIRTIO_ID_* */
    uint32_t config_len;            /* bytes of device configuration */
    uint64_t host_features;         /* properties, then what is offered */
    AddressSpace *dma_as;           /* set by the transport */
    uint32_t num_queues;            /* added so far */
    VirtQueue **vq;                 /* num_queues pointers */

    /* Guest-visible (migrated) */
    uint8_t status;                 /* VIRTIO_CONFIG_S_* */
    uint8_t isr;                    /* atomic */
    uint16_t config_vector;
    uint16_t queue_sel;
    uint32_t generation;            /* of the configuration; atomic */
    uint64_t guest_features;

    /* Runtime; big lock unless noted */
    bool broken;                    /* atomic */
    bool ioeventfd_enabled;         /* property of the transport */
    bool ioeventfd_started;
    bool vm_running;
    bool dma_enabled;               /* by the transport */
    AioBH *broken_bh;
    AioBH *raise_bh;
    MemoryListener listener;
    void *vm_change;                /* VMStateChangeEntry */
};

struct VirtioDeviceClass {
    DeviceClass parent_class;
    uint16_t device_id;

    bool (*realize)(VirtIODevice *vdev, Error **errp);
    void (*unrealize)(VirtIODevice *vdev);

    /* which of @features (host_features by property) the device offers */
    uint64_t (*get_features)(VirtIODevice *vdev, uint64_t features);
    /* the driver's choice is final (FEATURES_OK) or reset (0) */
    void (*set_features)(VirtIODevice *vdev, uint64_t features);
    /* may refuse the driver's choice: FEATURES_OK stays clear */
    bool (*validate_features)(VirtIODevice *vdev, uint64_t features);
    /* fill / take all config_len bytes */
    void (*get_config)(VirtIODevice *vdev, uint8_t *config);
    void (*set_config)(VirtIODevice *vdev, const uint8_t *config);

    /* Queues are detached from their contexts when these are called. */
    void (*reset)(VirtIODevice *vdev);
    void (*set_status)(VirtIODevice *vdev, uint8_t old_status);
    /* drop what still belongs to queue @n; the device is stopped */
    void (*queue_reset)(VirtIODevice *vdev, uint32_t n);
    /* all requests in flight complete before this returns; big lock */
    void (*drain)(VirtIODevice *vdev);
    /* the queues run (true) or stopped (false): VM start/stop, DRIVER_OK */
    void (*running)(VirtIODevice *vdev, bool running);
    /* a backend in the kernel or a peer (vhost) serves queue @n: the core
     * neither reads its notifier nor injects for it */
    bool (*queue_is_offloaded)(VirtIODevice *vdev, uint32_t n);
    /* -bool: start/stop that backend; called with the notifiers assigned */
    bool (*start_offload)(VirtIODevice *vdev);
    void (*stop_offload)(VirtIODevice *vdev);

    const VMStateDescription *vmsd;     /* device part, after the core's */
};

/* State of the core and its queues; a transport's table includes it. */
extern const VMStateDescription vmstate_virtio;

/* ---- Set up: in realize ---- */

/*
 * virtio_init: set the device's id (from its class) and configuration length.
 * First call of a device's realize; virtio_cleanup is the mirror.
 */
void virtio_init(VirtIODevice *vdev, uint32_t config_len);
void virtio_cleanup(VirtIODevice *vdev);
/* What the user made and named: the device, or the transport that owns it. */
DeviceState *virtio_get_user_device(VirtIODevice *vdev);
/* @size: a power of two up to VIRTQUEUE_MAX_SIZE. */
VirtQueue *virtio_add_queue(VirtIODevice *vdev, uint16_t size,
                            VirtioQueueFn *fn);
void virtio_delete_queue(VirtQueue *vq);
VirtQueue *virtio_get_queue(VirtIODevice *vdev, uint32_t n);  /* NULL: none */
uint32_t virtio_queue_get_index(const VirtQueue *vq);
/* The context that runs the queue; NULL = main. Not while it runs. */
void virtio_queue_set_ctx(VirtQueue *vq, AioContext *ctx);

static inline bool virtio_has_feature(uint64_t features, unsigned int bit)
{
    return features & (1ULL << bit);
}

/* Negotiated, after FEATURES_OK. */
static inline bool virtio_vdev_has_feature(const VirtIODevice *vdev,
                                           unsigned int bit)
{
    return virtio_has_feature(vdev->guest_features, bit);
}

/*
 * virtio_pause_queues: no queue callback runs any more (the block layer drains)
 * until virtio_resume_queues. Big lock.
 */
void virtio_pause_queues(VirtIODevice *vdev);
void virtio_resume_queues(VirtIODevice *vdev);

/* ---- Data path: in the queue's context ---- */

/*
 * virtqueue_pop: take the next available chain. @size: bytes of the request
 * structure that begins with a VirtQueueElement. Returns NULL when there is
 * none or the device is broken; free with g_free() after push or detach.
 *
 * One call of a queue's handler gets a ring's worth of chains; then there is
 * none and virtqueue_is_empty(), and the handler is called again after others
 * of the context had their turn.
 */
void *virtqueue_pop(VirtQueue *vq, size_t size);
/* Give it back with @len bytes written to in_sg. Does not interrupt. */
void virtqueue_push(VirtQueue *vq, VirtQueueElement *elem, uint32_t len);
/* Several at once: fill slots @idx 0..n-1, then flush(n): one ring update. */
void virtqueue_fill(VirtQueue *vq, VirtQueueElement *elem, uint32_t len,
                    uint32_t idx);
void virtqueue_flush(VirtQueue *vq, uint32_t count);
/* Unmap without using it (reset). */
void virtqueue_detach(VirtQueue *vq, VirtQueueElement *elem);
/* Put the chain popped last back to be popped again. */
void virtqueue_unpop(VirtQueue *vq, VirtQueueElement *elem);
bool virtqueue_is_empty(VirtQueue *vq);
/* Ask the driver (not) to kick. After enabling look at the queue again. */
void virtio_queue_set_notification(VirtQueue *vq, bool enable);
/* Interrupt the driver if it wants that now. Any thread. */
void virtio_notify(VirtIODevice *vdev, VirtQueue *vq);
void virtio_notify_config(VirtIODevice *vdev);
/* The guest broke a rule: mark the device broken. Any thread. */
void virtio_error(VirtIODevice *vdev, const char *fmt, ...) PRINTF(2, 3);
static inline bool virtio_is_broken(const VirtIODevice *vdev)
{
    return __atomic_load_n(&vdev->broken, __ATOMIC_RELAXED);
}

bool virtio_queue_ready(const VirtQueue *vq);
uint16_t virtio_queue_get_num(const VirtQueue *vq);

/* State that vhost takes over and gives back; the index as VHOST_VRING_BASE. */
typedef struct VirtQueueAddrs {
    uint64_t desc, driver, device;      /* gpa */
    uint16_t num;
} VirtQueueAddrs;
void virtio_queue_get_addrs(const VirtQueue *vq, VirtQueueAddrs *a);
uint32_t virtio_queue_get_last_avail(const VirtQueue *vq);
void virtio_queue_set_last_avail(VirtQueue *vq, uint32_t idx);
EventNotifier *virtio_queue_get_host_notifier(VirtQueue *vq);
EventNotifier *virtio_queue_get_guest_notifier(VirtQueue *vq);

#endif
