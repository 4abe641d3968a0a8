/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each type accepts, in both modes, and how errors name the culprit. */
#include "util/osdep.h"
#include "qapi/visitor.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/test-qapi-visit-test-schema.h"
#include "util/error.h"
#include "tests/unit/lib/assert-error.h"

typedef enum TestType {
    SCALARS, SHAPE, MIXED, CONDITIONAL,
} TestType;

/* Read @in as @type and write it again. Returns the text or NULL. */
static char *round_trip(TestType type, VisitInputMode mode, const char *in,
                        Error **errp)
{
    g_autoptr(Visitor) out = output_visitor_new();
    struct json_object *tree = NULL;
    struct json_object *result;
    char *text = NULL;
    Visitor *v;

    g_assert_true(json_parse(in, strlen(in), &tree, NULL));
    v = input_visitor_new(tree, mode);
#define TRY(id, T)                                                             \
    case id: {                                                                 \
        g_autoptr(T) val = NULL;                                               \
        if (visit_type_##T(v, NULL, &val, errp)) {                             \
            visit_type_##T(out, NULL, &val, NULL);                             \
            result = output_visitor_take(out);                                 \
            text = json_print(result, false);                                  \
            json_object_put(result);                                           \
        } else {                                                               \
            g_assert_null(val);                                                \
        }                                                                      \
        break;                                                                 \
    }
    switch (type) {
    TRY(SCALARS, Scalars)
    TRY(SHAPE, Shape)
    TRY(MIXED, Mixed)
    TRY(CONDITIONAL, Conditional)
    }
#undef TRY
    visit_free(v);
    json_object_put(tree);
    return text;
}

#define J VISIT_INPUT_JSON
#define K VISIT_INPUT_KEYVAL

