/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -device and device_add, their help, and the QMP lists of properties. */
#include "util/osdep.h"
#include <json-c/json.h>
#include "hw/core/qdev-monitor.h"
#include "qapi/qapi-commands-qdev.h"
#include "qapi/qapi-commands-qom.h"
#include "qom/property.h"
#include "test-devices.h"
#include "tests/unit/lib/emulated.h"

static void test_add_lenient_values(void)
{
    TDisk *d;

    t_machine_start(NULL);
    d = (TDisk *)t_add("{\"driver\":\"t-alias\",\"id\":\"a\",\"size\":\"0x10\","
                       "\"label\":\"l\"}", NULL);
    g_assert_cmpuint(d->size, ==, 16);
    g_assert_cmpstr(d->label, ==, "l");
    g_assert_false(d->parent_obj.hotplugged);
    d = (TDisk *)t_add("{\"driver\":\"t-disk\",\"size\":7,\"bus\":\"t.0\"}",
                       NULL);
    g_assert_cmpuint(d->size, ==, 7);
    t_machine_stop();
}

static void test_add_errors(void)
{
    static const struct {
        const char *json, *error, *hint;
    } cases[] = {
        { "{}", "Parameter 'driver' is missing", NULL },
        { "[]", "a device is described by an object", NULL },
        { "{\"driver\":1}",
          "Invalid parameter type for 'driver', expected: string", NULL },
        { "{\"driver\":\"t-dusk\"}",
          "'t-dusk' is not a valid device model name", "'t-disk'" },
        { "{\"driver\":\"container\"}",
          "'container' is not a valid device model name", NULL },
        { "{\"driver\":\"t-base\"}",
          "Parameter 'driver' expects a non-abstract device type", NULL },
        { "{\"driver\":\"t-hidden\"}",
          "Parameter 'driver' expects a pluggable device type", NULL },
        { "{\"driver\":\"t-disk\",\"bus\":\"t.1\"}", "Bus 't.1' not found",
          "'t.0'" },
        { "{\"driver\":\"t-disk\",\"bus\":\"other.0\"}",
          "Device 't-disk' can't go on t-other-bus bus", NULL },
        { "{\"driver\":\"t-disk\",\"id\":\"taken\"}",
          "Duplicate device ID 'taken'", NULL },
        { "{\"driver\":\"t-disk\",\"id\":\"no/slash\"}",
          "Parameter 'id' expects an identifier", NULL },
        { "{\"driver\":\"t-disk\",\"sise\":1}",
          "Property 't-disk.sise' not found", "'size'" },
        { "{\"driver\":\"t-disk\",\"fail\":\"on\",\"id\":\"x\"}",
          "no such luck", NULL },
    };

    t_machine_start(NULL);
    qbus_new("t-other-bus", NULL, "other.0");
    g_assert_nonnull(t_add("{\"driver\":\"t-disk\",\"id\":\"taken\"}", NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;

        g_assert_null(t_add(cases[i].json, &err));
        if (cases[i].hint) {
            g_assert_nonnull(strstr(error_get_hint(err), cases[i].hint));
        }
        t_assert_error(err, cases[i].error);
        g_assert_cmpuint(qbus_find("t.0", NULL)->num_children, ==, 1);
        g_assert_null(object_resolve_path("/machine/peripheral/x", NULL));
    }
    g_assert_null(t_add("{\"driver\":\"t-disk\",\"fail\":true}", NULL));
    g_assert_nonnull(t_add("{\"driver\":\"t-disk\"}", NULL));
    {
        Error *err = NULL;

        g_assert_null(t_add("{\"driver\":\"t-disk\"}", &err));
        t_assert_error(err, "No 't-bus' bus found for device 't-disk'");
    }
    t_machine_stop();
}

static void test_globals(void)
{
    Error *err = NULL;
    TDisk *d;

    t_machine_start(NULL);
    object_add_global("t-disk", "size", "77");
    d = (TDisk *)t_add("{\"driver\":\"t-disk\"}", NULL);
    g_assert_cmpuint(d->size, ==, 77);
    object_add_global("t-disk", "sise", "77");
    g_assert_null(t_add("{\"driver\":\"t-disk\"}", &err));
    t_assert_error(err, "can't apply global t-disk.sise=77: "
                   "Property 't-disk.sise' not found");
    object_globals_reset();
    t_machine_stop();
}

static void test_removed_devices(void)
{
    static const TypeInfo blk = { .name = "virtio-blk-pci",
                                  .parent = TYPE_T_DISK };
    Error *err = NULL;

    type_register_static(&blk);
    t_machine_start(NULL);
    g_assert_null(t_add("{\"driver\":\"ide-hd\"}", &err));
    g_assert_nonnull(strstr(error_get_hint(err), "use 'virtio-blk-pci'"));
    t_assert_error(err, "'ide-hd' is not a valid device model name");
    t_machine_stop();
}

static void test_optional_devices(void)
{
    Error *err = NULL;

    t_machine_start(NULL);
    g_assert_null(t_add("{\"driver\":\"pc-testdev\"}", &err));
    g_assert_nonnull(strstr(error_get_hint(err),
                            "configure --enable-test-devices brings it"));
    t_assert_error(err, "'pc-testdev' is not a valid device model name");
    t_machine_stop();
}

/* ---- QMP ---- */

static const ObjectPropertyInfo *find(ObjectPropertyInfoList *list,
                                      const char *name)
{
    for (; list; list = list->next) {
        if (g_str_equal(list->value->name, name)) {
            return list->value;
        }
    }
    return NULL;
}

static void test_list_properties(void)
{
    ObjectPropertyInfoList *list;
    Error *err = NULL;

    t_machine_start(NULL);
    list = qmp_device_list_properties("t-disk", NULL);
    g_assert_cmpstr(find(list, "size")->type, ==, "uint32");
    g_assert_cmpstr(find(list, "size")->description, ==, "sectors");
    g_assert_cmpint(json_object_get_int(find(list, "size")->default_value), ==,
                    10);
    g_assert_null(find(list, "realized"));
    g_assert_null(find(list, "type"));
    g_assert_null(find(list, "fail"));
    qapi_free_ObjectPropertyInfoList(list);

    g_assert_null(qmp_device_list_properties("no-such", &err));
    g_assert_cmpint(error_get_class(err), ==, ERROR_CLASS_DEVICE_NOT_FOUND);
    t_assert_error(err, "Device 'no-such' not found");
    err = NULL;
    g_assert_null(qmp_qom_list_properties("no-such", &err));
    g_assert_null(err);
    list = qmp_qom_list_properties("none-machine", NULL);
    g_assert_nonnull(find(list, "confidential-guest-support"));
    g_assert_nonnull(find(list, "type"));
    qapi_free_ObjectPropertyInfoList(list);
    list = qmp_qom_list_properties("device", NULL);
    g_assert_nonnull(find(list, "realized"));
    qapi_free_ObjectPropertyInfoList(list);
    t_machine_stop();
}

static void test_qom_list_get_set(void)
{
    ObjectPropertyInfoList *list;
    struct json_object *value;
    Error *err = NULL;

    t_machine_start(NULL);
    t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL);
    list = qmp_qom_list("/machine/peripheral", NULL);
    g_assert_cmpstr(find(list, "d")->type, ==, "child<t-disk>");
    qapi_free_ObjectPropertyInfoList(list);
    value = qmp_qom_get("d", "parent_bus", NULL);
    g_assert_cmpstr(json_object_get_string(value), ==, "/machine/host/t.0");
    json_object_put(value);
    value = json_object_new_int(5);
    g_assert_true(qmp_qom_set("/machine/peripheral/d", "reg", value, NULL));
    json_object_put(value);
    value = qmp_qom_get("d", "reg", NULL);
    g_assert_cmpint(json_object_get_int(value), ==, 5);
    json_object_put(value);
    g_assert_null(qmp_qom_get("nobody", "reg", &err));
    g_assert_cmpint(error_get_class(err), ==, ERROR_CLASS_DEVICE_NOT_FOUND);
    t_assert_error(err, "Device 'nobody' not found");
    t_machine_stop();
}

