/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes that a damaged image would send into its own tables. */
#include "qcow2-test.h"
#include "qapi/events.h"

static struct json_object *event;           /* the last one */

static void note_event(int id, struct json_object *whole)
{
    struct json_object *name = json_object_object_get(whole, "event");

    g_assert_cmpstr(json_object_get_string(name), ==, "BLOCK_IMAGE_CORRUPTED");
    json_object_put(event);
    event = json_object_get(json_object_object_get(whole, "data"));
    json_object_put(whole);
}

static void with_file(const char *path, void (*fn)(uint8_t *data, uint64_t arg),
                      uint64_t arg)
{
    char *data;
    gsize bytes;

    g_assert_true(g_file_get_contents(path, &data, &bytes, NULL));
    fn((uint8_t *)data, arg);
    g_assert_true(g_file_set_contents(path, data, bytes, NULL));
    g_free(data);
}

static uint64_t reft_offset(const uint8_t *data)
{
    return get_be64(data + 48);
}

static uint64_t l1_offset(const uint8_t *data)
{
    return get_be64(data + 40);
}

static uint8_t *l2_table(uint8_t *data)
{
    return data + (get_be64(data + l1_offset(data)) & QCOW2_OFFSET_MASK);
}

/* Where the tables of the list below are. */
static uint64_t table_offset(uint8_t *data, uint64_t what)
{
    uint64_t snapshots = get_be64(data + 64);
    uint64_t inactive_l1 = get_be64(data + snapshots);
    uint64_t offsets[] = {
        0, l1_offset(data), l2_table(data) - data, reft_offset(data),
        get_be64(data + reft_offset(data)), snapshots, inactive_l1,
        get_be64(data + inactive_l1) & QCOW2_OFFSET_MASK,
    };

    return offsets[what];
}

/* The guest's second cluster is said to be there. */
static void point_to(uint8_t *data, uint64_t what)
{
    put_be64(l2_table(data) + 8, table_offset(data, what) | QCOW2_OFLAG_COPIED);
}

/* That cluster is said to be free, and all behind it not. */
static void count_zero(uint8_t *data, uint64_t what)
{
    uint64_t block = get_be64(data + reft_offset(data));

    put_be16(data + block + table_offset(data, what) / 65536 * 2, 0);
}

static char *image(void)
{
    BlockdevCreateOptionsQcow2 o = { .size = 8 * MiB };
    BdrvSnapshot facts = { .name = (char *)"a" };
    char *path = qtest_create(&o);
    uint8_t buf[65536];
    QTest t;

    memset(buf, 7, sizeof(buf));
    qtest_open(&t, path, "");
    g_assert_cmpint(qtest_write(&t, 0, sizeof(buf), buf), ==, 0);
    g_assert_cmpint(bdrv_snapshot_create(t.bs, &facts, NULL), ==, 0);
    g_assert_cmpint(qtest_write(&t, 0, sizeof(buf), buf), ==, 0);
    qtest_close(&t);
    return path;
}

static const struct {
    const char *name, *text;
} tables[] = {
    { "header", "qcow2_header" },
    { "l1", "active L1 table" },
    { "l2", "active L2 table" },
    { "refcount_table", "refcount table" },
    { "refcount_block", "refcount block" },
    { "snapshot_table", "snapshot table" },
    { "inactive_l1", "inactive L1 table" },
    { "inactive_l2", "inactive L2 table" },
};

static void assert_event(const char *text, bool fatal)
{
    const char *msg;

    g_assert_nonnull(event);
    msg = json_object_get_string(json_object_object_get(event, "msg"));
    g_assert_nonnull(strstr(msg, text));
    g_assert_true(json_object_get_boolean(
        json_object_object_get(event, "fatal")) == fatal);
    json_object_put(event);
    event = NULL;
}

/* A write fails, nothing is changed but the bit, and no more is written. */
static void expect_refused(const char *path, const char *text)
{
    g_autoptr(Error) err = NULL;
    uint8_t buf[65536];
    QTest t;

    memset(buf, 9, sizeof(buf));
    qtest_open(&t, path, ",\"overlap-check\":\"all\"");
    g_assert_cmpint(qtest_write(&t, 65536, sizeof(buf), buf), ==, -EIO);
    assert_event(text, true);
    g_assert_cmpint(qtest_write(&t, 0, sizeof(buf), buf), ==, -EIO);
    g_assert_null(event);
    g_assert_cmpint(qtest_request(t.bs, QTEST_READ, 0, 512, buf), ==, 0);
    g_assert_cmpint(buf[0], ==, 7);
    qtest_close(&t);
    g_assert_false(qtest_try_open(&t, path, "", &err));
    assert_error(err, "Image is corrupt; cannot be opened read/write");
    qtest_open(&t, path, ",\"read-only\":true");
    qtest_close(&t);
}

static void test_in_place(void)
{
    for (size_t i = 1; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *path = image();

        with_file(path, point_to, i);
        expect_refused(path, tables[i].text);
        g_unlink(path);
    }
}

static void test_allocated(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        g_autofree char *path = image();

        with_file(path, count_zero, i);
        expect_refused(path, tables[i].text);
        g_unlink(path);
    }
}

static void overwrite(const char *options, int expected)
{
    g_autofree char *path = image();
    uint8_t buf[512] = { 0 };
    QTest t;

    with_file(path, point_to, 4);
    qtest_open(&t, path, options);
    g_assert_cmpint(qtest_write(&t, 65536, 512, buf), ==, expected);
    qtest_close(&t);
    g_unlink(path);
    json_object_put(event);
    event = NULL;
}

static void test_options(void)
{
    overwrite(",\"overlap-check\":\"none\"", 0);
    overwrite(",\"overlap-check\":\"constant\"", 0);
    overwrite(",\"overlap-check\":\"cached\"", -EIO);
    overwrite(",\"overlap-check\":\"all\"", -EIO);
    overwrite(",\"overlap-check\":{\"template\":\"none\","
              "\"refcount-block\":true}", -EIO);
    overwrite(",\"overlap-check\":{\"template\":\"all\","
              "\"refcount-block\":false}", 0);
}

/* What a read finds out is told; the image stays as it is. */
static void unaligned(uint8_t *data, uint64_t arg)
{
    put_be64(l2_table(data) + 8, 0x1200 | QCOW2_OFLAG_COPIED);
}

static void test_read(void)
{
    g_autofree char *path = image();
    uint8_t buf[512];
    QTest t;

    with_file(path, unaligned, 0);
    qtest_open(&t, path, ",\"read-only\":true");
    g_assert_cmpint(qtest_request(t.bs, QTEST_READ, 65536, 512, buf), ==,
                    -EIO);
    assert_event("not aligned", false);
    g_assert_cmpint(qtest_request(t.bs, QTEST_READ, 0, 512, buf), ==, 0);
    qtest_close(&t);
    qtest_open(&t, path, "");
    qtest_close(&t);
    g_unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    qapi_event_set_emitter(note_event);
    g_test_add_func("/qcow2/overlap/in_place", test_in_place);
    g_test_add_func("/qcow2/overlap/allocated", test_allocated);
    g_test_add_func("/qcow2/overlap/options", test_options);
    g_test_add_func("/qcow2/overlap/read", test_read);
    return g_test_run();
}
