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
    g_test_add_func("/thread-pool/coroutine", test_coroutine);
    g_test_add_func("/thread-pool/idle-threads-leave",
                    test_idle_threads_leave);
    ret = g_test_run();
    main_loop_cleanup();
    bql_unlock();
    return ret;
}
