/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of nodes in use: an overlay that takes the writes from now on, or
 * one inside the image. In the form that transactions need. Main thread, big
 * lock; the nodes are drained by the transaction.
 */
#include "util/osdep.h"
#include "transaction-internal.h"
#include <json-c/json.h>
#include <sys/stat.h>
#include "block/create.h"
#include "block/image.h"
#include "qapi/qapi-commands-block-transaction.h"
#include "util/log.h"
#include "util/timer.h"

/* ---- Overlays ---- */

static bool check_overlay(BlockDriverState *overlay, Error **errp)
{
    uint64_t perm, shared;

    bdrv_get_cumulative_perm(overlay, &perm, &shared);
    if (perm & BLK_PERM_CONSISTENT_READ) {
        error_setg(errp, "The overlay is already in use");
        return false;
    }
    if (!overlay->drv->supports_backing) {
        error_setg(errp, "The overlay does not support backing images");
        return false;
    }
    if (overlay->backing) {
        error_setg(errp, "The overlay already has a backing image");
        return false;
    }
    return true;
}

static bool append(BdrvOverlay *s, BlockDriverState *overlay, Error **errp)
{
    if (!check_overlay(overlay, errp) ||
        !bdrv_append(overlay, s->old, errp)) {
        return false;
    }
    s->overlay = overlay;
    s->old_overridden = overlay->backing_overridden;
    overlay->backing_overridden = true;
    return true;
}

/* What the old node has in memory goes to its file. */
static bool begin_overlay(BdrvOverlay *s, BlockDriverState *old, Error **errp)
{
    if (!old->read_only && bdrv_flush_node(old) < 0) {
        error_setg(errp, "An IO error has occurred");
        return false;
    }
    s->old = old;
    bdrv_ref(old);
    return true;
}

bool bdrv_overlay_prepare(BdrvOverlay *s, const BlockdevSnapshot *arg,
                          Error **errp)
{
    BlockDriverState *old = bdrv_lookup(arg->node, arg->node, errp);
    BlockDriverState *overlay = old ? bdrv_lookup(arg->overlay, arg->overlay,
                                                  errp) : NULL;

    if (!overlay || !begin_overlay(s, old, errp)) {
        return false;
    }
    bdrv_ref(overlay);
    if (!append(s, overlay, errp)) {
        bdrv_unref(overlay);
        return false;
    }
    return true;
}

static void add_str(struct json_object *o, const char *key, const char *val)
{
    json_object_object_add(o, key, json_object_new_string(val));
}

/* As the user named it where that leads there from the overlay's directory,
 * so that both can be moved together; else the whole path. */
