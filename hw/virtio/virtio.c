/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every virtio device has: status, features, configuration and queues.
 * VIRTIO 1.2, chapters 2 and 3. Legacy drivers (before 1.0) are refused: a
 * driver that does not accept VIRTIO_F_VERSION_1 gets no FEATURES_OK.
 *
 * Registers come from the transport under the big lock. The rings are in
 * virtqueue.c, signals in virtio-notify.c.
 */
#include "util/osdep.h"
#include "virtio-internal.h"
#include "system/runstate.h"
#include "util/log.h"
#include "util/main-loop.h"

/* ---- Errors of the guest ---- */

static void virtio_broken_bh(void *opaque)
{
    VirtIODevice *vdev = opaque;

    if (!virtio_is_broken(vdev)) {
        return;
    }
    virtio_stop_queues(vdev);
    vdev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
    virtio_notify_config(vdev);
}

void virtio_error(VirtIODevice *vdev, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list ap;

    if (__atomic_exchange_n(&vdev->broken, true, __ATOMIC_RELAXED)) {
        return;
    }
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    guest_error(object_get_typename(OBJECT(vdev)), "%s", text);
    aio_bh_schedule(vdev->broken_bh);
}

/* ---- Queues ---- */

VirtQueue *virtio_add_queue(VirtIODevice *vdev, uint16_t size,
                            VirtioQueueFn *fn)
{
    VirtQueue *vq;

    g_assert(vdev->num_queues < VIRTIO_QUEUE_MAX);
    g_assert(IS_POWER_OF_2(size) && size <= VIRTQUEUE_MAX_SIZE);
    vq = g_new0(VirtQueue, 1);
    vq->vdev = vdev;
    vq->fn = fn;
    vq->index = vdev->num_queues;
    vq->num = vq->num_max = size;
    vq->vector = VIRTIO_NO_VECTOR;
    vq->ops = &vring_split_ops;
    vq->used = g_new0(VirtQueueUsed, size);
    vq->host_notifier.fd = vq->guest_notifier.fd = -1;
    virtqueue_init_state(vq);
    vdev->vq = g_renew(VirtQueue *, vdev->vq, vdev->num_queues + 1);
    vdev->vq[vdev->num_queues++] = vq;
    return vq;
}

void virtio_delete_queue(VirtQueue *vq)
{
    VirtIODevice *vdev = vq->vdev;

    g_assert(vq->index == vdev->num_queues - 1);
    virtio_detach_queue(vq);
    virtqueue_unmap_ring(vq);
    event_notifier_cleanup(&vq->host_notifier);
    event_notifier_cleanup(&vq->guest_notifier);
    vdev->num_queues--;
    g_free(vq->used);
    g_free(vq);
}

VirtQueue *virtio_get_queue(VirtIODevice *vdev, uint32_t n)
{
    return n < vdev->num_queues ? vdev->vq[n] : NULL;
}

uint32_t virtio_queue_get_index(const VirtQueue *vq)
{
    return vq->index;
}

void virtio_queue_set_ctx(VirtQueue *vq, AioContext *ctx)
{
    g_assert(!vq->attached);
    vq->ctx = ctx;
}

bool virtio_queue_ready(const VirtQueue *vq)
{
    return vq->ring != NULL;
}

uint16_t virtio_queue_get_num(const VirtQueue *vq)
{
    return vq->num;
}

/* Split rings need a power of two; checked when the queue is enabled. */
void virtio_queue_set_num(VirtQueue *vq, uint16_t num)
{
    if (vq->enabled || num == 0 || num > vq->num_max) {
        guest_error("virtio", "queue %u: size %u refused", vq->index, num);
        return;
    }
    vq->num = num;
}

void virtio_queue_set_addrs(VirtQueue *vq, const VirtQueueAddrs *a)
{
    if (vq->enabled) {
        guest_error("virtio", "queue %u: addresses changed while enabled",
                    vq->index);
        return;
    }
    vq->addr[VRING_DESC] = a->desc;
    vq->addr[VRING_DRIVER] = a->driver;
    vq->addr[VRING_DEVICE] = a->device;
}

void virtio_queue_get_addrs(const VirtQueue *vq, VirtQueueAddrs *a)
{
    a->desc = vq->addr[VRING_DESC];
    a->driver = vq->addr[VRING_DRIVER];
    a->device = vq->addr[VRING_DEVICE];
    a->num = vq->num;
}

