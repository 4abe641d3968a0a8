/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dirty bitmaps: bits against a model, what requests set, flags, stored form. */
#include "block-test.h"
#include "block/dirty-bitmap.h"

#define BYTES 1048576

static BdrvDirtyBitmap *new_bitmap(BlockDriverState *bs, const char *name,
                                   uint32_t granularity)
{
    BdrvDirtyBitmap *b = bdrv_dirty_bitmap_new(bs, name, granularity,
                                               bs->total_bytes, NULL);

    g_assert_nonnull(b);
    return b;
}

/* A byte for each granule. */
static void check_model(BdrvDirtyBitmap *b, const uint8_t *model, int64_t n)
{
    uint32_t g = bdrv_dirty_bitmap_granularity(b);
    int64_t count = 0, area = 0, len = 0, pos = 0, seen = 0;

    for (int64_t i = 0; i < n; i++) {
        g_assert_cmpint(bdrv_dirty_bitmap_get(b, i * g), ==, model[i]);
        count += model[i];
    }
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, count * g);
    while (bdrv_dirty_bitmap_next_area(b, pos, INT64_MAX, INT64_MAX, &area,
                                       &len)) {
        g_assert_cmpint(area, >=, pos);
        g_assert_cmpint(len, >, 0);
        for (int64_t at = area; at < area + len; at += g) {
            g_assert_true(model[at / g]);
            seen++;
        }
        pos = area + len;
    }
    g_assert_cmpint(seen, ==, count);
}

static void test_random(void)
{
    const uint32_t g = 512;
    BlockDriverState *bs = test_open_ok(
        "{\"driver\":\"null-co\",\"node-name\":\"n\",\"size\":100000}");
    BdrvDirtyBitmap *b = new_bitmap(bs, "b", g);
    const int64_t n = DIV_ROUND_UP(100000, g);
    g_autofree uint8_t *model = g_malloc0(n);

    for (int i = 0; i < 2000; i++) {
        int64_t offset = g_random_int_range(0, 100000);
        int64_t bytes = g_random_int_range(0, 100001 - offset);
        int64_t end = offset + bytes;

        bytes = g_random_int_range(0, 3) ? MIN(bytes, 3000) : bytes;
        end = offset + bytes;
        if (g_random_boolean() && bytes) {
            bdrv_dirty_bitmap_set(b, offset, bytes);
            memset(model + offset / g, 1,
                   DIV_ROUND_UP(end, g) - offset / g);
        } else if (bytes) {
            int64_t from = DIV_ROUND_UP(offset, g);
            int64_t to = end == 100000 ? n : end / g;

            bdrv_dirty_bitmap_reset(b, offset, bytes);
            memset(model + from, 0, MAX(to - from, 0));
        }
        if (i % 20 == 0) {
            check_model(b, model, n);
        }
    }
    bdrv_unref(bs);
}

static void test_next(void)
{
    BlockDriverState *bs = test_null_node("n");
    BdrvDirtyBitmap *b = new_bitmap(bs, "b", 4096);
    int64_t area, len;

    g_assert_cmpint(bdrv_dirty_bitmap_next_dirty(b, 0, -1), ==, -1);
    g_assert_cmpint(bdrv_dirty_bitmap_next_zero(b, 5, -1), ==, 5);
    bdrv_dirty_bitmap_set(b, 600000, 1);
    g_assert_cmpint(bdrv_dirty_bitmap_next_dirty(b, 0, -1), ==, 598016);
    g_assert_cmpint(bdrv_dirty_bitmap_next_dirty(b, 600000, 1), ==, 600000);
    g_assert_cmpint(bdrv_dirty_bitmap_next_dirty(b, 0, 598016), ==, -1);
    g_assert_cmpint(bdrv_dirty_bitmap_next_zero(b, 598016, -1), ==, 602112);
    g_assert_cmpint(bdrv_dirty_bitmap_next_zero(b, 598016, 4096), ==, -1);
    g_assert_cmpint(bdrv_dirty_bitmap_next_dirty(b, BYTES, -1), ==, -1);
    g_assert_true(bdrv_dirty_bitmap_next_area(b, 0, BYTES, 100, &area, &len));
    g_assert_cmpint(area, ==, 598016);
    g_assert_cmpint(len, ==, 100);
    bdrv_unref(bs);
}

