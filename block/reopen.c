/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blockdev-reopen: other options and children for nodes that are in use, for
 * all of them or for none.
 *
 * First every node is asked whether it can (reopen_prepare). Then the new
 * options and edges are put in, and the rights are derived once for all: file
 * drivers get their new descriptors by that. What fails puts everything back.
 * A child that is described in place is the one that is there: it is reopened
 * as well.
 *
 * Main thread, big lock; all nodes are drained meanwhile.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include <json-c/json.h>
#include "block/dirty-bitmap.h"
#include "qapi/qapi-commands-block-commands.h"

typedef struct Reopen {
    BlockDriverState *bs;
    BdrvReopen r;
    BdrvAccess old_access;
    BlockDriverState *old_file, *old_backing;   /* NULL: none */
    BlockDriverState *backing;                  /* to be; NULL: none */
    bool prepared, applied;         /* by the driver; the options */
} Reopen;

typedef struct ReopenQueue {
    GPtrArray *entries;             /* Reopen * */
} ReopenQueue;

static bool add_node(ReopenQueue *q, BlockDriverState *bs, BlockdevOptions *o,
                     Error **errp);

/* ---- What each node shall be ---- */

static bool reopen_in_place(ReopenQueue *q, const Reopen *parent,
                            const BdrvChild *c, BlockdevOptions *o,
                            Error **errp)
{
    const char *name = c ? c->bs->node_name : NULL;

    if (!c || (o->node_name && !g_str_equal(o->node_name, name))) {
        error_setg(errp, "A new child of node '%s' cannot be described in "
                   "place", parent->bs->node_name);
        error_append_hint(errp, "Make it by blockdev-add and give its name.");
        return false;
    }
    bdrv_inherit_options(o, &parent->r.access, c->role);
    return add_node(q, c->bs, o, errp);
}

/* The child that @ref stands for. NULL with an error. */
static BlockDriverState *resolve(ReopenQueue *q, Reopen *e, const BdrvChild *c,
                                 BlockdevRef *ref, Error **errp)
{
    if (ref->type == QAPI_KIND_STRING) {
        return bdrv_lookup(NULL, ref->u.reference, errp);
    }
    return reopen_in_place(q, e, c, &ref->u.definition, errp) ? c->bs :
                                                                    NULL;
}

static bool resolve_backing(ReopenQueue *q, Reopen *e, BlockdevRefOrNull *ref,
                            Error **errp)
{
    const BdrvChild *c = e->bs->backing;

    if (!ref) {
        if (c) {
            error_setg(errp, "backing is missing for '%s'",
                       e->bs->node_name);
            error_append_hint(errp, "Give the name of its node, or null.");
        }
        return !c;
    }
    if (ref->type == QAPI_KIND_NULL) {
        return true;
    }
    if (ref->type == QAPI_KIND_STRING) {
        e->backing = bdrv_lookup(NULL, ref->u.reference, errp);
    } else if (reopen_in_place(q, e, c, &ref->u.definition, errp)) {
        e->backing = c->bs;
    }
    return e->backing != NULL;
}

static bool resolve_children(ReopenQueue *q, Reopen *e, Error **errp)
{
    BlockDriverState *bs = e->bs;
    BdrvChildRefs refs = { NULL };

    if (bs->drv->child_refs) {
        bs->drv->child_refs(e->r.options, &refs);
    }
    if (refs.file) {
        e->r.file = resolve(q, e, bs->file, refs.file, errp);
        if (!e->r.file) {
            return false;
        }
    }
    if (refs.data_file) {
        BdrvChild *c;
        BlockDriverState *to;

        LIST_FOREACH(c, &bs->children, next_child) {
            if (g_str_equal(c->name, "data-file")) {
                break;
            }
        }
        to = resolve(q, e, c, refs.data_file, errp);
        if (!to || !c || c->bs != to) {
            error_setg(to ? errp : NULL, "Cannot change the option "
                       "'data-file'");
            return false;
        }
    }
    return !refs.backing || resolve_backing(q, e, *refs.backing, errp);
}

static bool already_there(const ReopenQueue *q, const BlockDriverState *bs)
{
    for (guint i = 0; i < q->entries->len; i++) {
        if (((Reopen *)g_ptr_array_index(q->entries, i))->bs == bs) {
            return true;
        }
    }
    return false;
}

static Reopen *new_entry(ReopenQueue *q, BlockDriverState *bs,
                         BlockdevOptions *o)
{
    Reopen *e = g_new0(Reopen, 1);

    e->bs = bs;
    e->r.options = o;
    e->old_file = bs->file ? bs->file->bs : NULL;
    e->old_backing = bs->backing ? bs->backing->bs : NULL;
    bdrv_get_access(bs, &e->old_access);
    g_ptr_array_add(q->entries, e);
    return e;
}

