/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BlockBackend: requests, in coroutines, with completion functions, and
 * waiting ones; and the plug that submits batches.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "util/main-loop.h"

/* ---- Coroutines ---- */

static int check_request(BlockBackend *blk, int64_t offset, int64_t bytes)
{
    if (!blk->root) {
        return -ENOMEDIUM;
    }
    return offset < 0 || bytes < 0 ||
           !range_fits(offset, bytes, blk->root->bs->total_bytes) ? -EIO : 0;
}

typedef struct BlkRequest {
    BlockAcctType type;
    bool zeroes;
    int64_t offset, bytes;
    IoVec *iov;
    int flags;
} BlkRequest;

static int coroutine_fn do_request(BlockBackend *blk, const BlkRequest *r)
{
    int flags = r->flags | (blk->write_cache ? 0 : BDRV_REQ_FUA);
    int ret = check_request(blk, r->offset, r->bytes);
    BlockDriverState *bs = ret ? NULL : blk->root->bs;

    if (ret) {
        return ret;
    }
    if (r->type <= BLOCK_ACCT_WRITE) {
        throttle_wait(&blk->throttle, r->type == BLOCK_ACCT_WRITE,
                      r->iov ? (int64_t)r->iov->size : r->bytes);
    }
    switch (r->type) {
    case BLOCK_ACCT_READ:
        return bdrv_co_preadv(bs, r->offset, r->iov, r->flags);
    case BLOCK_ACCT_WRITE:
        return r->zeroes ? bdrv_co_pwrite_zeroes(bs, r->offset, r->bytes,
                                                 flags) :
               bdrv_co_pwritev(bs, r->offset, r->iov, flags);
    case BLOCK_ACCT_FLUSH:
        return bdrv_co_flush(bs);
    default:
        return bdrv_co_pdiscard(bs, r->offset, r->bytes);
    }
}

static int coroutine_fn co_request(BlockBackend *blk, const BlkRequest *r)
{
    int ret;

    blk_inc_in_flight(blk);
    blk_wait_while_drained(blk);
    ret = do_request(blk, r);
    blk_dec_in_flight(blk);
    return ret;
}

int coroutine_fn blk_co_preadv(BlockBackend *blk, int64_t offset, IoVec *iov,
                               int flags)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_READ, .offset = offset, .bytes = iov->size,
        .iov = iov, .flags = flags,
    };

    return co_request(blk, &r);
}

int coroutine_fn blk_co_pwritev(BlockBackend *blk, int64_t offset, IoVec *iov,
                                int flags)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_WRITE, .offset = offset, .bytes = iov->size,
        .iov = iov, .flags = flags,
    };

    return co_request(blk, &r);
}

int coroutine_fn blk_co_flush(BlockBackend *blk)
{
    const BlkRequest r = { .type = BLOCK_ACCT_FLUSH };

    return co_request(blk, &r);
}

int coroutine_fn blk_co_pdiscard(BlockBackend *blk, int64_t offset,
                                 int64_t bytes)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_UNMAP, .offset = offset, .bytes = bytes,
    };

    return co_request(blk, &r);
}

int coroutine_fn blk_co_pwrite_zeroes(BlockBackend *blk, int64_t offset,
                                      int64_t bytes, int flags)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_WRITE, .zeroes = true, .offset = offset,
        .bytes = bytes, .flags = flags,
    };

    return co_request(blk, &r);
}

/* Both in flight, and neither waits for the end of a drain while the drain
 * waits for the other. */
static void coroutine_fn begin_both(BlockBackend *a, BlockBackend *b)
{
    blk_inc_in_flight(a);
    blk_wait_while_drained(a);
    blk_inc_in_flight(b);
    while (blk_is_held(b)) {
        BlockBackend *ready = b;

        blk_dec_in_flight(a);
        blk_wait_while_drained(b);
        b = a;
        a = ready;
        blk_inc_in_flight(b);
    }
}

