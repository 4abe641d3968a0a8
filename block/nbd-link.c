/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to an NBD server that outlives the loss of the server.
 *
 *   UP       requests go to link->conn
 *   WAITING  lost; attempts to connect are made, requests wait until the next
 *            connection or until the time is over
 *   DOWN     lost; the next request starts one attempt and waits for it
 *   DEAD     the server broke the protocol, or came back as another one, or
 *            the user cut the connection (QMP: yank)
 *
 * States change under the lock, from any thread. Attempts and their clocks
 * are the main thread's: other threads ask for them by a bottom half.
 */
#include "util/osdep.h"
#include "nbd-internal.h"
#include "io/yank.h"
#include "util/log.h"
#include "util/main-loop.h"

#define SECOND_NS 1000000000LL
#define RETRY_MAX_NS (16 * SECOND_NS)
/* One attempt for the sake of a request, when there is no reconnect-delay. */
#define ATTEMPT_NS (5 * SECOND_NS)

typedef enum NbdLinkState {
    NBD_LINK_UP,
    NBD_LINK_WAITING,
    NBD_LINK_DOWN,
    NBD_LINK_DEAD,
} NbdLinkState;

/* On the stack of its coroutine. */
typedef struct NbdWaiter {
    Coroutine *co;
    LIST_ENTRY(NbdWaiter) link;
} NbdWaiter;

struct NbdLink {
    /* Fixed after the first connection */
    NbdConfig *cfg;
    NbdInfo info;
    int64_t delay_ns, open_deadline_ns;

    GMutex lock;                    /* of the rest */
    NbdLinkState state;
    NbdConn *conn;                  /* NULL unless UP */
    LIST_HEAD(, NbdWaiter) waiters;
    int64_t deadline_ns;            /* of WAITING */
    Error *err;                     /* of the last attempt */

    /* Main thread */
    AioBH *start_bh;
    AioTimer *retry_timer, *end_timer;
    NbdConnect *job;
    Yank *yank;
    int64_t retry_ns;
    bool opening;
};

/* By their loops: entered from here they would find the lock taken. */
static void wake_all_locked(NbdLink *l)
{
    NbdWaiter *w;

    while ((w = LIST_FIRST(&l->waiters))) {
        LIST_REMOVE(w, link);
        aio_co_schedule(coroutine_get_context(w->co), w->co);
    }
}

/* ---- Attempts: main thread ---- */

/* A server that came back has what requests in flight rely on. */
static bool is_same_export(const NbdInfo *was, const NbdInfo *is, Error **errp)
{
    const uint16_t kept = NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA |
                          NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_WRITE_ZEROES |
                          NBD_FLAG_SEND_FAST_ZERO | NBD_FLAG_SEND_DF;

    if (is->size != was->size) {
        error_setg(errp, "the export had %" PRIu64 " bytes and has %" PRIu64
                   " after reconnecting", was->size, is->size);
        return false;
    }
    if ((is->flags & ~was->flags & NBD_FLAG_READ_ONLY) ||
        (was->flags & ~is->flags & kept) || is->min_block > was->min_block ||
        (is->max_block && (!was->max_block || is->max_block < was->max_block))
        || (was->has_context && !is->has_context)) {
        error_setg(errp, "the export lost features after reconnecting");
        return false;
    }
    return true;
}

static void link_attempt_done(void *opaque, NbdConn *c, Error *err);

static void link_attempt(void *opaque)
{
    NbdLink *l = opaque;
    bool wanted;

    g_mutex_lock(&l->lock);
    wanted = l->state == NBD_LINK_WAITING;
    if (wanted && !l->opening) {
        timer_mod_ns(l->end_timer, l->deadline_ns);
    }
    g_mutex_unlock(&l->lock);
    if (wanted && !l->job) {
        l->job = nbd_connect(l->cfg, link_attempt_done, l);
    }
}

/* The time is over: what waits fails. */
static void link_give_up(void *opaque)
{
    NbdLink *l = opaque;

    timer_del(l->retry_timer);
    g_mutex_lock(&l->lock);
    if (l->state == NBD_LINK_WAITING) {
        l->state = NBD_LINK_DOWN;
        wake_all_locked(l);
    }
    g_mutex_unlock(&l->lock);
}

/* Whether there is time for another one. */
static bool link_retry(NbdLink *l)
{
    int64_t now = clock_get_ns(CLOCK_REALTIME_NS);
    bool may_retry = l->opening ? now < l->open_deadline_ns :
                     l->delay_ns && now < l->deadline_ns;

    if (l->cfg->server->type == SOCKET_ADDRESS_TYPE_FD || !may_retry) {
        return false;
    }
    timer_mod_ns(l->retry_timer, now + l->retry_ns);
    l->retry_ns = MIN(l->retry_ns * 2, RETRY_MAX_NS);
    return true;
}

static void link_take(NbdLink *l, NbdConn *c)
{
    g_autoptr(Error) err = NULL;

    g_mutex_lock(&l->lock);
    if (l->opening) {
        l->info = c->info;
    }
    if (!is_same_export(&l->info, &c->info, &err)) {
        l->state = NBD_LINK_DEAD;
        nbd_conn_unref(c);
    } else {
        l->state = NBD_LINK_UP;
        l->conn = c;
    }
    l->opening = false;
    wake_all_locked(l);
    g_mutex_unlock(&l->lock);
    timer_del(l->end_timer);
    if (err) {
        warn_report("NBD export '%s' is not used any more: %s", l->cfg->export,
                    error_get_pretty(err));
    }
}

