/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rights in the block graph.
 *
 * An update starts at some nodes and walks the graph below them, parents
 * before children: the edges into a node must fit together, and what they ask
 * for together decides what the node asks of its own children. Then the
 * drivers get ready (check_perm), and only when all agreed do they switch
 * (set_perm). A refusal puts every edge back as it was.
 *
 * Main thread, big lock.
 */
#include "util/osdep.h"
#include "block-internal.h"

#define PERM_WRITING                                                           \
    (BLK_PERM_WRITE | BLK_PERM_WRITE_UNCHANGED | BLK_PERM_RESIZE)

static const char *const perm_names[] = {
    "consistent read", "write", "write unchanged", "resize",
};

char *bdrv_perm_names(uint64_t perm)
{
    GString *s = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(perm_names); i++) {
        if (perm & BIT64(i)) {
            g_string_append_printf(s, "%s%s", s->len ? ", " : "",
                                   perm_names[i]);
        }
    }
    return g_string_free(s, FALSE);
}

/* ---- Do the edges into a node fit together? ---- */

static char *child_user(const BdrvChild *c)
{
    g_autofree char *path = NULL;

    if (c->parent) {
        return g_strdup_printf("node '%s'", c->parent->node_name);
    }
    if (c->blk->dev) {
        path = object_get_canonical_path(c->blk->dev);
        return g_strdup_printf("block device '%s'", path ? path : "");
    }
    return g_strdup_printf("block device '%s'", c->blk->name);
}

static bool conflict(const BdrvChild *other, uint64_t perm, bool taken,
                     Error **errp)
{
    g_autofree char *user = child_user(other);
    g_autofree char *names = bdrv_perm_names(perm);

    error_setg(errp, "Conflicts with use by %s as '%s', which %s '%s' on %s",
               user, other->name, taken ? "uses" : "does not allow", names,
               other->bs->node_name);
    return false;
}

static bool edge_fits(const BdrvChild *c, Error **errp)
{
    const BdrvChild *o;

    LIST_FOREACH(o, &c->bs->parents, next_parent) {
        if (o == c) {
            continue;
        }
        if (c->perm & ~o->shared) {
            return conflict(o, c->perm & ~o->shared, false, errp);
        }
        if (o->perm & ~c->shared) {
            return conflict(o, o->perm & ~c->shared, true, errp);
        }
    }
    return true;
}

void bdrv_get_cumulative_perm(const BlockDriverState *bs, uint64_t *perm,
                              uint64_t *shared)
{
    const BdrvChild *c;

    *perm = 0;
    *shared = BLK_PERM_ALL;
    LIST_FOREACH(c, &bs->parents, next_parent) {
        *perm |= c->perm;
        *shared &= c->shared;
    }
}

/* ---- What a node asks of its children ---- */

/* The parent reads; others may change what it shares with its own parents. */
static void backing_perm(uint64_t perm, uint64_t shared, uint64_t *nperm,
                         uint64_t *nshared)
{
    *nperm = perm & BLK_PERM_CONSISTENT_READ;
    *nshared = BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE_UNCHANGED;
    if (shared & BLK_PERM_WRITE) {
        *nshared |= BLK_PERM_WRITE | BLK_PERM_RESIZE;
    }
}

/*
 * A format keeps tables in the child, which it may write at any time while the
 * node is writable, and which nobody else may write under it.
 */
static void image_perm(const BlockDriverState *bs, BdrvChildRole role,
                       uint64_t perm, uint64_t shared, uint64_t *nperm,
                       uint64_t *nshared)
{
    *nperm = perm;
    *nshared = shared;
    if (role & BDRV_CHILD_METADATA) {
        *nperm |= BLK_PERM_CONSISTENT_READ;
        if (!bs->read_only) {
            *nperm |= BLK_PERM_WRITE | BLK_PERM_RESIZE;
        }
        if (!bs->force_share) {
            *nshared &= ~(uint64_t)(BLK_PERM_WRITE | BLK_PERM_RESIZE);
        }
    }
    if (role & BDRV_CHILD_DATA) {
        /* Data that the guest keeps unchanged is moved all the same. */
        if (perm & BLK_PERM_WRITE_UNCHANGED) {
            *nperm |= BLK_PERM_WRITE;
        }
        *nshared |= BLK_PERM_WRITE_UNCHANGED;
    }
}

void bdrv_default_child_perm(const BlockDriverState *bs, BdrvChildRole role,
                             uint64_t perm, uint64_t shared, uint64_t *nperm,
                             uint64_t *nshared)
{
    if (bs->force_share) {
        shared = BLK_PERM_ALL;
    }
    if (role & BDRV_CHILD_FILTERED) {
        *nperm = perm;
        *nshared = shared;
    } else if (role & BDRV_CHILD_COW) {
        backing_perm(perm, shared, nperm, nshared);
    } else {
        image_perm(bs, role, perm, shared, nperm, nshared);
    }
    if (bs->force_share) {
        *nshared = BLK_PERM_ALL;
    }
}

