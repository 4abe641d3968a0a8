/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of AioContext, shared by util/aio*.c, timer.c, main-loop.c and
 * those who embed a bottom half (coroutine.c, thread-pool.c).
 *
 * An iteration (aio_poll) in order:
 *   1. busy-poll for a while, when that is on and may succeed   aio-spin.c
 *   2. else wait in the back end; it moves handlers to `ready`  aio-epoll.c ...
 *   3. run bottom halves                                        aio-bh.c
 *   4. run the handlers in `ready`                              aio.c
 *   5. run due timers                                           timer.c
 *
 * Sleeping and waking: before it decides how long to sleep the home sets
 * notify_me, and then looks at bottom halves, timers and `notified`; who gives
 * it work does that first and looks at notify_me second. With a full barrier
 * on both sides one of them sees the other. The first to see notify_me clears
 * it and writes the event descriptor, so a burst of work costs one write.
 *
 * The main context may be polled by any holder of the big lock, while the main
 * thread sleeps in it without the lock. Such a poller first gets the sleeper
 * out (`sleeping`), so that one thread at a time is in the back end, and what
 * the sleeper found is in `ready` before it asks for the big lock.
 */
#ifndef UTIL_AIO_INTERNAL_H
#define UTIL_AIO_INTERNAL_H

#include <poll.h>
#include <pthread.h>
#include "util/aio.h"
#include "util/error.h"
#include "util/queue.h"

/* aio-bh.c */

struct AioBH {
    AioContext *ctx;
    AioFn *cb;
    void *opaque;
    AioBH *next;
    unsigned flags;                     /* atomic; AIO_BH_* of aio-bh.c */
};

/* aio_bh_init_embedded: a bottom half inside another object, which must not be
 * freed while scheduled, but may be by its own callback. */
void aio_bh_init_embedded(AioBH *bh, AioContext *ctx, AioFn *cb, void *opaque);

/* aio_bh_pending: whether one waits that an iteration would run. Home. */
bool aio_bh_pending(const AioContext *ctx, bool outermost);

/* aio_bh_run: run them; those for the outermost loop only if @outermost. */
bool aio_bh_run(AioContext *ctx, bool outermost);

/* aio_bh_cleanup: free the deleted ones of a context that ends. */
void aio_bh_cleanup(AioContext *ctx);

/* First in, first out; only the home touches it. Zeroed is empty. */
typedef struct AioBHQueue {
    AioBH *first;
    AioBH *last;
} AioBHQueue;

typedef struct AioHandler AioHandler;

struct AioHandler {
    int fd;
    unsigned events;                    /* POLLIN, POLLOUT wanted; 0: deleted */
    unsigned revents;                   /* what happened, while on ready */
    EventNotifier *notifier;            /* edge triggered; else: */
    AioFn *io_read;
    AioFn *io_write;
    AioPollFn *io_poll;
    void *opaque;
    EventNotifierFn *notify;
    EventNotifierPollFn *notify_poll;
    EventNotifierFn *poll_begin;
    EventNotifierFn *poll_end;
    bool polling;                       /* poll_begin called, poll_end not */
    LIST_ENTRY(AioHandler) next;        /* on handlers or deleted */
    TAILQ_ENTRY(AioHandler) next_ready;
    /* For the back end */
    bool always_ready;                  /* epoll: a regular file */
    bool armed;                         /* io_uring: a poll is in flight */
    bool cancelling;                    /* io_uring: and told to end */
    bool dirty;                         /* io_uring: on the update list */
    STAILQ_ENTRY(AioHandler) next_dirty;
};

typedef LIST_HEAD(, AioHandler) AioHandlerList;

/* What tells which descriptors are ready. Each has a file of its own. */
typedef struct AioBackend {
    const char *name;
    bool (*init)(AioContext *ctx, Error **errp);
    void (*cleanup)(AioContext *ctx);
    /*
     * The events wanted of @h changed from @old_events (0: it is new) to
     * h->events (0: it goes). Any thread, ctx->lock held. A handler that is
     * armed or dirty is not freed.
     */
    void (*update)(AioContext *ctx, AioHandler *h, unsigned old_events);
    /*
     * Sleep for @timeout_ns (-1: no limit) or until something is ready, and
     * pass that to aio_handler_ready(). The one thread that polls; no lock.
     */
    void (*wait)(AioContext *ctx, int64_t timeout_ns);
    /* Whether something is ready, without a system call. NULL: cannot tell. */
    bool (*peek)(AioContext *ctx);
} AioBackend;

