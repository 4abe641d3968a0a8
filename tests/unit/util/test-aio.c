/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop, each case with each back end. */
#include "util/osdep.h"
#include "util/aio.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include "util/aio-internal.h"
#include "util/error.h"
#include "util/rcu.h"
#include "util/thread-pool.h"
#include "util/thread.h"
#include "tests/unit/lib/assert-error.h"

static AioContext *ctx;

/* Run what is ready, and no more than a stuck loop would show. */
static void drain(void)
{
    for (int i = 0; i < 1000 && aio_poll(ctx, false); i++) {
    }
}

/* Bottom halves */

typedef struct TestBH {
    AioBH *bh;
    int n, limit;
    int *order, place;
} TestBH;

static void bh_count(void *opaque)
{
    ++*(int *)opaque;
}

static void bh_again(void *opaque)
{
    TestBH *t = opaque;

    if (++t->n < t->limit) {
        aio_bh_schedule(t->bh);
    }
}

static void bh_delete_self(void *opaque)
{
    TestBH *t = opaque;

    t->n++;
    aio_bh_schedule(t->bh);
    aio_bh_delete(t->bh);
}

static void bh_note_order(void *opaque)
{
    TestBH *t = opaque;

    t->place = (*t->order)++;
}

static void test_bh_basic(void)
{
    int n = 0;
    AioBH *bh = aio_bh_new(ctx, bh_count, &n);

    drain();
    g_assert_cmpint(n, ==, 0);
    aio_bh_schedule(bh);
    aio_bh_schedule(bh);
    g_assert_cmpint(n, ==, 0);
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(n, ==, 1);
    g_assert_false(aio_poll(ctx, false));
    aio_bh_schedule(bh);
    aio_bh_cancel(bh);
    g_assert_false(aio_poll(ctx, false));
    aio_bh_schedule(bh);
    aio_bh_cancel(bh);
    aio_bh_schedule(bh);
    drain();
    g_assert_cmpint(n, ==, 2);
    aio_bh_schedule_oneshot(ctx, bh_count, &n);
    aio_bh_schedule(bh);
    aio_bh_delete(bh);
    drain();
    g_assert_cmpint(n, ==, 3);
}

static void test_bh_again_next_iteration(void)
{
    TestBH t = { .limit = 5 };

    t.bh = aio_bh_new(ctx, bh_again, &t);
    aio_bh_schedule(t.bh);
    for (int i = 1; i <= 5; i++) {
        g_assert_true(aio_poll(ctx, true));
        g_assert_cmpint(t.n, ==, i);
    }
    aio_bh_delete(t.bh);
}

static void test_bh_delete_self(void)
{
    TestBH t = { 0 };

    t.bh = aio_bh_new(ctx, bh_delete_self, &t);
    aio_bh_schedule(t.bh);
    drain();
    g_assert_cmpint(t.n, ==, 1);
}

static void test_bh_order(void)
{
    TestBH t[10];
    int order = 0;

    for (int i = 0; i < 10; i++) {
        t[i] = (TestBH) { .order = &order, .place = -1 };
        aio_bh_schedule_oneshot(ctx, bh_note_order, &t[i]);
    }
    drain();
    for (int i = 0; i < 10; i++) {
        g_assert_cmpint(t[i].place, ==, i);
    }
}

static void bh_nest(void *opaque)
{
    int *n = opaque;

    /* What was scheduled after this one is next in the same queue. */
    while (*n == 0) {
        g_assert_true(aio_poll(ctx, true));
    }
    *n += 10;
}

static void test_bh_nested_poll(void)
{
    int n = 0;

    aio_bh_schedule_oneshot(ctx, bh_nest, &n);
    aio_bh_schedule_oneshot(ctx, bh_count, &n);
    drain();
    g_assert_cmpint(n, ==, 11);
}

#define SHOTS 20000

