/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that point far away: into bits that are reserved, to places that no
 * file has, and to as many clusters as a table can have. What the format allows
 * (bits 9 to 55) is tried, and is the file's to refuse; the rest is an error or
 * damage. Nothing makes the file longer than it may be, and a check sees it.
 */
#include "qcow2-test.h"
#include <glib/gstdio.h>
#include <unistd.h>
#include "../lib/mem-node.h"
#include "block/image.h"

#define CLUSTER_BYTES   0x10000ULL
#define FILE_MAX  (64 * MiB)
#define FAR       (1ULL << 55)              /* the format has it, no file */
#define FARTHEST  (QCOW2_OFFSET_MASK & ~(CLUSTER_BYTES - 1))
#define COPIED    QCOW2_OFLAG_COPIED
#define COMPRESSED    QCOW2_OFLAG_COMPRESSED
#define OPEN_FAILS 1                        /* as a result of read */

/* Where tables are in the image that all of this is done to. */
enum { HEADER, REFTABLE = 0x10000, REFBLOCK = 0x20000, L1 = 0x30000,
       L2 = 0x40000, DATA = 0x50000 };

typedef struct Row {
    const char *name;
    unsigned at;
    uint64_t value;
    int read, write, other, flush;  /* 0 or -errno */
    bool sound;                     /* a check has nothing to say */
} Row;

static const Row rows[] = {
    { "nothing", L2, COPIED | DATA, 0, 0, 0, 0, true },
    { "header_l1_63", 40, 1ULL << 63, OPEN_FAILS },
    { "header_l1_62", 40, 1ULL << 62, OPEN_FAILS },
    { "header_l1_56", 40, 1ULL << 56, OPEN_FAILS },
    { "header_l1_top", 40, -CLUSTER_BYTES, OPEN_FAILS },
    { "header_l1_far", 40, FAR, 0, 0, 0, -EFBIG },
    { "header_reftable_63", 48, 1ULL << 63, OPEN_FAILS },
    { "header_reftable_62", 48, 1ULL << 62, OPEN_FAILS },
    { "header_reftable_top", 48, -CLUSTER_BYTES, OPEN_FAILS },
    { "reftable_far", REFTABLE, FAR, 0, 0, -EIO, -EIO },
    { "reftable_56", REFTABLE, 1ULL << 56, 0, 0, -EIO, -EIO },
    { "reftable_62", REFTABLE, 1ULL << 62, 0, 0, -EIO, -EIO },
    { "reftable_63", REFTABLE, 1ULL << 63, 0, 0, -EIO, -EIO },
    { "reftable_top", REFTABLE, -CLUSTER_BYTES, 0, 0, -EIO, -EIO },
    { "reftable_reserved", REFTABLE, REFBLOCK | 256, 0, 0, -EIO, -EIO },
    { "l1_far", L1, COPIED | FAR, 0, 0, 0, -EFBIG },
    { "l1_farthest", L1, COPIED | FARTHEST, 0, 0, 0, -EFBIG },
    { "l1_reserved_56", L1, COPIED | L2 | 1ULL << 56, 0, 0, 0, 0 },
    { "l1_reserved_62", L1, COPIED | L2 | 1ULL << 62, 0, 0, 0, 0 },
    { "l1_reserved_0", L1, COPIED | L2 | 1, 0, 0, 0, 0 },
    { "l1_not_at_a_cluster", L1, COPIED | L2 | 512, -EIO, -EIO, -EIO, -EIO },
    { "l2_far", L2, COPIED | FAR, 0, -EFBIG, 0, -EIO },
    { "l2_farthest", L2, COPIED | FARTHEST, 0, -EFBIG, 0, -EIO },
    { "l2_far_shared", L2, FAR, 0, 0, 0, -EIO },
    { "l2_far_zeros", L2, COPIED | FAR | 1, 0, -EFBIG, 0, -EIO },
    { "l2_reserved_57", L2, COPIED | DATA | 1ULL << 57, 0, 0, 0, 0 },
    { "l2_reserved_1", L2, COPIED | DATA | 2, 0, 0, 0, 0 },
    { "l2_not_at_a_cluster", L2, COPIED | DATA | 512, -EIO, -EIO, -EIO, -EIO },
    { "packed_far", L2, COMPRESSED | ((1ULL << 54) - 1), -EIO, -EIO, 0, -EIO },
    { "packed_all_bits", L2, COMPRESSED | (COMPRESSED - 1), -EIO, -EIO, 0,
      -EIO },
    { "packed_copied", L2, COPIED | COMPRESSED | DATA, -EIO, -EIO, 0, 0 },
};

static BlockDriverState *open_image(BlockDriverState *file, BdrvOpenFlags flags)
{
    BlockdevRef ref = { .type = QAPI_KIND_STRING,
                        .u.reference = file->node_name };
    BlockdevOptions o = {
        .driver = BLOCKDEV_DRIVER_QCOW2, .has_discard = true,
        .discard = BLOCKDEV_DISCARD_OPTIONS_UNMAP,
    };

    o.u.qcow2.file = &ref;
    return bdrv_open_flags(&o, flags, NULL);
}

static BlockDriverState *new_file(const uint8_t *data, int64_t bytes)
{
    BlockDriverState *file = mem_node_new("file", data, bytes);

    ((MemNode *)file->opaque)->max_bytes = FILE_MAX;
    return file;
}

