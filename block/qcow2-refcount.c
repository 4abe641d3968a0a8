/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference counts of host clusters ("Host cluster management" in the
 * specification), and with them the allocation of clusters.
 *
 * Counts go up at once, in memory. They go down later (qcow2_free_later), when
 * no table on the disk uses the cluster any more. A refcount block that is
 * missing is made at the first free cluster that it would describe, so it
 * counts itself. Lock held throughout.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

/* ---- Counts in a block ---- */

uint64_t qcow2_count_read(const Qcow2State *s, const uint8_t *block,
                          uint64_t index)
{
    unsigned bits = s->refcount_bits;

    switch (bits) {
    case 64:
        return get_be64(block + index * 8);
    case 32:
        return get_be32(block + index * 4);
    case 16:
        return get_be16(block + index * 2);
    default:
        /* The first counts are in the low bits of a byte. */
        return (block[index * bits / 8] >> (index * bits % 8)) &
               ((1u << bits) - 1);
    }
}

void qcow2_count_write(const Qcow2State *s, uint8_t *block, uint64_t index,
                       uint64_t count)
{
    unsigned bits = s->refcount_bits;
    unsigned shift = index * bits % 8;
    uint8_t mask = bits < 8 ? ((1u << bits) - 1) << shift : 0xff;

    switch (bits) {
    case 64:
        put_be64(block + index * 8, count);
        break;
    case 32:
        put_be32(block + index * 4, count);
        break;
    case 16:
        put_be16(block + index * 2, count);
        break;
    default:
        block[index * bits / 8] = (block[index * bits / 8] & ~mask) |
                                  (uint8_t)(count << shift);
    }
}

/* ---- The table ---- */

typedef struct ReadReftable {
    BlockDriverState *bs;
    uint8_t *buf;
    uint64_t bytes;
} ReadReftable;

static int coroutine_fn read_reftable_co(void *opaque)
{
    ReadReftable *r = opaque;
    Qcow2State *s = r->bs->opaque;

    qcow2_event(r->bs, BLKDEBUG_EVENT_REFTABLE_LOAD);
    return bdrv_co_pread(r->bs->file->bs, s->reftable_offset, r->buf,
                         r->bytes);
}

bool qcow2_read_reftable(BlockDriverState *bs, Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t bytes = (uint64_t)s->reftable_clusters << s->cluster_bits;
    g_autofree uint8_t *buf = g_try_malloc(bytes);
    ReadReftable read = { bs, buf, bytes };
    int ret;

    s->reftable_entries = bytes / 8;
    s->reftable = g_try_new(uint64_t, s->reftable_entries);
    if (!buf || !s->reftable) {
        error_setg(errp, "Could not allocate %" PRIu64 " bytes for the "
                   "refcount table", bytes);
        return false;
    }
    ret = bdrv_run(bs->ctx, read_reftable_co, &read);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not read the refcount table");
        return false;
    }
    for (uint64_t i = 0; i < s->reftable_entries; i++) {
        s->reftable[i] = get_be64(buf + i * 8);
    }
    return true;
}

static void reftable_set(Qcow2State *s, uint64_t i, uint64_t offset)
{
    bool clean = s->reft_dirty_from == s->reft_dirty_to;

    qcow2_overlap_moved(s, QCOW2_OL_REFCOUNT_BLOCK, s->reftable[i], offset);
    s->reftable[i] = offset;
    s->reft_dirty_from = clean ? i : MIN(s->reft_dirty_from, i);
    s->reft_dirty_to = clean ? i + 1 : MAX(s->reft_dirty_to, i + 1);
}

/* The offset of the block for @cluster; 0: there is none. */
static int block_offset(BlockDriverState *bs, uint64_t cluster,
                        uint64_t *offset)
{
    Qcow2State *s = bs->opaque;
    uint64_t i = cluster >> s->refblock_bits;

    *offset = i < s->reftable_entries ? s->reftable[i] : 0;
    if (*offset & QCOW2_REFT_RESERVED ||
        qcow2_in_cluster(s, *offset)) {
        qcow2_signal_corruption(bs, *offset, s->cluster_bytes,
                                "refcount block offset 0x%" PRIx64 " unaligned "
                                "(reftable index: 0x%" PRIx64 ")", *offset, i);
        return -EIO;
    }
    return 0;
}

