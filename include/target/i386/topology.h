/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * APIC ids: thread, core, die and package number packed into bit fields, each
 * wide enough for its level (Intel SDM volume 3, 9.9.1; the fields are what
 * CPUID leaf 0xb, 0x1f and AMD's 0x80000008 and 0x8000001e tell the guest).
 * With counts that are no power of two the ids have holes.
 */
#ifndef TARGET_I386_TOPOLOGY_H
#define TARGET_I386_TOPOLOGY_H

#include "util/osdep.h"


/* Counts per next higher level; 0 counts as 1. */
typedef struct X86Topology {
    uint32_t dies;                  /* per package */
    uint32_t cores;                 /* per die */
    uint32_t threads;               /* per core */
} X86Topology;

typedef struct X86TopologyIds {
    uint32_t package, die, core, thread;
} X86TopologyIds;

/* Width of a field, and where the next one starts. */
unsigned x86_topology_thread_bits(const X86Topology *t);
unsigned x86_topology_core_bits(const X86Topology *t);
unsigned x86_topology_die_bits(const X86Topology *t);
unsigned x86_topology_package_shift(const X86Topology *t);
/* Threads of a package. */
uint32_t x86_topology_package_threads(const X86Topology *t);

uint32_t x86_apic_id_from_ids(const X86Topology *t, const X86TopologyIds *ids);
void x86_ids_from_apic_id(const X86Topology *t, uint32_t apic_id,
                          X86TopologyIds *ids);
/* CPU number @index, counting threads first, then cores, dies, packages. */
uint32_t x86_apic_id_from_index(const X86Topology *t, uint32_t index);

#endif
