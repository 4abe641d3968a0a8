/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed clusters are packed byte by byte; a host cluster counts once for
 * each that touches it. Runs of them are read and written at once, and the
 * thread pool (un)packs a run in one go; to use several CPUs is up to those
 * who make several requests. The last cluster of which a part was read stays
 * in memory: who reads a part often wants the next one.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"
#include "qcow2-codec-internal.h"
#include "util/thread-pool.h"

#define SECTOR_BYTES   512
#define RUN_CLUSTERS   32
#define RUN_BYTES_MAX  (1 * MiB)        /* but for one cluster alone */

/* ---- Entries ---- */

static unsigned size_shift(const Qcow2State *s)
{
    return 62 - (s->cluster_bits - 8);
}

void qcow2_compressed_range(const Qcow2State *s, uint64_t entry,
                            uint64_t *offset, uint64_t *bytes)
{
    unsigned x = size_shift(s);
    uint64_t sectors = ((entry & ~(QCOW2_OFLAG_COMPRESSED |
                                   QCOW2_OFLAG_COPIED)) >> x) + 1;

    *offset = entry & ((1ULL << x) - 1);
    *bytes = sectors * SECTOR_BYTES - *offset % SECTOR_BYTES;
}

static uint64_t make_entry(const Qcow2State *s, uint64_t offset, uint64_t bytes)
{
    uint64_t more = (offset + bytes - 1) / SECTOR_BYTES - offset / SECTOR_BYTES;

    return QCOW2_OFLAG_COMPRESSED | offset | more << size_shift(s);
}

/* [offset, offset + bytes) of @iov if it is in one piece, or NULL. */
static uint8_t *in_one_piece(const IoVec *iov, size_t offset, size_t bytes)
{
    for (unsigned i = 0; i < iov->niov; i++) {
        if (offset < iov->iov[i].iov_len) {
            return bytes <= iov->iov[i].iov_len - offset ?
                   (uint8_t *)iov->iov[i].iov_base + offset : NULL;
        }
        offset -= iov->iov[i].iov_len;
    }
    return NULL;
}

/* ---- Reading ---- */

typedef struct ReadRun {
    const Qcow2State *s;
    uint64_t entries[RUN_CLUSTERS];
    unsigned n;
    uint64_t offset, bytes;             /* of all, in the file */
    uint8_t *src;                       /* what is there */
    unsigned from;                      /* bytes left out of the first */
    IoVec *iov;
    size_t iov_offset, iov_bytes;
    uint8_t *spare;                     /* where a cluster goes in between */
    uint64_t spare_entry;               /* the last that did; 0: none */
} ReadRun;

/* Another cluster, if it comes next in the file. */
static bool run_add(ReadRun *r, uint64_t entry)
{
    uint64_t offset, bytes;

    qcow2_compressed_range(r->s, entry, &offset, &bytes);
    if (!r->n) {
        r->offset = offset;
    } else if (r->n == RUN_CLUSTERS || offset < r->offset ||
               offset > r->offset + r->bytes ||
               offset + bytes - r->offset > RUN_BYTES_MAX) {
        return false;
    }
    r->entries[r->n++] = entry;
    r->bytes = MAX(r->bytes, offset + bytes - r->offset);
    return true;
}

/* All that may be unpacked with the first one. */
static void coroutine_fn find_run(BlockDriverState *bs, uint64_t offset,
                                  uint64_t bytes, ReadRun *r)
{
    Qcow2State *s = bs->opaque;
    uint64_t next = qcow2_cluster_start(s, offset) + s->cluster_bytes;
    Qcow2Map m;

    if (next < offset + bytes) {
        co_mutex_lock(&s->lock);
        while (next < offset + bytes && qcow2_lookup(bs, next, 1, &m) >= 0 &&
               m.kind == QCOW2_COMPRESSED && run_add(r, m.entry)) {
            next += s->cluster_bytes;
        }
        co_mutex_unlock(&s->lock);
    }
    r->iov_bytes = MIN(bytes, next - offset);
}