static void test_list_types(void)
{
    ObjectTypeInfoList *list = qmp_qom_list_types("t-disk", false, false, NULL);

    g_assert_cmpstr(list->value->name, ==, "t-disk");
    g_assert_cmpstr(list->value->parent, ==, "device");
    qapi_free_ObjectTypeInfoList(list);
    g_assert_null(qmp_qom_list_types("no-such", false, false, NULL));
    list = qmp_qom_list_types("t-base", true, true, NULL);
    g_assert_true(list->value->abstract);
    qapi_free_ObjectTypeInfoList(list);
}

/* ---- Help ---- */

static void test_help(void)
{
    if (g_test_subprocess()) {
        t_machine_start(NULL);
        qdev_print_device_help();
        g_assert_true(qdev_print_property_help("t-alias", NULL));
        return;
    }
    if (test_skip_emulated("needs a subprocess")) {
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stdout("*Storage devices:\n"
        "name \"t-disk\", bus t-bus, alias \"t-alias\", desc \"test disk\"\n*");
    g_test_trap_assert_stdout("*Uncategorized devices:\n"
        "name \"t-bridge\", bus t-bus\nname \"t-fixed\", bus t-bus\n*");
    g_test_trap_assert_stdout("*t-disk options:\n*"
        "  size=<uint32>          - sectors (default: 10)\n*");
    g_test_trap_assert_stdout_unmatched("*t-hidden*");
    g_test_trap_assert_stdout_unmatched("*fail*");
}

static const TypeInfo other_bus = {
    .name = "t-other-bus", .parent = TYPE_BUS,
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    type_register_static(&other_bus);
    g_test_add_func("/hw/core/qdev-monitor/help", test_help);
    g_test_add_func("/hw/core/qdev-monitor/add/lenient",
                    test_add_lenient_values);
    g_test_add_func("/hw/core/qdev-monitor/add/errors", test_add_errors);
    g_test_add_func("/hw/core/qdev-monitor/add/globals", test_globals);
    g_test_add_func("/hw/core/qdev-monitor/qmp/list-properties",
                    test_list_properties);
    g_test_add_func("/hw/core/qdev-monitor/qmp/qom", test_qom_list_get_set);
    g_test_add_func("/hw/core/qdev-monitor/qmp/types", test_list_types);
    g_test_add_func("/hw/core/qdev-monitor/add/removed", test_removed_devices);
    g_test_add_func("/hw/core/qdev-monitor/add/optional",
                    test_optional_devices);
    return g_test_run();
}