static bool open_disk(QTest *t, BlockDriverState *file)
{
    *t = (QTest) { .bs = open_image(file, 0) };
    if (t->bs) {
        t->blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE |
                         BLK_PERM_RESIZE, BLK_PERM_ALL);
        g_assert_true(blk_insert_bs(t->blk, t->bs, NULL));
    }
    return t->bs;
}

/* One cluster of data, with everything where the constants say. */
static uint8_t *make_image(BlockdevCreateOptionsQcow2 *o, int64_t *bytes)
{
    BlockDriverState *file = mem_node_new("file", NULL, 0);
    MemNode *m = file->opaque;
    uint8_t buf[4096], *data;
    QTest t;

    memset(buf, 7, sizeof(buf));
    g_assert_true(qcow2_create(file, o, NULL));
    g_assert_true(open_disk(&t, file));
    g_assert_cmpint(qtest_write(&t, 0, sizeof(buf), buf), ==, 0);
    qtest_close(&t);
    *bytes = m->bytes;
    data = g_memdup2(m->data, m->bytes);
    bdrv_unref(file);
    g_assert_cmphex(get_be64(data + 40), ==, L1);
    g_assert_cmphex(get_be64(data + 48), ==, REFTABLE);
    g_assert_cmphex(get_be64(data + REFTABLE), ==, REFBLOCK);
    g_assert_cmphex(get_be64(data + L1), ==, COPIED | L2);
    g_assert_cmphex(get_be64(data + L2), ==, COPIED | DATA);
    return data;
}

static void use_disk(const Row *r, BlockDriverState *file)
{
    uint8_t buf[4096];
    QTest t;

    if (!open_disk(&t, file)) {
        g_assert_cmpint(r->read, ==, OPEN_FAILS);
        return;
    }
    g_assert_cmpint(qtest_request(t.bs, QTEST_READ, 0, sizeof(buf), buf), ==,
                    r->read);
    g_assert_cmpint(qtest_write(&t, 0, sizeof(buf), buf), ==, r->write);
    g_assert_cmpint(qtest_write(&t, 512 * KiB, sizeof(buf), buf), ==,
                    r->other);
    qtest_request(t.bs, QTEST_DISCARD, 0, CLUSTER_BYTES, NULL);
    g_assert_cmpint(qtest_request(t.bs, QTEST_FLUSH, 0, 0, NULL), ==,
                    r->flush);
    qtest_close(&t);
}

static void check_and_repair(const Row *r, BlockDriverState *file)
{
    BlockDriverState *bs = open_image(file, BDRV_O_CHECK);
    BdrvCheckResult found = { 0 };

    if (!bs) {
        g_assert_cmpint(r->read, ==, OPEN_FAILS);
        return;
    }
    g_assert_cmpint(bdrv_check(bs, &found, 0), ==, 0);
    g_assert_cmpint(!(found.corruptions + found.check_errors), ==, r->sound);
    bdrv_check(bs, &found, BDRV_FIX_LEAKS | BDRV_FIX_ERRORS);
    bdrv_unref(bs);
}

/* What checks find and drivers warn of is a lot, and not for the log. */
static int quiet_begin(void)
{
    int old = dup(STDERR_FILENO);

    g_assert_nonnull(freopen("/dev/null", "w", stderr));
    return old;
}

static void quiet_end(int old)
{
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    close(old);
}

static void test_row(const void *opaque)
{
    BlockdevCreateOptionsQcow2 o = { .size = MiB };
    const Row *r = opaque;
    int64_t bytes;
    g_autofree uint8_t *data = make_image(&o, &bytes);
    void (*const use[])(const Row *, BlockDriverState *) = {
        use_disk, check_and_repair,
    };
    int old = quiet_begin();

    put_be64(data + r->at, r->value);
    for (size_t i = 0; i < G_N_ELEMENTS(use); i++) {
        BlockDriverState *file = new_file(data, bytes);

        use[i](r, file);
        g_assert_cmpint(((MemNode *)file->opaque)->bytes, <=, FILE_MAX);
        bdrv_unref(file);
    }
    quiet_end(old);
}

/* 2^48 bytes in use, by one block that the whole table points to. */
static void test_all_in_use(void)
{
    BlockdevCreateOptionsQcow2 o = { .size = MiB, .has_refcount_bits = true,
                                     .refcount_bits = 1 };
    uint8_t buf[4096] = { 0 };
    int64_t bytes;
    g_autofree uint8_t *data = make_image(&o, &bytes);
    BlockDriverState *file;
    QTest t;
    int old = quiet_begin();

    memset(data + REFBLOCK, 0xff, CLUSTER_BYTES);
    for (unsigned i = 0; i < CLUSTER_BYTES; i += 8) {
        put_be64(data + REFTABLE + i, REFBLOCK);
    }
    file = new_file(data, bytes);
    g_assert_true(open_disk(&t, file));
    g_assert_cmpint(qtest_write(&t, 0, sizeof(buf), buf), ==, 0);
    g_assert_cmpint(qtest_write(&t, 512 * KiB, sizeof(buf), buf), ==, -EIO);
    g_assert_true(((Qcow2State *)t.bs->opaque)->corrupt);
    qtest_close(&t);
    bdrv_unref(file);
    quiet_end(old);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/qcow2/offsets/%s",
                                                rows[i].name);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/qcow2/offsets/all_in_use", test_all_in_use);
    return g_test_run();
}
