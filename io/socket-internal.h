/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What socket-addr.c gives socket.c. */
#ifndef IO_SOCKET_INTERNAL_H
#define IO_SOCKET_INTERNAL_H

#include <sys/socket.h>
#include "util/error.h"
#include "qapi/qapi-types-sockets.h"

struct addrinfo;

bool socket_unix_sockaddr(const UnixSocketAddress *addr,
                          struct sockaddr_storage *sa, socklen_t *len,
                          Error **errp);
/* Numbers that are none: an error that names them. */
bool socket_vsock_sockaddr(const VsockSocketAddress *addr,
                           struct sockaddr_storage *sa, socklen_t *len,
                           Error **errp);
/* Free by freeaddrinfo(). */
struct addrinfo *socket_inet_lookup(const InetSocketAddress *inet, int socktype,
                                    bool passive, Error **errp);

#endif
