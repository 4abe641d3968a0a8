/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event loop back end: epoll.
 *
 * Event notifiers are watched edge-triggered: each write to an eventfd makes
 * an event even if the earlier ones were never read, so nothing reads them.
 * Everything else is level-triggered.
 */
#include "util/osdep.h"
#include "util/aio-internal.h"
#include <sys/epoll.h>
#include "util/thread.h"

/* Per wait; more are found by the next one. */
#define EPOLL_EVENTS_MAX 64

typedef struct AioEpoll {
    int fd;
    unsigned n_always_ready;            /* ctx->lock */
    bool no_pwait2;                     /* kernel before 5.11 */
} AioEpoll;

static bool aio_epoll_init(AioContext *ctx, Error **errp)
{
    AioEpoll *s;
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot create an epoll descriptor");
        return false;
    }
    s = g_new0(AioEpoll, 1);
    s->fd = fd;
    ctx->backend_data = s;
    return true;
}

static void aio_epoll_cleanup(AioContext *ctx)
{
    AioEpoll *s = ctx->backend_data;

    close(s->fd);
    g_free(s);
}

static void aio_epoll_update(AioContext *ctx, AioHandler *h,
                             unsigned old_events)
{
    AioEpoll *s = ctx->backend_data;
    int op = !old_events ? EPOLL_CTL_ADD :
             !h->events ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    struct epoll_event ev = {
        .events = (h->events & POLLIN ? EPOLLIN : 0) |
                  (h->events & POLLOUT ? EPOLLOUT : 0) |
                  (h->notifier ? EPOLLET : 0),
        .data.ptr = h,
    };

    if (h->always_ready) {
        if (op == EPOLL_CTL_DEL) {
            s->n_always_ready--;
        }
        return;
    }
    if (epoll_ctl(s->fd, op, h->fd, &ev) == 0 || op == EPOLL_CTL_DEL) {
        /* A descriptor that was closed too early has left the set already. */
        return;
    }
    /* Regular files never block, which epoll(7) tells by an error. */
    g_assert(errno == EPERM);
    h->always_ready = true;
    s->n_always_ready++;
}

static int aio_epoll_sleep(AioEpoll *s, struct epoll_event *events,
                           int64_t timeout_ns)
{
    struct timespec ts = {
        .tv_sec = timeout_ns / NSEC_PER_SEC,
        .tv_nsec = timeout_ns % NSEC_PER_SEC,
    };
    struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
    int n;

    if (timeout_ns <= 0) {
        return epoll_wait(s->fd, events, EPOLL_EVENTS_MAX, timeout_ns);
    }
    if (!s->no_pwait2) {
        n = epoll_pwait2(s->fd, events, EPOLL_EVENTS_MAX, &ts, NULL);
        if (n >= 0 || errno != ENOSYS) {
            return n;
        }
        s->no_pwait2 = true;
    }
    ppoll(&pfd, 1, &ts, NULL);
    return epoll_wait(s->fd, events, EPOLL_EVENTS_MAX, 0);
}

static void aio_epoll_publish(AioContext *ctx,
                              const struct epoll_event *events, int n)
{
    AioEpoll *s = ctx->backend_data;
    AioHandler *h;

    MUTEX_GUARD(&ctx->lock);
    for (int i = 0; i < n; i++) {
        unsigned ev = events[i].events;

        aio_handler_ready(ctx, events[i].data.ptr,
                          (ev & EPOLLIN ? POLLIN : 0) |
                          (ev & EPOLLOUT ? POLLOUT : 0) |
                          (ev & EPOLLERR ? POLLERR : 0) |
                          (ev & EPOLLHUP ? POLLHUP : 0));
    }
    if (!s->n_always_ready) {
        return;
    }
    LIST_FOREACH(h, &ctx->handlers, next) {
        if (h->always_ready) {
            aio_handler_ready(ctx, h, POLLIN | POLLOUT);
        }
    }
}

static void aio_epoll_wait(AioContext *ctx, int64_t timeout_ns)
{
    struct epoll_event events[EPOLL_EVENTS_MAX] UNINITIALIZED;
    AioEpoll *s = ctx->backend_data;
    bool always = __atomic_load_n(&s->n_always_ready, __ATOMIC_RELAXED);
    int n = aio_epoll_sleep(s, events, always ? 0 : timeout_ns);

    if (n > 0 || always) {
        aio_epoll_publish(ctx, events, n);
    }
}

const AioBackend aio_backend_epoll = {
    .name = "epoll",
    .init = aio_epoll_init,
    .cleanup = aio_epoll_cleanup,
    .update = aio_epoll_update,
    .wait = aio_epoll_wait,
};
