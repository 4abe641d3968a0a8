/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets: unix or TCP, client or server, with descriptors passed along.
 *
 * A server has one connection at a time; further clients wait in the backlog
 * until it ends. A client with reconnect=N tries again N seconds after the end
 * of a connection or of a failed attempt.
 *
 * While the front end has no room the connection is not read, so its end would
 * go unseen: an epoll descriptor, edge triggered for the hang-up alone, tells.
 */
#include "util/osdep.h"
#include "chardev/char-internal.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include "util/file.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "util/timer.h"
#include "io/socket.h"
#include "io/yank.h"
#include "qapi/qapi-types-char.h"
#include "trace/trace-chardev.h"

/* What may come with one read; a QMP client sends one per command. */
#define CHAR_SOCKET_MAX_FDS 16

OBJECT_DECLARE_SIMPLE_TYPE(CharSocket, CHARDEV_SOCKET)

struct CharSocket {
    Chardev parent_obj;

    SocketAddress *addr;
    bool is_server, nodelay;
    int64_t reconnect_ns;           /* 0: never */

    CharStream stream;              /* stream.in: the connection, or -1 */
    int listen_fd;
    AioContext *listen_ctx;         /* where it is watched */
    int hup_fd;                     /* epoll of the connection */
    AioTimer retry;
    SocketConnect *connecting;
    bool retry_told;                /* one warning for a row of failures */
    Yank *yank;

    int rx_fds[CHAR_SOCKET_MAX_FDS];
    int n_rx_fds;
};

static void char_socket_listen_update(CharSocket *s);
static void char_socket_start_connect(void *opaque);

/* ---- Names ---- */

static const char *char_socket_id(const CharSocket *s)
{
    return s->parent_obj.id ? s->parent_obj.id : "";
}

static char *address_with_role(CharSocket *s, const SocketAddress *addr)
{
    g_autofree char *text = socket_address_to_string(addr);

    return g_strdup_printf("%s%s", text, s->is_server ? ",server=on" : "");
}

static void char_socket_update_filename(CharSocket *s)
{
    g_autoptr(SocketAddress) local = NULL, peer = NULL;
    g_autofree char *name = NULL, *peer_name = NULL;
    Chardev *chr = CHARDEV(s);

    g_free(chr->filename);
    if (s->stream.in < 0) {
        name = address_with_role(s, s->addr);
        chr->filename = g_strdup_printf("disconnected:%s", name);
        return;
    }
    local = socket_local_address(s->stream.in);
    if (!local || local->type == SOCKET_ADDRESS_TYPE_UNIX) {
        chr->filename = address_with_role(s,
            s->addr->type == SOCKET_ADDRESS_TYPE_FD && local ? local : s->addr);
        return;
    }
    name = address_with_role(s, local);
    peer = socket_peer_address(s->stream.in);
    peer_name = peer ? socket_address_to_string(peer) : g_strdup("tcp:?");
    chr->filename = g_strdup_printf("%s <-> %s", name,
                                    strchr(peer_name, ':') + 1);
}

/* ---- The connection ends ---- */

static void char_socket_drop_rx_fds(CharSocket *s)
{
    for (int i = 0; i < s->n_rx_fds; i++) {
        close(s->rx_fds[i]);
    }
    s->n_rx_fds = 0;
}

static void char_socket_unwatch_hup(CharSocket *s)
{
    if (s->hup_fd >= 0) {
        aio_set_fd_handler(s->stream.ctx ? s->stream.ctx : CHARDEV(s)->ctx,
                           s->hup_fd, NULL, NULL, NULL, NULL);
        close(s->hup_fd);
        s->hup_fd = -1;
    }
}

static void char_socket_close_connection(CharSocket *s)
{
    char_socket_unwatch_hup(s);
    char_stream_set_fds(&s->stream, -1, -1);
    char_socket_drop_rx_fds(s);
}

static void char_socket_arm_retry(CharSocket *s)
{
    if (s->reconnect_ns) {
        trace_chardev_socket_retry(char_socket_id(s), s->reconnect_ns);
        timer_mod_ns(&s->retry,
                     clock_get_ns(CLOCK_REALTIME_NS) + s->reconnect_ns);
    }
}