static const struct {
    TestType type;
    VisitInputMode mode;
    const char *in;
    const char *out;    /* NULL: the same as @in; else, or the error */
    bool fails;
} cases[] = {
    { SCALARS, J, "{}" },
    { SCALARS, J, "{\"i\":-9223372036854775808}" },
    { SCALARS, J, "{\"i\":9223372036854775807}" },
    { SCALARS, J, "{\"i\":9223372036854775808}",
      "Parameter 'i' expects an integer", true },
    { SCALARS, J, "{\"i\":1.0}",
      "Invalid parameter type for 'i', expected: integer", true },
    { SCALARS, J, "{\"i\":\"1\"}",
      "Invalid parameter type for 'i', expected: integer", true },
    { SCALARS, J, "{\"i\":null}",
      "Invalid parameter type for 'i', expected: integer", true },
    { SCALARS, J, "{\"i8\":-128,\"i16\":-32768,\"i32\":-2147483648}" },
    { SCALARS, J, "{\"i8\":127,\"i16\":32767,\"i32\":2147483647}" },
    { SCALARS, J, "{\"i8\":128}",
      "Parameter 'i8' expects an integer from -128 to 127", true },
    { SCALARS, J, "{\"i16\":-32769}",
      "Parameter 'i16' expects an integer from -32768 to 32767", true },
    { SCALARS, J, "{\"i32\":2147483648}", "Parameter 'i32' expects an "
      "integer from -2147483648 to 2147483647", true },
    { SCALARS, J, "{\"u8\":255,\"u16\":65535,\"u32\":4294967295}" },
    { SCALARS, J, "{\"u8\":256}",
      "Parameter 'u8' expects an integer from 0 to 255", true },
    { SCALARS, J, "{\"u8\":-1}",
      "Parameter 'u8' expects an integer from 0 to 255", true },
    { SCALARS, J, "{\"u16\":65536}",
      "Parameter 'u16' expects an integer from 0 to 65535", true },
    { SCALARS, J, "{\"u64\":18446744073709551615}" },
    { SCALARS, J, "{\"u64\":-1}", "Parameter 'u64' expects an integer from 0 "
      "to 18446744073709551615", true },
    { SCALARS, J, "{\"size\":4096,\"flag\":true,\"number\":1.5}" },
    { SCALARS, J, "{\"size\":\"4k\"}",
      "Invalid parameter type for 'size', expected: integer", true },
    { SCALARS, J, "{\"number\":2}", "{\"number\":2.0}" },
    { SCALARS, J, "{\"number\":\"2\"}",
      "Invalid parameter type for 'number', expected: number", true },
    { SCALARS, J, "{\"flag\":1}",
      "Invalid parameter type for 'flag', expected: boolean", true },
    { SCALARS, J, "{\"flag\":\"on\"}",
      "Invalid parameter type for 'flag', expected: boolean", true },
    { SCALARS, J, "{\"if\":\"x\",\"str\":\"\",\"hue\":\"light-blue\"}" },
    { SCALARS, J, "{\"str\":1}",
      "Invalid parameter type for 'str', expected: string", true },
    { SCALARS, J, "{\"hue\":\"gren\"}", "Parameter 'hue' does not accept "
      "value 'gren', did you mean 'green'?", true },
    { SCALARS, J, "{\"hue\":\"zzzzzzz\"}",
      "Parameter 'hue' does not accept value 'zzzzzzz' (valid: red, green, "
      "light-blue)", true },
    { SCALARS, J, "{\"hue\":\"infrared\"}",
      "Parameter 'hue' does not accept value 'infrared': use red", true },
    { SCALARS, J, "{\"hue\":1}",
      "Invalid parameter type for 'hue', expected: string", true },
    { SCALARS, J, "{\"numbr\":1}",
      "Parameter 'numbr' is unexpected, did you mean 'number'?", true },
    { SCALARS, J, "{\"qwertyuiop\":1}",
      "Parameter 'qwertyuiop' is unexpected", true },
    { SCALARS, J, "[]",
      "Invalid parameter type for 'value', expected: object", true },
    { SCALARS, J, "null",
      "Invalid parameter type for 'value', expected: object", true },

    { SCALARS, K, "{\"i\":\"-1\",\"u8\":\"0x10\",\"u64\":\"7\"}",
      "{\"i\":-1,\"u8\":16,\"u64\":7}" },
    { SCALARS, K, "{\"i\":-1,\"flag\":false,\"size\":1}",
      "{\"i\":-1,\"size\":1,\"flag\":false}" },
    { SCALARS, K, "{\"u8\":\"256\"}",
      "Parameter 'u8' expects an integer from 0 to 255", true },
    { SCALARS, K, "{\"u8\":\"1x\"}", "Parameter 'u8' expects an integer from "
      "0 to 255, not '1x'", true },
    { SCALARS, K, "{\"i\":\"\"}",
      "Parameter 'i' expects an integer, not ''", true },
    { SCALARS, K, "{\"i\":\"9223372036854775808\"}", "Parameter 'i' expects "
      "an integer, not '9223372036854775808'", true },
    { SCALARS, K, "{\"size\":\"4k\",\"flag\":\"on\",\"number\":\"0.5\"}",
      "{\"size\":4096,\"flag\":true,\"number\":0.5}" },
    { SCALARS, K, "{\"size\":\"4q\"}", "Parameter 'size' expects a size (a "
      "number and a suffix of B, K, M, G, T, P, E), not '4q'", true },
    { SCALARS, K, "{\"size\":\"16E\"}", "Parameter 'size' expects a size (a "
      "number and a suffix of B, K, M, G, T, P, E), not '16E'", true },
    { SCALARS, K, "{\"flag\":\"maybe\"}",
      "Parameter 'flag' expects 'on' or 'off', not 'maybe'", true },
    { SCALARS, K, "{\"number\":\"inf\"}",
      "Parameter 'number' expects a number, not 'inf'", true },
    { SCALARS, K, "{\"flag\":\"no\"}", "{\"flag\":false}" },

    { SHAPE, J, "{\"name\":\"a\",\"color\":\"red\",\"i\":1}" },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"light-blue\"}" },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"green\",\"a\":\"x\"}" },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"green\",\"b\":1,"
      "\"inner\":{\"b\":2},\"a\":\"x\"}" },
    { SHAPE, J, "{\"a\":\"x\",\"color\":\"green\",\"name\":\"a\"}",
      "{\"name\":\"a\",\"color\":\"green\",\"a\":\"x\"}" },
    { SHAPE, J, "{\"name\":\"a\"}", "Parameter 'color' is missing", true },
    { SHAPE, J, "{\"nam\":\"a\",\"color\":\"red\"}",
      "Parameter 'name' is missing, did you mean it by 'nam'?", true },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"green\"}",
      "Parameter 'a' is missing", true },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"red\",\"a\":\"x\"}",
      "Parameter 'a' is unexpected", true },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"light-blue\",\"i\":1}",
      "Parameter 'i' is unexpected", true },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"green\",\"a\":\"x\","
      "\"inner\":{\"b\":\"2\"}}",
      "Invalid parameter type for 'inner.b', expected: integer", true },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"green\",\"a\":\"x\","
      "\"inner\":{\"c\":2}}",
      "Parameter 'inner.c' is unexpected", true },
    { SHAPE, J, "{\"name\":\"a\",\"color\":\"green\",\"a\":\"x\","
      "\"inner\":\"b\"}",
      "Invalid parameter type for 'inner', expected: object", true },

    { MIXED, J, "{\"ints\":[1,2,3],\"shapes\":[{\"name\":\"n\","
      "\"color\":\"red\"}],\"colors\":[\"red\",\"green\"]}" },
    { MIXED, J, "{\"ints\":[]}", "{}" },
    { MIXED, J, "{\"ints\":[1,-2]}",
      "Parameter 'ints[1]' expects an integer from 0 to 65535", true },
    { MIXED, J, "{\"ints\":1}",
      "Invalid parameter type for 'ints', expected: array", true },
    { MIXED, J, "{\"shapes\":[{\"name\":\"n\",\"color\":\"red\"},"
      "{\"name\":\"n\"}]}", "Parameter 'shapes[1].color' is missing", true },
    { MIXED, J, "{\"shapes\":[{\"name\":\"n\",\"color\":\"red\",\"x\":1}]}",
      "Parameter 'shapes[0].x' is unexpected", true },
    { MIXED, J, "{\"strs\":[{\"str\":\"a\"}]}" },
    { MIXED, J, "{\"strs\":[\"a\"]}",
      "Invalid parameter type for 'strs[0]', expected: object", true },
    { MIXED, J, "{\"alt\":5}" },
    { MIXED, J, "{\"alt\":false}" },
    { MIXED, J, "{\"alt\":[\"a\",\"b\"]}" },
    { MIXED, J, "{\"alt\":300}",
      "Parameter 'alt' expects an integer from 0 to 255", true },
    { MIXED, J, "{\"alt\":\"5\"}", "Invalid parameter type for 'alt', "
      "expected: boolean or number or array", true },
    { MIXED, J, "{\"alt\":[\"a\",1]}",
      "Invalid parameter type for 'alt[1]', expected: string", true },
    { MIXED, J, "{\"ref\":null}" },
    { MIXED, J, "{\"ref\":\"x\"}" },
    { MIXED, J, "{\"ref\":{\"next\":{\"next\":\"end\"}}}" },
    { MIXED, J, "{\"ref\":{\"next\":{\"next\":1}}}", "Invalid parameter type "
      "for 'ref.next.next', expected: null or string or object", true },
    { MIXED, J, "{\"ref\":{\"nxt\":\"x\"}}",
      "Parameter 'ref.nxt' is unexpected, did you mean 'next'?", true },
    { MIXED, J, "{\"value\":{\"x\":[1,null,\"y\"]}}" },

    { MIXED, K, "{\"ints\":\"1,3-5,0x10\"}", "{\"ints\":[1,3,4,5,16]}" },
    { MIXED, K, "{\"ints\":\"7\"}", "{\"ints\":[7]}" },
    { MIXED, K, "{\"ints\":[\"1\",\"2\"]}", "{\"ints\":[1,2]}" },
    { MIXED, K, "{\"ints\":\"3-1\"}", "Parameter 'ints[0]' expects an integer "
      "from 0 to 65535, not '3-1'", true },
    { MIXED, K, "{\"ints\":\"1,\"}", "Parameter 'ints[1]' expects an integer "
      "from 0 to 65535, not '1,'", true },
    { MIXED, K, "{\"ints\":\"65535-18446744073709551615\"}",
      "Parameter 'ints[1]' expects an integer from 0 to 65535", true },
    { MIXED, K, "{\"colors\":\"green\"}", "{\"colors\":[\"green\"]}" },
    { MIXED, K, "{\"strs\":\"a\"}", "{\"strs\":[{\"str\":\"a\"}]}" },
    { MIXED, K, "{\"strs\":[\"a\",\"b\"]}",
      "{\"strs\":[{\"str\":\"a\"},{\"str\":\"b\"}]}" },
    { MIXED, K, "{\"shapes\":\"a\"}",
      "Parameter 'shapes[0].name' is missing", true },
    { MIXED, K, "{\"ref\":\"x\"}" },
    { MIXED, K, "{\"alt\":\"5\"}", "{\"alt\":5}" },
    { MIXED, K, "{\"alt\":\"off\"}", "{\"alt\":false}" },
    { MIXED, K, "{\"alt\":\"x\"}", "Parameter 'alt' expects an integer from 0 "
      "to 255, not 'x'", true },

    { CONDITIONAL, J, "{\"yes\":1,\"not-no\":2}" },
    { CONDITIONAL, J, "{\"yes\":1,\"not-no\":2,\"no\":{}}",
      "Parameter 'no' is unexpected", true },
};

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *want = cases[i].out ? cases[i].out : cases[i].in;
        g_autoptr(Error) err = NULL;
        g_autofree char *out = round_trip(cases[i].type, cases[i].mode,
                                          cases[i].in, &err);

        g_test_message("%zu: %s", i, cases[i].in);
        if (cases[i].fails) {
            g_assert_null(out);
            g_assert_nonnull(err);
            g_assert_cmpstr(error_get_pretty(err), ==, want);
        } else {
            g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
            g_assert_cmpstr(out, ==, want);
        }
    }
}

