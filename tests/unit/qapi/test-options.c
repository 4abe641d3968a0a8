/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command lines, with the options of the test schema. */
#include "util/osdep.h"
#include "qapi/options.h"

#include <json-c/json.h>

#include "qapi/json.h"
#include "qapi/test-qapi-options-apply.h"
#include "qapi/test-qapi-visit-test-schema.h"
#include "util/error.h"

/* The functions that act log what they were given. */
static GString *acts;

static void act_value(const char *name, struct json_object *tree)
{
    g_autofree char *text = json_print(tree, false);

    g_string_append_printf(acts, "%s=%s;", name, text);
}

bool cli_option_flag(Error **errp)
{
    g_string_append(acts, "flag;");
    return true;
}

bool cli_option_file(const char *arg, Error **errp)
{
    g_string_append_printf(acts, "file=%s;", arg);
    return true;
}

bool cli_option_color(Color val, Error **errp)
{
    g_string_append_printf(acts, "color=%s;", Color_str(val));
    return true;
}

#define ACT_STRUCT(option, T)                                                  \
    bool cli_option_##option(T *val, Error **errp)                             \
    {                                                                          \
        g_autoptr(Visitor) v = output_visitor_new();                           \
        struct json_object *tree;                                              \
                                                                               \
        visit_type_##T(v, NULL, &val, NULL);                                   \
        tree = output_visitor_take(v);                                         \
        act_value(#option, tree);                                              \
        json_object_put(tree);                                                 \
        return true;                                                           \
    }
ACT_STRUCT(nested, Nested)
ACT_STRUCT(mixed, Mixed)

bool cli_option_shape(Shape *val, Error **errp)
{
    g_string_append_printf(acts, "shape=%s;", val->name);
    if (!strcmp(val->name, "bad")) {
        error_setg(errp, "no such shape");
        return false;
    }
    return true;
}

bool cli_option_thing(struct json_object *tree, Error **errp)
{
    act_value("thing", tree);
    return true;
}

/* Split at blanks, parse, check and apply all by id. */
static char *run(const char *line, Error **errp)
{
    g_autofree char *copy = g_strconcat("prog ", line, NULL);
    g_auto(GStrv) argv = g_strsplit(g_strchomp(copy), " ", -1);
    g_autoptr(CliOptions) opts = cli_new(&test_cli_table);
    bool ok;

    acts = g_string_new(NULL);
    ok = cli_parse(opts, g_strv_length(argv), argv, errp) &&
         cli_check(opts, errp);
    for (int id = 0; ok && id < CLI_OPTION__MAX; id++) {
        ok = id == CLI_OPTION_GONE ||
             cli_apply(opts, test_cli_apply_table, id, errp);
    }
    return g_string_free(acts, FALSE);
}

static const struct {
    const char *line;
    const char *out;
    const char *err;
} cases[] = {
    { "", "" },
    { "-flag", "flag;" },
    { "--flag -f", "flag;" },
    { "-file a -file b", "file=b;" },
    { "-file -flag", "file=-flag;" },
    { "-color green", "color=green;" },
    { "-nested x", "nested={\"a\":\"x\"};" },
    { "-nested a=x,b=3,inner.b=0x10",
      "nested={\"b\":3,\"inner\":{\"b\":16},\"a\":\"x\"};" },
    { "-nested x -nested b=1 -nested inner.b=2,b=3",
      "nested={\"b\":3,\"inner\":{\"b\":2},\"a\":\"x\"};" },
    { "-nested {\"a\":\"x\",\"b\":3}", "nested={\"b\":3,\"a\":\"x\"};" },
    { "-nested x,,y", "nested={\"a\":\"x,y\"};" },
    { "-shape light-blue,name=p -shape name=q,color=red,flag,i=1",
      "shape=p;shape=q;" },
    { "-mixed strs=a,strs=b,ints=1-3",
      "mixed={\"ints\":[1,2,3],\"strs\":[{\"str\":\"a\"},"
      "{\"str\":\"b\"}]};" },
    { "-thing x,a.b=1 -thing {\"type\":\"y\",\"n\":1}",
      "thing={\"type\":\"x\",\"a\":{\"b\":\"1\"}};"
      "thing={\"type\":\"y\",\"n\":1};" },
    /* Order within an option is kept, across options it is the caller's. */
    { "-thing b -flag -thing a",
      "flag;thing={\"type\":\"b\"};thing={\"type\":\"a\"};" },

    { "-flga", "", "invalid option '-flga', did you mean '-flag'?" },
    { "-qqqqqqqq", "", "invalid option '-qqqqqqqq'" },
    { "disk.img", "", "unexpected argument 'disk.img': a disk is given as "
      "-drive file=FILE" },
    { "-", "", "unexpected argument '-': a disk is given as -drive "
      "file=FILE" },
    { "-file", "", "option '-file' needs an argument" },
    { "-gone 1", "", "option '-gone' is not supported: use -file" },
    { "-gone", "", "option '-gone' needs an argument" },
    { "-color x-ray", "", "-color x-ray: invalid value 'x-ray': there is "
      "\"no\" x-ray" },
    { "-color gren", "", "-color gren: invalid value 'gren', did you mean "
      "'green'?" },
    { "-flag -nested x,c=1", "", "-nested x,c=1: Parameter 'c' is unexpected" },
    { "-nested x,b=y", "", "-nested x,b=y: Parameter 'b' expects an integer, "
      "not 'y'" },
    { "-nested b=1", "", "-nested b=1: Parameter 'a' is missing" },
    { "-nested {\"a\":1}", "", "-nested {\"a\":1}: Invalid parameter type for "
      "'a', expected: string" },
    { "-nested {\"a\":", "", "-nested {\"a\":: JSON parse error, incomplete "
      "value" },
    { "-nested x -nested a.b=1", "", "-nested a.b=1: parameter 'a' is given "
      "in two ways" },
    { "-nested x,flag", "", "-nested x,flag: expected '=' after parameter "
      "'flag'" },
    { "-shape red,name=ok -shape red,name=bad",
      "shape=ok;shape=bad;", "-shape red,name=bad: no such shape" },
};

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        g_autofree char *out = NULL;

        g_test_message("%zu: %s", i, cases[i].line);
        out = run(cases[i].line, &err);
        g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, cases[i].err);
        g_assert_cmpstr(out, ==, cases[i].out);
    }
}

