/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's vhost devices; see include/hw/virtio/vhost.h.
 *
 * The memory table follows the memory map through a listener while the device
 * runs. ROM is left out.
 */
#include "util/osdep.h"
#include <linux/vhost.h>
#include <sys/ioctl.h>
#include "hw/virtio/vhost.h"
#include "virtio-internal.h"

/* Kernel default of its module parameter max_mem_regions. */
#define VHOST_MAX_REGIONS 64

struct VhostDev {
    int fd;
    uint32_t first_queue, num_queues;
    uint64_t features;              /* what the kernel offers */
    bool started;
    int backend_fd;
    MemoryListener listener;
    GArray *regions;                /* struct vhost_memory_region */
    VirtIODevice *vdev;
};

/* Bits the kernel implements or must agree to; the others are ours alone. */
static const uint64_t kernel_bits =
    BIT64(VIRTIO_RING_F_INDIRECT_DESC) | BIT64(VIRTIO_RING_F_EVENT_IDX) |
    BIT64(VIRTIO_F_RING_PACKED) | BIT64(VIRTIO_F_IN_ORDER) |
    BIT64(VIRTIO_F_RING_RESET) | BIT64(VIRTIO_F_ACCESS_PLATFORM) |
    BIT64(VIRTIO_F_VERSION_1) | BIT64(15) /* VIRTIO_NET_F_MRG_RXBUF */;

static bool vhost_ioctl(VhostDev *dev, unsigned long req, const char *name,
                        const void *arg, Error **errp)
{
    if (ioctl(dev->fd, req, arg) < 0) {
        error_setg_errno(errp, errno, "vhost: %s failed", name);
        return false;
    }
    return true;
}
#define VHOST_IOCTL(dev, req, arg, errp) vhost_ioctl(dev, req, #req, arg, errp)

VhostDev *vhost_dev_new(int fd, uint32_t first_queue, uint32_t num_queues,
                        Error **errp)
{
    g_autofree VhostDev *dev = g_new0(VhostDev, 1);

    dev->fd = fd;
    dev->first_queue = first_queue;
    dev->num_queues = num_queues;
    dev->backend_fd = -1;
    if (!VHOST_IOCTL(dev, VHOST_SET_OWNER, NULL, errp) ||
        !VHOST_IOCTL(dev, VHOST_GET_FEATURES, &dev->features, errp)) {
        return NULL;
    }
    dev->regions = g_array_new(false, true, sizeof(struct vhost_memory_region));
    return g_steal_pointer(&dev);
}

void vhost_dev_free(VhostDev *dev)
{
    if (!dev) {
        return;
    }
    g_array_unref(dev->regions);
    g_free(dev);
}

bool vhost_dev_set_poll_us(VhostDev *dev, uint32_t us, Error **errp)
{
    struct vhost_vring_state state = { .num = us };

    for (; state.index < dev->num_queues; state.index++) {
        if (!VHOST_IOCTL(dev, VHOST_SET_VRING_BUSYLOOP_TIMEOUT, &state, errp)) {
            return false;
        }
    }
    return true;
}

uint64_t vhost_dev_filter_features(VhostDev *dev, uint64_t features)
{
    return features & (dev->features | ~kernel_bits);
}

/* ---- Memory ---- */

static bool vhost_wants(const MemoryRegionSection *s)
{
    return memory_region_is_ram(s->mr) && !s->readonly;
}

static void vhost_region_add(MemoryListener *l, MemoryRegionSection *s)
{
    VhostDev *dev = container_of(l, VhostDev, listener);
    struct vhost_memory_region r;

    if (!vhost_wants(s)) {
        return;
    }
    r = (struct vhost_memory_region) {
        .guest_phys_addr = s->offset_in_as,
        .memory_size = s->size,
        .userspace_addr = (uintptr_t)memory_region_get_ram_ptr(s->mr) +
                          s->offset_in_region,
    };
    g_array_append_val(dev->regions, r);
}

static void vhost_region_del(MemoryListener *l, MemoryRegionSection *s)
{
    VhostDev *dev = container_of(l, VhostDev, listener);

    for (guint i = 0; i < dev->regions->len; i++) {
        struct vhost_memory_region *r =
            &g_array_index(dev->regions, struct vhost_memory_region, i);

        if (r->guest_phys_addr == s->offset_in_as && vhost_wants(s)) {
            g_array_remove_index(dev->regions, i);
            return;
        }
    }
}

static bool vhost_set_mem_table(VhostDev *dev, Error **errp)
{
    size_t bytes = dev->regions->len * sizeof(struct vhost_memory_region);
    g_autofree struct vhost_memory *mem = g_malloc0(sizeof(*mem) + bytes);

    if (dev->regions->len > VHOST_MAX_REGIONS) {
        error_setg(errp, "vhost: %u pieces of memory, the kernel takes %d",
                   dev->regions->len, VHOST_MAX_REGIONS);
        return false;
    }
    mem->nregions = dev->regions->len;
    memcpy(mem->regions, dev->regions->data, bytes);
    return VHOST_IOCTL(dev, VHOST_SET_MEM_TABLE, mem, errp);
}

