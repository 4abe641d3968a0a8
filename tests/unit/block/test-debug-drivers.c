/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drivers for tests: blkdebug, blklogwrites, blkverify. */
#include "block-test.h"
#include "block/block-io.h"
#include "util/bytes.h"

static BlockBackend *user(const char *json)
{
    BlockBackend *blk = blk_new(NULL, BLK_PERM_CONSISTENT_READ |
                                BLK_PERM_WRITE, BLK_PERM_ALL);
    BlockDriverState *bs = test_open_ok(json);

    g_assert_true(blk_insert_bs(blk, bs, NULL));
    bdrv_unref(bs);
    return blk;
}

/* ---- blkdebug ---- */

#define BLKDEBUG(more)                                                         \
    "{\"driver\":\"blkdebug\",\"node-name\":\"d\",\"image\":{\"driver\":"      \
    "\"null-co\",\"size\":1048576,\"read-zeroes\":true}," more "}"

static void test_inject_once(void)
{
    BlockBackend *blk = user(BLKDEBUG(
        "\"inject-error\":[{\"event\":\"none\",\"errno\":28,\"once\":true,"
        "\"sector\":2,\"iotype\":\"write\"}]"));
    uint8_t buf[512] = { 0 };

    g_assert_cmpint(blk_pread(blk, 1024, buf, 512), ==, 0);
    g_assert_cmpint(blk_pwrite(blk, 0, buf, 512, 0), ==, 0);
    g_assert_cmpint(blk_pwrite(blk, 1024, buf, 512, 0), ==, -ENOSPC);
    g_assert_cmpint(blk_pwrite(blk, 1024, buf, 512, 0), ==, 0);
    blk_unref(blk);
}

/* The first write leads to state 2, in which the second fails. */
static void check_states(BlockBackend *blk)
{
    uint8_t buf[512] = { 0 };

    g_assert_cmpint(blk_pwrite(blk, 0, buf, 512, 0), ==, 0);
    g_assert_cmpint(blk_pwrite(blk, 0, buf, 512, 0), ==, -EPERM);
    g_assert_cmpint(blk_pwrite(blk, 0, buf, 512, 0), ==, -EPERM);
    blk_unref(blk);
}

static void test_states(void)
{
    check_states(user(BLKDEBUG(
        "\"inject-error\":[{\"event\":\"pwritev\",\"state\":2,\"errno\":1}],"
        "\"set-state\":[{\"event\":\"pwritev\",\"state\":1,\"new_state\":2}]"
        )));
}

static void test_config(void)
{
    const char text[] = "# a comment\n[inject-error]\nevent = \"pwritev\"\n"
        "state = \"2\"\nerrno = \"1\"\nimmediately = \"on\"\n\n[set-state]\n"
        "event = \"pwritev\"\nstate = \"1\"\nnew_state = \"2\"\n";
    static const char *const bad[][2] = {
        { "[nope]\n", "line 1: unknown section" },
        { "event = \"pwritev\"\n", "line 1: " },
        { "[set-state]\nevent = \"nope\"\n", "line 2: " },
        { "[set-state]\nstate = \"x\"\n", "not a number" },
    };
    g_autofree char *path = test_file(text, strlen(text));
    g_autofree char *json = g_strdup_printf(BLKDEBUG("\"config\":\"%s\""),
                                            path);

    check_states(user(json));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Error) err = NULL;

        g_assert_true(g_file_set_contents(path, bad[i][0], -1, NULL));
        g_assert_null(test_open(json, &err));
        assert_error(err, bad[i][1]);
    }
    g_unlink(path);
}

static void note_ret(void *opaque, int ret)
{
    *(int *)opaque = ret;
}

static void test_break(void)
{
    BlockBackend *blk = user("{\"driver\":\"raw\",\"file\":"
                             BLKDEBUG("\"align\":4096") "}");
    BlockDriverState *bs = blk_get_bs(blk);
    uint8_t buf[4096] = { 0 };
    int first = 1, second = 1;
    IoVec iov;

    g_assert_cmpint(blk_get_request_alignment(blk), ==, 4096);
    g_assert_cmpint(bdrv_debug_break(bs, "nope", "A"), ==, -ENOENT);
    g_assert_cmpint(bdrv_debug_break(bs, "pwritev", "A"), ==, 0);
    iovec_init_buf(&iov, buf, sizeof(buf));
    blk_aio_pwritev(blk, 0, &iov, 0, note_ret, &first);
    RUN_UNTIL(bdrv_debug_is_suspended(bs, "A"));
    blk_aio_pwritev(blk, 8192, &iov, 0, note_ret, &second);
    RUN_UNTIL(second == 0);
    g_assert_cmpint(first, ==, 1);
    g_assert_cmpint(bdrv_debug_resume(bs, "B"), ==, -ENOENT);
    g_assert_cmpint(bdrv_debug_resume(bs, "A"), ==, 0);
    RUN_UNTIL(first == 0);
    g_assert_cmpint(bdrv_debug_break(bs, "pwritev", "A"), ==, 0);
    g_assert_cmpint(bdrv_debug_remove_break(bs, "A"), ==, 0);
    g_assert_cmpint(bdrv_debug_remove_break(bs, "A"), ==, -ENOENT);
    g_assert_cmpint(blk_pwrite(blk, 0, buf, 4096, 0), ==, 0);
    RUN_UNTIL(blk_get_in_flight(blk) == 0);
    blk_unref(blk);
}