/* ---- Requests ---- */

static void test_requests(void)
{
    BlockDriverState *bs = test_null_node("n");
    BlockBackend *blk = blk_new(NULL, BLK_PERM_WRITE, BLK_PERM_ALL);
    BdrvDirtyBitmap *on = new_bitmap(bs, "on", 65536);
    BdrvDirtyBitmap *off = new_bitmap(bs, "off", 65536);
    uint8_t buf[1024] = { 0 };

    g_assert_true(blk_insert_bs(blk, bs, NULL));
    bdrv_dirty_bitmap_set_enabled(off, false);
    g_assert_cmpint(blk_pwrite(blk, 65536 - 512, buf, 1024, 0), ==, 0);
    g_assert_cmpint(blk_pread(blk, 300000, buf, 1024), ==, 0);
    g_assert_cmpint(bdrv_dirty_bitmap_count(on), ==, 2 * 65536);
    g_assert_true(bdrv_dirty_bitmap_get(on, 0));
    g_assert_true(bdrv_dirty_bitmap_get(on, 65536));
    g_assert_cmpint(bdrv_dirty_bitmap_count(off), ==, 0);
    blk_unref(blk);
    bdrv_unref(bs);
}

static void test_discard_and_resize(void)
{
    g_autofree char *path = test_file("x", 1);
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"file\",\"filename\":\"%s\",\"discard\":\"unmap\"}",
        path);
    BlockDriverState *bs = test_open_ok(json);
    BlockBackend *blk = blk_new(NULL, BLK_PERM_WRITE | BLK_PERM_RESIZE,
                                BLK_PERM_ALL);
    BdrvDirtyBitmap *b = new_bitmap(bs, "b", 512);

    g_assert_true(blk_insert_bs(blk, bs, NULL));
    g_assert_cmpint(blk_truncate(blk, 10000, NULL), ==, 0);
    g_assert_cmpint(bdrv_dirty_bitmap_size(b), ==, 10000);
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, 0);
    g_assert_cmpint(blk_pwrite(blk, 9000, "abc", 3, 0), ==, 0);
    g_assert_cmpint(blk_truncate(blk, 1000000, NULL), ==, 0);
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, 512);
    g_assert_cmpint(blk_truncate(blk, 8000, NULL), ==, 0);
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, 0);
    g_assert_cmpint(blk_truncate(blk, 1000000, NULL), ==, 0);
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, 0);
    blk_unref(blk);
    bdrv_unref(bs);
    g_unlink(path);
}

/* ---- All bits ---- */

static void test_merge(void)
{
    g_autoptr(Error) err = NULL;
    BlockDriverState *bs = test_null_node("n");
    BlockDriverState *other = test_open_ok(
        "{\"driver\":\"null-co\",\"node-name\":\"o\",\"size\":4096}");
    BdrvDirtyBitmap *fine = new_bitmap(bs, "fine", 512);
    BdrvDirtyBitmap *coarse = new_bitmap(bs, "coarse", 65536);

    bdrv_dirty_bitmap_set(fine, 65536 + 512, 512);
    bdrv_dirty_bitmap_set(coarse, 0, 1);
    g_assert_true(bdrv_dirty_bitmap_merge(coarse, fine, NULL));
    g_assert_cmpint(bdrv_dirty_bitmap_count(coarse), ==, 2 * 65536);
    g_assert_true(bdrv_dirty_bitmap_merge(fine, coarse, NULL));
    g_assert_cmpint(bdrv_dirty_bitmap_count(fine), ==, 2 * 65536);
    g_assert_false(bdrv_dirty_bitmap_merge(fine, new_bitmap(other, "x", 512),
                                           &err));
    assert_error(err, "different sizes (destination size is 1048576)");
    bdrv_unref(bs);
    bdrv_unref(other);
}

static void test_backup(void)
{
    BlockDriverState *bs = test_null_node("n");
    BdrvDirtyBitmap *b = new_bitmap(bs, "b", 512);
    BdrvBitmapBackup *backup;

    bdrv_dirty_bitmap_set(b, 70000, 3000);
    backup = bdrv_dirty_bitmap_backup(b);
    bdrv_dirty_bitmap_clear(b);
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, 0);
    bdrv_dirty_bitmap_set(b, 0, 1);
    bdrv_dirty_bitmap_restore(b, backup);
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, 7 * 512);
    g_assert_false(bdrv_dirty_bitmap_get(b, 0));
    bdrv_unref(bs);
}