int coroutine_fn blk_co_copy_range(BlockBackend *src, int64_t src_offset,
                                   BlockBackend *dst, int64_t dst_offset,
                                   int64_t bytes, int flags)
{
    int ret;

    begin_both(src, dst);
    ret = check_request(src, src_offset, bytes);
    ret = ret ? ret : check_request(dst, dst_offset, bytes);
    if (!ret) {
        throttle_wait(&src->throttle, false, bytes);
        throttle_wait(&dst->throttle, true, bytes);
        ret = bdrv_co_copy_range(src->root->bs, src_offset, dst->root->bs,
                                 dst_offset, bytes, flags |
                                 (dst->write_cache ? 0 : BDRV_REQ_FUA));
    }
    blk_dec_in_flight(dst);
    blk_dec_in_flight(src);
    return ret;
}

int coroutine_fn blk_co_truncate(BlockBackend *blk, int64_t size, bool exact,
                                 PreallocMode prealloc, int flags,
                                 Error **errp)
{
    int ret;

    if (!blk->root) {
        error_setg(errp, "No medium inserted");
        return -ENOMEDIUM;
    }
    blk_inc_in_flight(blk);
    blk_wait_while_drained(blk);
    ret = bdrv_co_truncate(blk->root->bs, size, exact, prealloc, flags, errp);
    blk_dec_in_flight(blk);
    return ret;
}

/* ---- With a completion function ---- */

struct BlockAIOCB {
    BlockBackend *blk;
    BlkRequest req;
    BlockCompletionFn *cb;
    void *opaque;
    int ret;
    bool returned;                  /* the call that made it has returned */
};

static void acb_complete(void *opaque)
{
    BlockAIOCB *acb = opaque;
    BlockBackend *blk = acb->blk;

    acb->cb(acb->opaque, acb->ret);
    g_free(acb);
    blk_dec_in_flight(blk);
}

static void coroutine_fn acb_entry(void *opaque)
{
    BlockAIOCB *acb = opaque;

    blk_wait_while_drained(acb->blk);
    acb->ret = do_request(acb->blk, &acb->req);
    if (acb->returned) {
        acb_complete(acb);
    } else {
        aio_bh_schedule_oneshot(aio_get_current(), acb_complete, acb);
    }
}

static BlockAIOCB *acb_start(BlockBackend *blk, const BlkRequest *req,
                             BlockCompletionFn *cb, void *opaque)
{
    BlockAIOCB *acb = g_new(BlockAIOCB, 1);

    *acb = (BlockAIOCB) {
        .blk = blk, .req = *req, .cb = cb, .opaque = opaque,
        .ret = -EINPROGRESS,
    };
    blk_inc_in_flight(blk);
    coroutine_enter(coroutine_create(acb_entry, acb));
    /* Still ours: if it is done, the bottom half has not run yet. */
    acb->returned = true;
    return acb;
}

BlockAIOCB *blk_aio_preadv(BlockBackend *blk, int64_t offset, IoVec *iov,
                           int flags, BlockCompletionFn *cb, void *opaque)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_READ, .offset = offset, .bytes = iov->size,
        .iov = iov, .flags = flags,
    };

    return acb_start(blk, &r, cb, opaque);
}

BlockAIOCB *blk_aio_pwritev(BlockBackend *blk, int64_t offset, IoVec *iov,
                            int flags, BlockCompletionFn *cb, void *opaque)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_WRITE, .offset = offset, .bytes = iov->size,
        .iov = iov, .flags = flags,
    };

    return acb_start(blk, &r, cb, opaque);
}

BlockAIOCB *blk_aio_flush(BlockBackend *blk, BlockCompletionFn *cb,
                          void *opaque)
{
    const BlkRequest r = { .type = BLOCK_ACCT_FLUSH };

    return acb_start(blk, &r, cb, opaque);
}

