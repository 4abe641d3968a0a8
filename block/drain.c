/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quiet times: a drained node has no request in flight and gets no new one.
 *
 * The demand goes up: the parents of a drained node are drained as well, up to
 * the BlockBackends, whose devices stop taking requests; what comes all the
 * same waits in the BlockBackend. What is in flight ends by itself. Children
 * stay at work for their other parents.
 *
 * Each edge remembers whether its parent was told, so that edges made and
 * removed within a drained section keep the counts right. Main thread, big
 * lock; the counts are read by requests of any thread.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "util/main-loop.h"

unsigned bdrv_all_drained;

static void node_quiesce(BlockDriverState *bs);
static void node_resume(BlockDriverState *bs);

void bdrv_parent_drained_begin(BdrvChild *c)
{
    if (c->quiesced) {
        return;
    }
    c->quiesced = true;
    if (c->parent) {
        node_quiesce(c->parent);
    } else {
        blk_root_drained_begin(c->blk);
    }
}

void bdrv_parent_drained_end(BdrvChild *c)
{
    if (!c->quiesced) {
        return;
    }
    c->quiesced = false;
    if (c->parent) {
        node_resume(c->parent);
    } else {
        blk_root_drained_end(c->blk);
    }
}

static void node_quiesce(BlockDriverState *bs)
{
    BdrvChild *c;

    if (__atomic_fetch_add(&bs->quiesce, 1, __ATOMIC_SEQ_CST)) {
        return;
    }
    LIST_FOREACH(c, &bs->parents, next_parent) {
        bdrv_parent_drained_begin(c);
    }
    if (bs->drv->drained_begin) {
        bs->drv->drained_begin(bs);
    }
}

static void node_resume(BlockDriverState *bs)
{
    BdrvChild *c;

    if (__atomic_sub_fetch(&bs->quiesce, 1, __ATOMIC_SEQ_CST)) {
        return;
    }
    if (bs->drv->drained_end) {
        bs->drv->drained_end(bs);
    }
    LIST_FOREACH(c, &bs->parents, next_parent) {
        bdrv_parent_drained_end(c);
    }
}

/* Whether @bs, or one of those that use it, still has something to do. */
static bool node_busy(BlockDriverState *bs)
{
    BdrvChild *c;

    if (__atomic_load_n(&bs->in_flight, __ATOMIC_SEQ_CST)) {
        return true;
    }
    LIST_FOREACH(c, &bs->parents, next_parent) {
        if (c->parent ? node_busy(c->parent) : blk_root_drained_poll(c->blk)) {
            return true;
        }
    }
    return false;
}

void bdrv_drained_begin(BlockDriverState *bs)
{
    node_quiesce(bs);
    AIO_WAIT_WHILE(NULL, node_busy(bs));
}

void bdrv_drained_end(BlockDriverState *bs)
{
    node_resume(bs);
}

/* ---- All nodes ---- */

static bool any_busy(void)
{
    BlockDriverState *bs;

    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        if (node_busy(bs)) {
            return true;
        }
    }
    return false;
}

void bdrv_drain_all_begin(void)
{
    BlockDriverState *bs;

    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        node_quiesce(bs);
    }
    bdrv_all_drained++;
    AIO_WAIT_WHILE(NULL, any_busy());
}

void bdrv_drain_all_end(void)
{
    BlockDriverState *bs;

    bdrv_all_drained--;
    TAILQ_FOREACH(bs, &bdrv_nodes, next) {
        node_resume(bs);
    }
}

void bdrv_drain_all(void)
{
    bdrv_drain_all_begin();
    bdrv_drain_all_end();
}