/* Straight to where it is wanted, if it is wanted whole. The guest may write
 * there meanwhile, and has the damage alone: no length is taken from it. */
static int unpack_run(void *opaque)
{
    ReadRun *r = opaque;
    size_t cluster = r->s->cluster_bytes, done = 0;
    Qcow2Codec *codec = qcow2_codec_new(r->s->compression, false);
    int ret = codec ? 0 : -ENOMEM;

    for (unsigned i = 0; i < r->n && ret >= 0; i++) {
        unsigned from = i ? 0 : r->from;
        size_t n = MIN(cluster - from, r->iov_bytes - done);
        uint8_t *dst = n == cluster ?
                       in_one_piece(r->iov, r->iov_offset + done, n) : NULL;
        uint64_t offset, bytes;

        if (!dst && !r->spare) {
            r->spare = g_try_malloc(cluster);
        }
        if (!dst && !r->spare) {
            ret = -ENOMEM;
            break;
        }
        qcow2_compressed_range(r->s, r->entries[i], &offset, &bytes);
        ret = qcow2_codec_run(codec, dst ? dst : r->spare, cluster,
                              r->src + (offset - r->offset), bytes);
        if (!dst) {
            r->spare_entry = ret < 0 ? 0 : r->entries[i];
        }
        if (!dst && ret >= 0) {
            iovec_from_buf(r->iov, r->iov_offset + done, r->spare + from, n);
        }
        done += n;
    }
    qcow2_codec_free(codec);
    return ret;
}

void qcow2_forget_unpacked(Qcow2State *s)
{
    s->reused++;
    s->unpacked_entry = 0;
    g_clear_pointer(&s->unpacked, g_free);
}

/* Without work, if it is the one that stayed. */
static bool coroutine_fn copy_unpacked(Qcow2State *s, ReadRun *r,
                                       const Qcow2Map *m)
{
    bool found;

    co_mutex_lock(&s->lock);
    found = s->unpacked_entry == m->entry && s->reused == m->reused;
    if (found) {
        r->iov_bytes = MIN(r->iov_bytes, s->cluster_bytes - r->from);
        iovec_from_buf(r->iov, r->iov_offset, s->unpacked + r->from,
                       r->iov_bytes);
    }
    co_mutex_unlock(&s->lock);
    return found;
}

/* Unless its place may have been given to others since @m was looked up. */
static void coroutine_fn keep_unpacked(Qcow2State *s, ReadRun *r,
                                       const Qcow2Map *m)
{
    co_mutex_lock(&s->lock);
    if (r->spare_entry && s->reused == m->reused) {
        uint8_t *old = s->unpacked;

        s->unpacked = r->spare;
        s->unpacked_entry = r->spare_entry;
        r->spare = old;
    }
    co_mutex_unlock(&s->lock);
}

static int coroutine_fn read_run(BlockDriverState *bs, ReadRun *r)
{
    int ret;

    r->src = g_try_malloc(r->bytes);
    if (!r->src) {
        return -ENOMEM;
    }
    qcow2_event(bs, BLKDEBUG_EVENT_READ_COMPRESSED);
    ret = bdrv_co_pread(bs->file->bs, r->offset, r->src, r->bytes);
    ret = ret < 0 ? ret : thread_pool_submit_co(unpack_run, r);
    g_free(r->src);
    return ret;
}

int coroutine_fn qcow2_read_compressed(BlockDriverState *bs, uint64_t offset,
                                       Qcow2Map *m, IoVec *iov,
                                       size_t iov_offset)
{
    Qcow2State *s = bs->opaque;
    ReadRun r = {
        .s = s, .from = qcow2_in_cluster(s, offset), .iov = iov,
        .iov_offset = iov_offset, .iov_bytes = iov->size - iov_offset,
    };
    int ret = 0;

    if (!copy_unpacked(s, &r, m)) {
        run_add(&r, m->entry);
        find_run(bs, offset, r.iov_bytes, &r);
        ret = read_run(bs, &r);
    }
    if (r.spare) {
        keep_unpacked(s, &r, m);
        g_free(r.spare);
    }
    m->bytes = r.iov_bytes;
    return ret;
}