static void *bh_shooter(void *opaque)
{
    for (int i = 0; i < SHOTS; i++) {
        aio_bh_schedule_oneshot(ctx, bh_count, opaque);
    }
    return NULL;
}

static void test_bh_from_threads(void)
{
    Thread t[3];
    int n = 0;

    for (int i = 0; i < 3; i++) {
        g_assert_true(thread_create(&t[i], "shooter", bh_shooter, &n, 0, NULL));
    }
    while (n < 3 * SHOTS) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < 3; i++) {
        thread_join(&t[i]);
    }
    g_assert_cmpint(n, ==, 3 * SHOTS);
}

typedef struct Ping {
    AioBH *bh;
    int served;
} Ping;

#define PINGS 50

static void ping_served(void *opaque)
{
    Ping *p = opaque;

    __atomic_add_fetch(&p->served, 1, __ATOMIC_SEQ_CST);
}

/* Each ping finds the loop asleep, or about to be: the last was served. */
static void *ping(void *opaque)
{
    Ping *p = opaque;

    for (int i = 0; i < PINGS; i++) {
        while (__atomic_load_n(&p->served, __ATOMIC_SEQ_CST) < i) {
            g_usleep(10);
        }
        aio_bh_schedule(p->bh);
    }
    return NULL;
}

static void test_bh_wakes_sleeper(void)
{
    Ping p = { 0 };
    Thread t;

    p.bh = aio_bh_new(ctx, ping_served, &p);
    g_assert_true(thread_create(&t, "ping", ping, &p, 0, NULL));
    while (__atomic_load_n(&p.served, __ATOMIC_SEQ_CST) < PINGS) {
        aio_poll(ctx, true);
    }
    thread_join(&t);
    drain();
    g_assert_cmpint(p.served, ==, PINGS);
    aio_bh_delete(p.bh);
}

/* File descriptors */

typedef struct TestFd {
    int fd[2];
    int reads, writes, drained;
    struct TestFd *victim;
} TestFd;

static void fd_open(TestFd *t)
{
    memset(t, 0, sizeof(*t));
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
                               SOCK_CLOEXEC, 0, t->fd), ==, 0);
}

static void fd_close(TestFd *t)
{
    aio_set_fd_handler(ctx, t->fd[0], NULL, NULL, NULL, NULL);
    close(t->fd[0]);
    close(t->fd[1]);
}

static void fd_send(TestFd *t)
{
    g_assert_cmpint(write(t->fd[1], "x", 1), ==, 1);
}

static void fd_read(void *opaque)
{
    TestFd *t = opaque;
    char c;

    t->reads++;
    if (read(t->fd[0], &c, 1) == 1) {
        t->drained++;
    }
}

static void fd_only_count(void *opaque)
{
    ((TestFd *)opaque)->reads++;
}

static void fd_write(void *opaque)
{
    ((TestFd *)opaque)->writes++;
}

static void fd_remove_victim(void *opaque)
{
    TestFd *t = opaque;

    t->reads++;
    aio_set_fd_handler(ctx, t->victim->fd[0], NULL, NULL, NULL, NULL);
}

static void test_fd_read_write(void)
{
    TestFd t;

    fd_open(&t);
    aio_set_fd_handler(ctx, t.fd[0], fd_read, NULL, NULL, &t);
    g_assert_false(aio_poll(ctx, false));
    fd_send(&t);
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(t.drained, ==, 1);
    g_assert_false(aio_poll(ctx, false));
    aio_set_fd_handler(ctx, t.fd[0], fd_read, fd_write, NULL, &t);
    g_assert_true(aio_poll(ctx, true));
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(t.writes, >=, 2);
    g_assert_cmpint(t.reads, ==, 1);
    aio_set_fd_handler(ctx, t.fd[0], NULL, fd_write, NULL, &t);
    fd_send(&t);
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(t.reads, ==, 1);
    aio_set_fd_handler(ctx, t.fd[0], fd_read, NULL, NULL, &t);
    drain();
    g_assert_cmpint(t.drained, ==, 2);
    fd_close(&t);
    g_assert_false(aio_poll(ctx, false));
}

