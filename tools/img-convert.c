/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img convert: from the options to the copy, which is in img-copy.c. */
#include "util/osdep.h"
#include "img-copy-internal.h"
#include <json-c/json.h>
#include "block/dirty-bitmap.h"
#include "qapi/qapi-commands-block-bitmap.h"
#include "util/main-loop.h"

#define MAX_SPARSE_BYTES (16 * MiB)

typedef struct Convert {
    ImgCopy copy;
    ToolOpen in, out;
    const char *format, *out_name;
    char **in_names;
    const char *backing, *backing_format, *snapshot;
    const char *sparse, *rate, *coroutines;
    char *options;
    bool keep_target, target_opts, target_is_zero, bitmaps, show;
    bool skip_broken;
    bool explicit_sparse;
    ImgSource sources[64];
} Convert;

/* ---- Options that do not go together ---- */

static bool check_target_options(const Convert *c)
{
    const char *wrong = NULL;

    if (c->target_opts && !c->keep_target) {
        wrong = "--target-image-opts requires use of -n flag";
    } else if (c->target_is_zero && !c->keep_target) {
        wrong = "--target-is-zero requires use of -n flag";
    } else if (c->target_opts && c->format) {
        wrong = "--target-image-opts and -O are mutually exclusive";
    } else if (c->keep_target && c->options) {
        wrong = "-o has no effect when skipping image creation";
    } else if (c->skip_broken && !c->bitmaps) {
        wrong = "Use of --skip-broken-bitmaps requires --bitmaps";
    } else if (c->copy.offload && c->copy.compress) {
        wrong = "Cannot enable copy offloading when -c is used";
    } else if (c->copy.offload && c->explicit_sparse) {
        wrong = "Cannot enable copy offloading when -S is used";
    } else if (c->copy.offload && c->copy.salvage) {
        wrong = "Cannot use copy offloading in salvaging mode";
    } else if (c->backing && c->copy.num_sources > 1) {
        wrong = "Having a backing file for the target makes no sense when "
                "concatenating multiple input images";
    } else if (c->snapshot && c->copy.num_sources > 1) {
        wrong = "No support for concatenating multiple snapshot";
    } else if (c->bitmaps && c->copy.num_sources > 1) {
        wrong = "Copying bitmaps only possible with single source";
    }
    if (wrong) {
        error_report("%s", wrong);
    }
    return !wrong;
}

static bool parse_numbers(Convert *c)
{
    c->copy.sparse_bytes = 4 * KiB;
    c->copy.coroutines = 8;
    if (c->sparse) {
        c->explicit_sparse = true;
        c->copy.sparse_bytes = tool_parse_bytes("buffer size for sparse output",
                                                c->sparse);
        if (c->copy.sparse_bytes < 0) {
            return false;
        }
        if (c->copy.sparse_bytes % 512 ||
            c->copy.sparse_bytes > MAX_SPARSE_BYTES) {
            error_report("Invalid buffer size for sparse output specified. "
                         "Valid sizes are multiples of 512 up to %d. Select 0 "
                         "to disable sparse detection (fully allocates "
                         "output).", (int)MAX_SPARSE_BYTES);
            return false;
        }
    }
    if (c->rate) {
        c->copy.rate = tool_parse_bytes("rate limit", c->rate);
    }
    if (c->coroutines) {
        uint64_t n = 0;

        if (!parse_uint64(c->coroutines, &n, NULL) || n < 1 ||
            n > IMG_COPY_COROUTINES_MAX) {
            error_report("Invalid number of coroutines. Allowed number of "
                         "coroutines is between 1 and %d",
                         IMG_COPY_COROUTINES_MAX);
            return false;
        }
        c->copy.coroutines = n;
    }
    return c->copy.rate >= 0;
}

static bool check_caches(const Convert *c)
{
    if (!tool_check_cache(c->in.cache)) {
        error_report("Invalid source cache option: %s", c->in.cache);
        return false;
    }
    if (!tool_check_cache(c->out.cache)) {
        error_report("Invalid cache option: %s", c->out.cache);
        return false;
    }
    return true;
}

/* ---- Sources ---- */

