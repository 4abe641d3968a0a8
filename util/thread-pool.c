/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocking calls in worker threads; see include/util/thread-pool.h. */
#include "util/osdep.h"
#include "util/thread-pool.h"
#include "util/aio-internal.h"
#include "util/thread.h"

struct ThreadPoolRequest {
    AioBH done_bh;
    ThreadPoolFn *fn;
    void *opaque;
    ThreadPoolDoneFn *done;
    void *done_opaque;
    int ret;
    STAILQ_ENTRY(ThreadPoolRequest) next;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    STAILQ_HEAD(, ThreadPoolRequest) requests;
    unsigned n_requests;
    unsigned n_threads;
    unsigned n_idle;
    unsigned n_kept;                    /* asked for by contexts, in sum */
    int64_t idle_ns;
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .requests = STAILQ_HEAD_INITIALIZER(pool.requests),
    .idle_ns = THREAD_POOL_IDLE_SECONDS * NSEC_PER_SEC,
};

static void thread_pool_done(void *opaque)
{
    ThreadPoolRequest *req = opaque;
    ThreadPoolDoneFn *done = req->done;
    void *done_opaque = req->done_opaque;
    int ret = req->ret;

    g_free(req);
    if (done) {
        done(done_opaque, ret);
    }
}

/* Give the workers a request; they may be too few. */
static void thread_pool_push_locked(ThreadPoolRequest *req)
{
    AioContext *ctx = req->done_bh.ctx;

    ctx->pool.running++;
    STAILQ_INSERT_TAIL(&pool.requests, req, next);
    pool.n_requests++;
}

/* Requests of @ctx that its limit holds back now fit. */
static void thread_pool_release_locked(AioContext *ctx)
{
    AioThreadPool *p = &ctx->pool;
    ThreadPoolRequest *req;

    while ((req = STAILQ_FIRST(&p->waiting)) && p->running < p->max) {
        STAILQ_REMOVE_HEAD(&p->waiting, next);
        thread_pool_push_locked(req);
        pthread_cond_signal(&pool.work);
    }
}

static void thread_pool_run(ThreadPoolRequest *req)
{
    AioContext *ctx = req->done_bh.ctx;

    req->ret = req->fn(req->opaque);
    pthread_mutex_lock(&pool.lock);
    ctx->pool.running--;
    thread_pool_release_locked(ctx);
    pthread_mutex_unlock(&pool.lock);
    aio_bh_schedule(&req->done_bh);
    /* From here on the completion may have run, and with it all that its
     * owner does then; only our reference kept the context. */
    aio_context_unref(ctx);
}

/* The next request, or NULL when none came in the idle time and there are
 * more workers than have to be kept. */
static ThreadPoolRequest *thread_pool_next_locked(void)
{
    ThreadPoolRequest *req;

    pool.n_idle++;
    while (STAILQ_EMPTY(&pool.requests)) {
        if (pool.n_threads <= pool.n_kept) {
            pthread_cond_wait(&pool.work, &pool.lock);
        } else if (!cond_timedwait_ns(&pool.work, &pool.lock, pool.idle_ns) &&
                   pool.n_threads > pool.n_kept) {
            break;
        }
    }
    pool.n_idle--;
    req = STAILQ_FIRST(&pool.requests);
    if (req) {
        STAILQ_REMOVE_HEAD(&pool.requests, next);
        pool.n_requests--;
    }
    return req;
}

static void *thread_pool_worker(void *unused)
{
    ThreadPoolRequest *req;

    pthread_mutex_lock(&pool.lock);
    while ((req = thread_pool_next_locked())) {
        pthread_mutex_unlock(&pool.lock);
        thread_pool_run(req);
        pthread_mutex_lock(&pool.lock);
    }
    pool.n_threads--;
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

static bool thread_pool_add_worker_locked(void)
{
    if (pool.n_threads >= THREAD_POOL_MAX ||
        !thread_create(NULL, "worker", thread_pool_worker, NULL,
                       THREAD_DETACHED, NULL)) {
        return false;
    }
    pool.n_threads++;
    return true;
}

/* Have enough workers for what waits. False: there is none at all. */
static bool thread_pool_grow_locked(void)
{
    if (pool.n_requests > pool.n_idle) {
        thread_pool_add_worker_locked();
    }
    return pool.n_threads > 0;
}

void thread_pool_submit(AioContext *ctx, ThreadPoolFn *fn, void *opaque,
                        ThreadPoolDoneFn *done, void *done_opaque)
{
    ThreadPoolRequest *req = g_new0(ThreadPoolRequest, 1);
    bool inline_run = false, wake = false;

    ctx = ctx ? ctx : aio_get_current();
    g_assert(ctx);
    aio_bh_init_embedded(&req->done_bh, aio_context_ref(ctx),
                         thread_pool_done, req);
    req->fn = fn;
    req->opaque = opaque;
    req->done = done;
    req->done_opaque = done_opaque;

    pthread_mutex_lock(&pool.lock);
    if (ctx->pool.running >= ctx->pool.max) {
        STAILQ_INSERT_TAIL(&ctx->pool.waiting, req, next);
        pthread_mutex_unlock(&pool.lock);
        return;
    }
    thread_pool_push_locked(req);
    if (thread_pool_grow_locked()) {
        wake = true;
    } else {
        /* No thread to be had: late is better than never. */
        STAILQ_REMOVE(&pool.requests, req, ThreadPoolRequest, next);
        pool.n_requests--;
        inline_run = true;
    }
    pthread_mutex_unlock(&pool.lock);
    /* Not before: the one that wakes up takes the lock first of all. */
    if (wake) {
        pthread_cond_signal(&pool.work);
    }
    if (inline_run) {
        thread_pool_run(req);
    }
}

typedef struct ThreadPoolCo {
    Coroutine *co;
    int ret;
} ThreadPoolCo;

static void thread_pool_wake_co(void *opaque, int ret)
{
    ThreadPoolCo *tc = opaque;

    tc->ret = ret;
    aio_co_wake(tc->co);
}

int coroutine_fn thread_pool_submit_co(ThreadPoolFn *fn, void *opaque)
{
    ThreadPoolCo tc = { .co = coroutine_self() };

    g_assert(tc.co);
    thread_pool_submit(NULL, fn, opaque, thread_pool_wake_co, &tc);
    coroutine_yield();
    return tc.ret;
}

void thread_pool_init_context(AioContext *ctx)
{
    ctx->pool.max = THREAD_POOL_MAX;
    STAILQ_INIT(&ctx->pool.waiting);
}

void thread_pool_set_limits(AioContext *ctx, unsigned min, unsigned max)
{
    MUTEX_GUARD(&pool.lock);
    g_assert(max > 0);
    pool.n_kept += min - ctx->pool.min;
    ctx->pool.min = min;
    ctx->pool.max = max;
    while (pool.n_threads < pool.n_kept && thread_pool_add_worker_locked()) {
    }
    thread_pool_release_locked(ctx);
    /* Those that are kept no longer start to count their idle time. */
    pthread_cond_broadcast(&pool.work);
}

int thread_pool_get_thread_count(void)
{
    MUTEX_GUARD(&pool.lock);
    return pool.n_threads;
}

void thread_pool_set_idle_ms(int ms)
{
    MUTEX_GUARD(&pool.lock);
    pool.idle_ns = ms * NSEC_PER_MSEC;
    pthread_cond_broadcast(&pool.work);
}
