/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "transaction": several actions at one moment, all or none. Each action is
 * done by its prepare, in order, while all nodes are drained; when one fails,
 * those before it are undone, the last first. The commands that do one action
 * alone are transactions of one.
 */
#include "util/osdep.h"
#include "transaction-internal.h"
#include "bitmap-internal.h"
#include "qapi/qapi-commands-block-transaction.h"
#include "util/log.h"

typedef struct Action {
    const TransactionAction *arg;
    BdrvOverlay overlay;
    BdrvInternalSnapshot internal;
    BdrvDirtyBitmap *bitmap;
    BdrvBitmapBackup *backup;
    bool was_enabled;
} Action;

/* prepare fails with nothing changed; the others may be NULL. */
typedef struct ActionOps {
    bool (*prepare)(Action *a, Error **errp);
    void (*commit)(Action *a);
    void (*abort)(Action *a);
    void (*clean)(Action *a);
} ActionOps;

/* ---- Overlays, snapshots ---- */

static bool snapshot_prepare(Action *a, Error **errp)
{
    return bdrv_overlay_prepare(&a->overlay, a->arg->u.blockdev_snapshot.data,
                                errp);
}

static bool snapshot_sync_prepare(Action *a, Error **errp)
{
    return bdrv_overlay_prepare_sync(
        &a->overlay, a->arg->u.blockdev_snapshot_sync.data, errp);
}

static void snapshot_commit(Action *a)
{
    bdrv_overlay_commit(&a->overlay);
}

static void snapshot_abort(Action *a)
{
    bdrv_overlay_abort(&a->overlay);
}

static void snapshot_clean(Action *a)
{
    bdrv_overlay_clean(&a->overlay);
}

static bool internal_prepare(Action *a, Error **errp)
{
    return bdrv_internal_prepare(
        &a->internal, a->arg->u.blockdev_snapshot_internal_sync.data, errp);
}

static void internal_abort(Action *a)
{
    bdrv_internal_abort(&a->internal,
                        a->arg->u.blockdev_snapshot_internal_sync.data->name);
}

/* ---- Bitmaps ---- */

static bool bitmap_add_prepare(Action *a, Error **errp)
{
    a->bitmap = bdrv_bitmap_add(a->arg->u.block_dirty_bitmap_add.data, errp);
    return a->bitmap != NULL;
}

/* Nothing of it was stored yet. */
static void bitmap_add_abort(Action *a)
{
    bdrv_dirty_bitmap_free(a->bitmap);
}

static bool find_bitmap(Action *a, int flags, Error **errp)
{
    const BlockDirtyBitmap *arg = a->arg->u.block_dirty_bitmap_clear.data;
    BdrvDirtyBitmap *b = bdrv_lookup_bitmap(arg->node, arg->name, errp);

    if (!b || !bdrv_dirty_bitmap_check(b, flags, errp)) {
        return false;
    }
    a->bitmap = b;
    return true;
}

/* Busy until then, so that no later action takes it. */
static bool bitmap_remove_prepare(Action *a, Error **errp)
{
    if (!find_bitmap(a, BDRV_BITMAP_BUSY | BDRV_BITMAP_READONLY, errp)) {
        return false;
    }
    bdrv_dirty_bitmap_set_busy(a->bitmap, true);
    return true;
}

static void bitmap_remove_commit(Action *a)
{
    const char *node = a->arg->u.block_dirty_bitmap_remove.data->node;
    g_autoptr(Error) err = NULL;

    bdrv_dirty_bitmap_set_busy(a->bitmap, false);
    if (!bdrv_bitmap_remove(a->bitmap, &err)) {
        error_report("bitmap of node '%s' stays: %s", node,
                     error_get_pretty(err));
    }
}

static void bitmap_remove_abort(Action *a)
{
    bdrv_dirty_bitmap_set_busy(a->bitmap, false);
}

static bool bitmap_clear_prepare(Action *a, Error **errp)
{
    if (!find_bitmap(a, BDRV_BITMAP_DEFAULT, errp)) {
        return false;
    }
    a->backup = bdrv_dirty_bitmap_backup(a->bitmap);
    if (!a->backup) {
        error_setg(errp, "No memory to keep bitmap '%s'",
                   bdrv_dirty_bitmap_name(a->bitmap));
        return false;
    }
    bdrv_dirty_bitmap_clear(a->bitmap);
    return true;
}

static bool bitmap_merge_prepare(Action *a, Error **errp)
{
    a->bitmap = bdrv_bitmap_merge(a->arg->u.block_dirty_bitmap_merge.data,
                                  &a->backup, errp);
    return a->bitmap != NULL;
}

static void bitmap_abort(Action *a)
{
    bdrv_dirty_bitmap_restore(a->bitmap, g_steal_pointer(&a->backup));
}

static void bitmap_clean(Action *a)
{
    bdrv_bitmap_backup_free(a->backup);
}