static uint64_t index_in_block(const Qcow2State *s, uint64_t cluster)
{
    return cluster & ((1ULL << s->refblock_bits) - 1);
}

int coroutine_fn qcow2_get_refcount(BlockDriverState *bs, uint64_t cluster,
                                    uint64_t *count)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset;
    Qcow2Table *t;
    int ret = block_offset(bs, cluster, &offset);

    *count = 0;
    if (ret < 0 || !offset) {
        return ret;
    }
    ret = qcow2_cache_get(bs, &s->ref_cache, offset, false, &t);
    if (ret < 0) {
        return ret;
    }
    *count = qcow2_count_read(s, t->data, index_in_block(s, cluster));
    qcow2_cache_put(t);
    return 0;
}

/* ---- A larger table ---- */

typedef struct NewTable {
    uint64_t first;                 /* cluster: blocks, then the table */
    uint64_t num_blocks, table_clusters, entries;
} NewTable;

/* Room for @cluster and, behind what the old table covers, for itself. */
static bool plan_table(const Qcow2State *s, uint64_t cluster, NewTable *n)
{
    uint64_t per_block = 1ULL << s->refblock_bits;
    uint64_t per_cluster = s->cluster_bytes / 8;
    uint64_t covered = s->reftable_entries << s->refblock_bits;
    uint64_t end;

    n->first = MAX(covered, cluster);
    for (n->num_blocks = 1;; n->num_blocks++) {
        n->entries = (n->first >> s->refblock_bits) + n->num_blocks;
        n->entries = MAX(n->entries, s->reftable_entries * 3 / 2);
        n->table_clusters = DIV_ROUND_UP(n->entries, per_cluster);
        n->entries = n->table_clusters * per_cluster;
        end = n->first + n->num_blocks + n->table_clusters;
        if (n->entries > QCOW2_MAX_REFTABLE_BYTES / 8) {
            return false;
        }
        if (end <= ((n->first >> s->refblock_bits) + n->num_blocks) *
            per_block) {
            return true;
        }
    }
}

static int coroutine_fn write_new_blocks(BlockDriverState *bs,
                                         const NewTable *n, uint64_t *table)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *block = g_try_malloc(s->cluster_bytes);
    uint64_t end = n->first + n->num_blocks + n->table_clusters;
    uint64_t i0 = n->first >> s->refblock_bits;
    int ret = block ? 0 : -ENOMEM;

    for (uint64_t b = 0; b < n->num_blocks && ret >= 0; b++) {
        uint64_t base = (i0 + b) << s->refblock_bits;

        memset(block, 0, s->cluster_bytes);
        for (uint64_t c = MAX(base, n->first);
             c < MIN(end, base + (1ULL << s->refblock_bits)); c++) {
            qcow2_count_write(s, block, c - base, 1);
        }
        table[i0 + b] = (n->first + b) << s->cluster_bits;
        qcow2_event(bs, BLKDEBUG_EVENT_REFBLOCK_ALLOC_WRITE_BLOCKS);
        ret = bdrv_co_pwrite(bs->file->bs, table[i0 + b], block,
                             s->cluster_bytes, 0);
    }
    return ret;
}

static int coroutine_fn switch_table(BlockDriverState *bs, const NewTable *n,
                                     uint64_t *table)
{
    Qcow2State *s = bs->opaque;
    uint64_t old = s->reftable_offset;
    uint32_t old_clusters = s->reftable_clusters;
    uint64_t offset = (n->first + n->num_blocks) << s->cluster_bits;
    g_autofree uint8_t *buf = g_try_malloc(n->entries * 8);
    int ret = buf ? qcow2_write_counts(bs) : -ENOMEM;

    for (uint64_t i = 0; ret >= 0 && i < n->entries; i++) {
        put_be64(buf + i * 8, table[i]);
    }
    if (ret >= 0) {
        qcow2_event(bs, BLKDEBUG_EVENT_REFBLOCK_ALLOC_WRITE_TABLE);
        ret = bdrv_co_pwrite(bs->file->bs, offset, buf, n->entries * 8, 0);
    }
    if (ret >= 0) {
        ret = bdrv_co_flush(bs->file->bs);
    }
    if (ret < 0) {
        return ret;
    }
    s->reftable_offset = offset;
    s->reftable_clusters = n->table_clusters;
    qcow2_event(bs, BLKDEBUG_EVENT_REFBLOCK_ALLOC_SWITCH_TABLE);
    ret = qcow2_write_header(bs);
    if (ret < 0) {
        s->reftable_offset = old;
        s->reftable_clusters = old_clusters;
        return ret;
    }
    qcow2_free_later(bs, old, (uint64_t)old_clusters << s->cluster_bits);
    return 0;
}

