/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Coroutines: switching, waking across contexts, locks, sleeping. */
#include "util/osdep.h"
#include "util/coroutine.h"
#include <sys/socket.h>
#include "util/thread.h"
#include "tests/unit/lib/loop.h"
#include "iothread-util.h"

static void loop_until(const bool *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST)) {
        aio_poll(main_context(), true);
    }
}

/* Switching */

static void coroutine_fn co_count(void *opaque)
{
    int *n = opaque;

    g_assert_true(in_coroutine());
    g_assert_true(coroutine_entered(coroutine_self()));
    ++*n;
    coroutine_yield();
    ++*n;
}

static void test_enter_yield(void)
{
    int n = 0;
    Coroutine *co = coroutine_create(co_count, &n);

    g_assert_false(in_coroutine());
    g_assert_null(coroutine_self());
    g_assert_false(coroutine_entered(co));
    coroutine_enter(co);
    g_assert_cmpint(n, ==, 1);
    g_assert_false(coroutine_entered(co));
    coroutine_enter(co);
    g_assert_cmpint(n, ==, 2);
    g_assert_false(in_coroutine());
}

#define DEPTH 100

static void coroutine_fn co_nest(void *opaque)
{
    int *n = opaque;
    Coroutine *self = coroutine_self();

    if (++*n < DEPTH) {
        Coroutine *co = coroutine_create(co_nest, n);

        coroutine_enter(co);
        g_assert_true(coroutine_self() == self);
        coroutine_enter(co);
    }
    coroutine_yield();
    --*n;
}

static void test_nested(void)
{
    int n = 0;
    Coroutine *co = coroutine_create(co_nest, &n);

    coroutine_enter(co);
    coroutine_enter(co);
    g_assert_cmpint(n, ==, 0);
}

static void coroutine_fn co_return(void *opaque)
{
    ++*(int *)opaque;
}

static void test_pool(void)
{
    Coroutine *many[200];
    int n = 0;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            many[i] = coroutine_create(co_return, &n);
        }
        for (int i = 0; i < 200; i++) {
            coroutine_enter(many[i]);
        }
    }
    g_assert_cmpint(n, ==, 600);
}

static double coroutine_fn sum_on_stack(int depth)
{
    volatile char big[4096];
    double rest;

    big[0] = depth;
    if (!depth) {
        return 0;
    }
    if (depth % 8 == 0) {
        coroutine_yield();
    }
    rest = sum_on_stack(depth - 1);
    return rest + big[0] / 2.0;
}

static void coroutine_fn co_deep(void *opaque)
{
    /* Registers, floating point and 100 KiB of stack live over yields. */
    *(double *)opaque = sum_on_stack(24);
}

static void test_stack_and_registers(void)
{
    double a = 0, b = 0;
    Coroutine *x = coroutine_create(co_deep, &a);
    Coroutine *y = coroutine_create(co_deep, &b);

    for (int i = 0; i < 4; i++) {
        coroutine_enter(x);
        coroutine_enter(y);
    }
    g_assert_cmpfloat(a, ==, 150);
    g_assert_cmpfloat(b, ==, 150);
}

static void coroutine_fn co_overflow(void *opaque)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    /* Less than a page below the stack. */
    *(volatile char *)(here - COROUTINE_STACK_BYTES) = 1;
}

