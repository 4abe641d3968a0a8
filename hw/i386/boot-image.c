/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recognising images, and the Linux bzImage header: Documentation/arch/x86/
 * boot.rst, "The Real-Mode Kernel Header". */
#include "util/osdep.h"
#include "hw/i386/boot.h"
#include "util/bytes.h"

/* Offsets in the file, which are those in boot_params as well. */
#define HDR_SETUP_SECTS     0x1f1
#define HDR_BOOT_FLAG       0x1fe
#define HDR_JUMP            0x201   /* its operand ends the header */
#define HDR_MAGIC           0x202   /* "HdrS" */
#define HDR_VERSION         0x206
#define HDR_LOADFLAGS       0x211
#define HDR_INITRD_ADDR_MAX 0x22c
#define HDR_RELOCATABLE     0x234
#define HDR_XLOADFLAGS      0x236
#define HDR_CMDLINE_SIZE    0x238
#define HDR_PREF_ADDRESS    0x258
#define HDR_INIT_SIZE       0x260
#define HDR_END             (BOOT_SETUP_HEADER_OFFSET + BOOT_SETUP_HEADER_BYTES)

#define BOOT_FLAG           0xaa55
#define VERSION_MIN         0x020c  /* first with xloadflags */
#define LOADFLAG_HIGH       BIT(0)
#define XLF_KERNEL_64       BIT(0)
#define XLF_ABOVE_4G        BIT(1)
#define ENTRY_64_OFFSET     0x200
#define SECTOR_BYTES        512
#define SETUP_SECTS_DEFAULT 4

/* ---- bzImage ---- */

static bool bzimage_check(const BootSource *src, const uint8_t *head,
                          Error **errp)
{
    uint16_t version = get_le16(head + HDR_VERSION);

    if (get_le16(head + HDR_BOOT_FLAG) != BOOT_FLAG ||
        memcmp(head + HDR_MAGIC, "HdrS", 4)) {
        error_setg(errp, "'%s' is neither a Linux bzImage nor an ELF file",
                   src->name);
        return false;
    }
    if (version < VERSION_MIN) {
        error_setg(errp, "'%s' has boot protocol %u.%02u, need 2.12 or later "
                   "(Linux 3.8)", src->name, version >> 8, version & 0xff);
        return false;
    }
    if (!(head[HDR_LOADFLAGS] & LOADFLAG_HIGH) ||
        !(get_le16(head + HDR_XLOADFLAGS) & XLF_KERNEL_64)) {
        error_setg(errp, "'%s' has no 64-bit entry point: not an x86-64 "
                   "bzImage", src->name);
        return false;
    }
    return true;
}

static bool bzimage_place(const BootSource *src, const uint8_t *head,
                          BootImage *img, Error **errp)
{
    unsigned int sects = head[HDR_SETUP_SECTS] ? : SETUP_SECTS_DEFAULT;
    uint64_t setup = (sects + 1) * SECTOR_BYTES;
    uint64_t load = get_le64(head + HDR_PREF_ADDRESS);
    uint64_t init_size = get_le32(head + HDR_INIT_SIZE);
    uint64_t payload;

    if (src->size <= setup + ENTRY_64_OFFSET) {
        error_setg(errp, "'%s' is truncated: no kernel after %" PRIu64
                   " bytes of set-up code", src->name, setup);
        return false;
    }
    payload = src->size - setup;
    if (load < BOOT_KERNEL_MIN_GPA || load > UINT32_MAX ||
        !IS_ALIGNED(load, 4096)) {
        error_setg(errp, "'%s' wants to be loaded at 0x%" PRIx64
                   ", must be a page from 1 MiB to 4 GiB", src->name, load);
        return false;
    }
    img->segments[0] = (BootSegment){ load, setup, payload, payload };
    img->nsegments = 1;
    img->start = load;
    img->end = load + MAX(init_size, payload);
    img->entry = load + ENTRY_64_OFFSET;
    return true;
}

static bool bzimage_parse(const BootSource *src, BootImage *img, Error **errp)
{
    uint8_t head[HDR_END];
    unsigned int end;

    if (src->size < sizeof(head)) {
        error_setg(errp, "'%s' is too short for a kernel: %" PRIu64 " bytes",
                   src->name, src->size);
        return false;
    }
    if (!boot_source_read(src, 0, head, sizeof(head), errp) ||
        !bzimage_check(src, head, errp) ||
        !bzimage_place(src, head, img, errp)) {
        return false;
    }
    /* Bytes past the end of the kernel's header are not header. */
    end = MIN(HDR_MAGIC + head[HDR_JUMP], HDR_END);
    memcpy(img->setup_header, head + BOOT_SETUP_HEADER_OFFSET,
           end - BOOT_SETUP_HEADER_OFFSET);
    img->protocol = BOOT_LINUX64;
    img->is_bzimage = true;
    img->cmdline_max = get_le32(head + HDR_CMDLINE_SIZE);
    img->initrd_max = get_le16(head + HDR_XLOADFLAGS) & XLF_ABOVE_4G
                          ? 4 * GiB
                          : (uint64_t)get_le32(head + HDR_INITRD_ADDR_MAX) + 1;
    return true;
}

/* ---- Formats ---- */

bool boot_check_entry(const BootSource *src, const BootImage *img,
                      Error **errp)
{
    if (img->entry < img->start || img->entry >= img->end) {
        error_setg(errp, "'%s' has its entry point 0x%" PRIx64 " outside what "
                   "it loads", src->name, img->entry);
        return false;
    }
    return true;
}

#define MAX_FORMATS 4

static const BootFormat *formats[MAX_FORMATS];

void boot_format_register(const BootFormat *f)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (!formats[i]) {
            formats[i] = f;
            return;
        }
    }
    g_assert_not_reached();
}

bool boot_has_formats(void)
{
    return formats[0] != NULL;
}

static bool boot_formats_claim(const BootSource *src, BootImage *img,
                               Error **errp)
{
    bool ours = false;

    for (size_t i = 0; i < G_N_ELEMENTS(formats) && formats[i]; i++) {
        if (!formats[i]->claim(src, img, &ours, errp)) {
            return false;
        }
        if (ours) {
            img->protocol = BOOT_OTHER;
            img->format = formats[i];
            return true;
        }
    }
    return true;
}

static bool boot_is_elf(const BootSource *src)
{
    uint8_t magic[4];

    return boot_source_read(src, 0, magic, sizeof(magic), NULL) &&
           !memcmp(magic, "\177ELF", sizeof(magic));
}

static bool boot_is_linux(const BootSource *src)
{
    uint8_t magic[4];

    return boot_source_read(src, HDR_MAGIC, magic, sizeof(magic), NULL) &&
           !memcmp(magic, "HdrS", sizeof(magic));
}

bool boot_image_parse(const BootSource *src, BootImage *img, Error **errp)
{
    bool elf = boot_is_elf(src);

    *img = (BootImage){ 0 };
    if (elf && !boot_elf_parse(src, img, errp)) {
        return false;
    }
    if (img->protocol != BOOT_PVH && !boot_is_linux(src) &&
        !boot_formats_claim(src, img, errp)) {
        return false;
    }
    if (img->format) {
        return true;
    }
    return elf ? boot_elf_check(src, img, errp)
               : bzimage_parse(src, img, errp);
}
