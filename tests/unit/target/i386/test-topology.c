/* SPDX-License-Identifier: GPL-2.0-or-later */
/* APIC ids: packing, holes, and the way back. */
#include "util/osdep.h"
#include "target/i386/topology.h"

typedef struct Case {
    X86Topology topo;
    uint32_t index;                 /* CPU number */
    uint32_t apic_id;
    X86TopologyIds ids;
} Case;

static const Case cases[] = {
    { { 1, 1, 1 }, 0, 0, { 0, 0, 0, 0 } },
    { { 1, 1, 1 }, 3, 3, { 3, 0, 0, 0 } },
    { { 1, 2, 2 }, 3, 3, { 0, 0, 1, 1 } },
    { { 1, 2, 2 }, 4, 4, { 1, 0, 0, 0 } },
    /* three cores take two bits */
    { { 1, 3, 2 }, 5, 5, { 0, 0, 2, 1 } },
    { { 1, 3, 2 }, 6, 8, { 1, 0, 0, 0 } },
    { { 2, 3, 1 }, 3, 4, { 0, 1, 0, 0 } },
    { { 2, 3, 1 }, 6, 8, { 1, 0, 0, 0 } },
    { { 0, 0, 0 }, 2, 2, { 2, 0, 0, 0 } },
    { { 1, 64, 1 }, 300, 300, { 4, 0, 44, 0 } },
};

static void test_index(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];

        g_assert_cmpuint(x86_apic_id_from_index(&c->topo, c->index), ==,
                         c->apic_id);
    }
}

static void test_round_trip(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        X86TopologyIds ids;

        x86_ids_from_apic_id(&c->topo, c->apic_id, &ids);
        g_assert_cmpuint(ids.package, ==, c->ids.package);
        g_assert_cmpuint(ids.die, ==, c->ids.die);
        g_assert_cmpuint(ids.core, ==, c->ids.core);
        g_assert_cmpuint(ids.thread, ==, c->ids.thread);
        g_assert_cmpuint(x86_apic_id_from_ids(&c->topo, &ids), ==, c->apic_id);
    }
}

static void test_ids_are_unique(void)
{
    const X86Topology t = { .dies = 3, .cores = 5, .threads = 2 };
    uint32_t last = 0;

    for (uint32_t i = 1; i < 120; i++) {
        uint32_t id = x86_apic_id_from_index(&t, i);

        g_assert_cmpuint(id, >, last);
        last = id;
    }
}

static void test_widths(void)
{
    const X86Topology t = { .dies = 2, .cores = 12, .threads = 2 };

    g_assert_cmpuint(x86_topology_thread_bits(&t), ==, 1);
    g_assert_cmpuint(x86_topology_core_bits(&t), ==, 4);
    g_assert_cmpuint(x86_topology_die_bits(&t), ==, 1);
    g_assert_cmpuint(x86_topology_package_shift(&t), ==, 6);
    g_assert_cmpuint(x86_topology_package_threads(&t), ==, 48);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i386/topology/index", test_index);
    g_test_add_func("/i386/topology/round-trip", test_round_trip);
    g_test_add_func("/i386/topology/unique", test_ids_are_unique);
    g_test_add_func("/i386/topology/widths", test_widths);
    return g_test_run();
}
