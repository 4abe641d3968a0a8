/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caches of L2 slices and of refcount blocks: tables as they are on the
 * disk, found by their offset; the one unused for longest makes room. Places
 * are used in order, and memory that was not used yet is only reserved, so a
 * small or idle image costs little. Lock held.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"
#include <sys/mman.h>

/* For direct I/O. */
#define TABLE_ALIGNMENT 4096

static size_t table_stride(const Qcow2Cache *c)
{
    return ROUND_UP((size_t)c->table_bytes, TABLE_ALIGNMENT);
}

bool qcow2_cache_init(Qcow2Cache *c, unsigned table_bytes,
                      unsigned num_tables)
{
    *c = (Qcow2Cache) { .table_bytes = table_bytes, .num_tables = num_tables };
    c->tables = g_try_new0(Qcow2Table, num_tables);
    c->memory = aligned_alloc(TABLE_ALIGNMENT, table_stride(c) * num_tables);
    c->by_offset = g_hash_table_new(g_int64_hash, g_int64_equal);
    TAILQ_INIT(&c->by_use);
    LIST_INIT(&c->dirty);
    LIST_INIT(&c->loads);
    return c->tables && c->memory;
}

void qcow2_cache_take(Qcow2Cache *c, Qcow2Cache *from)
{
    *c = *from;
    TAILQ_INIT(&c->by_use);
    LIST_INIT(&c->dirty);
    *from = (Qcow2Cache) { 0 };
}

void qcow2_cache_destroy(Qcow2Cache *c)
{
    free(c->memory);
    g_free(c->tables);
    g_clear_pointer(&c->by_offset, g_hash_table_unref);
    *c = (Qcow2Cache) { 0 };
}

/* Requests close to each other meet in the same table. */
static Qcow2Table *find_table(Qcow2Cache *c, uint64_t offset)
{
    Qcow2Table *t = c->found;

    if (!t || t->offset != offset) {
        t = g_hash_table_lookup(c->by_offset, &offset);
        c->found = t ? t : c->found;
    }
    return t;
}

bool qcow2_cache_has(Qcow2Cache *c, uint64_t offset)
{
    return find_table(c, offset) != NULL;
}

static void set_clean(Qcow2Table *t)
{
    if (LIST_IS_LINKED(t, dirty)) {
        LIST_REMOVE_CLEAR(t, dirty);
    }
}

/* It is the next to be used for something else. */
static void forget(Qcow2Cache *c, Qcow2Table *t)
{
    if (t->offset) {
        g_hash_table_remove(c->by_offset, &t->offset);
        TAILQ_REMOVE(&c->by_use, t, by_use);
        TAILQ_INSERT_HEAD(&c->by_use, t, by_use);
    }
    set_clean(t);
    t->offset = 0;
}

/* One that was never used, or else the one that is unused for longest. */
static Qcow2Table *find_victim(Qcow2Cache *c)
{
    Qcow2Table *t;

    if (c->num_used < c->num_tables) {
        t = &c->tables[c->num_used++];
        TAILQ_INSERT_HEAD(&c->by_use, t, by_use);
        return t;
    }
    TAILQ_FOREACH(t, &c->by_use, by_use) {
        if (!t->pins) {
            return t;
        }
    }
    return NULL;
}

/* It may have been given up in qcow2_cache_clean(). */
static void place_memory(Qcow2Cache *c, Qcow2Table *t)
{
    t->data = c->memory + (t - c->tables) * table_stride(c);
}

static int coroutine_fn make_room(BlockDriverState *bs, Qcow2Cache *c,
                                  Qcow2Table **t)
{
    Qcow2State *s = bs->opaque;

    *t = find_victim(c);
    if (!*t) {
        return -ENOBUFS;
    }
    if (LIST_IS_LINKED(*t, dirty)) {
        int ret = c == &s->ref_cache ? qcow2_write_counts(bs) :
                                       qcow2_write_tables(bs);

        if (ret < 0) {
            return ret;
        }
    }
    forget(c, *t);
    place_memory(c, *t);
    qcow2_clean_wake(s);
    return 0;
}

static void insert(Qcow2Cache *c, Qcow2Table *t, uint64_t offset)
{
    t->offset = offset;
    g_hash_table_insert(c->by_offset, &t->offset, t);
}

static void used_last(Qcow2Cache *c, Qcow2Table *t)
{
    TAILQ_REMOVE(&c->by_use, t, by_use);
    TAILQ_INSERT_TAIL(&c->by_use, t, by_use);
    t->recent = true;
}

/* Whether @n more may be borrowed: who has the lock must find some, too. */
static bool may_borrow(const Qcow2Cache *c, unsigned n)
{
    return c->num_borrowed + n + QCOW2_MIN_TABLES <= c->num_tables;
}

static Qcow2Table *borrow(Qcow2Cache *c, Qcow2Table *t)
{
    place_memory(c, t);
    t->pins++;
    c->num_borrowed++;
    return t;
}

Qcow2Table *qcow2_cache_borrow_unused(Qcow2Cache *c, unsigned n)
{
    Qcow2Table *first = &c->tables[c->num_used];

    if (!may_borrow(c, n) || c->num_tables - c->num_used < n ||
        c->table_bytes < TABLE_ALIGNMENT) {
        return NULL;
    }
    for (unsigned i = 0; i < n; i++) {
        borrow(c, find_victim(c));
    }
    return first;
}

Qcow2Table *qcow2_cache_borrow_clean(Qcow2Cache *c)
{
    Qcow2Table *t = may_borrow(c, 1) ? find_victim(c) : NULL;

    if (!t || LIST_IS_LINKED(t, dirty)) {
        return NULL;
    }
    forget(c, t);
    return borrow(c, t);
}

