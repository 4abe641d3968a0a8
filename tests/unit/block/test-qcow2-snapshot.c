/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots in the image against models of what the disk was: made, restored,
 * deleted in any order, between writes, discards and resizes. After each step
 * the image must be without fault, for us and for qemu-img.
 */
#include "qcow2-test.h"

#define MAX_BYTES (2 * MiB)
#define STEPS     60
#define WRITES    12

typedef struct Model {
    char name[16];
    int64_t bytes;
    uint8_t data[MAX_BYTES];
} Model;

typedef struct State {
    char *path;
    QTest t;
    Model now;
    GPtrArray *snapshots;           /* Model */
    unsigned next_name;
    bool compress, resize;
} State;

static void assert_clean(State *s)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    g_autofree char *cmd = NULL, *out = NULL;
    BdrvCheckResult r;
    int status;

    g_assert_cmpint(bdrv_check(s->t.bs, &r, 0), ==, 0);
    g_assert_cmpint(r.corruptions, ==, 0);
    g_assert_cmpint(r.leaks, ==, 0);
    if (!program || g_test_rand_int_range(0, 6)) {
        return;
    }
    cmd = g_strdup_printf("%s check -U -f qcow2 %s", program, s->path);
    g_assert_true(g_spawn_command_line_sync(cmd, &out, NULL, &status, NULL));
    if (status) {
        g_error("%s", out);
    }
}

static void assert_content(QTest *t, const Model *m)
{
    g_autofree uint8_t *buf = g_malloc(MAX_BYTES);

    g_assert_cmpint(bdrv_get_length(t->bs), ==, m->bytes);
    g_assert_cmpint(qtest_request(t->bs, QTEST_READ, 0, m->bytes, buf), ==, 0);
    for (int64_t i = 0; i < m->bytes; i++) {
        if (buf[i] != m->data[i]) {
            g_error("%s: byte 0x%" PRIx64 " is 0x%x, not 0x%x", m->name, i,
                    buf[i], m->data[i]);
        }
    }
}

/* ---- Steps ---- */

static void one_write(State *s)
{
    Model *m = &s->now;
    uint32_t cluster = bdrv_get_cluster_size(s->t.bs);
    int64_t offset = g_test_rand_int_range(0, m->bytes);
    int64_t bytes = g_test_rand_int_range(1, 100000);

    bytes = MIN(bytes, m->bytes - offset);
    switch (g_test_rand_int_range(0, 6)) {
    case 0:
        memset(m->data + offset, 0, bytes);
        g_assert_cmpint(qtest_request(s->t.bs, QTEST_UNMAP, offset, bytes,
                                      NULL), ==, 0);
        return;
    case 1:
        offset = ROUND_DOWN(offset, cluster);
        if (s->compress && offset + cluster <= m->bytes) {
            memset(m->data + offset, offset >> 12, cluster);
            g_assert_cmpint(qtest_request(s->t.bs, QTEST_COMPRESS, offset,
                                          cluster, m->data + offset), ==, 0);
        }
        return;
    default:
        memset(m->data + offset, g_test_rand_int_range(0, 255), bytes);
        g_assert_cmpint(qtest_write(&s->t, offset, bytes, m->data + offset),
                        ==, 0);
    }
}

static void resize(State *s)
{
    int64_t bytes = g_test_rand_int_range(1, MAX_BYTES / 512) * 512;
    Model *m = &s->now;

    if (bytes < m->bytes) {
        memset(m->data + bytes, 0, m->bytes - bytes);
    }
    m->bytes = bytes;
    g_assert_cmpint(qtest_request(s->t.bs, QTEST_TRUNCATE, 0, bytes, NULL), ==,
                    0);
}

static void create(State *s)
{
    BdrvSnapshot facts = { .date_sec = 12345, .vm_clock_nsec = 67 };
    Model *m = g_memdup2(&s->now, sizeof(s->now));
    Error *err = NULL;

    snprintf(m->name, sizeof(m->name), "s%u", s->next_name++);
    facts.name = m->name;
    if (bdrv_snapshot_create(s->t.bs, &facts, &err) < 0) {
        g_error("%s", error_get_pretty(err));
    }
    g_ptr_array_add(s->snapshots, m);
}

