/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images of every kind, against a model in memory: random requests on
 * overlays and plain images, closed and opened again on the way.
 */
#include "block-test.h"
#include "block/qcow2-internal.h"
#include "crypto/secret.h"
#include "tests/unit/lib/emulated.h"

#define IMAGE_BYTES (8 * MiB)
#define SECRET      "hunter2"
#define ROUNDS      400

typedef enum ReqKind { READ, WRITE, ZERO, UNMAP, DISCARD, COMPRESS,
                       FLUSH } ReqKind;

typedef struct Request {
    BlockDriverState *bs;
    ReqKind kind;
    int64_t offset, bytes;
    void *buf;
} Request;

static int coroutine_fn request_co(void *opaque)
{
    Request *r = opaque;
    IoVec iov;

    switch (r->kind) {
    case READ:
        return bdrv_co_pread(r->bs, r->offset, r->buf, r->bytes);
    case WRITE:
        return bdrv_co_pwrite(r->bs, r->offset, r->buf, r->bytes, 0);
    case ZERO:
    case UNMAP:
        return bdrv_co_pwrite_zeroes(r->bs, r->offset, r->bytes,
                                     r->kind == UNMAP ? BDRV_REQ_MAY_UNMAP : 0);
    case DISCARD:
        return bdrv_co_pdiscard(r->bs, r->offset, r->bytes);
    case COMPRESS:
        iovec_init_buf(&iov, r->buf, r->bytes);
        return bdrv_co_pwritev_compressed(r->bs, r->offset, &iov, NULL);
    default:
        return bdrv_co_flush(r->bs);
    }
}

static int request(BlockDriverState *bs, ReqKind kind, int64_t offset,
                   int64_t bytes, void *buf)
{
    Request r = { bs, kind, offset, bytes, buf };

    return bdrv_run(bs->ctx, request_co, &r);
}

/* ---- Images ---- */

typedef struct Image {
    char *path, *base_path;
    BlockDriverState *bs;
    BlockBackend *blk;
    uint8_t *model, *base;
    const char *encrypt;            /* format; NULL: none. The secret is "s" */
} Image;

static BlockDriverState *open_file(const char *path)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"file\",\"filename\":\"%s\"}", path);

    return test_open_ok(json);
}

static void image_open(Image *im)
{
    g_autofree char *encrypt = !im->encrypt ? g_strdup("") : g_strdup_printf(
        "\"encrypt\":{\"format\":\"%s\",\"key-secret\":\"s\"},", im->encrypt);
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"qcow2\",\"discard\":\"unmap\",\"l2-cache-size\":16384,%s"
        "\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}}", encrypt,
        im->path);

    im->bs = test_open_ok(json);
    im->blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE,
                      BLK_PERM_ALL);
    g_assert_true(blk_insert_bs(im->blk, im->bs, NULL));
}

static void image_close(Image *im)
{
    blk_unref(im->blk);
    bdrv_unref(im->bs);
}

/* As a user checks it; not every machine has the program. */
static void image_check(const Image *im)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    g_autofree char *cmd = NULL, *out = NULL;
    int status;

    if (!program) {
        return;
    }
    cmd = im->encrypt ? g_strdup_printf("%s check --object secret,id=s,data="
        SECRET " --image-opts driver=qcow2,file.filename=%s,encrypt.format=%s,"
        "encrypt.key-secret=s", program, im->path, im->encrypt) :
        g_strdup_printf("%s check -f qcow2 %s", program, im->path);
    g_assert_true(g_spawn_command_line_sync(cmd, &out, NULL, &status, NULL));
    if (status) {
        g_error("%s", out);
    }
}

