/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening images for the tools, by file name or by options. */
#include "util/osdep.h"
#include "tools-internal.h"
#include <json-c/json.h>
#include "util/keyval.h"
#include "util/main-loop.h"

typedef struct CacheMode {
    const char *name;
    bool writeback, direct, no_flush;
} CacheMode;

static const CacheMode cache_modes[] = {
    { "writeback", true, false, false },
    { "none", true, true, false },
    { "off", true, true, false },
    { "writethrough", false, false, false },
    { "directsync", false, true, false },
    { "unsafe", true, false, true },
};

static const CacheMode *find_cache_mode(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(cache_modes); i++) {
        if (g_str_equal(cache_modes[i].name, name)) {
            return &cache_modes[i];
        }
    }
    return name ? NULL : &cache_modes[0];
}

bool tool_check_cache(const char *mode)
{
    return find_cache_mode(mode) != NULL;
}

static void set_default(struct json_object *o, const char *key,
                        struct json_object *val)
{
    if (json_object_object_get_ex(o, key, NULL)) {
        json_object_put(val);
    } else {
        json_object_object_add(o, key, val);
    }
}

bool tool_cache_writeback(const char *mode)
{
    return find_cache_mode(mode)->writeback;
}

void tool_add_common(struct json_object *node, const ToolOpen *o)
{
    const CacheMode *cache = find_cache_mode(o->cache);
    struct json_object *c = NULL;

    if (!json_object_object_get_ex(node, "cache", &c) ||
        !json_object_is_type(c, json_type_object)) {
        c = json_object_new_object();
        json_object_object_add(node, "cache", c);
    }
    set_default(c, "direct", json_object_new_boolean(cache->direct));
    set_default(c, "no-flush", json_object_new_boolean(cache->no_flush));
    set_default(node, "read-only", json_object_new_boolean(!o->write));
    set_default(node, "force-share", json_object_new_boolean(o->force_share));
    set_default(node, "discard",
                json_object_new_string(o->unmap ? "unmap" : "ignore"));
}

static BlockDriverState *open_options(const char *text, const ToolOpen *o,
                                      Error **errp)
{
    struct json_object *node = keyval_parse(text, NULL, NULL, errp);
    BlockDriverState *bs;

    if (!node) {
        return NULL;
    }
    tool_add_common(node, o);
    if (o->extra) {
        json_object_object_foreach(o->extra, key, val) {
            set_default(node, key, json_object_get(val));
        }
    }
    if (o->format) {
        set_default(node, "driver", json_object_new_string(o->format));
    }
    bs = bdrv_open_options(node, o->flags, errp);
    json_object_put(node);
    return bs;
}

static BlockDriverState *open_name(const char *name, const ToolOpen *o,
                                   Error **errp)
{
    struct json_object *node = o->extra ? json_object_get(o->extra) :
                                          json_object_new_object();
    struct json_object *file = NULL;
    BlockDriverState *bs;

    tool_add_common(node, o);
    if (o->aio) {
        file = json_object_new_object();
        json_object_object_add(file, "aio", json_object_new_string(o->aio));
    }
    bs = bdrv_open_image(name, o->format, node, file, o->flags, errp);
    json_object_put(node);
    json_object_put(file);
    return bs;
}

BlockBackend *tool_open_err(const char *name, const ToolOpen *o, Error **errp)
{
    const CacheMode *cache = find_cache_mode(o->cache);
    BlockBackend *blk = NULL;
    BlockDriverState *bs;

    if (!cache) {
        error_setg(errp, "Invalid cache option: %s", o->cache);
        return NULL;
    }
    bs = o->image_opts ? open_options(name, o, errp) :
                         open_name(name, o, errp);
    if (!bs) {
        return NULL;
    }
    blk = blk_new(main_context(),
                  (o->flags & BDRV_O_NO_IO ? 0 : BLK_PERM_CONSISTENT_READ) |
                  (o->write ? BLK_PERM_WRITE : 0) |
                  (o->resize ? BLK_PERM_RESIZE : 0),
                  o->no_share && !o->force_share ?
                  BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE_UNCHANGED :
                  BLK_PERM_ALL);
    if (!blk_insert_bs(blk, bs, errp)) {
        blk_unref(blk);
        blk = NULL;
    } else {
        blk_set_enable_write_cache(blk, cache->writeback);
    }
    bdrv_unref(bs);
    return blk;
}

BlockBackend *tool_open(const char *name, const ToolOpen *o)
{
    Error *err = NULL;
    BlockBackend *blk = tool_open_err(name, o, &err);

    if (!blk) {
        error_prepend(&err, "Could not open '%s': ", name);
        tool_report_err(err);
    }
    return blk;
}

bool tool_close(BlockBackend *blk, const char *name)
{
    int ret = blk && !bdrv_is_read_only(blk_get_bs(blk)) ? blk_flush(blk) : 0;

    if (ret < 0) {
        error_report("Could not write all of '%s': %s", name,
                     g_strerror(-ret));
    }
    blk_unref(blk);
    return ret >= 0;
}

/* The tools share all rights, so only their own grow. */
bool tool_add_perm(BlockBackend *blk, uint64_t perm, Error **errp)
{
    return blk_set_perm(blk, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE | perm,
                        BLK_PERM_ALL, errp);
}

int64_t tool_length(BlockBackend *blk)
{
    int64_t length = blk_get_length(blk);

    return length > INT64_MAX - 511 ? length : ROUND_UP(length, 512);
}

int coroutine_fn tool_co_read(BlockBackend *blk, int64_t offset, void *buf,
                              int64_t bytes)
{
    int64_t length = blk_get_length(blk);
    int64_t inside = offset < length ? MIN(bytes, length - offset) : 0;
    IoVec iov;

    if (inside < bytes) {
        memset((char *)buf + inside, 0, bytes - inside);
    }
    if (!inside) {
        return 0;
    }
    iovec_init_buf(&iov, buf, inside);
    return blk_co_preadv(blk, offset, &iov, 0);
}
