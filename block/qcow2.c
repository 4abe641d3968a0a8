/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qcow2 driver: opening and closing, and the requests that move no data.
 * See qcow2-internal.h.
 */
#include "util/osdep.h"
#include "qcow2-bitmap-internal.h"
#include "qapi/qapi-events-block-image.h"
#include "util/log.h"

static const char *device_name(const BlockDriverState *bs)
{
    const BdrvChild *c;

    LIST_FOREACH(c, &bs->parents, next_parent) {
        if (c->blk && *c->blk->name) {
            return c->blk->name;
        }
    }
    return "";
}

void coroutine_fn qcow2_signal_corruption(BlockDriverState *bs, uint64_t offset,
                                          uint64_t bytes, const char *fmt, ...)
{
    Qcow2State *s = bs->opaque;
    bool fatal = bs->file->perm & BLK_PERM_WRITE;
    g_autofree char *text = NULL;
    va_list ap;

    if (s->corrupt_told) {
        return;
    }
    s->corrupt_told = true;
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    warn_report("qcow2: image '%s' is corrupt: %s%s", bdrv_get_filename(bs),
                text, fatal ? "; it is not written to any more" : "");
    qapi_event_send_block_image_corrupted(device_name(bs), bs->node_name, text,
                                          bytes, offset, bytes, bytes, fatal);
    if (!fatal) {
        return;
    }
    s->corrupt = true;
    if (s->version >= 3) {
        s->incompatible |= QCOW2_INCOMPAT_CORRUPT;
        if (qcow2_write_header(bs) >= 0) {
            bdrv_co_flush(bs->file->bs);
        }
    }
}

/* ---- Opening ---- */

static bool read_l1(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *buf = g_try_malloc(s->l1_size * 8ULL + 1);
    int ret;

    s->l1 = g_try_new(uint64_t, s->l1_size + 1);
    if (!buf || !s->l1) {
        error_setg(errp, "Could not allocate the L1 table");
        return false;
    }
    ret = bdrv_pread(bs->file->bs, s->l1_offset, buf, s->l1_size * 8ULL);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not read L1 table");
        return false;
    }
    for (uint32_t i = 0; i < s->l1_size; i++) {
        s->l1[i] = get_be64(buf + i * 8);
    }
    return true;
}

static bool open_data_file(BlockDriverState *bs, BlockdevOptionsQcow2 *o,
                           Error **errp)
{
    Qcow2State *s = bs->opaque;
    bool wanted = s->incompatible & QCOW2_INCOMPAT_DATA_FILE;

    s->data_file = bs->file;
    if (!wanted) {
        if (o->data_file) {
            error_setg(errp, "'data-file' can only be set for images with an "
                       "external data file");
            return false;
        }
        return true;
    }
    if (o->data_file) {
        s->data_file = bdrv_open_child(bs, o->data_file, "data-file",
                                       BDRV_CHILD_DATA, errp);
    } else if (s->data_file_name) {
        s->data_file = bdrv_open_named_child(bs, s->data_file_name, "raw",
                                             "data-file", BDRV_CHILD_DATA,
                                             errp);
    } else {
        error_setg(errp, "'data-file' is required for this image");
        return false;
    }
    return s->data_file != NULL;
}

static int coroutine_fn write_header_co(void *opaque)
{
    return qcow2_write_header(opaque);
}

/* What we do not keep up to date must not look as if it were. */
static bool clear_unknown_autoclear(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    int ret;

    if (!s->nb_bitmaps) {
        s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
    }
    if (bs->read_only || bs->auto_read_only ||
        !(s->autoclear & ~(uint64_t)QCOW2_AUTOCLEAR_KNOWN)) {
        return true;
    }
    s->autoclear &= QCOW2_AUTOCLEAR_KNOWN;
    ret = bdrv_run(bs->ctx, write_header_co, bs);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not update qcow2 header");
    }
    return ret >= 0;
}

/* A check can go on without; nothing else may. */
static bool read_snapshots(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    bool checking = bs->open_flags & BDRV_O_CHECK;

    s->snapshots_bad = !qcow2_read_snapshots(bs, checking ? NULL : errp);
    return !s->snapshots_bad || checking;
}

static bool read_bitmaps(BlockDriverState *bs, Error **errp)
{
    bool checking = bs->open_flags & BDRV_O_CHECK;

    return qcow2_bitmaps_read_dir(bs, checking ? NULL : errp) || checking;
}

