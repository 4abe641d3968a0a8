/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check and repair: images without damage, a table of damages. Where qemu-img
 * is there, it must find the same in all of them, and nothing after a repair.
 */
#include "qcow2-test.h"

#define IMAGE_BYTES (4 * MiB)

/* ---- Images ---- */

typedef struct Kind {
    const char *name;
    BlockdevCreateOptionsQcow2 options;
    bool snapshots;                 /* two of them */
} Kind;

#define SIZE .size = IMAGE_BYTES
#define CLUSTER(n) .has_cluster_size = true, .cluster_size = (n)
#define BITS(n) .has_refcount_bits = true, .refcount_bits = (n)

static const Kind kinds[] = {
    { "plain", { SIZE } },
    { "v2", { SIZE, .has_version = true,
              .version = BLOCKDEV_QCOW2_VERSION_V2 } },
    { "clusters_512", { SIZE, CLUSTER(512) } },
    { "clusters_2m", { SIZE, CLUSTER(2 * MiB) } },
    { "refcounts_1", { SIZE, BITS(1), CLUSTER(4096) } },
    { "refcounts_8", { SIZE, BITS(8), CLUSTER(4096) } },
    { "refcounts_64", { SIZE, BITS(64), CLUSTER(1024) } },
    { "subclusters", { SIZE, CLUSTER(16 * KiB), .has_extended_l2 = true,
                       .extended_l2 = true } },
    { "snapshots", { SIZE }, true },
    { "snapshots_v2", { SIZE, .has_version = true,
                        .version = BLOCKDEV_QCOW2_VERSION_V2 }, true },
    { "snapshots_sub", { SIZE, CLUSTER(16 * KiB), .has_extended_l2 = true,
                         .extended_l2 = true }, true },
};

static uint8_t pattern[IMAGE_BYTES];

/* Data in the first half, some of it compressed; zeros behind. */
static void fill(QTest *t)
{
    uint32_t cluster = bdrv_get_cluster_size(t->bs);
    int64_t zero = MAX(ROUND_UP(IMAGE_BYTES / 2, cluster), IMAGE_BYTES / 2);

    memset(pattern, 0, sizeof(pattern));
    for (int64_t i = 0; i < IMAGE_BYTES / 4; i++) {
        pattern[i] = (i >> 9) * 7 + i;
    }
    g_assert_cmpint(qtest_write(t, 0, IMAGE_BYTES / 4, pattern), ==, 0);
    for (int64_t at = IMAGE_BYTES / 4; at + cluster <= IMAGE_BYTES / 2 &&
         at < IMAGE_BYTES / 4 + 4 * cluster; at += cluster) {
        memset(pattern + at, at >> 10 | 1, cluster);
        g_assert_cmpint(qtest_request(t->bs, QTEST_COMPRESS, at, cluster,
                                      pattern + at), ==, 0);
    }
    g_assert_cmpint(qtest_request(t->bs, QTEST_ZERO, zero, IMAGE_BYTES / 8,
                                  NULL), ==, 0);
}

static char *make_image(const Kind *k)
{
    char *path = qtest_create(&k->options);
    QTest t;

    qtest_open(&t, path, "");
    fill(&t);
    for (int i = 0; k->snapshots && i < 2; i++) {
        BdrvSnapshot facts = { .name = (char *)"s", .date_sec = i };

        g_assert_cmpint(bdrv_snapshot_create(t.bs, &facts, NULL), ==, 0);
        g_assert_cmpint(qtest_write(&t, 0, 5000, pattern), ==, 0);
    }
    qtest_close(&t);
    return path;
}

/* ---- Our check, and that of qemu-img ---- */

static BlockDriverState *open_check(const char *path, bool write)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"qcow2\",\"read-only\":%s,\"file\":{\"driver\":"
        "\"file\",\"filename\":\"%s\"}}", write ? "false" : "true", path);
    struct json_object *tree = NULL;
    BlockdevOptions *o;
    BlockDriverState *bs;
    Error *err = NULL;

    g_assert_true(json_parse(json, strlen(json), &tree, NULL));
    o = bdrv_options_from_json(tree, NULL);
    json_object_put(tree);
    bs = bdrv_open_flags(o, BDRV_O_CHECK, &err);
    qapi_free_BlockdevOptions(o);
    if (!bs) {
        g_error("%s", error_get_pretty(err));
    }
    return bs;
}

