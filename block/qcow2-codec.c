/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed clusters: deflate without a header and a window of 4 KiB, or a
 * zstd frame ("Compressed Clusters Descriptor" in the specification).
 */
#include "util/osdep.h"
#include "qcow2-internal.h"
#include "qcow2-codec-internal.h"
#include <zlib.h>
#ifdef CONFIG_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif

#define DEFLATE_WINDOW_BITS (-12)       /* negative: no header */
#define DEFLATE_MEM_LEVEL   9

struct Qcow2Codec {
    unsigned type;
    bool packs;                         /* else it unpacks */
    z_stream z;
#ifdef CONFIG_LIBDEFLATE
    struct libdeflate_decompressor *fast;       /* NULL: zlib does it */
#endif
#ifdef CONFIG_ZSTD
    ZSTD_CCtx *cctx;
    ZSTD_DCtx *dctx;
#endif
};

/*
 * A few that unpack wait for the next cluster: to make one takes as long as to
 * use it, and clusters are often read one by one. One that a frame with a
 * large window made large does not stay.
 */
#define IDLE_MAX        8
#define IDLE_BYTES_MAX  (512 * KiB)

static struct {
    GMutex lock;
    Qcow2Codec *codecs[IDLE_MAX];
    unsigned n;
} idle;

bool qcow2_compression_available(unsigned type)
{
#ifdef CONFIG_ZSTD
    return type <= QCOW2_COMPRESSION_ZSTD;
#else
    return type == QCOW2_COMPRESSION_ZLIB;
#endif
}

static bool codec_init(Qcow2Codec *c)
{
#ifdef CONFIG_ZSTD
    if (c->type == QCOW2_COMPRESSION_ZSTD) {
        if (c->packs) {
            c->cctx = ZSTD_createCCtx();
        } else {
            c->dctx = ZSTD_createDCtx();
        }
        return c->cctx || c->dctx;
    }
#endif
#ifdef CONFIG_LIBDEFLATE
    c->fast = c->packs ? NULL : libdeflate_alloc_decompressor();
#endif
    return (c->packs ? deflateInit2(&c->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                    DEFLATE_WINDOW_BITS, DEFLATE_MEM_LEVEL,
                                    Z_DEFAULT_STRATEGY) :
                       inflateInit2(&c->z, DEFLATE_WINDOW_BITS)) == Z_OK;
}

static Qcow2Codec *take_idle(unsigned type)
{
    Qcow2Codec *c = NULL;

    g_mutex_lock(&idle.lock);
    for (unsigned i = 0; i < idle.n && !c; i++) {
        if (idle.codecs[i]->type == type) {
            c = idle.codecs[i];
            idle.codecs[i] = idle.codecs[--idle.n];
        }
    }
    g_mutex_unlock(&idle.lock);
    return c;
}

static bool keep_idle(Qcow2Codec *c)
{
    bool kept = !c->packs;

#ifdef CONFIG_ZSTD
    kept = kept && ZSTD_sizeof_DCtx(c->dctx) <= IDLE_BYTES_MAX;
#endif
    g_mutex_lock(&idle.lock);
    kept = kept && idle.n < IDLE_MAX;
    if (kept) {
        idle.codecs[idle.n++] = c;
    }
    g_mutex_unlock(&idle.lock);
    return kept;
}

Qcow2Codec *qcow2_codec_new(unsigned type, bool packs)
{
    Qcow2Codec *c = packs ? NULL : take_idle(type);

    if (c) {
        return c;
    }
    c = g_new0(Qcow2Codec, 1);
    c->type = type;
    c->packs = packs;
    if (!codec_init(c)) {
        g_clear_pointer(&c, g_free);
    }
    return c;
}

void qcow2_codec_free(Qcow2Codec *c)
{
    if (!c || keep_idle(c)) {
        return;
    }
#ifdef CONFIG_LIBDEFLATE
    if (c->fast) {
        libdeflate_free_decompressor(c->fast);
    }
#endif
#ifdef CONFIG_ZSTD
    ZSTD_freeCCtx(c->cctx);
    ZSTD_freeDCtx(c->dctx);
#endif
    if (c->z.state && c->packs) {
        deflateEnd(&c->z);
    } else if (c->z.state) {
        inflateEnd(&c->z);
    }
    g_free(c);
}

static int run_deflate(z_stream *z, size_t dst_bytes)
{
    int ret = deflateReset(z);

    ret = ret == Z_OK ? deflate(z, Z_FINISH) : Z_STREAM_ERROR;
    return ret == Z_STREAM_END ? (int)(dst_bytes - z->avail_out) :
           ret == Z_OK ? -ENOSPC : -EIO;
}

/* The input ends somewhere in its last sector; the output is a cluster. */
static int run_inflate(z_stream *z)
{
    int ret = inflateReset(z);

    ret = ret == Z_OK ? inflate(z, Z_FINISH) : Z_STREAM_ERROR;
    return (ret == Z_STREAM_END || ret == Z_BUF_ERROR) && !z->avail_out ?
           0 : -EIO;
}

/* Libdeflate wants all of a cluster and the end of the stream: of what it
 * refuses, zlib says whether it will do. */
static bool run_fast(Qcow2Codec *c, void *dst, size_t dst_bytes,
                     const void *src, size_t src_bytes)
{
#ifdef CONFIG_LIBDEFLATE
    size_t used;

    return c->fast &&
           libdeflate_deflate_decompress_ex(c->fast, src, src_bytes, dst,
                                            dst_bytes, &used, NULL) ==
           LIBDEFLATE_SUCCESS;
#else
    return false;
#endif
}

#ifdef CONFIG_ZSTD
static int run_zstd(Qcow2Codec *c, ZSTD_outBuffer *out, ZSTD_inBuffer *in)
{
    size_t ret;

    if (c->packs) {
        ret = ZSTD_compressCCtx(c->cctx, out->dst, out->size, in->src, in->size,
                                ZSTD_CLEVEL_DEFAULT);
        return ZSTD_isError(ret) ? -ENOSPC : (int)ret;
    }
    ret = ZSTD_DCtx_reset(c->dctx, ZSTD_reset_session_only);
    while (!ZSTD_isError(ret) && out->pos < out->size && in->pos < in->size) {
        ret = ZSTD_decompressStream(c->dctx, out, in);
    }
    return !ZSTD_isError(ret) && out->pos == out->size ? 0 : -EIO;
}
#endif

int qcow2_codec_run(Qcow2Codec *c, void *dst, size_t dst_bytes,
                    const void *src, size_t src_bytes)
{
#ifdef CONFIG_ZSTD
    if (c->type == QCOW2_COMPRESSION_ZSTD) {
        ZSTD_outBuffer out = { dst, dst_bytes, 0 };
        ZSTD_inBuffer in = { src, src_bytes, 0 };

        return run_zstd(c, &out, &in);
    }
#endif
    if (run_fast(c, dst, dst_bytes, src, src_bytes)) {
        return 0;
    }
    c->z.next_in = (uint8_t *)src;
    c->z.avail_in = src_bytes;
    c->z.next_out = dst;
    c->z.avail_out = dst_bytes;
    return c->packs ? run_deflate(&c->z, dst_bytes) : run_inflate(&c->z);
}
