/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img snapshot: snapshots inside an image. */
#include "util/osdep.h"
#include "img-internal.h"

static int list_snapshots(BlockDriverState *bs)
{
    g_autoptr(GPtrArray) list = bdrv_snapshot_list(bs);
    SnapshotInfoList *infos = NULL, **tail = &infos;

    for (guint i = 0; i < list->len; i++) {
        *tail = g_new0(SnapshotInfoList, 1);
        (*tail)->value = bdrv_snapshot_info(g_ptr_array_index(list, i));
        tail = &(*tail)->next;
    }
    img_print_snapshots(infos);
    qapi_free_SnapshotInfoList(infos);
    return 0;
}

static int create_snapshot(BlockDriverState *bs, const char *name)
{
    gint64 now = g_get_real_time();
    const BdrvSnapshot facts = {
        .name = (char *)name, .date_sec = now / G_USEC_PER_SEC,
        .date_nsec = now % G_USEC_PER_SEC * 1000, .has_icount = true,
    };
    g_autoptr(Error) err = NULL;
    int ret = bdrv_snapshot_create(bs, &facts, &err);

    if (ret < 0) {
        error_report("Could not create snapshot '%s': %d (%s)", name, ret,
                     g_strerror(-ret));
    }
    return ret < 0;
}

static int apply_snapshot(BlockDriverState *bs, const char *name)
{
    BdrvSnapshot *sn = bdrv_snapshot_find(bs, name);
    Error *err = NULL;

    if (!sn) {
        error_report("Could not apply snapshot '%s': Failed to load snapshot: "
                     "%s", name, g_strerror(ENOENT));
        return 1;
    }
    bdrv_snapshot_free(sn);
    if (bdrv_snapshot_goto(bs, name, &err) < 0) {
        error_prepend(&err, "Could not apply snapshot '%s': ", name);
        tool_report_err(err);
        return 1;
    }
    return 0;
}

/* By its name only, so that no number of another one is taken for it. */
static int delete_snapshot(BlockDriverState *bs, const char *name)
{
    BdrvSnapshot *sn = bdrv_snapshot_find_by(bs, NULL, name);
    Error *err = NULL;
    int ret;

    if (!sn) {
        error_report("Could not delete snapshot '%s': snapshot not found",
                     name);
        return 1;
    }
    ret = bdrv_snapshot_delete(bs, sn->id, sn->name, &err);
    bdrv_snapshot_free(sn);
    if (ret < 0) {
        error_prepend(&err, "Could not delete snapshot '%s': ", name);
        tool_report_err(err);
    }
    return ret < 0;
}

int img_snapshot(int argc, char **argv)
{
    ToolOpen o = { .unmap = true };
    const char *create = NULL, *apply = NULL, *delete = NULL;
    bool list = false, quiet = false;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'l', NULL, TOOL_FLAG, &list },
        { 'a', NULL, TOOL_TEXT, &apply },
        { 'c', NULL, TOOL_TEXT, &create },
        { 'd', NULL, TOOL_TEXT, &delete },
        { 'f', "format", TOOL_TEXT, &o.format },
        { 'q', NULL, TOOL_FLAG, &quiet },
        { 'U', "force-share", TOOL_FLAG, &o.force_share },
        IMG_OPT_END,
    };
    BlockDriverState *bs;
    BlockBackend *blk;
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (list + !!create + !!apply + !!delete > 1) {
        return tool_usage_error("Cannot mix '-l', '-a', '-c', '-d'");
    }
    if (first != argc - 1) {
        return tool_usage_error("Expecting one image file name");
    }
    o.write = o.resize = create || apply || delete;
    blk = tool_open(argv[first], &o);
    if (!blk) {
        return 1;
    }
    bs = blk_get_bs(blk);
    status = create ? create_snapshot(bs, create) :
             apply ? apply_snapshot(bs, apply) :
             delete ? delete_snapshot(bs, delete) :
             list ? list_snapshots(bs) : 0;
    return tool_close(blk, argv[first]) ? status : 1;
}

/* ---- -l of other commands ---- */

bool img_load_snapshot(BlockBackend *blk, const char *param)
{
    BlockDriverState *bs = blk_get_bs(blk);
    g_auto(GStrv) items = g_strsplit(param, ",", -1);
    const char *id = NULL, *name = NULL;
    BdrvSnapshot *sn;
    Error *err = NULL;
    int ret = -ENOENT;

    for (unsigned i = 0; g_str_has_prefix(param, "snapshot.") && items[i];
         i++) {
        if (g_str_has_prefix(items[i], "snapshot.id=")) {
            id = items[i] + strlen("snapshot.id=");
        } else if (g_str_has_prefix(items[i], "snapshot.name=")) {
            name = items[i] + strlen("snapshot.name=");
        } else {
            error_report("Failed in parsing snapshot param '%s'", param);
            return false;
        }
    }
    sn = id || name ? bdrv_snapshot_find_by(bs, id, name) :
                      bdrv_snapshot_find(bs, param);
    if (sn) {
        ret = bdrv_snapshot_load_tmp(bs, sn->id, sn->name, &err);
        bdrv_snapshot_free(sn);
    } else {
        error_setg(&err, "Can't find snapshot");
    }
    if (ret < 0) {
        error_prepend(&err, "Failed to load snapshot: ");
        tool_report_err(err);
    }
    return ret >= 0;
}
