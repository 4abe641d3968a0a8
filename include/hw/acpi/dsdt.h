/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of a DSDT that several machines have. Each appends to an open scope;
 * the ASL is drawn above the function. Threading: none. Nothing here fails.
 */
#ifndef HW_ACPI_DSDT_H
#define HW_ACPI_DSDT_H

#include "hw/acpi/aml-build.h"

/* Bits of the event selector; _EVT demultiplexes them. */
enum {
    ACPI_GED_CPU_HOTPLUG    = 1u << 0,
    ACPI_GED_MEM_HOTPLUG    = 1u << 1,
    ACPI_GED_NVDIMM_HOTPLUG = 1u << 2,
    ACPI_GED_PCI_HOTPLUG    = 1u << 3,
    ACPI_GED_POWER_BUTTON   = 1u << 4,
};

#define ACPI_GED_SELECTOR_SIZE  4   /* bytes; a 32-bit read clears */

#define ACPI_STA_PRESENT_HIDDEN 0x0b    /* _STA: there, not in any list */

/* Device (Cnnn), a processor device with @uid. */
void acpi_dsdt_cpu(Aml *a, uint32_t uid);
/* _OSC of a PCI host bridge: the guest gets all native features. */
void acpi_dsdt_pci_osc(Aml *a);
/* Device (PWRB), the control-method power button. */
void acpi_dsdt_power_button(Aml *a);
/*
 * Device (GED): events by the selector register at @addr of @space (ged.h),
 * edge of @gsi. Notifies \_SB.PWRB, which must be there.
 */
void acpi_dsdt_ged(Aml *a, AmlSpace space, uint64_t addr, uint32_t gsi);

#endif