static Model *any(State *s)
{
    return s->snapshots->len ?
        g_ptr_array_index(s->snapshots,
                          g_test_rand_int_range(0, s->snapshots->len)) : NULL;
}

static void restore(State *s)
{
    Model *m = any(s);

    if (m) {
        g_assert_cmpint(bdrv_snapshot_goto(s->t.bs, m->name, NULL), ==, 0);
        memcpy(&s->now, m, sizeof(*m));
    }
}

static void delete(State *s)
{
    Model *m = any(s);

    if (m) {
        g_assert_cmpint(bdrv_snapshot_delete(s->t.bs, NULL, m->name, NULL), ==,
                        0);
        g_ptr_array_remove(s->snapshots, m);
    }
}

/* Another node, which only reads, shows what was. */
static void look(State *s)
{
    Model *m = any(s);
    QTest t;

    if (!m) {
        return;
    }
    g_assert_cmpint(qtest_request(s->t.bs, QTEST_FLUSH, 0, 0, NULL), ==, 0);
    qtest_open(&t, s->path, ",\"read-only\":true,\"force-share\":true");
    g_assert_cmpint(bdrv_snapshot_load_tmp(t.bs, NULL, m->name, NULL), ==, 0);
    assert_content(&t, m);
    qtest_close(&t);
}

static void reopen(State *s)
{
    qtest_close(&s->t);
    qtest_open(&s->t, s->path, ",\"l2-cache-size\":16384");
    assert_content(&s->t, &s->now);
}

static void one_step(State *s)
{
    switch (g_test_rand_int_range(0, 10)) {
    case 0:
    case 1:
        create(s);
        break;
    case 2:
        restore(s);
        break;
    case 3:
        delete(s);
        break;
    case 4:
        look(s);
        break;
    case 5:
        reopen(s);
        break;
    case 6:
        if (s->resize) {
            resize(s);
        }
        break;
    default:
        for (int i = 0; i < WRITES; i++) {
            one_write(s);
        }
    }
}

typedef struct Kind {
    const char *name;
    BlockdevCreateOptionsQcow2 options;
    bool no_resize;
} Kind;

#define SIZE .size = MAX_BYTES
#define CLUSTER(n) .has_cluster_size = true, .cluster_size = (n)
#define BITS(n) .has_refcount_bits = true, .refcount_bits = (n)

static const Kind kinds[] = {
    { "plain", { SIZE } },
    { "v2", { SIZE, .has_version = true,
              .version = BLOCKDEV_QCOW2_VERSION_V2 }, true },
    { "clusters_512", { SIZE, CLUSTER(512) } },
    { "clusters_4k", { SIZE, CLUSTER(4096), BITS(64) } },
    { "refcounts_8", { SIZE, CLUSTER(4096), BITS(8) } },
    { "subclusters", { SIZE, CLUSTER(16 * KiB), .has_extended_l2 = true,
                       .extended_l2 = true } },
    { "lazy", { SIZE, .has_lazy_refcounts = true, .lazy_refcounts = true } },
};

static void test_random(const void *data)
{
    const Kind *k = data;
    State *s = g_new0(State, 1);

    s->path = qtest_create(&k->options);
    s->now.bytes = MAX_BYTES;
    s->snapshots = g_ptr_array_new_with_free_func(g_free);
    s->compress = true;
    s->resize = !k->no_resize;
    qtest_open(&s->t, s->path, ",\"overlap-check\":\"all\"");
    for (int i = 0; i < STEPS; i++) {
        one_step(s);
        if (!k->options.lazy_refcounts) {
            assert_clean(s);
        }
        assert_content(&s->t, &s->now);
    }
    while (s->snapshots->len) {
        delete(s);
    }
    assert_clean(s);
    qtest_close(&s->t);
    g_unlink(s->path);
    g_free(s->path);
    g_ptr_array_unref(s->snapshots);
    g_free(s);
}

