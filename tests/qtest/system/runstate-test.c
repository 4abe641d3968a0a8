/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run state and the end of the process, through QMP and signals. */
#include "libqtest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static void assert_status(QTest *qts, const char *status)
{
    struct json_object *ret = qtest_qmp_ok(qts,
                                           "{'execute': 'query-status'}");

    g_assert_cmpstr(qjson_str(ret, "status"), ==, status);
    g_assert_cmpint(qjson_bool(ret, "running"), ==,
                    g_str_equal(status, "running"));
    json_object_put(ret);
}

static void run(QTest *qts, const char *cmd)
{
    json_object_put(qtest_qmp_ok(qts, "{'execute': '%s'}", cmd));
}

static void assert_event(QTest *qts, const char *name, const char *reason)
{
    struct json_object *ev = qtest_qmp_event(qts, name);

    if (reason) {
        g_assert_cmpstr(qjson_str(ev, "data.reason"), ==, reason);
    }
    json_object_put(ev);
}

static void test_stop_cont(void)
{
    QTest *qts = qtest_start("-M none -S");

    assert_status(qts, "prelaunch");
    run(qts, "cont");
    assert_event(qts, "RESUME", NULL);
    assert_status(qts, "running");
    run(qts, "stop");
    assert_event(qts, "STOP", NULL);
    assert_status(qts, "paused");
    run(qts, "system_reset");
    assert_event(qts, "RESET", "host-qmp-system-reset");
    assert_status(qts, "prelaunch");
    qtest_quit(qts);
}

static void test_quit(void)
{
    QTest *qts = qtest_start("-M none");

    run(qts, "quit");
    assert_event(qts, "SHUTDOWN", "host-qmp-quit");
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0);
}

static void test_signal(void)
{
    QTest *qts = qtest_start("-M none -no-shutdown");

    kill(qtest_pid(qts), SIGINT);
    assert_event(qts, "SHUTDOWN", "host-signal");
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0);
}

/* C-a x on a multiplexed console; -no-shutdown does not hold it up. */
static void test_console_quit(void)
{
    g_autofree char *dir = g_dir_make_tmp("runstate-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "console", NULL);
    QTest *qts;
    int fd;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    qts = qtest_startf("-M none -no-shutdown -chardev pipe,id=c,path=%s,mux=on "
                       "-mon chardev=c,mode=readline", path);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    g_assert_cmpint(write(fd, "\001x", 2), ==, 2);
    assert_event(qts, "SHUTDOWN", "host-ui");
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0);
    close(fd);
    unlink(path);
    rmdir(dir);
}

static void test_no_reboot(void)
{
    QTest *qts = qtest_start("-M none -no-reboot");

    run(qts, "system_reset");
    assert_event(qts, "SHUTDOWN", "host-qmp-system-reset");
    g_assert_cmpint(qtest_wait_exit(qts), ==, 0);
}

static void test_set_action(void)
{
    QTest *qts = qtest_start("-M none");

    json_object_put(qtest_qmp_ok(qts,
        "{'execute': 'set-action', 'arguments': {'reboot': 'shutdown', "
        "'shutdown': 'pause'}}"));
    run(qts, "system_reset");
    assert_event(qts, "SHUTDOWN", "host-qmp-system-reset");
    assert_event(qts, "STOP", NULL);
    assert_status(qts, "shutdown");
    g_free(qtest_qmp_fail(qts, NULL, "{'execute': 'cont'}"));
    qtest_quit(qts);
}

static void test_queries(void)
{
    QTest *qts = qtest_start(
        "-M none -name guest=pretty "
        "-uuid 550e8400-e29b-41d4-a716-446655440000");
    struct json_object *ret;
    g_autofree char *desc = NULL;

    ret = qtest_qmp_ok(qts, "{'execute': 'query-name'}");
    g_assert_cmpstr(qjson_str(ret, "name"), ==, "pretty");
    json_object_put(ret);
    ret = qtest_qmp_ok(qts, "{'execute': 'query-uuid'}");
    g_assert_cmpstr(qjson_str(ret, "UUID"), ==,
                    "550e8400-e29b-41d4-a716-446655440000");
    json_object_put(ret);
    ret = qtest_qmp_ok(qts, "{'execute': 'query-kvm'}");
    g_assert_false(qjson_bool(ret, "enabled"));
    g_assert_true(qjson_bool(ret, "present"));
    json_object_put(ret);
    ret = qtest_qmp_ok(qts, "{'execute': 'query-target'}");
    g_assert_cmpstr(qjson_str(ret, "arch"), ==, NEMU_TARGET_ARCH);
    json_object_put(ret);
    ret = qtest_qmp_ok(qts, "{'execute': 'query-cpus-fast'}");
    g_assert_cmpint(json_object_array_length(ret), ==, 0);
    json_object_put(ret);
    desc = qtest_qmp_fail(qts, NULL, "{'execute': 'query-hotpluggable-cpus'}");
    g_assert_cmpstr(desc, ==, "machine does not support hot-plugging CPUs");
    qtest_quit(qts);
}

static void test_cpus(void)
{
    QTest *qts = qtest_start("-M virt -m 64 -smp 2");
    g_autofree char *desc = NULL;
    struct json_object *ret;

    ret = qtest_qmp_ok(qts, "{'execute': 'query-cpus-fast'}");
    g_assert_cmpint(json_object_array_length(ret), ==, 2);
    g_assert_cmpint(qjson_int(ret, "1.cpu-index"), ==, 1);
    g_assert_cmpint(qjson_int(ret, "1.props.core-id"), ==, 1);
    g_assert_cmpstr(qjson_str(ret, "0.target"), ==, NEMU_TARGET_ARCH);
    json_object_put(ret);
    ret = qtest_qmp_ok(qts, "{'execute': 'query-memory-size-summary'}");
    g_assert_cmpint(qjson_int(ret, "base-memory"), ==, 64 * MiB);
    json_object_put(ret);
    desc = qtest_qmp_fail(qts, NULL, "{'execute': 'inject-nmi'}");
    g_assert_cmpstr(desc, ==, "machine does not provide NMIs");
    qtest_quit(qts);
}

static void test_accel_errors(void)
{
    static const struct {
        const char *args, *text;
    } cases[] = {
        { "-M virt -accel tcg", "'tcg'" },
        { "-M virt,accel=kmv", "did you mean 'kvm'?" },
        { "-M none -accel qtest,frob=1", "frob" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *args = g_strconcat("-nodefaults -display none ",
                                            cases[i].args, NULL);
        g_autofree char *err = NULL;

        g_assert_cmpint(qtest_run(args, NULL, &err), ==, 1);
        if (!strstr(err, cases[i].text)) {
            g_error("'%s' gave: %s", args, err);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/system/runstate/stop-cont", test_stop_cont);
    g_test_add_func("/system/runstate/quit", test_quit);
    g_test_add_func("/system/runstate/signal", test_signal);
    g_test_add_func("/system/runstate/console-quit", test_console_quit);
    g_test_add_func("/system/runstate/no-reboot", test_no_reboot);
    g_test_add_func("/system/runstate/set-action", test_set_action);
    g_test_add_func("/system/runstate/queries", test_queries);
    g_test_add_func("/system/cpus/queries", test_cpus);
    g_test_add_func("/system/accel/errors", test_accel_errors);
    return qtest_main();
}
