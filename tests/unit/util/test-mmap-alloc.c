/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest RAM: alignment, guard page, files, hostile sizes. */
#include "util/osdep.h"
#include "util/mmap-alloc.h"
#include <sys/mman.h>
#include "util/error.h"
#include "tests/unit/lib/emulated.h"
#include "tests/unit/lib/assert-error.h"

static void test_anon_aligned(void)
{
    static const struct {
        size_t size, align, want;
    } cases[] = {
        { 1, 0, 4096 }, { 4096, 0, 4096 }, { 5000, 1 << 16, 1 << 16 },
        { 4 * MiB, 0, 2 * MiB }, { 3 * MiB + 1, 1 << 30, 1 << 30 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *p = ram_alloc_anon(cases[i].size, cases[i].align, 0, NULL);

        g_assert_nonnull(p);
        g_assert_true(IS_ALIGNED((uintptr_t)p, cases[i].want));
        g_assert_cmpint(p[cases[i].size - 1], ==, 0);
        p[0] = p[cases[i].size - 1] = 1;
        ram_free(p, cases[i].size);
    }
}

/* Whether the kernel notes of the mapping of @p that it may have huge pages,
 * "hg" in its flags of proc(5), smaps. It may be joined with its neighbours. */
static bool asks_for_huge_pages(void *p)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    bool inside = false;

    g_assert_true(g_file_get_contents("/proc/self/smaps", &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        uintptr_t start, end;

        if (sscanf(*line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2) {
            inside = start <= (uintptr_t)p && (uintptr_t)p < end;
        } else if (inside && g_str_has_prefix(*line, "VmFlags:")) {
            return strstr(*line, " hg") != NULL;
        }
    }
    g_assert_not_reached();
}

static void test_huge_pages(void)
{
    char *large = ram_alloc_anon(4 * MiB, 0, 0, NULL);
    char *small = ram_alloc_anon(64 * KiB, 0, 0, NULL);

    if (test_skip_emulated("the emulator keeps no such note") ||
        access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0) {
        g_test_skip("no transparent huge pages here");
    } else {
        g_assert_true(asks_for_huge_pages(large));
        g_assert_false(asks_for_huge_pages(small));
    }
    ram_free(large, 4 * MiB);
    ram_free(small, 64 * KiB);
}

/* mincore(2) says ENOMEM for what is not mapped at all. */
static bool is_mapped(void *p)
{
    unsigned char vec;

    return mincore(p, 1, &vec) == 0;
}

static void test_guard_and_free(void)
{
    size_t size = 4 * MiB;
    char *p = ram_alloc_anon(size, 0, RAM_MMAP_NORESERVE, NULL);

    if (g_test_subprocess()) {
        ((volatile char *)p)[size] = 1;
        return;
    }
    if (test_skip_emulated("needs mincore of unreadable memory")) {
        return;
    }
    g_assert_true(is_mapped(p + size));
    ram_free(p, size);
    g_assert_false(is_mapped(p));
    g_assert_false(is_mapped(p + size - 1));
    ram_free(NULL, size);
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

static void test_fd_shared(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    Error *err = NULL;
    char *a, *b, *ro;

    g_assert_cmpint(ftruncate(fd, 4 * MiB), ==, 0);
    g_assert_cmpuint(fd_page_size(fd), ==, host_page_size());
    g_assert_cmpuint(fd_page_size(-1), ==, host_page_size());
    a = ram_mmap_fd(fd, 0, 4 * MiB, 0, RAM_MMAP_SHARED, NULL);
    b = ram_mmap_fd(fd, MiB, MiB, 0, RAM_MMAP_SHARED, NULL);
    ro = ram_mmap_fd(fd, 0, 4 * MiB, 0, RAM_MMAP_SHARED | RAM_MMAP_READONLY,
                     NULL);
    g_assert_true(IS_ALIGNED((uintptr_t)a, RAM_THP_ALIGN_BYTES));
    a[MiB] = 42;
    g_assert_cmpint(b[0], ==, 42);
    g_assert_cmpint(ro[MiB], ==, 42);
    g_assert_null(ram_mmap_fd(fd, 1, MiB, 0, 0, &err));
    assert_error(err, "offset 1");
    error_free(err);
    ram_free(a, 4 * MiB);
    ram_free(b, MiB);
    ram_free(ro, 4 * MiB);
    close(fd);
}

static void test_bad_size(void)
{
    static const struct {
        size_t size, align;
    } cases[] = {
        { 0, 0 }, { SIZE_MAX, 0 }, { SIZE_MAX / 2, 0 }, { SIZE_MAX / 2 + 1, 0 },
        { 4096, 3000 }, { 4096, 1ULL << 63 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;

        g_assert_null(ram_alloc_anon(cases[i].size, cases[i].align, 0, &err));
        g_assert_nonnull(err);
        error_free(err);
        err = NULL;
        g_assert_null(ram_mmap_fd(-1, 0, cases[i].size, cases[i].align, 0,
                                  &err));
        g_assert_nonnull(err);
        error_free(err);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mmap-alloc/anon/aligned", test_anon_aligned);
    g_test_add_func("/mmap-alloc/anon/huge-pages", test_huge_pages);
    g_test_add_func("/mmap-alloc/anon/guard-and-free", test_guard_and_free);
    g_test_add_func("/mmap-alloc/fd/shared", test_fd_shared);
    g_test_add_func("/mmap-alloc/bad-size", test_bad_size);
    return g_test_run();
}