static void child_perm(BlockDriverState *bs, BdrvChild *c, uint64_t perm,
                       uint64_t shared, uint64_t *nperm, uint64_t *nshared)
{
    if (bs->drv->child_perm) {
        bs->drv->child_perm(bs, c, perm, shared, nperm, nshared);
    } else {
        bdrv_default_child_perm(bs, c->role, perm, shared, nperm, nshared);
    }
}

/* ---- The update ---- */

typedef struct OldRights {
    BdrvChild *c;
    uint64_t perm, shared;
} OldRights;

typedef struct PermUpdate {
    GPtrArray *order;               /* nodes, parents first */
    GHashTable *seen;
    GArray *old;                    /* OldRights, for the way back */
    unsigned num_checked;           /* nodes of @order that are ready */
} PermUpdate;

/* Depth first, a node behind all that it uses; the list is then read from its
 * end. Chains are bounded when they are opened, so recursion is, too. */
static void sort_nodes(PermUpdate *u, BlockDriverState *bs)
{
    BdrvChild *c;

    if (!g_hash_table_add(u->seen, bs)) {
        return;
    }
    LIST_FOREACH(c, &bs->children, next_child) {
        sort_nodes(u, c->bs);
    }
    g_ptr_array_add(u->order, bs);
}

/* The edges that the update has changed first, so that errors name those that
 * are in the way. */
static bool edges_fit(PermUpdate *u, BlockDriverState *bs, Error **errp)
{
    const BdrvChild *c;

    for (int changed = 1; changed >= 0; changed--) {
        LIST_FOREACH(c, &bs->parents, next_parent) {
            if (g_hash_table_contains(u->seen, c->parent) == changed &&
                !edge_fits(c, errp)) {
                return false;
            }
        }
    }
    return true;
}

static bool check_node(PermUpdate *u, BlockDriverState *bs, uint64_t *perm,
                       uint64_t *shared, Error **errp)
{
    if (!edges_fit(u, bs, errp)) {
        return false;
    }
    bdrv_get_cumulative_perm(bs, perm, shared);
    if (bs->force_share) {
        *shared = BLK_PERM_ALL;
    }
    if ((*perm & PERM_WRITING) && bs->read_only) {
        if (bs->reopening) {
            error_setg(errp, "Read-only block node '%s' cannot support "
                       "read-write users", bs->node_name);
        } else {
            error_setg(errp, "Block node is read-only");
        }
        return false;
    }
    return true;
}

static bool update_node(PermUpdate *u, BlockDriverState *bs, Error **errp)
{
    uint64_t perm, shared;
    BdrvChild *c;

    if (!check_node(u, bs, &perm, &shared, errp)) {
        return false;
    }
    LIST_FOREACH(c, &bs->children, next_child) {
        OldRights old = { c, c->perm, c->shared };

        g_array_append_val(u->old, old);
        child_perm(bs, c, perm, shared, &c->perm, &c->shared);
    }
    return !bs->drv->check_perm ||
           bs->drv->check_perm(bs, perm, shared, errp);
}

static BlockDriverState *nth_node(PermUpdate *u, unsigned n)
{
    return g_ptr_array_index(u->order, u->order->len - 1 - n);
}

static void commit(PermUpdate *u)
{
    uint64_t perm, shared;

    for (unsigned i = 0; i < u->order->len; i++) {
        BlockDriverState *bs = nth_node(u, i);

        if (bs->drv->set_perm) {
            bdrv_get_cumulative_perm(bs, &perm, &shared);
            bs->drv->set_perm(bs, perm, bs->force_share ? BLK_PERM_ALL :
                              shared);
        }
    }
}

static void roll_back(PermUpdate *u)
{
    for (unsigned i = 0; i < u->num_checked; i++) {
        BlockDriverState *bs = nth_node(u, i);

        if (bs->drv->abort_perm) {
            bs->drv->abort_perm(bs);
        }
    }
    for (unsigned i = u->old->len; i-- > 0;) {
        OldRights *old = &g_array_index(u->old, OldRights, i);

        old->c->perm = old->perm;
        old->c->shared = old->shared;
    }
}

bool bdrv_refresh_perms(BlockDriverState *const *nodes, unsigned n,
                        Error **errp)
{
    PermUpdate u = {
        .order = g_ptr_array_new(),
        .seen = g_hash_table_new(NULL, NULL),
        .old = g_array_new(FALSE, FALSE, sizeof(OldRights)),
    };
    bool ok = true;

    for (unsigned i = 0; i < n; i++) {
        sort_nodes(&u, nodes[i]);
    }
    for (unsigned i = 0; ok && i < u.order->len; i++) {
        ok = update_node(&u, nth_node(&u, i), errp);
        u.num_checked += ok;
    }
    if (ok) {
        commit(&u);
    } else {
        roll_back(&u);
    }
    g_ptr_array_unref(u.order);
    g_hash_table_unref(u.seen);
    g_array_unref(u.old);
    return ok;
}

bool bdrv_child_set_perm(BdrvChild *c, uint64_t perm, uint64_t shared,
                         Error **errp)
{
    uint64_t old_perm = c->perm, old_shared = c->shared;

    c->perm = perm;
    c->shared = shared;
    if (bdrv_refresh_perms(&c->bs, 1, errp)) {
        return true;
    }
    c->perm = old_perm;
    c->shared = old_shared;
    return false;
}
