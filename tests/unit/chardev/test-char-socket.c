/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Socket chardevs: servers, clients, descriptors, ends of all kinds. */
#include "util/osdep.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "io/socket.h"
#include "qapi/qapi-types-sockets.h"
#include "tests/unit/lib/loop.h"
#include "taker.h"

static char *sock_path;

static struct sockaddr_un address(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    g_strlcpy(un.sun_path, sock_path, sizeof(un.sun_path));
    return un;
}

static int client(void)
{
    struct sockaddr_un un = address();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    g_assert_cmpint(connect(fd, (struct sockaddr *)&un, sizeof(un)), ==, 0);
    return fd;
}

static int server(void)
{
    struct sockaddr_un un = address();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    g_unlink(sock_path);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&un, sizeof(un)), ==, 0);
    g_assert_cmpint(listen(fd, 4), ==, 0);
    return fd;
}

static void test_server_serves_one_after_the_other(void)
{
    Chardev *chr = new_arg("socket,id=s,path=%s,server=on,wait=off",
                           sock_path);
    char buf[16] = "";
    int a, b;
    Taker t;

    taker_init(&t, chr);
    g_assert_true(g_str_has_prefix(chardev_get_filename(chr),
                                   "disconnected:unix:"));
    g_assert_cmpint(chr_fe_write(&t.fe, "lost", 4), ==, 4);
    a = client();
    b = client();                   /* waits in the backlog */
    RUN_UNTIL(t.opened == 1);
    g_assert_true(g_str_has_prefix(chardev_get_filename(chr), "unix:"));
    g_assert_true(g_str_has_suffix(chardev_get_filename(chr), ",server=on"));
    g_assert_cmpint(write(a, "one", 3), ==, 3);
    g_assert_cmpint(write(b, "two", 3), ==, 3);
    RUN_UNTIL(t.got->len == 3);
    test_loop_settle();
    g_assert_cmpstr(t.got->str, ==, "one");
    g_assert_cmpint(chr_fe_write(&t.fe, "to a", 4), ==, 4);
    g_assert_cmpint(read(a, buf, sizeof(buf)), ==, 4);
    close(a);
    RUN_UNTIL(t.opened == 2);
    g_assert_cmpint(t.closed, ==, 1);
    RUN_UNTIL(t.got->len == 6);
    g_assert_cmpstr(t.got->str, ==, "onetwo");
    close(b);
    RUN_UNTIL(t.closed == 2);
    taker_cleanup(&t, true);
    g_assert_false(g_file_test(sock_path, G_FILE_TEST_EXISTS));
}

static void test_hangup_is_seen_without_room(void)
{
    Chardev *chr = new_arg("socket,id=s,path=%s,server=on,wait=off",
                           sock_path);
    int fd;
    Taker t;

    taker_init(&t, chr);
    t.room = 0;
    fd = client();
    RUN_UNTIL(t.opened == 1);
    test_loop_settle();
    close(fd);
    RUN_UNTIL(t.closed == 1);

    /* with unread bytes and a full close it ends, too */
    fd = client();
    RUN_UNTIL(t.opened == 2);
    g_assert_cmpint(write(fd, "x", 1), ==, 1);
    test_loop_settle();
    close(fd);
    RUN_UNTIL(t.closed == 2);
    taker_cleanup(&t, true);
}

static void test_client_half_closed_is_read_to_the_end(void)
{
    Chardev *chr = new_arg("socket,id=s,path=%s,server=on,wait=off",
                           sock_path);
    int fd;
    Taker t;

    taker_init(&t, chr);
    t.room = 1;
    fd = client();
    g_assert_cmpint(write(fd, "all of it", 9), ==, 9);
    shutdown(fd, SHUT_WR);
    RUN_UNTIL(t.closed == 1);
    g_assert_cmpstr(t.got->str, ==, "all of it");
    close(fd);
    taker_cleanup(&t, true);
}

static void test_descriptors_are_taken_or_closed(void)
{
    Chardev *chr = new_arg("socket,id=s,path=%s,server=on,wait=off",
                           sock_path);
    int fd, pair[2];
    char c;
    Taker t;

    taker_init(&t, chr);
    fd = client();
    RUN_UNTIL(t.opened == 1);
    g_assert_cmpint(pipe(pair), ==, 0);
    g_assert_cmpint(socket_send(fd, "x", 1, pair, 1), ==, 1);
    RUN_UNTIL(t.fd >= 0);
    g_assert_cmpint(fcntl(t.fd, F_GETFD), ==, FD_CLOEXEC);
    g_assert_cmpint(write(pair[1], "p", 1), ==, 1);
    g_assert_cmpint(read(t.fd, &c, 1), ==, 1);
    close(t.fd);

    /* those nobody takes are closed with the next read, not kept */
    g_assert_cmpint(socket_send(fd, "y", 1, pair, 2), ==, 1);
    RUN_UNTIL(t.got->len == 2);

    close(pair[0]);
    close(pair[1]);
    close(fd);
    taker_cleanup(&t, true);
}