void virtio_queue_enable(VirtQueue *vq)
{
    VirtIODevice *vdev = vq->vdev;

    if (vq->enabled || !(vdev->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
        guest_error("virtio", "queue %u: enabled out of turn", vq->index);
        return;
    }
    if (!virtio_vdev_has_feature(vdev, VIRTIO_F_RING_PACKED) &&
        !IS_POWER_OF_2(vq->num)) {
        virtio_error(vdev, "queue %u: size %u is not a power of 2", vq->index,
                     vq->num);
        return;
    }
    virtqueue_init_state(vq);
    if (!virtqueue_map_ring(vq)) {
        return;
    }
    vq->enabled = true;
    if (vdev->ioeventfd_started) {
        /* After a queue reset: stop and start gives it its notifiers. */
        virtio_stop_queues(vdev);
        virtio_start_queues(vdev);
    }
}

bool virtio_queue_is_enabled(const VirtQueue *vq)
{
    return vq->enabled;
}

static void vq_reset_state(VirtQueue *vq)
{
    vq->enabled = false;
    vq->num = vq->num_max;
    memset(vq->addr, 0, sizeof(vq->addr));
    virtqueue_unmap_ring(vq);
    virtqueue_init_state(vq);
}

/*
 * VIRTIO 1.2, 2.6.1. The device stops as a whole for it: only that completes
 * the requests in flight and gives back the buffers that a device holds, which
 * must not reach the ring that the driver enables next.
 */
void virtio_queue_reset(VirtQueue *vq)
{
    VirtIODevice *vdev = vq->vdev;
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    bool restart = vdev->ioeventfd_started;

    virtio_stop_queues(vdev);
    if (vdc->queue_reset) {
        vdc->queue_reset(vdev, vq->index);
    }
    vq_reset_state(vq);
    if (restart) {
        virtio_start_queues(vdev);
    }
}

uint16_t virtio_queue_get_vector(const VirtQueue *vq)
{
    return vq->vector;
}

void virtio_queue_set_vector(VirtQueue *vq, uint16_t vector)
{
    vq->vector = vector;
}

/* Split rings only: devices with an offload do not offer packed ones. */
uint32_t virtio_queue_get_last_avail(const VirtQueue *vq)
{
    return vq->last_avail;
}

void virtio_queue_set_last_avail(VirtQueue *vq, uint32_t idx)
{
    vq->last_avail = vq->shadow_avail = vq->used_idx = idx;
    vq->unsignalled = VQ_UNSIGNALLED_UNKNOWN;
}

EventNotifier *virtio_queue_get_host_notifier(VirtQueue *vq)
{
    return &vq->host_notifier;
}

EventNotifier *virtio_queue_get_guest_notifier(VirtQueue *vq)
{
    return &vq->guest_notifier;
}

/* ---- Features and status ---- */

uint64_t virtio_dev_get_features(VirtIODevice *vdev)
{
    return vdev->host_features;
}

bool virtio_dev_set_driver_features(VirtIODevice *vdev, uint64_t features)
{
    if (vdev->status & VIRTIO_CONFIG_S_FEATURES_OK) {
        guest_error("virtio", "features written after FEATURES_OK");
        return false;
    }
    vdev->guest_features = features;
    return true;
}

static bool virtio_accept_features(VirtIODevice *vdev)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    uint64_t f = vdev->guest_features;

    if (f & ~vdev->host_features) {
        guest_error(object_get_typename(OBJECT(vdev)),
                    "driver wants features 0x%" PRIx64 " that are not offered",
                    f & ~vdev->host_features);
        return false;
    }
    if (!virtio_has_feature(f, VIRTIO_F_VERSION_1)) {
        guest_error(object_get_typename(OBJECT(vdev)),
                    "driver is older than virtio 1.0");
        return false;
    }
    if (vdc->validate_features && !vdc->validate_features(vdev, f)) {
        return false;
    }
    if (vdc->set_features) {
        vdc->set_features(vdev, f);
    }
    return true;
}

