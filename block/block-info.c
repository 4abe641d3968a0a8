/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: what there is to know of nodes and disks. */
#include "util/osdep.h"
#include "block-internal.h"
#include "block/dirty-bitmap.h"
#include "qapi/qapi-commands-block-info.h"

static BlockDirtyInfo *bitmap_info(BdrvDirtyBitmap *b)
{
    BlockDirtyInfo *info = g_new0(BlockDirtyInfo, 1);

    info->name = g_strdup(bdrv_dirty_bitmap_name(b));
    info->count = bdrv_dirty_bitmap_count(b);
    info->granularity = bdrv_dirty_bitmap_granularity(b);
    info->recording = bdrv_dirty_bitmap_enabled(b);
    info->busy = bdrv_dirty_bitmap_busy(b);
    info->persistent = bdrv_dirty_bitmap_persistent(b);
    info->has_inconsistent = bdrv_dirty_bitmap_inconsistent(b);
    info->inconsistent = info->has_inconsistent;
    return info;
}

static BlockDirtyInfoList *bitmap_infos(BlockDriverState *bs)
{
    BlockDirtyInfoList *list = NULL, **tail = &list;
    BdrvDirtyBitmap *b = NULL;

    while ((b = bdrv_dirty_bitmap_next(bs, b))) {
        *tail = g_new0(BlockDirtyInfoList, 1);
        (*tail)->value = bitmap_info(b);
        tail = &(*tail)->next;
    }
    return list;
}

/* The node's image, and, unless it is to be flat, those below it. */
static bool chain_info(BlockDriverState *bs, bool flat, BlockDeviceInfo *info,
                       Error **errp)
{
    ImageInfo **image = &info->image;
    BdrvChild *below;

    while ((*image = bdrv_image_info(bs, errp))) {
        below = bdrv_filter_or_cow_child(bs);
        if (flat || !below) {
            return true;
        }
        info->backing_file_depth++;
        image = &(*image)->backing_image;
        bs = below->bs;
    }
    return false;
}

static BlockDeviceInfo *node_info(BlockDriverState *bs, const BlockBackend *blk,
                                  bool flat, Error **errp)
{
    BlockDeviceInfo *info = g_new0(BlockDeviceInfo, 1);

    if (!chain_info(bs, flat, info, errp)) {
        qapi_free_BlockDeviceInfo(info);
        return NULL;
    }
    info->file = g_strdup(bdrv_get_filename(bs));
    info->backing_file = bs->backing ?
                         g_strdup(bdrv_get_filename(bs->backing->bs)) : NULL;
    info->encrypted = bs->encrypted;
    info->dirty_bitmaps = bitmap_infos(bs);
    info->node_name = g_strdup(bs->node_name);
    info->ro = bs->read_only;
    info->drv = g_strdup(bs->drv->name);
    info->detect_zeroes = bs->detect_zeroes;
    if (blk) {
        blk_throttling_info(blk, info);
    }
    info->cache = g_new0(BlockdevCacheInfo, 1);
    info->cache->writeback = !blk || blk->write_cache;
    info->cache->direct = bs->direct;
    info->cache->no_flush = bs->no_flush;
    info->write_threshold = __atomic_load_n(&bs->write_threshold,
                                            __ATOMIC_RELAXED);
    return info;
}

static char *device_path(const BlockBackend *blk)
{
    return blk->dev ? object_get_canonical_path(blk->dev) : NULL;
}

BlockInfoList *qmp_query_block(Error **errp)
{
    BlockInfoList *list = NULL, **tail = &list;
    BlockBackend *blk;

    TAILQ_FOREACH(blk, &blk_backends, next) {
        BlockInfo *info;

        if (!*blk->name && !blk->dev) {
            continue;
        }
        info = g_new0(BlockInfo, 1);
        info->device = g_strdup(blk->name);
        info->qdev = device_path(blk);
        info->type = g_strdup("unknown");
        info->has_io_status = blk->on_write_error == BLK_ON_ERROR_STOP ||
                              blk->on_write_error == BLK_ON_ERROR_ENOSPC;
        info->io_status = blk->io_nospace ? BLOCK_DEVICE_IO_STATUS_NOSPACE :
                          blk->io_failed ? BLOCK_DEVICE_IO_STATUS_FAILED :
                                           BLOCK_DEVICE_IO_STATUS_OK;
        *tail = g_new0(BlockInfoList, 1);
        (*tail)->value = info;
        tail = &(*tail)->next;
        if (blk->root) {
            info->inserted = node_info(blk->root->bs, blk, false, errp);
            if (!info->inserted) {
                qapi_free_BlockInfoList(list);
                return NULL;
            }
        }
    }
    return list;
}

BlockDeviceInfoList *qmp_query_named_block_nodes(bool has_flat, bool flat,
                                                 Error **errp)
{
    BlockDeviceInfoList *list = NULL, **tail = &list;
    BlockDriverState *bs;

    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        *tail = g_new0(BlockDeviceInfoList, 1);
        (*tail)->value = node_info(bs, NULL, has_flat && flat, errp);
        if (!(*tail)->value) {
            qapi_free_BlockDeviceInfoList(list);
            return NULL;
        }
        tail = &(*tail)->next;
    }
    return list;
}
