/* SPDX-License-Identifier: GPL-2.0-or-later */
/* L2 slices that are read without the lock: block/qcow2-warm.c. */
#include "qcow2-test.h"
#include "block/image.h"

#define IMAGE_BYTES (2048 * MiB)
#define TABLE_SPAN  (512 * MiB)     /* what one L2 table maps */
#define CLUSTER     (64 * KiB)
#define SLICE       (4 * KiB)
#define SLICE_SPAN  (32 * MiB)

/* The file below: reads of L2 tables are counted, held or failed. */
static struct {
    BlockDriver driver;
    const BlockDriver *real;
    const Qcow2State *image;
    int hold;                       /* so many yet */
    int64_t fail_bytes;             /* which fail */
    int tables_read;
    int64_t last_bytes;             /* of one */
    GPtrArray *held;                /* coroutines; their data have been read */
} gate;

static bool in_table(int64_t offset)
{
    for (uint32_t i = 0; i < gate.image->l1_size; i++) {
        int64_t at = gate.image->l1[i] & QCOW2_OFFSET_MASK;

        if (offset >= at && offset < at + CLUSTER) {
            return true;
        }
    }
    return false;
}

static int coroutine_fn gate_preadv(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes, IoVec *iov)
{
    int ret = gate.real->co_preadv(bs, offset, bytes, iov);

    if (!in_table(offset)) {
        return ret;
    }
    gate.tables_read++;
    gate.last_bytes = bytes;
    if (gate.hold > 0) {
        gate.hold--;
        g_ptr_array_add(gate.held, coroutine_self());
        coroutine_yield();
    }
    return bytes == gate.fail_bytes ? -EIO : ret;
}

static void gate_release(void)
{
    g_autoptr(GPtrArray) held = gate.held;

    gate.hold = 0;
    gate.held = g_ptr_array_new();
    for (guint i = 0; i < held->len; i++) {
        aio_co_wake(held->pdata[i]);
    }
}

static char *open_image(QTest *t)
{
    BlockdevCreateOptionsQcow2 o = { .size = IMAGE_BYTES };
    char *path = qtest_create(&o);
    g_autofree uint8_t *buf = g_malloc(CLUSTER);

    qtest_open(t, path, "");
    memset(buf, 0x5a, CLUSTER);
    for (int64_t at = 0; at < IMAGE_BYTES; at += TABLE_SPAN) {
        g_assert_cmpint(qtest_write(t, at, CLUSTER, buf), ==, 0);
    }
    qtest_close(t);
    qtest_open(t, path, "");
    gate.real = t->bs->file->bs->drv;
    gate.driver = *gate.real;
    gate.driver.co_preadv = gate_preadv;
    gate.image = t->bs->opaque;
    gate.hold = 0;
    gate.fail_bytes = 0;
    gate.tables_read = 0;
    gate.held = g_ptr_array_new();
    t->bs->file->bs->drv = &gate.driver;
    return path;
}

static void close_image(QTest *t, char *path)
{
    t->bs->file->bs->drv = gate.real;
    g_ptr_array_unref(gate.held);
    qtest_close(t);
    g_unlink(path);
    g_free(path);
}

typedef struct Read {
    BlockDriverState *bs;
    int64_t offset;
    int ret;                        /* 1: under way */
    uint8_t byte;
} Read;

static void coroutine_fn read_co(void *opaque)
{
    Read *r = opaque;
    uint8_t buf[512];

    r->ret = bdrv_co_pread(r->bs, r->offset, buf, sizeof(buf));
    r->byte = buf[0];
}

static void start_read(Read *r, BlockDriverState *bs, int64_t offset)
{
    *r = (Read) { .bs = bs, .offset = offset, .ret = 1 };
    coroutine_enter(coroutine_create(read_co, r));
}

static void wait_held(guint n)
{
    while (gate.held->len < n) {
        aio_poll(main_context(), true);
    }
}

