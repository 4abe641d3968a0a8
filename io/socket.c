/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening sockets by address, and messages with descriptors.
 */
#include "util/osdep.h"
#include "io/socket.h"
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>
#include "util/file.h"
#include "util/thread-pool.h"
#include "io/fdparam.h"
#include "qapi/qapi-types-sockets.h"
#include "qapi/qapi-visit-sockets.h"
#include "io/socket-internal.h"

static int socket_new(int family, int type, Error **errp)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot create a socket");
    }
    return fd;
}

/* Close @fd and report @what about @addr. */
static int socket_fail(int fd, const SocketAddress *addr, const char *what,
                       Error **errp)
{
    int err = errno;
    g_autofree char *text = socket_address_to_string(addr);

    error_setg_errno(errp, err, "cannot %s '%s'", what, text);
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

/* ---- Listening ---- */

static bool unix_is_pathname(const UnixSocketAddress *addr)
{
    return !(addr->has_abstract && addr->abstract);
}

/* From relative paths of our sockets to where they are: -daemonize leaves for
 * "/", and the files have to be found again to remove them. Main thread. */
static GHashTable *unix_files;

static void unix_note_file(const char *path)
{
    if (g_path_is_absolute(path)) {
        return;
    }
    if (!unix_files) {
        unix_files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                           g_free);
    }
    g_hash_table_replace(unix_files, g_strdup(path),
                         g_canonicalize_filename(path, NULL));
}

static void unix_unlink(const char *path)
{
    const char *file = unix_files ? g_hash_table_lookup(unix_files, path)
                                  : NULL;

    unlink(file ? file : path);
    if (file) {
        g_hash_table_remove(unix_files, path);
    }
}

static int listen_unix(const SocketAddress *addr, int backlog, Error **errp)
{
    const UnixSocketAddress *u = &addr->u.q_unix;
    struct sockaddr_storage sa;
    socklen_t len;
    int fd;

    if (!socket_unix_sockaddr(u, &sa, &len, errp)) {
        return -1;
    }
    fd = socket_new(AF_UNIX, SOCK_STREAM, errp);
    if (fd < 0) {
        return -1;
    }
    /* A file left over by a process that died would make bind fail. */
    if (unix_is_pathname(u) && unlink(u->path) < 0 && errno != ENOENT) {
        return socket_fail(fd, addr, "remove old socket", errp);
    }
    if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
        return socket_fail(fd, addr, "bind to", errp);
    }
    if (listen(fd, backlog) < 0) {
        return socket_fail(fd, addr, "listen on", errp);
    }
    if (unix_is_pathname(u)) {
        unix_note_file(u->path);
    }
    return fd;
}

static void sockaddr_set_port(struct sockaddr *sa, unsigned port)
{
    if (sa->sa_family == AF_INET) {
        ((struct sockaddr_in *)sa)->sin_port = htons(port);
    } else {
        ((struct sockaddr_in6 *)sa)->sin6_port = htons(port);
    }
}

static unsigned sockaddr_get_port(const struct sockaddr *sa)
{
    return ntohs(sa->sa_family == AF_INET ?
                 ((const struct sockaddr_in *)sa)->sin_port :
                 ((const struct sockaddr_in6 *)sa)->sin6_port);
}

