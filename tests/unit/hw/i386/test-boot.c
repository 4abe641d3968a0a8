/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel images made up in memory: what is accepted, where it goes, and the
 * error of each way to be wrong. */
#include "util/osdep.h"
#include <elf.h>
#include "hw/i386/boot.h"
#include "util/bytes.h"
#include "tests/unit/lib/assert-error.h"

#define BZ_BYTES    (8 * KiB)
#define BZ_PAYLOAD  (2 * 512)
#define LOAD_GPA    (16 * MiB)

static BootSource source(const void *data, size_t size)
{
    return (BootSource){ .fd = -1, .data = data, .size = size, .name = "k" };
}

/* One setup sector, protocol 2.15, preferred address 16 MiB. */
static uint8_t *bzimage_new(void)
{
    uint8_t *k = g_malloc0(BZ_BYTES);

    k[0x1f1] = 1;
    put_le16(k + 0x1fe, 0xaa55);
    k[0x200] = 0xeb;
    k[0x201] = 0x66;
    memcpy(k + 0x202, "HdrS", 4);
    put_le16(k + 0x206, 0x020f);
    k[0x211] = 1;
    put_le32(k + 0x22c, 0x7fffffff);
    k[0x234] = 1;
    put_le16(k + 0x236, 1);
    put_le32(k + 0x238, 2047);
    put_le64(k + 0x258, LOAD_GPA);
    put_le32(k + 0x260, 4 * MiB);
    memset(k + BZ_PAYLOAD, 0xc5, BZ_BYTES - BZ_PAYLOAD);
    return k;
}

typedef struct ElfImage {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[2];
    struct {
        Elf64_Nhdr nh;
        char name[4];
        uint32_t entry;
    } note;
    uint8_t text[64];
} ElfImage;

static void elf_init(ElfImage *e)
{
    *e = (ElfImage){ 0 };
    memcpy(e->eh.e_ident, ELFMAG, SELFMAG);
    e->eh.e_ident[EI_CLASS] = ELFCLASS64;
    e->eh.e_ident[EI_DATA] = ELFDATA2LSB;
    e->eh.e_machine = EM_X86_64;
    e->eh.e_entry = LOAD_GPA;
    e->eh.e_phoff = offsetof(ElfImage, ph);
    e->eh.e_phnum = 2;
    e->eh.e_phentsize = sizeof(Elf64_Phdr);
    e->ph[0] = (Elf64_Phdr){
        .p_type = PT_LOAD, .p_offset = offsetof(ElfImage, text),
        .p_vaddr = 0xffffffff81000000, .p_paddr = LOAD_GPA,
        .p_filesz = sizeof(e->text), .p_memsz = 2 * MiB,
    };
    e->ph[1] = (Elf64_Phdr){
        .p_type = PT_NOTE, .p_offset = offsetof(ElfImage, note),
        .p_filesz = sizeof(e->note), .p_memsz = sizeof(e->note),
    };
    e->note.nh = (Elf64_Nhdr){ 4, 4, 18 };
    memcpy(e->note.name, "Xen", 4);
    e->note.entry = LOAD_GPA + 0x40;
    memset(e->text, 0x90, sizeof(e->text));
}

static void test_bzimage(void)
{
    g_autofree uint8_t *k = bzimage_new();
    BootSource src = source(k, BZ_BYTES);
    BootImage img;

    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmpint(img.protocol, ==, BOOT_LINUX64);
    g_assert_cmphex(img.entry, ==, LOAD_GPA + 0x200);
    g_assert_cmphex(img.end, ==, LOAD_GPA + 4 * MiB);
    g_assert_cmphex(img.segments[0].offset, ==, BZ_PAYLOAD);
    g_assert_cmphex(img.initrd_max, ==, 0x80000000);
    g_assert_cmpuint(img.cmdline_max, ==, 2047);
    put_le16(k + 0x236, 3);
    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmphex(img.initrd_max, ==, 4 * GiB);
}

static void test_elf_pvh(void)
{
    ElfImage e;
    BootSource src = source(&e, sizeof(e));
    BootImage img;

    elf_init(&e);
    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmpint(img.protocol, ==, BOOT_PVH);
    g_assert_cmphex(img.entry, ==, LOAD_GPA + 0x40);
    g_assert_cmphex(img.start, ==, LOAD_GPA);
    g_assert_cmphex(img.end, ==, LOAD_GPA + 2 * MiB);
}

static void test_elf_plain(void)
{
    ElfImage e;
    BootSource src = source(&e, sizeof(e));
    BootImage img;

    elf_init(&e);
    e.eh.e_phnum = 1;
    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmpint(img.protocol, ==, BOOT_LINUX64);
    g_assert_cmphex(img.entry, ==, LOAD_GPA);
    e.eh.e_entry = 0xffffffff81000010;      /* virtual */
    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmphex(img.entry, ==, LOAD_GPA + 0x10);
}

