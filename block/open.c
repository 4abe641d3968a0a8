/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening nodes: by options and by file name. Main thread, big lock.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <json-c/json.h>
#include "qapi/json.h"
#include "qapi/qapi-visit-block-core.h"
#include "qapi/visitor.h"
#include "util/keyval.h"
#include "util/log.h"
#include "util/main-loop.h"

/* ---- Options of one node ---- */

static char *choose_node_name(const char *given, Error **errp)
{
    static unsigned next;
    char *name = NULL;

    if (!given) {
        do {
            g_free(name);
            name = g_strdup_printf("#block%03u", next++);
        } while (bdrv_find_node(name));
        return name;
    }
    if (!id_wellformed(given)) {
        error_setg(errp, "Invalid node-name: '%s'", given);
        return NULL;
    }
    if (strlen(given) > 31) {
        error_setg(errp, "Node name too long");
        return NULL;
    }
    if (bdrv_find_node(given) || blk_find(given)) {
        error_setg(errp, "Duplicate nodes with node-name='%s'", given);
        return NULL;
    }
    return g_strdup(given);
}

bool bdrv_parse_access(BdrvAccess *a, const BlockdevOptions *o, Error **errp)
{
    *a = (BdrvAccess) {
        .read_only = o->has_read_only && o->read_only,
        .auto_read_only = o->has_auto_read_only && o->auto_read_only,
        .force_share = o->has_force_share && o->force_share,
        .discard_unmap = o->has_discard &&
                         o->discard == BLOCKDEV_DISCARD_OPTIONS_UNMAP,
        .direct = o->cache && o->cache->has_direct && o->cache->direct,
        .no_flush = o->cache && o->cache->has_no_flush && o->cache->no_flush,
        .detect_zeroes = o->has_detect_zeroes ? o->detect_zeroes :
                         BLOCKDEV_DETECT_ZEROES_OPTIONS_OFF,
    };
    if (a->force_share && !a->read_only) {
        error_setg(errp, "force-share=on can only be used with read-only "
                   "images");
        return false;
    }
    if (a->detect_zeroes == BLOCKDEV_DETECT_ZEROES_OPTIONS_UNMAP &&
        !a->discard_unmap) {
        error_setg(errp, "setting detect-zeroes to unmap is not allowed "
                   "without setting discard operation to unmap");
        return false;
    }
    return true;
}

void bdrv_set_access(BlockDriverState *bs, const BdrvAccess *a)
{
    bs->read_only = a->read_only;
    bs->auto_read_only = a->auto_read_only;
    bs->force_share = a->force_share;
    bs->no_flush = a->no_flush;
    bs->direct = a->direct;
    bs->discard_unmap = a->discard_unmap;
    bs->detect_zeroes = a->detect_zeroes;
}

void bdrv_get_access(const BlockDriverState *bs, BdrvAccess *a)
{
    *a = (BdrvAccess) {
        .read_only = bs->read_only, .auto_read_only = bs->auto_read_only,
        .force_share = bs->force_share, .no_flush = bs->no_flush,
        .direct = bs->direct, .discard_unmap = bs->discard_unmap,
        .detect_zeroes = bs->detect_zeroes,
    };
}

static bool set_common_options(BlockDriverState *bs, const BlockdevOptions *o,
                               Error **errp)
{
    BdrvAccess a;

    if (!bdrv_parse_access(&a, o, errp)) {
        return false;
    }
    bdrv_set_access(bs, &a);
    return true;
}

BlockdevOptions *bdrv_options_from_json(struct json_object *json, Error **errp)
{
    g_autoptr(Visitor) v = input_visitor_new(json, VISIT_INPUT_KEYVAL);
    BlockdevOptions *o = NULL;

    return visit_type_BlockdevOptions(v, NULL, &o, errp) ? o : NULL;
}

/* ---- A node ---- */

