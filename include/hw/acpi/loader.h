/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handing tables to firmware, which decides where they lie: three fw_cfg
 * files, of which one is a list of what to do with the others (QEMU's
 * table-loader interface, as OVMF and SeaBIOS read it).
 *
 *     file                 what
 *     etc/acpi/rsdp        the root pointer
 *     etc/acpi/tables      all other tables
 *     etc/table-loader     allocate both, turn offsets into addresses, sum
 *
 * Threading: none.
 */
#ifndef HW_ACPI_LOADER_H
#define HW_ACPI_LOADER_H

#include "hw/acpi/tables.h"
#include "util/error.h"

#define ACPI_RSDP_FILE      "etc/acpi/rsdp"
#define ACPI_TABLES_FILE    "etc/acpi/tables"
#define ACPI_LOADER_FILE    "etc/table-loader"
#define ACPI_LOADER_ENTRY_BYTES 128

typedef struct AcpiLoaderFile {
    const char *name;
    uint8_t *data;                  /* g_malloc; the caller's */
    uint32_t len;                   /* bytes */
} AcpiLoaderFile;

#define ACPI_LOADER_FILES   3

/* acpi_loader_build: the files for finished tables @t, which stay as they
 * are. */
void acpi_loader_build(const AcpiTables *t,
                       AcpiLoaderFile files[ACPI_LOADER_FILES]);

/* acpi_loader_add: put them into fw_cfg. Errors: no room. Context: big lock. */
struct FWCfg;
bool acpi_loader_add(struct FWCfg *s, const AcpiTables *t, Error **errp);

#endif