void virtio_dev_set_status(VirtIODevice *vdev, uint8_t val)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    uint8_t old = vdev->status, add;

    if (val == 0) {
        virtio_dev_reset(vdev);
        return;
    }
    if (old & ~val & ~VIRTIO_CONFIG_S_NEEDS_RESET) {
        guest_error("virtio", "driver cleared status bits 0x%x", old & ~val);
    }
    add = val & ~old & ~VIRTIO_CONFIG_S_NEEDS_RESET;
    if ((add & VIRTIO_CONFIG_S_FEATURES_OK) && !virtio_accept_features(vdev)) {
        add &= ~(VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
    }
    if ((add & VIRTIO_CONFIG_S_DRIVER_OK) &&
        !((old | add) & VIRTIO_CONFIG_S_FEATURES_OK)) {
        guest_error("virtio", "DRIVER_OK without FEATURES_OK");
        add &= ~VIRTIO_CONFIG_S_DRIVER_OK;
    }
    vdev->status = old | add;
    if (vdc->set_status) {
        vdc->set_status(vdev, old);
    }
    if (vdev->status & VIRTIO_CONFIG_S_FAILED) {
        virtio_stop_queues(vdev);
    } else {
        virtio_start_queues(vdev);
    }
}

void virtio_dev_reset(VirtIODevice *vdev)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    uint8_t old = vdev->status;

    virtio_stop_queues(vdev);
    vdev->status = 0;
    if (vdc->set_status) {
        vdc->set_status(vdev, old);
    }
    if (vdc->reset) {
        vdc->reset(vdev);
    }
    vdev->guest_features = 0;
    if (vdc->set_features) {
        vdc->set_features(vdev, 0);
    }
    vdev->queue_sel = 0;
    vdev->isr = 0;
    vdev->config_vector = VIRTIO_NO_VECTOR;
    aio_bh_cancel(vdev->broken_bh);
    __atomic_store_n(&vdev->broken, false, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        vq_reset_state(vdev->vq[i]);
        vdev->vq[i]->vector = VIRTIO_NO_VECTOR;
        vdev->vq[i]->raise_pending = false;
    }
}

uint8_t virtio_dev_read_isr(VirtIODevice *vdev)
{
    return __atomic_exchange_n(&vdev->isr, 0, __ATOMIC_SEQ_CST);
}

/* ---- Configuration ---- */

uint64_t virtio_dev_config_read(VirtIODevice *vdev, uint32_t off,
                                unsigned int size)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    uint8_t buf[VIRTIO_CONFIG_MAX] = { 0 };
    uint64_t val = 0;

    if (!range_fits(off, size, vdev->config_len) || !vdc->get_config) {
        return 0;
    }
    vdc->get_config(vdev, buf);
    memcpy(&val, buf + off, size);
    return val;
}

void virtio_dev_config_write(VirtIODevice *vdev, uint32_t off, uint64_t val,
                             unsigned int size)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    uint8_t buf[VIRTIO_CONFIG_MAX] = { 0 };

    if (!range_fits(off, size, vdev->config_len) || !vdc->get_config ||
        !vdc->set_config) {
        guest_error(object_get_typename(OBJECT(vdev)),
                    "write of %u bytes to configuration at 0x%x", size, off);
        return;
    }
    vdc->get_config(vdev, buf);
    memcpy(buf + off, &val, size);
    vdc->set_config(vdev, buf);
}

/* ---- Life of the device ---- */

static void virtio_memory_commit(MemoryListener *l)
{
    VirtIODevice *vdev = container_of(l, VirtIODevice, listener);

    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        virtqueue_remap_ring(vdev->vq[i]);
    }
}

static void virtio_vm_change(void *opaque, bool running, RunState state)
{
    VirtIODevice *vdev = opaque;

    vdev->vm_running = running;
    if (running) {
        virtio_start_queues(vdev);
    } else {
        virtio_stop_queues(vdev);
    }
}

void virtio_init(VirtIODevice *vdev, uint32_t config_len)
{
    g_assert(config_len <= VIRTIO_CONFIG_MAX);
    vdev->device_id = VIRTIO_DEVICE_GET_CLASS(vdev)->device_id;
    vdev->config_len = config_len;
    vdev->config_vector = VIRTIO_NO_VECTOR;
}

void virtio_cleanup(VirtIODevice *vdev)
{
    while (vdev->num_queues) {
        virtio_delete_queue(vdev->vq[vdev->num_queues - 1]);
    }
    g_clear_pointer(&vdev->vq, g_free);
}