static int coroutine_fn grow_table(BlockDriverState *bs, uint64_t cluster)
{
    Qcow2State *s = bs->opaque;
    uint64_t *table;
    NewTable n;
    int ret;

    qcow2_event(bs, BLKDEBUG_EVENT_REFTABLE_GROW);
    if (!plan_table(s, cluster, &n)) {
        return -EFBIG;
    }
    ret = qcow2_overlap_check(bs, 0, n.first << s->cluster_bits,
                              (n.num_blocks + n.table_clusters) <<
                              s->cluster_bits);
    if (ret < 0) {
        return ret;
    }
    table = g_try_new0(uint64_t, n.entries);
    if (!table) {
        return -ENOMEM;
    }
    memcpy(table, s->reftable, s->reftable_entries * 8);
    ret = write_new_blocks(bs, &n, table);
    if (ret >= 0) {
        ret = switch_table(bs, &n, table);
    }
    if (ret < 0) {
        g_free(table);
        return ret;
    }
    qcow2_overlap_forget(s);
    g_free(s->reftable);
    s->reftable = table;
    s->reftable_entries = n.entries;
    return 0;
}

/* ---- Blocks ---- */

/* A block for the counts around @cluster, in the free cluster @home. */
static int coroutine_fn place_block(BlockDriverState *bs, uint64_t cluster,
                                    uint64_t home)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset = home << s->cluster_bits;
    Qcow2Table *t;
    int ret;

    if (!home) {
        qcow2_signal_corruption(bs, 0, 0, "Preventing invalid allocation of "
                                "refcount block at offset 0");
        return -EIO;
    }
    ret = qcow2_overlap_check(bs, 0, offset, s->cluster_bytes);
    ret = ret < 0 ? ret :
          qcow2_cache_get(bs, &s->ref_cache, offset, true, &t);
    if (ret < 0) {
        return ret;
    }
    if (home == cluster) {
        qcow2_count_write(s, t->data, index_in_block(s, cluster), 1);
    }
    qcow2_cache_dirty(&s->ref_cache, t);
    qcow2_event(bs, BLKDEBUG_EVENT_REFBLOCK_ALLOC_WRITE);
    qcow2_cache_put(t);
    reftable_set(s, cluster >> s->refblock_bits, offset);
    return 0;
}

/* A block for @cluster, which nobody uses, in that very cluster. */
static int coroutine_fn new_block(BlockDriverState *bs, uint64_t cluster)
{
    Qcow2State *s = bs->opaque;

    qcow2_event(bs, BLKDEBUG_EVENT_REFBLOCK_ALLOC);
    return cluster >> s->refblock_bits >= s->reftable_entries ?
           grow_table(bs, cluster) : place_block(bs, cluster, cluster);
}

/* The block for @cluster, pinned. When there is none it is made, or without
 * @make the error is -EINVAL. */
static int coroutine_fn get_block(BlockDriverState *bs, uint64_t cluster,
                                  bool make, Qcow2Table **t)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset;
    int ret = block_offset(bs, cluster, &offset);

    if (ret >= 0 && !offset && !make) {
        return -EINVAL;
    }
    while (ret >= 0 && !offset) {
        ret = new_block(bs, cluster);
        if (ret >= 0) {
            ret = block_offset(bs, cluster, &offset);
        }
    }
    return ret < 0 ? ret :
           qcow2_cache_get(bs, &s->ref_cache, offset, false, t);
}

/* -EINVAL: the count cannot go there. */
static int coroutine_fn change_one(BlockDriverState *bs, uint64_t cluster,
                                   int add, bool apply)
{
    Qcow2State *s = bs->opaque;
    uint64_t count, index = index_in_block(s, cluster);
    Qcow2Table *t;
    int ret = get_block(bs, cluster, add > 0, &t);

    if (ret < 0) {
        return ret;
    }
    count = qcow2_count_read(s, t->data, index);
    if (add > 0 ? count >= s->refcount_max : count == 0) {
        ret = -EINVAL;
    } else if (apply) {
        qcow2_count_write(s, t->data, index, count + add);
        qcow2_cache_dirty(&s->ref_cache, t);
    }
    qcow2_cache_put(t);
    return ret;
}