/* 20 bits: three bytes, and nothing of what comes after. */
static void test_data(void)
{
    BlockDriverState *bs = test_open_ok(
        "{\"driver\":\"null-co\",\"node-name\":\"n\",\"size\":10000}");
    BdrvDirtyBitmap *b = new_bitmap(bs, "b", 512);
    uint8_t data[4] = { 0x01, 0x80, 0xff, 0xff };

    g_assert_cmpuint(bdrv_dirty_bitmap_data_bytes(b), ==, 3);
    bdrv_dirty_bitmap_put_data(b, 0, data, 4);
    g_assert_cmpint(bdrv_dirty_bitmap_count(b), ==, 6 * 512);
    g_assert_true(bdrv_dirty_bitmap_get(b, 0));
    g_assert_true(bdrv_dirty_bitmap_get(b, 15 * 512));
    memset(data, 0xaa, sizeof(data));
    bdrv_dirty_bitmap_get_data(b, 1, data, 4);
    g_assert_cmphex(data[0], ==, 0x80);
    g_assert_cmphex(data[1], ==, 0x0f);
    g_assert_cmphex(data[2], ==, 0);
    bdrv_unref(bs);
}

/* ---- Names and flags ---- */

static void test_refused(void)
{
    BlockDriverState *bs = test_null_node("n");
    g_autofree char *name = g_strnfill(BDRV_BITMAP_MAX_NAME + 1, 'x');
    const struct {
        const char *name;
        uint32_t granularity;
        const char *error;
    } cases[] = {
        { "", 512, "cannot be empty" },
        { name, 512, "too long" },
        { "taken", 512, "already exists: taken" },
        { "b", 256, "power of 2 and at least 512" },
        { "b", 1000, "power of 2 and at least 512" },
    };

    new_bitmap(bs, "taken", 512);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        g_assert_null(bdrv_dirty_bitmap_new(bs, cases[i].name,
                                            cases[i].granularity, BYTES,
                                            &err));
        assert_error(err, cases[i].error);
    }
    bdrv_unref(bs);
}

static void test_check(void)
{
    BlockDriverState *bs = test_null_node("n");
    BdrvDirtyBitmap *b = new_bitmap(bs, "b", 512);
    g_autoptr(Error) busy = NULL, readonly = NULL, inconsistent = NULL;

    g_assert_true(bdrv_dirty_bitmap_check(b, BDRV_BITMAP_DEFAULT, NULL));
    bdrv_dirty_bitmap_set_busy(b, true);
    g_assert_false(bdrv_dirty_bitmap_check(b, BDRV_BITMAP_DEFAULT, &busy));
    assert_error(busy, "in use by another operation");
    bdrv_dirty_bitmap_set_busy(b, false);
    bdrv_dirty_bitmap_set_readonly(b, true);
    g_assert_false(bdrv_dirty_bitmap_check(b, BDRV_BITMAP_DEFAULT, &readonly));
    assert_error(readonly, "readonly");
    bdrv_dirty_bitmap_set_inconsistent(b);
    g_assert_false(bdrv_dirty_bitmap_check(b, BDRV_BITMAP_INCONSISTENT,
                                           &inconsistent));
    assert_error(inconsistent, "inconsistent");
    g_assert_false(bdrv_dirty_bitmap_enabled(b));
    bdrv_unref(bs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/dirty-bitmap/random", test_random);
    g_test_add_func("/dirty-bitmap/next", test_next);
    g_test_add_func("/dirty-bitmap/requests", test_requests);
    g_test_add_func("/dirty-bitmap/discard_and_resize",
                    test_discard_and_resize);
    g_test_add_func("/dirty-bitmap/merge", test_merge);
    g_test_add_func("/dirty-bitmap/backup", test_backup);
    g_test_add_func("/dirty-bitmap/data", test_data);
    g_test_add_func("/dirty-bitmap/refused", test_refused);
    g_test_add_func("/dirty-bitmap/check", test_check);
    return g_test_run();
}
