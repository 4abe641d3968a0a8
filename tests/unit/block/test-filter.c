/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters: what they do with data, and that they let the rest through. */
#include "block-test.h"
#include "block/create.h"
#include "block/image.h"

#define BYTES (1 * MiB)
#define CLUSTER 65536

typedef struct Chain {
    char *base, *top;               /* paths */
    uint8_t *data;                  /* of the base */
    BlockDriverState *bs;           /* qcow2 "top" */
} Chain;

static char *new_qcow2(void)
{
    struct json_object *o = json_object_new_object();
    char *path = test_file("", 0);

    json_object_object_add(o, "size", json_object_new_string("1048576"));
    g_assert_true(bdrv_create_image(path, "qcow2", o, NULL));
    json_object_put(o);
    return path;
}

static void chain_init(Chain *c)
{
    g_autofree char *json = NULL;

    c->data = g_malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++) {
        c->data[i] = i / 512 + i % 251;
    }
    c->base = test_file(c->data, BYTES);
    c->top = new_qcow2();
    json = g_strdup_printf(
        "{\"driver\":\"qcow2\",\"node-name\":\"top\",\"file\":{\"driver\":"
        "\"file\",\"filename\":\"%s\"},\"backing\":{\"driver\":\"raw\","
        "\"node-name\":\"base\",\"file\":{\"driver\":\"file\",\"filename\":"
        "\"%s\"}}}", c->top, c->base);
    c->bs = test_open_ok(json);
}

static void chain_free(Chain *c)
{
    bdrv_unref(c->bs);
    g_assert_true(TAILQ_EMPTY(&bdrv_nodes));
    g_unlink(c->base);
    g_unlink(c->top);
    g_free(c->base);
    g_free(c->top);
    g_free(c->data);
}

