/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NUMA nodes of the guest: -numa.
 *
 * Life cycle: options are added in order when CPU slots and memory size are
 * known (after machine_prepare); machine_run_board_init() checks the whole
 * and makes the memory; from then on it is constant. A machine without nodes
 * has ms->numa NULL, for which all questions below have an answer.
 *
 * Threading: main thread, big lock.
 */
#ifndef HW_CORE_NUMA_H
#define HW_CORE_NUMA_H

#include "hw/core/machine.h"

struct NumaOptions;

#define NUMA_MAX_NODES      128
#define NUMA_DISTANCE_SELF  10
#define NUMA_DISTANCE_OTHER 20
#define NUMA_DISTANCE_MAX   255     /* cannot be reached */

typedef struct NumaState NumaState;

/* numa_add_option: one -numa. */
bool numa_add_option(MachineState *ms, const struct NumaOptions *opts,
                     Error **errp);
/*
 * numa_complete: nothing is missing, memory adds up, each CPU slot has a node,
 * each pair of nodes a distance.
 */
bool numa_complete(MachineState *ms, Error **errp);
/* numa_has_memdevs: whether nodes have memory of their own; then
 * numa_create_ram() makes ms->ram of it. */
bool numa_has_memdevs(const MachineState *ms);
void numa_create_ram(MachineState *ms);
void numa_free(NumaState *numa);

unsigned int numa_num_nodes(const MachineState *ms);    /* 0: none */
uint64_t numa_node_bytes(const MachineState *ms, unsigned int node);
bool numa_has_distances(const MachineState *ms);        /* some were given */
uint8_t numa_distance(const MachineState *ms, unsigned int src,
                      unsigned int dst);

/* All of them, a row for each node that looks; g_free(). */
uint8_t *numa_distances(const MachineState *ms);

/* A piece of guest memory that one node has. */
typedef struct NumaRange {
    uint64_t base, size;            /* bytes */
    unsigned int node;
} NumaRange;

/*
 * numa_split_ram: which node has what. @ram: where the machine's memory lies,
 * in order (their .node is not used). @out: room for @n + NUMA_MAX_NODES.
 * Returns their number; 0 without nodes.
 */
unsigned int numa_split_ram(const MachineState *ms, const NumaRange *ram,
                            unsigned int n, NumaRange *out);

#endif
