/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img resize. */
#include "util/osdep.h"
#include "img-internal.h"
#include "util/main-loop.h"

typedef struct Resize {
    BlockBackend *blk;
    int64_t size;
    PreallocMode prealloc;
    Error **errp;
} Resize;

static int coroutine_fn resize_co(void *opaque)
{
    Resize *r = opaque;

    return blk_co_truncate(r->blk, r->size, false, r->prealloc, 0, r->errp);
}

bool img_truncate(BlockBackend *blk, int64_t size, PreallocMode prealloc,
                  Error **errp)
{
    Resize r = { blk, size, prealloc, errp };

    return bdrv_run(main_context(), resize_co, &r) >= 0;
}

/* The new size in bytes; -1: reported. */
static int64_t parse_size_change(const char *text, int *sign)
{
    static const BdrvCreateOption size = { "size", BDRV_OPTION_SIZE };
    g_autofree char *val = NULL;
    Error *err = NULL;

    *sign = *text == '+' ? 1 : *text == '-' ? -1 : 0;
    val = bdrv_create_option_value(&size, text + (*sign != 0), &err);
    if (!val) {
        tool_report_err(err);
        return -1;
    }
    return g_ascii_strtoull(val, NULL, 10) > INT64_MAX ? INT64_MAX :
           g_ascii_strtoll(val, NULL, 10);
}

static bool check_shrink(bool shrink, PreallocMode prealloc)
{
    if (prealloc != PREALLOC_MODE_OFF) {
        error_report("Preallocation can only be used for growing images");
        return false;
    }
    if (!shrink) {
        error_report("Use the --shrink option to perform a shrink operation.");
        warn_report("Shrinking an image will delete all data beyond the "
                    "shrunken image's end. Before performing such an "
                    "operation, make sure there is no important data there.");
    }
    return shrink;
}

static int resize_image(BlockBackend *blk, int64_t change, int sign,
                        bool shrink, PreallocMode prealloc)
{
    int64_t now = tool_length(blk), size;
    Error *err = NULL;

    if (sign > 0 && change > INT64_MAX - now) {
        error_report("New image size is too large");
        return 1;
    }
    size = sign ? now + sign * change : change;
    if (size <= 0) {
        error_report("New image size must be positive");
        return 1;
    }
    if (size <= now && prealloc != PREALLOC_MODE_OFF) {
        error_report("Preallocation can only be used for growing images");
        return 1;
    }
    if (size < now && !check_shrink(shrink, prealloc)) {
        return 1;
    }
    if (!img_truncate(blk, size, prealloc, &err)) {
        tool_report_err(err);
        return 1;
    }
    return 0;
}

int img_resize(int argc, char **argv)
{
    ToolOpen o = { .write = true, .resize = true, .unmap = true };
    const char *mode = NULL;
    bool quiet = false, shrink = false;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'f', NULL, TOOL_TEXT, &o.format },
        { 0, "preallocation", TOOL_TEXT, &mode },
        { 0, "shrink", TOOL_FLAG, &shrink },
        { 'q', NULL, TOOL_FLAG, &quiet },
        IMG_OPT_END,
    };
    PreallocMode prealloc = PREALLOC_MODE_OFF;
    g_autofree char *size = NULL;
    BlockBackend *blk;
    int64_t change;
    int first, sign, status;

    if (argc < 3 && (argc < 2 || (strcmp(argv[1], "--help") &&
                                  strcmp(argv[1], "-h")))) {
        return tool_usage_error("Not enough arguments");
    }
    /* The size comes last and may start with a dash. */
    if (argc > 1 && argv[argc - 1][0] == '-' &&
        g_ascii_isdigit(argv[argc - 1][1])) {
        size = g_strdup(argv[--argc]);
    }
    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (mode && !tool_parse_prealloc(mode, &prealloc)) {
        return 1;
    }
    if (!size && argc - first >= 1) {
        size = g_strdup(argv[--argc]);
    }
    if (!size || argc - first < 1) {
        return tool_usage_error(!size ? "Not enough arguments" :
                                "Expecting image file name and size");
    }
    if (argc - first > 1) {
        return tool_usage_error("Expecting image file name and size");
    }
    change = parse_size_change(size, &sign);
    if (change < 0 || !img_check_mode(o.image_opts, o.format)) {
        return 1;
    }
    blk = tool_open(argv[first], &o);
    if (!blk) {
        return 1;
    }
    status = resize_image(blk, change, sign, shrink, prealloc);
    status = tool_close(blk, argv[first]) ? status : 1;
    if (!status && !quiet) {
        printf("Image resized.\n");
    }
    return status;
}
