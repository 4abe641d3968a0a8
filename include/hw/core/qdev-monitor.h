/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices as users name them: -device, device_add, device_del and their help.
 *
 * A device is described by a JSON object: "driver" (a type or alias), "bus"
 * and "id" as strings, the rest are properties, whose values may be JSON types
 * or strings as typed on a command line.
 *
 * Context: main thread, big lock held.
 */
#ifndef HW_CORE_QDEV_MONITOR_H
#define HW_CORE_QDEV_MONITOR_H

#include "hw/core/qdev.h"

/*
 * qdev_device_add: make and realize the device that @opts describes. @opts is
 * copied. Returns a borrowed pointer or NULL. Errors as users know them:
 * "Parameter 'driver' is missing", "Bus 'x' not found",
 * "Duplicate device ID 'x'", ...
 */
DeviceState *qdev_device_add(struct json_object *opts, Error **errp);

/* qdev_device_del: device_del's @id, an id or a path. */
bool qdev_device_del(const char *id, Error **errp);

/* -device help, on stdout. */
void qdev_print_device_help(void);
/* -device @driver,help. False with an error for an unknown driver. */
bool qdev_print_property_help(const char *driver, Error **errp);

#endif