static int check(const char *path, int fix, BdrvCheckResult *r)
{
    BlockDriverState *bs = open_check(path, fix);
    int ret = bdrv_check(bs, r, fix);

    bdrv_unref(bs);
    return ret;
}

static int64_t member(struct json_object *o, const char *name)
{
    return json_object_get_int64(json_object_object_get(o, name));
}

/* What qemu-img finds; false: it is not there, or it gives up. */
static bool peer_check(const char *path, BdrvCheckResult *r)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    g_autofree char *out = NULL;
    struct json_object *o = NULL;
    const char *argv[] = { program, "check", "--output=json", "-f", "qcow2",
                           path, NULL };

    if (!program) {
        return false;
    }
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                               G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out,
                               NULL, NULL, NULL));
    if (!json_parse(out, strlen(out), &o, NULL)) {
        return false;
    }
    *r = (BdrvCheckResult) {
        .corruptions = member(o, "corruptions"),
        .leaks = member(o, "leaks"),
        .check_errors = member(o, "check-errors"),
        .image_end_offset = member(o, "image-end-offset"),
        .total_clusters = member(o, "total-clusters"),
        .allocated_clusters = member(o, "allocated-clusters"),
        .fragmented_clusters = member(o, "fragmented-clusters"),
        .compressed_clusters = member(o, "compressed-clusters"),
    };
    json_object_put(o);
    return true;
}

static void assert_same(const char *what, const BdrvCheckResult *a,
                        const BdrvCheckResult *b)
{
    if (memcmp(a, b, sizeof(*a))) {
        g_test_fail();
        g_test_message("%s: corruptions %" PRId64 " %" PRId64 ", leaks %" PRId64
                " %" PRId64 ", errors %" PRId64 " %" PRId64 ", end 0x%" PRIx64
                " 0x%" PRIx64 ", clusters %" PRId64 " %" PRId64
                ", allocated %" PRId64 " %" PRId64 ", fragmented %" PRId64
                " %" PRId64 ", compressed %" PRId64 " %" PRId64, what,
                a->corruptions, b->corruptions, a->leaks, b->leaks,
                a->check_errors, b->check_errors, a->image_end_offset,
                b->image_end_offset, a->total_clusters, b->total_clusters,
                a->allocated_clusters, b->allocated_clusters,
                a->fragmented_clusters, b->fragmented_clusters,
                a->compressed_clusters, b->compressed_clusters);
    }
}

static void test_good(const void *data)
{
    const Kind *k = data;
    g_autofree char *path = make_image(k);
    BdrvCheckResult r, peer;

    g_assert_cmpint(check(path, 0, &r), ==, 0);
    g_assert_cmpint(r.corruptions + r.leaks + r.check_errors, ==, 0);
    g_assert_cmpint(r.allocated_clusters, >, 0);
    if (peer_check(path, &peer)) {
        assert_same(k->name, &r, &peer);
    }
    g_unlink(path);
}

/* ---- Damage ---- */

/* Where things are in the image: bytes of the file. */
typedef struct Layout {
    uint8_t *data;
    gsize bytes;
    uint64_t cluster, l1, l2, reft, block, entry_bytes;
    unsigned bits;
} Layout;

typedef void DamageFn(Layout *l);

static void find_layout(Layout *l)
{
    uint64_t features = get_be32(l->data + 4) < 3 ? 0 : get_be64(l->data + 72);

    l->cluster = 1ULL << get_be32(l->data + 20);
    l->l1 = get_be64(l->data + 40);
    l->l2 = get_be64(l->data + l->l1) & QCOW2_OFFSET_MASK;
    l->reft = get_be64(l->data + 48);
    l->block = get_be64(l->data + l->reft);
    l->entry_bytes = features & QCOW2_INCOMPAT_EXTENDED_L2 ? 16 : 8;
    l->bits = 1u << (get_be32(l->data + 4) < 3 ? 4 : get_be32(l->data + 96));
}

