/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static tables: layout, pointers, checksums, and what iasl says of them. */
#include "util/osdep.h"
#include "hw/acpi/tables.h"
#include "iasl-check.h"
#include "util/bytes.h"

static void build(AcpiTables *t)
{
    static const AcpiReducedFadt fadt = {
        .flags = ACPI_FADT_WBINVD | ACPI_FADT_HW_REDUCED |
                 ACPI_FADT_RESET_REG_SUP,
        .boot_arch = ACPI_BOOT_NO_VGA | ACPI_BOOT_NO_CMOS_RTC,
        .reset_reg = { AML_SYSTEM_IO, 8, 1, 0xcf9 },
        .reset_value = 6,
        .sleep_control = { AML_SYSTEM_IO, 8, 1, 0x600 },
        .sleep_status = { AML_SYSTEM_IO, 8, 1, 0x601 },
    };
    Aml *a;

    acpi_tables_init(t);
    a = acpi_table_begin(t, "DSDT", 2);
    aml_name_int(a, "TEST", 1);
    acpi_table_end(t);
    acpi_add_reduced_fadt(t, &fadt);
    a = acpi_madt_begin(t, 0xfee00000, 0);
    acpi_madt_lapic(a, 0, 0, true);
    acpi_madt_lapic(a, 1, 300, false);
    acpi_madt_ioapic(a, 0, 0xfec00000, 0);
    acpi_madt_lapic_nmi(a, false);
    acpi_madt_lapic_nmi(a, true);
    acpi_table_end(t);
    acpi_add_mcfg(t, 0xe0000000, 0, 0, 255);
    acpi_add_spcr_16550(t, 0x3f8, 4, 4);
    acpi_tables_finish(t);
}

static void test_layout(void)
{
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "FACP");
    g_assert_cmpuint(get_le32(p + 4), ==, 276);
    g_assert_cmphex(get_le16(p + 109), ==, 0x24);
    g_assert_cmphex(get_le32(p + 112), ==, 0x100401);
    g_assert_cmphex(get_le64(p + 116 + 4), ==, 0xcf9);
    g_assert_cmphex(p[128], ==, 6);
    g_assert_cmphex(get_le64(p + 244 + 4), ==, 0x600);
    g_assert_cmphex(get_le64(p + 256 + 4), ==, 0x601);
    p = acpi_find_table(&t, "APIC");
    g_assert_cmpuint(get_le32(p + 4), ==, 44 + 8 + 16 + 12 + 6 + 12);
    p = acpi_find_table(&t, "SPCR");
    g_assert_cmpuint(get_le32(p + 4), ==, 80);
    g_assert_null(acpi_find_table(&t, "SRAT"));
    acpi_tables_cleanup(&t);
}

static void check_pointers(AcpiTables *t, uint64_t base)
{
    const uint8_t *rsdp = t->out.data + t->rsdp;
    const uint8_t *xsdt = t->out.data + t->xsdt;
    uint8_t sum = 0;

    acpi_tables_relocate(t, base);
    g_assert_cmphex(get_le64(rsdp + 24), ==, base + t->xsdt);
    for (unsigned int i = 0; i < t->ntables; i++) {
        g_assert_cmphex(get_le64(xsdt + 36 + 8 * i), ==, base + t->tables[i]);
    }
    g_assert_cmphex(get_le64(acpi_find_table(t, "FACP") + 140), ==,
                    base + t->dsdt);
    for (int i = 0; i < ACPI_RSDP_BYTES; i++) {
        sum += rsdp[i];
    }
    g_assert_cmpuint(sum, ==, 0);
}

static void test_relocate(void)
{
    AcpiTables t;

    build(&t);
    check_pointers(&t, 0xe0000);
    check_pointers(&t, 0xbfff0000);
    acpi_tables_cleanup(&t);
}

static void test_iasl(void)
{
    AcpiTables t;

    build(&t);
    acpi_tables_relocate(&t, 0xe0000);
    iasl_check_tables(&t);
    acpi_tables_cleanup(&t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi/tables/layout", test_layout);
    g_test_add_func("/acpi/tables/relocate", test_relocate);
    g_test_add_func("/acpi/tables/iasl", test_iasl);
    return g_test_run();
}
