/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of run state and CPUs share: a main loop and events. */
#ifndef TESTS_UNIT_SYSTEM_SYSTEM_TEST_UTIL_H
#define TESTS_UNIT_SYSTEM_SYSTEM_TEST_UTIL_H

#include <json-c/json.h>
#include "qapi/events.h"
#include "system/runstate.h"
#include "tests/unit/lib/loop.h"

static GString *test_events;            /* "STOP RESET(guest-reset) " */

static inline void test_emit(int id, struct json_object *event)
{
    struct json_object *data, *reason;

    g_string_append(test_events, json_object_get_string(
        json_object_object_get(event, "event")));
    if (json_object_object_get_ex(event, "data", &data) &&
        (json_object_object_get_ex(data, "reason", &reason) ||
         json_object_object_get_ex(data, "action", &reason))) {
        g_string_append_printf(test_events, "(%s)",
                               json_object_get_string(reason));
    }
    g_string_append_c(test_events, ' ');
    json_object_put(event);
}

#define assert_events(expect)                                                  \
    do {                                                                       \
        g_assert_cmpstr(test_events->str, ==, expect);                         \
        g_string_truncate(test_events, 0);                                     \
    } while (0)

static inline void system_test_init(void)
{
    test_loop_init();
    runstate_init();
    test_events = g_string_new(NULL);
    qapi_event_set_emitter(test_emit);
}

#endif
