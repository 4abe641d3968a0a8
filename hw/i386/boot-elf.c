/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels: ELF32 and ELF64 for x86 (System V gABI, chapters 4 and 5), and
 * the PVH entry note (xen/include/public/elfnote.h). Program headers are
 * brought into the 64-bit form first.
 */
#include "util/osdep.h"
#include "hw/i386/boot.h"
#include <elf.h>
#include "util/bytes.h"

#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define MAX_PHDRS           128
#define MAX_NOTES_BYTES     (64 * KiB)
#define LINUX_CMDLINE_MAX   2047
#define NOTE_ALIGN          4

typedef struct ElfInfo {
    const BootSource *src;
    bool is64;
    uint64_t entry, phoff;
    unsigned int phnum, phentsize;
    bool has_pvh;
    uint32_t pvh_entry;
} ElfInfo;

static bool elf_read_header64(ElfInfo *e, Error **errp)
{
    Elf64_Ehdr h;

    if (!boot_source_read(e->src, 0, &h, sizeof(h), errp)) {
        return false;
    }
    if (GUINT16_FROM_LE(h.e_machine) != EM_X86_64) {
        error_setg(errp, "'%s' is an ELF file for machine %u, need %u "
                   "(x86-64)", e->src->name, GUINT16_FROM_LE(h.e_machine),
                   EM_X86_64);
        return false;
    }
    e->entry = GUINT64_FROM_LE(h.e_entry);
    e->phoff = GUINT64_FROM_LE(h.e_phoff);
    e->phnum = GUINT16_FROM_LE(h.e_phnum);
    e->phentsize = GUINT16_FROM_LE(h.e_phentsize);
    return true;
}

static bool elf_read_header32(ElfInfo *e, Error **errp)
{
    Elf32_Ehdr h;

    if (!boot_source_read(e->src, 0, &h, sizeof(h), errp)) {
        return false;
    }
    if (GUINT16_FROM_LE(h.e_machine) != EM_386) {
        error_setg(errp, "'%s' is a 32-bit ELF file for machine %u, need %u "
                   "(i386)", e->src->name, GUINT16_FROM_LE(h.e_machine),
                   EM_386);
        return false;
    }
    e->entry = GUINT32_FROM_LE(h.e_entry);
    e->phoff = GUINT32_FROM_LE(h.e_phoff);
    e->phnum = GUINT16_FROM_LE(h.e_phnum);
    e->phentsize = GUINT16_FROM_LE(h.e_phentsize);
    return true;
}

static bool elf_read_header(ElfInfo *e, Error **errp)
{
    uint8_t ident[EI_NIDENT];
    size_t want;

    if (!boot_source_read(e->src, 0, ident, sizeof(ident), errp)) {
        return false;
    }
    if (ident[EI_DATA] != ELFDATA2LSB || (ident[EI_CLASS] != ELFCLASS64 &&
                                          ident[EI_CLASS] != ELFCLASS32)) {
        error_setg(errp, "'%s' is not a little-endian ELF file",
                   e->src->name);
        return false;
    }
    e->is64 = ident[EI_CLASS] == ELFCLASS64;
    if (!(e->is64 ? elf_read_header64(e, errp) : elf_read_header32(e, errp))) {
        return false;
    }
    want = e->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    if (e->phnum == 0 || e->phnum > MAX_PHDRS || e->phentsize != want) {
        error_setg(errp, "'%s' has %u program headers of %u bytes, need 1 to "
                   "%u of %zu", e->src->name, e->phnum, e->phentsize,
                   MAX_PHDRS, want);
        return false;
    }
    return true;
}

static bool elf_read_phdr(const ElfInfo *e, unsigned int i, Elf64_Phdr *ph,
                          Error **errp)
{
    uint64_t off;
    Elf32_Phdr p32;

    if (add_overflows(e->phoff, (uint64_t)i * e->phentsize, &off)) {
        off = UINT64_MAX;
    }
    if (e->is64) {
        return boot_source_read(e->src, off, ph, sizeof(*ph), errp);
    }
    if (!boot_source_read(e->src, off, &p32, sizeof(p32), errp)) {
        return false;
    }
    *ph = (Elf64_Phdr){
        .p_type = p32.p_type, .p_offset = p32.p_offset,
        .p_vaddr = p32.p_vaddr, .p_paddr = p32.p_paddr,
        .p_filesz = p32.p_filesz, .p_memsz = p32.p_memsz,
    };
    return true;
}

/* A note: name size, descriptor size, type; then both, padded to 4. */
static void elf_scan_notes(ElfInfo *e, const uint8_t *p, size_t len)
{
    while (len >= sizeof(Elf64_Nhdr)) {
        uint64_t namesz = get_le32(p), descsz = get_le32(p + 4);
        uint64_t desc_at = sizeof(Elf64_Nhdr) + ROUND_UP(namesz, NOTE_ALIGN);
        uint64_t total = desc_at + ROUND_UP(descsz, NOTE_ALIGN);

        if (total > len) {
            return;
        }
        if (get_le32(p + 8) == XEN_ELFNOTE_PHYS32_ENTRY &&
            namesz == 4 && !memcmp(p + 12, "Xen", 4) && descsz >= 4) {
            e->has_pvh = true;
            e->pvh_entry = get_le32(p + desc_at);
            return;
        }
        p += total;
        len -= total;
    }
}

