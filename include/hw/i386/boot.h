/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entering a guest without firmware: what kernel images say about themselves,
 * and where things are put.
 *
 * A file is read through a BootSource. boot_image_parse() recognises it and
 * fills a BootImage: segments to load and how to enter. boot_place() decides
 * addresses for the initrd and checks that all fits. boot_load() puts it into
 * low RAM: kernel, initrd, command line, and the structure that its protocol
 * wants (Linux boot_params, PVH start info).
 *
 *   bzImage  Linux x86 boot protocol 2.12 or later with a 64-bit entry
 *            (Documentation/arch/x86/boot.rst): entered at load address +
 *            0x200 in long mode, %rsi = boot_params
 *   ELF      with a XEN_ELFNOTE_PHYS32_ENTRY note: PVH, 32-bit protected mode
 *            without paging, %ebx = hvm_start_info (xen/docs/misc/pvh.pandoc)
 *   ELF64    without the note: long mode at e_entry as a bzImage (vmlinux)
 *
 * A build may register more formats (boot_format_register); they are asked
 * about what is none of these.
 *
 * Low memory of a direct boot, guest physical:
 *
 *   0x00500  GDT                     0x09000  page tables: 4 GiB identity
 *   0x06000  PVH start info          0x20000  command line, <= 64 KiB
 *   0x07000  Linux boot_params       0xe0000  ACPI tables, <= 64 KiB
 *                                    0xf0000  SMBIOS
 *
 * Images are hostile: every length is checked, errors name what is wrong.
 * Threading: none.
 */
#ifndef HW_I386_BOOT_H
#define HW_I386_BOOT_H

#include "hw/core/boot-source.h"

#define BOOT_GDT_GPA            0x500
#define BOOT_PVH_INFO_GPA       0x6000
#define BOOT_PARAMS_GPA         0x7000
#define BOOT_STACK_GPA          0x8ff0
#define BOOT_PAGE_TABLES_GPA    0x9000  /* PML4, PDPT, 4 directories */
#define BOOT_CMDLINE_GPA        0x20000
#define BOOT_CMDLINE_MAX        0x10000 /* bytes, with the NUL */
#define BOOT_ACPI_GPA           0xe0000
#define BOOT_ACPI_MAX           0x10000 /* bytes */
#define BOOT_SMBIOS_GPA         0xf0000
#define BOOT_SMBIOS_MAX         0x10000 /* bytes */
#define BOOT_KERNEL_MIN_GPA     0x100000
/* Linkers put the page with the ELF header below a text at 1 MiB. */
#define BOOT_ELF_MIN_GPA        0xf8000
#define BOOT_MAX_SEGMENTS       16
#define BOOT_MAX_E820           16

typedef enum BootProtocol {
    BOOT_LINUX64,                   /* bzImage or vmlinux, long mode */
    BOOT_PVH,
    BOOT_OTHER,                     /* a registered format; 32-bit entry */
} BootProtocol;

typedef struct BootSegment {
    uint64_t gpa;
    uint64_t offset;                /* in the file */
    uint64_t filesz, memsz;         /* bytes; the rest is zero */
} BootSegment;

#define BOOT_SETUP_HEADER_OFFSET 0x1f1
#define BOOT_SETUP_HEADER_BYTES  0x77   /* up to 0x268, protocol 2.15 */

struct BootFormat;

typedef struct BootImage {
    BootProtocol protocol;
    bool is_bzimage;
    bool is_elf32;
    const struct BootFormat *format;    /* BOOT_OTHER */
    uint32_t eax, ebx;              /* at a 32-bit entry */
    uint64_t entry;                 /* physical */
    BootSegment segments[BOOT_MAX_SEGMENTS];
    unsigned int nsegments;
    uint64_t start, end;            /* memory the kernel needs */
    uint64_t initrd_max;            /* highest address of the initrd's end */
    uint32_t cmdline_max;           /* bytes without the NUL */
    /* bzImage: from offset 0x1f1 of the file, as far as it goes */
    uint8_t setup_header[BOOT_SETUP_HEADER_BYTES];
} BootImage;

bool boot_image_parse(const BootSource *src, BootImage *img, Error **errp);
/* boot-elf.c: read an image that starts with the ELF magic; then, unless a
 * registered format takes it, whether it can be entered. */
bool boot_elf_parse(const BootSource *src, BootImage *img, Error **errp);
bool boot_elf_check(const BootSource *src, const BootImage *img, Error **errp);
bool boot_check_entry(const BootSource *src, const BootImage *img,
                      Error **errp);

/* Values as in e820 and in PVH's memory map. */
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3 };
typedef struct E820Entry {
    uint64_t addr, len;
    uint32_t type;
} E820Entry;

/* All that goes into the guest. */
typedef struct BootPlan {
    BootImage image;
    BootSource kernel, initrd;      /* initrd.size 0: none */
    const char *initrd_arg;         /* of -initrd, for a registered format */
    void *format_data;              /* the registered format's own */
    const char *cmdline;            /* "" when none */
    uint64_t initrd_gpa;
    uint64_t acpi_rsdp_gpa;
    const E820Entry *e820;
    unsigned int ne820;
} BootPlan;

/* boot_plan_close: files and what placing has allocated. */
void boot_plan_close(BootPlan *plan);

/* boot_place: choose initrd_gpa in low RAM of @low_ram bytes, check the rest. */
bool boot_place(BootPlan *plan, uint64_t low_ram, Error **errp);

/*
 * boot_load: write everything to @ram, the host's view of low RAM. @clean:
 * the memory is known to be zero. Errors: the files changed or cannot be read.
 */
bool boot_load(const BootPlan *plan, uint8_t *ram, bool clean, Error **errp);

/* Where a format may map the BARs of devices, as firmware would. */
typedef struct BootPciWindow {
    uint64_t mem, mem_end;
    uint32_t io, io_end;
} BootPciWindow;

/*
 * A format in addition. @claim: whether @img is one, *@ours, which it then
 * completes; an ELF file comes with its segments, anything else empty. @place
 * and @load do what boot_place() and boot_load() do beyond the segments, at
 * fixed or chosen places; @close frees plan->format_data. @start (may be NULL)
 * is called at each reset, before the guest runs.
 */
typedef struct BootFormat {
    bool (*claim)(const BootSource *src, BootImage *img, bool *ours,
                  Error **errp);
    bool (*place)(BootPlan *plan, uint64_t low_ram, Error **errp);
    bool (*load)(const BootPlan *plan, uint8_t *ram, Error **errp);
    void (*close)(BootPlan *plan);
    void (*start)(const BootPciWindow *window);
} BootFormat;
/* boot_format_register: @f stays. From a constructor. */
void boot_format_register(const BootFormat *f);
bool boot_has_formats(void);

/* The parts of it that need no file. */
void boot_write_linux_params(const BootPlan *plan, uint8_t *ram);
void boot_write_pvh_info(const BootPlan *plan, uint8_t *ram);
void boot_write_tables(uint8_t *ram);   /* GDT, page tables */

#endif
