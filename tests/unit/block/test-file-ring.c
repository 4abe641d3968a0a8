/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File requests by the kernel's queues, each test with each engine: batches,
 * full rings, errors, short transfers, and rings that end with contexts. What
 * the kernel answers to Linux AIO's calls can be made up.
 */
#include "util/osdep.h"
#include <fcntl.h>
#include "util/coroutine.h"
#include "block/block-internal.h"
#include "tests/unit/lib/loop.h"
#include "file-ring-test.h"

#ifdef CONFIG_LINUX_AIO
#include <libaio.h>
#include <sys/syscall.h>
#endif

typedef struct Job {
    int fd, n;
    bool done;
    uint8_t buf[BYTES];
} Job;

int new_file(void)
{
    g_autofree char *name = NULL;
    uint8_t data[BYTES];
    int fd = g_file_open_tmp("nemu-ring-XXXXXX", &name, NULL);

    g_assert_cmpint(fd, >=, 0);
    unlink(name);
    for (int i = 0; i < 16; i++) {
        memset(data, i, sizeof(data));
        g_assert_cmpint(write(fd, data, sizeof(data)), ==, BYTES);
    }
    return fd;
}

const FileRingOps *ops;
int slots[MAX_FD];
static unsigned node_max;               /* aio-max-batch of the file */

int coroutine_fn ring_rw(int fd, int64_t offset, IoVec *iov, bool write)
{
    FileRingTarget t = {
        .ops = ops, .fd = fd, .slot = fd < 0 ? -1 : slots[fd] - 1,
        .max_batch = node_max,
    };

    g_assert_true(file_ring_usable(ops));
    return file_ring_co_rw(&t, offset, iov, write);
}

