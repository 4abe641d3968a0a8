/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What filters have in common: functions of a driver that pass on to the child
 * "file". A filter puts its own in their place where it does something.
 */
#ifndef BLOCK_FILTER_INTERNAL_H
#define BLOCK_FILTER_INTERNAL_H

#include "block-internal.h"

/* The child @ref, filtered, as bs->file. */
bool bdrv_filter_open(BlockDriverState *bs, BlockdevRef *ref, Error **errp);
int64_t bdrv_filter_get_length(BlockDriverState *bs);
/* What the file takes on the disk is not what the node stands for. */
int64_t bdrv_filter_hide_allocated(BlockDriverState *bs);
bool bdrv_filter_can_grow(const BlockDriverState *bs);
/* Nothing can change but what all nodes have. */
bool bdrv_filter_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                                Error **errp);
int coroutine_fn bdrv_filter_co_preadv(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov);
int coroutine_fn bdrv_filter_co_pwritev(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes, IoVec *iov, int flags);
int coroutine_fn bdrv_filter_co_pwritev_compressed(BlockDriverState *bs,
                                                   int64_t offset,
                                                   int64_t bytes, IoVec *iov,
                                                   const BdrvPacked *packed);
int coroutine_fn bdrv_filter_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                         int64_t bytes);
int coroutine_fn bdrv_filter_co_pwrite_zeroes(BlockDriverState *bs,
                                              int64_t offset, int64_t bytes,
                                              int flags);
int coroutine_fn bdrv_filter_co_truncate(BlockDriverState *bs, int64_t size,
                                         bool exact, PreallocMode prealloc,
                                         int flags, Error **errp);

#define BDRV_FILTER_FUNCTIONS                                                  \
    .is_filter = true,                                                         \
    .get_length = bdrv_filter_get_length,                                      \
    .can_grow = bdrv_filter_can_grow,                                          \
    .supported_write_flags = BDRV_REQ_FUA

#endif
