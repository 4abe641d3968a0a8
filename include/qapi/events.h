/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the generated qapi_event_send_foo() functions to whoever delivers
 * events: the monitor, or a test.
 *
 * Any thread may send an event. The emitter is set once at start-up, before
 * other threads exist, and must be thread safe.
 */
#ifndef QAPI_EVENTS_H
#define QAPI_EVENTS_H

#include <stdbool.h>

struct json_object;

/*
 * Deliver an event. @id is its QAPIEvent; @event the complete object, with
 * "event", "data" and "timestamp" (seconds and microseconds), which the
 * emitter now owns.
 */
typedef void QapiEventEmitFn(int id, struct json_object *event);

/* qapi_event_set_emitter: NULL drops all events, as before the first call. */
void qapi_event_set_emitter(QapiEventEmitFn *emit);

/* For generated code. @data is given away; NULL: none. */
bool qapi_event_wanted(void);
void qapi_event_emit(int id, const char *name, struct json_object *data);

#endif
