/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img bitmap: the dirty bitmaps that an image stores. */
#include "util/osdep.h"
#include "img-internal.h"
#include "qapi/qapi-commands-block-bitmap.h"

typedef enum Action {
    ACTION_ADD, ACTION_REMOVE, ACTION_CLEAR, ACTION_ENABLE, ACTION_DISABLE,
    ACTION_MERGE,
} Action;

static const char *const action_names[] = {
    "add", "remove", "clear", "enable", "disable", "merge",
};

typedef struct Step {
    Action action;
    const char *source;             /* merge */
} Step;

typedef struct Bitmap {
    ToolOpen open;
    const char *source_file, *source_format, *granularity, *name;
    int64_t granularity_bytes;
    BlockBackend *blk, *source;
    GArray *steps;
} Bitmap;

static bool merge(Bitmap *b, const char *source, Error **errp)
{
    BlockDirtyBitmapOrStrList item = { 0 };
    BlockDirtyBitmapOrStr value = { .type = QAPI_KIND_OBJECT };
    BlockDirtyBitmapMerge arg = {
        .node = (char *)bdrv_get_node_name(blk_get_bs(b->blk)),
        .target = (char *)b->name, .bitmaps = &item,
    };

    value.u.external.node = (char *)bdrv_get_node_name(
        blk_get_bs(b->source ? b->source : b->blk));
    value.u.external.name = (char *)source;
    item.value = &value;
    return qmp_block_dirty_bitmap_merge(&arg, errp);
}

static bool add(Bitmap *b, Error **errp)
{
    BlockDirtyBitmapAdd arg = {
        .node = (char *)bdrv_get_node_name(blk_get_bs(b->blk)),
        .name = (char *)b->name, .has_persistent = true, .persistent = true,
        .has_granularity = b->granularity_bytes > 0,
        .granularity = b->granularity_bytes,
    };

    return qmp_block_dirty_bitmap_add(&arg, errp);
}

static bool run_step(Bitmap *b, const Step *s, Error **errp)
{
    BlockDirtyBitmap arg = {
        .node = (char *)bdrv_get_node_name(blk_get_bs(b->blk)),
        .name = (char *)b->name,
    };

    switch (s->action) {
    case ACTION_ADD:
        return add(b, errp);
    case ACTION_REMOVE:
        return qmp_block_dirty_bitmap_remove(&arg, errp);
    case ACTION_CLEAR:
        return qmp_block_dirty_bitmap_clear(&arg, errp);
    case ACTION_ENABLE:
        return qmp_block_dirty_bitmap_enable(&arg, errp);
    case ACTION_DISABLE:
        return qmp_block_dirty_bitmap_disable(&arg, errp);
    default:
        return merge(b, s->source, errp);
    }
}

static int run_bitmap(Bitmap *b, const char *filename)
{
    const ToolOpen source = {
        .format = b->source_format, .flags = BDRV_O_NO_BACKING | BDRV_O_NO_IO,
    };

    b->blk = tool_open(filename, &b->open);
    if (!b->blk) {
        return 1;
    }
    if (b->source_file) {
        b->source = tool_open(b->source_file, &source);
        if (!b->source) {
            return 1;
        }
    }
    for (guint i = 0; i < b->steps->len; i++) {
        const Step *s = &g_array_index(b->steps, Step, i);
        Error *err = NULL;

        if (!run_step(b, s, &err)) {
            error_prepend(&err, "Operation %s on bitmap %s failed: ",
                          action_names[s->action], b->name);
            tool_report_err(err);
            return 1;
        }
    }
    return 0;
}

/* The order of the actions counts: they are taken out before the rest. */
static int take_steps(Bitmap *b, int argc, char **argv)
{
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        Step s = { 0 };
        size_t k;

        for (k = 0; k < G_N_ELEMENTS(action_names); k++) {
            g_autofree char *name = g_strdup_printf("--%s", action_names[k]);

            if (g_str_equal(argv[i], name) ||
                (k == ACTION_MERGE && g_str_has_prefix(argv[i], "--merge="))) {
                break;
            }
        }
        if (k == G_N_ELEMENTS(action_names)) {
            argv[kept++] = argv[i];
            continue;
        }
        s.action = k;
        if (k == ACTION_MERGE) {
            s.source = strchr(argv[i], '=') ? strchr(argv[i], '=') + 1 :
                       i + 1 < argc ? argv[++i] : NULL;
            if (!s.source) {
                tool_usage_error("missing argument for option '%s'", argv[i]);
                return -1;
            }
        }
        g_array_append_val(b->steps, s);
    }
    return kept;
}

static bool check_steps(const Bitmap *b)
{
    bool adds = false, merges = false;

    for (guint i = 0; i < b->steps->len; i++) {
        Action a = g_array_index(b->steps, Step, i).action;

        adds |= a == ACTION_ADD;
        merges |= a == ACTION_MERGE;
    }
    if (!b->steps->len) {
        error_report("Need at least one of --add, --remove, --clear, "
                     "--enable, --disable, or --merge");
    } else if (b->granularity && !adds) {
        error_report("granularity only supported with --add");
    } else if (b->source_format && !b->source_file) {
        error_report("-F only supported with -b");
    } else if (b->source_file && !merges) {
        error_report("Merge bitmap source file only supported with --merge");
    } else {
        return true;
    }
    return false;
}

int img_bitmap(int argc, char **argv)
{
    Bitmap b = { .open = { .write = true, .unmap = true,
                           .flags = BDRV_O_NO_BACKING } };
    g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(Step));
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&b.open.image_opts),
        { 'b', "source-file", TOOL_TEXT, &b.source_file },
        { 'f', NULL, TOOL_TEXT, &b.open.format },
        { 'F', "source-format", TOOL_TEXT, &b.source_format },
        { 'g', "granularity", TOOL_TEXT, &b.granularity },
        IMG_OPT_END,
    };
    int first, status;

    b.steps = steps;
    argc = take_steps(&b, argc, argv);
    if (argc < 0) {
        return 1;
    }
    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (first != argc - 2) {
        error_report("Expecting filename and bitmap name");
        return 1;
    }
    if (b.granularity) {
        b.granularity_bytes = tool_parse_number("granularity", b.granularity, 1,
                                                INT64_MAX);
        if (b.granularity_bytes < 0) {
            return 1;
        }
    }
    if (!img_check_mode(b.open.image_opts, b.open.format) || !check_steps(&b)) {
        return 1;
    }
    b.name = argv[first + 1];
    status = run_bitmap(&b, argv[first]);
    blk_unref(b.source);
    return tool_close(b.blk, argv[first]) ? status : 1;
}
