/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest offsets to host offsets ("Cluster mapping" in the specification).
 *
 * With extended L2 entries the unit that is there or not is the subcluster, a
 * 32nd of a cluster; without, it is the cluster, and the code sees one
 * subcluster for each. Lock held, unless said otherwise.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"

/* ---- L2 slices ---- */

static uint64_t l1_index(const Qcow2State *s, uint64_t offset)
{
    return offset >> (s->cluster_bits + s->l2_bits);
}

void qcow2_l1_set(Qcow2State *s, uint64_t i, uint64_t entry)
{
    bool clean = s->l1_dirty_from == s->l1_dirty_to;

    qcow2_overlap_moved(s, QCOW2_OL_ACTIVE_L2, s->l1[i] & QCOW2_OFFSET_MASK,
                        entry & QCOW2_OFFSET_MASK);
    s->l1[i] = entry;
    s->l1_dirty_from = clean ? i : MIN(s->l1_dirty_from, i);
    s->l1_dirty_to = clean ? i + 1 : MAX(s->l1_dirty_to, i + 1);
}

/* Bytes from @offset to the end of what its slice maps. */
static uint64_t slice_left(const Qcow2State *s, uint64_t offset)
{
    uint64_t span = (uint64_t)s->l2_slice_entries << s->cluster_bits;

    return span - offset % span;
}

/* Where in a table its slice for @offset starts. */
static uint64_t slice_start(const Qcow2State *s, uint64_t offset)
{
    uint64_t index = (offset >> s->cluster_bits) & ((1u << s->l2_bits) - 1);

    return ROUND_DOWN(index, s->l2_slice_entries) * s->l2_entry_bytes;
}

uint64_t qcow2_slice_offset(const Qcow2State *s, uint64_t offset,
                            uint64_t *l2_offset)
{
    uint64_t i = l1_index(s, offset);

    *l2_offset = i < s->l1_size ? s->l1[i] & QCOW2_OFFSET_MASK : 0;
    return *l2_offset && !qcow2_in_cluster(s, *l2_offset) ?
           *l2_offset + slice_start(s, offset) : 0;
}

/* A table of our own for @offset: new, or a copy of one that is shared. */
static int coroutine_fn new_l2(BlockDriverState *bs, uint64_t offset,
                               uint64_t old)
{
    Qcow2State *s = bs->opaque;
    int64_t new_offset = qcow2_alloc(bs, s->cluster_bytes);
    int ret = new_offset < 0 ? new_offset : 0;

    for (uint64_t at = 0; at < s->cluster_bytes && ret >= 0;
         at += s->l2_cache.table_bytes) {
        Qcow2Table *from = NULL, *to;

        if (old) {
            qcow2_event(bs, BLKDEBUG_EVENT_L2_ALLOC_COW_READ);
            ret = qcow2_cache_get(bs, &s->l2_cache, old + at, false, &from);
            if (ret < 0) {
                break;
            }
        }
        ret = qcow2_cache_get(bs, &s->l2_cache, new_offset + at, true, &to);
        if (ret >= 0) {
            if (from) {
                memcpy(to->data, from->data, s->l2_cache.table_bytes);
            }
            qcow2_cache_dirty(&s->l2_cache, to);
            qcow2_cache_put(to);
        }
        qcow2_cache_put(from);
    }
    if (ret >= 0) {
        qcow2_event(bs, BLKDEBUG_EVENT_L2_ALLOC_WRITE);
    }
    if (ret < 0) {
        if (new_offset > 0) {
            qcow2_cache_drop(&s->l2_cache, new_offset, s->cluster_bytes);
            qcow2_free_later(bs, new_offset, s->cluster_bytes);
        }
        return ret;
    }
    qcow2_l1_set(s, l1_index(s, offset), new_offset | QCOW2_OFLAG_COPIED);
    if (old) {
        qcow2_free_later(bs, old, s->cluster_bytes);
    }
    return 0;
}