int coroutine_fn qcow2_add_refcount(BlockDriverState *bs, uint64_t offset,
                                    uint64_t bytes, int add)
{
    Qcow2State *s = bs->opaque;
    uint64_t first = offset >> s->cluster_bits;
    uint64_t end = first + qcow2_clusters(s, bytes);
    int ret = 0;

    for (int apply = 0; apply < 2; apply++) {
        for (uint64_t c = first; c < end && ret >= 0; c++) {
            ret = change_one(bs, c, add, apply);
        }
    }
    return ret;
}

/*
 * A run of free clusters comes to @c, which no block counts yet, and is too
 * short: the block takes the first of them, where it would be in the way at @c.
 */
static int coroutine_fn extend_run(BlockDriverState *bs, uint64_t c,
                                   uint64_t *first, uint64_t *n)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset;
    int ret = block_offset(bs, c, &offset);

    if (ret < 0 || offset || c >> s->refblock_bits >= s->reftable_entries) {
        return ret;
    }
    ret = change_one(bs, *first, 1, true);
    ret = ret < 0 ? ret : place_block(bs, c, *first);
    ++*first;
    --*n;
    return ret;
}

/* ---- Allocation ---- */

/* A search past the end of the file: nothing that was ever allocated there and
 * not yet written is as much. Tables may say so of 2^56 bytes, in one block. */
#define PAST_END_MAX (1ULL << 26)       /* clusters */

static bool is_astray(BlockDriverState *bs, uint64_t from, uint64_t c)
{
    Qcow2State *s = bs->opaque;
    uint64_t end = qcow2_clusters(s, bs->file->bs->total_bytes);

    if (c < MAX(from, end) + PAST_END_MAX) {
        return false;
    }
    qcow2_signal_corruption(bs, end << s->cluster_bits, s->cluster_bytes,
                            "%" PRIu64 " clusters past the end of the file "
                            "count as used", c - MAX(from, end));
    return true;
}

/*
 * The first run of free clusters from @from on: at least @min, at most @max.
 * Blocks that are missing are made on the way, so that the counts of what is
 * found can be set without another allocation.
 */
static int coroutine_fn find_free(BlockDriverState *bs, uint64_t from,
                                  uint64_t min, uint64_t max, uint64_t *first,
                                  uint64_t *n)
{
    Qcow2State *s = bs->opaque;
    uint64_t limit = QCOW2_OFFSET_MASK >> s->cluster_bits;
    uint64_t c = from;

    *n = 0;
    while (c < limit) {
        uint64_t end = (c | ((1ULL << s->refblock_bits) - 1)) + 1;
        Qcow2Table *t;
        int ret = *n && *n < min ? extend_run(bs, c, first, n) : 0;

        ret = ret < 0 ? ret : get_block(bs, c, true, &t);
        if (ret < 0) {
            return ret;
        }
        for (; c < end && *n < max; c++) {
            bool free = !qcow2_count_read(s, t->data, index_in_block(s, c));

            if (!free && *n >= min) {
                break;
            }
            *n = free ? *n + 1 : 0;
            *first = free ? c + 1 - *n : *first;
        }
        qcow2_cache_put(t);
        if (*n >= max || (*n >= min && c < end)) {
            return 0;
        }
        if (is_astray(bs, from, c)) {
            return -EIO;
        }
    }
    return -EFBIG;
}

static int64_t coroutine_fn alloc_run(BlockDriverState *bs, uint64_t min,
                                      uint64_t *max)
{
    Qcow2State *s = bs->opaque;
    uint64_t first = 0, n;
    int ret;

    qcow2_event(bs, BLKDEBUG_EVENT_CLUSTER_ALLOC);
    ret = find_free(bs, s->free_hint, min, *max, &first, &n);
    if (ret < 0) {
        return ret;
    }
    ret = qcow2_add_refcount(bs, first << s->cluster_bits,
                             n << s->cluster_bits, 1);
    if (ret < 0) {
        return ret;
    }
    ret = qcow2_overlap_check(bs, 0, first << s->cluster_bits,
                              n << s->cluster_bits);
    if (ret < 0) {
        return ret;
    }
    /* Shorter holes before it stay for shorter requests. */
    if (min == 1 || first == s->free_hint) {
        s->free_hint = first + n;
    }
    *max = n;
    return first << s->cluster_bits;
}