typedef struct RepairDirty {
    BlockDriverState *bs;
    BdrvCheckResult result;
} RepairDirty;

static int coroutine_fn repair_dirty_co(void *opaque)
{
    RepairDirty *r = opaque;

    return qcow2_co_check(r->bs, &r->result, BDRV_FIX_LEAKS | BDRV_FIX_ERRORS);
}

/* Who wrote it last did not close it: its counts are not right. */
static bool repair_dirty(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    RepairDirty r = { .bs = bs };
    int ret;

    if (bs->read_only || (bs->open_flags & BDRV_O_CHECK) ||
        !(s->incompatible & QCOW2_INCOMPAT_DIRTY)) {
        return true;
    }
    ret = bdrv_run(bs->ctx, repair_dirty_co, &r);
    if (ret < 0 || r.result.check_errors || r.result.corruptions) {
        error_setg_errno(errp, ret < 0 ? -ret : EIO,
                         "Could not repair dirty image");
        return false;
    }
    return true;
}

static void free_state(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;

    qcow2_free_options(bs);
    qcow2_overlap_forget(s);
    qcow2_free_header(s);
    g_free(s->l1);
    g_free(s->reftable);
    g_array_unref(s->pending_free);
    g_ptr_array_unref(s->snapshots);
    g_ptr_array_unref(s->bitmaps);
    crypto_block_free(s->crypto);
}

static bool qcow2_open(BlockDriverState *bs, BlockdevOptions *options,
                       Error **errp)
{
    BlockdevOptionsQcow2 *o = &options->u.qcow2;
    Qcow2State *s = bs->opaque;

    co_mutex_init(&s->lock);
    LIST_INIT(&s->allocs);
    STAILQ_INIT(&s->extensions);
    s->pending_free = g_array_new(FALSE, FALSE, sizeof(Qcow2Range));
    s->snapshots = g_ptr_array_new_with_free_func(qcow2_snapshot_free);
    s->bitmaps = g_ptr_array_new_with_free_func(qcow2_bitmap_free);
    if (bdrv_open_file_child(bs, o->file, BDRV_CHILD_IMAGE, errp) &&
        qcow2_read_header(bs, errp) && open_data_file(bs, o, errp) &&
        qcow2_open_crypto(bs, o, errp) &&
        qcow2_set_options(bs, o, errp) &&
        read_l1(bs, errp) && qcow2_read_reftable(bs, errp) &&
        read_snapshots(bs, errp) && repair_dirty(bs, errp) &&
        clear_unknown_autoclear(bs, errp) && read_bitmaps(bs, errp) &&
        bdrv_open_backing(bs, o->backing, errp) &&
        qcow2_bitmaps_load(bs, errp)) {
        return true;
    }
    free_state(bs);
    return false;
}

/* Tables to the disk; then the counts in the file are right again. */
int coroutine_fn qcow2_inactivate_co(void *opaque)
{
    BlockDriverState *bs = opaque;
    Qcow2State *s = bs->opaque;
    int ret, bitmaps_ret;

    co_mutex_lock(&s->lock);
    if (s->corrupt) {
        co_mutex_unlock(&s->lock);
        return 0;                   /* what is there stays */
    }
    co_mutex_unlock(&s->lock);
    bitmaps_ret = qcow2_bitmaps_store(bs);
    co_mutex_lock(&s->lock);
    ret = qcow2_settle(bs);
    co_mutex_unlock(&s->lock);
    return ret < 0 ? ret : bitmaps_ret;
}

static void qcow2_close(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;

    /* A cleaning may be on its way. */
    g_clear_pointer(&s->clean_timer, timer_free);
    bdrv_drained_begin(bs);
    bdrv_drained_end(bs);
    s->clean_asleep = false;
    if (bs->file->perm & BLK_PERM_WRITE) {
        int ret = bdrv_run(bs->ctx, qcow2_inactivate_co, bs);

        if (ret < 0) {
            error_report("could not write the tables of '%s' on closing: %s",
                         bdrv_get_filename(bs), g_strerror(-ret));
        }
    }
    free_state(bs);
}

/* ---- Other options ---- */

static void qcow2_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.qcow2.file;
    refs->data_file = o->u.qcow2.data_file;
    refs->backing = &o->u.qcow2.backing;
}

