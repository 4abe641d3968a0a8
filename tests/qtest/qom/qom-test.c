/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every type and every object of every machine, as clients see them: each
 * property has its text, each can be read, nothing ends the process.
 */
#include "util/osdep.h"
#include "libqtest.h"

static struct json_object *list_of(QTest *qts, const char *command,
                                   const char *key, const char *value)
{
    return qtest_qmp_ok(qts, "{'execute': '%s', 'arguments': {'%s': '%s'}}",
                        command, key, value);
}

static void check_texts(struct json_object *props, const char *type)
{
    for (size_t i = 0; i < json_object_array_length(props); i++) {
        struct json_object *prop = json_object_array_get_idx(props, i);

        g_test_message("%s.%s", type, qjson_str(prop, "name"));
        g_assert_cmpstr(qjson_str(prop, "description"), !=, "");
        g_assert_cmpstr(qjson_str(prop, "type"), !=, "");
    }
}

static void check_types(QTest *qts, struct json_object *types,
                        const char *command)
{
    for (size_t i = 0; i < json_object_array_length(types); i++) {
        const char *name = qjson_str(json_object_array_get_idx(types, i),
                                     "name");
        struct json_object *props = list_of(qts, command, "typename", name);

        check_texts(props, name);
        json_object_put(props);
    }
    json_object_put(types);
}

static void test_types_have_texts(void)
{
    QTest *qts = qtest_start("-M none");
    struct json_object *types = qtest_qmp_ok(qts,
        "{'execute': 'qom-list-types', 'arguments': {'abstract': true}}");

    g_assert_cmpint(json_object_array_length(types), >, 20);
    check_types(qts, types, "qom-list-properties");
    types = list_of(qts, "qom-list-types", "implements", "device");
    g_assert_cmpint(json_object_array_length(types), >, 5);
    check_types(qts, types, "device-list-properties");
    qtest_quit(qts);
}

/* Strict clients refuse members that QEMU does not send. */
static void test_list_types_members(void)
{
    QTest *qts = qtest_start("-M none");
    struct json_object *types = qtest_qmp_ok(qts,
        "{'execute': 'qom-list-types', 'arguments': {'abstract': true}}");
    struct json_object *help = qtest_qmp_ok(qts,
        "{'execute': 'human-monitor-command', 'arguments': "
        "{'command-line': 'info qom-types'}}");
    g_autofree char *texts = g_strconcat("\n", json_object_get_string(help),
                                         NULL);

    for (size_t i = 0; i < json_object_array_length(types); i++) {
        struct json_object *type = json_object_array_get_idx(types, i);
        g_autofree char *line = g_strdup_printf("\n%s: ",
                                                qjson_str(type, "name"));
        const char *at = strstr(texts, line);

        json_object_object_foreach(type, key, val) {
            g_test_message("%s: %s", line, json_object_get_string(val));
            g_assert_true(g_str_equal(key, "name") ||
                          g_str_equal(key, "abstract") ||
                          g_str_equal(key, "parent"));
        }
        g_assert_nonnull(at);
        g_assert_true(g_ascii_isprint(at[strlen(line)]));
    }
    json_object_put(help);
    json_object_put(types);
    qtest_quit(qts);
}

/* Read what is there; only "is not readable" may fail. */
static void walk(QTest *qts, const char *path)
{
    struct json_object *props = list_of(qts, "qom-list", "path", path);

    for (size_t i = 0; i < json_object_array_length(props); i++) {
        struct json_object *prop = json_object_array_get_idx(props, i);
        const char *name = qjson_str(prop, "name");
        struct json_object *response = qtest_qmp(qts,
            "{'execute': 'qom-get', 'arguments': {'path': '%s', "
            "'property': '%s'}}", path, name);
        struct json_object *error;

        if (json_object_object_get_ex(response, "error", &error)) {
            g_test_message("%s %s: %s", path, name, qjson_str(error, "desc"));
            g_assert_nonnull(strstr(qjson_str(error, "desc"),
                                    "is not readable"));
        }
        json_object_put(response);
        if (g_str_has_prefix(qjson_str(prop, "type"), "child<")) {
            g_autofree char *below = g_strdup_printf("%s/%s",
                g_str_equal(path, "/") ? "" : path, name);

            walk(qts, below);
        }
    }
    json_object_put(props);
}

static void test_walk_of_machine(const void *machine)
{
    QTest *qts = qtest_startf("-M %s", (const char *)machine);

    walk(qts, "/");
    qtest_quit(qts);
}

static void test_unknown_names(void)
{
    QTest *qts = qtest_start("-M none");
    struct json_object *list = list_of(qts, "qom-list-properties", "typename",
                                       "no-such-type");
    g_autofree char *cls = NULL, *desc = NULL, *cls2 = NULL, *desc2 = NULL;

    g_assert_cmpint(json_object_array_length(list), ==, 0);
    json_object_put(list);
    desc = qtest_qmp_fail(qts, &cls, "{'execute': 'device-list-properties', "
                          "'arguments': {'typename': 'no-such-type'}}");
    g_assert_cmpstr(cls, ==, "DeviceNotFound");
    desc2 = qtest_qmp_fail(qts, &cls2, "{'execute': 'qom-get', 'arguments': "
                           "{'path': 'nobody', 'property': 'type'}}");
    g_assert_cmpstr(cls2, ==, "DeviceNotFound");
    g_assert_cmpstr(desc2, ==, "Device 'nobody' not found");
    qtest_quit(qts);
}

static void test_object_add_del(void)
{
    QTest *qts = qtest_start("-M none");
    static const char add[] = "{'execute': 'object-add', 'arguments': "
        "{'qom-type': 'memory-backend-ram', 'id': 'm0', 'size': 65536}}";
    static const char del[] = "{'execute': 'object-del', 'arguments': "
        "{'id': 'm0'}}";
    struct json_object *size;

    json_object_put(qtest_qmp_ok(qts, "%s", add));
    size = qtest_qmp_ok(qts, "{'execute': 'qom-get', 'arguments': "
                        "{'path': 'm0', 'property': 'size'}}");
    g_assert_cmpint(json_object_get_int64(size), ==, 65536);
    json_object_put(size);
    g_free(qtest_qmp_fail(qts, NULL, "%s", add));
    json_object_put(qtest_qmp_ok(qts, "%s", del));
    g_free(qtest_qmp_fail(qts, NULL, "%s", del));
    qtest_quit(qts);
}

/* One walk for each machine of the build. */
static void add_walks(void)
{
    QTest *qts = qtest_start("-M none");
    struct json_object *machines = qtest_qmp_ok(qts,
        "{'execute': 'query-machines'}");

    for (size_t i = 0; i < json_object_array_length(machines); i++) {
        char *name = g_strdup(qjson_str(json_object_array_get_idx(machines, i),
                                        "name"));
        g_autofree char *path = g_strdup_printf("/qom/walk/%s", name);

        g_test_add_data_func_full(path, name, test_walk_of_machine, g_free);
    }
    json_object_put(machines);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qom/types/texts", test_types_have_texts);
    g_test_add_func("/qom/types/members", test_list_types_members);
    g_test_add_func("/qom/names/unknown", test_unknown_names);
    g_test_add_func("/qom/object/add-del", test_object_add_del);
    if (g_getenv("NEMU_BINARY")) {
        add_walks();
    }
    return qtest_main();
}
