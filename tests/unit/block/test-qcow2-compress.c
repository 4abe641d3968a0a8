/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed clusters in runs: what is written at once, packed ahead or not,
 * and read at once, against a model; and what a failing write leaves.
 */
#include "qcow2-test.h"
#include "block/image.h"

#define IMAGE_BYTES (2 * MiB - 1536)

typedef struct Kind {
    const char *name;
    Qcow2CompressionType type;
    unsigned cluster_bytes;
    bool extended_l2;
} Kind;

static const Kind kinds[] = {
    { "zlib", QCOW2_COMPRESSION_TYPE_ZLIB, 64 * KiB, false },
    { "zlib_512", QCOW2_COMPRESSION_TYPE_ZLIB, 512, false },
    { "zlib_subclusters", QCOW2_COMPRESSION_TYPE_ZLIB, 16 * KiB, true },
#ifdef CONFIG_ZSTD
    { "zstd", QCOW2_COMPRESSION_TYPE_ZSTD, 64 * KiB, false },
    { "zstd_4k", QCOW2_COMPRESSION_TYPE_ZSTD, 4 * KiB, false },
#endif
};

typedef struct Packed {
    BlockDriverState *bs;
    int64_t offset, bytes;
    const uint8_t *buf;
    bool skip_zeroes;
    unsigned leave_out;             /* clusters, of the data to be packed */
} Packed;

static int coroutine_fn write_packed_co(void *opaque)
{
    Packed *r = opaque;
    int64_t less = r->leave_out * (int64_t)bdrv_get_cluster_size(r->bs);
    BdrvPacked *packed;
    IoVec iov;
    int ret;

    iovec_init_buf(&iov, (void *)r->buf, r->bytes - less);
    ret = bdrv_co_pack(r->bs, &iov, r->skip_zeroes, &packed);
    if (ret < 0) {
        g_assert_null(packed);
        return ret;
    }
    iovec_init_buf(&iov, (void *)r->buf, r->bytes);
    ret = bdrv_co_pwritev_compressed(r->bs, r->offset, &iov, packed);
    bdrv_packed_free(packed);
    return ret;
}

static int write_packed(Packed *r)
{
    return bdrv_run(r->bs->ctx, write_packed_co, r);
}

/* Zeros, what becomes short, what does not shrink. */
static void fill(uint8_t *buf, size_t bytes)
{
    int how = g_test_rand_int_range(0, 3);
    int value = how ? g_test_rand_int_range(1, 256) : 0;

    for (size_t i = 0; i < bytes; i++) {
        buf[i] = how < 2 ? value : g_test_rand_int_range(0, 256);
    }
}

/* In pieces, as a guest may ask for it. */
static int coroutine_fn read_pieces_co(void *opaque)
{
    QTestRequest *r = opaque;
    uint8_t *buf = r->buf;
    int64_t done = 0;
    IoVec iov;
    int ret;

    iovec_init(&iov, 8);
    while (done < r->bytes) {
        int64_t n = g_test_rand_int_range(1, 256 * KiB);

        n = MIN(n, r->bytes - done);
        iovec_add(&iov, buf + done, n);
        done += n;
    }
    ret = bdrv_co_preadv(r->bs, r->offset, &iov, 0);
    iovec_destroy(&iov);
    return ret;
}

static void check_read(QTest *t, const uint8_t *model, int64_t offset,
                       int64_t bytes)
{
    g_autofree uint8_t *buf = g_malloc(bytes + 1);
    QTestRequest r = { t->bs, QTEST_READ, offset, bytes, buf };

    g_assert_cmpint(bdrv_run(t->bs->ctx, read_pieces_co, &r), ==, 0);
    g_assert_cmpint(memcmp(buf, model + offset, bytes), ==, 0);
}

