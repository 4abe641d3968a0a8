/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block graph: nodes, edges, and changes of the edges. Opening: open.c;
 * rights: perm.c; drained sections: drain.c.
 *
 * An edge changes only while its child is drained, so that no request is on
 * its way along it. Main thread, big lock.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "block/dirty-bitmap.h"
#include <json-c/json.h>
#include "util/main-loop.h"

BdrvList bdrv_nodes = TAILQ_HEAD_INITIALIZER(bdrv_nodes);

/* ---- Depth ---- */

static void refresh_depth(BlockDriverState *bs)
{
    unsigned depth = 1;
    BdrvChild *c;

    LIST_FOREACH(c, &bs->children, next_child) {
        depth = MAX(depth, c->bs->depth + 1);
    }
    if (depth == bs->depth) {
        return;
    }
    bs->depth = depth;
    LIST_FOREACH(c, &bs->parents, next_parent) {
        if (c->parent) {
            refresh_depth(c->parent);
        }
    }
}

/* The longest way from @bs up to a node that nothing is on top of. */
static unsigned height(const BlockDriverState *bs)
{
    const BdrvChild *c;
    unsigned h = 0;

    LIST_FOREACH(c, &bs->parents, next_parent) {
        unsigned up = c->parent ? height(c->parent) : 0;

        h = MAX(h, up);
    }
    return h + 1;
}

bool bdrv_is_below(BlockDriverState *bs, BlockDriverState *top)
{
    BdrvChild *c;

    if (bs == top) {
        return true;
    }
    LIST_FOREACH(c, &top->children, next_child) {
        if (bdrv_is_below(bs, c->bs)) {
            return true;
        }
    }
    return false;
}

bool bdrv_check_place(BlockDriverState *parent, BlockDriverState *bs,
                      const char *name, Error **errp)
{
    if (!parent) {
        return true;
    }
    if (bdrv_is_below(parent, bs)) {
        error_setg(errp, "Making '%s' a %s child of '%s' would create a cycle",
                   bs->node_name, name, parent->node_name);
        return false;
    }
    if (height(parent) + bs->depth > BDRV_MAX_DEPTH) {
        error_setg(errp, "The chain of nodes below '%s' is longer than %d",
                   parent->node_name, BDRV_MAX_DEPTH);
        return false;
    }
    return true;
}

/* ---- Edges ---- */

/* Its parent pauses as long as the child is drained. */
static void edge_link(BdrvChild *c, BlockDriverState *bs)
{
    c->bs = bs;
    LIST_INSERT_HEAD(&bs->parents, c, next_parent);
    if (__atomic_load_n(&bs->quiesce, __ATOMIC_RELAXED)) {
        bdrv_parent_drained_begin(c);
    }
    if (c->parent) {
        refresh_depth(c->parent);
    }
}

static void edge_unlink(BdrvChild *c)
{
    bdrv_parent_drained_end(c);
    LIST_REMOVE(c, next_parent);
}

BdrvChild *bdrv_edge_new(BlockDriverState *parent, BlockBackend *blk,
                         BlockDriverState *bs, const char *name,
                         BdrvChildRole role)
{
    BdrvChild *c = g_new0(BdrvChild, 1);

    c->parent = parent;
    c->blk = blk;
    c->name = g_strdup(name);
    c->role = role;
    c->shared = BLK_PERM_ALL;
    if (parent) {
        LIST_INSERT_HEAD(&parent->children, c, next_child);
    }
    edge_link(c, bs);
    return c;
}

void bdrv_edge_drop(BdrvChild *c)
{
    BlockDriverState *bs = c->bs, *parent = c->parent;

    if (parent && parent->file == c) {
        parent->file = NULL;
    }
    if (parent && parent->backing == c) {
        parent->backing = NULL;
    }
    edge_unlink(c);
    if (parent) {
        LIST_REMOVE(c, next_child);
        refresh_depth(parent);
    }
    g_free(c->name);
    g_free(c);
    bdrv_unref(bs);
}

