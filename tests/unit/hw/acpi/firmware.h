/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What firmware does with the ACPI tables of fw_cfg: run the list of commands,
 * find tables from the RSDP. For tests, which fail on anything wrong.
 */
#ifndef TESTS_UNIT_HW_ACPI_FIRMWARE_H
#define TESTS_UNIT_HW_ACPI_FIRMWARE_H

#include "util/osdep.h"

/* Where it puts them. */
#define FIRMWARE_TABLES_GPA 0x7f000000u
#define FIRMWARE_RSDP_GPA   0x000f5000u

/* firmware_run_loader: @tables and @rsdp are patched in place. */
void firmware_run_loader(const GByteArray *script, GByteArray *tables,
                         GByteArray *rsdp);
/* firmware_find_table: NULL when missing; checks all checksums on the way. */
const uint8_t *firmware_find_table(const GByteArray *tables,
                                   const GByteArray *rsdp,
                                   const char *signature);
/* firmware_check_tables: each by iasl; returns "FACP APIC ... DSDT ". */
char *firmware_check_tables(const GByteArray *tables, const GByteArray *rsdp);

#endif
