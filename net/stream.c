/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets over a stream socket, each after its length in 32 bits, big endian.
 * A server has one peer at a time and takes the next when it leaves.
 */
#include "util/osdep.h"
#include "net/net-internal.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include "util/iov.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "io/socket.h"
#include "qapi/qapi-events-net.h"
#include "qapi/qapi-types-net.h"
#include "qapi/qapi-visit-sockets.h"
#include "trace/trace-net.h"

#define STREAM_HDR_BYTES 4

typedef struct NetStream {
    NetClientState nc;
    SocketAddress *addr;
    bool is_server;
    int listen_fd;
    int fd;                         /* -1: not connected */
    int64_t reconnect_ns;           /* 0: never */
    AioTimer retry;
    SocketConnect *connecting;
    bool retry_told;

    bool read_on, write_on;
    size_t sent;                    /* of the packet going out, with header */
    size_t filled, taken;           /* bytes in buf, of these done with */
    uint8_t buf[STREAM_HDR_BYTES + NET_BUFSIZE];
} NetStream;

static NetStream *stream_from_nc(NetClientState *nc)
{
    return container_of(nc, NetStream, nc);
}

static void stream_readable(void *opaque);
static void stream_writable(void *opaque);
static void stream_start_connect(void *opaque);
static void stream_listen_update(NetStream *s);

static void stream_update_handlers(NetStream *s)
{
    if (s->fd >= 0) {
        aio_set_fd_handler(s->nc.ctx, s->fd,
                           s->read_on ? stream_readable : NULL,
                           s->write_on ? stream_writable : NULL, NULL, s);
    }
}

/* ---- Connection ---- */

static void stream_end(NetStream *s)
{
    if (s->fd < 0) {
        return;
    }
    trace_net_stream_end(s->nc.name);
    aio_set_fd_handler(s->nc.ctx, s->fd, NULL, NULL, NULL, NULL);
    close(s->fd);
    s->fd = -1;
    s->write_on = false;
    net_client_set_info_str(&s->nc, "disconnected");
    qapi_event_send_netdev_stream_disconnected(s->nc.name);
    stream_listen_update(s);
    /* what waited to be sent is dropped by receive from now on */
    net_flush_queued_packets(&s->nc);
    if (!s->is_server && s->reconnect_ns) {
        timer_mod_ns(&s->retry,
                     clock_get_ns(CLOCK_REALTIME_NS) + s->reconnect_ns);
    }
}

static void stream_begin(NetStream *s, int fd)
{
    g_autoptr(SocketAddress) peer = socket_peer_address(fd);
    g_autofree char *text = socket_address_to_string(peer ? peer : s->addr);

    trace_net_stream_begin(s->nc.name, fd);
    s->fd = fd;
    s->sent = s->filled = s->taken = 0;
    s->read_on = true;
    s->retry_told = false;
    socket_set_nodelay(fd);
    stream_update_handlers(s);
    stream_listen_update(s);
    net_client_set_info_str(&s->nc, "%s", text);
    qapi_event_send_netdev_stream_connected(s->nc.name,
                                            peer ? peer : s->addr);
}

static void stream_accept(void *opaque)
{
    NetStream *s = opaque;
    int fd = socket_accept(s->listen_fd);

    if (fd >= 0) {
        stream_begin(s, fd);
    }
}

static void stream_listen_update(NetStream *s)
{
    if (s->listen_fd >= 0) {
        main_loop_set_fd_handler(s->listen_fd,
                                 s->fd < 0 ? stream_accept : NULL, NULL, s);
    }
}

static void stream_connected(void *opaque, int fd, Error *err)
{
    NetStream *s = opaque;

    s->connecting = NULL;
    if (fd >= 0) {
        stream_begin(s, fd);
        return;
    }
    if (!s->retry_told) {
        error_prepend(&err, "netdev '%s': ", s->nc.name);
        warn_report_err(err);
        s->retry_told = true;
    } else {
        error_free(err);
    }
    if (s->reconnect_ns) {
        timer_mod_ns(&s->retry,
                     clock_get_ns(CLOCK_REALTIME_NS) + s->reconnect_ns);
    }
}

static void stream_start_connect(void *opaque)
{
    NetStream *s = opaque;

    if (!s->connecting && s->fd < 0) {
        s->connecting = socket_connect_async(main_context(), s->addr,
                                             stream_connected, s);
    }
}

/* ---- Data ---- */

static void stream_writable(void *opaque)
{
    NetStream *s = opaque;

    s->write_on = false;
    stream_update_handlers(s);
    net_flush_queued_packets(&s->nc);
}

