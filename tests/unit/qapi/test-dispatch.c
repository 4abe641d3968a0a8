/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to responses, with commands of the test schema. */
#include "util/osdep.h"
#include "qapi/dispatch.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/test-qapi-command-table.h"
#include "qapi/test-qapi-commands-test-schema.h"
#include "qapi/visitor.h"
#include "qapi/test-qapi-visit-test-schema.h"
#include "util/error.h"

static int nothing_calls;

bool qmp_nothing(Error **errp)
{
    nothing_calls++;
    return true;
}

bool qmp_qmp_capabilities(Error **errp)
{
    return true;
}

Scalars *qmp_add_up(int64_t a, bool has_b, int64_t b, bool has_color,
                    Color color, const char *name, Error **errp)
{
    Scalars *ret;

    if (a < 0) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "a is negative");
        return NULL;
    }
    ret = g_new0(Scalars, 1);
    ret->has_i = true;
    ret->i = a + (has_b ? b : 1000);
    ret->has_hue = has_color;
    ret->hue = color;
    ret->str = g_strdup(name);
    return ret;
}

ShapeList *qmp_boxed(Shape *arg, Error **errp)
{
    ShapeList *ret = NULL;

    if (arg->color == COLOR_RED) {
        return NULL;
    }
    QAPI_LIST_PREPEND(ret, QAPI_CLONE(Shape, arg));
    QAPI_LIST_PREPEND(ret, QAPI_CLONE(Shape, arg));
    return ret;
}

bool qmp_raw(struct json_object *args, struct json_object **ret, Error **errp)
{
    *ret = json_object_get(args);
    return true;
}

bool qmp_silent(bool fail, Error **errp)
{
    if (fail) {
        error_setg(errp, "as you wish");
    }
    return !fail;
}

int64_t qmp_get_int(Error **errp)
{
    return 42;
}

char *qmp_get_str(Error **errp)
{
    return g_strdup("text");
}

struct json_object *qmp_get_any(struct json_object *value, Error **errp)
{
    return json_object_get(value);
}

#define GENERIC(desc)                                                          \
    "{\"error\":{\"class\":\"GenericError\",\"desc\":\"" desc "\"}}"
#define NOT_FOUND(desc)                                                        \
    "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"" desc "\"}}"

static const QmpDispatchContext plain;
static const QmpDispatchContext negotiating = { .negotiating = true };
static const QmpDispatchContext oob = { .oob_enabled = true };
static const QmpDispatchContext preconfig = { .preconfig = true };

