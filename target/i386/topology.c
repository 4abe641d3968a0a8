/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * APIC ids from topology and back.
 */
#include "util/osdep.h"
#include "target/i386/topology.h"

static uint32_t at_least_one(uint32_t n)
{
    return n ? n : 1;
}

/* Bits that hold the numbers 0 .. @n - 1. */
static unsigned bits_for(uint32_t n)
{
    n = at_least_one(n);
    return n == 1 ? 0 : 32 - __builtin_clz(n - 1);
}

unsigned x86_topology_thread_bits(const X86Topology *t)
{
    return bits_for(t->threads);
}

unsigned x86_topology_core_bits(const X86Topology *t)
{
    return bits_for(t->cores);
}

unsigned x86_topology_die_bits(const X86Topology *t)
{
    return bits_for(t->dies);
}

unsigned x86_topology_package_shift(const X86Topology *t)
{
    return bits_for(t->threads) + bits_for(t->cores) + bits_for(t->dies);
}

uint32_t x86_topology_package_threads(const X86Topology *t)
{
    return at_least_one(t->dies) * at_least_one(t->cores) *
           at_least_one(t->threads);
}

uint32_t x86_apic_id_from_ids(const X86Topology *t, const X86TopologyIds *ids)
{
    unsigned core_shift = bits_for(t->threads);
    unsigned die_shift = core_shift + bits_for(t->cores);

    return ids->package << x86_topology_package_shift(t) |
           ids->die << die_shift | ids->core << core_shift | ids->thread;
}

void x86_ids_from_apic_id(const X86Topology *t, uint32_t apic_id,
                          X86TopologyIds *ids)
{
    unsigned core_shift = bits_for(t->threads);
    unsigned die_shift = core_shift + bits_for(t->cores);

    ids->thread = apic_id & (BIT(bits_for(t->threads)) - 1);
    ids->core = apic_id >> core_shift & (BIT(bits_for(t->cores)) - 1);
    ids->die = apic_id >> die_shift & (BIT(bits_for(t->dies)) - 1);
    ids->package = apic_id >> x86_topology_package_shift(t);
}

uint32_t x86_apic_id_from_index(const X86Topology *t, uint32_t index)
{
    uint32_t threads = at_least_one(t->threads), cores = at_least_one(t->cores);
    X86TopologyIds ids;

    ids.thread = index % threads;
    ids.core = index / threads % cores;
    ids.die = index / (threads * cores) % at_least_one(t->dies);
    ids.package = index / x86_topology_package_threads(t);
    return x86_apic_id_from_ids(t, &ids);
}
