/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests on files, against a model in memory: alignment, zeroes, growth,
 * status of ranges; opening by name.
 */
#include "block-test.h"

#define IMAGE_BYTES (256 * KiB)

typedef struct Request {
    BlockDriverState *bs;
    int64_t offset, bytes;
    void *buf;
    int kind;                       /* 0 read, 1 write, 2 zero, 3 status */
    BdrvStatus st;
} Request;

static int coroutine_fn request_co(void *opaque)
{
    Request *r = opaque;
    switch (r->kind) {
    case 0:
        return bdrv_co_pread(r->bs, r->offset, r->buf, r->bytes);
    case 1:
        return bdrv_co_pwrite(r->bs, r->offset, r->buf, r->bytes, 0);
    case 2:
        return bdrv_co_pwrite_zeroes(r->bs, r->offset, r->bytes,
                                     BDRV_REQ_MAY_UNMAP);
    default:
        return bdrv_co_block_status(r->bs, true, r->offset, r->bytes, &r->st);
    }
}

static int request(BlockDriverState *bs, int kind, int64_t offset, void *buf,
                   int64_t bytes)
{
    Request r = { bs, offset, bytes, buf, kind, { 0 } };

    return bdrv_run(bs->ctx, request_co, &r);
}

static BlockDriverState *open_raw(const char *path, const char *more)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"raw\",\"node-name\":\"r\",\"discard\":\"unmap\",\"file\":"
        "{\"driver\":\"file\",\"filename\":\"%s\"}%s}", path, more);

    return test_open_ok(json);
}

/* Writing takes a user with the right to. */
static BlockBackend *writer(BlockDriverState *bs)
{
    BlockBackend *blk = blk_new(NULL, BLK_PERM_ALL, BLK_PERM_ALL);

    g_assert_true(blk_insert_bs(blk, bs, NULL));
    return blk;
}

/* Any offset and length, on a node that wants blocks of @align bytes. */
static void check_random(uint32_t align, uint32_t mem_align)
{
    g_autofree uint8_t *model = g_malloc0(IMAGE_BYTES);
    g_autofree uint8_t *buf = g_malloc(IMAGE_BYTES);
    g_autofree char *path = test_file(model, IMAGE_BYTES);
    BlockDriverState *bs = open_raw(path, "");
    BlockBackend *blk = writer(bs);

    bs->limits.request_alignment = align;
    bs->limits.mem_alignment = mem_align;
    for (int i = 0; i < 300; i++) {
        int64_t offset = g_test_rand_int_range(0, IMAGE_BYTES);
        int64_t bytes = g_test_rand_int_range(1, MIN(20000, IMAGE_BYTES -
                                                     offset + 1));

        switch (g_test_rand_int_range(0, 3)) {
        case 0:
            memset(buf, g_test_rand_int_range(1, 255), bytes);
            g_assert_cmpint(request(bs, 1, offset, buf, bytes), ==, 0);
            memcpy(model + offset, buf, bytes);
            break;
        case 1:
            g_assert_cmpint(request(bs, 2, offset, NULL, bytes), ==, 0);
            memset(model + offset, 0, bytes);
            break;
        default:
            g_assert_cmpint(request(bs, 0, offset, buf, bytes), ==, 0);
            g_assert_cmpmem(buf, bytes, model + offset, bytes);
        }
    }
    g_assert_cmpint(request(bs, 0, 0, buf, IMAGE_BYTES), ==, 0);
    g_assert_cmpmem(buf, IMAGE_BYTES, model, IMAGE_BYTES);
    blk_unref(blk);
    bdrv_unref(bs);
    g_unlink(path);
}

static void test_random_bytes(void)
{
    check_random(1, 1);
}

static void test_random_sectors(void)
{
    check_random(512, 512);
}

static void test_random_pages(void)
{
    check_random(4096, 4096);
}

static void test_read_past_end(void)
{
    uint8_t buf[1024];
    g_autofree char *path = test_file("0123456789", 10);
    BlockDriverState *bs = open_raw(path, ",\"read-only\":true");

    memset(buf, 0xee, sizeof(buf));
    g_assert_cmpint(request(bs, 0, 4, buf, 1000), ==, 0);
    g_assert_cmpmem(buf, 6, "456789", 6);
    g_assert_cmpint(buf[6], ==, 0);
    g_assert_cmpint(buf[999], ==, 0);
    g_assert_cmpint(buf[1000], ==, 0xee);
    g_assert_cmpint(request(bs, 1, 0, buf, 1), ==, -EPERM);
    g_assert_cmpint(request(bs, 0, INT64_MAX, buf, 1), ==, -EIO);
    g_assert_cmpint(request(bs, 0, -1, buf, 1), ==, -EIO);
    bdrv_unref(bs);
    g_unlink(path);
}

