/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event loop back end: ppoll(2). Works everywhere and with every descriptor;
 * each wait costs time for all of them.
 */
#include "util/osdep.h"
#include "util/aio-internal.h"
#include "util/thread.h"

/* The set of one wait. Kept for its memory; rebuilt each time. */
typedef struct AioPoll {
    GArray *fds;                        /* struct pollfd */
    GPtrArray *handlers;                /* of the same index */
} AioPoll;

static bool aio_poll_init(AioContext *ctx, Error **errp)
{
    AioPoll *s = g_new0(AioPoll, 1);

    s->fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    s->handlers = g_ptr_array_new();
    ctx->backend_data = s;
    return true;
}

static void aio_poll_cleanup(AioContext *ctx)
{
    AioPoll *s = ctx->backend_data;

    g_array_free(s->fds, TRUE);
    g_ptr_array_free(s->handlers, TRUE);
    g_free(s);
}

static void aio_poll_update(AioContext *ctx, AioHandler *h,
                            unsigned old_events)
{
    /* A sleeping home has to start over with the new set. */
    aio_notify(ctx);
}

static void aio_poll_collect(AioContext *ctx)
{
    AioPoll *s = ctx->backend_data;
    AioHandler *h;

    MUTEX_GUARD(&ctx->lock);
    g_array_set_size(s->fds, 0);
    g_ptr_array_set_size(s->handlers, 0);
    LIST_FOREACH(h, &ctx->handlers, next) {
        struct pollfd pfd = { .fd = h->fd, .events = h->events };

        g_array_append_val(s->fds, pfd);
        g_ptr_array_add(s->handlers, h);
    }
}

static void aio_poll_publish(AioContext *ctx)
{
    AioPoll *s = ctx->backend_data;

    MUTEX_GUARD(&ctx->lock);
    for (guint i = 0; i < s->fds->len; i++) {
        unsigned revents = g_array_index(s->fds, struct pollfd, i).revents;
        AioHandler *h = s->handlers->pdata[i];

        if (!revents) {
            continue;
        }
        /* No edges here: what is not read would be ready forever. Deleted
         * handlers (no events) are still in memory, their notifier is not. */
        if (h->notifier && h->events) {
            event_notifier_test_and_clear(h->notifier);
        }
        aio_handler_ready(ctx, h, revents & ~POLLNVAL);
    }
}

static void aio_poll_wait(AioContext *ctx, int64_t timeout_ns)
{
    AioPoll *s = ctx->backend_data;
    struct timespec ts = {
        .tv_sec = timeout_ns / NSEC_PER_SEC,
        .tv_nsec = timeout_ns % NSEC_PER_SEC,
    };

    aio_poll_collect(ctx);
    if (ppoll((struct pollfd *)s->fds->data, s->fds->len,
              timeout_ns < 0 ? NULL : &ts, NULL) > 0) {
        aio_poll_publish(ctx);
    }
}

const AioBackend aio_backend_poll = {
    .name = "poll",
    .init = aio_poll_init,
    .cleanup = aio_poll_cleanup,
    .update = aio_poll_update,
    .wait = aio_poll_wait,
};
