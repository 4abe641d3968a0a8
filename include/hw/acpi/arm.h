/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables of Arm machines: the GIC in the MADT (ACPI 6.4, 5.2.12), GTDT
 * (5.2.24), IORT (Arm DEN0049, issue D), and PPTT (5.2.29), which is neutral
 * but asked for by Arm's server base boot requirements. Interrupts are global
 * ones: the GIC's ids. Threading: none. Nothing here fails.
 */
#ifndef HW_ACPI_ARM_H
#define HW_ACPI_ARM_H

#include "hw/acpi/tables.h"

/* One CPU; addresses and interrupts that are not there are 0. */
typedef struct AcpiGicc {
    uint32_t uid;                   /* _UID in the DSDT; interface number */
    uint64_t mpidr;                 /* affinity fields alone */
    uint64_t cpu_base;              /* GICv2: CPU interface */
    uint32_t pmu_gsi;
} AcpiGicc;
void acpi_madt_gicc(Aml *a, const AcpiGicc *cpu);
void acpi_madt_gicd(Aml *a, uint64_t base, uint8_t version);
void acpi_madt_gicr(Aml *a, uint64_t base, uint32_t bytes);
void acpi_madt_its(Aml *a, uint32_t id, uint64_t base);
/* GICv2m: @n SPIs from interrupt id @first. */
void acpi_madt_msi_frame(Aml *a, uint64_t base, uint16_t n, uint16_t first);

/* Interrupts of each CPU's timers: level, active high, never stopping. */
typedef struct AcpiGtdt {
    uint32_t secure_gsi, phys_gsi, virt_gsi, hyp_gsi;
} AcpiGtdt;
void acpi_add_gtdt(AcpiTables *t, const AcpiGtdt *timers);

/* IORT: all functions of PCI segment 0 send their messages to the ITS with
 * @its_id, their requester id as device id. */
void acpi_add_iort_its(AcpiTables *t, uint32_t its_id);

/* PPTT of @cpus CPUs with _UIDs in order; the others are counts of each
 * higher level. A level of one cluster or one thread is left out. */
typedef struct AcpiTopology {
    unsigned int cpus, clusters, cores, threads;
} AcpiTopology;
void acpi_add_pptt(AcpiTables *t, const AcpiTopology *topo);

#endif
