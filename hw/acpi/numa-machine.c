/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "hw/acpi/numa-machine.h"
#include "hw/core/numa-hmat.h"

void acpi_srat_ram(Aml *a, const MachineState *ms, const NumaRange *ram,
                   unsigned int n)
{
    g_autofree NumaRange *pieces = g_new(NumaRange, n + NUMA_MAX_NODES);
    unsigned int count = numa_split_ram(ms, ram, n, pieces);

    for (unsigned int i = 0; i < count; i++) {
        acpi_srat_memory(a, pieces[i].base, pieces[i].size, pieces[i].node);
    }
}

void acpi_add_numa_costs(AcpiTables *t, const MachineState *ms)
{
    if (numa_has_distances(ms)) {
        g_autofree uint8_t *matrix = numa_distances(ms);

        acpi_add_slit(t, matrix, numa_num_nodes(ms));
    }
    if (numa_hmat(ms)) {
        acpi_add_hmat(t, numa_hmat(ms));
    }
}