static void test_write_grows_file(void)
{
    g_autofree char *path = test_file("", 0);
    BlockDriverState *bs = open_raw(path, "");
    BlockBackend *blk = writer(bs);
    uint8_t c = 'x';

    g_assert_cmpint(request(bs, 1, 4999, &c, 1), ==, 0);
    g_assert_cmpint(bdrv_get_length(bs), ==, 5000);
    /* A guest's requests stay inside all the same. */
    g_assert_cmpint(blk_pwrite(blk, 5000, &c, 1, 0), ==, -EIO);
    blk_unref(blk);
    bdrv_unref(bs);
    g_unlink(path);
}

static void test_window_does_not_grow(void)
{
    g_autofree char *path = test_file("0123456789", 10);
    BlockDriverState *bs = open_raw(path, ",\"offset\":2,\"size\":4");
    BlockBackend *blk = writer(bs);
    uint8_t buf[4];

    g_assert_cmpint(request(bs, 0, 0, buf, 4), ==, 0);
    g_assert_cmpmem(buf, 4, "2345", 4);
    g_assert_cmpint(request(bs, 1, 2, buf, 4), ==, -EIO);
    blk_unref(blk);
    bdrv_unref(bs);
    g_unlink(path);
}

/* Sizes as texts have suffixes; none goes past what offsets can be. */
static void test_sizes(void)
{
    static const struct {
        const char *size, *error;
        int64_t bytes;
    } rows[] = {
        { "65536", NULL, 65536 }, { "\"64k\"", NULL, 65536 },
        { "\"1.5M\"", NULL, 1536 * KiB }, { "0", NULL, 0 },
        { "9223372036854775807", NULL, INT64_MAX },
        { "9223372036854775808", "size must not be greater than", 0 },
        { "\"8E\"", "size must not be greater than", 0 },
        { "-1", "'size' expects a size", 0 },
        { "\"-1\"", "'size' expects a size", 0 },
        { "\"64q\"", "'size' expects a size", 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"driver\":\"null-co\",\"size\":%s}", rows[i].size);
        g_autoptr(Error) err = NULL;
        BlockDriverState *bs = test_open(json, &err);

        if (rows[i].error) {
            g_assert_null(bs);
            assert_error_of(json, err, rows[i].error);
            continue;
        }
        g_assert_nonnull(bs);
        g_assert_cmpint(bdrv_get_length(bs), ==, rows[i].bytes);
        bdrv_unref(bs);
    }
}

static void test_bad_windows(void)
{
    static const char *const rows[][2] = {
        { "\"offset\":11", "The offset (11)" },
        { "\"offset\":9223372036854775808", "(9223372036854775808)" },
        { "\"offset\":\"15.9E\"", "is outside of the file" },
        { "\"offset\":2,\"size\":9", "offset (2) and size (9)" },
        { "\"offset\":2,\"size\":18446744073709551615",
          "size (18446744073709551615)" },
        { "\"offset\":2,\"size\":\"8E\"", "size (9223372036854775808)" },
        { "\"offset\":-1", "'offset' expects a size" },
    };
    g_autofree char *path = test_file("0123456789", 10);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"driver\":\"raw\",\"file\":{\"driver\":\"file\","
            "\"filename\":\"%s\"},%s}", path, rows[i][0]);
        g_autoptr(Error) err = NULL;

        g_assert_null(test_open(json, &err));
        assert_error_of(json, err, rows[i][1]);
    }
    g_unlink(path);
}

static void test_status_of_holes(void)
{
    g_autofree char *path = test_file("", 0);
    BlockDriverState *bs = open_raw(path, "");
    BlockBackend *blk = writer(bs);
    Request r = { bs, 0, 1 * MiB, NULL, 3, { 0 } };
    uint8_t c = 'x';
    int ret;

    g_assert_cmpint(request(bs, 1, 1 * MiB - 1, &c, 1), ==, 0);
    ret = bdrv_run(bs->ctx, request_co, &r);
    g_assert_cmphex(ret & (BDRV_BLOCK_ZERO | BDRV_BLOCK_DATA), ==,
                    BDRV_BLOCK_ZERO);
    g_assert_cmpint(r.st.pnum, >=, 512 * KiB);
    r.offset = 1 * MiB - 1;
    ret = bdrv_run(bs->ctx, request_co, &r);
    g_assert_cmphex(ret, ==, BDRV_BLOCK_DATA | BDRV_BLOCK_OFFSET_VALID |
                    BDRV_BLOCK_ALLOCATED | BDRV_BLOCK_EOF);
    r.offset = 1 * MiB;
    g_assert_cmphex(bdrv_run(bs->ctx, request_co, &r), ==, BDRV_BLOCK_EOF);
    g_assert_cmpint(r.st.pnum, ==, 0);
    blk_unref(blk);
    bdrv_unref(bs);
    g_unlink(path);
}

