/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event for a write that ends past a threshold, once.
 *
 * Writes that fail count too: what there was no room for is the best reason to
 * make some. Discards write nothing.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "qapi/qapi-commands-block-commands.h"
#include "qapi/qapi-events-block-commands.h"

bool qmp_block_set_write_threshold(const char *node_name,
                                   uint64_t write_threshold, Error **errp)
{
    BlockDriverState *bs = bdrv_find_node(node_name);

    if (!bs) {
        error_setg(errp, "Device '%s' not found", node_name);
        return false;
    }
    __atomic_store_n(&bs->write_threshold, write_threshold, __ATOMIC_RELAXED);
    return true;
}

void bdrv_write_threshold_check(BlockDriverState *bs, int64_t end)
{
    uint64_t old = __atomic_load_n(&bs->write_threshold, __ATOMIC_RELAXED);

    /* Of writes in several threads, one takes it. */
    while (old && (uint64_t)end > old) {
        if (__atomic_compare_exchange_n(&bs->write_threshold, &old, 0, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            qapi_event_send_block_write_threshold(bs->node_name, end - old,
                                                  old);
            return;
        }
    }
}