static void assert_refused(const void *data, size_t size, const char *text)
{
    BootSource src = source(data, size);
    g_autoptr(Error) err = NULL;
    BootImage img;

    g_assert_false(boot_image_parse(&src, &img, &err));
    assert_error(err, text);
}

static void test_bzimage_errors(void)
{
    static const struct {
        unsigned int offset, nbytes;
        uint64_t val;
        const char *text;
    } cases[] = {
        { 0x1fe, 2, 0x1234, "neither" },
        { 0x202, 1, 'X', "neither" },
        { 0x206, 2, 0x020b, "protocol 2.11" },
        { 0x236, 2, 0, "no 64-bit entry" },
        { 0x211, 1, 0, "no 64-bit entry" },
        { 0x258, 8, 0x1000, "wants to be loaded at 0x1000" },
        { 0x258, 8, UINT64_MAX, "wants to be loaded" },
        { 0x1f1, 1, 200, "truncated" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *k = bzimage_new();

        put_le_n(k + cases[i].offset, cases[i].nbytes, cases[i].val);
        assert_refused(k, BZ_BYTES, cases[i].text);
    }
    assert_refused("MZ", 2, "too short");
    assert_refused("", 0, "too short");
}

static void test_elf_errors(void)
{
    ElfImage e;

    elf_init(&e);
    assert_refused(&e, 20, "truncated");
    assert_refused(&e, offsetof(ElfImage, ph) + 3, "truncated");
    assert_refused(&e, offsetof(ElfImage, text) + 3, "truncated");
    e.eh.e_machine = EM_AARCH64;
    assert_refused(&e, sizeof(e), "machine 183");
    elf_init(&e);
    e.eh.e_ident[EI_DATA] = ELFDATA2MSB;
    assert_refused(&e, sizeof(e), "little-endian");
    elf_init(&e);
    e.eh.e_phnum = 0;
    assert_refused(&e, sizeof(e), "0 program headers");
    elf_init(&e);
    e.eh.e_phoff = UINT64_MAX - 10;
    assert_refused(&e, sizeof(e), "truncated");
    elf_init(&e);
    e.ph[0].p_paddr = 0x1000;
    assert_refused(&e, sizeof(e), "must be between 0xf8000");
    elf_init(&e);
    e.ph[0].p_memsz = UINT64_MAX;
    assert_refused(&e, sizeof(e), "must be between 0xf8000");
    elf_init(&e);
    e.ph[0].p_type = PT_NULL;
    assert_refused(&e, sizeof(e), "nothing to load");
    elf_init(&e);
    e.note.entry = 0x1000;
    assert_refused(&e, sizeof(e), "entry point 0x1000");
}

/* A build without multiboot says what would bring it. */
static void test_elf32(void)
{
    ElfImage e;
    BootSource src = source(&e, sizeof(e));
    g_autoptr(Error) err = NULL;
    Elf32_Ehdr h = { .e_machine = EM_386, .e_phnum = 1,
                     .e_phoff = sizeof(h), .e_entry = LOAD_GPA,
                     .e_phentsize = sizeof(Elf32_Phdr) };
    Elf32_Phdr ph = { .p_type = PT_LOAD, .p_paddr = LOAD_GPA, .p_memsz = 16 };
    BootImage img;

    elf_init(&e);
    memcpy(h.e_ident, ELFMAG, SELFMAG);
    h.e_ident[EI_CLASS] = ELFCLASS32;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    memcpy(&e, &h, sizeof(h));
    memcpy((uint8_t *)&e + sizeof(h), &ph, sizeof(ph));
    g_assert_false(boot_image_parse(&src, &img, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "without a PVH entry"));
    g_assert_nonnull(strstr(error_get_hint(err), "--enable-test-devices"));
}

/* A note that says it is longer than its segment is not looked at. */
static void test_elf_bad_note(void)
{
    ElfImage e;
    BootSource src = source(&e, sizeof(e));
    BootImage img;

    elf_init(&e);
    e.note.nh.n_namesz = UINT32_MAX;
    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmpint(img.protocol, ==, BOOT_LINUX64);
}

static void plan_init(BootPlan *p, BootSource *src)
{
    static const E820Entry map[] = {
        { 0, 0xa0000, E820_RAM }, { MiB, 31 * MiB, E820_RAM },
    };

    *p = (BootPlan){ .kernel = *src, .cmdline = "console=hvc0",
                     .e820 = map, .ne820 = 2, .acpi_rsdp_gpa = 0xe1230 };
    g_assert_true(boot_image_parse(src, &p->image, NULL));
}

static void test_place(void)
{
    g_autofree uint8_t *k = bzimage_new();
    BootSource src = source(k, BZ_BYTES);
    g_autoptr(Error) err = NULL, err2 = NULL, err3 = NULL;
    g_autofree char *longline = g_strnfill(3000, 'x');
    BootPlan p;

    plan_init(&p, &src);
    p.initrd = source(k, BZ_BYTES);
    g_assert_true(boot_place(&p, 32 * MiB, NULL));
    g_assert_cmphex(p.initrd_gpa, ==, 32 * MiB - BZ_BYTES);
    g_assert_false(boot_place(&p, 16 * MiB, &err));
    assert_error(err, "needs the first 20 MiB");
    p.initrd.size = 13 * MiB;
    g_assert_false(boot_place(&p, 32 * MiB, &err2));
    assert_error(err2, "initrd");
    p.initrd.size = 0;
    p.cmdline = longline;
    g_assert_false(boot_place(&p, 32 * MiB, &err3));
    assert_error(err3, "3000 characters");
}

static void test_load_linux(void)
{
    g_autofree uint8_t *k = bzimage_new();
    g_autofree uint8_t *ram = g_malloc0(32 * MiB);
    BootSource src = source(k, BZ_BYTES);
    uint8_t *bp = ram + BOOT_PARAMS_GPA;
    BootPlan p;

    plan_init(&p, &src);
    p.initrd = source(k, 100);
    g_assert_true(boot_place(&p, 32 * MiB, NULL));
    g_assert_true(boot_load(&p, ram, true, NULL));
    g_assert_cmphex(ram[LOAD_GPA], ==, 0xc5);
    g_assert_cmpstr((char *)ram + BOOT_CMDLINE_GPA, ==, "console=hvc0");
    g_assert_cmphex(get_le32(bp + 0x228), ==, BOOT_CMDLINE_GPA);
    g_assert_cmphex(get_le64(bp + 0x70), ==, 0xe1230);
    g_assert_cmphex(get_le32(bp + 0x218), ==, p.initrd_gpa);
    g_assert_cmphex(get_le32(bp + 0x21c), ==, 100);
    g_assert_cmphex(bp[0x210], ==, 0xff);
    g_assert_cmphex(bp[0x1e8], ==, 2);
    g_assert_cmphex(get_le64(bp + 0x2d0 + 20), ==, MiB);
    /* 3 GiB + 4 MiB is mapped to itself */
    g_assert_cmphex(get_le64(ram + BOOT_PAGE_TABLES_GPA + 0x2000 +
                             8 * (1536 + 2)), ==, 0xc0400083);
}

static void test_load_again(void)
{
    g_autofree uint8_t *ram = g_malloc(32 * MiB);
    ElfImage e;
    BootSource src = source(&e, sizeof(e));
    BootPlan p;

    elf_init(&e);
    plan_init(&p, &src);
    memset(ram, 0xff, 32 * MiB);
    g_assert_true(boot_load(&p, ram, false, NULL));
    g_assert_cmphex(ram[LOAD_GPA + 63], ==, 0x90);
    g_assert_cmphex(ram[LOAD_GPA + 64], ==, 0);
    g_assert_cmphex(ram[LOAD_GPA + 2 * MiB - 1], ==, 0);
    g_assert_cmphex(ram[LOAD_GPA + 2 * MiB], ==, 0xff);
    g_assert_cmphex(get_le32(ram + BOOT_PVH_INFO_GPA), ==, 0x336ec578);
    g_assert_cmphex(get_le32(ram + BOOT_PVH_INFO_GPA + 48), ==, 2);
    g_assert_cmphex(get_le64(ram + BOOT_PVH_INFO_GPA + 32), ==, 0xe1230);
    g_assert_cmphex(get_le32(ram + BOOT_PVH_INFO_GPA + 12), ==, 0);
}

static void test_open_errors(void)
{
    g_autoptr(Error) err = NULL, err2 = NULL;
    BootSource src;

    g_assert_false(boot_source_open(&src, "/no/such/kernel", "kernel", &err));
    assert_error(err, "/no/such/kernel");
    g_assert_false(boot_source_open(&src, "/", "kernel", &err2));
    assert_error(err2, "not a regular file");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/boot/bzimage/accepted", test_bzimage);
    g_test_add_func("/boot/bzimage/errors", test_bzimage_errors);
    g_test_add_func("/boot/elf/pvh", test_elf_pvh);
    g_test_add_func("/boot/elf/plain", test_elf_plain);
    g_test_add_func("/boot/elf/errors", test_elf_errors);
    g_test_add_func("/boot/elf/elf32", test_elf32);
    g_test_add_func("/boot/elf/bad-note", test_elf_bad_note);
    g_test_add_func("/boot/place", test_place);
    g_test_add_func("/boot/load/linux", test_load_linux);
    g_test_add_func("/boot/load/again", test_load_again);
    g_test_add_func("/boot/open/errors", test_open_errors);
    return g_test_run();
}
