/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening nodes: by options, by file name, and the children that options or
 * an image's header name.
 *
 * What a child's description leaves open is as its parent has it. A backing
 * file is only read. Main thread, big lock.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <json-c/json.h>
#include <sys/stat.h>
#include "qapi/json.h"
#include "qapi/qapi-visit-block-core.h"
#include "qapi/visitor.h"
#include "util/log.h"
#include "util/main-loop.h"

/* As much of a file as any format needs to know itself. */
#define PROBE_BYTES 2048

/* ---- Drivers ---- */

static const BlockDriver *drivers[32];
static unsigned num_drivers;

void bdrv_register_driver(const BlockDriver *drv)
{
    g_assert(num_drivers < G_N_ELEMENTS(drivers));
    drivers[num_drivers++] = drv;
}

const BlockDriver *bdrv_find_driver(const char *name)
{
    for (unsigned i = 0; i < num_drivers; i++) {
        if (g_str_equal(drivers[i]->name, name)) {
            return drivers[i];
        }
    }
    return NULL;
}

bool bdrv_has_driver(const char *name)
{
    return bdrv_find_driver(name) != NULL;
}

bool bdrv_format_compresses(const char *format)
{
    const BlockDriver *drv = bdrv_find_driver(format);

    return drv && drv->co_pwritev_compressed;
}