static bool edge_set_perm(BdrvChild *c, uint64_t perm, uint64_t shared,
                          Error **errp)
{
    return c->blk ? bdrv_child_set_perm(c, perm, shared, errp) :
                    bdrv_refresh_perms(&c->parent, 1, errp);
}

BdrvChild *bdrv_attach_child(BlockDriverState *parent, BlockBackend *blk,
                             BlockDriverState *bs, const char *name,
                             BdrvChildRole role, uint64_t perm, uint64_t shared,
                             Error **errp)
{
    BdrvChild *c;

    if (!bdrv_check_place(parent, bs, name, errp)) {
        bdrv_unref(bs);
        return NULL;
    }
    if (parent && bs->ctx != parent->ctx &&
        !bdrv_set_aio_context(bs, parent->ctx, NULL, NULL) &&
        !bdrv_set_aio_context(parent, bs->ctx, NULL, errp)) {
        bdrv_unref(bs);
        return NULL;
    }
    c = bdrv_edge_new(parent, blk, bs, name, role);
    if (!edge_set_perm(c, perm, shared, errp)) {
        bdrv_detach_child(c);
        return NULL;
    }
    return c;
}

void bdrv_detach_child(BdrvChild *c)
{
    BlockDriverState *bs = c->bs;

    bdrv_ref(bs);
    bdrv_edge_drop(c);
    /* To ask for less is never refused. */
    bdrv_refresh_perms(&bs, 1, NULL);
    bdrv_unref(bs);
}

void bdrv_edge_move(BdrvChild *c, BlockDriverState *to)
{
    BlockDriverState *from = c->bs;

    bdrv_ref(to);
    edge_unlink(c);
    edge_link(c, to);
    bdrv_unref(from);
}

/* ---- Changes ---- */

static GPtrArray *edges_to_move(BlockDriverState *from, BlockDriverState *to)
{
    GPtrArray *edges = g_ptr_array_new();
    BdrvChild *c;

    LIST_FOREACH(c, &from->parents, next_parent) {
        /* What is below @to itself stays. */
        if (!c->parent || !bdrv_is_below(c->parent, to)) {
            g_ptr_array_add(edges, c);
        }
    }
    return edges;
}

static void parent_resized(BdrvChild *c)
{
    int64_t length;

    if (c->blk) {
        blk_root_resized(c->blk);
        return;
    }
    length = c == c->parent->file ? c->parent->drv->get_length(c->parent) : -1;
    if (length >= 0 && length != c->parent->total_bytes) {
        c->parent->total_bytes = length;
        bdrv_dirty_bitmaps_resize(c->parent);
        bdrv_length_changed(c->parent);
    }
}

void bdrv_length_changed(BlockDriverState *bs)
{
    BdrvChild *c;

    LIST_FOREACH(c, &bs->parents, next_parent) {
        parent_resized(c);
    }
}

bool bdrv_replace_node(BlockDriverState *from, BlockDriverState *to,
                       Error **errp)
{
    g_autoptr(GPtrArray) edges = edges_to_move(from, to);
    BlockDriverState *both[] = { to, from };
    bool ok;

    if (from->ctx != to->ctx &&
        !bdrv_set_aio_context(to, from->ctx, NULL, errp)) {
        return false;
    }
    bdrv_ref(from);
    bdrv_drained_begin(from);
    bdrv_drained_begin(to);
    for (guint i = 0; i < edges->len; i++) {
        bdrv_edge_move(g_ptr_array_index(edges, i), to);
    }
    ok = bdrv_refresh_perms(both, 2, errp);
    for (guint i = 0; !ok && i < edges->len; i++) {
        bdrv_edge_move(g_ptr_array_index(edges, i), from);
    }
    if (ok && from->total_bytes != to->total_bytes) {
        bdrv_length_changed(to);
    }
    bdrv_drained_end(to);
    bdrv_drained_end(from);
    bdrv_unref(from);
    return ok;
}

