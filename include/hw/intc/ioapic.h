/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O APIC, for boards whose accelerator emulates only the local APICs
 * (kernel-irqchip=split): 24 unnamed input lines, 4 KiB of registers in @mr.
 * Context: big lock.
 */
#ifndef HW_INTC_IOAPIC_H
#define HW_INTC_IOAPIC_H

#include "hw/core/qdev.h"
#include "system/memory.h"

#define TYPE_IOAPIC     "ioapic"
/*
 * The lines of ISA; PCI devices send messages. The chip has 24, but a guest
 * programs every pin a few times while it boots, and each access is an exit:
 * the eight pins without a wire cost as much as a PCI device.
 */
#define IOAPIC_NUM_PINS 16
OBJECT_DECLARE_SIMPLE_TYPE(IOAPICState, IOAPIC)

struct IOAPICState {
    DeviceState parent_obj;

    MemoryRegion mr;

    /* Guest-visible registers (migrated) */
    uint8_t id;
    uint8_t select;                 /* IOREGSEL */
    uint32_t irr;                   /* by pin: level of the input / edge seen */
    uint64_t redir[IOAPIC_NUM_PINS];
};

#endif
