/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast NUMA nodes reach each other's memory, and the caches of memory:
 * what the Heterogeneous Memory Attribute Table says (ACPI 6.5, 5.2.28; its
 * numbers are the order of these members).
 *
 * Life cycle: see hw/core/numa.h; it is there with -machine hmat=on.
 *
 * Threading: main thread, big lock.
 */
#ifndef HW_CORE_NUMA_HMAT_H
#define HW_CORE_NUMA_HMAT_H

#include "hw/core/numa.h"

#define NUMA_HIERARCHIES    4       /* memory and three levels of cache */
#define NUMA_DATA_TYPES     6       /* access, read, write; latency first */
#define NUMA_LATENCIES      3       /* of them; the others are bandwidths */
#define NUMA_CACHE_LEVELS   3

typedef struct NumaCache {
    uint64_t bytes;                 /* 0: there is none */
    uint16_t line_bytes;
    uint8_t associativity, policy;
} NumaCache;

typedef struct NumaHmatNode {
    bool has_cpus, has_memory;
    int initiator;                  /* node of the nearest CPUs; -1: not told */
    NumaCache cache[NUMA_CACHE_LEVELS];
} NumaHmatNode;

typedef struct NumaHmat {
    unsigned int nodes;
    NumaHmatNode node[NUMA_MAX_NODES];
    /* NULL, or by initiator * NUMA_MAX_NODES + target, in ns or MiB/s; 0: not
     * told */
    uint64_t *values[NUMA_HIERARCHIES][NUMA_DATA_TYPES];
} NumaHmat;

/* numa_hmat: NULL without hmat=on. */
const NumaHmat *numa_hmat(const MachineState *ms);

#endif
