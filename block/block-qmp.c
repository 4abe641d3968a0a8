/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP commands of the block layer. */
#include "util/osdep.h"
#include "block-internal.h"
#include "qapi/qapi-commands-block-core.h"
#include "qapi/qapi-commands-block-info.h"
#include "qapi/qapi-commands-block-stats.h"
#include "util/main-loop.h"

bool qmp_blockdev_add(BlockdevOptions *arg, Error **errp)
{
    BlockDriverState *bs;

    if (!arg->node_name) {
        error_setg(errp, "'node-name' must be specified for the root node");
        return false;
    }
    bs = bdrv_open(arg, errp);
    if (!bs) {
        return false;
    }
    bs->monitor_owned = true;
    return true;
}

bool qmp_blockdev_del(const char *node_name, Error **errp)
{
    BlockDriverState *bs = bdrv_find_node(node_name);

    if (!bs) {
        error_setg(errp, "Failed to find node with node-name='%s'", node_name);
        return false;
    }
    if (!LIST_EMPTY(&bs->parents)) {
        error_setg(errp, "Node %s is in use", node_name);
        return false;
    }
    if (!bs->monitor_owned) {
        error_setg(errp, "Node %s is not owned by the monitor", node_name);
        return false;
    }
    bdrv_drained_begin(bs);
    bdrv_drained_end(bs);
    bs->monitor_owned = false;
    bdrv_unref(bs);
    return true;
}

static BlockDeviceInfo *node_info(BlockDriverState *bs, const BlockBackend *blk)
{
    BlockDeviceInfo *info = g_new0(BlockDeviceInfo, 1);

    info->file = g_strdup(bdrv_get_filename(bs));
    info->node_name = g_strdup(bs->node_name);
    info->ro = bs->read_only;
    info->drv = g_strdup(bs->drv->name);
    info->detect_zeroes = bs->detect_zeroes;
    info->image = bdrv_image_info(bs, NULL);
    info->cache = g_new0(BlockdevCacheInfo, 1);
    info->cache->writeback = !blk || blk->write_cache;
    info->cache->direct = bs->direct;
    info->cache->no_flush = bs->no_flush;
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
        info->inserted = blk->root ? node_info(blk->root->bs, blk) : NULL;
        info->has_io_status = blk->on_write_error == BLK_ON_ERROR_STOP ||
                              blk->on_write_error == BLK_ON_ERROR_ENOSPC;
        info->io_status = blk->io_failed ? BLOCK_DEVICE_IO_STATUS_FAILED :
                                           BLOCK_DEVICE_IO_STATUS_OK;
        *tail = g_new0(BlockInfoList, 1);
        (*tail)->value = info;
        tail = &(*tail)->next;
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
        (*tail)->value = node_info(bs, NULL);
        tail = &(*tail)->next;
    }
    return list;
}

/* ---- Statistics ---- */

static BlockDeviceStats *device_stats(BlockBackend *blk)
{
    BlockDeviceStats *s = g_new0(BlockDeviceStats, 1);

    s->account_failed = s->account_invalid = true;
    if (!blk) {
        return s;
    }
    g_mutex_lock(&blk->stats_lock);
    s->rd_bytes = blk->bytes[BLOCK_ACCT_READ];
    s->wr_bytes = blk->bytes[BLOCK_ACCT_WRITE];
    s->unmap_bytes = blk->bytes[BLOCK_ACCT_UNMAP];
    s->rd_operations = blk->ops_done[BLOCK_ACCT_READ];
    s->wr_operations = blk->ops_done[BLOCK_ACCT_WRITE];
    s->flush_operations = blk->ops_done[BLOCK_ACCT_FLUSH];
    s->unmap_operations = blk->ops_done[BLOCK_ACCT_UNMAP];
    s->rd_total_time_ns = blk->total_ns[BLOCK_ACCT_READ];
    s->wr_total_time_ns = blk->total_ns[BLOCK_ACCT_WRITE];
    s->flush_total_time_ns = blk->total_ns[BLOCK_ACCT_FLUSH];
    s->unmap_total_time_ns = blk->total_ns[BLOCK_ACCT_UNMAP];
    s->rd_merged = blk->merged[BLOCK_ACCT_READ];
    s->wr_merged = blk->merged[BLOCK_ACCT_WRITE];
    s->unmap_merged = blk->merged[BLOCK_ACCT_UNMAP];
    s->failed_rd_operations = blk->failed[BLOCK_ACCT_READ];
    s->failed_wr_operations = blk->failed[BLOCK_ACCT_WRITE];
    s->failed_flush_operations = blk->failed[BLOCK_ACCT_FLUSH];
    s->failed_unmap_operations = blk->failed[BLOCK_ACCT_UNMAP];
    s->invalid_rd_operations = blk->invalid[BLOCK_ACCT_READ];
    s->invalid_wr_operations = blk->invalid[BLOCK_ACCT_WRITE];
    s->invalid_flush_operations = blk->invalid[BLOCK_ACCT_FLUSH];
    s->invalid_unmap_operations = blk->invalid[BLOCK_ACCT_UNMAP];
    s->has_idle_time_ns = blk->last_access_ns != 0;
    s->idle_time_ns = clock_get_ns(CLOCK_REALTIME_NS) - blk->last_access_ns;
    g_mutex_unlock(&blk->stats_lock);
    return s;
}

static BlockStats *node_stats(BlockDriverState *bs)
{
    BlockStats *s = g_new0(BlockStats, 1);

    s->node_name = g_strdup(bs->node_name);
    s->stats = device_stats(NULL);
    s->stats->wr_highest_offset = bs->wr_highest_offset;
    s->parent = bs->file ? node_stats(bs->file->bs) : NULL;
    return s;
}

BlockStatsList *qmp_query_blockstats(bool has_query_nodes, bool query_nodes,
                                     Error **errp)
{
    BlockStatsList *list = NULL, **tail = &list;
    BlockDriverState *bs;
    BlockBackend *blk;

    if (has_query_nodes && query_nodes) {
        TAILQ_FOREACH(bs, &bdrv_nodes, next) {
            *tail = g_new0(BlockStatsList, 1);
            (*tail)->value = node_stats(bs);
            tail = &(*tail)->next;
        }
        return list;
    }
    TAILQ_FOREACH(blk, &blk_backends, next) {
        BlockStats *s;

        if (!*blk->name && !blk->dev) {
            continue;
        }
        s = blk->root ? node_stats(blk->root->bs) : g_new0(BlockStats, 1);
        qapi_free_BlockDeviceStats(s->stats);
        s->device = g_strdup(blk->name);
        s->qdev = device_path(blk);
        s->stats = device_stats(blk);
        s->stats->wr_highest_offset = blk->root ?
                                      blk->root->bs->wr_highest_offset : 0;
        *tail = g_new0(BlockStatsList, 1);
        (*tail)->value = s;
        tail = &(*tail)->next;
    }
    return list;
}
