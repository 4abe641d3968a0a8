/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals between driver and device, in both directions, and when queues run.
 *
 * Kicks: each enabled queue has a host notifier, which the transport makes the
 * kernel signal (ioeventfd), and which the queue's AioContext watches. While
 * the context busy-polls it looks at the ring instead and the driver is told
 * not to kick.
 * Interrupts: each queue has a guest notifier that raises its vector without
 * leaving the kernel (irqfd) where the transport can, so that an iothread
 * needs no lock to complete a request. A queue that a backend outside of this
 * process serves has nothing else: where the transport cannot, the main loop
 * takes the signal and raises the interrupt.
 *
 * Queues run from DRIVER_OK to reset, while the VM runs.
 */
#include "util/osdep.h"
#include "virtio-internal.h"
#include "system/memory.h"
#include "util/bql.h"
#include "util/main-loop.h"

static AioContext *vq_ctx(const VirtQueue *vq)
{
    return vq->ctx ? vq->ctx : main_context();
}

/*
 * A driver can make chains available as fast as they are given back: one call
 * takes a ring's worth, so that the others of the context get their turn.
 */
static void vq_run(VirtQueue *vq)
{
    bool more;

    if (!vq->fn || virtio_is_broken(vq->vdev)) {
        return;
    }
    vq->in_handler = true;
    vq->budget = vq->num;
    vq->fn(vq->vdev, vq);
    more = vq_is_spent(vq);
    vq->in_handler = false;
    if (more) {
        event_notifier_set(&vq->host_notifier);
    }
}

static void host_notifier_read(EventNotifier *n)
{
    vq_run(container_of(n, VirtQueue, host_notifier));
}

static bool host_notifier_poll(EventNotifier *n)
{
    return !virtqueue_is_empty(container_of(n, VirtQueue, host_notifier));
}

static void host_notifier_poll_begin(EventNotifier *n)
{
    virtio_queue_set_notification(container_of(n, VirtQueue, host_notifier),
                                  false);
}

static void host_notifier_poll_end(EventNotifier *n)
{
    virtio_queue_set_notification(container_of(n, VirtQueue, host_notifier),
                                  true);
}

static bool vq_is_offloaded(VirtQueue *vq)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vq->vdev);

    return vdc->queue_is_offloaded &&
           vdc->queue_is_offloaded(vq->vdev, vq->index);
}

static void virtio_attach_queue(VirtQueue *vq)
{
    AioContext *ctx = vq_ctx(vq);

    if (vq->attached || vq_is_offloaded(vq)) {
        return;
    }
    vq->attached = true;
    aio_set_event_notifier(ctx, &vq->host_notifier, host_notifier_read,
                           host_notifier_poll);
    aio_set_event_notifier_poll(ctx, &vq->host_notifier,
                                host_notifier_poll_begin,
                                host_notifier_poll_end);
    /* What became available while nobody watched. */
    event_notifier_set(&vq->host_notifier);
}

static void detach_in_home(void *opaque)
{
    VirtQueue *vq = opaque;

    aio_set_event_notifier(vq_ctx(vq), &vq->host_notifier, NULL, NULL);
}

void virtio_detach_queue(VirtQueue *vq)
{
    if (!vq->attached) {
        return;
    }
    vq->attached = false;
    if (vq->ctx) {
        aio_wait_bh_oneshot(vq->ctx, detach_in_home, vq);
    } else {
        detach_in_home(vq);
    }
}

void virtio_pause_queues(VirtIODevice *vdev)
{
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        virtio_detach_queue(vdev->vq[i]);
    }
}

void virtio_resume_queues(VirtIODevice *vdev)
{
    for (uint32_t i = 0; vdev->ioeventfd_started && i < vdev->num_queues; i++) {
        if (vdev->vq[i]->enabled) {
            virtio_attach_queue(vdev->vq[i]);
        }
    }
}

static bool vq_assign(VirtQueue *vq, VirtioBusClass *k, DeviceState *transport)
{
    g_autoptr(Error) err = NULL;

    if ((vq->host_notifier.fd < 0 &&
         !event_notifier_init(&vq->host_notifier, false, &err)) ||
        (vq->guest_notifier.fd < 0 &&
         !event_notifier_init(&vq->guest_notifier, false, &err))) {
        virtio_error(vq->vdev, "queue %u: %s", vq->index,
                     error_get_pretty(err));
        return false;
    }
    /* Where it fails, kicks come as exits: virtio_queue_kick. */
    if (k->ioeventfd_assign && vq->vdev->ioeventfd_enabled) {
        vq->ioeventfd_assigned = k->ioeventfd_assign(transport,
                                                     &vq->host_notifier,
                                                     vq->index, true);
    }
    return true;
}

/* Only what was assigned: a queue that the driver does not enable after a
 * reset still has the notifier of its last life. */
static void virtio_unassign_all(VirtIODevice *vdev, VirtioBusClass *k,
                                DeviceState *transport)
{
    memory_region_transaction_begin();
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        VirtQueue *vq = vdev->vq[i];

        if (vq->ioeventfd_assigned) {
            k->ioeventfd_assign(transport, &vq->host_notifier, i, false);
            vq->ioeventfd_assigned = false;
        }
    }
    memory_region_transaction_commit();
}

static void virtio_raise(VirtIODevice *vdev, uint16_t vector, uint8_t isr);

static void guest_notifier_read(EventNotifier *n)
{
    VirtQueue *vq = container_of(n, VirtQueue, guest_notifier);

    virtio_raise(vq->vdev, vq->vector, 1);
}

