/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2 images as a whole: facts, sizes, names. */
#include "qcow2-test.h"

/* ---- Sizes of new images ---- */

/* Seen from qemu-img measure --size. */
static const struct {
    const char *options;
    int64_t required, full;
} sizes[] = {
    { "{\"size\":10485760,\"cluster-size\":512}", 209920, 10695680 },
    { "{\"size\":1073741824}", 393216, 1074135040 },
    { "{\"size\":1073741824,\"preallocation\":\"full\"}", 1074135040,
      1074135040 },
    { "{\"size\":5497558138880,\"refcount-bits\":1,\"extended-l2\":true}",
      1353056256, 5498911195136 },
    { "{\"size\":0}", 196608, 196608 },
};

static BlockMeasureInfo *measure(const char *options, BlockDriverState *in,
                                 Error **errp)
{
    struct json_object *json = NULL;
    BlockMeasureInfo *info;

    g_assert_true(json_parse(options, strlen(options), &json, NULL));
    info = bdrv_measure("qcow2", json, in, errp);
    json_object_put(json);
    return info;
}

static void test_measure_size(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(BlockMeasureInfo) info = measure(sizes[i].options, NULL,
                                                   NULL);

        g_assert_nonnull(info);
        g_assert_cmpint(info->required, ==, sizes[i].required);
        g_assert_cmpint(info->fully_allocated, ==, sizes[i].full);
    }
}

static void test_measure_too_large(void)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(measure("{\"size\":1099511627776,\"cluster-size\":512}",
                          NULL, &err));
    assert_error(err, "The image size is too large");
}

/* Two clusters of data: one written, one that a byte is written to. */
static void test_measure_image(void)
{
    BlockdevCreateOptionsQcow2 o = { .size = 1 * MiB };
    g_autofree char *path = qtest_create(&o);
    g_autoptr(BlockMeasureInfo) info = NULL;
    uint8_t buf[65536];
    QTest t;

    memset(buf, 5, sizeof(buf));
    qtest_open(&t, path, "");
    g_assert_cmpint(qtest_write(&t, 0, sizeof(buf), buf), ==, 0);
    g_assert_cmpint(qtest_write(&t, 200000, 1, buf), ==, 0);
    info = measure("{}", t.bs, NULL);
    g_assert_nonnull(info);
    g_assert_cmpint(info->required, ==, 5 * 65536 + 2 * 65536);
    g_assert_cmpint(info->fully_allocated, ==, 5 * 65536 + 1 * MiB);
    qtest_close(&t);
    g_unlink(path);
}

/* ---- Facts ---- */

static void test_info(void)
{
    BlockdevCreateOptionsQcow2 o = {
        .size = 1 * MiB, .has_lazy_refcounts = true, .lazy_refcounts = true,
        .has_refcount_bits = true, .refcount_bits = 8,
    };
    g_autofree char *path = qtest_create(&o);
    g_autoptr(ImageInfo) info = NULL;
    ImageInfoSpecificQCow2 *q;
    QTest t;

    qtest_open(&t, path, "");
    g_assert_cmpint(bdrv_change_backing(t.bs, "other.img", "raw"), ==, 0);
    qtest_close(&t);
    qtest_open(&t, path, ",\"backing\":null");
    info = bdrv_image_info(t.bs, NULL);
    g_assert_nonnull(info);
    g_assert_cmpstr(info->filename, ==, path);
    g_assert_cmpint(info->virtual_size, ==, 1 * MiB);
    g_assert_cmpint(info->cluster_size, ==, 65536);
    g_assert_cmpstr(info->backing_filename, ==, "other.img");
    g_assert_cmpstr(info->backing_filename_format, ==, "raw");
    g_assert_true(info->has_dirty_flag && !info->dirty_flag);
    q = info->format_specific->u.qcow2.data;
    g_assert_cmpstr(q->compat, ==, "1.1");
    g_assert_cmpint(q->refcount_bits, ==, 8);
    g_assert_true(q->lazy_refcounts);
    g_assert_false(q->extended_l2);
    g_assert_false(q->corrupt);
    qtest_close(&t);
    g_unlink(path);
}

static void test_change_backing(void)
{
    BlockdevCreateOptionsQcow2 o = {
        .size = 1 * MiB, .has_cluster_size = true, .cluster_size = 512,
    };
    g_autofree char *path = qtest_create(&o);
    char name[1100];
    QTest t;

    memset(name, 'x', sizeof(name));
    name[1099] = 0;
    qtest_open(&t, path, "");
    g_assert_cmpint(bdrv_change_backing(t.bs, name, "raw"), ==, -EINVAL);
    name[600] = 0;
    g_assert_cmpint(bdrv_change_backing(t.bs, name, "raw"), ==, -ENOSPC);
    g_assert_null(t.bs->backing_file);
    g_assert_cmpint(bdrv_change_backing(t.bs, "a", NULL), ==, 0);
    g_assert_cmpint(bdrv_change_backing(t.bs, NULL, NULL), ==, 0);
    g_assert_null(t.bs->backing_file);
    qtest_close(&t);
    g_unlink(path);
}

/* A longer backing file does not show when an overlay grows. */
static void test_grow_over_backing(void)
{
    g_autofree uint8_t *data = g_malloc(2 * MiB);
    g_autofree char *base = NULL;

    memset(data, 0x55, 2 * MiB);
    base = test_file(data, 2 * MiB);
    for (int version = 2; version <= 3; version++) {
        BlockdevCreateOptionsQcow2 o = {
            .size = 1 * MiB - 512, .backing_file = base,
            .has_backing_fmt = true, .backing_fmt = BLOCKDEV_DRIVER_RAW,
            .has_version = true, .version = version - 2,
        };
        g_autofree char *path = qtest_create(&o);
        QTest t;

        qtest_open(&t, path, "");
        g_assert_cmpint(qtest_request(t.bs, QTEST_TRUNCATE, 0, 3 * MiB, NULL),
                        ==, 0);
        g_assert_cmpint(qtest_request(t.bs, QTEST_READ, 1 * MiB - 1024,
                                      1 * MiB + 1024, data), ==, 0);
        for (int64_t i = 0; i < 1 * MiB + 1024; i++) {
            g_assert_cmpint(data[i], ==, i < 512 ? 0x55 : 0);
        }
        qtest_close(&t);
        g_unlink(path);
    }
    g_unlink(base);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/qcow2/measure/size", test_measure_size);
    g_test_add_func("/qcow2/measure/too_large", test_measure_too_large);
    g_test_add_func("/qcow2/measure/image", test_measure_image);
    g_test_add_func("/qcow2/info", test_info);
    g_test_add_func("/qcow2/change_backing", test_change_backing);
    g_test_add_func("/qcow2/grow_over_backing", test_grow_over_backing);
    return g_test_run();
}
