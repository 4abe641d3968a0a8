/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unplugging devices; see include/hw/core/qdev.h. */
#include "util/osdep.h"
#include "hw/core/qdev.h"
#include "util/log.h"
#include "util/timer.h"
#include "hw/core/hotplug.h"
#include "hw/core/machine.h"
#include "trace/trace-hw_core.h"

Object *qdev_get_hotplug_handler(DeviceState *dev)
{
    MachineState *ms = machine_get();
    MachineClass *mc = ms ? MACHINE_GET_CLASS(ms) : NULL;
    Object *handler = NULL;

    if (mc && mc->get_hotplug_handler) {
        handler = mc->get_hotplug_handler(ms, dev);
    }
    if (!handler && dev->parent_bus) {
        handler = dev->parent_bus->hotplug_handler;
    }
    return handler;
}

static bool unplug_allowed(DeviceState *dev, Object *handler, Error **errp)
{
    MachineState *ms = machine_get();
    MachineClass *mc = ms ? MACHINE_GET_CLASS(ms) : NULL;

    if (!DEVICE_GET_CLASS(dev)->hotpluggable) {
        error_setg(errp, "Device '%s' does not support hotplugging",
                   object_get_typename(OBJECT(dev)));
        return false;
    }
    if (!handler) {
        if (dev->parent_bus) {
            error_setg(errp, "Bus '%s' does not support hotplugging",
                       dev->parent_bus->name);
        } else {
            error_setg(errp, "Device '%s' can not be unplugged from this "
                       "machine", qdev_get_printable_name(dev));
        }
        return false;
    }
    if (dev->pending_deleted_event &&
        (dev->pending_deleted_until_ns == 0 ||
         dev->pending_deleted_until_ns > clock_get_ns(CLOCK_VIRTUAL))) {
        error_setg(errp, "Device %s is already in the process of unplug",
                   qdev_get_printable_name(dev));
        return false;
    }
    return !mc || !mc->hotplug_allowed || mc->hotplug_allowed(ms, dev, errp);
}

bool qdev_unplug_request(DeviceState *dev, Error **errp)
{
    Object *handler = qdev_get_hotplug_handler(dev);
    bool ok;

    if (!dev->realized) {
        error_setg(errp, "Device '%s' is not in use",
                   qdev_get_printable_name(dev));
        return false;
    }
    if (!unplug_allowed(dev, handler, errp)) {
        return false;
    }
    trace_qdev_unplug_request(dev, qdev_get_printable_name(dev),
                              hotplug_handler_asks_guest(handler));
    if (hotplug_handler_asks_guest(handler)) {
        return hotplug_handler_unplug_request(handler, dev, errp);
    }
    ok = hotplug_handler_unplug(handler, dev, errp);
    if (ok) {
        object_unparent(OBJECT(dev));
    }
    return ok;
}

void qdev_unplug_finish(DeviceState *dev)
{
    Error *err = NULL;

    trace_qdev_unplug_finish(dev, qdev_get_printable_name(dev));
    if (!hotplug_handler_unplug(qdev_get_hotplug_handler(dev), dev, &err)) {
        error_prepend(&err, "unplug of '%s': ", qdev_get_printable_name(dev));
        error_report_err(err);
        qdev_unplug_cancelled(dev);
        return;
    }
    object_unparent(OBJECT(dev));
}

void qdev_unplug_cancelled(DeviceState *dev)
{
    trace_qdev_unplug_cancelled(dev, qdev_get_printable_name(dev));
    dev->pending_deleted_event = false;
    dev->pending_deleted_until_ns = 0;
}
