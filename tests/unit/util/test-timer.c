/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks and timers. */
#include "util/osdep.h"
#include "util/timer.h"
#include "util/thread.h"
#include "tests/unit/lib/loop.h"

static AioContext *ctx;

typedef struct TestTimer {
    AioTimer t;
    int fired;
    int *order, place;
    int64_t seen_ns, again_ns;
    struct TestTimer *victim;
} TestTimer;

static void timer_fire(void *opaque)
{
    TestTimer *t = opaque;

    t->fired++;
    t->seen_ns = clock_get_ns(t->t.clock);
    if (t->order) {
        t->place = (*t->order)++;
    }
    if (t->again_ns) {
        timer_mod_ns(&t->t, t->seen_ns + t->again_ns);
    }
    if (t->victim) {
        timer_del(&t->victim->t);
    }
}

static void timer_setup(TestTimer *t, ClockType clock)
{
    memset(t, 0, sizeof(*t));
    g_assert_false(timer_pending(&t->t));
    timer_del(&t->t);
    timer_init_ns(&t->t, ctx, clock, timer_fire, t);
    g_assert_false(timer_pending(&t->t));
    g_assert_cmpint(timer_expire_time_ns(&t->t), ==, -1);
}

static void test_fires_once(void)
{
    static const ClockType clocks[] = { CLOCK_REALTIME_NS, CLOCK_HOST };

    for (size_t i = 0; i < G_N_ELEMENTS(clocks); i++) {
        int64_t due_ns = clock_get_ns(clocks[i]) + 20 * NSEC_PER_MSEC;
        TestTimer t;

        timer_setup(&t, clocks[i]);
        timer_mod_ns(&t.t, due_ns);
        g_assert_true(timer_pending(&t.t));
        g_assert_cmpint(timer_expire_time_ns(&t.t), ==, due_ns);
        g_assert_false(aio_poll(ctx, false));
        while (!t.fired) {
            aio_poll(ctx, true);
        }
        g_assert_cmpint(t.seen_ns, >=, due_ns);
        g_assert_false(timer_pending(&t.t));
        g_assert_false(aio_poll(ctx, false));
        g_assert_cmpint(t.fired, ==, 1);
    }
}

static void test_order_and_past(void)
{
    int64_t now = clock_get_ns(CLOCK_REALTIME_NS);
    static const int offset[] = { -5, -30, 0, -10, -30 };
    static const int place[] = { 3, 0, 4, 2, 1 };
    TestTimer t[5];
    int order = 0;

    for (int i = 0; i < 5; i++) {
        timer_setup(&t[i], CLOCK_REALTIME_NS);
        t[i].order = &order;
        timer_mod_ns(&t[i].t, now + offset[i]);
    }
    g_assert_true(aio_poll(ctx, true));
    for (int i = 0; i < 5; i++) {
        g_assert_cmpint(t[i].place, ==, place[i]);
    }
    /* Times before the epoch of the clock count as due. */
    timer_mod_ns(&t[0].t, INT64_MIN);
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(t[0].fired, ==, 2);
    timer_mod_ns(&t[0].t, INT64_MAX);
    g_assert_true(timer_pending(&t[0].t));
    g_assert_false(aio_poll(ctx, false));
    timer_del(&t[0].t);
}

static void test_mod_and_del(void)
{
    int64_t now = clock_get_ns(CLOCK_REALTIME_NS);
    TestTimer a, b;

    timer_setup(&a, CLOCK_REALTIME_NS);
    timer_setup(&b, CLOCK_REALTIME_NS);
    timer_mod_ns(&a.t, now);
    timer_mod_ns(&a.t, now + 100 * NSEC_PER_SEC);
    g_assert_false(aio_poll(ctx, false));
    timer_mod_ns(&a.t, now);
    timer_del(&a.t);
    g_assert_false(aio_poll(ctx, false));
    /* One callback takes away the next that is due. */
    a.victim = &b;
    timer_mod_ns(&a.t, now - 2);
    timer_mod_ns(&b.t, now - 1);
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(a.fired, ==, 1);
    g_assert_cmpint(b.fired, ==, 0);
}

/* One that arms itself for the past gets one turn per iteration. */
static void test_rearm_past(void)
{
    TestTimer t;

    timer_setup(&t, CLOCK_REALTIME_NS);
    t.again_ns = -NSEC_PER_SEC;
    timer_mod_ns(&t.t, 0);
    for (int i = 1; i < 10; i++) {
        g_assert_true(aio_poll(ctx, true));
        g_assert_cmpint(t.fired, ==, i);
    }
    timer_del(&t.t);
}

static void *arm_from_thread(void *opaque)
{
    TestTimer *t = opaque;

    g_usleep(5000);
    timer_mod_ns(&t->t, clock_get_ns(CLOCK_REALTIME_NS) + NSEC_PER_MSEC);
    return NULL;
}

static void test_armed_by_other_thread(void)
{
    TestTimer t, far;
    Thread th;

    timer_setup(&t, CLOCK_REALTIME_NS);
    timer_setup(&far, CLOCK_REALTIME_NS);
    timer_mod_ns(&far.t, clock_get_ns(CLOCK_REALTIME_NS) + 60 * NSEC_PER_SEC);
    g_assert_true(thread_create(&th, "arm", arm_from_thread, &t, 0, NULL));
    while (!t.fired) {
        aio_poll(ctx, true);
    }
    thread_join(&th);
    timer_del(&far.t);
}

