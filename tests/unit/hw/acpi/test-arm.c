/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of Arm machines: bytes where the specifications have them, what iasl
 * says, and what firmware makes of the loader's files. */
#include "util/osdep.h"
#include "firmware.h"
#include "hw/acpi/arm.h"
#include "hw/acpi/loader.h"
#include "iasl-check.h"
#include "util/bytes.h"

static void build(AcpiTables *t)
{
    static const AcpiReducedFadt fadt = {
        .flags = ACPI_FADT_HW_REDUCED,
        .arm_boot_arch = ACPI_ARM_BOOT_PSCI | ACPI_ARM_BOOT_PSCI_HVC,
    };
    static const AcpiGicc cpu = { .uid = 5, .mpidr = 0x103, .pmu_gsi = 23,
                                  .cpu_base = 0x8010000 };
    static const AcpiGtdt timers = { 29, 30, 27, 26 };
    Aml *a;

    acpi_tables_init(t);
    a = acpi_table_begin(t, "DSDT", 2);
    aml_name_int(a, "TEST", 1);
    acpi_table_end(t);
    acpi_add_reduced_fadt(t, &fadt);
    a = acpi_madt_begin(t, 0, 0);
    acpi_madt_gicd(a, 0x8000000, 3);
    acpi_madt_gicc(a, &cpu);
    acpi_madt_gicr(a, 0x80a0000, 0xf60000);
    acpi_madt_its(a, 0, 0x8080000);
    acpi_madt_msi_frame(a, 0x8020000, 64, 80);
    acpi_table_end(t);
    acpi_add_gtdt(t, &timers);
    acpi_add_iort_its(t, 0);
    acpi_add_pptt(t, &(AcpiTopology){ 9, 2, 2, 1 });
    acpi_add_mcfg(t, 0x4010000000, 0, 0, 255);
    acpi_add_spcr_pl011(t, 0x9000000, 33);
    acpi_add_dbg2_pl011(t, 0x9000000, 0x1000, "\\_SB.COM0");
    acpi_tables_finish(t);
}

static void test_madt(void)
{
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "APIC") + 44;
    g_assert_cmpuint(p[0], ==, 0x0c);
    g_assert_cmphex(get_le64(p + 8), ==, 0x8000000);
    g_assert_cmpuint(p[20], ==, 3);
    p += p[1];
    g_assert_cmpuint(p[0], ==, 0x0b);
    g_assert_cmpuint(p[1], ==, 80);
    g_assert_cmpuint(get_le32(p + 8), ==, 5);
    g_assert_cmpuint(get_le32(p + 12), ==, 1);
    g_assert_cmpuint(get_le32(p + 20), ==, 23);
    g_assert_cmphex(get_le64(p + 32), ==, 0x8010000);
    g_assert_cmphex(get_le64(p + 68), ==, 0x103);
    p += p[1];
    g_assert_cmpuint(p[0], ==, 0x0e);
    g_assert_cmphex(get_le64(p + 4), ==, 0x80a0000);
    g_assert_cmphex(get_le32(p + 12), ==, 0xf60000);
    p += p[1];
    g_assert_cmpuint(p[0], ==, 0x0f);
    g_assert_cmphex(get_le64(p + 8), ==, 0x8080000);
    p += p[1];
    g_assert_cmpuint(p[0], ==, 0x0d);
    g_assert_cmphex(get_le64(p + 8), ==, 0x8020000);
    g_assert_cmpuint(get_le16(p + 20), ==, 64);
    g_assert_cmpuint(get_le16(p + 22), ==, 80);
    acpi_tables_cleanup(&t);
}

