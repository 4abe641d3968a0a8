/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on whole images, for tools and QMP: to the driver that can. */
#include "util/osdep.h"
#include "block-internal.h"
#include "block/dirty-bitmap.h"

typedef struct ImageOp {
    BlockDriverState *bs;
    BdrvCheckResult *result;
    int fix;
    const char *filename, *format;
    const BdrvAmend *amend;
    const BdrvSnapshot *facts;
    const char *id;
    Error **errp;
} ImageOp;

static int refuse(BlockDriverState *bs, const char *what, Error **errp)
{
    error_setg(errp, "Format driver '%s' does not support %s", bs->drv->name,
               what);
    return -ENOTSUP;
}

/* The node is quiet for as long as it is changed as a whole. */
static int run_drained(BdrvRunFn *fn, ImageOp *op)
{
    int ret;

    bdrv_drained_begin(op->bs);
    ret = bdrv_run(op->bs->ctx, fn, op);
    if (op->bs->drv->get_length(op->bs) >= 0) {
        op->bs->total_bytes = op->bs->drv->get_length(op->bs);
        bdrv_dirty_bitmaps_resize(op->bs);
    }
    __atomic_fetch_add(&op->bs->write_gen, 1, __ATOMIC_SEQ_CST);
    bdrv_drained_end(op->bs);
    return ret;
}

/* ---- Check ---- */

static int coroutine_fn check_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_check(op->bs, op->result, op->fix);
}

int bdrv_check(BlockDriverState *bs, BdrvCheckResult *result, int fix)
{
    ImageOp op = { .bs = bs, .result = result, .fix = fix };

    *result = (BdrvCheckResult) { 0 };
    return bs->drv->co_check ? run_drained(check_co, &op) : -ENOTSUP;
}

static int coroutine_fn make_empty_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_make_empty(op->bs);
}

int bdrv_make_empty(BlockDriverState *bs)
{
    ImageOp op = { .bs = bs };

    return bs->drv->co_make_empty ? run_drained(make_empty_co, &op) : -ENOTSUP;
}

/* ---- Facts ---- */

BlockDriverState *bdrv_get_backing(const BlockDriverState *bs)
{
    return bs->backing ? bs->backing->bs : NULL;
}

const char *bdrv_get_backing_file(const BlockDriverState *bs)
{
    return bs->backing_file;
}

const char *bdrv_get_backing_format(const BlockDriverState *bs)
{
    return bs->backing_format;
}

char *bdrv_get_full_backing_name(BlockDriverState *bs, Error **errp)
{
    if (!bs->backing_file) {
        error_setg(errp, "'%s' has no backing file", bdrv_get_filename(bs));
        return NULL;
    }
    return bdrv_resolve_backing(bs, bs->backing_file, errp);
}

bool bdrv_is_encrypted(const BlockDriverState *bs)
{
    return bs->encrypted || (bs->backing && bs->backing->bs->encrypted);
}

static bool same_file(const char *a, const char *b)
{
    g_autofree char *real_a = realpath(a, NULL);
    g_autofree char *real_b = realpath(b, NULL);

    return g_str_equal(a, b) || (real_a && real_b && !strcmp(real_a, real_b));
}

BlockDriverState *bdrv_find_backing_image(BlockDriverState *bs,
                                          const char *name)
{
    while (bs) {
        BlockDriverState *below = bdrv_get_backing(bs);

        if (same_file(bdrv_get_filename(bs), name)) {
            return bs;
        }
        if (below && bs->backing_file && g_str_equal(bs->backing_file, name)) {
            return below;
        }
        bs = below;
    }
    return NULL;
}

uint32_t bdrv_get_cluster_size(BlockDriverState *bs)
{
    return bs->drv->get_cluster_size ? bs->drv->get_cluster_size(bs) : 0;
}

ImageInfoSpecific *bdrv_get_specific_info(BlockDriverState *bs, Error **errp)
{
    return bs->drv->get_specific_info ? bs->drv->get_specific_info(bs, errp) :
                                        NULL;
}

