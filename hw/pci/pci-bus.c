/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI buses: who sits at which address, and how a bus number leads to a bus.
 * Bus numbers are what the guest wrote into the bridges, so they are looked up
 * on each access and may be nonsense: the search goes down only.
 */
#include "util/osdep.h"
#include "pci-internal.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"

/* Bridges below bridges; more than this is a chain no guest can number. */
#define MAX_BRIDGE_DEPTH 32

bool pci_bus_is_root(const PCIBus *bus)
{
    return bus->parent_dev == NULL;
}

PCIBus *pci_bus_root(PCIBus *bus)
{
    while (bus->parent_dev) {
        bus = pci_get_bus(bus->parent_dev);
    }
    return bus;
}

uint8_t pci_bus_num(const PCIBus *bus)
{
    return bus->parent_dev ? bus->parent_dev->config[PCI_SECONDARY_BUS] : 0;
}

static PCIBus *pci_bus_step_down(PCIBus *bus, uint8_t num)
{
    DeviceState *qdev;

    TAILQ_FOREACH(qdev, &bus->parent_obj.children, sibling) {
        PCIDevice *dev = PCI_DEVICE(qdev);
        PCIBus *sec = pci_bridge_get_bus(dev);

        if (sec && dev->config && bus->devices[dev->devfn] == dev &&
            dev->config[PCI_SECONDARY_BUS] != 0 &&
            num >= dev->config[PCI_SECONDARY_BUS] &&
            num <= dev->config[PCI_SUBORDINATE_BUS]) {
            return sec;
        }
    }
    return NULL;
}

/* The bus numbered @num at or below @bus, as the guest has programmed the
 * bridges; NULL when none. */
static PCIBus *pci_bus_find_num(PCIBus *bus, uint8_t num)
{
    for (int depth = 0; bus && depth < MAX_BRIDGE_DEPTH; depth++) {
        if (pci_bus_num(bus) == num) {
            return bus;
        }
        bus = pci_bus_step_down(bus, num);
    }
    return NULL;
}

PCIDevice *pci_find_device(PCIBus *root, uint8_t bus_num, uint8_t devfn)
{
    PCIBus *bus = bus_num ? pci_bus_find_num(root, bus_num) : root;

    return bus ? bus->devices[devfn] : NULL;
}

void pci_bus_foreach(PCIBus *bus, PCIDeviceFn *fn, void *opaque)
{
    for (int i = 0; i < PCI_DEVFN_MAX; i++) {
        if (bus->devices[i]) {
            fn(bus->devices[i], opaque);
        }
    }
}

/* ---- Addresses ---- */

static bool pci_slot_reserved(const PCIBus *bus, uint8_t devfn)
{
    return bus->reserved_slots & BIT64(PCI_SLOT_OF(devfn));
}

static int pci_bus_free_devfn(const PCIBus *bus)
{
    int last = bus->single_slot ? 1 : PCI_SLOT_MAX;

    for (int slot = bus->slot_min; slot < last; slot++) {
        uint8_t devfn = PCI_DEVFN_OF(slot, 0);

        if (!bus->devices[devfn] && !pci_slot_reserved(bus, devfn)) {
            return devfn;
        }
    }
    return -1;
}

static bool pci_check_devfn(const PCIBus *bus, const PCIDevice *dev,
                            uint8_t devfn, Error **errp)
{
    const PCIDevice *other = bus->devices[devfn];
    unsigned int slot = PCI_SLOT_OF(devfn), fn = PCI_FUNC_OF(devfn);

    if (bus->single_slot && slot > 0) {
        error_setg(errp, "PCI: slot %u is not valid for %s, bus '%s' has "
                   "slot 0 only", slot, dev->name, BUS(bus)->name);
        return false;
    }
    if (pci_slot_reserved(bus, devfn)) {
        error_setg(errp, "PCI: slot %u function %u not available for %s, "
                   "reserved", slot, fn, dev->name);
        return false;
    }
    if (other) {
        error_setg(errp, "PCI: slot %u function %u not available for %s, "
                   "in use by %s,id=%s", slot, fn, dev->name, other->name,
                   other->parent_obj.id ? other->parent_obj.id : "");
        return false;
    }
    return true;
}

