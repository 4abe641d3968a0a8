/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop: contexts, handlers, iterations. aio-internal.h explains. */
#include "util/osdep.h"
#include "util/aio-internal.h"
#include "util/bql.h"
#include "util/main-loop.h"
#include "util/thread.h"
#include "util/thread-pool.h"

static pthread_mutex_t contexts_lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, AioContext) contexts = LIST_HEAD_INITIALIZER(contexts);

static __thread AioContext *current_ctx;

/* Best first: the first that works is taken. */
static const AioBackend *const backends[] = {
    &aio_backend_epoll,
#ifdef CONFIG_IO_URING
    &aio_backend_uring,
#endif
    &aio_backend_poll,
};

/* Homes. Not inlined: a coroutine may change threads between two calls. */

__attribute__((noinline)) void aio_context_set_current(AioContext *ctx)
{
    current_ctx = ctx;
}

__attribute__((noinline)) AioContext *aio_get_current(void)
{
    if (current_ctx) {
        return current_ctx;
    }
    return bql_locked() ? main_context() : NULL;
}

bool aio_in_home(const AioContext *ctx)
{
    return aio_get_current() == ctx;
}

/* Waking */

void aio_notify(AioContext *ctx)
{
    if (!aio_in_home(ctx)) {
        __atomic_store_n(&ctx->notified, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ctx->notify_me, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&ctx->notify_me, 0, __ATOMIC_SEQ_CST)) {
        event_notifier_set(&ctx->notifier);
    }
}

void aio_foreach(void (*fn)(AioContext *ctx, void *opaque), void *opaque)
{
    AioContext *ctx;

    MUTEX_GUARD(&contexts_lock);
    LIST_FOREACH(ctx, &contexts, next) {
        fn(ctx, opaque);
    }
}

static void aio_notify_one(AioContext *ctx, void *unused)
{
    aio_notify(ctx);
}

void aio_notify_all(void)
{
    aio_foreach(aio_notify_one, NULL);
}

/* Handlers. ctx->lock is held where a function's name ends so. */

static AioHandler *aio_handler_find_locked(AioContext *ctx, int fd)
{
    AioHandler *h;

    LIST_FOREACH(h, &ctx->handlers, next) {
        if (h->fd == fd) {
            return h;
        }
    }
    return NULL;
}

static bool aio_handler_pollable(const AioHandler *h)
{
    return h->io_poll || h->notify_poll;
}

static void aio_handler_count_locked(AioContext *ctx, const AioHandler *h,
                                     int by)
{
    if (aio_handler_pollable(h)) {
        ctx->n_pollable += by;
    } else if (h != ctx->notifier_handler) {
        ctx->n_unpollable += by;
    }
}

static void aio_handler_remove_locked(AioContext *ctx, AioHandler *h)
{
    LIST_REMOVE(h, next);
    LIST_INSERT_HEAD(&ctx->deleted, h, next);
    if (h->revents) {
        TAILQ_REMOVE(&ctx->ready, h, next_ready);
        h->revents = 0;
    }
}

/* Take over what @want says; no events: remove. Returns the handler, which
 * lives on for now even if removed, or NULL when there was none. */
static AioHandler *aio_handler_set_locked(AioContext *ctx,
                                          const AioHandler *want)
{
    AioHandler *h = aio_handler_find_locked(ctx, want->fd);
    unsigned old_events = h ? h->events : 0;

    if (!h && !want->events) {
        return NULL;
    }
    if (!h) {
        h = g_new0(AioHandler, 1);
        h->fd = want->fd;
        LIST_INSERT_HEAD(&ctx->handlers, h, next);
    } else {
        aio_handler_count_locked(ctx, h, -1);
    }
    h->events = want->events;
    h->notifier = want->notifier;
    h->io_read = want->io_read;
    h->io_write = want->io_write;
    h->io_poll = want->io_poll;
    h->opaque = want->opaque;
    h->notify = want->notify;
    h->notify_poll = want->notify_poll;
    if (h->events) {
        aio_handler_count_locked(ctx, h, 1);
    } else {
        aio_handler_remove_locked(ctx, h);
    }
    if (h->events != old_events) {
        ctx->backend->update(ctx, h, old_events);
    }
    return h;
}

