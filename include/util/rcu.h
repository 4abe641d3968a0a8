/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RCU is liburcu, its memory-barrier flavour ("mb"): readers cost two fences
 * and need nothing else of the thread, no quiescent states and no signal; the
 * kernel need not have membarrier(2), which some sandboxes forbid.
 *
 * Rules here:
 *  - A thread that reads is registered: thread_create() does it for its
 *    threads, main() calls rcu_register_thread() once. A library's thread
 *    that calls us back registers itself.
 *  - rcu_read_lock() sections are short, never sleep for the guest or take
 *    the big lock, and do not cross a coroutine's yield.
 *  - The writer publishes with rcu_assign_pointer() or rcu_xchg_pointer() and
 *    frees with rcu_free_after() below, or call_rcu(). Prefer these to
 *    synchronize_rcu(), which waits for all readers; that one must not be
 *    called inside a read section, nor with the big lock held where a reader
 *    may want it.
 *  - call_rcu callbacks run in liburcu's own thread, without the big lock. It
 *    is started by the first call_rcu(), which therefore comes after
 *    daemonizing; rcu_barrier() waits for the callbacks queued so far.
 */
#ifndef UTIL_RCU_H
#define UTIL_RCU_H

#ifndef RCU_MB
#error "the build defines RCU_MB with the liburcu dependency"
#endif
#include <urcu.h>
#include <glib.h>

static inline void rcu_read_unlock_guard(const int *unused)
{
    rcu_read_unlock();
}

static inline int rcu_read_lock_guard(void)
{
    rcu_read_lock();
    return 0;
}

/* A read section until the end of the block; stands with the declarations. */
#define RCU_READ_GUARD()                                                       \
    int rcu_read_guard_                                                        \
        __attribute__((cleanup(rcu_read_unlock_guard), unused)) =              \
            rcu_read_lock_guard()

/*
 * rcu_free_after: g_free() @ptr after the current readers are gone. @head is
 * the struct rcu_head inside it and must be its first member.
 */
static inline void rcu_free_cb(struct rcu_head *head)
{
    g_free(head);
}

#define rcu_free_after(ptr, head)                                              \
    do {                                                                       \
        _Static_assert(__builtin_offsetof(__typeof__(*(ptr)), head) == 0,      \
                       "the rcu_head comes first");                            \
        call_rcu(&(ptr)->head, rcu_free_cb);                                   \
    } while (0)

#endif
