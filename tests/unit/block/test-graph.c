/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block graph: rights, changes of edges, drained sections. */
#include "block-test.h"

#define READ  BLK_PERM_CONSISTENT_READ
#define WRITE BLK_PERM_WRITE

static BlockBackend *user(BlockDriverState *bs, uint64_t perm, uint64_t shared,
                          Error **errp)
{
    BlockBackend *blk = blk_new(NULL, perm, shared);

    if (!blk_insert_bs(blk, bs, errp)) {
        blk_unref(blk);
        return NULL;
    }
    return blk;
}

/* ---- Rights ---- */

static void test_perm_conflict(void)
{
    g_autoptr(Error) err = NULL;
    BlockDriverState *bs = test_null_node("n0");
    BlockBackend *a = user(bs, READ | WRITE, READ, &err);
    BlockBackend *b = user(bs, READ | WRITE, BLK_PERM_ALL, &err);

    g_assert_nonnull(a);
    g_assert_null(b);
    assert_error(err, "does not allow 'write' on n0");
    b = user(bs, READ, BLK_PERM_ALL, NULL);
    g_assert_nonnull(b);
    /* What was refused left nothing behind. */
    g_assert_true(blk_set_perm(a, READ, BLK_PERM_ALL, NULL));
    g_assert_true(blk_set_perm(b, READ | WRITE, READ, NULL));
    blk_unref(a);
    blk_unref(b);
    bdrv_unref(bs);
}

static void test_perm_not_shared(void)
{
    g_autoptr(Error) err = NULL;
    BlockDriverState *bs = test_null_node("n0");
    BlockBackend *a = user(bs, READ | WRITE, BLK_PERM_ALL, NULL);

    g_assert_null(user(bs, READ, READ, &err));
    assert_error(err, "uses 'write' on n0");
    blk_unref(a);
    bdrv_unref(bs);
}

static void test_perm_read_only(void)
{
    g_autoptr(Error) err = NULL;
    BlockDriverState *bs = test_open_ok(
        "{\"driver\":\"null-co\",\"node-name\":\"n0\",\"read-only\":true}");

    g_assert_null(user(bs, READ | WRITE, BLK_PERM_ALL, &err));
    assert_error(err, "read-only");
    bdrv_unref(bs);
}

/* A refusal two levels down undoes everything above. */
static void test_perm_rolls_back(void)
{
    BlockDriverState *file = test_null_node("file");
    BlockDriverState *raw = test_open_ok(
        "{\"driver\":\"raw\",\"node-name\":\"fmt\",\"file\":\"file\"}");
    BlockBackend *other = user(file, READ, READ | BLK_PERM_WRITE_UNCHANGED,
                               NULL);
    BlockBackend *blk = user(raw, READ, BLK_PERM_ALL, NULL);
    g_autoptr(Error) err = NULL;
    uint64_t perm, shared;

    g_assert_false(blk_set_perm(blk, READ | WRITE, BLK_PERM_ALL, &err));
    assert_error(err, "does not allow 'write' on file");
    bdrv_get_cumulative_perm(raw, &perm, &shared);
    g_assert_cmphex(perm, ==, READ);
    bdrv_get_cumulative_perm(file, &perm, &shared);
    g_assert_cmphex(perm, ==, READ);
    blk_unref(other);
    g_assert_true(blk_set_perm(blk, READ | WRITE, BLK_PERM_ALL, NULL));
    bdrv_get_cumulative_perm(file, &perm, &shared);
    g_assert_cmphex(perm, ==, READ | WRITE);
    blk_unref(blk);
    bdrv_unref(raw);
    bdrv_unref(file);
}

static const struct {
    BdrvChildRole role;
    uint64_t perm, shared, nperm, nshared;
} role_cases[] = {
    { BDRV_CHILD_FILTERED, READ | WRITE, READ, READ | WRITE, READ },
    /* A backing file is read, and changes when the user does not mind. */
    { BDRV_CHILD_COW, READ | WRITE, BLK_PERM_ALL, READ, BLK_PERM_ALL },
    { BDRV_CHILD_COW, WRITE, READ, 0, READ | BLK_PERM_WRITE_UNCHANGED },
    /* Tables may be written at any time. */
    { BDRV_CHILD_IMAGE, READ, BLK_PERM_ALL, READ | WRITE | BLK_PERM_RESIZE,
      READ | BLK_PERM_WRITE_UNCHANGED },
    { BDRV_CHILD_DATA, READ, READ, READ, READ | BLK_PERM_WRITE_UNCHANGED },
};

