/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another size for the guest: a longer L1 table, preallocation of what is new,
 * and clusters given back when it shrinks. Context: coroutine.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"
#include "block/dirty-bitmap.h"

/* ---- The L1 table ---- */

static int coroutine_fn write_l1_table(BlockDriverState *bs, uint64_t offset,
                                       const uint64_t *l1, uint32_t entries)
{
    g_autofree uint8_t *buf = g_try_malloc0(entries * 8ULL + 1);

    if (!buf) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < entries; i++) {
        put_be64(buf + i * 8, l1[i]);
    }
    qcow2_event(bs, BLKDEBUG_EVENT_L1_GROW_WRITE_TABLE);
    return bdrv_co_pwrite(bs->file->bs, offset, buf, entries * 8ULL, 0);
}

/* The header switches from one whole table to another. */
static int coroutine_fn switch_l1(BlockDriverState *bs, uint64_t offset,
                                  uint64_t *l1, uint32_t entries)
{
    Qcow2State *s = bs->opaque;
    uint64_t old_offset = s->l1_offset;
    uint32_t old_size = s->l1_size;
    int ret = write_l1_table(bs, offset, l1, entries);

    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret < 0) {
        return ret;
    }
    s->l1_offset = offset;
    s->l1_size = entries;
    qcow2_event(bs, BLKDEBUG_EVENT_L1_GROW_ACTIVATE_TABLE);
    ret = qcow2_write_header(bs);
    if (ret < 0) {
        s->l1_offset = old_offset;
        s->l1_size = old_size;
        return ret;
    }
    qcow2_overlap_forget(s);
    g_free(s->l1);
    s->l1 = l1;
    s->l1_dirty_from = s->l1_dirty_to = 0;
    if (old_size) {
        qcow2_free_later(bs, qcow2_cluster_start(s, old_offset),
                         qcow2_clusters(s, old_size * 8ULL) <<
                         s->cluster_bits);
    }
    return 0;
}

/* Lock held. */
int coroutine_fn qcow2_grow_l1(BlockDriverState *bs, uint64_t entries)
{
    Qcow2State *s = bs->opaque;
    uint64_t *l1;
    int64_t offset;
    int ret;

    if (entries <= s->l1_size) {
        return 0;
    }
    if (entries * 8 > QCOW2_MAX_L1_BYTES) {
        return -EFBIG;
    }
    l1 = g_try_new0(uint64_t, entries + 1);
    if (!l1) {
        return -ENOMEM;
    }
    memcpy(l1, s->l1, s->l1_size * 8ULL);
    qcow2_event(bs, BLKDEBUG_EVENT_L1_GROW_ALLOC_TABLE);
    offset = qcow2_alloc(bs, entries * 8);
    /* What the old table in memory says goes into the new one. */
    ret = offset < 0 ? offset : qcow2_write_tables(bs);
    ret = ret < 0 ? ret : qcow2_write_counts(bs);
    ret = ret < 0 ? ret : switch_l1(bs, offset, l1, entries);
    if (ret < 0) {
        g_free(l1);
        if (offset > 0) {
            qcow2_free_later(bs, offset, qcow2_clusters(s, entries * 8) <<
                             s->cluster_bits);
        }
    }
    return ret;
}

uint64_t qcow2_l1_entries(const Qcow2State *s, uint64_t size)
{
    uint64_t per_l2 = (uint64_t)s->cluster_bytes << s->l2_bits;

    return size / per_l2 + (size % per_l2 != 0);
}

/* ---- Preallocation ---- */

/* What has a home needs the file to be there, up to @end, before a table says
 * where that is. */
static int coroutine_fn extend_file(BlockDriverState *bs, uint64_t end,
                                    PreallocMode prealloc, Error **errp)
{
    Qcow2State *s = bs->opaque;
    BlockDriverState *file = s->data_file->bs;

    return end <= (uint64_t)file->total_bytes ? 0 :
           bdrv_co_truncate(file, end, false,
                            prealloc == PREALLOC_MODE_METADATA ?
                            PREALLOC_MODE_OFF : prealloc, 0, errp);
}

/* Where preallocation begins, so that it needs to copy nothing: with the
 * cluster that @from is in when that has no content, else with the next. */
static int coroutine_fn first_without_home(BlockDriverState *bs, uint64_t *from)
{
    Qcow2State *s = bs->opaque;
    uint64_t start = qcow2_cluster_start(s, *from);
    Qcow2Map m = { 0 };
    int ret = start == *from ? 0 : qcow2_lookup(bs, start, *from - start, &m);

    *from = start == *from || (!m.has_host && m.kind != QCOW2_COMPRESSED &&
                               (!bs->backing || s->extended_l2)) ?
            start : start + s->cluster_bytes;
    return ret;
}

