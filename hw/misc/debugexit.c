/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "isa-debug-exit": a write of VALUE to the port ends the process with exit
 * status VALUE * 2 + 1. For tests: a guest never needs it.
 */
#include "util/osdep.h"
#include "hw/isa/isa.h"
#include "system/runstate.h"
#include "trace/trace-hw_misc.h"

#define TYPE_ISA_DEBUG_EXIT "isa-debug-exit"
OBJECT_DECLARE_SIMPLE_TYPE(DebugExit, ISA_DEBUG_EXIT)

struct DebugExit {
    ISADevice parent_obj;
    uint32_t iobase, iosize;
    MemoryRegion io;
};

static uint64_t debug_exit_read(void *opaque, hwaddr addr, unsigned int size)
{
    return 0;
}

static void debug_exit_write(void *opaque, hwaddr addr, uint64_t val,
                             unsigned int size)
{
    trace_debug_exit_write(opaque, val);
    system_shutdown_request_with_code(SHUTDOWN_CAUSE_GUEST_SHUTDOWN,
                                      (val << 1) | 1);
}

static const MemoryRegionOps debug_exit_ops = {
    .read = debug_exit_read,
    .write = debug_exit_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
};

static bool debug_exit_realize(DeviceState *dev, Error **errp)
{
    DebugExit *s = ISA_DEBUG_EXIT(dev);

    if (s->iobase > UINT16_MAX || s->iosize == 0 || s->iosize > 4096) {
        error_setg(errp, "iobase 0x%x with iosize 0x%x is no range of I/O "
                   "ports", s->iobase, s->iosize);
        return false;
    }
    memory_region_init_io(&s->io, OBJECT(s), &debug_exit_ops, s,
                          TYPE_ISA_DEBUG_EXIT, s->iosize);
    return isa_register_io(&s->parent_obj, &s->io, s->iobase, errp);
}

static void debug_exit_finalize(Object *obj)
{
    memory_region_deinit(&ISA_DEBUG_EXIT(obj)->io);
}

static const Property debug_exit_props[] = {
    PROP_UINT32("iobase", DebugExit, iobase, 0x501, "first I/O port"),
    PROP_UINT32("iosize", DebugExit, iosize, 0x02, "number of I/O ports"),
};

static void debug_exit_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = debug_exit_realize;
    dc->categories = BIT(DEVICE_CATEGORY_MISC);
    device_class_set_props(dc, debug_exit_props);
}

static const TypeInfo debug_exit_types[] = {
    {
        .name = TYPE_ISA_DEBUG_EXIT,
        .parent = TYPE_ISA_DEVICE,
        .help = "I/O port that ends the process, for tests",
        .instance_size = sizeof(DebugExit),
        .instance_finalize = debug_exit_finalize,
        .class_init = debug_exit_class_init,
    },
};
DEFINE_TYPES(debug_exit_types)
