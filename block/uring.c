/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aio=io_uring: file requests by io_uring(7).
 *
 * The context watches the ring's descriptor for completions; while it
 * busy-polls it looks at the ring in memory.
 */
#include "util/osdep.h"
#include "file-ring-internal.h"
#include <liburing.h>

static void uring_completed(void *opaque)
{
    file_ring_reap(opaque);
}

static bool uring_poll(void *opaque)
{
    struct io_uring *ring = ((FileRing *)opaque)->engine;
    unsigned flags = __atomic_load_n(ring->sq.kflags, __ATOMIC_RELAXED);

    return io_uring_cq_ready(ring) > 0 || (flags & IORING_SQ_TASKRUN);
}

static bool uring_available(void)
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

static int uring_init(FileRing *r)
{
    g_autofree struct io_uring *ring = g_new0(struct io_uring, 1);
    /* No interrupt to this thread when something completes: it looks. */
    int ret = io_uring_queue_init(FILE_RING_ENTRIES, ring,
                                  IORING_SETUP_COOP_TASKRUN |
                                  IORING_SETUP_TASKRUN_FLAG);

    if (ret == -EINVAL) {               /* before Linux 5.19 */
        ret = io_uring_queue_init(FILE_RING_ENTRIES, ring, 0);
    }
    if (ret < 0) {
        return ret;
    }
    aio_set_fd_handler(r->ctx, ring->ring_fd, uring_completed, NULL,
                       uring_poll, r);
    r->engine = g_steal_pointer(&ring);
    return 0;
}

static void uring_exit(FileRing *r)
{
    struct io_uring *ring = r->engine;

    aio_set_fd_handler(r->ctx, ring->ring_fd, NULL, NULL, NULL, NULL);
    io_uring_queue_exit(ring);
    g_free(ring);
}

static void uring_prepare(struct io_uring_sqe *sqe, FileRingReq *req)
{
    switch (req->op) {
    case FILE_RING_READ:
        io_uring_prep_readv(sqe, req->fd, req->iov->iov, req->iov->niov,
                            req->offset);
        break;
    case FILE_RING_WRITE:
        io_uring_prep_writev(sqe, req->fd, req->iov->iov, req->iov->niov,
                             req->offset);
        break;
    case FILE_RING_FDATASYNC:
        io_uring_prep_fsync(sqe, req->fd, IORING_FSYNC_DATASYNC);
        break;
    }
    io_uring_sqe_set_data(sqe, req);
}

static bool uring_submit(FileRing *r)
{
    struct io_uring *ring = r->engine;
    FileRingReq *req;

    while ((req = STAILQ_FIRST(&r->waiting)) &&
           r->in_kernel < FILE_RING_ENTRIES) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

        if (!sqe) {
            break;
        }
        uring_prepare(sqe, req);
        file_ring_take(r);
    }
    /* What the kernel does not take now it takes with the next call. */
    if (io_uring_sq_ready(ring)) {
        io_uring_submit(ring);
    }
    return !r->in_kernel || io_uring_sq_ready(ring) < r->in_kernel;
}

static FileRingReq *uring_next_done(FileRing *r)
{
    struct io_uring *ring = r->engine;
    struct io_uring_cqe *cqe;
    FileRingReq *req;

    if (io_uring_peek_cqe(ring, &cqe) != 0) {
        return NULL;
    }
    req = io_uring_cqe_get_data(cqe);
    req->ret = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return req;
}

static const FileRingOps uring_ops = {
    .name = "io_uring",
    .can_flush = true,
    .available = uring_available,
    .init = uring_init,
    .exit = uring_exit,
    .submit = uring_submit,
    .next_done = uring_next_done,
};

static void uring_register(void)
{
    file_ring_register(&uring_ops);
}
type_init(uring_register)
