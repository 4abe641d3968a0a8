/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hot-plug handlers: who connects a device to the guest.
 *
 * A handler is an object (a machine, a bridge, a root port, the ACPI hot-plug
 * block) that implements TYPE_HOTPLUG_HANDLER. qdev finds the one in charge of
 * a device with qdev_get_hotplug_handler() and calls it around realize:
 *
 *     pre_plug        before the device's realize: check, assign addresses;
 *                     may refuse, must leave nothing to undo
 *     plug            after realize: wire it up, tell the guest
 *     unplug_request  device_del: ask the guest to let go; the handler calls
 *                     qdev_unplug_finish() when the guest ejects the device
 *     unplug          the device goes away now: undo plug
 *
 * Each callback is optional. Cold-plugged devices go through pre_plug and plug
 * as well; dev->hotplugged tells them apart. A handler with no unplug_request
 * removes at once (surprise removal).
 *
 * Context: big lock held.
 */
#ifndef HW_CORE_HOTPLUG_H
#define HW_CORE_HOTPLUG_H

#include "qom/object.h"

#define TYPE_HOTPLUG_HANDLER "hotplug-handler"

struct DeviceState;

typedef struct HotplugHandlerClass {
    InterfaceClass parent_class;
    bool (*pre_plug)(Object *handler, struct DeviceState *dev, Error **errp);
    bool (*plug)(Object *handler, struct DeviceState *dev, Error **errp);
    bool (*unplug_request)(Object *handler, struct DeviceState *dev,
                           Error **errp);
    bool (*unplug)(Object *handler, struct DeviceState *dev, Error **errp);
} HotplugHandlerClass;

/* Call @handler's hook; true when it has none or @handler is NULL. */
bool hotplug_handler_pre_plug(Object *handler, struct DeviceState *dev,
                              Error **errp);
bool hotplug_handler_plug(Object *handler, struct DeviceState *dev,
                          Error **errp);
bool hotplug_handler_unplug_request(Object *handler, struct DeviceState *dev,
                                    Error **errp);
bool hotplug_handler_unplug(Object *handler, struct DeviceState *dev,
                            Error **errp);
/* Whether @handler has to ask the guest before it can unplug. */
bool hotplug_handler_asks_guest(Object *handler);

#endif
