/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands on dirty bitmaps, in the form that transactions need: each tells
 * what it changed. Main thread, big lock.
 */
#ifndef BLOCK_BITMAP_INTERNAL_H
#define BLOCK_BITMAP_INTERNAL_H

#include "block-internal.h"
#include "block/dirty-bitmap.h"
#include "qapi/qapi-types-block-bitmap.h"

/* NULL: there is no such node, or bitmap. */
BdrvDirtyBitmap *bdrv_lookup_bitmap(const char *node, const char *name,
                                    Error **errp);
BdrvDirtyBitmap *bdrv_bitmap_add(const BlockDirtyBitmapAdd *arg, Error **errp);
/* bdrv_bitmap_remove: also what is stored of it. */
bool bdrv_bitmap_remove(BdrvDirtyBitmap *b, Error **errp);
/* NULL with an error: nothing has changed. */
BdrvDirtyBitmap *bdrv_bitmap_enable(const BlockDirtyBitmap *arg, bool on,
                                    Error **errp);
/* @backup: what the target was. NULL with an error: nothing has changed. */
BdrvDirtyBitmap *bdrv_bitmap_merge(const BlockDirtyBitmapMerge *arg,
                                   BdrvBitmapBackup **backup, Error **errp);
/* bdrv_can_store_bitmap: whether a new persistent one fits into the image. */
bool bdrv_can_store_bitmap(BlockDriverState *bs, const char *name,
                           uint32_t granularity, Error **errp);

#endif
