/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -drive: the short form that makes a node for the file, one for the format,
 * and a named BlockBackend. Everything it does can be said by -blockdev.
 */
#include "util/osdep.h"
#include "drive-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-types-options.h"
#include "util/log.h"

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

/* ---- Options that exclude each other ---- */

#define BOTH(alias, name)                                                      \
    if (o->has_##alias && o->throttling && o->throttling->has_##name) {        \
        *a = #alias;                                                           \
        *b = #name;                                                            \
    }

/* An option, and the one of "throttling" that is the same, both given. */
static void find_limit_twice(const DriveOptions *o, const char **a,
                             const char **b)
{
    BOTH(bps, bps_total)
    BOTH(bps_rd, bps_read)
    BOTH(bps_wr, bps_write)
    BOTH(iops, iops_total)
    BOTH(iops_rd, iops_read)
    BOTH(iops_wr, iops_write)
    BOTH(bps_max, bps_total_max)
    BOTH(bps_rd_max, bps_read_max)
    BOTH(bps_wr_max, bps_write_max)
    BOTH(iops_max, iops_total_max)
    BOTH(iops_rd_max, iops_read_max)
    BOTH(iops_wr_max, iops_write_max)
    BOTH(iops_size, iops_size)
}

static bool drive_check(const DriveOptions *o, Error **errp)
{
    const char *alias = NULL, *name = NULL;

    find_limit_twice(o, &alias, &name);
    if (alias) {
        g_autofree char *full = g_strdelimit(g_strdup(name), "_", '-');

        error_setg(errp, "'throttling.%s' and its alias '%s' can't be used at "
                   "the same time", full, alias);
    } else if (o->format && o->driver) {
        error_setg(errp, "Cannot specify both 'driver' and 'format'");
    } else if (o->has_index && (o->bus || o->has_unit)) {
        error_setg(errp, "index cannot be used with bus and unit");
    } else if (o->has_bus && o->bus) {
        error_setg(errp, "there is no bus %u, only 0", o->bus);
    } else if (o->has_rerror && o->rerror == BLOCKDEV_ON_ERROR_ENOSPC) {
        error_setg(errp, "'enospc' invalid read error action");
    } else {
        return true;
    }
    return false;
}

/* if=virtio: a number is taken once. */
static bool virtio_unit(const DriveOptions *o, Error **errp)
{
    static GHashTable *taken;
    static unsigned next;
    unsigned unit;

    if (!taken) {
        taken = g_hash_table_new(NULL, NULL);
    }
    while (g_hash_table_contains(taken, GUINT_TO_POINTER(next))) {
        next++;
    }
    unit = o->has_unit ? o->unit : o->has_index ? o->index : next;
    if (!g_hash_table_add(taken, GUINT_TO_POINTER(unit))) {
        error_setg(errp, "drive with bus=0, unit=%u (index=%u) exists", unit,
                   unit);
        return false;
    }
    return true;
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
    if (unit >= FLASH_UNITS) {
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
        if (!virtio_unit(o, errp)) {
            return false;
        }
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

static bool drive_make(const DriveOptions *o, const char *name,
                       BlockDriverState *bs, struct json_object **device,
                       Error **errp)
{
    BlockBackend *blk = blk_new(NULL, 0, BLK_PERM_ALL);
    DriveCaches caches;
    ThrottleConfig cfg;
    const char *group = drive_limits(o, &cfg);

    drive_caches(o, &caches);
    g_free(blk->name);
    blk->name = g_strdup(name);
    blk->write_cache = caches.writeback;
    if (o->has_stats_account_failed) {
        blk->account_failed = o->stats_account_failed;
    }
    if (o->has_stats_account_invalid) {
        blk->account_invalid = o->stats_account_invalid;
    }
    blk_set_on_error(blk, on_error(o->has_rerror, o->rerror),
                     on_error(o->has_werror, o->werror));
    if (!blk_insert_bs(blk, bs, errp) ||
        !blk_set_throttling(blk, group, &cfg, errp) ||
        !drive_connect(o, name, device, errp)) {
        blk_unref(blk);
        return false;
    }
    return true;
}

bool drive_add(const DriveOptions *o, struct json_object **device, Error **errp)
{
    g_autofree char *name = drive_name(o, errp);
    BlockDriverState *bs;
    bool ok;

    *device = NULL;
    if (!name || !drive_check(o, errp)) {
        return false;
    }
    if (!o->file && !o->driver) {
        error_setg(errp, "Device needs media, but drive is empty");
        return false;
    }
    if (o->serial) {
        error_setg(errp, "'serial' is a property of the device, not of the "
                   "drive");
        error_append_hint(errp, "Use -device virtio-blk-pci,drive=%s,"
                          "serial=%s.", name, o->serial);
        return false;
    }
    bs = drive_open(o, errp);
    if (!bs) {
        return false;
    }
    ok = drive_make(o, name, bs, device, errp);
    bdrv_unref(bs);
    return ok;
}