/* Try one address and port. Returns the socket or -1 with errno. */
static int listen_inet_one(struct addrinfo *ai, unsigned port, int backlog,
                           bool v6only)
{
    int on = 1, off = v6only, err;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    sockaddr_set_port(ai->ai_addr, port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (ai->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
        listen(fd, backlog) == 0) {
        return fd;
    }
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

static int listen_inet(const SocketAddress *addr, int backlog, Error **errp)
{
    const InetSocketAddress *inet = &addr->u.inet;
    bool v6only = inet->has_ipv4 && !inet->ipv4;
    struct addrinfo *res = socket_inet_lookup(inet, SOCK_STREAM, true, errp);
    int fd = -1;

    if (!res) {
        return -1;
    }
    for (struct addrinfo *ai = res; ai && fd < 0; ai = ai->ai_next) {
        unsigned port = sockaddr_get_port(ai->ai_addr);
        unsigned last = inet->has_to ? inet->to : port;

        do {
            fd = listen_inet_one(ai, port, backlog, v6only);
        } while (fd < 0 && errno == EADDRINUSE && ++port <= last);
    }
    freeaddrinfo(res);
    return fd >= 0 ? fd : socket_fail(-1, addr, "listen on", errp);
}

/* A socket for the address, which goes to @sa; -1: *@errp. */
static int vsock_new(const SocketAddress *addr, struct sockaddr_storage *sa,
                     socklen_t *len, Error **errp)
{
    int fd;

    if (!socket_vsock_sockaddr(&addr->u.vsock, sa, len, errp)) {
        return -1;
    }
    fd = socket_new(AF_VSOCK, SOCK_STREAM, errp);
    if (fd < 0) {
        error_append_hint(errp, "'vsock:%s:%s' needs the kernel module vsock",
                          addr->u.vsock.cid, addr->u.vsock.port);
    }
    return fd;
}

static int vsock_fail(int fd, const SocketAddress *addr, const char *what,
                      Error **errp)
{
    bool no_way = errno == ENODEV || errno == EADDRNOTAVAIL;

    socket_fail(fd, addr, what, errp);
    if (no_way) {
        error_append_hint(errp, "kernel modules lead there: vsock_loopback "
                          "to this machine (cid 1), vhost_vsock to guests, "
                          "a driver of this machine's own to its host (2)");
    }
    return -1;
}

static int listen_vsock(const SocketAddress *addr, int backlog, Error **errp)
{
    struct sockaddr_storage sa;
    socklen_t len;
    int fd = vsock_new(addr, &sa, &len, errp);

    if (fd >= 0 && (bind(fd, (struct sockaddr *)&sa, len) < 0 ||
                    listen(fd, backlog) < 0)) {
        return vsock_fail(fd, addr, "listen on", errp);
    }
    return fd;
}

static int fd_from_address(const SocketAddress *addr, Error **errp)
{
    int fd = fd_param_get(addr->u.fd.str, errp);
    int type;
    socklen_t len = sizeof(type);

    if (fd < 0) {
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        error_setg(errp, "file descriptor '%s' is not a socket",
                   addr->u.fd.str);
        return -1;
    }
    return fd;
}

static int listen_fd(const SocketAddress *addr, int backlog, Error **errp)
{
    int fd = fd_from_address(addr, errp);
    int on = 0;
    socklen_t len = sizeof(on);

    if (fd < 0) {
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) < 0 || !on) {
        if (listen(fd, backlog) < 0) {
            error_setg_errno(errp, errno, "file descriptor '%s' is not a "
                             "listening socket", addr->u.fd.str);
            return -1;
        }
    }
    return fd;
}

int socket_listen(const SocketAddress *addr, int backlog, Error **errp)
{
    int fd;

    switch (addr->type) {
    case SOCKET_ADDRESS_TYPE_UNIX:
        fd = listen_unix(addr, backlog, errp);
        break;
    case SOCKET_ADDRESS_TYPE_INET:
        fd = listen_inet(addr, backlog, errp);
        break;
    case SOCKET_ADDRESS_TYPE_VSOCK:
        fd = listen_vsock(addr, backlog, errp);
        break;
    default:
        fd = listen_fd(addr, backlog, errp);
        break;
    }
    if (fd >= 0) {
        fd_set_nonblock(fd, true);
    }
    return fd;
}

void socket_unlink(const SocketAddress *addr)
{
    if (addr->type == SOCKET_ADDRESS_TYPE_UNIX &&
        unix_is_pathname(&addr->u.q_unix)) {
        unix_unlink(addr->u.q_unix.path);
    }
}

int socket_accept(int fd)
{
    int conn = RETRY_ON_EINTR(accept4(fd, NULL, NULL,
                                      SOCK_CLOEXEC | SOCK_NONBLOCK));

    return conn < 0 ? -errno : conn;
}

/* ---- Connecting ---- */

/* A signal does not undo a connect: it goes on, wait for its end. */
static int connect_wait(int fd, const struct sockaddr *sa, socklen_t len)
{
    struct pollfd pfd = { .fd = fd, .events = POLLOUT };
    int err;
    socklen_t errlen = sizeof(err);

    if (connect(fd, sa, len) == 0) {
        return 0;
    }
    if (errno != EINTR) {
        return -1;
    }
    if (RETRY_ON_EINTR(poll(&pfd, 1, -1)) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &errlen) < 0) {
        return -1;
    }
    errno = err;
    return err ? -1 : 0;
}