/* All of a slot are seen by the guest only when function 0 says so. */
static bool pci_check_multifunction(const PCIBus *bus, const PCIDevice *dev,
                                    uint8_t devfn, Error **errp)
{
    uint8_t slot = PCI_SLOT_OF(devfn), fn = PCI_FUNC_OF(devfn);
    const PCIDevice *fn0 = bus->devices[PCI_DEVFN_OF(slot, 0)];

    if (fn && fn0 && !fn0->multifunction) {
        error_setg(errp, "PCI: single function device can't be populated in "
                   "function %x.%x: %s in %x.0 has multifunction=off", slot,
                   fn, fn0->name, slot);
        return false;
    }
    if (fn == 0 && !dev->multifunction) {
        for (int i = 1; i < PCI_FUNC_MAX; i++) {
            if (bus->devices[PCI_DEVFN_OF(slot, i)]) {
                error_setg(errp, "PCI: %x.0 indicates single function, but "
                           "%x.%x is already populated", slot, slot, i);
                return false;
            }
        }
    }
    if (fn == 0 || !dev->parent_obj.hotplugged || !fn0) {
        return true;
    }
    error_setg(errp, "PCI: slot %u function 0 already occupied by %s, new "
               "function %s cannot be exposed to guest", slot, fn0->name,
               dev->name);
    return false;
}

bool pci_bus_attach(PCIBus *bus, PCIDevice *dev, Error **errp)
{
    int devfn = dev->addr;

    if (devfn < 0) {
        devfn = pci_bus_free_devfn(bus);
        if (devfn < 0) {
            error_setg(errp, "PCI: no slot/function available for %s, all in "
                       "use or reserved", dev->name);
            return false;
        }
    } else if (!pci_check_devfn(bus, dev, devfn, errp)) {
        return false;
    }
    if (!pci_check_multifunction(bus, dev, devfn, errp)) {
        return false;
    }
    dev->devfn = devfn;
    dev->addr = devfn;              /* clients read back what was chosen */
    bus->devices[devfn] = dev;
    if (bus->parent_dev) {
        pcie_cap_set_present(bus->parent_dev, true);
    }
    return true;
}

void pci_bus_detach(PCIBus *bus, PCIDevice *dev)
{
    bool any = false;

    bus->devices[dev->devfn] = NULL;
    for (int i = 0; i < PCI_DEVFN_MAX && bus->parent_dev; i++) {
        any |= bus->devices[i] != NULL;
    }
    if (bus->parent_dev && !any) {
        pcie_cap_set_present(bus->parent_dev, false);
    }
}

/* ---- The types ---- */

/* "0000:00:02.0", behind bridges ":02.0:00.0" by slot.function, since bus
 * numbers are the guest's to choose. */
static char *pci_bus_get_dev_path(DeviceState *qdev)
{
    PCIDevice *dev = PCI_DEVICE(qdev);
    PCIBus *bus = pci_get_bus(dev);
    g_autoptr(GString) s = g_string_new(NULL);

    while (bus->parent_dev) {
        g_autofree char *part = g_strdup_printf(":%02x.%x",
            PCI_SLOT_OF(dev->devfn), PCI_FUNC_OF(dev->devfn));

        g_string_prepend(s, part);
        dev = bus->parent_dev;
        bus = pci_get_bus(dev);
    }
    return g_strdup_printf("%04x:00:%02x.%x%s", bus->segment,
                           PCI_SLOT_OF(dev->devfn), PCI_FUNC_OF(dev->devfn),
                           s->str);
}

/* "scsi@2" or "scsi@2,1": what its class is called and where it sits, by the
 * binding of OpenFirmware; others are called by their ids. */
