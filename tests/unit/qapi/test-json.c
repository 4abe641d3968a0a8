/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON texts: what is a value, and each thing that is refused. */
#include "util/osdep.h"
#include "qapi/json.h"

#include <json-c/json.h>

#include "util/error.h"
#include "tests/unit/lib/assert-error.h"

static const struct {
    const char *in;
    const char *out;    /* compact text; NULL: an error */
    const char *err;    /* part of its text */
} cases[] = {
    { "{}", "{}" },
    { " [ 1 , 2 ] ", "[1,2]" },
    { "\r\n{\"a\":{\"b\":[true,false,null]}}\t", "{\"a\":{\"b\":[true,false,"
      "null]}}" },
    { "12", "12" },
    { "-1.5e3", "-1.5e3" },
    { "\"x\"", "\"x\"" },
    { "null", "null" },
    { "{'a':'b\"c'}", "{\"a\":\"b\\\"c\"}" },
    { "\"\\u00e4\\ud83d\\ude00\\n\\/\"", "\"\xc3\xa4\xf0\x9f\x98\x80\\n/\"" },
    { "{\"a\":1,\"a\":2}", "{\"a\":2}" },
    { "[\"]\",'}',\"\\\"]\"]", "[\"]\",\"}\",\"\\\"]\"]" },
    { "9223372036854775807", "9223372036854775807" },
    { "-9223372036854775808", "-9223372036854775808" },
    { "18446744073709551615", "18446744073709551615" },
    { "[0.1234567890123456789]", "[0.1234567890123456789]" },

    { "", NULL, "incomplete" },
    { "   ", NULL, "incomplete" },
    { "{", NULL, "incomplete" },
    { "{\"a\":1", NULL, "incomplete" },
    { "\"abc", NULL, "control character" },
    { "{} {}", NULL, "more than one value" },
    { "{}x", NULL, "stray character" },
    { "{}]", NULL, "closing bracket" },
    { "]", NULL, "closing bracket" },
    { "[1,]", NULL, "comma before" },
    { "{\"a\":1,}", NULL, "comma before" },
    { "{\"a\" 1}", NULL, "JSON parse error" },
    { "{a:1}", NULL, "JSON parse error" },
    { "[1 2]", NULL, "JSON parse error" },
    { "[}", NULL, "JSON parse error" },
    { "{]", NULL, "JSON parse error" },
    { "[,1]", NULL, "JSON parse error" },
    { "[1,,2]", NULL, "JSON parse error" },
    { "truefalse", NULL, "JSON parse error" },
    { "tru", NULL, "JSON parse error" },
    { "[TRUE]", NULL, "stray character" },
    { "NaN", NULL, "stray character" },
    { "[-Infinity]", NULL, "stray character" },
    { "/* x */ {}", NULL, "stray character" },
    { "{}//", NULL, "stray character" },
    { "\"a\nb\"", NULL, "control character" },
    { "\"a\\u0000b\"", NULL, "NUL" },
    { "\"a\\u12g4\"", NULL, "\\u sequence" },
    { "\"\\x\"", NULL, "JSON parse error" },
    { "\"\xff\"", NULL, "JSON parse error" },
    { "\"\xc3\"", NULL, "JSON parse error" },
    { "1\"a\"", NULL, "stray quote" },
    { "1{}", NULL, "stray bracket" },
    { "18446744073709551616", NULL, "out of range" },
    { "[99999999999999999999999]", NULL, "out of range" },
    { "{\"a\":-9223372036854775809}", NULL, "out of range" },
};

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct json_object *value = NULL;
        g_autoptr(Error) err = NULL;
        g_autofree char *text = NULL;
        bool ok;

        g_test_message("%zu", i);
        ok = json_parse(cases[i].in, strlen(cases[i].in), &value, &err);
        g_assert_true(ok == (cases[i].out != NULL));
        if (ok) {
            text = json_print(value, false);
            g_assert_cmpstr(text, ==, cases[i].out);
        } else {
            g_assert_null(value);
            assert_error(err, cases[i].err);
        }
        json_object_put(value);
    }
}

/* A text is @len bytes: what follows is not looked at. */
static void test_length(void)
{
    struct json_object *value;

    g_assert_true(json_parse("[1]]", 3, &value, NULL));
    json_object_put(value);
    g_assert_false(json_parse("[1]\0", 4, &value, NULL));
}

static void nest(GString *s, int depth)
{
    for (int i = 0; i < depth; i++) {
        g_string_append_c(s, '[');
    }
    for (int i = 0; i < depth; i++) {
        g_string_append_c(s, ']');
    }
}

static void test_depth(void)
{
    g_autoptr(GString) s = g_string_new(NULL);
    g_autoptr(Error) err = NULL;
    struct json_object *value;

    nest(s, JSON_DEPTH_MAX);
    g_assert_true(json_parse(s->str, s->len, &value, NULL));
    json_object_put(value);
    g_string_truncate(s, 0);
    nest(s, JSON_DEPTH_MAX + 1);
    g_assert_false(json_parse(s->str, s->len, &value, &err));
    assert_error(err, "too deeply");
}

static void test_tokens(void)
{
    g_autoptr(GString) s = g_string_new("[1");
    g_autoptr(Error) err = NULL;
    struct json_object *value;

    for (unsigned i = 0; i < JSON_TOKENS_MAX; i++) {
        g_string_append(s, ",1");
    }
    g_string_append_c(s, ']');
    g_assert_false(json_parse(s->str, s->len, &value, &err));
    assert_error(err, "too many tokens");
}

static void test_print_pretty(void)
{
    struct json_object *value;
    g_autofree char *text = NULL;

    g_assert_true(json_parse("{\"a\":[1]}", 9, &value, NULL));
    text = json_print(value, true);
    g_assert_nonnull(strchr(text, '\n'));
    json_object_put(value);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/json/cases", test_cases);
    g_test_add_func("/qapi/json/length", test_length);
    g_test_add_func("/qapi/json/depth", test_depth);
    g_test_add_func("/qapi/json/tokens", test_tokens);
    g_test_add_func("/qapi/json/print-pretty", test_print_pretty);
    return g_test_run();
}
