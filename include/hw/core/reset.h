/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reset.
 *
 * A system reset walks the composition tree below /machine: a bus resets the
 * devices on it, a device first what is below it (its buses, its child devices
 * that sit on no bus) and then itself, in order of creation. After all devices
 * the registered callbacks run in order of registration: boot loaders set the
 * CPUs' entry state there, over freshly reset CPUs.
 *
 * Context: big lock held, CPUs stopped (system reset). A single device or bus
 * may be reset at any time, as when a guest writes a reset bit.
 */
#ifndef HW_CORE_RESET_H
#define HW_CORE_RESET_H

#include "hw/core/qdev.h"

typedef void ResetFn(void *opaque);

void reset_register(ResetFn *fn, void *opaque);
void reset_unregister(ResetFn *fn, void *opaque);

/* reset_all: everything; called by the run state through the machine class. */
void reset_all(void);

/* device_reset: @dev and all below. */
void device_reset(DeviceState *dev);
/* bus_reset: all devices on @bus, then the bus. */
void bus_reset(BusState *bus);

#endif
