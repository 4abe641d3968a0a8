/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -numa has gathered. */
#ifndef NUMA_INTERNAL_H
#define NUMA_INTERNAL_H

#include "hw/core/numa.h"
#include "system/hostmem.h"

typedef struct NumaNode {
    bool present;
    uint64_t bytes;
    HostMemoryBackend *memdev;      /* strong; NULL: none of its own */
    uint8_t distance[NUMA_MAX_NODES];   /* 0: not given */
} NumaNode;

struct NumaState {
    unsigned int count;             /* nodes given */
    unsigned int end;               /* highest number + 1 */
    bool has_distances;
    NumaNode nodes[NUMA_MAX_NODES];
    MemoryRegion ram;               /* of several backends */
    bool has_container;
};

#endif