static bool open_sources(Convert *c)
{
    if (c->copy.num_sources > G_N_ELEMENTS(c->sources)) {
        error_report("Cannot concatenate more than %zu images",
                     G_N_ELEMENTS(c->sources));
        return false;
    }
    c->copy.sources = c->sources;
    for (unsigned i = 0; i < c->copy.num_sources; i++) {
        ImgSource *s = &c->sources[i];

        s->blk = tool_open(c->in_names[i], &c->in);
        if (!s->blk) {
            return false;
        }
        if (c->snapshot && !img_load_snapshot(s->blk, c->snapshot)) {
            return false;
        }
        s->length = tool_length(s->blk);
        c->copy.total += s->length;
    }
    return true;
}

/* ---- The target ---- */

/* What -o says of one option, or what is given. g_free() it. */
static char *option_value(const Convert *c, const char *name,
                          const char *given)
{
    g_autofree BdrvCreateOption *table = bdrv_create_options(c->format, NULL,
                                                             NULL);
    struct json_object *values = table ?
        img_parse_create_options(table, c->options, NULL) : NULL;
    struct json_object *val;
    char *text = g_strdup(given);

    if (!text && values && json_object_object_get_ex(values, name, &val)) {
        text = g_strdup(json_object_get_string(val));
    }
    json_object_put(values);
    return text;
}

static bool create_target(Convert *c)
{
    g_autofree char *backing = option_value(c, "backing_file", c->backing);
    g_autofree char *fmt = option_value(c, "backing_fmt", c->backing_format);
    ImgCreate create = {
        .filename = c->out_name, .format = c->format, .options = c->options,
        .backing = c->backing, .backing_format = c->backing_format,
        .size = c->copy.total, .force_size = true, .unsafe = true,
        .quiet = true,
    };
    Error *err = NULL;

    if (backing && !fmt) {
        error_report("Use of backing file requires explicit backing format");
        return false;
    }
    c->copy.target_backing = backing != NULL;
    if (!img_create_image(&create, &err)) {
        error_prepend(&err, "%s: error while converting %s: ", c->out_name,
                      c->format);
        tool_report_err(err);
        return false;
    }
    c->copy.zero_init = bdrv_format_reads_zeros(c->format);
    return true;
}

/* The new image is opened with the key that it was made with. */
static struct json_object *target_keys(const Convert *c)
{
    static const char *const names[] = { "format", "key-secret" };
    g_autofree char *secret = option_value(c, "key-secret", NULL);
    struct json_object *node = json_object_new_object();
    struct json_object *encrypt = json_object_new_object();

    if (secret) {
        json_object_object_add(node, "key-secret",
                               json_object_new_string(secret));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *name = g_strconcat("encrypt.", names[i], NULL);
        g_autofree char *val = option_value(c, name, NULL);

        if (val) {
            json_object_object_add(encrypt, names[i],
                                   json_object_new_string(val));
        }
    }
    if (json_object_object_length(encrypt)) {
        json_object_object_add(node, "encrypt", encrypt);
    } else {
        json_object_put(encrypt);
    }
    return node;
}

/* Formats that cannot make images, or compress, are told before anything is
 * written. */
static bool check_format(const Convert *c)
{
    Error *err = NULL;
    g_autofree BdrvCreateOption *table = bdrv_create_options(c->format, NULL,
                                                             &err);
    g_autofree char *format = NULL, *old = NULL, *prealloc = NULL;

    if (!table) {
        tool_report_err(err);
        return false;
    }
    if (c->copy.compress && !bdrv_format_compresses(c->format)) {
        error_report("Compression not supported for this file format");
        return false;
    }
    format = option_value(c, "encrypt.format", NULL);
    old = option_value(c, "encryption", NULL);
    if (c->copy.compress && (format || !g_strcmp0(old, "on"))) {
        error_report("Compression and encryption not supported at the same "
                     "time");
        return false;
    }
    prealloc = option_value(c, "preallocation", NULL);
    if (c->copy.compress && prealloc && strcmp(prealloc, "off")) {
        error_report("Compression and preallocation not supported at the same "
                     "time");
        return false;
    }
    return true;
}

static int coroutine_fn zero_target_co(void *opaque)
{
    BlockBackend *blk = opaque;

    return blk_co_pwrite_zeroes(blk, 0, blk_get_length(blk),
                                BDRV_REQ_MAY_UNMAP | BDRV_REQ_NO_FALLBACK);
}

