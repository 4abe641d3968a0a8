/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRAT, SLIT and HMAT: which node CPUs and memory are in, how far nodes are
 * apart, how fast memory is (ACPI 6.5, 5.2.16, 5.2.17 and 5.2.28). The board
 * begins the SRAT, tells of its CPUs and memory, and ends it with
 * acpi_table_end().
 *
 * Threading: none. Nothing here fails.
 */
#ifndef HW_ACPI_NUMA_H
#define HW_ACPI_NUMA_H

#include "hw/acpi/tables.h"

struct NumaHmat;

Aml *acpi_srat_begin(AcpiTables *t);
/* A CPU of x86, by its local APIC; of Arm, by its _UID. */
void acpi_srat_lapic(Aml *a, uint32_t apic_id, uint32_t node);
void acpi_srat_gicc(Aml *a, uint32_t uid, uint32_t node);
void acpi_srat_memory(Aml *a, uint64_t base, uint64_t bytes, uint32_t node);

/* @distance: n * n bytes, a row for each node that looks. */
void acpi_add_slit(AcpiTables *t, const uint8_t *distance, unsigned int n);

void acpi_add_hmat(AcpiTables *t, const struct NumaHmat *h);

#endif