static void virtio_relay_start(VirtIODevice *vdev)
{
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        VirtQueue *vq = vdev->vq[i];

        if (vq->enabled && !vq->guest_notifier_on && vq_is_offloaded(vq)) {
            vq->relayed = true;
            aio_set_event_notifier(main_context(), &vq->guest_notifier,
                                   guest_notifier_read, NULL);
        }
    }
}

/* After the backend's last signal, which is not lost. */
static void virtio_relay_stop(VirtIODevice *vdev)
{
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        VirtQueue *vq = vdev->vq[i];

        if (vq->relayed) {
            vq->relayed = false;
            aio_set_event_notifier(main_context(), &vq->guest_notifier, NULL,
                                   NULL);
            if (event_notifier_test_and_clear(&vq->guest_notifier)) {
                guest_notifier_read(&vq->guest_notifier);
            }
        }
    }
}

void virtio_start_queues(VirtIODevice *vdev)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    DeviceState *transport;
    VirtioBusClass *k = virtio_get_bus_class(vdev, &transport);
    bool guest;

    if (vdev->ioeventfd_started || !vdev->vm_running || vdev->broken ||
        !vdev->dma_enabled ||
        !(vdev->status & VIRTIO_CONFIG_S_DRIVER_OK)) {
        return;
    }
    memory_region_transaction_begin();
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        if (vdev->vq[i]->enabled && !vq_assign(vdev->vq[i], k, transport)) {
            memory_region_transaction_commit();
            virtio_unassign_all(vdev, k, transport);
            return;
        }
    }
    memory_region_transaction_commit();
    vdev->ioeventfd_started = true;
    guest = k->set_guest_notifiers &&
            k->set_guest_notifiers(transport, vdev->num_queues, true);
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        vdev->vq[i]->guest_notifier_on = guest && vdev->vq[i]->enabled;
    }
    if (vdc->start_offload) {
        vdc->start_offload(vdev);
        virtio_relay_start(vdev);
    }
    if (vdc->running) {
        vdc->running(vdev, true);
    }
    virtio_resume_queues(vdev);
}

void virtio_stop_queues(VirtIODevice *vdev)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_GET_CLASS(vdev);
    DeviceState *transport;
    VirtioBusClass *k = virtio_get_bus_class(vdev, &transport);

    if (!vdev->ioeventfd_started) {
        return;
    }
    vdev->ioeventfd_started = false;
    virtio_pause_queues(vdev);
    if (vdc->running) {
        vdc->running(vdev, false);
    }
    if (vdc->drain) {
        vdc->drain(vdev);
    }
    if (vdc->stop_offload) {
        vdc->stop_offload(vdev);
        virtio_relay_stop(vdev);
    }
    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        vdev->vq[i]->guest_notifier_on = false;
    }
    if (k->set_guest_notifiers) {
        k->set_guest_notifiers(transport, vdev->num_queues, false);
    }
    virtio_unassign_all(vdev, k, transport);
}

void virtio_set_dma_enabled(VirtIODevice *vdev, bool on)
{
    vdev->dma_enabled = on;
    if (on) {
        virtio_start_queues(vdev);
    } else {
        virtio_stop_queues(vdev);
    }
}

void virtio_queue_kick(VirtQueue *vq)
{
    VirtIODevice *vdev = vq->vdev;

    if (virtio_is_broken(vdev) || !vq->enabled) {
        return;
    }
    /* Not running: the attach looks at the ring. */
    if (vdev->ioeventfd_started) {
        event_notifier_set(&vq->host_notifier);
    }
}

static void virtio_raise(VirtIODevice *vdev, uint16_t vector, uint8_t isr)
{
    DeviceState *transport;
    VirtioBusClass *k = virtio_get_bus_class(vdev, &transport);

    __atomic_fetch_or(&vdev->isr, isr, __ATOMIC_SEQ_CST);
    if (k && k->notify) {
        k->notify(transport, vector);
    }
}

void virtio_raise_bh(void *opaque)
{
    VirtIODevice *vdev = opaque;

    for (uint32_t i = 0; i < vdev->num_queues; i++) {
        VirtQueue *vq = vdev->vq[i];

        if (__atomic_exchange_n(&vq->raise_pending, false, __ATOMIC_SEQ_CST)) {
            virtio_raise(vdev, vq->vector, 1);
        }
    }
}

void virtio_notify(VirtIODevice *vdev, VirtQueue *vq)
{
    bool wanted;
    VRing *r;

    rcu_read_lock();
    r = rcu_dereference(vq->ring);
    wanted = r && !virtio_is_broken(vdev) && vq->ops->should_notify(vq, r);
    rcu_read_unlock();
    if (!wanted) {
        return;
    }
    if (vq->guest_notifier_on) {
        event_notifier_set(&vq->guest_notifier);
    } else if (bql_locked()) {
        virtio_raise(vdev, vq->vector, 1);
    } else {
        /* The transport's registers belong to the big lock. */
        __atomic_store_n(&vq->raise_pending, true, __ATOMIC_SEQ_CST);
        aio_bh_schedule(vdev->raise_bh);
    }
}

void virtio_notify_config(VirtIODevice *vdev)
{
    if (!(vdev->status & VIRTIO_CONFIG_S_DRIVER_OK)) {
        return;
    }
    __atomic_fetch_add(&vdev->generation, 1, __ATOMIC_SEQ_CST);
    virtio_raise(vdev, vdev->config_vector, 3);
}
