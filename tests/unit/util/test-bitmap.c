/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmaps, each range function against a bit-by-bit model. */
#include "util/osdep.h"
#include "util/bitmap.h"

#define NBITS 300

typedef struct Range {
    size_t start, n;
} Range;

/* Ends inside words, on their borders, empty, and across several words. */
static const Range ranges[] = {
    { 0, 0 }, { 0, 1 }, { 63, 1 }, { 64, 1 }, { 0, 64 }, { 1, 63 }, { 1, 64 },
    { 60, 8 }, { 64, 64 }, { 5, 200 }, { 128, 172 }, { 299, 1 }, { 0, 300 },
};

static void check_range(const unsigned long *map, Range r, bool inside)
{
    for (size_t i = 0; i < NBITS; i++) {
        bool in = i >= r.start && i < r.start + r.n;

        g_assert_cmpint(test_bit(i, map), ==, in == inside);
    }
}

static void test_set_clear_range(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        Range r = ranges[i];
        DECLARE_BITMAP(map, NBITS) = { 0 };

        bitmap_set(map, r.start, r.n);
        check_range(map, r, true);
        g_assert_cmpuint(bitmap_count_one(map, NBITS), ==, r.n);
        bitmap_fill(map, NBITS);
        g_assert_true(bitmap_full(map, NBITS));
        bitmap_clear(map, r.start, r.n);
        check_range(map, r, false);
    }
}

static void test_atomic_range(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ranges); i++) {
        Range r = ranges[i];
        DECLARE_BITMAP(map, NBITS) = { 0 };

        bitmap_set_atomic(map, r.start, r.n);
        check_range(map, r, true);
        g_assert_cmpint(bitmap_test_and_clear_atomic(map, r.start, r.n), ==,
                        r.n > 0);
        g_assert_true(bitmap_empty(map, NBITS));
        g_assert_false(bitmap_test_and_clear_atomic(map, r.start, r.n));
        bitmap_fill(map, NBITS);
        bitmap_test_and_clear_atomic(map, r.start, r.n);
        check_range(map, r, false);
    }
}

static void test_copy_and_clear(void)
{
    DECLARE_BITMAP(src, NBITS) = { 0 };
    DECLARE_BITMAP(dst, NBITS);

    memset(dst, 0xff, sizeof(dst));
    set_bit(3, src);
    set_bit(130, src);
    set_bit(140, src);
    bitmap_copy_and_clear_atomic(dst, src, 135);
    g_assert_cmpuint(bitmap_count_one(dst, 192), ==, 2);
    g_assert_true(test_bit(3, dst) && test_bit(130, dst));
    g_assert_cmpuint(find_first_bit(src, NBITS), ==, 140);
}

static void test_find(void)
{
    DECLARE_BITMAP(map, NBITS) = { 0 };

    g_assert_cmpuint(find_first_bit(map, NBITS), ==, NBITS);
    g_assert_cmpuint(find_last_bit(map, NBITS), ==, NBITS);
    g_assert_cmpuint(find_next_bit(map, 0, 0), ==, 0);
    set_bit(5, map);
    set_bit(64, map);
    set_bit(299, map);
    g_assert_cmpuint(find_next_bit(map, NBITS, 0), ==, 5);
    g_assert_cmpuint(find_next_bit(map, NBITS, 5), ==, 5);
    g_assert_cmpuint(find_next_bit(map, NBITS, 6), ==, 64);
    g_assert_cmpuint(find_next_bit(map, NBITS, 65), ==, 299);
    g_assert_cmpuint(find_next_bit(map, 299, 65), ==, 299);
    g_assert_cmpuint(find_last_bit(map, NBITS), ==, 299);
    g_assert_cmpuint(find_last_bit(map, 299), ==, 64);
    g_assert_cmpuint(find_last_bit(map, 64), ==, 5);
    bitmap_fill(map, NBITS);
    g_assert_cmpuint(find_first_zero_bit(map, NBITS), ==, NBITS);
    clear_bit(128, map);
    g_assert_cmpuint(find_next_zero_bit(map, NBITS, 1), ==, 128);
    g_assert_cmpuint(find_next_zero_bit(map, NBITS, 129), ==, NBITS);
}

static void test_find_zero_run(void)
{
    DECLARE_BITMAP(map, NBITS) = { 0 };

    bitmap_set(map, 0, 10);
    bitmap_set(map, 20, 10);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 0, 10, 1), ==, 10);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 0, 11, 1), ==, 30);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 0, 8, 8), ==, 32);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 0, 4, 8), ==, 16);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 12, 10, 1), ==, 30);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 0, 270, 1), ==, 30);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 0, 271, 1), ==, NBITS);
    g_assert_cmpuint(bitmap_find_zero_run(map, NBITS, 0, SIZE_MAX, 1), ==,
                     NBITS);
}

static void test_logic(void)
{
    DECLARE_BITMAP(a, 70) = { 0 };
    DECLARE_BITMAP(b, 70) = { 0 };
    DECLARE_BITMAP(c, 70);

    set_bit(1, a);
    set_bit(65, a);
    set_bit(65, b);
    set_bit(66, b);
    bitmap_or(c, a, b, 70);
    g_assert_cmpuint(bitmap_count_one(c, 70), ==, 3);
    bitmap_and(c, a, b, 70);
    g_assert_cmpuint(bitmap_count_one(c, 70), ==, 1);
    bitmap_andnot(c, a, b, 70);
    g_assert_true(test_bit(1, c) && bitmap_count_one(c, 70) == 1);
    g_assert_true(bitmap_intersects(a, b, 70));
    g_assert_false(bitmap_intersects(a, b, 65));
    g_assert_false(bitmap_equal(a, b, 70));
    g_assert_false(bitmap_equal(a, b, 2));
    g_assert_true(bitmap_equal(a, b, 1));
    bitmap_copy(c, a, 70);
    g_assert_true(bitmap_equal(a, c, 70));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bitmap/range/set-clear", test_set_clear_range);
    g_test_add_func("/bitmap/range/atomic", test_atomic_range);
    g_test_add_func("/bitmap/copy-and-clear", test_copy_and_clear);
    g_test_add_func("/bitmap/find", test_find);
    g_test_add_func("/bitmap/find-zero-run", test_find_zero_run);
    g_test_add_func("/bitmap/logic", test_logic);
    return g_test_run();
}