/* ---- Packing ---- */

typedef struct PackTask {
    const Qcow2State *s;
    const IoVec *iov;
    BdrvPacked *p;
    bool skip_zeroes;
} PackTask;

/* Cluster @i; by way of *@spare if it is in several pieces. NULL: no memory. */
static const uint8_t *whole_cluster(const PackTask *t, unsigned i,
                                    uint8_t **spare)
{
    size_t cluster = t->s->cluster_bytes, n;
    uint8_t *src = in_one_piece(t->iov, i * cluster, cluster);

    if (src) {
        return src;
    }
    *spare = *spare ? *spare : g_try_malloc(cluster);
    if (*spare) {
        /* Past the end of the image there are zeros. */
        n = iovec_to_buf(t->iov, i * cluster, *spare, cluster);
        memset(*spare + n, 0, cluster - n);
    }
    return *spare;
}

static int pack_clusters(const PackTask *t, Qcow2Codec *codec)
{
    size_t cluster = t->s->cluster_bytes, used = 0;
    g_autofree uint8_t *spare = NULL;
    BdrvPacked *p = t->p;

    for (unsigned i = 0; i < p->clusters; i++) {
        const uint8_t *src = whole_cluster(t, i, &spare);

        if (!src) {
            return -ENOMEM;
        }
        p->bytes[i] = t->skip_zeroes && buffer_is_zero(src, cluster) ? 0 :
                      qcow2_codec_run(codec, p->data + used, cluster - 1, src,
                                      cluster);
        if (p->bytes[i] < 0 && p->bytes[i] != -ENOSPC) {
            return p->bytes[i];
        }
        used += MAX(p->bytes[i], 0);
    }
    /* Others may wait for long. */
    p->data = g_realloc(p->data, used + 1);
    return 0;
}

static int pack_task(void *opaque)
{
    PackTask *t = opaque;
    Qcow2Codec *codec = qcow2_codec_new(t->s->compression, true);
    int ret = codec ? pack_clusters(t, codec) : -ENOMEM;

    qcow2_codec_free(codec);
    return ret;
}

int coroutine_fn qcow2_co_pack(BlockDriverState *bs, const IoVec *iov,
                               bool skip_zeroes, BdrvPacked **packed)
{
    Qcow2State *s = bs->opaque;
    unsigned clusters = qcow2_clusters(s, iov->size);
    BdrvPacked *p = g_malloc(sizeof(*p) + clusters * sizeof(p->bytes[0]));
    PackTask t = { s, iov, p, skip_zeroes };
    int ret;

    p->clusters = clusters;
    p->data = g_try_malloc(((size_t)clusters << s->cluster_bits) + 1);
    ret = p->data ? thread_pool_submit_co(pack_task, &t) : -ENOMEM;
    if (ret < 0) {
        g_clear_pointer(&p, bdrv_packed_free);
    }
    *packed = p;
    return ret;
}

/* ---- Writing ---- */

/*
 * A place for @bytes, behind the last ones if they fit there or if the next
 * host cluster is free. Lock held.
 */
static int64_t coroutine_fn alloc_bytes(BlockDriverState *bs, uint64_t bytes)
{
    Qcow2State *s = bs->opaque;
    uint64_t offset = s->free_byte;
    uint64_t left = offset ? s->cluster_bytes - qcow2_in_cluster(s, offset) : 0;
    int64_t cluster = 0;
    int ret;

    qcow2_event(bs, BLKDEBUG_EVENT_CLUSTER_ALLOC_BYTES);
    if (bytes > left) {
        cluster = qcow2_alloc(bs, s->cluster_bytes);
        if (cluster < 0) {
            return cluster;
        }
    }
    if (!left || (cluster && (uint64_t)cluster != offset + left)) {
        offset = cluster;
    } else {
        ret = qcow2_add_refcount(bs, qcow2_cluster_start(s, offset),
                                 s->cluster_bytes, 1);
        if (ret < 0 && !cluster) {
            /* As many as can be counted are in it: begin another. */
            s->free_byte = 0;
            return ret == -EINVAL ? alloc_bytes(bs, bytes) : ret;
        }
        if (ret < 0) {
            offset = cluster;
        }
    }
    s->free_byte = offset + bytes;
    if (!qcow2_in_cluster(s, s->free_byte)) {
        s->free_byte = 0;
    }
    return offset;
}

