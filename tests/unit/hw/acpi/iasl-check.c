/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "iasl-check.h"
#include <glib/gstdio.h>
#include "util/bytes.h"

static void run_iasl(const char *dir, const char *flag, const char *file)
{
    const char *argv[] = { "iasl", "-vs", flag, file, NULL };
    g_autofree char *out = NULL, *err = NULL;
    g_autoptr(GError) gerr = NULL;
    int status = -1;

    g_spawn_sync(dir, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                 &out, &err, &status, &gerr);
    g_assert_no_error(gerr);
    if (status != 0 || strcasestr(err, "warning") ||
        strcasestr(err, "error  ") ||
        (!strcmp(flag, "-tc") && !strstr(out, "0 Errors, 0 Warnings"))) {
        g_autofree char *path = g_build_filename(dir, "table.dsl", NULL);
        g_autofree char *asl = NULL;

        g_file_get_contents(path, &asl, NULL, NULL);
        g_test_message("iasl %s %s\n%s%s%s", flag, file, out, err,
                       asl ? asl : "");
        g_test_fail();
    }
}

static void remove_files(const char *dir)
{
    g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(d))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        g_unlink(path);
    }
    g_rmdir(dir);
}

static void check_one(const uint8_t *table)
{
    g_autofree char *dir = g_dir_make_tmp("nemu-iasl-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "table.dat", NULL);

    g_assert_nonnull(dir);
    g_assert_true(g_file_set_contents(path, (const char *)table,
                                      get_le32(table + 4), NULL));
    run_iasl(dir, "-d", "table.dat");
    run_iasl(dir, "-tc", "table.dsl");
    remove_files(dir);
}

static bool have_iasl(void)
{
    g_autofree char *path = g_find_program_in_path("iasl");

    return path != NULL;
}

void iasl_check_table(const uint8_t *table)
{
    if (have_iasl()) {
        check_one(table);
    }
}

void iasl_check_tables(const AcpiTables *t)
{
    if (!have_iasl()) {
        g_test_skip("iasl is not installed");
        return;
    }
    check_one(t->out.data + t->dsdt);
    check_one(t->out.data + t->xsdt);
    for (unsigned int i = 0; i < t->ntables; i++) {
        check_one(t->out.data + t->tables[i]);
    }
}

static const uint8_t *checked(const uint8_t *table)
{
    uint32_t len = get_le32(table + 4);
    uint8_t sum = 0;

    for (uint32_t i = 0; i < len; i++) {
        sum += table[i];
    }
    g_assert_cmpuint(sum, ==, 0);
    return table;
}

const uint8_t *acpi_find_table(const AcpiTables *t, const char *signature)
{
    const uint8_t *blob = t->out.data;

    if (!strcmp(signature, "DSDT")) {
        return checked(blob + t->dsdt);
    }
    for (unsigned int i = 0; i < t->ntables; i++) {
        if (!memcmp(blob + t->tables[i], signature, 4)) {
            return checked(blob + t->tables[i]);
        }
    }
    return NULL;
}
