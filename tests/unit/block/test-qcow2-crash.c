/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power cuts. Every write and flush that the driver makes on its file is
 * written down while random requests run. Then the machine "stops" after any
 * number of them: what was flushed is there; of the writes after that each
 * sector is there or not, as it comes. In the image that is left
 *
 *   - a check finds nothing but leaks (but where the image says it is dirty),
 *   - a repair leaves nothing,
 *   - each sector has what it had at the last flush that was acknowledged, or
 *     something that was written to it since,
 *   - and so do snapshots have theirs,
 *   - a bitmap that is not marked as in use has all that was written since it
 *     was made.
 *
 * Where the image was dirty, the power is cut in the repair as well.
 *
 * --long N tries at least N of them; without it, some hundreds.
 */
#include "qcow2-crash.h"
#include "crypto/secret.h"

#define SHORT_OPS 100
#define LONG_OPS  400

static uint64_t wanted;                     /* images to try in all; 0: few */

/* ---- Requests ---- */

static void op_clear(gpointer op)
{
    g_free(((Op *)op)->after);
}

static void snap_free(gpointer opaque)
{
    Snap *s = opaque;

    g_free(s->data);
    g_free(s);
}

static void marks_free(gpointer opaque)
{
    Marks *m = opaque;

    g_free(m->data);
    g_free(m);
}

static void open_disk(Crash *c);

static void op_done(Crash *c, guint start, bool flush, int64_t offset,
                    int64_t bytes)
{
    Op op = { start, c->log->len, flush, c->size, offset, bytes, NULL };

    op.after = g_memdup2(c->model + offset, bytes);
    g_array_append_val(c->ops, op);
}

