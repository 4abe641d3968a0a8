/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dirty bitmaps that are kept in the image. */
#include "qcow2-test.h"
#include "block/dirty-bitmap.h"

#define IMAGE_BYTES (64 * MiB)
#define GRANULE     (64 * KiB)

static BdrvDirtyBitmap *add(QTest *t, const char *name, uint32_t granularity)
{
    BdrvDirtyBitmap *m = bdrv_dirty_bitmap_new(t->bs, name, granularity,
                                               bdrv_get_length(t->bs), NULL);

    g_assert_nonnull(m);
    g_assert_true(t->bs->drv->can_store_bitmap(t->bs, name, granularity,
                                               NULL));
    bdrv_dirty_bitmap_set_persistent(m, true);
    return m;
}

static void assert_clean(const char *path, QTest *t)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    g_autofree char *cmd = NULL, *out = NULL;
    BdrvCheckResult r;
    int status;

    g_assert_cmpint(bdrv_check(t->bs, &r, 0), ==, 0);
    g_assert_cmpint(r.corruptions + r.leaks, ==, 0);
    if (program) {
        cmd = g_strdup_printf("%s check -U -f qcow2 %s", program, path);
        g_assert_true(g_spawn_command_line_sync(cmd, &out, NULL, &status,
                                                NULL));
        if (status) {
            g_error("%s", out);
        }
    }
}

static void reopen(QTest *t, const char *path)
{
    qtest_close(t);
    qtest_open(t, path, "");
}

static char *image(BlockdevCreateOptionsQcow2 *o, QTest *t)
{
    char *path;

    o->size = IMAGE_BYTES;
    path = qtest_create(o);
    qtest_open(t, path, "");
    return path;
}

static void test_kept(void)
{
    static const unsigned clusters[] = { 512, 4096, 65536 };
    uint8_t buf[512] = { 1 };

    for (size_t i = 0; i < G_N_ELEMENTS(clusters); i++) {
        BlockdevCreateOptionsQcow2 o = {
            .has_cluster_size = true, .cluster_size = clusters[i],
        };
        g_autofree char *path = NULL;
        BdrvDirtyBitmap *m;
        QTest t;

        path = image(&o, &t);
        add(&t, "a", GRANULE);
        m = add(&t, "fine", 512);
        bdrv_dirty_bitmap_set_enabled(m, false);
        bdrv_dirty_bitmap_set(m, 0, IMAGE_BYTES / 2);
        for (int64_t at = 0; at < 10; at++) {
            g_assert_cmpint(qtest_write(&t, at * 3 * GRANULE, 512, buf), ==, 0);
        }
        for (int round = 0; round < 3; round++) {
            reopen(&t, path);
            assert_clean(path, &t);
            m = bdrv_dirty_bitmap_find(t.bs, "a");
            g_assert_nonnull(m);
            g_assert_true(bdrv_dirty_bitmap_persistent(m));
            g_assert_true(bdrv_dirty_bitmap_enabled(m));
            g_assert_cmpint(bdrv_dirty_bitmap_count(m), ==,
                            (10 + round) * GRANULE);
            g_assert_true(bdrv_dirty_bitmap_get(m, 3 * GRANULE));
            g_assert_false(bdrv_dirty_bitmap_get(m, 4 * GRANULE));
            m = bdrv_dirty_bitmap_find(t.bs, "fine");
            g_assert_false(bdrv_dirty_bitmap_enabled(m));
            g_assert_cmpint(bdrv_dirty_bitmap_count(m), ==, IMAGE_BYTES / 2);
            g_assert_cmpint(qtest_write(&t, (40 + round) * GRANULE, 512, buf),
                            ==, 0);
        }
        g_assert_true(t.bs->drv->remove_stored_bitmap(t.bs, "a", NULL));
        bdrv_dirty_bitmap_free(bdrv_dirty_bitmap_find(t.bs, "a"));
        assert_clean(path, &t);
        reopen(&t, path);
        g_assert_null(bdrv_dirty_bitmap_find(t.bs, "a"));
        g_assert_nonnull(bdrv_dirty_bitmap_find(t.bs, "fine"));
        g_assert_true(t.bs->drv->remove_stored_bitmap(t.bs, "fine", NULL));
        bdrv_dirty_bitmap_free(bdrv_dirty_bitmap_find(t.bs, "fine"));
        assert_clean(path, &t);
        qtest_close(&t);
        g_unlink(path);
    }
}

