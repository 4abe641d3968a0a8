/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that tell the schema, asked through the real table. */
#include "util/osdep.h"
#include "qapi/dispatch.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/qapi-command-table.h"
#include "qapi/qapi-visit-introspect.h"
#include "qapi/qapi-visit-misc.h"

static struct json_object *ask(const char *text)
{
    static const QmpDispatchContext ctx;
    struct json_object *request, *response;

    g_assert_true(json_parse(text, strlen(text), &request, NULL));
    response = qmp_dispatch(&qmp_command_table, request, &ctx);
    json_object_put(request);
    return response;
}

/* The answer has the type that it says of itself. */
static void test_schema(void)
{
    struct json_object *response = ask("{'execute':'query-qmp-schema'}");
    struct json_object *ret;
    g_autoptr(SchemaInfoList) list = NULL;
    size_t commands = 0;
    Visitor *v;

    g_assert_true(json_object_object_get_ex(response, "return", &ret));
    v = input_visitor_new(ret, VISIT_INPUT_JSON);
    g_assert_true(visit_type_SchemaInfoList(v, NULL, &list, NULL));
    visit_free(v);
    for (SchemaInfoList *e = list; e; e = e->next) {
        if (e->value->meta_type == SCHEMA_META_TYPE_COMMAND) {
            g_assert_nonnull(qmp_find_command(&qmp_command_table,
                                              e->value->name));
            commands++;
        }
    }
    g_assert_cmpuint(commands, ==, qmp_command_table.count);
    json_object_put(response);
}

static void test_schema_arguments(void)
{
    struct json_object *response =
        ask("{'execute':'query-qmp-schema','arguments':{'x':1}}");

    g_assert_true(json_object_object_get_ex(response, "error", NULL));
    json_object_put(response);
}

static void test_options(void)
{
    struct json_object *response =
        ask("{'execute':'query-command-line-options'}");
    struct json_object *ret;
    bool sandbox = false;

    g_assert_true(json_object_object_get_ex(response, "return", &ret));
    g_assert_cmpuint(json_object_array_length(ret), >, 20);
    for (size_t i = 0; i < json_object_array_length(ret); i++) {
        struct json_object *name, *entry = json_object_array_get_idx(ret, i);

        g_assert_true(json_object_object_get_ex(entry, "option", &name));
        g_assert_true(json_object_object_get_ex(entry, "parameters", NULL));
        sandbox |= !strcmp(json_object_get_string(name), "sandbox");
    }
#ifdef CONFIG_SECCOMP
    g_assert_true(sandbox);
#else
    g_assert_false(sandbox);
#endif
    json_object_put(response);
}

static void test_one_option(void)
{
    struct json_object *response = ask("{'execute':'query-command-line-options',"
                                       "'arguments':{'option':'msg'}}");
    g_autofree char *text = json_print(response, false);

    g_assert_cmpstr(text, ==, "{\"return\":[{\"option\":\"msg\","
                    "\"parameters\":["
                    "{\"name\":\"timestamp\",\"type\":\"boolean\","
                    "\"help\":\"start them with the time (default: off)\"},"
                    "{\"name\":\"guest-name\",\"type\":\"boolean\","
                    "\"help\":\"start them with the guest's name (default: "
                    "off)\"}]}]}");
    json_object_put(response);
    response = ask("{'execute':'query-command-line-options',"
                   "'arguments':{'option':'nope'}}");
    g_assert_true(json_object_object_get_ex(response, "error", NULL));
    json_object_put(response);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/qmp-introspect/schema", test_schema);
    g_test_add_func("/qapi/qmp-introspect/schema-arguments",
                    test_schema_arguments);
    g_test_add_func("/qapi/qmp-introspect/options", test_options);
    g_test_add_func("/qapi/qmp-introspect/one-option", test_one_option);
    return g_test_run();
}
