/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New images by format, file name and options in text, as tools and -snapshot
 * give them. What an option means is the driver's; here it is only taken apart
 * and checked for its kind.
 */
#include "util/osdep.h"
#include "block/create.h"
#include "block-internal.h"
#include <json-c/json.h>
#include "util/cutils.h"

/* ---- The table ---- */

static const BlockDriver *creator(const char *format, Error **errp)
{
    const BlockDriver *drv = bdrv_find_driver(format);

    if (!drv) {
        error_setg(errp, "Unknown file format '%s'", format);
        return NULL;
    }
    if (!drv->create) {
        error_setg(errp, "Format driver '%s' does not support image creation",
                   format);
        return NULL;
    }
    return drv;
}

static bool has_option(const GArray *all, const char *name)
{
    for (unsigned i = 0; i < all->len; i++) {
        if (g_str_equal(g_array_index(all, BdrvCreateOption, i).name, name)) {
            return true;
        }
    }
    return false;
}

static void add_options(GArray *all, const BdrvCreateOption *options)
{
    for (; options && options->name; options++) {
        if (!has_option(all, options->name)) {
            g_array_append_val(all, *options);
        }
    }
}

BdrvCreateOption *bdrv_create_options(const char *format, const char *filename,
                                      Error **errp)
{
    const BlockDriver *drv = creator(format, errp);
    const BlockDriver *proto = NULL;
    GArray *all;

    if (!drv) {
        return NULL;
    }
    if (filename) {
        proto = bdrv_find_protocol(filename, errp);
        if (!proto) {
            return NULL;
        }
    }
    all = g_array_new(TRUE, TRUE, sizeof(BdrvCreateOption));
    add_options(all, drv->create_options);
    add_options(all, proto ? proto->create_options : NULL);
    return (BdrvCreateOption *)g_array_free(all, FALSE);
}

/* ---- Values ---- */

static char *size_value(const BdrvCreateOption *option, const char *text,
                        Error **errp)
{
    uint64_t val;

    if (!parse_size(text, 'B', &val, NULL)) {
        error_setg(errp, "Parameter '%s' expects a non-negative number below "
                   "2^64", option->name);
        error_append_hint(errp, "Optional suffix k, M, G, T, P or E means "
                          "kilo-, mega-, giga-, tera-, peta-\n"
                          "and exabytes, respectively.");
        return NULL;
    }
    return g_strdup_printf("%" PRIu64, val);
}

char *bdrv_create_option_value(const BdrvCreateOption *option, const char *text,
                               Error **errp)
{
    uint64_t num;
    bool on;

    switch (option->type) {
    case BDRV_OPTION_BOOL:
        if (!parse_bool(text, &on, NULL)) {
            error_setg(errp, "Parameter '%s' expects 'on' or 'off'",
                       option->name);
            return NULL;
        }
        return g_strdup(on ? "on" : "off");
    case BDRV_OPTION_NUMBER:
        if (!parse_uint64(text, &num, NULL)) {
            error_setg(errp, "Parameter '%s' expects a number", option->name);
            return NULL;
        }
        return g_strdup_printf("%" PRIu64, num);
    case BDRV_OPTION_SIZE:
        return size_value(option, text, errp);
    default:
        return g_strdup(text);
    }
}

/* ---- Making one ---- */

bool bdrv_create_image(const char *filename, const char *format,
                       struct json_object *options, Error **errp)
{
    const BlockDriver *drv = creator(format, errp);

    return drv && drv->create(filename, options, errp);
}

const char *bdrv_create_value(struct json_object *options, const char *name)
{
    struct json_object *val;

    return json_object_object_get_ex(options, name, &val) ?
           json_object_get_string(val) : NULL;
}

static struct json_object *pick_options(struct json_object *options,
                                        bool of_file)
{
    struct json_object *o = json_object_new_object();

    json_object_object_foreach(options, key, val) {
        if (of_file == (g_str_equal(key, "nocow") ||
                        g_str_equal(key, "extent_size_hint"))) {
            json_object_object_add(o, key, json_object_get(val));
        }
    }
    return o;
}

struct json_object *bdrv_create_file_options(struct json_object *options)
{
    return pick_options(options, true);
}

struct json_object *bdrv_create_own_options(struct json_object *options)
{
    return pick_options(options, false);
}

/* Where nothing can be made, what is there will do when it is large enough. */
static bool use_existing(const char *filename, const BlockDriver *proto,
                         struct json_object *options, Error **errp)
{
    const char *size = bdrv_create_value(options, "size");
    BlockDriverState *bs = bdrv_open_image(filename, proto->name, NULL, NULL, 0,
                                           errp);
    bool ok;

    if (!bs) {
        error_prepend(errp, "Protocol driver '%s' does not support image "
                      "creation, and opening the image failed: ", proto->name);
        return false;
    }
    ok = !size || bs->total_bytes >= g_ascii_strtoll(size, NULL, 10);
    if (!ok) {
        error_setg(errp, "'%s' has %" PRId64 " bytes, which is less than %s",
                   filename, bs->total_bytes, size);
    }
    bdrv_unref(bs);
    return ok;
}

bool bdrv_create_file(const char *filename, struct json_object *options,
                      Error **errp)
{
    const BlockDriver *proto = bdrv_find_protocol(filename, errp);

    if (!proto) {
        return false;
    }
    return proto->create ? proto->create(filename, options, errp) :
                           use_existing(filename, proto, options, errp);
}