extern const AioBackend aio_backend_epoll;
extern const AioBackend aio_backend_poll;
extern const AioBackend aio_backend_uring;

typedef TAILQ_HEAD(AioTimerList, AioTimer) AioTimerList;

/* Timers of one clock, sorted; first_ns can be read without the lock. */
typedef struct AioTimers {
    AioTimerList list;
    int64_t first_ns;                   /* atomic; INT64_MAX: none */
} AioTimers;

/* This context's share of the workers; thread-pool.c, under its lock. */
typedef struct ThreadPoolRequest ThreadPoolRequest;
typedef struct AioThreadPool {
    unsigned min, max;
    unsigned running;                   /* given to the workers; atomic */
    STAILQ_HEAD(, ThreadPoolRequest) waiting;
} AioThreadPool;

/* thread_pool_is_busy: whether workers will have news for @ctx; any thread. */
bool thread_pool_is_busy(const AioContext *ctx);
/* thread_pool_init_context: before the first request of a new context. */
void thread_pool_init_context(AioContext *ctx);

/* What ends with the context. */
typedef struct AioCleanup {
    AioFn *fn;
    void *opaque;
    struct AioCleanup *next;
} AioCleanup;

/* Adaptive polling; see aio-spin.c. */
typedef struct AioSpin {
    int64_t max_ns, grow, shrink;       /* atomic: set by any thread */
    int64_t now_ns;                     /* how long to spin next time */
    bool started;                       /* some handler is `polling` */
} AioSpin;

struct AioContext {
    int refs;                           /* atomic */
    const AioBackend *backend;
    void *backend_data;
    bool is_main;

    /* Waking; atomic, see above */
    unsigned notify_me;
    unsigned notified;
    EventNotifier notifier;
    AioHandler *notifier_handler;

    /* Bottom halves */
    AioBH *bh_new;                      /* atomic: a stack */
    AioBHQueue bh_run;                  /* taken from there, in order */
    AioBHQueue bh_outermost;            /* kept for main_loop_run() */

    AioThreadPool pool;
    AioCleanup *cleanups;               /* home, until the last reference */
    unsigned max_batch;                 /* atomic; 0: no limit */
    AioSpin spin;                       /* home */
    unsigned depth;                     /* home: nesting of aio_poll */

    pthread_mutex_t timer_lock;
    AioTimers timers[CLOCK_TYPE__MAX];

    pthread_mutex_t lock;               /* of all that follows */
    AioHandlerList handlers;
    unsigned n_pollable;                /* of them, with an io_poll */
    unsigned n_unpollable;              /* and without */
    AioHandlerList deleted;
    TAILQ_HEAD(, AioHandler) ready;
    bool sleeping;                      /* the main thread is in the back end
                                           without the big lock */
    pthread_cond_t awake;               /* sleeping became false */

    LIST_ENTRY(AioContext) next;        /* all contexts */
};

/* aio.c */

/* aio_handler_ready: @revents happened to @h. For back ends; lock held. */
void aio_handler_ready(AioContext *ctx, AioHandler *h, unsigned revents);

/* aio_poll_level: aio_poll(); @outermost: it is main_loop_run()'s own. */
bool aio_poll_level(AioContext *ctx, bool blocking, bool outermost);

/* aio_notify_all: make every context look at its timers again. */
void aio_notify_all(void);

/* aio_foreach: call @fn for each context. */
void aio_foreach(void (*fn)(AioContext *ctx, void *opaque), void *opaque);

/* aio-spin.c */

/* aio_spin: busy-poll, for at most @timeout_ns (-1: no limit). Whether it
 * found work: then the caller need not sleep. */
bool aio_spin(AioContext *ctx, int64_t timeout_ns);

/* aio_spin_once: without a wait: look after the handlers in polling mode. */
void aio_spin_once(AioContext *ctx);

/* aio_spin_stop: before sleeping: end polling mode. True: found work. */
bool aio_spin_stop(AioContext *ctx);

/* aio_spin_adapt: learn from having waited @waited_ns for something. */
void aio_spin_adapt(AioContext *ctx, int64_t waited_ns);

/* timer.c */

void aio_timers_init(AioContext *ctx);

/* aio_timers_timeout_ns: until the first timer is due; 0: now, -1: none. */
int64_t aio_timers_timeout_ns(const AioContext *ctx);

/* aio_timers_run: run those that are due. Whether there were any. */
bool aio_timers_run(AioContext *ctx);

#endif
