/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -drive: the short form that makes a node for the file, one for the format,
 * and a named BlockBackend. Everything it does can be said by -blockdev.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include "qapi/qapi-types-options.h"
#include "util/file.h"
#include "util/log.h"

/* Formats that must not be mistaken for raw data: magic numbers. */
static const struct {
    const char *name, *magic;
    size_t len;
} known_formats[] = {
    { "qcow2", "QFI\xfb", 4 }, { "vmdk", "KDMV", 4 }, { "vhdx", "vhdxfile", 8 },
    { "luks", "LUKS\xba\xbe", 6 }, { "vdi", "<<< ", 4 },
};

static bool check_supported(const DriveOptions *o, Error **errp)
{
    static const char *const urls[] = {
        "nbd:", "nbd+", "json:", "http:", "https:", "ftp:", "rbd:", "iscsi:",
        "nfs:", "ssh:",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++) {
        if (g_str_has_prefix(o->file, urls[i])) {
            error_setg(errp, "Unknown protocol '%.*s'",
                       (int)strlen(urls[i]) - 1, urls[i]);
            error_append_hint(errp, "Files and block devices of the host are "
                              "supported.");
            return false;
        }
    }
    return true;
}

/* Without format=: raw, unless the content says that it is something else. */
static bool probe_format(const char *path, Error **errp)
{
    char buf[16] = { 0 };
    int fd = file_open(path, O_RDONLY, 0, errp);

    if (fd < 0) {
        error_prepend(errp, "Could not open '%s': ", path);
        return false;
    }
    fd_read_full(fd, buf, sizeof(buf));
    close(fd);
    for (size_t i = 0; i < G_N_ELEMENTS(known_formats); i++) {
        if (!memcmp(buf, known_formats[i].magic, known_formats[i].len)) {
            error_setg(errp, "'%s' looks like an image of format '%s'", path,
                       known_formats[i].name);
            error_append_hint(errp, "Give format=raw if the guest shall see "
                              "its bytes as they are.");
            return false;
        }
    }
    warn_report("Image format was not specified for '%s' and probing guessed "
                "raw.", path);
    error_printf("         Specify the 'raw' format explicitly: format=raw\n");
    return true;
}

static bool drive_format_is_raw(const DriveOptions *o, Error **errp)
{
    const char *format = o->format ? o->format : o->driver;

    if (!format) {
        return probe_format(o->file, errp);
    }
    if (!g_str_equal(format, "raw")) {
        error_setg(errp, "Unknown driver '%s'", format);
        return false;
    }
    return true;
}

/* cache=MODE stands for three switches. */
static void cache_mode(DriveCacheMode mode, bool *writeback, bool *direct,
                       bool *no_flush)
{
    *writeback = mode != DRIVE_CACHE_MODE_WRITETHROUGH &&
                 mode != DRIVE_CACHE_MODE_DIRECTSYNC;
    *direct = mode == DRIVE_CACHE_MODE_NONE ||
              mode == DRIVE_CACHE_MODE_DIRECTSYNC;
    *no_flush = mode == DRIVE_CACHE_MODE_UNSAFE;
}

static BlockDriverState *drive_open(const DriveOptions *o,
                                    BlockdevCacheOptions *cache, Error **errp)
{
    BlockdevRef file = { .type = QAPI_KIND_OBJECT };
    BlockdevOptions *fo = &file.u.definition;
    BlockdevOptions raw = { .driver = BLOCKDEV_DRIVER_RAW };
    struct stat st;

    raw.node_name = o->node_name;
    raw.has_read_only = true;
    raw.read_only = (o->has_readonly && o->readonly) ||
                    (o->has_read_only && o->read_only);
    raw.has_force_share = o->has_force_share;
    raw.force_share = o->force_share;
    raw.has_discard = o->has_discard;
    raw.discard = o->discard == DRIVE_DISCARD_UNMAP ||
                  o->discard == DRIVE_DISCARD_ON ?
                  BLOCKDEV_DISCARD_OPTIONS_UNMAP :
                  BLOCKDEV_DISCARD_OPTIONS_IGNORE;
    raw.has_detect_zeroes = o->has_detect_zeroes;
    raw.detect_zeroes = o->detect_zeroes;
    raw.cache = cache;
    raw.u.raw.file = &file;

    fo->driver = stat(o->file, &st) == 0 && S_ISBLK(st.st_mode) ?
                 BLOCKDEV_DRIVER_HOST_DEVICE : BLOCKDEV_DRIVER_FILE;
    fo->has_read_only = true;
    fo->read_only = raw.read_only;
    fo->has_force_share = o->has_force_share;
    fo->force_share = o->force_share;
    fo->cache = cache;
    fo->u.file.filename = o->file;
    fo->u.file.has_aio = o->has_aio;
    fo->u.file.aio = o->aio;
    return bdrv_open(&raw, errp);
}

