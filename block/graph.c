/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block graph: drivers, nodes, edges and their rights. */
#include "util/osdep.h"
#include "block-internal.h"
#include "util/log.h"
#include "util/main-loop.h"

BdrvList bdrv_nodes = TAILQ_HEAD_INITIALIZER(bdrv_nodes);

static const BlockDriver *drivers[16];
static unsigned num_drivers;

void bdrv_register_driver(const BlockDriver *drv)
{
    g_assert(num_drivers < G_N_ELEMENTS(drivers));
    drivers[num_drivers++] = drv;
}

static const BlockDriver *find_driver(const char *name)
{
    for (unsigned i = 0; i < num_drivers; i++) {
        if (g_str_equal(drivers[i]->name, name)) {
            return drivers[i];
        }
    }
    return NULL;
}

/* ---- Rights ---- */

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

/* Whether @c with these rights fits the other edges into its node. */
static bool perms_fit(const BdrvChild *c, uint64_t perm, uint64_t shared,
                      Error **errp)
{
    const BdrvChild *o;

    LIST_FOREACH(o, &c->bs->parents, next_parent) {
        if (o == c) {
            continue;
        }
        if (perm & ~o->shared) {
            return conflict(o, perm & ~o->shared, false, errp);
        }
        if (o->perm & ~shared) {
            return conflict(o, o->perm & ~shared, true, errp);
        }
    }
    return true;
}

