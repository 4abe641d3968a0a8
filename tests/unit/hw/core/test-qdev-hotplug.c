/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hot-plug, the dialogue with the guest, DEVICE_DELETED. */
#include "util/osdep.h"
#include <json-c/json.h>
#include "hw/core/hotplug.h"
#include "hw/core/qdev-monitor.h"
#include "qapi/events.h"
#include "test-devices.h"

static GString *events;

static void on_event(int id, struct json_object *event)
{
    g_string_append_printf(events, "%s ",
                           json_object_to_json_string_ext(event, 0));
    json_object_put(event);
}

static void test_asks_the_guest(void)
{
    g_autoptr(Object) port = object_new(TYPE_T_PORT);
    MachineState *ms = t_machine_start(port);
    DeviceState *dev;
    Error *err = NULL;

    t_machine_ready(ms);
    dev = t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL);
    g_assert_true(dev->hotplugged);
    t_trail_assert("pre_plug(d) disk.realize(d) reset(d) plug(d) ");
    g_assert_true(qdev_device_del("d", NULL));
    t_trail_assert("unplug_request(d) ");
    g_assert(qdev_find_device("d", NULL) == dev);
    g_assert_false(qdev_device_del("d", &err));
    t_assert_error(err, "Device d is already in the process of unplug");
    qdev_unplug_cancelled(dev);
    g_assert_true(qdev_device_del("/machine/peripheral/d", NULL));
    g_assert_cmpstr(events->str, ==, "");
    qdev_unplug_finish(dev);
    t_trail_assert("unplug_request(d) unplug(d) unrealize(d) ");
    g_assert_nonnull(strstr(events->str, "\"device\":\"d\""));
    g_assert_nonnull(strstr(events->str,
                            "\"path\":\"\\/machine\\/peripheral\\/d\""));
    err = NULL;
    g_assert_false(qdev_device_del("d", &err));
    g_assert_cmpint(error_get_class(err), ==, ERROR_CLASS_DEVICE_NOT_FOUND);
    t_assert_error(err, "Device 'd' not found");
    t_machine_stop();
}

static void test_surprise_removal(void)
{
    g_autoptr(Object) port = object_new("t-surprise-port");
    MachineState *ms = t_machine_start(port);

    t_machine_ready(ms);
    t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL);
    g_string_truncate(t_trail, 0);
    g_assert_true(qdev_device_del("d", NULL));
    t_trail_assert("unplug(d) unrealize(d) ");
    t_machine_stop();
}

static void test_event_waits_for_last_reference(void)
{
    g_autoptr(Object) port = object_new("t-surprise-port");
    MachineState *ms = t_machine_start(port);
    DeviceState *dev;

    t_machine_ready(ms);
    dev = t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL);
    object_ref(dev);
    g_string_truncate(events, 0);
    g_assert_true(qdev_device_del("d", NULL));
    g_assert_cmpstr(events->str, ==, "");
    object_unref(dev);
    g_assert_cmpstr(events->str, !=, "");
    t_machine_stop();
}

static void test_failed_plug_is_undone(void)
{
    g_autoptr(Object) port = object_new(TYPE_T_PORT);
    MachineState *ms = t_machine_start(port);
    Error *err = NULL;

    t_machine_ready(ms);
    g_string_truncate(events, 0);
    g_assert_null(t_add("{\"driver\":\"t-disk\",\"id\":\"d\",\"slot\":99}",
                        &err));
    t_assert_error(err, "slot 99 is broken");
    t_trail_assert("pre_plug(d) disk.realize(d) reset(d) plug(d) "
                   "unrealize(d) ");
    g_assert_cmpstr(events->str, ==, "");
    g_assert_nonnull(t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL));
    t_machine_stop();
}

static void test_refusals(void)
{
    static const struct {
        const char *json, *error;
    } cases[] = {
        { "{\"driver\":\"t-disk\",\"bus\":\"t.0\"}",
          "Bus 't.0' does not support hotplugging" },
        { "{\"driver\":\"t-fixed\"}",
          "Parameter 'driver' expects a pluggable device type" },
    };
    MachineState *ms = t_machine_start(NULL);
    Error *err = NULL;

    t_add("{\"driver\":\"t-disk\",\"id\":\"cold\"}", NULL);
    t_add("{\"driver\":\"t-fixed\",\"id\":\"fixed\"}", NULL);
    t_machine_ready(ms);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        err = NULL;
        g_assert_null(t_add(cases[i].json, &err));
        t_assert_error(err, cases[i].error);
    }
    err = NULL;
    g_assert_false(qdev_device_del("cold", &err));
    t_assert_error(err, "Bus 't.0' does not support hotplugging");
    err = NULL;
    g_assert_false(qdev_device_del("fixed", &err));
    t_assert_error(err, "Device 't-fixed' does not support hotplugging");
    t_machine_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    events = g_string_new(NULL);
    qapi_event_set_emitter(on_event);
    g_test_add_func("/hw/core/hotplug/asks-the-guest", test_asks_the_guest);
    g_test_add_func("/hw/core/hotplug/surprise-removal", test_surprise_removal);
    g_test_add_func("/hw/core/hotplug/event/last-reference",
                    test_event_waits_for_last_reference);
    g_test_add_func("/hw/core/hotplug/plug/failed", test_failed_plug_is_undone);
    g_test_add_func("/hw/core/hotplug/refusals", test_refusals);
    return g_test_run();
}