static ssize_t stream_receive_iov(NetClientState *nc, const struct iovec *iov,
                                  int niov)
{
    NetStream *s = stream_from_nc(nc);
    size_t len = iov_size(iov, niov);
    uint32_t hdr = htonl(len);
    g_autofree struct iovec *all = NULL;
    struct iovec *rest;
    unsigned n = niov + 1;
    struct msghdr msg = { 0 };
    ssize_t done;

    if (s->fd < 0 || len > NET_BUFSIZE) {
        s->sent = 0;
        return len;
    }
    all = g_new(struct iovec, niov + 1);
    all[0].iov_base = &hdr;
    all[0].iov_len = sizeof(hdr);
    memcpy(all + 1, iov, niov * sizeof(*iov));
    rest = all;
    iov_discard_front(&rest, &n, s->sent);
    msg.msg_iov = rest;
    msg.msg_iovlen = n;
    done = RETRY_ON_EINTR(sendmsg(s->fd, &msg, MSG_NOSIGNAL));
    if (done < 0 && errno != EAGAIN) {
        stream_end(s);
        return len;
    }
    s->sent += MAX(done, 0);
    if (s->sent < sizeof(hdr) + len) {
        /* the same packet comes again, and goes on where this ended */
        s->write_on = true;
        stream_update_handlers(s);
        return 0;
    }
    s->sent = 0;
    return len;
}

static void stream_parse(NetStream *s);

static void stream_sent(NetClientState *nc, ssize_t len)
{
    NetStream *s = stream_from_nc(nc);

    if (!s->read_on) {
        s->read_on = true;
        stream_parse(s);
        stream_update_handlers(s);
    }
}

/* Pass on the packets that are complete. */
static void stream_parse(NetStream *s)
{
    while (s->read_on && s->filled - s->taken >= STREAM_HDR_BYTES) {
        uint8_t *p = s->buf + s->taken;
        uint32_t len;

        memcpy(&len, p, sizeof(len));
        len = ntohl(len);
        if (!len || len > NET_BUFSIZE) {
            warn_report("netdev '%s': the peer sent a packet of %u bytes: "
                        "disconnecting", s->nc.name, len);
            stream_end(s);
            return;
        }
        if (s->filled - s->taken < STREAM_HDR_BYTES + len) {
            break;
        }
        s->taken += STREAM_HDR_BYTES + len;
        if (net_send(&s->nc, p + STREAM_HDR_BYTES, len, stream_sent) == 0) {
            s->read_on = false;
        }
    }
    memmove(s->buf, s->buf + s->taken, s->filled - s->taken);
    s->filled -= s->taken;
    s->taken = 0;
}

static void stream_readable(void *opaque)
{
    NetStream *s = opaque;
    ssize_t n = RETRY_ON_EINTR(recv(s->fd, s->buf + s->filled,
                                    sizeof(s->buf) - s->filled, 0));

    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        stream_end(s);
        return;
    }
    s->filled += n;
    stream_parse(s);
    stream_update_handlers(s);
}

/* ---- Life ---- */

static void stream_cleanup(NetClientState *nc)
{
    NetStream *s = stream_from_nc(nc);

    if (s->connecting) {
        socket_connect_cancel(s->connecting);
    }
    timer_del(&s->retry);
    if (s->fd >= 0) {
        aio_set_fd_handler(nc->ctx, s->fd, NULL, NULL, NULL, NULL);
        close(s->fd);
    }
    if (s->listen_fd >= 0) {
        main_loop_set_fd_handler(s->listen_fd, NULL, NULL, NULL);
        close(s->listen_fd);
        socket_unlink(s->addr);
    }
    qapi_free_SocketAddress(s->addr);
}

static const NetClientInfo stream_info = {
    .type = "stream",
    .size = sizeof(NetStream),
    .receive_iov = stream_receive_iov,
    .cleanup = stream_cleanup,
};

static bool net_init_stream(const Netdev *netdev, Error **errp)
{
    const NetdevStreamOptions *o = &netdev->u.stream;
    bool is_server = o->has_server && o->server;
    int listen_fd = -1;
    NetStream *s;

    if (is_server && o->has_reconnect && o->reconnect) {
        error_setg(errp, "'reconnect' option is incompatible with socket in "
                   "server mode");
        return false;
    }
    if (is_server) {
        listen_fd = socket_listen(o->addr, 1, errp);
        if (listen_fd < 0) {
            return false;
        }
    }
    s = stream_from_nc(net_netdev_new(&stream_info, netdev->id, 0));
    s->fd = -1;
    s->listen_fd = listen_fd;
    s->is_server = is_server;
    s->addr = QAPI_CLONE(SocketAddress, o->addr);
    s->reconnect_ns = o->has_reconnect ? o->reconnect * NSEC_PER_SEC : 0;
    timer_init_ns(&s->retry, NULL, CLOCK_REALTIME_NS, stream_start_connect, s);
    net_client_set_info_str(&s->nc, "disconnected");
    if (is_server) {
        stream_listen_update(s);
    } else {
        stream_start_connect(s);
    }
    return true;
}

static void stream_register(void)
{
    net_register_driver(NET_CLIENT_DRIVER_STREAM, net_init_stream);
}

type_init(stream_register)