static void char_socket_end(CharSocket *s)
{
    Chardev *chr = CHARDEV(s);

    if (s->stream.in < 0) {
        return;
    }
    trace_chardev_socket_end(char_socket_id(s));
    char_socket_close_connection(s);
    char_socket_update_filename(s);
    char_socket_listen_update(s);
    chr_be_event(chr, CHR_EVENT_CLOSED);
    chr_be_writable(chr);
    if (!s->is_server && s->stream.in < 0) {
        char_socket_arm_retry(s);
    }
}

/* With the input blocked: has the peer left, with nothing more to read? */
static void char_socket_check_peer(CharSocket *s)
{
    struct pollfd pfd = { .fd = s->stream.in, .events = POLLRDHUP };
    int unread = 0;

    if (poll(&pfd, 1, 0) > 0 && ioctl(s->stream.in, FIONREAD, &unread) == 0 &&
        (!unread || pfd.revents & POLLHUP)) {
        char_socket_end(s);
    }
}

static void char_socket_hup(void *opaque)
{
    CharSocket *s = opaque;
    struct epoll_event ev;

    (void)RETRY_ON_EINTR(epoll_wait(s->hup_fd, &ev, 1, 0));
    if (s->stream.blocked && s->stream.in >= 0) {
        char_socket_check_peer(s);
    }
}

/* ---- The connection begins ---- */

static void char_socket_watch_hup(CharSocket *s)
{
    struct epoll_event ev = { .events = EPOLLRDHUP | EPOLLHUP | EPOLLET };

    s->hup_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s->hup_fd < 0) {
        return;
    }
    epoll_ctl(s->hup_fd, EPOLL_CTL_ADD, s->stream.in, &ev);
    aio_set_fd_handler(CHARDEV(s)->ctx, s->hup_fd, char_socket_hup, NULL, NULL,
                       s);
}

static void char_socket_begin(CharSocket *s, int fd)
{
    Chardev *chr = CHARDEV(s);

    trace_chardev_socket_begin(char_socket_id(s), fd);
    if (s->nodelay) {
        socket_set_nodelay(fd);
    }
    char_stream_set_fds(&s->stream, fd, fd);
    s->retry_told = false;
    char_socket_update_filename(s);
    char_socket_listen_update(s);
    char_stream_update(&s->stream);
    char_socket_watch_hup(s);
    chr_be_event(chr, CHR_EVENT_OPENED);
}

static void char_socket_accept(void *opaque)
{
    CharSocket *s = opaque;
    int fd = socket_accept(s->listen_fd);

    if (fd >= 0) {
        char_socket_begin(s, fd);
    }
}

/* Where the listener is watched follows chr->ctx; with a connection it is not
 * watched at all. */
static void char_socket_listen_update(CharSocket *s)
{
    AioContext *ctx = CHARDEV(s)->ctx;

    if (s->listen_fd < 0) {
        return;
    }
    if (s->listen_ctx && s->listen_ctx != ctx) {
        aio_set_fd_handler(s->listen_ctx, s->listen_fd, NULL, NULL, NULL,
                           NULL);
    }
    s->listen_ctx = ctx;
    aio_set_fd_handler(ctx, s->listen_fd,
                       s->stream.in < 0 ? char_socket_accept : NULL, NULL,
                       NULL, s);
}

static void char_socket_connected(void *opaque, int fd, Error *err)
{
    CharSocket *s = opaque;

    s->connecting = NULL;
    if (fd >= 0) {
        char_socket_begin(s, fd);
        return;
    }
    if (!s->retry_told) {
        error_prepend(&err, "chardev '%s': ", char_socket_id(s));
        warn_report_err(err);
        s->retry_told = true;
    } else {
        error_free(err);
    }
    char_socket_arm_retry(s);
}

static void char_socket_start_connect(void *opaque)
{
    CharSocket *s = opaque;

    if (!s->connecting && s->stream.in < 0) {
        s->connecting = socket_connect_async(main_context(), s->addr,
                                             char_socket_connected, s);
    }
}

/* ---- Data ---- */

