/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACPI tables other than AML: ACPI 6.5, 5.2; PCI Firmware 3.3, 4.1.2 (MCFG);
 * Microsoft's SPCR revision 2 and DBG2. */
#include "util/osdep.h"
#include "hw/acpi/tables.h"
#include "util/bytes.h"

#define TABLE_ALIGN_BYTES   16

void acpi_tables_init(AcpiTables *t)
{
    *t = (AcpiTables){ 0 };
    aml_init(&t->out);
}

void acpi_tables_cleanup(AcpiTables *t)
{
    aml_cleanup(&t->out);
}

void acpi_zeros(Aml *a, size_t n)
{
    while (n--) {
        aml_u8(a, 0);
    }
}

static void acpi_align(Aml *a)
{
    acpi_zeros(a, ROUND_UP(a->len, TABLE_ALIGN_BYTES) - a->len);
}

static void acpi_checksum(uint8_t *sum_field, const uint8_t *data, size_t len)
{
    uint8_t sum = 0;

    *sum_field = 0;
    while (len--) {
        sum += *data++;
    }
    *sum_field = -sum;
}

static void acpi_table_checksum(uint8_t *table)
{
    acpi_checksum(table + ACPI_HEADER_CHECKSUM, table,
                  get_le32(table + ACPI_HEADER_LENGTH));
}

Aml *acpi_table_begin(AcpiTables *t, const char signature[4], uint8_t revision)
{
    Aml *a = &t->out;

    acpi_align(a);
    t->start = a->len;
    aml_bytes(a, signature, 4);
    aml_le(a, 0, 4);                /* length */
    aml_u8(a, revision);
    aml_u8(a, 0);                   /* checksum */
    aml_bytes(a, ACPI_OEM_ID, 6);
    aml_bytes(a, ACPI_OEM_TABLE_ID, 8);
    aml_le(a, 1, 4);                /* OEM revision */
    aml_bytes(a, ACPI_CREATOR_ID, 4);
    aml_le(a, 1, 4);
    if (!memcmp(signature, "DSDT", 4)) {
        t->dsdt = t->start;
    } else if (!memcmp(signature, "XSDT", 4)) {
        t->xsdt = t->start;
    } else {
        g_assert(t->ntables < ACPI_MAX_TABLES);
        t->tables[t->ntables++] = t->start;
    }
    return a;
}

void acpi_table_end(AcpiTables *t)
{
    uint8_t *table = t->out.data + t->start;

    g_assert(t->out.depth == 0);
    put_le32(table + ACPI_HEADER_LENGTH, t->out.len - t->start);
    acpi_table_checksum(table);
}

/* Append a pointer to what is at @target in the blob. */
static void acpi_put_pointer(AcpiTables *t, uint64_t target, uint8_t width)
{
    g_assert(t->npointers < G_N_ELEMENTS(t->pointers));
    t->pointers[t->npointers++] = (AcpiPointer){ t->out.len, width };
    aml_le(&t->out, target, width);
}

static void acpi_add_rsdp(AcpiTables *t)
{
    Aml *a = &t->out;

    acpi_align(a);
    t->rsdp = a->len;
    aml_bytes(a, "RSD PTR ", 8);
    aml_u8(a, 0);                   /* checksum */
    aml_bytes(a, ACPI_OEM_ID, 6);
    aml_u8(a, 2);                   /* revision */
    aml_le(a, 0, 4);                /* no RSDT */
    aml_le(a, ACPI_RSDP_BYTES, 4);
    acpi_put_pointer(t, t->xsdt, 8);
    aml_u8(a, 0);                   /* extended checksum */
    acpi_zeros(a, 3);
}

void acpi_tables_finish(AcpiTables *t)
{
    acpi_table_begin(t, "XSDT", 1);
    for (unsigned int i = 0; i < t->ntables; i++) {
        acpi_put_pointer(t, t->tables[i], 8);
    }
    acpi_table_end(t);
    acpi_add_rsdp(t);
    acpi_tables_relocate(t, 0);
}

void acpi_tables_relocate(AcpiTables *t, uint64_t base)
{
    uint8_t *blob = t->out.data;
    uint8_t *rsdp = blob + t->rsdp;

    for (unsigned int i = 0; i < t->npointers; i++) {
        const AcpiPointer *p = &t->pointers[i];
        uint64_t v = get_le_n(blob + p->field, p->width);

        put_le_n(blob + p->field, p->width, v - t->base + base);
    }
    t->base = base;
    for (unsigned int i = 0; i < t->ntables; i++) {
        acpi_table_checksum(blob + t->tables[i]);
    }
    acpi_table_checksum(blob + t->xsdt);
    acpi_checksum(rsdp + ACPI_RSDP_CHECKSUM, rsdp, ACPI_RSDP_V1_BYTES);
    acpi_checksum(rsdp + ACPI_RSDP_EXT_CHECKSUM, rsdp, ACPI_RSDP_BYTES);
}