static BlockDriverState *node_new(const BlockDriver *drv)
{
    BlockDriverState *bs = g_new0(BlockDriverState, 1);

    bs->refcnt = 1;
    bs->depth = 1;
    bs->drv = drv;
    bs->ctx = main_context();
    bs->quiesce = bdrv_all_drained;
    LIST_INIT(&bs->children);
    LIST_INIT(&bs->parents);
    LIST_INIT(&bs->tracked);
    LIST_INIT(&bs->dirty_bitmaps);
    g_mutex_init(&bs->dirty_lock);
    co_mutex_init(&bs->tracked_lock);
    return bs;
}

static bool node_open(BlockDriverState *bs, BlockdevOptions *o, Error **errp)
{
    bs->opaque = g_malloc0(MAX(bs->drv->instance_size, 1));
    if (!bs->drv->open(bs, o, errp)) {
        g_clear_pointer(&bs->opaque, g_free);
        return false;
    }
    bs->total_bytes = bs->drv->get_length(bs);
    if (bs->total_bytes < 0) {
        error_setg_errno(errp, -bs->total_bytes, "cannot get the size of '%s'",
                         bs->filename ? bs->filename : bs->node_name);
        return false;
    }
    bdrv_refresh_limits(bs);
    if (bs->drv->is_format && bs->file && !bs->filename) {
        bdrv_refresh_exact_name(bs, NULL);
    }
    return true;
}

BlockDriverState *bdrv_open_flags(BlockdevOptions *o, BdrvOpenFlags flags,
                                  Error **errp)
{
    const char *name = BlockdevDriver_str(o->driver);
    const BlockDriver *drv = bdrv_find_driver(name);
    BlockDriverState *bs;

    if (!drv) {
        error_setg(errp, "Unknown driver '%s'", name);
        return NULL;
    }
    bs = node_new(drv);
    bs->open_flags = flags;
    bs->node_name = choose_node_name(o->node_name, errp);
    if (!bs->node_name || !set_common_options(bs, o, errp) ||
        !node_open(bs, o, errp)) {
        bdrv_unref(bs);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&bdrv_nodes, bs, next);
    return bs;
}

BlockDriverState *bdrv_open(BlockdevOptions *o, Error **errp)
{
    return bdrv_open_flags(o, 0, errp);
}

/* ---- By file name ---- */

static void set_default(struct json_object *options, const char *key,
                        struct json_object *value)
{
    if (json_object_object_get_ex(options, key, NULL)) {
        json_object_put(value);
    } else {
        json_object_object_add(options, key, value);
    }
}

static bool protocol_options(const char *filename, struct json_object *options,
                             Error **errp)
{
    const BlockDriver *drv = bdrv_find_protocol(filename, errp);

    if (!drv) {
        return false;
    }
    set_default(options, "driver", json_object_new_string(drv->name));
    if (drv->parse_filename) {
        return drv->parse_filename(filename, options, errp);
    }
    set_default(options, "filename",
                json_object_new_string(bdrv_skip_file_prefix(filename)));
    return true;
}

static struct json_object *pseudo_json_options(const char *filename,
                                               Error **errp)
{
    const char *text = filename + strlen("json:");
    struct json_object *json, *tree;

    if (!json_parse(text, strlen(text), &json, errp)) {
        error_prepend(errp, "Could not parse the JSON options: ");
        return NULL;
    }
    if (!json_object_is_type(json, json_type_object)) {
        error_setg(errp, "Invalid JSON object given: '%s'", text);
        json_put(json);
        return NULL;
    }
    tree = keyval_nest(json, errp);
    json_put(json);
    return tree;
}

/* Who gives a key need not say what for: LUKS, nearly always. */
static void add_encryption(struct json_object *json)
{
    struct json_object *encrypt;

    if (json_object_object_get_ex(json, "encrypt", &encrypt) &&
        json_object_is_type(encrypt, json_type_object)) {
        set_default(encrypt, "format", json_object_new_string("luks"));
    }
}

/* Older names that a driver knows of its options. */
static void complete_options(struct json_object *json)
{
    struct json_object *name;
    const BlockDriver *drv = NULL;

    if (json_object_object_get_ex(json, "driver", &name) &&
        json_object_is_type(name, json_type_string)) {
        drv = bdrv_find_driver(json_object_get_string(name));
    }
    if (drv && drv->complete_options) {
        drv->complete_options(json);
    }
}