static SnapshotInfoList *snapshot_infos(BlockDriverState *bs)
{
    g_autoptr(GPtrArray) list = bdrv_snapshot_list(bs);
    SnapshotInfoList *infos = NULL, **tail = &infos;

    for (guint i = 0; i < list->len; i++) {
        *tail = g_new0(SnapshotInfoList, 1);
        (*tail)->value = bdrv_snapshot_info(g_ptr_array_index(list, i));
        tail = &(*tail)->next;
    }
    return infos;
}

static void backing_info(BlockDriverState *bs, ImageInfo *info)
{
    if (bs->backing_file && *bs->backing_file) {
        info->backing_filename = g_strdup(bs->backing_file);
        info->full_backing_filename =
            bdrv_resolve_backing(bs, bs->backing_file, NULL);
        info->backing_filename_format = g_strdup(bs->backing_format);
    }
}

ImageInfo *bdrv_image_info(BlockDriverState *bs, Error **errp)
{
    g_autoptr(Error) err = NULL;
    ImageInfo *info = g_new0(ImageInfo, 1);
    int64_t allocated = bdrv_get_allocated_file_size(bs);

    info->filename = g_strdup(bdrv_get_filename(bs));
    info->format = g_strdup(bs->drv->name);
    /* Whole sectors: that is what a guest sees. */
    info->virtual_size = ROUND_UP(bs->total_bytes, 512);
    info->has_actual_size = allocated >= 0;
    info->actual_size = allocated;
    info->cluster_size = bdrv_get_cluster_size(bs);
    info->has_cluster_size = info->cluster_size != 0;
    info->has_encrypted = info->encrypted = bs->encrypted;
    info->has_dirty_flag = bs->drv->is_dirty || allocated >= 0;
    info->dirty_flag = bs->drv->is_dirty && bs->drv->is_dirty(bs);
    backing_info(bs, info);
    info->snapshots = snapshot_infos(bs);
    info->format_specific = bdrv_get_specific_info(bs, &err);
    if (err) {
        qapi_free_ImageInfo(info);
        error_propagate(errp, g_steal_pointer(&err));
        return NULL;
    }
    return info;
}

BlockMeasureInfo *bdrv_measure(const char *format, struct json_object *options,
                               BlockDriverState *in, Error **errp)
{
    const BlockDriver *drv = bdrv_find_driver(format);

    if (!drv) {
        error_setg(errp, "Unknown file format '%s'", format);
        return NULL;
    }
    if (!drv->measure) {
        error_setg(errp, "Block driver '%s' does not support size measurement",
                   format);
        return NULL;
    }
    return drv->measure(options, in, errp);
}

/* ---- Changes ---- */

static int coroutine_fn change_backing_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_change_backing(op->bs, op->filename, op->format);
}

int bdrv_change_backing(BlockDriverState *bs, const char *filename,
                        const char *format)
{
    ImageOp op = { .bs = bs, .filename = filename, .format = format };

    if (format && !filename) {
        return -EINVAL;
    }
    return bs->drv->co_change_backing ? run_drained(change_backing_co, &op) :
                                        -ENOTSUP;
}

static int coroutine_fn amend_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_amend(op->bs, op->amend, op->errp);
}

int bdrv_amend(BlockDriverState *bs, const BdrvAmend *amend, Error **errp)
{
    ImageOp op = { .bs = bs, .amend = amend, .errp = errp };

    return bs->drv->co_amend ? run_drained(amend_co, &op) :
                               refuse(bs, "option amendment", errp);
}

/* ---- Snapshots ---- */

void bdrv_snapshot_free(BdrvSnapshot *sn)
{
    if (sn) {
        g_free(sn->id);
        g_free(sn->name);
        g_free(sn);
    }
}

static void free_snapshot(gpointer sn)
{
    bdrv_snapshot_free(sn);
}

bool bdrv_can_snapshot(BlockDriverState *bs)
{
    return bs->drv->co_snapshot_create != NULL;
}

GPtrArray *bdrv_snapshot_list(BlockDriverState *bs)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(free_snapshot);

    if (bs->drv->snapshot_list) {
        bs->drv->snapshot_list(bs, list);
    }
    return list;
}