static bool elf_read_notes(ElfInfo *e, const Elf64_Phdr *ph, Error **errp)
{
    g_autofree uint8_t *buf = NULL;

    if (e->has_pvh || ph->p_filesz == 0 || ph->p_filesz > MAX_NOTES_BYTES) {
        return true;
    }
    buf = g_malloc(ph->p_filesz);
    if (!boot_source_read(e->src, ph->p_offset, buf, ph->p_filesz, errp)) {
        return false;
    }
    elf_scan_notes(e, buf, ph->p_filesz);
    return true;
}

static bool elf_add_segment(const ElfInfo *e, const Elf64_Phdr *ph,
                            BootImage *img, Error **errp)
{
    uint64_t end;

    if (ph->p_memsz == 0) {
        return true;
    }
    if (ph->p_filesz > ph->p_memsz ||
        !range_fits(ph->p_offset, ph->p_filesz, e->src->size)) {
        error_setg(errp, "'%s' is truncated: segment of %" PRIu64 " bytes at "
                   "%" PRIu64 " in a file of %" PRIu64, e->src->name,
                   (uint64_t)ph->p_filesz, (uint64_t)ph->p_offset,
                   e->src->size);
        return false;
    }
    if (add_overflows(ph->p_paddr, ph->p_memsz, &end) || end > 4 * GiB) {
        error_setg(errp, "'%s' wants memory at 0x%" PRIx64 ", %" PRIu64
                   " bytes: must be between 0x%x and 4 GiB", e->src->name,
                   (uint64_t)ph->p_paddr, (uint64_t)ph->p_memsz,
                   BOOT_ELF_MIN_GPA);
        return false;
    }
    if (img->nsegments == BOOT_MAX_SEGMENTS) {
        error_setg(errp, "'%s' has more than %u segments to load",
                   e->src->name, BOOT_MAX_SEGMENTS);
        return false;
    }
    img->segments[img->nsegments++] = (BootSegment){
        ph->p_paddr, ph->p_offset, ph->p_filesz, ph->p_memsz,
    };
    img->start = MIN(img->start, ph->p_paddr);
    img->end = MAX(img->end, end);
    return true;
}

/* Linux gives a physical address in e_entry; others the virtual one. */
static uint64_t elf_entry_paddr(uint64_t entry, const Elf64_Phdr *ph)
{
    return ph->p_type == PT_LOAD && ph->p_vaddr != ph->p_paddr &&
           entry >= ph->p_vaddr && entry - ph->p_vaddr < ph->p_memsz
               ? ph->p_paddr + (entry - ph->p_vaddr)
               : entry;
}

static bool elf_read_segments(ElfInfo *e, BootImage *img, Error **errp)
{
    for (unsigned int i = 0; i < e->phnum; i++) {
        Elf64_Phdr ph;
        bool ok = elf_read_phdr(e, i, &ph, errp);

        if (ok && ph.p_type == PT_LOAD) {
            ok = elf_add_segment(e, &ph, img, errp);
            e->entry = elf_entry_paddr(e->entry, &ph);
        } else if (ok && ph.p_type == PT_NOTE) {
            ok = elf_read_notes(e, &ph, errp);
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

bool boot_elf_parse(const BootSource *src, BootImage *img, Error **errp)
{
    ElfInfo e = { .src = src };

    img->start = UINT64_MAX;
    if (!elf_read_header(&e, errp) || !elf_read_segments(&e, img, errp)) {
        return false;
    }
    if (img->nsegments == 0) {
        error_setg(errp, "'%s' has nothing to load", src->name);
        return false;
    }
    img->is_elf32 = !e.is64;
    img->ebx = BOOT_PVH_INFO_GPA;
    img->protocol = e.has_pvh ? BOOT_PVH : BOOT_LINUX64;
    img->entry = e.has_pvh ? e.pvh_entry : e.entry;
    img->cmdline_max = LINUX_CMDLINE_MAX;
    img->initrd_max = 4 * GiB;
    return true;
}

bool boot_elf_check(const BootSource *src, const BootImage *img, Error **errp)
{
    if (img->protocol != BOOT_PVH && img->is_elf32) {
        error_setg(errp, "'%s' is a 32-bit ELF file without a PVH entry note",
                   src->name);
        if (!boot_has_formats()) {
            error_append_hint(errp, "Multiboot kernels need a program built "
                              "with configure --enable-test-devices.");
        }
        return false;
    }
    if (img->start < BOOT_ELF_MIN_GPA) {
        error_setg(errp, "'%s' wants memory at 0x%" PRIx64 ": must be between "
                   "0x%x and 4 GiB", src->name, img->start, BOOT_ELF_MIN_GPA);
        return false;
    }
    return boot_check_entry(src, img, errp);
}
