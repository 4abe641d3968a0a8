/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All tables of an image, and what they refer to. First every L1 table, which
 * gives the L2 tables and how many lead to each; then each L2 table once. No
 * table is followed twice, so loops and tables in one another end.
 */
#include "util/osdep.h"
#include "qcow2-bitmap-internal.h"
#include "qcow2-check-internal.h"

/* ---- L1 ---- */

static void note_l2(Qcow2Check *c, uint64_t offset, bool active)
{
    Qcow2L2Ref *ref = g_hash_table_lookup(c->l2, &offset);

    if (!ref) {
        ref = g_new0(Qcow2L2Ref, 1);
        ref->offset = offset;
        g_hash_table_insert(c->l2, &ref->offset, ref);
    }
    ref->active += active;
    ref->total++;
}

static int check_l1_entry(Qcow2Check *c, uint64_t entry, bool active)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t offset = entry & QCOW2_OFFSET_MASK;
    bool inside;
    int ret;

    if (!entry) {
        return 0;
    }
    if (entry & QCOW2_L1_RESERVED) {
        qcow2_check_say(c, "ERROR found L1 entry with reserved bits set: "
                        "%" PRIx64, entry);
        c->r->corruptions++;
    }
    if (!offset) {
        qcow2_check_say(c, "ERROR L1 entry 0x%" PRIx64 " has flags and no L2 "
                        "table", entry);
        c->r->corruptions++;
        c->unsure = true;
        return 0;
    }
    ret = qcow2_check_refer(c, offset, s->cluster_bytes, 1, &inside);
    if (qcow2_in_cluster(s, offset)) {
        qcow2_check_say(c, "ERROR l2_offset=%" PRIx64 ": Table is not cluster "
                        "aligned; L1 entry corrupted", offset);
        c->r->corruptions++;
        inside = false;
    }
    if (inside) {
        note_l2(c, offset, active);
    }
    c->unsure |= !inside;
    return ret;
}

static int coroutine_fn walk_l1(Qcow2Check *c, uint64_t offset, uint32_t size,
                                bool active)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t bytes = size * 8ULL;
    g_autofree uint8_t *buf = NULL;
    bool inside;
    int ret = qcow2_check_table(c, offset, bytes, &inside);

    if (ret < 0 || !bytes) {
        return ret;
    }
    if (!inside) {
        c->unsure = true;
        return 0;
    }
    buf = active ? NULL : g_try_malloc(bytes);
    if (!active && !buf) {
        c->r->check_errors++;
        return -ENOMEM;
    }
    ret = active ? 0 : bdrv_co_pread(c->bs->file->bs, offset, buf, bytes);
    if (ret < 0) {
        qcow2_check_say(c, "ERROR: I/O error in check_refcounts_l1");
        c->r->check_errors++;
        return ret;
    }
    for (uint32_t i = 0; i < size && ret >= 0; i++) {
        ret = check_l1_entry(c, active ? s->l1[i] : get_be64(buf + i * 8ULL),
                             active);
    }
    return ret;
}

static int coroutine_fn walk_snapshots(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    bool inside;
    int ret = 0;

    if (s->snapshots_bad) {
        qcow2_check_say(c, "ERROR the snapshot table cannot be read");
        c->r->corruptions++;
        c->unsure = true;
    }
    for (guint i = 0; i < s->snapshots->len && ret >= 0; i++) {
        Qcow2Snapshot *sn = g_ptr_array_index(s->snapshots, i);

        if (!qcow2_l1_valid(s, sn->l1_offset, sn->l1_size)) {
            qcow2_check_say(c, "ERROR snapshot %s (%s) l1_offset=0x%" PRIx64
                            ": L1 table is not cluster aligned or is too "
                            "large; snapshot table entry corrupted",
                            sn->facts.id, sn->facts.name, sn->l1_offset);
            c->r->corruptions++;
            c->unsure = true;
            continue;
        }
        ret = walk_l1(c, sn->l1_offset, sn->l1_size, false);
    }
    return ret < 0 ? ret :
           qcow2_check_table(c, s->snapshots_offset, s->snapshots_bytes,
                             &inside);
}

/* ---- Bitmaps ---- */

