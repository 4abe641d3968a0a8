/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libslirp in an AioContext.
 *
 * The library is made for loops that ask it before each sleep which descriptors
 * it wants (slirp_pollfds_fill) and tell it after (slirp_pollfds_poll). Here it
 * is asked only after something has happened to it, by a bottom half, and only
 * the differences reach the AioContext. An idle network costs nothing.
 */
#include "util/osdep.h"
#include "net/user-internal.h"
#include <poll.h>
#include "util/log.h"
#include "util/main-loop.h"

static void user_fd_ready(void *opaque);

static void user_fd_watch(UserFd *ufd, int events)
{
    bool rd = events & (SLIRP_POLL_IN | SLIRP_POLL_PRI | SLIRP_POLL_HUP);
    bool wr = events & SLIRP_POLL_OUT;

    ufd->events = events;
    main_loop_set_fd_handler(ufd->fd, rd ? user_fd_ready : NULL,
                             wr ? user_fd_ready : NULL, ufd);
}

/* ---- Ask ---- */

static int user_add_poll(int fd, int events, void *opaque)
{
    NetUser *s = opaque;
    UserFd *ufd = g_hash_table_lookup(s->fds, GINT_TO_POINTER(fd));
    struct pollfd *p;

    if (!ufd) {
        ufd = g_new0(UserFd, 1);
        ufd->s = s;
        ufd->fd = fd;
        g_hash_table_insert(s->fds, GINT_TO_POINTER(fd), ufd);
    }
    ufd->wanted |= events;
    if (s->n_polls == s->max_polls) {
        s->max_polls = MAX(16, s->max_polls * 2);
        s->polls = g_renew(struct pollfd, s->polls, s->max_polls);
    }
    p = &s->polls[s->n_polls];
    p->fd = fd;
    p->events = (events & SLIRP_POLL_IN ? POLLIN : 0) |
                (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                (events & SLIRP_POLL_PRI ? POLLPRI : 0);
    p->revents = 0;
    return s->n_polls++;
}

static gboolean user_fd_settle(gpointer key, gpointer value, gpointer opaque)
{
    UserFd *ufd = value;

    if (ufd->wanted != ufd->events) {
        user_fd_watch(ufd, ufd->wanted);
    }
    return ufd->wanted == 0;        /* forget it */
}

static void user_refill(void *opaque)
{
    NetUser *s = opaque;
    uint32_t timeout_ms = UINT32_MAX;
    GHashTableIter it;
    void *value;

    g_hash_table_iter_init(&it, s->fds);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        ((UserFd *)value)->wanted = 0;
    }
    s->n_polls = 0;
    slirp_pollfds_fill(s->slirp, &timeout_ms, user_add_poll, s);
    g_hash_table_foreach_remove(s->fds, user_fd_settle, NULL);
    if (timeout_ms == UINT32_MAX) {
        timer_del(&s->timeout);
    } else {
        timer_mod_ns(&s->timeout, clock_get_ns(CLOCK_REALTIME_NS) +
                                  timeout_ms * NSEC_PER_MSEC);
    }
    user_guestfwds_can_read(s);
}

void user_loop_changed(NetUser *s)
{
    if (!s->polling) {
        aio_bh_schedule(s->refill_bh);
    }
}

/* ---- Tell ---- */

static int user_get_revents(int idx, void *opaque)
{
    NetUser *s = opaque;
    int revents;

    if (idx < 0 || idx >= (int)s->n_polls) {
        return 0;
    }
    revents = s->polls[idx].revents;
    return (revents & POLLIN ? SLIRP_POLL_IN : 0) |
           (revents & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (revents & POLLPRI ? SLIRP_POLL_PRI : 0) |
           (revents & POLLERR ? SLIRP_POLL_ERR : 0) |
           (revents & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void user_service(NetUser *s)
{
    int n = poll(s->polls, s->n_polls, 0);

    s->polling = true;
    slirp_pollfds_poll(s->slirp, n < 0, user_get_revents, s);
    s->polling = false;
    user_refill(s);
}

static void user_fd_ready(void *opaque)
{
    UserFd *ufd = opaque;

    user_service(ufd->s);
}

static void user_timeout(void *opaque)
{
    user_service(opaque);
}

/* ---- Callbacks of the library ---- */

static ssize_t user_send_packet(const void *buf, size_t len, void *opaque)
{
    NetUser *s = opaque;

    return net_send_raw(&s->nc, buf, len);
}

static void user_guest_error(const char *msg, void *opaque)
{
    guest_error("user-net", "%s", msg);
}

/* Its timers are the router's own life: they stop with the guest. */
static int64_t user_clock_get_ns(void *opaque)
{
    return clock_get_ns(CLOCK_VIRTUAL);
}

typedef struct UserTimer {
    AioTimer timer;
    NetUser *s;
    SlirpTimerId id;
    void *cb_opaque;
} UserTimer;

static void user_timer_expired(void *opaque)
{
    UserTimer *t = opaque;

    slirp_handle_timer(t->s->slirp, t->id, t->cb_opaque);
    user_loop_changed(t->s);
}

static void *user_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
    UserTimer *t = g_new0(UserTimer, 1);

    t->s = opaque;
    t->id = id;
    t->cb_opaque = cb_opaque;
    timer_init_ns(&t->timer, NULL, CLOCK_VIRTUAL, user_timer_expired, t);
    return t;
}

static void user_timer_free(void *timer, void *opaque)
{
    UserTimer *t = timer;

    timer_del(&t->timer);
    g_free(t);
}

static void user_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
    UserTimer *t = timer;

    timer_mod_ns(&t->timer, expire_ms * NSEC_PER_MSEC);
}

static void user_register_poll_fd(int fd, void *opaque)
{
}

/* About to be closed: a new one with the same number is another. */
static void user_unregister_poll_fd(int fd, void *opaque)
{
    NetUser *s = opaque;
    UserFd *ufd = g_hash_table_lookup(s->fds, GINT_TO_POINTER(fd));

    if (ufd) {
        user_fd_watch(ufd, 0);
        g_hash_table_remove(s->fds, GINT_TO_POINTER(fd));
    }
}

static void user_notify(void *opaque)
{
    user_loop_changed(opaque);
}

const SlirpCb user_slirp_callbacks = {
    .send_packet = user_send_packet,
    .guest_error = user_guest_error,
    .clock_get_ns = user_clock_get_ns,
    .timer_new_opaque = user_timer_new,
    .timer_free = user_timer_free,
    .timer_mod = user_timer_mod,
    .register_poll_fd = user_register_poll_fd,
    .unregister_poll_fd = user_unregister_poll_fd,
    .notify = user_notify,
};

void user_loop_init(NetUser *s)
{
    s->fds = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    s->refill_bh = aio_bh_new(main_context(), user_refill, s);
    timer_init_ns(&s->timeout, NULL, CLOCK_REALTIME_NS, user_timeout, s);
}

void user_loop_cleanup(NetUser *s)
{
    GHashTableIter it;
    void *value;

    timer_del(&s->timeout);
    aio_bh_delete(s->refill_bh);
    g_hash_table_iter_init(&it, s->fds);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        user_fd_watch(value, 0);
    }
    g_hash_table_destroy(s->fds);
    g_free(s->polls);
}