bool bdrv_format_reads_zeros(const char *format)
{
    const BlockDriver *drv = bdrv_find_driver(format);

    return drv && !drv->new_is_noise;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **bdrv_list_drivers(void)
{
    const char **names = g_new0(const char *, num_drivers + 1);

    for (unsigned i = 0; i < num_drivers; i++) {
        names[i] = drivers[i]->name;
    }
    qsort(names, num_drivers, sizeof(names[0]), compare_names);
    return names;
}

static const BlockDriver *find_prefix(const char *filename)
{
    for (unsigned i = 0; i < num_drivers; i++) {
        const char *const *p = drivers[i]->protocols;

        for (; p && *p; p++) {
            if (g_str_has_prefix(filename, *p)) {
                return drivers[i];
            }
        }
    }
    return NULL;
}

static const BlockDriver *probe_content(const uint8_t *buf, size_t bytes)
{
    const BlockDriver *best = bdrv_find_driver("raw");
    int best_score = 0;

    for (unsigned i = 0; i < num_drivers; i++) {
        int score = drivers[i]->probe ? drivers[i]->probe(buf, bytes) : 0;

        if (score > best_score) {
            best_score = score;
            best = drivers[i];
        }
    }
    return best;
}

/* Formats that there is no driver for, and that are not raw data either. */
static const char *foreign_format(const uint8_t *buf, size_t bytes)
{
    static const struct {
        const char *name, *magic;
        size_t len;
    } known[] = {
        { "qcow2", "QFI\xfb", 4 }, { "vmdk", "KDMV", 4 },
        { "vhdx", "vhdxfile", 8 }, { "luks", "LUKS\xba\xbe", 6 },
        { "vpc", "conectix", 8 }, { "vdi", "<<< ", 4 }, { "qed", "QED", 4 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (bytes >= known[i].len &&
            !memcmp(buf, known[i].magic, known[i].len) &&
            !bdrv_find_driver(known[i].name)) {
            return known[i].name;
        }
    }
    return NULL;
}

/* Another build, or QEMU, may know what we do not. */
bool bdrv_probes_as_raw(const uint8_t *buf, size_t bytes)
{
    return probe_content(buf, bytes) == bdrv_find_driver("raw") &&
           !foreign_format(buf, bytes);
}

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

static const char *skip_file_prefix(const char *filename)
{
    return g_str_has_prefix(filename, "file:") ? filename + strlen("file:") :
                                                 filename;
}

const BlockDriver *bdrv_find_protocol(const char *filename, Error **errp)
{
    const BlockDriver *drv = find_prefix(filename);
    const char *path = skip_file_prefix(filename);
    const char *colon = strchr(path, ':');
    const char *slash = strchr(path, '/');
    struct stat st;

    if (drv) {
        return drv;
    }
    if (path == filename && colon && (!slash || colon < slash) &&
        stat(path, &st) < 0) {
        error_setg(errp, "Unknown protocol '%.*s'", (int)(colon - path), path);
        error_append_hint(errp, "A file of that name is given as './%s'.",
                          path);
        return NULL;
    }
    return bdrv_find_driver(stat(path, &st) == 0 && S_ISBLK(st.st_mode) ?
                            "host_device" : "file");
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
                json_object_new_string(skip_file_prefix(filename)));
    return true;
}

static struct json_object *pseudo_json_options(const char *filename,
                                               Error **errp)
{
    const char *text = filename + strlen("json:");
    struct json_object *json;

    if (!json_parse(text, strlen(text), &json, errp)) {
        error_prepend(errp, "Could not parse the JSON options: ");
        return NULL;
    }
    if (!json_object_is_type(json, json_type_object)) {
        error_setg(errp, "Invalid JSON object given: '%s'", text);
        json_put(json);
        return NULL;
    }
    return json;
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

/* "file.filename=..." is enough where that says which driver it is. */
static bool add_protocols(struct json_object *json, unsigned depth,
                          Error **errp)
{
    static const char *const children[] = {
        "file", "backing", "data-file", "image", "test", "raw", "log",
    };

    add_encryption(json);
    for (size_t i = 0; i < G_N_ELEMENTS(children); i++) {
        struct json_object *child, *name;

        if (depth > BDRV_MAX_DEPTH ||
            !json_object_object_get_ex(json, children[i], &child) ||
            !json_object_is_type(child, json_type_object)) {
            continue;
        }
        if (!json_object_object_get_ex(child, "driver", NULL) &&
            json_object_object_get_ex(child, "filename", &name)) {
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

static const BlockDriver *probe_node(BlockDriverState *file, Error **errp)
{
    uint8_t buf[PROBE_BYTES] = { 0 };
    int64_t bytes = MIN(file->total_bytes, (int64_t)sizeof(buf));
    int ret = bdrv_pread(file, 0, buf, bytes);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not read image '%s' for "
                         "determining its format", bdrv_get_filename(file));
        return NULL;
    }
    if (foreign_format(buf, bytes)) {
        error_setg(errp, "'%s' looks like an image of format '%s'",
                   bdrv_get_filename(file), foreign_format(buf, bytes));
        error_append_hint(errp, "Give format=raw if the guest shall see its "
                          "bytes as they are.");
        return NULL;
    }
    return probe_content(buf, bytes);
}

/* The file's node is there; put the format's on top. */
static BlockDriverState *open_format(BlockDriverState *file, const char *format,
                                     struct json_object *options,
                                     BdrvOpenFlags flags, Error **errp)
{
    const BlockDriver *drv = NULL;
    BlockDriverState *bs;

    if (!format) {
        drv = probe_node(file, errp);
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
            bs = open_json(json, flags, errp);
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

static BlockDriverState *find_reference(const char *name, Error **errp)
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
        file = find_reference(json_object_get_string(ref), errp);
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

/* ---- Children ---- */

/* What an image's header cannot say of the files it names. */
static struct json_object *child_options(const BlockDriverState *bs,
                                         bool backing)
{
    struct json_object *o = json_object_new_object();
    struct json_object *cache = json_object_new_object();

    json_object_object_add(o, "read-only",
                           json_object_new_boolean(backing || bs->read_only));
    json_object_object_add(o, "force-share",
                           json_object_new_boolean(bs->force_share));
    json_object_object_add(o, "discard", json_object_new_string("unmap"));
    json_object_object_add(cache, "direct",
                           json_object_new_boolean(bs->direct));
    json_object_object_add(cache, "no-flush",
                           json_object_new_boolean(bs->no_flush));
    json_object_object_add(o, "cache", cache);
    return o;
}

void bdrv_inherit_options(BlockdevOptions *o, const BdrvAccess *parent,
                          BdrvChildRole role)
{
    if (!o->has_read_only) {
        o->has_read_only = true;
        o->read_only = parent->read_only || (role & BDRV_CHILD_COW);
    }
    if (!o->has_force_share) {
        o->has_force_share = true;
        o->force_share = parent->force_share;
    }
    if (!o->has_discard) {
        o->has_discard = true;
        o->discard = BLOCKDEV_DISCARD_OPTIONS_UNMAP;
    }
    if (!o->cache) {
        o->cache = g_new0(BlockdevCacheOptions, 1);
        o->cache->has_direct = o->cache->has_no_flush = true;
        o->cache->direct = parent->direct;
        o->cache->no_flush = parent->no_flush;
    }
}

static BlockDriverState *open_definition(BlockDriverState *parent,
                                         BlockdevOptions *o, BdrvChildRole role,
                                         Error **errp)
{
    BdrvAccess access;

    bdrv_get_access(parent, &access);
    bdrv_inherit_options(o, &access, role);
    return bdrv_open_flags(o, parent->open_flags, errp);
}

BdrvChild *bdrv_open_child(BlockDriverState *parent, BlockdevRef *ref,
                           const char *name, BdrvChildRole role, Error **errp)
{
    BlockDriverState *bs = ref->type == QAPI_KIND_STRING ?
        find_reference(ref->u.reference, errp) :
        open_definition(parent, &ref->u.definition, role, errp);

    return bs ? bdrv_attach_child(parent, NULL, bs, name, role, 0,
                                  BLK_PERM_ALL, errp) : NULL;
}

/* In the same place as the parent, unless it has a path of its own. */
BdrvChild *bdrv_open_named_child(BlockDriverState *parent, const char *filename,
                                 const char *format, const char *name,
                                 BdrvChildRole role, Error **errp)
{
    g_autofree char *path = bdrv_resolve_backing(parent, filename, errp);
    struct json_object *options = path ? child_options(parent, false) : NULL;
    BlockDriverState *bs;

    if (!path) {
        return NULL;
    }
    bs = bdrv_open_image(path, format, options, NULL, parent->open_flags, errp);
    json_object_put(options);
    return bs ? bdrv_attach_child(parent, NULL, bs, name, role, 0,
                                  BLK_PERM_ALL, errp) : NULL;
}

bool bdrv_open_file_child(BlockDriverState *parent, BlockdevRef *ref,
                          BdrvChildRole role, Error **errp)
{
    parent->file = bdrv_open_child(parent, ref, "file",
                                   role | BDRV_CHILD_PRIMARY, errp);
    return parent->file != NULL;
}

/* ---- Backing files ---- */

static bool has_protocol(const char *filename)
{
    const char *colon = strchr(filename, ':');
    const char *slash = strchr(filename, '/');

    return colon && (!slash || colon < slash);
}

char *bdrv_resolve_backing(BlockDriverState *bs, const char *backing,
                           Error **errp)
{
    const BlockDriverState *bottom = bs;
    g_autofree char *dir = NULL;
    const char *top;

    /* Filters may have names of their own. */
    while (bottom->file) {
        bottom = bottom->file->bs;
    }
    top = bdrv_get_filename(bottom);
    if (*backing == '/' || has_protocol(backing)) {
        return g_strdup(backing);
    }
    if (!*top || has_protocol(top)) {
        error_setg(errp, "Cannot generate a base directory for '%s' to find "
                   "'%s' in", *top ? top : bs->node_name, backing);
        error_append_hint(errp, "Give the backing file with its whole path.");
        return NULL;
    }
    if (!strchr(top, '/')) {
        return g_strdup(backing);
    }
    dir = g_path_get_dirname(top);
    return g_build_filename(dir, backing, NULL);
}

/* Images that name each other as backing files would go on for ever. */
static bool enter_chain(const char *path, unsigned *nested, Error **errp)
{
    if (*nested >= BDRV_MAX_DEPTH / 2) {
        error_setg(errp, "the chain of backing files is longer than %d at "
                   "'%s'", BDRV_MAX_DEPTH / 2, path);
        error_append_hint(errp, "Is the image its own backing file?");
        return false;
    }
    (*nested)++;
    return true;
}

static BlockDriverState *open_named_backing(BlockDriverState *bs, Error **errp)
{
    static unsigned nested;         /* opens that wait for this one */
    g_autofree char *path = bdrv_resolve_backing(bs, bs->backing_file, errp);
    struct json_object *options;
    BlockDriverState *backing;

    if (!path || !enter_chain(path, &nested, errp)) {
        return NULL;
    }
    options = child_options(bs, true);
    backing = bdrv_open_image(path, bs->backing_format, options, NULL,
                              bs->open_flags, errp);
    nested--;
    json_object_put(options);
    if (!backing && !nested) {
        error_prepend(errp, "Could not open backing file: ");
    }
    return backing;
}

bool bdrv_open_backing(BlockDriverState *bs, BlockdevRefOrNull *ref,
                       Error **errp)
{
    BlockDriverState *backing;

    bs->backing_overridden = ref != NULL;
    if (ref && ref->type == QAPI_KIND_NULL) {
        return true;
    }
    if (ref) {
        backing = ref->type == QAPI_KIND_STRING ?
            find_reference(ref->u.reference, errp) :
            open_definition(bs, &ref->u.definition, BDRV_CHILD_COW, errp);
    } else if (!bs->backing_file || (bs->open_flags & BDRV_O_NO_BACKING)) {
        return true;
    } else {
        backing = open_named_backing(bs, errp);
    }
    if (!backing) {
        return false;
    }
    bs->backing = bdrv_attach_child(bs, NULL, backing, "backing",
                                    BDRV_CHILD_COW, 0, BLK_PERM_ALL, errp);
    return bs->backing != NULL;
}