/* Clusters with a home and no content: the guest reads what is in the file,
 * which is zeros where it was never written. */
static int coroutine_fn preallocate(BlockDriverState *bs, uint64_t from,
                                    uint64_t to, PreallocMode prealloc,
                                    Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret = first_without_home(bs, &from);

    while (from < to && ret >= 0) {
        uint64_t bytes = to - from, host;
        Qcow2Alloc *alloc;

        ret = qcow2_prepare_write(bs, from, &bytes, &host, &alloc);
        if (ret >= 0) {
            ret = extend_file(bs, s->data_file != bs->file ? host + bytes :
                              ROUND_UP(host + bytes, s->cluster_bytes),
                              prealloc, errp);
        }
        if (ret >= 0 && alloc && !alloc->fresh && s->data_file == bs->file) {
            /* Something else was there before. */
            ret = bdrv_co_pwrite_zeroes(bs->file->bs, alloc->host_offset,
                                        alloc->clusters << s->cluster_bits, 0);
        }
        if (ret >= 0 && alloc) {
            /* A backing file goes on to show through; data files that are
             * read as raw images have content everywhere. */
            alloc->prealloc = !(s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA);
            ret = qcow2_link_alloc(bs, alloc);
        } else if (alloc) {
            qcow2_abort_write(bs, alloc);
        }
        from += bytes;
    }
    if (ret >= 0 && s->data_file == bs->file) {
        ret = qcow2_write_tables(bs);
    }
    return ret;
}

/* Of whole clusters past @from, nothing that a table has. */
static int coroutine_fn drop_between(BlockDriverState *bs, uint64_t from,
                                     uint64_t to)
{
    Qcow2State *s = bs->opaque;
    uint64_t mapped = (uint64_t)s->l1_size << (s->l2_bits + s->cluster_bits);

    from = ROUND_UP(from, s->cluster_bytes);
    to = MIN(ROUND_UP(to, s->cluster_bytes), mapped);
    return from < to ? qcow2_drop_clusters(bs, from, to - from) : 0;
}

/* A data file that is read as a raw image is as long as the disk, and has
 * zeros where that is new. */
static int coroutine_fn grow_raw_data(BlockDriverState *bs, int64_t from,
                                      int64_t to, Error **errp)
{
    Qcow2State *s = bs->opaque;
    BlockDriverState *file = s->data_file->bs;
    int64_t there = MIN(file->total_bytes, to);
    int ret = 0;

    if (!(s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA)) {
        return 0;
    }
    if (there > from) {
        ret = bdrv_co_pwrite_zeroes(file, from, there - from, 0);
    }
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not clear the data file");
    }
    return ret < 0 || there == to ? ret :
           bdrv_co_truncate(file, to, false, PREALLOC_MODE_OFF, 0, errp);
}

/* No entry stays that points behind the end of the file. */
static int coroutine_fn grow_preallocated(BlockDriverState *bs, uint64_t old,
                                          uint64_t size, PreallocMode prealloc,
                                          Error **errp)
{
    Error *err = NULL;
    int ret = preallocate(bs, old, size, prealloc, &err);

    if (ret < 0) {
        if (!err) {
            error_setg_errno(&err, -ret, "Could not preallocate");
        }
        error_propagate(errp, err);
        (void)drop_between(bs, old, size);
        (void)qcow2_flush(bs);
    }
    return ret;
}

static int coroutine_fn grow(BlockDriverState *bs, uint64_t size,
                             PreallocMode prealloc, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t old = s->size;
    /* A shrink that was cut short may have left something there. */
    int ret = drop_between(bs, old, size);

    ret = ret < 0 ? ret : qcow2_grow_l1(bs, qcow2_l1_entries(s, size));
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to grow the L1 table");
        return ret;
    }
    ret = grow_raw_data(bs, old, size, errp);
    if (ret < 0) {
        return ret;
    }
    s->size = size;
    if (prealloc != PREALLOC_MODE_OFF) {
        ret = grow_preallocated(bs, old, size, prealloc, errp);
    }
    if (ret < 0) {
        s->size = old;
    }
    return ret;
}

