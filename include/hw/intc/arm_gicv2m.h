/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2m: a frame that turns message-signalled interrupts into SPIs of a
 * GICv2. Life cycle: the board sets the properties, realizes it, maps @io and
 * connects the unnamed outputs, one for each SPI. Context: big lock.
 */
#ifndef HW_INTC_ARM_GICV2M_H
#define HW_INTC_ARM_GICV2M_H

#include "hw/core/qdev.h"
#include "system/memory.h"

#define TYPE_ARM_GICV2M "arm-gicv2m"
OBJECT_DECLARE_SIMPLE_TYPE(ARMGICv2m, ARM_GICV2M)

#define ARM_GICV2M_BYTES    0x1000
#define ARM_GICV2M_MAX_SPIS 128
/* The register that a message is written to. */
#define ARM_GICV2M_SETSPI   0x40

struct ARMGICv2m {
    DeviceState parent_obj;

    /* Properties */
    uint32_t base_spi;              /* interrupt id of the first */
    uint32_t num_spi;

    MemoryRegion io;
    Irq *spi[ARM_GICV2M_MAX_SPIS];
};

#endif
