/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "state-testdev": stops the VM again and again, saves the state of all
 * devices, CPUs and interrupt controllers and the RAM, resets everything, puts
 * all back and lets the guest go on, which must not notice. What a stream of
 * state will do later, without the stream. In builds with test devices only.
 *
 * Each time is one line of log; what cannot be saved or loaded ends the
 * process with an error. Flash and disks are left as they are. Threading:
 * main thread, big lock.
 */
#include "util/osdep.h"
#include "hw/core/cpu.h"
#include "hw/core/machine.h"
#include "migration/vmstate.h"
#include "system/memory.h"
#include "system/runstate.h"
#include "util/log.h"
#include "util/timer.h"
#include "trace/trace-hw_misc.h"

#define TYPE_STATE_TESTDEV "state-testdev"
OBJECT_DECLARE_SIMPLE_TYPE(StateTestdev, STATE_TESTDEV)

#define NS_PER_MS 1000000ll

struct StateTestdev {
    DeviceState parent_obj;

    /* Properties */
    uint32_t period_ms;

    /* Guest-visible registers (migrated): none, but a count to look at */
    uint32_t cycles;

    /* Runtime */
    AioTimer timer;
    uint8_t *ram;                   /* a copy, kept: page faults take long */
};

/* ---- All sections of the machine ---- */

typedef struct Sections {
    VMStateWriter writer;
    VMStateReader reader;
} Sections;

static bool save_section(const VMStateEntry *se, void *opaque, Error **errp)
{
    Sections *all = opaque;
    size_t start = all->writer.buf->len;

    if (!vmstate_save(se->vmsd, se->opaque, &all->writer, errp)) {
        error_prepend(errp, "'%s' cannot be saved: ", se->idstr);
        return false;
    }
    trace_state_testdev_section(se->idstr, all->writer.buf->len - start);
    return true;
}

static bool load_section(const VMStateEntry *se, void *opaque, Error **errp)
{
    Sections *all = opaque;

    if (!vmstate_load(se->vmsd, se->opaque, se->vmsd->version_id,
                      &all->reader, errp)) {
        error_prepend(errp, "'%s' cannot be loaded: ", se->idstr);
        return false;
    }
    return true;
}

static bool load_all(Sections *all, Error **errp)
{
    vmstate_reader_init(&all->reader, all->writer.buf->data,
                        all->writer.buf->len);
    if (!vmstate_foreach(load_section, all, errp)) {
        return false;
    }
    if (vmstate_reader_left(&all->reader)) {
        error_setg(errp, "%zu bytes were saved and not loaded",
                   vmstate_reader_left(&all->reader));
        return false;
    }
    return true;
}

/* ---- One cycle ---- */

/* The VM is stopped. */
static bool cycle(StateTestdev *s, Sections *all, Error **errp)
{
    MemoryRegion *mr = machine_get()->ram;
    size_t bytes = machine_get()->ram_size;
    uint8_t *ram = memory_region_get_ram_ptr(mr);
    CPUState *cpu;
    bool ok;

    CPU_FOREACH(cpu) {
        cpu_synchronize_state(cpu);
    }
    if (!vmstate_foreach(save_section, all, errp)) {
        return false;
    }
    if (!s->ram) {
        s->ram = g_malloc(bytes);
    }
    memcpy(s->ram, ram, bytes);
    /* Boot loaders write to RAM, and a guest that forgot all would be seen. */
    system_reset(SHUTDOWN_CAUSE_NONE);
    memcpy(ram, s->ram, bytes);
    ok = load_all(all, errp);
    cpu_synchronize_all_post_reset();
    return ok;
}

static void state_testdev_tick(void *opaque)
{
    StateTestdev *s = opaque;
    Error *err = NULL;
    Sections all;

    if (runstate_is_running()) {
        vmstate_writer_init(&all.writer);
        vm_stop(RUN_STATE_SAVE_VM);
        s->cycles++;
        if (cycle(s, &all, &err)) {
            info_report("state saved and loaded: time %u, %u bytes",
                        s->cycles, all.writer.buf->len);
            vm_start();
        } else {
            error_report_err(err);
            system_shutdown_request_with_code(SHUTDOWN_CAUSE_HOST_ERROR, 1);
        }
        vmstate_writer_cleanup(&all.writer);
    }
    timer_mod_ns(&s->timer, clock_get_ns(CLOCK_REALTIME_NS) +
                 s->period_ms * NS_PER_MS);
}

/* ---- Life cycle ---- */

static bool state_testdev_realize(DeviceState *dev, Error **errp)
{
    StateTestdev *s = STATE_TESTDEV(dev);

    if (s->period_ms == 0) {
        error_setg(errp, "period-ms takes 1 or more, not '0'");
        return false;
    }
    timer_init_ns(&s->timer, NULL, CLOCK_REALTIME_NS, state_testdev_tick, s);
    timer_mod_ns(&s->timer, clock_get_ns(CLOCK_REALTIME_NS) +
                 s->period_ms * NS_PER_MS);
    return true;
}

static void state_testdev_unrealize(DeviceState *dev)
{
    StateTestdev *s = STATE_TESTDEV(dev);

    timer_del(&s->timer);
    g_clear_pointer(&s->ram, g_free);
}

/* The count is lost, to be loaded again. */
static void state_testdev_reset_hold(Object *obj)
{
    STATE_TESTDEV(obj)->cycles = 0;
}

static const VMStateDescription vmstate_state_testdev = {
    .name = TYPE_STATE_TESTDEV,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(cycles, StateTestdev),
        VMSTATE_END_OF_LIST()
    },
};

static const Property state_testdev_props[] = {
    PROP_UINT32("period-ms", StateTestdev, period_ms, 1000,
                "milliseconds from the end of one time to the next, 1 or more"),
};

static void state_testdev_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->desc = "Saves, resets and loads the machine again and again";
    dc->categories = BIT(DEVICE_CATEGORY_MISC);
    dc->realize = state_testdev_realize;
    dc->unrealize = state_testdev_unrealize;
    dc->reset_hold = state_testdev_reset_hold;
    dc->vmsd = &vmstate_state_testdev;
    dc->hotpluggable = false;
    device_class_set_props(dc, state_testdev_props);
}

static const TypeInfo state_testdev_types[] = {
    {
        .name = TYPE_STATE_TESTDEV,
        .parent = TYPE_DEVICE,
        .help = "test of saving and loading the machine's state",
        .instance_size = sizeof(StateTestdev),
        .class_init = state_testdev_class_init,
    },
};
DEFINE_TYPES(state_testdev_types)
