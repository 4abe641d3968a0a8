/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HMAT: ACPI 6.5, 5.2.28. */
#include "util/osdep.h"
#include "hw/acpi/numa.h"
#include "hw/core/numa-hmat.h"

#define HMAT_MEMORY         0
#define HMAT_VALUES         1
#define HMAT_CACHE          2
#define HMAT_MEMORY_BYTES   40
#define HMAT_VALUES_BYTES   32      /* and the lists and the matrix */
#define HMAT_CACHE_BYTES    32
#define HMAT_HAS_INITIATOR  BIT(0)
#define HMAT_VALUE_MAX      0xfffe
#define PS_PER_NS           1000

static void hmat_begin(Aml *a, uint16_t type, uint32_t len)
{
    aml_le(a, type, 2);
    aml_le(a, 0, 2);
    aml_le(a, len, 4);
}

/* 5.2.28.3 */
static void hmat_memory(Aml *a, const NumaHmatNode *n, unsigned int node)
{
    bool known = n->initiator >= 0;

    hmat_begin(a, HMAT_MEMORY, HMAT_MEMORY_BYTES);
    aml_le(a, known ? HMAT_HAS_INITIATOR : 0, 2);
    aml_le(a, 0, 2);
    aml_le(a, known ? n->initiator : 0, 4);
    aml_le(a, node, 4);
    aml_le(a, 0, 4);
    aml_le(a, 0, 8);
    aml_le(a, 0, 8);
}

/* ---- 5.2.28.4: latency and bandwidth ---- */

/* In units of which all values fit; they lose what is below. */
static uint64_t hmat_unit(const uint64_t *values)
{
    uint64_t max = 0, unit = 1;

    for (unsigned int i = 0; i < NUMA_MAX_NODES * NUMA_MAX_NODES; i++) {
        max = MAX(max, values[i]);
    }
    while (max / unit > HMAT_VALUE_MAX) {
        unit *= 2;
    }
    return unit;
}

static uint16_t hmat_entry(uint64_t value, uint64_t unit)
{
    return value ? MAX(value / unit, 1u) : 0;
}

/* Nodes that @has, a list of them; their number. */
static unsigned int hmat_list(const NumaHmat *h, bool cpus, uint8_t *list)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < h->nodes; i++) {
        if (cpus ? h->node[i].has_cpus : h->node[i].has_memory) {
            list[n++] = i;
        }
    }
    return n;
}

static void hmat_values(Aml *a, const NumaHmat *h, unsigned int hierarchy,
                        unsigned int type)
{
    const uint64_t *values = h->values[hierarchy][type];
    uint8_t from[NUMA_MAX_NODES], to[NUMA_MAX_NODES];
    unsigned int nfrom = hmat_list(h, true, from);
    unsigned int nto = hmat_list(h, false, to);
    uint64_t unit = hmat_unit(values);

    hmat_begin(a, HMAT_VALUES,
               HMAT_VALUES_BYTES + 4 * (nfrom + nto) + 2 * nfrom * nto);
    aml_u8(a, hierarchy);
    aml_u8(a, type);
    aml_le(a, 0, 2);                /* transfers of any size */
    aml_le(a, nfrom, 4);
    aml_le(a, nto, 4);
    aml_le(a, 0, 4);
    aml_le(a, type < NUMA_LATENCIES ? unit * PS_PER_NS : unit, 8);
    for (unsigned int i = 0; i < nfrom; i++) {
        aml_le(a, from[i], 4);
    }
    for (unsigned int i = 0; i < nto; i++) {
        aml_le(a, to[i], 4);
    }
    for (unsigned int i = 0; i < nfrom * nto; i++) {
        aml_le(a, hmat_entry(values[from[i / nto] * NUMA_MAX_NODES +
                                    to[i % nto]], unit), 2);
    }
}

/* 5.2.28.5: level @k + 1 of @levels */
static void hmat_cache(Aml *a, const NumaCache *c, unsigned int node,
                       unsigned int k, unsigned int levels)
{
    hmat_begin(a, HMAT_CACHE, HMAT_CACHE_BYTES);
    aml_le(a, node, 4);
    aml_le(a, 0, 4);
    aml_le(a, c->bytes, 8);
    aml_le(a, levels | (k + 1) << 4 | c->associativity << 8 | c->policy << 12 |
              (uint32_t)c->line_bytes << 16, 4);
    aml_le(a, 0, 2);
    aml_le(a, 0, 2);                /* no SMBIOS structures */
}

static void hmat_caches(Aml *a, const NumaHmatNode *n, unsigned int node)
{
    unsigned int levels = 0;

    while (levels < NUMA_CACHE_LEVELS && n->cache[levels].bytes) {
        levels++;
    }
    for (unsigned int k = 0; k < levels; k++) {
        hmat_cache(a, &n->cache[k], node, k, levels);
    }
}

void acpi_add_hmat(AcpiTables *t, const NumaHmat *h)
{
    Aml *a = acpi_table_begin(t, "HMAT", 2);

    aml_le(a, 0, 4);
    for (unsigned int i = 0; i < h->nodes; i++) {
        if (h->node[i].has_memory) {
            hmat_memory(a, &h->node[i], i);
        }
    }
    for (unsigned int i = 0; i < NUMA_HIERARCHIES; i++) {
        for (unsigned int k = 0; k < NUMA_DATA_TYPES; k++) {
            if (h->values[i][k]) {
                hmat_values(a, h, i, k);
            }
        }
    }
    for (unsigned int i = 0; i < h->nodes; i++) {
        hmat_caches(a, &h->node[i], i);
    }
    acpi_table_end(t);
}
