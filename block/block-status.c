/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is where: which ranges of a node hold data, read as zeros, or come from
 * the backing file. Context: coroutine.
 */
#include "util/osdep.h"
#include "block-internal.h"

static int coroutine_fn driver_status(BlockDriverState *bs, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st)
{
    uint32_t a = bs->limits.request_alignment;
    int64_t start = ROUND_DOWN(offset, a);
    int64_t end = ROUND_UP(offset + bytes, a);
    int ret;

    if (bs->drv->is_filter && bs->file && !bs->drv->co_block_status) {
        *st = (BdrvStatus) { .pnum = bytes, .map = offset,
                             .file = bs->file->bs };
        return BDRV_BLOCK_RAW | BDRV_BLOCK_OFFSET_VALID;
    }
    if (!bs->drv->co_block_status) {
        *st = (BdrvStatus) { .pnum = bytes, .map = offset, .file = bs };
        return BDRV_BLOCK_DATA | (bs->file ? 0 : BDRV_BLOCK_OFFSET_VALID);
    }
    ret = bs->drv->co_block_status(bs, want_zero, start, end - start, st);
    if (ret < 0) {
        return ret;
    }
    if (st->pnum <= offset - start) {
        return -EIO;
    }
    st->pnum = MIN(st->pnum - (offset - start), bytes);
    st->map += offset - start;
    return ret;
}

/* The layer has nothing of its own there. */
static int unallocated(const BlockDriverState *bs, int64_t offset,
                       BdrvStatus *st)
{
    if (!bs->backing || offset >= bs->backing->bs->total_bytes) {
        return BDRV_BLOCK_ZERO;
    }
    st->pnum = MIN(st->pnum, bs->backing->bs->total_bytes - offset);
    return 0;
}

/* Data whose place in the file is a hole: zeros. */
static int coroutine_fn look_below(BlockDriverState *bs, int ret,
                                   BdrvStatus *st)
{
    const int wanted = BDRV_BLOCK_DATA | BDRV_BLOCK_OFFSET_VALID;
    BdrvStatus below;
    int flags;

    if ((ret & (wanted | BDRV_BLOCK_RECURSED)) != wanted || !st->file ||
        st->file == bs) {
        return ret;
    }
    flags = bdrv_co_block_status(st->file, true, st->map, st->pnum, &below);
    if (flags < 0) {
        return ret;
    }
    if (!below.pnum) {
        return ret | BDRV_BLOCK_ZERO;       /* past the end of the file */
    }
    st->pnum = below.pnum;
    return ret | (flags & BDRV_BLOCK_ZERO);
}

static int coroutine_fn status_inside(BlockDriverState *bs, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st)
{
    int ret = driver_status(bs, want_zero, offset, bytes, st);

    if (ret < 0) {
        return ret;
    }
    if (ret & BDRV_BLOCK_RAW) {
        ret = bdrv_co_block_status(st->file, want_zero, st->map, st->pnum, st);
        return ret < 0 ? ret : ret & ~BDRV_BLOCK_EOF;
    }
    if (ret & (BDRV_BLOCK_DATA | BDRV_BLOCK_ZERO)) {
        ret |= BDRV_BLOCK_ALLOCATED;
    } else if (bs->drv->supports_backing) {
        ret |= unallocated(bs, offset, st);
    }
    return want_zero ? look_below(bs, ret, st) : ret;
}

int coroutine_fn bdrv_co_block_status(BlockDriverState *bs, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st)
{
    int ret;

    if (offset >= bs->total_bytes || !bytes) {
        *st = (BdrvStatus) { 0 };
        return offset >= bs->total_bytes ? BDRV_BLOCK_EOF : 0;
    }
    bytes = MIN(bytes, bs->total_bytes - offset);
    bdrv_inc_in_flight(bs);
    ret = status_inside(bs, want_zero, offset, bytes, st);
    bdrv_dec_in_flight(bs);
    if (ret < 0) {
        return ret;
    }
    if (!(ret & BDRV_BLOCK_OFFSET_VALID)) {
        st->map = 0;
        st->file = NULL;
    }
    return offset + st->pnum == bs->total_bytes ? ret | BDRV_BLOCK_EOF : ret;
}

int coroutine_fn bdrv_co_status_above(BlockDriverState *bs,
                                      BlockDriverState *base, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st)
{
    unsigned depth = 0;
    int ret = 0;

    while (bs && bs != base) {
        BdrvChild *below = bdrv_filter_or_cow_child(bs);

        ret = bdrv_co_block_status(bs, want_zero, offset, bytes, st);
        if (ret < 0) {
            break;
        }
        depth++;
        if (!st->pnum && depth > 1) {
            /* A layer that ends before: zeros from there on. */
            st->pnum = bytes;
            ret = BDRV_BLOCK_ZERO | BDRV_BLOCK_ALLOCATED;
        }
        if (!st->pnum || (ret & BDRV_BLOCK_ALLOCATED)) {
            break;
        }
        bytes = st->pnum;
        bs = below ? below->bs : NULL;
    }
    st->depth = depth;
    return ret;
}