int coroutine_fn qcow2_l2_get(BlockDriverState *bs, uint64_t offset, bool write,
                              Qcow2Table **t, unsigned *index)
{
    Qcow2State *s = bs->opaque;
    uint64_t i = l1_index(s, offset), entry, l2_offset;
    int ret;

    *t = NULL;
    *index = (offset >> s->cluster_bits) & (s->l2_slice_entries - 1);
    if (i >= s->l1_size) {
        return write ? -EIO : 0;
    }
    entry = s->l1[i];
    l2_offset = entry & QCOW2_OFFSET_MASK;
    if (qcow2_in_cluster(s, l2_offset)) {
        qcow2_signal_corruption(bs, l2_offset, s->cluster_bytes,
                                "L2 table offset 0x%" PRIx64 " unaligned (L1 "
                                "index: 0x%" PRIx64 ")", l2_offset, i);
        return -EIO;
    }
    if (write && (!l2_offset || !(entry & QCOW2_OFLAG_COPIED))) {
        ret = new_l2(bs, offset, l2_offset);
        if (ret < 0) {
            return ret;
        }
        l2_offset = s->l1[i] & QCOW2_OFFSET_MASK;
    }
    return !l2_offset ? 0 :
           qcow2_cache_get(bs, &s->l2_cache, l2_offset + slice_start(s, offset),
                           false, t);
}

/* ---- Entries ---- */

static uint64_t entry_get(const Qcow2State *s, const Qcow2Table *t,
                          unsigned i)
{
    return get_be64(t->data + i * s->l2_entry_bytes);
}

/* Of the subclusters: bits 0-31 have data, 32-63 read as zeros. */
static uint64_t bitmap_get(const Qcow2State *s, const Qcow2Table *t,
                           unsigned i)
{
    return s->extended_l2 ? get_be64(t->data + i * 16 + 8) : 0;
}

static void entry_set(Qcow2State *s, Qcow2Table *t, unsigned i,
                      uint64_t entry, uint64_t bitmap)
{
    put_be64(t->data + i * s->l2_entry_bytes, entry);
    if (s->extended_l2) {
        put_be64(t->data + i * 16 + 8, bitmap);
    }
    qcow2_cache_dirty(&s->l2_cache, t);
}

static unsigned sub_index(const Qcow2State *s, uint64_t offset)
{
    return qcow2_in_cluster(s, offset) / s->subcluster_bytes;
}

/* Bits of the subclusters that [from, to) of one cluster touches. */
static uint32_t sub_mask(const Qcow2State *s, unsigned from, unsigned to)
{
    unsigned a = from / s->subcluster_bytes;
    unsigned b = DIV_ROUND_UP(to, s->subcluster_bytes);

    return (uint32_t)(((1ULL << b) - 1) & ~((1ULL << a) - 1));
}

/* The first cluster of a data file is at 0: there the flag tells. */
static bool has_place(const Qcow2State *s, uint64_t entry)
{
    return (entry & QCOW2_OFFSET_MASK) ||
           ((s->incompatible & QCOW2_INCOMPAT_DATA_FILE) &&
            (entry & QCOW2_OFLAG_COPIED));
}

static Qcow2Kind sub_kind(const Qcow2State *s, uint64_t entry, uint64_t bitmap,
                          unsigned sub)
{
    if (entry & QCOW2_OFLAG_COMPRESSED) {
        return QCOW2_COMPRESSED;
    }
    if (!s->extended_l2) {
        return s->version >= 3 && (entry & QCOW2_OFLAG_ZERO) ? QCOW2_ZERO :
               has_place(s, entry) ? QCOW2_DATA : QCOW2_UNALLOCATED;
    }
    return bitmap >> 32 & BIT(sub) ? QCOW2_ZERO :
           bitmap & BIT(sub) ? QCOW2_DATA : QCOW2_UNALLOCATED;
}

