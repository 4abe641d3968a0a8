/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP commands of the block layer. */
#include "util/osdep.h"
#include "block-internal.h"
#include "qapi/qapi-commands-block-commands.h"
#include "qapi/qapi-commands-block-core.h"
#include "util/main-loop.h"

bool qmp_blockdev_add(BlockdevOptions *arg, Error **errp)
{
    BlockDriverState *bs;

    if (!arg->node_name) {
        error_setg(errp, "'node-name' must be specified for the root node");
        return false;
    }
    bs = bdrv_open(arg, errp);
    if (!bs) {
        return false;
    }
    bs->monitor_owned = true;
    return true;
}

bool qmp_blockdev_del(const char *node_name, Error **errp)
{
    BlockDriverState *bs = bdrv_find_node(node_name);

    if (!bs) {
        error_setg(errp, "Failed to find node with node-name='%s'", node_name);
        return false;
    }
    if (!LIST_EMPTY(&bs->parents)) {
        error_setg(errp, "Node %s is in use", node_name);
        return false;
    }
    if (!bs->monitor_owned) {
        error_setg(errp, "Node %s is not owned by the monitor", node_name);
        return false;
    }
    bdrv_drained_begin(bs);
    bdrv_drained_end(bs);
    bs->monitor_owned = false;
    bdrv_unref(bs);
    return true;
}

bool qmp_block_resize(const char *device, const char *node_name, int64_t size,
                      Error **errp)
{
    BlockDriverState *bs = bdrv_lookup(device, node_name, errp);
    BlockBackend *blk;
    bool ok;

    if (!bs) {
        return false;
    }
    if (size < 0) {
        error_setg(errp, "Parameter 'size' expects a >0 size");
        return false;
    }
    blk = blk_new(bs->ctx, BLK_PERM_RESIZE, BLK_PERM_ALL);
    ok = blk_insert_bs(blk, bs, errp) && blk_truncate(blk, size, errp) >= 0;
    blk_unref(blk);
    return ok;
}