typedef struct StoreRun {
    uint64_t guest;
    const uint8_t *data;
    const int32_t *bytes;
    uint64_t *places;
    unsigned n;
} StoreRun;

/* They did not get into a table: the places are free again. Lock held. */
static void free_places(BlockDriverState *bs, const StoreRun *r, unsigned from,
                        unsigned to)
{
    Qcow2State *s = bs->opaque;

    for (unsigned i = from; i < to; i++) {
        uint64_t start = qcow2_cluster_start(s, r->places[i]);
        uint64_t end = r->places[i] + r->bytes[i];

        qcow2_free_later(bs, start,
                         qcow2_clusters(s, end - start) << s->cluster_bits);
    }
}

/* In the order of the guest's clusters; tables come where they are needed
 * first. Lock held. */
static int coroutine_fn find_places(BlockDriverState *bs, StoreRun *r)
{
    Qcow2State *s = bs->opaque;

    for (unsigned i = 0; i < r->n; i++) {
        int64_t place = alloc_bytes(bs, r->bytes[i]);
        Qcow2Table *t = NULL;
        unsigned index;
        int ret = place < 0 ? place :
                  qcow2_overlap_check(bs, 0, place, r->bytes[i]);

        r->places[i] = place;
        ret = ret < 0 ? ret : qcow2_l2_get(bs, r->guest +
                                           ((uint64_t)i << s->cluster_bits),
                                           true, &t, &index);
        qcow2_cache_put(t);
        if (ret < 0) {
            free_places(bs, r, 0, place < 0 ? i : i + 1);
            return ret;
        }
    }
    return 0;
}

static int coroutine_fn write_places(BlockDriverState *bs, const StoreRun *r)
{
    const uint8_t *data = r->data;
    unsigned i = 0;
    int ret = 0;

    while (i < r->n && ret >= 0) {
        uint64_t place = r->places[i], bytes = 0;

        while (i < r->n && r->places[i] == place + bytes) {
            bytes += r->bytes[i++];
        }
        qcow2_event(bs, BLKDEBUG_EVENT_WRITE_COMPRESSED);
        ret = bdrv_co_pwrite(bs->file->bs, place, data, bytes, 0);
        data += bytes;
    }
    return ret;
}

/* Lock held. */
static int coroutine_fn link_places(BlockDriverState *bs, const StoreRun *r)
{
    Qcow2State *s = bs->opaque;

    for (unsigned i = 0; i < r->n; i++) {
        int ret = qcow2_set_compressed(bs, r->guest +
                                       ((uint64_t)i << s->cluster_bits),
                                       make_entry(s, r->places[i],
                                                  r->bytes[i]));

        if (ret < 0) {
            free_places(bs, r, i, r->n);
            return ret;
        }
    }
    return 0;
}

int coroutine_fn qcow2_store_packed(BlockDriverState *bs, uint64_t guest,
                                    const uint8_t *data, const int32_t *bytes,
                                    unsigned n)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint64_t *places = g_new(uint64_t, n);
    StoreRun r = { guest, data, bytes, places, n };
    int ret;

    co_mutex_lock(&s->lock);
    qcow2_wait_allocs(bs, guest, (uint64_t)n << s->cluster_bits);
    ret = find_places(bs, &r);
    co_mutex_unlock(&s->lock);
    if (ret < 0) {
        return ret;
    }
    ret = write_places(bs, &r);
    co_mutex_lock(&s->lock);
    if (ret >= 0) {
        ret = link_places(bs, &r);
    } else {
        free_places(bs, &r, 0, n);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}