static void test_items(void)
{
    static char *const argv[] = {
        (char *)"p", (char *)"-thing", (char *)"x,help", (char *)"-f",
        (char *)"-nested", (char *)"help", (char *)"-thing", (char *)"y",
    };
    g_autoptr(CliOptions) opts = cli_new(&test_cli_table);

    g_assert_true(cli_parse(opts, G_N_ELEMENTS(argv), argv, NULL));
    /* A request for help is not held against the type. */
    g_assert_true(cli_check(opts, NULL));
    g_assert_cmpuint(cli_total(opts), ==, 4);
    g_assert_cmpint(cli_nth(opts, 1)->id, ==, CLI_OPTION_FLAG);
    g_assert_cmpuint(cli_count(opts, CLI_OPTION_THING), ==, 2);
    g_assert_true(cli_get(opts, CLI_OPTION_THING, 0)->help);
    g_assert_false(cli_get(opts, CLI_OPTION_THING, 1)->help);
    g_assert_true(cli_get(opts, CLI_OPTION_NESTED, 0)->help);
    g_assert_cmpstr(cli_text(opts, CLI_OPTION_THING), ==, "y");
    g_assert_null(cli_text(opts, CLI_OPTION_FILE));
    g_assert_null(cli_get(opts, CLI_OPTION_FILE, 0));
    g_assert_true(cli_given(opts, CLI_OPTION_FLAG));
    g_assert_false(cli_given(opts, CLI_OPTION_FILE));
}

static void test_config(void)
{
    static const struct {
        const char *text, *out, *err;
    } files[] = {
        { "", "" },
        { "# comment\n\n[shape \"q\"]\n  name = \"n,m\"\n color = \"red\"\n",
          NULL, "f: -shape id=q,name=n,,m,color=red: Parameter 'id' is "
          "unexpected, did you mean 'i'?" },
        { "[thing \"q\"]\ntype=\"a = b\"\n[thing]\ntype = \"t\"",
          "thing={\"id\":\"q\",\"type\":\"a = b\"};thing={\"type\":\"t\"};" },
        { "[nested]\na = \"x,y\"\ninner.b = \"1\"",
          "nested={\"inner\":{\"b\":1},\"a\":\"x,y\"};" },
        { "a = \"b\"", NULL, "f:1: setting before the first '[option]'" },
        { "\n[thing", NULL, "f:2: expected ']' at the end" },
        { "[thing \"x]", NULL, "f:1: expected '[option \"id\"]'" },
        { "[thing]\nfoo", NULL, "f:2: expected 'key = \"value\"'" },
        { "[thing]\nfoo=bar", NULL, "f:2: expected a value in double quotes" },
        { "[thimg]\n", NULL,
          "f: invalid option '-thimg', did you mean '-thing'?" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(CliOptions) opts = cli_new(&test_cli_table);
        g_autoptr(Error) err = NULL;
        g_autofree char *out = NULL;
        bool ok;

        g_test_message("%zu", i);
        acts = g_string_new(NULL);
        ok = cli_read_config(opts, "f", files[i].text, &err);
        if (ok && !cli_check(opts, &err)) {
            error_prepend(&err, "f: ");
        }
        for (int id = 0; !err && id < CLI_OPTION_GONE; id++) {
            cli_apply(opts, test_cli_apply_table, id, &err);
        }
        out = g_string_free(acts, FALSE);
        g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, files[i].err);
        if (files[i].out) {
            g_assert_cmpstr(out, ==, files[i].out);
        }
    }
}