static int check_entry(BlockDriverState *bs, uint64_t offset, uint64_t entry,
                       uint64_t bitmap)
{
    Qcow2State *s = bs->opaque;
    uint64_t host = entry & QCOW2_OFFSET_MASK;
    const char *what = NULL;

    if (entry & QCOW2_OFLAG_COMPRESSED) {
        what = s->data_file != bs->file ? "compressed with a data file" : NULL;
    } else if (qcow2_in_cluster(s, host)) {
        what = "not aligned";
    } else if (s->extended_l2 && (uint32_t)bitmap & (uint32_t)(bitmap >> 32)) {
        what = "both data and zeros";
    } else if (s->extended_l2 && !host && (uint32_t)bitmap &&
               s->data_file == bs->file) {
        what = "data without a host cluster";
    }
    if (!what) {
        return 0;
    }
    qcow2_signal_corruption(bs, 0, 0, "L2 entry 0x%" PRIx64 " of guest offset 0x%"
                            PRIx64 " is %s", entry, offset, what);
    return -EIO;
}

static bool has_host(const Qcow2State *s, const BlockDriverState *bs,
                     uint64_t entry)
{
    return !(entry & QCOW2_OFLAG_COMPRESSED) && has_place(s, entry);
}

/* ---- Looking up ---- */

static void map_first(BlockDriverState *bs, uint64_t offset, uint64_t entry,
                      uint64_t bitmap, Qcow2Map *m)
{
    Qcow2State *s = bs->opaque;

    *m = (Qcow2Map) {
        .kind = sub_kind(s, entry, bitmap, sub_index(s, offset)),
        .entry = entry,
        .copied = entry & QCOW2_OFLAG_COPIED,
    };
    m->has_host = has_host(s, bs, entry);
    if (m->has_host) {
        m->host = (entry & QCOW2_OFFSET_MASK) + qcow2_in_cluster(s, offset);
    }
}

/* Whether the subcluster at @offset goes on with what @m is so far. */
static bool map_continues(BlockDriverState *bs, const Qcow2Map *m,
                          uint64_t offset, uint64_t entry, uint64_t bitmap)
{
    Qcow2State *s = bs->opaque;
    uint64_t host = (entry & QCOW2_OFFSET_MASK) + qcow2_in_cluster(s, offset);

    if (m->kind != sub_kind(s, entry, bitmap, sub_index(s, offset)) ||
        m->kind == QCOW2_COMPRESSED) {
        return false;
    }
    /* Subclusters without content may have a place all the same. */
    if (m->kind == QCOW2_UNALLOCATED && !s->extended_l2) {
        return true;
    }
    return has_host(s, bs, entry) == m->has_host &&
           (!m->has_host || (host == m->host + m->bytes &&
                         m->copied == !!(entry & QCOW2_OFLAG_COPIED)));
}

static int coroutine_fn map_slice(BlockDriverState *bs, uint64_t offset,
                                  uint64_t bytes, Qcow2Table *t,
                                  Qcow2Map *m)
{
    Qcow2State *s = bs->opaque;
    unsigned i = (offset >> s->cluster_bits) & (s->l2_slice_entries - 1);
    uint64_t entry = entry_get(s, t, i), bitmap = bitmap_get(s, t, i);
    int ret = check_entry(bs, offset, entry, bitmap);

    if (ret < 0) {
        return ret;
    }
    map_first(bs, offset, entry, bitmap, m);
    m->bytes = s->subcluster_bytes - offset % s->subcluster_bytes;
    if (m->kind == QCOW2_COMPRESSED) {
        m->bytes = s->cluster_bytes - qcow2_in_cluster(s, offset);
    }
    while (m->bytes < bytes) {
        uint64_t at = offset + m->bytes;

        if (!qcow2_in_cluster(s, at)) {
            entry = entry_get(s, t, ++i);
            bitmap = bitmap_get(s, t, i);
            if (check_entry(bs, at, entry, bitmap) < 0) {
                break;
            }
        }
        if (!map_continues(bs, m, at, entry, bitmap)) {
            break;
        }
        m->bytes += s->subcluster_bytes;
    }
    m->bytes = MIN(m->bytes, bytes);
    return 0;
}

