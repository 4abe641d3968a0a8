/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters: what is passed on to the child as it is. */
#include "util/osdep.h"
#include "filter-internal.h"

bool bdrv_filter_open(BlockDriverState *bs, BlockdevRef *ref, Error **errp)
{
    return bdrv_open_file_child(bs, ref, BDRV_CHILD_FILTERED, errp);
}

int64_t bdrv_filter_get_length(BlockDriverState *bs)
{
    return bdrv_get_length(bs->file->bs);
}

int64_t bdrv_filter_hide_allocated(BlockDriverState *bs)
{
    return -ENOTSUP;
}

bool bdrv_filter_can_grow(const BlockDriverState *bs)
{
    return bdrv_can_grow(bs->file->bs);
}

bool bdrv_filter_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                                Error **errp)
{
    return true;
}

int coroutine_fn bdrv_filter_co_preadv(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov)
{
    return bdrv_co_preadv(bs->file->bs, offset, iov, 0);
}

int coroutine_fn bdrv_filter_co_pwritev(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes, IoVec *iov, int flags)
{
    return bdrv_co_pwritev(bs->file->bs, offset, iov, flags);
}

int coroutine_fn bdrv_filter_co_pwritev_compressed(BlockDriverState *bs,
                                                   int64_t offset,
                                                   int64_t bytes, IoVec *iov,
                                                   const BdrvPacked *packed)
{
    return bdrv_co_pwritev_compressed(bs->file->bs, offset, iov, packed);
}

int coroutine_fn bdrv_filter_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                         int64_t bytes)
{
    return bdrv_co_pdiscard(bs->file->bs, offset, bytes);
}

int coroutine_fn bdrv_filter_co_pwrite_zeroes(BlockDriverState *bs,
                                              int64_t offset, int64_t bytes,
                                              int flags)
{
    return bdrv_co_pwrite_zeroes(bs->file->bs, offset, bytes, flags);
}

int coroutine_fn bdrv_filter_co_truncate(BlockDriverState *bs, int64_t size,
                                         bool exact, PreallocMode prealloc,
                                         int flags, Error **errp)
{
    return bdrv_co_truncate(bs->file->bs, size, exact, prealloc, flags, errp);
}