static bool bitmap_switch(Action *a, bool on, Error **errp)
{
    if (!find_bitmap(a, BDRV_BITMAP_DEFAULT, errp)) {
        return false;
    }
    a->was_enabled = bdrv_dirty_bitmap_enabled(a->bitmap);
    bdrv_dirty_bitmap_set_enabled(a->bitmap, on);
    return true;
}

static bool bitmap_enable_prepare(Action *a, Error **errp)
{
    return bitmap_switch(a, true, errp);
}

static bool bitmap_disable_prepare(Action *a, Error **errp)
{
    return bitmap_switch(a, false, errp);
}

static void bitmap_switch_abort(Action *a)
{
    bdrv_dirty_bitmap_set_enabled(a->bitmap, a->was_enabled);
}

/* ---- All of them ---- */

static bool abort_prepare(Action *a, Error **errp)
{
    error_setg(errp, "Transaction aborted using Abort action");
    return false;
}

static const ActionOps action_ops[TRANSACTION_ACTION_KIND__MAX] = {
    [TRANSACTION_ACTION_KIND_ABORT] = { abort_prepare },
    [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_ADD] = {
        bitmap_add_prepare, .abort = bitmap_add_abort },
    [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_REMOVE] = {
        bitmap_remove_prepare, bitmap_remove_commit, bitmap_remove_abort },
    [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_CLEAR] = {
        bitmap_clear_prepare, NULL, bitmap_abort, bitmap_clean },
    [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_ENABLE] = {
        bitmap_enable_prepare, .abort = bitmap_switch_abort },
    [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_DISABLE] = {
        bitmap_disable_prepare, .abort = bitmap_switch_abort },
    [TRANSACTION_ACTION_KIND_BLOCK_DIRTY_BITMAP_MERGE] = {
        bitmap_merge_prepare, NULL, bitmap_abort, bitmap_clean },
    [TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT] = {
        snapshot_prepare, snapshot_commit, snapshot_abort, snapshot_clean },
    [TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT_INTERNAL_SYNC] = {
        internal_prepare, .abort = internal_abort },
    [TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT_SYNC] = {
        snapshot_sync_prepare, snapshot_commit, snapshot_abort,
        snapshot_clean },
};

static void end_action(Action *a, bool prepared, bool ok)
{
    const ActionOps *ops = &action_ops[a->arg->type];

    if (prepared && ok && ops->commit) {
        ops->commit(a);
    } else if (prepared && !ok && ops->abort) {
        ops->abort(a);
    }
}

static bool run_actions(Action *actions, unsigned n, Error **errp)
{
    unsigned done = 0;

    while (done < n &&
           action_ops[actions[done].arg->type].prepare(&actions[done], errp)) {
        done++;
    }
    for (unsigned i = 0; i < n; i++) {
        unsigned at = done == n ? i : n - 1 - i;

        end_action(&actions[at], at < done, done == n);
    }
    for (unsigned i = 0; i < n; i++) {
        const ActionOps *ops = &action_ops[actions[i].arg->type];

        if (ops->clean) {
            ops->clean(&actions[i]);
        }
    }
    return done == n;
}

bool qmp_transaction(TransactionActionList *list, TransactionProperties *props,
                     Error **errp)
{
    g_autofree Action *actions = NULL;
    unsigned n = 0, i = 0;
    bool ok;

    for (TransactionActionList *e = list; e; e = e->next) {
        n++;
    }
    if (n && props && props->has_completion_mode &&
        props->completion_mode == ACTION_COMPLETION_MODE_GROUPED) {
        error_setg(errp, "Action '%s' does not support transaction property "
                   "completion-mode = grouped",
                   TransactionActionKind_str(list->value->type));
        return false;
    }
    actions = g_new0(Action, n);
    for (TransactionActionList *e = list; e; e = e->next) {
        actions[i++].arg = e->value;
    }
    bdrv_drain_all_begin();
    ok = run_actions(actions, n, errp);
    bdrv_drain_all_end();
    return ok;
}

static bool run_one(TransactionAction *action, Error **errp)
{
    TransactionActionList list = { .value = action };

    return qmp_transaction(&list, NULL, errp);
}

bool qmp_blockdev_snapshot(BlockdevSnapshot *arg, Error **errp)
{
    TransactionAction a = { .type = TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT };

    a.u.blockdev_snapshot.data = arg;
    return run_one(&a, errp);
}

bool qmp_blockdev_snapshot_sync(BlockdevSnapshotSync *arg, Error **errp)
{
    TransactionAction a = {
        .type = TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT_SYNC,
    };

    a.u.blockdev_snapshot_sync.data = arg;
    return run_one(&a, errp);
}

bool qmp_blockdev_snapshot_internal_sync(BlockdevSnapshotInternal *arg,
                                         Error **errp)
{
    TransactionAction a = {
        .type = TRANSACTION_ACTION_KIND_BLOCKDEV_SNAPSHOT_INTERNAL_SYNC,
    };

    a.u.blockdev_snapshot_internal_sync.data = arg;
    return run_one(&a, errp);
}
