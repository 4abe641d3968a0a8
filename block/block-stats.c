/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: statistics of disks and nodes. */
#include "util/osdep.h"
#include "block-internal.h"
#include "qapi/qapi-commands-block-stats.h"
#include "util/main-loop.h"

static char *device_path(const BlockBackend *blk)
{
    return blk->dev ? object_get_canonical_path(blk->dev) : NULL;
}

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
