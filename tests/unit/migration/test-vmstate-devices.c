/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of every device of the default machine and of one of each device
 * that a user can add: tables are well formed, what was saved loads and saves
 * the same, cut and changed bytes do no harm, and the machine can be reset
 * after that.
 */
#include "util/osdep.h"
#include <json-c/json.h>
#include "vmstate-check.h"
#include "qapi/qapi-commands-block-core.h"
#include "qapi/qapi-commands-char.h"
#include "qapi/qapi-visit-block-core.h"
#include "qapi/qapi-visit-char.h"
#include "hw/core/qdev-monitor.h"
#include "tests/unit/lib/machine.h"

static Visitor *visit_text(struct json_object **json, const char *text)
{
    *json = json_tokener_parse(text);
    return input_visitor_new(*json, VISIT_INPUT_JSON);
}

static void add_backends(void)
{
    g_autoptr(BlockdevOptions) node = NULL;
    g_autoptr(ChardevBackend) chr = NULL;
    struct json_object *json;
    Visitor *v;

    v = visit_text(&json, "{\"driver\": \"null-co\", \"node-name\": \"n0\","
                   " \"size\": 1048576}");
    g_assert_true(visit_type_BlockdevOptions(v, NULL, &node, NULL));
    visit_free(v);
    json_object_put(json);
    g_assert_true(qmp_blockdev_add(node, NULL));
    v = visit_text(&json, "{\"type\": \"null\", \"data\": {}}");
    g_assert_true(visit_type_ChardevBackend(v, NULL, &chr, NULL));
    visit_free(v);
    json_object_put(json);
    qapi_free_ChardevReturn(qmp_chardev_add("c0", chr, NULL));
}

/* What a device needs besides its type. */
static const struct {
    const char *driver, *key, *value;
} extras[] = {
    { "virtio-blk-pci", "drive", "n0" },
    { "isa-debugcon", "chardev", "c0" },
};

static void add_device(const char *driver)
{
    struct json_object *opts = json_object_new_object();
    Error *err = NULL;

    json_object_object_add(opts, "driver", json_object_new_string(driver));
    for (size_t i = 0; i < G_N_ELEMENTS(extras); i++) {
        if (g_str_equal(driver, extras[i].driver)) {
            json_object_object_add(opts, extras[i].key,
                                   json_object_new_string(extras[i].value));
        }
    }
    if (qdev_device_add(opts, &err)) {
        g_test_message("added %s", driver);
    } else {
        g_test_message("%s: %s", driver, error_get_pretty(err));
        error_free(err);
    }
    json_object_put(opts);
}

/* One of each; who cannot be, such as a part of another device, is left out. */
static void add_devices(void)
{
    GSList *classes = object_class_get_list(TYPE_DEVICE, false);

    for (GSList *e = classes; e; e = e->next) {
        DeviceClass *dc = e->data;

        if (dc->user_creatable && dc->bus_type) {
            add_device(object_class_get_name(e->data));
        }
    }
    g_slist_free(classes);
}

static bool check_entry(const VMStateEntry *se, void *opaque, Error **errp)
{
    unsigned *n = opaque;

    g_test_message("%s %u", se->idstr, se->instance_id);
    ++*n;
    if (se->vmsd->unmigratable) {
        return true;
    }
    if (!vmstate_check_table(se->vmsd, errp) ||
        !vmstate_check_roundtrip(se->vmsd, se->opaque, errp)) {
        error_prepend(errp, "%s: ", se->idstr);
        return false;
    }
    vmstate_check_hostile(se->vmsd, se->opaque);
    return true;
}

static void test_all(void)
{
    MachineState *ms = test_machine_new(0);
    Error *err = NULL;
    unsigned n = 0;

    add_backends();
    add_devices();
    if (!machine_creation_done(ms, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    machine_reset(ms);
    if (!vmstate_foreach(check_entry, &n, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    g_assert_cmpuint(n, >, 5);
    machine_reset(ms);
}

/* A device either has a description or says why it cannot have one. */
static void test_devices_have_descriptions(void)
{
    GSList *classes = object_class_get_list(TYPE_DEVICE, false);
    unsigned missing = 0;

    for (GSList *e = classes; e; e = e->next) {
        DeviceClass *dc = e->data;
        Error *err = NULL;

        if (!dc->vmsd) {
            g_test_message("%s has no state", object_class_get_name(e->data));
            missing++;
        } else if (!vmstate_check_table(dc->vmsd, &err)) {
            g_error("%s: %s", object_class_get_name(e->data),
                    error_get_pretty(err));
        }
    }
    g_slist_free(classes);
    g_test_message("%u without", missing);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/migration/vmstate-devices/tables",
                    test_devices_have_descriptions);
    g_test_add_func("/migration/vmstate-devices/contents", test_all);
    return g_test_run();
}