static void write_run(QTest *t, uint8_t *model, const Kind *kind, int step)
{
    int64_t clusters = DIV_ROUND_UP(IMAGE_BYTES, kind->cluster_bytes);
    int64_t first = g_test_rand_int_range(0, clusters);
    int64_t n = g_test_rand_int_range(1, 48);
    int64_t offset = first * kind->cluster_bytes;
    int64_t end = MIN(offset + n * kind->cluster_bytes, IMAGE_BYTES);
    Packed r = { t->bs, offset, end - offset, model + offset, false, 0 };

    for (int64_t at = offset; at < end; at += kind->cluster_bytes) {
        fill(model + at, MIN(end - at, kind->cluster_bytes));
    }
    if (step % 3 == 0) {
        g_assert_cmpint(qtest_request(t->bs, QTEST_COMPRESS, offset,
                                      end - offset, model + offset), ==, 0);
    } else if (step % 3 == 1) {
        g_assert_cmpint(write_packed(&r), ==, 0);
    } else {
        /* A part, over what is compressed. */
        g_assert_cmpint(qtest_write(t, offset, (end - offset) / 2 + 1,
                                    model + offset), ==, 0);
        memset(model + end - 1, 9, 1);
        g_assert_cmpint(qtest_write(t, offset, end - offset, model + offset),
                        ==, 0);
    }
}

static void check_clean(QTest *t)
{
    BdrvCheckResult found;

    g_assert_cmpint(bdrv_check(t->bs, &found, 0), ==, 0);
    g_assert_cmpint(found.corruptions, ==, 0);
    g_assert_cmpint(found.leaks, ==, 0);
}

static char *create(const Kind *kind)
{
    BlockdevCreateOptionsQcow2 o = {
        .size = IMAGE_BYTES, .has_cluster_size = true,
        .cluster_size = kind->cluster_bytes, .has_compression_type = true,
        .compression_type = kind->type, .has_extended_l2 = true,
        .extended_l2 = kind->extended_l2,
    };

    return qtest_create(&o);
}

/* Opened anew, it has the same in it. */
static void end_image(QTest *t, const char *path, const uint8_t *model)
{
    qtest_close(t);
    qtest_open(t, path, "");
    check_read(t, model, 0, IMAGE_BYTES);
    check_clean(t);
    qtest_close(t);
    g_unlink(path);
}

static void test_random(const void *data)
{
    const Kind *kind = data;
    g_autofree char *path = create(kind);
    g_autofree uint8_t *model = g_malloc0(IMAGE_BYTES);
    QTest t;

    qtest_open(&t, path, "");
    for (int step = 0; step < 60; step++) {
        int64_t offset = g_test_rand_int_range(0, IMAGE_BYTES);

        write_run(&t, model, kind, step);
        check_read(&t, model, offset,
                   g_test_rand_int_range(0, IMAGE_BYTES - offset) + 1);
    }
    check_read(&t, model, 0, IMAGE_BYTES);
    end_image(&t, path, model);
}

static void test_skip_zeroes(void)
{
    g_autofree char *path = create(&kinds[0]);
    g_autofree uint8_t *model = g_malloc(4 * 64 * KiB);
    Packed r = { .bytes = 4 * 64 * KiB, .buf = model, .skip_zeroes = true };
    QTest t;

    qtest_open(&t, path, "");
    memset(model, 7, r.bytes);
    g_assert_cmpint(qtest_write(&t, 0, r.bytes, model), ==, 0);
    memset(model, 8, r.bytes);
    memset(model + 64 * KiB, 0, 2 * 64 * KiB);
    r.bs = t.bs;
    g_assert_cmpint(write_packed(&r), ==, 0);
    /* They are left as they are. */
    memset(model + 64 * KiB, 7, 2 * 64 * KiB);
    check_read(&t, model, 0, r.bytes);
    qtest_close(&t);
    g_unlink(path);
}

static void test_refused(void)
{
    g_autofree char *path = create(&kinds[0]);
    g_autofree uint8_t *model = g_malloc0(4 * 64 * KiB);
    Packed r = { .bytes = 4 * 64 * KiB, .buf = model, .leave_out = 1 };
    BlockDriverState *file;
    QTest t;

    qtest_open(&t, path, "");
    r.bs = t.bs;
    /* Of other data than those that are written. */
    g_assert_cmpint(write_packed(&r), ==, -EINVAL);
    g_assert_cmpint(qtest_request(t.bs, QTEST_COMPRESS, 512, 64 * KiB, model),
                    ==, -EINVAL);
    g_assert_cmpint(qtest_request(t.bs, QTEST_COMPRESS, 0, 65 * KiB, model),
                    ==, -EINVAL);
    qtest_close(&t);
    file = qtest_open_file(path);
    r.bs = file;
    r.leave_out = 0;
    g_assert_cmpint(write_packed(&r), ==, -ENOTSUP);
    bdrv_unref(file);
    g_unlink(path);
}