BlockAIOCB *blk_aio_pdiscard(BlockBackend *blk, int64_t offset, int64_t bytes,
                             BlockCompletionFn *cb, void *opaque)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_UNMAP, .offset = offset, .bytes = bytes,
    };

    return acb_start(blk, &r, cb, opaque);
}

BlockAIOCB *blk_aio_pwrite_zeroes(BlockBackend *blk, int64_t offset,
                                  int64_t bytes, int flags,
                                  BlockCompletionFn *cb, void *opaque)
{
    const BlkRequest r = {
        .type = BLOCK_ACCT_WRITE, .zeroes = true, .offset = offset,
        .bytes = bytes, .flags = flags,
    };

    return acb_start(blk, &r, cb, opaque);
}

/* Requests in the kernel cannot be taken back; they complete soon. */
void blk_aio_cancel_async(BlockAIOCB *acb)
{
}

/* ---- The plug ---- */

typedef struct PlugCall {
    void (*fn)(void *opaque);
    void *opaque;
} PlugCall;

static __thread unsigned plugged;
static __thread PlugCall plug_calls[16];
static __thread unsigned num_plug_calls;

void blk_io_plug(void)
{
    plugged++;
}

void blk_io_unplug(void)
{
    if (--plugged) {
        return;
    }
    /* Taken off first: a call that asks again is called again. */
    while (num_plug_calls) {
        PlugCall call = plug_calls[--num_plug_calls];

        call.fn(call.opaque);
    }
}

void blk_io_plug_call(void (*fn)(void *opaque), void *opaque)
{
    for (unsigned i = 0; i < num_plug_calls; i++) {
        if (plug_calls[i].fn == fn && plug_calls[i].opaque == opaque) {
            return;
        }
    }
    if (!plugged || num_plug_calls == G_N_ELEMENTS(plug_calls)) {
        fn(opaque);
        return;
    }
    plug_calls[num_plug_calls++] = (PlugCall) { fn, opaque };
}

/* ---- Waiting ---- */

typedef struct BlkWait {
    BlockBackend *blk;
    int64_t offset;
    IoVec iov;
    int flags;
    bool write;
    Error **errp;
} BlkWait;

static int coroutine_fn wait_rw(void *opaque)
{
    BlkWait *w = opaque;

    return w->write ? blk_co_pwritev(w->blk, w->offset, &w->iov, w->flags) :
                      blk_co_preadv(w->blk, w->offset, &w->iov, w->flags);
}

int blk_pread(BlockBackend *blk, int64_t offset, void *buf, int64_t bytes)
{
    BlkWait w = { .blk = blk, .offset = offset };

    iovec_init_buf(&w.iov, buf, bytes);
    return bdrv_run(blk->ctx, wait_rw, &w);
}

int blk_pwrite(BlockBackend *blk, int64_t offset, const void *buf,
               int64_t bytes, int flags)
{
    BlkWait w = { .blk = blk, .offset = offset, .flags = flags, .write = true };

    iovec_init_buf(&w.iov, (void *)buf, bytes);
    return bdrv_run(blk->ctx, wait_rw, &w);
}

static int coroutine_fn wait_flush(void *opaque)
{
    return blk_co_flush(((BlkWait *)opaque)->blk);
}

int blk_flush(BlockBackend *blk)
{
    BlkWait w = { .blk = blk };

    return bdrv_run(blk->ctx, wait_flush, &w);
}

static int coroutine_fn wait_truncate(void *opaque)
{
    BlkWait *w = opaque;

    return blk_co_truncate(w->blk, w->offset, false, PREALLOC_MODE_OFF, 0,
                           w->errp);
}

int blk_truncate(BlockBackend *blk, int64_t size, Error **errp)
{
    BlkWait w = { .blk = blk, .offset = size, .errp = errp };
    int ret = bdrv_run(blk->ctx, wait_truncate, &w);

    if (ret >= 0) {
        bdrv_length_changed(blk->root->bs);
    }
    return ret;
}
