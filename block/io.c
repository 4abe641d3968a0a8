/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests on nodes: limits, alignment, zeroes.
 *
 * Drivers see aligned requests only. A read is widened into a bounce buffer;
 * a write that does not fit reads what is around it first and holds off the
 * other writes of the node meanwhile. Buffers that direct I/O cannot use are
 * copied. Context: coroutine in the node's AioContext.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "util/main-loop.h"
#include "util/mmap-alloc.h"

/* Zeros are written through a buffer of at most this. */
#define ZERO_CHUNK_BYTES (1 * MiB)

static void request_begin(BlockDriverState *bs)
{
    __atomic_fetch_add(&bs->in_flight, 1, __ATOMIC_ACQ_REL);
}

static void request_end(BlockDriverState *bs)
{
    if (__atomic_sub_fetch(&bs->in_flight, 1, __ATOMIC_ACQ_REL) == 0) {
        aio_wait_kick();
    }
}

static bool request_fits(const BlockDriverState *bs, int64_t offset,
                         int64_t bytes)
{
    return offset >= 0 && bytes >= 0 &&
           range_fits(offset, bytes, bs->total_bytes);
}

static void *bounce_alloc(const BlockDriverState *bs, size_t bytes)
{
    return aligned_alloc(MAX(bs->limits.mem_alignment, 16),
                         ROUND_UP(MAX(bytes, 1),
                                  MAX(bs->limits.mem_alignment, 16)));
}

static bool buffers_fit(const BlockDriverState *bs, const IoVec *iov)
{
    return bs->limits.mem_alignment <= 1 ||
           iovec_is_aligned(iov, bs->limits.mem_alignment);
}

static bool is_aligned(const BlockDriverState *bs, int64_t offset,
                       int64_t bytes)
{
    uint32_t a = bs->limits.request_alignment;

    return IS_ALIGNED(offset, a) && IS_ALIGNED(bytes, a);
}

/* Read the whole blocks around the request, copy what was asked for. */
static int coroutine_fn read_bounced(BlockDriverState *bs, int64_t offset,
                                     IoVec *iov)
{
    uint32_t a = bs->limits.request_alignment;
    int64_t start = ROUND_DOWN(offset, a);
    int64_t end = ROUND_UP(offset + (int64_t)iov->size, a);
    g_autofree uint8_t *buf = bounce_alloc(bs, end - start);
    IoVec whole;
    int ret;

    if (!buf) {
        return -ENOMEM;
    }
    iovec_init_buf(&whole, buf, end - start);
    ret = bs->drv->co_preadv(bs, start, end - start, &whole);
    if (ret >= 0) {
        iovec_from_buf(iov, 0, buf + (offset - start), iov->size);
    }
    return ret;
}

int coroutine_fn bdrv_co_preadv(BlockDriverState *bs, int64_t offset,
                                IoVec *iov, int flags)
{
    int ret;

    if (!request_fits(bs, offset, iov->size)) {
        return -EIO;
    }
    request_begin(bs);
    if (is_aligned(bs, offset, iov->size) && buffers_fit(bs, iov)) {
        ret = bs->drv->co_preadv(bs, offset, iov->size, iov);
    } else {
        ret = read_bounced(bs, offset, iov);
    }
    request_end(bs);
    return ret < 0 ? ret : 0;
}

static int coroutine_fn write_bounced(BlockDriverState *bs, int64_t offset,
                                      IoVec *iov)
{
    uint32_t a = bs->limits.request_alignment;
    int64_t start = ROUND_DOWN(offset, a);
    int64_t end = ROUND_UP(offset + (int64_t)iov->size, a);
    g_autofree uint8_t *buf = bounce_alloc(bs, end - start);
    IoVec whole;
    int ret = 0;

    if (!buf) {
        return -ENOMEM;
    }
    iovec_init_buf(&whole, buf, end - start);
    if (!is_aligned(bs, offset, iov->size)) {
        ret = bs->drv->co_preadv(bs, start, end - start, &whole);
    }
    if (ret >= 0) {
        iovec_to_buf(iov, 0, buf + (offset - start), iov->size);
        ret = bs->drv->co_pwritev(bs, start, end - start, &whole);
    }
    return ret;
}

static int coroutine_fn write_data(BlockDriverState *bs, int64_t offset,
                                   IoVec *iov)
{
    bool aligned = is_aligned(bs, offset, iov->size);
    int ret;

    if (aligned && bs->limits.request_alignment == 1) {
        return bs->drv->co_pwritev(bs, offset, iov->size, iov);
    }
    if (aligned) {
        co_rwlock_rdlock(&bs->write_lock);
    } else {
        co_rwlock_wrlock(&bs->write_lock);
    }
    ret = aligned && buffers_fit(bs, iov) ?
          bs->drv->co_pwritev(bs, offset, iov->size, iov) :
          write_bounced(bs, offset, iov);
    co_rwlock_unlock(&bs->write_lock);
    return ret;
}

/* The node's own flush, for FUA where the driver has none. */
static int coroutine_fn flush_node(BlockDriverState *bs)
{
    if (bs->no_flush) {
        return 0;
    }
    if (bs->drv->co_flush) {
        return bs->drv->co_flush(bs);
    }
    return bs->file ? bdrv_co_flush(bs->file->bs) : 0;
}

