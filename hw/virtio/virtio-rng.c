/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entropy device, VIRTIO 1.2, 5.4: one queue, no configuration. Each buffer of
 * the driver is filled from an rng back end (rng=ID, else one of its own that
 * calls getrandom).
 *
 * Runs in the main loop, one buffer at a time:
 *
 *   kick, cont, new period -> serve: pop, ask the back end
 *   the back end answers   -> entropy: push, serve the next
 *
 * What a guest can take is limited in two ways: one request asks the back end
 * for at most RNG_REQUEST_MAX_BYTES, and with max-bytes and period there is a
 * quota, after which buffers wait.
 */
#include "util/osdep.h"
#include "hw/virtio/virtio-rng.h"
#include "hw/virtio/virtio.h"
#include "backends/rng.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "trace/trace-hw_virtio.h"

#define RNG_QUEUE_SIZE 8

OBJECT_DECLARE_SIMPLE_TYPE(VirtIORng, VIRTIO_RNG)

struct VirtIORng {
    VirtIODevice parent_obj;

    /* Properties (frozen after realize) */
    RngBackend *rng;
    uint64_t max_bytes;             /* per period; INT64_MAX: no limit */
    uint32_t period_ms;

    /* Guest-visible (migrated) */
    uint64_t quota;                 /* bytes left in this period */

    /* Runtime; main loop */
    VirtQueue *vq;
    VirtQueueElement *elem;         /* being filled; one at a time */
    AioTimer period_timer;          /* armed while the quota is used up */
    bool own_rng;
};

static void virtio_rng_serve(VirtIORng *s);

static void virtio_rng_entropy(void *opaque, const void *data, size_t size)
{
    VirtIORng *s = opaque;
    VirtQueueElement *elem = g_steal_pointer(&s->elem);

    if (size == 0) {
        /* 5.4.6.1: at least one byte, so the buffer waits for a next try. */
        warn_report_once("virtio-rng: the source of entropy is broken");
        virtqueue_unpop(s->vq, elem);
        g_free(elem);
        return;
    }
    size = iov_from_buf(elem->in_sg, elem->in_num, 0, data, size);
    trace_virtio_rng_pushed(s, size);
    s->quota -= MIN(s->quota, size);
    virtqueue_push(s->vq, elem, size);
    virtio_notify(&s->parent_obj, s->vq);
    g_free(elem);
    virtio_rng_serve(s);
}

static void virtio_rng_arm(VirtIORng *s)
{
    timer_mod_ns(&s->period_timer, clock_get_ns(CLOCK_VIRTUAL) +
                 s->period_ms * NSEC_PER_MSEC);
}

/* Ask for the next buffer's bytes, unless one is under way. */
static void virtio_rng_serve(VirtIORng *s)
{
    VirtIODevice *vdev = &s->parent_obj;
    uint64_t want;

    if (s->elem || !vdev->ioeventfd_started) {      /* stopped or reset */
        return;
    }
    if (s->quota == 0) {
        if (!timer_pending(&s->period_timer)) {
            virtio_rng_arm(s);
        }
        return;
    }
    s->elem = virtqueue_pop(s->vq, sizeof(*s->elem));
    if (!s->elem) {
        return;
    }
    want = iov_size(s->elem->in_sg, s->elem->in_num);
    want = MIN(want, s->quota);
    if (want == 0) {
        virtio_error(vdev, "buffer that the device cannot write");
        virtqueue_detach(s->vq, s->elem);
        g_clear_pointer(&s->elem, g_free);
        return;
    }
    trace_virtio_rng_request(s, want);
    rng_backend_request(s->rng, MIN(want, RNG_REQUEST_MAX_BYTES), NULL,
                        virtio_rng_entropy, s);
}

static void virtio_rng_handle(VirtIODevice *vdev, VirtQueue *vq)
{
    virtio_rng_serve(VIRTIO_RNG(vdev));
}

