/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arm64 kernel image (Linux Documentation/arm64/booting.rst, 4): a header
 * of 64 bytes, its magic at 56; and the same inside a gzip file (RFC 1952).
 */
#include "util/osdep.h"
#include "hw/arm/boot.h"
#include <zlib.h>
#include "util/bytes.h"

#define HDR_TEXT_OFFSET     8
#define HDR_IMAGE_SIZE      16
#define HDR_FLAGS           24
#define HDR_MAGIC           56
#define IMAGE_MAGIC         0x644d5241      /* "ARM\x64" */
#define FLAG_BIG_ENDIAN     BIT(0)
/* Kernels before 3.17 tell no size, and lie at this offset. */
#define OLD_TEXT_OFFSET     0x80000
#define TEXT_OFFSET_MAX     (2 * MiB)
#define GZIP_MAGIC          0x8b1f
#define UNPACK_STEP         (16 * MiB)
#define ZLIB_GZIP_WINDOW    (15 + 16)

/* ---- gzip ---- */

/* Inflate all of @in into a growing buffer; false: @errp names why. */
static bool inflate_all(z_stream *z, GByteArray *out, const char *name,
                        Error **errp)
{
    int ret = Z_OK;

    while (ret != Z_STREAM_END) {
        uint64_t room = BOOT_IMAGE_MAX - out->len;
        uint64_t step = MIN(room, UNPACK_STEP), done = out->len;

        if (step == 0) {
            error_setg(errp, "'%s' unpacks to more than %" PRIu64 " MiB", name,
                       (uint64_t)(BOOT_IMAGE_MAX / MiB));
            return false;
        }
        g_byte_array_set_size(out, done + step);
        z->next_out = out->data + done;
        z->avail_out = step;
        ret = inflate(z, Z_NO_FLUSH);
        g_byte_array_set_size(out, done + step - z->avail_out);
        if (ret != Z_STREAM_END && (ret != Z_OK || z->avail_out)) {
            error_setg(errp, "'%s' is a damaged gzip file: %s", name,
                       z->msg ? z->msg : "it ends too soon");
            return false;
        }
    }
    return true;
}

static bool unpack(BootImage *img, Error **errp)
{
    g_autoptr(GByteArray) in = g_byte_array_new();
    GByteArray *out;
    z_stream z = { 0 };
    bool ok;

    if (img->file.size > BOOT_IMAGE_MAX) {
        error_setg(errp, "'%s' has %" PRIu64 " bytes: too large for a kernel",
                   img->file.name, img->file.size);
        return false;
    }
    g_byte_array_set_size(in, img->file.size);
    if (!boot_source_read(&img->file, 0, in->data, in->len, errp)) {
        return false;
    }
    if (inflateInit2(&z, ZLIB_GZIP_WINDOW) != Z_OK) {
        error_setg(errp, "zlib does not start");
        return false;
    }
    out = g_byte_array_new();
    z.next_in = in->data;
    z.avail_in = in->len;
    ok = inflate_all(&z, out, img->file.name, errp);
    inflateEnd(&z);
    img->bytes = out->len;
    img->unpacked = g_byte_array_free(out, !ok);
    return ok;
}

/* ---- Image ---- */

static bool image_read(const BootImage *img, uint64_t offset, void *buf,
                       uint64_t len, Error **errp)
{
    if (!img->unpacked) {
        return boot_source_read(&img->file, offset, buf, len, errp);
    }
    if (!range_fits(offset, len, img->bytes)) {
        error_setg(errp, "'%s' is truncated: it unpacks to %" PRIu64 " bytes",
                   img->file.name, img->bytes);
        return false;
    }
    memcpy(buf, img->unpacked + offset, len);
    return true;
}

static bool parse_header(BootImage *img, const uint8_t *head, Error **errp)
{
    const char *name = img->file.name;

    if (get_le32(head + HDR_MAGIC) != IMAGE_MAGIC) {
        error_setg(errp, "'%s' is no arm64 Linux kernel: neither an Image nor "
                   "an Image.gz", name);
        return false;
    }
    img->image_bytes = get_le64(head + HDR_IMAGE_SIZE);
    img->text_offset = get_le64(head + HDR_TEXT_OFFSET);
    if (img->image_bytes == 0) {
        img->text_offset = OLD_TEXT_OFFSET;
        img->image_bytes = img->bytes;
    }
    if (get_le64(head + HDR_FLAGS) & FLAG_BIG_ENDIAN) {
        error_setg(errp, "'%s' is a big-endian kernel", name);
        return false;
    }
    if (img->text_offset >= TEXT_OFFSET_MAX ||
        img->image_bytes > BOOT_IMAGE_MAX) {
        error_setg(errp, "'%s' wants %" PRIu64 " bytes of memory at offset 0x%"
                   PRIx64 ": must be below 1 GiB and 2 MiB", name,
                   img->image_bytes, img->text_offset);
        return false;
    }
    img->image_bytes = MAX(img->image_bytes, img->bytes);
    return true;
}