static void test_perm_roles(void)
{
    BlockDriverState *bs = test_null_node("n0");

    for (size_t i = 0; i < G_N_ELEMENTS(role_cases); i++) {
        uint64_t perm, shared;

        bdrv_default_child_perm(bs, role_cases[i].role, role_cases[i].perm,
                                role_cases[i].shared, &perm, &shared);
        g_assert_cmphex(perm, ==, role_cases[i].nperm);
        g_assert_cmphex(shared, ==, role_cases[i].nshared);
    }
    bdrv_unref(bs);
}

/* ---- Edges ---- */

static void test_replace_moves_parents(void)
{
    BlockDriverState *a = test_null_node("a"), *b = test_null_node("b");
    BlockBackend *blk = user(a, READ | WRITE, READ, NULL);

    g_assert_true(bdrv_replace_node(a, b, NULL));
    g_assert_true(blk_get_bs(blk) == b);
    g_assert_true(LIST_EMPTY(&a->parents));
    blk_unref(blk);
    bdrv_unref(a);
    bdrv_unref(b);
}

static void test_replace_conflict_changes_nothing(void)
{
    g_autoptr(Error) err = NULL;
    BlockDriverState *a = test_null_node("a"), *b = test_null_node("b");
    BlockBackend *blk = user(a, READ | WRITE, READ, NULL);
    BlockBackend *other = user(b, READ | WRITE, READ, NULL);
    uint64_t perm, shared;

    g_assert_false(bdrv_replace_node(a, b, &err));
    assert_error(err, "'write' on b");
    g_assert_true(blk_get_bs(blk) == a);
    bdrv_get_cumulative_perm(a, &perm, &shared);
    g_assert_cmphex(perm, ==, READ | WRITE);
    g_assert_cmpuint(a->quiesce, ==, 0);
    blk_unref(blk);
    blk_unref(other);
    bdrv_unref(a);
    bdrv_unref(b);
}

static void test_cycle_refused(void)
{
    g_autoptr(Error) err = NULL;
    BlockDriverState *file = test_null_node("file");
    BlockDriverState *raw = test_open_ok(
        "{\"driver\":\"raw\",\"node-name\":\"fmt\",\"file\":\"file\"}");

    bdrv_ref(raw);
    g_assert_null(bdrv_attach_child(file, NULL, raw, "file",
                                    BDRV_CHILD_FILTERED, 0, BLK_PERM_ALL,
                                    &err));
    assert_error(err, "cycle");
    bdrv_unref(raw);
    bdrv_unref(file);
}

static void test_depth_bounded(void)
{
    BlockDriverState *top = test_null_node("n0");
    unsigned i;

    for (i = 1; i < 2 * BDRV_MAX_DEPTH; i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"driver\":\"raw\",\"node-name\":\"n%u\",\"file\":\"n%u\"}", i,
            i - 1);
        g_autoptr(Error) err = NULL;
        BlockDriverState *bs = test_open(json, &err);

        if (!bs) {
            assert_error(err, "longer than");
            break;
        }
        bdrv_unref(top);
        top = bs;
    }
    g_assert_cmpuint(i, ==, BDRV_MAX_DEPTH);
    bdrv_unref(top);
    g_assert_true(TAILQ_EMPTY(&bdrv_nodes));
}

/* ---- Drained sections ---- */

static int begun, ended;

static void count_begin(void *opaque)
{
    begun++;
}

static void count_end(void *opaque)
{
    ended++;
}

static const BlockDevOps counting = {
    .drained_begin = count_begin, .drained_end = count_end,
};

static void note_ret(void *opaque, int ret)
{
    *(int *)opaque = ret;
}

