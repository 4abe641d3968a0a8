/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The properties of disks: "drive", block sizes, error policy. */
#include "util/osdep.h"
#include "block-internal.h"
#include "qapi/visitor.h"
#include "util/main-loop.h"

#define BLOCK_SIZE_MIN 512
#define BLOCK_SIZE_MAX (2 * MiB)

/* ---- "drive" ---- */

static bool drive_get(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    BlockBackend *blk = *(BlockBackend **)property_field(obj, opaque);
    const char *id = "";
    char *copy;

    if (blk) {
        id = *blk->name ? blk->name : blk->root ? blk->root->bs->node_name : "";
    }
    copy = (char *)id;
    return visit_type_str(v, name, &copy, errp);
}

/* A node becomes a nameless back end of its own. */
static BlockBackend *drive_lookup(const char *id, Error **errp)
{
    BlockBackend *blk = blk_find(id);
    BlockDriverState *bs;

    if (blk) {
        blk_ref(blk);
        return blk;
    }
    bs = bdrv_find_node(id);
    if (!bs) {
        return NULL;
    }
    blk = blk_new(bs->ctx, 0, BLK_PERM_ALL);
    if (!blk_insert_bs(blk, bs, errp)) {
        blk_unref(blk);
        return NULL;
    }
    return blk;
}

static bool drive_set(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    BlockBackend **field = property_field(obj, opaque);
    g_autofree char *id = NULL;
    g_autoptr(Error) err = NULL;
    BlockBackend *blk;

    if (!visit_type_str(v, name, &id, errp)) {
        return false;
    }
    blk = drive_lookup(id, &err);
    if (!blk) {
        if (err) {
            error_propagate(errp, g_steal_pointer(&err));
        } else {
            error_setg(errp, "Property '%s.%s' can't find value '%s'",
                       object_get_typename(obj), name, id);
        }
        return false;
    }
    blk_unref(*field);
    *field = blk;
    return true;
}

static void drive_release(Object *obj, const char *name, void *opaque)
{
    BlockBackend **field = property_field(obj, opaque);

    blk_unref(g_steal_pointer(field));
}

const PropertyInfo prop_info_drive = {
    .type = "str", .get = drive_get, .set = drive_set,
    .release = drive_release,
};

/* ---- Sizes and policy ---- */

static bool blocksize_get(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    return visit_type_uint32(v, name, property_field(obj, opaque), errp);
}

static bool blocksize_set(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    uint64_t val;

    if (!visit_type_size(v, name, &val, errp)) {
        return false;
    }
    if (val && (val < BLOCK_SIZE_MIN || val > BLOCK_SIZE_MAX ||
                !IS_POWER_OF_2(val))) {
        error_setg(errp, "parameter %s must be a power of 2 between %d and "
                   "%llu, not %" PRIu64, name, BLOCK_SIZE_MIN, BLOCK_SIZE_MAX,
                   val);
        return false;
    }
    *(uint32_t *)property_field(obj, opaque) = val;
    return true;
}

const PropertyInfo prop_info_blocksize = {
    .type = "size", .get = blocksize_get, .set = blocksize_set,
};

DEFINE_PROP_ENUM_INFO(prop_info_on_error, "BlockdevOnError",
                      BlockdevOnError_lookup);

/* ---- The whole of it ---- */

static bool check_sizes(BlockConf *conf, Error **errp)
{
    uint32_t host = blk_get_request_alignment(conf->blk);

    host = MAX(host, BLOCK_SIZE_MIN);
    if (!conf->logical_block_size) {
        conf->logical_block_size = host;
    }
    if (!conf->physical_block_size) {
        conf->physical_block_size = MAX(conf->logical_block_size, host);
    }
    if (conf->logical_block_size > conf->physical_block_size) {
        error_setg(errp, "logical_block_size > physical_block_size not "
                   "supported");
        return false;
    }
    if (conf->min_io_size % conf->logical_block_size ||
        conf->opt_io_size % conf->logical_block_size) {
        error_setg(errp, "min_io_size and opt_io_size must be multiples of "
                   "logical_block_size");
        return false;
    }
    if (conf->discard_granularity != UINT32_MAX &&
        conf->discard_granularity % conf->logical_block_size) {
        error_setg(errp, "discard_granularity must be a multiple of "
                   "logical_block_size");
        return false;
    }
    return true;
}

bool block_conf_realize(BlockConf *conf, Object *dev, bool *readonly,
                        bool allow_ro, bool resizable, Error **errp)
{
    uint64_t perm = BLK_PERM_CONSISTENT_READ;
    uint64_t shared = BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE_UNCHANGED;

    if (!conf->blk) {
        error_setg(errp, "drive property not set");
        return false;
    }
    if (!blk_is_available(conf->blk)) {
        error_setg(errp, "Device needs media, but drive is empty");
        return false;
    }
    if (!blk_supports_write_perm(conf->blk)) {
        if (!allow_ro) {
            error_setg(errp, "Block node is read-only");
            return false;
        }
        *readonly = true;
    }
    if (!*readonly) {
        perm |= BLK_PERM_WRITE;
    }
    if (resizable) {
        shared |= BLK_PERM_RESIZE;
    }
    if (conf->share_rw) {
        shared |= BLK_PERM_WRITE;
    }
    if (!check_sizes(conf, errp) || !blk_attach_dev(conf->blk, dev, errp)) {
        return false;
    }
    if (!blk_set_perm(conf->blk, perm, shared, errp)) {
        blk_detach_dev(conf->blk, dev);
        return false;
    }
    if (conf->write_cache != ON_OFF_AUTO_AUTO) {
        blk_set_enable_write_cache(conf->blk,
                                   conf->write_cache == ON_OFF_AUTO_ON);
    }
    if (conf->rerror == BLK_ON_ERROR_ENOSPC) {
        error_setg(errp, "rerror=enospc is not supported: reads do not run "
                   "out of space");
        blk_detach_dev(conf->blk, dev);
        return false;
    }
    if (conf->account_invalid != ON_OFF_AUTO_AUTO) {
        conf->blk->account_invalid = conf->account_invalid == ON_OFF_AUTO_ON;
    }
    if (conf->account_failed != ON_OFF_AUTO_AUTO) {
        conf->blk->account_failed = conf->account_failed == ON_OFF_AUTO_ON;
    }
    if (conf->rerror != BLK_ON_ERROR_AUTO || conf->werror !=
        BLK_ON_ERROR_AUTO) {
        blk_set_on_error(conf->blk, conf->rerror, conf->werror);
    }
    return true;
}

void block_conf_unrealize(BlockConf *conf, Object *dev)
{
    blk_drain(conf->blk);
    if (conf->blk->write_cache && blk_is_writable(conf->blk)) {
        blk_flush(conf->blk);
    }
    blk_set_perm(conf->blk, 0, BLK_PERM_ALL, NULL);
    blk_detach_dev(conf->blk, dev);
}
