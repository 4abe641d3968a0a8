/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a write go where a table is? A damaged image may say that the guest's
 * data, or a free cluster, is in the middle of its tables. Every cluster that
 * is taken, and every place that is written to again, is looked up before.
 *
 * The single tables are ranges to compare with. L2 tables and refcount blocks,
 * of which there are many, are in a hash of clusters, made from the tables in
 * memory when the first write needs it and kept up to date then. Lock held.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

static const char *const names[] = {
    "qcow2_header", "active L1 table", "active L2 table", "refcount table",
    "refcount block", "snapshot table", "inactive L1 table",
    "inactive L2 table", "bitmap directory",
};

#define OL_HASHED (QCOW2_OL_ACTIVE_L2 | QCOW2_OL_REFCOUNT_BLOCK |              \
                   QCOW2_OL_INACTIVE_L2)
#define OL_CONSTANT (QCOW2_OL_MAIN_HEADER | QCOW2_OL_ACTIVE_L1 |               \
                     QCOW2_OL_REFCOUNT_TABLE | QCOW2_OL_SNAPSHOT_TABLE |       \
                     QCOW2_OL_BITMAP_DIRECTORY)
#define OL_CACHED (OL_CONSTANT | QCOW2_OL_ACTIVE_L2 |                          \
                   QCOW2_OL_REFCOUNT_BLOCK | QCOW2_OL_INACTIVE_L1)
#define OL_ALL (OL_CACHED | QCOW2_OL_INACTIVE_L2)

/* ---- Options ---- */

static unsigned mode_mask(Qcow2OverlapCheckMode mode)
{
    static const unsigned masks[] = {
        [QCOW2_OVERLAP_CHECK_MODE_NONE] = 0,
        [QCOW2_OVERLAP_CHECK_MODE_CONSTANT] = OL_CONSTANT,
        [QCOW2_OVERLAP_CHECK_MODE_CACHED] = OL_CACHED,
        [QCOW2_OVERLAP_CHECK_MODE_ALL] = OL_ALL,
    };

    return masks[mode];
}

unsigned qcow2_overlap_mask(const Qcow2OverlapChecks *o)
{
    const Qcow2OverlapCheckFlags *f;
    unsigned mask;

    if (!o) {
        return OL_CACHED;
    }
    if (o->type == QAPI_KIND_STRING) {
        return mode_mask(o->u.mode);
    }
    f = &o->u.flags;
    mask = f->has_template ? mode_mask(f->template) : OL_CACHED;
#define ONE(member, bit)                                                       \
    if (f->has_##member) {                                                     \
        mask = f->member ? mask | (bit) : mask & ~(unsigned)(bit);             \
    }
    ONE(main_header, QCOW2_OL_MAIN_HEADER)
    ONE(active_l1, QCOW2_OL_ACTIVE_L1)
    ONE(active_l2, QCOW2_OL_ACTIVE_L2)
    ONE(refcount_table, QCOW2_OL_REFCOUNT_TABLE)
    ONE(refcount_block, QCOW2_OL_REFCOUNT_BLOCK)
    ONE(snapshot_table, QCOW2_OL_SNAPSHOT_TABLE)
    ONE(inactive_l1, QCOW2_OL_INACTIVE_L1)
    ONE(inactive_l2, QCOW2_OL_INACTIVE_L2)
    ONE(bitmap_directory, QCOW2_OL_BITMAP_DIRECTORY)
#undef ONE
    return mask;
}

/* ---- The hash ---- */

static void hash_change(Qcow2State *s, uint64_t offset, unsigned set,
                        unsigned clear)
{
    gpointer key = (gpointer)(offset >> s->cluster_bits);
    uintptr_t bits = (uintptr_t)g_hash_table_lookup(s->table_clusters, key);

    bits = (bits & ~(uintptr_t)clear) | set;
    if (bits) {
        g_hash_table_insert(s->table_clusters, key, (gpointer)bits);
    } else {
        g_hash_table_remove(s->table_clusters, key);
    }
}

void qcow2_overlap_moved(Qcow2State *s, unsigned type, uint64_t from,
                         uint64_t to)
{
    if (!s->table_clusters) {
        return;
    }
    if (from) {
        hash_change(s, from, 0, type);
    }
    if (to) {
        hash_change(s, to, type, 0);
    }
}

void qcow2_overlap_forget(Qcow2State *s)
{
    g_clear_pointer(&s->table_clusters, g_hash_table_unref);
}

