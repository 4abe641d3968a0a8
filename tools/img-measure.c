/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img measure: what a new image would take. */
#include "util/osdep.h"
#include "img-internal.h"
#include <json-c/json.h>

/* Names as in the schema. */
static struct json_object *schema_names(struct json_object *values,
                                        int64_t size)
{
    struct json_object *o = json_object_new_object();

    json_object_object_foreach(values, key, val) {
        const char *text = json_object_get_string(val);
        g_autofree char *name = g_strdelimit(g_strdup(key), "_", '-');

        if (g_str_equal(key, "compat")) {
            g_free(name);
            name = g_strdup("version");
            text = g_str_equal(text, "0.10") ? "v2" :
                   g_str_equal(text, "1.1") ? "v3" : text;
        }
        json_object_object_add(o, name, json_object_new_string(text));
    }
    if (size >= 0) {
        g_autofree char *text = g_strdup_printf("%" PRId64, size);

        json_object_object_add(o, "size", json_object_new_string(text));
    }
    return o;
}

static void print_measure(const BlockMeasureInfo *info, bool json)
{
    struct json_object *o;

    if (!json) {
        printf("required size: %" PRId64 "\nfully allocated size: %" PRId64
               "\n", info->required, info->fully_allocated);
        if (info->has_bitmaps) {
            printf("bitmaps size: %" PRId64 "\n", info->bitmaps);
        }
        return;
    }
    o = json_object_new_object();
    json_object_object_add(o, "required",
                           json_object_new_int64(info->required));
    json_object_object_add(o, "fully-allocated",
                           json_object_new_int64(info->fully_allocated));
    if (info->has_bitmaps) {
        json_object_object_add(o, "bitmaps",
                               json_object_new_int64(info->bitmaps));
    }
    tool_print_json(o);
    json_object_put(o);
}

static struct json_object *parse_options(const char *format, const char *text)
{
    Error *err = NULL;
    g_autofree BdrvCreateOption *table = bdrv_create_options(format, NULL,
                                                             &err);
    struct json_object *values;

    if (!table) {
        tool_report_err(err);
        return NULL;
    }
    values = img_parse_create_options(table, text, &err);
    if (!values) {
        tool_report_err(err);
        error_report("Invalid options for file format '%s'", format);
    }
    return values;
}

static int measure(const char *format, const char *text, int64_t size,
                   BlockBackend *in, bool json)
{
    struct json_object *values = parse_options(format, text);
    struct json_object *schema;
    BlockMeasureInfo *info;
    Error *err = NULL;

    if (!values) {
        return 1;
    }
    schema = schema_names(values, size);
    info = bdrv_measure(format, schema, in ? blk_get_bs(in) : NULL, &err);
    json_object_put(schema);
    json_object_put(values);
    if (!info) {
        tool_report_err(err);
        return 1;
    }
    print_measure(info, json);
    qapi_free_BlockMeasureInfo(info);
    return 0;
}

static bool check_arguments(const char *size, const char *filename,
                            const ToolOpen *o, const char *snapshot)
{
    if (!size == !filename) {
        error_report(size ? "--size N cannot be used together with a filename."
                     : "Either --size N or one filename must be specified.");
        return false;
    }
    if (!filename && (o->image_opts || o->format || snapshot)) {
        error_report("--image-opts, -f, and -l can only be used with a "
                     "filename.");
        return false;
    }
    return img_check_mode(o->image_opts, o->format);
}

int img_measure(int argc, char **argv)
{
    ToolOpen o = { 0 };
    const char *format = "raw", *size_text = NULL, *snapshot = NULL;
    g_autoptr(GPtrArray) list = NULL;
    bool json = false;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'f', "format", TOOL_TEXT, &o.format },
        { 'O', NULL, TOOL_TEXT, &format },
        { 'l', NULL, TOOL_TEXT, &snapshot },
        { 'o', NULL, TOOL_LIST, &list },
        { 0, "size", TOOL_TEXT, &size_text },
        { 0, "output", TOOL_OUTPUT, &json },
        { 'U', "force-share", TOOL_FLAG, &o.force_share },
        IMG_OPT_END,
    };
    g_autofree char *joined = NULL;
    BlockBackend *in = NULL;
    int64_t size = -1;
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    if (argc - first > 1) {
        error_report("At most one filename argument is allowed.");
        return 1;
    }
    if (!check_arguments(size_text, argv[first], &o, snapshot)) {
        return 1;
    }
    if (size_text && (size = tool_parse_bytes("image size", size_text)) < 0) {
        return 1;
    }
    joined = img_join_options(list);
    if (argv[first]) {
        in = tool_open(argv[first], &o);
        if (!in || (snapshot && !img_load_snapshot(in, snapshot))) {
            blk_unref(in);
            return 1;
        }
    }
    status = measure(format, joined, size, in, json);
    blk_unref(in);
    return status;
}
