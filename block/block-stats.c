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

/* ---- Histograms ---- */

static uint64List *list_of(const uint64_t *values, unsigned n)
{
    uint64List *list = NULL, **tail = &list;

    for (unsigned i = 0; i < n; i++) {
        *tail = g_new0(uint64List, 1);
        (*tail)->value = values[i];
        tail = &(*tail)->next;
    }
    return list;
}

static BlockLatencyHistogramInfo *histogram_info(const BlkHistogram *h)
{
    BlockLatencyHistogramInfo *info;

    if (!h->bins) {
        return NULL;
    }
    info = g_new0(BlockLatencyHistogramInfo, 1);
    info->boundaries = list_of(h->boundaries, h->num);
    info->bins = list_of(h->bins, h->num + 1);
    return info;
}

/* They rise from above 0. */
static bool histogram_parse(BlkHistogram *h, const uint64List *list)
{
    uint64_t last = 0;
    unsigned n = 0;

    for (const uint64List *e = list; e; e = e->next) {
        if (e->value <= last) {
            return false;
        }
        last = e->value;
        n++;
    }
    *h = (BlkHistogram) {
        .num = n, .boundaries = g_new0(uint64_t, n),
        .bins = g_new0(uint64_t, n + 1),
    };
    for (unsigned i = 0; i < n; i++, list = list->next) {
        h->boundaries[i] = list->value;
    }
    return true;
}

static void histogram_set(BlockBackend *blk, BlockAcctType type,
                          BlkHistogram h)
{
    BlkHistogram old;

    g_mutex_lock(&blk->stats_lock);
    old = blk->histograms[type];
    blk->histograms[type] = h;
    g_mutex_unlock(&blk->stats_lock);
    g_free(old.boundaries);
    g_free(old.bins);
}

bool qmp_block_latency_histogram_set(BlockLatencyHistogramSet *arg,
                                     Error **errp)
{
    const struct {
        BlockAcctType type;
        const char *name;
        bool has;
        const uint64List *own;
    } parts[] = {
        { BLOCK_ACCT_READ, "read", arg->boundaries_read != NULL,
          arg->boundaries_read },
        { BLOCK_ACCT_WRITE, "write", arg->boundaries_write != NULL,
          arg->boundaries_write },
        { BLOCK_ACCT_FLUSH, "flush", arg->boundaries_flush != NULL,
          arg->boundaries_flush },
    };
    BlockBackend *blk = blk_find_by_device(arg->id);
    bool off = !arg->boundaries;

    if (!blk) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  arg->id);
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        off &= !parts[i].has;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const uint64List *list = parts[i].has ? parts[i].own : arg->boundaries;
        BlkHistogram h = { 0 };

        if (!off && !parts[i].has && !arg->boundaries) {
            continue;
        }
        if (!off && !histogram_parse(&h, list)) {
            error_setg(errp, "Device '%s' set %s boundaries fail", arg->id,
                       parts[i].name);
            error_append_hint(errp, "They must rise from above 0.");
            return false;
        }
        histogram_set(blk, parts[i].type, h);
    }
    return true;
}

/* ---- Queries ---- */

static BlockDeviceStats *device_stats(BlockBackend *blk)
{
    BlockDeviceStats *s = g_new0(BlockDeviceStats, 1);

    g_mutex_lock(&blk->stats_lock);
    s->account_failed = blk->account_failed;
    s->account_invalid = blk->account_invalid;
    s->rd_latency_histogram = histogram_info(&blk->histograms[BLOCK_ACCT_READ]);
    s->wr_latency_histogram =
        histogram_info(&blk->histograms[BLOCK_ACCT_WRITE]);
    s->flush_latency_histogram =
        histogram_info(&blk->histograms[BLOCK_ACCT_FLUSH]);
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

static BlockStatsSpecific *specific_stats(const BlockDriverState *bs)
{
    int driver = qapi_enum_parse(&BlockdevDriver_lookup, bs->drv->name, -1,
                                 NULL);
    BlockStatsSpecific *s;

    if (driver != BLOCKDEV_DRIVER_FILE &&
        driver != BLOCKDEV_DRIVER_HOST_DEVICE) {
        return NULL;
    }
    s = g_new0(BlockStatsSpecific, 1);
    s->driver = driver;
    s->u.file.discard_nb_ok = __atomic_load_n(&bs->discards_ok,
                                              __ATOMIC_RELAXED);
    s->u.file.discard_nb_failed = __atomic_load_n(&bs->discards_failed,
                                                  __ATOMIC_RELAXED);
    s->u.file.discard_bytes_ok = __atomic_load_n(&bs->discard_bytes_ok,
                                                 __ATOMIC_RELAXED);
    return s;
}

/* @chain: and of what is below. */
static BlockStats *node_stats(const BlockDriverState *bs, bool chain)
{
    const BdrvChild *below = bs->drv->is_filter ? bs->file : bs->backing;
    BlockStats *s = g_new0(BlockStats, 1);

    s->node_name = g_strdup(bs->node_name);
    s->stats = g_new0(BlockDeviceStats, 1);
    s->stats->wr_highest_offset = bs->wr_highest_offset;
    s->driver_specific = specific_stats(bs);
    s->parent = bs->file ? node_stats(bs->file->bs, chain) : NULL;
    s->backing = chain && below ? node_stats(below->bs, true) : NULL;
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
            (*tail)->value = node_stats(bs, false);
            tail = &(*tail)->next;
        }
        return list;
    }
    TAILQ_FOREACH(blk, &blk_backends, next) {
        BlockStats *s;

        if (!*blk->name && !blk->dev) {
            continue;
        }
        s = blk->root ? node_stats(blk->root->bs, true) :
                        g_new0(BlockStats, 1);
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
