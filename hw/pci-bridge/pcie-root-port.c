/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express root port (PCI Express Base 5.0, 7.5): a bridge from the root
 * bus to a link with one slot. Ids as QEMU's generic root port, 1b36:000c.
 * One MSI-X vector. Devices are there from the start; hot-plug comes with
 * ACPI. Firmware learns of wanted window sizes from the vendor capability
 * described in QEMU's docs/pcie_pci_bridge.txt. Threading: big lock.
 */
#include "util/osdep.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie.h"
#include "hw/pci/msix.h"

#define RESERVE_UNSET       UINT64_MAX
#define RESERVE_CAP_BYTES   32
#define RESERVE_CAP_TYPE    1
#define RESERVE_UNSET32     UINT32_MAX

typedef struct PCIERootPort PCIERootPort;
OBJECT_DECLARE_SIMPLE_TYPE(PCIERootPort, PCIE_ROOT_PORT)

struct PCIERootPort {
    PCIBridge parent_obj;

    /* Properties */
    uint8_t port;
    uint8_t chassis;
    uint16_t slot;
    bool hotplug;
    uint32_t bus_reserve;
    uint64_t io_reserve, mem_reserve, pref32_reserve, pref64_reserve;
};

/* The two 32-bit sizes; all ones mean "the firmware decides". */
static uint32_t reserve32(uint64_t v)
{
    return v > UINT32_MAX ? RESERVE_UNSET32 : v;
}

static bool root_port_check_reserve(const PCIERootPort *s, Error **errp)
{
    if (s->pref32_reserve != RESERVE_UNSET &&
        s->pref64_reserve != RESERVE_UNSET) {
        error_setg(errp, "pref32-reserve and pref64-reserve exclude each "
                   "other");
        return false;
    }
    if (s->mem_reserve != RESERVE_UNSET && s->mem_reserve > UINT32_MAX) {
        error_setg(errp, "mem-reserve %" PRIu64 " is not below 4 GiB",
                   s->mem_reserve);
        return false;
    }
    return true;
}

static bool root_port_add_reserve(PCIERootPort *s, Error **errp)
{
    PCIDevice *dev = PCI_DEVICE(s);
    uint8_t cap, *c;

    if (s->bus_reserve == UINT32_MAX && s->io_reserve == RESERVE_UNSET &&
        s->mem_reserve == RESERVE_UNSET && s->pref32_reserve == RESERVE_UNSET &&
        s->pref64_reserve == RESERVE_UNSET) {
        return true;
    }
    if (!root_port_check_reserve(s, errp)) {
        return false;
    }
    cap = pci_add_capability(dev, PCI_CAP_ID_VNDR, 0, RESERVE_CAP_BYTES, errp);
    if (!cap) {
        return false;
    }
    c = dev->config + cap;
    c[2] = RESERVE_CAP_BYTES;
    c[3] = RESERVE_CAP_TYPE;
    put_le32(c + 4, s->bus_reserve);
    put_le64(c + 8, s->io_reserve);
    put_le32(c + 16, reserve32(s->mem_reserve));
    put_le32(c + 20, reserve32(s->pref32_reserve));
    put_le64(c + 24, s->pref64_reserve);
    return true;
}

static bool root_port_realize(PCIDevice *dev, Error **errp)
{
    PCIERootPort *s = PCIE_ROOT_PORT(dev);

    if (!pci_bus_is_root(pci_get_bus(dev))) {
        error_setg(errp, "pcie-root-port must be on a root bus, '%s' is "
                   "behind a bridge", BUS(pci_get_bus(dev))->name);
        return false;
    }
    if (!pci_bridge_realize(dev, errp)) {
        return false;
    }
    s->parent_obj.sec_bus.single_slot = true;
    if (!pcie_cap_init(dev, PCI_EXP_TYPE_ROOT_PORT, s->port, errp) ||
        !root_port_add_reserve(s, errp) ||
        !msix_init_exclusive_bar(dev, 1, 0, errp)) {
        pci_bridge_exit(dev);
        return false;
    }
    pcie_cap_slot_init(dev, s->slot, s->hotplug);
    return true;
}

static const Property root_port_props[] = {
    PROP_UINT8("port", PCIERootPort, port, 0, "number of the port, 0 to 255"),
    PROP_UINT8("chassis", PCIERootPort, chassis, 0,
               "number of the chassis the slot is in, 0 to 255"),
    PROP_UINT16("slot", PCIERootPort, slot, 0,
                "number of the slot, 0 to 8191"),
    PROP_BOOL("hotplug", PCIERootPort, hotplug, true,
              "whether the slot is hot-pluggable"),
    PROP_UINT32("bus-reserve", PCIERootPort, bus_reserve, UINT32_MAX,
                "bus numbers for firmware to reserve; default: it decides"),
    PROP_SIZE("io-reserve", PCIERootPort, io_reserve, RESERVE_UNSET,
              "bytes of I/O ports for firmware to reserve"),
    PROP_SIZE("mem-reserve", PCIERootPort, mem_reserve, RESERVE_UNSET,
              "bytes of memory for firmware to reserve, below 4 GiB"),
    PROP_SIZE("pref32-reserve", PCIERootPort, pref32_reserve, RESERVE_UNSET,
              "bytes of 32-bit prefetchable memory for firmware to reserve"),
    PROP_SIZE("pref64-reserve", PCIERootPort, pref64_reserve, RESERVE_UNSET,
              "bytes of 64-bit prefetchable memory for firmware to reserve"),
};

static void root_port_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    dc->desc = "PCI Express root port";
    dc->hotpluggable = false;
    pc->realize = root_port_realize;
    pc->vendor_id = PCI_VENDOR_ID_REDHAT;
    pc->device_id = PCI_DEVICE_ID_REDHAT_PCIE_RP;
    device_class_set_props(dc, root_port_props);
}

static const char *const root_port_interfaces[] = {
    INTERFACE_PCIE_DEVICE, NULL,
};

static const TypeInfo root_port_types[] = {
    {
        .name = TYPE_PCIE_ROOT_PORT,
        .parent = TYPE_PCI_BRIDGE,
        .help = "root port with one slot behind it",
        .instance_size = sizeof(PCIERootPort),
        .class_init = root_port_class_init,
        .interfaces = root_port_interfaces,
    },
};

DEFINE_TYPES(root_port_types)
