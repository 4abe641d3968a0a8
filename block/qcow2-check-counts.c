/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * References to clusters as the walk finds them, and what the image's own
 * counts say. See qcow2-check-internal.h.
 */
#include "util/osdep.h"
#include "qcow2-check-internal.h"

#define PAGE_ENTRIES (1u << QCOW2_CHECK_PAGE_BITS)

/* ---- References ---- */

void qcow2_counts_init(Qcow2Counts *n, const Qcow2State *s)
{
    *n = (Qcow2Counts) {
        .width = s->refcount_bits <= 8 ? 1 : s->refcount_bits == 16 ? 2 : 4,
        .pages = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL,
                                       g_free),
        .last_index = UINT64_MAX,
    };
    n->max = MIN(s->refcount_max, (1ULL << (n->width * 8)) - 1);
}

void qcow2_counts_destroy(Qcow2Counts *n)
{
    g_clear_pointer(&n->pages, g_hash_table_unref);
}

static void *find_page(Qcow2Counts *n, uint64_t cluster, bool create)
{
    uint64_t i = cluster >> QCOW2_CHECK_PAGE_BITS;
    void *page;

    if (i == n->last_index) {
        return n->last;
    }
    page = g_hash_table_lookup(n->pages, (gpointer)i);
    if (!page && create && n->bytes < QCOW2_CHECK_MAX_BYTES) {
        page = g_try_malloc0(PAGE_ENTRIES * n->width);
        if (page) {
            n->bytes += PAGE_ENTRIES * n->width;
            g_hash_table_insert(n->pages, (gpointer)i, page);
        }
    }
    if (page) {
        n->last_index = i;
        n->last = page;
    }
    return page;
}

static uint64_t page_get(const Qcow2Counts *n, const void *page,
                         uint64_t cluster)
{
    uint64_t i = cluster & (PAGE_ENTRIES - 1);

    return n->width == 1 ? ((const uint8_t *)page)[i] :
           n->width == 2 ? ((const uint16_t *)page)[i] :
                           ((const uint32_t *)page)[i];
}

uint64_t qcow2_counts_get(Qcow2Counts *n, uint64_t cluster)
{
    const void *page = find_page(n, cluster, false);

    return page ? page_get(n, page, cluster) : 0;
}

int qcow2_counts_add(Qcow2Counts *n, uint64_t cluster, int64_t add)
{
    void *page = find_page(n, cluster, true);
    uint64_t i = cluster & (PAGE_ENTRIES - 1), count;

    if (!page) {
        return -ENOMEM;
    }
    count = page_get(n, page, cluster);
    if (add > 0 ? (uint64_t)add > n->max - count : (uint64_t)-add > count) {
        return -ERANGE;
    }
    count += add;
    if (n->width == 1) {
        ((uint8_t *)page)[i] = count;
    } else if (n->width == 2) {
        ((uint16_t *)page)[i] = count;
    } else {
        ((uint32_t *)page)[i] = count;
    }
    return 0;
}

bool qcow2_counts_find_above(Qcow2Counts *n, uint64_t max, uint64_t *cluster,
                             uint64_t *count)
{
    GHashTableIter it;
    gpointer key, page;

    g_hash_table_iter_init(&it, n->pages);
    while (g_hash_table_iter_next(&it, &key, &page)) {
        for (uint64_t i = 0; i < PAGE_ENTRIES; i++) {
            *count = page_get(n, page, i);
            if (*count > max) {
                *cluster = ((uint64_t)key << QCOW2_CHECK_PAGE_BITS) + i;
                return true;
            }
        }
    }
    return false;
}

static int count_one(Qcow2Check *c, uint64_t cluster, uint64_t times)
{
    int ret = qcow2_counts_add(&c->counts, cluster, times);

    if (ret == -ERANGE) {
        qcow2_check_say(c, "ERROR: overflow cluster offset=0x%" PRIx64
                        "\nUse qemu-img amend to increase the refcount entry "
                        "width or qemu-img convert to create a clean copy if "
                        "the image cannot be opened for writing",
                        cluster << ((Qcow2State *)c->bs->opaque)->cluster_bits);
        c->r->corruptions++;
        c->unsure = true;
        return 0;
    }
    if (ret < 0) {
        qcow2_check_say(c, "ERROR: out of memory for the reference counts");
        c->r->check_errors++;
    }
    return ret;
}

int qcow2_check_refer(Qcow2Check *c, uint64_t offset, uint64_t bytes,
                      uint64_t times, bool *inside)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t first = offset >> s->cluster_bits, last;

    *inside = true;
    if (!bytes || !times) {
        return 0;
    }
    /* The last cluster need not be all there. */
    if (offset > QCOW2_OFFSET_MASK || bytes > QCOW2_OFFSET_MASK ||
        offset + bytes >= c->file_bytes + s->cluster_bytes) {
        qcow2_check_say(c, "ERROR: counting reference for region exceeding "
                        "the end of the file by one cluster or more: offset "
                        "0x%" PRIx64 " size 0x%" PRIx64, offset, bytes);
        c->r->corruptions++;
        *inside = false;
        return 0;
    }
    last = (offset + bytes - 1) >> s->cluster_bits;
    for (uint64_t i = first; i <= last; i++) {
        int ret = count_one(c, i, times);

        if (ret < 0) {
            return ret;
        }
    }
    return 0;
}