/* A chain of objects as deep as the type allows, and one deeper. */
static void test_depth(void)
{
    for (int depth = VISIT_DEPTH_MAX / 2 - 2; depth < 400; depth += 250) {
        GString *in = g_string_new("{\"ref\":");
        g_autoptr(Error) err = NULL;
        g_autofree char *out = NULL;

        for (int i = 0; i < depth; i++) {
            g_string_append(in, "{\"next\":");
        }
        g_string_append(in, "\"x\"");
        for (int i = 0; i <= depth; i++) {
            g_string_append_c(in, '}');
        }
        out = round_trip(MIXED, VISIT_INPUT_JSON, in->str, &err);
        if (depth < VISIT_DEPTH_MAX / 2) {
            g_assert_cmpstr(out, ==, in->str);
        } else {
            g_assert_null(out);
            assert_error(err, "too deeply");
        }
        g_string_free(in, TRUE);
    }
}

static void test_nul_in_string(void)
{
    struct json_object *tree = json_object_new_object();
    g_autoptr(Error) err = NULL;
    g_autoptr(Scalars) val = NULL;
    Visitor *v;

    json_object_object_add(tree, "str", json_object_new_string_len("a\0b", 3));
    v = input_visitor_new(tree, VISIT_INPUT_JSON);
    g_assert_false(visit_type_Scalars(v, NULL, &val, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "Parameter 'str' expects a string without NUL bytes");
    visit_free(v);
    json_object_put(tree);
}

/* "0-65535" is the most that a text may make of a list. */
static void test_text_list_limit(void)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *out = round_trip(MIXED, VISIT_INPUT_KEYVAL,
                                      "{\"ints\":\"0-65535,1-2\"}", &err);

    g_assert_null(out);
    g_assert_nonnull(err);
}

