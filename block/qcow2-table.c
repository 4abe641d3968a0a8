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
    return c->tables != NULL;
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

static void forget(Qcow2Cache *c, Qcow2Table *t)
{
    if (t->offset) {
        g_hash_table_remove(c->by_offset, &t->offset);
    }
    c->num_dirty -= t->dirty;
    t->offset = 0;
    t->dirty = false;
}

/* Free ones first, then clean ones, then the oldest. */
static Qcow2Table *find_victim(Qcow2Cache *c)
{
    Qcow2Table *best = NULL;

    for (unsigned i = 0; i < c->num_tables; i++) {
        Qcow2Table *t = &c->tables[i];

        if (t->pins) {
            continue;
        }
        if (!t->offset) {
            return t;
        }
        if (!best || t->used < best->used) {
            best = t;
        }
    }
    return best;
}

static int coroutine_fn make_room(BlockDriverState *bs, Qcow2Cache *c,
                                  Qcow2Table **t)
{
    Qcow2State *s = bs->opaque;

    *t = find_victim(c);
    if (!*t) {
        return -ENOBUFS;
    }
    if ((*t)->dirty) {
        int ret = c == &s->ref_cache ? qcow2_write_counts(bs) :
                                       qcow2_write_tables(bs);

        if (ret < 0) {
            return ret;
        }
    }
    forget(c, *t);
    if (!(*t)->data) {
        (*t)->data = aligned_alloc(4096, ROUND_UP(c->table_bytes, 4096));
    }
    return (*t)->data ? 0 : -ENOMEM;
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
        ret = fresh ? 0 : bdrv_co_pread(bs->file->bs, offset, (*t)->data,
                                        c->table_bytes);
        if (ret < 0) {
            return ret;
        }
        (*t)->offset = offset;
        g_hash_table_insert(c->by_offset, &(*t)->offset, *t);
    }
    if (fresh) {
        memset((*t)->data, 0, c->table_bytes);
    }
    (*t)->used = ++c->clock;
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
    c->num_dirty += !t->dirty;
    t->dirty = true;
}

void qcow2_cache_drop(Qcow2Cache *c, uint64_t offset, uint64_t bytes)
{
    for (unsigned i = 0; i < c->num_tables; i++) {
        Qcow2Table *t = &c->tables[i];

        if (t->offset >= offset && t->offset - offset < bytes && t->offset) {
            forget(c, t);
        }
    }
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
    g_autoptr(GPtrArray) dirty = g_ptr_array_new();
    int ret = 0;

    for (unsigned i = 0; c->num_dirty && i < c->num_tables; i++) {
        if (c->tables[i].dirty) {
            g_ptr_array_add(dirty, &c->tables[i]);
        }
    }
    if (dirty->len > 1) {
        qsort(dirty->pdata, dirty->len, sizeof(void *), by_offset);
    }
    for (guint i = 0; i < dirty->len && ret >= 0; i++) {
        Qcow2Table *t = g_ptr_array_index(dirty, i);

        ret = bdrv_co_pwrite(bs->file->bs, t->offset, t->data, c->table_bytes,
                             0);
        if (ret >= 0) {
            t->dirty = false;
            c->num_dirty--;
        }
    }
    return ret;
}
