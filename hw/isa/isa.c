/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus of devices at fixed I/O ports; see include/hw/isa/isa.h. */
#include "util/osdep.h"
#include "hw/isa/isa.h"

ISABus *isa_bus_new(DeviceState *parent, MemoryRegion *io, Irq **irqs)
{
    ISABus *bus = ISA_BUS(qbus_new(TYPE_ISA_BUS, parent, "isa.0"));

    bus->io = io;
    memcpy(bus->irqs, irqs, sizeof(bus->irqs));
    return bus;
}

bool isa_register_io(ISADevice *dev, MemoryRegion *mr, uint16_t port,
                     Error **errp)
{
    ISABus *bus = ISA_BUS(dev->parent_obj.parent_bus);

    if (port + memory_region_size(mr) > 0x10000) {
        error_setg(errp, "ports 0x%x to 0x%" PRIx64 " are beyond 0xffff", port,
                   port + memory_region_size(mr) - 1);
        return false;
    }
    g_assert(dev->num_mapped < G_N_ELEMENTS(dev->mapped));
    memory_region_add_subregion_overlap(bus->io, port, mr, 1);
    dev->mapped[dev->num_mapped++] = mr;
    return true;
}

Irq *isa_get_irq(ISADevice *dev, unsigned n)
{
    ISABus *bus = ISA_BUS(dev->parent_obj.parent_bus);

    return n < ISA_NUM_IRQS ? bus->irqs[n] : NULL;
}

static void isa_device_unrealize(DeviceState *dev)
{
    ISADevice *isa = ISA_DEVICE(dev);
    ISABus *bus = ISA_BUS(dev->parent_bus);

    while (isa->num_mapped) {
        memory_region_del_subregion(bus->io, isa->mapped[--isa->num_mapped]);
    }
}

static void isa_device_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->bus_type = TYPE_ISA_BUS;
    dc->unrealize = isa_device_unrealize;
    dc->hotpluggable = false;
}

static const TypeInfo isa_types[] = {
    {
        .name = TYPE_ISA_BUS,
        .parent = TYPE_BUS,
        .help = "devices at fixed I/O ports",
        .instance_size = sizeof(ISABus),
    }, {
        .name = TYPE_ISA_DEVICE,
        .parent = TYPE_DEVICE,
        .help = "base of the devices at fixed I/O ports",
        .instance_size = sizeof(ISADevice),
        .class_init = isa_device_class_init,
        .abstract = true,
    },
};
DEFINE_TYPES(isa_types)
