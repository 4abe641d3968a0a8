/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turning trace events on and off, and what they print. */
#include "util/osdep.h"
#include "trace/control.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include "util/error.h"
#include "util/file.h"
#include "trace/trace-util.h"
#include "tests/unit/lib/assert-error.h"

static void check_fails(bool ok, Error **err, const char *want)
{
    g_assert_false(ok);
    assert_error(*err, want);
    error_free(*err);
    *err = NULL;
}

static void test_enable(void)
{
    Error *err = NULL;
    bool help;

    g_assert_false(trace_event_enabled(file_open));
    g_assert_true(trace_enable("file_open", NULL));
    g_assert_true(trace_event_enabled(file_open));
    g_assert_true(trace_enable("-file_*", NULL));
    g_assert_false(trace_event_enabled(file_open));
    g_assert_true(trace_enable("file_ope?", NULL));
    g_assert_true(trace_event_enabled(file_open));
    g_assert_true(trace_enable("-*", NULL));
    g_assert_true(trace_enable("no_such_thing_*", NULL));
    check_fails(trace_enable("no_such_thing", &err), &err, "'no_such_thing'");
    g_assert_true(trace_option("file_open", &help, NULL));
    g_assert_false(help);
    g_assert_true(trace_event_enabled(file_open));
    g_assert_true(trace_option("help", &help, NULL));
    g_assert_true(help);
    check_fails(trace_option("enabel=x", &help, &err), &err, "'enabel'");
    g_assert_true(trace_option("-*", &help, NULL));
}

static void count(const TraceEvent *ev, void *opaque)
{
    ++*(size_t *)opaque;
}

static void test_foreach(void)
{
    size_t n = 0;

    g_assert_cmpuint(trace_foreach("file_open", count, &n), ==, 1);
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpuint(trace_foreach(NULL, count, &n), ==, n - 1);
    g_assert_cmpuint(trace_foreach("nothing", count, &n), ==, 0);
}

static void test_file(void)
{
    g_autofree char *dir = g_dir_make_tmp("nemu-test-XXXXXX", NULL);
    g_autofree char *out = g_build_filename(dir, "out", NULL);
    g_autofree char *events = g_build_filename(dir, "events", NULL);
    g_autofree char *opt = g_strdup_printf("events=%s,file=%s", events, out);
    g_autofree char *text = NULL;
    Error *err = NULL;
    bool help;
    int fd;

    g_file_set_contents(events, "# comment\n\n  file_*  \n", -1, NULL);
    g_assert_true(trace_option(opt, &help, NULL));
    fd = file_open("/dev/null", O_RDONLY, 0, NULL);
    close(fd);
    g_assert_true(trace_enable("-*", NULL));
    close(file_open("/dev/zero", O_RDONLY, 0, NULL));
    g_assert_true(trace_set_file(NULL, NULL));
    g_file_get_contents(out, &text, NULL, NULL);
    g_assert_nonnull(strstr(text, ":file_open path '/dev/null' flags 0x0 fd"));
    g_assert_null(strstr(text, "/dev/zero"));

    g_file_set_contents(events, "file_open\nwrong\n", -1, NULL);
    check_fails(trace_enable_file(events, &err), &err, ":2: ");
    g_assert_true(trace_enable("-*", NULL));
    check_fails(trace_enable_file("/nonexistent", &err), &err, "/nonexistent");
    check_fails(trace_set_file("/nonexistent/x", &err), &err, "/nonexistent");
    g_unlink(out);
    g_unlink(events);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trace/enable", test_enable);
    g_test_add_func("/trace/foreach", test_foreach);
    g_test_add_func("/trace/file", test_file);
    return g_test_run();
}