int coroutine_fn qcow2_lookup(BlockDriverState *bs, uint64_t offset,
                              uint64_t bytes, Qcow2Map *map)
{
    Qcow2State *s = bs->opaque;
    uint64_t left;
    Qcow2Table *t;
    unsigned index;
    int ret = qcow2_l2_get(bs, offset, false, &t, &index);

    if (ret < 0) {
        return ret;
    }
    left = slice_left(s, offset);
    bytes = MIN(bytes, left);
    if (!t) {
        *map = (Qcow2Map) { .kind = QCOW2_UNALLOCATED, .bytes = bytes };
        return 0;
    }
    ret = map_slice(bs, offset, bytes, t, map);
    qcow2_cache_put(t);
    return ret;
}

/* ---- Allocations in flight ---- */

static Qcow2Alloc *find_alloc(const Qcow2State *s, uint64_t offset,
                              uint64_t bytes)
{
    Qcow2Alloc *a;

    LIST_FOREACH(a, &s->allocs, next) {
        uint64_t end = a->guest_offset + (a->clusters << s->cluster_bits);

        if (a->guest_offset < offset + bytes && offset < end) {
            return a;
        }
    }
    return NULL;
}

void coroutine_fn qcow2_wait_allocs(BlockDriverState *bs, uint64_t offset,
                                    uint64_t bytes)
{
    Qcow2State *s = bs->opaque;
    Qcow2Alloc *a;

    while ((a = find_alloc(s, offset, bytes))) {
        co_queue_wait(&a->waiters, &s->lock);
    }
}

static void alloc_done(Qcow2Alloc *a)
{
    LIST_REMOVE(a, next);
    co_queue_restart_all(&a->waiters);
    g_free(a);
}

/* ---- Writing ---- */

/* The guest may write the subclusters where they are. */
static bool in_place(const Qcow2Map *m)
{
    return m->kind == QCOW2_DATA && m->copied;
}

/*
 * How many clusters from that of @offset on need a new home, up to @bytes: to
 * the first that can be written where it is, or that is in flight.
 */
static int coroutine_fn count_to_alloc(BlockDriverState *bs, uint64_t offset,
                                       uint64_t bytes, uint64_t *clusters)
{
    Qcow2State *s = bs->opaque;
    uint64_t start = qcow2_cluster_start(s, offset);
    uint64_t wanted = qcow2_clusters(s, offset + bytes - start) <<
                      s->cluster_bits;
    uint64_t left = slice_left(s, start);
    uint64_t end = start + MIN(left, wanted);
    uint64_t at = start + s->cluster_bytes;

    while (at < end && !find_alloc(s, at, s->cluster_bytes)) {
        Qcow2Map m;
        int ret = qcow2_lookup(bs, at, s->cluster_bytes, &m);

        if (ret < 0) {
            return ret;
        }
        if (m.has_host && m.copied) {
            break;
        }
        at += s->cluster_bytes;
    }
    *clusters = (at - start) >> s->cluster_bits;
    return 0;
}

static int coroutine_fn new_home(BlockDriverState *bs, uint64_t offset,
                                 uint64_t bytes, Qcow2Alloc *a)
{
    Qcow2State *s = bs->opaque;
    uint64_t host_bytes;
    int64_t host;
    int ret = count_to_alloc(bs, offset, bytes, &a->clusters);

    if (ret < 0) {
        return ret;
    }
    if (s->data_file != bs->file) {
        /* Clusters of a data file have no counts, and the guest's order. */
        a->host_offset = a->guest_offset;
        return 0;
    }
    if (s->lazy_refcounts) {
        ret = qcow2_mark_dirty(bs);
        if (ret < 0) {
            return ret;
        }
    }
    host_bytes = a->clusters << s->cluster_bits;
    host = qcow2_alloc_some(bs, &host_bytes);
    if (host < 0) {
        return host;
    }
    a->host_offset = host;
    a->clusters = host_bytes >> s->cluster_bits;
    a->fresh = a->host_offset >= (uint64_t)bs->file->bs->total_bytes;
    return 0;
}

