/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function: its life cycle, BARs, capabilities and interrupt pin.
 * PCI Local Bus 3.0. Configuration accesses are in pci-config.c, buses and
 * addresses in pci-bus.c. Left out: expansion ROMs, VPD, power management
 * beyond what a device adds itself. Threading: see hw/pci/pci.h.
 */
#include "util/osdep.h"
#include "hw/pci/pci.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "pci-internal.h"

#define CAP_FIRST   PCI_STD_HEADER_SIZEOF
#define CAP_ALIGN   4

PCIBus *pci_get_bus(const PCIDevice *dev)
{
    return PCI_BUS(dev->parent_obj.parent_bus);
}

uint8_t pci_dev_bus_num(const PCIDevice *dev)
{
    return pci_bus_num(pci_get_bus(dev));
}

/* ---- BARs ---- */

static unsigned int pci_bar_offset(const PCIDevice *dev, unsigned int nr)
{
    return PCI_BASE_ADDRESS_0 + nr * 4;
}

void pci_register_bar(PCIDevice *dev, unsigned int nr, uint8_t type,
                      MemoryRegion *mr)
{
    bool io = type & PCI_BAR_IO;
    bool wide = !io && (type & PCI_BASE_ADDRESS_MEM_TYPE_64);
    uint64_t size = memory_region_size(mr);
    unsigned int off = pci_bar_offset(dev, nr);
    PCIBus *bus = pci_get_bus(dev);
    PCIRegion *r = &dev->regions[nr];

    g_assert(nr + wide < PCI_NUM_BARS && !r->mr);
    g_assert(IS_POWER_OF_2(size) && size >= (io ? 4 : 16));
    *r = (PCIRegion){ .mr = mr, .size = size, .addr = PCI_BAR_UNMAPPED,
                      .type = type, .container = io ? bus->io : bus->mem };
    put_le32(dev->config + off, type);
    if (wide) {
        put_le64(dev->wmask + off, ~(size - 1));
    } else {
        put_le32(dev->wmask + off, ~(size - 1));
    }
}

/* ---- Capabilities ---- */

static bool pci_cap_fits(const PCIDevice *dev, unsigned int pos,
                         unsigned int len)
{
    if (pos < CAP_FIRST || pos + len > PCI_CONFIG_SIZE_BYTES) {
        return false;
    }
    for (unsigned int i = pos; i < pos + len; i++) {
        if (dev->used[i]) {
            return false;
        }
    }
    return true;
}

static uint8_t pci_cap_find_space(const PCIDevice *dev, unsigned int len)
{
    for (unsigned int pos = CAP_FIRST; pos + len <= PCI_CONFIG_SIZE_BYTES;
         pos += CAP_ALIGN) {
        if (pci_cap_fits(dev, pos, len)) {
            return pos;
        }
    }
    return 0;
}

uint8_t pci_add_capability(PCIDevice *dev, uint8_t id, uint8_t pos, uint8_t len,
                           Error **errp)
{
    g_assert(len >= 2 && pos % CAP_ALIGN == 0);
    if (!pos) {
        pos = pci_cap_find_space(dev, len);
    }
    if (!pos || !pci_cap_fits(dev, pos, len)) {
        error_setg(errp, "%s: no room for capability 0x%x of %u bytes in "
                   "configuration space", dev->name, id, len);
        return 0;
    }
    memset(dev->config + pos, 0, len);
    dev->config[pos + PCI_CAP_LIST_ID] = id;
    dev->config[pos + PCI_CAP_LIST_NEXT] = dev->config[PCI_CAPABILITY_LIST];
    dev->config[PCI_CAPABILITY_LIST] = pos;
    dev->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
    memset(dev->used + pos, 1, ROUND_UP(len, CAP_ALIGN));
    memset(dev->wmask + pos, 0, len);
    return pos;
}

/* ---- Interrupt pin ---- */