static int connect_inet(const SocketAddress *addr, Error **errp)
{
    struct addrinfo *res = socket_inet_lookup(&addr->u.inet, SOCK_STREAM,
                                              false, errp);
    int fd = -1;

    if (!res) {
        return -1;
    }
    for (struct addrinfo *ai = res; ai; ai = ai->ai_next) {
        int err;

        fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect_wait(fd, ai->ai_addr, ai->ai_addrlen) == 0) {
            break;
        }
        err = errno;
        if (fd >= 0) {
            close(fd);
        }
        fd = -1;
        errno = err;
    }
    if (fd < 0) {
        socket_fail(-1, addr, "connect to", errp);
    }
    freeaddrinfo(res);
    if (fd >= 0 && addr->u.inet.has_keep_alive && addr->u.inet.keep_alive) {
        socket_set_keepalive(fd);
    }
    return fd;
}

static int connect_unix(const SocketAddress *addr, Error **errp)
{
    struct sockaddr_storage sa;
    socklen_t len;
    int fd;

    if (!socket_unix_sockaddr(&addr->u.q_unix, &sa, &len, errp)) {
        return -1;
    }
    fd = socket_new(sa.ss_family, SOCK_STREAM, errp);
    if (fd >= 0 && connect_wait(fd, (struct sockaddr *)&sa, len) < 0) {
        return socket_fail(fd, addr, "connect to", errp);
    }
    return fd;
}

static int connect_vsock(const SocketAddress *addr, Error **errp)
{
    struct sockaddr_storage sa;
    socklen_t len;
    int fd = vsock_new(addr, &sa, &len, errp);

    if (fd >= 0 && connect_wait(fd, (struct sockaddr *)&sa, len) < 0) {
        return vsock_fail(fd, addr, "connect to", errp);
    }
    return fd;
}

int socket_connect(const SocketAddress *addr, Error **errp)
{
    int fd;

    switch (addr->type) {
    case SOCKET_ADDRESS_TYPE_UNIX:
        fd = connect_unix(addr, errp);
        break;
    case SOCKET_ADDRESS_TYPE_INET:
        fd = connect_inet(addr, errp);
        break;
    case SOCKET_ADDRESS_TYPE_VSOCK:
        fd = connect_vsock(addr, errp);
        break;
    default:
        fd = fd_from_address(addr, errp);
        break;
    }
    if (fd >= 0) {
        fd_set_nonblock(fd, true);
    }
    return fd;
}

/* One job: owned by the worker until its completion runs. */
struct SocketConnect {
    SocketAddress *addr;
    SocketConnectFn *fn;            /* NULL: cancelled */
    void *opaque;
    int fd;
    Error *err;
};

static int socket_connect_work(void *opaque)
{
    SocketConnect *sc = opaque;

    sc->fd = socket_connect(sc->addr, &sc->err);
    return 0;
}

static void socket_connect_done(void *opaque, int ret)
{
    SocketConnect *sc = opaque;

    if (sc->fn) {
        sc->fn(sc->opaque, sc->fd, sc->err);
    } else {
        if (sc->fd >= 0) {
            close(sc->fd);
        }
        error_free(sc->err);
    }
    qapi_free_SocketAddress(sc->addr);
    g_free(sc);
}