static void wait_read(const Read *read)
{
    while (read->ret > 0) {
        aio_poll(main_context(), true);
    }
}

static void wait_reads(const Read *reads, int n)
{
    for (int i = 0; i < n; i++) {
        wait_read(&reads[i]);
        g_assert_cmpint(reads[i].ret, ==, 0);
    }
}

static void assert_nothing_borrowed(const BlockDriverState *bs)
{
    const Qcow2State *s = bs->opaque;
    const Qcow2Cache *c = &s->l2_cache;

    g_assert_cmpuint(c->num_borrowed, ==, 0);
    g_assert_true(LIST_EMPTY(&c->loads));
    for (unsigned i = 0; i < c->num_used; i++) {
        g_assert_cmpuint(c->tables[i].pins, ==, 0);
    }
}

/* Slices are read at the same time, each once for all who want it. */
static void test_at_the_same_time(void)
{
    Read reads[4];
    QTest t;
    char *path = open_image(&t);

    gate.hold = 3;
    start_read(&reads[0], t.bs, 0);
    start_read(&reads[1], t.bs, TABLE_SPAN);
    start_read(&reads[2], t.bs, 2 * TABLE_SPAN);
    start_read(&reads[3], t.bs, TABLE_SPAN + CLUSTER);
    wait_held(3);
    g_assert_cmpint(gate.tables_read, ==, 3);
    g_assert_cmpint(gate.last_bytes, ==, SLICE);
    gate_release();
    wait_reads(reads, 4);
    g_assert_cmpint(gate.tables_read, ==, 3);
    g_assert_cmpint(reads[1].byte, ==, 0x5a);
    g_assert_cmpint(reads[3].byte, ==, 0);
    close_image(&t, path);
}

/* Who goes on where another was reads the rest with it, in either direction,
 * whether the first is there or still on its way. */
static void test_ahead(void)
{
    Read reads[2];
    QTest t;
    char *path = open_image(&t);

    gate.hold = 2;
    start_read(&reads[0], t.bs, 4 * SLICE_SPAN);
    start_read(&reads[1], t.bs, 5 * SLICE_SPAN);
    wait_held(2);
    g_assert_cmpint(gate.last_bytes, ==, 11 * SLICE);
    gate_release();
    wait_reads(reads, 2);
    start_read(&reads[0], t.bs, TABLE_SPAN - CLUSTER);
    wait_reads(reads, 1);
    g_assert_cmpint(gate.tables_read, ==, 2);
    start_read(&reads[0], t.bs, 3 * SLICE_SPAN);
    wait_reads(reads, 1);
    g_assert_cmpint(gate.last_bytes, ==, 4 * SLICE);
    start_read(&reads[0], t.bs, 0);
    wait_reads(reads, 1);
    g_assert_cmpint(reads[0].byte, ==, 0x5a);
    g_assert_cmpint(gate.tables_read, ==, 3);
    assert_nothing_borrowed(t.bs);
    close_image(&t, path);
}