static void test_set(void)
{
    static const struct {
        const char *text, *out, *err;
    } cases_set[] = {
        { "thing.x.foo=1,2", "{\"type\":\"t\",\"id\":\"x\","
          "\"foo\":\"1,2\"}", NULL },
        { "thing.x.a.b=c", "{\"type\":\"t\",\"id\":\"x\","
          "\"a\":{\"b\":\"c\"}}", NULL },
        { "thing.x.type=u", "{\"type\":\"u\",\"id\":\"x\"}", NULL },
        { "thing.y.a=b", NULL, "there is no -thing with id 'y'" },
        { "thimg.x.a=b", NULL,
          "invalid option '-thimg', did you mean '-thing'?" },
        { "thing.x=1", NULL, "'thing.x=1' is not option.id.parameter=value" },
        { "thing.x.a", NULL, "'thing.x.a' is not option.id.parameter=value" },
        { "thing.j.a=b", NULL, "'j' was given as JSON: change it there" },
        { "thing.x.=b", NULL, "invalid parameter ''" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases_set); i++) {
        g_autoptr(CliOptions) opts = cli_new(&test_cli_table);
        g_autoptr(Error) err = NULL;

        g_assert_true(cli_add(opts, "thing", "t,id=x", NULL));
        g_assert_true(cli_add(opts, "thing", "{\"id\":\"j\"}", NULL));
        cli_set(opts, cases_set[i].text, &err);
        g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==,
                        cases_set[i].err);
        if (cases_set[i].out) {
            g_assert_cmpstr(json_object_to_json_string_ext(
                            cli_nth(opts, 0)->tree, JSON_C_TO_STRING_PLAIN),
                            ==, cases_set[i].out);
        }
    }
}

static char *help_text(int id)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (id < 0) {
        cli_print_help(&test_cli_table, "prog", out);
    } else {
        cli_print_option_help(&test_cli_table, id, out);
    }
    fclose(out);
    return text;
}

static void test_help(void)
{
    char *all = help_text(-1);
    char *nested = help_text(CLI_OPTION_NESTED);

    g_assert_true(g_str_has_prefix(all, "usage: prog [options]\n\n"
                                   "Main options:\n"
                                   "-flag           A flag.\n"
                                   "-file path      A string. The last one "
                                   "counts.\n"
                                   "-color red|green|light-blue\n"
                                   "                An enum.\n"));
    g_assert_nonnull(strstr(all, "\nOther options:\n"));
    g_assert_nonnull(strstr(all, "-nested [a=]string[,b=number]"
                            "[,inner.b=number]\n"));
    g_assert_null(strstr(all, "-gone"));
    g_assert_cmpstr(nested, ==, "nested options:\n  b=<number> - b\n"
                    "  inner.b=<number> - b\n  a=<string> - a\n");
    free(all);
    free(nested);
}

/* query-command-line-options is a JSON array of what it should be. */
static void test_json(void)
{
    struct json_object *list, *entry, *member;

    g_assert_true(json_parse(test_cli_options_json,
                             strlen(test_cli_options_json), &list, NULL));
    g_assert_cmpuint(json_object_array_length(list), ==, 4);
    entry = json_object_array_get_idx(list, 1);
    g_assert_true(json_object_object_get_ex(entry, "option", &member));
    g_assert_cmpstr(json_object_get_string(member), ==, "nested");
    g_assert_true(json_object_object_get_ex(entry, "parameters", &member));
    g_assert_cmpuint(json_object_array_length(member), ==, 3);
    json_object_put(list);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qapi/options/cases", test_cases);
    g_test_add_func("/qapi/options/items", test_items);
    g_test_add_func("/qapi/options/config", test_config);
    g_test_add_func("/qapi/options/set", test_set);
    g_test_add_func("/qapi/options/help", test_help);
    g_test_add_func("/qapi/options/json", test_json);
    return g_test_run();
}
