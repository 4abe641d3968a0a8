/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Socket addresses as text, and opening by them. */
#include "util/osdep.h"
#include "io/socket.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include "io/fdparam.h"
#include "qapi/qapi-types-sockets.h"
#include "tests/unit/lib/assert-error.h"
#include "tests/unit/lib/assert-error.h"
#include "tests/unit/lib/loop.h"

static void test_text_round_trip(void)
{
    static const struct {
        const char *in, *out;       /* out NULL: an error */
    } cases[] = {
        { "unix:/run/x", "unix:/run/x" },
        { "unix:", NULL },
        { "fd:mon", "fd:mon" },
        { "tcp:localhost:80", "tcp:localhost:80" },
        { "localhost:80", "tcp:localhost:80" },
        { ":80", "tcp::80" },
        { "[::1]:80", "tcp:::1:80" },
        { "[::1]", NULL },
        { "[::1:80", NULL },
        { "tcp:h:1,to=5,ipv4,ipv6=off", "tcp:h:1" },
        { "tcp:h:1,to=70000", NULL },
        { "tcp:h:1,ipv4=maybe", NULL },
        { "tcp:h:1,bogus", NULL },
        { "vsock:2:1234", "vsock:2:1234" },
        { "vsock:4294967295:4294967295", "vsock:4294967295:4294967295" },
        { "vsock:2", NULL },
        { "vsock:2:3:4", NULL },
        { "vsock::3", NULL },
        { "vsock:4294967296:3", NULL },
        { "vsock:2:x", NULL },
        { "vsock:-1:3", NULL },
        { "nothing", NULL },
        { "", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        g_autoptr(SocketAddress) addr = socket_address_parse(cases[i].in, &err);
        g_autofree char *out = addr ? socket_address_to_string(addr) : NULL;

        g_assert_cmpstr(out, ==, cases[i].out);
        g_assert_true(!addr == !!err);
    }
}

static void test_unix_listen_and_connect(void)
{
    g_autofree char *dir = g_dir_make_tmp("nemu-io-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *text = g_strdup_printf("unix:%s", path);
    g_autoptr(SocketAddress) addr = socket_address_parse(text, NULL);
    g_autoptr(SocketAddress) local = NULL;
    int listener, fd, conn;

    /* a stale file is in nobody's way */
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    listener = socket_listen(addr, 1, NULL);
    g_assert_cmpint(listener, >=, 0);
    g_assert_cmpint(fcntl(listener, F_GETFD), ==, FD_CLOEXEC);
    g_assert_cmpint(socket_accept(listener), ==, -EAGAIN);
    fd = socket_connect(addr, NULL);
    conn = socket_accept(listener);
    g_assert_cmpint(conn, >=, 0);
    local = socket_local_address(conn);
    g_assert_cmpstr(local->u.q_unix.path, ==, path);
    close(fd);
    close(conn);
    close(listener);
    socket_unlink(addr);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

/* Between two sockets of this machine, where the kernel has a way for it. */
static void test_vsock(void)
{
    g_autoptr(SocketAddress) any =
        socket_address_parse("vsock:1:4294967295", NULL);
    g_autoptr(SocketAddress) addr = NULL, peer = NULL;
    g_autoptr(Error) err = NULL;
    int listener = socket_listen(any, 1, &err), fd, conn;
    char byte = 'x';

    if (listener < 0) {
        assert_error(err, "vsock");
        g_test_skip("no AF_VSOCK, or no module vsock_loopback");
        return;
    }
    addr = socket_local_address(listener);
    g_assert_cmpint(addr->type, ==, SOCKET_ADDRESS_TYPE_VSOCK);
    g_assert_cmpstr(addr->u.vsock.cid, ==, "1");
    g_assert_cmpstr(addr->u.vsock.port, !=, any->u.vsock.port);
    g_assert_cmpint(socket_listen(addr, 1, &err), ==, -1);
    assert_error(err, addr->u.vsock.port);
    fd = socket_connect(addr, NULL);
    g_assert_cmpint(fd, >=, 0);
    conn = socket_accept(listener);
    g_assert_cmpint(conn, >=, 0);
    peer = socket_peer_address(fd);
    g_assert_cmpstr(peer->u.vsock.port, ==, addr->u.vsock.port);
    g_assert_cmpint(socket_send(fd, &byte, 1, NULL, 0), ==, 1);
    byte = 0;
    RUN_UNTIL(read(conn, &byte, 1) == 1);
    g_assert_cmpint(byte, ==, 'x');
    close(fd);
    close(conn);
    close(listener);
}

static void test_abstract_names(void)
{
    SocketAddress addr = { .type = SOCKET_ADDRESS_TYPE_UNIX };
    g_autofree char *name = g_strdup_printf("nemu-test-%d", getpid());
    g_autoptr(SocketAddress) local = NULL;
    int listener, fd;

    addr.u.q_unix.path = name;
    addr.u.q_unix.has_abstract = addr.u.q_unix.abstract = true;
    listener = socket_listen(&addr, 1, NULL);
    g_assert_cmpint(listener, >=, 0);
    g_assert_false(g_file_test(name, G_FILE_TEST_EXISTS));
    fd = socket_connect(&addr, NULL);
    g_assert_cmpint(fd, >=, 0);
    local = socket_local_address(listener);
    g_assert_true(local->u.q_unix.abstract);
    g_assert_cmpstr(local->u.q_unix.path, ==, name);
    close(fd);
    close(listener);
}

static void test_port_range(void)
{
    g_autoptr(SocketAddress) any = socket_address_parse("127.0.0.1:0", NULL);
    int first = socket_listen(any, 1, NULL);
    g_autoptr(SocketAddress) taken = socket_local_address(first);
    g_autofree char *text = g_strdup_printf("127.0.0.1:%s,to=65535",
                                            taken->u.inet.port);
    g_autoptr(SocketAddress) range = socket_address_parse(text, NULL);
    g_autoptr(SocketAddress) next = NULL;
    g_autoptr(Error) err = NULL;
    int second = socket_listen(range, 1, NULL);

    g_assert_cmpint(second, >=, 0);
    next = socket_local_address(second);
    g_assert_cmpstr(next->u.inet.port, !=, taken->u.inet.port);
    g_assert_cmpint(socket_listen(taken, 1, &err), ==, -1);
    assert_error(err, taken->u.inet.port);
    close(first);
    close(second);
}

static void test_errors_name_the_address(void)
{
    g_autofree char *longname = g_strnfill(200, 'x');
    g_autofree char *text = g_strdup_printf("unix:/%s", longname);
    const char *const cases[] = {
        "unix:/nonexistent/sock", text, "fd:12345", "fd:name",
        "host.invalid:80", "127.0.0.1:nosuchservice",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SocketAddress) addr = socket_address_parse(cases[i], NULL);
        g_autoptr(Error) err = NULL;
        const char *name = strchr(cases[i], ':') + 1;

        g_assert_cmpint(socket_connect(addr, &err), ==, -1);
        assert_error(err, name);
    }
}

static int give_fd(const char *name, Error **errp)
{
    int fd = -1, pair[2];

    if (g_str_equal(name, "mine") && socketpair(AF_UNIX, SOCK_STREAM, 0,
                                                pair) == 0) {
        fd = pair[0];
        close(pair[1]);
    } else {
        error_setg(errp, "no file descriptor is called '%s'", name);
    }
    return fd;
}

static void test_named_descriptors(void)
{
    g_autoptr(SocketAddress) addr = socket_address_parse("fd:mine", NULL);
    g_autoptr(Error) err = NULL;
    int fd;

    fd_param_set_handler(give_fd);
    fd = socket_connect(addr, &err);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_cmpint(fd_param_get("other", &err), ==, -1);
    g_assert_nonnull(err);
    fd_param_set_handler(NULL);
    g_assert_cmpint(fd_param_get("99999999999", NULL), ==, -1);
    g_assert_cmpint(fd_param_get("1x", NULL), ==, -1);
}

typedef struct Connected {
    int fd;
    bool done, failed;
} Connected;

static void note_connected(void *opaque, int fd, Error *err)
{
    Connected *c = opaque;

    c->done = true;
    c->fd = fd;
    c->failed = err != NULL;
    error_free(err);
}

static void test_async_connect(void)
{
    g_autoptr(SocketAddress) any = socket_address_parse("127.0.0.1:0", NULL);
    int listener = socket_listen(any, 1, NULL);
    g_autoptr(SocketAddress) addr = socket_local_address(listener);
    Connected ok = { 0 }, bad = { 0 }, never = { 0 };
    g_autoptr(SocketAddress) no = socket_address_parse("unix:/nonexistent/s",
                                                       NULL);

    socket_connect_async(main_context(), addr, note_connected, &ok);
    socket_connect_async(main_context(), no, note_connected, &bad);
    socket_connect_cancel(socket_connect_async(main_context(), addr,
                                               note_connected, &never));
    g_assert_false(ok.done);
    while (!ok.done || !bad.done) {
        aio_poll(main_context(), true);
    }
    g_assert_cmpint(ok.fd, >=, 0);
    g_assert_true(bad.failed);
    close(ok.fd);
    for (int i = 0; i < 100; i++) {
        aio_poll(main_context(), false);
        g_usleep(1000);
    }
    g_assert_false(never.done);
    close(listener);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    test_loop_init();
#define ADD(name, fn) g_test_add_func("/io/socket/" name, fn)
    ADD("text", test_text_round_trip);
    ADD("unix", test_unix_listen_and_connect);
    ADD("vsock", test_vsock);
    ADD("abstract", test_abstract_names);
    ADD("ports", test_port_range);
    ADD("errors", test_errors_name_the_address);
    ADD("named-fd", test_named_descriptors);
    ADD("async", test_async_connect);
    return g_test_run();
}