static void *churn(void *opaque)
{
    TestTimer *t = opaque;

    for (int i = 0; i < 20000; i++) {
        timer_mod_ns(&t->t, clock_get_ns(CLOCK_REALTIME_NS) + i % 3000);
        if (i % 7 == 0) {
            timer_del(&t->t);
        }
    }
    timer_mod_ns(&t->t, 1);
    return NULL;
}

static void test_churn_from_threads(void)
{
    TestTimer t[3];
    Thread th[3];

    for (int i = 0; i < 3; i++) {
        timer_setup(&t[i], CLOCK_REALTIME_NS);
        g_assert_true(thread_create(&th[i], "churn", churn, &t[i], 0, NULL));
    }
    for (int i = 0; i < 2000; i++) {
        aio_poll(ctx, false);
    }
    for (int i = 0; i < 3; i++) {
        thread_join(&th[i]);
    }
    while (timer_pending(&t[0].t) || timer_pending(&t[1].t) ||
           timer_pending(&t[2].t)) {
        aio_poll(ctx, true);
    }
}

static void test_precision(void)
{
    int64_t worst_ns = 0;
    TestTimer t;

    timer_setup(&t, CLOCK_REALTIME_NS);
    for (int i = 0; i < 20; i++) {
        int64_t due_ns = clock_get_ns(CLOCK_REALTIME_NS) + 100 * NSEC_PER_USEC;

        t.fired = 0;
        timer_mod_ns(&t.t, due_ns);
        while (!t.fired) {
            aio_poll(ctx, true);
        }
        g_assert_cmpint(t.seen_ns, >=, due_ns);
        worst_ns = MAX(worst_ns, t.seen_ns - due_ns);
    }
    g_test_message("worst lateness %d us", (int)(worst_ns / NSEC_PER_USEC));
}

/* Runs before the manual mode, which cannot be left. */
static void test_virtual_stops(void)
{
    int64_t stopped_ns;
    TestTimer t;

    timer_setup(&t, CLOCK_VIRTUAL);
    g_assert_false(virtual_clock_is_enabled());
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, 0);
    timer_mod_ns(&t.t, 1000);
    g_assert_cmpint(virtual_clock_deadline_ns(), ==, 1000);
    g_assert_false(aio_poll(ctx, false));
    virtual_clock_enable(true);
    g_usleep(1000);
    while (!t.fired) {
        aio_poll(ctx, true);
    }
    g_assert_cmpint(virtual_clock_deadline_ns(), ==, INT64_MAX);
    virtual_clock_enable(false);
    stopped_ns = clock_get_ns(CLOCK_VIRTUAL);
    g_usleep(1000);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, stopped_ns);
    virtual_clock_set_ns(5 * NSEC_PER_SEC);
    virtual_clock_enable(true);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), >=, 5 * NSEC_PER_SEC);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), <, 65 * NSEC_PER_SEC);
    virtual_clock_enable(false);
}

static void test_virtual_manual(void)
{
    int64_t start_ns;
    TestTimer a, b;
    int order = 0;

    timer_setup(&a, CLOCK_VIRTUAL);
    timer_setup(&b, CLOCK_VIRTUAL);
    virtual_clock_set_manual();
    start_ns = clock_get_ns(CLOCK_VIRTUAL);
    a.order = b.order = &order;
    timer_mod_ns(&a.t, start_ns + 200);
    timer_mod_ns(&b.t, start_ns + 100);
    b.again_ns = 500;
    aio_poll(ctx, false);
    g_assert_cmpint(order, ==, 0);
    virtual_clock_step_to(start_ns + 99);
    g_assert_cmpint(order, ==, 0);
    virtual_clock_step_to(start_ns + 1100);
    g_assert_cmpint(a.seen_ns, ==, start_ns + 200);
    g_assert_cmpint(b.seen_ns, ==, start_ns + 1100);
    g_assert_cmpint(b.fired, ==, 3);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, start_ns + 1100);
    virtual_clock_step_to(start_ns);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, start_ns + 1100);
    timer_del(&b.t);
}

static void test_heap(void)
{
    TestTimer dummy = { .fired = 0 };
    AioTimer *t = timer_new_ns(NULL, CLOCK_REALTIME_NS, timer_fire, &dummy);

    timer_mod_ns(t, 0);
    timer_free(t);
    timer_free(NULL);
    g_assert_false(aio_poll(ctx, false));
    g_assert_cmpint(dummy.fired, ==, 0);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    ctx = main_context();
    g_test_add_func("/timer/fires-once", test_fires_once);
    g_test_add_func("/timer/order-and-past", test_order_and_past);
    g_test_add_func("/timer/mod-and-del", test_mod_and_del);
    g_test_add_func("/timer/rearm-past", test_rearm_past);
    g_test_add_func("/timer/armed-by-other-thread",
                    test_armed_by_other_thread);
    g_test_add_func("/timer/churn-from-threads", test_churn_from_threads);
    g_test_add_func("/timer/precision", test_precision);
    g_test_add_func("/timer/heap", test_heap);
    g_test_add_func("/timer/virtual-stops", test_virtual_stops);
    g_test_add_func("/timer/virtual-manual", test_virtual_manual);
    ret = g_test_run();
    main_loop_cleanup();
    bql_unlock();
    return ret;
}