static void note_table(Qcow2Check *c, uint64_t cluster, intptr_t add)
{
    gpointer key = (gpointer)cluster;
    intptr_t n = (intptr_t)g_hash_table_lookup(c->tables, key) + add;

    if (n > 0) {
        g_hash_table_insert(c->tables, key, (gpointer)n);
    } else {
        g_hash_table_remove(c->tables, key);
    }
}

void qcow2_check_forget_own(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;

    for (guint i = 0; i < c->own->len; i++) {
        Qcow2Range r = g_array_index(c->own, Qcow2Range, i);

        for (uint64_t at = 0; at < r.bytes; at += s->cluster_bytes) {
            uint64_t cluster = (r.offset + at) >> s->cluster_bits;

            qcow2_counts_add(&c->counts, cluster, -1);
            note_table(c, cluster, -1);
        }
    }
}

int qcow2_check_table(Qcow2Check *c, uint64_t offset, uint64_t bytes,
                      bool *inside)
{
    Qcow2State *s = c->bs->opaque;
    int ret = qcow2_check_refer(c, offset, bytes, 1, inside);
    uint64_t end = offset + bytes;

    for (uint64_t at = offset; *inside && at < end; at += s->cluster_bytes) {
        note_table(c, at >> s->cluster_bits, 1);
    }
    return ret;
}

/* ---- The counts in the image ---- */

static bool block_usable(const Qcow2Check *c, uint64_t offset)
{
    const Qcow2State *s = c->bs->opaque;

    return offset && !(offset & QCOW2_REFT_RESERVED) &&
           !qcow2_in_cluster(s, offset) && offset < c->file_bytes;
}

bool coroutine_fn qcow2_check_stored(Qcow2Check *c, uint64_t cluster,
                                     uint64_t *count)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t i = cluster >> s->refblock_bits;
    uint64_t offset = i < s->reftable_entries ? s->reftable[i] : 0;
    Qcow2Table *t;
    int ret;

    *count = 0;
    if (!offset || offset >= c->file_bytes) {
        return true;
    }
    if (!block_usable(c, offset)) {
        return false;
    }
    ret = qcow2_cache_get(c->bs, &s->ref_cache, offset, false, &t);
    if (ret < 0) {
        return false;
    }
    *count = qcow2_count_read(s, t->data, cluster &
                              ((1ULL << s->refblock_bits) - 1));
    qcow2_cache_put(t);
    return true;
}

static void note_own(Qcow2Check *c, uint64_t offset, uint64_t bytes)
{
    Qcow2Range r = { offset, bytes };

    g_array_append_val(c->own, r);
}

static void own_corruption(Qcow2Check *c)
{
    c->r->corruptions++;
    c->count_corruptions++;
    c->rebuild = true;
}

static int coroutine_fn check_block(Qcow2Check *c, uint64_t i)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t offset = s->reftable[i];
    bool inside;
    int ret;

    if (!offset) {
        return 0;
    }
    if (offset & QCOW2_REFT_RESERVED) {
        qcow2_check_say(c, "ERROR refblock %" PRIu64 " reserved bits are set "
                        "in refcount table entry 0x%" PRIx64, i, offset);
        own_corruption(c);
        return 0;
    }
    if (qcow2_in_cluster(s, offset)) {
        qcow2_check_say(c, "ERROR refcount block %" PRIu64 " is not cluster "
                        "aligned; refcount table entry corrupted", i);
        own_corruption(c);
        return 0;
    }
    if (offset >= c->file_bytes) {
        qcow2_check_say(c, "ERROR refcount block %" PRIu64 " is outside image",
                        i);
        own_corruption(c);
        return 0;
    }
    ret = qcow2_check_table(c, offset, s->cluster_bytes, &inside);
    note_own(c, offset, s->cluster_bytes);
    if (ret >= 0 &&
        qcow2_counts_get(&c->counts, offset >> s->cluster_bits) != 1) {
        qcow2_check_say(c, "ERROR refcount block %" PRIu64 " refcount=%" PRIu64,
                        i, qcow2_counts_get(&c->counts,
                                            offset >> s->cluster_bits));
        own_corruption(c);
    }
    return ret;
}

/* Where the counts themselves are. */
int coroutine_fn qcow2_check_own(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t bytes = (uint64_t)s->reftable_clusters << s->cluster_bits;
    int64_t before = c->r->corruptions;
    bool inside;
    int ret = qcow2_check_table(c, s->reftable_offset, bytes, &inside);

    if (inside) {
        note_own(c, s->reftable_offset, bytes);
    } else {
        c->count_corruptions += c->r->corruptions - before;
    }
    c->rebuild |= !inside || !bytes;
    for (uint64_t i = 0; i < s->reftable_entries && ret >= 0; i++) {
        ret = check_block(c, i);
    }
    return ret;
}

/* ---- The one against the other ---- */

