/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks and timers; see include/util/timer.h.
 *
 * A context keeps one list per clock, sorted by time. There are tens of timers
 * at most, and most go to the end of it, where the search starts. The time of
 * the first is kept beside the list, so that a loop without due timers takes
 * no lock.
 */
#include "util/osdep.h"
#include "util/aio-internal.h"
#include <time.h>
#include "util/main-loop.h"
#include "util/thread.h"

/*
 * The virtual clock. Readers retry when a writer was there (`seq` odd or
 * changed). While it runs base_ns is what to add to the monotonic time, else
 * it is the time itself.
 */
static struct {
    pthread_mutex_t lock;               /* writers */
    unsigned seq;
    bool running;
    bool manual;
    int64_t base_ns;
} vclock = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t host_clock_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int64_t vclock_get_ns(void)
{
    unsigned seq;
    int64_t ns;

    do {
        seq = __atomic_load_n(&vclock.seq, __ATOMIC_ACQUIRE);
        ns = __atomic_load_n(&vclock.base_ns, __ATOMIC_RELAXED);
        if (__atomic_load_n(&vclock.running, __ATOMIC_RELAXED)) {
            ns += host_clock_ns(CLOCK_MONOTONIC);
        }
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((seq & 1) ||
             seq != __atomic_load_n(&vclock.seq, __ATOMIC_RELAXED));
    return ns;
}

int64_t clock_get_ns(ClockType clock)
{
    switch (clock) {
    case CLOCK_VIRTUAL:
        return vclock_get_ns();
    case CLOCK_HOST:
        return host_clock_ns(CLOCK_REALTIME);
    default:
        return host_clock_ns(CLOCK_MONOTONIC);
    }
}

/* Put the clock to @ns, running or not. */
static void vclock_write(int64_t ns, bool run)
{
    MUTEX_GUARD(&vclock.lock);
    __atomic_store_n(&vclock.seq, vclock.seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (run) {
        ns -= host_clock_ns(CLOCK_MONOTONIC);
    }
    __atomic_store_n(&vclock.base_ns, ns, __ATOMIC_RELAXED);
    __atomic_store_n(&vclock.running, run, __ATOMIC_RELAXED);
    __atomic_store_n(&vclock.seq, vclock.seq + 1, __ATOMIC_RELEASE);
}

void virtual_clock_enable(bool on)
{
    if (vclock.manual || on == virtual_clock_is_enabled()) {
        return;
    }
    vclock_write(vclock_get_ns(), on);
    aio_notify_all();
}

bool virtual_clock_is_enabled(void)
{
    return vclock.manual || __atomic_load_n(&vclock.running, __ATOMIC_RELAXED);
}

void virtual_clock_set_ns(int64_t ns)
{
    vclock_write(ns, __atomic_load_n(&vclock.running, __ATOMIC_RELAXED));
    aio_notify_all();
}

void virtual_clock_set_manual(void)
{
    vclock_write(vclock_get_ns(), false);
    vclock.manual = true;
}

static int64_t timers_first_ns(const AioContext *ctx, ClockType clock)
{
    return __atomic_load_n(&ctx->timers[clock].first_ns, __ATOMIC_SEQ_CST);
}

static void timers_min(AioContext *ctx, void *opaque)
{
    int64_t first_ns = timers_first_ns(ctx, CLOCK_VIRTUAL);
    int64_t *min = opaque;

    *min = MIN(*min, first_ns);
}

int64_t virtual_clock_deadline_ns(void)
{
    int64_t min = INT64_MAX;

    aio_foreach(timers_min, &min);
    return min;
}

/* Lists of a context */

void aio_timers_init(AioContext *ctx)
{
    for (int i = 0; i < CLOCK_TYPE__MAX; i++) {
        TAILQ_INIT(&ctx->timers[i].list);
        ctx->timers[i].first_ns = INT64_MAX;
    }
}

int64_t aio_timers_timeout_ns(const AioContext *ctx)
{
    int64_t timeout_ns = INT64_MAX;

    for (int i = 0; i < CLOCK_TYPE__MAX; i++) {
        int64_t first_ns = timers_first_ns(ctx, i);
        int64_t left_ns;

        if (first_ns == INT64_MAX ||
            (i == CLOCK_VIRTUAL && !virtual_clock_is_enabled())) {
            continue;
        }
        /* Not inside MAX: that reads the clock twice. */
        left_ns = first_ns - clock_get_ns(i);
        left_ns = MAX(left_ns, 0);
        /* No waiting brings a manual clock there. */
        if (i != CLOCK_VIRTUAL || !vclock.manual || !left_ns) {
            timeout_ns = MIN(timeout_ns, left_ns);
        }
    }
    return timeout_ns == INT64_MAX ? -1 : timeout_ns;
}

static void timers_update_first_locked(AioTimers *timers)
{
    AioTimer *first = TAILQ_FIRST(&timers->list);

    __atomic_store_n(&timers->first_ns,
                     first ? first->expire_ns : INT64_MAX, __ATOMIC_SEQ_CST);
}

static void timer_unlink_locked(AioTimer *t)
{
    AioTimers *timers = &t->ctx->timers[t->clock];

    if (t->expire_ns >= 0) {
        TAILQ_REMOVE(&timers->list, t, next);
        __atomic_store_n(&t->expire_ns, -1, __ATOMIC_RELAXED);
        timers_update_first_locked(timers);
    }
}

/* Take the first timer due at @now_ns off its list, NULL when there is none. */
static AioTimer *timers_take_due(AioContext *ctx, ClockType clock,
                                 int64_t now_ns, TimerFn **cb, void **opaque)
{
    AioTimer *t;

    MUTEX_GUARD(&ctx->timer_lock);
    t = TAILQ_FIRST(&ctx->timers[clock].list);
    if (!t || t->expire_ns > now_ns) {
        return NULL;
    }
    timer_unlink_locked(t);
    *cb = t->cb;
    *opaque = t->opaque;
    return t;
}

static unsigned timers_count_due(AioContext *ctx, ClockType clock,
                                 int64_t now_ns)
{
    unsigned n = 0;
    AioTimer *t;

    MUTEX_GUARD(&ctx->timer_lock);
    TAILQ_FOREACH(t, &ctx->timers[clock].list, next) {
        if (t->expire_ns > now_ns) {
            break;
        }
        n++;
    }
    return n;
}

static bool timers_run_clock(AioContext *ctx, ClockType clock)
{
    int64_t first_ns = timers_first_ns(ctx, clock), now_ns;
    unsigned due;
    TimerFn *cb;
    void *opaque;

    if (first_ns == INT64_MAX ||
        (clock == CLOCK_VIRTUAL && !virtual_clock_is_enabled())) {
        return false;
    }
    now_ns = clock_get_ns(clock);
    if (first_ns > now_ns) {
        return false;
    }
    /* Only as many as are due now: one that arms itself for the past must not
     * keep the loop here. */
    due = timers_count_due(ctx, clock, now_ns);
    for (unsigned i = 0; i < due; i++) {
        if (!timers_take_due(ctx, clock, now_ns, &cb, &opaque)) {
            break;
        }
        cb(opaque);
    }
    return due > 0;
}

bool aio_timers_run(AioContext *ctx)
{
    bool progress = false;

    for (int i = 0; i < CLOCK_TYPE__MAX; i++) {
        progress |= timers_run_clock(ctx, i);
    }
    return progress;
}

void virtual_clock_step_to(int64_t ns)
{
    AioContext *ctx = main_context();
    int64_t now_ns = vclock_get_ns(), first_ns;

    g_assert(vclock.manual);
    while ((first_ns = timers_first_ns(ctx, CLOCK_VIRTUAL)) <= ns) {
        now_ns = MAX(now_ns, first_ns);
        vclock_write(now_ns, false);
        timers_run_clock(ctx, CLOCK_VIRTUAL);
    }
    vclock_write(MAX(now_ns, ns), false);
    aio_notify_all();
}

/* Timers */

void timer_init_ns(AioTimer *t, AioContext *ctx, ClockType clock, TimerFn *cb,
                   void *opaque)
{
    *t = (AioTimer) {
        .ctx = ctx ? ctx : main_context(),
        .clock = clock,
        .cb = cb,
        .opaque = opaque,
        .expire_ns = -1,
    };
    g_assert(t->ctx);
}

AioTimer *timer_new_ns(AioContext *ctx, ClockType clock, TimerFn *cb,
                       void *opaque)
{
    AioTimer *t = g_new(AioTimer, 1);

    timer_init_ns(t, ctx, clock, cb, opaque);
    return t;
}

void timer_free(AioTimer *t)
{
    if (t) {
        timer_del(t);
        g_free(t);
    }
}

void timer_mod_ns(AioTimer *t, int64_t expire_ns)
{
    AioTimers *timers = &t->ctx->timers[t->clock];
    AioTimer *before;
    bool first;

    expire_ns = CLAMP(expire_ns, 0, INT64_MAX - 1);
    pthread_mutex_lock(&t->ctx->timer_lock);
    timer_unlink_locked(t);
    TAILQ_FOREACH_REVERSE(before, &timers->list, AioTimerList, next) {
        if (before->expire_ns <= expire_ns) {
            break;
        }
    }
    __atomic_store_n(&t->expire_ns, expire_ns, __ATOMIC_RELAXED);
    if (before) {
        TAILQ_INSERT_AFTER(&timers->list, before, t, next);
    } else {
        TAILQ_INSERT_HEAD(&timers->list, t, next);
    }
    first = !before;
    timers_update_first_locked(timers);
    pthread_mutex_unlock(&t->ctx->timer_lock);
    if (first) {
        aio_notify(t->ctx);
    }
}

void timer_del(AioTimer *t)
{
    /* Zeroed and never initialized: a device that failed early. */
    if (t->ctx) {
        pthread_mutex_lock(&t->ctx->timer_lock);
        timer_unlink_locked(t);
        pthread_mutex_unlock(&t->ctx->timer_lock);
    }
}

bool timer_pending(const AioTimer *t)
{
    return t->ctx && __atomic_load_n(&t->expire_ns, __ATOMIC_RELAXED) >= 0;
}

int64_t timer_expire_time_ns(const AioTimer *t)
{
    return t->ctx ? __atomic_load_n(&t->expire_ns, __ATOMIC_RELAXED) : -1;
}
