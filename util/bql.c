/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The big lock; see include/util/bql.h. */
#include "util/osdep.h"
#include "util/bql.h"
#include "util/thread.h"

static pthread_mutex_t bql = PTHREAD_MUTEX_INITIALIZER;
static __thread bool bql_held;

void bql_lock(void)
{
    g_assert(!bql_held);
    pthread_mutex_lock(&bql);
    bql_held = true;
}

void bql_unlock(void)
{
    g_assert(bql_held);
    bql_held = false;
    pthread_mutex_unlock(&bql);
}

/* Not inlined, lest a coroutine that changed threads reads the old one's. */
__attribute__((noinline)) bool bql_locked(void)
{
    return bql_held;
}

void bql_cond_wait(pthread_cond_t *cond)
{
    g_assert(bql_held);
    bql_held = false;
    pthread_cond_wait(cond, &bql);
    bql_held = true;
}

bool bql_cond_timedwait_ns(pthread_cond_t *cond, int64_t ns)
{
    bool in_time;

    g_assert(bql_held);
    bql_held = false;
    in_time = cond_timedwait_ns(cond, &bql, ns);
    bql_held = true;
    return in_time;
}
