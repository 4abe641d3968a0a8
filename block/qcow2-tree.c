/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that an L1 table leads to: its L2 tables and their host clusters. A
 * snapshot is one more reference to each of them, and a cluster with more than
 * one is not written in place, which its COPIED flag says. Lock held.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

/* ---- Going through it ---- */

/* Host clusters in one piece. 0 or -errno: stop. */
typedef int coroutine_fn TreeFn(BlockDriverState *bs, uint64_t offset,
                                uint64_t bytes);

typedef struct Tree {
    BlockDriverState *bs;
    TreeFn *fn;
    Qcow2Range run;                 /* not handed on yet */
    uint64_t done;                  /* pieces that were */
    uint64_t limit;                 /* pieces to do at all */
} Tree;

/* More than that is handed on at once, to keep steps short. */
#define MAX_RUN_BYTES (64 * MiB)

static int coroutine_fn tree_hand_on(Tree *t)
{
    int ret = 0;

    if (t->run.bytes && t->done < t->limit) {
        ret = t->fn(t->bs, t->run.offset, t->run.bytes);
        t->done += ret >= 0;
    }
    t->run.bytes = 0;
    return ret;
}

static int coroutine_fn tree_add(Tree *t, uint64_t offset, uint64_t bytes)
{
    int ret = 0;

    if (t->run.offset + t->run.bytes != offset ||
        t->run.bytes >= MAX_RUN_BYTES) {
        ret = tree_hand_on(t);
        t->run.offset = offset;
    }
    t->run.bytes += bytes;
    return ret;
}

/* Damage is found before anything is counted for it. */
static bool in_place_ok(const Tree *t, uint64_t offset)
{
    const Qcow2State *s = t->bs->opaque;

    return !qcow2_in_cluster(s, offset) &&
           offset < (uint64_t)t->bs->file->bs->total_bytes + s->cluster_bytes;
}

static int coroutine_fn tree_entry(Tree *t, uint64_t entry)
{
    Qcow2State *s = t->bs->opaque;
    uint64_t offset = entry & QCOW2_OFFSET_MASK, bytes = s->cluster_bytes;

    if (s->data_file != t->bs->file) {
        return 0;
    }
    if (entry & QCOW2_OFLAG_COMPRESSED) {
        uint64_t start, len;

        qcow2_compressed_range(s, entry, &start, &len);
        offset = qcow2_cluster_start(s, start);
        bytes = qcow2_clusters(s, start + len - offset) << s->cluster_bits;
    }
    if (!offset) {
        return 0;
    }
    if (!in_place_ok(t, offset)) {
        qcow2_signal_corruption(t->bs, 0, 0, "cluster offset 0x%" PRIx64
                                " of an L2 table unaligned or out of range",
                                offset);
        return -EIO;
    }
    return tree_add(t, offset, bytes);
}

static int coroutine_fn tree_l2(Tree *t, uint64_t l2_offset)
{
    Qcow2State *s = t->bs->opaque;
    int ret = tree_add(t, l2_offset, s->cluster_bytes);

    for (unsigned at = 0; at < s->cluster_bytes && ret >= 0;
         at += s->l2_cache.table_bytes) {
        Qcow2Table *slice;

        ret = qcow2_cache_get(t->bs, &s->l2_cache, l2_offset + at, false,
                              &slice);
        if (ret < 0) {
            return ret;
        }
        for (unsigned i = 0; i < s->l2_slice_entries && ret >= 0; i++) {
            ret = tree_entry(t, get_be64(slice->data + i * s->l2_entry_bytes));
        }
        qcow2_cache_put(slice);
    }
    return ret;
}

static int coroutine_fn tree_walk(Tree *t, const uint64_t *l1, uint32_t entries)
{
    int ret = 0;

    for (uint32_t i = 0; i < entries && ret >= 0; i++) {
        uint64_t offset = l1[i] & QCOW2_OFFSET_MASK;

        if (!offset || t->done >= t->limit) {
            continue;
        }
        if (!in_place_ok(t, offset)) {
            qcow2_signal_corruption(t->bs, offset, 0, "L2 table offset 0x%"
                                    PRIx64 " unaligned or out of range "
                                    "(L1 index: 0x%x)", offset, i);
            return -EIO;
        }
        ret = tree_l2(t, offset);
    }
    return ret < 0 ? ret : tree_hand_on(t);
}

/* ---- Counts ---- */

static int coroutine_fn count_up(BlockDriverState *bs, uint64_t offset,
                                 uint64_t bytes)
{
    return qcow2_add_refcount(bs, offset, bytes, 1);
}

static int coroutine_fn count_down(BlockDriverState *bs, uint64_t offset,
                                   uint64_t bytes)
{
    qcow2_free_later(bs, offset, bytes);
    return 0;
}