static int coroutine_fn walk_bitmap(Qcow2Check *c, const Qcow2Bitmap *b)
{
    Qcow2State *s = c->bs->opaque;
    g_autofree uint64_t *table = NULL;
    bool inside;
    int ret = qcow2_check_table(c, b->table_offset, b->table_entries * 8ULL,
                                &inside);

    if (ret < 0 || !inside) {
        return ret;
    }
    ret = qcow2_bitmap_read_table(c->bs, b, &table);
    if (ret < 0) {
        c->r->check_errors++;
    }
    for (uint32_t i = 0; ret >= 0 && i < b->table_entries; i++) {
        uint64_t offset = table[i] & QCOW2_OFFSET_MASK;

        if ((table[i] & QCOW2_BITMAP_RESERVED) ||
            qcow2_in_cluster(s, offset)) {
            qcow2_check_say(c, "ERROR bitmap '%s': entry 0x%" PRIx64 " of its "
                            "table is not valid", b->name, table[i]);
            c->r->corruptions++;
        } else if (offset) {
            ret = qcow2_check_refer(c, offset, s->cluster_bytes, 1, &inside);
        }
    }
    return ret;
}

static int coroutine_fn walk_crypto(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    bool inside;

    return !s->crypto_bytes ? 0 :
           qcow2_check_table(c, s->crypto_offset, s->crypto_bytes, &inside);
}

static int coroutine_fn walk_bitmaps(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    bool inside;
    int ret;

    if (!s->nb_bitmaps) {
        return 0;
    }
    ret = qcow2_check_table(c, s->bitmap_dir_offset, s->bitmap_dir_bytes,
                            &inside);
    if (s->bitmaps->len != s->nb_bitmaps) {
        qcow2_check_say(c, "ERROR the bitmap directory cannot be read");
        c->r->corruptions++;
        c->unsure = true;
    }
    for (guint i = 0; ret >= 0 && i < s->bitmaps->len; i++) {
        ret = walk_bitmap(c, g_ptr_array_index(s->bitmaps, i));
    }
    return ret;
}

/* ---- L2 ---- */

typedef struct Entry {
    uint64_t entry, bitmap;
} Entry;

static Entry get_entry(const Qcow2State *s, const uint8_t *table, unsigned i)
{
    const uint8_t *at = table + i * s->l2_entry_bytes;

    return (Entry) { get_be64(at), s->extended_l2 ? get_be64(at + 8) : 0 };
}

static bool holds_data(const Qcow2State *s, Entry e)
{
    return s->extended_l2 ? (uint32_t)e.bitmap != 0 :
           !(s->version >= 3 && (e.entry & QCOW2_OFLAG_ZERO));
}

static bool external(const Qcow2Check *c)
{
    const Qcow2State *s = c->bs->opaque;

    return s->data_file != c->bs->file;
}

static int walk_compressed(Qcow2Check *c, const Qcow2L2Ref *ref, Entry e)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t offset, bytes;
    bool inside;

    qcow2_compressed_range(s, e.entry, &offset, &bytes);
    if (e.entry & QCOW2_OFLAG_COPIED) {
        qcow2_check_say(c, "ERROR: coffset=0x%" PRIx64 ": copied flag must "
                        "never be set for compressed clusters", offset);
        c->r->corruptions++;
    }
    if (external(c)) {
        qcow2_check_say(c, "ERROR compressed cluster with data file, entry=0x%"
                        PRIx64, e.entry);
        c->r->corruptions++;
        return 0;
    }
    if (e.bitmap) {
        qcow2_check_say(c, "ERROR compressed cluster with subcluster bitmap: "
                        "entry=0x%" PRIx64 ", bitmap=0x%" PRIx64, e.entry,
                        e.bitmap);
        c->r->corruptions++;
        return 0;
    }
    c->r->allocated_clusters += ref->active;
    c->r->compressed_clusters += ref->active;
    /* Nobody can read several of them at once. */
    c->r->fragmented_clusters += ref->active;
    return qcow2_check_refer(c, offset, bytes, ref->total, &inside);
}

static void check_bits(Qcow2Check *c, Entry e)
{
    const Qcow2State *s = c->bs->opaque;
    uint64_t reserved = QCOW2_L2_RESERVED |
        (s->extended_l2 || s->version < 3 ? QCOW2_OFLAG_ZERO : 0);

    if (e.entry & reserved) {
        qcow2_check_say(c, "ERROR found l2 entry with reserved bits set: %"
                        PRIx64, e.entry);
        c->r->corruptions++;
    }
    if ((uint32_t)e.bitmap & (uint32_t)(e.bitmap >> 32)) {
        qcow2_check_say(c, "ERROR l2 entry 0x%" PRIx64 " has subclusters that "
                        "are both data and zeros: bitmap=0x%" PRIx64, e.entry,
                        e.bitmap);
        c->r->corruptions++;
    }
    if (!(e.entry & QCOW2_OFFSET_MASK) && (uint32_t)e.bitmap && !external(c)) {
        qcow2_check_say(c, "ERROR l2 entry 0x%" PRIx64 " has data without a "
                        "host cluster: bitmap=0x%" PRIx64, e.entry, e.bitmap);
        c->r->corruptions++;
    }
}

