/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What transactions do with snapshots. prepare does it; then either commit or
 * abort follows, and clean in the end, also when prepare failed. States start
 * zeroed. Main thread, big lock.
 */
#ifndef BLOCK_TRANSACTION_INTERNAL_H
#define BLOCK_TRANSACTION_INTERNAL_H

#include "block-internal.h"
#include "qapi/qapi-types-block-transaction.h"

typedef struct BdrvOverlay {
    BlockDriverState *old, *overlay;        /* references */
    bool old_overridden;
} BdrvOverlay;

bool bdrv_overlay_prepare(BdrvOverlay *s, const BlockdevSnapshot *arg,
                          Error **errp);
bool bdrv_overlay_prepare_sync(BdrvOverlay *s, const BlockdevSnapshotSync *arg,
                               Error **errp);
void bdrv_overlay_commit(BdrvOverlay *s);
void bdrv_overlay_abort(BdrvOverlay *s);
void bdrv_overlay_clean(BdrvOverlay *s);

typedef struct BdrvInternalSnapshot {
    BlockDriverState *bs;           /* NULL: not made */
} BdrvInternalSnapshot;

bool bdrv_internal_prepare(BdrvInternalSnapshot *s,
                           const BlockdevSnapshotInternal *arg, Error **errp);
void bdrv_internal_abort(BdrvInternalSnapshot *s, const char *name);

#endif