int coroutine_fn qcow2_tree_raise(BlockDriverState *bs, const uint64_t *l1,
                                  uint32_t entries)
{
    Tree t = { .bs = bs, .fn = count_up, .limit = UINT64_MAX };
    int ret = tree_walk(&t, l1, entries);

    if (ret < 0) {
        /* The same pieces come in the same order. */
        Tree back = { .bs = bs, .fn = count_down, .limit = t.done };

        tree_walk(&back, l1, entries);
    }
    return ret;
}

int coroutine_fn qcow2_tree_free(BlockDriverState *bs, const uint64_t *l1,
                                 uint32_t entries)
{
    Qcow2State *s = bs->opaque;
    Tree t = { .bs = bs, .fn = count_down, .limit = UINT64_MAX };
    int ret;

    s->freeing = QCOW2_FREED_SNAPSHOT;
    ret = tree_walk(&t, l1, entries);
    s->freeing = QCOW2_FREED_OTHER;
    return ret;
}

/* ---- Flags ---- */

static int coroutine_fn right_flag(BlockDriverState *bs, uint64_t *entry)
{
    Qcow2State *s = bs->opaque;
    uint64_t count;
    int ret = qcow2_get_refcount(bs, (*entry & QCOW2_OFFSET_MASK) >>
                                 s->cluster_bits, &count);

    if (ret >= 0) {
        *entry = count == 1 ? *entry | QCOW2_OFLAG_COPIED :
                              *entry & ~QCOW2_OFLAG_COPIED;
    }
    return ret;
}

static int coroutine_fn slice_flags(BlockDriverState *bs, Qcow2Table *slice)
{
    Qcow2State *s = bs->opaque;
    int ret = 0;

    for (unsigned i = 0; i < s->l2_slice_entries && ret >= 0; i++) {
        uint8_t *at = slice->data + i * s->l2_entry_bytes;
        uint64_t entry = get_be64(at), old = entry;

        if ((entry & QCOW2_OFLAG_COMPRESSED) ||
            !(entry & QCOW2_OFFSET_MASK)) {
            continue;
        }
        ret = right_flag(bs, &entry);
        if (ret >= 0 && entry != old) {
            put_be64(at, entry);
            qcow2_cache_dirty(&s->l2_cache, slice);
        }
    }
    return ret;
}

int coroutine_fn qcow2_tree_flags(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = 0;

    for (uint32_t i = 0; i < s->l1_size && ret >= 0; i++) {
        uint64_t entry = s->l1[i], offset = entry & QCOW2_OFFSET_MASK;

        ret = offset ? right_flag(bs, &entry) : 0;
        if (ret >= 0 && entry != s->l1[i]) {
            qcow2_l1_set(s, i, entry);
        }
        for (unsigned at = 0; offset && ret >= 0 && at < s->cluster_bytes;
             at += s->l2_cache.table_bytes) {
            Qcow2Table *slice;

            ret = qcow2_cache_get(bs, &s->l2_cache, offset + at, false,
                                  &slice);
            if (ret >= 0) {
                ret = slice_flags(bs, slice);
                qcow2_cache_put(slice);
            }
        }
    }
    return ret;
}

/* ---- Zeros ---- */

static int coroutine_fn l2_has_zeros(BlockDriverState *bs, uint64_t offset)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *table = g_try_malloc(s->cluster_bytes);
    int ret = !table ? -ENOMEM : bdrv_co_pread(bs->file->bs, offset, table,
                                               s->cluster_bytes);

    for (unsigned i = 0; ret >= 0 && i < s->cluster_bytes;
         i += s->l2_entry_bytes) {
        uint64_t entry = get_be64(table + i);

        if (!(entry & QCOW2_OFLAG_COMPRESSED) && (entry & QCOW2_OFLAG_ZERO)) {
            return 1;
        }
    }
    return ret;
}

int coroutine_fn qcow2_tree_has_zeros(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = 0;

    for (guint i = 0; i < s->snapshots->len && ret == 0; i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);
        uint64_t bytes = sn->l1_size * 8ULL;
        g_autofree uint8_t *l1 = NULL;

        if (!qcow2_l1_valid(s, sn->l1_offset, sn->l1_size)) {
            return -EIO;
        }
        l1 = g_try_malloc(bytes + 1);
        ret = l1 ? bdrv_co_pread(bs->file->bs, sn->l1_offset, l1, bytes) :
                   -ENOMEM;
        for (uint32_t j = 0; ret == 0 && j < sn->l1_size; j++) {
            uint64_t offset = get_be64(l1 + j * 8ULL) & QCOW2_OFFSET_MASK;

            ret = offset ? l2_has_zeros(bs, offset) : 0;
        }
    }
    return ret;
}