static void link_attempt_done(void *opaque, NbdConn *c, Error *err)
{
    NbdLink *l = opaque;
    bool wanted;

    l->job = NULL;
    error_free(l->err);
    l->err = err;
    g_mutex_lock(&l->lock);
    wanted = l->state == NBD_LINK_WAITING || l->state == NBD_LINK_DOWN;
    g_mutex_unlock(&l->lock);
    if (c && wanted) {
        link_take(l, c);
    } else if (c) {
        nbd_conn_unref(c);
    } else if (!link_retry(l)) {
        l->opening = false;
        timer_del(l->end_timer);
        link_give_up(l);
    }
}

/* ---- Requests: any thread ---- */

static void link_wait_begin_locked(NbdLink *l)
{
    int64_t now = clock_get_ns(CLOCK_REALTIME_NS);

    l->state = NBD_LINK_WAITING;
    l->deadline_ns = now + (l->delay_ns ? l->delay_ns : ATTEMPT_NS);
    l->retry_ns = SECOND_NS / 4;
    aio_bh_schedule(l->start_bh);
}

static void link_lost(NbdLink *l, NbdConn *c, bool violated)
{
    g_mutex_lock(&l->lock);
    if (l->conn == c) {
        nbd_conn_unref(l->conn);
        l->conn = NULL;
        if (violated || l->state == NBD_LINK_DEAD) {
            l->state = NBD_LINK_DEAD;
        } else if (l->delay_ns) {
            link_wait_begin_locked(l);
        } else {
            l->state = NBD_LINK_DOWN;
        }
    }
    g_mutex_unlock(&l->lock);
}

/* A reference to the connection; NULL: there is none in time. After the time
 * was over requests do not wait: one in each period tries. */
static NbdConn *coroutine_fn link_get(NbdLink *l)
{
    NbdWaiter w = { .co = coroutine_self() };
    NbdConn *c;

    g_mutex_lock(&l->lock);
    if (l->state == NBD_LINK_DOWN) {
        link_wait_begin_locked(l);
    }
    if (l->state == NBD_LINK_WAITING) {
        LIST_INSERT_HEAD(&l->waiters, &w, link);
        g_mutex_unlock(&l->lock);
        coroutine_yield();
        g_mutex_lock(&l->lock);
    }
    c = l->conn ? nbd_conn_ref(l->conn) : NULL;
    g_mutex_unlock(&l->lock);
    return c;
}

int coroutine_fn nbd_link_request(NbdLink *l, const NbdRequest *r,
                                  NbdRequest *result)
{
    for (;;) {
        NbdConn *c = link_get(l);
        int ret;

        if (!c) {
            return -EIO;
        }
        *result = *r;
        ret = nbd_conn_request(c, result);
        if (ret == -ECONNRESET || ret == -EPROTO) {
            link_lost(l, c, ret == -EPROTO);
        }
        nbd_conn_unref(c);
        if (ret == -EPROTO || (ret == -ECONNRESET && !l->delay_ns)) {
            return -EIO;
        }
        if (ret != -ECONNRESET) {
            return ret;
        }
    }
}

/* ---- Life ---- */

/* The protocol sets no limit to how long a server may be silent; users do. */
static void link_yank(void *opaque)
{
    NbdLink *l = opaque;

    timer_del(l->retry_timer);
    timer_del(l->end_timer);
    if (l->job) {
        nbd_connect_cancel(l->job);
        l->job = NULL;
    }
    g_mutex_lock(&l->lock);
    l->state = NBD_LINK_DEAD;
    if (l->conn) {
        nbd_conn_shutdown(l->conn);
    }
    wake_all_locked(l);
    g_mutex_unlock(&l->lock);
    if (l->opening) {
        error_free(l->err);
        l->err = NULL;
        error_setg(&l->err, "the connection was cut by yank");
        l->opening = false;
    }
}

static bool link_is_opening(NbdLink *l)
{
    return l->opening;
}

NbdLink *nbd_link_new(NbdConfig *cfg, const char *name,
                      uint32_t reconnect_delay, uint32_t open_timeout,
                      Error **errp)
{
    NbdLink *l = g_new0(NbdLink, 1);

    l->cfg = nbd_config_ref(cfg);
    l->delay_ns = reconnect_delay * SECOND_NS;
    l->open_deadline_ns = clock_get_ns(CLOCK_REALTIME_NS) +
                          open_timeout * SECOND_NS;
    g_mutex_init(&l->lock);
    LIST_INIT(&l->waiters);
    l->start_bh = aio_bh_new(main_context(), link_attempt, l);
    l->retry_timer = timer_new_ns(main_context(), CLOCK_REALTIME_NS,
                                  link_attempt, l);
    l->end_timer = timer_new_ns(main_context(), CLOCK_REALTIME_NS,
                                link_give_up, l);
    l->retry_ns = SECOND_NS / 4;
    l->yank = yank_new(YANK_INSTANCE_TYPE_BLOCK_NODE, name, link_yank, l);
    l->opening = true;
    l->state = NBD_LINK_WAITING;
    link_attempt(l);
    AIO_WAIT_WHILE(NULL, link_is_opening(l));
    if (l->state != NBD_LINK_UP) {
        error_propagate(errp, g_steal_pointer(&l->err));
        nbd_link_free(l);
        return NULL;
    }
    return l;
}

void nbd_link_free(NbdLink *l)
{
    if (l->job) {
        nbd_connect_cancel(l->job);
    }
    yank_free(l->yank);
    aio_bh_delete(l->start_bh);
    timer_free(l->retry_timer);
    timer_free(l->end_timer);
    if (l->conn) {
        nbd_conn_say_disconnect(l->conn);
        nbd_conn_unref(l->conn);
    }
    error_free(l->err);
    nbd_config_unref(l->cfg);
    g_mutex_clear(&l->lock);
    g_free(l);
}

const NbdInfo *nbd_link_info(const NbdLink *l)
{
    return &l->info;
}