static void cumulative_perms(const BlockDriverState *bs, uint64_t *perm,
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

/* Derive what @bs needs of itself and its children from its parents. */
static bool refresh_perms(BlockDriverState *bs, Error **errp)
{
    const uint64_t writing = BLK_PERM_WRITE | BLK_PERM_WRITE_UNCHANGED |
                             BLK_PERM_RESIZE;
    uint64_t perm, shared;
    BdrvChild *c;

    cumulative_perms(bs, &perm, &shared);
    if (bs->force_share) {
        shared = BLK_PERM_ALL;
    }
    if ((perm & writing) && bs->read_only && !bs->auto_read_only) {
        error_setg(errp, "Block node is read-only");
        return false;
    }
    if (bs->drv->set_perm && !bs->drv->set_perm(bs, perm, shared, errp)) {
        return false;
    }
    LIST_FOREACH(c, &bs->children, next_child) {
        /* A format reads its metadata, whatever its users do. */
        if (!bdrv_child_set_perm(c, perm | BLK_PERM_CONSISTENT_READ, shared,
                                 errp)) {
            return false;
        }
    }
    return true;
}

bool bdrv_child_set_perm(BdrvChild *c, uint64_t perm, uint64_t shared,
                         Error **errp)
{
    uint64_t old_perm = c->perm, old_shared = c->shared;

    if (!perms_fit(c, perm, shared, errp)) {
        return false;
    }
    c->perm = perm;
    c->shared = shared;
    if (refresh_perms(c->bs, errp)) {
        return true;
    }
    c->perm = old_perm;
    c->shared = old_shared;
    refresh_perms(c->bs, NULL);
    return false;
}

/* ---- Edges ---- */

BdrvChild *bdrv_attach_child(BlockDriverState *parent, BlockBackend *blk,
                             BlockDriverState *bs, const char *name,
                             BdrvChildRole role, uint64_t perm, uint64_t shared,
                             Error **errp)
{
    BdrvChild *c = g_new0(BdrvChild, 1);

    c->bs = bs;
    c->parent = parent;
    c->blk = blk;
    c->name = name;
    c->role = role;
    c->shared = BLK_PERM_ALL;
    LIST_INSERT_HEAD(&bs->parents, c, next_parent);
    if (parent) {
        LIST_INSERT_HEAD(&parent->children, c, next_child);
    }
    if (!bdrv_child_set_perm(c, perm, shared, errp)) {
        bdrv_detach_child(c);
        return NULL;
    }
    return c;
}

void bdrv_detach_child(BdrvChild *c)
{
    BlockDriverState *bs = c->bs;

    LIST_REMOVE(c, next_parent);
    if (c->parent) {
        LIST_REMOVE(c, next_child);
    }
    g_free(c);
    refresh_perms(bs, NULL);
    bdrv_unref(bs);
}

bool bdrv_open_file_child(BlockDriverState *parent, BlockdevRef *ref,
                          Error **errp)
{
    BlockDriverState *bs;

    if (ref->type == QAPI_KIND_STRING) {
        bs = bdrv_find_node(ref->u.reference);
        if (!bs) {
            error_setg(errp, "Cannot find device='' nor node-name='%s'",
                       ref->u.reference);
            return false;
        }
        bdrv_ref(bs);
    } else {
        BlockdevOptions *o = &ref->u.definition;

        /* What is not given is the parent's. */
        if (!o->has_read_only) {
            o->has_read_only = true;
            o->read_only = parent->read_only;
        }
        if (!o->has_discard && parent->discard_unmap) {
            o->has_discard = true;
            o->discard = BLOCKDEV_DISCARD_OPTIONS_UNMAP;
        }
        bs = bdrv_open(o, errp);
        if (!bs) {
            return false;
        }
    }
    parent->file = bdrv_attach_child(parent, NULL, bs, "file", BDRV_CHILD_DATA |
                                     BDRV_CHILD_PRIMARY,
                                     BLK_PERM_CONSISTENT_READ, BLK_PERM_ALL,
                                     errp);
    return parent->file != NULL;
}

/* ---- Nodes ---- */

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

static char *choose_node_name(const char *given, Error **errp)
{
    static unsigned next;
    char *name = NULL;

    if (!given) {
        do {
            g_free(name);
            name = g_strdup_printf("#block%03u", next++);
        } while (bdrv_find_node(name));
        return name;
    }
    if (!id_wellformed(given)) {
        error_setg(errp, "Invalid node-name: '%s'", given);
        return NULL;
    }
    if (strlen(given) > 31) {
        error_setg(errp, "Node name too long");
        return NULL;
    }
    if (bdrv_find_node(given) || blk_find(given)) {
        error_setg(errp, "Duplicate nodes with node-name='%s'", given);
        return NULL;
    }
    return g_strdup(given);
}

static void set_common_options(BlockDriverState *bs, const BlockdevOptions *o)
{
    bs->read_only = o->has_read_only && o->read_only;
    bs->auto_read_only = o->has_auto_read_only && o->auto_read_only;
    bs->force_share = o->has_force_share && o->force_share;
    bs->discard_unmap = o->has_discard &&
                        o->discard == BLOCKDEV_DISCARD_OPTIONS_UNMAP;
    if (o->cache) {
        bs->direct = o->cache->has_direct && o->cache->direct;
        bs->no_flush = o->cache->has_no_flush && o->cache->no_flush;
    }
    bs->detect_zeroes = o->has_detect_zeroes ? o->detect_zeroes :
                        BLOCKDEV_DETECT_ZEROES_OPTIONS_OFF;
}

static void bdrv_delete(BlockDriverState *bs)
{
    BdrvChild *c;

    if (bs->drv->close && bs->opaque) {
        bs->drv->close(bs);
    }
    while ((c = LIST_FIRST(&bs->children))) {
        bdrv_detach_child(c);
    }
    if (TAILQ_IS_LINKED(bs, next)) {
        TAILQ_REMOVE_CLEAR(&bdrv_nodes, bs, next);
    }
    g_free(bs->opaque);
    g_free(bs->node_name);
    g_free(bs->filename);
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

static void refresh_limits(BlockDriverState *bs)
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

static bool check_force_share(const BlockDriverState *bs, Error **errp)
{
    if (bs->force_share && !bs->read_only) {
        error_setg(errp, "force-share=on can only be used with read-only "
                   "images");
        return false;
    }
    return true;
}

BlockDriverState *bdrv_open(BlockdevOptions *o, Error **errp)
{
    const char *name = BlockdevDriver_str(o->driver);
    const BlockDriver *drv = find_driver(name);
    BlockDriverState *bs;

    if (!drv) {
        error_setg(errp, "Unknown driver '%s'", name);
        return NULL;
    }
    bs = g_new0(BlockDriverState, 1);
    bs->refcnt = 1;
    bs->drv = drv;
    bs->ctx = main_context();
    LIST_INIT(&bs->children);
    LIST_INIT(&bs->parents);
    co_rwlock_init(&bs->write_lock);
    set_common_options(bs, o);
    bs->node_name = choose_node_name(o->node_name, errp);
    if (!bs->node_name || !check_force_share(bs, errp)) {
        goto err_delete;
    }
    bs->opaque = g_malloc0(MAX(drv->instance_size, 1));
    if (!drv->open(bs, o, errp)) {
        g_clear_pointer(&bs->opaque, g_free);
        goto err_delete;
    }
    bs->total_bytes = drv->get_length(bs);
    if (bs->total_bytes < 0) {
        error_setg_errno(errp, -bs->total_bytes, "cannot get the size of '%s'",
                         bs->filename ? bs->filename : bs->node_name);
        goto err_delete;
    }
    refresh_limits(bs);
    TAILQ_INSERT_TAIL(&bdrv_nodes, bs, next);
    return bs;

err_delete:
    bdrv_delete(bs);
    return NULL;
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

void bdrv_set_aio_context(BlockDriverState *bs, AioContext *ctx)
{
    BdrvChild *c;

    bs->ctx = ctx;
    LIST_FOREACH(c, &bs->children, next_child) {
        bdrv_set_aio_context(c->bs, ctx);
    }
}

/* ---- All nodes ---- */

static bool any_in_flight(void)
{
    BlockDriverState *bs;

    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        if (__atomic_load_n(&bs->in_flight, __ATOMIC_ACQUIRE)) {
            return true;
        }
    }
    return false;
}

static void drained_all(bool begin)
{
    BlockBackend *blk;

    TAILQ_FOREACH(blk, &blk_backends, next) {
        if (!blk->ops) {
            continue;
        }
        if (begin && blk->ops->drained_begin) {
            blk->ops->drained_begin(blk->ops_opaque);
        } else if (!begin && blk->ops->drained_end) {
            blk->ops->drained_end(blk->ops_opaque);
        }
    }
}

void bdrv_drain_all_begin(void)
{
    drained_all(true);
    AIO_WAIT_WHILE(NULL, any_in_flight());
}

void bdrv_drain_all_end(void)
{
    drained_all(false);
}

void bdrv_drain_all(void)
{
    bdrv_drain_all_begin();
    bdrv_drain_all_end();
}

static int coroutine_fn flush_co(void *opaque)
{
    return bdrv_co_flush(opaque);
}

int bdrv_flush_all(void)
{
    BlockDriverState *bs;
    int result = 0;

    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        int ret = bs->read_only ? 0 : bdrv_run(bs->ctx, flush_co, bs);

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
}