int64_t coroutine_fn qcow2_alloc(BlockDriverState *bs, uint64_t bytes)
{
    uint64_t n = qcow2_clusters(bs->opaque, bytes);

    return alloc_run(bs, n, &n);
}

int64_t coroutine_fn qcow2_alloc_some(BlockDriverState *bs, uint64_t *bytes)
{
    Qcow2State *s = bs->opaque;
    uint64_t n = qcow2_clusters(s, *bytes);
    int64_t offset = alloc_run(bs, 1, &n);

    *bytes = n << s->cluster_bits;
    return offset;
}

/* ---- Freeing ---- */

void qcow2_free_later(BlockDriverState *bs, uint64_t offset, uint64_t bytes)
{
    Qcow2State *s = bs->opaque;
    Qcow2Range r = { offset, bytes, s->freeing };
    Qcow2Range *last = s->pending_free->len ?
        &g_array_index(s->pending_free, Qcow2Range, s->pending_free->len - 1) :
        NULL;

    if (last && last->offset + last->bytes == offset &&
        last->freed == s->freeing) {
        last->bytes += bytes;
    } else {
        g_array_append_val(s->pending_free, r);
    }
}

/* Clusters whose counts are 0 now: *@run grows, or goes and starts anew. */
static void coroutine_fn flush_run(BlockDriverState *bs, Qcow2Range *run)
{
    Qcow2State *s = bs->opaque;
    uint64_t first = run->offset >> s->cluster_bits;
    uint64_t end = (run->offset + run->bytes) >> s->cluster_bits;
    uint64_t byte_cluster = s->free_byte >> s->cluster_bits;

    if (!run->bytes) {
        return;
    }
    s->free_hint = MIN(s->free_hint, first);
    if (byte_cluster >= first && byte_cluster < end) {
        s->free_byte = 0;           /* no compressed data are left in it */
    }
    qcow2_cache_drop(&s->l2_cache, run->offset, run->bytes);
    qcow2_cache_drop(&s->ref_cache, run->offset, run->bytes);
    qcow2_forget_unpacked(s);
    if (s->pass_discard[run->freed]) {
        bdrv_co_pdiscard(bs->file->bs, run->offset, run->bytes);
    }
    run->bytes = 0;
}

static int coroutine_fn free_one(BlockDriverState *bs, uint64_t offset,
                                 Qcow2Freed freed, Qcow2Range *run)
{
    Qcow2State *s = bs->opaque;
    uint64_t count, cluster = offset >> s->cluster_bits;
    int ret = change_one(bs, cluster, -1, true);

    if (ret == -EINVAL) {
        qcow2_signal_corruption(bs, offset, s->cluster_bytes, "the count of "
                                "host cluster 0x%" PRIx64 " is 0 and cannot "
                                "go down", offset);
        return -EIO;
    }
    if (ret >= 0) {
        ret = qcow2_get_refcount(bs, cluster, &count);
    }
    if (ret < 0 || count) {
        return ret;
    }
    if (run->offset + run->bytes != offset || run->freed != freed) {
        flush_run(bs, run);
        run->offset = offset;
        run->freed = freed;
    }
    run->bytes += s->cluster_bytes;
    return 0;
}

int coroutine_fn qcow2_apply_frees(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    g_autoptr(GArray) now = s->pending_free;
    Qcow2Range run = { 0 };
    int result = 0;

    /* What is freed meanwhile is for the flush after this. */
    s->pending_free = g_array_new(FALSE, FALSE, sizeof(Qcow2Range));
    if (now->len) {
        qcow2_event(bs, BLKDEBUG_EVENT_CLUSTER_FREE);
    }
    for (guint i = 0; i < now->len; i++) {
        Qcow2Range r = g_array_index(now, Qcow2Range, i);

        for (uint64_t done = 0; done < r.bytes; done += s->cluster_bytes) {
            int ret = free_one(bs, r.offset + done, r.freed, &run);

            result = result ? result : ret;
        }
    }
    flush_run(bs, &run);
    return result;
}