static int coroutine_fn check_in_place(BlockDriverState *bs, uint64_t host,
                                       uint64_t bytes)
{
    Qcow2State *s = bs->opaque;

    return s->data_file != bs->file ? 0 :
           qcow2_overlap_check(bs, 0, host, bytes);
}

static int coroutine_fn start_alloc(BlockDriverState *bs, uint64_t offset,
                                    uint64_t bytes, const Qcow2Map *m,
                                    Qcow2Alloc **alloc)
{
    Qcow2State *s = bs->opaque;
    Qcow2Alloc *a = g_new0(Qcow2Alloc, 1);
    int ret = 0;

    co_queue_init(&a->waiters);
    a->guest_offset = qcow2_cluster_start(s, offset);
    a->from = offset;
    a->clusters = 1;
    if (m->has_host && m->copied) {
        /* A host cluster is ours already, but not (all) its content. */
        a->keep_old = true;
        a->host_offset = m->host - qcow2_in_cluster(s, offset);
        ret = check_in_place(bs, a->host_offset, s->cluster_bytes);
    } else {
        ret = new_home(bs, offset, bytes, a);
    }
    if (ret < 0) {
        g_free(a);
        return ret;
    }
    a->to = MIN(offset + bytes,
                a->guest_offset + (a->clusters << s->cluster_bits));
    LIST_INSERT_HEAD(&s->allocs, a, next);
    *alloc = a;
    return 0;
}

int coroutine_fn qcow2_prepare_write(BlockDriverState *bs, uint64_t offset,
                                     uint64_t *bytes, uint64_t *host,
                                     Qcow2Alloc **alloc)
{
    Qcow2State *s = bs->opaque;
    Qcow2Table *t;
    Qcow2Map m;
    unsigned index;
    int ret;

    *alloc = NULL;
    qcow2_wait_allocs(bs, offset, 1);
    ret = qcow2_lookup(bs, offset, *bytes, &m);
    if (ret < 0) {
        return ret;
    }
    if (in_place(&m)) {
        /* Nobody gives a cluster of ours away under an in-place write: that
         * takes a request on the same range, which the guest orders. */
        *host = m.host;
        *bytes = m.bytes;
        return check_in_place(bs, m.host, m.bytes);
    }
    /* Make sure that there is a table for the entry before the data go out. */
    ret = qcow2_l2_get(bs, offset, true, &t, &index);
    if (ret < 0) {
        return ret;
    }
    qcow2_cache_put(t);
    ret = start_alloc(bs, offset, *bytes, &m, alloc);
    if (ret < 0) {
        return ret;
    }
    *bytes = (*alloc)->to - offset;
    *host = (*alloc)->host_offset + qcow2_in_cluster(s, offset);
    return 0;
}

/* The old cluster of an entry that points elsewhere from now on. */
static void free_old(BlockDriverState *bs, uint64_t entry)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset = entry & QCOW2_OFFSET_MASK, bytes = s->cluster_bytes;

    if (s->data_file != bs->file) {
        return;
    }
    if (entry & QCOW2_OFLAG_COMPRESSED) {
        uint64_t start, len;

        qcow2_compressed_range(s, entry, &start, &len);
        offset = qcow2_cluster_start(s, start);
        bytes = qcow2_clusters(s, start + len - offset) << s->cluster_bits;
    }
    if (offset) {
        qcow2_free_later(bs, offset, bytes);
    }
}

/* Of cluster @i of @a: the bitmap after the write. */
static uint64_t bitmap_after(const Qcow2State *s, const Qcow2Alloc *a,
                             uint64_t i, uint64_t old_entry, uint64_t old)
{
    uint64_t start = a->guest_offset + (i << s->cluster_bits);
    uint32_t mask;

    if (!s->extended_l2) {
        return 0;
    }
    if (a->prealloc) {
        return old;
    }
    if (qcow2_alloc_copies_all(s, a, old_entry)) {
        return UINT32_MAX;
    }
    mask = sub_mask(s, MAX(a->from, start) - start,
                    MIN(a->to, start + s->cluster_bytes) - start);
    return (old | mask) & ~((uint64_t)mask << 32);
}