/* Zeros with a host cluster that is out of place need no host cluster. */
static bool can_drop_host(const Qcow2State *s, Entry e)
{
    return !holds_data(s, e) && qcow2_in_cluster(s, e.entry &
                                                 QCOW2_OFFSET_MASK);
}

static int walk_standard(Qcow2Check *c, const Qcow2L2Ref *ref, Entry e,
                         uint64_t *next)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK;
    bool inside;

    check_bits(c, e);
    /* In a data file, the first cluster is one like any other. */
    if (!offset && !(external(c) && (e.entry & QCOW2_OFLAG_COPIED))) {
        return 0;
    }
    c->r->allocated_clusters += ref->active;
    if (*next && offset != *next) {
        c->r->fragmented_clusters += ref->active;
    }
    *next = offset + s->cluster_bytes;
    if (can_drop_host(s, e)) {
        if (qcow2_check_fixes(c, BDRV_FIX_ERRORS)) {
            return 0;               /* qcow2_check_flags() mends it */
        }
        qcow2_check_say(c, "ERROR offset=%" PRIx64 ": Preallocated cluster is "
                        "not properly aligned; L2 entry corrupted.", offset);
        c->r->corruptions++;
    } else if (qcow2_in_cluster(s, offset)) {
        qcow2_check_say(c, "ERROR offset=%" PRIx64 ": Data cluster is not "
                        "properly aligned; L2 entry corrupted.", offset);
        c->r->corruptions++;
        c->unsure = true;
    }
    return external(c) ? 0 :
           qcow2_check_refer(c, offset, s->cluster_bytes, ref->total, &inside);
}

static int coroutine_fn read_l2(Qcow2Check *c, uint64_t offset, uint8_t *table)
{
    Qcow2State *s = c->bs->opaque;
    int ret = bdrv_co_pread(c->bs->file->bs, offset, table, s->cluster_bytes);

    if (ret < 0) {
        qcow2_check_say(c, "ERROR: I/O error in check_refcounts_l2");
        c->r->check_errors++;
    }
    return ret;
}

static int coroutine_fn walk_l2(Qcow2Check *c, const Qcow2L2Ref *ref,
                                uint8_t *table)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t next = 0;
    int ret = read_l2(c, ref->offset, table);

    for (unsigned i = 0; i < 1u << s->l2_bits && ret >= 0; i++) {
        Entry e = get_entry(s, table, i);

        if (e.entry & QCOW2_OFLAG_COMPRESSED) {
            ret = walk_compressed(c, ref, e);
        } else if (e.entry | e.bitmap) {
            ret = walk_standard(c, ref, e, &next);
        }
    }
    return ret;
}

