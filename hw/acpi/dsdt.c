/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "hw/acpi/dsdt.h"

#define OSC_UUID_PCI        "33db4d5b-1ff7-401c-9657-7441c03dd766"
/* _OSC, PCI Firmware 3.3, table 4-5: hot-plug, PME, AER, PCIe structures */
#define OSC_CONTROL_GRANTED 0x1d
#define OSC_BAD_UUID        0x04
#define OSC_BAD_REVISION    0x08
#define OSC_MASKED          0x10
#define NOTIFY_BUTTON       0x80

void acpi_dsdt_cpu(Aml *a, uint32_t uid)
{
    char name[8];

    snprintf(name, sizeof(name), "C%03X", uid & 0xfff);
    aml_device(a, name);
    aml_name_string(a, "_HID", "ACPI0007");
    aml_name_int(a, "_UID", uid);
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
void acpi_dsdt_pci_osc(Aml *a)
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

void acpi_dsdt_power_button(Aml *a)
{
    aml_device(a, "PWRB");
    aml_name_eisa_id(a, "_HID", "PNP0C0C");
    aml_name_int(a, "_UID", 0);
    aml_end(a);
}

static void dsdt_event(Aml *a, uint32_t bit, const char *target,
                       uint8_t notification)
{
    aml_if(a), aml_op(a, AML_AND), aml_local(a, 0), aml_int(a, bit);
    aml_no_target(a);
    aml_notify(a, target, notification);
    aml_end(a);
}

/*
 *     Device (GED) {
 *         _HID "ACPI0013", _UID 0, _CRS: the interrupt
 *         OperationRegion (EREG, space, address, 4), Field: ESEL, 32
 *         Method (_EVT, 1, Serialized) {
 *             Local0 = ESEL
 *             If (Local0 & 16) { Notify (PWRB, 0x80) }
 *         }
 *     }
 */
void acpi_dsdt_ged(Aml *a, AmlSpace space, uint64_t addr, uint32_t gsi)
{
    aml_device(a, "GED");
    aml_name_string(a, "_HID", "ACPI0013");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_irq(a, gsi, AML_IRQ_EDGE);
    aml_end(a);
    aml_region(a, "EREG", space, addr, ACPI_GED_SELECTOR_SIZE);
    aml_field(a, "EREG", AML_DWORD_ACC | AML_WRITE_AS_ZEROS);
    aml_field_unit(a, "ESEL", 32);
    aml_end(a);
    aml_method(a, "_EVT", 1, true);
    aml_op(a, AML_STORE), aml_path(a, "ESEL"), aml_local(a, 0);
    dsdt_event(a, ACPI_GED_POWER_BUTTON, "PWRB", NOTIFY_BUTTON);
    aml_end(a);
    aml_end(a);
}