static int coroutine_fn link_cluster(BlockDriverState *bs, Qcow2Alloc *a,
                                     uint64_t i)
{
    Qcow2State *s = bs->opaque;
    uint64_t guest = a->guest_offset + (i << s->cluster_bits);
    uint64_t host = a->host_offset + (i << s->cluster_bits);
    /* Zeros in the file are not what an encrypted disk has there. */
    bool reads_as_zeros = a->prealloc && s->crypt_method &&
                          s->version >= 3 && !s->extended_l2;
    uint64_t old, bitmap;
    Qcow2Table *t;
    unsigned index;
    int ret = qcow2_l2_get(bs, guest, true, &t, &index);

    if (ret < 0) {
        return ret;
    }
    old = entry_get(s, t, index);
    bitmap = bitmap_after(s, a, i, old, bitmap_get(s, t, index));
    entry_set(s, t, index, host | QCOW2_OFLAG_COPIED |
              (reads_as_zeros ? QCOW2_OFLAG_ZERO : 0), bitmap);
    qcow2_cache_put(t);
    if (!a->keep_old) {
        free_old(bs, old);
    }
    return 0;
}

int coroutine_fn qcow2_link_alloc(BlockDriverState *bs, Qcow2Alloc *a)
{
    int ret = 0;

    for (uint64_t i = 0; i < a->clusters && ret >= 0; i++) {
        ret = link_cluster(bs, a, i);
    }
    alloc_done(a);
    return ret;
}

/* The data did not get there: the clusters are free again. */
void coroutine_fn qcow2_abort_write(BlockDriverState *bs, Qcow2Alloc *a)
{
    Qcow2State *s = bs->opaque;

    if (!a->keep_old && s->data_file == bs->file) {
        qcow2_free_later(bs, a->host_offset, a->clusters << s->cluster_bits);
    }
    alloc_done(a);
}

/* ---- Zeros, discard ---- */

/* What becomes of one cluster, or of the subclusters in @mask of it. */
typedef enum ClearTo { CLEAR_TO_ZERO, CLEAR_TO_NOTHING } ClearTo;

static void clear_cluster(BlockDriverState *bs, Qcow2Table *t, unsigned index,
                          ClearTo to, bool unmap)
{
    Qcow2State *s = bs->opaque;
    uint64_t old = entry_get(s, t, index), entry = 0, bitmap = 0;
    bool external = s->data_file != bs->file &&
                    s->freeing != QCOW2_FREED_ALWAYS;
    bool keep = has_host(s, bs, old) && (external || (!unmap &&
                (old & QCOW2_OFLAG_COPIED)));

    if (keep) {
        entry = old & ~QCOW2_OFLAG_ZERO;
    }
    if (to == CLEAR_TO_ZERO) {
        bitmap = s->extended_l2 ? (uint64_t)UINT32_MAX << 32 : 0;
        entry |= s->extended_l2 ? 0 : QCOW2_OFLAG_ZERO;
    }
    if (entry == old && bitmap == bitmap_get(s, t, index)) {
        return;
    }
    entry_set(s, t, index, entry, bitmap);
    if (!keep) {
        free_old(bs, old);
    }
}

static void clear_subclusters(BlockDriverState *bs, Qcow2Table *t,
                              unsigned index, uint32_t mask)
{
    Qcow2State *s = bs->opaque;
    uint64_t bitmap = bitmap_get(s, t, index);

    entry_set(s, t, index, entry_get(s, t, index),
              (bitmap | (uint64_t)mask << 32) & ~(uint64_t)mask);
}

