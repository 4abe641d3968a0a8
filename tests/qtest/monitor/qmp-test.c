/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP sessions: every command answers, errors have the class clients expect. */
#include "libqtest/libqtest.h"

#define NONE "-machine none -nodefaults"

static void test_version(void)
{
    QTest *qts = qtest_start(NONE);
    struct json_object *v = qtest_qmp_ok(qts, "{'execute':'query-version'}");

    g_assert_cmpint(qjson_int(v, "qemu.major"), ==, 8);
    g_assert_cmpint(qjson_int(v, "qemu.minor"), ==, 2);
    g_assert_true(g_str_has_prefix(qjson_str(v, "package"), "nemu-"));
    json_object_put(v);
    qtest_quit(qts);
}

/* What can be asked without arguments answers; nothing crashes. */
static void test_all_queries(void)
{
    QTest *qts = qtest_start(NONE);
    struct json_object *list = qtest_qmp_ok(qts,
                                            "{'execute':'query-commands'}");
    size_t n = json_object_array_length(list), asked = 0;

    g_assert_cmpuint(n, >, 50);
    for (size_t i = 0; i < n; i++) {
        const char *name = qjson_str(json_object_array_get_idx(list, i),
                                     "name");
        struct json_object *r;

        if (!g_str_has_prefix(name, "query-") ||
            g_str_equal(name, "query-cpu-model-expansion")) {
            continue;
        }
        r = qtest_qmp(qts, "{'execute':'%s'}", name);
        g_assert_true(json_object_object_get_ex(r, "return", NULL) ||
                      json_object_object_get_ex(r, "error", NULL));
        if (json_object_object_get_ex(r, "error", NULL)) {
            g_assert_cmpstr(qjson_str(r, "error.class"), !=,
                            "CommandNotFound");
        }
        json_object_put(r);
        asked++;
    }
    g_assert_cmpuint(asked, >, 25);
    json_object_put(list);
    qtest_quit(qts);
}

static void check_failure(QTest *qts, const char *request, const char *cls)
{
    g_autofree char *got = NULL;
    g_autofree char *desc = qtest_qmp_fail(qts, &got, "%s", request);

    g_assert_cmpstr(got, ==, cls);
    g_assert_cmpstr(desc, !=, "");
}

static void test_errors(void)
{
    static const struct {
        const char *request, *cls;
    } cases[] = {
        { "{'execute':'no-such-command'}", "CommandNotFound" },
        { "{'execute':'query-status','arguments':{'x':1}}", "GenericError" },
        { "{'execute':'balloon'}", "GenericError" },
        { "{'execute':'balloon','arguments':{'value':'x'}}", "GenericError" },
        { "{'execute':'balloon','arguments':{'value':1}}", "DeviceNotActive" },
        { "{'execute':'device_del','arguments':{'id':'x'}}",
          "DeviceNotFound" },
        { "{'execute':'device-list-properties','arguments':"
          "{'typename':'x'}}", "DeviceNotFound" },
        { "{'execute':'set_link','arguments':{'name':'x','up':true}}",
          "DeviceNotFound" },
        { "{'execute':'blockdev-del','arguments':{'node-name':'x'}}",
          "GenericError" },
        { "{'execute':'getfd','arguments':{'fdname':'x'}}", "GenericError" },
        { "{'execute':'closefd','arguments':{'fdname':'x'}}", "GenericError" },
        { "{'execute':'remove-fd','arguments':{'fdset-id':7}}",
          "GenericError" },
        { "{'execute':'qmp_capabilities'}", "CommandNotFound" },
        { "{'no-execute':1}", "GenericError" },
        { "{'execute':'stop','extra':1}", "GenericError" },
        { "[]", "GenericError" },
    };
    QTest *qts = qtest_start(NONE);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        check_failure(qts, cases[i].request, cases[i].cls);
    }
    qtest_quit(qts);
}

static void test_run_state(void)
{
    QTest *qts = qtest_start(NONE);
    struct json_object *r;

    json_object_put(qtest_qmp_ok(qts, "{'execute':'stop'}"));
    r = qtest_qmp_ok(qts, "{'execute':'query-status'}");
    g_assert_false(qjson_bool(r, "running"));
    json_object_put(r);
    json_object_put(qtest_qmp_ok(qts, "{'execute':'cont'}"));
    json_object_put(qtest_qmp_event(qts, "RESUME"));
    json_object_put(qtest_qmp_ok(qts, "{'execute':'system_reset'}"));
    json_object_put(qtest_qmp_event(qts, "RESET"));
    json_object_put(qtest_qmp_ok(qts, "{'execute':'quit'}"));
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0);
}