static int64_t qcow2_get_length(BlockDriverState *bs)
{
    return ((Qcow2State *)bs->opaque)->size;
}

static uint32_t qcow2_get_cluster_size(BlockDriverState *bs)
{
    return ((Qcow2State *)bs->opaque)->cluster_bytes;
}

static void qcow2_refresh_limits(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;

    bs->limits = (BlockLimits) {
        .request_alignment = s->crypt_method ? CRYPTO_SECTOR_BYTES : 1,
        .mem_alignment = 1, .max_iov = IOV_MAX,
        .pwrite_zeroes_alignment = s->subcluster_bytes,
        .pdiscard_alignment = s->cluster_bytes,
        .discard_granularity = s->cluster_bytes,
    };
}

/* The header says how the image is made, so its content is known by it. */
static int qcow2_probe(const uint8_t *buf, size_t bytes)
{
    return bytes >= 8 && get_be32(buf) == QCOW2_MAGIC && get_be32(buf + 4) >= 2
           ? 100 : 0;
}

/* ---- Flush, zeros, discard, status ---- */

static int coroutine_fn qcow2_co_flush_to_file(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret;

    co_mutex_lock(&s->lock);
    ret = bs->no_flush ? qcow2_write_tables(bs) : qcow2_flush(bs);
    co_mutex_unlock(&s->lock);
    return ret;
}

/* A data file that is read as a raw image has to have them as well. */
static int coroutine_fn zero_raw_data(BlockDriverState *bs, int64_t offset,
                                      int64_t bytes, int flags)
{
    Qcow2State *s = bs->opaque;

    return !(s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA) ? 0 :
           bdrv_co_pwrite_zeroes(s->data_file->bs, offset, bytes, flags);
}

static int coroutine_fn qcow2_co_pwrite_zeroes(BlockDriverState *bs,
                                               int64_t offset, int64_t bytes,
                                               int flags)
{
    Qcow2State *s = bs->opaque;
    uint64_t end = offset + bytes;
    int ret;

    if (offset % s->subcluster_bytes ||
        (end % s->subcluster_bytes && end != s->size)) {
        return -ENOTSUP;
    }
    co_mutex_lock(&s->lock);
    qcow2_wait_allocs(bs, offset, bytes);
    s->freeing = flags & BDRV_REQ_MAY_UNMAP ? QCOW2_FREED_REQUEST :
                                              QCOW2_FREED_OTHER;
    ret = s->corrupt ? -EIO : zero_raw_data(bs, offset, bytes, flags);
    ret = ret < 0 ? ret : qcow2_zero_clusters(bs, offset, bytes, flags &
                                              BDRV_REQ_MAY_UNMAP);
    s->freeing = QCOW2_FREED_OTHER;
    co_mutex_unlock(&s->lock);
    return ret;
}

static int coroutine_fn qcow2_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                          int64_t bytes)
{
    Qcow2State *s = bs->opaque;
    int ret;

    co_mutex_lock(&s->lock);
    qcow2_wait_allocs(bs, offset, bytes);
    s->freeing = QCOW2_FREED_REQUEST;
    ret = s->corrupt ? -EIO : qcow2_discard_clusters(bs, offset, bytes);
    if (ret >= 0 && s->data_file != bs->file &&
        s->pass_discard[QCOW2_FREED_REQUEST]) {
        /* Its clusters have no counts: they are never free. */
        bdrv_co_pdiscard(s->data_file->bs, offset, bytes);
    }
    s->freeing = QCOW2_FREED_OTHER;
    co_mutex_unlock(&s->lock);
    return ret;
}

/*
 * Clusters in use that take no space are a sign of preallocation; only then it
 * pays to look for holes in the file for each range of data. Counted once, and
 * no further than needed to know. Lock held.
 */
static bool coroutine_fn clusters_have_holes(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int64_t taken = bdrv_get_allocated_file_size(bs->file->bs);
    uint64_t real, limit, end, used = 0;

    if (s->holes_checked || taken < 0) {
        return s->has_holes;
    }
    real = taken >> s->cluster_bits;
    limit = MAX(real * 10 / 9, real + 2);
    end = qcow2_clusters(s, bs->file->bs->total_bytes);
    for (uint64_t i = 0; i < end && used < limit; i++) {
        uint64_t count;

        if (qcow2_get_refcount(bs, i, &count) < 0) {
            return false;
        }
        used += count != 0;
    }
    s->holes_checked = true;
    s->has_holes = used >= limit;
    return s->has_holes;
}

