/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests on nodes: what formats, filters and BlockBackends make of one
 * another, and what works on whole images. Devices go through a BlockBackend.
 *
 * Context: coroutine, of any thread whose AioContext is the node's or serves
 * one of its queues. 0 or -errno.
 */
#ifndef BLOCK_BLOCK_IO_H
#define BLOCK_BLOCK_IO_H

#include "block/block.h"
#include "util/coroutine.h"

/* ---- Requests (io.c) ---- */

int coroutine_fn bdrv_co_preadv(BlockDriverState *bs, int64_t offset,
                                IoVec *iov, int flags);
int coroutine_fn bdrv_co_pwritev(BlockDriverState *bs, int64_t offset,
                                 IoVec *iov, int flags);
/* The same with one buffer. */
int coroutine_fn bdrv_co_pread(BlockDriverState *bs, int64_t offset,
                               void *buf, int64_t bytes);
int coroutine_fn bdrv_co_pwrite(BlockDriverState *bs, int64_t offset,
                                const void *buf, int64_t bytes, int flags);
/*
 * Compressed clusters of formats that have them; else -ENOTSUP. Whole ones,
 * the last of the image may be shorter.
 *
 * bdrv_co_pack: compress what @iov has without writing it, so that several
 *     requests can do that at once and yet write in the order they want. With
 *     @skip_zeroes, clusters of zeros will not be written. *@packed is for
 *     bdrv_packed_free().
 * bdrv_co_pwritev_compressed: @packed: what @iov was made into, or NULL. What
 *     does not shrink is written as it is.
 */
typedef struct BdrvPacked {
    uint8_t *data;                  /* one cluster after the other */
    unsigned clusters;
    int32_t bytes[];                /* of each; 0: left out, < 0: as it is */
} BdrvPacked;

int coroutine_fn bdrv_co_pack(BlockDriverState *bs, const IoVec *iov,
                              bool skip_zeroes, BdrvPacked **packed);
void bdrv_packed_free(BdrvPacked *packed);
int coroutine_fn bdrv_co_pwritev_compressed(BlockDriverState *bs,
                                            int64_t offset, IoVec *iov,
                                            const BdrvPacked *packed);
/*
 * bdrv_co_copy_range: have the host copy @bytes of @src to @dst. @flags:
 *     BDRV_REQ_* of a write. Read and write instead, all of it, if the result
 *     is -EXDEV: it cannot be done from the one to the other; or -ENOTSUP: not
 *     with this range, as it is compressed, or not of whole blocks.
 */
int coroutine_fn bdrv_co_copy_range(BlockDriverState *src, int64_t src_offset,
                                    BlockDriverState *dst, int64_t dst_offset,
                                    int64_t bytes, int flags);
int coroutine_fn bdrv_co_flush(BlockDriverState *bs);
int coroutine_fn bdrv_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes);
int coroutine_fn bdrv_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, int flags);
int coroutine_fn bdrv_co_truncate(BlockDriverState *bs, int64_t size,
                                  bool exact, PreallocMode prealloc, int flags,
                                  Error **errp);

/* ---- What is where (block-status.c) ---- */

typedef struct BdrvStatus {
    int64_t pnum;                   /* bytes it is about */
    int64_t map;                    /* with OFFSET_VALID: where in @file */
    BlockDriverState *file;
    unsigned depth;                 /* layers down to the one that decides */
} BdrvStatus;

/*
 * bdrv_co_block_status: BDRV_BLOCK_* of the first bytes at @offset of @bs
 * alone. ALLOCATED: this layer, not a backing file, decides the content.
 * st->pnum is 0 only at the end of the node.
 */
int coroutine_fn bdrv_co_block_status(BlockDriverState *bs, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st);
/* bdrv_co_status_above: the same through the chain, down to but without @base
 * (NULL: to the end). */
int coroutine_fn bdrv_co_status_above(BlockDriverState *bs,
                                      BlockDriverState *base, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st);

/* ---- Breakpoints, for tests ---- */

/*
 * Of the first node from @bs down that has them (blkdebug); -ENOTSUP: none.
 * break: the next request that comes to @event (of BlkdebugEvent) waits, as
 *     @tag; -ENOENT: no such event
 * resume, remove_break: -ENOENT: there is no such tag
 * Main thread.
 */
bool bdrv_debug_can_break(BlockDriverState *bs);
int bdrv_debug_break(BlockDriverState *bs, const char *event, const char *tag);
int bdrv_debug_remove_break(BlockDriverState *bs, const char *tag);
int bdrv_debug_resume(BlockDriverState *bs, const char *tag);
bool bdrv_debug_is_suspended(BlockDriverState *bs, const char *tag);

/* ---- Waiting ---- */

/*
 * Run @fn as a coroutine in @ctx and wait for its result: for what is not a
 * coroutine itself. Main thread, big lock.
 */
typedef int coroutine_fn BdrvRunFn(void *opaque);
int bdrv_run(AioContext *ctx, BdrvRunFn *fn, void *opaque);
/* bdrv_pread: the same for a read, for what opens an image. */
int bdrv_pread(BlockDriverState *bs, int64_t offset, void *buf, int64_t bytes);

#endif
