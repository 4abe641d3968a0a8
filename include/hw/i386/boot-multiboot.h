/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot 1 (Multiboot Specification 0.6.96): a kernel that has the header
 * in its first 8 KiB, as ELF32 or in the "a.out kludge" form, entered in
 * 32-bit protected mode with EAX = 0x2badb002, EBX = information structure.
 * -initrd "file args,file args" gives modules; a comma in a name is doubled.
 *
 * In builds with test devices only: KVM test suites come in this form.
 * Threading: none.
 */
#ifndef HW_I386_BOOT_MULTIBOOT_H
#define HW_I386_BOOT_MULTIBOOT_H

#include "hw/i386/boot.h"

#define MULTIBOOT_SEARCH_BYTES      8192
#define MULTIBOOT_HEADER_MAGIC      0x1badb002
#define MULTIBOOT_BOOT_MAGIC        0x2badb002

/* Flags of the header (3.1.2) */
#define MULTIBOOT_PAGE_ALIGN        BIT(0)
#define MULTIBOOT_MEMORY_INFO       BIT(1)
#define MULTIBOOT_VIDEO_MODE        BIT(2)
#define MULTIBOOT_AOUT_KLUDGE       BIT(16)

/* Flags of the information structure (3.3) */
#define MULTIBOOT_INFO_MEMORY       BIT(0)
#define MULTIBOOT_INFO_CMDLINE      BIT(2)
#define MULTIBOOT_INFO_MODS         BIT(3)
#define MULTIBOOT_INFO_MMAP         BIT(6)
#define MULTIBOOT_INFO_LOADER_NAME  BIT(9)

/* Offsets in it */
enum {
    MULTIBOOT_INFO_FLAGS_AT = 0,
    MULTIBOOT_INFO_MEM_LOWER_AT = 4,
    MULTIBOOT_INFO_MEM_UPPER_AT = 8,
    MULTIBOOT_INFO_CMDLINE_AT = 16,
    MULTIBOOT_INFO_MODS_COUNT_AT = 20,
    MULTIBOOT_INFO_MODS_ADDR_AT = 24,
    MULTIBOOT_INFO_MMAP_LENGTH_AT = 44,
    MULTIBOOT_INFO_MMAP_ADDR_AT = 48,
    MULTIBOOT_INFO_LOADER_NAME_AT = 64,
    MULTIBOOT_INFO_BYTES = 128,
};

#define MULTIBOOT_MODULE_BYTES      16
#define MULTIBOOT_MAX_MODULES       64
#define MULTIBOOT_MMAP_BYTES        24

/* Without .start, and registered by nobody. */
extern const BootFormat boot_multiboot;

#endif
