/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Coroutines: functions with a stack of their own that give way while they
 * wait. The block layer is written with them, nothing else is.
 *
 * A coroutine is created, entered, and ends by returning from its function,
 * which frees it: there is no destroy. While it yields it belongs to whatever
 * arranged the wake-up. It runs in the thread that enters it; it may be
 * resumed in another one than it yielded in, so no pointer to thread-local
 * data may live across a yield.
 *
 * Functions that may yield are marked coroutine_fn and are only called from
 * such functions.
 *
 * Waking: aio_co_wake() is right from any thread and any place.
 * coroutine_enter() on a sleeping coroutine is for its own context's thread
 * and nests: the caller continues when it yields.
 */
#ifndef UTIL_COROUTINE_H
#define UTIL_COROUTINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "util/aio.h"

#define coroutine_fn

typedef struct Coroutine Coroutine;
typedef void coroutine_fn CoroutineFn(void *opaque);

/*
 * Usable bytes of a stack. Pages are committed when touched, so this bounds
 * depth, not memory. The deepest user is a TLS handshake under the NBD client
 * (about 40 KiB in GnuTLS), on top of a graph of a dozen nodes at well under
 * 1 KiB each. Sanitizers make frames several times larger. A guard page below
 * turns overflow into a fault.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COROUTINE_STACK_BYTES (512 * 1024)
#else
#define COROUTINE_STACK_BYTES (128 * 1024)
#endif

/* coroutine_create: make one that will run @fn(@opaque) when entered. Memory
 * for stacks comes from a pool of the calling thread. */
Coroutine *coroutine_create(CoroutineFn *fn, void *opaque);

/* coroutine_enter: run @co until it yields or ends. Not for one that runs. */
void coroutine_enter(Coroutine *co);

/* coroutine_yield: go back to whoever entered. */
void coroutine_fn coroutine_yield(void);

/* coroutine_self: the running coroutine; NULL outside of one. */
Coroutine *coroutine_self(void);

bool in_coroutine(void);

/* coroutine_entered: whether @co runs, or waits for one that it entered. */
bool coroutine_entered(const Coroutine *co);

/* coroutine_get_context: where aio_co_wake() will resume it: the context it
 * last ran in. */
AioContext *coroutine_get_context(const Coroutine *co);

/* Contexts */

/* aio_co_schedule: enter @co from @ctx's loop. @co must not run. Any thread. */
void aio_co_schedule(AioContext *ctx, Coroutine *co);

/*
 * aio_co_enter: enter @co in @ctx: now when this is its home and not in a
 * coroutine; when in a coroutine, as soon as that yields; else by the loop.
 */
void aio_co_enter(AioContext *ctx, Coroutine *co);

/* aio_co_wake: aio_co_enter() in the context @co last ran in. Any thread. */
void aio_co_wake(Coroutine *co);

/* aio_co_reschedule_self: continue in the home of @ctx. */
void coroutine_fn aio_co_reschedule_self(AioContext *ctx);

/* Sleeping */

/* co_sleep_ns: sleep that long on @clock. */
void coroutine_fn co_sleep_ns(ClockType clock, int64_t ns);

/* A sleep that can be cut short; zero it before first use. */
typedef struct CoSleep {
    Coroutine *sleeper;
} CoSleep;

void coroutine_fn co_sleep_ns_wakeable(CoSleep *s, ClockType clock, int64_t ns);

/* co_sleep_wake: end the sleep, if there is one. Thread of the sleeper. */
void co_sleep_wake(CoSleep *s);

/* co_wait_fd_readable, co_wait_fd_writable: nobody else may watch @fd in the
 * coroutine's context meanwhile. */
void coroutine_fn co_wait_fd_readable(int fd);
void coroutine_fn co_wait_fd_writable(int fd);

/* Locks. Zeroed is initialized; nothing to destroy. First come, first served.
 * Coroutines of different threads may share them. */

/* Waiters in order of arrival; they live on the waiting stacks. */
typedef struct CoWaiter CoWaiter;
typedef struct CoWaiterList {
    CoWaiter *first, *last;
} CoWaiterList;

typedef struct CoMutex {
    pthread_mutex_t guard;          /* of the rest; never held over a yield */
    Coroutine *holder;
    CoWaiterList waiters;
} CoMutex;

void co_mutex_init(CoMutex *m);
void coroutine_fn co_mutex_lock(CoMutex *m);
void coroutine_fn co_mutex_unlock(CoMutex *m);
/* co_mutex_assert_locked: programming error unless the caller holds @m. */
void coroutine_fn co_mutex_assert_locked(const CoMutex *m);

/* A queue of coroutines that wait for something. */
typedef struct CoQueue {
    CoWaiterList waiters;
} CoQueue;

void co_queue_init(CoQueue *q);
/*
 * co_queue_wait: wait to be restarted. @m (NULL when all users share a thread)
 * is unlocked for the time and locked again. All calls on one queue are under
 * the same @m.
 */
void coroutine_fn co_queue_wait(CoQueue *q, CoMutex *m);
/* co_queue_next: wake the first; false when there is none. */
bool co_queue_next(CoQueue *q);
void co_queue_restart_all(CoQueue *q);
bool co_queue_empty(const CoQueue *q);

/* Many readers or one writer. A waiting writer holds back new readers. */
typedef struct CoRwlock {
    pthread_mutex_t guard;          /* of the rest; never held over a yield */
    int owners;                     /* > 0 readers, -1 writer */
    CoWaiterList waiters;
} CoRwlock;

void co_rwlock_init(CoRwlock *l);
void coroutine_fn co_rwlock_rdlock(CoRwlock *l);
void coroutine_fn co_rwlock_wrlock(CoRwlock *l);
void coroutine_fn co_rwlock_unlock(CoRwlock *l);
/* co_rwlock_downgrade: from write to read, without a gap. */
void coroutine_fn co_rwlock_downgrade(CoRwlock *l);

#endif