/* "file.filename=..." is enough where that says which driver it is. */
static bool add_protocols(struct json_object *json, unsigned depth,
                          Error **errp)
{
    static const char *const children[] = {
        "file", "backing", "data-file", "image", "test", "raw", "log",
    };

    add_encryption(json);
    complete_options(json);
    for (size_t i = 0; i < G_N_ELEMENTS(children); i++) {
        struct json_object *child, *name;

        if (depth > BDRV_MAX_DEPTH ||
            !json_object_object_get_ex(json, children[i], &child) ||
            !json_object_is_type(child, json_type_object)) {
            continue;
        }
        if (!json_object_object_get_ex(child, "driver", NULL) &&
            json_object_object_get_ex(child, "filename", &name) &&
            json_object_is_type(name, json_type_string)) {
            g_autofree char *filename = g_strdup(json_object_get_string(name));

            json_object_object_del(child, "filename");
            if (!protocol_options(filename, child, errp)) {
                return false;
            }
        }
        if (!add_protocols(child, depth + 1, errp)) {
            return false;
        }
    }
    return true;
}

static BlockDriverState *open_json(struct json_object *json,
                                   BdrvOpenFlags flags, Error **errp)
{
    BlockdevOptions *o = add_protocols(json, 0, errp) ?
                         bdrv_options_from_json(json, errp) : NULL;
    BlockDriverState *bs;

    if (!o) {
        return NULL;
    }
    bs = bdrv_open_flags(o, flags, errp);
    qapi_free_BlockdevOptions(o);
    return bs;
}

/* Members that a format and the file below it have in common. */
static void copy_common(struct json_object *to, struct json_object *from)
{
    static const char *const common[] = {
        "read-only", "auto-read-only", "force-share", "cache",
    };

    for (size_t i = 0; from && i < G_N_ELEMENTS(common); i++) {
        struct json_object *val;

        if (json_object_object_get_ex(from, common[i], &val)) {
            set_default(to, common[i], json_object_get(val));
        }
    }
}

/* The file's node is there; put the format's on top. */
static BlockDriverState *open_format(BlockDriverState *file, const char *format,
                                     struct json_object *options,
                                     BdrvOpenFlags flags, Error **errp)
{
    const BlockDriver *drv = NULL;
    BlockDriverState *bs;

    if (!format) {
        drv = bdrv_probe(file, errp);
        if (!drv) {
            return NULL;
        }
        format = drv->name;
    }
    set_default(options, "driver", json_object_new_string(format));
    set_default(options, "file", json_object_new_string(file->node_name));
    bs = open_json(options, flags, errp);
    if (bs && drv && g_str_equal(format, "raw")) {
        bs->probed = true;
        bdrv_refresh_limits(bs);
        if (!bs->read_only) {
            error_printf("WARNING: Image format was not specified for '%s' and "
                         "probing guessed raw.\n"
                         "         Automatically detecting the format is "
                         "dangerous for raw images, write operations on block "
                         "0 will be restricted.\n"
                         "         Specify the 'raw' format explicitly to "
                         "remove the restrictions.\n",
                         bdrv_get_filename(file));
        }
    }
    return bs;
}

static bool is_protocol(const char *format)
{
    const BlockDriver *drv = bdrv_find_driver(format);

    return drv && !drv->is_format && !drv->is_filter;
}

/* @file: all options of the file's node; @top: those of the format's. */
static BlockDriverState *open_both(struct json_object *file_options,
                                   const char *format, struct json_object *top,
                                   BdrvOpenFlags flags, Error **errp)
{
    BlockDriverState *file = open_json(file_options, flags, errp), *bs = NULL;

    if (!file) {
        return NULL;
    }
    if (format && !bdrv_find_driver(format)) {
        g_autofree char *hint = qapi_enum_unknown(&BlockdevDriver_lookup,
                                                  format);

        error_setg(errp, "Unknown driver '%s'%s", format, hint);
    } else if (format && is_protocol(format)) {
        return file;
    } else {
        bs = open_format(file, format, top, flags, errp);
    }
    bdrv_unref(file);
    return bs;
}