static const struct {
    const QmpDispatchContext *ctx;
    const char *request;
    const char *response;   /* NULL: none */
} cases[] = {
    { &plain, "{'execute':'nothing'}", "{\"return\":{}}" },
    { &plain, "{'execute':'nothing','id':7}", "{\"return\":{},\"id\":7}" },
    { &plain, "{'execute':'nothing','id':null}",
      "{\"return\":{},\"id\":null}" },
    { &plain, "{'execute':'nothing','id':{'a':[1]}}",
      "{\"return\":{},\"id\":{\"a\":[1]}}" },
    { &plain, "{'execute':'nothing','arguments':{}}", "{\"return\":{}}" },
    { &plain, "{'execute':'nothing','arguments':{'x':1}}",
      GENERIC("Parameter 'x' is unexpected") },
    { &plain, "{'execute':'nothing','arguments':[]}",
      GENERIC("QMP input member 'arguments' must be an object") },
    { &plain, "{'execute':'nothing','arguments':null}",
      GENERIC("QMP input member 'arguments' must be an object") },
    { &plain, "{'execute':'nothing','extra':1}",
      GENERIC("QMP input member 'extra' is unexpected") },
    { &plain, "{'execute':1}",
      GENERIC("QMP input member 'execute' must be a string") },
    { &plain, "{}", GENERIC("QMP input lacks member 'execute'") },
    { &plain, "[]", GENERIC("QMP input must be a JSON object") },
    { &plain, "null", GENERIC("QMP input must be a JSON object") },
    { &plain, "1", GENERIC("QMP input must be a JSON object") },
    { &plain, "{'execute':'none-such','id':1}",
      "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command "
      "none-such has not been found\"},\"id\":1}" },
    { &plain, "{'execute':''}", NOT_FOUND("The command  has not been found") },
    { &plain, "{'execute':'qmp_capabilities'}",
      NOT_FOUND("Capabilities negotiation is already complete, command "
                "ignored") },
    { &negotiating, "{'execute':'qmp_capabilities'}", "{\"return\":{}}" },
    { &negotiating, "{'execute':'nothing'}",
      NOT_FOUND("Expecting capabilities negotiation with "
                "'qmp_capabilities'") },

    { &plain, "{'execute':'add-up','arguments':{'a':1}}",
      "{\"return\":{\"i\":1001}}" },
    { &plain, "{'execute':'add-up','arguments':{'a':1,'b':2,'color':'green',"
      "'name':'x'}}",
      "{\"return\":{\"i\":3,\"str\":\"x\",\"hue\":\"green\"}}" },
    { &plain, "{'execute':'add-up'}", GENERIC("Parameter 'a' is missing") },
    { &plain, "{'execute':'add-up','arguments':{'a':'1'}}",
      GENERIC("Invalid parameter type for 'a', expected: integer") },
    { &plain, "{'execute':'add-up','arguments':{'a':1,'name':'x','c':0}}",
      GENERIC("Parameter 'c' is unexpected") },
    { &plain, "{'execute':'add-up','arguments':{'a':-1}}",
      "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"a is negative\"}}" },
    { &plain, "{'execute':'boxed','arguments':{'name':'n','color':'green',"
      "'a':'x'}}",
      "{\"return\":[{\"name\":\"n\",\"color\":\"green\",\"a\":\"x\"},"
      "{\"name\":\"n\",\"color\":\"green\",\"a\":\"x\"}]}" },
    { &plain, "{'execute':'boxed','arguments':{'name':'n','color':'red'}}",
      "{\"return\":[]}" },
    { &plain, "{'execute':'raw','arguments':{'x':[1]}}",
      "{\"return\":{\"x\":[1]}}" },
    { &plain, "{'execute':'raw'}", "{\"return\":{}}" },
    { &plain, "{'execute':'silent','arguments':{'fail':false}}", NULL },
    { &plain, "{'execute':'silent','arguments':{'fail':true}}",
      GENERIC("as you wish") },
    { &plain, "{'execute':'get-int'}", "{\"return\":42}" },
    { &plain, "{'execute':'get-str'}", "{\"return\":\"text\"}" },
    { &plain, "{'execute':'get-any','arguments':{'value':[null,1.5]}}",
      "{\"return\":[null,1.5]}" },

    { &plain, "{'exec-oob':'add-up','arguments':{'a':1}}",
      GENERIC("QMP input member 'exec-oob' is unexpected") },
    { &oob, "{'exec-oob':'add-up','arguments':{'a':1}}",
      "{\"return\":{\"i\":1001}}" },
    { &oob, "{'exec-oob':'nothing'}",
      GENERIC("The command nothing does not support OOB") },
    { &oob, "{'exec-oob':'add-up','execute':'nothing'}",
      GENERIC("QMP input member 'execute' clashes with 'exec-oob'") },
    { &oob, "{'exec-oob':'none-such'}",
      NOT_FOUND("The command none-such has not been found") },

    { &preconfig, "{'execute':'boxed','arguments':{'name':'n',"
      "'color':'red'}}", "{\"return\":[]}" },
    { &preconfig, "{'execute':'nothing'}",
      GENERIC("The command 'nothing' isn't permitted before the machine "
              "exists") },
};

static struct json_object *parse(const char *text)
{
    struct json_object *value;

    g_assert_true(json_parse(text, strlen(text), &value, NULL));
    return value;
}

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct json_object *request = parse(cases[i].request);
        struct json_object *response;
        g_autofree char *text = NULL;

        g_test_message("%zu: %s", i, cases[i].request);
        response = qmp_dispatch(&test_qmp_command_table, request,
                                cases[i].ctx);
        text = response ? json_print(response, false) : NULL;
        g_assert_cmpstr(text, ==, cases[i].response);
        json_object_put(response);
        json_object_put(request);
    }
    g_assert_cmpint(nothing_calls, ==, 5);
}

static void test_is_oob(void)
{
    static const struct {
        const char *request;
        bool oob;
    } requests[] = {
        { "{'exec-oob':'x'}", true },
        { "{'execute':'x'}", false },
        { "{'execute':'x','exec-oob':'x'}", false },
        { "[]", false },
        { "null", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
        struct json_object *request = parse(requests[i].request);

        g_assert_true(qmp_is_oob(request) == requests[i].oob);
        json_object_put(request);
    }
}

static void test_table(void)
{
    const QmpCommandTable *table = &test_qmp_command_table;

    for (size_t i = 1; i < table->count; i++) {
        g_assert_cmpstr(table->commands[i - 1].name, <,
                        table->commands[i].name);
    }
    for (size_t i = 0; i < table->count; i++) {
        g_assert_true(qmp_find_command(table, table->commands[i].name) ==
                      &table->commands[i]);
    }
    g_assert_cmpint(qmp_find_command(table, "silent")->flags, ==,
                    QMP_NO_SUCCESS_RESP);
    g_assert_cmpint(qmp_find_command(table, "add-up")->flags, ==,
                    QMP_ALLOW_OOB);
    g_assert_cmpint(qmp_find_command(table, "boxed")->flags, ==,
                    QMP_ALLOW_PRECONFIG);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/dispatch/cases", test_cases);
    g_test_add_func("/qapi/dispatch/is-oob", test_is_oob);
    g_test_add_func("/qapi/dispatch/table", test_table);
    return g_test_run();
}
