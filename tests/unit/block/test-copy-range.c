/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies by the host: between all kinds of nodes, against a model; what is
 * refused, and that the rest of the block layer takes notice.
 */
#include "qcow2-test.h"
#include "block/dirty-bitmap.h"
#include "block/image.h"

#define IMAGE_BYTES (1 * MiB)

typedef struct Copy {
    BlockDriverState *src, *dst;
    int64_t from, to, bytes;
} Copy;

static int coroutine_fn copy_co(void *opaque)
{
    Copy *c = opaque;

    return bdrv_co_copy_range(c->src, c->from, c->dst, c->to, c->bytes, 0);
}

static int copy(BlockDriverState *src, int64_t from, BlockDriverState *dst,
                int64_t to, int64_t bytes)
{
    Copy c = { src, dst, from, to, bytes };

    return bdrv_run(dst->ctx, copy_co, &c);
}

/* ---- Images that can be read and written ---- */

typedef struct Image {
    BlockDriverState *bs;
    BlockBackend *blk;
    char *path;
    uint8_t *model;
} Image;

static void image_open(Image *im, const char *json)
{
    im->bs = test_open_ok(json);
    im->blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE,
                      BLK_PERM_ALL);
    g_assert_true(blk_insert_bs(im->blk, im->bs, NULL));
    im->model = g_malloc0(IMAGE_BYTES);
}

static void image_close(Image *im)
{
    blk_unref(im->blk);
    bdrv_unref(im->bs);
    g_unlink(im->path);
    g_free(im->path);
    g_free(im->model);
    *im = (Image) { 0 };
}

static void new_raw(Image *im, const char *extra)
{
    g_autofree uint8_t *zeros = g_malloc0(IMAGE_BYTES + 4096);
    g_autofree char *json = NULL;

    im->path = test_file(zeros, IMAGE_BYTES + 4096);
    json = g_strdup_printf("{\"driver\":\"raw\",\"offset\":4096,\"file\":"
                           "{\"driver\":\"file\",\"filename\":\"%s\"}%s}",
                           im->path, extra);
    image_open(im, json);
}

static void new_qcow2(Image *im, const char *extra)
{
    BlockdevCreateOptionsQcow2 o = {
        .size = IMAGE_BYTES, .has_cluster_size = true, .cluster_size = 16384,
    };
    g_autofree char *json = NULL;

    im->path = qtest_create(&o);
    json = g_strdup_printf("{\"driver\":\"qcow2\",\"file\":{\"driver\":"
                           "\"file\",\"filename\":\"%s\"}%s}", im->path,
                           extra);
    image_open(im, json);
}

static void check_content(Image *im)
{
    g_autofree uint8_t *buf = g_malloc(IMAGE_BYTES);

    g_assert_cmpint(qtest_request(im->bs, QTEST_READ, 0, IMAGE_BYTES, buf), ==,
                    0);
    g_assert_cmpint(memcmp(buf, im->model, IMAGE_BYTES), ==, 0);
}

static void random_range(int64_t *offset, int64_t *bytes)
{
    *offset = g_test_rand_int_range(0, IMAGE_BYTES);
    *bytes = g_test_rand_int_range(1, 100 * KiB);
    *bytes = MIN(*bytes, IMAGE_BYTES - *offset);
}

static void change(Image *im)
{
    int64_t offset, bytes;

    random_range(&offset, &bytes);
    memset(im->model + offset, g_test_rand_int_range(1, 256), bytes);
    g_assert_cmpint(qtest_request(im->bs, QTEST_WRITE, offset, bytes,
                                  im->model + offset), ==, 0);
    random_range(&offset, &bytes);
    memset(im->model + offset, 0, bytes);
    g_assert_cmpint(qtest_request(im->bs, QTEST_ZERO, offset, bytes, NULL), ==,
                    0);
}

/* ---- Tests ---- */

static void new_image(Image *im, char kind)
{
    if (kind == 'r') {
        new_raw(im, "");
    } else {
        new_qcow2(im, "");
    }
}

