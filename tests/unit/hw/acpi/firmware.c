/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firmware.h"
#include "iasl-check.h"
#include "util/bytes.h"

#define ENTRY_BYTES 128
#define NAME_BYTES  56

typedef struct Place {
    GByteArray *file;
    uint64_t gpa;                   /* 0: not allocated */
} Place;

static Place *find_place(Place places[2], const uint8_t *name)
{
    g_assert_cmpuint(strnlen((const char *)name, NAME_BYTES), <, NAME_BYTES);
    if (!strcmp((const char *)name, "etc/acpi/tables")) {
        return &places[0];
    }
    g_assert_cmpstr((const char *)name, ==, "etc/acpi/rsdp");
    return &places[1];
}

static void run_pointer(Place places[2], const uint8_t *p)
{
    Place *to = find_place(places, p), *from = find_place(places,
                                                          p + NAME_BYTES);
    uint32_t offset = get_le32(p + 2 * NAME_BYTES);
    uint8_t width = p[2 * NAME_BYTES + 4], *field;
    uint64_t v;

    g_assert_true(to->gpa && from->gpa);
    g_assert_true(width == 4 || width == 8);
    g_assert_cmpuint(offset, <=, to->file->len - width);
    field = to->file->data + offset;
    v = get_le_n(field, width);
    g_assert_cmpuint(v, <, from->file->len);
    put_le_n(field, width, v + from->gpa);
}

static void run_checksum(Place places[2], const uint8_t *p)
{
    GByteArray *file = find_place(places, p)->file;
    uint32_t offset = get_le32(p + NAME_BYTES);
    uint32_t start = get_le32(p + NAME_BYTES + 4);
    uint32_t len = get_le32(p + NAME_BYTES + 8);
    uint8_t sum = 0;

    g_assert_cmpuint(offset, <, file->len);
    g_assert_cmpuint(start, <, file->len);
    g_assert_cmpuint(len, <=, file->len - start);
    for (uint32_t i = 0; i < len; i++) {
        sum += file->data[start + i];
    }
    file->data[offset] = -sum;      /* as firmware does: 0 - all */
}

void firmware_run_loader(const GByteArray *script, GByteArray *tables,
                         GByteArray *rsdp)
{
    Place places[2] = { { tables, 0 }, { rsdp, 0 } };

    g_assert_cmpuint(script->len % ENTRY_BYTES, ==, 0);
    for (uint32_t i = 0; i < script->len; i += ENTRY_BYTES) {
        const uint8_t *p = script->data + i;
        Place *place;

        switch (get_le32(p)) {
        case 1:
            place = find_place(places, p + 4);
            g_assert_cmpuint(place->gpa, ==, 0);
            place->gpa = p[4 + NAME_BYTES + 4] == 2 ? FIRMWARE_RSDP_GPA
                                                    : FIRMWARE_TABLES_GPA;
            break;
        case 2:
            run_pointer(places, p + 4);
            break;
        case 3:
            run_checksum(places, p + 4);
            break;
        default:
            g_error("command %u of the loader", get_le32(p));
        }
    }
}

/* ---- Tables ---- */

static void check_sum(const uint8_t *p, uint32_t len)
{
    uint8_t sum = 0;

    while (len--) {
        sum += *p++;
    }
    g_assert_cmphex(sum, ==, 0);
}

static const uint8_t *table_at(const GByteArray *tables, uint64_t gpa)
{
    const uint8_t *p;

    g_assert_cmphex(gpa, >=, FIRMWARE_TABLES_GPA);
    g_assert_cmphex(gpa, <, FIRMWARE_TABLES_GPA + tables->len - 36);
    p = tables->data + (gpa - FIRMWARE_TABLES_GPA);
    g_assert_cmpuint(get_le32(p + 4), <=,
                     tables->len - (gpa - FIRMWARE_TABLES_GPA));
    check_sum(p, get_le32(p + 4));
    return p;
}

static const uint8_t *find_xsdt(const GByteArray *tables,
                                const GByteArray *rsdp)
{
    g_assert_cmpuint(rsdp->len, ==, 36);
    g_assert_cmpmem(rsdp->data, 8, "RSD PTR ", 8);
    check_sum(rsdp->data, 20);
    check_sum(rsdp->data, 36);
    return table_at(tables, get_le64(rsdp->data + 24));
}

const uint8_t *firmware_find_table(const GByteArray *tables,
                                   const GByteArray *rsdp,
                                   const char *signature)
{
    const uint8_t *xsdt = find_xsdt(tables, rsdp);
    bool dsdt = !strcmp(signature, "DSDT");

    for (uint32_t off = 36; off < get_le32(xsdt + 4); off += 8) {
        const uint8_t *p = table_at(tables, get_le64(xsdt + off));

        if (!memcmp(p, dsdt ? "FACP" : signature, 4)) {
            return dsdt ? table_at(tables, get_le64(p + 140)) : p;
        }
    }
    return NULL;
}

char *firmware_check_tables(const GByteArray *tables, const GByteArray *rsdp)
{
    const uint8_t *xsdt = find_xsdt(tables, rsdp);
    GString *names = g_string_new(NULL);

    iasl_check_table(xsdt);
    for (uint32_t off = 36; off < get_le32(xsdt + 4); off += 8) {
        const uint8_t *p = table_at(tables, get_le64(xsdt + off));

        g_string_append_len(names, (const char *)p, 4);
        g_string_append_c(names, ' ');
        iasl_check_table(p);
    }
    g_string_append(names, "DSDT ");
    iasl_check_table(firmware_find_table(tables, rsdp, "DSDT"));
    return g_string_free(names, FALSE);
}