bool bdrv_set_backing(BlockDriverState *bs, BlockDriverState *backing,
                      Error **errp)
{
    BlockDriverState *old = bs->backing ? bs->backing->bs : NULL;
    BdrvChild *c = NULL;

    if (old == backing) {
        return true;
    }
    if (old) {
        bdrv_ref(old);
        bdrv_detach_child(bs->backing);
    }
    if (backing) {
        bdrv_ref(backing);
        c = bdrv_attach_child(bs, NULL, backing, "backing", BDRV_CHILD_COW, 0,
                              BLK_PERM_ALL, errp);
    }
    if (backing && !c && old) {
        /* As it was: the rights are those that it had. */
        bs->backing = bdrv_attach_child(bs, NULL, old, "backing",
                                        BDRV_CHILD_COW, 0, BLK_PERM_ALL, NULL);
        return false;
    }
    bs->backing = c;
    bdrv_unref(old);
    bdrv_refresh_limits(bs);
    return !backing || c;
}

bool bdrv_append(BlockDriverState *overlay, BlockDriverState *bs, Error **errp)
{
    bool ok;

    bdrv_drained_begin(bs);
    ok = bdrv_set_backing(overlay, bs, errp);
    if (ok && !bdrv_replace_node(bs, overlay, errp)) {
        bdrv_set_backing(overlay, NULL, NULL);
        ok = false;
    }
    bdrv_drained_end(bs);
    return ok;
}

BdrvChild *bdrv_filter_or_cow_child(BlockDriverState *bs)
{
    return bs->drv->is_filter ? bs->file : bs->backing;
}

BlockDriverState *bdrv_skip_filters(BlockDriverState *bs)
{
    while (bs && bs->drv->is_filter) {
        bs = bs->file ? bs->file->bs : NULL;
    }
    return bs;
}

/* ---- Contexts ---- */

static bool collect_connected(BlockDriverState *bs, GPtrArray *nodes,
                              AioContext *ctx, const BdrvChild *ignore,
                              Error **errp)
{
    BdrvChild *c;

    if (g_ptr_array_find(nodes, bs, NULL)) {
        return true;
    }
    g_ptr_array_add(nodes, bs);
    LIST_FOREACH(c, &bs->parents, next_parent) {
        if (c == ignore) {
            continue;
        }
        if (c->parent &&
            !collect_connected(c->parent, nodes, ctx, ignore, errp)) {
            return false;
        }
        if (c->blk && c->blk->dev && c->blk->ctx != ctx) {
            error_setg(errp, "Cannot change iothread of active block backend");
            return false;
        }
    }
    LIST_FOREACH(c, &bs->children, next_child) {
        if (!collect_connected(c->bs, nodes, ctx, ignore, errp)) {
            return false;
        }
    }
    return true;
}

static void move_blks(BlockDriverState *bs, AioContext *ctx)
{
    BdrvChild *c;

    LIST_FOREACH(c, &bs->parents, next_parent) {
        if (c->blk) {
            c->blk->ctx = ctx;
        }
    }
}

bool bdrv_set_aio_context(BlockDriverState *bs, AioContext *ctx,
                          const BdrvChild *ignore, Error **errp)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new();

    if (bs->ctx == ctx) {
        return true;
    }
    if (!collect_connected(bs, nodes, ctx, ignore, errp)) {
        return false;
    }
    for (guint i = 0; i < nodes->len; i++) {
        bdrv_drained_begin(g_ptr_array_index(nodes, i));
    }
    for (guint i = 0; i < nodes->len; i++) {
        BlockDriverState *n = g_ptr_array_index(nodes, i);

        n->ctx = ctx;
        move_blks(n, ctx);
    }
    for (guint i = 0; i < nodes->len; i++) {
        bdrv_drained_end(g_ptr_array_index(nodes, i));
    }
    return true;
}

/* ---- Nodes ---- */

static void bdrv_delete(BlockDriverState *bs)
{
    BdrvChild *c;

    if (bs->opaque && !bs->read_only && bs->drv->is_format) {
        bdrv_flush_node(bs);
    }
    if (bs->drv->close && bs->opaque) {
        bs->drv->close(bs);
    }
    bdrv_dirty_bitmaps_free_all(bs);
    g_mutex_clear(&bs->dirty_lock);
    while ((c = LIST_FIRST(&bs->children))) {
        bdrv_detach_child(c);
    }
    if (TAILQ_IS_LINKED(bs, next)) {
        TAILQ_REMOVE_CLEAR(&bdrv_nodes, bs, next);
    }
    g_free(bs->opaque);
    g_free(bs->node_name);
    g_free(bs->filename);
    g_free(bs->backing_file);
    g_free(bs->backing_format);
    g_free(bs);
}

