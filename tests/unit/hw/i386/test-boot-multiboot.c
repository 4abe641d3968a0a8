/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multiboot kernels made up in memory: both forms, what the kernel is told,
 * and the error of each way to be wrong. */
#include "util/osdep.h"
#include <elf.h>
#include "hw/i386/boot-multiboot.h"
#include "util/bytes.h"
#include "util/file.h"
#include "tests/unit/lib/assert-error.h"

#define LOAD_GPA    (4 * MiB)
#define HEADER_AT   0x100
#define FILE_BYTES  0x400
#define RAM_BYTES   (16 * MiB)

static BootSource source(const void *data, size_t size)
{
    return (BootSource){ .fd = -1, .data = data, .size = size, .name = "k" };
}

static void put_header(uint8_t *p, uint32_t flags)
{
    put_le32(p, MULTIBOOT_HEADER_MAGIC);
    put_le32(p + 4, flags);
    put_le32(p + 8, -(MULTIBOOT_HEADER_MAGIC + flags));
}

/* ELF32, one segment: the whole file at 4 MiB, and 4 KiB of zeros. */
static uint8_t *elf_new(uint32_t flags)
{
    uint8_t *k = g_malloc0(FILE_BYTES);
    Elf32_Ehdr *eh = (Elf32_Ehdr *)k;
    Elf32_Phdr *ph = (Elf32_Phdr *)(k + sizeof(*eh));

    memcpy(eh->e_ident, ELFMAG, SELFMAG);
    eh->e_ident[EI_CLASS] = ELFCLASS32;
    eh->e_ident[EI_DATA] = ELFDATA2LSB;
    eh->e_machine = EM_386;
    eh->e_entry = LOAD_GPA + 0x200;
    eh->e_phoff = sizeof(*eh);
    eh->e_phnum = 1;
    eh->e_phentsize = sizeof(*ph);
    *ph = (Elf32_Phdr){
        .p_type = PT_LOAD, .p_vaddr = LOAD_GPA, .p_paddr = LOAD_GPA,
        .p_filesz = FILE_BYTES, .p_memsz = 0x1400,
    };
    put_header(k + HEADER_AT, flags);
    return k;
}

/* A plain file with its addresses in the header. */
static uint8_t *kludge_new(void)
{
    uint8_t *k = g_malloc0(FILE_BYTES);
    uint8_t *h = k + HEADER_AT;

    put_header(h, MULTIBOOT_AOUT_KLUDGE);
    put_le32(h + 12, LOAD_GPA + 0x80);          /* the header */
    put_le32(h + 16, LOAD_GPA);
    put_le32(h + 20, LOAD_GPA + 0x300);
    put_le32(h + 24, LOAD_GPA + 0x1000);        /* end of zeros */
    put_le32(h + 28, LOAD_GPA + 0x40);
    return k;
}

static void test_elf(void)
{
    g_autofree uint8_t *k = elf_new(3);
    BootSource src = source(k, FILE_BYTES);
    BootImage img;

    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmpint(img.protocol, ==, BOOT_OTHER);
    g_assert_true(img.format == &boot_multiboot);
    g_assert_cmphex(img.entry, ==, LOAD_GPA + 0x200);
    g_assert_cmphex(img.eax, ==, MULTIBOOT_BOOT_MAGIC);
    g_assert_cmphex(img.end, ==, LOAD_GPA + 0x1400);
}

/* Real-mode tests are linked at 16 KiB. */
static void test_elf_low(void)
{
    g_autofree uint8_t *k = elf_new(0);
    Elf32_Phdr *ph = (Elf32_Phdr *)(k + sizeof(Elf32_Ehdr));
    BootSource src = source(k, FILE_BYTES);
    BootPlan p = { .kernel = src, .cmdline = "" };

    ph->p_paddr = ph->p_vaddr = 0x4000;
    ((Elf32_Ehdr *)k)->e_entry = 0x4200;
    g_assert_true(boot_image_parse(&src, &p.image, NULL));
    g_assert_cmphex(p.image.start, ==, 0x4000);
    g_assert_true(boot_place(&p, RAM_BYTES, NULL));
    g_assert_cmphex(p.image.ebx, ==, MiB);
    boot_plan_close(&p);
}

