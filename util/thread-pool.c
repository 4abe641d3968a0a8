/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocking calls in worker threads; see include/util/thread-pool.h.
 *
 * A wake-up costs more than a short call. So a request wakes a worker only
 * when none is coming anyway: woken and not there yet, or about to look for
 * its next request. A worker that takes a request and leaves others behind
 * calls the next worker, so long calls soon have as many as they need, while
 * short ones are done by the few that are awake. The one that went to sleep
 * last is woken first, each by a semaphore of its own: a condition variable
 * would make all of them meet at the lock.
 */
#include "util/osdep.h"
#include "util/thread-pool.h"
#include <semaphore.h>
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

typedef struct ThreadPoolWorker {
    sem_t wake;                         /* posted once when it is called */
    bool called;                        /* and off the list of idle ones */
    LIST_ENTRY(ThreadPoolWorker) next;
} ThreadPoolWorker;

static struct {
    pthread_mutex_t lock;
    STAILQ_HEAD(, ThreadPoolRequest) requests;
    LIST_HEAD(, ThreadPoolWorker) idle; /* the last to fall asleep is first */
    unsigned n_threads;
    unsigned n_coming;                  /* of them, those that will look */
    unsigned n_kept;                    /* asked for by contexts, in sum */
    int64_t idle_ns;
} pool = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .requests = STAILQ_HEAD_INITIALIZER(pool.requests),
    .idle = LIST_HEAD_INITIALIZER(pool.idle),
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

static void thread_pool_count_locked(AioThreadPool *p, int by)
{
    __atomic_store_n(&p->running, p->running + by, __ATOMIC_RELAXED);
}

bool thread_pool_is_busy(const AioContext *ctx)
{
    return __atomic_load_n(&ctx->pool.running, __ATOMIC_RELAXED) > 0;
}

/* Requests of @ctx that its limit holds back now fit. */
static void thread_pool_release_locked(AioContext *ctx)
{
    AioThreadPool *p = &ctx->pool;
    ThreadPoolRequest *req;

    while ((req = STAILQ_FIRST(&p->waiting)) && p->running < p->max) {
        STAILQ_REMOVE_HEAD(&p->waiting, next);
        thread_pool_count_locked(p, 1);
        STAILQ_INSERT_TAIL(&pool.requests, req, next);
    }
}

static void *thread_pool_worker(void *unused);

/* It is counted as coming at once. */
static bool thread_pool_add_worker_locked(void)
{
    if (pool.n_threads >= THREAD_POOL_MAX ||
        !thread_create(NULL, "worker", thread_pool_worker, NULL,
                       THREAD_DETACHED, NULL)) {
        return false;
    }
    pool.n_threads++;
    pool.n_coming++;
    return true;
}

static ThreadPoolWorker *thread_pool_pop_idle_locked(void)
{
    ThreadPoolWorker *w = LIST_FIRST(&pool.idle);

    if (w) {
        LIST_REMOVE(w, next);
        w->called = true;
        pool.n_coming++;
    }
    return w;
}

/* See to it that somebody comes for the requests, if there are any. Returns
 * a worker to be woken with thread_pool_wake(), best without the lock. */
static ThreadPoolWorker *thread_pool_call_locked(void)
{
    ThreadPoolWorker *w;

    if (STAILQ_EMPTY(&pool.requests) || pool.n_coming) {
        return NULL;
    }
    w = thread_pool_pop_idle_locked();
    if (!w) {
        /* If there cannot be more, one of those at work comes later. */
        thread_pool_add_worker_locked();
    }
    return w;
}

static void thread_pool_wake(ThreadPoolWorker *w)
{
    if (w) {
        sem_post(&w->wake);
    }
}

static void thread_pool_run(ThreadPoolRequest *req)
{
    AioContext *ctx = req->done_bh.ctx;

    req->ret = req->fn(req->opaque);
    pthread_mutex_lock(&pool.lock);
    pool.n_coming++;
    thread_pool_count_locked(&ctx->pool, -1);
    thread_pool_release_locked(ctx);
    pthread_mutex_unlock(&pool.lock);
    aio_bh_schedule(&req->done_bh);
    /* From here on the completion may have run, and with it all that its
     * owner does then; only our reference kept the context. */
    aio_context_unref(ctx);
}