static void aio_handler_set(AioContext *ctx, const AioHandler *want)
{
    EventNotifierFn *poll_end = NULL;
    AioHandler *h;

    pthread_mutex_lock(&ctx->lock);
    h = aio_handler_set_locked(ctx, want);
    if (h && h->polling && !aio_handler_pollable(h)) {
        h->polling = false;
        poll_end = h->poll_end;
    }
    pthread_mutex_unlock(&ctx->lock);
    /* Whoever watches it next finds the doorbell working. */
    if (poll_end) {
        poll_end(want->notifier);
    }
}

void aio_set_fd_handler(AioContext *ctx, int fd, AioFn *io_read,
                        AioFn *io_write, AioPollFn *io_poll, void *opaque)
{
    AioHandler want = {
        .fd = fd,
        .events = (io_read ? POLLIN : 0) | (io_write ? POLLOUT : 0),
        .io_read = io_read,
        .io_write = io_write,
        .io_poll = io_poll,
        .opaque = opaque,
    };

    g_assert(fd >= 0);
    aio_handler_set(ctx, &want);
}

void aio_set_event_notifier(AioContext *ctx, EventNotifier *n,
                            EventNotifierFn *handler,
                            EventNotifierPollFn *io_poll)
{
    AioHandler want = {
        .fd = event_notifier_get_fd(n),
        .events = handler ? POLLIN : 0,
        .notifier = n,
        .notify = handler,
        .notify_poll = io_poll,
    };

    aio_handler_set(ctx, &want);
}

void aio_set_event_notifier_poll(AioContext *ctx, EventNotifier *n,
                                 EventNotifierFn *begin, EventNotifierFn *end)
{
    AioHandler *h;
    MUTEX_GUARD(&ctx->lock);

    h = aio_handler_find_locked(ctx, event_notifier_get_fd(n));
    if (h) {
        h->poll_begin = begin;
        h->poll_end = end;
    }
}

void aio_handler_ready(AioContext *ctx, AioHandler *h, unsigned revents)
{
    /* Errors and hang-ups are for whoever watches. */
    if (revents & (POLLERR | POLLHUP)) {
        revents |= POLLIN | POLLOUT;
    }
    revents &= h->events;
    if (!revents) {
        return;
    }
    if (!h->revents) {
        TAILQ_INSERT_TAIL(&ctx->ready, h, next_ready);
    }
    h->revents |= revents;
}

/* Call what @revents asks for. The lock is dropped around each call, and
 * looked under again: the first call may change or delete the handler. */
static bool aio_handler_call_locked(AioContext *ctx, AioHandler *h,
                                    unsigned revents)
{
    static const unsigned order[] = { POLLIN, POLLOUT };
    bool progress = false;

    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        unsigned event = order[i] & revents & h->events;
        AioHandler now = *h;

        if (!event) {
            continue;
        }
        pthread_mutex_unlock(&ctx->lock);
        if (now.notifier) {
            now.notify(now.notifier);
        } else if (event == POLLIN) {
            now.io_read(now.opaque);
        } else {
            now.io_write(now.opaque);
        }
        progress |= h != ctx->notifier_handler;
        pthread_mutex_lock(&ctx->lock);
    }
    return progress;
}

static bool aio_handlers_run(AioContext *ctx)
{
    bool progress = false;
    AioHandler *h;

    MUTEX_GUARD(&ctx->lock);
    while ((h = TAILQ_FIRST(&ctx->ready))) {
        unsigned revents = h->revents;

        TAILQ_REMOVE(&ctx->ready, h, next_ready);
        h->revents = 0;
        progress |= aio_handler_call_locked(ctx, h, revents);
    }
    return progress;
}

/* Free the deleted, once no call is under way and no back end knows them. */
static void aio_handlers_reap(AioContext *ctx)
{
    AioHandler *h, *tmp;

    MUTEX_GUARD(&ctx->lock);
    LIST_FOREACH_SAFE(h, &ctx->deleted, next, tmp) {
        if (!h->armed && !h->dirty) {
            LIST_REMOVE(h, next);
            g_free(h);
        }
    }
}