void bdrv_ref(BlockDriverState *bs)
{
    bs->refcnt++;
}

void bdrv_unref(BlockDriverState *bs)
{
    if (bs && --bs->refcnt == 0) {
        g_assert(LIST_EMPTY(&bs->parents));
        bdrv_delete(bs);
    }
}

BlockDriverState *bdrv_find_node(const char *node_name)
{
    BlockDriverState *bs;

    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        if (g_str_equal(bs->node_name, node_name)) {
            return bs;
        }
    }
    return NULL;
}

void bdrv_refresh_limits(BlockDriverState *bs)
{
    bs->limits = (BlockLimits) {
        .request_alignment = 1, .mem_alignment = 1, .max_iov = IOV_MAX,
    };
    if (bs->file) {
        bs->limits = bs->file->bs->limits;
    }
    if (bs->drv->refresh_limits) {
        bs->drv->refresh_limits(bs);
    }
}

void bdrv_refresh_limits_above(BlockDriverState *bs)
{
    BdrvChild *c;

    bdrv_refresh_limits(bs);
    LIST_FOREACH(c, &bs->parents, next_parent) {
        if (c->parent) {
            bdrv_refresh_limits_above(c->parent);
        }
    }
}

bool bdrv_can_grow(const BlockDriverState *bs)
{
    return bs->drv->can_grow && bs->drv->can_grow(bs);
}

const char *bdrv_get_node_name(const BlockDriverState *bs)
{
    return bs->node_name;
}

const char *bdrv_get_format_name(const BlockDriverState *bs)
{
    return bs->drv->name;
}

const char *bdrv_get_filename(const BlockDriverState *bs)
{
    while (!bs->filename && bs->file) {
        bs = bs->file->bs;
    }
    return bs->filename ? bs->filename : "";
}

bool bdrv_is_read_only(const BlockDriverState *bs)
{
    return bs->read_only;
}

int64_t bdrv_get_length(BlockDriverState *bs)
{
    return bs->total_bytes;
}

int64_t bdrv_get_allocated_file_size(BlockDriverState *bs)
{
    while (!bs->drv->get_allocated_size && bs->file) {
        bs = bs->file->bs;
    }
    return bs->drv->get_allocated_size ? bs->drv->get_allocated_size(bs) :
                                         -ENOTSUP;
}

/* ---- All nodes ---- */

static int coroutine_fn flush_co(void *opaque)
{
    return bdrv_co_flush(opaque);
}

int bdrv_flush_node(BlockDriverState *bs)
{
    return bdrv_run(bs->ctx, flush_co, bs);
}

int bdrv_flush_all(void)
{
    BlockDriverState *bs;
    int result = 0;

    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        int ret = bs->read_only ? 0 : bdrv_flush_node(bs);

        if (ret < 0 && result == 0) {
            result = ret;
        }
    }
    return result;
}

void block_cleanup(void)
{
    BlockBackend *blk, *next_blk;
    BlockDriverState *bs, *next;

    if (TAILQ_EMPTY(&bdrv_nodes)) {
        return;
    }
    bdrv_drain_all_begin();
    bdrv_flush_all();
    TAILQ_FOREACH_SAFE(blk, &blk_backends, next, next_blk) {
        blk_remove_bs(blk);
    }
    /* Users before what they use: the youngest first. */
    TAILQ_FOREACH_SAFE(bs, &bdrv_nodes, next, next) {
        if (bs->monitor_owned && LIST_EMPTY(&bs->parents)) {
            bs->monitor_owned = false;
            bdrv_unref(bs);
            next = TAILQ_FIRST(&bdrv_nodes);
        }
    }
    bdrv_drain_all_end();
}
