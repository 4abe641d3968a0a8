/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caches of L2 slices and of refcount blocks: tables as they are on the
 * disk, found by their offset; the one unused for longest makes room. Memory
 * is taken table by table, so a small or idle image costs little. Lock held.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

bool qcow2_cache_init(Qcow2Cache *c, unsigned table_bytes,
                      unsigned num_tables)
{
    *c = (Qcow2Cache) { .table_bytes = table_bytes, .num_tables = num_tables };
    c->tables = g_try_new0(Qcow2Table, num_tables);
    c->by_offset = g_hash_table_new(g_int64_hash, g_int64_equal);
    TAILQ_INIT(&c->by_use);
    LIST_INIT(&c->dirty);
    return c->tables != NULL;
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
    for (unsigned i = 0; c->tables && i < c->num_tables; i++) {
        free(c->tables[i].data);
    }
    g_free(c->tables);
    g_clear_pointer(&c->by_offset, g_hash_table_unref);
    *c = (Qcow2Cache) { 0 };
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
    qcow2_clean_wake(s);
    if (!(*t)->data) {
        (*t)->data = aligned_alloc(4096, ROUND_UP(c->table_bytes, 4096));
    }
    return (*t)->data ? 0 : -ENOMEM;
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

    *t = g_hash_table_lookup(c->by_offset, &offset);
    if (!*t) {
        ret = make_room(bs, c, t);
        if (ret < 0) {
            return ret;
        }
        ret = fresh ? 0 : read_table(bs, c, offset, *t);
        if (ret < 0) {
            return ret;
        }
        (*t)->offset = offset;
        g_hash_table_insert(c->by_offset, &(*t)->offset, *t);
    }
    if (fresh) {
        memset((*t)->data, 0, c->table_bytes);
    }
    TAILQ_REMOVE(&c->by_use, *t, by_use);
    TAILQ_INSERT_TAIL(&c->by_use, *t, by_use);
    (*t)->recent = true;
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
        Qcow2Table *t = g_hash_table_lookup(c->by_offset, &at);

        if (t) {
            forget(c, t);
        }
    }
}

void qcow2_cache_forget_all(Qcow2Cache *c)
{
    for (unsigned i = 0; i < c->num_used; i++) {
        forget(c, &c->tables[i]);
    }
}

unsigned qcow2_cache_clean(Qcow2Cache *c)
{
    unsigned left = 0;

    for (unsigned i = 0; i < c->num_used; i++) {
        Qcow2Table *t = &c->tables[i];

        if (t->data && !t->recent && !t->pins && !LIST_IS_LINKED(t, dirty)) {
            forget(c, t);
            g_clear_pointer(&t->data, free);
        }
        t->recent = false;
        left += t->data != NULL;
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
