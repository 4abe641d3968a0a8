/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AioContext: an event loop.
 *
 * It watches file descriptors, runs bottom halves and timers, and resumes
 * coroutines. The main loop is one (util/main-loop.h), each iothread is one.
 *
 * Life cycle: aio_context_new() gives one reference; whoever stores the
 * pointer takes another. Before the last one goes, all handlers, bottom halves
 * and timers must be gone.
 *
 * Threads: a context has a home, the thread that calls aio_poll() on it in a
 * loop after aio_context_set_current(). The home of the main context is
 * whichever thread holds the big lock. All callbacks run in the home. What may
 * be called from other threads says so.
 *
 * Cost: an idle context sleeps in one system call without a time-out. A kick
 * of a watched EventNotifier costs its home one system call, the wait itself:
 * notifiers are watched edge-triggered, so nothing reads them back. While the
 * context busy-polls a kick costs none on either side, because the owner of
 * the doorbell is told to turn it off (aio_set_event_notifier_poll).
 *
 * Back ends: epoll, io_uring and poll, each in its own file behind
 * util/aio-internal.h. The best one is taken; tests choose.
 */
#ifndef UTIL_AIO_H
#define UTIL_AIO_H

#include <stdbool.h>
#include <stdint.h>
#include "util/event-notifier.h"
#include "util/timer.h"

struct Error;

typedef struct AioContext AioContext;
typedef struct AioBH AioBH;

typedef void AioFn(void *opaque);
/* AioPollFn: look for work in memory, without a system call; true = there is. */
typedef bool AioPollFn(void *opaque);
typedef void EventNotifierFn(EventNotifier *n);
typedef bool EventNotifierPollFn(EventNotifier *n);

/* Creation */

/* aio_context_new: a context with the best back end the host has. */
AioContext *aio_context_new(struct Error **errp);

/*
 * aio_context_new_backend: the same with a given one, "epoll", "io_uring" or
 * "poll"; fails with *@errp set when the build or the host lacks it.
 */
AioContext *aio_context_new_backend(const char *name, struct Error **errp);

AioContext *aio_context_ref(AioContext *ctx);
void aio_context_unref(AioContext *ctx);            /* NULL is fine */

/*
 * aio_context_add_cleanup: call @fn(@opaque) when the last reference goes, in
 * whichever thread drops it: for what a context gets on first use, as a ring
 * of io_uring. Home.
 */
void aio_context_add_cleanup(AioContext *ctx, AioFn *fn, void *opaque);

/* aio_context_set_max_batch: requests that an I/O engine should hand to the
 * kernel at once; 0 (as at first): as it likes. Any thread. */
void aio_context_set_max_batch(AioContext *ctx, unsigned max);
unsigned aio_context_get_max_batch(const AioContext *ctx);

/* aio_context_backend_name: "epoll", "io_uring" or "poll". */
const char *aio_context_backend_name(const AioContext *ctx);

/* Homes */

/* aio_context_set_current: make the calling thread the home of @ctx (or of
 * none, with NULL). */
void aio_context_set_current(AioContext *ctx);

/*
 * aio_get_current: the context whose home is the calling thread: the one set
 * above, else the main context when the thread holds the big lock, else NULL.
 */
AioContext *aio_get_current(void);

/* aio_in_home: whether the caller may touch @ctx as its home. */
bool aio_in_home(const AioContext *ctx);

/* File descriptors */

/*
 * aio_set_fd_handler: watch @fd, change how it is watched, or stop.
 * @io_read, @io_write: called when @fd can be read or written (level
 *     triggered; an error or hang-up counts as both). NULL: not watched for.
 *     Both NULL: forget @fd; do this before closing it.
 * @io_poll: may be NULL. Asked while the context busy-polls; when it returns
 *     true, @io_read is called though @fd may not be readable.
 *
 * Handlers must stand a spurious call. Any thread; but after a change from
 * another thread than the home the old handler may still be running: to be
 * sure that it is not, make the change by aio_wait_bh_oneshot().
 */
void aio_set_fd_handler(AioContext *ctx, int fd, AioFn *io_read,
                        AioFn *io_write, AioPollFn *io_poll, void *opaque);

/*
 * aio_set_event_notifier: watch @n, or stop with @handler NULL. Edge
 * triggered: @handler runs once (or more) after each set, without having to
 * clear @n, and once at the start when @n is set then. Any thread, as above.
 */
