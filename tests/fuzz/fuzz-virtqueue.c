/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio core alone: a device that does with chains whatever a device may,
 * behind a transport that has no registers.
 */
#include "fuzz-virtio.h"
#include "hw/core/qdev.h"
#include "system/memory.h"
#include "util/main-loop.h"

#define TYPE_FUZZ_TRANSPORT "fuzz-transport"
#define TYPE_FUZZ_BUS       "fuzz-virtio-bus"
#define TYPE_FUZZ_DEVICE    "fuzz-virtio-device"
#define QUEUES              3
#define QUEUE_SIZE          64
#define HELD_MAX            32

static struct Held {
    VirtQueueElement *elem[HELD_MAX];
    unsigned int n;
} held[QUEUES];
static FuzzInput script;                /* what the device does */
static VirtIODevice *device;

/* All of it must be there: read and write every byte. */
static void touch(VirtIODevice *vdev, VirtQueueElement *elem)
{
    volatile uint8_t sum = 0;

    g_assert_cmpuint(elem->out_num + elem->in_num, <=, VIRTQUEUE_MAX_SIZE);
    for (uint32_t i = 0; i < elem->out_num; i++) {
        const uint8_t *p = elem->out_sg[i].iov_base;

        g_assert_cmpuint(elem->out_sg[i].iov_len, >, 0);
        sum += p[0] + p[elem->out_sg[i].iov_len - 1];
    }
    for (uint32_t i = 0; i < elem->in_num; i++) {
        uint8_t *p = elem->in_sg[i].iov_base;

        g_assert_cmpuint(elem->in_sg[i].iov_len, >, 0);
        p[0] = p[elem->in_sg[i].iov_len - 1] = sum;
    }
}

static VirtQueueElement *take_held(struct Held *h, unsigned int i)
{
    VirtQueueElement *elem = h->elem[i];

    h->n--;
    memmove(&h->elem[i], &h->elem[i + 1], (h->n - i) * sizeof(h->elem[0]));
    return elem;
}

static void give_back_all(VirtQueue *vq, struct Held *h)
{
    unsigned int n = h->n;

    while (h->n) {
        VirtQueueElement *elem = take_held(h, h->n - 1);

        virtqueue_fill(vq, elem, elem->index, h->n);
        g_free(elem);
    }
    virtqueue_flush(vq, n);
}

static void act(VirtIODevice *vdev, VirtQueue *vq, VirtQueueElement *elem)
{
    struct Held *h = &held[virtio_queue_get_index(vq)];
    uint8_t what = fuzz_u8(&script);

    switch (what % 8) {
    case 0:
    case 1:
        if (h->n < HELD_MAX) {
            h->elem[h->n++] = elem;
            return;
        }
        break;
    case 2:                         /* put it back and do not look again */
        virtqueue_unpop(vq, elem);
        g_free(elem);
        return;
    case 3:
        if (h->n) {
            VirtQueueElement *old = take_held(h, fuzz_u8(&script) % h->n);

            virtqueue_push(vq, old, 1);
            g_free(old);
        }
        break;
    case 4:
        give_back_all(vq, h);
        break;
    case 5:
        virtio_queue_set_notification(vq, what & 0x80);
        break;
    case 6:
        virtio_notify(vdev, vq);
        break;
    default:
        break;
    }
    virtqueue_push(vq, elem, what);
    g_free(elem);
}

static void fuzz_handle(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtQueueElement *elem;
    int n = 0;

    while (n++ < QUEUE_SIZE && (elem = virtqueue_pop(vq, sizeof(*elem)))) {
        touch(vdev, elem);
        act(vdev, vq, elem);
    }
    virtio_notify(vdev, vq);
    virtqueue_is_empty(vq);
}

/* Stop and reset: what is held goes back to where it came from, newest
 * first, or to the driver. */
static void fuzz_running(VirtIODevice *vdev, bool running)
{
    for (int i = 0; !running && i < QUEUES; i++) {
        struct Held *h = &held[i];

        if (i & 1) {
            give_back_all(virtio_get_queue(vdev, i), h);
        }
        while (h->n) {
            VirtQueueElement *elem = take_held(h, h->n - 1);

            virtqueue_unpop(virtio_get_queue(vdev, i), elem);
            g_free(elem);
        }
    }
}

static bool fuzz_realize(VirtIODevice *vdev, Error **errp)
{
    virtio_init(vdev, 8);
    for (int i = 0; i < QUEUES; i++) {
        virtio_add_queue(vdev, QUEUE_SIZE, fuzz_handle);
    }
    return true;
}

static void fuzz_device_class_init(ObjectClass *oc, const void *data)
{
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(oc);

    vdc->device_id = 63;
    vdc->realize = fuzz_realize;
    vdc->running = fuzz_running;
}

static void fuzz_notify(DeviceState *transport, uint16_t vector)
{
}

static void fuzz_bus_class_init(ObjectClass *oc, const void *data)
{
    VIRTIO_BUS_CLASS(oc)->notify = fuzz_notify;
}

static const TypeInfo fuzz_types[] = {
    {
        .name = TYPE_FUZZ_TRANSPORT,
        .parent = TYPE_DEVICE,
        .help = "transport without registers",
        .instance_size = sizeof(DeviceState),
    }, {
        .name = TYPE_FUZZ_BUS,
        .parent = TYPE_VIRTIO_BUS,
        .help = "its bus",
        .class_init = fuzz_bus_class_init,
    }, {
        .name = TYPE_FUZZ_DEVICE,
        .parent = TYPE_VIRTIO_DEVICE,
        .help = "device that does anything",
        .class_init = fuzz_device_class_init,
    },
};
DEFINE_TYPES(fuzz_types)

/* The script goes on where the steps ended. */
static void fuzz_event(VirtIODevice *vdev, uint8_t what, FuzzInput *in)
{
    script.left = fuzz_bytes(in, &script.data, what);
}

static const FuzzVirtio fuzz = {
    .queues = { 0, 1, 2 },
    .n_queues = QUEUES,
    .event = fuzz_event,
};

static void start(void)
{
    DeviceState *transport, *dev;
    BusState *bus;

    fuzz_start_machine();
    transport = qdev_new(TYPE_FUZZ_TRANSPORT);
    dev = qdev_new(TYPE_FUZZ_DEVICE);
    bus = qbus_new(TYPE_FUZZ_BUS, transport, NULL);
    object_property_set_bool(OBJECT(dev), "packed", true, NULL);
    object_property_set_bool(OBJECT(dev), "in_order", true, NULL);
    qdev_realize(transport, NULL, NULL);
    qdev_realize(dev, bus, NULL);
    device = VIRTIO_DEVICE(dev);
    fuzz_run_machine();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = { data, size };

    if (!device) {
        start();
    }
    script = (FuzzInput) { NULL, 0 };
    fuzz_virtio_run(&fuzz, device, &in);
    return 0;
}
