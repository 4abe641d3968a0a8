/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot 1 kernels; see include/hw/i386/boot-multiboot.h. Page and section
 * numbers are those of the Multiboot Specification 0.6.96.
 *
 * Above the kernel, from the next page at or above 1 MiB on:
 *
 *     information, 128 bytes; memory map; module list; strings
 *     modules, each at a page
 *
 * What the kernel loads may be low memory too (real-mode tests are linked
 * there), but not the area below 1 MiB where ACPI and SMBIOS tables are.
 */
#include "util/osdep.h"
#include "hw/i386/boot-multiboot.h"
#include "util/bytes.h"

#define PAGE_BYTES      4096
#define HEADER_BYTES    32          /* with the fields of the kludge */
#define FLAGS_REQUIRED  0xffff      /* unknown ones among them: do not boot */
#define MMAP_SIZE_FIELD 20          /* of an entry, without the field itself */
#define LOADER_NAME     "NEMU"
#define LOW_RAM_MIN     0x1000
#define LOW_RAM_END     0xa0000

typedef struct Module {
    BootSource src;
    char *path;
    char *string;                   /* the file's name and its arguments */
    uint64_t gpa;
} Module;

typedef struct Multiboot {
    GArray *modules;                /* Module */
    char *cmdline;
    uint64_t info_gpa;
} Multiboot;

/* ---- Header ---- */

/* Its offset in the file, or -1. */
static int64_t multiboot_find_header(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i + 12 <= len; i += 4) {
        if (get_le32(p + i) == MULTIBOOT_HEADER_MAGIC &&
            get_le32(p + i) + get_le32(p + i + 4) + get_le32(p + i + 8) == 0) {
            return i;
        }
    }
    return -1;
}

static bool multiboot_check_flags(const BootSource *src, uint32_t flags,
                                  Error **errp)
{
    uint32_t known = MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO;

    if (flags & MULTIBOOT_VIDEO_MODE) {
        error_setg(errp, "multiboot kernel '%s' asks for a video mode: there "
                   "is no graphics adapter", src->name);
        return false;
    }
    if (flags & FLAGS_REQUIRED & ~known) {
        error_setg(errp, "multiboot kernel '%s' requires unknown features: "
                   "flags 0x%x", src->name, flags);
        return false;
    }
    return true;
}

static bool multiboot_check_segment(const BootSource *src,
                                    const BootSegment *seg, Error **errp)
{
    uint64_t end = seg->gpa + seg->memsz;

    if (end > 4 * GiB || seg->gpa < LOW_RAM_MIN ||
        (seg->gpa < BOOT_ELF_MIN_GPA && end > LOW_RAM_END)) {
        error_setg(errp, "'%s' wants memory at 0x%" PRIx64 ", %" PRIu64
                   " bytes: must be between 0x%x and 0x%x, or between 0x%x "
                   "and 4 GiB", src->name, seg->gpa, seg->memsz, LOW_RAM_MIN,
                   LOW_RAM_END, BOOT_ELF_MIN_GPA);
        return false;
    }
    return true;
}

/* The addresses are in the header, the file is one piece (3.1.3). */
static bool multiboot_parse_kludge(const BootSource *src, const uint8_t *h,
                                   uint64_t offset, BootImage *img,
                                   Error **errp)
{
    uint32_t header = get_le32(h + 12), load = get_le32(h + 16);
    uint32_t load_end = get_le32(h + 20), bss_end = get_le32(h + 24);
    uint64_t before = header - load, start = offset - before;
    BootSegment *seg = &img->segments[0];

    if (load > header || before > offset) {
        error_setg(errp, "multiboot kernel '%s' has its header, at offset %"
                   PRIu64 ", at address 0x%x but is loaded at 0x%x", src->name,
                   offset, header, load);
        return false;
    }
    seg->gpa = load;
    seg->offset = start;
    seg->filesz = load_end ? load_end - (uint64_t)load : src->size - start;
    seg->memsz = bss_end ? bss_end - (uint64_t)load : seg->filesz;
    if ((load_end && load_end < load) || (bss_end && bss_end < load) ||
        seg->memsz < seg->filesz ||
        !range_fits(seg->offset, seg->filesz, src->size)) {
        error_setg(errp, "multiboot kernel '%s' is truncated or wrong: load "
                   "0x%x to 0x%x, end 0x%x, a file of %" PRIu64 " bytes",
                   src->name, load, load_end, bss_end, src->size);
        return false;
    }
    img->nsegments = 1;
    img->start = load;
    img->end = load + seg->memsz;
    img->entry = get_le32(h + 28);
    return true;
}

