/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty bitmaps in a qcow2 image. Those of an image that is open for writing
 * are "in use" in the file, and their bits are in memory (block/dirty-bitmap.h)
 * until the image is closed or given up for writing: then they are stored in
 * new clusters, and the header switches to a new directory. After a crash they
 * are still in use there, so nobody takes them for good.
 */
#ifndef BLOCK_QCOW2_BITMAP_INTERNAL_H
#define BLOCK_QCOW2_BITMAP_INTERNAL_H

#include "qcow2-internal.h"
#include "block/dirty-bitmap.h"

#define QCOW2_BITMAPS_EXT_BYTES 24
#define QCOW2_MAX_BITMAPS       65535
#define QCOW2_MAX_BITMAP_NAME   1023

enum {
    QCOW2_BITMAP_IN_USE           = 1 << 0,
    QCOW2_BITMAP_AUTO             = 1 << 1,
    QCOW2_BITMAP_EXTRA_COMPATIBLE = 1 << 2,
};

/* A table entry that is not an offset. */
#define QCOW2_BITMAP_ALL_ONES   1ULL
#define QCOW2_BITMAP_RESERVED   0xff000000000001feULL

typedef struct Qcow2Bitmap {
    char *name;
    uint64_t table_offset;
    uint32_t table_entries, flags;
    unsigned granularity_bits;
    uint32_t extra_bytes;
    uint8_t *extra;
} Qcow2Bitmap;

/* ---- qcow2-bitmap-dir.c ---- */

void qcow2_bitmap_free(gpointer b);
Qcow2Bitmap *qcow2_bitmap_find(const Qcow2State *s, const char *name);
/* To and from the header; what is not to be relied on is not taken. */
bool qcow2_bitmaps_take_extension(BlockDriverState *bs, const uint8_t *data,
                                  uint32_t bytes, Error **errp);
void qcow2_bitmaps_put_extension(const Qcow2State *s, uint8_t *data);
/* qcow2_bitmaps_read_dir: into s->bitmaps. Main thread. */
bool qcow2_bitmaps_read_dir(BlockDriverState *bs, Error **errp);
/* qcow2_bitmaps_update_dir: other flags in the same place. Lock held. */
int coroutine_fn qcow2_bitmaps_update_dir(BlockDriverState *bs);
/* qcow2_bitmaps_write_dir: a new one of @list; empty: none. Lock held. */
int coroutine_fn qcow2_bitmaps_write_dir(BlockDriverState *bs,
                                         const GPtrArray *list);
/* In host byte order; g_free() it. */
int coroutine_fn qcow2_bitmap_read_table(BlockDriverState *bs,
                                         const Qcow2Bitmap *b,
                                         uint64_t **table);
/* qcow2_bitmap_free_clusters: table and data, with the next flush. */
int coroutine_fn qcow2_bitmap_free_clusters(BlockDriverState *bs,
                                            const Qcow2Bitmap *b);

/* ---- qcow2-bitmap.c ---- */

/* qcow2_bitmaps_load: all of the directory, for the end of opening. */
bool qcow2_bitmaps_load(BlockDriverState *bs, Error **errp);
/* qcow2_bitmaps_store: those in memory; before the last flush of the tables.
 * Nothing is written where nothing has to be. Lock not held. */
int coroutine_fn qcow2_bitmaps_store(BlockDriverState *bs);
/* qcow2_bitmaps_claim: in use from now on, as the image is written to. */
bool qcow2_bitmaps_claim(BlockDriverState *bs, Error **errp);
bool qcow2_can_store_bitmap(BlockDriverState *bs, const char *name,
                            uint32_t granularity, Error **errp);
bool qcow2_remove_stored_bitmap(BlockDriverState *bs, const char *name,
                                Error **errp);
Qcow2BitmapInfoList *qcow2_bitmaps_info(const Qcow2State *s);
/* qcow2_bitmaps_bytes: of those of @bs, in clusters of that size. */
uint64_t qcow2_bitmaps_bytes(BlockDriverState *bs, uint32_t cluster_bytes);

#endif
