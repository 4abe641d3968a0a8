/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of hw/core share. */
#ifndef QDEV_INTERNAL_H
#define QDEV_INTERNAL_H

#include "hw/core/qdev.h"

void qdev_free_gpios(DeviceState *dev);

/* Put @dev on @bus or take it off; the bus holds a reference. */
bool qbus_attach(BusState *bus, DeviceState *dev, Error **errp);
void qbus_detach(DeviceState *dev);

/* Realize all child buses of @dev; unrealize them, newest first. */
bool qdev_realize_buses(DeviceState *dev, Error **errp);
void qdev_unrealize_buses(DeviceState *dev);

/* The device class a user means by @driver, for -device and its help. */
DeviceClass *qdev_class_by_driver(const char *driver, Error **errp);

/* What an error says of a device that QEMU has and we left out: why, and the
 * closest of ours; NULL for others. g_free() it. */
char *qdev_removed_hint(const char *driver);
/* A device that an option of configure brings: that option, or NULL. */
const char *qdev_configure_option(const char *driver);

#endif