void acpi_put_gas(Aml *a, const AcpiGas *gas)
{
    aml_u8(a, gas->space);
    aml_u8(a, gas->bits);
    aml_u8(a, 0);                   /* bit offset */
    aml_u8(a, gas->access);
    aml_le(a, gas->addr, 8);
}

/* 5.2.9; the registers that HW_REDUCED_ACPI makes meaningless stay 0. */
void acpi_add_reduced_fadt(AcpiTables *t, const AcpiReducedFadt *fadt)
{
    Aml *a = acpi_table_begin(t, "FACP", 6);

    aml_le(a, 0, 4);                /* FACS: none */
    acpi_put_pointer(t, t->dsdt, 4);
    acpi_zeros(a, 96 - 44);         /* profile 0 .. CST_CNT: fixed hardware */
    aml_le(a, 0x0fff, 2);           /* P_LVL2_LAT: no C2 */
    aml_le(a, 0x0fff, 2);           /* P_LVL3_LAT: no C3 */
    acpi_zeros(a, 109 - 100);
    aml_le(a, fadt->boot_arch, 2);
    aml_u8(a, 0);
    aml_le(a, fadt->flags, 4);
    acpi_put_gas(a, &fadt->reset_reg);
    aml_u8(a, fadt->reset_value);
    aml_le(a, fadt->arm_boot_arch, 2);
    aml_u8(a, 5);                   /* minor version: 6.5 */
    aml_le(a, 0, 8);                /* X_FIRMWARE_CTRL */
    acpi_put_pointer(t, t->dsdt, 8);
    acpi_zeros(a, 244 - 148);       /* extended blocks of fixed hardware */
    acpi_put_gas(a, &fadt->sleep_control);
    acpi_put_gas(a, &fadt->sleep_status);
    aml_bytes(a, "NEMU\0\0\0\0", 8); /* hypervisor vendor identity */
    acpi_table_end(t);
}

/* ---- MADT, 5.2.12 ---- */

#define MADT_LAPIC          0
#define MADT_IOAPIC         1
#define MADT_LAPIC_NMI      4
#define MADT_X2APIC         9
#define MADT_X2APIC_NMI     10
#define MADT_ENABLED        BIT(0)
#define MADT_ONLINE_CAPABLE BIT(1)
#define XAPIC_MAX_ID        254

Aml *acpi_madt_begin(AcpiTables *t, uint32_t lapic_addr, uint32_t flags)
{
    Aml *a = acpi_table_begin(t, "APIC", 5);

    aml_le(a, lapic_addr, 4);
    aml_le(a, flags, 4);
    return a;
}

void acpi_madt_lapic(Aml *a, uint32_t uid, uint32_t apic_id, bool enabled)
{
    uint32_t flags = enabled ? MADT_ENABLED : MADT_ONLINE_CAPABLE;

    if (apic_id <= XAPIC_MAX_ID && uid <= UINT8_MAX) {
        aml_u8(a, MADT_LAPIC);
        aml_u8(a, 8);
        aml_u8(a, uid);
        aml_u8(a, apic_id);
        aml_le(a, flags, 4);
    } else {
        aml_u8(a, MADT_X2APIC);
        aml_u8(a, 16);
        aml_le(a, 0, 2);
        aml_le(a, apic_id, 4);
        aml_le(a, flags, 4);
        aml_le(a, uid, 4);
    }
}

void acpi_madt_ioapic(Aml *a, uint8_t id, uint32_t addr, uint32_t gsi_base)
{
    aml_u8(a, MADT_IOAPIC);
    aml_u8(a, 12);
    aml_u8(a, id);
    aml_u8(a, 0);
    aml_le(a, addr, 4);
    aml_le(a, gsi_base, 4);
}