static void coroutine_fn read_job(void *opaque)
{
    Job *job = opaque;
    struct iovec v = { job->buf, BYTES };
    IoVec iov;

    iovec_init_external(&iov, &v, 1);
    g_assert_cmpint(ring_rw(job->fd, job->n * BYTES, &iov, false), ==, 0);
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
    g_assert_cmpint(ring_rw(job->fd, job->n * BYTES, &iov, true), ==, 0);
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

/* The limit sends a part of a plug ahead; the context may have its own, and
 * the file; the smaller one counts. */
static void test_max_batch(void)
{
    check_sent_ahead(4);
    aio_context_set_max_batch(main_context(), 2);
    check_sent_ahead(4);
    aio_context_set_max_batch(main_context(), 3);
    check_sent_ahead(3);
    node_max = 2;
    check_sent_ahead(4);
    node_max = 5;
    check_sent_ahead(3);
    aio_context_set_max_batch(main_context(), 0);
    node_max = 3;
    check_sent_ahead(3);
    node_max = 0;
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

/* More than the ring holds, and one of them to no file at all. */
#define MANY (3 * FILE_RING_ENTRIES)

typedef struct Bad {
    int ret;
    bool done;
} Bad;

static void coroutine_fn bad_job(void *opaque)
{
    Bad *bad = opaque;
    uint8_t buf[BYTES];
    IoVec iov;

    iovec_init_buf(&iov, buf, sizeof(buf));
    bad->ret = ring_rw(-1, 0, &iov, false);
    bad->done = true;
}

static void test_many(void)
{
    g_autofree Job *jobs = g_new0(Job, MANY);
    Bad bad = { 0 };
    int fd = new_file();

    blk_io_plug();
    for (int i = 0; i < MANY; i++) {
        if (i == MANY / 2) {
            coroutine_enter(coroutine_create(bad_job, &bad));
        }
        jobs[i] = (Job) { .fd = fd, .n = i % 16 };
        coroutine_enter(coroutine_create(read_job, &jobs[i]));
    }
    blk_io_unplug();
    RUN_UNTIL(bad.done && count_done(jobs, MANY) == MANY);
    g_assert_cmpint(bad.ret, ==, -EBADF);
    close(fd);
}

/* Two pieces of memory, 512 and 1024 bytes, from or to @offset. */
typedef struct Split {
    int fd, ret;
    int64_t offset;
    bool write, done;
    uint8_t a[BYTES], b[2 * BYTES];
} Split;

static void coroutine_fn split_job(void *opaque)
{
    Split *s = opaque;
    struct iovec v[2] = { { s->a, sizeof(s->a) }, { s->b, sizeof(s->b) } };
    IoVec iov;

    iovec_init_external(&iov, v, 2);
    s->ret = ring_rw(s->fd, s->offset, &iov, s->write);
    s->done = true;
}

static int run_split(Split *s)
{
    coroutine_enter(coroutine_create(split_job, s));
    RUN_UNTIL(s->done);
    return s->ret;
}

/* What is past the end of a file is read as zeros. */
static void test_end_of_file(void)
{
    Split s = { .fd = new_file(), .offset = 15 * BYTES - 100 };

    memset(s.a, 0x55, sizeof(s.a));
    memset(s.b, 0x55, sizeof(s.b));
    g_assert_cmpint(run_split(&s), ==, 0);
    g_assert_cmpint(s.a[99], ==, 14);
    g_assert_cmpint(s.a[100], ==, 15);
    g_assert_cmpint(s.b[99], ==, 15);
    g_assert_cmpint(s.b[100], ==, 0);
    g_assert_cmpint(s.b[2 * BYTES - 1], ==, 0);

    s.done = false;
    s.offset = 100 * BYTES;
    memset(s.a, 0x55, sizeof(s.a));
    g_assert_cmpint(run_split(&s), ==, 0);
    g_assert_cmpint(s.a[0], ==, 0);
    close(s.fd);
}

/* One context's ring is not another's: both at once on the same file. */
static void test_two_contexts(void)
{
    Job jobs[16];
    int fd = new_file();
    GThread *thread;

    start_jobs(jobs, 16, fd);
    thread = g_thread_new("home", other_home, &fd);
    RUN_UNTIL(count_done(jobs, 16) == 16);
    g_thread_join(thread);
    close(fd);
}

#ifdef CONFIG_LINUX_AIO

/* ---- Linux AIO's calls, with answers of our own ---- */

static struct {
    int setup;                      /* the error of io_setup(); 0: ask it */
    int again;                      /* refusals for lack of room to come */
    bool one_at_a_time;
    bool first_piece;               /* of one request */
} made_up;
static int num_submits;

int io_setup(int num, io_context_t *io)
{
    int ret = made_up.setup ? made_up.setup :
              syscall(SYS_io_setup, num, io) < 0 ? -errno : 0;

    return ret;
}

int io_submit(io_context_t io, long num, struct iocb **cbs)
{
    long ret;

    num_submits++;
    if (made_up.again) {
        made_up.again--;
        return -EAGAIN;
    }
    if (made_up.first_piece && cbs[0]->u.c.nbytes > 1) {
        cbs[0]->u.c.nbytes = 1;     /* of the vector */
        made_up.first_piece = false;
    }
    ret = syscall(SYS_io_submit, io, made_up.one_at_a_time ? 1 : num, cbs);
    return ret < 0 ? -errno : ret;
}

/* With nothing under way whose completion would bring another try. */
static void test_no_room(void)
{
    Job jobs[2];
    int fd = new_file();

    made_up.again = 5;
    start_jobs(jobs, 2, fd);
    RUN_UNTIL(count_done(jobs, 2) == 2);
    g_assert_cmpint(made_up.again, ==, 0);
    close(fd);
}

static void test_partly_taken(void)
{
    made_up.one_at_a_time = true;
    test_many();
    test_max_batch();
    made_up.one_at_a_time = false;
}

/* The rest goes to the kernel again, at its place. */
static void test_short(void)
{
    Split s = { .fd = new_file(), .offset = 3 * BYTES };
    uint8_t seen[4 * BYTES];

    made_up.first_piece = true;
    num_submits = 0;
    g_assert_cmpint(run_split(&s), ==, 0);
    g_assert_cmpint(num_submits, ==, 2);
    g_assert_cmpint(s.a[BYTES - 1], ==, 3);
    g_assert_cmpint(s.b[0], ==, 4);
    g_assert_cmpint(s.b[2 * BYTES - 1], ==, 5);

    made_up.first_piece = s.write = true;
    s.done = false;
    memset(s.a, 0xa, sizeof(s.a));
    memset(s.b, 0xb, sizeof(s.b));
    g_assert_cmpint(run_split(&s), ==, 0);
    g_assert_cmpint(pread(s.fd, seen, sizeof(seen), s.offset), ==,
                    sizeof(seen));
    g_assert_cmpmem(seen, BYTES, s.a, BYTES);
    g_assert_cmpmem(seen + BYTES, 2 * BYTES, s.b, 2 * BYTES);
    g_assert_cmpint(seen[3 * BYTES], ==, 6);
    close(s.fd);
}

static void *refused_home(void *opaque)
{
    AioContext *ctx = aio_context_new(NULL);

    aio_context_set_current(ctx);
    made_up.setup = -EAGAIN;
    g_assert_false(file_ring_usable(ops));
    /* It is not asked again. */
    made_up.setup = 0;
    g_assert_false(file_ring_usable(ops));
    aio_context_set_current(NULL);
    aio_context_unref(ctx);
    return NULL;
}

static void test_refused(void)
{
    g_thread_join(g_thread_new("home", refused_home, NULL));
    g_assert_true(file_ring_usable(ops));
}

#endif

typedef struct Case {
    const char *engine, *name;
    void (*run)(void);
} Case;

static void run_case(const void *opaque)
{
    const Case *c = opaque;

    ops = file_ring_find(c->engine);
    if (ops && ops->available()) {
        c->run();
    } else {
        g_test_skip(ops ? "this kernel does not have it" : "not in this build");
    }
}

#define BOTH(name, fn) { "io_uring", name, fn }, { "native", name, fn }

static const Case cases[] = {
    BOTH("plug", test_plug_holds_back),
    BOTH("max-batch", test_max_batch),
    BOTH("next-from-completion", test_next_from_completion),
    BOTH("context-ends", test_context_ends),
    BOTH("many", test_many),
    BOTH("end-of-file", test_end_of_file),
    BOTH("two-contexts", test_two_contexts),
    BOTH("more-files-than-slots", test_more_files_than_slots),
    BOTH("slot-of-closed-file", test_slot_of_closed_file),
    BOTH("slot-keeps-no-lock", test_slot_keeps_no_lock),
    BOTH("slot-lets-go", test_slot_lets_go),
#ifdef CONFIG_LINUX_AIO
    { "native", "no-room", test_no_room },
    { "native", "partly-taken", test_partly_taken },
    { "native", "short", test_short },
    { "native", "refused", test_refused },
#endif
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    for (int i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/file-ring/%s/%s",
                                                cases[i].engine, cases[i].name);

        g_test_add_data_func(path, &cases[i], run_case);
    }
    g_test_add_func("/file-ring/plug-call-again", test_plug_call_again);
    return g_test_run();
}
