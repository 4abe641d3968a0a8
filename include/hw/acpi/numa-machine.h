/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of hw/acpi/numa.h for a machine's nodes.
 *
 * Threading: none. Nothing here fails.
 */
#ifndef HW_ACPI_NUMA_MACHINE_H
#define HW_ACPI_NUMA_MACHINE_H

#include "hw/acpi/numa.h"
#include "hw/core/machine.h"
#include "hw/core/numa.h"

/* acpi_srat_ram: which node has what of @ram, for an SRAT that is begun. @ram:
 * as numa_split_ram() takes it. */
void acpi_srat_ram(Aml *a, const MachineState *ms, const NumaRange *ram,
                   unsigned int n);
/* acpi_add_numa_costs: the SLIT and the HMAT, as far as they were given. */
void acpi_add_numa_costs(AcpiTables *t, const MachineState *ms);

#endif
