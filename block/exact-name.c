/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that say more than a path: "json:{...}" for nodes that show another
 * disk than their file's format alone would make of it. What writes a name
 * down, such as the header of an overlay, thus finds the same disk again.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <json-c/json.h>

#define FLAT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* The options that @name stands for. */
static struct json_object *name_to_options(const BlockDriverState *bs,
                                           const char *name)
{
    const BlockDriverState *bottom = bs;
    struct json_object *o;

    if (g_str_has_prefix(name, "json:")) {
        return json_tokener_parse(name + strlen("json:"));
    }
    while (bottom->file && !bottom->filename) {
        bottom = bottom->file->bs;
    }
    o = json_object_new_object();
    /* Other protocols know themselves by their names. */
    if (g_str_equal(bottom->drv->name, "file") ||
        g_str_equal(bottom->drv->name, "host_device")) {
        json_object_object_add(o, "driver",
                               json_object_new_string(bottom->drv->name));
    }
    json_object_object_add(o, "filename", json_object_new_string(name));
    return o;
}

void bdrv_refresh_exact_name(BlockDriverState *bs, struct json_object *own)
{
    const char *name = bdrv_get_filename(bs->file->bs);
    struct json_object *o;

    g_clear_pointer(&bs->filename, g_free);
    if (!*name || ((!own || !json_object_object_length(own)) &&
                   !g_str_has_prefix(name, "json:"))) {
        return;
    }
    o = json_object_new_object();
    json_object_object_add(o, "driver", json_object_new_string(bs->drv->name));
    if (own) {
        json_object_object_foreach(own, key, val) {
            json_object_object_add(o, key, json_object_get(val));
        }
    }
    json_object_object_add(o, "file", name_to_options(bs->file->bs, name));
    bs->filename = g_strconcat("json:", json_object_to_json_string_ext(o, FLAT),
                               NULL);
    json_object_put(o);
}