/* @data: the first letters of the formats. */
static void test_model(const void *data)
{
    const char *kinds = data;
    Image src, dst;

    new_image(&src, kinds[0]);
    new_image(&dst, kinds[1]);
    for (int i = 0; i < 100; i++) {
        int64_t from, to, bytes;

        change(&src);
        change(&dst);
        random_range(&from, &bytes);
        to = g_test_rand_int_range(0, IMAGE_BYTES - bytes + 1);
        g_assert_cmpint(copy(src.bs, from, dst.bs, to, bytes), ==, 0);
        memcpy(dst.model + to, src.model + from, bytes);
    }
    check_content(&src);
    check_content(&dst);
    if (kinds[1] == 'q') {
        BdrvCheckResult found;

        g_assert_cmpint(bdrv_check(dst.bs, &found, 0), ==, 0);
        g_assert_cmpint(found.corruptions + found.leaks, ==, 0);
    }
    image_close(&src);
    image_close(&dst);
}

/* A backing file that is shorter, and data only there. */
static void test_backing(void)
{
    g_autofree uint8_t *data = g_malloc(IMAGE_BYTES / 2 + 1000);
    g_autofree char *below = NULL, *extra = NULL;
    Image src, dst;

    memset(data, 0x3c, IMAGE_BYTES / 2 + 1000);
    below = test_file(data, IMAGE_BYTES / 2 + 1000);
    extra = g_strdup_printf(",\"backing\":{\"driver\":\"file\",\"filename\":"
                            "\"%s\"}", below);
    new_qcow2(&src, extra);
    new_qcow2(&dst, "");
    memset(dst.model, 0x77, IMAGE_BYTES);
    g_assert_cmpint(qtest_request(dst.bs, QTEST_WRITE, 0, IMAGE_BYTES,
                                  dst.model), ==, 0);
    memset(dst.model, 0, IMAGE_BYTES);
    memcpy(dst.model, data, IMAGE_BYTES / 2 + 1000);
    g_assert_cmpint(copy(src.bs, 0, dst.bs, 0, IMAGE_BYTES), ==, 0);
    check_content(&dst);
    image_close(&src);
    image_close(&dst);
    g_unlink(below);
}

static void test_noticed(void)
{
    Image src, dst;
    BdrvDirtyBitmap *b;
    uint64_t gen;

    new_raw(&src, "");
    new_qcow2(&dst, "");
    b = bdrv_dirty_bitmap_new(dst.bs, "b", 65536, IMAGE_BYTES, NULL);
    g_assert_nonnull(b);
    gen = dst.bs->write_gen;
    g_assert_cmpint(copy(src.bs, 0, dst.bs, 128 * KiB, 64 * KiB), ==, 0);
    g_assert_cmpuint(bdrv_dirty_bitmap_count(b), ==, 64 * KiB);
    g_assert_cmpuint(dst.bs->wr_highest_offset, ==, 192 * KiB);
    g_assert_cmpuint(dst.bs->write_gen, >, gen);
    bdrv_dirty_bitmap_free(b);
    image_close(&src);
    image_close(&dst);
}

static void test_refused(void)
{
    Image src, dst;
    BlockDriverState *null = test_null_node("null");
    g_autofree uint8_t *buf = g_malloc0(16384);

    new_qcow2(&src, "");
    new_raw(&dst, ",\"detect-zeroes\":\"on\"");
    g_assert_cmpint(copy(src.bs, 0, dst.bs, 0, 4096), ==, 0);   /* zeros */
    buf[1] = 1;
    g_assert_cmpint(qtest_request(src.bs, QTEST_WRITE, 0, 16384, buf), ==, 0);
    g_assert_cmpint(copy(src.bs, 0, dst.bs, 0, 4096), ==, -EXDEV);
    g_assert_cmpint(copy(src.bs, 0, null, 0, 4096), ==, -EXDEV);
    g_assert_cmpint(copy(null, 0, src.bs, 0, 4096), ==, -EXDEV);
    g_assert_cmpint(copy(src.bs, IMAGE_BYTES - 512, src.bs, 0, 4096), ==,
                    -ENOTSUP);
    g_assert_cmpint(copy(src.bs, 0, src.bs, IMAGE_BYTES - 512, 4096), ==, -EIO);
    g_assert_cmpint(copy(src.bs, -512, src.bs, 0, 4096), ==, -ENOTSUP);
    /* Onto itself. */
    g_assert_cmpint(copy(src.bs, 0, src.bs, 512, 4096), ==, -ENOTSUP);
    g_assert_cmpint(qtest_request(src.bs, QTEST_COMPRESS, 0, 16384, buf), ==,
                    0);
    g_assert_cmpint(copy(src.bs, 0, src.bs, 64 * KiB, 4096), ==, -ENOTSUP);
    memcpy(src.model, buf, 16384);
    check_content(&src);
    check_content(&dst);
    image_close(&src);
    image_close(&dst);
    bdrv_unref(null);
}

