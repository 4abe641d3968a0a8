/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -drive: from its options to nodes: the file's, the format's, and what comes
 * on top of them (a temporary overlay, a filter). Main thread, big lock.
 */
#include "util/osdep.h"
#include "drive-internal.h"
#include <json-c/json.h>
#include <glib/gstdio.h>
#include "block/create.h"
#include "util/log.h"

/* ---- Caches ---- */

/* cache=MODE stands for three switches. */
static void cache_mode(DriveCacheMode mode, DriveCaches *c)
{
    c->writeback = mode != DRIVE_CACHE_MODE_WRITETHROUGH &&
                   mode != DRIVE_CACHE_MODE_DIRECTSYNC;
    c->direct = mode == DRIVE_CACHE_MODE_NONE ||
                mode == DRIVE_CACHE_MODE_DIRECTSYNC;
    c->no_flush = mode == DRIVE_CACHE_MODE_UNSAFE;
}

void drive_caches(const DriveOptions *o, DriveCaches *c)
{
    const DriveCacheOptions *d;

    *c = (DriveCaches) { .writeback = true };
    if (!o->cache) {
        return;
    }
    if (o->cache->type == QAPI_KIND_STRING) {
        cache_mode(o->cache->u.mode, c);
        return;
    }
    d = &o->cache->u.options;
    c->writeback = !d->has_writeback || d->writeback;
    c->direct = d->has_direct && d->direct;
    c->no_flush = d->has_no_flush && d->no_flush;
}

/* ---- Limits ---- */

#define EACH_LIMIT(X)                                                          \
    X(THROTTLE_BPS_TOTAL, bps) X(THROTTLE_BPS_READ, bps_rd)                    \
    X(THROTTLE_BPS_WRITE, bps_wr) X(THROTTLE_IOPS_TOTAL, iops)                 \
    X(THROTTLE_IOPS_READ, iops_rd) X(THROTTLE_IOPS_WRITE, iops_wr)

#define TAKE(index, n)                                                         \
    cfg->limits[index].avg = o->has_##n ? o->n : cfg->limits[index].avg;       \
    cfg->limits[index].max = o->has_##n##_max ? o->n##_max :                   \
                                                cfg->limits[index].max;

const char *drive_limits(const DriveOptions *o, ThrottleConfig *cfg)
{
    throttle_config_init(cfg);
    if (o->throttling) {
        /* Its base: the first members are the same. */
        throttle_config_from_limits(cfg,
                                    (const ThrottleLimits *)o->throttling);
    }
    EACH_LIMIT(TAKE)
    cfg->op_size = o->has_iops_size ? o->iops_size : cfg->op_size;
    return o->group ? o->group : o->throttling ? o->throttling->group : NULL;
}

/* ---- Nodes ---- */

static void add_bool(struct json_object *o, const char *key, bool val)
{
    json_object_object_add(o, key, json_object_new_boolean(val));
}

static void add_str(struct json_object *o, const char *key, const char *val)
{
    if (val) {
        json_object_object_add(o, key, json_object_new_string(val));
    }
}

static void add_uint(struct json_object *o, const char *key, bool has,
                     uint64_t val)
{
    if (has) {
        json_object_object_add(o, key, json_object_new_uint64(val));
    }
}

static void add_has_bool(struct json_object *o, const char *key, bool has,
                         bool val)
{
    if (has) {
        add_bool(o, key, val);
    }
}

static void add_any(struct json_object *o, const char *key,
                    struct json_object *val)
{
    if (val) {
        json_object_object_add(o, key, json_object_get(val));
    }
}

/* What only some drivers know. */
static void add_driver_options(struct json_object *n, const DriveOptions *o)
{
    add_uint(n, "offset", o->has_offset, o->offset);
    add_uint(n, "size", o->has_size, o->size);
    add_uint(n, "latency-ns", o->has_latency_ns, o->latency_ns);
    add_uint(n, "cache-size", o->has_cache_size, o->cache_size);
    add_uint(n, "l2-cache-size", o->has_l2_cache_size, o->l2_cache_size);
    add_uint(n, "l2-cache-entry-size", o->has_l2_cache_entry_size,
             o->l2_cache_entry_size);
    add_uint(n, "refcount-cache-size", o->has_refcount_cache_size,
             o->refcount_cache_size);
    if (o->has_lazy_refcounts) {
        add_bool(n, "lazy-refcounts", o->lazy_refcounts);
    }
    if (o->has_read_zeroes) {
        add_bool(n, "read-zeroes", o->read_zeroes);
    }
    add_str(n, "key-secret", o->key_secret);
    add_uint(n, "cache-clean-interval", o->has_cache_clean_interval,
             o->cache_clean_interval);
    add_has_bool(n, "pass-discard-request", o->has_pass_discard_request,
                 o->pass_discard_request);
    add_has_bool(n, "pass-discard-snapshot", o->has_pass_discard_snapshot,
                 o->pass_discard_snapshot);
    add_has_bool(n, "pass-discard-other", o->has_pass_discard_other,
                 o->pass_discard_other);
    add_any(n, "overlap-check", o->overlap_check);
    add_any(n, "data-file", o->data_file);
    add_any(n, "encrypt", o->encrypt);
    add_any(n, "backing", o->backing);
}

/* What -drive says of the node for the format. */
static struct json_object *node_options(const DriveOptions *o, bool snapshot)
{
    struct json_object *n = json_object_new_object();
    struct json_object *cache = json_object_new_object();
    bool unmap = o->has_discard && (o->discard == DRIVE_DISCARD_UNMAP ||
                                    o->discard == DRIVE_DISCARD_ON);
    DriveCaches c;