static bool open_target(Convert *c)
{
    BlockDriverState *bs;
    ImgCopy *copy = &c->copy;

    c->out.write = true;
    c->out.unmap = copy->sparse_bytes > 0;
    if (c->target_opts) {
        c->out.image_opts = true;
    } else {
        c->out.format = c->format;
    }
    c->out.extra = c->target_opts ? NULL : target_keys(c);
    copy->target = tool_open(c->out_name, &c->out);
    json_object_put(c->out.extra);
    if (!copy->target) {
        return false;
    }
    bs = blk_get_bs(copy->target);
    if (copy->compress && !bdrv_format_compresses(bdrv_get_format_name(bs))) {
        error_report("Compression not supported for this file format");
        return false;
    }
    if (tool_length(copy->target) < copy->total) {
        error_report("output file is smaller than input file");
        return false;
    }
    if (copy->target_backing) {
        BlockDriverState *backing = bdrv_get_backing(bs);

        copy->target_backing_bytes = backing ? bdrv_get_length(backing) : 0;
    }
    if (c->keep_target) {
        copy->target_backing = false;
        copy->zero_init = c->target_is_zero;
    }
    if (!copy->zero_init && copy->sparse_bytes && !bdrv_get_backing(bs) &&
        copy->total) {
        copy->zero_init = bdrv_run(main_context(), zero_target_co,
                                   copy->target) >= 0;
    }
    return true;
}

/* ---- Bitmaps ---- */

static bool check_bitmaps(const Convert *c)
{
    const char *format = bdrv_get_format_name(blk_get_bs(c->copy.target));
    BlockDriverState *bs = blk_get_bs(c->sources[0].blk);
    BdrvDirtyBitmap *b = NULL;

    if (strcmp(format, "qcow2")) {
        error_report("Format driver '%s' does not support bitmaps", format);
        return false;
    }
    if (strcmp(bdrv_get_format_name(bs), "qcow2")) {
        error_report("Source lacks bitmap support");
        return false;
    }
    while ((b = bdrv_dirty_bitmap_next(bs, b))) {
        if (bdrv_dirty_bitmap_inconsistent(b) && !c->skip_broken) {
            error_report("Cannot copy inconsistent bitmap '%s'",
                         bdrv_dirty_bitmap_name(b));
            error_printf("Try --skip-broken-bitmaps, or use 'nemu-img bitmap "
                         "--remove'\n");
            return false;
        }
    }
    return true;
}

/* Not kept up to date until all of it is there. */
static bool copy_bitmap(BlockDriverState *to, BlockDriverState *from,
                        BdrvDirtyBitmap *b, Error **errp)
{
    const char *name = bdrv_dirty_bitmap_name(b);
    BlockDirtyBitmapOrStr source = { .type = QAPI_KIND_OBJECT };
    BlockDirtyBitmapOrStrList list = { .value = &source };
    BlockDirtyBitmap both = {
        .node = (char *)bdrv_get_node_name(to), .name = (char *)name,
    };
    BlockDirtyBitmapAdd add = {
        .node = both.node, .name = both.name, .has_granularity = true,
        .granularity = bdrv_dirty_bitmap_granularity(b),
        .has_persistent = true, .persistent = true, .has_disabled = true,
        .disabled = true,
    };
    BlockDirtyBitmapMerge merge = {
        .node = both.node, .target = both.name, .bitmaps = &list,
    };

    source.u.external.node = (char *)bdrv_get_node_name(from);
    source.u.external.name = both.name;
    if (!qmp_block_dirty_bitmap_add(&add, errp)) {
        return false;
    }
    if (!qmp_block_dirty_bitmap_merge(&merge, errp)) {
        qmp_block_dirty_bitmap_remove(&both, NULL);
        return false;
    }
    return !bdrv_dirty_bitmap_enabled(b) ||
           qmp_block_dirty_bitmap_enable(&both, errp);
}

static bool copy_bitmaps(const Convert *c)
{
    BlockDriverState *from = blk_get_bs(c->sources[0].blk);
    BlockDriverState *to = blk_get_bs(c->copy.target);
    BdrvDirtyBitmap *b = NULL;

    while ((b = bdrv_dirty_bitmap_next(from, b))) {
        Error *err = NULL;

        if (!bdrv_dirty_bitmap_persistent(b)) {
            continue;
        }
        if (bdrv_dirty_bitmap_inconsistent(b)) {
            warn_report("Skipping inconsistent bitmap '%s'",
                        bdrv_dirty_bitmap_name(b));
            continue;
        }
        if (!copy_bitmap(to, from, b, &err)) {
            error_prepend(&err, "Failed to copy bitmap '%s': ",
                          bdrv_dirty_bitmap_name(b));
            tool_report_err(err);
            return false;
        }
    }
    return true;
}

