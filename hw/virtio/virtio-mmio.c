/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over MMIO, VIRTIO 1.2, 4.2: registers at 0, the device's
 * configuration at 0x100, one interrupt line that is high while there is
 * something to acknowledge. Version 2 only, there is no legacy interface; no
 * shared memory regions.
 *
 * Notifications go to the kernel as ioeventfds that match the queue's number.
 * Interrupts of an iothread take the way through the main loop. Context: big
 * lock.
 */
#include "util/osdep.h"
#include "hw/virtio/virtio-mmio.h"
#include <linux/virtio_mmio.h>
#include "virtio-internal.h"
#include "util/log.h"
#include "trace/trace-hw_virtio.h"

#define MMIO_MAGIC      0x74726976  /* "virt" */
#define MMIO_VERSION    2
#define MMIO_VENDOR     0x554d4551  /* "QEMU", as drivers know it */

/* Newer than the oldest kernel headers we build with (4.2.2). */
#define MMIO_SHM_SEL        0x0ac
#define MMIO_SHM_LEN_LOW    0x0b0
#define MMIO_SHM_BASE_HIGH  0x0bc
#define MMIO_QUEUE_RESET    0x0c0

static void mmio_update_irq(VirtIOMMIOProxy *p)
{
    uint8_t isr = p->vdev ? __atomic_load_n(&p->vdev->isr, __ATOMIC_SEQ_CST)
                          : 0;

    trace_virtio_mmio_irq(p->slot, isr);
    irq_set(p->irq, isr != 0);
}

/* The device goes first: it still signals while it drains. */
static void mmio_reset_device(VirtIOMMIOProxy *p)
{
    if (p->vdev) {
        virtio_dev_reset(p->vdev);
    }
    p->host_features_sel = p->guest_features_sel = 0;
    mmio_update_irq(p);
}

/* ---- Registers, 4.2.2 ---- */

/* Of the selected queue; one that does not exist reads as 0. */
static uint32_t queue_reg_read(VirtIOMMIOProxy *p, hwaddr off)
{
    VirtQueue *vq = virtio_get_queue(p->vdev, p->vdev->queue_sel);

    if (!vq) {
        return 0;
    }
    switch (off) {
    case VIRTIO_MMIO_QUEUE_NUM_MAX:
        return vq->num_max;
    case VIRTIO_MMIO_QUEUE_READY:
        return virtio_queue_is_enabled(vq);
    default:                        /* QueueReset: done at once */
        return 0;
    }
}

static uint32_t reg_read(VirtIOMMIOProxy *p, hwaddr off)
{
    VirtIODevice *vdev = p->vdev;

    switch (off) {
    case VIRTIO_MMIO_DEVICE_FEATURES:
        return p->host_features_sel > 1 ? 0 :
               virtio_dev_get_features(vdev) >> 32 * p->host_features_sel;
    case VIRTIO_MMIO_QUEUE_NUM_MAX:
    case VIRTIO_MMIO_QUEUE_READY:
    case MMIO_QUEUE_RESET:
        return queue_reg_read(p, off);
    case VIRTIO_MMIO_INTERRUPT_STATUS:
        return __atomic_load_n(&vdev->isr, __ATOMIC_SEQ_CST);
    case VIRTIO_MMIO_STATUS:
        return vdev->status;
    case VIRTIO_MMIO_CONFIG_GENERATION:
        return __atomic_load_n(&vdev->generation, __ATOMIC_ACQUIRE);
    case MMIO_SHM_LEN_LOW ... MMIO_SHM_BASE_HIGH:
        return UINT32_MAX;          /* no such region */
    default:
        guest_error(TYPE_VIRTIO_MMIO, "read of register 0x%" PRIx64, off);
        return 0;
    }
}

/* The slot's own registers answer without a device (4.2.2.2). */
static uint64_t mmio_read(void *opaque, hwaddr off, unsigned int size)
{
    VirtIOMMIOProxy *p = opaque;
    uint64_t val;

    if (off >= VIRTIO_MMIO_CONFIG) {
        val = p->vdev ? virtio_dev_config_read(p->vdev,
                                               off - VIRTIO_MMIO_CONFIG, size)
                      : 0;
    } else if (size != 4) {
        guest_error(TYPE_VIRTIO_MMIO, "read of %u bytes at 0x%" PRIx64, size,
                    off);
        return 0;
    } else if (off == VIRTIO_MMIO_MAGIC_VALUE) {
        val = MMIO_MAGIC;
    } else if (off == VIRTIO_MMIO_VERSION) {
        val = MMIO_VERSION;
    } else if (off == VIRTIO_MMIO_VENDOR_ID) {
        val = MMIO_VENDOR;
    } else if (off == VIRTIO_MMIO_DEVICE_ID) {
        val = p->device_id;
    } else {
        val = p->vdev ? reg_read(p, off) : 0;
    }
    trace_virtio_mmio_read(p->slot, off, val);
    return val;
}