static bool multiboot_parse(const BootSource *src, const uint8_t *h,
                            uint64_t offset, BootImage *img, Error **errp)
{
    uint32_t flags = get_le32(h + 4);

    if (!multiboot_check_flags(src, flags, errp)) {
        return false;
    }
    if (flags & MULTIBOOT_AOUT_KLUDGE &&
        !multiboot_parse_kludge(src, h, offset, img, errp)) {
        return false;
    }
    for (unsigned int i = 0; i < img->nsegments; i++) {
        if (!multiboot_check_segment(src, &img->segments[i], errp)) {
            return false;
        }
    }
    img->eax = MULTIBOOT_BOOT_MAGIC;
    return boot_check_entry(src, img, errp);
}

static bool multiboot_claim(const BootSource *src, BootImage *img, bool *ours,
                            Error **errp)
{
    uint8_t head[MULTIBOOT_SEARCH_BYTES + HEADER_BYTES] = { 0 };
    size_t len = MIN(MULTIBOOT_SEARCH_BYTES, src->size);
    int64_t at;

    if (!boot_source_read(src, 0, head, MIN(sizeof(head), src->size), errp)) {
        return false;
    }
    at = multiboot_find_header(head, len);
    if (at < 0) {
        return true;
    }
    /* Without addresses in the header they must be those of an ELF32 file. */
    *ours = img->is_elf32 || get_le32(head + at + 4) & MULTIBOOT_AOUT_KLUDGE;
    return !*ours || multiboot_parse(src, head + at, at, img, errp);
}

/* ---- Modules ---- */

static void multiboot_module_clear(gpointer p)
{
    Module *m = p;

    boot_source_close(&m->src);
    g_free(m->path);
    g_free(m->string);
}

/* The text up to a single comma; *@text moves behind it. */
static char *multiboot_next_item(const char **text)
{
    GString *item = g_string_new(NULL);
    const char *p = *text;

    for (; *p && !(p[0] == ',' && p[1] != ','); p++) {
        g_string_append_c(item, *p);
        p += p[0] == ',';
    }
    *text = *p ? p + 1 : p;
    return g_string_free(item, FALSE);
}

static bool multiboot_add_module(Multiboot *mb, char *item, Error **errp)
{
    Module m = { .string = item };

    m.path = g_strndup(item, strcspn(item, " "));
    if (!boot_source_open(&m.src, m.path, "module", errp)) {
        multiboot_module_clear(&m);
        return false;
    }
    m.src.name = m.path;
    g_array_append_val(mb->modules, m);
    return true;
}

static bool multiboot_open_modules(Multiboot *mb, const char *arg,
                                   Error **errp)
{
    while (arg && *arg) {
        char *item = g_strchug(multiboot_next_item(&arg));

        if (mb->modules->len == MULTIBOOT_MAX_MODULES) {
            error_setg(errp, "-initrd gives more than %u modules",
                       MULTIBOOT_MAX_MODULES);
            g_free(item);
            return false;
        }
        if (!multiboot_add_module(mb, item, errp)) {
            return false;
        }
    }
    return true;
}

/* ---- Placing ---- */

static Module *multiboot_module(const Multiboot *mb, unsigned int i)
{
    return &g_array_index(mb->modules, Module, i);
}

/* Bytes of everything but the modules' contents. */
static uint64_t multiboot_info_bytes(const Multiboot *mb)
{
    uint64_t n = MULTIBOOT_INFO_BYTES + BOOT_MAX_E820 * MULTIBOOT_MMAP_BYTES +
                 mb->modules->len * MULTIBOOT_MODULE_BYTES +
                 sizeof(LOADER_NAME) + strlen(mb->cmdline) + 1;

    for (unsigned int i = 0; i < mb->modules->len; i++) {
        n += strlen(multiboot_module(mb, i)->string) + 1;
    }
    return n;
}

static bool multiboot_place_all(Multiboot *mb, BootPlan *plan,
                                uint64_t low_ram, Error **errp)
{
    uint64_t gpa = ROUND_UP(MAX(plan->image.end, MiB), PAGE_BYTES);

    mb->info_gpa = gpa;
    plan->image.ebx = gpa;
    gpa += multiboot_info_bytes(mb);
    for (unsigned int i = 0; i < mb->modules->len && gpa <= low_ram; i++) {
        Module *m = multiboot_module(mb, i);

        m->gpa = ROUND_UP(gpa, PAGE_BYTES);
        gpa = m->gpa + MIN(m->src.size, 4 * GiB);
    }
    if (gpa > low_ram) {
        error_setg(errp, "not enough memory for kernel '%s' and its modules: "
                   "they need the first %" PRIu64 " MiB, there are %" PRIu64,
                   plan->kernel.name, (uint64_t)DIV_ROUND_UP(gpa, MiB),
                   (uint64_t)(low_ram / MiB));
        error_append_hint(errp, "Give the guest more memory with -m.");
        return false;
    }
    plan->image.end = gpa;
    return true;
}

