/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adaptive busy-polling.
 *
 * Going to sleep and being woken costs more than the work itself when
 * requests come every few microseconds. So the context looks for work in
 * memory for a while first. The while follows what would have paid off: it
 * grows when a sleep ended sooner than the limit, and shrinks when not.
 *
 * A handler is in polling mode (`polling`) from the first look until the
 * context sleeps; its owner has turned the doorbell off for that time. The
 * mode stays on from one iteration to the next while there is work.
 */
#include "util/osdep.h"
#include "util/aio-internal.h"
#include "util/thread.h"

/* The first step up from nothing: about what a sleep and wake-up cost. */
#define SPIN_START_NS 4000

#if defined(__x86_64__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ volatile("isb" ::: "memory")
#else
#define cpu_relax() __asm__ volatile("" ::: "memory")
#endif

/* Ask each handler that can tell; @begin: and put it into polling mode. The
 * callbacks may not change handlers. */
static bool aio_spin_look(AioContext *ctx, bool begin)
{
    bool found = false;
    AioHandler *h;

    MUTEX_GUARD(&ctx->lock);
    LIST_FOREACH(h, &ctx->handlers, next) {
        if (!h->io_poll && !h->notify_poll) {
            continue;
        }
        if (begin && !h->polling) {
            h->polling = true;
            ctx->spin.started = true;
            if (h->poll_begin) {
                h->poll_begin(h->notifier);
            }
        }
        if (h->notifier ? h->notify_poll(h->notifier) : h->io_poll(h->opaque)) {
            aio_handler_ready(ctx, h, POLLIN);
            found = true;
        }
    }
    return found;
}

/* What cannot be asked must be seen in another way, else it would starve. */
static bool aio_spin_allowed(AioContext *ctx)
{
    MUTEX_GUARD(&ctx->lock);
    return (ctx->n_pollable > 0 || thread_pool_is_busy(ctx)) &&
           (ctx->n_unpollable == 0 || ctx->backend->peek);
}

bool aio_spin(AioContext *ctx, int64_t timeout_ns)
{
    int64_t limit_ns = ctx->spin.now_ns;
    int64_t end_ns;

    if (!limit_ns || !aio_spin_allowed(ctx)) {
        return false;
    }
    if (timeout_ns >= 0) {
        limit_ns = MIN(limit_ns, timeout_ns);
    }
    end_ns = clock_get_ns(CLOCK_REALTIME_NS) + limit_ns;
    do {
        if (aio_spin_look(ctx, true) || aio_bh_pending(ctx, false) ||
            __atomic_load_n(&ctx->notified, __ATOMIC_RELAXED)) {
            return true;
        }
        if (ctx->backend->peek && ctx->backend->peek(ctx)) {
            ctx->backend->wait(ctx, 0);
            return true;
        }
        cpu_relax();
    } while (clock_get_ns(CLOCK_REALTIME_NS) < end_ns);
    return false;
}

void aio_spin_once(AioContext *ctx)
{
    if (ctx->spin.started) {
        aio_spin_look(ctx, true);
    }
}

bool aio_spin_stop(AioContext *ctx)
{
    AioHandler *h;

    if (!ctx->spin.started) {
        return false;
    }
    pthread_mutex_lock(&ctx->lock);
    LIST_FOREACH(h, &ctx->handlers, next) {
        if (h->polling) {
            h->polling = false;
            if (h->poll_end) {
                h->poll_end(h->notifier);
            }
        }
    }
    ctx->spin.started = false;
    pthread_mutex_unlock(&ctx->lock);
    /* What came while the doorbell was off rang no bell. */
    return aio_spin_look(ctx, false);
}

void aio_spin_adapt(AioContext *ctx, int64_t waited_ns)
{
    AioSpin *spin = &ctx->spin;
    int64_t max_ns = __atomic_load_n(&spin->max_ns, __ATOMIC_RELAXED);
    int64_t grow = __atomic_load_n(&spin->grow, __ATOMIC_RELAXED);
    int64_t shrink = __atomic_load_n(&spin->shrink, __ATOMIC_RELAXED);

    if (waited_ns > max_ns) {
        /* No amount of spinning that is allowed would have met it. */
        spin->now_ns = shrink ? spin->now_ns / shrink : 0;
    } else if (waited_ns > spin->now_ns) {
        int64_t next = SPIN_START_NS;

        if (spin->now_ns && mul_overflows(spin->now_ns, grow ? grow : 2,
                                          &next)) {
            next = max_ns;
        }
        spin->now_ns = next;
    }
    spin->now_ns = MIN(spin->now_ns, max_ns);
}

bool aio_context_set_poll_params(AioContext *ctx, int64_t max_ns, int64_t grow,
                                 int64_t shrink, Error **errp)
{
    if (max_ns < 0 || grow < 0 || shrink < 0) {
        error_setg(errp, "polling parameters (%" PRId64 ", %" PRId64 ", %"
                   PRId64 ") must not be negative", max_ns, grow, shrink);
        return false;
    }
    __atomic_store_n(&ctx->spin.grow, grow, __ATOMIC_RELAXED);
    __atomic_store_n(&ctx->spin.shrink, shrink, __ATOMIC_RELAXED);
    __atomic_store_n(&ctx->spin.max_ns, max_ns, __ATOMIC_RELAXED);
    aio_notify(ctx);
    return true;
}
