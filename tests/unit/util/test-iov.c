/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scatter-gather lists against a flat copy of the same bytes. */
#include "util/osdep.h"
#include "util/iov.h"

#define TOTAL 20

/* 20 bytes in pieces, with empty elements at all places. */
typedef struct Fixture {
    char mem[TOTAL];
    struct iovec iov[8];
    unsigned niov;
} Fixture;

static void fixture_init(Fixture *f)
{
    static const size_t lens[] = { 0, 3, 7, 0, 1, 9, 0 };
    char *p = f->mem;

    f->niov = G_N_ELEMENTS(lens);
    for (unsigned i = 0; i < f->niov; i++) {
        f->iov[i] = (struct iovec) { p, lens[i] };
        p += lens[i];
    }
    for (int i = 0; i < TOTAL; i++) {
        f->mem[i] = 'a' + i;
    }
}

static void test_copy_all_offsets(void)
{
    Fixture f;
    char buf[TOTAL + 10];

    fixture_init(&f);
    g_assert_cmpuint(iov_size(f.iov, f.niov), ==, TOTAL);
    for (size_t off = 0; off <= TOTAL + 2; off++) {
        for (size_t len = 0; len <= TOTAL + 5; len++) {
            size_t want = off > TOTAL ? 0 : MIN(len, TOTAL - off);

            memset(buf, '-', sizeof(buf));
            g_assert_cmpuint(iov_to_buf(f.iov, f.niov, off, buf, len), ==,
                             want);
            if (want) {
                g_assert_cmpmem(buf, want, f.mem + off, want);
            }
            g_assert_cmpint(buf[want], ==, '-');
        }
    }
}

static void test_from_buf(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_cmpuint(iov_from_buf(f.iov, f.niov, 2, "0123456789", 10), ==, 10);
    g_assert_cmpmem(f.mem, TOTAL, "ab0123456789mnopqrst", TOTAL);
    g_assert_cmpuint(iov_from_buf(f.iov, f.niov, 18, "xyz", 3), ==, 2);
    g_assert_cmpuint(iov_from_buf(f.iov, f.niov, SIZE_MAX, "x", SIZE_MAX), ==,
                     0);
    g_assert_cmpuint(iov_memset(f.iov, f.niov, 1, 0, 18), ==, 18);
    g_assert_cmpmem(f.mem + 18, 2, "\0y", 2);
    g_assert_true(iov_is_zero(f.iov, f.niov, 1, 18));
    g_assert_false(iov_is_zero(f.iov, f.niov, 0, 2));
    g_assert_false(iov_is_zero(f.iov, f.niov, 1, 19));
    g_assert_true(iov_is_zero(f.iov, f.niov, 30, 5));
    g_assert_true(iov_is_zero(NULL, 0, 0, 5));
}

static void test_is_zero_every_bit_counts(void)
{
    char buf[64] = { 0 };
    struct iovec iov = { buf, sizeof(buf) };

    g_assert_true(iov_is_zero(&iov, 1, 0, sizeof(buf)));
    for (size_t i = 0; i < sizeof(buf); i++) {
        buf[i] = 1;
        g_assert_false(iov_is_zero(&iov, 1, 0, sizeof(buf)));
        g_assert_true(iov_is_zero(&iov, 1, 0, i));
        buf[i] = 0;
    }
}

static void test_iov_copy(void)
{
    struct iovec dst[8];
    Fixture f;

    fixture_init(&f);
    g_assert_cmpuint(iov_copy(dst, 8, f.iov, f.niov, 1, 10), ==, 3);
    g_assert_cmpuint(iov_size(dst, 3), ==, 10);
    g_assert_true(dst[0].iov_base == f.mem + 1 && dst[0].iov_len == 2);
    g_assert_cmpuint(iov_copy(dst, 1, f.iov, f.niov, 1, 10), ==, 1);
    g_assert_cmpuint(iov_copy(dst, 8, f.iov, f.niov, 99, 10), ==, 0);
}

static void test_discard(void)
{
    for (size_t n = 0; n <= TOTAL + 2; n++) {
        struct iovec *iov;
        unsigned niov;
        char buf[TOTAL];
        size_t want = MIN(n, TOTAL);
        Fixture f;

        fixture_init(&f);
        iov = f.iov;
        niov = f.niov;
        g_assert_cmpuint(iov_discard_front(&iov, &niov, n), ==, want);
        g_assert_cmpuint(iov_to_buf(iov, niov, 0, buf, TOTAL), ==,
                         TOTAL - want);
        g_assert_cmpmem(buf, TOTAL - want, f.mem + want, TOTAL - want);

        fixture_init(&f);
        niov = f.niov;
        g_assert_cmpuint(iov_discard_back(f.iov, &niov, n), ==, want);
        g_assert_cmpuint(iov_to_buf(f.iov, niov, 0, buf, TOTAL), ==,
                         TOTAL - want);
        g_assert_cmpmem(buf, TOTAL - want, f.mem, TOTAL - want);
    }
}

static void test_iovec(void)
{
    char mem[100], buf[100];
    IoVec v, w, one;

    for (size_t i = 0; i < sizeof(mem); i++) {
        mem[i] = i;
    }
    iovec_init(&v, 0);
    for (int i = 0; i < 10; i++) {
        iovec_add(&v, mem + 10 * i, 10);
    }
    g_assert_cmpuint(v.size, ==, 100);
    iovec_init_slice(&w, &v, 15, 50);
    g_assert_cmpuint(w.size, ==, 50);
    g_assert_cmpuint(iovec_to_buf(&w, 0, buf, 100), ==, 50);
    g_assert_cmpmem(buf, 50, mem + 15, 50);
    g_assert_cmpuint(iovec_concat(&w, &v, 95, 50), ==, 5);
    g_assert_cmpuint(w.size, ==, 55);
    iovec_reset(&w);
    g_assert_cmpuint(iovec_to_buf(&w, 0, buf, 1), ==, 0);
    iovec_destroy(&w);
    iovec_init_external(&w, v.iov, v.niov);
    g_assert_cmpuint(w.size, ==, 100);
    iovec_destroy(&w);
    iovec_destroy(&w);
    iovec_init_buf(&one, mem, 7);
    g_assert_cmpuint(iovec_memset(&one, 2, 'x', 99), ==, 5);
    g_assert_cmpint(mem[6], ==, 'x');
    g_assert_cmpint(mem[7], ==, 7);
    iovec_destroy(&v);
}

static void test_aligned(void)
{
    static _Alignas(512) char mem[2048];
    IoVec v;

    iovec_init(&v, 2);
    g_assert_true(iovec_is_aligned(&v, 512));
    iovec_add(&v, mem, 512);
    g_assert_true(iovec_is_aligned(&v, 512));
    iovec_add(&v, mem + 512, 100);
    g_assert_false(iovec_is_aligned(&v, 512));
    iovec_reset(&v);
    iovec_add(&v, mem + 8, 512);
    g_assert_false(iovec_is_aligned(&v, 512));
    g_assert_true(iovec_is_aligned(&v, 8));
    iovec_destroy(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iov/to-buf/all-offsets", test_copy_all_offsets);
    g_test_add_func("/iov/from-buf", test_from_buf);
    g_test_add_func("/iov/is-zero", test_is_zero_every_bit_counts);
    g_test_add_func("/iov/copy", test_iov_copy);
    g_test_add_func("/iov/discard", test_discard);
    g_test_add_func("/iov/iovec", test_iovec);
    g_test_add_func("/iov/aligned", test_aligned);
    return g_test_run();
}
