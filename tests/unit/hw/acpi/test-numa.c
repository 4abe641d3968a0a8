/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SRAT and SLIT: bytes where the specification has them, and iasl. */
#include "util/osdep.h"
#include "hw/acpi/numa.h"
#include "iasl-check.h"
#include "util/bytes.h"

static void build(AcpiTables *t)
{
    static const uint8_t distance[] = { 10, 21, 31, 10 };
    Aml *a;

    acpi_tables_init(t);
    a = acpi_table_begin(t, "DSDT", 2);
    aml_name_int(a, "TEST", 1);
    acpi_table_end(t);
    a = acpi_srat_begin(t);
    acpi_srat_lapic(a, 7, 0x10203);
    acpi_srat_lapic(a, 300, 1);
    acpi_srat_gicc(a, 5, 1);
    acpi_srat_memory(a, 0x100000000, 0x40000000, 1);
    acpi_table_end(t);
    acpi_add_slit(t, distance, 2);
    acpi_tables_finish(t);
}

static void test_srat(void)
{
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "SRAT");
    g_assert_cmpuint(get_le32(p + 4), ==, 48 + 16 + 24 + 18 + 40);
    g_assert_cmpuint(get_le32(p + 36), ==, 1);
    p += 48;
    g_assert_cmphex(p[0], ==, 0);
    g_assert_cmphex(p[2], ==, 3);
    g_assert_cmphex(p[3], ==, 7);
    g_assert_cmphex(get_le32(p + 4), ==, 1);
    g_assert_cmphex(p[9], ==, 2);
    g_assert_cmphex(get_le16(p + 10), ==, 1);
    p += p[1];
    g_assert_cmphex(p[0], ==, 2);
    g_assert_cmpuint(get_le32(p + 4), ==, 1);
    g_assert_cmpuint(get_le32(p + 8), ==, 300);
    p += p[1];
    g_assert_cmphex(p[0], ==, 3);
    g_assert_cmpuint(get_le32(p + 2), ==, 1);
    g_assert_cmpuint(get_le32(p + 6), ==, 5);
    p += p[1];
    g_assert_cmphex(p[0], ==, 1);
    g_assert_cmpuint(get_le32(p + 2), ==, 1);
    g_assert_cmphex(get_le64(p + 8), ==, 0x100000000);
    g_assert_cmphex(get_le64(p + 16), ==, 0x40000000);
    g_assert_cmphex(get_le32(p + 28), ==, 1);
    acpi_tables_cleanup(&t);
}

static void test_slit(void)
{
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "SLIT");
    g_assert_cmpuint(get_le32(p + 4), ==, 48);
    g_assert_cmpuint(get_le64(p + 36), ==, 2);
    g_assert_cmpuint(p[45], ==, 21);
    g_assert_cmpuint(p[46], ==, 31);
    acpi_tables_cleanup(&t);
}

static void test_iasl(void)
{
    AcpiTables t;

    build(&t);
    iasl_check_tables(&t);
    acpi_tables_cleanup(&t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi/numa/srat", test_srat);
    g_test_add_func("/acpi/numa/slit", test_slit);
    g_test_add_func("/acpi/numa/iasl", test_iasl);
    return g_test_run();
}
