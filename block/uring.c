/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aio=io_uring: file requests by io_uring(7).
 *
 * The context watches the ring's descriptor for completions; while it
 * busy-polls it looks at the ring in memory.
 *
 * Each ring has a table of files, which the kernel finds there faster than by
 * their descriptors. A file is registered by its first request on the ring, as
 * it is opened a second time: the kernel lets go of what is in the table some
 * time after the process died, and locks that were taken on it would stay.
 */
#include "util/osdep.h"
#include "file-ring-internal.h"
#include <fcntl.h>
#include <liburing.h>

typedef struct Uring {
    struct io_uring ring;
    bool has_table;
    /* By slot; set in the home, cleared by any thread (file_ring_slot_free). */
    uint64_t registered, failed;
} Uring;

static void uring_completed(void *opaque)
{
    file_ring_reap(opaque);
}

static bool uring_poll(void *opaque)
{
    Uring *u = ((FileRing *)opaque)->engine;
    struct io_uring *ring = &u->ring;
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
    g_autofree Uring *u = g_new0(Uring, 1);
    struct io_uring *ring = &u->ring;
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
    /* Linux 5.19; without it there are descriptors. */
    u->has_table = io_uring_register_files_sparse(ring, FILE_RING_SLOTS) == 0;
    aio_set_fd_handler(r->ctx, ring->ring_fd, uring_completed, NULL,
                       uring_poll, r);
    r->engine = g_steal_pointer(&u);
    return 0;
}

static void uring_exit(FileRing *r)
{
    Uring *u = r->engine;

    aio_set_fd_handler(r->ctx, u->ring.ring_fd, NULL, NULL, NULL, NULL);
    io_uring_queue_exit(&u->ring);
    g_free(u);
}

static bool uring_register_file(Uring *u, int slot, int fd)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    int flags = fcntl(fd, F_GETFL) & (O_ACCMODE | O_DIRECT);
    int again = open(name, flags | O_CLOEXEC | O_NOCTTY);
    bool ok = again >= 0 &&
              io_uring_register_files_update(&u->ring, slot, &again, 1) == 1;

    if (again >= 0) {
        close(again);
    }
    __atomic_fetch_or(ok ? &u->registered : &u->failed, BIT64(slot),
                      __ATOMIC_RELEASE);
    return ok;
}

/* Whether the file is in the table. */
static bool uring_has_file(Uring *u, int slot, int fd)
{
    if (!u->has_table || slot < 0) {
        return false;
    }
    if (__atomic_load_n(&u->registered, __ATOMIC_ACQUIRE) & BIT64(slot)) {
        return true;
    }
    return !(__atomic_load_n(&u->failed, __ATOMIC_ACQUIRE) & BIT64(slot)) &&
           uring_register_file(u, slot, fd);
}

static void uring_forget(FileRing *r, int slot)
{
    Uring *u = r->engine;
    int none = -1;

    if (__atomic_load_n(&u->registered, __ATOMIC_ACQUIRE) & BIT64(slot)) {
        io_uring_register_files_update(&u->ring, slot, &none, 1);
        __atomic_fetch_and(&u->registered, ~BIT64(slot), __ATOMIC_RELEASE);
    }
    __atomic_fetch_and(&u->failed, ~BIT64(slot), __ATOMIC_RELEASE);
}

static void uring_prepare(Uring *u, struct io_uring_sqe *sqe, FileRingReq *req)
{
    bool fixed = uring_has_file(u, req->slot, req->fd);
    int fd = fixed ? req->slot : req->fd;

    switch (req->op) {
    case FILE_RING_READ:
        io_uring_prep_readv(sqe, fd, req->iov->iov, req->iov->niov,
                            req->offset);
        break;
    case FILE_RING_WRITE:
        io_uring_prep_writev(sqe, fd, req->iov->iov, req->iov->niov,
                             req->offset);
        break;
    case FILE_RING_FDATASYNC:
        io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
        break;
    }
    io_uring_sqe_set_data(sqe, req);
    sqe->flags |= fixed ? IOSQE_FIXED_FILE : 0;
}

static bool uring_submit(FileRing *r)
{
    Uring *u = r->engine;
    struct io_uring *ring = &u->ring;
    FileRingReq *req;

    while ((req = STAILQ_FIRST(&r->waiting)) &&
           r->in_kernel < FILE_RING_ENTRIES) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

        if (!sqe) {
            break;
        }
        uring_prepare(u, sqe, req);
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
    Uring *u = r->engine;
    struct io_uring *ring = &u->ring;
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
    .forget = uring_forget,
};

static void uring_register(void)
{
    file_ring_register(&uring_ops);
}
type_init(uring_register)
