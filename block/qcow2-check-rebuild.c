/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A new refcount table with new blocks, in clusters that nothing refers to.
 * The header switches to it when all of it is on the disk; until then the old
 * ones stay as they were: their clusters are not taken.
 */
#include "util/osdep.h"
#include "qcow2-check-internal.h"

typedef struct Rebuild {
    Qcow2Check *c;
    GHashTable *blocks;             /* index of a block to its cluster */
    GQueue todo;                    /* indices without a cluster yet */
    uint64_t next_free;
    uint64_t table, table_clusters;
    uint64_t max_index;
} Rebuild;

static void need_block(Rebuild *b, uint64_t cluster)
{
    Qcow2State *s = b->c->bs->opaque;
    gpointer i = (gpointer)(cluster >> s->refblock_bits);

    if (!g_hash_table_contains(b->blocks, i)) {
        g_hash_table_insert(b->blocks, i, NULL);
        g_queue_push_tail(&b->todo, i);
        b->max_index = MAX(b->max_index, (uint64_t)i);
    }
}

/* The first run of @n clusters without a reference. */
static int take(Rebuild *b, uint64_t n, uint64_t *first)
{
    Qcow2State *s = b->c->bs->opaque;
    uint64_t limit = QCOW2_OFFSET_MASK >> s->cluster_bits;
    uint64_t run = 0, at = b->next_free;
    int ret = 0;

    for (; run < n && at < limit; at++) {
        run = qcow2_counts_get(&b->c->counts, at) ? 0 : run + 1;
    }
    if (run < n) {
        return -EFBIG;
    }
    *first = at - n;
    if (n == 1) {
        b->next_free = at;
    }
    for (uint64_t i = *first; i < at && ret >= 0; i++) {
        ret = qcow2_counts_add(&b->c->counts, i, 1);
        need_block(b, i);
    }
    return ret;
}

static int place_blocks(Rebuild *b)
{
    int ret = 0;

    while (ret >= 0 && !g_queue_is_empty(&b->todo)) {
        gpointer i = g_queue_pop_head(&b->todo);
        uint64_t cluster;

        ret = take(b, 1, &cluster);
        if (ret >= 0) {
            g_hash_table_insert(b->blocks, i, (gpointer)cluster);
        }
    }
    return ret;
}

/* Each may need more of the other: until both fit. */
static int place_all(Rebuild *b)
{
    Qcow2State *s = b->c->bs->opaque;
    uint64_t per_cluster = s->cluster_bytes / 8;
    int ret = place_blocks(b);

    while (ret >= 0) {
        uint64_t n = b->max_index / per_cluster + 1;

        if (n <= b->table_clusters) {
            return 0;
        }
        if (n << s->cluster_bits > QCOW2_MAX_REFTABLE_BYTES) {
            return -EFBIG;
        }
        for (uint64_t i = 0; i < b->table_clusters; i++) {
            qcow2_counts_add(&b->c->counts, b->table + i, -1);
        }
        b->table_clusters = n;
        ret = take(b, n, &b->table);
        ret = ret < 0 ? ret : place_blocks(b);
    }
    return ret;
}

static void collect_needed(Rebuild *b)
{
    Qcow2Counts *n = &b->c->counts;
    GList *pages = g_hash_table_get_keys(n->pages);

    for (GList *l = pages; l; l = l->next) {
        uint64_t first = (uint64_t)l->data << QCOW2_CHECK_PAGE_BITS;

        for (uint64_t i = 0; i < 1u << QCOW2_CHECK_PAGE_BITS; i++) {
            if (qcow2_counts_get(n, first + i)) {
                need_block(b, first + i);
            }
        }
    }
    g_list_free(pages);
}

