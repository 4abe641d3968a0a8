/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocking calls in worker threads. */
#include "util/osdep.h"
#include "util/thread-pool.h"
#include "util/thread.h"
#include "tests/unit/lib/loop.h"

typedef struct Job {
    int runs, dones, ret;
    int sleep_us;
    int *now, *most;                /* atomic: running at once */
} Job;

static int job_run(void *opaque)
{
    Job *job = opaque;

    g_assert_false(bql_locked());
    if (job->now) {
        int n = __atomic_add_fetch(job->now, 1, __ATOMIC_SEQ_CST);
        int most = __atomic_load_n(job->most, __ATOMIC_SEQ_CST);

        while (n > most &&
               !__atomic_compare_exchange_n(job->most, &most, n, false,
                                            __ATOMIC_SEQ_CST,
                                            __ATOMIC_SEQ_CST)) {
        }
    }
    if (job->sleep_us) {
        g_usleep(job->sleep_us);
    }
    __atomic_add_fetch(&job->runs, 1, __ATOMIC_SEQ_CST);
    if (job->now) {
        __atomic_sub_fetch(job->now, 1, __ATOMIC_SEQ_CST);
    }
    return 41 + job->runs;
}

static void job_done(void *opaque, int ret)
{
    Job *job = opaque;

    g_assert_true(bql_locked());
    g_assert_cmpint(job->runs, ==, 1);
    job->ret = ret;
    job->dones++;
}

static void test_callback(void)
{
    Job job = { 0 };

    thread_pool_submit(NULL, job_run, &job, job_done, &job);
    g_assert_cmpint(job.dones, ==, 0);
    while (!job.dones) {
        aio_poll(main_context(), true);
    }
    g_assert_cmpint(job.ret, ==, 42);
    thread_pool_submit(main_context(), job_run, &job, NULL, NULL);
    while (__atomic_load_n(&job.runs, __ATOMIC_SEQ_CST) < 2) {
        aio_poll(main_context(), true);
    }
    while (aio_poll(main_context(), false)) {
    }
}

#define JOBS 300

static void test_many_and_limit(void)
{
    Job *jobs = g_new0(Job, JOBS);
    int now = 0, most = 0, done = 0;

    for (int i = 0; i < JOBS; i++) {
        jobs[i].now = &now;
        jobs[i].most = &most;
        jobs[i].sleep_us = 2000;
        thread_pool_submit(NULL, job_run, &jobs[i], job_done, &jobs[i]);
        g_assert_cmpint(thread_pool_get_thread_count(), <=, THREAD_POOL_MAX);
    }
    while (done < JOBS) {
        aio_poll(main_context(), true);
        done = 0;
        for (int i = 0; i < JOBS; i++) {
            g_assert_cmpint(jobs[i].dones, <=, 1);
            done += jobs[i].dones;
        }
    }
    g_assert_cmpint(most, >, 1);
    g_assert_cmpint(most, <=, THREAD_POOL_MAX);
    g_free(jobs);
}

/* @n jobs at once; returns how many of them were running together. */
static int run_jobs(int n)
{
    g_autofree Job *jobs = g_new0(Job, n);
    int now = 0, most = 0, done = 0;

    for (int i = 0; i < n; i++) {
        jobs[i].now = &now;
        jobs[i].most = &most;
        jobs[i].sleep_us = 2000;
        thread_pool_submit(NULL, job_run, &jobs[i], job_done, &jobs[i]);
    }
    while (done < n) {
        aio_poll(main_context(), true);
        done = 0;
        for (int i = 0; i < n; i++) {
            done += jobs[i].dones;
        }
    }
    return most;
}

typedef struct Gate {
    int open, inside;                   /* atomic */
    int dones;
} Gate;

static int gate_run(void *opaque)
{
    Gate *g = opaque;

    __atomic_add_fetch(&g->inside, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&g->open, __ATOMIC_SEQ_CST)) {
        g_usleep(100);
    }
    return 0;
}

static void gate_done(void *opaque, int ret)
{
    Gate *g = opaque;

    g->dones++;
}

static int gate_inside(Gate *g)
{
    return __atomic_load_n(&g->inside, __ATOMIC_SEQ_CST);
}

static void gate_wait_inside(Gate *g, int n)
{
    while (gate_inside(g) < n) {
        g_usleep(100);
    }
}

#define GATE_JOBS 4

static void gate_submit(Gate *g)
{
    for (int i = 0; i < GATE_JOBS; i++) {
        thread_pool_submit(NULL, gate_run, g, gate_done, g);
    }
}

/* Jobs of which the limit lets one in. */
static void gate_start(Gate *g)
{
    thread_pool_set_limits(main_context(), 0, 1);
    gate_submit(g);
    gate_wait_inside(g, 1);
}