static int coroutine_fn qcow2_co_block_status(BlockDriverState *bs,
                                              bool want_zero, int64_t offset,
                                              int64_t bytes, BdrvStatus *st)
{
    Qcow2State *s = bs->opaque;
    Qcow2Map m;
    int flags = 0, ret;

    co_mutex_lock(&s->lock);
    qcow2_warm(bs, offset);
    ret = qcow2_lookup(bs, offset, bytes, &m);
    if (ret >= 0 && want_zero && m.kind == QCOW2_DATA &&
        !clusters_have_holes(bs)) {
        flags = BDRV_BLOCK_RECURSED;
    }
    co_mutex_unlock(&s->lock);
    if (ret < 0) {
        return ret;
    }
    *st = (BdrvStatus) { .pnum = m.bytes, .map = m.host,
                         .file = s->data_file->bs };
    if (m.has_host && m.kind != QCOW2_COMPRESSED && !s->crypto) {
        flags |= BDRV_BLOCK_OFFSET_VALID;
    }
    switch (m.kind) {
    case QCOW2_DATA:
        return flags | BDRV_BLOCK_DATA;
    case QCOW2_COMPRESSED:
        return BDRV_BLOCK_DATA | BDRV_BLOCK_COMPRESSED;
    case QCOW2_ZERO:
        return flags | BDRV_BLOCK_ZERO;
    default:
        return flags;
    }
}

static int coroutine_fn qcow2_co_make_empty(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret;

    qcow2_event(bs, BLKDEBUG_EVENT_EMPTY_IMAGE_PREPARE);
    co_mutex_lock(&s->lock);
    ret = s->corrupt ? -EIO :
          qcow2_drop_clusters(bs, 0, ROUND_UP(s->size, s->cluster_bytes));
    ret = ret < 0 ? ret : qcow2_flush(bs);
    co_mutex_unlock(&s->lock);
    return ret;
}

static const BlockDriver qcow2_driver = {
    .name = "qcow2",
    .instance_size = sizeof(Qcow2State),
    .is_format = true,
    .supports_backing = true,
    .probe = qcow2_probe,
    .open = qcow2_open,
    .close = qcow2_close,
    .child_refs = qcow2_child_refs,
    .reopen_prepare = qcow2_reopen_prepare,
    .reopen_commit = qcow2_reopen_commit,
    .reopen_abort = qcow2_reopen_abort,
    .get_length = qcow2_get_length,
    .get_cluster_size = qcow2_get_cluster_size,
    .create_options = qcow2_create_options,
    .create = qcow2_create_by_name,
    .co_make_empty = qcow2_co_make_empty,
    .is_dirty = qcow2_is_dirty,
    .get_specific_info = qcow2_get_specific_info,
    .measure = qcow2_measure,
    .co_change_backing = qcow2_co_change_backing,
    .co_check = qcow2_co_check,
    .co_amend = qcow2_co_amend,
    .can_store_bitmap = qcow2_can_store_bitmap,
    .remove_stored_bitmap = qcow2_remove_stored_bitmap,
    .co_snapshot_create = qcow2_co_snapshot_create,
    .co_snapshot_goto = qcow2_co_snapshot_goto,
    .co_snapshot_delete = qcow2_co_snapshot_delete,
    .co_snapshot_load_tmp = qcow2_co_snapshot_load_tmp,
    .snapshot_list = qcow2_snapshot_list,
    .refresh_limits = qcow2_refresh_limits,
    .co_preadv = qcow2_co_preadv,
    .co_pwritev = qcow2_co_pwritev,
    .co_copy_from = qcow2_co_copy_from,
    .co_copy_to = qcow2_co_copy_to,
    .co_pack = qcow2_co_pack,
    .co_pwritev_compressed = qcow2_co_pwritev_compressed,
    .co_flush_to_file = qcow2_co_flush_to_file,
    .co_pdiscard = qcow2_co_pdiscard,
    .co_pwrite_zeroes = qcow2_co_pwrite_zeroes,
    .co_block_status = qcow2_co_block_status,
    .co_truncate = qcow2_co_truncate,
};

static void qcow2_init(void)
{
    bdrv_register_driver(&qcow2_driver);
}
type_init(qcow2_init)
