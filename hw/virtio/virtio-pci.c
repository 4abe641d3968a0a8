/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI, VIRTIO 1.2, 4.1: registers in BAR 4, MSI-X in BAR 1.
 *
 *   BAR 4, 64-bit, 16 KiB (more with page-per-vq)
 *     0x0000  common configuration   (struct virtio_pci_common_cfg)
 *     0x1000  ISR                    (read clears)
 *     0x2000  device configuration
 *     0x3000  notifications          queue n at n * 4 (or n * 4096)
 *
 * The same registers can be reached through the configuration space (4.1.4.9).
 * Ids are the modern ones, 1af4:1040 + device id; there is no legacy or
 * transitional interface. INTx is not used: the machines give MSI-X.
 *
 * Signals go to and from the kernel directly: an ioeventfd for each queue's
 * notification address, and for its vector a route and an irqfd while the
 * vector is unmasked. Context: big lock.
 */
#include "util/osdep.h"
#include "virtio-pci-internal.h"
#include <linux/virtio_pci.h>
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "system/accel.h"
#include "util/log.h"

#define VIRTIO_PCI_VENDOR      0x1af4
#define VIRTIO_PCI_DEVICE_BASE 0x1040
#define VIRTIO_PCI_SUBSYSTEM   0x1100
#define VIRTIO_PCI_MSIX_BAR    1
#define VIRTIO_PCI_REGION_SIZE 0x1000
#define VIRTIO_PCI_VECTORS_AUTO UINT32_MAX
#define VIRTIO_PCI_MAX_VECTORS 2048

/* ---- Vectors ---- */

void virtio_pci_set_vector(VirtIOPCIProxy *p, uint16_t *slot, uint16_t vector)
{
    PCIDevice *pci = &p->parent_obj;

    if (*slot != VIRTIO_NO_VECTOR) {
        msix_vector_unuse(pci, *slot);
    }
    /* A vector that does not exist reads back as none (4.1.5.1.2). */
    *slot = vector < p->nvectors && msix_vector_use(pci, vector) ?
            vector : VIRTIO_NO_VECTOR;
}

void virtio_pci_set_queue_vector(VirtIOPCIProxy *p, VirtQueue *vq,
                                 uint16_t vector)
{
    uint16_t v = virtio_queue_get_vector(vq);
    bool restart = p->guest_notifiers;

    if (restart) {
        virtio_stop_queues(p->vdev);
    }
    virtio_pci_set_vector(p, &v, vector);
    virtio_queue_set_vector(vq, v);
    if (restart) {
        virtio_start_queues(p->vdev);
    }
}

/* Bind (or unbind) the guest notifiers of all queues that use @vector. */
static int vector_bind(VirtIOPCIProxy *p, unsigned int vector, bool on)
{
    VirtQueue *vq;
    int ret = 0;

    for (uint32_t i = 0; (vq = virtio_get_queue(p->vdev, i)); i++) {
        EventNotifier *n = virtio_queue_get_guest_notifier(vq);

        if (virtio_queue_get_vector(vq) != vector || n->fd < 0) {
            continue;
        }
        ret = on ? accel_irqfd_add(n, NULL, p->vectors[vector].virq) :
                   accel_irqfd_del(n, p->vectors[vector].virq);
        if (on && ret < 0) {
            return ret;
        }
    }
    return 0;
}

static void vector_release(PCIDevice *pci, unsigned int vector)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(pci);

    if (p->vectors[vector].virq < 0) {
        return;
    }
    vector_bind(p, vector, false);
    accel_msi_route_release(p->vectors[vector].virq);
    p->vectors[vector].virq = -1;
}

static int vector_use(PCIDevice *pci, unsigned int vector, MSIMessage msg)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(pci);
    int virq = p->vectors[vector].virq, ret;

    if (virq >= 0) {
        ret = accel_msi_route_update(virq, &msg);
        accel_msi_route_commit();
        return ret;
    }
    virq = accel_msi_route_add(&msg);
    if (virq < 0) {
        return virq;
    }
    accel_msi_route_commit();
    p->vectors[vector].virq = virq;
    ret = vector_bind(p, vector, true);
    if (ret < 0) {
        vector_release(pci, vector);
    }
    return ret;
}

