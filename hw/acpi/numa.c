/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "hw/acpi/numa.h"

#define SRAT_LAPIC          0
#define SRAT_MEMORY         1
#define SRAT_X2APIC         2
#define SRAT_GICC           3
#define SRAT_ENABLED        BIT(0)
#define XAPIC_MAX_ID        254

Aml *acpi_srat_begin(AcpiTables *t)
{
    Aml *a = acpi_table_begin(t, "SRAT", 3);

    aml_le(a, 1, 4);                /* reserved, must be 1 */
    aml_le(a, 0, 8);
    return a;
}

void acpi_srat_lapic(Aml *a, uint32_t apic_id, uint32_t node)
{
    if (apic_id > XAPIC_MAX_ID) {
        aml_u8(a, SRAT_X2APIC);
        aml_u8(a, 24);
        aml_le(a, 0, 2);
        aml_le(a, node, 4);
        aml_le(a, apic_id, 4);
        aml_le(a, SRAT_ENABLED, 4);
        aml_le(a, 0, 8);            /* clock domain */
        return;
    }
    aml_u8(a, SRAT_LAPIC);
    aml_u8(a, 16);
    aml_u8(a, node & 0xff);
    aml_u8(a, apic_id);
    aml_le(a, SRAT_ENABLED, 4);
    aml_u8(a, 0);                   /* SAPIC */
    aml_u8(a, node >> 8 & 0xff);
    aml_le(a, node >> 16, 2);
    aml_le(a, 0, 4);                /* clock domain */
}

void acpi_srat_gicc(Aml *a, uint32_t uid, uint32_t node)
{
    aml_u8(a, SRAT_GICC);
    aml_u8(a, 18);
    aml_le(a, node, 4);
    aml_le(a, uid, 4);
    aml_le(a, SRAT_ENABLED, 4);
    aml_le(a, 0, 4);                /* clock domain */
}

void acpi_srat_memory(Aml *a, uint64_t base, uint64_t bytes, uint32_t node)
{
    aml_u8(a, SRAT_MEMORY);
    aml_u8(a, 40);
    aml_le(a, node, 4);
    aml_le(a, 0, 2);
    aml_le(a, base, 8);
    aml_le(a, bytes, 8);
    aml_le(a, 0, 4);
    aml_le(a, SRAT_ENABLED, 4);
    aml_le(a, 0, 8);
}

void acpi_add_slit(AcpiTables *t, const uint8_t *distance, unsigned int n)
{
    Aml *a = acpi_table_begin(t, "SLIT", 1);

    aml_le(a, n, 8);
    aml_bytes(a, distance, (size_t)n * n);
    acpi_table_end(t);
}