    drive_caches(o, &c);
    add_str(n, "node-name", o->node_name);
    add_bool(n, "read-only", snapshot || (o->has_readonly && o->readonly) ||
                             (o->has_read_only && o->read_only));
    add_bool(n, "auto-read-only", o->has_auto_read_only && o->auto_read_only);
    add_bool(n, "force-share", o->has_force_share && o->force_share);
    add_str(n, "discard", unmap ? "unmap" : "ignore");
    if (o->has_detect_zeroes) {
        add_str(n, "detect-zeroes",
                BlockdevDetectZeroesOptions_str(o->detect_zeroes));
    }
    add_bool(cache, "direct", c.direct);
    add_bool(cache, "no-flush", c.no_flush);
    json_object_object_add(n, "cache", cache);
    add_driver_options(n, o);
    return n;
}

static BlockDriverState *open_without_file(struct json_object *top,
                                           const char *driver, Error **errp)
{
    BlockdevOptions *o;
    BlockDriverState *bs;

    add_str(top, "driver", driver);
    o = bdrv_options_from_json(top, errp);
    bs = o ? bdrv_open(o, errp) : NULL;
    qapi_free_BlockdevOptions(o);
    return bs;
}

static BlockDriverState *open_image(const DriveOptions *o, bool snapshot,
                                    Error **errp)
{
    const char *format = o->format ? o->format : o->driver;
    struct json_object *top = node_options(o, snapshot);
    struct json_object *name = NULL, *file;
    g_autofree char *path = NULL;
    BlockDriverState *bs = NULL;

    file = json_object_is_type(o->file, json_type_object) ?
           json_object_get(o->file) : json_object_new_object();
    if (json_object_is_type(o->file, json_type_string) ||
        json_object_object_get_ex(file, "", &name)) {
        /* beside members, KEYVAL_MIXED */
        path = g_strdup(json_object_get_string(name ? name : o->file));
        json_object_object_del(file, "");
    }
    if (o->has_aio) {
        add_str(file, "aio", BlockdevAioOptions_str(o->aio));
    }
    if (path && json_object_object_get_ex(file, "filename", NULL)) {
        error_setg(errp, "Can't specify 'file' and 'filename' options at the "
                   "same time");
    } else if (path) {
        bs = bdrv_open_image(path, format, top, file, 0, errp);
    } else if (o->file && !json_object_is_type(o->file, json_type_object)) {
        error_setg(errp, "Parameter 'file' expects a path, or options of a "
                   "node such as file.filename=PATH");
    } else if (o->file) {
        bs = bdrv_open_on_file(file, format, top, 0, errp);
    } else {
        bs = open_without_file(top, format, errp);
    }
    json_object_put(top);
    json_object_put(file);
    return bs;
}

/* ---- A temporary overlay ---- */

/* The name is gone as soon as the file is open. */
static BlockDriverState *open_temporary(const char *path, int64_t bytes,
                                        Error **errp)
{
    g_autofree char *size = g_strdup_printf("%" PRId64, bytes);
    struct json_object *create = json_object_new_object();
    struct json_object *node = json_object_new_object();
    struct json_object *cache = json_object_new_object();
    BlockDriverState *bs = NULL;

    add_str(create, "size", size);
    add_str(node, "discard", "unmap");
    add_bool(cache, "no-flush", true);
    json_object_object_add(node, "cache", cache);
    if (bdrv_create_image(path, "qcow2", create, errp)) {
        bs = bdrv_open_image(path, "qcow2", node, NULL, BDRV_O_NO_BACKING,
                             errp);
    }
    json_object_put(create);
    json_object_put(node);
    return bs;
}

static BlockDriverState *put_overlay(BlockDriverState *base, Error **errp)
{
    const char *dir = g_getenv("TMPDIR");
    g_autofree char *path = g_build_filename(dir ? dir : "/var/tmp",
                                             "vl.XXXXXX", NULL);
    int fd = g_mkstemp(path);
    BlockDriverState *bs;

    if (fd < 0) {
        error_setg_errno(errp, errno, "Could not create temporary file '%s'",
                         path);
        return NULL;
    }
    bs = open_temporary(path, base->total_bytes, errp);
    g_unlink(path);
    close(fd);
    if (bs && !bdrv_append(bs, base, errp)) {
        bdrv_unref(bs);
        bs = NULL;
    }
    return bs;
}

/* ---- All of it ---- */

static BlockDriverState *put_copy_on_read(BlockDriverState *bs, Error **errp)
{
    struct json_object *o = json_object_new_object();
    BlockDriverState *top;

    add_str(o, "file", bs->node_name);
    top = open_without_file(o, "copy-on-read", errp);
    json_object_put(o);
    return top;
}

static bool drive_snapshots;

void drive_set_snapshot(void)
{
    drive_snapshots = true;
}

BlockDriverState *drive_open(const DriveOptions *o, Error **errp)
{
    bool snapshot = o->has_snapshot ? o->snapshot :
                    drive_snapshots && !(o->has_q_if && o->q_if ==
                                         DRIVE_INTERFACE_PFLASH);
    BlockDriverState *bs = open_image(o, snapshot, errp), *top = bs;

    if (bs && snapshot) {
        top = put_overlay(bs, errp);
        bdrv_unref(bs);
        bs = top;
    }
    if (bs && o->has_copy_on_read && o->copy_on_read && bs->read_only) {
        warn_report("disabling copy-on-read on read-only drive");
    } else if (bs && o->has_copy_on_read && o->copy_on_read) {
        top = put_copy_on_read(bs, errp);
        bdrv_unref(bs);
    }
    return top;
}