BdrvSnapshot *bdrv_snapshot_find_by(BlockDriverState *bs, const char *id,
                                    const char *name)
{
    g_autoptr(GPtrArray) list = bdrv_snapshot_list(bs);

    for (guint i = 0; i < list->len; i++) {
        BdrvSnapshot *sn = g_ptr_array_index(list, i);

        if ((!id || g_str_equal(sn->id, id)) &&
            (!name || g_str_equal(sn->name, name))) {
            return g_ptr_array_steal_index(list, i);
        }
    }
    return NULL;
}

BdrvSnapshot *bdrv_snapshot_find(BlockDriverState *bs, const char *id_or_name)
{
    BdrvSnapshot *sn = bdrv_snapshot_find_by(bs, id_or_name, NULL);

    return sn ? sn : bdrv_snapshot_find_by(bs, NULL, id_or_name);
}

static bool may_write(BlockDriverState *bs, Error **errp)
{
    if (!bs->drv->co_snapshot_create) {
        refuse(bs, "internal snapshots", errp);
        return false;
    }
    if (bs->read_only) {
        error_setg(errp, "Node '%s' is read only", bs->node_name);
        return false;
    }
    return true;
}

static int coroutine_fn create_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_snapshot_create(op->bs, op->facts, op->errp);
}

int bdrv_snapshot_create(BlockDriverState *bs, const BdrvSnapshot *facts,
                         Error **errp)
{
    ImageOp op = { .bs = bs, .facts = facts, .errp = errp };

    return may_write(bs, errp) ? run_drained(create_co, &op) : -ENOTSUP;
}

static int coroutine_fn goto_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_snapshot_goto(op->bs, op->id, op->errp);
}

static int coroutine_fn delete_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_snapshot_delete(op->bs, op->id, op->errp);
}

static int coroutine_fn load_tmp_co(void *opaque)
{
    ImageOp *op = opaque;

    return op->bs->drv->co_snapshot_load_tmp(op->bs, op->id, op->errp);
}

static int on_snapshot(BlockDriverState *bs, BdrvSnapshot *sn, BdrvRunFn *fn,
                       Error **errp)
{
    ImageOp op = { .bs = bs, .id = sn ? sn->id : NULL, .errp = errp };
    int ret = -ENOENT;

    if (sn) {
        ret = run_drained(fn, &op);
    } else {
        error_setg(errp, "Can't find the snapshot");
    }
    bdrv_snapshot_free(sn);
    return ret;
}

int bdrv_snapshot_goto(BlockDriverState *bs, const char *id_or_name,
                       Error **errp)
{
    if (!may_write(bs, errp)) {
        return -ENOTSUP;
    }
    if (bdrv_dirty_bitmap_next(bs, NULL)) {
        /* They would not have what changes. */
        error_setg(errp, "Device has active dirty bitmaps");
        return -EBUSY;
    }
    return on_snapshot(bs, bdrv_snapshot_find(bs, id_or_name), goto_co, errp);
}

int bdrv_snapshot_delete(BlockDriverState *bs, const char *id,
                         const char *name, Error **errp)
{
    return may_write(bs, errp) ?
           on_snapshot(bs, bdrv_snapshot_find_by(bs, id, name), delete_co,
                       errp) : -ENOTSUP;
}

int bdrv_snapshot_load_tmp(BlockDriverState *bs, const char *id,
                           const char *name, Error **errp)
{
    if (!bs->drv->co_snapshot_load_tmp) {
        return refuse(bs, "temporarily loading internal snapshots", errp);
    }
    if (!bs->read_only) {
        error_setg(errp, "Device is not readonly");
        return -EINVAL;
    }
    return on_snapshot(bs, bdrv_snapshot_find_by(bs, id, name), load_tmp_co,
                       errp);
}

SnapshotInfo *bdrv_snapshot_info(const BdrvSnapshot *sn)
{
    SnapshotInfo *info = g_new0(SnapshotInfo, 1);

    info->id = g_strdup(sn->id);
    info->name = g_strdup(sn->name);
    info->vm_state_size = sn->vm_state_bytes;
    info->date_sec = sn->date_sec;
    info->date_nsec = sn->date_nsec;
    info->vm_clock_sec = sn->vm_clock_nsec / 1000000000;
    info->vm_clock_nsec = sn->vm_clock_nsec % 1000000000;
    info->has_icount = sn->has_icount;
    info->icount = sn->icount;
    return info;
}
