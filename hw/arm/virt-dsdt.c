/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DSDT of the virt machine, in ASL:
 *
 *     Scope (_SB) {
 *         Device (Cxxx) { _HID "ACPI0007", _UID n }         each CPU
 *         Device (COM0) { _HID "ARMH0011", _CRS }           if there is one
 *         Device (FWCF) { _HID "QEMU0002", _CCA, _CRS }
 *         Device (VRnn) { _HID "LNRO0005", _CCA, _CRS }     each transport
 *         Device (GSI0) { _HID PNP0C0F, _CRS: SPI 3 }       to GSI3
 *         Device (PCI0) { _HID PNP0A08, _CCA, _CBA, _CRS, _PRT, _OSC }
 *         Device (RES0) { _HID PNP0C02, _CRS: ECAM }
 *         Device (PWRB) { _HID PNP0C0C }                    with GED
 *         Device (GED)  { _HID "ACPI0013", _CRS: SPI 9, _EVT }
 *     }
 *
 * Flash is not there: it is firmware's, which a guest calls for its variables.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/acpi/dsdt.h"
#include "hw/acpi/tables.h"
#include "hw/char/pl011.h"
#include "hw/intc/arm_gic.h"
#include "hw/virtio/virtio-mmio.h"

#define PCI_SLOTS   32
#define PCI_PINS    4

static uint32_t virt_gsi(unsigned int spi)
{
    return spi + ARM_GIC_FIRST_SPI;
}

static void dsdt_cpus(VirtMachine *v, Aml *a)
{
    for (unsigned int i = 0; i < MACHINE(v)->smp.cpus; i++) {
        acpi_dsdt_cpu(a, i);
    }
}

/* ---- Devices ---- */

static void dsdt_uart(VirtMachine *v, Aml *a)
{
    if (!v->has_uart) {
        return;
    }
    aml_device(a, "COM0");
    aml_name_string(a, "_HID", "ARMH0011");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_mem32(a, VIRT_UART_BASE, PL011_BYTES, true);
    aml_res_irq(a, virt_gsi(VIRT_SPI_UART), AML_IRQ_LEVEL);
    aml_end(a);
    aml_end(a);
}

static void dsdt_fw_cfg(Aml *a)
{
    aml_device(a, "FWCF");
    aml_name_string(a, "_HID", "QEMU0002");
    aml_name_int(a, "_STA", ACPI_STA_PRESENT_HIDDEN);
    aml_name_int(a, "_CCA", 1);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_mem32(a, VIRT_FW_CFG_BASE, FW_CFG_MMIO_SIZE, true);
    aml_end(a);
    aml_end(a);
}

static void dsdt_virtio_mmio(Aml *a)
{
    for (unsigned int i = 0; i < VIRT_NUM_MMIO; i++) {
        char name[8];

        snprintf(name, sizeof(name), "VR%02u", i % 100);
        aml_device(a, name);
        aml_name_string(a, "_HID", "LNRO0005");
        aml_name_int(a, "_UID", i);
        aml_name_int(a, "_CCA", 1);
        aml_name(a, "_CRS");
        aml_resources(a);
        aml_res_mem32(a, VIRT_MMIO_BASE + i * VIRTIO_MMIO_BYTES,
                      VIRTIO_MMIO_BYTES, true);
        aml_res_irq(a, virt_gsi(VIRT_SPI_MMIO + i), AML_IRQ_LEVEL);
        aml_end(a);
        aml_end(a);
    }
}

/* ---- PCI ---- */

/* An interrupt of a table of routes alone would be active low, which the GIC
 * does not know: so each has a device that tells. It cannot be set. */
static void dsdt_pci_link(Aml *a, unsigned int n)
{
    char name[8];

    snprintf(name, sizeof(name), "GSI%u", n % 10);
    aml_device(a, name);
    aml_name_eisa_id(a, "_HID", "PNP0C0F");
    aml_name_int(a, "_UID", n);
    aml_name(a, "_PRS");
    aml_resources(a);
    aml_res_irq(a, virt_gsi(VIRT_SPI_PCI + n), AML_IRQ_LEVEL);
    aml_end(a);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_irq(a, virt_gsi(VIRT_SPI_PCI + n), AML_IRQ_LEVEL);
    aml_end(a);
    aml_method(a, "_SRS", 1, false);
    aml_end(a);
    aml_end(a);
}

/* Slots take turns: pin INTA of slot 1 is wired as INTB of slot 0. */
static void dsdt_pci_routes(Aml *a)
{
    aml_name(a, "_PRT");
    aml_package(a, PCI_SLOTS * PCI_PINS);
    for (unsigned int slot = 0; slot < PCI_SLOTS; slot++) {
        for (unsigned int pin = 0; pin < PCI_PINS; pin++) {
            char name[8];

            snprintf(name, sizeof(name), "GSI%u", (slot + pin) % PCI_PINS);
            aml_package(a, 4);
            aml_int(a, slot << 16 | 0xffff);
            aml_int(a, pin);
            aml_path(a, name);
            aml_int(a, 0);
            aml_end(a);
        }
    }
    aml_end(a);
}

static void dsdt_pci_resources(VirtMachine *v, Aml *a)
{
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_window16(a, AML_WINDOW_BUS, 0,
                     v->ecam.size / PCI_ECAM_BUS_BYTES - 1);
    aml_res_window32(a, AML_WINDOW_MEM, VIRT_PCI32_BASE,
                     VIRT_PCI32_BASE + VIRT_PCI32_BYTES - 1);
    aml_res_io_mapped(a, VIRT_PCI_IO_BASE, VIRT_PCI_IO_BYTES);
    if (v->pci64.size) {
        aml_res_window64(a, AML_WINDOW_MEM, v->pci64.base,
                         v->pci64.base + v->pci64.size - 1);
    }
    aml_end(a);
}

static void dsdt_pci(VirtMachine *v, Aml *a)
{
    for (unsigned int i = 0; i < PCI_PINS; i++) {
        dsdt_pci_link(a, i);
    }
    aml_device(a, "PCI0");
    aml_name_eisa_id(a, "_HID", "PNP0A08");
    aml_name_eisa_id(a, "_CID", "PNP0A03");
    aml_name_int(a, "_SEG", 0);
    aml_name_int(a, "_BBN", 0);
    aml_name_int(a, "_UID", 0);
    aml_name_int(a, "_CCA", 1);
    aml_name_int(a, "_CBA", v->ecam.base);
    dsdt_pci_routes(a);
    dsdt_pci_resources(v, a);
    acpi_dsdt_pci_osc(a);
    aml_end(a);

    aml_device(a, "RES0");
    aml_name_eisa_id(a, "_HID", "PNP0C02");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_mem64(a, v->ecam.base, v->ecam.size);
    aml_end(a);
    aml_end(a);
}

void virt_build_dsdt(VirtMachine *v, AcpiTables *t)
{
    Aml *a = acpi_table_begin(t, "DSDT", 2);

    aml_scope(a, "\\_SB");
    dsdt_cpus(v, a);
    dsdt_uart(v, a);
    dsdt_fw_cfg(a);
    dsdt_virtio_mmio(a);
    dsdt_pci(v, a);
    if (v->ged) {
        acpi_dsdt_power_button(a);
        acpi_dsdt_ged(a, AML_SYSTEM_MEMORY, VIRT_EVENTS_BASE,
                      virt_gsi(VIRT_SPI_EVENTS));
    }
    aml_end(a);
    acpi_table_end(t);
}