static void test_fd_level_triggered(void)
{
    TestFd t;

    fd_open(&t);
    aio_set_fd_handler(ctx, t.fd[0], fd_only_count, NULL, NULL, &t);
    fd_send(&t);
    for (int i = 1; i <= 4; i++) {
        g_assert_true(aio_poll(ctx, true));
        g_assert_cmpint(t.reads, ==, i);
    }
    fd_close(&t);
}

static void test_fd_hang_up(void)
{
    TestFd t;

    fd_open(&t);
    aio_set_fd_handler(ctx, t.fd[0], fd_read, NULL, NULL, &t);
    shutdown(t.fd[1], SHUT_RDWR);
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(t.reads, ==, 1);
    fd_close(&t);
}

static void test_fd_remove_in_callback(void)
{
    TestFd a, b;

    fd_open(&a);
    fd_open(&b);
    /* Each removes the other; the loop has both ready. */
    a.victim = &b;
    b.victim = &a;
    aio_set_fd_handler(ctx, a.fd[0], fd_remove_victim, NULL, NULL, &a);
    aio_set_fd_handler(ctx, b.fd[0], fd_remove_victim, NULL, NULL, &b);
    fd_send(&a);
    fd_send(&b);
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(a.reads + b.reads, ==, 1);
    fd_close(&a);
    fd_close(&b);
    /* And itself, with a write handler that must not follow. */
    fd_open(&a);
    a.victim = &a;
    aio_set_fd_handler(ctx, a.fd[0], fd_remove_victim, fd_write, NULL, &a);
    fd_send(&a);
    drain();
    g_assert_cmpint(a.reads, ==, 1);
    g_assert_cmpint(a.writes, <=, 1);
    fd_close(&a);
}

static void test_fd_number_reused(void)
{
    TestFd a, b;

    for (int i = 0; i < 50; i++) {
        fd_open(&a);
        aio_set_fd_handler(ctx, a.fd[0], fd_read, NULL, NULL, &a);
        if (i % 2) {
            fd_send(&a);
            aio_poll(ctx, false);
        }
        fd_close(&a);
        fd_open(&b);
        g_assert_cmpint(a.fd[0], ==, b.fd[0]);
        aio_set_fd_handler(ctx, b.fd[0], fd_read, NULL, NULL, &b);
        fd_send(&b);
        while (!b.drained) {
            aio_poll(ctx, true);
        }
        g_assert_cmpint(a.drained, ==, i % 2);
        fd_close(&b);
    }
}

/* Regular files are always ready; epoll does not take them. */
static void test_fd_regular_file(void)
{
    g_autofree char *path = NULL;
    TestFd t = { { 0 } };
    GError *gerr = NULL;

    t.fd[0] = g_file_open_tmp("nemu-test-XXXXXX", &path, &gerr);
    g_assert_no_error(gerr);
    g_unlink(path);
    aio_set_fd_handler(ctx, t.fd[0], fd_only_count, NULL, NULL, &t);
    g_assert_true(aio_poll(ctx, true));
    g_assert_true(aio_poll(ctx, true));
    g_assert_cmpint(t.reads, ==, 2);
    aio_set_fd_handler(ctx, t.fd[0], NULL, NULL, NULL, NULL);
    g_assert_false(aio_poll(ctx, false));
    close(t.fd[0]);
}

static void *fd_add_from_thread(void *opaque)
{
    TestFd *t = opaque;

    g_usleep(5000);
    aio_set_fd_handler(ctx, t->fd[0], fd_read, NULL, NULL, t);
    fd_send(t);
    return NULL;
}

static void test_fd_add_while_sleeping(void)
{
    Thread th;
    TestFd t;

    fd_open(&t);
    g_assert_true(thread_create(&th, "add", fd_add_from_thread, &t, 0, NULL));
    while (!t.drained) {
        aio_poll(ctx, true);
    }
    thread_join(&th);
    fd_close(&t);
}

