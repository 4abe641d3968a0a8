/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -drive: the short form that makes a node for the file, one for the format,
 * and a named BlockBackend. Everything it does can be said by -blockdev.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-types-options.h"
#include "util/log.h"

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

static void add_bool(struct json_object *o, const char *key, bool val)
{
    json_object_object_add(o, key, json_object_new_boolean(val));
}

static void add_str(struct json_object *o, const char *key, const char *val)
{
    if (val) {
        json_object_object_add(o, key, json_object_new_string(val));
    }
}

/* What -drive says of the node for the format. */
static struct json_object *node_options(const DriveOptions *o, bool direct,
                                        bool no_flush)
{
    struct json_object *n = json_object_new_object();
    struct json_object *cache = json_object_new_object();
    bool unmap = o->has_discard && (o->discard == DRIVE_DISCARD_UNMAP ||
                                    o->discard == DRIVE_DISCARD_ON);

    add_str(n, "node-name", o->node_name);
    add_bool(n, "read-only", (o->has_readonly && o->readonly) ||
                             (o->has_read_only && o->read_only));
    add_bool(n, "auto-read-only", o->has_auto_read_only && o->auto_read_only);
    add_bool(n, "force-share", o->has_force_share && o->force_share);
    add_str(n, "discard", unmap ? "unmap" : "ignore");
    if (o->has_detect_zeroes) {
        add_str(n, "detect-zeroes",
                BlockdevDetectZeroesOptions_str(o->detect_zeroes));
    }
    add_bool(cache, "direct", direct);
    add_bool(cache, "no-flush", no_flush);
    json_object_object_add(n, "cache", cache);
    return n;
}

static BlockDriverState *drive_open(const DriveOptions *o, bool direct,
                                    bool no_flush, Error **errp)
{
    struct json_object *top = node_options(o, direct, no_flush);
    struct json_object *file = NULL;
    BlockDriverState *bs;

    if (o->has_aio) {
        file = json_object_new_object();
        add_str(file, "aio", BlockdevAioOptions_str(o->aio));
    }
    bs = bdrv_open_image(o->file, o->format ? o->format : o->driver, top, file,
                         0, errp);
    json_object_put(top);
    json_object_put(file);
    return bs;
}

static DriveInterface drive_interface(const DriveOptions *o)
{
    return o->has_q_if ? o->q_if : DRIVE_INTERFACE_VIRTIO;
}

static char *drive_name(const DriveOptions *o, Error **errp)
{
    static unsigned next;
    char *name = o->id ? g_strdup(o->id) : NULL;

    while (!name) {
        name = g_strdup_printf("%s%u", DriveInterface_str(drive_interface(o)),
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

/* ---- Flash: names of drives by unit ---- */

#define FLASH_UNITS 8

static char *flash_drives[FLASH_UNITS];

/* The unit for @o, or -1. */
static int flash_unit(const DriveOptions *o, Error **errp)
{
    unsigned unit = 0;

    if (o->has_unit || o->has_index) {
        unit = o->has_unit ? o->unit : o->index;
    } else {
        while (unit < FLASH_UNITS && flash_drives[unit]) {
            unit++;
        }
    }
    if (o->has_unit && o->has_index) {
        error_setg(errp, "index=%u and unit=%u: give one of them", o->index,
                   o->unit);
    } else if (unit >= FLASH_UNITS) {
        error_setg(errp, "no machine has flash %u", unit);
    } else if (flash_drives[unit]) {
        error_setg(errp, "drive with bus=0, unit=%u (index=%u) exists", unit,
                   unit);
    } else {
        return unit;
    }
    return -1;
}

const char *drive_get_flash(unsigned unit)
{
    return unit < FLASH_UNITS ? flash_drives[unit] : NULL;
}

bool drive_check_flash(Error **errp)
{
    for (unsigned i = 0; i < FLASH_UNITS; i++) {
        BlockBackend *blk = flash_drives[i] ? blk_find(flash_drives[i]) : NULL;

        if (blk && !blk_get_attached_dev(blk)) {
            error_setg(errp, "machine type does not support "
                       "if=pflash,bus=0,unit=%u", i);
            error_append_hint(errp, "Use -bios for firmware, if=virtio for a "
                              "disk.");
            return false;
        }
    }
    return true;
}

/* Keep in mind how it is connected; *@device: what the caller makes for it. */
static bool drive_connect(const DriveOptions *o, const char *name,
                          struct json_object **device, Error **errp)
{
    int unit;

    switch (drive_interface(o)) {
    case DRIVE_INTERFACE_VIRTIO:
        *device = virtio_device(name);
        break;
    case DRIVE_INTERFACE_PFLASH:
        unit = flash_unit(o, errp);
        if (unit < 0) {
            return false;
        }
        flash_drives[unit] = g_strdup(name);
        break;
    default:
        break;
    }
    return true;
}

bool drive_add(const DriveOptions *o, struct json_object **device, Error **errp)
{
    g_autofree char *name = drive_name(o, errp);
    BlockDriverState *bs;
    BlockBackend *blk;
    bool writeback, direct, no_flush, ok;

    *device = NULL;
    if (!name) {
        return false;
    }
    if (!o->file) {
        error_setg(errp, "Device needs media, but drive is empty");
        return false;
    }
    cache_mode(o->has_cache ? o->cache : DRIVE_CACHE_MODE_WRITEBACK,
               &writeback, &direct, &no_flush);
    bs = drive_open(o, direct, no_flush, errp);
    if (!bs) {
        return false;
    }
    blk = blk_new(NULL, 0, BLK_PERM_ALL);
    g_free(blk->name);
    blk->name = g_strdup(name);
    blk->write_cache = writeback;
    blk_set_on_error(blk, on_error(o->has_rerror, o->rerror),
                     on_error(o->has_werror, o->werror));
    ok = blk_insert_bs(blk, bs, errp) &&
         drive_connect(o, name, device, errp);
    bdrv_unref(bs);
    if (!ok) {
        blk_unref(blk);
    }
    return ok;
}
