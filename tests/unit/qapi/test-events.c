/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: their frame, their data, and the hook. */
#include "util/osdep.h"
#include "qapi/events.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/test-qapi-event-ids.h"
#include "qapi/test-qapi-events-test-schema.h"

static int last_id;
static struct json_object *last;

static void emit(int id, struct json_object *event)
{
    json_object_put(last);
    last_id = id;
    last = event;
}

/* Compare the last event but for its time, which must be one. */
static void assert_last(int id, const char *want)
{
    struct json_object *stamp, *member;
    g_autofree char *text = NULL;

    g_assert_cmpint(last_id, ==, id);
    g_assert_true(json_object_object_get_ex(last, "timestamp", &stamp));
    g_assert_true(json_object_object_get_ex(stamp, "seconds", &member));
    g_assert_cmpint(json_object_get_int64(member), >, 1600000000);
    g_assert_true(json_object_object_get_ex(stamp, "microseconds", &member));
    g_assert_cmpint(json_object_get_int64(member), <, 1000000);
    json_object_object_del(last, "timestamp");
    text = json_print(last, false);
    g_assert_cmpstr(text, ==, want);
}

static void test_no_emitter(void)
{
    qapi_event_set_emitter(NULL);
    qapi_event_send_plain();
    qapi_event_send_with_data("x", true, 1, COLOR_RED);
    g_assert_null(last);
}

static void test_data(void)
{
    Shape shape = { .name = (char *)"n", .color = COLOR_LIGHT_BLUE };

    qapi_event_set_emitter(emit);
    qapi_event_send_plain();
    assert_last(TEST_QAPI_EVENT_PLAIN, "{\"event\":\"PLAIN\"}");
    qapi_event_send_with_data("x", true, 1, COLOR_RED);
    assert_last(TEST_QAPI_EVENT_WITH_DATA, "{\"event\":\"WITH_DATA\",\"data\":"
                "{\"id\":\"x\",\"n\":1,\"color\":\"red\"}}");
    qapi_event_send_with_data(NULL, false, 0, COLOR_GREEN);
    assert_last(TEST_QAPI_EVENT_WITH_DATA, "{\"event\":\"WITH_DATA\",\"data\":"
                "{\"color\":\"green\"}}");
    qapi_event_send_boxed_data(&shape);
    assert_last(TEST_QAPI_EVENT_BOXED_DATA, "{\"event\":\"BOXED_DATA\","
                "\"data\":{\"name\":\"n\",\"color\":\"light-blue\"}}");
    qapi_event_set_emitter(NULL);
    json_object_put(last);
    last = NULL;
}

static void test_names(void)
{
    g_assert_cmpstr(qapi_enum_str(&test_QAPIEvent_lookup,
                                  TEST_QAPI_EVENT_WITH_DATA), ==,
                    "WITH_DATA");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/events/no-emitter", test_no_emitter);
    g_test_add_func("/qapi/events/data", test_data);
    g_test_add_func("/qapi/events/names", test_names);
    return g_test_run();
}
