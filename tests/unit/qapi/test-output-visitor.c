/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C values to JSON, copies, and visiting by hand as QOM properties do. */
#include "util/osdep.h"
#include "qapi/visitor.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/test-qapi-visit-test-schema.h"
#include "util/error.h"

static char *mixed_text(Mixed *val)
{
    g_autoptr(Visitor) v = output_visitor_new();
    struct json_object *tree;
    char *text;

    visit_type_Mixed(v, NULL, &val, NULL);
    tree = output_visitor_take(v);
    text = json_print(tree, false);
    json_object_put(tree);
    return text;
}

static Mixed *make_mixed(void)
{
    Mixed *val = g_new0(Mixed, 1);
    uint16List **tail = &val->ints;
    Shape *shape = g_new0(Shape, 1);

    for (int i = 0; i < 3; i++) {
        QAPI_LIST_APPEND(tail, i);
    }
    QAPI_LIST_PREPEND(val->ints, 9);
    shape->name = g_strdup("s");
    shape->color = COLOR_GREEN;
    shape->u.green.a = g_strdup("x");
    shape->u.green.has_b = true;
    shape->u.green.b = -3;
    QAPI_LIST_PREPEND(val->shapes, shape);
    val->alt = g_new0(NumberOrBool, 1);
    val->alt->type = QAPI_KIND_BOOL;
    val->alt->u.b = true;
    val->value = json_object_new_string("any");
    return val;
}

static const char mixed_json[] =
    "{\"ints\":[9,0,1,2],\"shapes\":[{\"name\":\"s\",\"color\":\"green\","
    "\"b\":-3,\"a\":\"x\"}],\"alt\":true,\"value\":\"any\"}";

static void test_struct(void)
{
    g_autoptr(Mixed) val = make_mixed();
    g_autofree char *text = mixed_text(val);

    g_assert_cmpstr(text, ==, mixed_json);
}

static void test_clone(void)
{
    g_autoptr(Mixed) val = make_mixed();
    g_autoptr(Mixed) copy = QAPI_CLONE(Mixed, val);
    g_autofree char *text = mixed_text(copy);

    g_assert_cmpstr(text, ==, mixed_json);
    g_assert_true(copy->shapes->value != val->shapes->value);
}

static void test_scalars(void)
{
    g_autoptr(Visitor) v = output_visitor_new();
    struct json_object *tree;
    uint64_t num = UINT64_MAX;
    char *none = NULL;

    visit_type_uint64(v, "x", &num, NULL);
    tree = output_visitor_take(v);
    g_assert_cmpstr(json_object_to_json_string(tree), ==,
                    "18446744073709551615");
    json_object_put(tree);
    visit_type_str(v, NULL, &none, NULL);
    tree = output_visitor_take(v);
    g_assert_cmpstr(json_object_get_string(tree), ==, "");
    json_object_put(tree);
}

static void test_invalid_utf8(void)
{
    g_autoptr(Visitor) v = output_visitor_new();
    char text[] = "a\xff" "b";
    char *str = text;
    struct json_object *tree;

    visit_type_str(v, NULL, &str, NULL);
    tree = output_visitor_take(v);
    g_assert_cmpstr(json_object_get_string(tree), ==, "a\xef\xbf\xbd" "b");
    json_object_put(tree);
}

/* Visit {"n": int, "l": [int...]} without a schema type. */
static bool visit_by_hand(Visitor *v, int64_t *n, int64_t *sum, Error **errp)
{
    bool ok;

    if (!visit_start_struct(v, NULL, NULL, 0, errp)) {
        return false;
    }
    ok = visit_type_int(v, "n", n, errp) && visit_start_list(v, "l", errp);
    if (ok) {
        int64_t x;

        while (ok && visit_next_list(v)) {
            ok = visit_type_int(v, NULL, &x, errp);
            *sum += ok ? x : 0;
        }
        visit_end_list(v);
    }
    ok = ok && visit_check_struct(v, errp);
    visit_end_struct(v);
    return ok;
}

static void test_by_hand(void)
{
    static const struct {
        const char *in, *err;
        int64_t sum;
    } cases[] = {
        { "{\"n\":1,\"l\":[1,2,3]}", NULL, 6 },
        { "{\"n\":1,\"l\":[]}", NULL, 0 },
        { "{\"n\":1,\"l\":[1,\"x\"]}",
          "Invalid parameter type for 'l[1]', expected: integer" },
        { "{\"n\":1}", "Parameter 'l' is missing" },
        { "{\"n\":1,\"l\":[],\"z\":0}",
          "Parameter 'z' is unexpected" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct json_object *tree;
        g_autoptr(Error) err = NULL;
        int64_t n = 0, sum = 0;
        Visitor *v;

        g_assert_true(json_parse(cases[i].in, strlen(cases[i].in), &tree,
                                 NULL));
        v = input_visitor_new(tree, VISIT_INPUT_JSON);
        g_assert_true(visit_by_hand(v, &n, &sum, &err) == !cases[i].err);
        if (cases[i].err) {
            g_assert_cmpstr(error_get_pretty(err), ==, cases[i].err);
        } else {
            g_assert_cmpint(sum, ==, cases[i].sum);
        }
        visit_free(v);
        json_object_put(tree);
    }
}

static void test_value_to_string(void)
{
    static const struct {
        const char *json, *text;
        bool human;
    } cases[] = {
        { "\"a b\"", "a b", false },
        { "true", "true", false },
        { "4194304", "4194304", false },
        { "4194304", "4194304 (4 MiB)", true },
        { "512", "512", true },
        { "-5", "-5", true },
        { "[1,\"x/y\"]", "[1,\"x/y\"]", true },
        { "null", "null", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct json_object *value;
        g_autofree char *text = NULL;

        g_assert_true(json_parse(cases[i].json, strlen(cases[i].json), &value,
                                 NULL));
        text = qapi_value_to_string(value, cases[i].human);
        g_assert_cmpstr(text, ==, cases[i].text);
        json_object_put(value);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/output-visitor/struct", test_struct);
    g_test_add_func("/qapi/output-visitor/clone", test_clone);
    g_test_add_func("/qapi/output-visitor/scalars", test_scalars);
    g_test_add_func("/qapi/output-visitor/invalid-utf8", test_invalid_utf8);
    g_test_add_func("/qapi/output-visitor/by-hand", test_by_hand);
    g_test_add_func("/qapi/output-visitor/value-to-string",
                    test_value_to_string);
    return g_test_run();
}