static int by_offset(const void *a, const void *b)
{
    const Qcow2L2Ref *x = *(Qcow2L2Ref *const *)a;
    const Qcow2L2Ref *y = *(Qcow2L2Ref *const *)b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void sort_l2(Qcow2Check *c)
{
    GHashTableIter it;
    gpointer ref;

    g_hash_table_iter_init(&it, c->l2);
    while (g_hash_table_iter_next(&it, NULL, &ref)) {
        g_array_append_val(c->l2_order, ref);
    }
    g_array_sort(c->l2_order, by_offset);
}

static int coroutine_fn walk_all_l2(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    g_autofree uint8_t *table = g_try_malloc(s->cluster_bytes);
    int ret = table ? 0 : -ENOMEM;

    sort_l2(c);
    for (guint i = 0; i < c->l2_order->len && ret >= 0; i++) {
        ret = walk_l2(c, g_array_index(c->l2_order, Qcow2L2Ref *, i), table);
    }
    return ret;
}

int coroutine_fn qcow2_check_walk(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    bool inside;
    int ret = qcow2_check_table(c, 0, s->cluster_bytes, &inside);

    ret = ret < 0 ? ret : walk_l1(c, s->l1_offset, s->l1_size, true);
    ret = ret < 0 ? ret : walk_snapshots(c);
    ret = ret < 0 ? ret : walk_crypto(c);
    ret = ret < 0 ? ret : walk_bitmaps(c);
    return ret < 0 ? ret : walk_all_l2(c);
}

/* ---- COPIED ---- */

static bool flag_is_right(Qcow2Check *c, uint64_t entry, uint64_t offset,
                          uint64_t *count)
{
    Qcow2State *s = c->bs->opaque;

    if (!qcow2_check_stored(c, offset >> s->cluster_bits, count)) {
        return true;
    }
    return (*count == 1) == !!(entry & QCOW2_OFLAG_COPIED);
}

static uint64_t with_flag(uint64_t entry, uint64_t count)
{
    return count == 1 ? entry | QCOW2_OFLAG_COPIED :
                        entry & ~QCOW2_OFLAG_COPIED;
}

/* Counts one more; whether it is to be mended. */
static bool note_flag(Qcow2Check *c, const char *what, uint64_t entry,
                      uint64_t count)
{
    bool fixes = qcow2_check_fixes(c, BDRV_FIX_ERRORS);

    qcow2_check_say(c, "%s OFLAG_COPIED %s=%" PRIx64 " refcount=%" PRIu64,
                    fixes ? "Repairing" : "ERROR", what, entry, count);
    c->r->corruptions += !fixes;
    c->r->corruptions_fixed += fixes;
    return fixes;
}

static int coroutine_fn check_l1_flags(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    bool changed = false;

    for (uint32_t i = 0; i < s->l1_size; i++) {
        uint64_t offset = s->l1[i] & QCOW2_OFFSET_MASK, count;
        g_autofree char *what = NULL;

        if (!offset || flag_is_right(c, s->l1[i], offset, &count)) {
            continue;
        }
        what = g_strdup_printf("L2 cluster: l1_index=%u l1_entry", i);
        if (note_flag(c, what, s->l1[i], count)) {
            qcow2_l1_set(s, i, with_flag(s->l1[i], count));
            changed = true;
        }
    }
    return changed ? qcow2_write_l1(c->bs) : 0;
}

static bool mend_entry(Qcow2Check *c, const Qcow2L2Ref *ref, uint8_t *table,
                       unsigned i)
{
    Qcow2State *s = c->bs->opaque;
    Entry e = get_entry(s, table, i);
    uint64_t offset = e.entry & QCOW2_OFFSET_MASK, count = 1;
    uint8_t *at = table + i * s->l2_entry_bytes;

    if ((e.entry & QCOW2_OFLAG_COMPRESSED) || !offset) {
        return false;
    }
    if (can_drop_host(s, e)) {
        if (!qcow2_check_fixes(c, BDRV_FIX_ERRORS)) {
            return false;
        }
        qcow2_check_say(c, "Repairing offset=%" PRIx64 ": Preallocated cluster "
                        "is not properly aligned; L2 entry corrupted.", offset);
        c->r->corruptions_fixed++;
        put_be64(at, s->extended_l2 ? 0 : QCOW2_OFLAG_ZERO);
        return true;
    }
    if (!ref->active || qcow2_in_cluster(s, offset) ||
        (external(c) ? !!(e.entry & QCOW2_OFLAG_COPIED) :
                       flag_is_right(c, e.entry, offset, &count)) ||
        !note_flag(c, "data cluster: l2_entry", e.entry, count)) {
        return false;
    }
    put_be64(at, with_flag(e.entry, count));
    return true;
}

/* What lies in another table as well is not written to. */
static bool may_write(Qcow2Check *c, const Qcow2L2Ref *ref)
{
    Qcow2State *s = c->bs->opaque;

    return !g_hash_table_contains(c->tables, (gpointer)(ref->offset >>
                                                        s->cluster_bits));
}

static int coroutine_fn check_l2_flags(Qcow2Check *c, const Qcow2L2Ref *ref,
                                       uint8_t *table)
{
    Qcow2State *s = c->bs->opaque;
    int64_t fixed = c->r->corruptions_fixed;
    bool changed = false;
    int ret = read_l2(c, ref->offset, table);

    for (unsigned i = 0; i < 1u << s->l2_bits && ret >= 0; i++) {
        changed |= mend_entry(c, ref, table, i);
    }
    if (ret < 0 || !changed) {
        return ret;
    }
    if (!may_write(c, ref)) {
        qcow2_check_say(c, "ERROR L2 table at 0x%" PRIx64 " overlaps something "
                        "else and cannot be mended", ref->offset);
        c->r->corruptions += c->r->corruptions_fixed - fixed;
        c->r->corruptions_fixed = fixed;
        return 0;
    }
    ret = bdrv_co_pwrite(c->bs->file->bs, ref->offset, table, s->cluster_bytes,
                         0);
    if (ret < 0) {
        c->r->check_errors++;
    }
    return ret;
}

int coroutine_fn qcow2_check_flags(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    g_autofree uint8_t *table = g_try_malloc(s->cluster_bytes);
    int ret = table ? check_l1_flags(c) : -ENOMEM;

    for (guint i = 0; i < c->l2_order->len && ret >= 0; i++) {
        Qcow2L2Ref *ref = g_array_index(c->l2_order, Qcow2L2Ref *, i);

        ret = check_l2_flags(c, ref, table);
    }
    qcow2_cache_forget_all(&s->l2_cache);
    return ret;
}
