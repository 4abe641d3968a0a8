/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DSDT of the virt machine, in ASL:
 *
 *     Name (_S5, Package () { 5, 0, 0, 0 })
 *     Scope (_SB) {
 *         Device (Cxxx) { _HID "ACPI0007", _UID n }         each CPU
 *         Device (PCI0) { _HID PNP0A08, _CRS, _OSC }
 *         Device (PCIR) { _HID PNP0C02, _CRS: ECAM }
 *         Device (FWCF) { _HID "QEMU0002", _CRS: ports }
 *         Device (RTC)  { _HID PNP0B00, _CRS: ports }       if there is one
 *         Device (COMn) { _HID PNP0501, _CRS }              each serial port
 *         Device (PWRB) { _HID PNP0C0C }
 *         Device (GED)  { _HID "ACPI0013", _CRS: GSI 9, _EVT:
 *             Local0 = ESEL
 *             If (Local0 & 16) { Notify (PWRB, 0x80) } }
 *     }
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/acpi/dsdt.h"
#include "hw/char/serial.h"
#include "hw/rtc/mc146818rtc.h"

#define SERIAL_PORTS 8

static void dsdt_sleep_states(Aml *a)
{
    aml_name(a, "\\_S5_");
    aml_package(a, 4);
    aml_int(a, ACPI_SLP_TYP_S5), aml_int(a, 0), aml_int(a, 0), aml_int(a, 0);
    aml_end(a);
}

static void dsdt_cpus(VirtMachine *v, Aml *a)
{
    const CpuSlotList *slots = machine_possible_cpus(MACHINE(v));

    for (unsigned int i = 0; i < slots->len; i++) {
        if (slots->slots[i].cpu) {
            acpi_dsdt_cpu(a, i);
        }
    }
}

/* ---- PCI ---- */

static void dsdt_pci_resources(VirtMachine *v, Aml *a)
{
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_window16(a, AML_WINDOW_BUS, 0, virt_last_bus(v));
    aml_res_io(a, VIRT_PORT_PCI_ADDR, 8);
    aml_res_window16(a, AML_WINDOW_IO, 0, VIRT_PORT_PCI_ADDR - 1);
    aml_res_window16(a, AML_WINDOW_IO, VIRT_PORT_PCI_ADDR + 8, 0xffff);
    aml_res_window32(a, AML_WINDOW_MEM, VIRT_PCI32_BASE, VIRT_PCI32_END - 1);
    if (v->pci64_size) {
        aml_res_window64(a, AML_WINDOW_MEM, v->pci64_base,
                         v->pci64_base + v->pci64_size - 1);
    }
    aml_end(a);
}

static void dsdt_pci(VirtMachine *v, Aml *a)
{
    aml_device(a, "PCI0");
    aml_name_eisa_id(a, "_HID", "PNP0A08");
    aml_name_eisa_id(a, "_CID", "PNP0A03");
    aml_name_int(a, "_SEG", 0);
    aml_name_int(a, "_BBN", 0);
    aml_name_int(a, "_UID", 0);
    dsdt_pci_resources(v, a);
    acpi_dsdt_pci_osc(a);
    aml_end(a);

    aml_device(a, "PCIR");
    aml_name_eisa_id(a, "_HID", "PNP0C02");
    aml_name_string(a, "_UID", "PCI ECAM");
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_mem32(a, VIRT_ECAM_BASE, PCI_ECAM_BYTES, false);
    aml_end(a);
    aml_end(a);
}

/* ---- Devices ---- */

static void dsdt_fw_cfg(Aml *a)
{
    aml_device(a, "FWCF");
    aml_name_string(a, "_HID", "QEMU0002");
    aml_name_int(a, "_STA", ACPI_STA_PRESENT_HIDDEN);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_io(a, FW_CFG_IO_BASE, FW_CFG_IO_SIZE);
    aml_end(a);
    aml_end(a);
}

static void dsdt_rtc(VirtMachine *v, Aml *a)
{
    if (!v->has_rtc) {
        return;
    }
    aml_device(a, "RTC");
    aml_name_eisa_id(a, "_HID", "PNP0B00");
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_io(a, MC146818_PORT, MC146818_PORTS);
    aml_end(a);
    aml_end(a);
}

static void dsdt_serial(Aml *a, unsigned int n, uint16_t port, uint32_t irq)
{
    char name[8];

    snprintf(name, sizeof(name), "COM%u", (n + 1) & 0xf);
    aml_device(a, name);
    aml_name_eisa_id(a, "_HID", "PNP0501");
    aml_name_int(a, "_UID", n + 1);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_io(a, port, SERIAL_PORTS);
    aml_res_irq(a, irq, AML_IRQ_EDGE);
    aml_end(a);
    aml_end(a);
}

static void dsdt_serials(VirtMachine *v, Aml *a)
{
    unsigned int n = 0;
    DeviceState *dev;

    TAILQ_FOREACH(dev, &v->isa->parent_obj.children, sibling) {
        if (object_dynamic_cast(OBJECT(dev), TYPE_ISA_SERIAL)) {
            dsdt_serial(a, n++,
                        object_property_get_uint(OBJECT(dev), "iobase", NULL),
                        object_property_get_uint(OBJECT(dev), "irq", NULL));
        }
    }
}

void virt_build_dsdt(VirtMachine *v, AcpiTables *t)
{
    Aml *a = acpi_table_begin(t, "DSDT", 2);

    dsdt_sleep_states(a);
    aml_scope(a, "\\_SB");
    dsdt_cpus(v, a);
    dsdt_pci(v, a);
    dsdt_fw_cfg(a);
    dsdt_rtc(v, a);
    dsdt_serials(v, a);
    acpi_dsdt_power_button(a);
    acpi_dsdt_ged(a, AML_SYSTEM_IO, VIRT_PORT_EVENTS, VIRT_GSI_EVENTS);
    aml_end(a);
    acpi_table_end(t);
}
