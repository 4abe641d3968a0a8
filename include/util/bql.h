/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The big lock.
 *
 * It protects everything that has no finer rule: the QOM tree, device state
 * outside iothreads, the monitor, the block graph. Callbacks of the main loop
 * run with it held; a vCPU thread takes it for a region that does not opt out;
 * an iothread never takes it on its data path.
 *
 * Not recursive. Lock order: the big lock first, then any lock of util/.
 */
#ifndef UTIL_BQL_H
#define UTIL_BQL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void bql_lock(void);
void bql_unlock(void);

/* bql_locked: whether the calling thread holds the lock. One TLS load. */
bool bql_locked(void);

/* bql_cond_wait: drop the lock, wait for @cond, take the lock again. */
void bql_cond_wait(pthread_cond_t *cond);

/*
 * bql_cond_timedwait_ns: the same, for at most @ns. Returns false when the
 * time ran out.
 */
bool bql_cond_timedwait_ns(pthread_cond_t *cond, int64_t ns);

/* The lock for the rest of the block, unless the thread holds it already.
 * Stands with the declarations. */
static inline bool bql_guard_lock(void)
{
    bool taken = !bql_locked();

    if (taken) {
        bql_lock();
    }
    return taken;
}

static inline void bql_guard_unlock(bool *taken)
{
    if (*taken) {
        bql_unlock();
    }
}

#define BQL_GUARD()                                                            \
    bool bql_guard_ __attribute__((cleanup(bql_guard_unlock), unused)) =       \
        bql_guard_lock()

#endif
