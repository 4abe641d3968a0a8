/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The migrated state of the virtio core: registers and queue positions. */
#include "util/osdep.h"
#include "virtio-internal.h"

static const VMStateDescription vmstate_virtqueue = {
    .name = "virtqueue",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16_EQUAL(num_max, VirtQueue),
        VMSTATE_UINT16(num, VirtQueue),
        VMSTATE_UINT16(vector, VirtQueue),
        VMSTATE_BOOL(enabled, VirtQueue),
        VMSTATE_UINT64_ARRAY(addr, VirtQueue, 3),
        VMSTATE_UINT16(last_avail, VirtQueue),
        VMSTATE_UINT16(used_idx, VirtQueue),
        VMSTATE_BOOL(last_avail_wrap, VirtQueue),
        VMSTATE_BOOL(used_wrap, VirtQueue),
        VMSTATE_END_OF_LIST()
    },
};

static bool get_queues(VMStateReader *r, void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    VirtIODevice *vdev = container_of(pv, VirtIODevice, vq);

    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        if (!vmstate_load(&vmstate_virtqueue, vdev->vq[i], 1, r, errp)) {
            error_prepend(errp, "queue %u: ", i);
            return false;
        }
    }
    return true;
}

static bool put_queues(VMStateWriter *w, const void *pv, size_t size,
                       const VMStateField *field, Error **errp)
{
    const VirtIODevice *vdev = container_of(pv, VirtIODevice, vq);

    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        if (!vmstate_save(&vmstate_virtqueue, vdev->vq[i], w, errp)) {
            return false;
        }
    }
    return true;
}

static const VMStateInfo vmstate_info_queues = {
    .name = "virtqueues", .get = get_queues, .put = put_queues,
};

/* Everything that pop and push index with is checked here. */
static bool virtqueue_post_load(VirtQueue *vq, bool packed, Error **errp)
{
    if (vq->num == 0 || vq->num > vq->num_max ||
        (!packed && !IS_POWER_OF_2(vq->num))) {
        error_setg(errp, "queue %u: size %u of at most %u", vq->index, vq->num,
                   vq->num_max);
        return false;
    }
    if (packed && (vq->last_avail >= vq->num || vq->used_idx >= vq->num)) {
        error_setg(errp, "queue %u: position %u/%u outside a ring of %u",
                   vq->index, vq->last_avail, vq->used_idx, vq->num);
        return false;
    }
    if (!packed && (uint16_t)(vq->last_avail - vq->used_idx) > vq->num) {
        error_setg(errp, "queue %u: %u chains in flight in a ring of %u",
                   vq->index, (uint16_t)(vq->last_avail - vq->used_idx),
                   vq->num);
        return false;
    }
    vq->shadow_avail = vq->last_avail;
    vq->unsignalled = VQ_UNSIGNALLED_UNKNOWN;
    vq->inuse = 0;
    vq->notification = true;
    return true;
}

static bool virtio_post_load(void *opaque, int version_id, Error **errp)
{
    VirtIODevice *vdev = opaque;
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);

    if (vdev->guest_features & ~vdev->host_features) {
        error_setg(errp, "features 0x%" PRIx64 " are not offered here",
                   vdev->guest_features & ~vdev->host_features);
        return false;
    }
    if (vdc->set_features) {
        vdc->set_features(vdev, vdev->guest_features);
    }
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        VirtQueue *vq = vdev->vq[i];

        if (!virtqueue_post_load(vq, virtio_vdev_has_feature(vdev,
                                         VIRTIO_F_RING_PACKED), errp)) {
            return false;
        }
        if (vq->enabled && !vdev->broken) {
            virtqueue_map_ring(vq);
        }
    }
    return true;
}

const VMStateDescription vmstate_virtio = {
    .name = "virtio",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = virtio_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(status, VirtIODevice),
        VMSTATE_UINT8(isr, VirtIODevice),
        VMSTATE_UINT16(config_vector, VirtIODevice),
        VMSTATE_UINT16(queue_sel, VirtIODevice),
        VMSTATE_UINT32(generation, VirtIODevice),
        VMSTATE_UINT64(guest_features, VirtIODevice),
        VMSTATE_BOOL(broken, VirtIODevice),
        VMSTATE_UINT32_EQUAL(num_queues, VirtIODevice),
        VMSTATE_CUSTOM(vq, VirtIODevice, vmstate_info_queues, VirtQueue **),
        VMSTATE_END_OF_LIST()
    },
};

static bool get_vdev(VMStateReader *r, void *pv, size_t size,
                     const VMStateField *field, Error **errp)
{
    VirtIODevice *vdev = *(VirtIODevice **)pv;
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);

    return vmstate_load(&vmstate_virtio, vdev, 1, r, errp) &&
           (!vdc->vmsd || vmstate_load(vdc->vmsd, vdev, vdc->vmsd->version_id,
                                       r, errp));
}

static bool put_vdev(VMStateWriter *w, const void *pv, size_t size,
                     const VMStateField *field, Error **errp)
{
    VirtIODevice *vdev = *(VirtIODevice *const *)pv;
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);

    return vmstate_save(&vmstate_virtio, vdev, w, errp) &&
           (!vdc->vmsd || vmstate_save(vdc->vmsd, vdev, w, errp));
}

const VMStateInfo vmstate_info_virtio_device = {
    .name = "virtio device", .get = get_vdev, .put = put_vdev,
};