/* All get in, before the first one is let out. */
static void gate_finish(Gate *g)
{
    gate_wait_inside(g, GATE_JOBS);
    __atomic_store_n(&g->open, 1, __ATOMIC_SEQ_CST);
    while (g->dones < GATE_JOBS) {
        aio_poll(main_context(), true);
    }
}

static void test_limit_of_a_context(void)
{
    Gate g = { 0 };

    thread_pool_set_limits(main_context(), 0, 1);
    g_assert_cmpint(run_jobs(20), ==, 1);
    thread_pool_set_limits(main_context(), 0, 3);
    g_assert_cmpint(run_jobs(40), <=, 3);
    thread_pool_set_limits(main_context(), 0, THREAD_POOL_MAX);
    /* More than that. */
    gate_submit(&g);
    gate_finish(&g);
}

static void test_raised_limit_releases(void)
{
    Gate g = { 0 };

    gate_start(&g);
    g_usleep(5000);
    g_assert_cmpint(gate_inside(&g), ==, 1);
    thread_pool_set_limits(main_context(), GATE_JOBS, THREAD_POOL_MAX);
    gate_finish(&g);
    thread_pool_set_limits(main_context(), 0, THREAD_POOL_MAX);
}

static void wait_thread_count(int n)
{
    for (int i = 0; thread_pool_get_thread_count() != n && i < 5000; i++) {
        g_usleep(1000);
    }
    g_assert_cmpint(thread_pool_get_thread_count(), ==, n);
}

/* A limit that rises calls workers, also when none has to be kept. */
static void test_raised_limit_calls(void)
{
    Gate g = { 0 };

    gate_start(&g);
    thread_pool_set_limits(main_context(), 0, THREAD_POOL_MAX);
    gate_finish(&g);
}

/* Workers that are to be kept are there before any request, and stay. */
static void test_kept_threads(void)
{
    AioContext *ctx = aio_context_new(NULL);

    thread_pool_set_idle_ms(1);
    wait_thread_count(0);
    thread_pool_set_limits(ctx, 2, 4);
    g_assert_cmpint(thread_pool_get_thread_count(), ==, 2);
    run_jobs(30);
    wait_thread_count(2);
    g_usleep(20000);
    g_assert_cmpint(thread_pool_get_thread_count(), ==, 2);
    aio_context_unref(ctx);
    wait_thread_count(0);
}

/* The worker that is done comes back for the next request: no other one is
 * woken or made for it. */
static void test_one_after_another(void)
{
    Gate g = { 0 };

    thread_pool_set_idle_ms(1);
    wait_thread_count(0);
    thread_pool_set_idle_ms(10000);
    for (int i = 0; i < 500; i++) {
        Job job = { 0 };

        thread_pool_submit(NULL, job_run, &job, job_done, &job);
        while (!job.dones) {
            aio_poll(main_context(), true);
        }
        g_assert_cmpint(thread_pool_get_thread_count(), ==, 1);
    }
    /* Calls that take long get a worker each. */
    gate_submit(&g);
    gate_finish(&g);
    thread_pool_set_idle_ms(1);
}

static void coroutine_fn co_jobs(void *opaque)
{
    int *left = opaque;

    for (int i = 0; i < 50; i++) {
        Job job = { 0 };

        g_assert_cmpint(thread_pool_submit_co(job_run, &job), ==, 42);
        g_assert_true(bql_locked());
    }
    --*left;
}

static void test_coroutine(void)
{
    int left = 8;

    for (int i = 0; i < 8; i++) {
        coroutine_enter(coroutine_create(co_jobs, &left));
    }
    while (left) {
        aio_poll(main_context(), true);
    }
}

static void test_idle_threads_leave(void)
{
    thread_pool_set_idle_ms(1);
    for (int i = 0; thread_pool_get_thread_count() && i < 2000; i++) {
        g_usleep(1000);
    }
    g_assert_cmpint(thread_pool_get_thread_count(), ==, 0);
    test_callback();
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/thread-pool/callback", test_callback);
    g_test_add_func("/thread-pool/many-and-limit", test_many_and_limit);
    g_test_add_func("/thread-pool/limit-of-a-context", test_limit_of_a_context);
    g_test_add_func("/thread-pool/raised-limit", test_raised_limit_releases);
    g_test_add_func("/thread-pool/raised-limit-calls",
                    test_raised_limit_calls);
    g_test_add_func("/thread-pool/one-after-another", test_one_after_another);
    g_test_add_func("/thread-pool/kept-threads", test_kept_threads);
    g_test_add_func("/thread-pool/coroutine", test_coroutine);
    g_test_add_func("/thread-pool/idle-threads-leave",
                    test_idle_threads_leave);
    ret = g_test_run();
    main_loop_cleanup();
    bql_unlock();
    return ret;
}
