/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unpacking of kernels by zlib and libzstd, in steps, so that a small file
 * cannot ask for more memory than a kernel may have.
 */
#include "util/osdep.h"
#include "boot-internal.h"
#include <zlib.h>
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif

#define UNPACK_STEP         (16 * MiB)
#define ZLIB_GZIP_WINDOW    (15 + 16)

/*
 * One more step: fills [*to, *to + *room) and says how much of it is left.
 * Returns 1 at the end, 0 when there is more, -1 with @why.
 */
typedef int UnpackFn(void *opaque, uint8_t *to, size_t *room,
                     const char **why);

static bool unpack_steps(UnpackFn *fn, void *opaque, GByteArray *out,
                         const char *name, Error **errp)
{
    int done = 0;

    while (!done) {
        size_t at = out->len, step = MIN(BOOT_IMAGE_MAX - at, UNPACK_STEP);
        size_t room = step;
        const char *why = NULL;

        if (step == 0) {
            error_setg(errp, "'%s' unpacks to more than %" PRIu64 " MiB", name,
                       (uint64_t)(BOOT_IMAGE_MAX / MiB));
            return false;
        }
        g_byte_array_set_size(out, at + step);
        done = fn(opaque, out->data + at, &room, &why);
        g_byte_array_set_size(out, at + step - room);
        if (done < 0 || (!done && room)) {
            error_setg(errp, "'%s' is damaged where it is packed: %s", name,
                       why ? why : "it ends too soon");
            return false;
        }
    }
    return true;
}

/* ---- gzip ---- */

static int gzip_step(void *opaque, uint8_t *to, size_t *room,
                     const char **why)
{
    z_stream *z = opaque;
    int ret;

    z->next_out = to;
    z->avail_out = *room;
    ret = inflate(z, Z_NO_FLUSH);
    *room = z->avail_out;
    *why = z->msg;
    /* Z_BUF_ERROR: no input any more */
    return ret == Z_STREAM_END ? 1 : ret == Z_OK || ret == Z_BUF_ERROR ? 0 : -1;
}

static bool unpack_gzip(const GByteArray *in, GByteArray *out,
                        const char *name, Error **errp)
{
    z_stream z = { .next_in = in->data, .avail_in = in->len };
    bool ok;

    if (inflateInit2(&z, ZLIB_GZIP_WINDOW) != Z_OK) {
        error_setg(errp, "zlib does not start");
        return false;
    }
    ok = unpack_steps(gzip_step, &z, out, name, errp);
    inflateEnd(&z);
    return ok;
}

/* ---- zstd ---- */

#ifdef CONFIG_ZSTD
typedef struct ZstdSteps {
    ZSTD_DStream *stream;
    ZSTD_inBuffer in;
} ZstdSteps;

static int zstd_step(void *opaque, uint8_t *to, size_t *room,
                     const char **why)
{
    ZstdSteps *z = opaque;
    ZSTD_outBuffer out = { .dst = to, .size = *room };
    size_t ret = 1;

    while (ret && out.pos < out.size) {
        size_t before = z->in.pos + out.pos;

        ret = ZSTD_decompressStream(z->stream, &out, &z->in);
        if (ZSTD_isError(ret)) {
            *why = ZSTD_getErrorName(ret);
            return -1;
        }
        if (z->in.pos + out.pos == before) {
            break;                  /* no input any more */
        }
    }
    *room -= out.pos;
    return ret == 0;
}

static bool unpack_zstd(const GByteArray *in, GByteArray *out,
                        const char *name, Error **errp)
{
    ZstdSteps z = {
        .stream = ZSTD_createDStream(),
        .in = { .src = in->data, .size = in->len },
    };
    bool ok;

    if (!z.stream) {
        error_setg(errp, "libzstd does not start");
        return false;
    }
    ok = unpack_steps(zstd_step, &z, out, name, errp);
    ZSTD_freeDStream(z.stream);
    return ok;
}
#else
static bool unpack_zstd(const GByteArray *in, GByteArray *out,
                        const char *name, Error **errp)
{
    error_setg(errp, "'%s' is packed by zstd, which is not in this build",
               name);
    error_append_hint(errp, "Build with libzstd, or unpack the kernel.");
    return false;
}
#endif

/* ---- Both ---- */

bool boot_unpack(BootImage *img, uint64_t offset, uint64_t bytes,
                 BootPacking how, Error **errp)
{
    g_autoptr(GByteArray) in = g_byte_array_new();
    const char *name = img->file.name;
    GByteArray *out;
    bool ok;

    if (bytes > BOOT_IMAGE_MAX) {
        error_setg(errp, "'%s' has %" PRIu64 " packed bytes: too large for a "
                   "kernel", name, bytes);
        return false;
    }
    if (!range_fits(offset, bytes, img->file.size)) {
        error_setg(errp, "'%s' is truncated: %" PRIu64 " packed bytes at %"
                   PRIu64 " are beyond its end at %" PRIu64, name, bytes,
                   offset, img->file.size);
        return false;
    }
    g_byte_array_set_size(in, bytes);
    if (!boot_source_read(&img->file, offset, in->data, bytes, errp)) {
        return false;
    }
    out = g_byte_array_new();
    ok = how == BOOT_PACKING_GZIP ? unpack_gzip(in, out, name, errp)
                                  : unpack_zstd(in, out, name, errp);
    img->bytes = out->len;
    img->unpacked = g_byte_array_free(out, !ok);
    return ok;
}