void acpi_madt_lapic_nmi(Aml *a, bool x2apic)
{
    if (x2apic) {
        aml_u8(a, MADT_X2APIC_NMI);
        aml_u8(a, 12);
        aml_le(a, 0, 2);            /* polarity, trigger: as the bus */
        aml_le(a, UINT32_MAX, 4);   /* all CPUs */
        aml_u8(a, 1);               /* LINT1 */
        acpi_zeros(a, 3);
    } else {
        aml_u8(a, MADT_LAPIC_NMI);
        aml_u8(a, 6);
        aml_u8(a, UINT8_MAX);
        aml_le(a, 0, 2);
        aml_u8(a, 1);
    }
}

void acpi_add_mcfg(AcpiTables *t, uint64_t ecam, uint16_t segment,
                   uint8_t bus_min, uint8_t bus_max)
{
    Aml *a = acpi_table_begin(t, "MCFG", 1);

    acpi_zeros(a, 8);
    aml_le(a, ecam, 8);
    aml_le(a, segment, 2);
    aml_u8(a, bus_min);
    aml_u8(a, bus_max);
    acpi_zeros(a, 4);
    acpi_table_end(t);
}

/* Types of ports, Microsoft's DBG2, table 3; interrupts, SPCR. */
#define SPCR_16550          0
#define SPCR_PL011          3
#define SPCR_IRQ_IOAPIC     BIT(1)
#define SPCR_IRQ_GIC        BIT(3)
#define SPCR_115200         7
#define SPCR_ANSI           3

static void acpi_add_spcr(AcpiTables *t, uint8_t type, const AcpiGas *gas,
                          uint8_t irq, uint32_t gsi)
{
    Aml *a = acpi_table_begin(t, "SPCR", 2);

    aml_u8(a, type);
    acpi_zeros(a, 3);
    acpi_put_gas(a, gas);
    aml_u8(a, type == SPCR_PL011 ? SPCR_IRQ_GIC : SPCR_IRQ_IOAPIC);
    aml_u8(a, irq);
    aml_le(a, gsi, 4);
    aml_u8(a, SPCR_115200);
    aml_u8(a, 0);                   /* no parity */
    aml_u8(a, 1);                   /* one stop bit */
    aml_u8(a, 0);                   /* no flow control */
    aml_u8(a, SPCR_ANSI);
    aml_u8(a, 0);                   /* language */
    aml_le(a, 0xffff, 2);           /* not a PCI device */
    aml_le(a, 0xffff, 2);
    acpi_zeros(a, 3);               /* bus, device, function */
    aml_le(a, 0, 4);                /* flags */
    aml_u8(a, 0);                   /* segment */
    aml_le(a, 0, 4);
    acpi_table_end(t);
}

void acpi_add_spcr_16550(AcpiTables *t, uint16_t port, uint8_t irq,
                         uint32_t gsi)
{
    const AcpiGas gas = { AML_SYSTEM_IO, 8, 1, port };

    acpi_add_spcr(t, SPCR_16550, &gas, irq, gsi);
}

void acpi_add_spcr_pl011(AcpiTables *t, uint64_t addr, uint32_t gsi)
{
    const AcpiGas gas = { AML_SYSTEM_MEMORY, 32, 3, addr };

    acpi_add_spcr(t, SPCR_PL011, &gas, 0, gsi);
}

#define DBG2_INFO_BYTES     22
#define DBG2_SERIAL         0x8000

/* Microsoft Debug Port Table 2: one port, one register range. */
void acpi_add_dbg2_pl011(AcpiTables *t, uint64_t addr, uint32_t bytes,
                         const char *path)
{
    const AcpiGas gas = { AML_SYSTEM_MEMORY, 32, 3, addr };
    size_t name = DBG2_INFO_BYTES + ACPI_GAS_BYTES + 4;
    Aml *a = acpi_table_begin(t, "DBG2", 0);

    aml_le(a, ACPI_HEADER_BYTES + 8, 4);
    aml_le(a, 1, 4);
    aml_u8(a, 0);                   /* revision of the structure */
    aml_le(a, name + strlen(path) + 1, 2);
    aml_u8(a, 1);
    aml_le(a, strlen(path) + 1, 2);
    aml_le(a, name, 2);
    aml_le(a, 0, 4);                /* no OEM data */
    aml_le(a, DBG2_SERIAL, 2);
    aml_le(a, SPCR_PL011, 2);
    aml_le(a, 0, 2);
    aml_le(a, DBG2_INFO_BYTES, 2);
    aml_le(a, DBG2_INFO_BYTES + ACPI_GAS_BYTES, 2);
    acpi_put_gas(a, &gas);
    aml_le(a, bytes, 4);
    aml_bytes(a, path, strlen(path) + 1);
    acpi_table_end(t);
}
