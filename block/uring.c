/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File requests by io_uring, one ring for each AioContext.
 *
 * A request is put on the ring in its context's home, all requests of a plug
 * are submitted by one system call, and the context watches the ring's
 * descriptor for completions; while it busy-polls it looks at the ring in
 * memory. When the ring is full, requests wait in a list.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <liburing.h>
#include "util/log.h"
#include "util/main-loop.h"

#define RING_ENTRIES 128
/* The device works on the first while the last are still being made. */
#define DEFAULT_BATCH 4

typedef struct UringReq {
    Coroutine *co;
    int op;                         /* IORING_OP_* */
    int fd;
    int64_t offset;
    IoVec *iov;
    IoVec rest;                     /* after a short transfer */
    bool use_rest;
    int ret;
    STAILQ_ENTRY(UringReq) next;
} UringReq;

typedef struct UringContext {
    struct io_uring ring;
    AioContext *ctx;
    unsigned in_kernel;
    unsigned num_waiting;
    bool submit_pending;            /* a plug will call us */
    STAILQ_HEAD(, UringReq) waiting;
    LIST_ENTRY(UringContext) next;
} UringContext;

static GMutex lock;
static LIST_HEAD(, UringContext) contexts = LIST_HEAD_INITIALIZER(contexts);
static __thread UringContext *cached;

static void uring_complete(void *opaque);

static bool uring_poll(void *opaque)
{
    UringContext *u = opaque;
    unsigned flags = __atomic_load_n(u->ring.sq.kflags, __ATOMIC_RELAXED);

    return io_uring_cq_ready(&u->ring) > 0 || (flags & IORING_SQ_TASKRUN);
}

bool uring_available(void)
{
    static int state;               /* 0: unknown, 1: yes, -1: no */
    struct io_uring ring;

    if (!state) {
        state = io_uring_queue_init(2, &ring, 0) == 0 ? 1 : -1;
        if (state > 0) {
            io_uring_queue_exit(&ring);
        }
    }
    return state > 0;
}

/* The context ends, and no request is under way. */
static void context_free(void *opaque)
{
    UringContext *u = opaque;

    g_mutex_lock(&lock);
    LIST_REMOVE(u, next);
    g_mutex_unlock(&lock);
    aio_set_fd_handler(u->ctx, u->ring.ring_fd, NULL, NULL, NULL, NULL);
    io_uring_queue_exit(&u->ring);
    if (cached == u) {
        cached = NULL;
    }
    g_free(u);
}

static UringContext *context_new(AioContext *ctx)
{
    UringContext *u = g_new0(UringContext, 1);
    /* No interrupt to this thread when something completes: it looks. */
    int ret = io_uring_queue_init(RING_ENTRIES, &u->ring,
                                  IORING_SETUP_COOP_TASKRUN |
                                  IORING_SETUP_TASKRUN_FLAG);

    if (ret == -EINVAL) {               /* before Linux 5.19 */
        ret = io_uring_queue_init(RING_ENTRIES, &u->ring, 0);
    }
    if (ret < 0) {
        g_free(u);
        return NULL;
    }
    u->ctx = ctx;
    STAILQ_INIT(&u->waiting);
    LIST_INSERT_HEAD(&contexts, u, next);
    aio_set_fd_handler(ctx, u->ring.ring_fd, uring_complete, NULL, uring_poll,
                       u);
    aio_context_add_cleanup(ctx, context_free, u);
    return u;
}

/* The ring of the context that runs now. */
static UringContext *context_get(void)
{
    AioContext *ctx = aio_get_current();
    UringContext *u;

    if (cached && cached->ctx == ctx) {
        return cached;
    }
    g_mutex_lock(&lock);
    LIST_FOREACH(u, &contexts, next) {
        if (u->ctx == ctx) {
            break;
        }
    }
    if (!u) {
        u = context_new(ctx);
    }
    g_mutex_unlock(&lock);
    cached = u;
    return u;
}

