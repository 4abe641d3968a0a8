/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel finds in memory: Linux boot_params ("zero page",
 * Documentation/arch/x86/zero-page.rst), PVH start info version 1
 * (xen/include/public/arch-x86/hvm/start_info.h), and the GDT and page tables
 * of the 64-bit entry.
 */
#include "util/osdep.h"
#include "hw/i386/boot.h"
#include "util/bytes.h"

/* ---- Linux ---- */

#define BP_BYTES            4096
#define BP_ACPI_RSDP        0x070
#define BP_EXT_RAMDISK_SIZE 0x0c4
#define BP_E820_ENTRIES     0x1e8
#define BP_BOOT_FLAG        0x1fe
#define BP_HEADER_MAGIC     0x202
#define BP_VERSION          0x206
#define BP_LOADER_TYPE      0x210
#define BP_LOADFLAGS        0x211
#define BP_RAMDISK_IMAGE    0x218
#define BP_RAMDISK_SIZE     0x21c
#define BP_CMD_LINE_PTR     0x228
#define BP_ALIGNMENT        0x230
#define BP_CMDLINE_SIZE     0x238
#define BP_E820_TABLE       0x2d0
#define E820_ENTRY_BYTES    20

#define LOADER_UNDEFINED    0xff
#define LOADFLAG_HIGH       BIT(0)

/* An ELF kernel has no header; it reads these fields all the same. */
static void linux_params_default_header(uint8_t *bp)
{
    put_le16(bp + BP_BOOT_FLAG, 0xaa55);
    memcpy(bp + BP_HEADER_MAGIC, "HdrS", 4);
    put_le16(bp + BP_VERSION, 0x020f);
    bp[BP_LOADFLAGS] = LOADFLAG_HIGH;
    put_le32(bp + BP_ALIGNMENT, 16 * MiB);
    put_le32(bp + BP_CMDLINE_SIZE, BOOT_CMDLINE_MAX - 1);
}

static void linux_params_e820(const BootPlan *plan, uint8_t *bp)
{
    uint8_t *p = bp + BP_E820_TABLE;

    bp[BP_E820_ENTRIES] = plan->ne820;
    for (unsigned int i = 0; i < plan->ne820; i++, p += E820_ENTRY_BYTES) {
        put_le64(p, plan->e820[i].addr);
        put_le64(p + 8, plan->e820[i].len);
        put_le32(p + 16, plan->e820[i].type);
    }
}

void boot_write_linux_params(const BootPlan *plan, uint8_t *ram)
{
    uint8_t *bp = ram + BOOT_PARAMS_GPA;

    memset(bp, 0, BP_BYTES);
    if (plan->image.is_bzimage) {
        memcpy(bp + BOOT_SETUP_HEADER_OFFSET, plan->image.setup_header,
               BOOT_SETUP_HEADER_BYTES);
    } else {
        linux_params_default_header(bp);
    }
    bp[BP_LOADER_TYPE] = LOADER_UNDEFINED;
    put_le32(bp + BP_CMD_LINE_PTR, BOOT_CMDLINE_GPA);
    put_le64(bp + BP_ACPI_RSDP, plan->acpi_rsdp_gpa);
    if (plan->initrd.size) {
        put_le32(bp + BP_RAMDISK_IMAGE, plan->initrd_gpa);
        put_le32(bp + BP_RAMDISK_SIZE, plan->initrd.size);
        put_le32(bp + BP_EXT_RAMDISK_SIZE, plan->initrd.size >> 32);
    }
    linux_params_e820(plan, bp);
}

/* ---- PVH ---- */

#define PVH_MAGIC           0x336ec578
#define PVH_VERSION         1
#define PVH_MODULES         0x040   /* offsets in our page */
#define PVH_MEMMAP          0x080
#define PVH_MEMMAP_ENTRY    24

void boot_write_pvh_info(const BootPlan *plan, uint8_t *ram)
{
    uint8_t *p = ram + BOOT_PVH_INFO_GPA;
    uint8_t *map = p + PVH_MEMMAP;

    memset(p, 0, PVH_MEMMAP + BOOT_MAX_E820 * PVH_MEMMAP_ENTRY);
    put_le32(p, PVH_MAGIC);
    put_le32(p + 4, PVH_VERSION);
    if (plan->initrd.size) {
        put_le32(p + 12, 1);
        put_le64(p + 16, BOOT_PVH_INFO_GPA + PVH_MODULES);
        put_le64(p + PVH_MODULES, plan->initrd_gpa);
        put_le64(p + PVH_MODULES + 8, plan->initrd.size);
    }
    put_le64(p + 24, BOOT_CMDLINE_GPA);
    put_le64(p + 32, plan->acpi_rsdp_gpa);
    put_le64(p + 40, BOOT_PVH_INFO_GPA + PVH_MEMMAP);
    put_le32(p + 48, plan->ne820);
    for (unsigned int i = 0; i < plan->ne820; i++, map += PVH_MEMMAP_ENTRY) {
        put_le64(map, plan->e820[i].addr);
        put_le64(map + 8, plan->e820[i].len);
        put_le32(map + 16, plan->e820[i].type);
    }
}

/* ---- CPU tables of the 64-bit entry ---- */

#define DESC_CODE64         0x00af9b000000ffffULL
#define DESC_DATA           0x00cf93000000ffffULL
#define PTE_PRESENT_RW      0x3
#define PTE_2M              0x80
#define PAGE_BYTES          4096
#define ENTRIES             512
#define DIRECTORIES         4       /* 1 GiB each */

/* The protocol wants selectors 0x10 for code and 0x18 for data. */
static void write_gdt(uint8_t *gdt)
{
    put_le64(gdt, 0);
    put_le64(gdt + 0x8, 0);
    put_le64(gdt + 0x10, DESC_CODE64);
    put_le64(gdt + 0x18, DESC_DATA);
}

void boot_write_tables(uint8_t *ram)
{
    uint64_t gpa = BOOT_PAGE_TABLES_GPA;
    uint8_t *pml4 = ram + gpa;
    uint8_t *pdpt = pml4 + PAGE_BYTES;
    uint8_t *pd = pdpt + PAGE_BYTES;

    write_gdt(ram + BOOT_GDT_GPA);
    memset(pml4, 0, 2 * PAGE_BYTES);
    put_le64(pml4, (gpa + PAGE_BYTES) | PTE_PRESENT_RW);
    for (uint64_t i = 0; i < DIRECTORIES; i++) {
        put_le64(pdpt + 8 * i,
                 (gpa + (2 + i) * PAGE_BYTES) | PTE_PRESENT_RW);
    }
    for (uint64_t i = 0; i < DIRECTORIES * ENTRIES; i++) {
        put_le64(pd + 8 * i, (i * 2 * MiB) | PTE_PRESENT_RW | PTE_2M);
    }
}