static void test_errors_ignored(void)
{
    g_autofree char *out = round_trip(SCALARS, VISIT_INPUT_JSON,
                                      "{\"nope\":1}", NULL);

    g_assert_null(out);
}

static void test_enum_parse(void)
{
    g_autoptr(Error) err = NULL;

    g_assert_cmpint(qapi_enum_parse(&Color_lookup, "green", -1, NULL), ==,
                    COLOR_GREEN);
    g_assert_cmpint(qapi_enum_parse(&Color_lookup, NULL, COLOR_RED, NULL), ==,
                    COLOR_RED);
    g_assert_cmpint(qapi_enum_parse(&Color_lookup, "rad", -1, &err), ==, -1);
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "invalid value 'rad', did you mean 'red'?");
    g_assert_cmpstr(Color_str(COLOR_LIGHT_BLUE), ==, "light-blue");
    g_assert_null(qapi_enum_str(&Color_lookup, COLOR__MAX));
    g_assert_null(qapi_enum_str(&Color_lookup, -1));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/input-visitor/cases", test_cases);
    g_test_add_func("/qapi/input-visitor/depth", test_depth);
    g_test_add_func("/qapi/input-visitor/nul-in-string", test_nul_in_string);
    g_test_add_func("/qapi/input-visitor/text-list-limit",
                    test_text_list_limit);
    g_test_add_func("/qapi/input-visitor/errors-ignored", test_errors_ignored);
    g_test_add_func("/qapi/input-visitor/enum-parse", test_enum_parse);
    return g_test_run();
}