static bool multiboot_place(BootPlan *plan, uint64_t low_ram, Error **errp)
{
    Multiboot *mb = g_new0(Multiboot, 1);

    mb->modules = g_array_new(FALSE, TRUE, sizeof(Module));
    g_array_set_clear_func(mb->modules, multiboot_module_clear);
    /* Kernels take the first word for their own name. */
    mb->cmdline = g_strdup_printf("%s %s", plan->kernel.name, plan->cmdline);
    plan->format_data = mb;
    return multiboot_open_modules(mb, plan->initrd_arg, errp) &&
           multiboot_place_all(mb, plan, low_ram, errp);
}

static void multiboot_close(BootPlan *plan)
{
    Multiboot *mb = plan->format_data;

    if (mb) {
        g_array_free(mb->modules, TRUE);
        g_free(mb->cmdline);
        g_free(mb);
    }
    plan->format_data = NULL;
}

/* ---- Loading ---- */

/* Put @text at @*gpa, which moves behind it. Returns where it is. */
static uint32_t multiboot_put_string(uint8_t *ram, uint64_t *gpa,
                                     const char *text)
{
    uint32_t at = *gpa;
    size_t len = strlen(text) + 1;

    memcpy(ram + at, text, len);
    *gpa += len;
    return at;
}

/* KiB below 1 MiB and from 1 MiB on without a hole (3.3). */
static void multiboot_put_memory(const BootPlan *plan, uint8_t *info)
{
    for (unsigned int i = 0; i < plan->ne820; i++) {
        const E820Entry *e = &plan->e820[i];

        if (e->type == E820_RAM && e->addr == 0) {
            put_le32(info + MULTIBOOT_INFO_MEM_LOWER_AT, e->len / KiB);
        } else if (e->type == E820_RAM && e->addr == MiB) {
            put_le32(info + MULTIBOOT_INFO_MEM_UPPER_AT, e->len / KiB);
        }
    }
}

static uint64_t multiboot_put_mmap(const BootPlan *plan, uint8_t *ram,
                                   uint8_t *info, uint64_t gpa)
{
    put_le32(info + MULTIBOOT_INFO_MMAP_ADDR_AT, gpa);
    put_le32(info + MULTIBOOT_INFO_MMAP_LENGTH_AT,
             plan->ne820 * MULTIBOOT_MMAP_BYTES);
    for (unsigned int i = 0; i < plan->ne820; i++) {
        put_le32(ram + gpa, MMAP_SIZE_FIELD);
        put_le64(ram + gpa + 4, plan->e820[i].addr);
        put_le64(ram + gpa + 12, plan->e820[i].len);
        put_le32(ram + gpa + 20, plan->e820[i].type);
        gpa += MULTIBOOT_MMAP_BYTES;
    }
    return gpa;
}

static void multiboot_put_info(const BootPlan *plan, uint8_t *ram)
{
    const Multiboot *mb = plan->format_data;
    uint8_t *info = ram + mb->info_gpa;
    uint64_t mods, text;

    memset(info, 0, multiboot_info_bytes(mb));
    put_le32(info, MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE |
                   MULTIBOOT_INFO_MODS | MULTIBOOT_INFO_MMAP |
                   MULTIBOOT_INFO_LOADER_NAME);
    multiboot_put_memory(plan, info);
    mods = multiboot_put_mmap(plan, ram, info,
                              mb->info_gpa + MULTIBOOT_INFO_BYTES);
    text = mods + mb->modules->len * MULTIBOOT_MODULE_BYTES;
    put_le32(info + MULTIBOOT_INFO_MODS_COUNT_AT, mb->modules->len);
    put_le32(info + MULTIBOOT_INFO_MODS_ADDR_AT, mods);
    put_le32(info + MULTIBOOT_INFO_LOADER_NAME_AT,
             multiboot_put_string(ram, &text, LOADER_NAME));
    put_le32(info + MULTIBOOT_INFO_CMDLINE_AT,
             multiboot_put_string(ram, &text, mb->cmdline));
    for (unsigned int i = 0; i < mb->modules->len; i++) {
        const Module *m = multiboot_module(mb, i);

        put_le32(ram + mods, m->gpa);
        put_le32(ram + mods + 4, m->gpa + m->src.size);
        put_le32(ram + mods + 8, multiboot_put_string(ram, &text, m->string));
        mods += MULTIBOOT_MODULE_BYTES;
    }
}

static bool multiboot_load(const BootPlan *plan, uint8_t *ram, Error **errp)
{
    const Multiboot *mb = plan->format_data;

    for (unsigned int i = 0; i < mb->modules->len; i++) {
        const Module *m = multiboot_module(mb, i);

        if (!boot_source_read(&m->src, 0, ram + m->gpa, m->src.size, errp)) {
            return false;
        }
    }
    multiboot_put_info(plan, ram);
    return true;
}

const BootFormat boot_multiboot = {
    .claim = multiboot_claim,
    .place = multiboot_place,
    .load = multiboot_load,
    .close = multiboot_close,
};