static char *name_from_overlay(const char *overlay, const char *backing)
{
    g_autofree char *dir = g_path_get_dirname(overlay);
    g_autofree char *found = g_build_filename(dir, backing, NULL);
    struct stat a, b;

    if (stat(backing, &a) < 0 || *backing == '/' ||
        (stat(found, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino)) {
        return g_strdup(backing);
    }
    return g_canonicalize_filename(backing, NULL);
}

static bool create_overlay(const BlockdevSnapshotSync *arg, const char *format,
                           BlockDriverState *old, Error **errp)
{
    const char *backing = bdrv_get_filename(old);
    g_autofree char *path = NULL;
    g_autofree char *size = g_strdup_printf("%" PRId64, old->total_bytes);
    struct json_object *options;
    bool ok;

    if (!*backing) {
        error_setg(errp, "Node '%s' has no file name that an image could have "
                   "as its backing file", old->node_name);
        error_append_hint(errp, "Make the image yourself, with "
                          "mode=existing.");
        return false;
    }
    path = name_from_overlay(arg->snapshot_file, backing);
    options = json_object_new_object();
    add_str(options, "size", size);
    add_str(options, "backing_file", path);
    add_str(options, "backing_fmt", old->drv->name);
    ok = bdrv_create_image(arg->snapshot_file, format, options, errp);
    json_object_put(options);
    return ok;
}

/* Caches and discards are as the old node has them. */
static BlockDriverState *open_overlay(const BlockdevSnapshotSync *arg,
                                      const char *format,
                                      const BlockDriverState *old, Error **errp)
{
    struct json_object *o = json_object_new_object();
    struct json_object *cache = json_object_new_object();
    BlockDriverState *bs;

    if (arg->snapshot_node_name) {
        add_str(o, "node-name", arg->snapshot_node_name);
    }
    add_str(o, "discard", old->discard_unmap ? "unmap" : "ignore");
    json_object_object_add(cache, "direct",
                           json_object_new_boolean(old->direct));
    json_object_object_add(cache, "no-flush",
                           json_object_new_boolean(old->no_flush));
    json_object_object_add(o, "cache", cache);
    bs = bdrv_open_image(arg->snapshot_file, format, o, NULL,
                         BDRV_O_NO_BACKING, errp);
    json_object_put(o);
    return bs;
}

bool bdrv_overlay_prepare_sync(BdrvOverlay *s, const BlockdevSnapshotSync *arg,
                               Error **errp)
{
    const char *format = arg->format ? arg->format : "qcow2";
    BlockDriverState *old = bdrv_lookup(arg->device, arg->node_name, errp);
    BlockDriverState *overlay;

    if (!old) {
        return false;
    }
    if (arg->node_name && !arg->snapshot_node_name) {
        error_setg(errp, "New overlay node-name missing");
        return false;
    }
    if (arg->snapshot_node_name && bdrv_find_node(arg->snapshot_node_name)) {
        error_setg(errp, "New overlay node-name already in use");
        return false;
    }
    if (!begin_overlay(s, old, errp) ||
        ((!arg->has_mode || arg->mode == NEW_IMAGE_MODE_ABSOLUTE_PATHS) &&
         !create_overlay(arg, format, old, errp))) {
        return false;
    }
    overlay = open_overlay(arg, format, old, errp);
    if (overlay && !append(s, overlay, errp)) {
        bdrv_unref(overlay);
        overlay = NULL;
    }
    return overlay != NULL;
}

/* Others may use what does not change any more. */
void bdrv_overlay_commit(BdrvOverlay *s)
{
    g_autoptr(Error) err = NULL;

    if (!s->old->read_only && s->old->drv->reopen_prepare &&
        !bdrv_reopen_read_only(s->old, true, &err)) {
        warn_report("node '%s' stays open for writing: %s", s->old->node_name,
                    error_get_pretty(err));
    }
}

void bdrv_overlay_abort(BdrvOverlay *s)
{
    g_autoptr(Error) err = NULL;

    if (!s->overlay) {
        return;
    }
    s->overlay->backing_overridden = s->old_overridden;
    if (!bdrv_replace_node(s->overlay, s->old, &err) ||
        !bdrv_set_backing(s->overlay, NULL, &err)) {
        error_report("node '%s' stays on top of '%s': %s",
                     s->overlay->node_name, s->old->node_name,
                     error_get_pretty(err));
    }
}

void bdrv_overlay_clean(BdrvOverlay *s)
{
    bdrv_unref(s->overlay);
    bdrv_unref(s->old);
}

/* ---- Inside the image ---- */

bool bdrv_internal_prepare(BdrvInternalSnapshot *s,
                           const BlockdevSnapshotInternal *arg, Error **errp)
{
    BlockDriverState *bs = bdrv_lookup(arg->device, arg->device, errp);
    int64_t now = clock_get_ns(CLOCK_HOST);
    BdrvSnapshot facts = {
        .name = arg->name,
        .date_sec = now / NSEC_PER_SEC, .date_nsec = now % NSEC_PER_SEC,
        .vm_clock_nsec = clock_get_ns(CLOCK_VIRTUAL),
    };
    BdrvSnapshot *there;

    if (!bs) {
        return false;
    }
    if (bs->read_only) {
        error_setg(errp, "Device '%s' is read only", arg->device);
        return false;
    }
    if (!bdrv_can_snapshot(bs)) {
        error_setg(errp, "Block format '%s' used by device '%s' does not "
                   "support feature 'internal snapshots'", bs->drv->name,
                   arg->device);
        return false;
    }
    if (!*arg->name) {
        error_setg(errp, "Name is empty");
        return false;
    }
    there = bdrv_snapshot_find_by(bs, NULL, arg->name);
    if (there) {
        bdrv_snapshot_free(there);
        error_setg(errp, "Snapshot with name '%s' already exists on device "
                   "'%s'", arg->name, arg->device);
        return false;
    }
    if (bdrv_snapshot_create(bs, &facts, errp) < 0) {
        error_prepend(errp, "Failed to create snapshot '%s' on device '%s': ",
                      arg->name, arg->device);
        return false;
    }
    s->bs = bs;
    return true;
}

void bdrv_internal_abort(BdrvInternalSnapshot *s, const char *name)
{
    g_autoptr(Error) err = NULL;

    if (s->bs && bdrv_snapshot_delete(s->bs, NULL, name, &err) < 0) {
        error_report("the snapshot '%s' of node '%s' stays: %s", name,
                     s->bs->node_name, error_get_pretty(err));
    }
}

SnapshotInfo *
qmp_blockdev_snapshot_delete_internal_sync(const char *device, const char *id,
                                           const char *name, Error **errp)
{
    BlockDriverState *bs = bdrv_lookup(device, device, errp);
    SnapshotInfo *info;
    BdrvSnapshot *sn;

    if (!bs) {
        return NULL;
    }
    if (!id && !name) {
        error_setg(errp, "Name or id must be provided");
        return NULL;
    }
    sn = bdrv_snapshot_find_by(bs, id, name);
    if (!sn) {
        error_setg(errp, "Snapshot with id '%s' and name '%s' does not exist "
                   "on device '%s'", id ? id : "null", name ? name : "null",
                   device);
        return NULL;
    }
    info = bdrv_snapshot_info(sn);
    if (bdrv_snapshot_delete(bs, sn->id, sn->name, errp) < 0) {
        g_clear_pointer(&info, qapi_free_SnapshotInfo);
    }
    bdrv_snapshot_free(sn);
    return info;
}
