/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices at fixed I/O ports. There is no ISA hardware: this is the name users
 * and clients know for a serial port, debug console or exit port, and the bus
 * ("isa.0") that -device finds them a place on.
 *
 * Life cycle: the board makes the bus when it may be needed; a device maps its
 * ports in realize with isa_register_io() and gets a wire from isa_get_irq().
 * Context: big lock.
 */
#ifndef HW_ISA_ISA_H
#define HW_ISA_ISA_H

#include "hw/core/qdev.h"
#include "system/memory.h"

#define TYPE_ISA_BUS    "ISA"
#define TYPE_ISA_DEVICE "isa-device"
OBJECT_DECLARE_SIMPLE_TYPE(ISABus, ISA_BUS)
OBJECT_DECLARE_SIMPLE_TYPE(ISADevice, ISA_DEVICE)

#define ISA_NUM_IRQS 16

struct ISABus {
    BusState parent_obj;
    MemoryRegion *io;               /* port space */
    Irq *irqs[ISA_NUM_IRQS];        /* the board's interrupt inputs */
};

struct ISADevice {
    DeviceState parent_obj;
    MemoryRegion *mapped[4];        /* taken out again by unrealize */
    unsigned num_mapped;
};

/* isa_bus_new: @irqs: ISA_NUM_IRQS wires, which stay the caller's. */
ISABus *isa_bus_new(DeviceState *parent, MemoryRegion *io, Irq **irqs);

/* isa_register_io: map @mr at @port until the device is unrealized. */
bool isa_register_io(ISADevice *dev, MemoryRegion *mr, uint16_t port,
                     Error **errp);
/* isa_get_irq: NULL when @n is out of range. */
Irq *isa_get_irq(ISADevice *dev, unsigned n);

#endif
