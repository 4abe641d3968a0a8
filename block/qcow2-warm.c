/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L2 slices that are not in the cache, read without the lock.
 *
 * The lock is held over reads of metadata, so that requests to parts of an
 * image that were not used yet would wait for each other's slices, one by one.
 * Here a request lets the lock go while its slice is read. One that goes on
 * where another was takes along what follows in the same table, as long as that
 * takes no place in the cache from others: a longer read costs most disks little
 * more than a short one.
 *
 * What was read is thrown away when tables in the file may have changed
 * meanwhile (c->changes). Nothing depends on success: a slice that is missing
 * after this is read again with the lock held, and errors are found there.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

/* As much as most disks read in one go. */
#define AHEAD_BYTES (64 * KiB)

struct Qcow2Load {
    uint64_t from, to;              /* in the file */
    CoQueue waiters;
    LIST_ENTRY(Qcow2Load) next;
};

static Qcow2Load *find_load(const Qcow2Cache *c, uint64_t offset)
{
    Qcow2Load *load;

    LIST_FOREACH(load, &c->loads, next) {
        if (offset >= load->from && offset < load->to) {
            return load;
        }
    }
    return NULL;
}

/* Whether the slice at @offset is there, or on its way. */
static bool is_warm(Qcow2Cache *c, uint64_t offset)
{
    return qcow2_cache_has(c, offset) || find_load(c, offset);
}

/*
 * The part of the table at @l2_offset to read for the slice at @offset, and
 * places for it; NULL: none that is free or clean. A slice next to one that was
 * used takes along what comes after it, away from that one; any other comes
 * alone, as a copy of all the rest may be in vain.
 */
static Qcow2Table *choose_range(Qcow2State *s, uint64_t l2_offset,
                                uint64_t offset, Qcow2Load *load)
{
    Qcow2Cache *c = &s->l2_cache;
    uint64_t bytes = MIN(AHEAD_BYTES, (uint64_t)s->cluster_bytes);
    uint64_t from = ROUND_DOWN(offset - l2_offset, bytes) + l2_offset;
    uint64_t to = from + bytes;
    Qcow2Table *t = NULL;

    load->from = offset;
    load->to = offset + c->table_bytes;
    if (load->from > from && is_warm(c, load->from - c->table_bytes)) {
        load->to = MAX(to, load->to);
    } else if (load->to < to && is_warm(c, load->to)) {
        load->from = from;
    }
    if (load->to - load->from > c->table_bytes) {
        t = qcow2_cache_borrow_unused(c, (load->to - load->from) /
                                         c->table_bytes);
    }
    if (!t) {
        load->from = offset;
        load->to = offset + c->table_bytes;
        t = qcow2_cache_borrow_clean(c);
    }
    return t;
}

static void coroutine_fn read_unlocked(BlockDriverState *bs, Qcow2Load *load,
                                       Qcow2Table *t)
{
    Qcow2State *s = bs->opaque;
    Qcow2Cache *c = &s->l2_cache;
    uint64_t changes = c->changes, at = load->from;
    bool good;

    co_queue_init(&load->waiters);
    LIST_INSERT_HEAD(&c->loads, load, next);
    co_mutex_unlock(&s->lock);
    good = bdrv_co_pread(bs->file->bs, at, t->data, load->to - at) >= 0;
    co_mutex_lock(&s->lock);
    qcow2_clean_wake(s);
    LIST_REMOVE(load, next);
    good = good && c->changes == changes;
    for (; at < load->to; at += c->table_bytes, t++) {
        qcow2_cache_give_back(c, t, good && !qcow2_cache_has(c, at) ? at : 0);
    }
    co_queue_restart_all(&load->waiters);
}

void coroutine_fn qcow2_warm(BlockDriverState *bs, uint64_t offset)
{
    Qcow2State *s = bs->opaque;
    uint64_t l2_offset, at = qcow2_slice_offset(s, offset, &l2_offset);
    Qcow2Load load, *other;
    Qcow2Table *t;

    /* Who watches what is done step by step sees the simple way. */
    if (!at || qcow2_cache_has(&s->l2_cache, at) ||
        bs->file->bs->drv->co_debug_event) {
        return;
    }
    other = find_load(&s->l2_cache, at);
    if (other) {
        co_queue_wait(&other->waiters, &s->lock);
        return;
    }
    t = choose_range(s, l2_offset, at, &load);
    if (t) {
        read_unlocked(bs, &load, t);
    }
}
