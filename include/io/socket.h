/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stream and datagram sockets by their schema address: unix, inet, fd.
 *
 * Descriptors come close-on-exec and non-blocking and are the caller's.
 *
 * Threading: no state; named descriptors ("fd") need the big lock.
 */
#ifndef IO_SOCKET_H
#define IO_SOCKET_H

#include <sys/socket.h>
#include "util/aio.h"
#include "util/error.h"

typedef struct SocketAddress SocketAddress;     /* schema: qapi/sockets.json */
typedef struct SocketAddressLegacy SocketAddressLegacy;
typedef struct InetSocketAddress InetSocketAddress;

/* Descriptors one message may carry: what the kernel allows (SCM_MAX_FD). */
#define SOCKET_MAX_FDS 253

/*
 * socket_listen: bind and listen. A stale unix socket file is replaced. An
 * "fd" address must be a listening socket already.
 */
int socket_listen(const SocketAddress *addr, int backlog, Error **errp);

/* socket_connect: waits until the connection is there or has failed. */
int socket_connect(const SocketAddress *addr, Error **errp);

/*
 * socket_connect_async: the same in a worker thread; then @fn in the home of
 * @ctx with the descriptor, or -1 and @err (which @fn frees). Never before the
 * call has returned.
 */
typedef struct SocketConnect SocketConnect;
typedef void SocketConnectFn(void *opaque, int fd, Error *err);
SocketConnect *socket_connect_async(AioContext *ctx, const SocketAddress *addr,
                                    SocketConnectFn *fn, void *opaque);
/* socket_connect_cancel: @fn does not run any more. From @ctx's home. */
void socket_connect_cancel(SocketConnect *sc);

/* socket_bind_dgram: a bound datagram socket; @addr NULL: not bound, of the
 * family of @peer. */
int socket_bind_dgram(const SocketAddress *addr, const SocketAddress *peer,
                      Error **errp);

/* socket_resolve: the first address @addr resolves to, for sendto(). */
bool socket_resolve(const SocketAddress *addr, struct sockaddr_storage *sa,
                    socklen_t *len, Error **errp);

/* socket_accept: a connection of listening @fd, or -errno. */
int socket_accept(int fd);

/* socket_set_nodelay, socket_set_keepalive: on TCP; nothing on others. */
void socket_set_nodelay(int fd);
void socket_set_keepalive(int fd);

/* socket_unlink: remove the file of a unix listening address; nothing on
 * others. */
void socket_unlink(const SocketAddress *addr);

/*
 * socket_recv: recvmsg with descriptors: up to @max_fds go to @fds, their
 * number to *@n_fds; what does not fit is closed. Returns bytes, 0 at the end
 * of the stream, or -errno.
 */
ssize_t socket_recv(int fd, void *buf, size_t len, int *fds, int *n_fds,
                    int max_fds);
/* socket_send: sendmsg without SIGPIPE. Bytes, or -errno. */
ssize_t socket_send(int fd, const void *buf, size_t len, const int *fds,
                    int n_fds);

/* socket_address_parse: "unix:PATH", "fd:NAME", "vsock:CID:PORT",
 * "tcp:HOST:PORT" or
 * "HOST:PORT". */
SocketAddress *socket_address_parse(const char *text, Error **errp);
/* inet_parse: "HOST:PORT[,to=..][,ipv4][,ipv6]"; [::1]:22 for IPv6. */
bool inet_parse(const char *text, InetSocketAddress *inet, Error **errp);
/* socket_address_flatten: the modern form of @legacy, a copy. */
SocketAddress *socket_address_flatten(const SocketAddressLegacy *legacy);
/* socket_address_to_string: "unix:/run/x", "tcp:::1:22". g_free() it. */
char *socket_address_to_string(const SocketAddress *addr);
/* socket_local_address, socket_peer_address: of a descriptor; NULL when there
 * is none. */
SocketAddress *socket_local_address(int fd);
SocketAddress *socket_peer_address(int fd);

#endif
