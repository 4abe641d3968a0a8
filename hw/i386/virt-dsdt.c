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
 *         Device (GED)  { _HID "ACPI0013", _CRS: GSI 16, _EVT:
 *             Local0 = ESEL
 *             If (Local0 & 16) { Notify (PWRB, 0x80) } }
 *     }
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/char/serial.h"
#include "hw/rtc/mc146818rtc.h"

#define OSC_UUID_PCI        "33db4d5b-1ff7-401c-9657-7441c03dd766"
/* _OSC, PCI Firmware 3.3, table 4-5: hot-plug, PME, AER, PCIe structures */
#define OSC_CONTROL_GRANTED 0x1d
#define OSC_BAD_UUID        0x04
#define OSC_BAD_REVISION    0x08
#define OSC_MASKED          0x10
#define STA_PRESENT_HIDDEN  0x0b
#define SERIAL_PORTS        8
#define NOTIFY_BUTTON       0x80

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
        char name[8];

        if (!slots->slots[i].cpu) {
            continue;
        }
        snprintf(name, sizeof(name), "C%03X", i & 0xfff);
        aml_device(a, name);
        aml_name_string(a, "_HID", "ACPI0007");
        aml_name_int(a, "_UID", i);
        aml_end(a);
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

/* @flag |= @bits in the first double word */
static void dsdt_osc_error(Aml *a, uint32_t bits)
{
    aml_op(a, AML_OR), aml_path(a, "CDW1"), aml_int(a, bits);
    aml_path(a, "CDW1");
}

/*
 *     Method (_OSC, 4) {
 *         CreateDWordField (Arg3, 0, CDW1)
 *         If (Arg0 == ToUUID (PCI)) {
 *             CreateDWordField (Arg3, 8, CDW3)
 *             Local0 = CDW3 & granted
 *             If (Arg1 != 1) { CDW1 |= bad revision }
 *             If (CDW3 != Local0) { CDW1 |= masked }
 *             CDW3 = Local0
 *         } Else { CDW1 |= bad UUID }
 *         Return (Arg3)
 *     }
 */
static void dsdt_pci_osc(Aml *a)
{
    aml_method(a, "_OSC", 4, false);
    aml_op(a, AML_CREATE_DWORD_FIELD), aml_arg(a, 3), aml_int(a, 0);
    aml_path(a, "CDW1");
    aml_if(a), aml_op(a, AML_LEQUAL), aml_arg(a, 0), aml_uuid(a, OSC_UUID_PCI);
    aml_op(a, AML_CREATE_DWORD_FIELD), aml_arg(a, 3), aml_int(a, 8);
    aml_path(a, "CDW3");
    aml_op(a, AML_AND), aml_path(a, "CDW3"), aml_int(a, OSC_CONTROL_GRANTED);
    aml_local(a, 0);
    aml_if(a), aml_op(a, AML_LNOT);
    aml_op(a, AML_LEQUAL), aml_arg(a, 1), aml_int(a, 1);
    dsdt_osc_error(a, OSC_BAD_REVISION);
    aml_end(a);
    aml_if(a), aml_op(a, AML_LNOT);
    aml_op(a, AML_LEQUAL), aml_path(a, "CDW3"), aml_local(a, 0);
    dsdt_osc_error(a, OSC_MASKED);
    aml_end(a);
    aml_op(a, AML_STORE), aml_local(a, 0), aml_path(a, "CDW3");
    aml_end(a);
    aml_else(a);
    dsdt_osc_error(a, OSC_BAD_UUID);
    aml_end(a);
    aml_op(a, AML_RETURN), aml_arg(a, 3);
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
    dsdt_pci_osc(a);
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
    aml_name_int(a, "_STA", STA_PRESENT_HIDDEN);
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

/* ---- Events ---- */

static void dsdt_event(Aml *a, uint32_t bit, const char *target,
                       uint8_t notification)
{
    aml_if(a), aml_op(a, AML_AND), aml_local(a, 0), aml_int(a, bit);
    aml_no_target(a);
    aml_notify(a, target, notification);
    aml_end(a);
}

static void dsdt_ged(Aml *a)
{
    aml_device(a, "PWRB");
    aml_name_eisa_id(a, "_HID", "PNP0C0C");
    aml_name_int(a, "_UID", 0);
    aml_end(a);

    aml_device(a, "GED");
    aml_name_string(a, "_HID", "ACPI0013");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_irq(a, VIRT_GSI_EVENTS, AML_IRQ_EDGE);
    aml_end(a);
    aml_region(a, "EREG", AML_SYSTEM_IO, VIRT_PORT_EVENTS,
               ACPI_GED_SELECTOR_SIZE);
    aml_field(a, "EREG", AML_DWORD_ACC | AML_WRITE_AS_ZEROS);
    aml_field_unit(a, "ESEL", 32);
    aml_end(a);
    aml_method(a, "_EVT", 1, true);
    aml_op(a, AML_STORE), aml_path(a, "ESEL"), aml_local(a, 0);
    dsdt_event(a, ACPI_GED_POWER_BUTTON, "PWRB", NOTIFY_BUTTON);
    aml_end(a);
    aml_end(a);
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
    dsdt_ged(a);
    aml_end(a);
    acpi_table_end(t);
}
