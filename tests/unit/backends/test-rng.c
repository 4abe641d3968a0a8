/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources of entropy: order, waiting, ends. */
#include "util/osdep.h"
#include "backends/rng.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include "tests/unit/lib/assert-error.h"
#include "tests/unit/lib/loop.h"

typedef struct Answer {
    GString *log;
    char name;
} Answer;

static void note(void *opaque, const void *data, size_t size)
{
    Answer *a = opaque;

    g_string_append_printf(a->log, "%c%zu ", a->name, size);
}

static RngBackend *add(const char *type, const char *filename, Error **errp)
{
    struct json_object *props = json_object_new_object();
    Object *obj;

    if (filename) {
        json_object_object_add(props, "filename",
                               json_object_new_string(filename));
    }
    obj = user_creatable_add(type, "r", props, errp);
    json_object_put(props);
    return obj ? RNG_BACKEND(obj) : NULL;
}

static void test_builtin_answers_in_order(void)
{
    RngBackend *s = add(TYPE_RNG_BUILTIN, NULL, NULL);
    g_autoptr(GString) log = g_string_new("");
    Answer a = { log, 'a' }, b = { log, 'b' };

    rng_backend_request(s, 16, NULL, note, &a);
    rng_backend_request(s, 32, NULL, note, &b);
    rng_backend_request(s, 1 << 20, NULL, note, &a);
    g_assert_cmpuint(log->len, ==, 0);              /* never at once */
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "a16 b32 a65536 ");
    rng_backend_request(s, 1, NULL, note, &a);
    rng_backend_request(s, 2, NULL, note, &b);
    rng_backend_cancel(s, &a);
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "a16 b32 a65536 b2 ");
    /* goes with a request pending */
    rng_backend_request(s, 1, NULL, note, &a);
    g_assert_true(user_creatable_del("r", NULL));
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "a16 b32 a65536 b2 ");
}

typedef struct Greedy {
    RngBackend *s;
    int answers;
} Greedy;

static void ask_again(void *opaque, const void *data, size_t size)
{
    Greedy *g = opaque;

    g->answers++;
    rng_backend_request(g->s, 1, NULL, ask_again, g);
}

/* Who always wants more does not keep the loop to itself. */
static void test_greedy_user_leaves_the_loop(void)
{
    Greedy g = { add(TYPE_RNG_BUILTIN, NULL, NULL) };

    rng_backend_request(g.s, 1, NULL, ask_again, &g);
    for (int i = 1; i <= 5; i++) {
        aio_poll(main_context(), false);
        g_assert_cmpint(g.answers, ==, i);
    }
    rng_backend_cancel(g.s, &g);
    test_loop_settle();
    g_assert_cmpint(g.answers, ==, 5);
    g_assert_true(user_creatable_del("r", NULL));
}

static void test_random_default_file(void)
{
    RngBackend *s = add(TYPE_RNG_RANDOM, NULL, NULL);
    g_autoptr(GString) log = g_string_new("");
    Answer a = { log, 'a' };

    rng_backend_request(s, 64, NULL, note, &a);
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "a64 ");
    g_assert_true(user_creatable_del("r", NULL));
}

static void test_random_waits_for_a_slow_source(void)
{
    g_autofree char *dir = g_dir_make_tmp("nemu-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "fifo", NULL);
    g_autoptr(GString) log = g_string_new("");
    Answer a = { log, 'a' }, b = { log, 'b' };
    RngBackend *s;
    int fd;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    fd = open(path, O_RDWR);
    s = add(TYPE_RNG_RANDOM, path, NULL);
    rng_backend_request(s, 8, NULL, note, &a);
    rng_backend_request(s, 8, NULL, note, &b);
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "");
    g_assert_cmpint(write(fd, "12345678123", 11), ==, 11);
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "a8 b3 ");
    /* cancelled while it waits */
    rng_backend_request(s, 8, NULL, note, &a);
    test_loop_settle();
    rng_backend_cancel(s, &a);
    g_assert_cmpint(write(fd, "1", 1), ==, 1);
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "a8 b3 ");
    close(fd);
    /* and at the end of the source */
    g_assert_true(user_creatable_del("r", NULL));
    g_unlink(path);
    g_rmdir(dir);
}

static void test_end_of_file_and_errors(void)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(GString) log = g_string_new("");
    Answer a = { log, 'a' };
    RngBackend *s = add(TYPE_RNG_RANDOM, "/dev/null", NULL);

    rng_backend_request(s, 8, NULL, note, &a);
    test_loop_settle();
    g_assert_cmpstr(log->str, ==, "a0 ");
    g_assert_true(user_creatable_del("r", NULL));
    g_assert_null(add(TYPE_RNG_RANDOM, "/nonexistent", &err));
    assert_error(err, "/nonexistent");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    g_test_add_func("/backends/rng/builtin", test_builtin_answers_in_order);
    g_test_add_func("/backends/rng/greedy", test_greedy_user_leaves_the_loop);
    g_test_add_func("/backends/rng/random", test_random_default_file);
    g_test_add_func("/backends/rng/slow", test_random_waits_for_a_slow_source);
    g_test_add_func("/backends/rng/end", test_end_of_file_and_errors);
    return g_test_run();
}