/* What was given out for a copy that failed is free again. */
static void test_failing_copy(void)
{
    Image src, dst;
    BdrvCheckResult found;

    new_raw(&src, "");
    new_qcow2(&dst, "");
    /* Shorter than it was when it was opened. */
    g_assert_cmpint(truncate(src.path, 8192), ==, 0);
    g_assert_cmpint(copy(src.bs, 0, dst.bs, 0, IMAGE_BYTES), ==, -ENOTSUP);
    check_content(&dst);
    g_assert_cmpint(bdrv_check(dst.bs, &found, 0), ==, 0);
    g_assert_cmpint(found.corruptions + found.leaks, ==, 0);
    image_close(&src);
    image_close(&dst);
}

static void test_read_only(void)
{
    Image src, dst;

    new_raw(&src, "");
    new_raw(&dst, "");
    dst.bs->read_only = true;
    g_assert_cmpint(copy(src.bs, 0, dst.bs, 0, 4096), ==, -EPERM);
    dst.bs->read_only = false;
    image_close(&src);
    image_close(&dst);
}

/* ---- Drained BlockBackends ---- */

typedef struct BlkCopy {
    Image src, dst;
    int ret;
    bool done;
} BlkCopy;

static void coroutine_fn blk_copy_co(void *opaque)
{
    BlkCopy *c = opaque;

    c->ret = blk_co_copy_range(c->src.blk, 0, c->dst.blk, 0, 4096, 0);
    c->done = true;
}

static void test_drained(void)
{
    BlkCopy c = { 0 };

    new_raw(&c.src, "");
    new_raw(&c.dst, "");
    for (int which = 0; which < 3; which++) {
        bool src = which != 1, dst = which != 0;

        c.done = false;
        if (src) {
            bdrv_drained_begin(c.src.bs);
        }
        if (dst) {
            bdrv_drained_begin(c.dst.bs);
        }
        aio_co_enter(main_context(), coroutine_create(blk_copy_co, &c));
        test_loop_settle();
        g_assert_false(c.done);
        /* It does not keep the other from being drained. */
        bdrv_drain_all_begin();
        bdrv_drain_all_end();
        g_assert_false(c.done);
        if (dst) {
            bdrv_drained_end(c.dst.bs);
        }
        if (src) {
            bdrv_drained_end(c.src.bs);
        }
        RUN_UNTIL(c.done);
        g_assert_cmpint(c.ret, ==, 0);
    }
    image_close(&c.src);
    image_close(&c.dst);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_data_func("/copy_range/raw_to_raw", "rr", test_model);
    g_test_add_data_func("/copy_range/raw_to_qcow2", "rq", test_model);
    g_test_add_data_func("/copy_range/qcow2_to_raw", "qr", test_model);
    g_test_add_data_func("/copy_range/qcow2_to_qcow2", "qq", test_model);
    g_test_add_func("/copy_range/backing", test_backing);
    g_test_add_func("/copy_range/noticed", test_noticed);
    g_test_add_func("/copy_range/refused", test_refused);
    g_test_add_func("/copy_range/failing_copy", test_failing_copy);
    g_test_add_func("/copy_range/read_only", test_read_only);
    g_test_add_func("/copy_range/drained", test_drained);
    return g_test_run();
}