/* Running */

/* The main context is polled while the main thread sleeps in it: get that out
 * of the back end. It then waits for the big lock, which the caller has. */
static void aio_wake_sleeper(AioContext *ctx)
{
    MUTEX_GUARD(&ctx->lock);
    while (ctx->sleeping) {
        event_notifier_set(&ctx->notifier);
        pthread_cond_wait(&ctx->awake, &ctx->lock);
    }
}

/* Wait in the back end; the outermost main loop gives up the big lock. */
static void aio_wait(AioContext *ctx, int64_t timeout_ns, bool outermost)
{
    if (!outermost) {
        ctx->backend->wait(ctx, timeout_ns);
        return;
    }
    pthread_mutex_lock(&ctx->lock);
    ctx->sleeping = true;
    pthread_mutex_unlock(&ctx->lock);
    bql_unlock();
    ctx->backend->wait(ctx, timeout_ns);
    __atomic_store_n(&ctx->notify_me, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&ctx->lock);
    ctx->sleeping = false;
    pthread_cond_broadcast(&ctx->awake);
    pthread_mutex_unlock(&ctx->lock);
    bql_lock();
}

/* How long the coming wait may be, after notify_me has been set. */
static int64_t aio_timeout_ns(AioContext *ctx, bool outermost)
{
    /* Handlers are ready already when this call nests in one of them, or when
     * another thread slept before this one. */
    if (__atomic_load_n(&ctx->notified, __ATOMIC_SEQ_CST) ||
        aio_bh_pending(ctx, outermost) || !TAILQ_EMPTY(&ctx->ready)) {
        return 0;
    }
    return aio_timers_timeout_ns(ctx);
}

static void aio_sleep(AioContext *ctx, bool outermost)
{
    int64_t timeout_ns;

    __atomic_store_n(&ctx->notify_me, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    timeout_ns = aio_timeout_ns(ctx, outermost);
    if (!timeout_ns) {
        aio_spin_once(ctx);
    } else if (aio_spin_stop(ctx)) {
        timeout_ns = 0;
    }
    aio_wait(ctx, timeout_ns, outermost);
    __atomic_store_n(&ctx->notify_me, 0, __ATOMIC_SEQ_CST);
}

/* Busy-poll first, when that is on, and sleep if it brought nothing. */
static void aio_wait_for_work(AioContext *ctx, bool outermost)
{
    int64_t start_ns, timeout_ns;

    if (__atomic_load_n(&ctx->spin.max_ns, __ATOMIC_RELAXED) == 0) {
        aio_sleep(ctx, outermost);
        return;
    }
    timeout_ns = aio_timeout_ns(ctx, outermost);
    if (timeout_ns == 0) {
        aio_sleep(ctx, outermost);
        return;
    }
    start_ns = clock_get_ns(CLOCK_REALTIME_NS);
    if (!aio_spin(ctx, timeout_ns)) {
        aio_sleep(ctx, outermost);
    }
    aio_spin_adapt(ctx, clock_get_ns(CLOCK_REALTIME_NS) - start_ns);
}

bool aio_poll_level(AioContext *ctx, bool blocking, bool outermost)
{
    bool progress;

    g_assert(aio_in_home(ctx));
    if (ctx->is_main && !outermost) {
        aio_wake_sleeper(ctx);
    }
    ctx->depth++;
    if (blocking) {
        aio_wait_for_work(ctx, outermost);
    } else {
        aio_spin_once(ctx);
        ctx->backend->wait(ctx, 0);
    }
    if (__atomic_load_n(&ctx->notified, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&ctx->notified, 0, __ATOMIC_SEQ_CST);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    progress = aio_handlers_run(ctx);
    progress |= aio_timers_run(ctx);
    /* Last, so that what those leave for later needs no other system call. */
    progress |= aio_bh_run(ctx, outermost);
    ctx->depth--;
    if (!ctx->depth && !LIST_EMPTY(&ctx->deleted)) {
        aio_handlers_reap(ctx);
    }
    return progress;
}

bool aio_poll(AioContext *ctx, bool blocking)
{
    return aio_poll_level(ctx, blocking, false);
}

/* Life cycle */

static void aio_notifier_nop(EventNotifier *n)
{
}

static const AioBackend *aio_backend_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (g_str_equal(backends[i]->name, name)) {
            return backends[i];
        }
    }
    return NULL;
}

