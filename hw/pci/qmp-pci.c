/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query-pci: functions, BARs and bridges as the guest has set them up. */
#include "util/osdep.h"
#include "qapi/qapi-commands-pci.h"
#include "hw/pci/pci_bridge.h"

/* Names for people; the base class for what is not in the table. */
static const struct {
    uint16_t class_id;
    const char *desc;
} class_names[] = {
    { PCI_CLASS_STORAGE_SCSI, "SCSI controller" },
    { PCI_CLASS_STORAGE_SATA, "SATA controller" },
    { PCI_CLASS_STORAGE_EXPRESS, "NVM Express controller" },
    { PCI_CLASS_NETWORK_ETHERNET, "Ethernet controller" },
    { PCI_CLASS_BRIDGE_HOST, "Host bridge" },
    { PCI_CLASS_BRIDGE_ISA, "ISA bridge" },
    { PCI_CLASS_BRIDGE_PCI, "PCI bridge" },
    { PCI_CLASS_DISPLAY_VGA, "VGA controller" },
    { PCI_CLASS_MEMORY_RAM, "RAM controller" },
    { PCI_CLASS_COMMUNICATION_SERIAL, "Serial port" },
};

static PciDeviceInfoList *qmp_pci_devices(PCIBus *bus);

static PciMemoryRegionList *qmp_pci_regions(const PCIDevice *dev)
{
    PciMemoryRegionList *list = NULL, **tail = &list;

    for (int i = 0; i < PCI_NUM_BARS; i++) {
        const PCIRegion *r = &dev->regions[i];
        PciMemoryRegion *info;

        if (!r->mr) {
            continue;
        }
        info = g_new0(PciMemoryRegion, 1);
        info->bar = i;
        info->type = g_strdup(r->type & PCI_BAR_IO ? "io" : "memory");
        info->address = r->addr;
        info->size = r->size;
        if (!(r->type & PCI_BAR_IO)) {
            info->has_prefetch = true;
            info->prefetch = r->type & PCI_BASE_ADDRESS_MEM_PREFETCH;
            info->has_mem_type_64 = true;
            info->mem_type_64 = r->type & PCI_BASE_ADDRESS_MEM_TYPE_64;
        }
        QAPI_LIST_APPEND(tail, info);
    }
    return list;
}

static PciMemoryRange *qmp_pci_window(PCIDevice *dev, unsigned int window)
{
    PciMemoryRange *range = g_new0(PciMemoryRange, 1);
    uint64_t base, limit;

    pci_bridge_window(dev, window, &base, &limit);
    range->base = base;
    range->limit = limit;
    return range;
}

static PciBridgeInfo *qmp_pci_bridge(PCIDevice *dev)
{
    PciBridgeInfo *info = g_new0(PciBridgeInfo, 1);
    PciBusInfo *bus = g_new0(PciBusInfo, 1);

    info->bus = bus;
    bus->number = dev->config[PCI_PRIMARY_BUS];
    bus->secondary = dev->config[PCI_SECONDARY_BUS];
    bus->subordinate = dev->config[PCI_SUBORDINATE_BUS];
    bus->io_range = qmp_pci_window(dev, PCI_WINDOW_IO);
    bus->memory_range = qmp_pci_window(dev, PCI_WINDOW_MEM);
    bus->prefetchable_range = qmp_pci_window(dev, PCI_WINDOW_PREF);
    if (bus->secondary) {
        info->devices = qmp_pci_devices(pci_bridge_get_bus(dev));
    }
    return info;
}

static PciDeviceClass *qmp_pci_class(const PCIDevice *dev)
{
    PciDeviceClass *info = g_new0(PciDeviceClass, 1);

    info->class = get_le16(dev->config + PCI_CLASS_DEVICE);
    for (size_t i = 0; i < G_N_ELEMENTS(class_names); i++) {
        if (class_names[i].class_id == info->class) {
            info->desc = g_strdup(class_names[i].desc);
        }
    }
    return info;
}

static PciDeviceId *qmp_pci_id(const PCIDevice *dev)
{
    PciDeviceId *id = g_new0(PciDeviceId, 1);

    id->device = get_le16(dev->config + PCI_DEVICE_ID);
    id->vendor = get_le16(dev->config + PCI_VENDOR_ID);
    if ((dev->config[PCI_HEADER_TYPE] & 0x7f) == PCI_HEADER_TYPE_NORMAL) {
        id->has_subsystem = id->has_subsystem_vendor = true;
        id->subsystem = get_le16(dev->config + PCI_SUBSYSTEM_ID);
        id->subsystem_vendor = get_le16(dev->config +
                                        PCI_SUBSYSTEM_VENDOR_ID);
    }
    return id;
}

static PciDeviceInfo *qmp_pci_device(PCIDevice *dev)
{
    PciDeviceInfo *info = g_new0(PciDeviceInfo, 1);

    info->bus = pci_dev_bus_num(dev);
    info->slot = PCI_SLOT_OF(dev->devfn);
    info->function = PCI_FUNC_OF(dev->devfn);
    info->class_info = qmp_pci_class(dev);
    info->id = qmp_pci_id(dev);
    info->irq_pin = dev->config[PCI_INTERRUPT_PIN];
    info->has_irq = info->irq_pin != 0;
    info->irq = dev->config[PCI_INTERRUPT_LINE];
    info->qdev_id = g_strdup(dev->parent_obj.id ? dev->parent_obj.id : "");
    info->regions = qmp_pci_regions(dev);
    if (pci_bridge_get_bus(dev)) {
        info->pci_bridge = qmp_pci_bridge(dev);
    }
    return info;
}

typedef struct DeviceTail {
    PciDeviceInfoList **tail;
} DeviceTail;

static void qmp_pci_append(PCIDevice *dev, void *opaque)
{
    DeviceTail *t = opaque;

    QAPI_LIST_APPEND(t->tail, qmp_pci_device(dev));
}

static PciDeviceInfoList *qmp_pci_devices(PCIBus *bus)
{
    PciDeviceInfoList *list = NULL;
    DeviceTail t = { &list };

    pci_bus_foreach(bus, qmp_pci_append, &t);
    return list;
}

PciInfoList *qmp_query_pci(Error **errp)
{
    PciInfoList *list = NULL, **tail = &list;
    PCIBus *bus;

    for (unsigned int i = 0; (bus = pci_root_bus_get(i)); i++) {
        PciInfo *info = g_new0(PciInfo, 1);

        info->bus = pci_bus_num(bus);
        info->devices = qmp_pci_devices(bus);
        QAPI_LIST_APPEND(tail, info);
    }
    return list;
}