static int coroutine_fn clear_range(BlockDriverState *bs, uint64_t offset,
                                    uint64_t bytes, ClearTo to, bool unmap)
{
    Qcow2State *s = bs->opaque;
    uint64_t end = offset + bytes;
    int ret = 0;

    while (offset < end && ret >= 0) {
        uint64_t in = qcow2_in_cluster(s, offset);
        uint64_t n = MIN(s->cluster_bytes - in, end - offset);
        bool whole = n == s->cluster_bytes || (!qcow2_in_cluster(s, offset) &&
                                               end == s->size);
        Qcow2Table *t = NULL;
        unsigned index;

        ret = 0;
        if (to == CLEAR_TO_NOTHING) {
            ret = qcow2_l2_get(bs, offset, false, &t, &index);
            if (ret >= 0 && !t) {
                uint64_t left = slice_left(s, offset);

                offset += MIN(left, end - offset);
                continue;
            }
            qcow2_cache_put(t);
        }
        if (ret >= 0) {
            ret = qcow2_l2_get(bs, offset, true, &t, &index);
        }
        if (ret < 0) {
            break;
        }
        if (whole) {
            clear_cluster(bs, t, index, to, unmap);
        } else if (entry_get(s, t, index) & QCOW2_OFLAG_COMPRESSED) {
            ret = -ENOTSUP;
        } else {
            unsigned from = qcow2_in_cluster(s, offset);

            clear_subclusters(bs, t, index, sub_mask(s, from, from + n));
        }
        qcow2_cache_put(t);
        offset += n;
    }
    return ret;
}

int coroutine_fn qcow2_zero_clusters(BlockDriverState *bs, uint64_t offset,
                                     uint64_t bytes, bool unmap)
{
    Qcow2State *s = bs->opaque;

    /* Version 2 has no mark for zeros; without a backing file, nothing at all
     * reads as zeros as well. */
    if (s->version < 3) {
        return bs->backing ? -ENOTSUP :
               clear_range(bs, offset, bytes, CLEAR_TO_NOTHING, true);
    }
    return clear_range(bs, offset, bytes, CLEAR_TO_ZERO, unmap);
}

int coroutine_fn qcow2_discard_clusters(BlockDriverState *bs, uint64_t offset,
                                        uint64_t bytes)
{
    Qcow2State *s = bs->opaque;

    /* What the guest discards must not show what the backing file has, nor,
     * where it is encrypted, what is left in a data file. A data file that is
     * read as a raw image is what the guest sees, zeros or not. */
    if (bs->backing || (s->data_file != bs->file &&
                        !(s->autoclear & QCOW2_AUTOCLEAR_RAW_DATA))) {
        return s->version < 3 ? 0 :
               clear_range(bs, offset, bytes, CLEAR_TO_ZERO, true);
    }
    return clear_range(bs, offset, bytes, CLEAR_TO_NOTHING, true);
}

/* Nothing is left, not even zeros: for what is past the end from now on. */
int coroutine_fn qcow2_drop_clusters(BlockDriverState *bs, uint64_t offset,
                                     uint64_t bytes)
{
    Qcow2State *s = bs->opaque;
    int ret;

    s->freeing = QCOW2_FREED_ALWAYS;
    ret = clear_range(bs, offset, bytes, CLEAR_TO_NOTHING, true);
    s->freeing = QCOW2_FREED_OTHER;
    return ret;
}

int coroutine_fn qcow2_set_compressed(BlockDriverState *bs, uint64_t offset,
                                      uint64_t entry)
{
    Qcow2State *s = bs->opaque;
    Qcow2Table *t;
    unsigned index;
    int ret = qcow2_l2_get(bs, offset, true, &t, &index);
    uint64_t old;

    if (ret < 0) {
        return ret;
    }
    old = entry_get(s, t, index);
    entry_set(s, t, index, entry, 0);
    qcow2_event(bs, BLKDEBUG_EVENT_L2_UPDATE_COMPRESSED);
    qcow2_cache_put(t);
    free_old(bs, old);
    return 0;
}

bool qcow2_alloc_copies_all(const Qcow2State *s, const Qcow2Alloc *a,
                            uint64_t old_entry)
{
    /* Into a new cluster, from one that holds more than is written. */
    return !s->extended_l2 || (!a->keep_old &&
           (old_entry & (QCOW2_OFFSET_MASK | QCOW2_OFLAG_COMPRESSED)));
}