static BlockBackend *user(BlockDriverState *bs)
{
    BlockBackend *blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ |
                                BLK_PERM_WRITE | BLK_PERM_RESIZE,
                                BLK_PERM_ALL);
    Error *err = NULL;

    if (!blk_insert_bs(blk, bs, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    return blk;
}

/* ---- What is in the image itself ---- */

typedef struct Status {
    BlockDriverState *bs;
    int64_t offset;
} Status;

static int coroutine_fn status_co(void *opaque)
{
    Status *s = opaque;
    BdrvStatus st;

    return bdrv_co_block_status(s->bs, false, s->offset, 1, &st);
}

static bool allocated(BlockDriverState *bs, int64_t offset)
{
    Status s = { bs, offset };

    return bdrv_run(bs->ctx, status_co, &s) & BDRV_BLOCK_ALLOCATED;
}

/* ---- copy-on-read ---- */

static void test_cor(void)
{
    g_autofree uint8_t *buf = g_malloc(BYTES);
    BlockDriverState *cor;
    BlockBackend *blk;
    Chain c;

    chain_init(&c);
    cor = test_open_ok("{\"driver\":\"copy-on-read\",\"file\":\"top\"}");
    blk = user(cor);
    g_assert_cmpint(blk_pwrite(blk, 5 * CLUSTER + 10, "new", 3, 0), ==, 0);
    g_assert_false(allocated(c.bs, 3 * CLUSTER));
    g_assert_cmpint(blk_pread(blk, 3 * CLUSTER + 1000, buf, CLUSTER), ==, 0);
    g_assert_cmpmem(buf, CLUSTER, c.data + 3 * CLUSTER + 1000, CLUSTER);
    for (int i = 0; i < 16; i++) {
        g_assert_cmpint(allocated(c.bs, i * CLUSTER), ==, i >= 3 && i <= 5);
    }
    g_assert_cmpint(blk_pread(blk, 0, buf, BYTES), ==, 0);
    memcpy(c.data + 5 * CLUSTER + 10, "new", 3);
    g_assert_cmpmem(buf, BYTES, c.data, BYTES);
    for (int i = 0; i < 16; i++) {
        g_assert_true(allocated(c.bs, i * CLUSTER));
    }
    blk_unref(blk);
    /* Without what was below. */
    bdrv_unref(cor);
    g_assert_true(bdrv_set_backing(c.bs, NULL, NULL));
    blk = user(c.bs);
    memset(buf, 0, BYTES);
    g_assert_cmpint(blk_pread(blk, 0, buf, BYTES), ==, 0);
    g_assert_cmpmem(buf, BYTES, c.data, BYTES);
    blk_unref(blk);
    chain_free(&c);
}

static void test_cor_bottom(void)
{
    g_autoptr(Error) err = NULL;
    BlockDriverState *cor;
    BlockBackend *blk;
    uint8_t buf[512];
    Chain c;

    chain_init(&c);
    g_assert_null(test_open("{\"driver\":\"copy-on-read\",\"file\":\"base\","
                            "\"bottom\":\"top\"}", &err));
    assert_error(err, "not in the backing chain");
    cor = test_open_ok("{\"driver\":\"copy-on-read\",\"file\":\"top\","
                       "\"bottom\":\"top\"}");
    blk = user(cor);
    g_assert_cmpint(blk_pread(blk, 0, buf, 512), ==, 0);
    g_assert_cmpmem(buf, 512, c.data, 512);
    g_assert_false(allocated(c.bs, 0));
    blk_unref(blk);
    bdrv_unref(cor);
    cor = test_open_ok("{\"driver\":\"copy-on-read\",\"file\":\"top\","
                       "\"bottom\":\"base\"}");
    blk = user(cor);
    g_assert_cmpint(blk_pread(blk, 0, buf, 512), ==, 0);
    g_assert_true(allocated(c.bs, 0));
    blk_unref(blk);
    bdrv_unref(cor);
    chain_free(&c);
}

/* ---- compress ---- */

static void test_compress(void)
{
    g_autofree uint8_t *buf = g_malloc0(BYTES);
    g_autoptr(Error) err = NULL;
    BdrvCheckResult result;
    BlockDriverState *bs, *null = test_null_node("null");
    BlockBackend *blk;
    Chain c;

    g_assert_null(test_open("{\"driver\":\"compress\",\"file\":\"null\"}",
                            &err));
    assert_error(err, "Compression is not supported");
    bdrv_unref(null);
    chain_init(&c);
    bs = test_open_ok("{\"driver\":\"compress\",\"file\":\"top\"}");
    blk = user(bs);
    /* Whole clusters, and parts of two. */
    g_assert_cmpint(blk_pwrite(blk, 2 * CLUSTER, c.data, 3 * CLUSTER, 0), ==,
                    0);
    g_assert_cmpint(blk_pwrite(blk, 8 * CLUSTER - 5, "0123456789", 10, 0), ==,
                    0);
    memmove(c.data + 2 * CLUSTER, c.data, 3 * CLUSTER);
    memcpy(c.data + 8 * CLUSTER - 5, "0123456789", 10);
    g_assert_cmpint(blk_pread(blk, 0, buf, BYTES), ==, 0);
    blk_unref(blk);
    bdrv_unref(bs);
    g_assert_cmpint(bdrv_check(c.bs, &result, 0), ==, 0);
    g_assert_cmpint(result.compressed_clusters, ==, 5);
    g_assert_cmpint(result.corruptions + result.leaks, ==, 0);
    /* What was moved overlaps what is compared: look at the parts. */
    g_assert_cmpmem(buf + 5 * CLUSTER, BYTES - 5 * CLUSTER,
                    c.data + 5 * CLUSTER, BYTES - 5 * CLUSTER);
    g_assert_cmpmem(buf + 2 * CLUSTER, 3 * CLUSTER, c.data + 2 * CLUSTER,
                    3 * CLUSTER);
    chain_free(&c);
}

/* ---- preallocate ---- */

static int64_t file_size(const char *path)
{
    GStatBuf st;

    g_assert_cmpint(g_stat(path, &st), ==, 0);
    return st.st_size;
}

static void test_preallocate(void)
{
    g_autofree char *path = new_qcow2();
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"qcow2\",\"file\":{\"driver\":\"preallocate\","
        "\"prealloc-align\":4096,\"prealloc-size\":10000000,\"file\":{"
        "\"driver\":\"file\",\"filename\":\"%s\"}}}", path);
    int64_t size = file_size(path);
    BlockDriverState *bs = test_open_ok(json);
    BlockBackend *blk = user(bs);
    uint8_t buf[10] = { 1 };

    g_assert_cmpint(blk_pwrite(blk, 0, buf, 10, 0), ==, 0);
    g_assert_cmpint(file_size(path), >, size + 10000000);
    blk_unref(blk);
    bdrv_unref(bs);
    g_assert_cmpint(file_size(path), <, size + 10000000);
    g_assert_cmpint(file_size(path), >=, size + 65536);
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/filter/copy-on-read", test_cor);
    g_test_add_func("/filter/copy-on-read/bottom", test_cor_bottom);
    g_test_add_func("/filter/compress", test_compress);
    g_test_add_func("/filter/preallocate", test_preallocate);
    return g_test_run();
}