void aio_set_event_notifier(AioContext *ctx, EventNotifier *n,
                            EventNotifierFn *handler,
                            EventNotifierPollFn *io_poll);

/*
 * aio_set_event_notifier_poll: functions called in the home when busy-polling
 * of @n (which has an io_poll) starts and ends: the place to tell the other
 * side not to kick, and to kick again. After @end, io_poll is asked once more
 * before the context sleeps.
 */
void aio_set_event_notifier_poll(AioContext *ctx, EventNotifier *n,
                                 EventNotifierFn *begin, EventNotifierFn *end);

/*
 * aio_context_set_poll_params: busy-poll before sleeping. The time grows and
 * shrinks with what it gains, within these limits. Off at first.
 * @max_ns: the longest time to spin; 0: never
 * @grow, @shrink: factors; 0: double, and back to nothing at once
 *
 * Spinning happens only while every watched fd has an io_poll (with the
 * io_uring back end also without). Any thread. Fails on values below 0.
 */
bool aio_context_set_poll_params(AioContext *ctx, int64_t max_ns, int64_t grow,
                                 int64_t shrink, struct Error **errp);

/* Bottom halves: functions run soon, after handlers and timers */

/* aio_bh_new: any thread. */
AioBH *aio_bh_new(AioContext *ctx, AioFn *cb, void *opaque);

/*
 * aio_bh_new_outermost: one that runs only from main_loop_run() itself, never
 * from a nested aio_poll(): for what must not happen in the middle of
 * something else, like QMP commands and resets of the machine.
 */
AioBH *aio_bh_new_outermost(AioContext *ctx, AioFn *cb, void *opaque);

/*
 * aio_bh_schedule: run it once, in the home. Scheduling it again before it
 * started changes nothing. Any thread, lock-free; what was written before is
 * seen by the callback. The caller keeps the context alive over the call, by a
 * reference if the callback could make others drop theirs.
 */
void aio_bh_schedule(AioBH *bh);

/* aio_bh_cancel: undo aio_bh_schedule, unless it already runs. Any thread. */
void aio_bh_cancel(AioBH *bh);

/*
 * aio_bh_delete: cancel and free. Any thread; it does not start after this,
 * but from another thread than the home it may still be running.
 */
void aio_bh_delete(AioBH *bh);

/* aio_bh_schedule_oneshot: run @cb once. Any thread. */
void aio_bh_schedule_oneshot(AioContext *ctx, AioFn *cb, void *opaque);

/* Running */

/*
 * aio_poll: one iteration: wait (with @blocking) until there is something to
 * do, then do it. Home only. May nest in a callback. Returns whether anything
 * was done; a blocking call also returns after aio_notify().
 */
bool aio_poll(AioContext *ctx, bool blocking);

/* aio_notify: make the home look again. Any thread. No system call unless the
 * home sleeps. */
void aio_notify(AioContext *ctx);

/* Waiting from plain functions. Coroutines yield instead. */

/*
 * AIO_WAIT_WHILE: run the loop until @cond is false. The caller is the home of
 * @ctx, or holds the big lock (and then runs the main loop meanwhile). Who
 * makes @cond false calls aio_wait_kick() after, unless that happens in a
 * callback of the loop that waits. @ctx NULL: the main context.
 * Returns whether it waited at all.
 */
#define AIO_WAIT_WHILE(ctx, cond)                                              \
    (__extension__({                                                           \
        AioContext *wait_ctx_ = aio_wait_begin(ctx);                           \
        bool waited_ = false;                                                  \
        while (cond) {                                                         \
            aio_poll(wait_ctx_, true);                                         \
            waited_ = true;                                                    \
        }                                                                      \
        aio_wait_end();                                                        \
        waited_;                                                               \
    }))

/* aio_wait_kick: the condition of some AIO_WAIT_WHILE may have changed. Any
 * thread. */
void aio_wait_kick(void);

/*
 * aio_wait_bh_oneshot: run @cb(@opaque) in the home of @ctx and wait for its
 * end. The caller holds the big lock (and is not the home of another context).
 */
void aio_wait_bh_oneshot(AioContext *ctx, AioFn *cb, void *opaque);

/* Private parts of the macro. */
AioContext *aio_wait_begin(AioContext *ctx);
void aio_wait_end(void);

#endif