static void set_count(Layout *l, uint64_t offset, uint64_t count)
{
    Qcow2State s = { .refcount_bits = l->bits };

    qcow2_count_write(&s, l->data + l->block, offset / l->cluster, count);
}

static uint64_t l2_get(const Layout *l, unsigned i)
{
    return get_be64(l->data + l->l2 + i * l->entry_bytes);
}

static void l2_set(Layout *l, unsigned i, uint64_t entry)
{
    put_be64(l->data + l->l2 + i * l->entry_bytes, entry);
}

static uint64_t data_offset(const Layout *l, unsigned i)
{
    return l2_get(l, i) & QCOW2_OFFSET_MASK;
}

static void l1_or(Layout *l, uint64_t set, uint64_t clear)
{
    put_be64(l->data + l->l1, (get_be64(l->data + l->l1) & ~clear) | set);
}

static unsigned find_compressed(const Layout *l)
{
    for (unsigned i = 0; i < l->cluster / l->entry_bytes; i++) {
        if (l2_get(l, i) & QCOW2_OFLAG_COMPRESSED) {
            return i;
        }
    }
    return 0;
}

static void count_zero(Layout *l) { set_count(l, data_offset(l, 0), 0); }
static void count_two(Layout *l) { set_count(l, data_offset(l, 0), 2); }
static void count_l2_zero(Layout *l) { set_count(l, l->l2, 0); }
static void count_l1_zero(Layout *l) { set_count(l, l->l1, 0); }
static void count_block_zero(Layout *l) { set_count(l, l->block, 0); }
static void count_table_zero(Layout *l) { set_count(l, l->reft, 0); }
static void counts_zero(Layout *l) { memset(l->data + l->block, 0, l->cluster); }
static void block_missing(Layout *l) { put_be64(l->data + l->reft, 0); }
static void block_unaligned(Layout *l)
{
    put_be64(l->data + l->reft, l->block + 512);
}
static void block_reserved(Layout *l)
{
    put_be64(l->data + l->reft, l->block + 1);
}
static void block_outside(Layout *l)
{
    put_be64(l->data + l->reft, 1ULL << 40);
}
static void block_is_l1(Layout *l) { put_be64(l->data + l->reft, l->l1); }
static void block_is_header(Layout *l) { put_be64(l->data + l->reft + 8, l->l2); }
static void l1_not_copied(Layout *l) { l1_or(l, 0, QCOW2_OFLAG_COPIED); }
static void l1_reserved(Layout *l) { l1_or(l, 1ULL << 60, 0); }
static void l1_unaligned(Layout *l) { l1_or(l, 512, 0); }
static void l1_outside(Layout *l) { l1_or(l, 1ULL << 50, 0); }
static void l1_is_l1(Layout *l) { l1_or(l, l->l1, QCOW2_OFFSET_MASK); }
static void l1_no_offset(Layout *l) { l1_or(l, 0, QCOW2_OFFSET_MASK); }
static void l1_empty(Layout *l) { put_be64(l->data + l->l1, 0); }
static void l2_not_copied(Layout *l)
{
    l2_set(l, 1, l2_get(l, 1) & ~QCOW2_OFLAG_COPIED);
}
static void l2_reserved(Layout *l) { l2_set(l, 1, l2_get(l, 1) | 2); }
static void l2_unaligned(Layout *l) { l2_set(l, 1, l2_get(l, 1) | 512); }
static void l2_outside(Layout *l) { l2_set(l, 1, l2_get(l, 1) | 1ULL << 50); }
static void l2_just_outside(Layout *l)
{
    l2_set(l, 1, ROUND_UP(l->bytes, l->cluster) | QCOW2_OFLAG_COPIED);
}
static void l2_doubled(Layout *l) { l2_set(l, 1, l2_get(l, 0)); }
static void l2_is_l2(Layout *l) { l2_set(l, 1, l->l2 | QCOW2_OFLAG_COPIED); }
static void l2_is_l1(Layout *l) { l2_set(l, 1, l->l1 | QCOW2_OFLAG_COPIED); }
static void l2_is_header(Layout *l)
{
    l2_set(l, 1, l->reft | QCOW2_OFLAG_COPIED);
}
static void l2_empty(Layout *l) { l2_set(l, 0, 0); }
static void compressed_copied(Layout *l)
{
    unsigned i = find_compressed(l);

    l2_set(l, i, l2_get(l, i) | QCOW2_OFLAG_COPIED);
}
static void compressed_outside(Layout *l)
{
    unsigned i = find_compressed(l);

    l2_set(l, i, l2_get(l, i) | 1ULL << 36);
}
static void zero_unaligned(Layout *l)
{
    l2_set(l, 1, l2_get(l, 1) | QCOW2_OFLAG_ZERO | 512);
}
static void truncated(Layout *l) { l->bytes = data_offset(l, 1); }
static void dirty(Layout *l) { l->data[79] |= QCOW2_INCOMPAT_DIRTY; }
static void corrupt(Layout *l) { l->data[79] |= QCOW2_INCOMPAT_CORRUPT; }
static void dirty_zero(Layout *l) { dirty(l); counts_zero(l); }
static void corrupt_zero(Layout *l) { corrupt(l); counts_zero(l); }
static void corrupt_two(Layout *l) { corrupt(l); count_two(l); }
static void sub_both(Layout *l)
{
    put_be64(l->data + l->l2 + 8, UINT64_MAX);
}
static void sub_no_host(Layout *l) { l2_set(l, 0, 0); }