/* Half of the accepted features, as selected. */
static void set_driver_features(VirtIOMMIOProxy *p, uint32_t val)
{
    unsigned int shift = 32 * p->guest_features_sel;

    if (p->guest_features_sel > 1) {
        return;
    }
    virtio_dev_set_driver_features(p->vdev,
        (p->vdev->guest_features & ~(0xffffffffULL << shift)) |
        (uint64_t)val << shift);
}

static void set_queue_ready(VirtQueue *vq, uint32_t val)
{
    if (val == 1) {
        virtio_queue_enable(vq);
    } else if (val == 0 && virtio_queue_is_enabled(vq)) {
        virtio_queue_reset(vq);
    }
}

static void queue_reg_write(VirtIOMMIOProxy *p, hwaddr off, uint32_t val)
{
    VirtQueue *vq = virtio_get_queue(p->vdev, p->vdev->queue_sel);

    if (!vq) {
        guest_error(TYPE_VIRTIO_MMIO, "write to queue %u, which does not exist",
                    p->vdev->queue_sel);
        return;
    }
    switch (off) {
    case VIRTIO_MMIO_QUEUE_NUM:
        virtio_queue_set_num(vq, MIN(val, UINT16_MAX));
        break;
    case VIRTIO_MMIO_QUEUE_READY:
        set_queue_ready(vq, val);
        break;
    case VIRTIO_MMIO_QUEUE_DESC_LOW ... VIRTIO_MMIO_QUEUE_USED_HIGH:
        /* three pairs, 16 bytes apart */
        virtio_queue_set_addr_half(vq, (off - VIRTIO_MMIO_QUEUE_DESC_LOW) / 16,
                                   off & 4, val);
        break;
    case MMIO_QUEUE_RESET:
        if (val == 1 &&
            virtio_vdev_has_feature(p->vdev, VIRTIO_F_RING_RESET)) {
            virtio_queue_reset(vq);
        }
        break;
    }
}

static void queue_notify(VirtIOMMIOProxy *p, uint32_t n)
{
    VirtQueue *vq = virtio_get_queue(p->vdev, n);

    if (vq) {
        virtio_queue_kick(vq);
    }
}

static void reg_write(VirtIOMMIOProxy *p, hwaddr off, uint32_t val)
{
    VirtIODevice *vdev = p->vdev;

    switch (off) {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
        p->host_features_sel = val;
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES:
        set_driver_features(p, val);
        break;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
        p->guest_features_sel = val;
        break;
    case VIRTIO_MMIO_QUEUE_SEL:
        vdev->queue_sel = MIN(val, UINT16_MAX);
        break;
    case VIRTIO_MMIO_QUEUE_NOTIFY:
        queue_notify(p, val);
        break;
    case VIRTIO_MMIO_INTERRUPT_ACK:
        __atomic_fetch_and(&vdev->isr, ~val, __ATOMIC_SEQ_CST);
        mmio_update_irq(p);
        break;
    case VIRTIO_MMIO_STATUS:
        if ((val & 0xff) == 0) {
            mmio_reset_device(p);
        } else {
            virtio_dev_set_status(vdev, val);
        }
        break;
    case VIRTIO_MMIO_QUEUE_NUM:
    case VIRTIO_MMIO_QUEUE_READY:
    case VIRTIO_MMIO_QUEUE_DESC_LOW:
    case VIRTIO_MMIO_QUEUE_DESC_HIGH:
    case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
    case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
    case VIRTIO_MMIO_QUEUE_USED_LOW:
    case VIRTIO_MMIO_QUEUE_USED_HIGH:
    case MMIO_QUEUE_RESET:
        queue_reg_write(p, off, val);
        break;
    case MMIO_SHM_SEL:
        break;
    default:
        guest_error(TYPE_VIRTIO_MMIO, "write to register 0x%" PRIx64, off);
        break;
    }
}

static void mmio_write(void *opaque, hwaddr off, uint64_t val,
                       unsigned int size)
{
    VirtIOMMIOProxy *p = opaque;

    trace_virtio_mmio_write(p->slot, off, val);
    if (!p->vdev) {
        return;
    }
    if (off >= VIRTIO_MMIO_CONFIG) {
        virtio_dev_config_write(p->vdev, off - VIRTIO_MMIO_CONFIG, val, size);
    } else if (size != 4) {
        guest_error(TYPE_VIRTIO_MMIO, "write of %u bytes at 0x%" PRIx64, size,
                    off);
    } else {
        reg_write(p, off, val);
    }
}