static void tell(Qcow2Check *c, const char *what, uint64_t cluster,
                 uint64_t stored, uint64_t found)
{
    qcow2_check_say(c, "%s cluster %" PRIu64 " refcount=%" PRIu64
                    " reference=%" PRIu64, what, cluster, stored, found);
}

static int coroutine_fn store(Qcow2Check *c, uint64_t cluster, uint64_t count)
{
    Qcow2State *s = c->bs->opaque;
    uint64_t offset = s->reftable[cluster >> s->refblock_bits];
    Qcow2Table *t;
    int ret = qcow2_cache_get(c->bs, &s->ref_cache, offset, false, &t);

    if (ret < 0) {
        return ret;
    }
    qcow2_count_write(s, t->data, cluster & ((1ULL << s->refblock_bits) - 1),
                      count);
    qcow2_cache_dirty(&s->ref_cache, t);
    qcow2_cache_put(t);
    return 0;
}

static int coroutine_fn compare_one(Qcow2Check *c, uint64_t cluster,
                                    bool has_block)
{
    uint64_t found = qcow2_counts_get(&c->counts, cluster), stored;
    bool leak, fixes;
    int ret;

    if (!qcow2_check_stored(c, cluster, &stored)) {
        return 0;                   /* the block has been told of */
    }
    if (!found && cluster >= qcow2_clusters(c->bs->opaque, c->file_bytes)) {
        return 0;
    }
    if (found || stored) {
        c->end_cluster = cluster + 1;
    }
    if (found == stored) {
        return 0;
    }
    leak = stored > found;
    /* A mend is one count in a block that is there and whole. */
    fixes = c->mending && has_block && (!leak || !c->unsure) &&
            qcow2_check_fixes(c, leak ? BDRV_FIX_LEAKS : BDRV_FIX_ERRORS);
    ret = fixes ? store(c, cluster, found) : 0;
    if (ret < 0) {
        c->r->check_errors++;
        return ret;
    }
    tell(c, fixes ? "Repairing" : leak ? "Leaked" : "ERROR", cluster, stored,
         found);
    c->rebuild |= !leak && !has_block;
    if (leak) {
        c->r->leaks += !fixes;
        c->count_leaks += !fixes;
        c->r->leaks_fixed += fixes;
    } else {
        c->r->corruptions += !fixes;
        c->count_corruptions += !fixes;
        c->r->corruptions_fixed += fixes;
    }
    return 0;
}

/* Whether a reference to a cluster of [from, to) was found. */
static bool any_found(Qcow2Check *c, uint64_t from, uint64_t to)
{
    uint64_t end = (to - 1) >> QCOW2_CHECK_PAGE_BITS;

    if (end - (from >> QCOW2_CHECK_PAGE_BITS) >
        g_hash_table_size(c->counts.pages)) {
        return true;
    }
    for (uint64_t i = from >> QCOW2_CHECK_PAGE_BITS; i <= end; i++) {
        if (g_hash_table_contains(c->counts.pages, (gpointer)i)) {
            return true;
        }
    }
    return false;
}

static int coroutine_fn compare_range(Qcow2Check *c, uint64_t from, uint64_t to,
                                      bool has_block)
{
    int ret = 0;

    for (uint64_t i = from; i < to && ret >= 0; i++) {
        ret = compare_one(c, i, has_block);
    }
    return ret;
}

/* Block by block of what the table covers; then what it does not cover. */
static int coroutine_fn compare_all(Qcow2Check *c)
{
    Qcow2State *s = c->bs->opaque;
    /* What ends in the file may begin in its last cluster and need one more. */
    uint64_t end = qcow2_clusters(s, c->file_bytes) + 1;
    uint64_t covered = MIN(s->reftable_entries << s->refblock_bits, end);
    int ret = 0;

    for (uint64_t from = 0; from < covered && ret >= 0;
         from += 1ULL << s->refblock_bits) {
        uint64_t to = MIN(from + (1ULL << s->refblock_bits), end);
        uint64_t offset = s->reftable[from >> s->refblock_bits];

        if (block_usable(c, offset) || any_found(c, from, to)) {
            ret = compare_range(c, from, to, block_usable(c, offset));
        }
    }
    while (covered < end && ret >= 0) {
        uint64_t to = MIN(ROUND_UP(covered + 1, PAGE_ENTRIES), end);

        if (any_found(c, covered, to)) {
            ret = compare_range(c, covered, to, false);
        }
        covered = to;
    }
    return ret;
}

/* What is found is told as a whole before any of it is mended. */
int coroutine_fn qcow2_check_compare(Qcow2Check *c)
{
    BdrvCheckResult before = *c->r;
    uint64_t corruptions = c->count_corruptions;
    int ret = compare_all(c);

    if (ret < 0 || !c->fix || c->rebuild ||
        (c->r->leaks == before.leaks &&
         c->r->corruptions == before.corruptions)) {
        return ret;
    }
    *c->r = before;
    c->count_corruptions = corruptions;
    c->count_leaks = 0;
    c->lines = 0;
    c->mending = true;
    ret = compare_all(c);
    return ret < 0 ? ret : qcow2_write_counts(c->bs);
}
