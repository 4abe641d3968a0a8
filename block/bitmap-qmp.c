/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP: dirty bitmaps, and what transactions do with them: each action is done
 * at once and can be undone.
 */
#include "util/osdep.h"
#include "bitmap-internal.h"
#include "qapi/qapi-commands-block-bitmap.h"

BdrvDirtyBitmap *bdrv_lookup_bitmap(const char *node, const char *name,
                                    Error **errp)
{
    BlockDriverState *bs = bdrv_lookup(node, node, errp);
    BdrvDirtyBitmap *b = bs ? bdrv_dirty_bitmap_find(bs, name) : NULL;

    if (bs && !b) {
        error_setg(errp, "Dirty bitmap '%s' not found", name);
    }
    return b;
}

BdrvDirtyBitmap *bdrv_bitmap_add(const BlockDirtyBitmapAdd *arg, Error **errp)
{
    BlockDriverState *bs = bdrv_lookup(arg->node, arg->node, errp);
    bool persistent = arg->has_persistent && arg->persistent;
    uint32_t granularity;
    BdrvDirtyBitmap *b;

    if (!bs) {
        return NULL;
    }
    granularity = arg->has_granularity ? arg->granularity :
                  bdrv_dirty_bitmap_default_granularity(bs);
    b = bdrv_dirty_bitmap_new(bs, arg->name, granularity, bs->total_bytes,
                              errp);
    if (b && persistent && !bdrv_can_store_bitmap(bs, arg->name, granularity,
                                                  errp)) {
        bdrv_dirty_bitmap_free(b);
        return NULL;
    }
    if (b) {
        bdrv_dirty_bitmap_set_persistent(b, persistent);
        bdrv_dirty_bitmap_set_enabled(b, !(arg->has_disabled &&
                                           arg->disabled));
    }
    return b;
}

bool bdrv_bitmap_remove(BdrvDirtyBitmap *b, Error **errp)
{
    BlockDriverState *bs = bdrv_dirty_bitmap_node(b);

    if (!bdrv_dirty_bitmap_check(b, BDRV_BITMAP_BUSY | BDRV_BITMAP_READONLY,
                                 errp)) {
        return false;
    }
    if (bdrv_dirty_bitmap_persistent(b) && bs->drv->remove_stored_bitmap &&
        !bs->drv->remove_stored_bitmap(bs, bdrv_dirty_bitmap_name(b), errp)) {
        return false;
    }
    bdrv_dirty_bitmap_free(b);
    return true;
}

bool bdrv_can_store_bitmap(BlockDriverState *bs, const char *name,
                           uint32_t granularity, Error **errp)
{
    if (!bs->drv->can_store_bitmap) {
        error_setg(errp, "Cannot store dirty bitmaps in file '%s'",
                   bdrv_get_filename(bs));
        return false;
    }
    if (bs->read_only) {
        error_setg(errp, "Cannot store dirty bitmap '%s': node '%s' is "
                   "read-only", name, bs->node_name);
        return false;
    }
    return bs->drv->can_store_bitmap(bs, name, granularity, errp);
}

/* ---- Merge ---- */

static BdrvDirtyBitmap *merge_source(const BlockDirtyBitmapMerge *arg,
                                     const BlockDirtyBitmapOrStr *src,
                                     Error **errp)
{
    bool local = src->type == QAPI_KIND_STRING;
    BdrvDirtyBitmap *b = bdrv_lookup_bitmap(
        local ? arg->node : src->u.external.node,
        local ? src->u.local : src->u.external.name, errp);

    /* A source may be read-only. */
    return b && bdrv_dirty_bitmap_check(b, BDRV_BITMAP_BUSY |
                                        BDRV_BITMAP_INCONSISTENT, errp) ?
           b : NULL;
}