/* ---- blklogwrites ---- */

/* Carry out what the log says, as the kernel's format has it. */
static uint64_t replay(const char *path, uint8_t *image, uint64_t *flags)
{
    g_autofree char *data = NULL;
    const uint8_t *b;
    uint64_t entries, at = 1;
    gsize len;

    g_assert_true(g_file_get_contents(path, &data, &len, NULL));
    b = (const uint8_t *)data;
    g_assert_cmphex(get_le64(b), ==, 0x6a736677736872ull);
    g_assert_cmpuint(get_le64(b + 8), ==, 1);
    g_assert_cmpuint(get_le32(b + 24), ==, 512);
    entries = get_le64(b + 16);
    for (uint64_t i = 0; i < entries; i++) {
        const uint8_t *e = b + at++ * 512;

        g_assert_cmpuint(at * 512, <=, len);
        *flags |= get_le64(e + 16);
        if (!(get_le64(e + 16) & 4)) {
            g_assert_cmpuint(get_le64(e + 24), ==, get_le64(e + 8) * 512);
            memcpy(image + get_le64(e) * 512, b + at * 512, get_le64(e + 24));
            at += get_le64(e + 8);
        }
    }
    return entries;
}

static void write_random(BlockBackend *blk, uint8_t *model, int n)
{
    for (int i = 0; i < n; i++) {
        int64_t offset = g_random_int_range(0, 60000);
        int64_t bytes = g_random_int_range(1, 5000);

        memset(model + offset, i + 1, bytes);
        g_assert_cmpint(blk_pwrite(blk, offset, model + offset, bytes,
                                   i % 5 ? 0 : BDRV_REQ_FUA), ==, 0);
    }
    g_assert_cmpint(blk_flush(blk), ==, 0);
}

static void test_logwrites(void)
{
    g_autofree uint8_t *model = g_malloc0(65536), *image = g_malloc0(65536);
    g_autofree char *disk = test_file(model, 65536), *log = test_file("", 0);
    uint64_t entries, flags = 0;

    for (int append = 0; append < 2; append++) {
        g_autofree char *json = g_strdup_printf(
            "{\"driver\":\"blklogwrites\",\"file\":{\"driver\":\"file\","
            "\"filename\":\"%s\"},\"log\":{\"driver\":\"file\",\"filename\":"
            "\"%s\"},\"log-append\":%s}", disk, log, append ? "true" :
            "false");
        BlockBackend *blk = user(json);

        write_random(blk, model, 20);
        blk_unref(blk);
        entries = replay(log, image, &flags);
        g_assert_cmpuint(entries, >=, (append + 1) * 21);
        g_assert_cmpmem(image, 65536, model, 65536);
    }
    g_assert_cmphex(flags & 3, ==, 3);
    g_unlink(disk);
    g_unlink(log);
}

/* ---- blkverify ---- */

static void test_verify(void)
{
    uint8_t data[1024] = { 0 }, buf[1024];
    g_autofree char *raw = test_file(data, 1024), *test = NULL;
    g_autofree char *json = NULL;
    BlockBackend *blk;

    data[700] = 1;
    test = test_file(data, 1024);
    json = g_strdup_printf(
        "{\"driver\":\"blkverify\",\"raw\":{\"driver\":\"file\",\"filename\":"
        "\"%s\"},\"test\":{\"driver\":\"file\",\"filename\":\"%s\"}}", raw,
        test);
    blk = user(json);
    g_assert_cmpint(blk_pread(blk, 0, buf, 512), ==, 0);
    g_assert_cmpint(blk_pread(blk, 512, buf, 512), ==, -EIO);
    g_assert_cmpint(blk_pwrite(blk, 512, "x", 1, 0), ==, 0);
    g_assert_cmpint(blk_pwrite(blk, 700, "y", 1, 0), ==, 0);
    g_assert_cmpint(blk_pread(blk, 0, buf, 1024), ==, 0);
    g_assert_cmpint(buf[700], ==, 'y');
    blk_unref(blk);
    g_unlink(raw);
    g_unlink(test);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/blkdebug/inject_once", test_inject_once);
    g_test_add_func("/blkdebug/states", test_states);
    g_test_add_func("/blkdebug/config", test_config);
    g_test_add_func("/blkdebug/break", test_break);
    g_test_add_func("/blklogwrites/replay", test_logwrites);
    g_test_add_func("/blkverify/compare", test_verify);
    return g_test_run();
}