static void virtio_rng_new_period(void *opaque)
{
    VirtIORng *s = opaque;

    s->quota = s->max_bytes;
    virtio_rng_serve(s);
}

/* Stop or reset: the buffer goes back unused, or unpopped for later. */
static void virtio_rng_running(VirtIODevice *vdev, bool running)
{
    VirtIORng *s = VIRTIO_RNG(vdev);

    if (running) {
        return;
    }
    rng_backend_cancel(s->rng, s);
    timer_del(&s->period_timer);
    if (s->elem) {
        virtqueue_unpop(s->vq, s->elem);
        g_clear_pointer(&s->elem, g_free);
    }
}

static bool virtio_rng_realize(VirtIODevice *vdev, Error **errp)
{
    VirtIORng *s = VIRTIO_RNG(vdev);

    if (s->period_ms == 0) {
        error_setg(errp, "'period' parameter expects a positive integer");
        return false;
    }
    if (s->max_bytes == 0 || s->max_bytes > INT64_MAX) {
        error_setg(errp, "'max-bytes' parameter must be from 1 to %" PRId64,
                   INT64_MAX);
        return false;
    }
    if (!s->rng) {
        Object *rng = object_new(TYPE_RNG_BUILTIN);

        if (!user_creatable_complete(rng, errp)) {
            object_unref(rng);
            return false;
        }
        object_property_add_child(OBJECT(s), "default-backend", rng);
        s->rng = RNG_BACKEND(rng);
        s->own_rng = true;
    }
    virtio_init(vdev, 0);
    s->quota = s->max_bytes;
    s->vq = virtio_add_queue(vdev, RNG_QUEUE_SIZE, virtio_rng_handle);
    timer_init_ns(&s->period_timer, main_context(), CLOCK_VIRTUAL,
                  virtio_rng_new_period, s);
    return true;
}

static void virtio_rng_unrealize(VirtIODevice *vdev)
{
    VirtIORng *s = VIRTIO_RNG(vdev);

    timer_del(&s->period_timer);
    virtio_cleanup(vdev);
    if (s->own_rng) {
        object_unparent(OBJECT(s->rng));
    }
}

static bool virtio_rng_post_load(void *opaque, int version_id, Error **errp)
{
    VirtIORng *s = opaque;

    if (s->quota > s->max_bytes) {
        s->quota = s->max_bytes;
    }
    return true;
}

static const VMStateDescription vmstate_virtio_rng = {
    .name = TYPE_VIRTIO_RNG,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = virtio_rng_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(quota, VirtIORng),
        VMSTATE_END_OF_LIST()
    },
};

static const Property virtio_rng_props[] = {
    PROP_LINK("rng", VirtIORng, rng, TYPE_RNG_BACKEND,
              "object that gives the entropy; default: getrandom()"),
    PROP_UINT64("max-bytes", VirtIORng, max_bytes, INT64_MAX,
                "bytes the guest may take in each period"),
    PROP_UINT32("period", VirtIORng, period_ms, 1 << 16,
                "length of a period, milliseconds"),
};

static void virtio_rng_class_init(ObjectClass *oc, const void *data)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(oc);

    vdc->device_id = VIRTIO_ID_RNG;
    vdc->realize = virtio_rng_realize;
    vdc->unrealize = virtio_rng_unrealize;
    vdc->running = virtio_rng_running;
    vdc->vmsd = &vmstate_virtio_rng;
    DEVICE_CLASS(oc)->categories = BIT(DEVICE_CATEGORY_MISC);
    device_class_set_props(DEVICE_CLASS(oc), virtio_rng_props);
}

static const TypeInfo virtio_rng_types[] = {
    {
        .name = TYPE_VIRTIO_RNG,
        .parent = TYPE_VIRTIO_DEVICE,
        .help = "entropy for the guest",
        .instance_size = sizeof(VirtIORng),
        .class_init = virtio_rng_class_init,
    },
};
DEFINE_TYPES(virtio_rng_types)
