/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nemu-img amend: change what was chosen when an image was made. */
#include "util/osdep.h"
#include "img-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-visit-crypto.h"
#include "qapi/visitor.h"

#define KEYSLOT_OPTIONS(prefix)                                                \
    { prefix "iter-time", BDRV_OPTION_NUMBER, NULL,                            \
      "Time to spend in PBKDF in milliseconds" },                              \
    { prefix "keyslot", BDRV_OPTION_NUMBER, NULL,                              \
      "Select a single keyslot to modify explicitly" },                        \
    { prefix "new-secret", BDRV_OPTION_STRING, NULL,                           \
      "New secret to set in the matching keyslots. Empty string to erase" },   \
    { prefix "old-secret", BDRV_OPTION_STRING, NULL,                           \
      "Select all keyslots that match this password" },                        \
    { prefix "state", BDRV_OPTION_STRING, NULL,                                \
      "Select new state of affected keyslots (active/inactive)" }

static const BdrvCreateOption luks_options[] = {
    KEYSLOT_OPTIONS(""), { NULL },
};

static const BdrvCreateOption qcow2_options[] = {
    { "backing_file", BDRV_OPTION_STRING, NULL, "File name of a base image" },
    { "backing_fmt", BDRV_OPTION_STRING, NULL,
      "Image format of the base image" },
    { "compat", BDRV_OPTION_STRING, NULL,
      "Compatibility level (v2 [0.10] or v3 [1.1])" },
    { "data_file", BDRV_OPTION_STRING, NULL,
      "File name of an external data file" },
    { "data_file_raw", BDRV_OPTION_BOOL, NULL,
      "The external data file must stay valid as a raw image" },
    KEYSLOT_OPTIONS("encrypt."),
    { "lazy_refcounts", BDRV_OPTION_BOOL, NULL, "Postpone refcount updates" },
    { "refcount_bits", BDRV_OPTION_NUMBER, NULL,
      "Width of a reference count entry in bits" },
    { "size", BDRV_OPTION_SIZE, NULL, "Virtual disk size" },
    { NULL },
};

/* NULL: nothing can be changed. */
static const BdrvCreateOption *find_options(const char *format)
{
    return g_str_equal(format, "qcow2") ? qcow2_options :
           g_str_equal(format, "luks") ? luks_options : NULL;
}

static int print_help(const char *format)
{
    if (!bdrv_has_driver(format)) {
        error_report("Unknown file format '%s'", format);
        return 1;
    }
    if (!find_options(format)) {
        error_report("Format driver '%s' does not support option amendment",
                     format);
        return 1;
    }
    printf("Amend options for '%s':\n", format);
    img_print_option_table(find_options(format));
    return 0;
}

static void take_value(BdrvAmend *a, const char *name, const char *val)
{
    bool on = g_str_equal(val, "on");

    if (g_str_equal(name, "compat")) {
        a->has_compat = true;
        a->compat = val;
    } else if (g_str_equal(name, "size")) {
        a->has_size = true;
        a->size = g_ascii_strtoll(val, NULL, 10);
    } else if (g_str_equal(name, "lazy_refcounts")) {
        a->has_lazy_refcounts = true;
        a->lazy_refcounts = on;
    } else if (g_str_equal(name, "data_file_raw")) {
        a->has_data_file_raw = true;
        a->data_file_raw = on;
    } else if (g_str_equal(name, "refcount_bits")) {
        a->has_refcount_bits = true;
        a->refcount_bits = g_ascii_strtoull(val, NULL, 10);
    } else if (g_str_equal(name, "data_file")) {
        a->data_file = val;
    } else if (g_str_equal(name, "backing_file")) {
        a->has_backing_file = true;
        a->backing_file = val;
    } else {
        a->has_backing_fmt = true;
        a->backing_fmt = val;
    }
}