static const MemoryRegionOps mmio_ops = {
    .read = mmio_read,
    .write = mmio_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

/* ---- What the device asks of its transport ---- */

static void mmio_notify(DeviceState *transport, uint16_t vector)
{
    mmio_update_irq(VIRTIO_MMIO(transport));
}

static bool mmio_ioeventfd_assign(DeviceState *transport, EventNotifier *e,
                                  uint32_t n, bool assign)
{
    VirtIOMMIOProxy *p = VIRTIO_MMIO(transport);

    if (assign) {
        memory_region_add_eventfd(&p->io, VIRTIO_MMIO_QUEUE_NOTIFY, 4, true, n,
                                  e);
    } else {
        memory_region_del_eventfd(&p->io, VIRTIO_MMIO_QUEUE_NOTIFY, 4, true, n,
                                  e);
    }
    return true;
}

static bool mmio_device_plugged(DeviceState *transport, Error **errp)
{
    VirtIOMMIOProxy *p = VIRTIO_MMIO(transport);

    p->vdev = VIRTIO_DEVICE(TAILQ_FIRST(&BUS(&p->bus)->children));
    p->device_id = p->vdev->device_id;
    p->vdev->ioeventfd_enabled = p->ioeventfd;
    /* There is no bus mastering to wait for. */
    virtio_set_dma_enabled(p->vdev, true);
    return true;
}

static void mmio_device_unplugged(DeviceState *transport)
{
    VirtIOMMIOProxy *p = VIRTIO_MMIO(transport);

    p->vdev = NULL;
    p->device_id = 0;
    mmio_update_irq(p);
}

/* ---- Life cycle and state ---- */

static void mmio_reset_hold(Object *obj)
{
    mmio_reset_device(VIRTIO_MMIO(obj));
}

static bool mmio_realize(DeviceState *dev, Error **errp)
{
    VirtIOMMIOProxy *p = VIRTIO_MMIO(dev);
    g_autofree char *name = g_strdup_printf(TYPE_VIRTIO_MMIO_BUS ".%u",
                                            p->slot);

    if (p->force_legacy) {
        error_setg(errp, "force-legacy=on: there is no legacy interface");
        error_append_hint(errp, "Leave out force-legacy=on");
        return false;
    }
    qbus_init(&p->bus, sizeof(p->bus), TYPE_VIRTIO_MMIO_BUS, dev, name);
    return true;
}

static void mmio_instance_init(Object *obj)
{
    VirtIOMMIOProxy *p = VIRTIO_MMIO(obj);

    memory_region_init_io(&p->io, obj, &mmio_ops, p, TYPE_VIRTIO_MMIO,
                          VIRTIO_MMIO_BYTES);
    qdev_init_gpio_out_named(DEVICE(obj), &p->irq, NULL, 1);
}

static void mmio_instance_finalize(Object *obj)
{
    memory_region_deinit(&VIRTIO_MMIO(obj)->io);
}

static bool mmio_post_load(void *opaque, int version_id, Error **errp)
{
    mmio_update_irq(opaque);
    return true;
}

static bool mmio_has_device(void *opaque, int version_id)
{
    return ((const VirtIOMMIOProxy *)opaque)->vdev != NULL;
}

static const VMStateDescription vmstate_virtio_mmio = {
    .name = TYPE_VIRTIO_MMIO,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = mmio_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(device_id, VirtIOMMIOProxy),
        VMSTATE_UINT32(host_features_sel, VirtIOMMIOProxy),
        VMSTATE_UINT32(guest_features_sel, VirtIOMMIOProxy),
        VMSTATE_SCALAR_TEST_V(vdev, VirtIOMMIOProxy, mmio_has_device, 0,
                              vmstate_info_virtio_device, VirtIODevice *),
        VMSTATE_END_OF_LIST()
    },
};

static const Property mmio_props[] = {
    PROP_BOOL("ioeventfd", VirtIOMMIOProxy, ioeventfd, true,
              "let the kernel signal notifications without an exit"),
    PROP_BOOL("force-legacy", VirtIOMMIOProxy, force_legacy, false,
              "off; there is no legacy interface"),
    PROP_BOOL("format_transport_address", VirtIOMMIOProxy,
              format_transport_address, true,
              "accepted; names of the state have no address"),
};

static char *mmio_get_fw_name(DeviceState *dev)
{
    return g_strdup_printf("virtio-mmio@%016" PRIx64,
                           VIRTIO_MMIO(dev)->io.addr);
}

static void mmio_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = mmio_realize;
    dc->reset_hold = mmio_reset_hold;
    dc->vmsd = &vmstate_virtio_mmio;
    dc->get_fw_name = mmio_get_fw_name;
    dc->user_creatable = false;
    dc->hotpluggable = false;
    device_class_set_props(dc, mmio_props);
}

static void mmio_bus_class_init(ObjectClass *oc, const void *data)
{
    VirtioBusClass *k = VIRTIO_BUS_CLASS(oc);

    k->notify = mmio_notify;
    k->device_plugged = mmio_device_plugged;
    k->device_unplugged = mmio_device_unplugged;
    k->ioeventfd_assign = mmio_ioeventfd_assign;
}

static const TypeInfo mmio_types[] = {
    {
        .name = TYPE_VIRTIO_MMIO,
        .parent = TYPE_DEVICE,
        .help = "slot for a virtio device in memory-mapped I/O",
        .instance_size = sizeof(VirtIOMMIOProxy),
        .instance_init = mmio_instance_init,
        .instance_finalize = mmio_instance_finalize,
        .class_init = mmio_class_init,
    }, {
        .name = TYPE_VIRTIO_MMIO_BUS,
        .parent = TYPE_VIRTIO_BUS,
        .help = "connects a virtio device with its slot",
        .class_init = mmio_bus_class_init,
    },
};
DEFINE_TYPES(mmio_types)
