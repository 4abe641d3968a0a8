/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of how an image is made; what the guest sees must stay. */
#include "qcow2-test.h"

#define IMAGE_BYTES (2 * MiB)

static uint8_t model[IMAGE_BYTES];

static void assert_good(QTest *t, const char *path)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    g_autofree uint8_t *buf = g_malloc(IMAGE_BYTES);
    g_autofree char *cmd = NULL, *out = NULL;
    BdrvCheckResult r;
    int status;

    g_assert_cmpint(bdrv_check(t->bs, &r, 0), ==, 0);
    g_assert_cmpint(r.corruptions + r.leaks, ==, 0);
    g_assert_cmpint(qtest_request(t->bs, QTEST_READ, 0, IMAGE_BYTES, buf), ==,
                    0);
    g_assert_cmpmem(buf, IMAGE_BYTES, model, IMAGE_BYTES);
    if (program) {
        cmd = g_strdup_printf("%s check -U -f qcow2 %s", program, path);
        g_assert_true(g_spawn_command_line_sync(cmd, &out, NULL, &status,
                                                NULL));
        if (status) {
            g_error("%s", out);
        }
    }
}

/* Data, compressed data, zeros on the backing file and on nothing. */
static void fill(QTest *t)
{
    uint32_t cluster = bdrv_get_cluster_size(t->bs);

    for (int64_t i = 0; i < IMAGE_BYTES / 4; i++) {
        model[i] = i * 3 + (i >> 8);
    }
    g_assert_cmpint(qtest_write(t, 0, IMAGE_BYTES / 4, model), ==, 0);
    memset(model + IMAGE_BYTES / 4, 7, cluster);
    g_assert_cmpint(qtest_request(t->bs, QTEST_COMPRESS, IMAGE_BYTES / 4,
                                  cluster, model + IMAGE_BYTES / 4), ==, 0);
    memset(model, 0, cluster * 2);
    g_assert_cmpint(qtest_request(t->bs, QTEST_ZERO, 0, cluster * 2, NULL), ==,
                    0);
    memset(model + IMAGE_BYTES / 2, 0, IMAGE_BYTES / 4);
    g_assert_cmpint(qtest_request(t->bs, QTEST_UNMAP, IMAGE_BYTES / 2,
                                  IMAGE_BYTES / 4, NULL), ==, 0);
}

static char *image(BlockdevCreateOptionsQcow2 *o, QTest *t)
{
    char *path;

    o->size = IMAGE_BYTES;
    path = qtest_create(o);
    memset(model, 0, sizeof(model));
    if (o->backing_file) {
        memset(model, 0x33, IMAGE_BYTES);
    }
    qtest_open(t, path, "");
    fill(t);
    return path;
}

static int amend(QTest *t, BdrvAmend a, Error **errp)
{
    return bdrv_amend(t->bs, &a, errp);
}

static void reopen(QTest *t, const char *path)
{
    qtest_close(t);
    qtest_open(t, path, "");
}

static ImageInfoSpecificQCow2 *facts(QTest *t, ImageInfoSpecific **info)
{
    *info = bdrv_get_specific_info(t->bs, NULL);
    return (*info)->u.qcow2.data;
}

static void test_width(void)
{
    static const unsigned widths[] = { 1, 64, 2, 32, 4, 8, 16 };
    static const unsigned clusters[] = { 512, 4096, 65536 };

    for (size_t c = 0; c < G_N_ELEMENTS(clusters); c++) {
        BlockdevCreateOptionsQcow2 o = {
            .has_cluster_size = true, .cluster_size = clusters[c],
        };
        g_autofree char *path = NULL;
        QTest t;

        path = image(&o, &t);
        for (size_t i = 0; i < G_N_ELEMENTS(widths); i++) {
            g_autoptr(ImageInfoSpecific) info = NULL;

            g_assert_cmpint(amend(&t, (BdrvAmend) { .has_refcount_bits = true,
                            .refcount_bits = widths[i] }, NULL), ==, 0);
            assert_good(&t, path);
            reopen(&t, path);
            assert_good(&t, path);
            g_assert_cmpint(facts(&t, &info)->refcount_bits, ==, widths[i]);
            memset(model + 12345, widths[i], 70000);
            g_assert_cmpint(qtest_write(&t, 12345, 70000, model + 12345), ==,
                            0);
            assert_good(&t, path);
        }
        qtest_close(&t);
        g_unlink(path);
    }
}

static void test_width_too_small(void)
{
    BlockdevCreateOptionsQcow2 o = { 0 };
    BdrvSnapshot facts_of = { .name = (char *)"a" };
    g_autoptr(Error) err = NULL;
    g_autofree char *path = NULL;
    QTest t;

    path = image(&o, &t);
    g_assert_cmpint(bdrv_snapshot_create(t.bs, &facts_of, NULL), ==, 0);
    g_assert_cmpint(amend(&t, (BdrvAmend) { .has_refcount_bits = true,
                    .refcount_bits = 1 }, &err), <, 0);
    assert_error(err, "Cannot decrease refcount entry width to 1 bits: Cluster "
                 "at offset 0x");
    assert_good(&t, path);
    g_assert_cmpint(amend(&t, (BdrvAmend) { .has_refcount_bits = true,
                    .refcount_bits = 2 }, NULL), ==, 0);
    assert_good(&t, path);
    qtest_close(&t);
    g_unlink(path);
}

