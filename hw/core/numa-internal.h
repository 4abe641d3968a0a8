/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What -numa has gathered. */
#ifndef NUMA_INTERNAL_H
#define NUMA_INTERNAL_H

#include "hw/core/numa-hmat.h"
#include "system/hostmem.h"

struct NumaHmatLBOptions;
struct NumaHmatCacheOptions;

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
    NumaHmat *hmat;                 /* owned; NULL: none */
};

/* Options of the HMAT, in numa-hmat.c; errors when there is to be none. */
bool numa_set_initiator(MachineState *ms, unsigned int node, uint16_t initiator,
                        Error **errp);
bool numa_add_hmat_lb(MachineState *ms, const struct NumaHmatLBOptions *o,
                      Error **errp);
bool numa_add_hmat_cache(MachineState *ms, const struct NumaHmatCacheOptions *o,
                         Error **errp);
/* When it is known which nodes have CPUs and memory. */
bool numa_complete_hmat(MachineState *ms, Error **errp);
void numa_free_hmat(NumaHmat *h);

#endif