static void op_flush(Crash *c)
{
    guint start = c->log->len;

    g_assert_cmpint(qtest_request(c->t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
    op_done(c, start, true, 0, 0);
}

static void op_write(Crash *c, int64_t offset, int64_t bytes)
{
    guint start = c->log->len;

    for (int64_t i = 0; i < bytes; i++) {
        c->model[offset + i] = g_test_rand_int_range(1, 255);
    }
    g_assert_cmpint(qtest_write(&c->t, offset, bytes, c->model + offset), ==,
                    0);
    op_done(c, start, false, offset, bytes);
}

static void op_zero(Crash *c, QTestKind kind, int64_t offset, int64_t bytes)
{
    guint start = c->log->len;

    if (kind == QTEST_DISCARD) {
        /* Only what is a whole cluster for sure. */
        uint32_t cluster = bdrv_get_cluster_size(c->t.bs);

        bytes = ROUND_DOWN(offset + bytes, cluster);
        offset = ROUND_UP(offset, cluster);
        bytes -= offset;
        if (bytes <= 0 || (c->base && ((Qcow2State *)
                                       c->t.bs->opaque)->version < 3)) {
            return;
        }
    }
    memset(c->model + offset, 0, bytes);
    g_assert_cmpint(qtest_request(c->t.bs, kind, offset, bytes, NULL), ==, 0);
    op_done(c, start, false, offset, bytes);
    if (kind == QTEST_DISCARD && c->kind->extras & EXTRA_LUKS) {
        /* Zeros in a data file are anything to the guest. */
        g_array_index(c->ops, Op, c->ops->len - 1).anything = true;
    }
}

static void op_compress(Crash *c, int64_t offset)
{
    uint32_t cluster = bdrv_get_cluster_size(c->t.bs);
    guint start = c->log->len;

    offset = ROUND_DOWN(offset, cluster);
    if (offset + cluster > c->size ||
        c->kind->extras & (EXTRA_DATA_FILE | EXTRA_LUKS)) {
        return;
    }
    memset(c->model + offset, g_test_rand_int_range(1, 255), cluster);
    g_assert_cmpint(qtest_request(c->t.bs, QTEST_COMPRESS, offset, cluster,
                                  c->model + offset), ==, 0);
    op_done(c, start, false, offset, cluster);
}

static void op_resize(Crash *c)
{
    int64_t size = g_test_rand_int_range(1, MAX_BYTES / SECTOR) * SECTOR;
    int64_t from = MIN(size, c->size), to = MAX(size, c->size);
    PreallocMode mode = size > c->size && !c->base && g_test_rand_bit() ?
                        PREALLOC_MODE_METADATA : PREALLOC_MODE_OFF;
    guint start = c->log->len;

    memset(c->model + from, 0, to - from);
    c->size = size;
    /* Bits of what is cut off are gone. */
    for (guint i = 0; i < c->marks->len; i++) {
        Marks *m = g_ptr_array_index(c->marks, i);

        m->size = MIN(m->size, size);
    }
    g_assert_cmpint(qtest_request(c->t.bs, QTEST_TRUNCATE, mode, size, NULL),
                    ==, 0);
    op_done(c, start, false, from, to - from);
}

static void op_snapshot(Crash *c)
{
    Snap *s = g_new0(Snap, 1);
    BdrvSnapshot facts = { .name = s->name };
    guint start = c->log->len;

    snprintf(s->name, sizeof(s->name), "s%u", c->next_snap++);
    s->size = c->size;
    s->data = g_memdup2(c->model, MAX_BYTES);
    g_assert_cmpint(bdrv_snapshot_create(c->t.bs, &facts, NULL), ==, 0);
    s->made = c->log->len;
    s->gone = UINT_MAX;
    g_ptr_array_add(c->snaps, s);
    op_done(c, start, true, 0, 0);
}

static void op_goto_or_delete(Crash *c, bool delete)
{
    guint start = c->log->len;
    guint n = c->snaps->len;
    Snap *s = n ? g_ptr_array_index(c->snaps, g_test_rand_int_range(0, n)) :
                  NULL;

    if (!s || s->gone != UINT_MAX) {
        return;
    }
    if (delete) {
        s->gone = start;
        g_assert_cmpint(bdrv_snapshot_delete(c->t.bs, NULL, s->name, NULL), ==,
                        0);
        op_done(c, start, true, 0, 0);
        return;
    }
    memcpy(c->model, s->data, MAX_BYTES);
    c->size = s->size;
    g_assert_cmpint(bdrv_snapshot_goto(c->t.bs, s->name, NULL), ==, 0);
    op_done(c, start, false, 0, MAX_BYTES);
    op_flush(c);
}

static void op_bitmap(Crash *c)
{
    Marks *m = g_new0(Marks, 1);
    BdrvDirtyBitmap *b;

    snprintf(m->name, sizeof(m->name), "b%u", c->marks->len);
    m->size = c->size;
    m->data = g_memdup2(c->model, MAX_BYTES);
    b = bdrv_dirty_bitmap_new(c->t.bs, m->name,
                              SECTOR << g_test_rand_int_range(0, 4),
                              c->size, NULL);
    g_assert_nonnull(b);
    bdrv_dirty_bitmap_set_persistent(b, true);
    g_ptr_array_add(c->marks, m);
}

static void op_remove_bitmap(Crash *c)
{
    BdrvDirtyBitmap *b = bdrv_dirty_bitmap_next(c->t.bs, NULL);
    guint start = c->log->len;

    if (b) {
        g_assert_true(c->t.bs->drv->remove_stored_bitmap(c->t.bs,
                      bdrv_dirty_bitmap_name(b), NULL));
        bdrv_dirty_bitmap_free(b);
        op_done(c, start, false, 0, 0);
    }
}

/* Bitmaps are stored, and claimed again. */
static void op_reopen(Crash *c)
{
    guint start = c->log->len;

    qtest_close(&c->t);
    op_done(c, start, true, 0, 0);
    open_disk(c);
}

/* A second passphrase comes and goes; the first is there all the time. */
static void op_amend_key(Crash *c)
{
    QCryptoBlockAmendOptionsLUKS key = {
        .state = c->has_key ? CRYPTO_KEYSLOT_INACTIVE : CRYPTO_KEYSLOT_ACTIVE,
        .has_keyslot = true, .keyslot = 1, .has_iter_time = !c->has_key,
        .new_secret = c->has_key ? NULL : (char *)"t",
    };
    BdrvAmend a = { .encrypt = &key };
    guint start = c->log->len;
    Error *err = NULL;

    if (bdrv_amend(c->t.bs, &a, &err) < 0) {
        g_error("%s", error_get_pretty(err));
    }
    c->has_key = !c->has_key;
    op_done(c, start, false, 0, 0);
}

static void op_amend(Crash *c)
{
    static const char *const compat[] = { "v2", "v3" };
    BdrvAmend a = { 0 };
    guint start = c->log->len;

    if (c->kind->extras & EXTRA_LUKS) {
        op_amend_key(c);
        return;
    }
    if (g_test_rand_bit()) {
        a.has_compat = true;
        a.compat = compat[g_test_rand_bit()];
    } else if (g_test_rand_bit()) {
        a.has_refcount_bits = true;
        a.refcount_bits = 1 << g_test_rand_int_range(0, 7);
    } else {
        a.has_lazy_refcounts = true;
        a.lazy_refcounts = g_test_rand_bit();
    }
    /* Version 2 cannot have all of that, and says so. */
    bdrv_amend(c->t.bs, &a, NULL);
    op_done(c, start, false, 0, 0);
}

static void op_special(Crash *c)
{
    unsigned what = 1 << g_test_rand_int_range(0, 5);

    if (what == EXTRA_BASE && !(c->kind->extras & EXTRA_FIXED)) {
        op_resize(c);
    }
    switch (what & c->kind->extras) {
    case EXTRA_SNAPSHOTS:
        op_snapshot(c);
        break;
    case EXTRA_BITMAPS:
        op_bitmap(c);
        break;
    case EXTRA_AMEND:
        op_amend(c);
        break;
    default:
        if (c->kind->extras & EXTRA_SNAPSHOTS) {
            op_goto_or_delete(c, g_test_rand_bit());
        } else if (c->kind->extras & EXTRA_BITMAPS) {
            (g_test_rand_bit() ? op_remove_bitmap : op_reopen)(c);
        }
    }
}

static void one_op(Crash *c)
{
    int64_t offset = g_test_rand_int_range(0, c->size / SECTOR) * SECTOR;
    int64_t bytes = g_test_rand_int_range(1, g_test_rand_bit() ? 64 : 8) *
                    SECTOR;

    bytes = MIN(bytes, c->size - offset);
    switch (g_test_rand_int_range(0, 14)) {
    case 0:
        op_zero(c, QTEST_DISCARD, offset, bytes);
        break;
    case 1:
        op_zero(c, QTEST_ZERO, offset, bytes);
        break;
    case 2:
        op_zero(c, QTEST_UNMAP, offset, bytes);
        break;
    case 3:
        op_compress(c, offset);
        break;
    case 8:
    case 9:
    case 10:
        if (c->kind->extras & EXTRA_COMPRESS) {
            op_compress(c, offset);
            break;
        }
        op_write(c, offset, bytes);
        break;
    case 4:
    case 5:
    case 6:
        op_flush(c);
        break;
    case 7:
        op_special(c);
        break;
    default:
        op_write(c, offset, bytes);
    }
}
/* ---- Kinds of images ---- */

#define SIZE .size = MAX_BYTES
#define V2 .has_version = true, .version = BLOCKDEV_QCOW2_VERSION_V2
#define CLUSTER(n) .has_cluster_size = true, .cluster_size = (n)
#define BITS(n) .has_refcount_bits = true, .refcount_bits = (n)
#define LAZY .has_lazy_refcounts = true, .lazy_refcounts = true
#define RAW .has_data_file_raw = true, .data_file_raw = true
#define SUB .has_extended_l2 = true, .extended_l2 = true

#define ZSTD .has_compression_type = true,                                     \
             .compression_type = QCOW2_COMPRESSION_TYPE_ZSTD

#ifdef CONFIG_GNUTLS
static QCryptoBlockCreateOptions luks = {
    .format = CRYPTO_FORMAT_LUKS,
    .u.luks = { .key_secret = (char *)"s", .has_iter_time = true },
};
#endif

static const Kind kinds[] = {
    { "plain", { SIZE, CLUSTER(4096) } },
    { "backing", { SIZE, CLUSTER(4096) }, EXTRA_BASE },
    { "clusters_512", { SIZE, CLUSTER(512) }, EXTRA_BASE },
    { "clusters_64k", { SIZE }, EXTRA_BASE },
    { "v2", { SIZE, V2, CLUSTER(1024) }, EXTRA_FIXED },
    { "refcounts_1", { SIZE, CLUSTER(1024), BITS(1) } },
    { "refcounts_64", { SIZE, CLUSTER(512), BITS(64) } },
    { "lazy", { SIZE, CLUSTER(4096), LAZY }, EXTRA_BASE },
    { "subclusters", { SIZE, CLUSTER(16 * KiB), SUB }, EXTRA_BASE },
    { "snapshots", { SIZE, CLUSTER(4096) }, EXTRA_SNAPSHOTS },
    { "snapshots_512", { SIZE, CLUSTER(512) }, EXTRA_BASE | EXTRA_SNAPSHOTS },
    { "snapshots_lazy", { SIZE, CLUSTER(4096), LAZY }, EXTRA_SNAPSHOTS },
    { "snapshots_sub", { SIZE, CLUSTER(16 * KiB), SUB },
      EXTRA_BASE | EXTRA_SNAPSHOTS },
    { "snapshots_v2", { SIZE, V2, CLUSTER(4096) },
      EXTRA_FIXED | EXTRA_SNAPSHOTS },
    { "bitmaps", { SIZE, CLUSTER(4096) }, EXTRA_BITMAPS },
    { "bitmaps_512", { SIZE, CLUSTER(512) }, EXTRA_BASE | EXTRA_BITMAPS },
    { "bitmaps_lazy", { SIZE, CLUSTER(4096), LAZY }, EXTRA_BITMAPS },
    { "amend", { SIZE, CLUSTER(1024) }, EXTRA_AMEND },
    { "amend_backing", { SIZE, CLUSTER(4096) }, EXTRA_BASE | EXTRA_AMEND },
    { "amend_sub", { SIZE, CLUSTER(16 * KiB), SUB }, EXTRA_AMEND },
    { "compressed_512", { SIZE, CLUSTER(512) }, EXTRA_COMPRESS },
    { "compressed_v2", { SIZE, V2, CLUSTER(4096) },
      EXTRA_FIXED | EXTRA_COMPRESS | EXTRA_SNAPSHOTS },
    { "compressed_sub", { SIZE, CLUSTER(16 * KiB), SUB },
      EXTRA_BASE | EXTRA_COMPRESS },
#ifdef CONFIG_ZSTD
    { "compressed_zstd", { SIZE, CLUSTER(4096), ZSTD },
      EXTRA_BASE | EXTRA_COMPRESS | EXTRA_SNAPSHOTS },
#endif
    { "data_file", { SIZE, CLUSTER(4096) }, EXTRA_DATA_FILE },
    { "data_file_base", { SIZE, CLUSTER(16 * KiB), SUB },
      EXTRA_BASE | EXTRA_DATA_FILE },
    { "data_file_bitmaps", { SIZE, CLUSTER(512), LAZY },
      EXTRA_DATA_FILE | EXTRA_BITMAPS },
    { "data_file_amend", { SIZE, CLUSTER(1024) },
      EXTRA_BASE | EXTRA_DATA_FILE | EXTRA_AMEND },
    { "data_file_raw", { SIZE, CLUSTER(4096), RAW },
      EXTRA_DATA_FILE | EXTRA_RAW_DATA },
#ifdef CONFIG_GNUTLS
    { "luks", { SIZE, CLUSTER(4096), .encrypt = &luks },
      EXTRA_LUKS | EXTRA_AMEND },
    { "luks_base", { SIZE, CLUSTER(512), .encrypt = &luks },
      EXTRA_LUKS | EXTRA_BASE | EXTRA_SNAPSHOTS },
    { "luks_sub", { SIZE, CLUSTER(16 * KiB), SUB, .encrypt = &luks },
      EXTRA_LUKS | EXTRA_BASE | EXTRA_BITMAPS },
    { "luks_data", { SIZE, CLUSTER(4096), .encrypt = &luks },
      EXTRA_LUKS | EXTRA_DATA_FILE },
#endif
};

static void open_disk(Crash *c)
{
    c->t.bs = crash_open(c, c->files, 0, false);
    c->t.blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE |
                       BLK_PERM_RESIZE, BLK_PERM_ALL);
    g_assert_true(blk_insert_bs(c->t.blk, c->t.bs, NULL));
}

static void create_image(Crash *c)
{
    BlockdevCreateOptionsQcow2 o = c->kind->options;
    BlockdevRef data = { QAPI_KIND_STRING, { .reference = (char *)"data" } };
    Error *err = NULL;

    c->files[FILE_IMAGE] = mem_node_new("image", NULL, 0);
    if (c->kind->extras & EXTRA_DATA_FILE) {
        c->files[FILE_DATA] = mem_node_new("data", NULL, 0);
        o.data_file = &data;
    }
    if (!qcow2_create(c->files[FILE_IMAGE], &o, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    open_disk(c);
    c->log = mem_log_new();
    for (int i = 0; i < FILE__MAX && c->files[i]; i++) {
        MemNode *m = c->files[i]->opaque;

        m->id = i;
        c->first[i] = *m;
        c->first[i].data = g_memdup2(m->data, m->allocated);
        m->log = c->log;
    }
}

static void crash_start(Crash *c, const Kind *k)
{
    c->kind = k;
    c->size = MAX_BYTES;
    c->ops = g_array_new(FALSE, FALSE, sizeof(Op));
    g_array_set_clear_func(c->ops, op_clear);
    c->snaps = g_ptr_array_new_with_free_func(snap_free);
    c->marks = g_ptr_array_new_with_free_func(marks_free);
    if (k->extras & EXTRA_BASE) {
        for (size_t i = 0; i < MAX_BYTES; i++) {
            c->base_data[i] = i / SECTOR | 1;
        }
        memcpy(c->model, c->base_data, MAX_BYTES);
        c->base = mem_node_new("base", c->base_data, MAX_BYTES);
    }
    create_image(c);
}

static void crash_free(Crash *c)
{
    g_array_unref(c->log);
    for (int i = 0; i < FILE__MAX; i++) {
        bdrv_unref(c->files[i]);
        g_free(c->first[i].data);
    }
    bdrv_unref(c->base);
    g_array_unref(c->ops);
    g_ptr_array_unref(c->snaps);
    g_ptr_array_unref(c->marks);
    g_free(c);
}

static uint64_t one_run(const Kind *k, unsigned ops, guint every,
                        uint64_t *bitmaps_seen)
{
    Crash *c = g_new0(Crash, 1);
    uint64_t tried;

    crash_start(c, k);
    for (unsigned i = 0; i < ops; i++) {
        one_op(c);
    }
    qtest_close(&c->t);
    for (int i = 0; i < FILE__MAX && c->files[i]; i++) {
        ((MemNode *)c->files[i]->opaque)->log = NULL;
    }
    crash_cut(c, every);
    tried = c->tried;
    *bitmaps_seen += c->bitmaps_seen;
    crash_free(c);
    return tried;
}

static void test_crash(const void *data)
{
    const Kind *k = data;
    uint64_t share = wanted / G_N_ELEMENTS(kinds) + 1, tried = 0,
             bitmaps = 0;

    if (!wanted) {
        tried = one_run(k, SHORT_OPS, 3, &bitmaps);
    }
    /* As long as no bitmap was there to look at, too; that is chance. */
    while (wanted && (tried < share || (k->extras & EXTRA_BITMAPS &&
                                        !bitmaps && tried < 50 * share))) {
        tried += one_run(k, LONG_OPS, 1, &bitmaps);
    }
    g_assert_true(!wanted || bitmaps ||
                  !(k->extras & EXTRA_BITMAPS));
    g_test_message("%s: %" PRIu64 " images", k->name, tried);
}

static void add_secret(const char *id)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "data", json_object_new_string(id));
    g_assert_nonnull(user_creatable_add(TYPE_SECRET, id, json, NULL));
    json_object_put(json);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc == 3 && g_str_equal(argv[1], "--long")) {
        wanted = strtoull(argv[2], NULL, 10);
    }
    test_loop_init();
    add_secret("s");
    add_secret("t");
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/qcow2/crash/%s",
                                                kinds[i].name);

        g_test_add_data_func(path, &kinds[i], test_crash);
    }
    return g_test_run();
}
