/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of JSON, in pieces of every size, with errors in between. */
#include "util/osdep.h"
#include "qapi/json.h"

#include <json-c/json.h>

#include "util/error.h"
#include "tests/unit/lib/assert-error.h"

/* Values as text, errors as "!"; each ends with ';'. */
static void collect(void *opaque, struct json_object *value, Error *err)
{
    GString *log = opaque;

    if (err) {
        g_assert_null(value);
        assert_error(err, "JSON parse error");
        g_string_append_c(log, '!');
        error_free(err);
    } else {
        g_autofree char *text = json_print(value, false);

        g_string_append(log, text);
    }
    g_string_append_c(log, ';');
    json_object_put(value);
}

static const struct {
    const char *in;
    size_t len;         /* 0: strlen(@in) */
    const char *out;    /* also what json_stream_end() adds */
} cases[] = {
    { "", 0, "" },
    { " \r\n\t", 0, "" },
    { "{}", 0, "{};" },
    { "{}{}[1]", 0, "{};{};[1];" },
    { "{\"a\":1}\r\n{\"b\":2}\r\n", 0, "{\"a\":1};{\"b\":2};" },
    { "1 2\n3", 0, "1;2;3;" },
    { "\"x\"\"y\"true ", 0, "\"x\";\"y\";true;" },
    { "null\n", 0, "null;" },
    { "{\"}\":\"{\\\"}\"}[]", 0, "{\"}\":\"{\\\"}\"};[];" },
    /* A mistake inside of a complete value costs that value only. */
    { "{\"a\" 1}{}", 0, "!;{};" },
    { "{1}[2]", 0, "!;[2];" },
    /* Others cost the line. */
    { "x{}\n{}", 0, "!;{};" },
    { "{\"a\":x}{}\n{}", 0, "!;{};" },
    { "{\"a\":\"\n{}", 0, "!;{};" },
    { "]]]\n{}", 0, "!;{};" },
    { "\0{}\n{}", 6, "!;{};" },
    /* 0xff starts afresh, with an error only when it cuts a value off. */
    { "\xff{}", 0, "{};" },
    { "{\"a\":\xff{}", 0, "!;{};" },
    { "{\"a\":\"\xff{}", 0, "!;{};" },
    { "x{\xff{}", 0, "!;{};" },
    { "\xff\xff\xff", 0, "" },
    /* The end. */
    { "{\"a\":", 0, "!;" },
    { "\"a", 0, "!;" },
    { "12", 0, "12;" },
    { "tru", 0, "!;" },
    { "x", 0, "!;" },
    { "{\"a\":18446744073709551616}{}", 0, "!;{};" },
};

static void run_case(size_t i, size_t piece)
{
    g_autoptr(GString) log = g_string_new(NULL);
    JsonStream *s = json_stream_new(collect, log);
    size_t len = cases[i].len ? cases[i].len : strlen(cases[i].in);

    for (size_t pos = 0; pos < len; pos += piece) {
        json_stream_feed(s, cases[i].in + pos, MIN(piece, len - pos));
    }
    json_stream_end(s);
    g_assert_true(json_stream_idle(s));
    g_assert_cmpstr(log->str, ==, cases[i].out);
    json_stream_free(s);
}

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%zu", i);
        for (size_t piece = 1; piece < 8; piece++) {
            run_case(i, piece);
        }
        run_case(i, 1000);
    }
}

/* A value is there with its last byte, before any newline. */
static void test_immediate(void)
{
    static const char text[] = "{\"execute\":\"x\",\"arguments\":{\"a\":[1]}}";
    g_autoptr(GString) log = g_string_new(NULL);
    JsonStream *s = json_stream_new(collect, log);

    for (size_t i = 0; text[i]; i++) {
        g_assert_cmpuint(log->len, ==, 0);
        json_stream_feed(s, text + i, 1);
        g_assert_true(json_stream_idle(s) == !text[i + 1]);
    }
    g_assert_cmpuint(log->len, >, 0);
    json_stream_free(s);
}

/* Feed "[" and more than JSON_TEXT_MAX of @filler, then a good line. */
static void test_too_long(void)
{
    g_autoptr(GString) log = g_string_new(NULL);
    JsonStream *s = json_stream_new(collect, log);
    g_autofree char *blanks = g_malloc(MiB);

    memset(blanks, ' ', MiB);
    json_stream_feed(s, "[", 1);
    for (int i = 0; i < JSON_TEXT_MAX / MiB; i++) {
        json_stream_feed(s, blanks, MiB);
    }
    g_assert_cmpstr(log->str, ==, "!;");
    json_stream_feed(s, "\n{}", 3);
    g_assert_cmpstr(log->str, ==, "!;{};");
    json_stream_free(s);
}

static void test_too_deep(void)
{
    g_autoptr(GString) log = g_string_new(NULL);
    JsonStream *s = json_stream_new(collect, log);

    for (int i = 0; i < 100000; i++) {
        json_stream_feed(s, "[", 1);
    }
    g_assert_cmpstr(log->str, ==, "!;");
    json_stream_feed(s, "\n{}", 3);
    g_assert_cmpstr(log->str, ==, "!;{};");
    json_stream_free(s);
}

static void test_free_busy(void)
{
    JsonStream *s = json_stream_new(collect, NULL);

    json_stream_feed(s, "{\"a\":[", 6);
    g_assert_false(json_stream_idle(s));
    json_stream_free(s);
    json_stream_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/json-stream/cases", test_cases);
    g_test_add_func("/qapi/json-stream/immediate", test_immediate);
    g_test_add_func("/qapi/json-stream/too-long", test_too_long);
    g_test_add_func("/qapi/json-stream/too-deep", test_too_deep);
    g_test_add_func("/qapi/json-stream/free-busy", test_free_busy);
    return g_test_run();
}
