/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and writes of qcow2 images: cluster by cluster, or in longer runs where
 * the image is in one piece. A write to a part of a new cluster fills the rest
 * of it with what the guest saw there. See qcow2-internal.h.
 */
#include "util/osdep.h"
#include "qcow2-meta-internal.h"

#define COPY_BYTES_MAX        (1 * MiB)
#define PACK_BYTES_MAX        (1 * MiB)

/* ---- Reading ---- */

static int coroutine_fn read_backing(BlockDriverState *bs, int64_t offset,
                                     IoVec *iov, size_t done, size_t bytes)
{
    IoVec part;
    int ret;

    if (!bs->backing) {
        iovec_memset(iov, done, 0, bytes);
        return 0;
    }
    qcow2_event(bs, BLKDEBUG_EVENT_READ_BACKING_AIO);
    iovec_init_slice(&part, iov, done, bytes);
    ret = bdrv_co_preadv(bs->backing->bs, offset, &part, 0);
    iovec_destroy(&part);
    return ret;
}

/* From @done of @iov. What is compressed may go on behind @m: m->bytes grows. */
static int coroutine_fn read_mapped(BlockDriverState *bs, int64_t offset,
                                    Qcow2Map *m, IoVec *iov, size_t done)
{
    IoVec part;
    int ret;

    switch (m->kind) {
    case QCOW2_UNALLOCATED:
        return read_backing(bs, offset, iov, done, m->bytes);
    case QCOW2_ZERO:
        iovec_memset(iov, done, 0, m->bytes);
        return 0;
    case QCOW2_COMPRESSED:
        return qcow2_read_compressed(bs, offset, m, iov, done);
    default:
        qcow2_event(bs, BLKDEBUG_EVENT_READ_AIO);
        iovec_init_slice(&part, iov, done, m->bytes);
        ret = qcow2_read_data(bs, offset, m->host, &part);
        iovec_destroy(&part);
        return ret;
    }
}

static int coroutine_fn map_to_read(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes, Qcow2Map *m)
{
    Qcow2State *s = bs->opaque;
    int ret;

    co_mutex_lock(&s->lock);
    qcow2_warm(bs, offset);
    ret = qcow2_lookup(bs, offset, bytes, m);
    m->reused = s->reused;
    co_mutex_unlock(&s->lock);
    return ret;
}

int coroutine_fn qcow2_co_preadv(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, IoVec *iov)
{
    int64_t done = 0;
    int ret = 0;

    while (done < bytes && ret >= 0) {
        Qcow2Map m;

        ret = map_to_read(bs, offset + done, bytes - done, &m);
        if (ret >= 0) {
            ret = read_mapped(bs, offset + done, &m, iov, done);
            done += m.bytes;
        }
    }
    return ret;
}

/* What @m maps, or as much of it as the child has that it is in. */
static int coroutine_fn copy_mapped_to(BlockDriverState *bs, int64_t offset,
                                       Qcow2Map *m, const BdrvPlace *to,
                                       int flags)
{
    Qcow2State *s = bs->opaque;
    BdrvPlace from = { NULL, offset };
    int64_t left = 0;

    if (m->kind == QCOW2_COMPRESSED) {
        return -ENOTSUP;
    }
    if (m->kind == QCOW2_DATA) {
        from = (BdrvPlace) { s->data_file->bs, m->host };
    } else if (m->kind == QCOW2_UNALLOCATED && bs->backing) {
        from.bs = bs->backing->bs;
    }
    if (from.bs) {
        left = from.bs->total_bytes - from.offset;
    }
    /* Past its end there are zeros. */
    if (left <= 0) {
        return bdrv_co_pwrite_zeroes(to->bs, to->offset, m->bytes, flags);
    }
    m->bytes = MIN(m->bytes, (uint64_t)left);
    return bdrv_co_copy_from(from.bs, from.offset, m->bytes, to, flags);
}

int coroutine_fn qcow2_co_copy_from(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes, const BdrvPlace *to,
                                    int flags)
{
    Qcow2State *s = bs->opaque;
    int64_t done = 0;
    int ret = s->crypto ? -EXDEV : 0;

    while (done < bytes && ret >= 0) {
        const BdrvPlace at = { to->bs, to->offset + done };
        Qcow2Map m;

        ret = map_to_read(bs, offset + done, bytes - done, &m);
        if (ret >= 0) {
            ret = copy_mapped_to(bs, offset + done, &m, &at, flags);
            done += m.bytes;
        }
    }
    return ret;
}

/* ---- Writing ---- */

static int coroutine_fn zero_around(BlockDriverState *bs, uint64_t host,
                                    uint64_t bytes)
{
    Qcow2State *s = bs->opaque;

    qcow2_event(bs, BLKDEBUG_EVENT_CLUSTER_ALLOC_SPACE);
    return bdrv_co_pwrite_zeroes(s->data_file->bs, host, bytes, 0);
}