static void char_socket_read(void *opaque)
{
    CharSocket *s = opaque;
    Chardev *chr = CHARDEV(s);
    uint8_t buf[CHAR_READ_BYTES];
    size_t room = char_stream_room(&s->stream, sizeof(buf));
    ssize_t n;

    if (!room || s->stream.in < 0) {
        if (s->stream.in >= 0) {
            char_socket_check_peer(s);
        }
        return;
    }
    char_socket_drop_rx_fds(s);
    n = socket_recv(s->stream.in, buf, room, s->rx_fds, &s->n_rx_fds,
                    CHAR_SOCKET_MAX_FDS);
    if (n == -EAGAIN) {
        return;
    }
    if (n <= 0) {
        char_socket_end(s);
        return;
    }
    chr_be_read(chr, buf, n);
}

static ssize_t char_socket_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    CharSocket *s = CHARDEV_SOCKET(chr);
    ssize_t n;

    if (s->stream.in < 0) {
        return len;                 /* nobody listens */
    }
    n = socket_send(s->stream.in, buf, len, NULL, 0);
    if (n == -EAGAIN) {
        return 0;
    }
    if (n < 0) {
        /*
         * The peer is gone, but what it sent before may be unread: the read
         * side finds the end after that. Nobody reading: it ends here.
         */
        if (s->stream.blocked || !chr->fe || !chr->fe->handlers_set) {
            char_socket_end(s);
        }
        return n;
    }
    return n;
}

static void char_socket_set_write_watch(Chardev *chr, bool on)
{
    CharSocket *s = CHARDEV_SOCKET(chr);

    char_stream_set_write_watch(&s->stream, on && s->stream.in >= 0);
}

static void char_socket_wait_writable(Chardev *chr)
{
    char_stream_wait_writable(&CHARDEV_SOCKET(chr)->stream);
}

static void char_socket_update_read_handler(Chardev *chr)
{
    CharSocket *s = CHARDEV_SOCKET(chr);
    AioContext *old = s->stream.ctx;

    if (old && old != chr->ctx) {
        char_socket_unwatch_hup(s);
    }
    s->stream.blocked = false;
    char_stream_update(&s->stream);
    char_socket_listen_update(s);
    if (s->stream.in >= 0 && s->hup_fd < 0) {
        char_socket_watch_hup(s);
    }
}

static void char_socket_accept_input(Chardev *chr)
{
    char_stream_accept_input(&CHARDEV_SOCKET(chr)->stream);
}

static int char_socket_get_msgfds(Chardev *chr, int *fds, int max)
{
    CharSocket *s = CHARDEV_SOCKET(chr);
    int n = MIN(max, s->n_rx_fds);

    memcpy(fds, s->rx_fds, n * sizeof(int));
    s->n_rx_fds -= n;
    memmove(s->rx_fds, s->rx_fds + n, s->n_rx_fds * sizeof(int));
    return n;
}

/* ---- Opening ---- */

/* wait=on: nothing else goes on until the client is there. */
static void char_socket_wait_client(CharSocket *s)
{
    struct pollfd pfd = { .fd = s->listen_fd, .events = POLLIN };
    int fd;

    char_socket_update_filename(s);
    info_report("QEMU waiting for connection on: %s", CHARDEV(s)->filename);
    do {
        (void)RETRY_ON_EINTR(poll(&pfd, 1, -1));
        fd = socket_accept(s->listen_fd);
    } while (fd == -EAGAIN || fd == -ECONNABORTED);
    if (fd >= 0) {
        char_socket_begin(s, fd);
    }
}

static bool char_socket_open_server(CharSocket *s, ChardevSocket *opts,
                                    Error **errp)
{
    if (s->reconnect_ns) {
        error_setg(errp, "'reconnect' is for clients, not with server=on");
        return false;
    }
    s->listen_fd = socket_listen(s->addr, 1, errp);
    if (s->listen_fd < 0) {
        return false;
    }
    if (s->addr->type == SOCKET_ADDRESS_TYPE_INET ||
        s->addr->type == SOCKET_ADDRESS_TYPE_VSOCK) {
        SocketAddress *bound = socket_local_address(s->listen_fd);

        if (bound) {                /* port 0, any and to= are real numbers now */
            qapi_free_SocketAddress(s->addr);
            s->addr = bound;
        }
    }
    if (!opts->has_wait || opts->wait) {
        char_socket_wait_client(s);
    } else {
        char_socket_listen_update(s);
    }
    return true;
}

