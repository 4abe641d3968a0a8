/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels that are packed. */
#ifndef HW_ARM_BOOT_INTERNAL_H
#define HW_ARM_BOOT_INTERNAL_H

#include "hw/arm/boot.h"

typedef enum BootPacking {
    BOOT_PACKING_GZIP,              /* RFC 1952 */
    BOOT_PACKING_ZSTD,              /* RFC 8878 */
} BootPacking;

/*
 * boot_unpack: what is packed in @bytes of the file at @offset becomes
 * img->unpacked and img->bytes, at most BOOT_IMAGE_MAX. What follows its end
 * is not looked at. Errors: truncated, damaged, too large, no zstd in this
 * build.
 */
bool boot_unpack(BootImage *img, uint64_t offset, uint64_t bytes,
                 BootPacking how, Error **errp);

#endif
