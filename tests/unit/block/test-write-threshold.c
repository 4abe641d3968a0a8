/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threshold of a node: which writes pass it, once, and what is told. */
#include "block-test.h"
#include "qapi/events.h"
#include "qapi/qapi-commands-block-commands.h"
#include "qapi/qapi-commands-block-info.h"
#include "qapi/qapi-event-ids.h"

typedef enum Kind { WRITE, ZERO, DISCARD, READ } Kind;

typedef struct Request {
    BlockDriverState *bs;
    Kind kind;
    int64_t offset, bytes;
} Request;

static int events;
static uint64_t told_exceeded, told_threshold;

static void note_event(int id, struct json_object *event)
{
    struct json_object *data = NULL, *node = NULL, *val = NULL;

    g_assert_cmpint(id, ==, QAPI_EVENT_BLOCK_WRITE_THRESHOLD);
    g_assert_true(json_object_object_get_ex(event, "data", &data));
    g_assert_true(json_object_object_get_ex(data, "node-name", &node));
    g_assert_cmpstr(json_object_get_string(node), ==, "n");
    events++;
    g_assert_true(json_object_object_get_ex(data, "amount-exceeded", &val));
    told_exceeded = json_object_get_uint64(val);
    g_assert_true(json_object_object_get_ex(data, "write-threshold", &val));
    told_threshold = json_object_get_uint64(val);
    json_object_put(event);
}

static int coroutine_fn request_co(void *opaque)
{
    static uint8_t buf[4096];
    Request *r = opaque;

    switch (r->kind) {
    case WRITE:
        return bdrv_co_pwrite(r->bs, r->offset, buf, r->bytes, 0);
    case ZERO:
        return bdrv_co_pwrite_zeroes(r->bs, r->offset, r->bytes, 0);
    case DISCARD:
        return bdrv_co_pdiscard(r->bs, r->offset, r->bytes);
    default:
        return bdrv_co_pread(r->bs, r->offset, buf, r->bytes);
    }
}

static int request(BlockDriverState *bs, Kind kind, int64_t offset,
                   int64_t bytes)
{
    Request r = { bs, kind, offset, bytes };

    return bdrv_run(bs->ctx, request_co, &r);
}

static BlockDriverState *start(const char *json)
{
    events = 0;
    qapi_event_set_emitter(note_event);
    return test_open_ok(json);
}

static void end(BlockDriverState *bs)
{
    qapi_event_set_emitter(NULL);
    bdrv_unref(bs);
}

#define NODE "{\"driver\":\"null-co\",\"node-name\":\"n\","                     \
             "\"size\":1048576}"

static void set(uint64_t threshold)
{
    g_assert_true(qmp_block_set_write_threshold("n", threshold, NULL));
}

static int64_t shown(void)
{
    BlockDeviceInfoList *list = qmp_query_named_block_nodes(false, false, NULL);
    int64_t threshold = list->value->write_threshold;

    qapi_free_BlockDeviceInfoList(list);
    return threshold;
}

static void test_once(void)
{
    BlockDriverState *bs = start(NODE);

    g_assert_cmpint(shown(), ==, 0);
    set(10000);
    g_assert_cmpint(shown(), ==, 10000);
    g_assert_cmpint(request(bs, WRITE, 9000, 1000), ==, 0);
    g_assert_cmpint(events, ==, 0);
    g_assert_cmpint(request(bs, WRITE, 9000, 1001), ==, 0);
    g_assert_cmpint(events, ==, 1);
    g_assert_cmpuint(told_exceeded, ==, 1);
    g_assert_cmpuint(told_threshold, ==, 10000);
    g_assert_cmpint(shown(), ==, 0);
    g_assert_cmpint(request(bs, WRITE, 20000, 512), ==, 0);
    g_assert_cmpint(events, ==, 1);
    set(1);
    set(0);
    g_assert_cmpint(request(bs, WRITE, 20000, 512), ==, 0);
    g_assert_cmpint(events, ==, 1);
    end(bs);
}

static void test_kinds(void)
{
    BlockDriverState *bs = start(NODE);

    set(4096);
    g_assert_cmpint(request(bs, READ, 8192, 4096), ==, 0);
    g_assert_cmpint(request(bs, DISCARD, 8192, 4096), ==, 0);
    g_assert_cmpint(events, ==, 0);
    g_assert_cmpint(request(bs, ZERO, 8192, 4096), ==, 0);
    g_assert_cmpint(events, ==, 1);
    g_assert_cmpuint(told_exceeded, ==, 8192);
    end(bs);
}

/* What there was no room for counts. */
static void test_failed(void)
{
    BlockDriverState *bs = start("{\"driver\":\"blkdebug\","
        "\"node-name\":\"n\",\"image\":{\"driver\":\"null-co\","
        "\"size\":1048576},\"inject-error\":[{\"event\":\"none\","
        "\"errno\":28,\"iotype\":\"write\"}]}");

    set(4096);
    g_assert_cmpint(request(bs, WRITE, 4096, 512), ==, -ENOSPC);
    g_assert_cmpint(events, ==, 1);
    end(bs);
}

static void test_no_node(void)
{
    Error *err = NULL;

    g_assert_false(qmp_block_set_write_threshold("x", 1, &err));
    assert_error(err, "Device 'x' not found");
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/block/write_threshold/once", test_once);
    g_test_add_func("/block/write_threshold/kinds", test_kinds);
    g_test_add_func("/block/write_threshold/failed", test_failed);
    g_test_add_func("/block/write_threshold/no_node", test_no_node);
    return g_test_run();
}