BdrvDirtyBitmap *bdrv_bitmap_merge(const BlockDirtyBitmapMerge *arg,
                                   BdrvBitmapBackup **backup, Error **errp)
{
    BdrvDirtyBitmap *to = bdrv_lookup_bitmap(arg->node, arg->target, errp);
    const BlockDirtyBitmapOrStrList *e;

    if (!to || !bdrv_dirty_bitmap_check(to, BDRV_BITMAP_DEFAULT, errp)) {
        return NULL;
    }
    *backup = bdrv_dirty_bitmap_backup(to);
    if (!*backup) {
        error_setg(errp, "No memory to merge into bitmap '%s'", arg->target);
        return NULL;
    }
    for (e = arg->bitmaps; e; e = e->next) {
        BdrvDirtyBitmap *from = merge_source(arg, e->value, errp);

        if (!from || !bdrv_dirty_bitmap_merge(to, from, errp)) {
            bdrv_dirty_bitmap_restore(to, g_steal_pointer(backup));
            return NULL;
        }
    }
    return to;
}

/* ---- Commands ---- */

static BdrvDirtyBitmap *usable_bitmap(const BlockDirtyBitmap *arg, Error **errp)
{
    BdrvDirtyBitmap *b = bdrv_lookup_bitmap(arg->node, arg->name, errp);

    return b && bdrv_dirty_bitmap_check(b, BDRV_BITMAP_DEFAULT, errp) ? b :
                                                                        NULL;
}

bool qmp_block_dirty_bitmap_add(BlockDirtyBitmapAdd *arg, Error **errp)
{
    return bdrv_bitmap_add(arg, errp) != NULL;
}

bool qmp_block_dirty_bitmap_remove(BlockDirtyBitmap *arg, Error **errp)
{
    BdrvDirtyBitmap *b = bdrv_lookup_bitmap(arg->node, arg->name, errp);

    return b && bdrv_bitmap_remove(b, errp);
}

bool qmp_block_dirty_bitmap_clear(BlockDirtyBitmap *arg, Error **errp)
{
    BdrvDirtyBitmap *b = usable_bitmap(arg, errp);

    if (b) {
        bdrv_dirty_bitmap_clear(b);
    }
    return b != NULL;
}

BdrvDirtyBitmap *bdrv_bitmap_enable(const BlockDirtyBitmap *arg, bool on,
                                    Error **errp)
{
    BdrvDirtyBitmap *b = usable_bitmap(arg, errp);

    if (b) {
        bdrv_dirty_bitmap_set_enabled(b, on);
    }
    return b;
}

bool qmp_block_dirty_bitmap_enable(BlockDirtyBitmap *arg, Error **errp)
{
    return bdrv_bitmap_enable(arg, true, errp) != NULL;
}

bool qmp_block_dirty_bitmap_disable(BlockDirtyBitmap *arg, Error **errp)
{
    return bdrv_bitmap_enable(arg, false, errp) != NULL;
}

bool qmp_block_dirty_bitmap_merge(BlockDirtyBitmapMerge *arg, Error **errp)
{
    BdrvBitmapBackup *backup;
    bool ok = bdrv_bitmap_merge(arg, &backup, errp) != NULL;

    if (ok) {
        bdrv_bitmap_backup_free(backup);
    }
    return ok;
}

BlockDirtyBitmapSha256 *
qmp_x_debug_block_dirty_bitmap_sha256(BlockDirtyBitmap *arg, Error **errp)
{
    BdrvDirtyBitmap *b = bdrv_lookup_bitmap(arg->node, arg->name, errp);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    BlockDirtyBitmapSha256 *result;
    uint64_t bytes;
    uint8_t buf[4096];

    if (!b) {
        return NULL;
    }
    /* Over whole words of 64 bits, at least one, as QEMU sums them. */
    bytes = bdrv_dirty_bitmap_data_bytes(b);
    bytes = bytes ? ROUND_UP(bytes, 8) : 8;
    for (uint64_t pos = 0; pos < bytes; pos += sizeof(buf)) {
        size_t n = MIN(bytes - pos, sizeof(buf));

        bdrv_dirty_bitmap_get_data(b, pos, buf, n);
        g_checksum_update(sum, buf, n);
    }
    result = g_new0(BlockDirtyBitmapSha256, 1);
    result->sha256 = g_strdup(g_checksum_get_string(sum));
    return result;
}
