/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hand ACPI tables to iasl: disassemble, compile the result, no error and no
 * warning in either step. For tests.
 */
#ifndef TESTS_UNIT_HW_ACPI_IASL_CHECK_H
#define TESTS_UNIT_HW_ACPI_IASL_CHECK_H

#include "hw/acpi/tables.h"

/* iasl_check_tables: all tables of a finished set. Skips the test when there
 * is no iasl. */
void iasl_check_tables(const AcpiTables *t);
/* iasl_check_table: one; nothing without iasl. */
void iasl_check_table(const uint8_t *table);
/* acpi_find_table: by signature, NULL when missing; checks its checksum. */
const uint8_t *acpi_find_table(const AcpiTables *t, const char *signature);

#endif