/* What was read before the table changed in the file is not used. */
static void test_changed_meanwhile(void)
{
    Read reads[2];
    QTest t;
    char *path = open_image(&t);
    Qcow2State *s = t.bs->opaque;

    gate.hold = 1;
    start_read(&reads[0], t.bs, CLUSTER);
    wait_held(1);
    g_assert_cmpint(qtest_request(t.bs, QTEST_ZERO, 0, CLUSTER, NULL), ==, 0);
    g_assert_cmpint(qtest_request(t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
    qcow2_cache_forget_all(&s->l2_cache);
    gate_release();
    wait_reads(reads, 1);
    start_read(&reads[1], t.bs, 0);
    wait_reads(&reads[1], 1);
    g_assert_cmpint(reads[1].byte, ==, 0);
    close_image(&t, path);
}

/* A bad sector next to the slice does no harm. */
static void test_neighbour_fails(void)
{
    Read read;
    QTest t;
    char *path = open_image(&t);

    start_read(&read, t.bs, TABLE_SPAN + SLICE_SPAN);
    wait_reads(&read, 1);
    gate.fail_bytes = SLICE;
    start_read(&read, t.bs, TABLE_SPAN + 3 * SLICE_SPAN);
    wait_read(&read);
    g_assert_cmpint(read.ret, ==, -EIO);
    gate.fail_bytes = 14 * SLICE;
    start_read(&read, t.bs, TABLE_SPAN + 2 * SLICE_SPAN);
    wait_reads(&read, 1);
    g_assert_cmpint(gate.last_bytes, ==, SLICE);
    g_assert_cmpint(read.byte, ==, 0);
    assert_nothing_borrowed(t.bs);
    close_image(&t, path);
}

/* A slice can be as long as a table, and that longer than what is read ahead. */
static void test_long_slices(void)
{
    BlockdevCreateOptionsQcow2 o = {
        .size = IMAGE_BYTES, .has_cluster_size = true, .cluster_size = 2 * MiB,
    };
    const char *extra = ",\"l2-cache-size\":33554432,"
                        "\"l2-cache-entry-size\":2097152";
    char *path = qtest_create(&o);
    uint8_t buf[512];
    QTest t;

    memset(buf, 0x5a, sizeof(buf));
    qtest_open(&t, path, extra);
    g_assert_cmpint(qtest_write(&t, 7 * MiB, sizeof(buf), buf), ==, 0);
    qtest_close(&t);
    qtest_open(&t, path, extra);
    buf[0] = 0;
    g_assert_cmpint(qtest_request(t.bs, QTEST_READ, 7 * MiB, 512, buf), ==, 0);
    g_assert_cmpint(buf[0], ==, 0x5a);
    assert_nothing_borrowed(t.bs);
    qtest_close(&t);
    g_unlink(path);
    g_free(path);
}

/* Those who read ahead leave places for who has the lock. */
static void test_small_cache(void)
{
    Qcow2Cache c;
    Qcow2Table *t[2];

    g_assert_true(qcow2_cache_init(&c, 4096, QCOW2_MIN_TABLES + 2));
    g_assert_null(qcow2_cache_borrow_unused(&c, 3));
    t[0] = qcow2_cache_borrow_unused(&c, 1);
    t[1] = qcow2_cache_borrow_clean(&c);
    g_assert_nonnull(t[0]);
    g_assert_nonnull(t[1]);
    g_assert_null(qcow2_cache_borrow_clean(&c));
    qcow2_cache_give_back(&c, t[0], 65536);
    qcow2_cache_give_back(&c, t[1], 0);
    g_assert_true(qcow2_cache_has(&c, 65536));
    g_assert_nonnull(qcow2_cache_borrow_clean(&c));
    qcow2_cache_destroy(&c);
}

/* ---- Many requests at once, against a model ---- */

#define WORKERS     16
#define PLACES      24              /* of each worker, in all parts */
#define PIECE       4096
#define ROUNDS      150

typedef struct Crowd {
    BlockDriverState *bs;
    GRand *rand;
    uint64_t apart;                 /* of two places of a worker */
    int left;                       /* workers */
} Crowd;

typedef struct Worker {
    Crowd *crowd;
    uint64_t offset;                /* of its first place */
    uint8_t model[PLACES];
} Worker;

/* Tables are written, given up and dropped while others read them. */
static int coroutine_fn disturb(Crowd *crowd, int kind)
{
    Qcow2State *s = crowd->bs->opaque;
    int ret = 0;

    if (kind == 0) {
        return bdrv_co_flush(crowd->bs);
    }
    co_mutex_lock(&s->lock);
    if (kind == 1) {
        qcow2_cache_clean(&s->l2_cache);
    } else {
        ret = qcow2_write_tables(crowd->bs);
        qcow2_cache_forget_all(&s->l2_cache);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

static int coroutine_fn worker_step(Worker *w)
{
    Crowd *crowd = w->crowd;
    int i = g_rand_int_range(crowd->rand, 0, PLACES);
    int kind = g_rand_int_range(crowd->rand, 0, 12);
    uint64_t at = w->offset + i * crowd->apart;
    uint8_t buf[PIECE];
    int ret;

    if (kind < 3) {
        return disturb(crowd, kind);
    } else if (kind < 5) {
        w->model[i] = 0;
        return bdrv_co_pwrite_zeroes(crowd->bs, at, PIECE, kind == 3 ?
                                     BDRV_REQ_MAY_UNMAP : 0);
    } else if (kind < 8) {
        w->model[i] = 1 + g_rand_int_range(crowd->rand, 0, 255);
        memset(buf, w->model[i], PIECE);
        return bdrv_co_pwrite(crowd->bs, at, buf, PIECE, 0);
    }
    ret = bdrv_co_pread(crowd->bs, at, buf, PIECE);
    g_assert_cmpuint(buf[0], ==, w->model[i]);
    g_assert_cmpuint(buf[PIECE - 1], ==, w->model[i]);
    return ret;
}

static void coroutine_fn worker_co(void *opaque)
{
    Worker *w = opaque;

    for (int i = 0; i < ROUNDS; i++) {
        g_assert_cmpint(worker_step(w), ==, 0);
    }
    w->crowd->left--;
}

static void run_crowd(QTest *t, Worker *workers, uint64_t size)
{
    Crowd crowd = { .bs = t->bs, .apart = size / PLACES / 4096 * 4096,
                    .rand = g_rand_new_with_seed(g_test_rand_int()) };

    for (crowd.left = 0; crowd.left < WORKERS; crowd.left++) {
        Worker *w = &workers[crowd.left];

        w->crowd = &crowd;
        w->offset = crowd.left * PIECE;
    }
    for (int i = 0; i < WORKERS; i++) {
        coroutine_enter(coroutine_create(worker_co, &workers[i]));
    }
    while (crowd.left) {
        aio_poll(main_context(), true);
    }
    g_rand_free(crowd.rand);
}

/* @arg: bytes of a cluster, as a string. */
static void test_crowd(const void *arg)
{
    uint64_t cluster = strtoull(arg, NULL, 0);
    BlockdevCreateOptionsQcow2 o = {
        .size = cluster * 32768, .has_cluster_size = true,
        .cluster_size = cluster,
    };
    const char *extra = cluster > 4096 ?
        ",\"l2-cache-size\":196608,\"l2-cache-entry-size\":4096" :
        ",\"l2-cache-size\":16384,\"l2-cache-entry-size\":512";
    char *path = qtest_create(&o);
    Worker workers[WORKERS] = { 0 };
    BdrvCheckResult found;
    QTest t;

    for (int i = 0; i < 4; i++) {
        qtest_open(&t, path, extra);
        run_crowd(&t, workers, o.size);
        assert_nothing_borrowed(t.bs);
        g_assert_cmpint(qtest_request(t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
        g_assert_cmpint(bdrv_check(t.bs, &found, 0), ==, 0);
        g_assert_cmpint(found.corruptions + found.leaks, ==, 0);
        qtest_close(&t);
    }
    g_unlink(path);
    g_free(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/qcow2-warm/at-the-same-time", test_at_the_same_time);
    g_test_add_func("/qcow2-warm/ahead", test_ahead);
    g_test_add_func("/qcow2-warm/changed-meanwhile", test_changed_meanwhile);
    g_test_add_func("/qcow2-warm/neighbour-fails", test_neighbour_fails);
    g_test_add_func("/qcow2-warm/long-slices", test_long_slices);
    g_test_add_func("/qcow2-warm/small-cache", test_small_cache);
    g_test_add_data_func("/qcow2-warm/crowd/64k", "0x10000", test_crowd);
    g_test_add_data_func("/qcow2-warm/crowd/4k", "0x1000", test_crowd);
    return g_test_run();
}