static void prepare(struct io_uring_sqe *sqe, UringReq *r)
{
    IoVec *v = r->use_rest ? &r->rest : r->iov;

    switch (r->op) {
    case IORING_OP_READV:
        io_uring_prep_readv(sqe, r->fd, v->iov, v->niov, r->offset);
        break;
    case IORING_OP_WRITEV:
        io_uring_prep_writev(sqe, r->fd, v->iov, v->niov, r->offset);
        break;
    default:
        io_uring_prep_fsync(sqe, r->fd, IORING_FSYNC_DATASYNC);
        break;
    }
    io_uring_sqe_set_data(sqe, r);
}

static void uring_submit(void *opaque)
{
    UringContext *u = opaque;
    UringReq *r;
    unsigned n = 0;

    u->submit_pending = false;
    while ((r = STAILQ_FIRST(&u->waiting)) && u->in_kernel < RING_ENTRIES) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

        if (!sqe) {
            break;
        }
        STAILQ_REMOVE_HEAD(&u->waiting, next);
        u->num_waiting--;
        prepare(sqe, r);
        u->in_kernel++;
        n++;
    }
    /* What the kernel does not take now it takes with the next call. */
    if (n || io_uring_sq_ready(&u->ring)) {
        io_uring_submit(&u->ring);
    }
}

static void queue_request(UringContext *u, UringReq *r)
{
    unsigned max = aio_context_get_max_batch(u->ctx);

    max = max ? max : DEFAULT_BATCH;
    STAILQ_INSERT_TAIL(&u->waiting, r, next);
    u->num_waiting++;
    if (u->num_waiting >= max) {
        uring_submit(u);
    } else if (!u->submit_pending) {
        u->submit_pending = true;
        blk_io_plug_call(uring_submit, u);
    }
}

static void uring_complete(void *opaque)
{
    UringContext *u = opaque;
    struct io_uring_cqe *cqe;

    do {
        /* What they ask for next goes to the kernel together. */
        blk_io_plug();
        while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
            UringReq *r = io_uring_cqe_get_data(cqe);

            r->ret = cqe->res;
            io_uring_cqe_seen(&u->ring, cqe);
            u->in_kernel--;
            aio_co_wake(r->co);
        }
        blk_io_unplug();
        /* Reads of what is in the page cache have ended already. */
    } while (io_uring_cq_ready(&u->ring));
    if (!STAILQ_EMPTY(&u->waiting)) {
        uring_submit(u);
    }
}

static int coroutine_fn run_request(UringReq *r)
{
    UringContext *u = context_get();

    if (!u) {
        return -ENOMEM;
    }
    do {
        r->co = coroutine_self();
        queue_request(u, r);
        coroutine_yield();
    } while (r->ret == -EINTR || r->ret == -EAGAIN);
    return r->ret;
}

int coroutine_fn uring_co_rw(int fd, int64_t offset, IoVec *iov, bool write)
{
    UringReq r = {
        .op = write ? IORING_OP_WRITEV : IORING_OP_READV, .fd = fd,
        .offset = offset, .iov = iov,
    };
    size_t done = 0;
    int ret = 0;

    while (done < iov->size) {
        ret = run_request(&r);
        if (ret < 0) {
            break;
        }
        if (ret == 0) {
            /* Past the end of the file (of a size that is no whole block). */
            if (!write) {
                iovec_memset(iov, done, 0, iov->size - done);
            }
            ret = write ? -ENOSPC : 0;
            break;
        }
        done += ret;
        if (done < iov->size) {
            iovec_destroy(&r.rest);
            iovec_init_slice(&r.rest, iov, done, iov->size - done);
            r.use_rest = true;
            r.offset = offset + done;
        }
        ret = 0;
    }
    if (r.use_rest) {
        iovec_destroy(&r.rest);
    }
    return ret;
}

int coroutine_fn uring_co_fdatasync(int fd)
{
    UringReq r = { .op = IORING_OP_FSYNC, .fd = fd };

    return run_request(&r);
}
