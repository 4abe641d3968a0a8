/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of commands for firmware. Each has 128 bytes: a command number,
 * then fields; file names have 56 bytes.
 *
 *   1  allocate        file, u32 alignment, u8 zone (1: anywhere, 2: where
 *                      BIOSes keep it below 1 MiB)
 *   2  add pointer     file to patch, file it points into, u32 offset, u8 size
 *   3  add checksum    file, u32 offset of the sum, u32 start, u32 length
 */
#include "util/osdep.h"
#include "hw/acpi/loader.h"
#include "util/bytes.h"

#define NAME_BYTES      56
#define CMD_ALLOCATE    1
#define CMD_POINTER     2
#define CMD_CHECKSUM    3
#define ZONE_HIGH       1
#define ZONE_FSEG       2
#define TABLES_ALIGN    64
#define RSDP_ALIGN      16

static uint8_t *loader_entry(Aml *a, uint32_t cmd, const char *file)
{
    static const uint8_t zeros[ACPI_LOADER_ENTRY_BYTES];
    uint8_t *p;

    aml_bytes(a, zeros, sizeof(zeros));
    p = a->data + a->len - sizeof(zeros);
    put_le32(p, cmd);
    strcpy((char *)p + 4, file);
    return p + 4 + NAME_BYTES;
}

static void loader_allocate(Aml *a, const char *file, uint32_t align,
                            uint8_t zone)
{
    uint8_t *p = loader_entry(a, CMD_ALLOCATE, file);

    put_le32(p, align);
    p[4] = zone;
}

static void loader_pointer(Aml *a, const char *file, const AcpiPointer *ptr,
                           size_t start)
{
    uint8_t *p = loader_entry(a, CMD_POINTER, file);

    strcpy((char *)p, ACPI_TABLES_FILE);
    put_le32(p + NAME_BYTES, ptr->field - start);
    p[NAME_BYTES + 4] = ptr->width;
}

static void loader_checksum(Aml *a, const char *file, uint32_t field,
                            uint32_t start, uint32_t len)
{
    uint8_t *p = loader_entry(a, CMD_CHECKSUM, file);

    put_le32(p, field);
    put_le32(p + 4, start);
    put_le32(p + 8, len);
}

/* Firmware adds up with the old sum in place: it must be 0. */
static void loader_sum_table(Aml *a, AcpiLoaderFile *tables, size_t start)
{
    uint32_t len = get_le32(tables->data + start + ACPI_HEADER_LENGTH);

    tables->data[start + ACPI_HEADER_CHECKSUM] = 0;
    loader_checksum(a, tables->name, start + ACPI_HEADER_CHECKSUM, start, len);
}

void acpi_loader_build(const AcpiTables *t,
                       AcpiLoaderFile files[ACPI_LOADER_FILES])
{
    AcpiLoaderFile rsdp = { ACPI_RSDP_FILE, NULL, ACPI_RSDP_BYTES };
    AcpiLoaderFile tables = { ACPI_TABLES_FILE, NULL, t->rsdp };
    Aml a;

    g_assert(t->base == 0 && t->rsdp + ACPI_RSDP_BYTES == t->out.len);
    tables.data = g_memdup2(t->out.data, t->rsdp);
    rsdp.data = g_memdup2(t->out.data + t->rsdp, ACPI_RSDP_BYTES);
    rsdp.data[ACPI_RSDP_CHECKSUM] = rsdp.data[ACPI_RSDP_EXT_CHECKSUM] = 0;

    aml_init(&a);
    loader_allocate(&a, tables.name, TABLES_ALIGN, ZONE_HIGH);
    loader_allocate(&a, rsdp.name, RSDP_ALIGN, ZONE_FSEG);
    for (unsigned int i = 0; i < t->npointers; i++) {
        const AcpiPointer *p = &t->pointers[i];
        bool root = p->field >= t->rsdp;

        loader_pointer(&a, root ? rsdp.name : tables.name, p,
                       root ? t->rsdp : 0);
    }
    loader_sum_table(&a, &tables, t->dsdt);
    for (unsigned int i = 0; i < t->ntables; i++) {
        loader_sum_table(&a, &tables, t->tables[i]);
    }
    loader_sum_table(&a, &tables, t->xsdt);
    loader_checksum(&a, rsdp.name, ACPI_RSDP_CHECKSUM, 0, ACPI_RSDP_V1_BYTES);
    loader_checksum(&a, rsdp.name, ACPI_RSDP_EXT_CHECKSUM, 0, ACPI_RSDP_BYTES);

    files[0] = rsdp;
    files[1] = tables;
    files[2] = (AcpiLoaderFile){ ACPI_LOADER_FILE, a.data, a.len };
}