static void vhost_mem_commit(MemoryListener *l)
{
    VhostDev *dev = container_of(l, VhostDev, listener);
    g_autoptr(Error) err = NULL;

    if (dev->started && !vhost_set_mem_table(dev, &err)) {
        virtio_error(dev->vdev, "%s", error_get_pretty(err));
    }
}

/* ---- Queues ---- */

static bool vhost_start_queue(VhostDev *dev, uint32_t i, Error **errp)
{
    VirtQueue *vq = virtio_get_queue(dev->vdev, dev->first_queue + i);
    struct vhost_vring_state state = { .index = i };
    struct vhost_vring_file file = { .index = i };
    struct vhost_vring_addr addr = { .index = i };

    if (!vq || !virtio_queue_ready(vq)) {
        return true;
    }
    state.num = virtio_queue_get_num(vq);
    if (!VHOST_IOCTL(dev, VHOST_SET_VRING_NUM, &state, errp)) {
        return false;
    }
    state.num = virtio_queue_get_last_avail(vq);
    addr.desc_user_addr = (uintptr_t)vq->ring->area[VRING_DESC];
    addr.avail_user_addr = (uintptr_t)vq->ring->area[VRING_DRIVER];
    addr.used_user_addr = (uintptr_t)vq->ring->area[VRING_DEVICE];
    addr.log_guest_addr = vq->addr[VRING_DEVICE];
    if (!VHOST_IOCTL(dev, VHOST_SET_VRING_BASE, &state, errp) ||
        !VHOST_IOCTL(dev, VHOST_SET_VRING_ADDR, &addr, errp)) {
        return false;
    }
    file.fd = event_notifier_get_fd(virtio_queue_get_host_notifier(vq));
    if (!VHOST_IOCTL(dev, VHOST_SET_VRING_KICK, &file, errp)) {
        return false;
    }
    file.fd = event_notifier_get_fd(virtio_queue_get_guest_notifier(vq));
    if (!VHOST_IOCTL(dev, VHOST_SET_VRING_CALL, &file, errp)) {
        return false;
    }
    file.fd = dev->backend_fd;
    if (file.fd >= 0 &&
        !VHOST_IOCTL(dev, VHOST_NET_SET_BACKEND, &file, errp)) {
        return false;
    }
    /* What became available before the kernel looked. */
    event_notifier_set(virtio_queue_get_host_notifier(vq));
    return true;
}

static void vhost_stop_queue(VhostDev *dev, uint32_t i)
{
    VirtQueue *vq = virtio_get_queue(dev->vdev, dev->first_queue + i);
    struct vhost_vring_state state = { .index = i };
    struct vhost_vring_file file = { .index = i, .fd = -1 };

    if (dev->backend_fd >= 0) {
        VHOST_IOCTL(dev, VHOST_NET_SET_BACKEND, &file, NULL);
    }
    if (vq && virtio_queue_ready(vq) &&
        VHOST_IOCTL(dev, VHOST_GET_VRING_BASE, &state, NULL)) {
        virtio_queue_set_last_avail(vq, state.num);
    }
}

bool vhost_dev_start(VhostDev *dev, VirtIODevice *vdev, int backend_fd,
                     Error **errp)
{
    uint64_t features = vdev->guest_features & kernel_bits & dev->features;

    dev->vdev = vdev;
    dev->backend_fd = backend_fd;
    dev->listener = (MemoryListener) {
        .name = "vhost",
        .commit = vhost_mem_commit,
        .region_add = vhost_region_add,
        .region_del = vhost_region_del,
    };
    g_array_set_size(dev->regions, 0);
    memory_listener_register(&dev->listener, vdev->dma_as);
    if (!VHOST_IOCTL(dev, VHOST_SET_FEATURES, &features, errp) ||
        !vhost_set_mem_table(dev, errp)) {
        goto err_listener;
    }
    dev->started = true;
    for (uint32_t i = 0; i < dev->num_queues; i++) {
        if (!vhost_start_queue(dev, i, errp)) {
            vhost_dev_stop(dev, vdev);
            return false;
        }
    }
    return true;

err_listener:
    memory_listener_unregister(&dev->listener);
    return false;
}

void vhost_dev_stop(VhostDev *dev, VirtIODevice *vdev)
{
    if (!dev || !dev->started) {
        return;
    }
    dev->started = false;
    for (uint32_t i = 0; i < dev->num_queues; i++) {
        vhost_stop_queue(dev, i);
    }
    memory_listener_unregister(&dev->listener);
}