static uint8_t *first_snapshot(Layout *l)
{
    return l->data + get_be64(l->data + 64);
}
static void snap_l1_unaligned(Layout *l)
{
    put_be64(first_snapshot(l), get_be64(first_snapshot(l)) + 8);
}
static void snap_l1_outside(Layout *l)
{
    put_be64(first_snapshot(l), 1ULL << 45);
}
static void snap_l1_long(Layout *l) { put_be32(first_snapshot(l) + 8, 1u << 30); }
static void snap_l2_empty(Layout *l)
{
    put_be64(l->data + get_be64(first_snapshot(l)), 0);
}
static void snap_l2_outside(Layout *l)
{
    put_be64(l->data + get_be64(first_snapshot(l)), 1ULL << 44);
}
static void snap_table_count(Layout *l)
{
    set_count(l, get_be64(l->data + 64), 0);
}
static void snap_gone(Layout *l) { put_be32(l->data + 60, 1); }
static void snap_copied(Layout *l)
{
    l2_set(l, 2, l2_get(l, 2) | QCOW2_OFLAG_COPIED);
}

enum { ALL_KINDS = 0, V3 = 1, SUB = 2, NO_SUB = 4, COMPRESSED = 8,
       NO_PEER = 16, NOT_512 = 32,
       SNAPSHOTS = 64, NO_SNAPSHOTS = 128 };

