/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command that tells the schema, asked through the real table. */
#include "util/osdep.h"
#include "qapi/dispatch.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/qapi-command-table.h"
#include "qapi/qapi-visit-introspect.h"

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/qmp-introspect/schema", test_schema);
    g_test_add_func("/qapi/qmp-introspect/schema-arguments",
                    test_schema_arguments);
    return g_test_run();
}
