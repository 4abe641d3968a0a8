/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which tables reach the disk; see qcow2-internal.h. The lock is
 * held all the time, so nothing changes between the steps. Flushes of a file
 * that nothing was written to since the last one cost nothing.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

static int coroutine_fn write_be64(BlockDriverState *bs, unsigned own,
                                   uint64_t offset, const uint64_t *entries,
                                   uint32_t from, uint32_t to)
{
    g_autofree uint8_t *buf = g_try_malloc((to - from) * 8);
    int ret = qcow2_overlap_check(bs, own, offset + from * 8ULL,
                                  (to - from) * 8ULL);

    if (ret < 0 || !buf) {
        return ret < 0 ? ret : -ENOMEM;
    }
    for (uint32_t i = from; i < to; i++) {
        put_be64(buf + (i - from) * 8, entries[i]);
    }
    return bdrv_co_pwrite(bs->file->bs, offset + from * 8ULL, buf,
                          (to - from) * 8, 0);
}

/* New blocks first: the table may point at them only when they are there. */
int coroutine_fn qcow2_write_counts(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = s->corrupt ? -EIO : qcow2_cache_write(bs, &s->ref_cache);

    if (ret < 0 || s->reft_dirty_from == s->reft_dirty_to) {
        return ret;
    }
    ret = bdrv_co_flush(bs->file->bs);
    if (ret >= 0) {
        qcow2_event(bs, BLKDEBUG_EVENT_REFBLOCK_ALLOC_HOOKUP);
        ret = write_be64(bs, QCOW2_OL_REFCOUNT_TABLE, s->reftable_offset,
                         s->reftable, s->reft_dirty_from, s->reft_dirty_to);
    }
    if (ret >= 0) {
        s->reft_dirty_from = s->reft_dirty_to = 0;
    }
    return ret;
}

int coroutine_fn qcow2_write_l1(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (s->l1_dirty_from == s->l1_dirty_to) {
        return 0;
    }
    ret = bdrv_co_flush(bs->file->bs);
    if (ret >= 0) {
        qcow2_event(bs, BLKDEBUG_EVENT_L1_UPDATE);
        ret = write_be64(bs, QCOW2_OL_ACTIVE_L1, s->l1_offset, s->l1,
                         s->l1_dirty_from, s->l1_dirty_to);
    }
    if (ret >= 0) {
        s->l1_dirty_from = s->l1_dirty_to = 0;
    }
    return ret;
}

static int coroutine_fn flush_data(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = s->data_file != bs->file ? bdrv_co_flush(s->data_file->bs) : 0;

    return ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
}

static bool tables_clean(const Qcow2State *s)
{
    return qcow2_cache_is_clean(&s->l2_cache) && s->l1_dirty_from == s->l1_dirty_to;
}

int coroutine_fn qcow2_write_tables(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = s->corrupt ? -EIO : 0;

    /* A table can be allocated without a cluster for data: then the dirty bit
     * is not set, and the counts have to be right. */
    if (ret >= 0 && (!s->lazy_refcounts || !s->dirty_bit_set ||
                     tables_clean(s))) {
        ret = qcow2_write_counts(bs);
    }
    if (ret >= 0 && !tables_clean(s)) {
        ret = flush_data(bs);
    }
    if (ret >= 0) {
        ret = qcow2_cache_write(bs, &s->l2_cache);
    }
    return ret < 0 ? ret : qcow2_write_l1(bs);
}

int coroutine_fn qcow2_flush(BlockDriverState *bs)
{
    int ret = qcow2_write_tables(bs);

    if (ret >= 0) {
        ret = flush_data(bs);
    }
    return ret < 0 ? ret : qcow2_apply_frees(bs);
}

int coroutine_fn qcow2_settle(BlockDriverState *bs)
{
    int ret = qcow2_flush(bs);

    ret = ret < 0 ? ret : qcow2_write_counts(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    return ret < 0 ? ret : qcow2_mark_clean(bs);
}
