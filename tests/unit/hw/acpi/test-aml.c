/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AML encodings byte by byte against ACPI 6.5, chapter 20, and a table with
 * one of everything against iasl. */
#include "util/osdep.h"
#include "hw/acpi/aml-build.h"
#include "iasl-check.h"
#include "util/bytes.h"

static void assert_bytes(Aml *a, const char *hex)
{
    g_autoptr(GString) got = g_string_new(NULL);

    for (size_t i = 0; i < a->len; i++) {
        g_string_append_printf(got, "%02x", a->data[i]);
    }
    g_assert_cmpstr(got->str, ==, hex);
    aml_cleanup(a);
}

static void test_integers(void)
{
    static const struct {
        uint64_t v;
        const char *hex;
    } cases[] = {
        { 0, "00" }, { 1, "01" }, { 2, "0a02" }, { 255, "0aff" },
        { 256, "0b0001" }, { 0x10000, "0c00000100" },
        { 0x100000000ULL, "0e0000000001000000" }, { UINT64_MAX, "ff" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Aml a;

        aml_init(&a);
        aml_int(&a, cases[i].v);
        assert_bytes(&a, cases[i].hex);
    }
}

static void test_paths(void)
{
    static const struct {
        const char *path, *hex;
    } cases[] = {
        { "_CRS", "5f435253" }, { "A", "415f5f5f" },
        { "\\_SB", "5c5f53425f" }, { "^FOO", "5e464f4f5f" },
        { "\\_SB.PCI0", "5c2e5f53425f50434930" },
        { "A.B.C", "2f03415f5f5f425f5f5f435f5f5f" }, { "\\", "5c00" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Aml a;

        aml_init(&a);
        aml_path(&a, cases[i].path);
        assert_bytes(&a, cases[i].hex);
    }
}

static void test_eisa_id(void)
{
    Aml a;

    aml_init(&a);
    aml_eisa_id(&a, "PNP0A08");
    assert_bytes(&a, "0c41d00a08");
}

static void test_uuid(void)
{
    Aml a;

    aml_init(&a);
    aml_uuid(&a, "33db4d5b-1ff7-401c-9657-7441c03dd766");
    assert_bytes(&a, "11130a10" "5b4ddb33f71f1c4096577441c03dd766");
}

/* Where the length takes one byte more because it counts itself. */
static void test_package_length(void)
{
    static const struct {
        size_t body;
        size_t len_bytes;
        uint32_t total;
    } cases[] = {
        { 4, 1, 5 }, { 62, 1, 63 }, { 63, 2, 65 }, { 4093, 2, 4095 },
        { 4094, 3, 4097 }, { 1048572, 3, 1048575 }, { 1048573, 4, 1048577 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *zero = g_malloc0(cases[i].body);
        size_t n = cases[i].len_bytes;
        uint32_t total;
        Aml a;

        aml_init(&a);
        aml_else(&a);
        aml_bytes(&a, zero, cases[i].body);
        aml_end(&a);
        g_assert_cmpuint(a.len, ==, 1 + n + cases[i].body);
        g_assert_cmpuint(a.data[1] >> 6, ==, n - 1);
        if (n == 1) {
            total = a.data[1];
        } else {
            total = (a.data[1] & 0xf) | get_le_n(a.data + 2, n - 1) << 4;
        }
        g_assert_cmpuint(total, ==, cases[i].total);
        aml_cleanup(&a);
    }
}

static void add_objects(Aml *a)
{
    aml_name_int(a, "INTN", 0x123456789aULL);
    aml_name_string(a, "STRN", "text");
    aml_name(a, "PKGN");
    aml_package(a, 3);
    aml_int(a, 1), aml_string(a, "two"), aml_buffer(a, "\1\2", 2);
    aml_end(a);
    aml_region(a, "REGN", AML_SYSTEM_IO, 0x600, 8);
    aml_field(a, "REGN", AML_DWORD_ACC | AML_LOCK | AML_WRITE_AS_ZEROS);
    aml_field_unit(a, "FLDA", 32);
    aml_field_skip(a, 8);
    aml_field_unit(a, "FLDB", 24);
    aml_end(a);
    aml_mutex(a, "MTXN");
}

static void add_resources(Aml *a)
{
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_res_window16(a, AML_WINDOW_BUS, 0, 255);
    aml_res_io(a, 0xcf8, 8);
    aml_res_window16(a, AML_WINDOW_IO, 0, 0xcf7);
    aml_res_window32(a, AML_WINDOW_MEM, 0xc0000000, 0xdfffffff);
    aml_res_window64(a, AML_WINDOW_MEM_PREF, 1ULL << 36, (1ULL << 37) - 1);
    aml_res_mem32(a, 0xe0000000, 0x10000000, false);
    aml_res_irq(a, 16, AML_IRQ_EDGE);
    aml_end(a);
}

static void add_method(Aml *a)
{
    aml_method(a, "MTHD", 2, true);
    aml_acquire(a, "MTXN");
    aml_op(a, AML_STORE), aml_path(a, "FLDA"), aml_local(a, 0);
    aml_while(a);
    aml_op(a, AML_LLESS), aml_local(a, 0), aml_int(a, 10);
    aml_if(a);
    aml_op(a, AML_AND), aml_local(a, 0), aml_arg(a, 0), aml_no_target(a);
    aml_notify(a, "DEV0", 0x80);
    aml_end(a);
    aml_else(a);
    aml_op(a, AML_STORE), aml_arg(a, 1), aml_path(a, "FLDA");
    aml_end(a);
    aml_op(a, AML_INCREMENT), aml_local(a, 0);
    aml_end(a);
    aml_release(a, "MTXN");
    aml_op(a, AML_RETURN), aml_local(a, 0);
    aml_end(a);
}

static void test_iasl_dsdt(void)
{
    AcpiTables t;
    Aml *a;

    acpi_tables_init(&t);
    a = acpi_table_begin(&t, "DSDT", 2);
    aml_scope(a, "\\_SB");
    aml_device(a, "DEV0");
    aml_name_eisa_id(a, "_HID", "PNP0C02");
    aml_name_int(a, "_UID", 0);
    add_objects(a);
    add_resources(a);
    add_method(a);
    aml_end(a);
    aml_end(a);
    acpi_table_end(&t);
    acpi_tables_finish(&t);
    iasl_check_tables(&t);
    acpi_tables_cleanup(&t);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi/aml/integers", test_integers);
    g_test_add_func("/acpi/aml/paths", test_paths);
    g_test_add_func("/acpi/aml/eisa-id", test_eisa_id);
    g_test_add_func("/acpi/aml/uuid", test_uuid);
    g_test_add_func("/acpi/aml/package-length", test_package_length);
    g_test_add_func("/acpi/aml/iasl", test_iasl_dsdt);
    return g_test_run();
}