/* ---- Opening by name ---- */

static void test_open_probed_raw(void)
{
    uint8_t buf[512] = { 'Q', 'F', 'I', 0xfb };
    g_autofree char *path = test_file(buf + 4, 500);
    BlockDriverState *bs = bdrv_open_image(path, NULL, NULL, NULL, 0, NULL);
    BlockBackend *blk;

    g_assert_nonnull(bs);
    g_assert_cmpstr(bdrv_get_format_name(bs), ==, "raw");
    g_assert_cmpstr(bdrv_get_filename(bs), ==, path);
    blk = writer(bs);
    g_assert_cmpint(request(bs, 1, 16, buf, 16), ==, 0);
    blk_unref(blk);
    bdrv_unref(bs);
    g_unlink(path);
}

/* Nor does the start of another format come together from two writes. */
static void test_probed_stays_raw(void)
{
    uint8_t buf[1024] = { 0 };
    uint8_t magic[] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };
    uint8_t other[] = { 'K', 'D', 'M', 'V' };       /* no driver of ours */
    g_autofree char *path = test_file(buf, sizeof(buf));
    BlockDriverState *bs = bdrv_open_image(path, NULL, NULL, NULL, 0, NULL);
    BlockBackend *blk;

    g_assert_nonnull(bs);
    blk = writer(bs);
    g_assert_cmpint(request(bs, 1, 0, magic, sizeof(magic)), ==, -EPERM);
    g_assert_cmpint(request(bs, 1, 4, magic + 4, 4), ==, 0);
    g_assert_cmpint(request(bs, 1, 1, magic + 1, 3), ==, 0);
    g_assert_cmpint(request(bs, 1, 0, magic, 1), ==, -EPERM);
    g_assert_cmpint(request(bs, 1, 512, magic, sizeof(magic)), ==, 0);
    g_assert_cmpint(request(bs, 1, 0, other, sizeof(other)), ==, -EPERM);
    blk_unref(blk);
    bdrv_unref(bs);
    g_unlink(path);
}

static const struct {
    const char *name, *error;
} bad_names[] = {
    { "gopher://x/y", "Unknown protocol 'gopher'" },
    { "json:{", "JSON" },
    { "json:[]", "Invalid JSON object" },
    { "json:{\"driver\":\"floppy\"}", "floppy" },
    { "/does/not/exist", "/does/not/exist" },
};

static void test_open_bad_names(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad_names); i++) {
        g_autoptr(Error) err = NULL;

        g_assert_null(bdrv_open_image(bad_names[i].name, "raw", NULL, NULL, 0,
                                      &err));
        assert_error_of(bad_names[i].name, err, bad_names[i].error);
        g_assert_true(TAILQ_EMPTY(&bdrv_nodes));
    }
}

static void test_open_json_name(void)
{
    BlockDriverState *bs = bdrv_open_image(
        "json:{\"driver\":\"null-co\",\"size\":65536}", NULL, NULL, NULL, 0,
        NULL);

    g_assert_nonnull(bs);
    g_assert_cmpint(bdrv_get_length(bs), ==, 65536);
    bdrv_unref(bs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/block/io/random_bytes", test_random_bytes);
    g_test_add_func("/block/io/random_sectors", test_random_sectors);
    g_test_add_func("/block/io/random_pages", test_random_pages);
    g_test_add_func("/block/io/read_past_end", test_read_past_end);
    g_test_add_func("/block/io/write_grows_file", test_write_grows_file);
    g_test_add_func("/block/io/window", test_window_does_not_grow);
    g_test_add_func("/block/io/sizes", test_sizes);
    g_test_add_func("/block/io/bad_windows", test_bad_windows);
    g_test_add_func("/block/status/holes", test_status_of_holes);
    g_test_add_func("/block/open/probed_raw", test_open_probed_raw);
    g_test_add_func("/block/open/probed_stays_raw", test_probed_stays_raw);
    g_test_add_func("/block/open/bad_names", test_open_bad_names);
    g_test_add_func("/block/open/json_name", test_open_json_name);
    return g_test_run();
}
