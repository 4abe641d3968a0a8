/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed clusters: deflate without a header and a window of 4 KiB, or a
 * zstd frame ("Compressed Clusters Descriptor" in the specification). They are
 * packed byte by byte; a host cluster counts once for each that touches it.
 * The work is done by the thread pool.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"
#include <zlib.h>
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif
#include "util/thread-pool.h"

#define DEFLATE_WINDOW_BITS (-12)       /* negative: no header */
#define DEFLATE_MEM_LEVEL   9
#define SECTOR_BYTES        512

typedef struct CompressTask {
    unsigned type;
    uint8_t *dst;
    size_t dst_bytes;
    const uint8_t *src;
    size_t src_bytes;
} CompressTask;

bool qcow2_compression_available(unsigned type)
{
#ifdef CONFIG_ZSTD
    return type <= QCOW2_COMPRESSION_ZSTD;
#else
    return type == QCOW2_COMPRESSION_ZLIB;
#endif
}

/* ---- Codecs. Bytes written, or -errno; -ENOSPC: no room in @dst. ---- */

static int deflate_task(CompressTask *t)
{
    z_stream z = {
        .next_in = (uint8_t *)t->src, .avail_in = t->src_bytes,
        .next_out = t->dst, .avail_out = t->dst_bytes,
    };
    int ret = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                           DEFLATE_WINDOW_BITS, DEFLATE_MEM_LEVEL,
                           Z_DEFAULT_STRATEGY);

    if (ret != Z_OK) {
        return -ENOMEM;
    }
    ret = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return ret == Z_STREAM_END ? (int)(t->dst_bytes - z.avail_out) :
           ret == Z_OK ? -ENOSPC : -EIO;
}

/* The input ends somewhere in its last sector; the output is a cluster. */
static int inflate_task(CompressTask *t)
{
    z_stream z = {
        .next_in = (uint8_t *)t->src, .avail_in = t->src_bytes,
        .next_out = t->dst, .avail_out = t->dst_bytes,
    };
    int ret = inflateInit2(&z, DEFLATE_WINDOW_BITS);

    if (ret != Z_OK) {
        return -ENOMEM;
    }
    ret = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return (ret == Z_STREAM_END || ret == Z_BUF_ERROR) && !z.avail_out ?
           0 : -EIO;
}

#ifdef CONFIG_ZSTD
static int zstd_compress_task(CompressTask *t)
{
    size_t ret = ZSTD_compress(t->dst, t->dst_bytes, t->src, t->src_bytes,
                               ZSTD_CLEVEL_DEFAULT);

    return ZSTD_isError(ret) ? -ENOSPC : (int)ret;
}

static int zstd_decompress_task(CompressTask *t)
{
    ZSTD_outBuffer out = { t->dst, t->dst_bytes, 0 };
    ZSTD_inBuffer in = { t->src, t->src_bytes, 0 };
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    size_t ret = 1;

    if (!ctx) {
        return -ENOMEM;
    }
    while (out.pos < out.size && in.pos < in.size) {
        ret = ZSTD_decompressStream(ctx, &out, &in);
        if (ZSTD_isError(ret)) {
            break;
        }
    }
    ZSTD_freeDCtx(ctx);
    return !ZSTD_isError(ret) && out.pos == out.size ? 0 : -EIO;
}
#endif

static int run_compress(void *opaque)
{
    CompressTask *t = opaque;

#ifdef CONFIG_ZSTD
    if (t->type == QCOW2_COMPRESSION_ZSTD) {
        return zstd_compress_task(t);
    }
#endif
    return deflate_task(t);
}

static int run_decompress(void *opaque)
{
    CompressTask *t = opaque;

#ifdef CONFIG_ZSTD
    if (t->type == QCOW2_COMPRESSION_ZSTD) {
        return zstd_decompress_task(t);
    }
#endif
    return inflate_task(t);
}

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

/* ---- Reading ---- */

int coroutine_fn qcow2_read_compressed(BlockDriverState *bs, uint64_t entry,
                                       unsigned from, IoVec *iov,
                                       size_t iov_offset, size_t bytes)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *src = NULL, *dst = g_try_malloc(s->cluster_bytes);
    CompressTask t = { .type = s->compression, .dst_bytes = s->cluster_bytes };
    uint64_t offset, src_bytes;
    int ret;

    qcow2_compressed_range(s, entry, &offset, &src_bytes);
    src = g_try_malloc(src_bytes);
    if (!src || !dst) {
        return -ENOMEM;
    }
    qcow2_event(bs, BLKDEBUG_EVENT_READ_COMPRESSED);
    ret = bdrv_co_pread(bs->file->bs, offset, src, src_bytes);
    if (ret < 0) {
        return ret;
    }
    t.src = src;
    t.src_bytes = src_bytes;
    t.dst = dst;
    ret = thread_pool_submit_co(run_decompress, &t);
    if (ret >= 0) {
        iovec_from_buf(iov, iov_offset, dst + from, bytes);
    }
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

static int coroutine_fn store(BlockDriverState *bs, uint64_t guest,
                              const uint8_t *data, uint64_t bytes)
{
    Qcow2State *s = bs->opaque;
    int64_t offset;
    uint64_t sectors;
    int ret;

    co_mutex_lock(&s->lock);
    qcow2_wait_allocs(bs, guest, s->cluster_bytes);
    offset = alloc_bytes(bs, bytes);
    ret = offset < 0 ? offset : qcow2_overlap_check(bs, 0, offset, bytes);
    co_mutex_unlock(&s->lock);
    if (ret < 0) {
        return ret;
    }
    qcow2_event(bs, BLKDEBUG_EVENT_WRITE_COMPRESSED);
    ret = bdrv_co_pwrite(bs->file->bs, offset, data, bytes, 0);
    if (ret < 0) {
        return ret;
    }
    sectors = (offset + bytes - 1) / SECTOR_BYTES - offset / SECTOR_BYTES;
    co_mutex_lock(&s->lock);
    ret = qcow2_set_compressed(bs, guest, QCOW2_OFLAG_COMPRESSED | offset |
                               sectors << size_shift(s));
    co_mutex_unlock(&s->lock);
    return ret;
}

int coroutine_fn qcow2_write_compressed(BlockDriverState *bs, uint64_t offset,
                                        IoVec *iov)
{
    Qcow2State *s = bs->opaque;
    g_autofree uint8_t *src = g_try_malloc0(s->cluster_bytes);
    g_autofree uint8_t *dst = g_try_malloc(s->cluster_bytes);
    CompressTask t = {
        .type = s->compression, .dst = dst, .dst_bytes = s->cluster_bytes - 1,
        .src = src, .src_bytes = s->cluster_bytes,
    };
    int ret;

    if (!src || !dst) {
        return -ENOMEM;
    }
    iovec_to_buf(iov, 0, src, iov->size);
    ret = thread_pool_submit_co(run_compress, &t);
    return ret < 0 ? ret : store(bs, offset, dst, ret);
}
