/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads.
 *
 * Every thread of the process except the first is made by thread_create(),
 * which names it, blocks all signals in it (the main loop takes them) and
 * registers it with RCU for its whole life, so rcu_read_lock() works in it
 * (see util/rcu.h). Locks and conditions are pthread's: both are valid when
 * zeroed, need no destroy on Linux, and the thread sanitizer knows them.
 */
#ifndef UTIL_THREAD_H
#define UTIL_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct Error;

typedef struct Thread {
    pthread_t handle;
} Thread;

enum {
    THREAD_JOINABLE = 0,        /* thread_join() must be called once */
    THREAD_DETACHED = 1,        /* cleans up after itself; @t may be NULL */
};

/*
 * thread_create: start @fn(@opaque) in a new thread.
 * @name: shown by ps -L and gdb; cut to the kernel's 15 characters
 * @flags: THREAD_JOINABLE or THREAD_DETACHED
 *
 * Returns false with *@errp set when the system has no resources for it.
 */
bool thread_create(Thread *t, const char *name, void *(*fn)(void *),
                   void *opaque, int flags, struct Error **errp);

/* thread_join: wait for the end of @t and return the value of its function. */
void *thread_join(Thread *t);

/* thread_is_self: whether the caller runs in @t. */
bool thread_is_self(const Thread *t);

/* thread_get_id: the kernel's id of the calling thread (cached gettid). */
int thread_get_id(void);

/*
 * cond_timedwait_ns: wait on @cond for at most @ns nanoseconds of monotonic
 * time. Returns false when the time ran out. Spurious returns are possible.
 */
bool cond_timedwait_ns(pthread_cond_t *cond, pthread_mutex_t *mutex,
                       int64_t ns);

/* A pthread mutex held until the end of the block; stands with the
 * declarations:
 *     MUTEX_GUARD(&s->lock);
 */
static inline pthread_mutex_t *mutex_guard_lock(pthread_mutex_t *m)
{
    pthread_mutex_lock(m);
    return m;
}

static inline void mutex_guard_unlock(pthread_mutex_t **m)
{
    pthread_mutex_unlock(*m);
}

#define MUTEX_GUARD_NAME_(line) mutex_guard_##line
#define MUTEX_GUARD_(m, line)                                                  \
    pthread_mutex_t *MUTEX_GUARD_NAME_(line)                                   \
        __attribute__((cleanup(mutex_guard_unlock), unused)) =                 \
            mutex_guard_lock(m)
#define MUTEX_GUARD_EXPAND_(m, line) MUTEX_GUARD_(m, line)
#define MUTEX_GUARD(m) MUTEX_GUARD_EXPAND_(m, __LINE__)

#endif