static void test_layout(void)
{
    const uint8_t *p;
    AcpiTables t;

    build(&t);
    p = acpi_find_table(&t, "FACP");
    g_assert_cmphex(get_le16(p + 129), ==, 3);
    p = acpi_find_table(&t, "GTDT");
    g_assert_cmpuint(get_le32(p + 4), ==, 96);
    g_assert_cmpuint(get_le32(p + 56), ==, 30);
    g_assert_cmpuint(get_le32(p + 64), ==, 27);
    p = acpi_find_table(&t, "IORT");
    g_assert_cmpuint(get_le32(p + 4), ==, 48 + 24 + 36 + 20);
    g_assert_cmpuint(get_le16(p + 48 + 24 + 1), ==, 36 + 20);
    g_assert_cmpuint(get_le32(p + 48 + 24 + 12), ==, 36);
    g_assert_cmpuint(get_le32(p + 48 + 24 + 36 + 12), ==, 48);
    p = acpi_find_table(&t, "SPCR");
    g_assert_cmpuint(p[36], ==, 3);
    g_assert_cmpuint(get_le32(p + 54), ==, 33);
    p = acpi_find_table(&t, "DBG2");
    g_assert_cmpuint(get_le32(p + 4), ==, 44 + get_le16(p + 44 + 1));
    g_assert_cmpstr((const char *)p + 44 + get_le16(p + 44 + 6), ==,
                    "\\_SB.COM0");
    acpi_tables_cleanup(&t);
}

/* Flags of a CPU's node, and of those above it. */
static char *path_of(const uint8_t *pptt, uint32_t uid)
{
    GString *path = g_string_new(NULL);
    uint32_t off = 36;

    while (get_le32(pptt + off + 12) != uid || !(pptt[off + 4] & 2)) {
        off += pptt[off + 1];
        g_assert_cmpuint(off, <, get_le32(pptt + 4));
    }
    for (; off; off = get_le32(pptt + off + 8)) {
        g_string_append_printf(path, "%u@%u ", pptt[off + 4], off);
    }
    return g_string_free(path, FALSE);
}

static void test_pptt(void)
{
    g_autofree char *first = NULL, *last = NULL, *thread = NULL;
    AcpiTables t;

    build(&t);                      /* 9 CPUs: two packages of 2 x 2, one of 1 */
    first = path_of(acpi_find_table(&t, "PPTT"), 0);
    last = path_of(acpi_find_table(&t, "PPTT"), 8);
    g_assert_cmpstr(first, ==, "10@76 0@56 1@36 ");
    g_assert_cmpstr(last, ==, "10@356 0@336 1@316 ");
    acpi_tables_cleanup(&t);

    acpi_tables_init(&t);
    acpi_add_pptt(&t, &(AcpiTopology){ 4, 1, 2, 2 });
    thread = path_of(t.out.data + t.tables[0], 3);
    g_assert_cmpstr(thread, ==, "14@156 0@116 1@36 ");
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

static void test_loader(void)
{
    AcpiLoaderFile files[ACPI_LOADER_FILES];
    GByteArray *rsdp, *tables, *script;
    g_autofree char *names = NULL;
    AcpiTables t;

    build(&t);
    acpi_loader_build(&t, files);
    acpi_tables_cleanup(&t);
    g_assert_cmpstr(files[0].name, ==, "etc/acpi/rsdp");
    g_assert_cmpstr(files[1].name, ==, "etc/acpi/tables");
    g_assert_cmpstr(files[2].name, ==, "etc/table-loader");
    rsdp = g_byte_array_new_take(files[0].data, files[0].len);
    tables = g_byte_array_new_take(files[1].data, files[1].len);
    script = g_byte_array_new_take(files[2].data, files[2].len);
    firmware_run_loader(script, tables, rsdp);
    names = firmware_check_tables(tables, rsdp);
    g_assert_cmpstr(names, ==,
                    "FACP APIC GTDT IORT PPTT MCFG SPCR DBG2 DSDT ");
    g_byte_array_unref(rsdp);
    g_byte_array_unref(tables);
    g_byte_array_unref(script);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi/arm/madt", test_madt);
    g_test_add_func("/acpi/arm/layout", test_layout);
    g_test_add_func("/acpi/arm/pptt", test_pptt);
    g_test_add_func("/acpi/arm/iasl", test_iasl);
    g_test_add_func("/acpi/loader/run", test_loader);
    return g_test_run();
}