static AioContext *aio_context_create(const AioBackend *backend, Error **errp)
{
    AioContext *ctx = g_new0(AioContext, 1);

    ctx->refs = 1;
    ctx->backend = backend;
    TAILQ_INIT(&ctx->ready);
    aio_timers_init(ctx);
    thread_pool_init_context(ctx);
    if (!event_notifier_init(&ctx->notifier, false, errp)) {
        g_free(ctx);
        return NULL;
    }
    if (!backend->init(ctx, errp)) {
        event_notifier_cleanup(&ctx->notifier);
        g_free(ctx);
        return NULL;
    }
    aio_set_event_notifier(ctx, &ctx->notifier, aio_notifier_nop, NULL);
    ctx->notifier_handler = LIST_FIRST(&ctx->handlers);
    ctx->n_unpollable = 0;
    pthread_mutex_lock(&contexts_lock);
    LIST_INSERT_HEAD(&contexts, ctx, next);
    pthread_mutex_unlock(&contexts_lock);
    return ctx;
}

AioContext *aio_context_new_backend(const char *name, Error **errp)
{
    const AioBackend *backend = aio_backend_find(name);

    if (!backend) {
        error_setg(errp, "no event loop back end '%s' in this build", name);
        error_append_hint(errp, "'io_uring' needs liburing; 'epoll' and 'poll' "
                          "are always there");
        return NULL;
    }
    return aio_context_create(backend, errp);
}

AioContext *aio_context_new(Error **errp)
{
    AioContext *ctx = NULL;

    for (size_t i = 0; !ctx && i < G_N_ELEMENTS(backends); i++) {
        bool last = i + 1 == G_N_ELEMENTS(backends);

        ctx = aio_context_create(backends[i], last ? errp : NULL);
    }
    return ctx;
}

AioContext *aio_context_ref(AioContext *ctx)
{
    __atomic_fetch_add(&ctx->refs, 1, __ATOMIC_RELAXED);
    return ctx;
}

void aio_context_unref(AioContext *ctx)
{
    if (!ctx || __atomic_fetch_sub(&ctx->refs, 1, __ATOMIC_ACQ_REL) > 1) {
        return;
    }
    pthread_mutex_lock(&contexts_lock);
    LIST_REMOVE(ctx, next);
    pthread_mutex_unlock(&contexts_lock);
    thread_pool_set_limits(ctx, 0, THREAD_POOL_MAX);
    while (ctx->cleanups) {
        AioCleanup *c = ctx->cleanups;

        ctx->cleanups = c->next;
        c->fn(c->opaque);
        g_free(c);
    }
    aio_bh_cleanup(ctx);
    aio_set_event_notifier(ctx, &ctx->notifier, NULL, NULL);
    g_assert(LIST_EMPTY(&ctx->handlers));
    ctx->backend->cleanup(ctx);
    aio_handlers_reap(ctx);
    event_notifier_cleanup(&ctx->notifier);
    g_free(ctx);
}

void aio_context_add_cleanup(AioContext *ctx, AioFn *fn, void *opaque)
{
    AioCleanup *c = g_new(AioCleanup, 1);

    g_assert(aio_in_home(ctx));
    *c = (AioCleanup) { .fn = fn, .opaque = opaque, .next = ctx->cleanups };
    ctx->cleanups = c;
}

void aio_context_set_max_batch(AioContext *ctx, unsigned max)
{
    __atomic_store_n(&ctx->max_batch, max, __ATOMIC_RELAXED);
}

unsigned aio_context_get_max_batch(const AioContext *ctx)
{
    return __atomic_load_n(&ctx->max_batch, __ATOMIC_RELAXED);
}

const char *aio_context_backend_name(const AioContext *ctx)
{
    return ctx->backend->name;
}
