/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests in flight on a node, kept apart where they must be (tracked.c). */
#ifndef BLOCK_IO_INTERNAL_H
#define BLOCK_IO_INTERNAL_H

#include "block/block-io.h"
#include "util/queue.h"

/* On the stack of its coroutine. */
typedef struct BdrvTracked {
    BlockDriverState *bs;
    Coroutine *co;
    int64_t offset, bytes;          /* widened when serialising */
    bool serialising;
    struct BdrvTracked *waiting_for;
    CoQueue waiters;
    LIST_ENTRY(BdrvTracked) next;
} BdrvTracked;

void coroutine_fn bdrv_tracked_begin(BdrvTracked *r, BlockDriverState *bs,
                                     int64_t offset, int64_t bytes);
void coroutine_fn bdrv_tracked_end(BdrvTracked *r);
void bdrv_inc_in_flight(BlockDriverState *bs);
void bdrv_dec_in_flight(BlockDriverState *bs);
/* bdrv_tracked_wait: until no serialising request overlaps. */
void coroutine_fn bdrv_tracked_wait(BdrvTracked *r);
/*
 * bdrv_tracked_serialise: have the blocks of @align bytes around it to itself.
 * false: they are not free and @may_wait is false.
 */
bool coroutine_fn bdrv_tracked_serialise(BdrvTracked *r, uint32_t align,
                                         bool may_wait);

/* ---- What all writes have in common (io.c) ---- */

/* bdrv_check_write: 0, or -errno: it is read-only or not that long. */
int bdrv_check_write(const BlockDriverState *bs, int64_t offset,
                     int64_t bytes);
/* bdrv_write_begin: claim the range; -EBUSY if it is not free and the caller
 * does not wait (@flags). Else bdrv_write_end() follows. */
int coroutine_fn bdrv_write_begin(BdrvTracked *req, BlockDriverState *bs,
                                  int64_t offset, int64_t bytes, int flags);
/* bdrv_write_end: from @start to @end, with the result @ret; the length and
 * the bitmaps take notice. Returns @ret, or an error of the flush that @flags
 * ask for. */
int coroutine_fn bdrv_write_end(BdrvTracked *req, int64_t start, int64_t end,
                                int flags, int ret);

#endif