/* Work until there are no requests. The caller is counted as coming, before
 * and after. */
static void thread_pool_serve_locked(void)
{
    ThreadPoolRequest *req;

    while ((req = STAILQ_FIRST(&pool.requests))) {
        ThreadPoolWorker *next;

        STAILQ_REMOVE_HEAD(&pool.requests, next);
        pool.n_coming--;
        next = thread_pool_call_locked();
        pthread_mutex_unlock(&pool.lock);
        thread_pool_wake(next);
        thread_pool_run(req);
        pthread_mutex_lock(&pool.lock);
    }
}

/* Wait for a call; false: the idle time is over. */
static bool thread_pool_wait_call(ThreadPoolWorker *w, int64_t idle_ns)
{
    struct timespec until;
    int64_t end_ns;

    if (idle_ns < 0) {
        return RETRY_ON_EINTR(sem_wait(&w->wake)) == 0;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    end_ns = until.tv_sec * NSEC_PER_SEC + until.tv_nsec + idle_ns;
    until.tv_sec = end_ns / NSEC_PER_SEC;
    until.tv_nsec = end_ns % NSEC_PER_SEC;
    return RETRY_ON_EINTR(sem_clockwait(&w->wake, CLOCK_MONOTONIC,
                                        &until)) == 0;
}

/* Sleep until called. False: this worker is to end, as the idle time is over
 * and there are more than have to be kept. */
static bool thread_pool_sleep_locked(ThreadPoolWorker *w)
{
    int64_t idle_ns = pool.n_threads <= pool.n_kept ? -1 : pool.idle_ns;
    bool woken;

    pool.n_coming--;
    w->called = false;
    LIST_INSERT_HEAD(&pool.idle, w, next);
    pthread_mutex_unlock(&pool.lock);
    woken = thread_pool_wait_call(w, idle_ns);
    pthread_mutex_lock(&pool.lock);
    if (!w->called) {
        LIST_REMOVE(w, next);
        pool.n_coming++;
        return pool.n_threads <= pool.n_kept;
    }
    if (!woken) {
        /* Called in the last moment: whoever did that still uses it. */
        pthread_mutex_unlock(&pool.lock);
        thread_pool_wait_call(w, -1);
        pthread_mutex_lock(&pool.lock);
    }
    return true;
}

static void *thread_pool_worker(void *unused)
{
    ThreadPoolWorker w;

    sem_init(&w.wake, 0, 0);
    pthread_mutex_lock(&pool.lock);
    do {
        thread_pool_serve_locked();
    } while (thread_pool_sleep_locked(&w));
    pool.n_coming--;
    pool.n_threads--;
    pthread_mutex_unlock(&pool.lock);
    sem_destroy(&w.wake);
    return NULL;
}

void thread_pool_submit(AioContext *ctx, ThreadPoolFn *fn, void *opaque,
                        ThreadPoolDoneFn *done, void *done_opaque)
{
    ThreadPoolRequest *req = g_new0(ThreadPoolRequest, 1);
    ThreadPoolWorker *w;

    ctx = ctx ? ctx : aio_get_current();
    g_assert(ctx);
    aio_bh_init_embedded(&req->done_bh, aio_context_ref(ctx),
                         thread_pool_done, req);
    req->fn = fn;
    req->opaque = opaque;
    req->done = done;
    req->done_opaque = done_opaque;

    pthread_mutex_lock(&pool.lock);
    STAILQ_INSERT_TAIL(&ctx->pool.waiting, req, next);
    thread_pool_release_locked(ctx);
    w = thread_pool_call_locked();
    if (!pool.n_threads) {
        /* No thread to be had: late is better than never. */
        pool.n_coming++;
        thread_pool_serve_locked();
        pool.n_coming--;
    }
    pthread_mutex_unlock(&pool.lock);
    thread_pool_wake(w);
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

/* How long they may idle has changed; or there is more to do. */
static void thread_pool_wake_all_locked(void)
{
    ThreadPoolWorker *w;

    while ((w = thread_pool_pop_idle_locked())) {
        thread_pool_wake(w);
    }
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
    thread_pool_wake_all_locked();
    thread_pool_wake(thread_pool_call_locked());
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
    thread_pool_wake_all_locked();
}