#define MANY 300

static void test_fd_many(void)
{
    TestFd *t = g_new(TestFd, MANY);
    int done = 0;

    for (int i = 0; i < MANY; i++) {
        fd_open(&t[i]);
        aio_set_fd_handler(ctx, t[i].fd[0], fd_read, NULL, NULL, &t[i]);
        fd_send(&t[i]);
    }
    while (done < MANY) {
        g_assert_true(aio_poll(ctx, true));
        done = 0;
        for (int i = 0; i < MANY; i++) {
            done += t[i].drained;
        }
    }
    for (int i = 0; i < MANY; i++) {
        g_assert_cmpint(t[i].drained, ==, 1);
        fd_close(&t[i]);
    }
    g_free(t);
}

/* Event notifiers */

typedef struct TestNotifier {
    EventNotifier e;
    int n, polls, begins, ends;
    int work;                       /* atomic: what io_poll looks for */
} TestNotifier;

static void notifier_count(EventNotifier *e)
{
    container_of(e, TestNotifier, e)->n++;
}

static void test_notifier(void)
{
    TestNotifier t = { 0 };

    event_notifier_init(&t.e, true, NULL);
    aio_set_event_notifier(ctx, &t.e, notifier_count, NULL);
    drain();
    g_assert_cmpint(t.n, ==, 1);
    for (int i = 2; i < 100; i++) {
        event_notifier_set(&t.e);
        g_assert_true(aio_poll(ctx, true));
        g_assert_cmpint(t.n, ==, i);
        g_assert_false(aio_poll(ctx, false));
    }
    event_notifier_set(&t.e);
    aio_set_event_notifier(ctx, &t.e, NULL, NULL);
    g_assert_false(aio_poll(ctx, false));
    /* What came meanwhile is not lost. */
    aio_set_event_notifier(ctx, &t.e, notifier_count, NULL);
    drain();
    g_assert_cmpint(t.n, ==, 100);
    aio_set_event_notifier(ctx, &t.e, NULL, NULL);
    drain();
    event_notifier_cleanup(&t.e);
}

static void *notify_thread(void *opaque)
{
    g_usleep(5000);
    aio_notify(ctx);
    return NULL;
}

static void test_notify_ends_wait(void)
{
    Thread t;

    g_assert_true(thread_create(&t, "notify", notify_thread, NULL, 0, NULL));
    g_assert_false(aio_poll(ctx, true));
    thread_join(&t);
    g_assert_false(aio_poll(ctx, false));
}

/* Adaptive polling */

static bool notifier_poll(EventNotifier *e)
{
    TestNotifier *t = container_of(e, TestNotifier, e);

    t->polls++;
    return __atomic_load_n(&t->work, __ATOMIC_SEQ_CST) > 0;
}

static void notifier_work(EventNotifier *e)
{
    TestNotifier *t = container_of(e, TestNotifier, e);

    t->n += __atomic_exchange_n(&t->work, 0, __ATOMIC_SEQ_CST);
}

static void notifier_begin(EventNotifier *e)
{
    container_of(e, TestNotifier, e)->begins++;
}

static void notifier_end(EventNotifier *e)
{
    container_of(e, TestNotifier, e)->ends++;
}