static bool add_node(ReopenQueue *q, BlockDriverState *bs, BlockdevOptions *o,
                     Error **errp)
{
    Reopen *e;

    if (already_there(q, bs)) {
        error_setg(errp, "Node '%s' is given twice", bs->node_name);
        return false;
    }
    if (bdrv_find_driver(BlockdevDriver_str(o->driver)) != bs->drv) {
        error_setg(errp, "Cannot change the option 'driver'");
        return false;
    }
    if (!bs->drv->reopen_prepare) {
        error_setg(errp, "Block format '%s' used by node '%s' does not support "
                   "reopening files", bs->drv->name, bs->node_name);
        return false;
    }
    e = new_entry(q, bs, o);
    if (!bdrv_parse_access(&e->r.access, o, errp) ||
        !resolve_children(q, e, errp) ||
        !bs->drv->reopen_prepare(bs, &e->r, errp)) {
        return false;
    }
    e->prepared = true;
    return true;
}

/* ---- Putting it in, and back ---- */

static bool move_child(Reopen *e, BdrvChild **edge, const char *name,
                       BlockDriverState *to, Error **errp)
{
    BlockDriverState *bs = e->bs;

    if (to == (*edge ? (*edge)->bs : NULL)) {
        return true;
    }
    if (!to) {
        bdrv_edge_drop(*edge);
        return true;
    }
    if (!bdrv_check_place(bs, to, name, errp) ||
        !bdrv_set_aio_context(to, bs->ctx, NULL, errp)) {
        return false;
    }
    if (*edge) {
        bdrv_edge_move(*edge, to);
    } else {
        bdrv_ref(to);
        *edge = bdrv_edge_new(bs, NULL, to, name, BDRV_CHILD_COW);
    }
    return true;
}

static bool apply(Reopen *e, Error **errp)
{
    BlockDriverState *bs = e->bs;

    e->applied = true;
    /* They must last until the rights are settled. */
    if (e->old_file) {
        bdrv_ref(e->old_file);
    }
    if (e->old_backing) {
        bdrv_ref(e->old_backing);
    }
    bs->reopening = !bs->read_only && e->r.access.read_only;
    bdrv_set_access(bs, &e->r.access);
    return (!e->r.file || move_child(e, &bs->file, "file", e->r.file, errp)) &&
           move_child(e, &bs->backing, "backing", e->backing, errp);
}

static void put_back(Reopen *e)
{
    BlockDriverState *bs = e->bs;

    bdrv_set_access(bs, &e->old_access);
    if (e->old_file) {
        move_child(e, &bs->file, "file", e->old_file, NULL);
    }
    move_child(e, &bs->backing, "backing", e->old_backing, NULL);
}

static bool refresh_perms(const ReopenQueue *q, Error **errp)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    for (guint i = 0; i < q->entries->len; i++) {
        Reopen *e = g_ptr_array_index(q->entries, i);

        g_ptr_array_add(nodes, e->bs);
        if (e->old_file) {
            g_ptr_array_add(nodes, e->old_file);
        }
        if (e->old_backing) {
            g_ptr_array_add(nodes, e->old_backing);
        }
    }
    return bdrv_refresh_perms((BlockDriverState *const *)nodes->pdata,
                              nodes->len, errp);
}

static bool apply_all(const ReopenQueue *q, Error **errp)
{
    for (guint i = 0; i < q->entries->len; i++) {
        if (!apply(g_ptr_array_index(q->entries, i), errp)) {
            return false;
        }
    }
    return refresh_perms(q, errp);
}

/* ---- The end ---- */

static void commit(Reopen *e)
{
    BlockDriverState *bs = e->bs;
    int64_t length;

    if (bs->drv->reopen_commit) {
        bs->drv->reopen_commit(bs);
    }
    if (e->backing != e->old_backing) {
        bs->backing_overridden = true;
    }
    length = bs->drv->get_length(bs);
    if (length >= 0 && length != bs->total_bytes) {
        bs->total_bytes = length;
        bdrv_dirty_bitmaps_resize(bs);
        bdrv_length_changed(bs);
    }
    bdrv_refresh_limits_above(bs);
}