static void test_inherited_listener_with_a_waiting_client(void)
{
    int listener = server(), a;
    Chardev *chr;
    Taker t;

    a = client();
    g_assert_cmpint(write(a, "early", 5), ==, 5);
    chr = new_arg("socket,id=s,fd=%d,server=on,wait=off", listener);
    taker_init(&t, chr);
    RUN_UNTIL(t.got->len == 5);
    g_assert_cmpint(t.opened, ==, 1);
    close(a);
    RUN_UNTIL(t.closed == 1);
    a = client();
    RUN_UNTIL(t.opened == 2);
    close(a);
    taker_cleanup(&t, true);
    g_unlink(sock_path);
}

static void test_client_reconnects(void)
{
    Chardev *chr;
    int listener, conn;
    Taker t;

    g_unlink(sock_path);
    chr = new_arg("socket,id=s,path=%s,reconnect=1", sock_path);
    taker_init(&t, chr);
    test_loop_settle();
    g_assert_cmpint(t.opened, ==, 0);
    listener = server();
    RUN_UNTIL(t.opened == 1);
    conn = accept(listener, NULL, NULL);
    close(conn);
    RUN_UNTIL(t.closed == 1);
    RUN_UNTIL(t.opened == 2);
    conn = accept(listener, NULL, NULL);
    g_assert_cmpint(write(conn, "x", 1), ==, 1);
    RUN_UNTIL(t.got->len == 1);
    close(conn);
    close(listener);
    taker_cleanup(&t, true);
    g_unlink(sock_path);
}

static void test_removed_while_connecting(void)
{
    g_unlink(sock_path);
    new_arg("socket,id=s,path=%s,reconnect=60", sock_path);
    g_assert_true(chardev_remove("s", NULL));
    for (int i = 0; i < 50; i++) {
        test_loop_settle();
        g_usleep(1000);
    }
}

static void test_peer_that_does_not_read_blocks_nobody(void)
{
    Chardev *chr = new_arg("socket,id=s,path=%s,server=on,wait=off",
                           sock_path);
    g_autofree uint8_t *big = g_malloc0(1 * MiB);
    ssize_t n;
    int fd;
    Taker t;

    taker_init(&t, chr);
    fd = client();
    RUN_UNTIL(t.opened == 1);
    while ((n = chr_fe_write(&t.fe, big, 1 * MiB)) > 0) {
    }
    g_assert_cmpint(n, ==, 0);
    close(fd);
    RUN_UNTIL(t.closed == 1);
    g_assert_cmpint(chr_fe_write(&t.fe, big, 10), ==, 10);
    taker_cleanup(&t, true);
}

static void test_tcp_port_0_is_told(void)
{
    Chardev *chr = new_arg("socket,id=s,host=127.0.0.1,port=0,server=on,"
                           "wait=off,nodelay=on");
    const char *name = chardev_get_filename(chr);
    g_autofree char *text = NULL;
    g_autoptr(Error) err = NULL;
    SocketAddress *addr;
    int fd;
    Taker t;

    g_assert_true(g_str_has_prefix(name, "disconnected:tcp:127.0.0.1:"));
    text = g_strdup(name + strlen("disconnected:"));
    *strchr(text, ',') = 0;
    g_assert_false(g_str_has_suffix(text, ":0"));
    addr = socket_address_parse(text, &err);
    fd = socket_connect(addr, &err);
    g_assert_cmpint(fd, >=, 0);
    taker_init(&t, chr);
    RUN_UNTIL(t.opened == 1);
    g_assert_nonnull(strstr(chardev_get_filename(chr), " <-> 127.0.0.1:"));
    close(fd);
    taker_cleanup(&t, true);
    qapi_free_SocketAddress(addr);
}

int main(int argc, char **argv)
{
    g_autofree char *dir = NULL;
    int ret;

    g_test_init(&argc, &argv, NULL);
    test_loop_init();
    dir = g_dir_make_tmp("nemu-char-XXXXXX", NULL);
    sock_path = g_build_filename(dir, "sock", NULL);
#define ADD(name, fn) g_test_add_func("/chardev/socket/" name, fn)
    ADD("server", test_server_serves_one_after_the_other);
    ADD("hang-up", test_hangup_is_seen_without_room);
    ADD("half-close", test_client_half_closed_is_read_to_the_end);
    ADD("descriptors", test_descriptors_are_taken_or_closed);
    ADD("inherited", test_inherited_listener_with_a_waiting_client);
    ADD("reconnect", test_client_reconnects);
    ADD("removed", test_removed_while_connecting);
    ADD("full", test_peer_that_does_not_read_blocks_nobody);
    ADD("tcp", test_tcp_port_0_is_told);
    ret = g_test_run();
    g_unlink(sock_path);
    g_rmdir(dir);
    g_free(sock_path);
    return ret;
}
