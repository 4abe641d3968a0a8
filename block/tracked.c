/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests in flight, and those that must be alone.
 *
 * Every request of a node is on its list. A serialising one has the blocks it
 * touches to itself: it waits for those before it, and the later ones wait for
 * it. Who waits already is not waited for, so that two never wait for each
 * other. Requests of several threads share the list; the lock is never held
 * over a yield but in co_queue_wait().
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "util/main-loop.h"

void bdrv_inc_in_flight(BlockDriverState *bs)
{
    __atomic_fetch_add(&bs->in_flight, 1, __ATOMIC_SEQ_CST);
}

void bdrv_dec_in_flight(BlockDriverState *bs)
{
    if (__atomic_sub_fetch(&bs->in_flight, 1, __ATOMIC_SEQ_CST) == 0) {
        aio_wait_kick();
    }
}

void coroutine_fn bdrv_tracked_begin(BdrvTracked *r, BlockDriverState *bs,
                                     int64_t offset, int64_t bytes)
{
    *r = (BdrvTracked) { .bs = bs, .offset = offset, .bytes = bytes };
    co_queue_init(&r->waiters);
    bdrv_inc_in_flight(bs);
    co_mutex_lock(&bs->tracked_lock);
    LIST_INSERT_HEAD(&bs->tracked, r, next);
    co_mutex_unlock(&bs->tracked_lock);
}

void coroutine_fn bdrv_tracked_end(BdrvTracked *r)
{
    BlockDriverState *bs = r->bs;

    co_mutex_lock(&bs->tracked_lock);
    LIST_REMOVE(r, next);
    if (r->serialising) {
        bs->serialising--;
    }
    co_queue_restart_all(&r->waiters);
    co_mutex_unlock(&bs->tracked_lock);
    bdrv_dec_in_flight(bs);
}

static BdrvTracked *find_conflict(const BdrvTracked *self)
{
    BdrvTracked *r;

    LIST_FOREACH(r, &self->bs->tracked, next) {
        if (r != self && (r->serialising || self->serialising) &&
            !r->waiting_for && r->offset < self->offset + self->bytes &&
            self->offset < r->offset + r->bytes) {
            return r;
        }
    }
    return NULL;
}

/* The lock is held. */
static bool coroutine_fn wait_conflicts(BdrvTracked *self, bool may_wait)
{
    BdrvTracked *r;

    while ((r = find_conflict(self))) {
        if (!may_wait) {
            return false;
        }
        self->waiting_for = r;
        co_queue_wait(&r->waiters, &self->bs->tracked_lock);
        self->waiting_for = NULL;
    }
    return true;
}

void coroutine_fn bdrv_tracked_wait(BdrvTracked *self)
{
    BlockDriverState *bs = self->bs;

    co_mutex_lock(&bs->tracked_lock);
    if (bs->serialising) {
        wait_conflicts(self, true);
    }
    co_mutex_unlock(&bs->tracked_lock);
}

bool coroutine_fn bdrv_tracked_serialise(BdrvTracked *self, uint32_t align,
                                         bool may_wait)
{
    BlockDriverState *bs = self->bs;
    int64_t start = ROUND_DOWN(self->offset, align);
    int64_t end = ROUND_UP(self->offset + self->bytes, align);
    bool ok;

    co_mutex_lock(&bs->tracked_lock);
    self->offset = start;
    self->bytes = end - start;
    if (!self->serialising) {
        self->serialising = true;
        bs->serialising++;
    }
    ok = wait_conflicts(self, may_wait);
    co_mutex_unlock(&bs->tracked_lock);
    return ok;
}
