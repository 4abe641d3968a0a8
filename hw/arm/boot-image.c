/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arm64 kernel image (Linux Documentation/arm64/booting.rst, 4): a header
 * of 64 bytes, its magic at 56; and the same inside a gzip file (RFC 1952), or
 * inside an EFI program that unpacks itself ("zboot": Linux drivers/firmware/
 * efi/libstub/zboot-header.S), which has at 4 the word "zimg", at 8 and 12
 * place and size of what is packed, at 24 how.
 */
#include "util/osdep.h"
#include "boot-internal.h"
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
#define PE_MAGIC            0x5a4d          /* "MZ" */
#define ZBOOT_MAGIC_OFFSET  4
#define ZBOOT_MAGIC         0x676d697a      /* "zimg" */
#define ZBOOT_OFFSET        8
#define ZBOOT_BYTES         12
#define ZBOOT_PACKING       24
#define ZBOOT_PACKING_BYTES 32

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
                   "a packed one", name);
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

static bool unpack_zboot(BootImage *img, const uint8_t *head, Error **errp)
{
    uint32_t offset = get_le32(head + ZBOOT_OFFSET);
    uint32_t bytes = get_le32(head + ZBOOT_BYTES);
    g_autofree char *how = g_strndup((const char *)head + ZBOOT_PACKING,
                                     ZBOOT_PACKING_BYTES);

    if (!strcmp(how, "gzip")) {
        return boot_unpack(img, offset, bytes, BOOT_PACKING_GZIP, errp);
    }
    if (!strcmp(how, "zstd")) {
        return boot_unpack(img, offset, bytes, BOOT_PACKING_ZSTD, errp);
    }
    error_setg(errp, "'%s' is packed as '%.*s': only gzip and zstd can be "
               "unpacked", img->file.name, ZBOOT_PACKING_BYTES, how);
    return false;
}

/* Firmware starts an EFI program itself: @zboot tells to unpack one. */
static bool unpack_and_read(BootImage *img, uint8_t *head, bool zboot,
                            Error **errp)
{
    bool ok = true;

    img->unpacked = NULL;
    img->bytes = img->file.size;
    if (!boot_source_read(&img->file, 0, head, BOOT_IMAGE_HEADER_BYTES, errp)) {
        return false;
    }
    if (get_le16(head) == GZIP_MAGIC) {
        ok = boot_unpack(img, 0, img->file.size, BOOT_PACKING_GZIP, errp);
    } else if (zboot && get_le16(head) == PE_MAGIC &&
               get_le32(head + ZBOOT_MAGIC_OFFSET) == ZBOOT_MAGIC) {
        ok = unpack_zboot(img, head, errp);
    }
    return ok && (!img->unpacked ||
                  image_read(img, 0, head, BOOT_IMAGE_HEADER_BYTES, errp));
}

bool boot_image_parse(BootImage *img, Error **errp)
{
    uint8_t head[BOOT_IMAGE_HEADER_BYTES];

    return unpack_and_read(img, head, true, errp) &&
           parse_header(img, head, errp);
}

static bool image_open(BootImage *img, const char *path, bool any, Error **errp)
{
    uint8_t head[BOOT_IMAGE_HEADER_BYTES];

    if (!boot_source_open(&img->file, path, "kernel", errp)) {
        return false;
    }
    if (!(any ? unpack_and_read(img, head, false, errp) :
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