static const struct {
    const char *name;
    DamageFn *fn;
    bool clean_after;               /* a repair leaves nothing */
    int flags;
} damages[] = {
    { "count_zero", count_zero, true },
    { "count_two", count_two, true },
    { "count_l2_zero", count_l2_zero, true },
    { "count_l1_zero", count_l1_zero, true },
    { "count_block_zero", count_block_zero, true },
    { "count_table_zero", count_table_zero, true },
    { "counts_zero", counts_zero, true },
    { "block_missing", block_missing, true },
    { "block_unaligned", block_unaligned, true, NO_PEER | NOT_512 },
    { "block_reserved", block_reserved, true, NO_PEER },
    { "block_outside", block_outside, true },
    { "block_is_l1", block_is_l1, true },
    { "block_is_l2", block_is_header, true },
    { "l1_not_copied", l1_not_copied, true },
    { "l1_reserved", l1_reserved, false },
    { "l1_unaligned", l1_unaligned, false, NO_PEER | NOT_512 },
    { "l1_outside", l1_outside, false, NO_PEER },
    { "l1_is_l1", l1_is_l1, false, NO_PEER },
    { "l1_empty", l1_empty, true },
    { "l1_no_offset", l1_no_offset, false, NO_PEER },
    { "l2_not_copied", l2_not_copied, true, NO_SNAPSHOTS },
    { "l2_reserved", l2_reserved, false },
    { "l2_unaligned", l2_unaligned, false, NOT_512 },
    { "l2_outside", l2_outside, false },
    { "l2_just_outside", l2_just_outside, false },
    { "l2_doubled", l2_doubled, true },
    { "l2_is_l2", l2_is_l2, true },
    { "l2_is_l1", l2_is_l1, true },
    { "l2_is_table", l2_is_header, true },
    { "l2_empty", l2_empty, true, NO_SUB },
    { "compressed_copied", compressed_copied, false, COMPRESSED },
    { "compressed_outside", compressed_outside, false, COMPRESSED },
    { "zero_unaligned", zero_unaligned, true, V3 | NO_SUB | NOT_512 },
    { "truncated", truncated, false, NO_SNAPSHOTS },
    { "dirty", dirty, true, V3 },
    { "corrupt", corrupt, true, V3 },
    { "dirty_zero", dirty_zero, true, V3 },
    { "corrupt_zero", corrupt_zero, true, V3 },
    { "corrupt_two", corrupt_two, true, V3 },
    { "snap_l1_unaligned", snap_l1_unaligned, false, SNAPSHOTS | NO_PEER },
    { "snap_l1_outside", snap_l1_outside, false, SNAPSHOTS | NO_PEER },
    { "snap_l1_long", snap_l1_long, false, SNAPSHOTS | NO_PEER },
    { "snap_l2_empty", snap_l2_empty, true, SNAPSHOTS },
    { "snap_l2_outside", snap_l2_outside, false, SNAPSHOTS | NO_PEER },
    { "snap_table_count", snap_table_count, true, SNAPSHOTS },
    { "snap_gone", snap_gone, true, SNAPSHOTS },
    { "snap_copied", snap_copied, true, SNAPSHOTS },
    { "sub_both", sub_both, false, SUB },
    { "sub_no_host", sub_no_host, false, SUB },
};

static bool applies(int flags, const Kind *k, const Layout *l)
{
    bool sub = l->entry_bytes == 16;

    return (!(flags & V3) || get_be32(l->data + 4) >= 3) &&
           (!(flags & SUB) || sub) && (!(flags & NO_SUB) || !sub) &&
           (!(flags & SNAPSHOTS) || k->snapshots) &&
           (!(flags & NO_SNAPSHOTS) || !k->snapshots) &&
           (!(flags & NOT_512) || l->cluster > 512) &&
           (!(flags & COMPRESSED) || find_compressed(l)) &&
           /* A count of 2 needs two bits; one entry in the table. */
           !(l->bits == 1 && strstr(k->name, "refcounts_1"));
}

