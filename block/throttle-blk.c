/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of a drive, from -drive and block_set_io_throttle. */
#include "util/osdep.h"
#include "block-internal.h"
#include "qapi/qapi-commands-block-throttle.h"
#include "qapi/qapi-types-block-info.h"

bool blk_set_throttling(BlockBackend *blk, const char *group,
                        const ThrottleConfig *cfg, Error **errp)
{
    BlockDriverState *bs = blk->root ? blk->root->bs : NULL;
    ThrottleGroup *g = blk->throttle.group;

    if (!throttle_config_check(cfg, errp)) {
        return false;
    }
    if (bs) {
        bdrv_drained_begin(bs);
    }
    if (!throttle_config_enabled(cfg)) {
        throttle_leave(&blk->throttle);
    } else if (!g || (group && !g_str_equal(group, throttle_group_name(g)))) {
        throttle_leave(&blk->throttle);
        g = throttle_group_get(group ? group : blk->name);
        throttle_join(&blk->throttle, g);
        throttle_group_put(g);
    }
    if (blk->throttle.group) {
        throttle_group_set_config(blk->throttle.group, cfg);
    }
    if (bs) {
        bdrv_drained_end(bs);
    }
    return true;
}

BlockBackend *blk_find_by_device(const char *id)
{
    g_autofree char *by_id = g_strdup_printf("/machine/peripheral/%s", id);
    BlockBackend *blk;

    TAILQ_FOREACH(blk, &blk_backends, next) {
        g_autofree char *path = blk->dev ? object_get_canonical_path(blk->dev) :
                                           NULL;
        const char *rest = path && g_str_has_prefix(path, by_id) ?
                           path + strlen(by_id) : "?";

        if (path && (g_str_equal(path, id) || *rest == '\0' || *rest == '/')) {
            return blk;
        }
    }
    return NULL;
}

#define EACH_LIMIT(X)                                                          \
    X(THROTTLE_BPS_TOTAL, bps) X(THROTTLE_BPS_READ, bps_rd)                    \
    X(THROTTLE_BPS_WRITE, bps_wr) X(THROTTLE_IOPS_TOTAL, iops)                 \
    X(THROTTLE_IOPS_READ, iops_rd) X(THROTTLE_IOPS_WRITE, iops_wr)

#define TAKE(index, n)                                                         \
    cfg.limits[index].avg = arg->n;                                            \
    cfg.limits[index].max = arg->has_##n##_max ? arg->n##_max : 0;             \
    cfg.limits[index].burst_length =                                           \
        arg->has_##n##_max_length ? arg->n##_max_length : 1;

bool qmp_block_set_io_throttle(BlockIOThrottle *arg, Error **errp)
{
    BlockBackend *blk = arg->id ? blk_find_by_device(arg->id) :
                        arg->device ? blk_find(arg->device) : NULL;
    const char *name = arg->id ? arg->id : arg->device ? arg->device : "";
    ThrottleConfig cfg;

    if (!blk) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  name);
        return false;
    }
    if (!blk->root) {
        error_setg(errp, "Device '%s' has no medium", name);
        return false;
    }
    throttle_config_init(&cfg);
    EACH_LIMIT(TAKE)
    cfg.op_size = arg->has_iops_size ? arg->iops_size : 0;
    return blk_set_throttling(blk, arg->group ? arg->group :
                              blk->throttle.group || *blk->name ? NULL : name,
                              &cfg, errp);
}

#define GIVE(index, n)                                                         \
    info->n = cfg.limits[index].avg;                                           \
    info->has_##n##_max = cfg.limits[index].max;                               \
    info->n##_max = cfg.limits[index].max;                                     \
    info->has_##n##_max_length = cfg.limits[index].max;                        \
    info->n##_max_length = cfg.limits[index].burst_length;

void blk_throttling_info(const BlockBackend *blk, BlockDeviceInfo *info)
{
    ThrottleConfig cfg;

    if (!blk->throttle.group) {
        return;
    }
    throttle_group_get_config(blk->throttle.group, &cfg);
    EACH_LIMIT(GIVE)
    info->has_iops_size = cfg.op_size != 0;
    info->iops_size = cfg.op_size;
    info->group = g_strdup(throttle_group_name(blk->throttle.group));
}