BlockDriverState *bdrv_open_on_file(struct json_object *file,
                                    const char *format,
                                    struct json_object *extra,
                                    BdrvOpenFlags flags, Error **errp)
{
    struct json_object *name;

    copy_common(file, extra);
    set_default(file, "discard", json_object_new_string("unmap"));
    if (!json_object_object_get_ex(file, "driver", NULL)) {
        if (!json_object_object_get_ex(file, "filename", &name)) {
            error_setg(errp, "A block device must be specified for \"file\"");
            return NULL;
        }
        json_object_get(name);
        json_object_object_del(file, "filename");
        if (!protocol_options(json_object_get_string(name), file, errp)) {
            json_object_put(name);
            return NULL;
        }
        json_object_put(name);
    }
    return open_both(file, format, extra, flags, errp);
}

BlockDriverState *bdrv_open_reference(const char *name, Error **errp)
{
    BlockDriverState *bs = bdrv_lookup(name, name, errp);

    if (bs) {
        bdrv_ref(bs);
    }
    return bs;
}

/* The format is to be found out: the file's node first. */
static BlockDriverState *open_by_file(struct json_object *options,
                                      BdrvOpenFlags flags, Error **errp)
{
    struct json_object *ref;
    BlockDriverState *file, *bs;

    if (!json_object_object_get_ex(options, "file", &ref)) {
        error_setg(errp, "A block device must be specified for \"file\"");
        return NULL;
    }
    if (json_object_is_type(ref, json_type_string)) {
        file = bdrv_open_reference(json_object_get_string(ref), errp);
    } else if (!json_object_is_type(ref, json_type_object)) {
        error_setg(errp, "Parameter 'file' expects a node or its options");
        return NULL;
    } else {
        copy_common(ref, options);
        file = add_protocols(options, 0, errp) ? open_json(ref, flags, errp) :
                                                 NULL;
    }
    if (!file) {
        return NULL;
    }
    json_object_object_del(options, "file");
    bs = open_format(file, NULL, options, flags, errp);
    bdrv_unref(file);
    return bs;
}

/* @format: what a header says of a backing file, if the options do not. */
static BlockDriverState *open_pseudo_json(struct json_object *json,
                                          const char *format,
                                          BdrvOpenFlags flags, Error **errp)
{
    if (format) {
        set_default(json, "driver", json_object_new_string(format));
    }
    if (json_object_object_get_ex(json, "driver", NULL)) {
        return open_json(json, flags, errp);
    }
    if (!json_object_object_get_ex(json, "file", NULL)) {
        error_setg(errp, "Must specify either driver or file");
        return NULL;
    }
    return open_by_file(json, flags, errp);
}

BlockDriverState *bdrv_open_image(const char *filename, const char *format,
                                  struct json_object *extra,
                                  struct json_object *proto,
                                  BdrvOpenFlags flags, Error **errp)
{
    struct json_object *top = extra ? json_object_get(extra) :
                                      json_object_new_object();
    BlockDriverState *bs = NULL;

    if (g_str_has_prefix(filename, "json:")) {
        struct json_object *json = pseudo_json_options(filename, errp);

        if (json) {
            copy_common(json, top);
            bs = open_pseudo_json(json, format, flags, errp);
            json_object_put(json);
        }
        json_object_put(top);
        return bs;
    }
    proto = proto ? json_object_get(proto) : json_object_new_object();
    copy_common(proto, top);
    json_object_object_add(proto, "discard", json_object_new_string("unmap"));
    if (protocol_options(filename, proto, errp)) {
        bs = open_both(proto, format, top, flags, errp);
    }
    json_object_put(proto);
    json_object_put(top);
    return bs;
}

BlockDriverState *bdrv_open_options(struct json_object *options,
                                    BdrvOpenFlags flags, Error **errp)
{
    struct json_object *name;

    if (json_object_object_get_ex(options, "driver", NULL)) {
        return open_json(options, flags, errp);
    }
    if (json_object_object_get_ex(options, "filename", &name)) {
        g_autofree char *filename = g_strdup(json_object_get_string(name));

        json_object_object_del(options, "filename");
        return bdrv_open_image(filename, NULL, options, NULL, flags, errp);
    }
    return open_by_file(options, flags, errp);
}