void qcow2_cache_give_back(Qcow2Cache *c, Qcow2Table *t, uint64_t offset)
{
    t->pins--;
    c->num_borrowed--;
    if (offset) {
        insert(c, t, offset);
        used_last(c, t);
    }
}

static int coroutine_fn read_table(BlockDriverState *bs, const Qcow2Cache *c,
                                   uint64_t offset, Qcow2Table *t)
{
    Qcow2State *s = bs->opaque;

    qcow2_event(bs, c == &s->ref_cache ? BLKDEBUG_EVENT_REFBLOCK_LOAD :
                                         BLKDEBUG_EVENT_L2_LOAD);
    return bdrv_co_pread(bs->file->bs, offset, t->data, c->table_bytes);
}

int coroutine_fn qcow2_cache_get(BlockDriverState *bs, Qcow2Cache *c,
                                 uint64_t offset, bool fresh, Qcow2Table **t)
{
    int ret;

    *t = find_table(c, offset);
    if (!*t) {
        ret = make_room(bs, c, t);
        if (ret < 0) {
            return ret;
        }
        ret = fresh ? 0 : read_table(bs, c, offset, *t);
        if (ret < 0) {
            return ret;
        }
        insert(c, *t, offset);
    }
    if (fresh) {
        c->changes++;
        memset((*t)->data, 0, c->table_bytes);
    }
    used_last(c, *t);
    (*t)->pins++;
    return 0;
}

void qcow2_cache_put(Qcow2Table *t)
{
    if (t) {
        t->pins--;
    }
}

void qcow2_cache_dirty(Qcow2Cache *c, Qcow2Table *t)
{
    if (!LIST_IS_LINKED(t, dirty)) {
        LIST_INSERT_HEAD(&c->dirty, t, dirty);
    }
}

bool qcow2_cache_is_clean(const Qcow2Cache *c)
{
    return LIST_EMPTY(&c->dirty);
}

/* By look-ups, or by a walk over what is cached if that is less. */
void qcow2_cache_drop(Qcow2Cache *c, uint64_t offset, uint64_t bytes)
{
    c->changes++;
    if (bytes / c->table_bytes > c->num_used) {
        for (unsigned i = 0; i < c->num_used; i++) {
            Qcow2Table *t = &c->tables[i];

            if (t->offset && t->offset >= offset && t->offset - offset < bytes) {
                forget(c, t);
            }
        }
        return;
    }
    for (uint64_t at = offset; at < offset + bytes; at += c->table_bytes) {
        Qcow2Table *t = find_table(c, at);

        if (t) {
            forget(c, t);
        }
    }
}

void qcow2_cache_forget_all(Qcow2Cache *c)
{
    c->changes++;
    for (unsigned i = 0; i < c->num_used; i++) {
        forget(c, &c->tables[i]);
    }
}

/* Tables [@from, @to) are empty: the whole pages among them go. */
static void release_memory(Qcow2Cache *c, unsigned from, unsigned to)
{
    uintptr_t page = sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)c->memory + from * table_stride(c);
    uintptr_t end = (uintptr_t)c->memory + to * table_stride(c);

    start = ROUND_UP(start, page);
    end = ROUND_DOWN(end, page);
    if (start < end) {
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
}

unsigned qcow2_cache_clean(Qcow2Cache *c)
{
    unsigned left = 0, empty_from = 0;

    for (unsigned i = 0; i < c->num_used; i++) {
        Qcow2Table *t = &c->tables[i];

        if (!t->recent && !t->pins && !LIST_IS_LINKED(t, dirty)) {
            forget(c, t);
            t->data = NULL;
        } else {
            release_memory(c, empty_from, i);
            empty_from = i + 1;
            left++;
        }
        t->recent = false;
    }
    release_memory(c, empty_from, c->num_used);
    if (!left) {
        /* As in the beginning: there are unused places in a row again. */
        TAILQ_INIT(&c->by_use);
        c->num_used = 0;
    }
    return left;
}

static int by_offset(const void *a, const void *b)
{
    const Qcow2Table *x = *(Qcow2Table *const *)a;
    const Qcow2Table *y = *(Qcow2Table *const *)b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* In the order of the file. */
int coroutine_fn qcow2_cache_write(BlockDriverState *bs, Qcow2Cache *c)
{
    Qcow2State *s = bs->opaque;
    unsigned own = c == &s->ref_cache ? QCOW2_OL_REFCOUNT_BLOCK :
                                        QCOW2_OL_ACTIVE_L2;
    BlkdebugEvent event = c == &s->ref_cache ?
        BLKDEBUG_EVENT_REFBLOCK_UPDATE_PART : BLKDEBUG_EVENT_L2_UPDATE;
    g_autoptr(GPtrArray) dirty = g_ptr_array_new();
    Qcow2Table *t;
    int ret = 0;

    c->changes++;
    LIST_FOREACH(t, &c->dirty, dirty) {
        g_ptr_array_add(dirty, t);
    }
    if (dirty->len > 1) {
        qsort(dirty->pdata, dirty->len, sizeof(void *), by_offset);
    }
    for (guint i = 0; i < dirty->len && ret >= 0; i++) {
        t = g_ptr_array_index(dirty, i);
        ret = qcow2_overlap_check(bs, own, t->offset, c->table_bytes);
        if (ret < 0) {
            break;
        }
        qcow2_event(bs, event);
        ret = bdrv_co_pwrite(bs->file->bs, t->offset, t->data, c->table_bytes,
                             0);
        if (ret >= 0) {
            set_clean(t);
        }
    }
    return ret;
}