static char *pci_bus_get_fw_name(DeviceState *qdev)
{
    static const struct { uint16_t class_id; const char *name; } names[] = {
        { PCI_CLASS_STORAGE_SCSI, "scsi" },
        { PCI_CLASS_NETWORK_ETHERNET, "ethernet" },
        { PCI_CLASS_BRIDGE_HOST, "host" },
        { PCI_CLASS_BRIDGE_PCI, "pci-bridge" },
    };
    PCIDevice *dev = PCI_DEVICE(qdev);
    uint8_t func = PCI_FUNC_OF(dev->devfn);
    g_autoptr(GString) s = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (get_le16(dev->config + PCI_CLASS_DEVICE) == names[i].class_id) {
            g_string_append(s, names[i].name);
        }
    }
    if (!s->len) {
        g_string_append_printf(s, "pci%04x,%04x",
                               get_le16(dev->config + PCI_VENDOR_ID),
                               get_le16(dev->config + PCI_DEVICE_ID));
    }
    g_string_append_printf(s, "@%x", PCI_SLOT_OF(dev->devfn));
    if (func) {
        g_string_append_printf(s, ",%x", func);
    }
    return g_string_free(g_steal_pointer(&s), FALSE);
}

PCIBus *pci_root_bus_new(DeviceState *parent, const char *name,
                         const char *type, const PCIRootBusInfo *info)
{
    PCIBus *bus = PCI_BUS(qbus_new(type, parent, name));

    bus->mem = info->mem;
    bus->io = info->io;
    bus->dma_as = info->dma_as;
    bus->set_irq = info->set_irq;
    bus->irq_opaque = info->irq_opaque;
    bus->has_msi = info->has_msi;
    bus->slot_min = info->slot_min;
    return bus;
}

/* The space behind a master that is switched off has nothing in it. */
static bool pci_bus_realize(BusState *qbus, Error **errp)
{
    PCIBus *bus = PCI_BUS(qbus);
    MemoryRegion *nothing;

    if (!pci_bus_is_root(bus)) {
        return true;
    }
    nothing = g_new0(MemoryRegion, 1);
    memory_region_init(nothing, OBJECT(bus), "pci-no-dma", UINT64_MAX);
    bus->dma_off_as = g_new0(AddressSpace, 1);
    address_space_init(bus->dma_off_as, nothing, "pci-no-dma");
    return true;
}

static void pci_bus_unrealize(BusState *qbus)
{
    PCIBus *bus = PCI_BUS(qbus);
    MemoryRegion *nothing;

    if (!bus->dma_off_as) {
        return;
    }
    nothing = bus->dma_off_as->root;
    address_space_destroy(bus->dma_off_as);
    memory_region_deinit(nothing);
    g_free(nothing);
    g_clear_pointer(&bus->dma_off_as, g_free);
}

static void pcie_bus_instance_init(Object *obj)
{
    PCI_BUS(obj)->is_express = true;
}

static void pci_bus_class_init(ObjectClass *oc, const void *data)
{
    BusClass *bc = BUS_CLASS(oc);

    bc->get_dev_path = pci_bus_get_dev_path;
    bc->get_fw_name = pci_bus_get_fw_name;
    bc->realize = pci_bus_realize;
    bc->unrealize = pci_bus_unrealize;
}

static int pci_root_bus_nth(Object *obj, void *opaque)
{
    unsigned int *left = opaque;
    PCIBus *bus = (PCIBus *)object_dynamic_cast(obj, TYPE_PCI_BUS);

    return bus && pci_bus_is_root(bus) && (*left)-- == 0;
}

typedef struct RootWalk {
    unsigned int left;
    PCIBus *found;
} RootWalk;

static int pci_root_walk_fn(Object *obj, void *opaque)
{
    RootWalk *w = opaque;

    if (!pci_root_bus_nth(obj, &w->left)) {
        return 0;
    }
    w->found = PCI_BUS(obj);
    return 1;
}

PCIBus *pci_root_bus_get(unsigned int i)
{
    RootWalk w = { .left = i };
    Object *machine = object_resolve_path("/machine", NULL);

    if (machine) {
        object_child_foreach_recursive(machine, pci_root_walk_fn, &w);
    }
    return w.found;
}

static const TypeInfo pci_bus_types[] = {
    {
        .name = TYPE_PCI_BUS,
        .parent = TYPE_BUS,
        .help = "conventional PCI bus",
        .instance_size = sizeof(PCIBus),
        .class_size = sizeof(PCIBusClass),
        .class_init = pci_bus_class_init,
    }, {
        .name = TYPE_PCIE_BUS,
        .parent = TYPE_PCI_BUS,
        .help = "PCI Express bus",
        .instance_init = pcie_bus_instance_init,
    },
};

DEFINE_TYPES(pci_bus_types)