/* While masked, signals stay in the notifier: show them as pending. */
static void vector_poll(PCIDevice *pci, unsigned int start, unsigned int end)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(pci);
    VirtQueue *vq;

    for (uint32_t i = 0; (vq = virtio_get_queue(p->vdev, i)); i++) {
        uint16_t vector = virtio_queue_get_vector(vq);
        EventNotifier *n = virtio_queue_get_guest_notifier(vq);

        if (vector >= start && vector < end && n->fd >= 0 &&
            p->vectors[vector].virq < 0 && event_notifier_test_and_clear(n)) {
            msix_set_pending(pci, vector);
        }
    }
}

static bool virtio_pci_set_guest_notifiers(DeviceState *transport,
                                           uint32_t nvqs, bool assign)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(transport);
    PCIDevice *pci = &p->parent_obj;

    if (!assign) {
        if (p->guest_notifiers) {
            msix_unset_vector_notifiers(pci);
            p->guest_notifiers = false;
        }
        return true;
    }
    /* A driver without MSI-X polls; the notifiers would go nowhere. */
    p->guest_notifiers = msix_enabled(pci) &&
        msix_set_vector_notifiers(pci, vector_use, vector_release,
                                  vector_poll) == 0;
    return p->guest_notifiers;
}

static void virtio_pci_notify(DeviceState *transport, uint16_t vector)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(transport);

    if (vector != VIRTIO_NO_VECTOR) {
        msix_notify(&p->parent_obj, vector);
    }
}

static bool virtio_pci_ioeventfd_assign(DeviceState *transport,
                                        EventNotifier *e, uint32_t n,
                                        bool assign)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(transport);
    MemoryRegion *mr = &p->regions[REGION_NOTIFY].mr;

    /* Any length: drivers write 16 bits, or 32 with notification data. */
    if (assign) {
        memory_region_add_eventfd(mr, n * p->notify_mult, 0, false, 0, e);
    } else {
        memory_region_del_eventfd(mr, n * p->notify_mult, 0, false, 0, e);
    }
    return true;
}

/* The device goes first: it still signals while it drains. */
void virtio_pci_reset_device(VirtIOPCIProxy *p)
{
    virtio_dev_reset(p->vdev);
    msix_unuse_all_vectors(&p->parent_obj);
    p->dfselect = p->gfselect = 0;
    p->gf[0] = p->gf[1] = 0;
}

/* ---- State ---- */

static bool vector_post_load(VirtIOPCIProxy *p, uint16_t vector, Error **errp)
{
    if (vector != VIRTIO_NO_VECTOR &&
        !msix_vector_use(&p->parent_obj, vector)) {
        error_setg(errp, "vector %u of %u", vector, p->nvectors);
        return false;
    }
    return true;
}

static bool virtio_pci_post_load(void *opaque, int version_id, Error **errp)
{
    VirtIOPCIProxy *p = opaque;
    VirtQueue *vq;

    if (!vector_post_load(p, p->vdev->config_vector, errp)) {
        return false;
    }
    for (uint32_t i = 0; (vq = virtio_get_queue(p->vdev, i)); i++) {
        if (!vector_post_load(p, virtio_queue_get_vector(vq), errp)) {
            return false;
        }
    }
    virtio_set_dma_enabled(p->vdev, p->parent_obj.config[PCI_COMMAND] &
                                    PCI_COMMAND_MASTER);
    return true;
}

static const VMStateDescription vmstate_virtio_pci = {
    .name = TYPE_VIRTIO_PCI,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = virtio_pci_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, VirtIOPCIProxy),
        VMSTATE_MSIX(parent_obj, VirtIOPCIProxy),
        VMSTATE_UINT32(dfselect, VirtIOPCIProxy),
        VMSTATE_UINT32(gfselect, VirtIOPCIProxy),
        VMSTATE_UINT32_ARRAY(gf, VirtIOPCIProxy, 2),
        VMSTATE_CUSTOM(vdev, VirtIOPCIProxy, vmstate_info_virtio_device,
                       VirtIODevice *),
        VMSTATE_END_OF_LIST()
    },
};