static bool unpack_and_read(BootImage *img, uint8_t *head, Error **errp)
{
    img->unpacked = NULL;
    img->bytes = img->file.size;
    if (!boot_source_read(&img->file, 0, head, BOOT_IMAGE_HEADER_BYTES, errp)) {
        return false;
    }
    return get_le16(head) != GZIP_MAGIC ||
           (unpack(img, errp) &&
            image_read(img, 0, head, BOOT_IMAGE_HEADER_BYTES, errp));
}

bool boot_image_parse(BootImage *img, Error **errp)
{
    uint8_t head[BOOT_IMAGE_HEADER_BYTES];

    return unpack_and_read(img, head, errp) && parse_header(img, head, errp);
}

static bool image_open(BootImage *img, const char *path, bool any, Error **errp)
{
    uint8_t head[BOOT_IMAGE_HEADER_BYTES];

    if (!boot_source_open(&img->file, path, "kernel", errp)) {
        return false;
    }
    if (!(any ? unpack_and_read(img, head, errp) :
                boot_image_parse(img, errp))) {
        boot_image_close(img);
        return false;
    }
    return true;
}

bool boot_image_open(BootImage *img, const char *path, Error **errp)
{
    return image_open(img, path, false, errp);
}

bool boot_image_open_any(BootImage *img, const char *path, Error **errp)
{
    return image_open(img, path, true, errp);
}

void boot_image_close(BootImage *img)
{
    boot_source_close(&img->file);
    g_clear_pointer(&img->unpacked, g_free);
}

/* ---- Placing and loading ---- */

bool boot_place(BootPlan *plan, uint64_t ram_bytes, Error **errp)
{
    const BootImage *img = &plan->kernel;
    uint64_t end;

    plan->kernel_offset = BOOT_KERNEL_OFFSET + img->text_offset;
    end = plan->kernel_offset + img->image_bytes;
    if (end > ram_bytes) {
        error_setg(errp, "not enough memory for kernel '%s': it needs %" PRIu64
                   " MiB, there are %" PRIu64, img->file.name,
                   (uint64_t)DIV_ROUND_UP(end, MiB),
                   (uint64_t)(ram_bytes / MiB));
        error_append_hint(errp, "Give the guest more memory with -m.");
        return false;
    }
    if (strlen(plan->cmdline) > BOOT_CMDLINE_MAX) {
        error_setg(errp, "kernel command line has %zu characters, at most %u "
                   "are taken", strlen(plan->cmdline), BOOT_CMDLINE_MAX);
        return false;
    }
    plan->initrd_offset = ROUND_UP(end, 2 * MiB);
    if (plan->initrd.size &&
        !range_fits(plan->initrd_offset, plan->initrd.size, ram_bytes)) {
        error_setg(errp, "not enough memory for initrd '%s': %" PRIu64
                   " bytes do not fit after the kernel, which ends at %" PRIu64
                   " MiB", plan->initrd.name, plan->initrd.size,
                   (uint64_t)(plan->initrd_offset / MiB));
        error_append_hint(errp, "Give the guest more memory with -m.");
        return false;
    }
    return true;
}

bool boot_load(const BootPlan *plan, uint8_t *ram, bool clean, Error **errp)
{
    const BootImage *img = &plan->kernel;
    uint8_t *kernel = ram + plan->kernel_offset;

    if (!image_read(img, 0, kernel, img->bytes, errp)) {
        return false;
    }
    /* Touch no page that is known to be zero: it costs a fault. */
    if (!clean) {
        memset(kernel + img->bytes, 0, img->image_bytes - img->bytes);
    }
    return plan->initrd.size == 0 ||
           boot_source_read(&plan->initrd, 0, ram + plan->initrd_offset,
                            plan->initrd.size, errp);
}

void boot_plan_close(BootPlan *plan)
{
    boot_image_close(&plan->kernel);
    boot_source_close(&plan->initrd);
}
