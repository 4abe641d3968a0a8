/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entering a kernel without firmware, as Linux Documentation/arm64/booting.rst
 * wants it.
 *
 * boot_image_open() recognises a kernel: an Image, or one that was compressed
 * by gzip or made an EFI program that unpacks itself, which is unpacked here.
 * boot_place() decides addresses and checks
 * that all fits; boot_load() puts kernel and initrd into RAM.
 *
 *   RAM + 0        device tree, at most 2 MiB
 *   RAM + 2 MiB    kernel, at the offset that its header asks for
 *   then           initrd, 2 MiB aligned
 *
 * Images are hostile: every length is checked, errors name what is wrong.
 * Threading: none.
 */
#ifndef HW_ARM_BOOT_H
#define HW_ARM_BOOT_H

#include "hw/core/boot-source.h"

#define BOOT_FDT_MAX            (2 * MiB)
#define BOOT_KERNEL_OFFSET      (2 * MiB)
#define BOOT_IMAGE_HEADER_BYTES 64
/* A packed one may become that at most. */
#define BOOT_IMAGE_MAX          (1 * GiB)
#define BOOT_CMDLINE_MAX        2047        /* COMMAND_LINE_SIZE less the NUL */

typedef struct BootImage {
    BootSource file;
    uint8_t *unpacked;              /* of a packed one, else NULL */
    uint64_t bytes;                 /* to load */
    uint64_t text_offset;           /* from a 2 MiB boundary */
    uint64_t image_bytes;           /* memory it needs, with .bss */
} BootImage;

/* All that goes into the guest, offsets in RAM. */
typedef struct BootPlan {
    BootImage kernel;
    BootSource initrd;              /* size 0: none */
    const char *cmdline;            /* "" when none */
    uint64_t kernel_offset, initrd_offset;
} BootPlan;

bool boot_image_open(BootImage *img, const char *path, Error **errp);
/* boot_image_open_any: what firmware is to start: of a gzip file the content,
 * else the file as it is; nothing more is known of it. */
bool boot_image_open_any(BootImage *img, const char *path, Error **errp);
/* boot_image_open of bytes that are there already; for tests. */
bool boot_image_parse(BootImage *img, Error **errp);
void boot_image_close(BootImage *img);

/* boot_place: fill in the offsets, for RAM of @ram_bytes. */
bool boot_place(BootPlan *plan, uint64_t ram_bytes, Error **errp);
/*
 * boot_load: write everything to @ram, the host's view of RAM. @clean: the
 * memory is known to be zero. Errors: the files changed or cannot be read.
 */
bool boot_load(const BootPlan *plan, uint8_t *ram, bool clean, Error **errp);
void boot_plan_close(BootPlan *plan);

#endif