/* Counts of one bit cannot say two. */
static void test_no_room(void)
{
    BlockdevCreateOptionsQcow2 o = { SIZE, CLUSTER(4096), BITS(1) };
    BdrvSnapshot facts = { .name = (char *)"a" };
    State *s = g_new0(State, 1);
    g_autoptr(Error) err = NULL;

    s->path = qtest_create(&o);
    s->now.bytes = MAX_BYTES;
    qtest_open(&s->t, s->path, "");
    for (int i = 0; i < WRITES; i++) {
        one_write(s);
    }
    g_assert_cmpint(bdrv_snapshot_create(s->t.bs, &facts, &err), <, 0);
    assert_error(err, "Could not create the snapshot");
    assert_clean(s);
    assert_content(&s->t, &s->now);
    qtest_close(&s->t);
    g_unlink(s->path);
    g_free(s->path);
    g_free(s);
}

/* What qemu-img makes we restore, and the other way round. */
static bool peer(const char *args, const char *path)
{
    g_autofree char *cmd = g_strdup_printf("qemu-img %s %s", args, path);
    int status;

    return g_spawn_command_line_sync(cmd, NULL, NULL, &status, NULL) &&
           status == 0;
}

static void test_peer(void)
{
    BlockdevCreateOptionsQcow2 o = { SIZE };
    BdrvSnapshot facts = { .name = (char *)"ours", .vm_state_bytes = 0,
                           .has_icount = true, .icount = 42 };
    g_autofree char *program = g_find_program_in_path("qemu-img");
    State *s = g_new0(State, 1);
    g_autoptr(GPtrArray) list = NULL;
    BdrvSnapshot *sn;
    Model *m;

    if (!program) {
        g_test_skip("qemu-img is not there");
        g_free(s);
        return;
    }
    s->snapshots = g_ptr_array_new_with_free_func(g_free);
    s->path = qtest_create(&o);
    s->now.bytes = MAX_BYTES;
    qtest_open(&s->t, s->path, "");
    one_write(s);
    m = g_memdup2(&s->now, sizeof(s->now));
    qtest_close(&s->t);
    g_assert_true(peer("snapshot -c theirs", s->path));
    qtest_open(&s->t, s->path, "");
    for (int i = 0; i < WRITES; i++) {
        one_write(s);
    }
    g_assert_cmpint(bdrv_snapshot_create(s->t.bs, &facts, NULL), ==, 0);
    assert_clean(s);
    list = bdrv_snapshot_list(s->t.bs);
    g_assert_cmpint(list->len, ==, 2);
    sn = g_ptr_array_index(list, 0);
    g_assert_cmpstr(sn->name, ==, "theirs");
    g_assert_cmpint(sn->disk_bytes, ==, MAX_BYTES);
    sn = g_ptr_array_index(list, 1);
    g_assert_cmpstr(sn->id, ==, "2");
    g_assert_cmpint(sn->icount, ==, 42);
    g_assert_cmpint(bdrv_snapshot_goto(s->t.bs, "theirs", NULL), ==, 0);
    assert_content(&s->t, m);
    qtest_close(&s->t);
    g_assert_true(peer("snapshot -a ours", s->path));
    qtest_open(&s->t, s->path, "");
    assert_content(&s->t, &s->now);
    qtest_close(&s->t);
    g_assert_true(peer("snapshot -d ours", s->path));
    g_assert_true(peer("check", s->path));
    g_unlink(s->path);
    g_free(s->path);
    g_free(m);
    g_ptr_array_unref(s->snapshots);
    g_free(s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/qcow2/snapshot/%s",
                                                kinds[i].name);

        g_test_add_data_func(path, &kinds[i], test_random);
    }
    g_test_add_func("/qcow2/snapshot/no_room", test_no_room);
    g_test_add_func("/qcow2/snapshot/peer", test_peer);
    return g_test_run();
}
