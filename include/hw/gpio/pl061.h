/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PL061 general purpose pins. Life cycle: the board realizes it, maps @io,
 * connects the output "irq" and whichever of the unnamed inputs and outputs 0
 * to 7 it uses: the pins. Context: big lock.
 */
#ifndef HW_GPIO_PL061_H
#define HW_GPIO_PL061_H

#include "hw/core/qdev.h"
#include "system/memory.h"

#define TYPE_PL061 "pl061"
OBJECT_DECLARE_SIMPLE_TYPE(PL061State, PL061)

#define PL061_BYTES 0x1000
#define PL061_PINS  8

struct PL061State {
    DeviceState parent_obj;

    MemoryRegion io;
    Irq *irq;
    Irq *out[PL061_PINS];

    /* Guest-visible registers (migrated), a bit for each pin */
    uint8_t data, dir, is, ibe, iev, ie, ris, afsel;
    uint8_t in;                     /* levels from outside */
};

#endif