/* By way of @buf, m->bytes long. */
static int coroutine_fn copy_mapped(BlockDriverState *bs, uint64_t guest,
                                    Qcow2Map *m, uint64_t host, uint8_t *buf)
{
    IoVec iov;
    int ret;

    iovec_init_buf(&iov, buf, m->bytes);
    qcow2_event(bs, BLKDEBUG_EVENT_COW_READ);
    ret = read_mapped(bs, guest, m, &iov, 0);
    if (ret < 0) {
        return ret;
    }
    qcow2_event(bs, BLKDEBUG_EVENT_COW_WRITE);
    return qcow2_write_data(bs, guest, host, &iov);
}

/* What the clusters held before, around the data: [from, to) of the guest. */
static int coroutine_fn copy_range(BlockDriverState *bs, const Qcow2Alloc *a,
                                   uint64_t from, uint64_t to)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *buf = NULL;
    uint64_t chunk = MIN(to - from, COPY_BYTES_MAX);
    int ret = 0;

    while (from < to && ret >= 0) {
        uint64_t n = MIN(chunk, to - from);
        uint64_t host = a->host_offset + (from - a->guest_offset);
        Qcow2Map m;

        co_mutex_lock(&s->lock);
        ret = qcow2_lookup(bs, from, n, &m);
        co_mutex_unlock(&s->lock);
        if (ret < 0) {
            break;
        }
        n = m.bytes;
        if (!s->crypto && (m.kind == QCOW2_ZERO ||
            (m.kind == QCOW2_UNALLOCATED && !bs->backing))) {
            ret = a->fresh ? 0 : zero_around(bs, host, n);
        } else {
            buf = buf ? buf : g_try_malloc(chunk);
            if (!buf) {
                return -ENOMEM;
            }
            ret = copy_mapped(bs, from, &m, host, buf);
        }
        from += n;
    }
    return ret;
}

static int coroutine_fn needs_all(BlockDriverState *bs, const Qcow2Alloc *a,
                                  uint64_t offset)
{
    Qcow2State *s = bs->opaque;
    Qcow2Map m;
    int ret;

    co_mutex_lock(&s->lock);
    ret = qcow2_lookup(bs, offset, 1, &m);
    co_mutex_unlock(&s->lock);
    return ret < 0 ? ret : qcow2_alloc_copies_all(s, a, m.entry);
}

/* From the start of the first (sub)cluster, to the end of the last. */
static int coroutine_fn copy_around(BlockDriverState *bs, const Qcow2Alloc *a)
{
    Qcow2State *s = bs->opaque;
    uint64_t last = a->to - 1;
    int first_all = needs_all(bs, a, a->from);
    int last_all = needs_all(bs, a, last);
    uint64_t from, to;
    int ret;

    if (first_all < 0 || last_all < 0) {
        return -EIO;
    }
    from = ROUND_DOWN(a->from, first_all ? s->cluster_bytes :
                                           s->subcluster_bytes);
    to = ROUND_UP(last + 1, last_all ? s->cluster_bytes :
                                       s->subcluster_bytes);
    ret = from < a->from ? copy_range(bs, a, from, a->from) : 0;
    return ret >= 0 && a->to < to ? copy_range(bs, a, a->to, to) : ret;
}

/* What is written: a buffer, or what the host copies. */
typedef struct Source {
    const IoVec *iov;
    const BdrvPlace *place;
} Source;

static int coroutine_fn put_data(BlockDriverState *bs, uint64_t guest,
                                 uint64_t host, const Source *src,
                                 size_t done, uint64_t bytes)
{
    Qcow2State *s = bs->opaque;
    IoVec part;
    int ret;

    qcow2_event(bs, BLKDEBUG_EVENT_WRITE_AIO);
    if (src->place) {
        const BdrvPlace from = { src->place->bs, src->place->offset + done };

        return bdrv_co_copy_to(s->data_file->bs, host, bytes, &from, 0);
    }
    iovec_init_slice(&part, src->iov, done, bytes);
    ret = qcow2_write_data(bs, guest, host, &part);
    iovec_destroy(&part);
    return ret;
}