static void test_spin(void)
{
    TestNotifier t = { 0 };
    Error *err = NULL;

    g_assert_false(aio_context_set_poll_params(ctx, -1, 0, 0, &err));
    assert_error(err, "-1");
    error_free(err);
    g_assert_true(aio_context_set_poll_params(ctx, NSEC_PER_SEC, 1000000, 0,
                                              NULL));
    event_notifier_init(&t.e, false, NULL);
    aio_set_event_notifier(ctx, &t.e, notifier_work, notifier_poll);
    aio_set_event_notifier_poll(ctx, &t.e, notifier_begin, notifier_end);
    drain();
    /* Two short sleeps make it spin long. */
    for (int i = 0; i < 2; i++) {
        t.work = 1;
        event_notifier_set(&t.e);
        g_assert_true(aio_poll(ctx, true));
    }
    /* Now work that rings no bell is found. */
    for (int i = 0; i < 100; i++) {
        t.work = 1;
        g_assert_true(aio_poll(ctx, true));
    }
    g_assert_cmpint(t.n, ==, 102);
    g_assert_cmpint(t.begins, ==, 1);
    g_assert_cmpint(t.ends, ==, 0);
    /* With the doorbell off, an iteration for another reason looks too. */
    t.work = 1;
    g_assert_true(aio_poll(ctx, false));
    g_assert_cmpint(t.n, ==, 103);
    /* Removal gives the doorbell back. */
    aio_set_event_notifier(ctx, &t.e, NULL, NULL);
    g_assert_cmpint(t.ends, ==, 1);
    g_assert_true(aio_context_set_poll_params(ctx, 0, 0, 0, NULL));
    drain();
    event_notifier_cleanup(&t.e);
}

static void spin_late_work(EventNotifier *e)
{
    TestNotifier *t = container_of(e, TestNotifier, e);

    /* Work that arrives just before the doorbell is on again. */
    t->ends++;
    t->work = 1;
}

/* Whether the home is asleep some time after it waits for this. */
static int look_at_home(void *opaque)
{
    g_usleep(2000);
    return __atomic_load_n(&ctx->notify_me, __ATOMIC_SEQ_CST);
}

static void store_result(void *opaque, int ret)
{
    *(int *)opaque = ret;
}

/* What workers do has no handler; it is waited for all the same. */
static void test_spin_for_workers(void)
{
    int asleep = -1;

    aio_context_set_poll_params(ctx, NSEC_PER_SEC, 1000000, 0, NULL);
    drain();
    for (int i = 0; i < 4; i++) {
        asleep = -1;
        thread_pool_submit(ctx, look_at_home, NULL, store_result, &asleep);
        while (asleep < 0) {
            aio_poll(ctx, true);
        }
    }
    /* It slept at first, and has learnt that spinning is worth it. */
    g_assert_cmpint(asleep, ==, 0);
    aio_context_set_poll_params(ctx, 0, 0, 0, NULL);
    drain();
}

static void test_spin_stop_looks_again(void)
{
    TestNotifier t = { 0 };

    aio_context_set_poll_params(ctx, 10000, 0, 0, NULL);
    event_notifier_init(&t.e, false, NULL);
    aio_set_event_notifier(ctx, &t.e, notifier_work, notifier_poll);
    aio_set_event_notifier_poll(ctx, &t.e, notifier_begin, spin_late_work);
    drain();
    /* A short sleep turns spinning on; the next wait spins in vain. */
    for (int i = 0; i < 100 && !t.ends; i++) {
        t.work = 1;
        event_notifier_set(&t.e);
        g_assert_true(aio_poll(ctx, true));
        while (t.begins && !t.ends) {
            g_assert_true(aio_poll(ctx, true));
        }
    }
    g_assert_cmpint(t.begins, ==, 1);
    g_assert_cmpint(t.ends, ==, 1);
    aio_set_event_notifier(ctx, &t.e, NULL, NULL);
    aio_context_set_poll_params(ctx, 0, 0, 0, NULL);
    drain();
    event_notifier_cleanup(&t.e);
}

/* Iothread-like home in another thread */

typedef struct TestHome {
    Thread thread;
    bool stop;
    int iterations;
} TestHome;

static void home_stop(void *opaque)
{
    ((TestHome *)opaque)->stop = true;
}

static void *home_run(void *opaque)
{
    TestHome *h = opaque;

    aio_context_set_current(ctx);
    while (!h->stop) {
        aio_poll(ctx, true);
        __atomic_fetch_add(&h->iterations, 1, __ATOMIC_SEQ_CST);
    }
    aio_context_set_current(NULL);
    return NULL;
}