/* Nothing is left that says otherwise. */
static void assert_usable(const char *what, const char *path)
{
    uint8_t buf[512] = { 1 };
    Error *err = NULL;
    QTest t;

    if (!qtest_try_open(&t, path, "", &err)) {
        g_error("%s: %s", what, error_get_pretty(err));
    }
    g_assert_false(((Qcow2State *)t.bs->opaque)->incompatible &
                   (QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT));
    g_assert_cmpint(qtest_write(&t, IMAGE_BYTES - 512, 512, buf), ==, 0);
    g_assert_cmpint(qtest_request(t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
    qtest_close(&t);
}

static void one_damage(const Kind *k, size_t i, const Layout *good)
{
    g_autofree char *what = g_strdup_printf("%s/%s", k->name, damages[i].name);
    Layout l = *good;
    g_autofree char *path = NULL;
    BdrvCheckResult r, peer;

    l.data = g_memdup2(good->data, good->bytes);
    damages[i].fn(&l);
    path = test_file(l.data, l.bytes);
    g_free(l.data);
    g_assert_cmpint(check(path, 0, &r), ==, 0);
    if (!strstr(what, "/dirty") && !strstr(what, "/corrupt") &&
        !(r.corruptions + r.leaks)) {
        g_error("%s: nothing found", what);
    }
    if (!(damages[i].flags & NO_PEER) && peer_check(path, &peer)) {
        assert_same(what, &r, &peer);
    }
    check(path, BDRV_FIX_LEAKS | BDRV_FIX_ERRORS, &r);
    g_assert_cmpint(check(path, 0, &r), ==, 0);
    if (damages[i].clean_after != !(r.corruptions + r.leaks)) {
        g_test_fail();
        g_test_message("%s: after the repair %" PRId64 " corruptions, %" PRId64
                " leaks", what, r.corruptions, r.leaks);
    }
    if (damages[i].clean_after && peer_check(path, &peer)) {
        assert_same(what, &r, &peer);
    }
    if (damages[i].clean_after) {
        assert_usable(what, path);
    }
    g_unlink(path);
}

static void test_damage(const void *data)
{
    const Kind *k = data;
    g_autofree char *path = make_image(k);
    Layout l = { 0 };

    g_assert_true(g_file_get_contents(path, (char **)&l.data, &l.bytes, NULL));
    find_layout(&l);
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
        if (applies(damages[i].flags, k, &l)) {
            one_damage(k, i, &l);
        }
    }
    g_free(l.data);
    g_unlink(path);
}

/* Only leaks are wanted: what else is wrong stays, and is told. */
static void test_leaks_only(void)
{
    g_autofree char *path = make_image(&kinds[0]);
    BdrvCheckResult r;
    Layout l = { 0 };

    g_assert_true(g_file_get_contents(path, (char **)&l.data, &l.bytes, NULL));
    find_layout(&l);
    set_count(&l, data_offset(&l, 0), 2);
    set_count(&l, data_offset(&l, 1), 0);
    g_assert_true(g_file_set_contents(path, (char *)l.data, l.bytes, NULL));
    g_free(l.data);
    g_assert_cmpint(check(path, BDRV_FIX_LEAKS, &r), ==, 0);
    g_assert_cmpint(r.leaks_fixed, ==, 1);
    g_assert_cmpint(r.leaks, ==, 0);
    g_assert_cmpint(r.corruptions, >, 0);
    g_assert_cmpint(r.corruptions_fixed, ==, 0);
    g_assert_cmpint(check(path, 0, &r), ==, 0);
    g_assert_cmpint(r.leaks, ==, 0);
    g_assert_cmpint(r.corruptions, ==, 2);
    g_unlink(path);
}

/* A dirty image is repaired when something may write to it. */
static void test_dirty_open(void)
{
    g_autofree char *path = make_image(&kinds[0]);
    g_autofree uint8_t *buf = g_malloc(IMAGE_BYTES);
    BdrvCheckResult r;
    Layout l = { 0 };
    QTest t;

    g_assert_true(g_file_get_contents(path, (char **)&l.data, &l.bytes, NULL));
    find_layout(&l);
    dirty_zero(&l);
    g_assert_true(g_file_set_contents(path, (char *)l.data, l.bytes, NULL));
    g_free(l.data);
    qtest_open(&t, path, ",\"read-only\":true");
    g_assert_true(qcow2_is_dirty(t.bs));
    qtest_close(&t);
    qtest_open(&t, path, "");
    g_assert_false(qcow2_is_dirty(t.bs));
    g_assert_cmpint(qtest_request(t.bs, QTEST_READ, 0, IMAGE_BYTES, buf), ==,
                    0);
    g_assert_cmpmem(buf, IMAGE_BYTES, pattern, IMAGE_BYTES);
    g_assert_cmpint(qtest_write(&t, 3 * MiB, 1000, pattern), ==, 0);
    qtest_close(&t);
    g_assert_cmpint(check(path, 0, &r), ==, 0);
    g_assert_cmpint(r.corruptions + r.leaks, ==, 0);
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *good = g_strdup_printf("/qcow2/check/good/%s",
                                                kinds[i].name);
        g_autofree char *bad = g_strdup_printf("/qcow2/check/damage/%s",
                                               kinds[i].name);

        g_test_add_data_func(good, &kinds[i], test_good);
        g_test_add_data_func(bad, &kinds[i], test_damage);
    }
    g_test_add_func("/qcow2/check/leaks_only", test_leaks_only);
    g_test_add_func("/qcow2/check/dirty_open", test_dirty_open);
    return g_test_run();
}
