/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of ACPI tables (ACPI 6.5, chapter 5.2) in one blob.
 *
 *     AcpiTables t;
 *     acpi_tables_init(&t);
 *     a = acpi_table_begin(&t, "DSDT", 2);     ... AML ...
 *     acpi_table_end(&t);
 *     acpi_add_reduced_fadt(&t, &fadt);        more tables
 *     acpi_tables_finish(&t);                  XSDT and RSDP
 *     acpi_tables_relocate(&t, gpa);           pointers and checksums
 *
 * The blob is then t.out.data, t.out.len; the RSDP is at t.rsdp in it. Until
 * it is relocated, pointers hold offsets in the blob and are listed in
 * t.pointers, which is what a table loader (loader.h) needs.
 *
 * Threading: none. Nothing here fails.
 */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H

#include "hw/acpi/aml-build.h"

#define ACPI_OEM_ID         "NEMU  "    /* 6 characters */
#define ACPI_OEM_TABLE_ID   "NEMUVIRT"  /* 8 characters */
#define ACPI_CREATOR_ID     "NEMU"
#define ACPI_HEADER_BYTES   36
#define ACPI_HEADER_LENGTH  4           /* offsets in it */
#define ACPI_HEADER_CHECKSUM 9
#define ACPI_RSDP_BYTES     36
#define ACPI_RSDP_CHECKSUM  8           /* over the first 20 bytes */
#define ACPI_RSDP_V1_BYTES  20
#define ACPI_RSDP_EXT_CHECKSUM 32
#define ACPI_GAS_BYTES      12
#define ACPI_MAX_TABLES     24

typedef struct AcpiPointer {
    size_t field;                   /* offset of the pointer in the blob */
    uint8_t width;                  /* bytes: 4 or 8 */
} AcpiPointer;

typedef struct AcpiTables {
    Aml out;
    size_t start;                   /* of the table under construction */
    size_t tables[ACPI_MAX_TABLES]; /* offsets, in order */
    unsigned int ntables;
    size_t dsdt, xsdt, rsdp;        /* offsets */
    AcpiPointer pointers[ACPI_MAX_TABLES + 4];
    unsigned int npointers;
    uint64_t base;                  /* that the pointers hold now */
} AcpiTables;

void acpi_tables_init(AcpiTables *t);
void acpi_tables_cleanup(AcpiTables *t);

/* acpi_table_begin: the header; the body goes to the returned buffer. */
Aml *acpi_table_begin(AcpiTables *t, const char signature[4],
                      uint8_t revision);
void acpi_table_end(AcpiTables *t);
void acpi_tables_finish(AcpiTables *t);
/* acpi_tables_relocate: the blob is going to be at guest address @base. May
 * be done again for another one. */
void acpi_tables_relocate(AcpiTables *t, uint64_t base);

/* Generic Address Structure (5.2.3.2) */
typedef struct AcpiGas {
    uint8_t space;                  /* AmlSpace */
    uint8_t bits;
    uint8_t access;                 /* 1 byte, 2 word, 3 dword, 4 qword */
    uint64_t addr;
} AcpiGas;

/* For writers of other tables. */
void acpi_put_gas(Aml *a, const AcpiGas *gas);
void acpi_zeros(Aml *a, size_t n);

/* Flags of the FADT (5.2.9) and its x86 boot architecture flags (5.2.9.3) */
enum {
    ACPI_FADT_WBINVD            = 1u << 0,
    ACPI_FADT_PROC_C1           = 1u << 2,
    ACPI_FADT_PWR_BUTTON        = 1u << 4,  /* not a fixed feature */
    ACPI_FADT_SLP_BUTTON        = 1u << 5,  /* not a fixed feature */
    ACPI_FADT_RESET_REG_SUP     = 1u << 10,
    ACPI_FADT_HW_REDUCED        = 1u << 20,
    ACPI_BOOT_NO_VGA            = 1u << 2,
    ACPI_BOOT_NO_CMOS_RTC       = 1u << 5,
    /* ARM boot architecture flags (5.2.9.4) */
    ACPI_ARM_BOOT_PSCI          = 1u << 0,
    ACPI_ARM_BOOT_PSCI_HVC      = 1u << 1,
};
/* FADT of a machine without the fixed hardware (HW_REDUCED_ACPI). */
typedef struct AcpiReducedFadt {
    uint32_t flags;
    uint16_t boot_arch, arm_boot_arch;
    AcpiGas reset_reg, sleep_control, sleep_status;
    uint8_t reset_value;
} AcpiReducedFadt;
/* acpi_add_reduced_fadt: points to the DSDT, which must be there already. */
void acpi_add_reduced_fadt(AcpiTables *t, const AcpiReducedFadt *fadt);

/* MADT (5.2.12): begin with acpi_madt_begin, add structures, acpi_table_end. */
Aml *acpi_madt_begin(AcpiTables *t, uint32_t lapic_addr, uint32_t flags);
/* a CPU; APIC ids above 254 use the x2APIC structure */
void acpi_madt_lapic(Aml *a, uint32_t uid, uint32_t apic_id, bool enabled);
void acpi_madt_ioapic(Aml *a, uint8_t id, uint32_t addr, uint32_t gsi_base);
/* LINT1 of all CPUs is NMI */
void acpi_madt_lapic_nmi(Aml *a, bool x2apic);

void acpi_add_mcfg(AcpiTables *t, uint64_t ecam, uint16_t segment,
                   uint8_t bus_min, uint8_t bus_max);
/* SPCR: console at 16550 @port with global interrupt @gsi. */
void acpi_add_spcr_16550(AcpiTables *t, uint16_t port, uint8_t irq,
                         uint32_t gsi);
/* SPCR: console at the PL011 at @addr. */
void acpi_add_spcr_pl011(AcpiTables *t, uint64_t addr, uint32_t gsi);
/* DBG2: that PL011 of @bytes, the device @path of the DSDT. */
void acpi_add_dbg2_pl011(AcpiTables *t, uint64_t addr, uint32_t bytes,
                         const char *path);

#endif
