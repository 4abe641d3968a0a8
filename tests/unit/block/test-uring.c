/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File requests by io_uring: batches, and rings that end with contexts. */
#include "util/osdep.h"
#include <fcntl.h>
#include "util/coroutine.h"
#include "block/block-internal.h"
#include "tests/unit/lib/loop.h"

#define BYTES 512

typedef struct Job {
    int fd, n;
    bool done;
    uint8_t buf[BYTES];
} Job;

static int new_file(void)
{
    g_autofree char *name = NULL;
    uint8_t data[BYTES];
    int fd = g_file_open_tmp("nemu-uring-XXXXXX", &name, NULL);

    g_assert_cmpint(fd, >=, 0);
    unlink(name);
    for (int i = 0; i < 16; i++) {
        memset(data, i, sizeof(data));
        g_assert_cmpint(write(fd, data, sizeof(data)), ==, BYTES);
    }
    return fd;
}

static void coroutine_fn read_job(void *opaque)
{
    Job *job = opaque;
    struct iovec v = { job->buf, BYTES };
    IoVec iov;

    iovec_init_external(&iov, &v, 1);
    g_assert_cmpint(uring_co_rw(job->fd, job->n * BYTES, &iov, false), ==, 0);
    g_assert_cmpint(job->buf[0], ==, job->n);
    job->done = true;
}

static unsigned count_done(const Job *jobs, unsigned n)
{
    unsigned done = 0;

    for (unsigned i = 0; i < n; i++) {
        done += jobs[i].done;
    }
    return done;
}

static void start_jobs(Job *jobs, unsigned n, int fd)
{
    for (unsigned i = 0; i < n; i++) {
        jobs[i] = (Job) { .fd = fd, .n = i };
        coroutine_enter(coroutine_create(read_job, &jobs[i]));
    }
}

/* Run the loop until nothing has come for a while. */
static void settle(void)
{
    for (int i = 0; i < 50; i++) {
        while (aio_poll(main_context(), false)) {
        }
        g_usleep(1000);
    }
}

static void test_plug_holds_back(void)
{
    Job jobs[3];
    int fd = new_file();

    blk_io_plug();
    start_jobs(jobs, 3, fd);
    settle();
    g_assert_cmpuint(count_done(jobs, 3), ==, 0);
    blk_io_unplug();
    while (count_done(jobs, 3) < 3) {
        aio_poll(main_context(), true);
    }
    close(fd);
}

static void coroutine_fn write_job(void *opaque)
{
    Job *job = opaque;
    struct iovec v = { job->buf, BYTES };
    IoVec iov;

    memset(job->buf, 0x80 + job->n, BYTES);
    iovec_init_external(&iov, &v, 1);
    g_assert_cmpint(uring_co_rw(job->fd, job->n * BYTES, &iov, true), ==, 0);
    job->done = true;
}

static bool is_written(int fd, int n)
{
    uint8_t byte;

    g_assert_cmpint(pread(fd, &byte, 1, n * BYTES), ==, 1);
    return byte == 0x80 + n;
}

/* Of five writes in a plug the first @ahead go out before its end. */
static void check_sent_ahead(int ahead)
{
    Job jobs[5];
    int fd = new_file();

    blk_io_plug();
    for (int i = 0; i < 5; i++) {
        jobs[i] = (Job) { .fd = fd, .n = i };
        coroutine_enter(coroutine_create(write_job, &jobs[i]));
    }
    for (int i = 0; i < ahead; i++) {
        for (int ms = 0; ms < 5000 && !is_written(fd, i); ms++) {
            g_usleep(1000);
        }
        g_assert_true(is_written(fd, i));
    }
    g_usleep(20000);
    g_assert_false(is_written(fd, ahead));
    blk_io_unplug();
    while (count_done(jobs, 5) < 5) {
        aio_poll(main_context(), true);
    }
    g_assert_true(is_written(fd, 4));
    close(fd);
}

/* The limit sends a part of a plug ahead; the context may have its own. */
static void test_max_batch(void)
{
    check_sent_ahead(4);
    aio_context_set_max_batch(main_context(), 2);
    check_sent_ahead(4);
    aio_context_set_max_batch(main_context(), 3);
    check_sent_ahead(3);
    aio_context_set_max_batch(main_context(), 0);
}

#define CHAIN 40

/* Requests that each ask for the next when they are done. */
static void coroutine_fn chain_job(void *opaque)
{
    Job *job = opaque;

    for (int i = 0; i < CHAIN; i++) {
        job->n = (job->n + 1) % 16;
        read_job(job);
    }
    job->n = -1;
}

static void test_next_from_completion(void)
{
    Job jobs[8];
    int fd = new_file(), left = 8;

    for (int i = 0; i < 8; i++) {
        jobs[i] = (Job) { .fd = fd, .n = i };
        coroutine_enter(coroutine_create(chain_job, &jobs[i]));
    }
    while (left) {
        aio_poll(main_context(), true);
        left = 0;
        for (int i = 0; i < 8; i++) {
            left += jobs[i].n >= 0;
        }
    }
    close(fd);
}

static void *other_home(void *opaque)
{
    AioContext *ctx = aio_context_new(NULL);
    Job job = { .fd = *(int *)opaque, .n = 3 };

    aio_context_set_current(ctx);
    coroutine_enter(coroutine_create(read_job, &job));
    while (!job.done) {
        aio_poll(ctx, true);
    }
    aio_context_set_current(NULL);
    aio_context_unref(ctx);
    return NULL;
}

/* A context that has done requests can end, and another take its place. */
static void test_context_ends(void)
{
    int fd = new_file();

    for (int i = 0; i < 5; i++) {
        g_thread_join(g_thread_new("home", other_home, &fd));
    }
    close(fd);
}

/* A call that asks for another one at the end of the plug gets it. */
static int calls;

static void call_again(void *opaque)
{
    if (++calls < 3) {
        blk_io_plug();
        blk_io_plug_call(call_again, NULL);
        blk_io_unplug();
    }
}

static void test_plug_call_again(void)
{
    blk_io_plug();
    blk_io_plug_call(call_again, NULL);
    blk_io_plug_call(call_again, NULL);
    g_assert_cmpint(calls, ==, 0);
    blk_io_unplug();
    g_assert_cmpint(calls, ==, 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!uring_available()) {
        printf("1..0 # SKIP no io_uring on this host\n");
        return 0;
    }
    test_loop_init();
    g_test_add_func("/uring/plug", test_plug_holds_back);
    g_test_add_func("/uring/max-batch", test_max_batch);
    g_test_add_func("/uring/next-from-completion", test_next_from_completion);
    g_test_add_func("/uring/context-ends", test_context_ends);
    g_test_add_func("/uring/plug-call-again", test_plug_call_again);
    return g_test_run();
}
