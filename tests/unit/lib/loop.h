/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A main loop for tests, run by hand in the test's own thread. */
#ifndef TESTS_UNIT_LIB_LOOP_H
#define TESTS_UNIT_LIB_LOOP_H

#include "util/osdep.h"
#include "util/main-loop.h"
#include "util/rcu.h"

/* In main(), after g_test_init(): the loop, with the big lock held. */
static inline void test_loop_init(void)
{
    rcu_register_thread();
    bql_lock();
    g_assert_true(main_loop_init(NULL));
}

/* Run the loop until @cond, which must come true within ten seconds. */
#define RUN_UNTIL(cond)                                                        \
    do {                                                                       \
        gint64 end_ = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;            \
        while (!(cond)) {                                                      \
            if (g_get_monotonic_time() > end_) {                               \
                g_error("line %d: %s does not come true", __LINE__, #cond);    \
            }                                                                  \
            if (!aio_poll(main_context(), false)) {                            \
                g_usleep(200);                                                 \
            }                                                                  \
        }                                                                      \
    } while (0)

/* A few passes, for what must not happen. */
static inline void test_loop_settle(void)
{
    for (int i = 0; i < 10; i++) {
        aio_poll(main_context(), false);
    }
}

static inline void test_loop_nop(void *opaque)
{
}

/* One pass of main_loop_run(): bottom halves, requests, notifiers. */
static inline void test_loop_once(void)
{
    aio_bh_schedule_oneshot(main_context(), test_loop_nop, NULL);
    main_loop_iterate();
}

#endif
