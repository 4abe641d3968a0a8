/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File requests that the kernel queues: what its two interfaces for that,
 * io_uring and Linux AIO, have in common.
 *
 * A ring is one such queue of one AioContext, made on its first request. A
 * request is queued in the home of the context that runs; the requests of a
 * plug go to the kernel together, and as many as the ring holds; others wait
 * in a list. A node's requests may come from several contexts at once, each
 * through its own ring, so a node that moves has nothing to take along.
 *
 * An engine registers itself when it is part of the build, under the name that
 * the option aio= has for it.
 */
#ifndef BLOCK_FILE_RING_INTERNAL_H
#define BLOCK_FILE_RING_INTERNAL_H

#include "util/coroutine.h"
#include "util/iov.h"
#include "util/queue.h"

/* Requests of one ring that the kernel has at a time. */
#define FILE_RING_ENTRIES 128
/* Files that have a slot. */
#define FILE_RING_SLOTS 64

typedef struct FileRing FileRing;
typedef struct FileRingOps FileRingOps;

/* What to send requests to. */
typedef struct FileRingTarget {
    const FileRingOps *ops;
    int fd;
    int slot;                       /* file_ring_slot_new() */
    unsigned max_batch;             /* requests handed over at once; 0: any */
} FileRingTarget;

/* ---- Users: file-posix.c, file-io.c ---- */

/* file_ring_find: the engine of aio=@name; NULL: not in this build. */
const FileRingOps *file_ring_find(const char *name);

/* file_ring_usable: whether the context that runs has a ring of this engine.
 * When the kernel refuses to make one this says so, once, and the caller does
 * it in another way. */
bool file_ring_usable(const FileRingOps *ops);

/*
 * Coroutines, where file_ring_usable(). Transfer all of @iov; 0 or -errno. What
 * is past the end of the file is read as zeros. fdatasync: where the engine
 * can_flush.
 */
int coroutine_fn file_ring_co_rw(const FileRingTarget *t, int64_t offset,
                                 IoVec *iov, bool write);
int coroutine_fn file_ring_co_fdatasync(const FileRingTarget *t);

/*
 * An open file's place in the tables of files that rings may keep, the same in
 * all of them; -1: there is none left, which costs some speed. Freed before the
 * file is closed, with no request on its way. Any thread.
 */
int file_ring_slot_new(void);
void file_ring_slot_free(int slot);

/* ---- Engines ---- */

typedef enum FileRingOp {
    FILE_RING_READ, FILE_RING_WRITE, FILE_RING_FDATASYNC,
} FileRingOp;

/* One trip to the kernel; it lies on the coroutine's stack. */
typedef struct FileRingReq {
    Coroutine *co;
    FileRingOp op;
    int fd;
    int slot;
    int64_t offset;
    IoVec *iov;                     /* what is left to transfer */
    int ret;                        /* bytes or -errno */
    STAILQ_ENTRY(FileRingReq) next;
} FileRingReq;

struct FileRing {
    const FileRingOps *ops;
    AioContext *ctx;
    void *engine;                   /* its state; NULL: the kernel refused */
    unsigned in_kernel;
    unsigned num_waiting;
    bool submit_pending;            /* a plug will call us */
    STAILQ_HEAD(, FileRingReq) waiting;
    LIST_ENTRY(FileRing) next;
};

struct FileRingOps {
    const char *name;               /* of aio= */
    bool can_flush;
    /* Whether this kernel has it. Any thread. */
    bool (*available)(void);
    /* The rest runs in the context's home. init: make r->engine, and have
     * file_ring_reap() called when something completes; 0 or -errno. */
    int (*init)(FileRing *r);
    void (*exit)(FileRing *r);
    /*
     * Hand requests from r->waiting over (file_ring_take), while r->in_kernel
     * is below FILE_RING_ENTRIES. false: the kernel takes none just now though
     * it has none; it is asked again soon.
     */
    bool (*submit)(FileRing *r);
    /* The next completed request, with its result set; NULL: no more. */
    FileRingReq *(*next_done)(FileRing *r);
    /* The file in @slot is about to be closed. Any thread. NULL: no tables. */
    void (*forget)(FileRing *r, int slot);
};

/* file_ring_register: from a constructor. */
void file_ring_register(const FileRingOps *ops);

/* file_ring_take: the kernel has the first of r->waiting. */
void file_ring_take(FileRing *r);

/* file_ring_refuse: it does not take the first, which fails with @ret. */
void file_ring_refuse(FileRing *r, int ret);

/* file_ring_reap: wake all requests that completed. A spurious call is fine. */
void file_ring_reap(FileRing *r);

#endif
