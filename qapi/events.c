/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: the hook, and the frame around their data. */
#include "util/osdep.h"
#include "qapi/events.h"

#include <json-c/json.h>

static QapiEventEmitFn *emitter;

void qapi_event_set_emitter(QapiEventEmitFn *emit)
{
    emitter = emit;
}

bool qapi_event_wanted(void)
{
    return emitter != NULL;
}

void qapi_event_emit(int id, const char *name, struct json_object *data)
{
    struct json_object *event, *stamp;
    int64_t now_us;

    if (!emitter) {
        json_object_put(data);
        return;
    }
    now_us = g_get_real_time();
    stamp = json_object_new_object();
    json_object_object_add(stamp, "seconds",
                           json_object_new_int64(now_us / 1000000));
    json_object_object_add(stamp, "microseconds",
                           json_object_new_int64(now_us % 1000000));
    event = json_object_new_object();
    json_object_object_add(event, "timestamp", stamp);
    json_object_object_add(event, "event", json_object_new_string(name));
    if (data) {
        json_object_object_add(event, "data", data);
    }
    emitter(id, event);
}