static void end_entry(Reopen *e, bool ok)
{
    BlockDriverState *bs = e->bs;

    if (!ok && e->applied) {
        put_back(e);
    }
    if (!ok && e->prepared && bs->drv->reopen_abort) {
        bs->drv->reopen_abort(bs);
    }
    bs->reopening = false;
    if (ok) {
        commit(e);
    }
    if (e->applied) {
        bdrv_unref(e->old_file);
        bdrv_unref(e->old_backing);
    }
    g_free(e);
}

static bool reopen_all(ReopenQueue *q, BlockdevOptionsList *options,
                       Error **errp)
{
    bool ok = true;

    for (BlockdevOptionsList *o = options; ok && o; o = o->next) {
        BlockDriverState *bs;

        if (!o->value->node_name) {
            error_setg(errp, "node-name not specified");
            return false;
        }
        bs = bdrv_find_node(o->value->node_name);
        if (!bs) {
            error_setg(errp, "Failed to find node with node-name='%s'",
                       o->value->node_name);
            return false;
        }
        ok = add_node(q, bs, o->value, errp);
    }
    return ok && apply_all(q, errp);
}

/* Backwards: children that were described in place come behind. */
static bool end_all(ReopenQueue *q, bool ok)
{
    for (guint i = q->entries->len; i-- > 0;) {
        end_entry(g_ptr_array_index(q->entries, i), ok);
    }
    g_ptr_array_unref(q->entries);
    bdrv_drain_all_end();
    return ok;
}

bool qmp_blockdev_reopen(BlockdevOptionsList *options, Error **errp)
{
    ReopenQueue q = { .entries = g_ptr_array_new() };

    bdrv_drain_all_begin();
    return end_all(&q, reopen_all(&q, options, errp));
}

/* The same children and options, but that access. */
static bool add_access(ReopenQueue *q, BlockDriverState *bs,
                       const BdrvAccess *access, Error **errp)
{
    Reopen *e = new_entry(q, bs, NULL);

    e->r.access = *access;
    e->r.file = e->old_file;
    e->backing = e->old_backing;
    e->prepared = bs->drv->reopen_prepare &&
                  bs->drv->reopen_prepare(bs, &e->r, errp);
    return e->prepared;
}

/* A file that nobody can ask for goes with its user. */
static bool add_own_file(ReopenQueue *q, BlockDriverState *parent,
                         const BdrvAccess *of_parent, Error **errp)
{
    BlockDriverState *bs = parent->file ? parent->file->bs : NULL;
    BdrvAccess access;

    if (!bs || bs->monitor_owned || !bs->drv->reopen_prepare ||
        LIST_NEXT(LIST_FIRST(&bs->parents), next_parent)) {
        return true;
    }
    bdrv_get_access(bs, &access);
    access.read_only = of_parent->read_only;
    if (of_parent->direct != parent->direct) {
        access.direct = of_parent->direct;
    }
    if (of_parent->no_flush != parent->no_flush) {
        access.no_flush = of_parent->no_flush;
    }
    return add_access(q, bs, &access, errp) &&
           add_own_file(q, bs, &access, errp);
}

bool bdrv_reopen_read_only(BlockDriverState *bs, bool read_only, Error **errp)
{
    ReopenQueue q = { .entries = g_ptr_array_new() };
    BdrvAccess access;

    bdrv_get_access(bs, &access);
    access.read_only = read_only;
    bdrv_drain_all_begin();
    return end_all(&q, add_access(&q, bs, &access, errp) &&
                       add_own_file(&q, bs, &access, errp) &&
                       apply_all(&q, errp));
}

/* To @options: what kind of node it is, and the children that it has. */
static void add_identity(const BlockDriverState *bs,
                         struct json_object *options)
{
    json_object_object_add(options, "driver",
                           json_object_new_string(bs->drv->name));
    if (bs->file) {
        json_object_object_add(options, "file",
            json_object_new_string(bs->file->bs->node_name));
    }
    if (bs->drv->supports_backing) {
        json_object_object_add(options, "backing", bs->backing ?
            json_object_new_string(bs->backing->bs->node_name) : NULL);
    }
}

bool bdrv_reopen_options(BlockDriverState *bs, struct json_object *options,
                         Error **errp)
{
    ReopenQueue q = { .entries = g_ptr_array_new() };
    BlockdevOptions *o;
    BdrvAccess access;
    bool ok;

    add_identity(bs, options);
    o = bdrv_options_from_json(options, errp);
    bdrv_drain_all_begin();
    ok = o && bdrv_parse_access(&access, o, errp) &&
         add_node(&q, bs, o, errp) && add_own_file(&q, bs, &access, errp) &&
         apply_all(&q, errp);
    ok = end_all(&q, ok);
    qapi_free_BlockdevOptions(o);
    return ok;
}