/* ---- Set-up ---- */

static bool add_virtio_cap(VirtIOPCIProxy *p, uint8_t type, int region,
                           uint8_t len, Error **errp)
{
    PCIDevice *pci = &p->parent_obj;
    struct virtio_pci_cap cap = { .cap_len = len, .cfg_type = type };
    uint8_t pos = pci_add_capability(pci, PCI_CAP_ID_VNDR, 0, len, errp);

    if (!pos) {
        return false;
    }
    if (region >= 0) {
        cap.bar = VIRTIO_PCI_MODERN_BAR;
        cap.offset = p->regions[region].offset;
        cap.length = p->regions[region].size;
    }
    memcpy(pci->config + pos + PCI_CAP_FLAGS, &cap.cap_len,
           sizeof(cap) - PCI_CAP_FLAGS);
    if (type == VIRTIO_PCI_CAP_NOTIFY_CFG) {
        memcpy(pci->config + pos + sizeof(cap), &p->notify_mult, 4);
    }
    if (type == VIRTIO_PCI_CAP_PCI_CFG) {
        uint8_t *wmask = pci->wmask + pos;

        p->cfg_cap = pos;
        wmask[offsetof(struct virtio_pci_cap, bar)] = 0xff;
        memset(wmask + offsetof(struct virtio_pci_cap, offset), 0xff, 4);
        memset(wmask + offsetof(struct virtio_pci_cap, length), 0xff, 4);
        memset(wmask + sizeof(cap), 0xff, 4);
    }
    return true;
}

static bool add_all_caps(VirtIOPCIProxy *p, Error **errp)
{
    const uint8_t len = sizeof(struct virtio_pci_cap);

    return add_virtio_cap(p, VIRTIO_PCI_CAP_COMMON_CFG, REGION_COMMON, len,
                          errp) &&
           add_virtio_cap(p, VIRTIO_PCI_CAP_ISR_CFG, REGION_ISR, len, errp) &&
           (!p->vdev->config_len ||
            add_virtio_cap(p, VIRTIO_PCI_CAP_DEVICE_CFG, REGION_DEVICE, len,
                           errp)) &&
           add_virtio_cap(p, VIRTIO_PCI_CAP_NOTIFY_CFG, REGION_NOTIFY, len + 4,
                          errp) &&
           add_virtio_cap(p, VIRTIO_PCI_CAP_PCI_CFG, -1, len + 4, errp);
}

static void init_regions(VirtIOPCIProxy *p)
{
    static const char *const names[REGION__MAX] = {
        "virtio-pci-common", "virtio-pci-isr", "virtio-pci-device",
        "virtio-pci-notify",
    };
    uint32_t notify_size;
    uint64_t bar_size = 1;

    p->notify_mult = p->page_per_vq ? 4096 : 4;
    notify_size = p->page_per_vq ? p->vdev->num_queues * 4096 :
                                   VIRTIO_PCI_REGION_SIZE;
    while (bar_size < REGION_NOTIFY * VIRTIO_PCI_REGION_SIZE + notify_size) {
        bar_size *= 2;
    }
    memory_region_init(&p->bar, OBJECT(p), "virtio-pci", bar_size);
    for (int i = 0; i < REGION__MAX; i++) {
        VirtIOPCIRegion *r = &p->regions[i];

        r->offset = i * VIRTIO_PCI_REGION_SIZE;
        r->size = i == REGION_NOTIFY ? notify_size : VIRTIO_PCI_REGION_SIZE;
        memory_region_init_io(&r->mr, OBJECT(p), &virtio_pci_region_ops[i], p, names[i],
                              r->size);
        memory_region_add_subregion(&p->bar, r->offset, &r->mr);
    }
}

