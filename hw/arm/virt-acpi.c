/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The static ACPI tables of the virt machine, for firmware to take from
 * fw_cfg; the DSDT is in virt-dsdt.c. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/acpi/arm.h"
#include "hw/acpi/loader.h"
#include "hw/acpi/numa-machine.h"
#include "hw/char/pl011.h"
#include "hw/intc/arm_gic.h"
#include "qapi/qapi-types-common.h"
#include "target/arm/cpu.h"

#define ITS_ID 0

bool virt_has_acpi(const VirtMachine *v)
{
    return v->acpi != ON_OFF_AUTO_OFF;
}

static void virt_build_fadt(AcpiTables *t)
{
    static const AcpiReducedFadt fadt = {
        .flags = ACPI_FADT_HW_REDUCED,
        .arm_boot_arch = ACPI_ARM_BOOT_PSCI | ACPI_ARM_BOOT_PSCI_HVC,
    };

    acpi_add_reduced_fadt(t, &fadt);
}

static void virt_build_gicr(VirtMachine *v, Aml *a)
{
    unsigned int low = VIRT_GIC_REDIST_BYTES / ARM_GICV3_REDIST_BYTES;

    acpi_madt_gicr(a, VIRT_GIC_REDIST_BASE, VIRT_GIC_REDIST_BYTES);
    if (MACHINE(v)->smp.cpus > low) {
        acpi_madt_gicr(a, v->redist2.base, v->redist2.size);
    }
}

static void virt_build_madt(VirtMachine *v, AcpiTables *t)
{
    Aml *a = acpi_madt_begin(t, 0, 0);
    CPUState *cs;

    acpi_madt_gicd(a, VIRT_GIC_DIST_BASE, v->gic_version);
    CPU_FOREACH(cs) {
        const ARMCPU *cpu = ARM_CPU(cs);

        acpi_madt_gicc(a, &(AcpiGicc){
            .uid = cs->cpu_index,
            .mpidr = cpu->mp_affinity,
            .cpu_base = v->gic_version == 2 ? VIRT_GIC_CPU_BASE : 0,
            .pmu_gsi = cpu->has_pmu ? ARM_PPI_PMU : 0,
        });
    }
    if (v->gic_version == 3) {
        virt_build_gicr(v, a);
    }
    if (v->has_its) {
        acpi_madt_its(a, ITS_ID, VIRT_GIC_ITS_BASE);
    }
    if (v->has_v2m) {
        acpi_madt_msi_frame(a, VIRT_GIC_V2M_BASE, VIRT_NUM_V2M,
                            VIRT_SPI_V2M + ARM_GIC_FIRST_SPI);
    }
    acpi_table_end(t);
}

static void virt_build_gtdt(AcpiTables *t)
{
    static const AcpiGtdt timers = {
        .secure_gsi = ARM_PPI_SEC_PHYS_TIMER, .phys_gsi = ARM_PPI_PHYS_TIMER,
        .virt_gsi = ARM_PPI_VIRT_TIMER, .hyp_gsi = ARM_PPI_HYP_TIMER,
    };

    acpi_add_gtdt(t, &timers);
}

static void virt_build_pptt(VirtMachine *v, AcpiTables *t)
{
    const CpuTopology *smp = &MACHINE(v)->smp;

    acpi_add_pptt(t, &(AcpiTopology){
        .cpus = smp->cpus, .clusters = smp->clusters, .cores = smp->cores,
        .threads = smp->threads,
    });
}

static void virt_build_srat(VirtMachine *v, AcpiTables *t)
{
    const CpuSlotList *slots = machine_possible_cpus(MACHINE(v));
    const NumaRange ram = { VIRT_RAM_BASE, MACHINE(v)->ram_size, 0 };
    Aml *a = acpi_srat_begin(t);

    for (unsigned int i = 0; i < MACHINE(v)->smp.cpus; i++) {
        acpi_srat_gicc(a, i, slots->slots[i].ids.node_id);
    }
    acpi_srat_ram(a, MACHINE(v), &ram, 1);
    acpi_table_end(t);
}

static void virt_build_numa(VirtMachine *v, AcpiTables *t)
{
    if (numa_num_nodes(MACHINE(v))) {
        virt_build_srat(v, t);
        acpi_add_numa_costs(t, MACHINE(v));
    }
}

static void virt_build_tables(VirtMachine *v, AcpiTables *t)
{
    virt_build_dsdt(v, t);
    virt_build_fadt(t);
    virt_build_madt(v, t);
    virt_build_gtdt(t);
    virt_build_pptt(v, t);
    virt_build_numa(v, t);
    acpi_add_mcfg(t, v->ecam.base, 0, 0,
                  v->ecam.size / PCI_ECAM_BUS_BYTES - 1);
    if (v->has_uart) {
        acpi_add_spcr_pl011(t, VIRT_UART_BASE,
                            VIRT_SPI_UART + ARM_GIC_FIRST_SPI);
        acpi_add_dbg2_pl011(t, VIRT_UART_BASE, PL011_BYTES, "\\_SB.COM0");
    }
    if (v->has_its) {
        acpi_add_iort_its(t, ITS_ID);
    }
    acpi_tables_finish(t);
}

bool virt_add_acpi(VirtMachine *v, Error **errp)
{
    AcpiTables t;
    bool ok;

    if (!virt_has_acpi(v)) {
        return true;
    }
    acpi_tables_init(&t);
    virt_build_tables(v, &t);
    ok = acpi_loader_add(v->fw_cfg, &t, errp);
    acpi_tables_cleanup(&t);
    return ok;
}