static void image_create(Image *im, BlockdevCreateOptionsQcow2 *o,
                         bool with_base)
{
    BlockDriverState *file;
    Error *err = NULL;

    im->path = test_file("", 0);
    im->model = g_malloc0(IMAGE_BYTES);
    if (with_base) {
        im->base = g_malloc(IMAGE_BYTES / 2);
        for (size_t i = 0; i < IMAGE_BYTES / 2; i++) {
            im->base[i] = i / 512;
        }
        im->base_path = test_file(im->base, IMAGE_BYTES / 2);
        memcpy(im->model, im->base, IMAGE_BYTES / 2);
        o->backing_file = im->base_path;
        o->has_backing_fmt = true;
        o->backing_fmt = BLOCKDEV_DRIVER_RAW;
    }
    o->size = IMAGE_BYTES;
    im->encrypt = !o->encrypt ? NULL :
                  o->encrypt->format == CRYPTO_FORMAT_LUKS ? "luks" : "aes";
    file = open_file(im->path);
    if (!qcow2_create(file, o, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    bdrv_unref(file);
}

static void image_free(Image *im)
{
    g_unlink(im->path);
    if (im->base_path) {
        g_unlink(im->base_path);
    }
    g_free(im->path);
    g_free(im->base_path);
    g_free(im->model);
    g_free(im->base);
}

static void check_content(Image *im)
{
    g_autofree uint8_t *buf = g_malloc(IMAGE_BYTES);

    g_assert_cmpint(request(im->bs, READ, 0, IMAGE_BYTES, buf), ==, 0);
    for (size_t i = 0; i < IMAGE_BYTES; i++) {
        if (buf[i] != im->model[i]) {
            g_error("byte 0x%zx is 0x%x, not 0x%x", i, buf[i], im->model[i]);
        }
    }
}

/* ---- Random requests ---- */

static void do_write(Image *im, int64_t offset, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i++) {
        im->model[offset + i] = g_test_rand_int_range(0, 4) * 61 + i / 64;
    }
    g_assert_cmpint(request(im->bs, WRITE, offset, bytes, im->model + offset),
                    ==, 0);
}

static void do_compress(Image *im, int64_t offset)
{
    Qcow2State *s = im->bs->opaque;

    offset = ROUND_DOWN(offset, s->cluster_bytes);
    if (offset + s->cluster_bytes > IMAGE_BYTES) {
        return;
    }
    if (im->encrypt) {
        /* They would be there in the open. */
        g_assert_cmpint(request(im->bs, COMPRESS, offset, s->cluster_bytes,
                                im->model + offset), ==, -ENOTSUP);
        return;
    }
    memset(im->model + offset, offset >> 10, s->cluster_bytes);
    g_assert_cmpint(request(im->bs, COMPRESS, offset, s->cluster_bytes,
                            im->model + offset), ==, 0);
}

/* Whole clusters read as zeros after; the rest is left alone. */
static void do_discard(Image *im, int64_t offset, int64_t bytes)
{
    Qcow2State *s = im->bs->opaque;
    int64_t from = ROUND_UP(offset, s->cluster_bytes);
    int64_t to = offset + bytes == IMAGE_BYTES ? IMAGE_BYTES :
                 ROUND_DOWN(offset + bytes, s->cluster_bytes);

    g_assert_cmpint(request(im->bs, DISCARD, offset, bytes, NULL), ==, 0);
    if (from < to && (s->version >= 3 || !im->bs->backing)) {
        memset(im->model + from, 0, to - from);
    }
}

static void one_request(Image *im)
{
    int64_t max = g_test_rand_bit() ? 300000 : 5000;
    int64_t offset = g_test_rand_int_range(0, IMAGE_BYTES);
    int64_t bytes = g_test_rand_int_range(1, max);
    g_autofree uint8_t *buf = NULL;

    bytes = MIN(bytes, IMAGE_BYTES - offset);
    switch (g_test_rand_int_range(0, 12)) {
    case 0:
        do_discard(im, offset, bytes);
        break;
    case 1:
    case 2:
        g_assert_cmpint(request(im->bs, g_test_rand_bit() ? ZERO : UNMAP,
                                offset, bytes, NULL), ==, 0);
        memset(im->model + offset, 0, bytes);
        break;
    case 3:
        do_compress(im, offset);
        break;
    case 4:
        g_assert_cmpint(request(im->bs, FLUSH, 0, 0, NULL), ==, 0);
        break;
    case 5:
    case 6:
        buf = g_malloc(bytes);
        g_assert_cmpint(request(im->bs, READ, offset, bytes, buf), ==, 0);
        g_assert_cmpmem(buf, bytes, im->model + offset, bytes);
        break;
    default:
        do_write(im, offset, bytes);
    }
}

typedef struct Kind {
    const char *name;
    BlockdevCreateOptionsQcow2 options;
    bool base;
} Kind;

#define COMMON .has_version = true, .version = BLOCKDEV_QCOW2_VERSION_V3
#define CLUSTER(n) .has_cluster_size = true, .cluster_size = (n)
#define BITS(n) .has_refcount_bits = true, .refcount_bits = (n)

#define SUBCLUSTERS .has_extended_l2 = true, .extended_l2 = true
#define METADATA .has_preallocation = true,                                    \
                 .preallocation = PREALLOC_MODE_METADATA

#ifdef CONFIG_GNUTLS
#define QUICK .key_secret = (char *)"s", .has_iter_time = true, .iter_time = 0
static QCryptoBlockCreateOptions luks = {
    .format = CRYPTO_FORMAT_LUKS, .u.luks = { QUICK },
};
static QCryptoBlockCreateOptions luks_essiv = {
    .format = CRYPTO_FORMAT_LUKS,
    .u.luks = { QUICK, .has_cipher_alg = true,
                .cipher_alg = CRYPTO_CIPHER_AES_128, .has_cipher_mode = true,
                .cipher_mode = CRYPTO_MODE_CBC, .has_ivgen_alg = true,
                .ivgen_alg = CRYPTO_IVGEN_ESSIV },
};
static QCryptoBlockCreateOptions aes = {
    .format = CRYPTO_FORMAT_QCOW, .u.qcow = { .key_secret = (char *)"s" },
};
#endif

static const Kind kinds[] = {
    { "plain", { COMMON }, false },
    { "backing", { COMMON }, true },
    { "v2", { .has_version = true, .version = BLOCKDEV_QCOW2_VERSION_V2 },
      false },
    { "v2_backing", { .has_version = true,
                      .version = BLOCKDEV_QCOW2_VERSION_V2 }, true },
    { "clusters_512", { COMMON, CLUSTER(512) }, true },
    { "clusters_2m", { COMMON, CLUSTER(2 * MiB) }, true },
    { "refcounts_1", { COMMON, BITS(1), CLUSTER(4096) }, false },
    { "refcounts_2", { COMMON, BITS(2), CLUSTER(4096) }, true },
    { "refcounts_8", { COMMON, BITS(8) }, false },
    { "refcounts_64", { COMMON, BITS(64), CLUSTER(512) }, false },
    { "subclusters", { COMMON, .has_extended_l2 = true, .extended_l2 = true },
      true },
    { "subclusters_16k", { COMMON, CLUSTER(16 * KiB), .has_extended_l2 = true,
                           .extended_l2 = true }, true },
    { "lazy", { COMMON, .has_lazy_refcounts = true, .lazy_refcounts = true },
      true },
#ifdef CONFIG_ZSTD
    { "zstd", { COMMON, .has_compression_type = true,
                .compression_type = QCOW2_COMPRESSION_TYPE_ZSTD }, true },
#endif
    { "preallocated", { COMMON, .has_preallocation = true,
                        .preallocation = PREALLOC_MODE_METADATA }, false },
    { "falloc", { COMMON, .has_preallocation = true,
                  .preallocation = PREALLOC_MODE_FALLOC }, false },
#ifdef CONFIG_GNUTLS
    { "luks", { COMMON, .encrypt = &luks }, false },
    { "luks_backing", { COMMON, CLUSTER(4096), .encrypt = &luks_essiv }, true },
    { "luks_clusters_512", { COMMON, CLUSTER(512), .encrypt = &luks }, true },
    { "luks_subclusters", { COMMON, SUBCLUSTERS, .encrypt = &luks }, true },
    { "luks_v2", { .has_version = true, .version = BLOCKDEV_QCOW2_VERSION_V2,
                   METADATA, .encrypt = &luks }, false },
    { "luks_preallocated", { COMMON, METADATA, .encrypt = &luks }, false },
    { "luks_preallocated_subclusters", { COMMON, SUBCLUSTERS, METADATA,
                                         .encrypt = &luks }, true },
    { "aes", { COMMON, .encrypt = &aes }, true },
#endif
};

static void test_random(const void *data)
{
    const Kind *k = data;
    BlockdevCreateOptionsQcow2 options = k->options;
    int rounds = test_is_emulated() ? ROUNDS / 4 : ROUNDS;
    Image im = { 0 };

    image_create(&im, &options, k->base);
    image_open(&im);
    for (int i = 0; i < rounds; i++) {
        one_request(&im);
        if (i % 100 == 99) {
            check_content(&im);
            image_close(&im);
            image_open(&im);
        }
    }
    check_content(&im);
    image_close(&im);
    image_check(&im);
    image_free(&im);
}

#ifdef CONFIG_GNUTLS
static const Kind parallel_luks = { "", { COMMON, .encrypt = &luks }, true };
#endif

/* Requests at once: each has its own part, all share clusters and tables. */
static void note_ret(void *opaque, int ret)
{
    g_assert_cmpint(ret, ==, 0);
    (*(int *)opaque)--;
}

static void test_parallel(const void *data)
{
    enum { N = 64, PART = 1000 };
    const Kind *k = data;
    BlockdevCreateOptionsQcow2 options = k->options;
    Image im = { 0 };
    IoVec iov[N];
    int left = 0;

    image_create(&im, &options, true);
    image_open(&im);
    for (int round = 0; round < 20; round++) {
        int64_t start = g_test_rand_int_range(0, IMAGE_BYTES - N * PART);

        for (int i = 0; i < N; i++) {
            int64_t at = start + i * PART;

            memset(im.model + at, g_test_rand_int_range(1, 255), PART);
            iovec_init_buf(&iov[i], im.model + at, PART);
            left++;
            blk_aio_pwritev(im.blk, at, &iov[i], 0, note_ret, &left);
        }
        RUN_UNTIL(left == 0);
    }
    check_content(&im);
    image_close(&im);
    image_check(&im);
    image_free(&im);
}

static int coroutine_fn grow_co(void *opaque)
{
    return bdrv_co_truncate(opaque, 64 * IMAGE_BYTES, true, PREALLOC_MODE_OFF,
                            0, NULL);
}

static int coroutine_fn shrink_co(void *opaque)
{
    return bdrv_co_truncate(opaque, IMAGE_BYTES / 2, true, PREALLOC_MODE_OFF,
                            0, NULL);
}

static void test_resize(void)
{
    BlockdevCreateOptionsQcow2 options = { COMMON, CLUSTER(4096) };
    uint8_t buf[4096];
    Image im = { 0 };

    image_create(&im, &options, false);
    image_open(&im);
    do_write(&im, 0, IMAGE_BYTES);
    g_assert_true(blk_set_perm(im.blk, BLK_PERM_ALL, BLK_PERM_ALL, NULL));
    g_assert_cmpint(bdrv_run(im.bs->ctx, grow_co, im.bs), ==, 0);
    g_assert_cmpint(bdrv_get_length(im.bs), ==, 64 * IMAGE_BYTES);
    check_content(&im);
    memset(buf, 1, sizeof(buf));
    g_assert_cmpint(request(im.bs, WRITE, 64 * IMAGE_BYTES - 4096, 4096, buf),
                    ==, 0);
    g_assert_cmpint(bdrv_run(im.bs->ctx, shrink_co, im.bs), ==, 0);
    g_assert_cmpint(request(im.bs, READ, 0, 4096, buf), ==, 0);
    g_assert_cmpmem(buf, 4096, im.model, 4096);
    image_close(&im);
    image_check(&im);
    image_free(&im);
}

/* ---- Broken headers ---- */

static const struct {
    const char *name, *error;
    unsigned offset, bytes;
    uint64_t value;
} broken[] = {
    { "magic", "not in qcow2 format", 0, 4, 0x12345678 },
    { "version", "Unsupported qcow2 version 9", 4, 4, 9 },
    { "cluster_bits_0", "Unsupported cluster size: 2^0", 20, 4, 0 },
    { "cluster_bits_40", "Unsupported cluster size: 2^40", 20, 4, 40 },
    { "size", "too large", 24, 8, UINT64_MAX },
    { "size_l1", "L1 table is too small", 24, 8, 1ULL << 50 },
    { "crypt", "Unsupported encryption method 3", 32, 4, 3 },
    { "crypt_luks", "no header for it", 32, 4, 2 },
    { "crypt_key", "Parameter 'encrypt.key-secret' is required", 32, 4, 1 },
    { "l1_size", "Active L1 table too large", 36, 4, UINT32_MAX },
    { "l1_offset", "Active L1 table offset invalid", 40, 8, 0x30001 },
    { "reft_offset", "Reference count table offset invalid", 48, 8, 1 },
    { "reft_size", "Reference count table too large", 56, 4, UINT32_MAX },
    { "reft_none", "does not contain a reference count table", 56, 4, 0 },
    { "snapshots", "Snapshot table", 60, 4, UINT32_MAX },
    { "features", "Unsupported qcow2 feature", 72, 8, 1ULL << 63 },
    { "compression", "Compression type", 72, 8, 1 << 3 },
    { "corrupt", "corrupt", 72, 8, 1 << 1 },
    { "raw_data", "data-file-raw requires a data file", 88, 8, 1 << 1 },
    { "order", "Reference count entry width", 96, 4, 7 },
    { "header_short", "too short", 100, 4, 72 },
    { "header_long", "exceeds cluster size", 100, 4, 1 << 20 },
    { "backing", "Invalid backing file offset", 8, 8, 1 << 30 },
    { "extension", "Header extension too large", 116, 4, UINT32_MAX },
};

static void test_broken_headers(void)
{
    BlockdevCreateOptionsQcow2 options = { COMMON };
    g_autofree char *data = NULL;
    Image im = { 0 };
    gsize bytes;

    image_create(&im, &options, false);
    g_assert_true(g_file_get_contents(im.path, &data, &bytes, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autofree char *copy = g_memdup2(data, bytes);
        g_autofree char *json = NULL, *path = NULL;
        g_autoptr(Error) err = NULL;

        if (broken[i].bytes == 8) {
            put_be64(copy + broken[i].offset, broken[i].value);
        } else {
            put_be32(copy + broken[i].offset, broken[i].value);
        }
        path = test_file(copy, bytes);
        json = g_strdup_printf("{\"driver\":\"qcow2\",\"file\":{\"driver\":"
                               "\"file\",\"filename\":\"%s\"}}", path);
        g_assert_null(test_open(json, &err));
        assert_error_of(broken[i].name, err, broken[i].error);
        g_assert_true(TAILQ_EMPTY(&bdrv_nodes));
        g_unlink(path);
    }
    image_free(&im);
}

/* An image that is its own backing file. */
static void test_backing_cycle(void)
{
    BlockdevCreateOptionsQcow2 options = { COMMON };
    g_autoptr(Error) err = NULL;
    struct json_object *extra;
    BlockDriverState *file;
    Image im = { 0 };

    image_create(&im, &options, false);
    options.backing_file = im.path;
    options.has_backing_fmt = true;
    options.backing_fmt = BLOCKDEV_DRIVER_QCOW2;
    file = open_file(im.path);
    g_assert_true(qcow2_create(file, &options, NULL));
    bdrv_unref(file);
    extra = json_object_new_object();
    json_object_object_add(extra, "read-only", json_object_new_boolean(true));
    g_assert_null(bdrv_open_image(im.path, NULL, extra, NULL, 0, &err));
    json_object_put(extra);
    assert_error(err, "chain of backing files is longer than");
    g_assert_true(TAILQ_EMPTY(&bdrv_nodes));
    image_free(&im);
}

static void add_secret(void)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "data", json_object_new_string(SECRET));
    g_assert_nonnull(user_creatable_add(TYPE_SECRET, "s", json, NULL));
    json_object_put(json);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    bdrv_allow_legacy_crypto();
    add_secret();
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/qcow2/random/%s",
                                                kinds[i].name);

        g_test_add_data_func(path, &kinds[i], test_random);
    }
    g_test_add_data_func("/qcow2/parallel", &kinds[0], test_parallel);
#ifdef CONFIG_GNUTLS
    g_test_add_data_func("/qcow2/parallel_luks", &parallel_luks, test_parallel);
#endif
    g_test_add_func("/qcow2/resize", test_resize);
    g_test_add_func("/qcow2/broken_headers", test_broken_headers);
    g_test_add_func("/qcow2/backing_cycle", test_backing_cycle);
    return g_test_run();
}
