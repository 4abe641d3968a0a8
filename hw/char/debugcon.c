/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "isa-debugcon": one I/O port; bytes written go to a character device, reads
 * give a signature by which programs find it (default 0xe9). The Bochs
 * convention; firmware uses 0x402.
 */
#include "util/osdep.h"
#include "chardev/char.h"
#include "hw/isa/isa.h"
#include "trace/trace-hw_char.h"

#define TYPE_ISA_DEBUGCON "isa-debugcon"
OBJECT_DECLARE_SIMPLE_TYPE(DebugCon, ISA_DEBUGCON)

struct DebugCon {
    ISADevice parent_obj;
    CharFrontend chr;
    uint32_t iobase, readback;
    MemoryRegion io;
};

static uint64_t debugcon_read(void *opaque, hwaddr addr, unsigned int size)
{
    return ((DebugCon *)opaque)->readback;
}

static void debugcon_write(void *opaque, hwaddr addr, uint64_t data,
                           unsigned int size)
{
    uint8_t byte = data;

    trace_debugcon_write(opaque, byte);
    chr_fe_write_all(&((DebugCon *)opaque)->chr, &byte, 1);
}

static const MemoryRegionOps debugcon_ops = {
    .read = debugcon_read,
    .write = debugcon_write,
    .valid = { .min_access_size = 1, .max_access_size = 1 },
};

static bool debugcon_realize(DeviceState *dev, Error **errp)
{
    DebugCon *s = ISA_DEBUGCON(dev);

    if (!chr_fe_backend_connected(&s->chr)) {
        error_setg(errp, "isa-debugcon needs a chardev");
        return false;
    }
    if (s->iobase > UINT16_MAX) {
        error_setg(errp, "iobase 0x%x is not an I/O port", s->iobase);
        return false;
    }
    memory_region_init_io(&s->io, OBJECT(s), &debugcon_ops, s,
                          TYPE_ISA_DEBUGCON, 1);
    return isa_register_io(&s->parent_obj, &s->io, s->iobase, errp);
}

static void debugcon_finalize(Object *obj)
{
    memory_region_deinit(&ISA_DEBUGCON(obj)->io);
}

static const Property debugcon_props[] = {
    PROP_CHARDEV("chardev", DebugCon, chr,
                 "id of the character device that gets the bytes"),
    PROP_UINT32("iobase", DebugCon, iobase, 0xe9, "the I/O port"),
    PROP_UINT32("readback", DebugCon, readback, 0xe9, "what reads give"),
};

static void debugcon_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = debugcon_realize;
    dc->categories = BIT(DEVICE_CATEGORY_MISC);
    device_class_set_props(dc, debugcon_props);
}

static const TypeInfo debugcon_types[] = {
    {
        .name = TYPE_ISA_DEBUGCON,
        .parent = TYPE_ISA_DEVICE,
        .help = "debug console at one I/O port",
        .instance_size = sizeof(DebugCon),
        .instance_finalize = debugcon_finalize,
        .class_init = debugcon_class_init,
    },
};
DEFINE_TYPES(debugcon_types)