static void test_kludge(void)
{
    g_autofree uint8_t *k = kludge_new();
    BootSource src = source(k, FILE_BYTES);
    BootImage img;

    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_true(img.format == &boot_multiboot);
    g_assert_cmphex(img.segments[0].gpa, ==, LOAD_GPA);
    g_assert_cmphex(img.segments[0].offset, ==, 0x80);
    g_assert_cmphex(img.segments[0].filesz, ==, 0x300);
    g_assert_cmphex(img.segments[0].memsz, ==, 0x1000);
    g_assert_cmphex(img.entry, ==, LOAD_GPA + 0x40);
    /* 0: to the end of the file, no zeros */
    put_le32(k + HEADER_AT + 20, 0);
    put_le32(k + HEADER_AT + 24, 0);
    g_assert_true(boot_image_parse(&src, &img, NULL));
    g_assert_cmphex(img.segments[0].filesz, ==, FILE_BYTES - 0x80);
    g_assert_cmphex(img.segments[0].memsz, ==, FILE_BYTES - 0x80);
}

static void test_not_multiboot(void)
{
    g_autofree uint8_t *k = elf_new(0), *big = g_malloc0(16 * KiB);
    BootSource src = source(k, FILE_BYTES);
    g_autoptr(Error) err = NULL, err2 = NULL;
    BootImage img;

    k[HEADER_AT + 8] ^= 1;                      /* checksum */
    g_assert_false(boot_image_parse(&src, &img, &err));
    assert_error(err, "32-bit ELF");
    put_header(big + MULTIBOOT_SEARCH_BYTES - 8, MULTIBOOT_AOUT_KLUDGE);
    src = source(big, 16 * KiB);                /* the header is too late */
    g_assert_false(boot_image_parse(&src, &img, &err2));
    assert_error(err2, "neither");
}

static void assert_refused(const uint8_t *k, const char *text)
{
    BootSource src = source(k, FILE_BYTES);
    g_autoptr(Error) err = NULL;
    BootImage img;

    g_assert_false(boot_image_parse(&src, &img, &err));
    assert_error(err, text);
}

static void test_errors(void)
{
    static const struct {
        unsigned int offset;                    /* in the header */
        uint32_t val;
        const char *text;
    } cases[] = {
        { 12, LOAD_GPA - 1, "is loaded at 0x400000" },
        { 12, LOAD_GPA + 0x101, "is loaded at 0x400000" },
        { 16, 0, "is loaded at 0x0" },
        { 20, LOAD_GPA - 1, "truncated or wrong" },
        { 20, LOAD_GPA + 0x1000, "truncated or wrong" },
        { 20, UINT32_MAX, "truncated or wrong" },
        { 24, LOAD_GPA + 0x2ff, "truncated or wrong" },
        { 28, LOAD_GPA + 0x1000, "entry point" },
        { 28, 0, "entry point" },
    };
    g_autofree uint8_t *video = elf_new(MULTIBOOT_VIDEO_MODE);
    g_autofree uint8_t *unknown = elf_new(0x8000);
    g_autofree uint8_t *hole = elf_new(0);
    Elf32_Phdr *ph = (Elf32_Phdr *)(hole + sizeof(Elf32_Ehdr));

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *k = kludge_new();

        put_le32(k + HEADER_AT + cases[i].offset, cases[i].val);
        assert_refused(k, cases[i].text);
    }
    assert_refused(video, "video mode");
    assert_refused(unknown, "flags 0x8000");
    ph->p_paddr = ph->p_vaddr = 0x9f000;        /* into the ROM area */
    assert_refused(hole, "wants memory at 0x9f000");
    ph->p_paddr = ph->p_vaddr = 0;
    assert_refused(hole, "wants memory at 0x0");
}

/* ---- What the kernel is told ---- */

static const E820Entry map[] = {
    { 0, 0xa0000, E820_RAM }, { 0xa0000, 0x60000, E820_RESERVED },
    { MiB, 15 * MiB, E820_RAM },
};

static const char *guest_string(const uint8_t *ram, uint32_t at)
{
    g_assert_cmpuint(at, <, RAM_BYTES);
    return (const char *)ram + at;
}

