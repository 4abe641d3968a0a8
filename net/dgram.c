/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets in datagrams: unix or UDP sockets, to one peer or a multicast group,
 * or over a given descriptor that is connected.
 */
#include "util/osdep.h"
#include "net/net-internal.h"
#include <netinet/in.h>
#include <sys/socket.h>
#include "util/iov.h"
#include "io/socket.h"
#include "qapi/qapi-types-net.h"
#include "qapi/qapi-visit-sockets.h"

#define DGRAM_BATCH 64

typedef struct NetDgram {
    NetClientState nc;
    SocketAddress *local;           /* whose file goes at the end, or NULL */
    int fd;
    struct sockaddr_storage peer;
    socklen_t peer_len;             /* 0: the socket is connected */
    bool read_on, write_on;
    uint8_t *buf;
} NetDgram;

static NetDgram *dgram_from_nc(NetClientState *nc)
{
    return container_of(nc, NetDgram, nc);
}

static void dgram_readable(void *opaque);
static void dgram_writable(void *opaque);

static void dgram_update_handlers(NetDgram *s)
{
    aio_set_fd_handler(s->nc.ctx, s->fd, s->read_on ? dgram_readable : NULL,
                       s->write_on ? dgram_writable : NULL, NULL, s);
}

static void dgram_writable(void *opaque)
{
    NetDgram *s = opaque;

    s->write_on = false;
    dgram_update_handlers(s);
    net_flush_queued_packets(&s->nc);
}

static ssize_t dgram_receive_iov(NetClientState *nc, const struct iovec *iov,
                                 int niov)
{
    NetDgram *s = dgram_from_nc(nc);
    struct msghdr msg = {
        .msg_name = s->peer_len ? &s->peer : NULL,
        .msg_namelen = s->peer_len,
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = niov,
    };
    ssize_t n = RETRY_ON_EINTR(sendmsg(s->fd, &msg, MSG_NOSIGNAL));

    if (n < 0 && errno == EAGAIN) {
        s->write_on = true;
        dgram_update_handlers(s);
        return 0;
    }
    /* nobody there: lost, as on a wire */
    return n < 0 ? (ssize_t)iov_size(iov, niov) : n;
}

static void dgram_sent(NetClientState *nc, ssize_t len)
{
    NetDgram *s = dgram_from_nc(nc);

    if (!s->read_on) {
        s->read_on = true;
        dgram_update_handlers(s);
    }
}

static void dgram_readable(void *opaque)
{
    NetDgram *s = opaque;

    s->buf = s->buf ? s->buf : g_malloc(NET_BUFSIZE);
    for (int i = 0; i < DGRAM_BATCH; i++) {
        ssize_t n = RETRY_ON_EINTR(recv(s->fd, s->buf, NET_BUFSIZE, 0));

        if (n < 0) {
            break;
        }
        if (n && net_send(&s->nc, s->buf, n, dgram_sent) == 0) {
            s->read_on = false;
            dgram_update_handlers(s);
            break;
        }
    }
}

static void dgram_set_aio_context(NetClientState *nc, AioContext *ctx)
{
    NetDgram *s = dgram_from_nc(nc);

    aio_set_fd_handler(nc->ctx, s->fd, NULL, NULL, NULL, NULL);
    nc->ctx = ctx;
    dgram_update_handlers(s);
}

static void dgram_cleanup(NetClientState *nc)
{
    NetDgram *s = dgram_from_nc(nc);

    aio_set_fd_handler(nc->ctx, s->fd, NULL, NULL, NULL, NULL);
    close(s->fd);
    if (s->local) {
        socket_unlink(s->local);
        qapi_free_SocketAddress(s->local);
    }
    g_free(s->buf);
}

static const NetClientInfo dgram_info = {
    .type = "dgram",
    .size = sizeof(NetDgram),
    .receive_iov = dgram_receive_iov,
    .cleanup = dgram_cleanup,
    .set_aio_context = dgram_set_aio_context,
};

static bool is_multicast(const struct sockaddr_storage *sa)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

    return sa->ss_family == AF_INET && IN_MULTICAST(ntohl(in->sin_addr.s_addr));
}

/* Everybody in the group hears everybody, also on this host. @local: the
 * interface to use. */
static int dgram_open_multicast(const struct sockaddr_storage *group,
                                const SocketAddress *local, Error **errp)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)group;
    struct ip_mreq mreq = { .imr_multiaddr = in->sin_addr };
    struct sockaddr_storage via;
    socklen_t len;
    uint8_t loop = 1;
    int on = 1;
    int fd;

    if (local) {
        if (local->type != SOCKET_ADDRESS_TYPE_INET ||
            !socket_resolve(local, &via, &len, errp)) {
            return -1;
        }
        mreq.imr_interface = ((struct sockaddr_in *)&via)->sin_addr;
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot create a datagram socket");
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)group, sizeof(*in)) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq,
                   sizeof(mreq)) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop,
                   sizeof(loop)) < 0) {
        error_setg_errno(errp, errno, "cannot join the multicast group");
        close(fd);
        return -1;
    }
    return fd;
}

static int dgram_open(const NetdevDgramOptions *o,
                      struct sockaddr_storage *peer,
                      socklen_t *peer_len, Error **errp)
{
    bool local_fd = o->local && o->local->type == SOCKET_ADDRESS_TYPE_FD;

    if (!o->local && !o->remote) {
        error_setg(errp, "dgram requires local= or remote= parameter");
        return -1;
    }
    if (o->remote && !local_fd &&
        !socket_resolve(o->remote, peer, peer_len, errp)) {
        return -1;
    }
    if (*peer_len && is_multicast(peer)) {
        return dgram_open_multicast(peer, o->local, errp);
    }
    if (!local_fd && (!o->remote || !o->local)) {
        error_setg(errp, "dgram requires both local= and remote= unless the "
                   "address is a multicast group or local is an fd");
        return -1;
    }
    return socket_bind_dgram(o->local, o->remote, errp);
}

static bool net_init_dgram(const Netdev *netdev, Error **errp)
{
    const NetdevDgramOptions *o = &netdev->u.dgram;
    struct sockaddr_storage peer = { 0 };
    socklen_t peer_len = 0;
    int fd = dgram_open(o, &peer, &peer_len, errp);
    NetDgram *s;

    if (fd < 0) {
        return false;
    }
    s = dgram_from_nc(net_netdev_new(&dgram_info, netdev->id, 0));
    s->fd = fd;
    s->peer = peer;
    s->peer_len = peer_len;
    s->read_on = true;
    if (o->local && o->local->type == SOCKET_ADDRESS_TYPE_UNIX) {
        s->local = QAPI_CLONE(SocketAddress, o->local);
    }
    dgram_update_handlers(s);
    net_client_set_info_str(&s->nc, "dgram");
    return true;
}

static void dgram_register(void)
{
    net_register_driver(NET_CLIENT_DRIVER_DGRAM, net_init_dgram);
}

type_init(dgram_register)
