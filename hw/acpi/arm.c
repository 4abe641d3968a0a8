/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "hw/acpi/arm.h"

/* ---- MADT: 5.2.12.14 to 5.2.12.18 ---- */

#define MADT_GICC           0x0b
#define MADT_GICD           0x0c
#define MADT_MSI_FRAME      0x0d
#define MADT_GICR           0x0e
#define MADT_ITS            0x0f
#define GICC_BYTES          80
#define GICC_ENABLED        BIT(0)
#define MSI_FRAME_SPIS      BIT(0)  /* count and base are ours, not TYPER's */

void acpi_madt_gicc(Aml *a, const AcpiGicc *cpu)
{
    aml_u8(a, MADT_GICC);
    aml_u8(a, GICC_BYTES);
    aml_le(a, 0, 2);
    aml_le(a, cpu->uid, 4);
    aml_le(a, cpu->uid, 4);
    aml_le(a, GICC_ENABLED, 4);
    aml_le(a, 0, 4);                /* no parking protocol: PSCI */
    aml_le(a, cpu->pmu_gsi, 4);
    aml_le(a, 0, 8);                /* parked address */
    aml_le(a, cpu->cpu_base, 8);
    acpi_zeros(a, 8 + 8 + 4);       /* guests have no hypervisor state */
    aml_le(a, 0, 8);                /* redistributor: see the GICR */
    aml_le(a, cpu->mpidr, 8);
    acpi_zeros(a, 4);               /* efficiency class, SPE */
}

void acpi_madt_gicd(Aml *a, uint64_t base, uint8_t version)
{
    aml_u8(a, MADT_GICD);
    aml_u8(a, 24);
    aml_le(a, 0, 2);
    aml_le(a, 0, 4);                /* id */
    aml_le(a, base, 8);
    aml_le(a, 0, 4);
    aml_u8(a, version);
    acpi_zeros(a, 3);
}

void acpi_madt_gicr(Aml *a, uint64_t base, uint32_t bytes)
{
    aml_u8(a, MADT_GICR);
    aml_u8(a, 16);
    aml_le(a, 0, 2);
    aml_le(a, base, 8);
    aml_le(a, bytes, 4);
}

void acpi_madt_its(Aml *a, uint32_t id, uint64_t base)
{
    aml_u8(a, MADT_ITS);
    aml_u8(a, 20);
    aml_le(a, 0, 2);
    aml_le(a, id, 4);
    aml_le(a, base, 8);
    aml_le(a, 0, 4);
}

void acpi_madt_msi_frame(Aml *a, uint64_t base, uint16_t n, uint16_t first)
{
    aml_u8(a, MADT_MSI_FRAME);
    aml_u8(a, 24);
    aml_le(a, 0, 2);
    aml_le(a, 0, 4);                /* id */
    aml_le(a, base, 8);
    aml_le(a, MSI_FRAME_SPIS, 4);
    aml_le(a, n, 2);
    aml_le(a, first, 2);
}

/* ---- GTDT ---- */

#define GTDT_NO_FRAME       UINT64_MAX
#define GTDT_ALWAYS_ON      BIT(2)

static void gtdt_timer(Aml *a, uint32_t gsi)
{
    aml_le(a, gsi, 4);
    aml_le(a, GTDT_ALWAYS_ON, 4);
}

void acpi_add_gtdt(AcpiTables *t, const AcpiGtdt *timers)
{
    Aml *a = acpi_table_begin(t, "GTDT", 2);

    aml_le(a, GTDT_NO_FRAME, 8);
    aml_le(a, 0, 4);
    gtdt_timer(a, timers->secure_gsi);
    gtdt_timer(a, timers->phys_gsi);
    gtdt_timer(a, timers->virt_gsi);
    gtdt_timer(a, timers->hyp_gsi);
    aml_le(a, GTDT_NO_FRAME, 8);
    aml_le(a, 0, 8);                /* no platform timers */
    acpi_table_end(t);
}

/* ---- IORT ---- */