static void test_info(void)
{
    g_autofree uint8_t *k = elf_new(0), *ram = g_malloc0(RAM_BYTES);
    BootSource src = source(k, FILE_BYTES);
    BootPlan p = { .kernel = src, .cmdline = "one two", .e820 = map,
                   .ne820 = G_N_ELEMENTS(map) };
    const uint8_t *info, *m;

    g_assert_true(boot_image_parse(&src, &p.image, NULL));
    g_assert_true(boot_place(&p, RAM_BYTES, NULL));
    g_assert_true(boot_load(&p, ram, true, NULL));
    g_assert_true(!memcmp(ram + LOAD_GPA, k, FILE_BYTES));
    info = ram + p.image.ebx;
    g_assert_cmphex(get_le32(info), ==, 0x24d);
    g_assert_cmpuint(get_le32(info + 4), ==, 640);
    g_assert_cmpuint(get_le32(info + 8), ==, 15 * 1024);
    g_assert_cmpstr(guest_string(ram, get_le32(info + 16)), ==, "k one two");
    g_assert_cmpuint(get_le32(info + 20), ==, 0);
    g_assert_cmpuint(get_le32(info + 44), ==, 3 * 24);
    m = ram + get_le32(info + 48) + 24;
    g_assert_cmpuint(get_le32(m), ==, 20);
    g_assert_cmphex(get_le64(m + 4), ==, 0xa0000);
    g_assert_cmphex(get_le64(m + 12), ==, 0x60000);
    g_assert_cmpuint(get_le32(m + 20), ==, 2);
    g_assert_cmpstr(guest_string(ram, get_le32(info + 64)), ==, "NEMU");
    boot_plan_close(&p);
}

static void test_modules(void)
{
    g_autofree char *dir = g_dir_make_tmp("nemu-XXXXXX", NULL);
    g_autofree char *a = g_build_filename(dir, "a", NULL);
    g_autofree char *b = g_build_filename(dir, "b,c", NULL);
    g_autofree char *arg = g_strdup_printf("%s x y, %s/b,,c", a, dir);
    g_autofree uint8_t *k = elf_new(0), *ram = g_malloc0(RAM_BYTES);
    BootSource src = source(k, FILE_BYTES);
    BootPlan p = { .kernel = src, .cmdline = "", .initrd_arg = arg };
    const uint8_t *info, *mod;
    g_autofree char *a_string = g_strconcat(a, " x y", NULL);

    g_assert_true(g_file_set_contents(a, "first", -1, NULL));
    g_assert_true(g_file_set_contents(b, "second!", -1, NULL));
    g_assert_true(boot_image_parse(&src, &p.image, NULL));
    g_assert_true(boot_place(&p, RAM_BYTES, NULL));
    g_assert_true(boot_load(&p, ram, true, NULL));
    info = ram + p.image.ebx;
    g_assert_cmpuint(get_le32(info + 20), ==, 2);
    mod = ram + get_le32(info + 24);
    g_assert_cmphex(get_le32(mod) & 0xfff, ==, 0);
    g_assert_cmpuint(get_le32(mod + 4) - get_le32(mod), ==, 5);
    g_assert_true(!memcmp(ram + get_le32(mod), "first", 5));
    g_assert_cmpstr(guest_string(ram, get_le32(mod + 8)), ==, a_string);
    mod += 16;
    g_assert_true(!memcmp(ram + get_le32(mod), "second!", 7));
    g_assert_cmpstr(guest_string(ram, get_le32(mod + 8)), ==, b);
    boot_plan_close(&p);
    unlink(a);
    unlink(b);
    rmdir(dir);
}

static void test_place_errors(void)
{
    g_autofree uint8_t *k = elf_new(0);
    BootSource src = source(k, FILE_BYTES);
    BootPlan p = { .kernel = src, .cmdline = "" };
    g_autoptr(Error) err = NULL, err2 = NULL;

    g_assert_true(boot_image_parse(&src, &p.image, NULL));
    p.initrd_arg = "/no/such/module arg";
    g_assert_false(boot_place(&p, RAM_BYTES, &err));
    assert_error(err, "/no/such/module'");
    boot_plan_close(&p);
    p.initrd_arg = NULL;
    /* the kernel fits, what it is told does not */
    g_assert_false(boot_place(&p, LOAD_GPA + 0x1400, &err2));
    assert_error(err2, "not enough memory");
    boot_plan_close(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    boot_format_register(&boot_multiboot);
    g_test_add_func("/boot/multiboot/elf", test_elf);
    g_test_add_func("/boot/multiboot/elf-low", test_elf_low);
    g_test_add_func("/boot/multiboot/kludge", test_kludge);
    g_test_add_func("/boot/multiboot/not", test_not_multiboot);
    g_test_add_func("/boot/multiboot/errors", test_errors);
    g_test_add_func("/boot/multiboot/info", test_info);
    g_test_add_func("/boot/multiboot/modules", test_modules);
    g_test_add_func("/boot/multiboot/place-errors", test_place_errors);
    return g_test_run();
}
