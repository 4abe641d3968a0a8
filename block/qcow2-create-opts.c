/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New qcow2 images by file name and options in text. Main thread. */
#include "util/osdep.h"
#include "qcow2-internal.h"
#include "crypto-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-visit-block-core.h"
#include "qapi/visitor.h"

const BdrvCreateOption qcow2_create_options[] = {
    { "encryption", BDRV_OPTION_BOOL, NULL,
      "Encrypt the image with format 'aes'. (Deprecated in favor of "
      "encrypt.format=aes)" },
    { "encrypt.format", BDRV_OPTION_STRING, NULL,
      "Encrypt the image, format choices: 'aes', 'luks'" },
    BDRV_CRYPTO_CREATE_OPTIONS("encrypt.", "ID of secret providing qcow AES "
                                           "key or LUKS passphrase"),
    { "cluster_size", BDRV_OPTION_SIZE, "65536", "qcow2 cluster size" },
    { "extended_l2", BDRV_OPTION_BOOL, "off", "Extended L2 tables" },
    { "preallocation", BDRV_OPTION_STRING, NULL,
      "Preallocation mode (allowed values: off, metadata, falloc, full)" },
    { "compression_type", BDRV_OPTION_STRING, "zlib",
      "Compression method used for image cluster compression" },
    { "size", BDRV_OPTION_SIZE, NULL, "Virtual disk size" },
    { "compat", BDRV_OPTION_STRING, NULL,
      "Compatibility level (v2 [0.10] or v3 [1.1])" },
    { "backing_file", BDRV_OPTION_STRING, NULL, "File name of a base image" },
    { "backing_fmt", BDRV_OPTION_STRING, NULL,
      "Image format of the base image" },
    { "data_file", BDRV_OPTION_STRING, NULL,
      "File name of an external data file" },
    { "data_file_raw", BDRV_OPTION_BOOL, NULL,
      "The external data file must stay valid as a raw image" },
    { "lazy_refcounts", BDRV_OPTION_BOOL, "off",
      "Postpone refcount updates" },
    { "refcount_bits", BDRV_OPTION_NUMBER, "16",
      "Width of a reference count entry in bits" },
    { NULL },
};

/* ---- New images ---- */

/* "encrypt.format=aes" as members of "encrypt", and as QMP calls it. */
void qcow2_name_encryption(struct json_object *o)
{
    struct json_object *encrypt = json_object_new_object(), *val;
    bool old = false;

    for (const BdrvCreateOption *opt = qcow2_create_options; opt->name;
         opt++) {
        if (json_object_object_get_ex(o, opt->name, &val) &&
            g_str_has_prefix(opt->name, "encrypt.")) {
            json_object_object_add(encrypt, opt->name + strlen("encrypt."),
                                   json_object_get(val));
            json_object_object_del(o, opt->name);
        }
    }
    if (json_object_object_get_ex(o, "encryption", &val)) {
        old = g_str_equal(json_object_get_string(val), "on");
        json_object_object_del(o, "encryption");
    }
    if (json_object_object_get_ex(encrypt, "format", &val)) {
        old |= g_str_equal(json_object_get_string(val), "aes");
    }
    if (old) {
        json_object_object_add(encrypt, "format",
                               json_object_new_string("qcow"));
    }
    if (json_object_object_length(encrypt)) {
        json_object_object_add(o, "encrypt", encrypt);
    } else {
        json_object_put(encrypt);
    }
}

/* The names that QMP has for the same things. */
static struct json_object *schema_options(struct json_object *options)
{
    struct json_object *o = json_object_new_object();

    json_object_object_foreach(options, key, val) {
        const char *text = json_object_get_string(val);
        g_autofree char *name = g_strdelimit(g_strdup(key), "_", '-');
        g_autofree char *size = NULL;

        if (g_str_equal(key, "compat")) {
            g_free(name);
            name = g_strdup("version");
            text = g_str_equal(text, "0.10") ? "v2" :
                   g_str_equal(text, "1.1") ? "v3" : text;
        } else if (g_str_equal(key, "size")) {
            /* Whole sectors, whatever was asked for. */
            uint64_t bytes = g_ascii_strtoull(text, NULL, 10);

            size = g_strdup_printf("%" PRIu64, ROUND_UP(bytes, 512));
            text = size;
        } else if (g_str_equal(key, "data_file") ||
                   g_str_equal(key, "nocow") ||
                   g_str_equal(key, "extent_size_hint")) {
            continue;
        }
        json_object_object_add(o, name, json_object_new_string(text));
    }
    qcow2_name_encryption(o);
    return o;
}

static BlockDriverState *make_file(const char *filename,
                                   struct json_object *options, Error **errp)
{
    const BlockDriver *proto = bdrv_find_protocol(filename, errp);
    struct json_object *o = bdrv_create_file_options(options);
    bool ok = proto && bdrv_create_file(filename, o, errp);

    json_object_put(o);
    return ok ? bdrv_open_image(filename, proto->name, NULL, NULL, 0, errp) :
                NULL;
}

static bool create_in(BlockDriverState *file, BlockDriverState *data,
                      struct json_object *schema, Error **errp)
{
    g_autoptr(Visitor) v = NULL;
    BlockdevCreateOptionsQcow2 *o = NULL;
    bool ok;

    if (data) {
        json_object_object_add(schema, "data-file",
                               json_object_new_string(data->node_name));
    }
    v = input_visitor_new(schema, VISIT_INPUT_KEYVAL);
    if (!visit_type_BlockdevCreateOptionsQcow2(v, NULL, &o, errp)) {
        return false;
    }
    ok = qcow2_create(file, o, errp);
    qapi_free_BlockdevCreateOptionsQcow2(o);
    return ok;
}

/* Nothing is written over for options that cannot be. */
static bool check_schema(struct json_object *schema, Error **errp)
{
    g_autoptr(Visitor) v = input_visitor_new(schema, VISIT_INPUT_KEYVAL);
    BlockdevCreateOptionsQcow2 *o = NULL;
    uint64_t bytes;
    bool ok = visit_type_BlockdevCreateOptionsQcow2(v, NULL, &o, errp) &&
              qcow2_crypto_measure(o->encrypt, &bytes, errp);

    qapi_free_BlockdevCreateOptionsQcow2(o);
    return ok;
}

bool qcow2_create_by_name(const char *filename, struct json_object *options,
                          Error **errp)
{
    const char *data_name = bdrv_create_value(options, "data_file");
    struct json_object *schema = schema_options(options);
    BlockDriverState *file = NULL, *data = NULL;
    bool ok = false;

    if (!check_schema(schema, errp)) {
        goto out;
    }
    if (bdrv_create_value(options, "backing_fmt") &&
        !bdrv_create_value(options, "backing_file")) {
        error_setg(errp, "Backing format cannot be used without backing file");
        goto out;
    }
    if (data_name) {
        data = make_file(data_name, options, errp);
        if (!data) {
            goto out;
        }
    }
    file = make_file(filename, options, errp);
    ok = file && create_in(file, data, schema, errp);
    if (file) {
        bdrv_unref(file);
    }
    if (data) {
        bdrv_unref(data);
    }
out:
    json_object_put(schema);
    return ok;
}