static int coroutine_fn write_piece(BlockDriverState *bs, int64_t offset,
                                    const Source *src, size_t done,
                                    uint64_t *bytes)
{
    Qcow2State *s = bs->opaque;
    Qcow2Alloc *alloc;
    uint64_t host;
    int ret;

    co_mutex_lock(&s->lock);
    qcow2_warm(bs, offset);
    ret = s->corrupt ? -EIO : qcow2_prepare_write(bs, offset, bytes, &host,
                                                  &alloc);
    co_mutex_unlock(&s->lock);
    if (ret < 0) {
        return ret;
    }
    ret = put_data(bs, offset, host, src, done, *bytes);
    if (!alloc) {
        return ret;
    }
    ret = ret < 0 ? ret : copy_around(bs, alloc);
    co_mutex_lock(&s->lock);
    if (ret >= 0) {
        ret = qcow2_link_alloc(bs, alloc);
    } else {
        qcow2_abort_write(bs, alloc);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

static int coroutine_fn write_pieces(BlockDriverState *bs, int64_t offset,
                                     int64_t bytes, const Source *src)
{
    int64_t done = 0;
    int ret = 0;

    while (done < bytes && ret >= 0) {
        uint64_t n = bytes - done;

        ret = write_piece(bs, offset + done, src, done, &n);
        done += n;
    }
    return ret;
}

int coroutine_fn qcow2_co_pwritev(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes, IoVec *iov, int flags)
{
    const Source src = { .iov = iov };

    return write_pieces(bs, offset, bytes, &src);
}

int coroutine_fn qcow2_co_copy_to(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes, const BdrvPlace *from,
                                  int flags)
{
    Qcow2State *s = bs->opaque;
    const Source src = { .place = from };

    return s->crypto ? -EXDEV : write_pieces(bs, offset, bytes, &src);
}

int coroutine_fn qcow2_write_zeros(BlockDriverState *bs, uint64_t from,
                                   uint64_t to)
{
    uint64_t chunk = MIN(to - from, COPY_BYTES_MAX);
    g_autofree uint8_t *buf = g_try_malloc0(chunk);
    int ret = buf ? 0 : -ENOMEM;

    while (from < to && ret >= 0) {
        uint64_t n = MIN(to - from, chunk);
        IoVec iov;

        iovec_init_buf(&iov, buf, n);
        ret = qcow2_co_pwritev(bs, from, n, &iov, 0);
        from += n;
    }
    return ret;
}

/* Clusters that are alike in whether they are stored packed, as they are
 * because they do not shrink, or not at all. */
static int packed_kind(const BdrvPacked *p, unsigned i)
{
    return p->bytes[i] < 0 ? -1 : p->bytes[i] > 0;
}

static int coroutine_fn write_packed(BlockDriverState *bs, int64_t offset,
                                     const IoVec *iov, const BdrvPacked *p)
{
    Qcow2State *s = bs->opaque;
    size_t used = 0;
    unsigned i = 0;
    int ret = 0;

    while (i < p->clusters && ret >= 0) {
        size_t at = (size_t)i << s->cluster_bits, bytes = 0;
        unsigned n = 0;

        do {
            bytes += MAX(p->bytes[i + n], 0);
            n++;
        } while (i + n < p->clusters &&
                 packed_kind(p, i + n) == packed_kind(p, i));
        if (packed_kind(p, i) > 0) {
            ret = qcow2_store_packed(bs, offset + at, p->data + used,
                                     p->bytes + i, n);
        } else if (packed_kind(p, i) < 0) {
            IoVec part;

            iovec_init_slice(&part, iov, at, (size_t)n << s->cluster_bits);
            ret = qcow2_co_pwritev(bs, offset + at, part.size, &part, 0);
            iovec_destroy(&part);
        }
        used += bytes;
        i += n;
    }
    return ret;
}

/* Not all at once: it takes as much memory again. */
static int coroutine_fn pack_and_write(BlockDriverState *bs, int64_t offset,
                                       IoVec *iov)
{
    Qcow2State *s = bs->opaque;
    size_t max = MAX(s->cluster_bytes, PACK_BYTES_MAX);
    int ret = 0;

    for (size_t done = 0; done < iov->size && ret >= 0; done += max) {
        BdrvPacked *p;
        IoVec part;

        iovec_init_slice(&part, iov, done, max);
        ret = qcow2_co_pack(bs, &part, false, &p);
        if (ret >= 0) {
            ret = write_packed(bs, offset + done, &part, p);
            bdrv_packed_free(p);
        }
        iovec_destroy(&part);
    }
    return ret;
}

int coroutine_fn qcow2_co_pwritev_compressed(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             IoVec *iov,
                                             const BdrvPacked *packed)
{
    Qcow2State *s = bs->opaque;

    /* Compressed clusters are not encrypted. */
    if (s->data_file != bs->file || s->crypt_method) {
        return -ENOTSUP;
    }
    if (qcow2_in_cluster(s, offset) ||
        (qcow2_in_cluster(s, bytes) && offset + bytes != (int64_t)s->size) ||
        (packed && packed->clusters != qcow2_clusters(s, bytes))) {
        return -EINVAL;
    }
    return s->corrupt ? -EIO :
           packed ? write_packed(bs, offset, iov, packed) :
           pack_and_write(bs, offset, iov);
}