static bool virtio_plug(VirtIODevice *vdev, Error **errp)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    DeviceState *transport;
    VirtioBusClass *k = virtio_get_bus_class(vdev, &transport);

    vdev->dma_as = k->get_dma_as ? k->get_dma_as(transport) :
                                   &address_space_memory;
    vdev->host_features |= BIT64(VIRTIO_F_VERSION_1);
    if (vdc->get_features) {
        vdev->host_features = vdc->get_features(vdev, vdev->host_features);
    }
    return !k->device_plugged || k->device_plugged(transport, errp);
}

static bool virtio_device_realize(DeviceState *dev, Error **errp)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(dev);
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(dev);

    vdev->broken_bh = aio_bh_new(main_context(), virtio_broken_bh, vdev);
    vdev->raise_bh = aio_bh_new(main_context(), virtio_raise_bh, vdev);
    if (!vdc->realize(vdev, errp)) {
        goto err_realize;
    }
    if (!virtio_plug(vdev, errp)) {
        goto err_plug;
    }
    vdev->listener = (MemoryListener) {
        .name = "virtio", .commit = virtio_memory_commit,
    };
    memory_listener_register(&vdev->listener, vdev->dma_as);
    vdev->vm_running = runstate_is_running();
    vdev->vm_change = vm_change_state_add(virtio_vm_change, vdev, 10);
    return true;

err_plug:
    if (vdc->unrealize) {
        vdc->unrealize(vdev);
    }
err_realize:
    aio_bh_delete(vdev->raise_bh);
    vdev->raise_bh = NULL;
    aio_bh_delete(vdev->broken_bh);
    vdev->broken_bh = NULL;
    return false;
}

static void virtio_device_unrealize(DeviceState *dev)
{
    VirtIODevice *vdev = VIRTIO_DEVICE(dev);
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(dev);
    DeviceState *transport;
    VirtioBusClass *k = virtio_get_bus_class(vdev, &transport);

    vm_change_state_del(vdev->vm_change);
    virtio_dev_reset(vdev);
    memory_listener_unregister(&vdev->listener);
    if (k->device_unplugged) {
        k->device_unplugged(transport);
    }
    if (vdc->unrealize) {
        vdc->unrealize(vdev);
    }
    aio_bh_delete(vdev->raise_bh);
    vdev->raise_bh = NULL;
    aio_bh_delete(vdev->broken_bh);
    vdev->broken_bh = NULL;
}

static void virtio_device_reset_hold(Object *obj)
{
    virtio_dev_reset(VIRTIO_DEVICE(obj));
}

static const Property virtio_props[] = {
    PROP_BIT64("indirect_desc", VirtIODevice, host_features,
               VIRTIO_RING_F_INDIRECT_DESC, true,
               "offer chains that stand in tables of their own"),
    PROP_BIT64("event_idx", VirtIODevice, host_features,
               VIRTIO_RING_F_EVENT_IDX, true,
               "offer to signal only when a given index is passed"),
    PROP_BIT64("iommu_platform", VirtIODevice, host_features,
               VIRTIO_F_ACCESS_PLATFORM, false,
               "tell the driver to use DMA addresses of the platform"),
    PROP_BIT64("packed", VirtIODevice, host_features, VIRTIO_F_RING_PACKED,
               false, "offer packed rings"),
    PROP_BIT64("queue_reset", VirtIODevice, host_features,
               VIRTIO_F_RING_RESET, true,
               "offer to reset queues one by one"),
    PROP_BIT64("in_order", VirtIODevice, host_features, VIRTIO_F_IN_ORDER,
               false, "offer to use buffers in the order they were given"),
};

static void virtio_device_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = virtio_device_realize;
    dc->unrealize = virtio_device_unrealize;
    dc->reset_hold = virtio_device_reset_hold;
    dc->bus_type = TYPE_VIRTIO_BUS;
    device_class_set_props(dc, virtio_props);
}

static const TypeInfo virtio_types[] = {
    {
        .name = TYPE_VIRTIO_DEVICE,
        .parent = TYPE_DEVICE,
        .help = "base of the virtio devices",
        .instance_size = sizeof(VirtIODevice),
        .class_size = sizeof(VirtioDeviceClass),
        .class_init = virtio_device_class_init,
        .abstract = true,
    },
};
DEFINE_TYPES(virtio_types)