static int coroutine_fn write_blocks(Rebuild *b, uint8_t *table)
{
    BlockDriverState *bs = b->c->bs;
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *block = g_try_malloc(s->cluster_bytes);
    uint64_t per_block = 1ULL << s->refblock_bits;
    GHashTableIter it;
    gpointer key, value;
    int ret = block ? 0 : -ENOMEM;

    g_hash_table_iter_init(&it, b->blocks);
    while (ret >= 0 && g_hash_table_iter_next(&it, &key, &value)) {
        uint64_t first = (uint64_t)key << s->refblock_bits;

        memset(block, 0, s->cluster_bytes);
        for (uint64_t i = 0; i < per_block; i++) {
            uint64_t count = qcow2_counts_get(&b->c->counts, first + i);

            if (count) {
                qcow2_count_write(s, block, i, count);
            }
        }
        put_be64(table + (uint64_t)key * 8,
                 (uint64_t)value << s->cluster_bits);
        ret = bdrv_co_pwrite(bs->file->bs, (uint64_t)value << s->cluster_bits,
                             block, s->cluster_bytes, 0);
    }
    return ret;
}

static int coroutine_fn switch_to(Rebuild *b, const uint8_t *table)
{
    BlockDriverState *bs = b->c->bs;
    Qcow2State *s = bs->opaque;
    uint64_t bytes = b->table_clusters << s->cluster_bits;
    uint64_t old = s->reftable_offset;
    uint32_t old_clusters = s->reftable_clusters;
    uint64_t *entries = g_try_new(uint64_t, bytes / 8);
    int ret = !entries ? -ENOMEM :
              bdrv_co_pwrite(bs->file->bs, b->table << s->cluster_bits, table,
                             bytes, 0);

    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret >= 0) {
        s->reftable_offset = b->table << s->cluster_bits;
        s->reftable_clusters = b->table_clusters;
        ret = qcow2_write_header(bs);
    }
    ret = ret < 0 ? ret : bdrv_co_flush(bs->file->bs);
    if (ret < 0) {
        s->reftable_offset = old;
        s->reftable_clusters = old_clusters;
        g_free(entries);
        return ret;
    }
    for (uint64_t i = 0; i < bytes / 8; i++) {
        entries[i] = get_be64(table + i * 8);
    }
    qcow2_overlap_forget(s);
    g_free(s->reftable);
    s->reftable = entries;
    s->reftable_entries = bytes / 8;
    s->reft_dirty_from = s->reft_dirty_to = 0;
    s->free_hint = 0;
    s->free_byte = 0;
    qcow2_cache_forget_all(&s->ref_cache);
    return 0;
}

static uint64_t end_of_used(Qcow2Counts *n)
{
    GList *pages = g_hash_table_get_keys(n->pages);
    uint64_t end = 0;

    for (GList *l = pages; l; l = l->next) {
        uint64_t first = (uint64_t)l->data << QCOW2_CHECK_PAGE_BITS;

        for (uint64_t i = 0; i < 1u << QCOW2_CHECK_PAGE_BITS; i++) {
            if (first + i >= end && qcow2_counts_get(n, first + i)) {
                end = first + i + 1;
            }
        }
    }
    g_list_free(pages);
    return end;
}

static void note_fixed(Qcow2Check *c)
{
    c->file_bytes = c->bs->file->bs->total_bytes;
    c->end_cluster = end_of_used(&c->counts);
    c->r->corruptions -= c->count_corruptions;
    c->r->corruptions_fixed += c->count_corruptions;
    c->r->leaks -= c->count_leaks;
    c->r->leaks_fixed += c->count_leaks;
    c->rebuild = false;
}

int coroutine_fn qcow2_check_rebuild(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    Rebuild b = { .c = c, .blocks = g_hash_table_new(NULL, NULL) };
    g_autofree uint8_t *table = NULL;
    int ret;

    qcow2_check_say(c, "Rebuilding refcount structure");
    g_queue_init(&b.todo);
    collect_needed(&b);
    ret = place_all(&b);
    if (ret >= 0) {
        qcow2_check_forget_own(c);
        table = g_try_malloc0(b.table_clusters << s->cluster_bits);
        ret = table ? write_blocks(&b, table) : -ENOMEM;
    }
    ret = ret < 0 ? ret : bdrv_co_flush(c->bs->file->bs);
    ret = ret < 0 ? ret : switch_to(&b, table);
    if (ret < 0) {
        qcow2_check_say(c, "ERROR rebuilding the refcount structure: %s",
                        g_strerror(-ret));
        c->r->check_errors++;
    } else {
        note_fixed(c);
    }
    g_queue_clear(&b.todo);
    g_hash_table_unref(b.blocks);
    return ret;
}
