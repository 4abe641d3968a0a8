/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The static ACPI tables of the virt machine; the DSDT is in virt-dsdt.c. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/acpi/numa-machine.h"
#include "hw/char/serial.h"
#include "hw/pci/pci_bridge.h"

#define COM1_PORT 0x3f8
#define COM1_IRQ  4

static void virt_build_fadt(VirtMachine *v, AcpiTables *t)
{
    AcpiReducedFadt fadt = {
        .flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 | ACPI_FADT_PWR_BUTTON |
                 ACPI_FADT_SLP_BUTTON | ACPI_FADT_RESET_REG_SUP |
                 ACPI_FADT_HW_REDUCED,
        .boot_arch = ACPI_BOOT_NO_VGA |
                     (v->has_rtc ? 0 : ACPI_BOOT_NO_CMOS_RTC),
        .reset_reg = { AML_SYSTEM_IO, 8, 1, VIRT_PORT_RESET },
        .reset_value = ACPI_RESET_VALUE,
        .sleep_control = { AML_SYSTEM_IO, 8, 1, VIRT_PORT_SLEEP },
        .sleep_status = { AML_SYSTEM_IO, 8, 1, VIRT_PORT_SLEEP + 1 },
    };

    acpi_add_reduced_fadt(t, &fadt);
}

static void virt_build_madt(VirtMachine *v, AcpiTables *t)
{
    const CpuSlotList *slots = machine_possible_cpus(MACHINE(v));
    Aml *a = acpi_madt_begin(t, VIRT_LAPIC_BASE, 0);

    for (unsigned int i = 0; i < slots->len; i++) {
        if (slots->slots[i].cpu) {
            acpi_madt_lapic(a, i, slots->slots[i].arch_id, true);
        }
    }
    acpi_madt_ioapic(a, 0, VIRT_IOAPIC_BASE, 0);
    acpi_madt_lapic_nmi(a, false);
    acpi_table_end(t);
}

static void virt_build_srat(VirtMachine *v, AcpiTables *t)
{
    const CpuSlotList *slots = machine_possible_cpus(MACHINE(v));
    const NumaRange ram[] = {
        { 0, v->low_ram_size, 0 }, { VIRT_HIGH_RAM_BASE, v->high_ram_size, 0 },
    };
    Aml *a = acpi_srat_begin(t);

    for (unsigned int i = 0; i < slots->len; i++) {
        if (slots->slots[i].cpu) {
            acpi_srat_lapic(a, slots->slots[i].arch_id,
                            slots->slots[i].ids.node_id);
        }
    }
    acpi_srat_ram(a, MACHINE(v), ram, G_N_ELEMENTS(ram));
    acpi_table_end(t);
}

static void virt_build_numa(VirtMachine *v, AcpiTables *t)
{
    if (numa_num_nodes(MACHINE(v))) {
        virt_build_srat(v, t);
        acpi_add_numa_costs(t, MACHINE(v));
    }
}

static bool virt_has_com1(VirtMachine *v)
{
    DeviceState *dev;

    TAILQ_FOREACH(dev, &v->isa->parent_obj.children, sibling) {
        if (object_dynamic_cast(OBJECT(dev), TYPE_ISA_SERIAL) &&
            object_property_get_uint(OBJECT(dev), "iobase", NULL) ==
                COM1_PORT) {
            return true;
        }
    }
    return false;
}

static void virt_count_bridges(PCIDevice *dev, void *opaque)
{
    PCIBus *behind = pci_bridge_get_bus(dev);

    if (behind) {
        *(unsigned int *)opaque += 1;
        pci_bus_foreach(behind, virt_count_bridges, opaque);
    }
}

uint8_t virt_last_bus(VirtMachine *v)
{
    unsigned int bridges = 0;

    pci_bus_foreach(v->pci->bus, virt_count_bridges, &bridges);
    return MIN(bridges * VIRT_BUSES_PER_BRIDGE, 255u);
}

void virt_build_acpi(VirtMachine *v, AcpiTables *t)
{
    virt_build_dsdt(v, t);
    virt_build_fadt(v, t);
    virt_build_madt(v, t);
    virt_build_numa(v, t);
    acpi_add_mcfg(t, VIRT_ECAM_BASE, 0, 0, virt_last_bus(v));
    if (virt_has_com1(v)) {
        acpi_add_spcr_16550(t, COM1_PORT, COM1_IRQ, COM1_IRQ);
    }
    acpi_tables_finish(t);
}