/* ---- Together ---- */

static int convert(Convert *c)
{
    int ret = 1;

    c->copy.progress = c->show && !c->copy.quiet;
    tool_progress_init(c->copy.progress, 1);
    if (!open_sources(c) ||
        (!c->keep_target && (!check_format(c) || !create_target(c))) ||
        !open_target(c)) {
        goto out;
    }
    if (c->bitmaps && !check_bitmaps(c)) {
        goto out;
    }
    ret = img_copy(&c->copy) < 0 || (c->bitmaps && !copy_bitmaps(c));
    if (!ret) {
        tool_progress_set(100);
    }
out:
    tool_progress_end();
    for (unsigned i = 0; i < c->copy.num_sources &&
         i < G_N_ELEMENTS(c->sources); i++) {
        blk_unref(c->sources[i].blk);
    }
    return tool_close(c->copy.target, c->out_name) ? ret : 1;
}

static int convert_main(Convert *c, int argc, char **argv, int first)
{
    if (!parse_numbers(c)) {
        return 1;
    }
    if (c->options && img_options_want_help(c->options)) {
        return img_print_create_options(c->format ? c->format : "raw",
                                        first < argc ? argv[argc - 1] : NULL);
    }
    c->copy.num_sources = MAX(argc - first - 1, 0);
    if (!check_target_options(c) || !check_caches(c) ||
        !img_check_mode(c->in.image_opts, c->in.format)) {
        return 1;
    }
    if (c->copy.num_sources < 1) {
        error_report("Must specify image file name");
        return 1;
    }
    if (!c->target_opts && !c->format) {
        c->format = "raw";
    }
    c->in_names = argv + first;
    c->out_name = argv[argc - 1];
    return convert(c);
}

int img_convert(int argc, char **argv)
{
    g_autofree Convert *c = g_new0(Convert, 1);
    g_autoptr(GPtrArray) list = NULL;
    g_autofree char *joined = NULL;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&c->in.image_opts),
        { 'f', NULL, TOOL_TEXT, &c->in.format },
        { 'O', NULL, TOOL_TEXT, &c->format },
        { 'B', NULL, TOOL_TEXT, &c->backing },
        { 'b', NULL, TOOL_TEXT, &c->backing },
        { 'F', NULL, TOOL_TEXT, &c->backing_format },
        { 'C', NULL, TOOL_FLAG, &c->copy.offload },
        { 'c', NULL, TOOL_FLAG, &c->copy.compress },
        { 'o', NULL, TOOL_LIST, &list },
        { 'l', NULL, TOOL_TEXT, &c->snapshot },
        { 'S', NULL, TOOL_TEXT, &c->sparse },
        { 'p', NULL, TOOL_FLAG, &c->show },
        { 't', NULL, TOOL_TEXT, &c->out.cache },
        { 'T', NULL, TOOL_TEXT, &c->in.cache },
        { 'q', NULL, TOOL_FLAG, &c->copy.quiet },
        { 'n', NULL, TOOL_FLAG, &c->keep_target },
        { 'm', NULL, TOOL_TEXT, &c->coroutines },
        { 'W', NULL, TOOL_FLAG, &c->copy.out_of_order },
        { 'U', "force-share", TOOL_FLAG, &c->in.force_share },
        { 'r', NULL, TOOL_TEXT, &c->rate },
        { 0, "target-image-opts", TOOL_FLAG, &c->target_opts },
        { 0, "target-is-zero", TOOL_FLAG, &c->target_is_zero },
        { 0, "salvage", TOOL_FLAG, &c->copy.salvage },
        { 0, "bitmaps", TOOL_FLAG, &c->bitmaps },
        { 0, "skip-broken-bitmaps", TOOL_FLAG, &c->skip_broken },
        IMG_OPT_END,
    };
    int first, status;

    c->out.cache = "unsafe";
    c->in.no_share = true;
    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    joined = img_join_options(list);
    c->options = joined;
    return convert_main(c, argc, argv, first);
}