/*
 * Left alone, the loop does not turn. Its first turns may come late on a busy
 * machine, so one quiet window of several is enough: a timer that ticks
 * spoils them all.
 */
static void test_idle_sleeps(void)
{
    TestHome h = { 0 };
    bool quiet = false;

    aio_context_set_current(NULL);
    g_assert_true(thread_create(&h.thread, "home", home_run, &h, 0, NULL));
    for (int i = 0; i < 20 && !quiet; i++) {
        int before = __atomic_load_n(&h.iterations, __ATOMIC_SEQ_CST);

        g_usleep(100000);
        quiet = __atomic_load_n(&h.iterations, __ATOMIC_SEQ_CST) == before;
    }
    g_assert_true(quiet);
    aio_bh_schedule_oneshot(ctx, home_stop, &h);
    thread_join(&h.thread);
    aio_context_set_current(ctx);
}

static const struct {
    const char *name;
    void (*fn)(void);
} cases[] = {
    { "bh/basic", test_bh_basic },
    { "bh/again-next-iteration", test_bh_again_next_iteration },
    { "bh/delete-self", test_bh_delete_self },
    { "bh/order", test_bh_order },
    { "bh/nested-poll", test_bh_nested_poll },
    { "bh/from-threads", test_bh_from_threads },
    { "bh/wakes-sleeper", test_bh_wakes_sleeper },
    { "fd/read-write", test_fd_read_write },
    { "fd/level-triggered", test_fd_level_triggered },
    { "fd/hang-up", test_fd_hang_up },
    { "fd/remove-in-callback", test_fd_remove_in_callback },
    { "fd/number-reused", test_fd_number_reused },
    { "fd/regular-file", test_fd_regular_file },
    { "fd/add-while-sleeping", test_fd_add_while_sleeping },
    { "fd/many", test_fd_many },
    { "notifier", test_notifier },
    { "notify-ends-wait", test_notify_ends_wait },
    { "spin", test_spin },
    { "spin/for-workers", test_spin_for_workers },
    { "spin/stop-looks-again", test_spin_stop_looks_again },
    { "idle-sleeps", test_idle_sleeps },
};

typedef struct Case {
    const char *backend;
    void (*fn)(void);
} Case;

static void run_case(gconstpointer data)
{
    const Case *c = data;
    Error *err = NULL;

    ctx = aio_context_new_backend(c->backend, &err);
    if (!ctx) {
        g_test_skip(error_get_pretty(err));
        error_free(err);
        return;
    }
    g_assert_cmpstr(aio_context_backend_name(ctx), ==, c->backend);
    aio_context_set_current(ctx);
    g_assert_true(aio_in_home(ctx));
    c->fn();
    aio_context_set_current(NULL);
    aio_context_unref(ctx);
}

static void test_unknown_backend(void)
{
    Error *err = NULL;

    g_assert_null(aio_context_new_backend("select", &err));
    assert_error(err, "'select'");
    error_free(err);
    ctx = aio_context_new(NULL);
    g_assert_nonnull(ctx);
    aio_context_unref(aio_context_ref(ctx));
    aio_context_unref(ctx);
}

int main(int argc, char **argv)
{
    static const char *const backends[] = { "epoll", "poll", "io_uring" };

    g_test_init(&argc, &argv, NULL);
    rcu_register_thread();
    g_test_add_func("/aio/backend", test_unknown_backend);
    for (size_t b = 0; b < G_N_ELEMENTS(backends); b++) {
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_autofree char *name = g_strdup_printf("/aio/%s/%s", backends[b],
                                                    cases[i].name);
            Case *c = g_new(Case, 1);

            *c = (Case) { backends[b], cases[i].fn };
            g_test_add_data_func_full(name, c, run_case, g_free);
        }
    }
    return g_test_run();
}
