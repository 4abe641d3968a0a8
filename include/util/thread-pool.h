/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocking calls in worker threads.
 *
 * One pool serves the process. Workers start on demand, at most
 * THREAD_POOL_MAX of them, and leave after some idle seconds, so a process at
 * rest has none. A function runs without any lock; its completion runs in the
 * AioContext that asked.
 */
#ifndef UTIL_THREAD_POOL_H
#define UTIL_THREAD_POOL_H

#include "util/aio.h"
#include "util/coroutine.h"

/* More blocked system calls than this help no disk, but cost a stack each. */
#define THREAD_POOL_MAX 64
#define THREAD_POOL_IDLE_SECONDS 10

typedef int ThreadPoolFn(void *opaque);
typedef void ThreadPoolDoneFn(void *opaque, int ret);

/*
 * thread_pool_submit: run @fn(@opaque) in a worker, then @done(@done_opaque,
 * result) in @ctx (NULL: the caller's). @done may be NULL. Any thread.
 */
void thread_pool_submit(AioContext *ctx, ThreadPoolFn *fn, void *opaque,
                        ThreadPoolDoneFn *done, void *done_opaque);

/* thread_pool_submit_co: the same for coroutines; returns @fn's result. */
int coroutine_fn thread_pool_submit_co(ThreadPoolFn *fn, void *opaque);

/*
 * thread_pool_set_limits: have at least @min workers ready, also at rest, and
 * at most @max (not 0) of them busy with requests of @ctx; more wait. At first
 * 0 and THREAD_POOL_MAX, which also bounds the sum over all contexts. Any
 * thread.
 */
void thread_pool_set_limits(AioContext *ctx, unsigned min, unsigned max);

/* thread_pool_get_thread_count: for tests. */
int thread_pool_get_thread_count(void);

/* thread_pool_set_idle_ms: how long workers linger; for tests. */
void thread_pool_set_idle_ms(int ms);

#endif