void pci_irq_set(PCIDevice *dev, int level)
{
    PCIBus *bus = pci_get_bus(dev);
    unsigned int pin = dev->config[PCI_INTERRUPT_PIN];
    uint8_t slot = PCI_SLOT_OF(dev->devfn);

    level = !!level;
    if (!pin || dev->irq_level == level) {
        return;
    }
    dev->irq_level = level;
    if (level) {
        dev->config[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
    } else {
        dev->config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
    }
    /* PCI-to-PCI Bridge 1.2, 9.1: each bridge rotates the pins by the slot. */
    for (pin--; bus->parent_dev; bus = pci_get_bus(bus->parent_dev)) {
        pin = (pin + slot) % 4;
        slot = PCI_SLOT_OF(bus->parent_dev->devfn);
    }
    if (bus->set_irq) {
        bus->set_irq(bus->irq_opaque, slot, pin, level);
    }
}

void pci_send_msi(PCIDevice *dev, const MSIMessage *msg)
{
    if (get_le16(dev->config + PCI_COMMAND) & PCI_COMMAND_MASTER) {
        accel_msi_send(msg);
    }
}

/* ---- Life cycle ---- */

/* An express function on a root bus would be a root complex integrated end
 * point; types that can be either are plain PCI there, as guests expect. */
static bool pci_wants_express(PCIDevice *dev, PCIBus *bus)
{
    Object *obj = OBJECT(dev);

    if (!bus->is_express || !object_dynamic_cast(obj, INTERFACE_PCIE_DEVICE)) {
        return false;
    }
    return !pci_bus_is_root(bus) ||
           !object_dynamic_cast(obj, INTERFACE_CONVENTIONAL_PCI_DEVICE);
}

static bool pci_check_bus(PCIDevice *dev, PCIBus *bus, Error **errp)
{
    Object *obj = OBJECT(dev);

    if (!bus->is_express && object_dynamic_cast(obj, INTERFACE_PCIE_DEVICE) &&
        !object_dynamic_cast(obj, INTERFACE_CONVENTIONAL_PCI_DEVICE)) {
        error_setg(errp, "PCI: %s is a PCI Express device, bus '%s' is not "
                   "PCI Express", dev->name, BUS(bus)->name);
        return false;
    }
    if (dev->romfile && *dev->romfile) {
        error_setg(errp, "property 'romfile' of %s: there are no option ROMs "
                   "here, '%s' would not be used", dev->name, dev->romfile);
        error_append_hint(errp, "Leave it out or give romfile=\"\".");
        return false;
    }
    return true;
}

static bool pci_realize_function(PCIDevice *dev, const PCIDeviceClass *pc,
                                 Error **errp)
{
    if (pc->realize && !pc->realize(dev, errp)) {
        return false;
    }
    if (dev->is_express && !dev->pcie_cap &&
        !pcie_cap_init(dev, PCI_EXP_TYPE_ENDPOINT, 0, errp)) {
        if (pc->exit) {
            pc->exit(dev);
        }
        return false;
    }
    return true;
}

static bool pci_device_realize(DeviceState *qdev, Error **errp)
{
    PCIDevice *dev = PCI_DEVICE(qdev);
    const PCIDeviceClass *pc = PCI_DEVICE_GET_CLASS(dev);
    PCIBus *bus = PCI_BUS(qdev->parent_bus);

    g_strlcpy(dev->name, object_get_typename(OBJECT(dev)), sizeof(dev->name));
    if (!pci_check_bus(dev, bus, errp) || !pci_bus_attach(bus, dev, errp)) {
        return false;
    }
    dev->is_express = pci_wants_express(dev, bus);
    pci_config_init(dev, pc);
    dev->dma_as = pci_bus_root(bus)->dma_off_as;
    if (!pci_realize_function(dev, pc, errp)) {
        msix_uninit(dev);
        pci_bus_detach(bus, dev);
        pci_config_free(dev);
        return false;
    }
    return true;
}

static void pci_device_unrealize(DeviceState *qdev)
{
    PCIDevice *dev = PCI_DEVICE(qdev);
    const PCIDeviceClass *pc = PCI_DEVICE_GET_CLASS(dev);

    pci_irq_set(dev, 0);
    pci_unmap_all(dev);
    if (pc->exit) {
        pc->exit(dev);
    }
    msix_uninit(dev);
    pci_bus_detach(pci_get_bus(dev), dev);
    pci_config_free(dev);
}

static void pci_device_reset_hold(Object *obj)
{
    PCIDevice *dev = PCI_DEVICE(obj);
    const PCIDeviceClass *pc = PCI_DEVICE_GET_CLASS(dev);

    pci_irq_set(dev, 0);
    pci_config_reset(dev);
    msix_reset(dev);
    if (pc->reset) {
        pc->reset(dev);
    }
}

PCIDevice *pci_new(int32_t devfn, const char *type)
{
    PCIDevice *dev = PCI_DEVICE(qdev_new(type));

    dev->addr = devfn;
    return dev;
}

bool pci_realize_and_unref(PCIDevice *dev, PCIBus *bus, Error **errp)
{
    return qdev_realize_and_unref(DEVICE(dev), BUS(bus), errp);
}

static const Property pci_props[] = {
    PROP_ROW("addr", PCIDevice, addr, prop_info_pci_devfn, int32_t,
             .def.i = -1,
             .help = "address on the bus, slot or slot.function; -1: the "
                     "first free slot"),
    PROP_STRING("romfile", PCIDevice, romfile, NULL,
                "option ROM; must be empty"),
    PROP_UINT32("romsize", PCIDevice, romsize, UINT32_MAX,
                "size of the option ROM in bytes; not used"),
    PROP_UINT32("rombar", PCIDevice, rombar, 1,
                "whether the option ROM is shown to the guest; not used"),
    PROP_BOOL("multifunction", PCIDevice, multifunction, false,
              "whether the slot holds more functions than 0"),
    PROP_UINT32("acpi-index", PCIDevice, acpi_index, 0,
                "number that names the device to the guest, 1 to 16383; 0: "
                "none"),
};

static void pci_device_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = pci_device_realize;
    dc->unrealize = pci_device_unrealize;
    dc->reset_hold = pci_device_reset_hold;
    dc->bus_type = TYPE_PCI_BUS;
    device_class_set_props(dc, pci_props);
}

static const TypeInfo pci_types[] = {
    {
        .name = TYPE_PCI_DEVICE,
        .parent = TYPE_DEVICE,
        .help = "a PCI function",
        .instance_size = sizeof(PCIDevice),
        .class_size = sizeof(PCIDeviceClass),
        .class_init = pci_device_class_init,
        .abstract = true,
    }, {
        .name = INTERFACE_PCIE_DEVICE,
        .parent = TYPE_INTERFACE,
        .help = "may sit on a PCI Express bus",
    }, {
        .name = INTERFACE_CONVENTIONAL_PCI_DEVICE,
        .parent = TYPE_INTERFACE,
        .help = "may sit on a conventional PCI bus",
    },
};

DEFINE_TYPES(pci_types)