static bool char_socket_open_client(CharSocket *s, ChardevSocket *opts,
                                    Error **errp)
{
    int fd;

    if (opts->has_wait) {
        error_setg(errp, "'wait' is for servers: it needs server=on");
        return false;
    }
    if (s->reconnect_ns) {
        char_socket_start_connect(s);
        return true;
    }
    fd = socket_connect(s->addr, errp);
    if (fd < 0) {
        return false;
    }
    char_socket_begin(s, fd);
    return true;
}

/* Its end is seen as any other. */
static void char_socket_yank(void *opaque)
{
    CharSocket *s = opaque;

    if (s->stream.in >= 0) {
        shutdown(s->stream.in, SHUT_RDWR);
    }
}

static bool char_socket_open(Chardev *chr, ChardevBackend *backend,
                             bool *be_opened, Error **errp)
{
    CharSocket *s = CHARDEV_SOCKET(chr);
    ChardevSocket *opts = backend->u.socket.data;

    *be_opened = false;             /* begin() tells */
    /* libvirt says "telnet": false of each TCP socket it adds */
    if (opts->has_telnet && opts->telnet) {
        error_setg(errp, "telnet=on is not supported");
        error_append_hint(errp, "leave it out: clients such as nc and socat "
                          "need no telnet protocol");
        return false;
    }
    if (opts->has_reconnect && (opts->reconnect < 0 ||
                                opts->reconnect > INT32_MAX)) {
        error_setg(errp, "reconnect '%" PRId64 "' is out of range",
                   opts->reconnect);
        return false;
    }
    s->addr = socket_address_flatten(opts->addr);
    s->is_server = !opts->has_server || opts->server;
    s->nodelay = opts->has_nodelay && opts->nodelay;
    s->reconnect_ns = opts->has_reconnect ?
                      opts->reconnect * NSEC_PER_SEC : 0;
    timer_init_ns(&s->retry, NULL, CLOCK_REALTIME_NS,
                  char_socket_start_connect, s);
    if (chr->id) {
        s->yank = yank_new(YANK_INSTANCE_TYPE_CHARDEV, chr->id,
                           char_socket_yank, s);
    }
    if (s->is_server ? !char_socket_open_server(s, opts, errp) :
        !char_socket_open_client(s, opts, errp)) {
        return false;
    }
    char_socket_update_filename(s);
    return true;
}

static void char_socket_close(Chardev *chr)
{
    CharSocket *s = CHARDEV_SOCKET(chr);

    if (!s->addr) {
        return;
    }
    yank_free(s->yank);
    s->yank = NULL;
    if (s->connecting) {
        socket_connect_cancel(s->connecting);
        s->connecting = NULL;
    }
    if (s->retry.cb) {
        timer_del(&s->retry);
    }
    if (s->listen_fd >= 0) {
        if (s->listen_ctx) {
            aio_set_fd_handler(s->listen_ctx, s->listen_fd, NULL, NULL, NULL,
                               NULL);
        }
        close(s->listen_fd);
        s->listen_fd = -1;
        socket_unlink(s->addr);
    }
    char_socket_close_connection(s);
    g_clear_pointer(&s->addr, qapi_free_SocketAddress);
}

static void char_socket_instance_init(Object *obj)
{
    CharSocket *s = CHARDEV_SOCKET(obj);

    s->listen_fd = s->hup_fd = -1;
    char_stream_init(&s->stream, CHARDEV(obj), char_socket_read);
}

static void char_socket_class_init(ObjectClass *oc, const void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    cc->open = char_socket_open;
    cc->close = char_socket_close;
    cc->write = char_socket_write;
    cc->set_write_watch = char_socket_set_write_watch;
    cc->wait_writable = char_socket_wait_writable;
    cc->update_read_handler = char_socket_update_read_handler;
    cc->accept_input = char_socket_accept_input;
    cc->get_msgfds = char_socket_get_msgfds;
}

static const TypeInfo char_socket_types[] = {
    {
        .name = TYPE_CHARDEV_SOCKET,
        .parent = TYPE_CHARDEV,
        .help = "unix or TCP socket, client or server",
        .instance_size = sizeof(CharSocket),
        .instance_init = char_socket_instance_init,
        .class_init = char_socket_class_init,
    },
};

DEFINE_TYPES(char_socket_types)
