/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps: which parts of a node were written since some moment. A bit
 * stands for "granularity" bytes. Writes, zeroes and discards set bits of the
 * node's enabled bitmaps when they end, whether they succeeded or not.
 *
 * Life cycle: a user makes one by QMP, or the driver of the image when it
 * opens one that has them stored (new, put_data, the setters). A persistent
 * one is stored by the driver when it closes the image or gives it up for
 * writing. The node frees its bitmaps after the driver's close.
 *
 * Threading: bits are set by requests of any thread and are under the node's
 * dirty_lock; the list and the flags change in the main thread, big lock.
 */
#ifndef BLOCK_DIRTY_BITMAP_H
#define BLOCK_DIRTY_BITMAP_H

#include "block/block.h"

typedef struct BdrvDirtyBitmap BdrvDirtyBitmap;

#define BDRV_BITMAP_MAX_NAME 1023           /* bytes, without the 0 */
#define BDRV_BITMAP_MIN_GRANULARITY 512u    /* bytes */
#define BDRV_BITMAP_MAX_GRANULARITY (1u << 31)

/* ---- Creation ---- */

/*
 * bdrv_dirty_bitmap_new: an enabled one without a dirty bit.
 * @granularity: bytes, a power of 2 from BDRV_BITMAP_MIN_GRANULARITY
 * @bytes: length of @bs, which a driver's open knows before the node does
 * Errors: the name is empty, too long or taken; the granularity; memory.
 */
BdrvDirtyBitmap *bdrv_dirty_bitmap_new(BlockDriverState *bs, const char *name,
                                       uint32_t granularity, int64_t bytes,
                                       Error **errp);
/* bdrv_dirty_bitmap_free: the one in memory; what is stored stays. */
void bdrv_dirty_bitmap_free(BdrvDirtyBitmap *b);
void bdrv_dirty_bitmaps_free_all(BlockDriverState *bs);
/* NULL when there is none of that name. */
BdrvDirtyBitmap *bdrv_dirty_bitmap_find(BlockDriverState *bs,
                                        const char *name);
/* The one after @prev; the first, the newest, after NULL. */
BdrvDirtyBitmap *bdrv_dirty_bitmap_next(BlockDriverState *bs,
                                        BdrvDirtyBitmap *prev);
/* bdrv_dirty_bitmap_default_granularity: a cluster of the image, 4K at least;
 * 64K where there are none. */
uint32_t bdrv_dirty_bitmap_default_granularity(BlockDriverState *bs);

/* ---- Facts and flags ---- */

BlockDriverState *bdrv_dirty_bitmap_node(const BdrvDirtyBitmap *b);
const char *bdrv_dirty_bitmap_name(const BdrvDirtyBitmap *b);
uint32_t bdrv_dirty_bitmap_granularity(const BdrvDirtyBitmap *b);
int64_t bdrv_dirty_bitmap_size(const BdrvDirtyBitmap *b);   /* bytes of node */
int64_t bdrv_dirty_bitmap_count(const BdrvDirtyBitmap *b);  /* dirty bytes */

/* Requests set bits. */
bool bdrv_dirty_bitmap_enabled(const BdrvDirtyBitmap *b);
void bdrv_dirty_bitmap_set_enabled(BdrvDirtyBitmap *b, bool on);
/* To be stored in the image. */
bool bdrv_dirty_bitmap_persistent(const BdrvDirtyBitmap *b);
void bdrv_dirty_bitmap_set_persistent(BdrvDirtyBitmap *b, bool on);
/* It was in use when the image was not closed: good for nothing. */
bool bdrv_dirty_bitmap_inconsistent(const BdrvDirtyBitmap *b);
void bdrv_dirty_bitmap_set_inconsistent(BdrvDirtyBitmap *b);
/* The stored one cannot be changed, so this one must not be either. */
bool bdrv_dirty_bitmap_readonly(const BdrvDirtyBitmap *b);
void bdrv_dirty_bitmap_set_readonly(BdrvDirtyBitmap *b, bool on);
/* An operation has it for itself. */
bool bdrv_dirty_bitmap_busy(const BdrvDirtyBitmap *b);
void bdrv_dirty_bitmap_set_busy(BdrvDirtyBitmap *b, bool on);

enum {
    BDRV_BITMAP_BUSY         = 1 << 0,
    BDRV_BITMAP_READONLY     = 1 << 1,
    BDRV_BITMAP_INCONSISTENT = 1 << 2,
    BDRV_BITMAP_DEFAULT      = 7,
};
/* bdrv_dirty_bitmap_check: fail when it is any of @flags. */
bool bdrv_dirty_bitmap_check(const BdrvDirtyBitmap *b, int flags,
                             Error **errp);

/* ---- Bits. Offsets and lengths in bytes of the node ---- */

void bdrv_dirty_bitmap_set(BdrvDirtyBitmap *b, int64_t offset, int64_t bytes);
/* Only granules that are covered whole, or to the end of the node. */
void bdrv_dirty_bitmap_reset(BdrvDirtyBitmap *b, int64_t offset,
                             int64_t bytes);
void bdrv_dirty_bitmap_clear(BdrvDirtyBitmap *b);
bool bdrv_dirty_bitmap_get(BdrvDirtyBitmap *b, int64_t offset);
/* The next dirty byte from @offset, within @bytes (-1: to the end); -1: none. */
int64_t bdrv_dirty_bitmap_next_dirty(BdrvDirtyBitmap *b, int64_t offset,
                                     int64_t bytes);
int64_t bdrv_dirty_bitmap_next_zero(BdrvDirtyBitmap *b, int64_t offset,
                                    int64_t bytes);
/* The first dirty range in [@offset, @end), at most @max bytes of it. */
bool bdrv_dirty_bitmap_next_area(BdrvDirtyBitmap *b, int64_t offset,
                                 int64_t end, int64_t max,
                                 int64_t *area_offset, int64_t *area_bytes);
/* bdrv_dirty_bitmap_merge: set in @to what is set in @from; their
 * granularities may differ. Errors: sizes that differ; memory. */
bool bdrv_dirty_bitmap_merge(BdrvDirtyBitmap *to, BdrvDirtyBitmap *from,
                             Error **errp);

/* A copy of all bits, to go back to: _restore() frees it. NULL: no memory. */
typedef struct BdrvBitmapBackup BdrvBitmapBackup;
BdrvBitmapBackup *bdrv_dirty_bitmap_backup(BdrvDirtyBitmap *b);
void bdrv_dirty_bitmap_restore(BdrvDirtyBitmap *b, BdrvBitmapBackup *backup);
void bdrv_bitmap_backup_free(BdrvBitmapBackup *backup);

/*
 * The bits as a stream of bytes: bit 0 of byte 0 is the first granule, as
 * qcow2 stores it. Bits past the end are 0 when got, and dropped when put.
 */
uint64_t bdrv_dirty_bitmap_data_bytes(const BdrvDirtyBitmap *b);
void bdrv_dirty_bitmap_get_data(BdrvDirtyBitmap *b, uint64_t pos, uint8_t *buf,
                                size_t bytes);
void bdrv_dirty_bitmap_put_data(BdrvDirtyBitmap *b, uint64_t pos,
                                const uint8_t *buf, size_t bytes);

/* ---- For the core (io.c) ---- */

/* The range was, or may have been, written. Any thread. */
void bdrv_set_dirty(BlockDriverState *bs, int64_t offset, int64_t bytes);
/* bs->total_bytes has changed. */
void bdrv_dirty_bitmaps_resize(BlockDriverState *bs);

#endif