static void test_objects(void)
{
    QTest *qts = qtest_start(NONE);
    struct json_object *r;

    json_object_put(qtest_qmp_ok(qts, "{'execute':'object-add','arguments':"
                                 "{'qom-type':'rng-builtin','id':'r0'}}"));
    r = qtest_qmp_ok(qts, "{'execute':'qom-get','arguments':{'path':"
                     "'/objects/r0','property':'type'}}");
    g_assert_cmpstr(json_object_get_string(r), ==, "rng-builtin");
    json_object_put(r);
    check_failure(qts, "{'execute':'object-add','arguments':{'qom-type':"
                  "'rng-builtin','id':'r0'}}", "GenericError");
    json_object_put(qtest_qmp_ok(qts, "{'execute':'object-del','arguments':"
                                 "{'id':'r0'}}"));
    check_failure(qts, "{'execute':'object-del','arguments':{'id':'r0'}}",
                  "GenericError");
    qtest_quit(qts);
}

static void test_fd_passing(void)
{
    QTest *qts = qtest_start(NONE);
    struct json_object *r;
    int fds[2];

    g_assert_cmpint(pipe(fds), ==, 0);
    qtest_qmp_send_fd(qts, fds[0]);
    json_object_put(qtest_qmp_ok(qts, "{'execute':'getfd','arguments':"
                                 "{'fdname':'pipe'}}"));
    json_object_put(qtest_qmp_ok(qts, "{'execute':'closefd','arguments':"
                                 "{'fdname':'pipe'}}"));
    qtest_qmp_send_fd(qts, fds[0]);
    r = qtest_qmp_ok(qts, "{'execute':'add-fd','arguments':{'fdset-id':3,"
                     "'opaque':'note'}}");
    g_assert_cmpint(qjson_int(r, "fdset-id"), ==, 3);
    json_object_put(r);
    r = qtest_qmp_ok(qts, "{'execute':'query-fdsets'}");
    g_assert_cmpuint(json_object_array_length(r), ==, 1);
    json_object_put(r);
    json_object_put(qtest_qmp_ok(qts, "{'execute':'remove-fd','arguments':"
                                 "{'fdset-id':3}}"));
    close(fds[0]);
    close(fds[1]);
    qtest_quit(qts);
}

static void test_human(void)
{
    QTest *qts = qtest_start(NONE);
    struct json_object *r;

    r = qtest_qmp_ok(qts, "{'execute':'human-monitor-command','arguments':"
                     "{'command-line':'info status'}}");
    g_assert_cmpstr(json_object_get_string(r), ==, "VM status: running\n");
    json_object_put(r);
    r = qtest_qmp_ok(qts, "{'execute':'human-monitor-command','arguments':"
                     "{'command-line':'nonsense'}}");
    g_assert_nonnull(strstr(json_object_get_string(r), "unknown command"));
    json_object_put(r);
    qtest_quit(qts);
}

/* As management programs probe: no qtest, no /dev/kvm taken for granted. */
static void test_probe(void)
{
    g_autofree char *line = g_strdup_printf(
        "printf '%%s\\n' '{\"execute\":\"qmp_capabilities\"}' "
        "'{\"execute\":\"query-target\"}' '{\"execute\":\"quit\"}' | "
        "'%s' -S -no-user-config -nodefaults -nographic "
        "-machine none,accel=kvm:tcg -qmp stdio", g_getenv("NEMU_BINARY"));
    const char *argv[] = { "sh", "-c", line, NULL };
    g_autofree char *out = NULL;
    int status;

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH,
                               NULL, NULL, &out, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    g_assert_nonnull(strstr(out, "{\"arch\":\"" NEMU_TARGET_ARCH "\"}"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp/version", test_version);
    g_test_add_func("/qmp/all-queries", test_all_queries);
    g_test_add_func("/qmp/errors", test_errors);
    g_test_add_func("/qmp/run-state", test_run_state);
    g_test_add_func("/qmp/objects", test_objects);
    g_test_add_func("/qmp/fd-passing", test_fd_passing);
    g_test_add_func("/qmp/human-monitor-command", test_human);
    g_test_add_func("/qmp/probe", test_probe);
    return qtest_main();
}
