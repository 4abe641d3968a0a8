/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reset; see include/hw/core/reset.h. */
#include "util/osdep.h"
#include "hw/core/reset.h"
#include "util/queue.h"
#include "trace/trace-hw_core.h"

typedef struct ResetEntry {
    ResetFn *fn;
    void *opaque;
    TAILQ_ENTRY(ResetEntry) next;
} ResetEntry;

static TAILQ_HEAD(, ResetEntry) callbacks = TAILQ_HEAD_INITIALIZER(callbacks);

void reset_register(ResetFn *fn, void *opaque)
{
    ResetEntry *e = g_new0(ResetEntry, 1);

    e->fn = fn;
    e->opaque = opaque;
    TAILQ_INSERT_TAIL(&callbacks, e, next);
}

void reset_unregister(ResetFn *fn, void *opaque)
{
    ResetEntry *e;

    TAILQ_FOREACH(e, &callbacks, next) {
        if (e->fn == fn && e->opaque == opaque) {
            TAILQ_REMOVE(&callbacks, e, next);
            g_free(e);
            return;
        }
    }
}

/*
 * A reset may take devices away (a guest was asked to let go of one), so each
 * level is walked over a copy that holds references.
 */
static void reset_children(Object *obj)
{
    g_autoptr(GPtrArray) children =
        g_ptr_array_new_with_free_func(object_unref);
    Object *child;

    TAILQ_FOREACH(child, &obj->children, sibling) {
        g_ptr_array_add(children, object_ref(child));
    }
    for (guint i = 0; i < children->len; i++) {
        child = children->pdata[i];
        if (!child->parent) {
            continue;
        }
        if (object_dynamic_cast(child, TYPE_BUS)) {
            bus_reset(BUS(child));
        } else if (!object_dynamic_cast(child, TYPE_DEVICE)) {
            reset_children(child);
        } else if (!DEVICE(child)->parent_bus) {
            device_reset(DEVICE(child));
        }
        /* a device on a bus is reached through the bus */
    }
}

void device_reset(DeviceState *dev)
{
    DeviceClass *dc = DEVICE_GET_CLASS(dev);

    trace_device_reset(dev, object_get_typename(OBJECT(dev)));
    reset_children(OBJECT(dev));
    if (dc->reset_hold && dev->realized) {
        dc->reset_hold(OBJECT(dev));
    }
}

void bus_reset(BusState *bus)
{
    BusClass *bc = BUS_GET_CLASS(bus);
    g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(object_unref);
    DeviceState *dev;

    trace_bus_reset(bus, bus->name);
    TAILQ_FOREACH(dev, &bus->children, sibling) {
        g_ptr_array_add(devices, object_ref(dev));
    }
    for (guint i = 0; i < devices->len; i++) {
        dev = devices->pdata[i];
        if (dev->parent_bus == bus) {
            device_reset(dev);
        }
    }
    if (bc->reset_hold && bus->realized) {
        bc->reset_hold(OBJECT(bus));
    }
}

void reset_all(void)
{
    ResetEntry *e, *tmp;

    trace_reset_all();
    reset_children(object_get_container("/machine"));
    TAILQ_FOREACH_SAFE(e, &callbacks, next, tmp) {
        e->fn(e->opaque);
    }
}
