/* SPDX-License-Identifier: GPL-2.0-or-later */
/* key=value strings: what they become, and every way to get them wrong. */
#include "util/osdep.h"
#include "util/keyval.h"
#include <json-c/json.h>
#include "util/error.h"
#include "tests/unit/lib/assert-error.h"

static const struct {
    const char *params, *implied;
    int flags;
    const char *json;               /* NULL: an error */
    const char *err;
} cases[] = {
    { "", NULL, 0, "{}" },
    { "a=b", NULL, 0, "{\"a\":\"b\"}" },
    { "a=b,", NULL, 0, "{\"a\":\"b\"}" },
    { "a=", NULL, 0, "{\"a\":\"\"}" },
    { "a=,b=1", NULL, 0, "{\"a\":\"\",\"b\":\"1\"}" },
    { "a=b=c", NULL, 0, "{\"a\":\"b=c\"}" },
    { "a=x,,y,b=,,", NULL, 0, "{\"a\":\"x,y\",\"b\":\",\"}" },
    { "a=x,,,b=1", NULL, 0, "{\"a\":\"x,\",\"b\":\"1\"}" },
    { "a=1,a=2", NULL, 0, "{\"a\":\"2\"}" },
    { "a.b=1,a.c.d=2", NULL, 0, "{\"a\":{\"b\":\"1\",\"c\":{\"d\":\"2\"}}}" },
    { "l.0=x,l.1=y", NULL, 0, "{\"l\":[\"x\",\"y\"]}" },
    { "l.1=y,l.0=x", NULL, 0, "{\"l\":[\"x\",\"y\"]}" },
    { "l.0.a=x,l.1.b.0=y", NULL, 0,
      "{\"l\":[{\"a\":\"x\"},{\"b\":[\"y\"]}]}" },
    { "l.0.0=x", NULL, 0, "{\"l\":[[\"x\"]]}" },
    { "_a-b_1=c", NULL, 0, "{\"_a-b_1\":\"c\"}" },

    { "virt", "type", 0, "{\"type\":\"virt\"}" },
    { "virt,a=b", "type", 0, "{\"type\":\"virt\",\"a\":\"b\"}" },
    { "a=b,virt", "type", 0, NULL, "expected '=' after parameter 'virt'" },
    { "x,,y,a=b", "type", 0, "{\"type\":\"x,y\",\"a\":\"b\"}" },
    { "virt,type=q", "type", 0, "{\"type\":\"q\"}" },
    { "x", "a.b", 0, "{\"a\":{\"b\":\"x\"}}" },

    { "server,nowait,id=x", NULL, KEYVAL_BARE_BOOL,
      "{\"server\":\"on\",\"wait\":\"off\",\"id\":\"x\"}" },
    { "socket,server", "backend", KEYVAL_BARE_BOOL,
      "{\"backend\":\"socket\",\"server\":\"on\"}" },
    { "no", NULL, KEYVAL_BARE_BOOL, "{\"no\":\"on\"}" },

    { "a=1,a=2,b=3,a=4", NULL, KEYVAL_REPEAT_LIST,
      "{\"a\":[\"1\",\"2\",\"4\"],\"b\":\"3\"}" },
    { "a.b=1,a.b=2", NULL, KEYVAL_REPEAT_LIST,
      "{\"a\":{\"b\":[\"1\",\"2\"]}}" },
    { "a.b=1,a=2", NULL, KEYVAL_REPEAT_LIST, NULL, "names and indexes" },

    { "a", NULL, 0, NULL, "expected '=' after parameter 'a'" },
    { "=b", NULL, 0, NULL, "invalid parameter ''" },
    { ",a=b", NULL, 0, NULL, "expected '=' after parameter ''" },
    { "a=b,,c", NULL, 0, "{\"a\":\"b,c\"}" },
    { "a b=c", NULL, 0, NULL, "invalid parameter 'a b'" },
    { "0=x", NULL, 0, NULL, "invalid parameter '0'" },
    { "1a=x", NULL, 0, NULL, "invalid parameter '1a'" },
    { "-a=x", NULL, 0, NULL, "invalid parameter '-a'" },
    { "a.=x", NULL, 0, NULL, "invalid parameter 'a.'" },
    { "a..b=x", NULL, 0, NULL, "invalid parameter 'a..b'" },
    { ".a=x", NULL, 0, NULL, "invalid parameter '.a'" },
    { "a.00=x", NULL, 0, NULL, "invalid parameter 'a.00'" },
    { "a.123456=x", NULL, 0, NULL, "invalid parameter 'a.123456'" },
    { "a=1,a.b=2", NULL, 0, NULL, "'a' is a value" },
    { "a.b=2,a=1", NULL, 0, NULL, "'a' given both" },
    { "a=1,a.b=2,a.c=3", NULL, KEYVAL_MIXED,
      "{\"a\":{\"\":\"1\",\"b\":\"2\",\"c\":\"3\"}}" },
    { "a.b=2,a=1,c=4,a=5", NULL, KEYVAL_MIXED,
      "{\"a\":{\"b\":\"2\",\"\":\"5\"},\"c\":\"4\"}" },
    { "l.0=x,l.2=y", NULL, 0, NULL, "'l.1' is missing" },
    { "l.1=x", NULL, 0, NULL, "'l.0' is missing" },
    { "m.l.99999=x", NULL, 0, NULL, "'m.l.0' is missing" },
    { "l.0=x,l.a=y", NULL, 0, NULL, "'l' has both" },
    { "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=x", NULL, 0, NULL, "invalid" },
};