SocketConnect *socket_connect_async(AioContext *ctx, const SocketAddress *addr,
                                    SocketConnectFn *fn, void *opaque)
{
    SocketConnect *sc = g_new0(SocketConnect, 1);

    sc->addr = QAPI_CLONE(SocketAddress, addr);
    sc->fn = fn;
    sc->opaque = opaque;
    sc->fd = -1;
    thread_pool_submit(ctx, socket_connect_work, sc, socket_connect_done, sc);
    return sc;
}

void socket_connect_cancel(SocketConnect *sc)
{
    sc->fn = NULL;
}

/* ---- Datagrams ---- */

static int dgram_family(const SocketAddress *peer, Error **errp)
{
    struct sockaddr_storage sa;
    socklen_t len;

    if (!peer) {
        return AF_INET;
    }
    return socket_resolve(peer, &sa, &len, errp) ? sa.ss_family : -1;
}

int socket_bind_dgram(const SocketAddress *addr, const SocketAddress *peer,
                      Error **errp)
{
    struct sockaddr_storage sa;
    socklen_t len = 0;
    int fd, family, on = 1;

    if (addr && addr->type == SOCKET_ADDRESS_TYPE_FD) {
        fd = fd_from_address(addr, errp);
        if (fd >= 0) {
            fd_set_nonblock(fd, true);
        }
        return fd;
    }
    if (addr && !socket_resolve(addr, &sa, &len, errp)) {
        return -1;
    }
    family = addr ? sa.ss_family : dgram_family(peer, errp);
    fd = family < 0 ? -1 : socket_new(family, SOCK_DGRAM, errp);
    if (fd < 0) {
        return -1;
    }
    if (addr) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        socket_unlink(addr);
        if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
            return socket_fail(fd, addr, "bind to", errp);
        }
        if (addr->type == SOCKET_ADDRESS_TYPE_UNIX &&
            unix_is_pathname(&addr->u.q_unix)) {
            unix_note_file(addr->u.q_unix.path);
        }
    }
    fd_set_nonblock(fd, true);
    return fd;
}

/* ---- Options, messages ---- */

void socket_set_nodelay(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void socket_set_keepalive(int fd)
{
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

typedef union FdControl {
    struct cmsghdr align;
    char buf[CMSG_SPACE(sizeof(int) * SOCKET_MAX_FDS)];
} FdControl;

static void take_fds(struct msghdr *msg, int *fds, int *n_fds, int max_fds)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        size_t n;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
            c->cmsg_len < CMSG_LEN(0)) {
            continue;
        }
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (*n_fds < max_fds) {
                fds[(*n_fds)++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

ssize_t socket_recv(int fd, void *buf, size_t len, int *fds, int *n_fds,
                    int max_fds)
{
    FdControl control;
    struct iovec iov = { .iov_base = buf, .iov_len = len };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.buf,
        .msg_controllen = sizeof(control.buf),
    };
    ssize_t ret = RETRY_ON_EINTR(recvmsg(fd, &msg, MSG_CMSG_CLOEXEC));

    *n_fds = 0;
    if (ret < 0) {
        return -errno;
    }
    if (msg.msg_controllen) {
        take_fds(&msg, fds, n_fds, max_fds);
    }
    return ret;
}

ssize_t socket_send(int fd, const void *buf, size_t len, const int *fds,
                    int n_fds)
{
    FdControl control = { 0 };
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t ret;

    if (n_fds > SOCKET_MAX_FDS) {
        return -EINVAL;
    }
    if (n_fds > 0) {
        struct cmsghdr *c = &control.align;

        msg.msg_control = control.buf;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    ret = RETRY_ON_EINTR(sendmsg(fd, &msg, MSG_NOSIGNAL));
    return ret < 0 ? -errno : ret;
}