/* In one cluster. */
static int coroutine_fn clear_tail(BlockDriverState *bs, uint64_t from,
                                   uint64_t to)
{
    Qcow2State *s = bs->opaque;
    int ret = 0;

    while (from < to && ret >= 0) {
        Qcow2Map m;

        co_mutex_lock(&s->lock);
        ret = qcow2_lookup(bs, from, to - from, &m);
        co_mutex_unlock(&s->lock);
        if (ret >= 0 && m.kind != QCOW2_ZERO &&
            (m.kind != QCOW2_UNALLOCATED || bs->backing)) {
            ret = qcow2_write_zeros(bs, from, from + m.bytes);
        }
        from += m.bytes;
    }
    return ret;
}

/*
 * What the guest did not see yet reads as zeros: neither what was there before
 * it shrank, in the last cluster, nor what a longer backing file has.
 */
static int coroutine_fn clear_new(BlockDriverState *bs, uint64_t from,
                                  uint64_t size)
{
    Qcow2State *s = bs->opaque;
    uint64_t to = ROUND_UP(from, s->cluster_bytes), end;
    int ret = from < to ? clear_tail(bs, from, MIN(to, size)) : 0;

    if (ret < 0 || !bs->backing ||
        to >= MIN(size, (uint64_t)bs->backing->bs->total_bytes)) {
        return ret;
    }
    end = ROUND_UP(MIN(size, (uint64_t)bs->backing->bs->total_bytes),
                   s->cluster_bytes);
    co_mutex_lock(&s->lock);
    ret = qcow2_zero_clusters(bs, to, MIN(end, size) - to, true);
    co_mutex_unlock(&s->lock);
    return ret == -ENOTSUP ? qcow2_write_zeros(bs, to, MIN(end, size)) : ret;
}

static int coroutine_fn set_size(BlockDriverState *bs, uint64_t old,
                                 uint64_t size, Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret = clear_new(bs, old, size);

    co_mutex_lock(&s->lock);
    ret = ret < 0 ? ret : qcow2_flush(bs);
    ret = ret < 0 ? ret : qcow2_write_header(bs);
    if (ret < 0) {
        s->size = old;
        error_setg_errno(errp, -ret, "Failed to update the image size");
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

/* The header first: what the guest still sees must not be gone. */
static int coroutine_fn shrink(BlockDriverState *bs, uint64_t size,
                               Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t old = s->size;
    int ret = qcow2_flush(bs);

    s->size = size;
    ret = ret < 0 ? ret : qcow2_write_header(bs);
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret < 0) {
        s->size = old;
        error_setg_errno(errp, -ret, "Failed to update the image size");
        return ret;
    }
    ret = drop_between(bs, size, old);
    ret = ret < 0 ? ret : qcow2_flush(bs);
    if (ret >= 0 && s->data_file != bs->file) {
        /* Devices stay as long as they are. */
        bdrv_co_truncate(s->data_file->bs, size, false, PREALLOC_MODE_OFF, 0,
                         NULL);
    }
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to discard cropped clusters");
    }
    return ret;
}

int coroutine_fn qcow2_co_truncate(BlockDriverState *bs, int64_t size,
                                   bool exact, PreallocMode prealloc,
                                   int flags, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t old = s->size;
    int ret;

    if (size % 512) {
        error_setg(errp, "The new size must be a multiple of 512");
        return -EINVAL;
    }
    if ((uint64_t)size < old && prealloc != PREALLOC_MODE_OFF) {
        error_setg(errp, "Preallocation can't be used for shrinking files");
        return -EINVAL;
    }
    for (BdrvDirtyBitmap *m = NULL; (m = bdrv_dirty_bitmap_next(bs, m));) {
        if (bdrv_dirty_bitmap_inconsistent(m)) {
            error_setg(errp, "Bitmap '%s' is inconsistent and cannot be "
                       "resized", bdrv_dirty_bitmap_name(m));
            error_append_hint(errp, "Try block-dirty-bitmap-remove to delete "
                              "this bitmap from disk");
            return -ENOTSUP;
        }
    }
    if (s->nb_snapshots && s->version < 3) {
        error_setg(errp, "Can't resize a v2 image which has snapshots");
        return -ENOTSUP;
    }
    co_mutex_lock(&s->lock);
    ret = (uint64_t)size < old ? shrink(bs, size, errp) :
                                 grow(bs, size, prealloc, errp);
    co_mutex_unlock(&s->lock);
    if (ret >= 0 && prealloc != PREALLOC_MODE_OFF && s->crypt_method &&
        s->version < 3) {
        /* No mark for zeros: they are there, encrypted. */
        ret = qcow2_write_zeros(bs, old, size);
    }
    return ret < 0 || (uint64_t)size < old ? ret :
           set_size(bs, old, size, errp);
}
