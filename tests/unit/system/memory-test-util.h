/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the memory map share. */
#ifndef TESTS_UNIT_SYSTEM_MEMORY_TEST_UTIL_H
#define TESTS_UNIT_SYSTEM_MEMORY_TEST_UTIL_H

#include "system/memory-internal.h"
#include "util/bql.h"
#include "tests/unit/lib/loop.h"

/* Main loop, big lock, memory map: first thing in main(). */
static inline void memory_test_init(void)
{
    test_loop_init();
    memory_map_init();
    memory_map_share();
}

/* "0-fff:a@0 2000-2fff:b@100r": what @as shows; g_free() it. */
static inline char *memory_test_dump(const AddressSpace *as)
{
    GString *s = g_string_new(NULL);

    for (uint32_t i = 0; i < as->view->nr; i++) {
        const FlatRange *fr = &as->view->ranges[i];

        g_string_append_printf(s, "%s%" PRIx64 "-%" PRIx64 ":%s@%" PRIx64 "%s",
                               i ? " " : "", fr->first, fr->last, fr->mr->name,
                               fr->offset, fr->readonly ? "r" : "");
    }
    return g_string_free(s, false);
}

#define assert_view(as, expect)                                                \
    do {                                                                       \
        g_autofree char *dump_ = memory_test_dump(as);                         \
        g_assert_cmpstr(dump_, ==, expect);                                    \
    } while (0)

/* Old views are gone and their owners unreferenced after this. */
static inline void memory_test_reclaim(void)
{
    bql_unlock();
    rcu_barrier();
    bql_lock();
    test_loop_once();
}

#endif