#define IORT_ITS_GROUP      0
#define IORT_ROOT_COMPLEX   2
#define IORT_NODE_BYTES     16
#define IORT_ITS_BYTES      (IORT_NODE_BYTES + 8)
#define IORT_RC_BYTES       (IORT_NODE_BYTES + 20)
#define IORT_MAP_BYTES      20
#define IORT_NODES          (ACPI_HEADER_BYTES + 12)
#define IORT_COHERENT       1       /* the device sees what CPUs have cached */
#define IORT_CPM_DACS       3
#define IORT_ADDRESS_BITS   64
#define PCI_REQUESTER_IDS   0x10000

/* @maps: mappings at the end of the node */
static void iort_node(Aml *a, uint8_t type, uint8_t revision, uint16_t len,
                      uint32_t maps)
{
    aml_u8(a, type);
    aml_le(a, len + maps * IORT_MAP_BYTES, 2);
    aml_u8(a, revision);
    aml_le(a, 0, 4);
    aml_le(a, maps, 4);
    aml_le(a, maps ? len : 0, 4);
}

void acpi_add_iort_its(AcpiTables *t, uint32_t its_id)
{
    Aml *a = acpi_table_begin(t, "IORT", 0);

    aml_le(a, 2, 4);
    aml_le(a, IORT_NODES, 4);
    aml_le(a, 0, 4);

    iort_node(a, IORT_ITS_GROUP, 0, IORT_ITS_BYTES, 0);
    aml_le(a, 1, 4);
    aml_le(a, its_id, 4);

    iort_node(a, IORT_ROOT_COMPLEX, 1, IORT_RC_BYTES, 1);
    aml_le(a, IORT_COHERENT, 4);
    aml_u8(a, 0);                   /* allocation hints */
    aml_le(a, 0, 2);
    aml_u8(a, IORT_CPM_DACS);
    aml_le(a, 0, 4);                /* no ATS */
    aml_le(a, 0, 4);                /* segment */
    aml_u8(a, IORT_ADDRESS_BITS);
    acpi_zeros(a, 3);

    aml_le(a, 0, 4);                /* from requester id 0 ... */
    aml_le(a, PCI_REQUESTER_IDS - 1, 4);
    aml_le(a, 0, 4);                /* ... to device id 0 ... */
    aml_le(a, IORT_NODES, 4);       /* ... of the ITS group */
    aml_le(a, 0, 4);
    acpi_table_end(t);
}

/* ---- PPTT ---- */

#define PPTT_PROCESSOR_BYTES 20
#define PPTT_PACKAGE        BIT(0)
#define PPTT_ID_VALID       BIT(1)
#define PPTT_THREAD         BIT(2)
#define PPTT_LEAF           BIT(3)

/* Returns what children name as their parent. */
static uint32_t pptt_node(AcpiTables *t, uint32_t flags, uint32_t parent,
                          uint32_t uid)
{
    Aml *a = &t->out;
    uint32_t here = a->len - t->start;

    aml_u8(a, 0);                   /* a processor */
    aml_u8(a, PPTT_PROCESSOR_BYTES);
    aml_le(a, 0, 2);
    aml_le(a, flags, 4);
    aml_le(a, parent, 4);
    aml_le(a, uid, 4);
    aml_le(a, 0, 4);                /* no caches are told */
    return here;
}

void acpi_add_pptt(AcpiTables *t, const AcpiTopology *topo)
{
    unsigned int core = topo->threads, cluster = core * topo->cores;
    unsigned int socket = cluster * topo->clusters;
    uint32_t package = 0, group = 0, parent = 0;

    acpi_table_begin(t, "PPTT", 2);
    for (unsigned int i = 0; i < topo->cpus; i++) {
        if (i % socket == 0) {
            package = group = pptt_node(t, PPTT_PACKAGE, 0, 0);
        }
        if (i % cluster == 0 && topo->clusters > 1) {
            group = pptt_node(t, 0, package, 0);
        }
        if (topo->threads == 1) {
            pptt_node(t, PPTT_ID_VALID | PPTT_LEAF, group, i);
            continue;
        }
        if (i % core == 0) {
            parent = pptt_node(t, 0, group, 0);
        }
        pptt_node(t, PPTT_ID_VALID | PPTT_THREAD | PPTT_LEAF, parent, i);
    }
    acpi_table_end(t);
}
