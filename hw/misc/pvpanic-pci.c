/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "pvpanic-pci" (1b36:0011): the guest's kernel tells that it panicked. One
 * byte in BAR 0: reads give the events that are supported, a write raises
 * them. Interface: QEMU's docs/specs/pvpanic.
 */
#include "util/osdep.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_regs.h"
#include "migration/vmstate.h"
#include "qapi/qapi-events-run-state.h"
#include "system/runstate.h"
#include "trace/trace-hw_misc.h"

#define TYPE_PVPANIC_PCI "pvpanic-pci"
OBJECT_DECLARE_SIMPLE_TYPE(PVPanic, PVPANIC_PCI)

#define PVPANIC_PANICKED    0x01
#define PVPANIC_CRASHLOADED 0x02    /* a crash kernel will take over */

struct PVPanic {
    PCIDevice parent_obj;
    uint8_t events;
    MemoryRegion mr;
};

static uint64_t pvpanic_read(void *opaque, hwaddr addr, unsigned int size)
{
    return addr == 0 ? ((PVPanic *)opaque)->events : 0;
}

static void pvpanic_write(void *opaque, hwaddr addr, uint64_t val,
                          unsigned int size)
{
    PVPanic *s = opaque;

    if (addr) {
        return;
    }
    trace_pvpanic_write(s, val);
    if (val & s->events & PVPANIC_PANICKED) {
        system_guest_panicked(NULL);
    } else if (val & s->events & PVPANIC_CRASHLOADED) {
        qapi_event_send_guest_crashloaded(GUEST_PANIC_ACTION_RUN, NULL);
    }
}

static const MemoryRegionOps pvpanic_ops = {
    .read = pvpanic_read,
    .write = pvpanic_write,
    .impl = { .min_access_size = 1, .max_access_size = 1 },
};

static bool pvpanic_realize(PCIDevice *dev, Error **errp)
{
    PVPanic *s = PVPANIC_PCI(dev);

    memory_region_init_io(&s->mr, OBJECT(s), &pvpanic_ops, s, TYPE_PVPANIC_PCI,
                          16);
    pci_register_bar(dev, 0, PCI_BAR_MEM32, &s->mr);
    return true;
}

static void pvpanic_finalize(Object *obj)
{
    memory_region_deinit(&PVPANIC_PCI(obj)->mr);
}

static const VMStateDescription vmstate_pvpanic = {
    .name = TYPE_PVPANIC_PCI,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, PVPanic),
        VMSTATE_END_OF_LIST()
    },
};

static const Property pvpanic_props[] = {
    PROP_UINT8("events", PVPanic, events,
               PVPANIC_PANICKED | PVPANIC_CRASHLOADED,
               "mask of what the guest may tell: 1 panic, 2 crash kernel"),
};

static void pvpanic_class_init(ObjectClass *oc, const void *data)
{
    PCIDeviceClass *k = PCI_DEVICE_CLASS(oc);
    DeviceClass *dc = DEVICE_CLASS(oc);

    k->realize = pvpanic_realize;
    k->vendor_id = 0x1b36;
    k->device_id = 0x0011;
    k->revision = 1;
    k->class_id = PCI_CLASS_SYSTEM_OTHER;
    dc->vmsd = &vmstate_pvpanic;
    dc->categories = BIT(DEVICE_CATEGORY_MISC);
    device_class_set_props(dc, pvpanic_props);
}

static const TypeInfo pvpanic_types[] = {
    {
        .name = TYPE_PVPANIC_PCI,
        .parent = TYPE_PCI_DEVICE,
        .help = "lets the guest tell that it panicked",
        .instance_size = sizeof(PVPanic),
        .instance_finalize = pvpanic_finalize,
        .class_init = pvpanic_class_init,
        .interfaces = (const char *const[]) {
            INTERFACE_CONVENTIONAL_PCI_DEVICE, NULL,
        },
    },
};
DEFINE_TYPES(pvpanic_types)
