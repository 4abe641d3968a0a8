/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When queues run: a device of one queue behind a transport of no registers. */
#include "util/osdep.h"
#include "hw/virtio/virtio-bus.h"
#include <linux/virtio_ring.h>
#include "tests/unit/lib/machine.h"

#define TYPE_TEST_TRANSPORT "test-transport"
#define TYPE_TEST_BUS       "test-virtio-bus"
#define TYPE_TEST_DEVICE    "test-virtio-device"

#define QUEUE_SIZE  8
#define DESC_GPA    0x100000
#define AVAIL_GPA   0x101000
#define USED_GPA    0x102000
#define BUF_GPA     0x103000

static struct {
    VirtQueue *vq;
    uint16_t avail_idx;
    bool refill;                    /* the driver adds while we handle */
    int handled, calls;
    VirtIODevice *vdev;
    bool offload, offloaded;        /* may be; is */
    int notified;
} t;

static void driver_add(void)
{
    uint16_t idx = ++t.avail_idx;

    address_space_write(&address_space_memory, AVAIL_GPA + 2,
                        MEMTXATTRS_UNSPECIFIED, &idx, sizeof(idx));
}

static void driver_write_rings(void)
{
    for (uint16_t i = 0; i < QUEUE_SIZE; i++) {
        struct vring_desc desc = { .addr = BUF_GPA, .len = 16 };

        address_space_write(&address_space_memory, DESC_GPA + i * sizeof(desc),
                            MEMTXATTRS_UNSPECIFIED, &desc, sizeof(desc));
        address_space_write(&address_space_memory, AVAIL_GPA + 4 + i * 2,
                            MEMTXATTRS_UNSPECIFIED, &i, sizeof(i));
    }
}

/* ---- The device ---- */

static void test_handle(VirtIODevice *vdev, VirtQueue *vq)
{
    VirtQueueElement *elem;

    t.calls++;
    do {
        virtio_queue_set_notification(vq, false);
        while ((elem = virtqueue_pop(vq, sizeof(*elem)))) {
            t.handled++;
            virtqueue_push(vq, elem, 0);
            g_free(elem);
            if (t.refill) {
                driver_add();
            }
        }
        virtio_queue_set_notification(vq, true);
    } while (!virtqueue_is_empty(vq));
}

static bool test_realize(VirtIODevice *vdev, Error **errp)
{
    virtio_init(vdev, 0);
    t.vq = virtio_add_queue(vdev, QUEUE_SIZE, test_handle);
    return true;
}

static bool test_is_offloaded(VirtIODevice *vdev, uint32_t n)
{
    return t.offloaded;
}

static bool test_start_offload(VirtIODevice *vdev)
{
    t.offloaded = t.offload;
    return true;
}

static void test_stop_offload(VirtIODevice *vdev)
{
    t.offloaded = false;
}

static void test_device_class_init(ObjectClass *oc, const void *data)
{
    VIRTIO_DEVICE_CLASS(oc)->queue_is_offloaded = test_is_offloaded;
    VIRTIO_DEVICE_CLASS(oc)->start_offload = test_start_offload;
    VIRTIO_DEVICE_CLASS(oc)->stop_offload = test_stop_offload;
    VIRTIO_DEVICE_CLASS(oc)->device_id = 63;
    VIRTIO_DEVICE_CLASS(oc)->realize = test_realize;
}

static void test_notify(DeviceState *transport, uint16_t vector)
{
    t.notified++;
}

static void test_bus_class_init(ObjectClass *oc, const void *data)
{
    VIRTIO_BUS_CLASS(oc)->notify = test_notify;
}

static const TypeInfo test_types[] = {
    {
        .name = TYPE_TEST_TRANSPORT,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(DeviceState),
    }, {
        .name = TYPE_TEST_BUS,
        .parent = TYPE_VIRTIO_BUS,
        .class_init = test_bus_class_init,
    }, {
        .name = TYPE_TEST_DEVICE,
        .parent = TYPE_VIRTIO_DEVICE,
        .class_init = test_device_class_init,
    },
};
DEFINE_TYPES(test_types)

static void device_start(void)
{
    static const VirtQueueAddrs addrs = { DESC_GPA, AVAIL_GPA, USED_GPA };
    DeviceState *transport = qdev_new(TYPE_TEST_TRANSPORT);
    DeviceState *dev = qdev_new(TYPE_TEST_DEVICE);
    BusState *bus = qbus_new(TYPE_TEST_BUS, transport, NULL);

    g_assert_true(qdev_realize(transport, NULL, NULL));
    g_assert_true(qdev_realize(dev, bus, NULL));
    t.vdev = VIRTIO_DEVICE(dev);
    test_machine_start(machine_get());
    driver_write_rings();
    virtio_set_dma_enabled(VIRTIO_DEVICE(dev), true);
    virtio_dev_set_driver_features(VIRTIO_DEVICE(dev), 1ull << 32);
    virtio_dev_set_status(VIRTIO_DEVICE(dev), 0x0b);    /* FEATURES_OK */
    virtio_queue_set_addrs(t.vq, &addrs);
    virtio_queue_enable(t.vq);
    virtio_dev_set_status(VIRTIO_DEVICE(dev), 0x0f);    /* DRIVER_OK */
    test_loop_settle();
}

/* ---- Tests ---- */

static void test_one_kick_serves_all(void)
{
    t.calls = t.handled = 0;
    for (int i = 0; i < QUEUE_SIZE - 1; i++) {
        driver_add();
    }
    virtio_queue_kick(t.vq);
    RUN_UNTIL(t.handled);
    g_assert_cmpint(t.handled, ==, QUEUE_SIZE - 1);
    test_loop_settle();
    g_assert_cmpint(t.calls, ==, 1);
}

/* A driver as fast as the device does not keep the loop from all else. */
static void test_endless_work_is_cut(void)
{
    t.calls = t.handled = 0;
    t.refill = true;
    driver_add();
    virtio_queue_kick(t.vq);
    for (int i = 1; i <= 5; i++) {
        RUN_UNTIL(t.calls == i);
        g_assert_cmpint(t.handled, ==, i * QUEUE_SIZE);
    }
    t.refill = false;
    test_loop_settle();
    g_assert_true(virtqueue_is_empty(t.vq));
    g_assert_cmpint(t.handled, ==, 5 * QUEUE_SIZE + 1);
}

/* A backend elsewhere signals; this transport has no way for that by itself. */
static void test_backend_is_heard(void)
{
    EventNotifier *n = virtio_queue_get_guest_notifier(t.vq);

    virtio_stop_queues(t.vdev);
    t.offload = true;
    virtio_start_queues(t.vdev);
    test_loop_settle();
    t.notified = 0;
    event_notifier_set(n);
    RUN_UNTIL(t.notified);
    g_assert_cmpint(t.vdev->isr, ==, 1);

    /* what it said last before it was stopped */
    event_notifier_set(n);
    virtio_stop_queues(t.vdev);
    g_assert_cmpint(t.notified, ==, 2);
    t.offload = false;
    virtio_start_queues(t.vdev);
    event_notifier_set(n);
    test_loop_settle();
    g_assert_cmpint(t.notified, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_machine_new(0);
    device_start();
    g_test_add_func("/virtio/notify/one-kick", test_one_kick_serves_all);
    g_test_add_func("/virtio/notify/endless", test_endless_work_is_cut);
    g_test_add_func("/virtio/notify/backend", test_backend_is_heard);
    return g_test_run();
}