static char *drive_name(const DriveOptions *o, Error **errp)
{
    static unsigned next;
    char *name = o->id ? g_strdup(o->id) : NULL;

    while (!name) {
        name = g_strdup_printf("%s%u", o->has_q_if && o->q_if ==
                               DRIVE_INTERFACE_NONE ? "none" : "virtio",
                               next++);
        if (blk_find(name)) {
            g_clear_pointer(&name, g_free);
        }
    }
    if (!id_wellformed(name) || blk_find(name) || bdrv_find_node(name)) {
        error_setg(errp, id_wellformed(name) ? "Duplicate ID '%s' for drive" :
                   "Parameter 'id' expects an identifier, not '%s'", name);
        g_clear_pointer(&name, g_free);
    }
    return name;
}

static BlkOnError on_error(bool has, BlockdevOnError val)
{
    static const BlkOnError map[] = {
        [BLOCKDEV_ON_ERROR_REPORT] = BLK_ON_ERROR_REPORT,
        [BLOCKDEV_ON_ERROR_IGNORE] = BLK_ON_ERROR_IGNORE,
        [BLOCKDEV_ON_ERROR_ENOSPC] = BLK_ON_ERROR_ENOSPC,
        [BLOCKDEV_ON_ERROR_STOP] = BLK_ON_ERROR_STOP,
        [BLOCKDEV_ON_ERROR_AUTO] = BLK_ON_ERROR_AUTO,
    };

    return has ? map[val] : BLK_ON_ERROR_AUTO;
}

static struct json_object *virtio_device(const char *name)
{
    struct json_object *dev = json_object_new_object();

    json_object_object_add(dev, "driver",
                           json_object_new_string("virtio-blk-pci"));
    json_object_object_add(dev, "drive", json_object_new_string(name));
    return dev;
}

bool drive_add(const DriveOptions *o, struct json_object **device, Error **errp)
{
    BlockdevCacheOptions cache = { .has_direct = true, .has_no_flush = true };
    g_autofree char *name = drive_name(o, errp);
    BlockDriverState *bs;
    BlockBackend *blk;
    bool writeback, ok;

    *device = NULL;
    if (!name) {
        return false;
    }
    if (!o->file) {
        error_setg(errp, "Device needs media, but drive is empty");
        return false;
    }
    if (!check_supported(o, errp) || !drive_format_is_raw(o, errp)) {
        return false;
    }
    cache_mode(o->has_cache ? o->cache : DRIVE_CACHE_MODE_WRITEBACK,
               &writeback, &cache.direct, &cache.no_flush);
    bs = drive_open(o, &cache, errp);
    if (!bs) {
        return false;
    }
    blk = blk_new(NULL, 0, BLK_PERM_ALL);
    g_free(blk->name);
    blk->name = g_strdup(name);
    blk->write_cache = writeback;
    blk_set_on_error(blk, on_error(o->has_rerror, o->rerror),
                     on_error(o->has_werror, o->werror));
    ok = blk_insert_bs(blk, bs, errp);
    bdrv_unref(bs);
    if (!ok) {
        blk_unref(blk);
        return false;
    }
    if (!o->has_q_if || o->q_if == DRIVE_INTERFACE_VIRTIO) {
        *device = virtio_device(name);
    }
    return true;
}