static bool init_vectors(VirtIOPCIProxy *p, Error **errp)
{
    if (p->nvectors == VIRTIO_PCI_VECTORS_AUTO) {
        p->nvectors = MIN(p->vdev->num_queues + 1, VIRTIO_PCI_MAX_VECTORS);
    }
    if (p->nvectors == 0 || p->nvectors > VIRTIO_PCI_MAX_VECTORS) {
        error_setg(errp, "property 'vectors' takes 1 to %d, not %u",
                   VIRTIO_PCI_MAX_VECTORS, p->nvectors);
        error_append_hint(errp, "Devices of this machine interrupt by MSI-X "
                          "only.");
        return false;
    }
    p->vectors = g_new(VirtIOPCIVector, p->nvectors);
    for (uint32_t i = 0; i < p->nvectors; i++) {
        p->vectors[i].virq = -1;
    }
    return msix_init_exclusive_bar(&p->parent_obj, p->nvectors,
                                   VIRTIO_PCI_MSIX_BAR, errp);
}

/* The device behind is realized: its queues and configuration are known. */
static bool virtio_pci_device_plugged(DeviceState *transport, Error **errp)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(transport);
    PCIDevice *pci = &p->parent_obj;
    uint16_t id = VIRTIO_PCI_DEVICE_BASE + p->vdev->device_id;

    memcpy(pci->config + PCI_DEVICE_ID, &id, sizeof(id));
    if (pci->is_express &&
        !pcie_cap_init(pci, PCI_EXP_TYPE_ENDPOINT, 0, errp)) {
        return false;
    }
    p->vdev->ioeventfd_enabled = p->ioeventfd;
    init_regions(p);
    if (!init_vectors(p, errp) || !add_all_caps(p, errp)) {
        return false;
    }
    pci_register_bar(pci, VIRTIO_PCI_MODERN_BAR, PCI_BAR_MEM64_PREF, &p->bar);
    return true;
}

static AddressSpace *virtio_pci_get_dma_as(DeviceState *transport)
{
    return pci_get_bus(PCI_DEVICE(transport))->dma_as;
}

static bool virtio_pci_realize(PCIDevice *pci, Error **errp)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(pci);

    if (p->disable_modern) {
        warn_report_once("virtio: disable-modern=on is ignored, devices are "
                         "modern only");
    }
    qbus_init(&p->bus, sizeof(p->bus), TYPE_VIRTIO_PCI_BUS, DEVICE(pci),
              "virtio-bus");
    return qdev_realize(DEVICE(p->vdev), BUS(&p->bus), errp);
}

static void virtio_pci_exit(PCIDevice *pci)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(pci);

    qdev_unrealize(DEVICE(p->vdev));
    g_clear_pointer(&p->vectors, g_free);
}

static void virtio_pci_reset_hold(Object *obj)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(obj);
    DeviceClass *parent = DEVICE_CLASS(object_class_by_name(TYPE_PCI_DEVICE));

    virtio_pci_reset_device(p);
    if (parent->reset_hold) {
        parent->reset_hold(obj);
    }
    virtio_set_dma_enabled(p->vdev, false);
}

/* Every property of the device can be given on the PCI one. */
static bool alias_property(ObjectProperty *prop, void *opaque)
{
    VirtIOPCIProxy *p = opaque;

    if (!object_property_find(OBJECT(p), prop->name)) {
        object_property_add_alias(OBJECT(p), prop->name, OBJECT(p->vdev),
                                  prop->name);
    }
    return true;
}

static void virtio_pci_instance_init(Object *obj)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(obj);
    VirtIOPCIClass *k = VIRTIO_PCI_GET_CLASS(obj);
    Object *vdev = object_new(k->info->vdev_type);

    object_property_add_child(obj, "virtio-backend", vdev);
    object_unref(vdev);
    p->vdev = VIRTIO_DEVICE(vdev);
    object_property_foreach(vdev, alias_property, p);
}

static void virtio_pci_instance_finalize(Object *obj)
{
    VirtIOPCIProxy *p = VIRTIO_PCI(obj);

    for (int i = 0; i < REGION__MAX; i++) {
        memory_region_deinit(&p->regions[i].mr);
    }
    memory_region_deinit(&p->bar);
}

