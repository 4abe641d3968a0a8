/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main loop with other threads that take the big lock and poll. */
#include "util/osdep.h"
#include "util/error.h"
#include "util/thread.h"
#include "tests/unit/lib/loop.h"
#include "iothread-util.h"

static void count(void *opaque)
{
    g_assert_true(bql_locked());
    ++*(int *)opaque;
}

static void quit_cb(void *opaque)
{
    main_loop_quit();
}

static void test_run_quit(void)
{
    int n = 0;

    main_loop_quit();
    main_loop_run();
    aio_bh_schedule_oneshot(main_context(), count, &n);
    aio_bh_schedule_oneshot(main_context(), quit_cb, NULL);
    main_loop_run();
    g_assert_cmpint(n, ==, 1);
    g_assert_true(bql_locked());
}

static void nested_poll(void *opaque)
{
    int *n = opaque;

    for (int i = 0; i < 10; i++) {
        aio_poll(main_context(), false);
    }
    /* The outermost one was scheduled first, and still has to wait. */
    g_assert_cmpint(*n, ==, 0);
    *n = 10;
}

static void test_outermost_bh(void)
{
    int n = 0;
    AioBH *outer = main_loop_bh_new(count, &n);

    aio_bh_schedule_oneshot(main_context(), nested_poll, &n);
    aio_bh_schedule(outer);
    aio_poll(main_context(), false);
    g_assert_cmpint(n, ==, 10);
    main_loop_iterate();
    g_assert_cmpint(n, ==, 11);
    aio_bh_schedule(outer);
    aio_poll(main_context(), false);
    aio_bh_delete(outer);
    aio_poll(main_context(), false);
    g_assert_cmpint(n, ==, 11);
}

/* A thread like a vCPU: takes the lock, and polls with it. */

#define VCPUS 3

static int vcpus_running;

typedef struct VcpuWait {
    EventNotifier e;
    bool fired;
} VcpuWait;

static void vcpu_fired(EventNotifier *e)
{
    container_of(e, VcpuWait, e)->fired = true;
}

static void *vcpu_run(void *opaque)
{
    for (int i = 0; i < 300; i++) {
        VcpuWait w = { .fired = false };

        bql_lock();
        g_assert_true(aio_get_current() == main_context());
        event_notifier_init(&w.e, false, NULL);
        aio_set_event_notifier(main_context(), &w.e, vcpu_fired, NULL);
        event_notifier_set(&w.e);
        /* The main thread may have seen the edge: it must not be lost. */
        AIO_WAIT_WHILE(NULL, !w.fired);
        aio_set_event_notifier(main_context(), &w.e, NULL, NULL);
        event_notifier_cleanup(&w.e);
        bql_unlock();
    }
    bql_lock();
    if (--vcpus_running == 0) {
        main_loop_quit();
    }
    bql_unlock();
    return NULL;
}

static void test_foreign_poll(void)
{
    Thread t[VCPUS];

    vcpus_running = VCPUS;
    for (int i = 0; i < VCPUS; i++) {
        g_assert_true(thread_create(&t[i], "vcpu", vcpu_run, NULL, 0, NULL));
    }
    main_loop_run();
    for (int i = 0; i < VCPUS; i++) {
        thread_join(&t[i]);
    }
}

/* Iothreads */

typedef struct CountingThread {
    IoThread io;
    int runs;
} CountingThread;

static void iothread_count(void *opaque)
{
    CountingThread *t = opaque;

    g_assert_true(aio_in_home(t->io.ctx));
    g_assert_false(bql_locked());
    t->runs++;
}

static void iothread_reply(void *opaque)
{
    int *replies = opaque;

    __atomic_fetch_add(replies, 1, __ATOMIC_SEQ_CST);
    aio_wait_kick();
}

static void test_iothread(void)
{
    CountingThread t = { .runs = 0 };
    AioContext *ctx;
    int replies = 0;

    iothread_start(&t.io);
    ctx = t.io.ctx;
    for (int i = 1; i <= 500; i++) {
        aio_wait_bh_oneshot(ctx, iothread_count, &t);
        g_assert_cmpint(t.runs, ==, i);
    }
    for (int i = 1; i <= 500; i++) {
        aio_bh_schedule_oneshot(ctx, iothread_reply, &replies);
        AIO_WAIT_WHILE(ctx, __atomic_load_n(&replies, __ATOMIC_SEQ_CST) < i);
    }
    iothread_end(&t.io);
}

static void test_wait_bh_at_home(void)
{
    int n = 0;

    aio_wait_bh_oneshot(main_context(), count, &n);
    g_assert_cmpint(n, ==, 1);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/main-loop/run-quit", test_run_quit);
    g_test_add_func("/main-loop/outermost-bh", test_outermost_bh);
    g_test_add_func("/main-loop/foreign-poll", test_foreign_poll);
    g_test_add_func("/main-loop/iothread", test_iothread);
    g_test_add_func("/main-loop/wait-bh-at-home", test_wait_bh_at_home);
    ret = g_test_run();
    main_loop_cleanup();
    bql_unlock();
    return ret;
}
