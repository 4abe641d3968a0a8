/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File requests that the kernel queues; see file-ring-internal.h. */
#include "util/osdep.h"
#include "block-internal.h"
#include "file-ring-internal.h"
#include "util/log.h"

/* The device works on the first while the last are still being made. */
#define DEFAULT_BATCH 4
#define MAX_ENGINES 2

static const FileRingOps *engines[MAX_ENGINES];
static GMutex lock;
static LIST_HEAD(, FileRing) rings = LIST_HEAD_INITIALIZER(rings);
static __thread FileRing *cached;
static uint64_t used_slots;             /* lock */
G_STATIC_ASSERT(FILE_RING_SLOTS == 64);

void file_ring_register(const FileRingOps *ops)
{
    for (int i = 0; i < MAX_ENGINES; i++) {
        if (!engines[i]) {
            engines[i] = ops;
            return;
        }
    }
    g_assert_not_reached();
}

const FileRingOps *file_ring_find(const char *name)
{
    for (int i = 0; i < MAX_ENGINES && engines[i]; i++) {
        if (g_str_equal(engines[i]->name, name)) {
            return engines[i];
        }
    }
    return NULL;
}

/* ---- Rings ---- */

/* The context ends, and no request is under way. */
static void ring_free(void *opaque)
{
    FileRing *r = opaque;

    g_mutex_lock(&lock);
    LIST_REMOVE(r, next);
    g_mutex_unlock(&lock);
    if (r->engine) {
        r->ops->exit(r);
    }
    if (cached == r) {
        cached = NULL;
    }
    g_free(r);
}

/* One that the kernel refused stays, so that it is not asked each time. */
static FileRing *ring_new(AioContext *ctx, const FileRingOps *ops)
{
    FileRing *r = g_new0(FileRing, 1);
    int ret;

    r->ops = ops;
    r->ctx = ctx;
    STAILQ_INIT(&r->waiting);
    ret = ops->init(r);
    if (ret < 0) {
        warn_report("aio=%s cannot be used, threads take its place: %s",
                    ops->name, g_strerror(-ret));
    }
    LIST_INSERT_HEAD(&rings, r, next);
    aio_context_add_cleanup(ctx, ring_free, r);
    return r;
}

/* The ring of the context that runs now. */
static FileRing *ring_get(const FileRingOps *ops)
{
    AioContext *ctx = aio_get_current();
    FileRing *r;

    if (cached && cached->ctx == ctx && cached->ops == ops) {
        return cached;
    }
    g_mutex_lock(&lock);
    LIST_FOREACH(r, &rings, next) {
        if (r->ctx == ctx && r->ops == ops) {
            break;
        }
    }
    if (!r) {
        r = ring_new(ctx, ops);
    }
    g_mutex_unlock(&lock);
    cached = r;
    return r;
}

bool file_ring_usable(const FileRingOps *ops)
{
    return ring_get(ops)->engine != NULL;
}

int file_ring_slot_new(void)
{
    int slot = -1;

    g_mutex_lock(&lock);
    if (~used_slots) {
        slot = __builtin_ctzll(~used_slots);
        used_slots |= BIT64(slot);
    }
    g_mutex_unlock(&lock);
    return slot;
}

void file_ring_slot_free(int slot)
{
    FileRing *r;

    if (slot < 0) {
        return;
    }
    g_mutex_lock(&lock);
    LIST_FOREACH(r, &rings, next) {
        if (r->engine && r->ops->forget) {
            r->ops->forget(r, slot);
        }
    }
    used_slots &= ~BIT64(slot);
    g_mutex_unlock(&lock);
}

/* ---- To the kernel and back ---- */

void file_ring_take(FileRing *r)
{
    STAILQ_REMOVE_HEAD(&r->waiting, next);
    r->num_waiting--;
    r->in_kernel++;
}

void file_ring_refuse(FileRing *r, int ret)
{
    FileRingReq *req = STAILQ_FIRST(&r->waiting);

    STAILQ_REMOVE_HEAD(&r->waiting, next);
    r->num_waiting--;
    req->ret = ret;
    /* It may be the one that runs and is about to wait. */
    aio_co_schedule(r->ctx, req->co);
}

static void ring_submit(void *opaque)
{
    FileRing *r = opaque;

    r->submit_pending = false;
    if (!r->ops->submit(r)) {
        /* The kernel is short of memory. No completion would call us. */
        r->submit_pending = true;
        aio_bh_schedule_oneshot(r->ctx, ring_submit, r);
    }
}

static void ring_queue(FileRing *r, FileRingReq *req, unsigned node_max)
{
    unsigned max = aio_context_get_max_batch(r->ctx);

    max = max && node_max ? MIN(max, node_max) : max + node_max;
    max = max ? max : DEFAULT_BATCH;
    STAILQ_INSERT_TAIL(&r->waiting, req, next);
    r->num_waiting++;
    if (r->num_waiting >= max) {
        ring_submit(r);
    } else if (!r->submit_pending) {
        r->submit_pending = true;
        blk_io_plug_call(ring_submit, r);
    }
}

void file_ring_reap(FileRing *r)
{
    FileRingReq *req = r->ops->next_done(r);

    while (req) {
        /* What they ask for next goes to the kernel together. */
        blk_io_plug();
        for (; req; req = r->ops->next_done(r)) {
            r->in_kernel--;
            aio_co_wake(req->co);
        }
        blk_io_unplug();
        /* Reads of what is in the page cache have ended already. */
        req = r->ops->next_done(r);
    }
    if (!STAILQ_EMPTY(&r->waiting)) {
        ring_submit(r);
    }
}

/* ---- Requests ---- */

static int coroutine_fn ring_run(const FileRingTarget *t, FileRingReq *req)
{
    req->fd = t->fd;
    req->slot = t->slot;
    req->co = coroutine_self();
    do {
        ring_queue(ring_get(t->ops), req, t->max_batch);
        coroutine_yield();
    } while (req->ret == -EINTR || req->ret == -EAGAIN);
    return req->ret;
}

int coroutine_fn file_ring_co_rw(const FileRingTarget *t, int64_t offset,
                                 IoVec *iov, bool write)
{
    FileRingReq req = {
        .op = write ? FILE_RING_WRITE : FILE_RING_READ, .iov = iov,
    };
    IoVec rest;                         /* after a short transfer */
    size_t done = 0;
    int ret = 0;

    while (done < iov->size) {
        req.offset = offset + done;
        ret = ring_run(t, &req);
        if (ret <= 0) {
            break;
        }
        done += ret;
        if (done < iov->size) {
            if (req.iov == &rest) {
                iovec_destroy(&rest);
            }
            iovec_init_slice(&rest, iov, done, iov->size - done);
            req.iov = &rest;
        }
    }
    if (req.iov == &rest) {
        iovec_destroy(&rest);
    }
    if (ret == 0 && done < iov->size) {
        /* Past the end of the file (of a size that is no whole block). */
        if (write) {
            return -ENOSPC;
        }
        iovec_memset(iov, done, 0, iov->size - done);
    }
    return MIN(ret, 0);
}

int coroutine_fn file_ring_co_fdatasync(const FileRingTarget *t)
{
    FileRingReq req = { .op = FILE_RING_FDATASYNC };

    return ring_run(t, &req);
}