/* What was given out for a write that failed is free again. */
static void test_failing_write(void)
{
    g_autofree char *path = create(&kinds[0]);
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"qcow2\",\"file\":{\"driver\":\"blkdebug\","
        "\"inject-error\":[{\"event\":\"write_compressed\",\"errno\":5,"
        "\"once\":true}],\"image\":{\"driver\":\"file\",\"filename\":\"%s\"}}}",
        path);
    g_autofree uint8_t *model = g_malloc0(IMAGE_BYTES);
    QTest t = { .bs = test_open_ok(json) };

    t.blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE,
                    BLK_PERM_ALL);
    g_assert_true(blk_insert_bs(t.blk, t.bs, NULL));
    memset(model, 5, 8 * 64 * KiB);
    g_assert_cmpint(qtest_request(t.bs, QTEST_COMPRESS, 0, 8 * 64 * KiB, model),
                    ==, -EIO);
    g_assert_cmpint(qtest_request(t.bs, QTEST_COMPRESS, 0, 8 * 64 * KiB, model),
                    ==, 0);
    check_read(&t, model, 0, IMAGE_BYTES);
    end_image(&t, path, model);
}

static void compress(QTest *t, int64_t offset, int value)
{
    g_autofree uint8_t *buf = g_malloc(64 * KiB);

    memset(buf, value, 64 * KiB);
    g_assert_cmpint(qtest_request(t->bs, QTEST_COMPRESS, offset, 64 * KiB,
                                  buf), ==, 0);
}

static int read_part(QTest *t, int64_t offset, int value)
{
    uint8_t buf[4096];
    int ret = qtest_request(t->bs, QTEST_READ, offset, sizeof(buf), buf);

    for (size_t i = 0; i < sizeof(buf) && ret >= 0; i++) {
        g_assert_cmpint(buf[i], ==, value);
    }
    return ret;
}

/* The cluster of which a part was read is not read from the file again. */
static void test_parts(void)
{
    g_autofree char *path = create(&kinds[0]);
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"qcow2\",\"file\":{\"driver\":\"blkdebug\","
        "\"set-state\":[{\"event\":\"read_compressed\",\"new_state\":2}],"
        "\"inject-error\":[{\"event\":\"read_compressed\",\"state\":2,"
        "\"errno\":5}],\"image\":{\"driver\":\"file\",\"filename\":"
        "\"%s\"}}}", path);
    QTest t;

    qtest_open(&t, path, "");
    compress(&t, 0, 3);
    compress(&t, 64 * KiB, 4);
    qtest_close(&t);
    t.bs = test_open_ok(json);
    g_assert_cmpint(read_part(&t, 8 * KiB, 3), ==, 0);
    g_assert_cmpint(read_part(&t, 60 * KiB, 3), ==, 0);
    g_assert_cmpint(read_part(&t, 0, 3), ==, 0);
    g_assert_cmpint(read_part(&t, 64 * KiB, 4), ==, -EIO);
    bdrv_unref(t.bs);
    g_unlink(path);
}

/* Other data of the same length come to where the cluster was. */
static void test_part_replaced(void)
{
    g_autofree char *path = create(&kinds[0]);
    g_autofree uint8_t *buf = g_malloc0(64 * KiB);
    QTest t;

    qtest_open(&t, path, "");
    compress(&t, 0, 3);
    g_assert_cmpint(read_part(&t, 0, 3), ==, 0);
    g_assert_cmpint(qtest_write(&t, 0, 64 * KiB, buf), ==, 0);
    g_assert_cmpint(qtest_request(t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
    compress(&t, 64 * KiB, 4);
    g_assert_cmpint(read_part(&t, 64 * KiB, 4), ==, 0);
    qtest_close(&t);
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/qcow2_compress/random/%s",
                                                kinds[i].name);

        g_test_add_data_func(path, &kinds[i], test_random);
    }
    g_test_add_func("/qcow2_compress/skip_zeroes", test_skip_zeroes);
    g_test_add_func("/qcow2_compress/refused", test_refused);
    g_test_add_func("/qcow2_compress/failing_write", test_failing_write);
    g_test_add_func("/qcow2_compress/parts", test_parts);
    g_test_add_func("/qcow2_compress/part_replaced", test_part_replaced);
    return g_test_run();
}
