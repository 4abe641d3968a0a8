/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of chardevs that are not sockets, and the short forms. */
#include "util/osdep.h"
#include "chardev/char-mux.h"
#include "chardev/char-ringbuf.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include "qapi/qapi-commands-char.h"
#include "tests/unit/lib/assert-error.h"
#include "tests/unit/lib/loop.h"
#include "taker.h"

static char *temp_path(const char *name)
{
    static char *dir;

    dir = dir ? dir : g_dir_make_tmp("nemu-char-XXXXXX", NULL);
    return g_build_filename(dir, name, NULL);
}

static void test_null_takes_all(void)
{
    Chardev *chr = new_arg("null,id=n");
    CharFrontend fe;

    g_assert_true(chr_fe_init(&fe, chr, NULL));
    g_assert_cmpint(chr_fe_write(&fe, "abc", 3), ==, 3);
    g_assert_false(chr_fe_backend_open(&fe));
    g_assert_false(chardev_remove("n", NULL));      /* busy */
    chr_fe_deinit(&fe, false);
    g_assert_true(chardev_remove("n", NULL));
    g_assert_null(chardev_find("n"));

    /* no chardev at all behaves the same */
    g_assert_true(chr_fe_init(&fe, NULL, NULL));
    g_assert_cmpint(chr_fe_write_all(&fe, "abc", 3), ==, 3);
    chr_fe_accept_input(&fe);
    chr_fe_deinit(&fe, false);
}

static void test_second_front_end_is_refused(void)
{
    g_autoptr(Error) err = NULL;
    Chardev *chr = new_arg("null,id=n");
    CharFrontend a, b;

    g_assert_true(chr_fe_init(&a, chr, NULL));
    g_assert_true(chardev_is_busy(chr));
    g_assert_false(chr_fe_init(&b, chr, &err));
    assert_error(err, "'n'");
    g_assert_null(b.chr);
    chr_fe_deinit(&a, true);
    g_assert_null(chardev_find("n"));
}