static void test_guard_page(void)
{
    if (g_test_subprocess()) {
        coroutine_enter(coroutine_create(co_overflow, NULL));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

#ifdef __SANITIZE_THREAD__
#define SWITCHES 1000               /* each takes a thousand times longer */
#else
#define SWITCHES 1000000
#endif

static void coroutine_fn co_loop(void *opaque)
{
    for (int i = 0; i < SWITCHES; i++) {
        ++*(int *)opaque;
        coroutine_yield();
    }
}

static void test_million_switches(void)
{
    int n = 0;
    Coroutine *co = coroutine_create(co_loop, &n);
    int64_t start = g_get_monotonic_time();

    for (int i = 0; i <= SWITCHES; i++) {
        coroutine_enter(co);
    }
    g_assert_cmpint(n, ==, SWITCHES);
    g_test_message("%.1f ns for a yield and an enter",
                   (g_get_monotonic_time() - start) * 1000.0 / SWITCHES);
    start = g_get_monotonic_time();
    for (int i = 0; i < SWITCHES; i++) {
        coroutine_enter(coroutine_create(co_return, &n));
    }
    g_test_message("%.1f ns for create, enter and end",
                   (g_get_monotonic_time() - start) * 1000.0 / SWITCHES);
}

/* Waking */

typedef struct Waker {
    Coroutine *co;
    bool woken;
    int step;
} Waker;

static void coroutine_fn co_wait_once(void *opaque)
{
    Waker *w = opaque;

    coroutine_yield();
    w->step = 1;
    __atomic_store_n(&w->woken, true, __ATOMIC_SEQ_CST);
}

static void coroutine_fn co_wake_other(void *opaque)
{
    Waker *w = opaque;

    aio_co_wake(w->co);
    /* It runs when this one gives way, not before. */
    g_assert_false(w->woken);
    w->step = -1;
}

static void test_wake_from_coroutine(void)
{
    Waker w = { .step = 0 };

    w.co = coroutine_create(co_wait_once, &w);
    coroutine_enter(w.co);
    coroutine_enter(coroutine_create(co_wake_other, &w));
    g_assert_true(w.woken);
    g_assert_cmpint(w.step, ==, 1);
}

static void *wake_thread(void *opaque)
{
    aio_co_wake(((Waker *)opaque)->co);
    return NULL;
}

static void test_wake_from_thread(void)
{
    for (int i = 0; i < 200; i++) {
        Waker w = { .step = 0 };
        Thread t;

        w.co = coroutine_create(co_wait_once, &w);
        coroutine_enter(w.co);
        g_assert_true(coroutine_get_context(w.co) == main_context());
        g_assert_true(thread_create(&t, "wake", wake_thread, &w, 0, NULL));
        loop_until(&w.woken);
        thread_join(&t);
    }
}

static void test_schedule(void)
{
    Waker w = { .step = 0 };

    w.co = coroutine_create(co_wait_once, &w);
    aio_co_schedule(main_context(), w.co);
    g_assert_true(aio_poll(main_context(), false));
    g_assert_false(w.woken);
    aio_co_schedule(main_context(), w.co);
    g_assert_true(aio_poll(main_context(), false));
    g_assert_true(w.woken);
}

/* Iothreads */

typedef struct Traveller {
    IoThread *io;
    bool done;
} Traveller;

static void coroutine_fn co_travel(void *opaque)
{
    Traveller *t = opaque;

    for (int i = 0; i < 300; i++) {
        g_assert_true(aio_get_current() == main_context());
        aio_co_reschedule_self(t->io[i % 2].ctx);
        g_assert_true(aio_get_current() == t->io[i % 2].ctx);
        g_assert_false(bql_locked());
        aio_co_reschedule_self(main_context());
    }
    __atomic_store_n(&t->done, true, __ATOMIC_SEQ_CST);
}

static void test_reschedule_self(void)
{
    IoThread io[2];
    Traveller t = { io };

    iothread_start(&io[0]);
    iothread_start(&io[1]);
    coroutine_enter(coroutine_create(co_travel, &t));
    loop_until(&t.done);
    iothread_end(&io[0]);
    iothread_end(&io[1]);
}

/* Locks: workers in three contexts that share data */

#define WORKERS 8
#define ROUNDS 300

typedef struct Shared {
    CoMutex mutex;
    CoRwlock rw;
    CoQueue queue;
    int inside, total, readers;
    int running;                    /* atomic */
    bool done;
} Shared;

static void worker_done(Shared *s)
{
    if (__atomic_sub_fetch(&s->running, 1, __ATOMIC_SEQ_CST) == 0) {
        __atomic_store_n(&s->done, true, __ATOMIC_SEQ_CST);
        aio_notify(main_context());
    }
}

static void coroutine_fn co_mutex_worker(void *opaque)
{
    Shared *s = opaque;

    for (int i = 0; i < ROUNDS; i++) {
        co_mutex_lock(&s->mutex);
        co_mutex_assert_locked(&s->mutex);
        g_assert_cmpint(s->inside++, ==, 0);
        if (i % 3 == 0) {
            co_sleep_ns(CLOCK_REALTIME_NS, i % 5 * 100);
        }
        g_assert_cmpint(--s->inside, ==, 0);
        s->total++;
        co_mutex_unlock(&s->mutex);
    }
    worker_done(s);
}

static void coroutine_fn co_rwlock_worker(void *opaque)
{
    Shared *s = opaque;

    for (int i = 0; i < ROUNDS; i++) {
        if (i % 4 == 0) {
            co_rwlock_wrlock(&s->rw);
        } else {
            co_rwlock_rdlock(&s->rw);
            g_assert_cmpint(s->inside, ==, 0);
            if (i % 4 == 1) {
                co_sleep_ns(CLOCK_REALTIME_NS, 1000);
                g_assert_cmpint(s->inside, ==, 0);
            }
        }
        if (i % 4 == 0) {
            g_assert_cmpint(s->inside++, ==, 0);
            s->total++;
            co_sleep_ns(CLOCK_REALTIME_NS, 100);
            g_assert_cmpint(--s->inside, ==, 0);
        }
        if (i % 8 == 4) {
            co_rwlock_downgrade(&s->rw);
            g_assert_cmpint(s->inside, ==, 0);
        }
        co_rwlock_unlock(&s->rw);
    }
    worker_done(s);
}

static void run_workers(CoroutineFn *fn, Shared *s)
{
    AioContext *ctx[3];
    IoThread io[2];

    iothread_start(&io[0]);
    iothread_start(&io[1]);
    ctx[0] = main_context();
    ctx[1] = io[0].ctx;
    ctx[2] = io[1].ctx;
    s->running = WORKERS;
    for (int i = 0; i < WORKERS; i++) {
        aio_co_schedule(ctx[i % 3], coroutine_create(fn, s));
    }
    loop_until(&s->done);
    iothread_end(&io[0]);
    iothread_end(&io[1]);
}

static void test_mutex(void)
{
    Shared s = { .inside = 0 };

    co_mutex_init(&s.mutex);
    run_workers(co_mutex_worker, &s);
    g_assert_cmpint(s.total, ==, WORKERS * ROUNDS);
}

static void test_rwlock(void)
{
    Shared s = { .inside = 0 };

    co_rwlock_init(&s.rw);
    run_workers(co_rwlock_worker, &s);
    g_assert_cmpint(s.total, ==, WORKERS * ROUNDS / 4);
}

static void coroutine_fn co_reader(void *opaque)
{
    Shared *s = opaque;

    co_rwlock_rdlock(&s->rw);
    s->readers++;
    coroutine_yield();
    s->readers--;
    co_rwlock_unlock(&s->rw);
}

static void coroutine_fn co_writer(void *opaque)
{
    Shared *s = opaque;

    co_rwlock_wrlock(&s->rw);
    g_assert_cmpint(s->readers, ==, 0);
    s->total++;
    co_rwlock_unlock(&s->rw);
}

static void test_rwlock_fair(void)
{
    Coroutine *r[40];
    Shared s = { .inside = 0 };

    co_rwlock_init(&s.rw);
    r[0] = coroutine_create(co_reader, &s);
    r[1] = coroutine_create(co_reader, &s);
    coroutine_enter(r[0]);
    coroutine_enter(r[1]);
    g_assert_cmpint(s.readers, ==, 2);
    coroutine_enter(coroutine_create(co_writer, &s));
    for (int i = 2; i < 40; i++) {
        r[i] = coroutine_create(co_reader, &s);
        coroutine_enter(r[i]);
    }
    /* The writer waits for two, and the later readers for the writer. */
    g_assert_cmpint(s.readers, ==, 2);
    coroutine_enter(r[0]);
    g_assert_cmpint(s.total, ==, 0);
    coroutine_enter(r[1]);
    g_assert_cmpint(s.total, ==, 1);
    g_assert_cmpint(s.readers, ==, 38);
    for (int i = 2; i < 40; i++) {
        coroutine_enter(r[i]);
    }
    g_assert_cmpint(s.readers, ==, 0);
}

static void coroutine_fn co_queue_worker(void *opaque)
{
    Shared *s = opaque;

    co_mutex_lock(&s->mutex);
    co_queue_wait(&s->queue, &s->mutex);
    co_mutex_assert_locked(&s->mutex);
    s->total++;
    co_mutex_unlock(&s->mutex);
}

static void test_queue(void)
{
    Shared s = { .inside = 0 };

    co_mutex_init(&s.mutex);
    co_queue_init(&s.queue);
    g_assert_false(co_queue_next(&s.queue));
    for (int i = 0; i < 10; i++) {
        coroutine_enter(coroutine_create(co_queue_worker, &s));
    }
    g_assert_cmpint(s.total, ==, 0);
    g_assert_true(co_queue_next(&s.queue));
    g_assert_cmpint(s.total, ==, 1);
    co_queue_restart_all(&s.queue);
    g_assert_cmpint(s.total, ==, 10);
    g_assert_true(co_queue_empty(&s.queue));
}

/* Time and descriptors */

typedef struct Sleeper {
    CoSleep sleep;
    bool done;
    int64_t slept_ns;
} Sleeper;

static void coroutine_fn co_sleeper(void *opaque)
{
    Sleeper *s = opaque;
    int64_t start = clock_get_ns(CLOCK_REALTIME_NS);

    co_sleep_ns_wakeable(&s->sleep, CLOCK_REALTIME_NS, 5 * NSEC_PER_MSEC);
    s->slept_ns = clock_get_ns(CLOCK_REALTIME_NS) - start;
    s->done = true;
}

static void test_sleep(void)
{
    Sleeper s = { .done = false };

    coroutine_enter(coroutine_create(co_sleeper, &s));
    loop_until(&s.done);
    g_assert_cmpint(s.slept_ns, >=, 5 * NSEC_PER_MSEC);
    s.done = false;
    coroutine_enter(coroutine_create(co_sleeper, &s));
    co_sleep_wake(&s.sleep);
    g_assert_true(s.done);
    co_sleep_wake(&s.sleep);
    g_assert_false(aio_poll(main_context(), false));
}

typedef struct Reader {
    int fd[2];
    int got;
    bool done;
} Reader;

static void coroutine_fn co_fd_reader(void *opaque)
{
    Reader *r = opaque;
    char c;

    while (r->got < 5) {
        while (read(r->fd[0], &c, 1) < 0 && errno == EAGAIN) {
            co_wait_fd_readable(r->fd[0]);
        }
        r->got++;
    }
    co_wait_fd_writable(r->fd[0]);
    r->done = true;
}

static void test_wait_fd(void)
{
    Reader r = { .got = 0 };

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r.fd),
                    ==, 0);
    coroutine_enter(coroutine_create(co_fd_reader, &r));
    for (int i = 0; i < 5; i++) {
        g_assert_cmpint(r.got, ==, i);
        g_assert_cmpint(write(r.fd[1], "x", 1), ==, 1);
        g_assert_true(aio_poll(main_context(), true));
    }
    loop_until(&r.done);
    close(r.fd[0]);
    close(r.fd[1]);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/coroutine/enter-yield", test_enter_yield);
    g_test_add_func("/coroutine/nested", test_nested);
    g_test_add_func("/coroutine/pool", test_pool);
    g_test_add_func("/coroutine/stack-and-registers",
                    test_stack_and_registers);
    g_test_add_func("/coroutine/guard-page", test_guard_page);
    g_test_add_func("/coroutine/million-switches", test_million_switches);
    g_test_add_func("/coroutine/wake/from-coroutine",
                    test_wake_from_coroutine);
    g_test_add_func("/coroutine/wake/from-thread", test_wake_from_thread);
    g_test_add_func("/coroutine/schedule", test_schedule);
    g_test_add_func("/coroutine/reschedule-self", test_reschedule_self);
    g_test_add_func("/coroutine/mutex", test_mutex);
    g_test_add_func("/coroutine/rwlock", test_rwlock);
    g_test_add_func("/coroutine/rwlock/fair", test_rwlock_fair);
    g_test_add_func("/coroutine/queue", test_queue);
    g_test_add_func("/coroutine/sleep", test_sleep);
    g_test_add_func("/coroutine/wait-fd", test_wait_fd);
    ret = g_test_run();
    main_loop_cleanup();
    bql_unlock();
    return ret;
}
