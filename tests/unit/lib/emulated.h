/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of another architecture run under user-mode emulation, which meson
 * announces. It cannot start the test program again by its own path.
 */
#ifndef TESTS_UNIT_LIB_EMULATED_H
#define TESTS_UNIT_LIB_EMULATED_H

#include "util/osdep.h"

/* For tests that then do less: it takes some eight times as long. */
static inline bool test_is_emulated(void)
{
    return g_getenv("MESON_EXE_WRAPPER") != NULL;
}

/* True, and the running test is marked as skipped, when it is emulated. */
static inline bool test_skip_emulated(const char *why)
{
    if (!test_is_emulated()) {
        return false;
    }
    g_test_skip(why);
    return true;
}

#endif