static void test_file_output_input_and_log(void)
{
    g_autofree char *out = temp_path("out"), *in = temp_path("in");
    g_autofree char *log = temp_path("log"), *content = NULL;
    Taker t;

    g_assert_true(g_file_set_contents(in, "line one\nline two\n", -1, NULL));
    taker_init(&t, new_arg("file,id=f,path=%s,input-path=%s,logfile=%s", out,
                           in, log));
    g_assert_cmpint(t.opened, ==, 1);
    t.room = 5;
    RUN_UNTIL(t.got->len == 18);
    g_assert_cmpstr(t.got->str, ==, "line one\nline two\n");
    g_assert_cmpint(chr_fe_write(&t.fe, "hello", 5), ==, 5);
    taker_cleanup(&t, false);
    g_assert_true(chardev_remove("f", NULL));
    g_assert_true(g_file_get_contents(out, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "hello");
    g_free(content);
    g_assert_true(g_file_get_contents(log, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "hello");

    /* append=on keeps what was there */
    chr_fe_init(&t.fe, new_arg("file,id=f,path=%s,append=on", out), NULL);
    chr_fe_write_all(&t.fe, " again", 6);
    chr_fe_deinit(&t.fe, true);
    g_free(content);
    g_assert_true(g_file_get_contents(out, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "hello again");
    g_unlink(in);
    g_unlink(out);
    g_unlink(log);
}

static void test_pipe_stops_when_there_is_no_room(void)
{
    g_autofree char *path = temp_path("pipe");
    g_autofree char *path_in = g_strdup_printf("%s.in", path);
    g_autofree char *path_out = g_strdup_printf("%s.out", path);
    char buf[16] = "";
    int in, out;
    Taker t;

    g_assert_cmpint(mkfifo(path_in, 0600), ==, 0);
    g_assert_cmpint(mkfifo(path_out, 0600), ==, 0);
    taker_init(&t, new_arg("pipe,id=p,path=%s", path));
    in = open(path_in, O_WRONLY);
    out = open(path_out, O_RDONLY);
    t.room = 0;
    g_assert_cmpint(write(in, "12345", 5), ==, 5);
    for (int i = 0; i < 5; i++) {
        aio_poll(main_context(), false);
    }
    g_assert_cmpint(t.got->len, ==, 0);
    t.room = 2;
    chr_fe_accept_input(&t.fe);
    RUN_UNTIL(t.got->len == 5);
    g_assert_cmpint(chr_fe_write(&t.fe, "out", 3), ==, 3);
    g_assert_cmpint(read(out, buf, sizeof(buf)), ==, 3);
    g_assert_cmpstr(buf, ==, "out");
    close(in);
    close(out);
    taker_cleanup(&t, false);
    g_assert_true(chardev_remove("p", NULL));
    g_unlink(path_in);
    g_unlink(path_out);
}

static void taker_writable(void *opaque)
{
    ((Taker *)opaque)->writable = true;
}

static void test_write_watch_fires_once_there_is_room(void)
{
    g_autofree char *path = temp_path("full");
    g_autofree uint8_t *big = g_malloc0(1 * MiB);
    ssize_t n, total = 0;
    int fd;
    Taker t;

    g_assert_cmpint(mkfifo(path, 0600), ==, 0);
    taker_init(&t, new_arg("pipe,id=p,path=%s", path));
    chr_fe_set_handlers(&t.fe, NULL, NULL, NULL, NULL, NULL);
    fd = open(path, O_RDONLY | O_NONBLOCK);
    while ((n = chr_fe_write(&t.fe, big, 1 * MiB)) > 0) {
        total += n;
    }
    g_assert_cmpint(n, ==, 0);
    g_assert_cmpint(total, >, 0);
    g_assert_true(chr_fe_add_write_watch(&t.fe, taker_writable, &t));
    for (int i = 0; i < 5; i++) {
        aio_poll(main_context(), false);
    }
    g_assert_false(t.writable);
    while (read(fd, big, 1 * MiB) > 0) {
    }
    RUN_UNTIL(t.writable);
    g_assert_cmpint(chr_fe_write(&t.fe, big, 10), ==, 10);
    close(fd);
    taker_cleanup(&t, false);
    g_assert_true(chardev_remove("p", NULL));
    g_unlink(path);
}

static void test_ringbuf_keeps_the_last_bytes(void)
{
    Chardev *chr = new_arg("ringbuf,id=r,size=8");
    uint8_t buf[16];
    CharFrontend fe;

    g_assert_true(chr_fe_init(&fe, chr, NULL));
    g_assert_cmpint(chr_fe_write(&fe, "abcdefghijk", 11), ==, 11);
    g_assert_cmpuint(chr_ringbuf_count(chr), ==, 8);
    g_assert_cmpuint(chr_ringbuf_read(chr, buf, 3), ==, 3);
    g_assert_cmpmem(buf, 3, "def", 3);
    chr_ringbuf_write(chr, (const uint8_t *)"XY", 2);
    g_assert_cmpuint(chr_ringbuf_read(chr, buf, 16), ==, 7);
    g_assert_cmpmem(buf, 7, "ghijkXY", 7);
    chr_fe_deinit(&fe, true);
}

static void test_qmp_commands(void)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *text = NULL;
    ChardevInfoList *list;
    CharFrontend fe;

    chr_fe_init(&fe, new_arg("ringbuf,id=r,size=8"), NULL);
    g_assert_true(qmp_ringbuf_write("r", "YWIA/w==", true, DATA_FORMAT_BASE64,
                                    NULL));
    list = qmp_query_chardev(NULL);
    g_assert_null(list->next);
    g_assert_cmpstr(list->value->label, ==, "r");
    g_assert_cmpstr(list->value->filename, ==, "ringbuf");
    g_assert_false(list->value->frontend_open);
    qapi_free_ChardevInfoList(list);
    text = qmp_ringbuf_read("r", 2, false, 0, NULL);
    g_assert_cmpstr(text, ==, "ab");
    g_free(text);
    text = qmp_ringbuf_read("r", 100, true, DATA_FORMAT_BASE64, NULL);
    g_assert_cmpstr(text, ==, "AP8=");
    g_assert_null(qmp_ringbuf_read("r", 0, false, 0, &err));
    g_assert_nonnull(err);
    g_clear_pointer(&err, error_free);
    g_assert_null(qmp_ringbuf_read("x", 1, false, 0, &err));
    assert_error(err, "'x'");
    g_assert_false(qmp_chardev_remove("r", NULL));      /* busy */
    chr_fe_deinit(&fe, false);
    g_assert_true(qmp_chardev_remove("r", NULL));
    g_assert_null(qmp_query_chardev(NULL));
}

static void test_pty_opens_when_somebody_comes(void)
{
    g_autoptr(ChardevBackend) pty = g_new0(ChardevBackend, 1);
    const char *name;
    Chardev *chr;
    char buf[16] = "";
    int fd;
    Taker t;

    pty->type = CHARDEV_BACKEND_KIND_PTY;
    pty->u.pty.data = g_new0(ChardevCommon, 1);
    chr = chardev_new("p", pty, NULL);
    name = chardev_get_filename(chr);
    taker_init(&t, chr);
    g_assert_true(g_str_has_prefix(name, "pty:/dev/pts/"));
    g_assert_cmpint(t.opened, ==, 0);
    g_assert_cmpint(chr_fe_write(&t.fe, "lost", 4), ==, 4);
    fd = open(name + 4, O_RDWR | O_NOCTTY);
    g_assert_cmpint(fd, >=, 0);
    RUN_UNTIL(t.opened == 1);
    g_assert_cmpint(write(fd, "hi", 2), ==, 2);
    RUN_UNTIL(t.got->len == 2);
    g_assert_cmpint(chr_fe_write(&t.fe, "ho", 2), ==, 2);
    g_assert_cmpint(read(fd, buf, sizeof(buf)), ==, 2);
    g_assert_cmpstr(buf, ==, "ho");
    close(fd);
    RUN_UNTIL(t.closed == 1);
    fd = open(name + 4, O_RDWR | O_NOCTTY);
    RUN_UNTIL(t.opened == 2);

    /* also while nobody takes the input */
    t.room = 0;
    g_assert_cmpint(write(fd, "x", 1), ==, 1);
    for (int i = 0; i < 5; i++) {
        aio_poll(main_context(), false);
    }
    close(fd);
    RUN_UNTIL(t.closed == 2);
    taker_cleanup(&t, false);
    g_assert_true(chardev_remove("p", NULL));
}

static void pipe_type(int fd, const char *text)
{
    g_assert_cmpint(write(fd, text, strlen(text)), ==, strlen(text));
}

static bool quit_asked;

static void note_quit(void)
{
    quit_asked = true;
}

static void test_mux_shares_a_stream(void)
{
    g_autofree char *path = temp_path("mux");
    g_autofree char *path_in = g_strdup_printf("%s.in", path);
    g_autofree char *path_out = g_strdup_printf("%s.out", path);
    char buf[4096] = "";
    int in, out;
    Chardev *chr;
    Taker a, b;

    mkfifo(path_in, 0600);
    mkfifo(path_out, 0600);
    chr = new_arg("pipe,id=m,path=%s,mux=on", path);
    g_assert_true(chr->is_mux);
    g_assert_nonnull(chardev_find("m-base"));
    in = open(path_in, O_WRONLY);
    out = open(path_out, O_RDONLY | O_NONBLOCK);
    taker_init(&a, chr);
    g_assert_cmpint(a.mux_in, ==, 1);
    taker_init(&b, chr);
    g_assert_cmpint(a.mux_out, ==, 1);
    g_assert_cmpint(b.mux_in, ==, 1);
    g_assert_cmpint(b.opened, ==, 1);

    pipe_type(in, "b\001ca\001\001a\001bz\001cb");
    RUN_UNTIL(b.got->len == 2);
    g_assert_cmpstr(a.got->str, ==, "a\001az");
    g_assert_cmpstr(b.got->str, ==, "bb");
    g_assert_cmpint(a.breaks, ==, 1);
    g_assert_cmpint(b.breaks, ==, 0);

    g_assert_cmpint(chr_fe_write(&a.fe, "A", 1), ==, 1);
    g_assert_cmpint(chr_fe_write(&b.fe, "B", 1), ==, 1);
    g_assert_cmpint(read(out, buf, sizeof(buf)), ==, 2);
    g_assert_cmpstr(buf, ==, "AB");

    pipe_type(in, "\001h");
    memset(buf, 0, sizeof(buf));
    RUN_UNTIL(read(out, buf, sizeof(buf) - 1) > 0);
    g_assert_nonnull(strstr(buf, "C-a c"));

    /* more than the mux buffers waits in the pipe, in order */
    b.room = 0;
    for (int i = 0; i < 200; i++) {
        pipe_type(in, "0123456789");
    }
    for (int i = 0; i < 20; i++) {
        aio_poll(main_context(), false);
    }
    b.room = 7;
    chr_fe_accept_input(&b.fe);
    RUN_UNTIL(b.got->len == 2002);
    g_assert_cmpstr(b.got->str + 1992, ==, "0123456789");

    chr_mux_set_quit(note_quit);
    pipe_type(in, "\001x");
    RUN_UNTIL(quit_asked);
    chr_mux_set_quit(NULL);

    /* the focus goes on when a front end leaves */
    taker_cleanup(&b, false);
    g_string_truncate(a.got, 0);
    pipe_type(in, "back");
    RUN_UNTIL(a.got->len == 4);
    g_assert_false(chardev_remove("m-base", NULL));
    taker_cleanup(&a, false);
    g_assert_true(chardev_remove("m", NULL));
    g_assert_true(chardev_remove("m-base", NULL));
    close(in);
    close(out);
    g_unlink(path_in);
    g_unlink(path_out);
}

static void test_mux_has_a_bound(void)
{
    Chardev *chr = new_arg("null,id=m,mux=on");
    g_autoptr(Error) err = NULL;
    CharFrontend fes[CHR_MUX_MAX + 1];

    for (int i = 0; i < CHR_MUX_MAX; i++) {
        g_assert_true(chr_fe_init(&fes[i], chr, NULL));
    }
    g_assert_true(chardev_is_busy(chr));
    g_assert_false(chr_fe_init(&fes[CHR_MUX_MAX], chr, &err));
    /* at exit all go at once, front ends or not */
    chardev_cleanup();
    g_assert_null(chardev_find("m"));
    g_assert_null(fes[0].chr);
    for (int i = 0; i < CHR_MUX_MAX; i++) {
        chr_fe_deinit(&fes[i], false);
    }
}

static void test_bad_arguments(void)
{
    static const struct {
        const char *arg, *text;
    } cases[] = {
        { "nul,id=x", "nul" },
        { "null", "id" },
        { "null,id=1x", "1x" },
        { "null,id=x,path=y", "path" },
        { "file,id=x", "path" },
        { "file,id=x,path=/nonexistent/x", "/nonexistent/x" },
        { "pipe,id=x,path=/nonexistent/x", "/nonexistent/x" },
        { "ringbuf,id=x,size=5", "5" },
        { "ringbuf,id=x,size=4G", "4294967296" },
        { "socket,id=x", "path" },
        { "socket,id=x,path=/a,host=b,port=1", "exactly one" },
        { "socket,id=x,host=localhost", "port" },
        { "socket,id=x,path=/nonexistent/sock", "/nonexistent/sock" },
        { "socket,id=x,path=/nonexistent/sock,server=on,wait=off",
          "/nonexistent/sock" },
        { "socket,id=x,path=/tmp/x,wait=off", "server=on" },
        { "socket,id=x,path=/tmp/x,server=on,wait=off,reconnect=1",
          "reconnect" },
        { "socket,id=x,fd=999,server=on,wait=off", "999" },
        { "socket,id=x,fd=0,server=on,wait=off", "socket" },
        { "socket,id=x,fd=name,server=on,wait=off", "name" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        chardev_new_from_arg(cases[i].arg, &err);
        assert_error_of(cases[i].arg, err, cases[i].text);
        g_assert_null(chardev_find("x"));
    }
}

static void test_specs(void)
{
    static const struct {
        const char *spec, *type, *error;
    } cases[] = {
        { "null", TYPE_CHARDEV_NULL, NULL },
        { "ringbuf", TYPE_CHARDEV_RINGBUF, NULL },
        { "mon:null", TYPE_CHARDEV_MUX, NULL },
        { "unix:@SOCK@,server=on,wait=off", TYPE_CHARDEV_SOCKET, NULL },
        { "unix:@SOCK@,server,nowait", TYPE_CHARDEV_SOCKET, NULL },
        { "tcp:127.0.0.1:0,server,nowait", TYPE_CHARDEV_SOCKET, NULL },
        { "tcp::0,server=on,wait=off,ipv4=on", TYPE_CHARDEV_SOCKET, NULL },
        { "tcp:127.0.0.1", NULL, "127.0.0.1" },
        { "unix:@SOCK@,server=on,wait=off,bogus=1", NULL, "bogus" },
        { "chardev:none", NULL, "none" },
        { "vc", NULL, "not supported" },
        { "telnet:127.0.0.1:1,server", NULL, "not supported" },
        { "stdoi", NULL, "stdoi" },
        { "", NULL, "''" },
    };
    g_autofree char *sock = temp_path("sock");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) parts = g_strsplit(cases[i].spec, "@SOCK@", 2);
        g_autofree char *spec = g_strjoinv(sock, parts);
        g_autoptr(Error) err = NULL;
        bool mon = false;
        Chardev *chr = chardev_new_from_spec("x", spec, &mon, &err);

        if (cases[i].error) {
            g_assert_null(chr);
            assert_error_of(spec, err, cases[i].error);
            continue;
        }
        g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
        g_assert_cmpstr(object_get_typename(OBJECT(chr)), ==, cases[i].type);
        g_assert_true(mon == g_str_has_prefix(spec, "mon:"));
        chardev_cleanup();
    }
    g_assert_false(g_file_test(sock, G_FILE_TEST_EXISTS));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
#define ADD(name, fn) g_test_add_func("/chardev/" name, fn)
    ADD("null", test_null_takes_all);
    ADD("busy", test_second_front_end_is_refused);
    ADD("file", test_file_output_input_and_log);
    ADD("pipe", test_pipe_stops_when_there_is_no_room);
    ADD("write-watch", test_write_watch_fires_once_there_is_room);
    ADD("ringbuf", test_ringbuf_keeps_the_last_bytes);
    ADD("qmp", test_qmp_commands);
    ADD("pty", test_pty_opens_when_somebody_comes);
    ADD("mux", test_mux_shares_a_stream);
    ADD("mux/bound", test_mux_has_a_bound);
    ADD("bad", test_bad_arguments);
    ADD("specs", test_specs);
    return g_test_run();
}