static void test_compat(void)
{
    for (int backing = 0; backing < 2; backing++) {
        BlockdevCreateOptionsQcow2 o = { 0 };
        g_autofree char *path = NULL, *base = NULL;
        g_autofree uint8_t *data = g_malloc(IMAGE_BYTES);
        QTest t;

        memset(data, 0x33, IMAGE_BYTES);
        base = test_file(data, IMAGE_BYTES);
        if (backing) {
            o.backing_file = base;
            o.has_backing_fmt = true;
            o.backing_fmt = BLOCKDEV_DRIVER_RAW;
        }
        path = image(&o, &t);
        for (int i = 0; i < 4; i++) {
            g_autoptr(ImageInfoSpecific) info = NULL;
            const char *compat = i % 2 ? "1.1" : "0.10";

            g_assert_cmpint(amend(&t, (BdrvAmend) { .has_compat = true,
                            .compat = compat }, NULL), ==, 0);
            reopen(&t, path);
            assert_good(&t, path);
            g_assert_cmpstr(facts(&t, &info)->compat, ==, compat);
            if (i % 2) {
                fill(&t);
            }
        }
        qtest_close(&t);
        g_unlink(path);
        g_unlink(base);
    }
}

static void test_lazy_and_size(void)
{
    BlockdevCreateOptionsQcow2 o = { 0 };
    g_autoptr(ImageInfoSpecific) info = NULL;
    g_autofree char *path = NULL;
    QTest t;

    path = image(&o, &t);
    g_assert_cmpint(amend(&t, (BdrvAmend) { .has_lazy_refcounts = true,
                    .lazy_refcounts = true, .has_size = true,
                    .size = 2 * IMAGE_BYTES }, NULL), ==, 0);
    g_assert_cmpint(bdrv_get_length(t.bs), ==, 2 * IMAGE_BYTES);
    g_assert_cmpint(qtest_write(&t, IMAGE_BYTES, 512, model), ==, 0);
    g_assert_true(qcow2_is_dirty(t.bs));
    g_assert_cmpint(amend(&t, (BdrvAmend) { .has_lazy_refcounts = true },
                          NULL), ==, 0);
    reopen(&t, path);
    assert_good(&t, path);
    g_assert_false(facts(&t, &info)->lazy_refcounts);
    qtest_close(&t);
    g_unlink(path);
}

/* As qemu-img tells them. */
static const struct {
    const char *name, *error;
    BdrvAmend amend;
    BlockdevCreateOptionsQcow2 create;
} errors[] = {
    { "level", "Unknown compatibility level 7",
      { .has_compat = true, .compat = "7" } },
    { "lazy", "Lazy refcounts only supported with compatibility level 1.1",
      { .has_compat = true, .compat = "0.10", .has_lazy_refcounts = true,
        .lazy_refcounts = true } },
    { "width", "Refcount width must be a power of two and may not exceed 64",
      { .has_refcount_bits = true, .refcount_bits = 3 } },
    { "width_0", "Refcount width must be a power of two and may not exceed 64",
      { .has_refcount_bits = true, .refcount_bits = 0 } },
    { "width_v2", "Refcount widths other than 16 bits require compatibility",
      { .has_compat = true, .compat = "v2", .has_refcount_bits = true,
        .refcount_bits = 8 } },
    { "data_file", "data-file can only be set for images that use an external",
      { .data_file = "x" } },
    { "data_file_raw", "data-file-raw cannot be set on existing images",
      { .has_data_file_raw = true, .data_file_raw = true } },
    { "backing", "Cannot amend the backing file",
      { .has_backing_file = true, .backing_file = "y" } },
    { "downgrade_l2", "Cannot downgrade an image with incompatible features "
      "0x10 set", { .has_compat = true, .compat = "0.10" },
      { .has_extended_l2 = true, .extended_l2 = true } },
    { "downgrade_width", "compat=0.10 requires refcount_bits=16",
      { .has_compat = true, .compat = "0.10" },
      { .has_refcount_bits = true, .refcount_bits = 8 } },
};

static void test_errors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        BlockdevCreateOptionsQcow2 o = errors[i].create;
        g_autoptr(Error) err = NULL;
        g_autofree char *path = NULL;
        QTest t;

        path = image(&o, &t);
        g_assert_cmpint(amend(&t, errors[i].amend, &err), <, 0);
        assert_error_of(errors[i].name, err, errors[i].error);
        assert_good(&t, path);
        qtest_close(&t);
        g_unlink(path);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/qcow2/amend/width", test_width);
    g_test_add_func("/qcow2/amend/width_too_small", test_width_too_small);
    g_test_add_func("/qcow2/amend/compat", test_compat);
    g_test_add_func("/qcow2/amend/lazy_and_size", test_lazy_and_size);
    g_test_add_func("/qcow2/amend/errors", test_errors);
    return g_test_run();
}