static int coroutine_fn add_inactive(BlockDriverState *bs,
                                     const Qcow2Snapshot *sn)
{
    Qcow2State *s = bs->opaque;
    uint64_t bytes = sn->l1_size * 8ULL;
    g_autofree uint8_t *l1 = NULL;
    int ret;

    if (!qcow2_l1_valid(s, sn->l1_offset, sn->l1_size)) {
        return 0;                   /* who uses it says so */
    }
    l1 = g_try_malloc(bytes + 1);
    ret = l1 ? bdrv_co_pread(bs->file->bs, sn->l1_offset, l1, bytes) : -ENOMEM;
    for (uint32_t i = 0; ret >= 0 && i < sn->l1_size; i++) {
        qcow2_overlap_moved(s, QCOW2_OL_INACTIVE_L2, 0,
                            get_be64(l1 + i * 8ULL) & QCOW2_OFFSET_MASK);
    }
    return ret;
}

static int coroutine_fn fill_hash(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;
    int ret = 0;

    s->table_clusters = g_hash_table_new(NULL, NULL);
    for (uint32_t i = 0; i < s->l1_size; i++) {
        qcow2_overlap_moved(s, QCOW2_OL_ACTIVE_L2, 0,
                            s->l1[i] & QCOW2_OFFSET_MASK);
    }
    for (uint64_t i = 0; i < s->reftable_entries; i++) {
        qcow2_overlap_moved(s, QCOW2_OL_REFCOUNT_BLOCK, 0,
                            s->reftable[i] & QCOW2_OFFSET_MASK);
    }
    if (s->overlap_check & QCOW2_OL_INACTIVE_L2) {
        for (guint i = 0; i < s->snapshots->len && ret >= 0; i++) {
            ret = add_inactive(bs, g_ptr_array_index(s->snapshots, i));
        }
    }
    if (ret < 0) {
        qcow2_overlap_forget(s);
    }
    return ret;
}

/* ---- The check ---- */

static bool overlaps(uint64_t a, uint64_t a_bytes, uint64_t b,
                     uint64_t b_bytes)
{
    return a < b + b_bytes && b < a + a_bytes;
}

static unsigned find_range(const Qcow2State *s, unsigned types, uint64_t offset,
                           uint64_t bytes)
{
    const struct {
        unsigned type;
        uint64_t offset, bytes;
    } ranges[] = {
        { QCOW2_OL_MAIN_HEADER, 0, s->cluster_bytes },
        { QCOW2_OL_ACTIVE_L1, s->l1_offset, s->l1_size * 8ULL },
        { QCOW2_OL_REFCOUNT_TABLE, s->reftable_offset,
          (uint64_t)s->reftable_clusters << s->cluster_bits },
        { QCOW2_OL_SNAPSHOT_TABLE, s->snapshots_offset, s->snapshots_bytes },
        { QCOW2_OL_BITMAP_DIRECTORY, s->bitmap_dir_offset,
          s->bitmap_dir_bytes },
        /* There is no name for the header of encryption alone. */
        { QCOW2_OL_MAIN_HEADER, s->crypto_offset, s->crypto_bytes },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        if ((types & ranges[i].type) && ranges[i].bytes &&
            overlaps(offset, bytes, ranges[i].offset, ranges[i].bytes)) {
            return ranges[i].type;
        }
    }
    for (guint i = 0; (types & QCOW2_OL_INACTIVE_L1) && i < s->snapshots->len;
         i++) {
        const Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        if (sn->l1_size && overlaps(offset, bytes, sn->l1_offset,
                                    sn->l1_size * 8ULL)) {
            return QCOW2_OL_INACTIVE_L1;
        }
    }
    return 0;
}

static unsigned find_hashed(const Qcow2State *s, unsigned types,
                            uint64_t offset, uint64_t bytes)
{
    uint64_t last = (offset + bytes - 1) >> s->cluster_bits;

    for (uint64_t i = offset >> s->cluster_bits; i <= last; i++) {
        unsigned bits = (uintptr_t)g_hash_table_lookup(s->table_clusters,
                                                       (gpointer)i) & types;

        if (bits) {
            return bits & -bits;
        }
    }
    return 0;
}

int coroutine_fn qcow2_overlap_check(BlockDriverState *bs, unsigned ignore,
                                     uint64_t offset, uint64_t bytes)
{
    Qcow2State *s = bs->opaque;
    unsigned types = s->overlap_check & ~ignore, found;
    int ret;

    if (s->corrupt) {
        return -EIO;
    }
    if (!bytes || !types) {
        return 0;
    }
    found = find_range(s, types, offset, bytes);
    if (!found && (types & OL_HASHED)) {
        ret = s->table_clusters ? 0 : fill_hash(bs);
        if (ret < 0) {
            return ret;
        }
        found = find_hashed(s, types, offset, bytes);
    }
    if (!found) {
        return 0;
    }
    qcow2_signal_corruption(bs, offset, bytes, "Preventing invalid write on "
                            "metadata (overlaps with %s)",
                            names[__builtin_ctz(found)]);
    return -EIO;
}