/* What is about passphrases goes to *@keyslots, which may stay NULL. */
static bool take_values(BdrvAmend *a, const char *format,
                        struct json_object *values,
                        QCryptoBlockAmendOptionsLUKS **keyslots, Error **errp)
{
    const char *prefix = g_str_equal(format, "luks") ? "" : "encrypt.";
    struct json_object *keys = json_object_new_object();
    g_autoptr(Visitor) v = NULL;
    bool ok = true;

    json_object_object_foreach(values, key, val) {
        if (g_str_has_prefix(key, prefix)) {
            json_object_object_add(keys, key + strlen(prefix),
                                   json_object_get(val));
        } else {
            take_value(a, key, json_object_get_string(val));
        }
    }
    if (json_object_object_length(keys)) {
        v = input_visitor_new(keys, VISIT_INPUT_KEYVAL);
        ok = visit_type_QCryptoBlockAmendOptionsLUKS(v, NULL, keyslots, errp);
        a->encrypt = *keyslots;
    }
    json_object_put(keys);
    return ok;
}

static void show_progress(void *opaque, int64_t done, int64_t total)
{
    tool_progress_set(total ? 100.0 * done / total : 100);
}

/* An option that new images have gets a word of its own. */
static void explain(Error **err, const char *text, const char *format)
{
    g_autofree BdrvCreateOption *table = bdrv_create_options(format, NULL,
                                                             NULL);
    struct json_object *values = table ?
        img_parse_create_options(table, text, NULL) : NULL;

    if (values) {
        error_append_hint(err, "This option is only supported for image "
                          "creation");
        json_object_put(values);
    }
}

static int amend(BlockBackend *blk, const char *text, bool show, bool force)
{
    BlockDriverState *bs = blk_get_bs(blk);
    const char *format = bdrv_get_format_name(bs);
    const BdrvCreateOption *table = find_options(format);
    g_autoptr(QCryptoBlockAmendOptionsLUKS) keyslots = NULL;
    BdrvAmend a = { .progress = show_progress, .force = force };
    struct json_object *values;
    Error *err = NULL;
    int ret;

    values = img_parse_create_options(table ? table : qcow2_options, text,
                                      &err);
    if (!values) {
        explain(&err, text, format);
        tool_report_err(err);
        return 1;
    }
    tool_progress_init(show, 1);
    ret = take_values(&a, format, values, &keyslots, &err) ?
          bdrv_amend(bs, &a, &err) : -EINVAL;
    if (ret >= 0) {
        tool_progress_set(100);
    }
    tool_progress_end();
    json_object_put(values);
    if (ret < 0) {
        tool_report_err(err);
    }
    return ret < 0;
}

int img_amend(int argc, char **argv)
{
    ToolOpen o = { .write = true, .resize = true, .unmap = true };
    g_autoptr(GPtrArray) list = NULL;
    bool show = false, quiet = false, force = false;
    const ToolOption options[] = {
        IMG_OPT_HELP, IMG_OPT_OBJECT, IMG_OPT_IMAGE_OPTS(&o.image_opts),
        { 'f', NULL, TOOL_TEXT, &o.format },
        { 'o', NULL, TOOL_LIST, &list },
        { 'p', NULL, TOOL_FLAG, &show },
        { 'q', NULL, TOOL_FLAG, &quiet },
        { 't', NULL, TOOL_TEXT, &o.cache },
        { 0, "force", TOOL_FLAG, &force },
        IMG_OPT_END,
    };
    g_autofree char *joined = NULL;
    BlockBackend *blk;
    int first, status;

    if (!img_begin(argc, argv, options, &first, &status)) {
        return status;
    }
    joined = img_join_options(list);
    if (!joined) {
        return tool_usage_error("Must specify options (-o)");
    }
    if (o.format && img_options_want_help(joined)) {
        return print_help(o.format);
    }
    if (first != argc - 1) {
        error_report("Expecting one image file name");
        return 1;
    }
    if (!img_check_mode(o.image_opts, o.format)) {
        return 1;
    }
    if (!tool_check_cache(o.cache)) {
        error_report("Invalid cache option: %s", o.cache);
        return 1;
    }
    blk = tool_open(argv[first], &o);
    if (!blk) {
        return 1;
    }
    status = img_options_want_help(joined) ?
             print_help(bdrv_get_format_name(blk_get_bs(blk))) :
             amend(blk, joined, show && !quiet, force);
    return tool_close(blk, argv[first]) ? status : 1;
}