static void test_parse(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;
        json_object *o = keyval_parse_flags(cases[i].params, cases[i].implied,
                                            cases[i].flags, NULL, &err);

        g_test_message("'%s'", cases[i].params);
        if (cases[i].json) {
            g_assert_nonnull(o);
            g_assert_cmpstr(json_object_to_json_string_ext(
                                o, JSON_C_TO_STRING_PLAIN |
                                   JSON_C_TO_STRING_NOSLASHESCAPE),
                            ==, cases[i].json);
            json_object_put(o);
        } else {
            g_assert_null(o);
            assert_error(err, cases[i].err);
            error_free(err);
        }
    }
}

static void test_key_too_long(void)
{
    g_autofree char *key = g_strnfill(200, 'k');
    g_autofree char *params = g_strconcat(key, "=v", NULL);
    Error *err = NULL;

    g_assert_null(keyval_parse(params, NULL, NULL, &err));
    error_free(err);
    err = NULL;
    params[127] = '=';
    json_object_put(keyval_parse(params, NULL, NULL, &err));
    g_assert_null(err);
}

static void test_help(void)
{
    static const struct {
        const char *params;
        bool help;
        const char *json;
    } hc[] = {
        { "help", true, "{}" }, { "?", true, "{}" },
        { "virt,help", true, "{\"t\":\"virt\"}" },
        { "virt,?,a=b", true, "{\"t\":\"virt\",\"a\":\"b\"}" },
        { "help=on", false, "{\"help\":\"on\"}" },
        { "virt", false, "{\"t\":\"virt\"}" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(hc); i++) {
        bool help = !hc[i].help;
        json_object *o = keyval_parse(hc[i].params, "t", &help, NULL);

        g_assert_cmpint(help, ==, hc[i].help);
        g_assert_cmpstr(json_object_to_json_string_ext(
                            o, JSON_C_TO_STRING_PLAIN), ==, hc[i].json);
        json_object_put(o);
    }
}

static const struct {
    const char *dst, *src, *json;
} merges[] = {
    { "a=1", "b=2", "{\"a\":\"1\",\"b\":\"2\"}" },
    { "a=1", "a=2", "{\"a\":\"2\"}" },
    { "a.b=1", "a.c=2", "{\"a\":{\"b\":\"1\",\"c\":\"2\"}}" },
    { "l.0=x", "l.0=y", "{\"l\":[\"x\",\"y\"]}" },
    { "a=1", "a.b=1", NULL }, { "a.0=1", "a.b=1", NULL },
    { "a.b.c=1", "a.b=1", NULL },
};

static void test_merge(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(merges); i++) {
        json_object *dst = keyval_parse(merges[i].dst, NULL, NULL, NULL);
        json_object *src = keyval_parse(merges[i].src, NULL, NULL, NULL);
        Error *err = NULL;
        bool ok = keyval_merge(dst, src, &err);

        g_assert_cmpint(ok, ==, merges[i].json != NULL);
        if (ok) {
            g_assert_cmpstr(json_object_to_json_string_ext(
                                dst, JSON_C_TO_STRING_PLAIN), ==,
                            merges[i].json);
        }
        error_free(err);
        json_object_put(src);
        json_object_put(dst);
    }
}

static const struct {
    const char *flat, *tree;
} nests[] = {
    { "{}", "{}" }, { "{\"a\":1,\"b\":null}", "{\"a\":1,\"b\":null}" },
    { "{\"a.b\":1,\"a.c\":true}", "{\"a\":{\"b\":1,\"c\":true}}" },
    { "{\"a.b\":1,\"a\":{\"c\":2}}", "{\"a\":{\"b\":1,\"c\":2}}" },
    { "{\"a\":{\"b.0\":1,\"b.1\":2}}", "{\"a\":{\"b\":[1,2]}}" },
    { "{\"a\":1,\"a.b\":2}", NULL }, { "{\"a\":{\"b\":1},\"a.b.c\":2}", NULL },
    { "{\"a.1\":1}", NULL }, { "{\"a.0\":1,\"a.b\":1}", NULL },
    { "{\"0\":1}", NULL },
};

static void test_nest(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(nests); i++) {
        json_object *flat = json_tokener_parse(nests[i].flat);
        Error *err = NULL;
        json_object *tree = keyval_nest(flat, &err);

        g_assert_cmpint(tree != NULL, ==, nests[i].tree != NULL);
        g_assert_cmpint(err != NULL, ==, nests[i].tree == NULL);
        if (tree) {
            g_assert_cmpstr(json_object_to_json_string_ext(
                                tree, JSON_C_TO_STRING_PLAIN), ==,
                            nests[i].tree);
        }
        error_free(err);
        json_object_put(tree);
        json_object_put(flat);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keyval/parse", test_parse);
    g_test_add_func("/keyval/parse/key-too-long", test_key_too_long);
    g_test_add_func("/keyval/help", test_help);
    g_test_add_func("/keyval/merge", test_merge);
    g_test_add_func("/keyval/nest", test_nest);
    return g_test_run();
}
