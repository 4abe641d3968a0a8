/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What coroutines wait for: locks, queues, time, descriptors.
 *
 * Locks are handed over: who unlocks makes the first waiter the owner and
 * wakes it. A waiter queues itself, lets go of the guard and yields; should it
 * be woken from another thread in between, the wake-up goes through its own
 * loop and so comes after the yield.
 */
#include "util/osdep.h"
#include "util/coroutine.h"
#include "util/thread.h"

struct CoWaiter {
    Coroutine *co;
    CoWaiter *next;
    bool write;                         /* CoRwlock: what it wants */
};

static void co_waiter_append(CoWaiterList *l, CoWaiter *w)
{
    w->co = coroutine_self();
    w->next = NULL;
    g_assert(w->co);
    if (l->first) {
        l->last->next = w;
    } else {
        l->first = w;
    }
    l->last = w;
}

/* Take the first waiter off; the record is gone once its owner wakes. */
static Coroutine *co_waiter_pop(CoWaiterList *l)
{
    CoWaiter *w = l->first;

    if (!w) {
        return NULL;
    }
    l->first = w->next;
    return w->co;
}

/* CoMutex */

void co_mutex_init(CoMutex *m)
{
    memset(m, 0, sizeof(*m));
}

void coroutine_fn co_mutex_lock(CoMutex *m)
{
    CoWaiter w = { .co = NULL };

    pthread_mutex_lock(&m->guard);
    if (!m->holder) {
        m->holder = coroutine_self();
        g_assert(m->holder);
        pthread_mutex_unlock(&m->guard);
        return;
    }
    g_assert(m->holder != coroutine_self());
    co_waiter_append(&m->waiters, &w);
    pthread_mutex_unlock(&m->guard);
    coroutine_yield();
}

void coroutine_fn co_mutex_unlock(CoMutex *m)
{
    Coroutine *next;

    co_mutex_assert_locked(m);
    pthread_mutex_lock(&m->guard);
    next = co_waiter_pop(&m->waiters);
    m->holder = next;
    pthread_mutex_unlock(&m->guard);
    if (next) {
        aio_co_wake(next);
    }
}

void coroutine_fn co_mutex_assert_locked(const CoMutex *m)
{
    g_assert(m->holder && m->holder == coroutine_self());
}

/* CoQueue */

void co_queue_init(CoQueue *q)
{
    memset(q, 0, sizeof(*q));
}

void coroutine_fn co_queue_wait(CoQueue *q, CoMutex *m)
{
    CoWaiter w = { .co = NULL };

    co_waiter_append(&q->waiters, &w);
    if (m) {
        co_mutex_unlock(m);
    }
    coroutine_yield();
    if (m) {
        co_mutex_lock(m);
    }
}

bool co_queue_next(CoQueue *q)
{
    Coroutine *co = co_waiter_pop(&q->waiters);

    if (co) {
        aio_co_wake(co);
    }
    return co != NULL;
}

void co_queue_restart_all(CoQueue *q)
{
    CoWaiterList all = q->waiters;
    Coroutine *co;

    /* Only those that wait now: they may wait again when they run. */
    q->waiters.first = NULL;
    while ((co = co_waiter_pop(&all))) {
        aio_co_wake(co);
    }
}

bool co_queue_empty(const CoQueue *q)
{
    return !q->waiters.first;
}

/* CoRwlock */

void co_rwlock_init(CoRwlock *l)
{
    memset(l, 0, sizeof(*l));
}

/* Whether a new reader or writer gets it at once. */
static bool co_rwlock_take_locked(CoRwlock *l, bool write)
{
    if (l->owners && (write || l->owners < 0 || l->waiters.first)) {
        return false;
    }
    l->owners += write ? -1 : 1;
    return true;
}

/* Give it to the first waiter: a writer, or all the readers up to one. Drops
 * the guard: a woken coroutine may run at once and come back here. */
static void co_rwlock_grant_unlock(CoRwlock *l)
{
    Coroutine *wake[16];
    size_t n;

    do {
        n = 0;
        while (n < G_N_ELEMENTS(wake) && l->waiters.first) {
            bool write = l->waiters.first->write;

            if (l->owners < 0 || (write && l->owners)) {
                break;
            }
            l->owners += write ? -1 : 1;
            wake[n++] = co_waiter_pop(&l->waiters);
        }
        pthread_mutex_unlock(&l->guard);
        for (size_t i = 0; i < n; i++) {
            aio_co_wake(wake[i]);
        }
        if (n == G_N_ELEMENTS(wake)) {
            pthread_mutex_lock(&l->guard);
        }
    } while (n == G_N_ELEMENTS(wake));
}

static void coroutine_fn co_rwlock_lock(CoRwlock *l, bool write)
{
    CoWaiter w = { .write = write };

    pthread_mutex_lock(&l->guard);
    if (co_rwlock_take_locked(l, write)) {
        pthread_mutex_unlock(&l->guard);
        return;
    }
    co_waiter_append(&l->waiters, &w);
    pthread_mutex_unlock(&l->guard);
    coroutine_yield();
}

void coroutine_fn co_rwlock_rdlock(CoRwlock *l)
{
    co_rwlock_lock(l, false);
}

void coroutine_fn co_rwlock_wrlock(CoRwlock *l)
{
    co_rwlock_lock(l, true);
}

void coroutine_fn co_rwlock_unlock(CoRwlock *l)
{
    pthread_mutex_lock(&l->guard);
    g_assert(l->owners);
    l->owners = l->owners < 0 ? 0 : l->owners - 1;
    co_rwlock_grant_unlock(l);
}

void coroutine_fn co_rwlock_downgrade(CoRwlock *l)
{
    pthread_mutex_lock(&l->guard);
    g_assert(l->owners == -1);
    l->owners = 1;
    co_rwlock_grant_unlock(l);
}

/* Time */

static void co_sleep_timer(void *opaque)
{
    co_sleep_wake(opaque);
}

void coroutine_fn co_sleep_ns_wakeable(CoSleep *s, ClockType clock, int64_t ns)
{
    AioTimer timer;

    g_assert(!s->sleeper);
    s->sleeper = coroutine_self();
    timer_init_ns(&timer, aio_get_current(), clock, co_sleep_timer, s);
    timer_mod_ns(&timer, clock_get_ns(clock) + ns);
    coroutine_yield();
    timer_del(&timer);
}

void co_sleep_wake(CoSleep *s)
{
    Coroutine *co = s->sleeper;

    if (co) {
        s->sleeper = NULL;
        aio_co_wake(co);
    }
}

void coroutine_fn co_sleep_ns(ClockType clock, int64_t ns)
{
    CoSleep s = { NULL };

    co_sleep_ns_wakeable(&s, clock, ns);
}

/* Descriptors */

typedef struct CoFd {
    AioContext *ctx;
    Coroutine *co;
    int fd;
} CoFd;

static void co_fd_ready(void *opaque)
{
    CoFd *w = opaque;

    aio_set_fd_handler(w->ctx, w->fd, NULL, NULL, NULL, NULL);
    aio_co_wake(w->co);
}

static void coroutine_fn co_wait_fd(int fd, bool write)
{
    CoFd w = { aio_get_current(), coroutine_self(), fd };

    aio_set_fd_handler(w.ctx, fd, write ? NULL : co_fd_ready,
                       write ? co_fd_ready : NULL, NULL, &w);
    coroutine_yield();
}

void coroutine_fn co_wait_fd_readable(int fd)
{
    co_wait_fd(fd, false);
}

void coroutine_fn co_wait_fd_writable(int fd)
{
    co_wait_fd(fd, true);
}