/* What is in the file while it is open for writing is good for nothing. */
static void test_not_closed(void)
{
    BlockdevCreateOptionsQcow2 o = { 0 };
    g_autofree char *path = NULL, *copy = NULL, *data = NULL;
    BdrvDirtyBitmap *m;
    gsize bytes;
    QTest t, cut;

    path = image(&o, &t);
    add(&t, "a", GRANULE);
    reopen(&t, path);
    g_assert_cmpint(qtest_request(t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
    g_assert_true(g_file_get_contents(path, &data, &bytes, NULL));
    copy = test_file(data, bytes);
    qtest_open(&cut, copy, "");
    m = bdrv_dirty_bitmap_find(cut.bs, "a");
    g_assert_nonnull(m);
    g_assert_true(bdrv_dirty_bitmap_inconsistent(m));
    g_assert_cmpint(qtest_request(cut.bs, QTEST_TRUNCATE, 0, 2 * IMAGE_BYTES,
                                  NULL), ==, -ENOTSUP);
    reopen(&cut, copy);
    m = bdrv_dirty_bitmap_find(cut.bs, "a");
    g_assert_true(bdrv_dirty_bitmap_inconsistent(m));
    assert_clean(copy, &cut);
    qtest_close(&cut);
    qtest_close(&t);
    qtest_open(&t, path, ",\"read-only\":true");
    m = bdrv_dirty_bitmap_find(t.bs, "a");
    g_assert_false(bdrv_dirty_bitmap_inconsistent(m));
    g_assert_true(bdrv_dirty_bitmap_readonly(m));
    qtest_close(&t);
    g_unlink(path);
    g_unlink(copy);
}

/* A program that does not know bitmaps clears the bit in the header. */
static void test_autoclear(void)
{
    BlockdevCreateOptionsQcow2 o = { 0 };
    g_autofree char *path = NULL, *data = NULL;
    gsize bytes;
    QTest t;

    path = image(&o, &t);
    add(&t, "a", GRANULE);
    qtest_close(&t);
    g_assert_true(g_file_get_contents(path, &data, &bytes, NULL));
    g_assert_cmpint(data[95], ==, QCOW2_AUTOCLEAR_BITMAPS);
    data[95] = 0;
    g_assert_true(g_file_set_contents(path, data, bytes, NULL));
    qtest_open(&t, path, "");
    g_assert_null(bdrv_dirty_bitmap_find(t.bs, "a"));
    qtest_close(&t);
    g_unlink(path);
}

static void test_resize(void)
{
    BlockdevCreateOptionsQcow2 o = { 0 };
    g_autofree char *path = NULL;
    BdrvDirtyBitmap *m;
    uint8_t buf[512];
    QTest t;

    path = image(&o, &t);
    add(&t, "a", 512);
    g_assert_cmpint(qtest_request(t.bs, QTEST_TRUNCATE, 0, 3 * IMAGE_BYTES,
                                  NULL), ==, 0);
    g_assert_cmpint(qtest_write(&t, 3 * IMAGE_BYTES - 512, 512, buf), ==, 0);
    reopen(&t, path);
    m = bdrv_dirty_bitmap_find(t.bs, "a");
    g_assert_true(bdrv_dirty_bitmap_get(m, 3 * IMAGE_BYTES - 512));
    assert_clean(path, &t);
    qtest_close(&t);
    g_unlink(path);
}

static void test_refused(void)
{
    BlockdevCreateOptionsQcow2 o = {
        .has_version = true, .version = BLOCKDEV_QCOW2_VERSION_V2,
    };
    g_autoptr(Error) err = NULL;
    g_autofree char *path = NULL;
    QTest t;

    path = image(&o, &t);
    g_assert_false(t.bs->drv->can_store_bitmap(t.bs, "a", 512, &err));
    assert_error(err, "Cannot store dirty bitmaps in qcow2 v2 files");
    qtest_close(&t);
    g_unlink(path);
}

/* ---- Damage ---- */

static const struct {
    const char *name, *error;
    int offset;                     /* of the directory's entry */
    unsigned bytes;
    uint64_t value;
} damages[] = {
    { "type", "is of an unknown type", 16, 1, 2 },
    { "flags", "has unknown flags", 12, 4, 8 },
    { "granularity", "granularity", 17, 1, 40 },
    { "table_offset", "has no valid table", 0, 8, 3 },
    { "table_size", "has no valid table", 8, 4, UINT32_MAX },
    { "table_short", "Could not read bitmap", 8, 4, 0 },
    { "name", "not whole", 18, 2, 5000 },
    { "no_name", "not whole", 18, 2, 0 },
    { "extra", "not whole", 20, 4, UINT32_MAX },
};

static void put(uint8_t *at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = value >> (8 * (bytes - 1 - i));
    }
}

static void test_damage(void)
{
    BlockdevCreateOptionsQcow2 o = { 0 };
    g_autofree char *path = NULL, *data = NULL;
    uint64_t dir;
    gsize bytes;
    QTest t;

    path = image(&o, &t);
    bdrv_dirty_bitmap_set(add(&t, "a", GRANULE), 0, 1);
    qtest_close(&t);
    qtest_open(&t, path, ",\"read-only\":true");
    dir = ((Qcow2State *)t.bs->opaque)->bitmap_dir_offset;
    qtest_close(&t);
    g_assert_true(g_file_get_contents(path, &data, &bytes, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_autofree uint8_t *bad = g_memdup2(data, bytes);
        g_autofree char *bad_path = NULL;
        g_autoptr(Error) err = NULL;

        put(bad + dir + damages[i].offset, damages[i].bytes, damages[i].value);
        bad_path = test_file(bad, bytes);
        g_assert_false(qtest_try_open(&t, bad_path, "", &err));
        assert_error_of(damages[i].name, err, damages[i].error);
        g_unlink(bad_path);
    }
    g_unlink(path);
}

/* ---- Those of qemu-img ---- */

static bool run(const char *fmt, const char *path)
{
    g_autofree char *cmd = g_strdup_printf(fmt, path);
    g_autofree char *out = NULL;
    int status;

    return g_spawn_command_line_sync(cmd, &out, NULL, &status, NULL) && !status;
}

static void test_peer(void)
{
    BlockdevCreateOptionsQcow2 o = { 0 };
    g_autofree char *img = g_find_program_in_path("qemu-img");
    g_autofree char *io = g_find_program_in_path("qemu-io");
    g_autofree char *path = NULL;
    uint8_t buf[512];
    BdrvDirtyBitmap *m;
    QTest t;

    if (!img || !io) {
        g_test_skip("qemu-img or qemu-io is not there");
        return;
    }
    path = image(&o, &t);
    qtest_close(&t);
    g_assert_true(run("qemu-img bitmap --add -g 64k %s theirs", path));
    g_assert_true(run("qemu-io -c 'write 1M 512' -c 'write 9M 128k' %s", path));
    qtest_open(&t, path, "");
    m = bdrv_dirty_bitmap_find(t.bs, "theirs");
    g_assert_nonnull(m);
    g_assert_cmpint(bdrv_dirty_bitmap_count(m), ==, 3 * GRANULE);
    g_assert_true(bdrv_dirty_bitmap_get(m, 1 * MiB));
    g_assert_cmpint(qtest_write(&t, 20 * MiB, 512, buf), ==, 0);
    add(&t, "ours", 4096);
    g_assert_cmpint(qtest_write(&t, 30 * MiB, 512, buf), ==, 0);
    qtest_close(&t);
    g_assert_true(run("qemu-img bitmap --add -g 64k %s sum", path));
    g_assert_true(run("qemu-img bitmap --merge ours %s sum", path));
    g_assert_true(run("qemu-img bitmap --merge theirs %s sum", path));
    qtest_open(&t, path, "");
    m = bdrv_dirty_bitmap_find(t.bs, "sum");
    g_assert_cmpint(bdrv_dirty_bitmap_count(m), ==, 5 * GRANULE);
    g_assert_true(bdrv_dirty_bitmap_get(m, 30 * MiB));
    g_assert_true(bdrv_dirty_bitmap_get(m, 20 * MiB));
    g_assert_true(bdrv_dirty_bitmap_get(m, 9 * MiB));
    assert_clean(path, &t);
    qtest_close(&t);
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/qcow2/bitmap/kept", test_kept);
    g_test_add_func("/qcow2/bitmap/not_closed", test_not_closed);
    g_test_add_func("/qcow2/bitmap/autoclear", test_autoclear);
    g_test_add_func("/qcow2/bitmap/resize", test_resize);
    g_test_add_func("/qcow2/bitmap/refused", test_refused);
    g_test_add_func("/qcow2/bitmap/damage", test_damage);
    g_test_add_func("/qcow2/bitmap/peer", test_peer);
    return g_test_run();
}