static void note_highest(BlockDriverState *bs, int64_t end)
{
    if ((uint64_t)end > bs->wr_highest_offset) {
        bs->wr_highest_offset = end;
    }
}

static bool turns_into_zeroes(const BlockDriverState *bs, const IoVec *iov)
{
    return bs->detect_zeroes != BLOCKDEV_DETECT_ZEROES_OPTIONS_OFF &&
           iovec_is_zero(iov, 0, iov->size);
}

int coroutine_fn bdrv_co_pwritev(BlockDriverState *bs, int64_t offset,
                                 IoVec *iov, int flags)
{
    int ret;

    if (bs->read_only && !bs->auto_read_only) {
        return -EPERM;
    }
    if (!request_fits(bs, offset, iov->size)) {
        return -EIO;
    }
    if (turns_into_zeroes(bs, iov)) {
        return bdrv_co_pwrite_zeroes(bs, offset, iov->size, flags |
            (bs->detect_zeroes == BLOCKDEV_DETECT_ZEROES_OPTIONS_UNMAP ?
             BDRV_REQ_MAY_UNMAP : 0));
    }
    request_begin(bs);
    ret = write_data(bs, offset, iov);
    if (ret >= 0 && (flags & BDRV_REQ_FUA)) {
        ret = flush_node(bs);
    }
    note_highest(bs, offset + iov->size);
    request_end(bs);
    return ret < 0 ? ret : 0;
}

int coroutine_fn bdrv_co_flush(BlockDriverState *bs)
{
    int ret;

    request_begin(bs);
    ret = flush_node(bs);
    request_end(bs);
    return ret;
}

/* Only whole blocks; the rest of the range keeps its data. */
int coroutine_fn bdrv_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes)
{
    uint32_t a = bs->limits.request_alignment;
    int64_t start = ROUND_UP(offset, a), end = ROUND_DOWN(offset + bytes, a);
    int ret;

    if (bs->read_only && !bs->auto_read_only) {
        return -EPERM;
    }
    if (!request_fits(bs, offset, bytes)) {
        return -EIO;
    }
    /* A hint: where nobody takes it, all is well. */
    if (!bs->discard_unmap || !bs->drv->co_pdiscard || start >= end) {
        return 0;
    }
    request_begin(bs);
    ret = bs->drv->co_pdiscard(bs, start, end - start);
    request_end(bs);
    return ret == -ENOTSUP ? 0 : ret;
}

static int coroutine_fn write_zero_data(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    int64_t chunk = MIN(bytes, (int64_t)ZERO_CHUNK_BYTES);
    g_autofree uint8_t *buf = bounce_alloc(bs, chunk);
    int ret = 0;

    if (!buf) {
        return -ENOMEM;
    }
    memset(buf, 0, chunk);
    while (bytes && ret >= 0) {
        IoVec iov;
        int64_t n = MIN(bytes, chunk);

        iovec_init_buf(&iov, buf, n);
        ret = write_data(bs, offset, &iov);
        offset += n;
        bytes -= n;
    }
    return ret;
}

int coroutine_fn bdrv_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, int flags)
{
    int ret = -ENOTSUP;

    if (bs->read_only && !bs->auto_read_only) {
        return -EPERM;
    }
    if (!request_fits(bs, offset, bytes)) {
        return -EIO;
    }
    request_begin(bs);
    if (!bs->discard_unmap) {
        flags &= ~BDRV_REQ_MAY_UNMAP;
    }
    if (bs->drv->co_pwrite_zeroes && is_aligned(bs, offset, bytes)) {
        ret = bs->drv->co_pwrite_zeroes(bs, offset, bytes, flags);
    }
    if (ret == -ENOTSUP && !(flags & BDRV_REQ_NO_FALLBACK)) {
        ret = write_zero_data(bs, offset, bytes);
    }
    if (ret >= 0 && (flags & BDRV_REQ_FUA)) {
        ret = flush_node(bs);
    }
    note_highest(bs, offset + bytes);
    request_end(bs);
    return ret < 0 ? ret : 0;
}

int coroutine_fn bdrv_co_truncate(BlockDriverState *bs, int64_t size,
                                  bool exact, Error **errp)
{
    int ret;

    if (!bs->drv->co_truncate) {
        error_setg(errp, "Image format driver does not support resize");
        return -ENOTSUP;
    }
    request_begin(bs);
    ret = bs->drv->co_truncate(bs, size, exact, errp);
    if (ret >= 0) {
        bs->total_bytes = bs->drv->get_length(bs);
    }
    request_end(bs);
    return ret;
}

/* ---- Waiting for a coroutine ---- */

typedef struct BdrvRun {
    BdrvRunFn *fn;
    void *opaque;
    int ret;
    bool done;
} BdrvRun;

static void coroutine_fn run_entry(void *opaque)
{
    BdrvRun *r = opaque;

    r->ret = r->fn(r->opaque);
    __atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
    aio_wait_kick();
}

int bdrv_run(AioContext *ctx, BdrvRunFn *fn, void *opaque)
{
    BdrvRun r = { .fn = fn, .opaque = opaque };

    aio_co_enter(ctx, coroutine_create(run_entry, &r));
    AIO_WAIT_WHILE(ctx, !__atomic_load_n(&r.done, __ATOMIC_ACQUIRE));
    return r.ret;
}
