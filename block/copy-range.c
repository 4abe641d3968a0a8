/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies that the host makes from node to node, without a buffer of ours.
 *
 * The way goes down on the side of the source to the node that has the data,
 * then down on that of the target, with the requests of all of them open until
 * the end:
 *
 *   bdrv_co_copy_from(qcow2) > bdrv_co_copy_from(file)
 *                                > bdrv_co_copy_to(raw) > bdrv_co_copy_to(file)
 *
 * Only the last one copies; it knows both files. Context: coroutine.
 */
#include "util/osdep.h"
#include "block-internal.h"

/* There is no buffer to put the rest of a block into. */
static bool whole_blocks(const BlockDriverState *bs, int64_t offset,
                         int64_t bytes)
{
    uint32_t a = bs->limits.request_alignment;

    return IS_ALIGNED(offset, a) && IS_ALIGNED(bytes, a);
}

int coroutine_fn bdrv_co_copy_from(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, const BdrvPlace *to,
                                   int flags)
{
    BdrvTracked req;
    int ret;

    if (!bs->drv->co_copy_from) {
        return -EXDEV;
    }
    if (offset < 0 || !range_fits(offset, bytes, bs->total_bytes) ||
        !whole_blocks(bs, offset, bytes)) {
        return -ENOTSUP;
    }
    bdrv_tracked_begin(&req, bs, offset, bytes);
    bdrv_tracked_wait(&req);
    ret = bs->drv->co_copy_from(bs, offset, bytes, to, flags);
    bdrv_tracked_end(&req);
    return ret;
}

int coroutine_fn bdrv_co_copy_to(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, const BdrvPlace *from,
                                 int flags)
{
    BdrvTracked req;
    int ret = bdrv_check_write(bs, offset, bytes);

    if (ret < 0) {
        return ret;
    }
    if (!bs->drv->co_copy_to) {
        return -EXDEV;
    }
    /* Zeros can be found only in what is seen. */
    if (bs->detect_zeroes != BLOCKDEV_DETECT_ZEROES_OPTIONS_OFF) {
        return -EXDEV;
    }
    if (!whole_blocks(bs, offset, bytes)) {
        return -ENOTSUP;
    }
    ret = bdrv_write_begin(&req, bs, offset, bytes, flags);
    if (ret < 0) {
        return ret;
    }
    ret = bs->drv->co_copy_to(bs, offset, bytes, from, flags);
    return bdrv_write_end(&req, offset, offset + bytes, flags, ret);
}

int coroutine_fn bdrv_co_copy_range(BlockDriverState *src, int64_t src_offset,
                                    BlockDriverState *dst, int64_t dst_offset,
                                    int64_t bytes, int flags)
{
    const BdrvPlace to = { dst, dst_offset };

    return bytes ? bdrv_co_copy_from(src, src_offset, bytes, &to, flags) : 0;
}
