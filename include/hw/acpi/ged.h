/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of hardware-reduced ACPI (ACPI 6.5, 4.1): the event selector
 * behind the generic event device (5.6.9), sleep control and status (4.8.3.7),
 * reset, and a PM timer for firmware that wants one.
 *
 * The board maps the regions where its tables say they are, and wires the
 * output. Context: big lock.
 */
#ifndef HW_ACPI_GED_H
#define HW_ACPI_GED_H

#include "hw/acpi/dsdt.h"
#include "hw/core/qdev.h"
#include "migration/vmstate.h"
#include "system/memory.h"

#define TYPE_ACPI_GED "acpi-ged"
OBJECT_DECLARE_SIMPLE_TYPE(AcpiGed, ACPI_GED)

#define ACPI_SLEEP_SIZE         2   /* control, status */
#define ACPI_PM_TIMER_SIZE      4
#define ACPI_RESET_SIZE         1
#define ACPI_PM_TIMER_HZ        3579545

/* SLP_TYP of the sleep control register that means off (_S5). */
#define ACPI_SLP_TYP_S5         5
#define ACPI_RESET_VALUE        0x06    /* of port 0xcf9: a full reset */

struct AcpiGed {
    DeviceState parent_obj;

    MemoryRegion selector_mr, sleep_mr, timer_mr, reset_mr;
    Irq *irq;                       /* output "irq" */

    /* Guest-visible (migrated) */
    uint32_t pending;               /* ACPI_GED_* */
    uint8_t sleep_control, sleep_status, reset_control;
};

#endif