static const Property virtio_pci_props[] = {
    PROP_UINT32("vectors", VirtIOPCIProxy, nvectors, VIRTIO_PCI_VECTORS_AUTO,
                "MSI-X vectors; default: one for each queue and one more"),
    PROP_BOOL("ioeventfd", VirtIOPCIProxy, ioeventfd, true,
              "let the kernel signal notifications without an exit"),
    PROP_BOOL("page-per-vq", VirtIOPCIProxy, page_per_vq, false,
              "give each queue's notification address a page of its own"),
    PROP_ON_OFF_AUTO("disable-legacy", VirtIOPCIProxy, disable_legacy, 0,
                     "accepted; there is no legacy interface"),
    PROP_BOOL("disable-modern", VirtIOPCIProxy, disable_modern, false,
              "accepted and ignored; the modern interface is the only one"),
    PROP_BOOL("ats", VirtIOPCIProxy, ats, false,
              "accepted; address translation services need an IOMMU"),
};

static void virtio_pci_class_init(ObjectClass *oc, const void *data)
{
    const VirtIOPCIInfo *info = data;
    PCIDeviceClass *k = PCI_DEVICE_CLASS(oc);
    DeviceClass *dc = DEVICE_CLASS(oc);

    if (!info) {
        k->realize = virtio_pci_realize;
        k->exit = virtio_pci_exit;
        k->config_read = virtio_pci_config_read;
        k->config_write = virtio_pci_config_write;
        k->vendor_id = VIRTIO_PCI_VENDOR;
        k->device_id = VIRTIO_PCI_DEVICE_BASE;
        k->subsystem_vendor_id = VIRTIO_PCI_VENDOR;
        k->subsystem_id = VIRTIO_PCI_SUBSYSTEM;
        k->revision = 1;
        dc->reset_hold = virtio_pci_reset_hold;
        dc->vmsd = &vmstate_virtio_pci;
        device_class_set_props(dc, virtio_pci_props);
        return;
    }
    VIRTIO_PCI_CLASS(oc)->info = info;
    k->class_id = info->class_id;
    dc->categories = info->categories;
}

void virtio_pci_register(const VirtIOPCIInfo *info)
{
    static const char *const interfaces[] = {
        INTERFACE_PCIE_DEVICE, INTERFACE_CONVENTIONAL_PCI_DEVICE, NULL,
    };
    TypeInfo *t = g_new0(TypeInfo, 2);

    t[0] = (TypeInfo) {
        .name = info->name,
        .parent = TYPE_VIRTIO_PCI,
        .help = info->help,
        .instance_init = virtio_pci_instance_init,
        .instance_finalize = virtio_pci_instance_finalize,
        .class_init = virtio_pci_class_init,
        .class_data = info,
        .interfaces = interfaces,
    };
    t[1] = t[0];
    t[1].name = g_strconcat(info->name, "-non-transitional", NULL);
    type_register_static_array(t, 2);
    if (info->alias) {
        type_register_alias(info->alias, info->name);
    }
}

static void virtio_pci_bus_class_init(ObjectClass *oc, const void *data)
{
    VirtioBusClass *k = VIRTIO_BUS_CLASS(oc);

    k->notify = virtio_pci_notify;
    k->device_plugged = virtio_pci_device_plugged;
    k->ioeventfd_assign = virtio_pci_ioeventfd_assign;
    k->set_guest_notifiers = virtio_pci_set_guest_notifiers;
    k->get_dma_as = virtio_pci_get_dma_as;
}

static const TypeInfo virtio_pci_types[] = {
    {
        .name = TYPE_VIRTIO_PCI,
        .parent = TYPE_PCI_DEVICE,
        .help = "base of the virtio devices on PCI",
        .instance_size = sizeof(VirtIOPCIProxy),
        .class_size = sizeof(VirtIOPCIClass),
        .class_init = virtio_pci_class_init,
        .abstract = true,
    }, {
        .name = TYPE_VIRTIO_PCI_BUS,
        .parent = TYPE_VIRTIO_BUS,
        .help = "connects a virtio device with its PCI transport",
        .class_init = virtio_pci_bus_class_init,
    },
};
DEFINE_TYPES(virtio_pci_types)