static void test_drain_waits(void)
{
    BlockDriverState *bs = test_open_ok(
        "{\"driver\":\"null-co\",\"node-name\":\"slow\","
        "\"latency-ns\":20000000}");
    BlockBackend *blk = user(bs, READ, BLK_PERM_ALL, NULL);
    uint8_t buf[512];
    IoVec iov;
    int ret = 1;

    iovec_init_buf(&iov, buf, sizeof(buf));
    blk_aio_preadv(blk, 0, &iov, 0, note_ret, &ret);
    g_assert_cmpint(ret, ==, 1);
    bdrv_drained_begin(bs);
    g_assert_cmpint(ret, ==, 0);
    bdrv_drained_end(bs);
    blk_unref(blk);
    bdrv_unref(bs);
}

/* Requests made while the node is drained come after it. */
static void test_drain_queues(void)
{
    BlockDriverState *bs = test_null_node("n0");
    BlockBackend *blk = user(bs, READ, BLK_PERM_ALL, NULL);
    uint8_t buf[512];
    IoVec iov;
    int ret = 1;

    iovec_init_buf(&iov, buf, sizeof(buf));
    bdrv_drained_begin(bs);
    blk_aio_preadv(blk, 0, &iov, 0, note_ret, &ret);
    for (int i = 0; i < 5; i++) {
        aio_poll(main_context(), false);
    }
    g_assert_cmpint(ret, ==, 1);
    bdrv_drained_begin(bs);
    bdrv_drained_end(bs);
    g_assert_cmpint(ret, ==, 1);
    bdrv_drained_end(bs);
    RUN_UNTIL(ret == 0);
    RUN_UNTIL(blk_get_in_flight(blk) == 0);
    blk_unref(blk);
    bdrv_unref(bs);
}

static void test_drain_reaches_device(void)
{
    BlockDriverState *file = test_null_node("file");
    BlockDriverState *raw = test_open_ok(
        "{\"driver\":\"raw\",\"node-name\":\"fmt\",\"file\":\"file\"}");
    BlockBackend *blk = user(raw, READ, BLK_PERM_ALL, NULL);

    begun = ended = 0;
    blk_set_dev_ops(blk, &counting, NULL);
    bdrv_drained_begin(file);
    bdrv_drained_begin(raw);
    g_assert_cmpint(begun, ==, 1);
    bdrv_drained_end(file);
    g_assert_cmpint(ended, ==, 0);
    bdrv_drained_end(raw);
    g_assert_cmpint(ended, ==, 1);
    blk_unref(blk);
    bdrv_unref(raw);
    bdrv_unref(file);
}

/* Edges made and removed in a section keep the counts right. */
static void test_drain_follows_edges(void)
{
    BlockDriverState *a = test_null_node("a"), *b = test_null_node("b");
    BlockBackend *blk = user(a, READ, BLK_PERM_ALL, NULL);

    begun = ended = 0;
    blk_set_dev_ops(blk, &counting, NULL);
    bdrv_drained_begin(b);
    g_assert_cmpint(begun, ==, 0);
    g_assert_true(bdrv_replace_node(a, b, NULL));
    g_assert_cmpint(begun - ended, ==, 1);
    g_assert_true(bdrv_replace_node(b, a, NULL));
    g_assert_cmpint(begun - ended, ==, 0);
    bdrv_drained_end(b);
    blk_unref(blk);
    bdrv_unref(a);
    bdrv_unref(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/block/perm/conflict", test_perm_conflict);
    g_test_add_func("/block/perm/not_shared", test_perm_not_shared);
    g_test_add_func("/block/perm/read_only", test_perm_read_only);
    g_test_add_func("/block/perm/rolls_back", test_perm_rolls_back);
    g_test_add_func("/block/perm/roles", test_perm_roles);
    g_test_add_func("/block/replace/moves_parents",
                    test_replace_moves_parents);
    g_test_add_func("/block/replace/conflict",
                    test_replace_conflict_changes_nothing);
    g_test_add_func("/block/graph/cycle", test_cycle_refused);
    g_test_add_func("/block/graph/depth", test_depth_bounded);
    g_test_add_func("/block/drain/waits", test_drain_waits);
    g_test_add_func("/block/drain/queues", test_drain_queues);
    g_test_add_func("/block/drain/reaches_device", test_drain_reaches_device);
    g_test_add_func("/block/drain/follows_edges", test_drain_follows_edges);
    return g_test_run();
}
