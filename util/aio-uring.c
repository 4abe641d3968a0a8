/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event loop back end: poll requests on an io_uring.
 *
 * Changes to the set of descriptors and the wait for them are one system call,
 * and what is ready can be seen in memory, so that busy-polling covers
 * descriptors without an io_poll too. Event notifiers have a multi-shot
 * request, which makes an event per wake-up (an edge); others have a one-shot
 * request that is made again before each wait (level).
 *
 * Only the home touches the ring. Changes from other threads go on a list
 * (`dirty`), and the home is woken to act on it.
 */
#include "util/osdep.h"
#include "util/aio-internal.h"
#include <liburing.h>
#include "util/thread.h"

/* Requests made before one wait; if there are more they are submitted in
 * parts. The kernel makes the completion ring twice as large, and keeps what
 * does not fit. */
#define URING_ENTRIES 128

typedef struct AioUring {
    struct io_uring ring;
    STAILQ_HEAD(, AioHandler) dirty;    /* ctx->lock */
} AioUring;

static bool aio_uring_init(AioContext *ctx, Error **errp)
{
    AioUring *s = g_new0(AioUring, 1);
    /* No interrupt to this thread when something completes: it looks. */
    int ret = io_uring_queue_init(URING_ENTRIES, &s->ring,
                                  IORING_SETUP_COOP_TASKRUN |
                                  IORING_SETUP_TASKRUN_FLAG);

    if (ret == -EINVAL) {               /* before Linux 5.19 */
        ret = io_uring_queue_init(URING_ENTRIES, &s->ring, 0);
    }
    if (ret == 0 && !(s->ring.features & IORING_FEAT_EXT_ARG)) {
        /* Before 5.11 a wait with a time-out takes a request of its own. */
        io_uring_queue_exit(&s->ring);
        ret = -ENOSYS;
    }
    if (ret < 0) {
        error_setg_errno(errp, -ret, "cannot set up io_uring");
        if (ret == -EPERM) {
            error_append_hint(errp, "sysctl kernel.io_uring_disabled or a "
                              "sandbox forbids it");
        }
        g_free(s);
        return false;
    }
    io_uring_ring_dontfork(&s->ring);
    STAILQ_INIT(&s->dirty);
    ctx->backend_data = s;
    return true;
}

static void aio_uring_cleanup(AioContext *ctx)
{
    AioUring *s = ctx->backend_data;
    AioHandler *h;

    io_uring_queue_exit(&s->ring);
    LIST_FOREACH(h, &ctx->deleted, next) {
        h->armed = false;
        h->dirty = false;
    }
    g_free(s);
}

static void aio_uring_mark_locked(AioUring *s, AioHandler *h)
{
    if (!h->dirty) {
        h->dirty = true;
        STAILQ_INSERT_TAIL(&s->dirty, h, next_dirty);
    }
}

static void aio_uring_update(AioContext *ctx, AioHandler *h,
                             unsigned old_events)
{
    aio_uring_mark_locked(ctx->backend_data, h);
    aio_notify(ctx);
}

static struct io_uring_sqe *aio_uring_get_sqe(AioUring *s)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

    while (!sqe) {
        io_uring_submit(&s->ring);
        sqe = io_uring_get_sqe(&s->ring);
    }
    return sqe;
}

/* Make or undo the request for @h as its events say. */
static void aio_uring_prepare_locked(AioUring *s, AioHandler *h)
{
    struct io_uring_sqe *sqe;

    if (h->armed) {
        /* When that has ended it is made again, if still wanted. */
        if (!h->cancelling) {
            h->cancelling = true;
            sqe = aio_uring_get_sqe(s);
            io_uring_prep_poll_remove(sqe, (uintptr_t)h);
            io_uring_sqe_set_data(sqe, NULL);
        }
        return;
    }
    if (!h->events) {
        return;
    }
    sqe = aio_uring_get_sqe(s);
    if (h->notifier) {
        io_uring_prep_poll_multishot(sqe, h->fd, h->events);
    } else {
        io_uring_prep_poll_add(sqe, h->fd, h->events);
    }
    io_uring_sqe_set_data(sqe, h);
    h->armed = true;
}

/* Returns whether @h now lacks a request because its events changed. */
static bool aio_uring_complete_locked(AioContext *ctx, AioHandler *h, int res,
                                      unsigned flags)
{
    AioUring *s = ctx->backend_data;
    bool changed = false;

    if (!(flags & IORING_CQE_F_MORE)) {
        changed = h->cancelling && h->events;
        h->armed = false;
        h->cancelling = false;
        if (h->events) {
            aio_uring_mark_locked(s, h);
        }
    }
    if (res > 0) {
        aio_handler_ready(ctx, h, res);
    } else if (res < 0 && res != -ECANCELED) {
        /* It cannot be watched: the handler's own call will say why. */
        aio_handler_ready(ctx, h, POLLERR);
    }
    return changed;
}

/* Returns whether the wait must go on: all that happened was the end of
 * requests that have to be made again. */
static bool aio_uring_reap(AioContext *ctx)
{
    AioUring *s = ctx->backend_data;
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;
    bool changed = false;
    MUTEX_GUARD(&ctx->lock);

    io_uring_for_each_cqe(&s->ring, head, cqe) {
        AioHandler *h = io_uring_cqe_get_data(cqe);

        n++;
        if (h) {
            changed |= aio_uring_complete_locked(ctx, h, cqe->res, cqe->flags);
        }
    }
    io_uring_cq_advance(&s->ring, n);
    return changed && TAILQ_EMPTY(&ctx->ready);
}

static bool aio_uring_peek(AioContext *ctx)
{
    AioUring *s = ctx->backend_data;
    unsigned flags = __atomic_load_n(s->ring.sq.kflags, __ATOMIC_RELAXED);

    return io_uring_cq_ready(&s->ring) ||
           (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW));
}

static void aio_uring_prepare(AioContext *ctx)
{
    AioUring *s = ctx->backend_data;
    AioHandler *h;

    MUTEX_GUARD(&ctx->lock);
    while ((h = STAILQ_FIRST(&s->dirty))) {
        STAILQ_REMOVE_HEAD(&s->dirty, next_dirty);
        h->dirty = false;
        aio_uring_prepare_locked(s, h);
    }
}

static void aio_uring_wait(AioContext *ctx, int64_t timeout_ns)
{
    AioUring *s = ctx->backend_data;
    struct __kernel_timespec ts = {
        .tv_sec = timeout_ns / NSEC_PER_SEC,
        .tv_nsec = timeout_ns % NSEC_PER_SEC,
    };
    struct io_uring_cqe *cqe;

    do {
        aio_uring_prepare(ctx);
        if (timeout_ns > 0) {
            io_uring_submit_and_wait_timeout(&s->ring, &cqe, 1, &ts, NULL);
        } else if (timeout_ns < 0) {
            io_uring_submit_and_wait(&s->ring, 1);
        } else if (io_uring_sq_ready(&s->ring) || aio_uring_peek(ctx)) {
            io_uring_submit_and_get_events(&s->ring);
        }
    } while (aio_uring_reap(ctx));
}

const AioBackend aio_backend_uring = {
    .name = "io_uring",
    .init = aio_uring_init,
    .cleanup = aio_uring_cleanup,
    .update = aio_uring_update,
    .wait = aio_uring_wait,
    .peek = aio_uring_peek,
};
