/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket addresses as text, as schema types and as the kernel's sockaddr.
 */
#include "util/osdep.h"
#include "io/socket.h"
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <linux/vm_sockets.h>
#include "util/cutils.h"
#include "qapi/qapi-types-sockets.h"
#include "qapi/qapi-visit-sockets.h"
#include "io/socket-internal.h"

/* ---- Text ---- */

static bool inet_parse_option(InetSocketAddress *inet, const char *opt,
                              Error **errp)
{
    const char *val = strchr(opt, '=');
    g_autofree char *key = val ? g_strndup(opt, val - opt) : g_strdup(opt);
    uint64_t port;

    val = val ? val + 1 : "on";
    if (g_str_equal(key, "to")) {
        if (!parse_uint64(val, &port, errp)) {
            return false;
        }
        if (port > UINT16_MAX) {
            error_setg(errp, "port '%s' is out of range", val);
            return false;
        }
        inet->has_to = true;
        inet->to = port;
        return true;
    }
    if (g_str_equal(key, "ipv4")) {
        inet->has_ipv4 = true;
        return parse_bool(val, &inet->ipv4, errp);
    }
    if (g_str_equal(key, "ipv6")) {
        inet->has_ipv6 = true;
        return parse_bool(val, &inet->ipv6, errp);
    }
    if (g_str_equal(key, "keep-alive")) {
        inet->has_keep_alive = true;
        return parse_bool(val, &inet->keep_alive, errp);
    }
    error_setg(errp, "unknown socket option '%s'", key);
    error_append_hint(errp, "known are to, ipv4, ipv6, keep-alive");
    return false;
}

bool inet_parse(const char *text, InetSocketAddress *inet, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    const char *s = parts[0] ? parts[0] : "";
    const char *colon;

    if (s[0] == '[') {
        const char *end = strchr(s, ']');

        if (!end || end[1] != ':') {
            error_setg(errp, "'%s' is not a socket address", text);
            error_append_hint(errp, "write [IPV6ADDRESS]:PORT");
            return false;
        }
        inet->host = g_strndup(s + 1, end - s - 1);
        colon = end + 1;
    } else {
        colon = strrchr(s, ':');
        if (!colon) {
            error_setg(errp, "'%s' is not a socket address", text);
            error_append_hint(errp, "write HOST:PORT");
            return false;
        }
        inet->host = g_strndup(s, colon - s);
    }
    inet->port = g_strdup(colon + 1);
    for (int i = 1; parts[0] && parts[i]; i++) {
        if (!inet_parse_option(inet, parts[i], errp)) {
            g_clear_pointer(&inet->host, g_free);
            g_clear_pointer(&inet->port, g_free);
            return false;
        }
    }
    return true;
}

static bool vsock_parse(const char *text, VsockSocketAddress *vsock,
                        Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    struct sockaddr_storage sa;
    socklen_t len;

    if (g_strv_length(parts) != 2) {
        error_setg(errp, "'vsock:%s' is not a vsock address", text);
        error_append_hint(errp, "write vsock:CID:PORT");
        return false;
    }
    vsock->cid = g_strdup(parts[0]);
    vsock->port = g_strdup(parts[1]);
    return socket_vsock_sockaddr(vsock, &sa, &len, errp);
}

SocketAddress *socket_address_parse(const char *text, Error **errp)
{
    g_autoptr(SocketAddress) addr = g_new0(SocketAddress, 1);

    if (g_str_has_prefix(text, "unix:")) {
        addr->type = SOCKET_ADDRESS_TYPE_UNIX;
        addr->u.q_unix.path = g_strdup(text + 5);
        if (!text[5]) {
            error_setg(errp, "'unix:' needs a path");
            return NULL;
        }
        return g_steal_pointer(&addr);
    }
    if (g_str_has_prefix(text, "vsock:")) {
        addr->type = SOCKET_ADDRESS_TYPE_VSOCK;
        return vsock_parse(text + 6, &addr->u.vsock, errp) ?
               g_steal_pointer(&addr) : NULL;
    }
    if (g_str_has_prefix(text, "fd:")) {
        addr->type = SOCKET_ADDRESS_TYPE_FD;
        addr->u.fd.str = g_strdup(text + 3);
        return g_steal_pointer(&addr);
    }
    addr->type = SOCKET_ADDRESS_TYPE_INET;
    if (!inet_parse(g_str_has_prefix(text, "tcp:") ? text + 4 : text,
                    &addr->u.inet, errp)) {
        return NULL;
    }
    return g_steal_pointer(&addr);
}

char *socket_address_to_string(const SocketAddress *addr)
{
    switch (addr->type) {
    case SOCKET_ADDRESS_TYPE_INET:
        return g_strdup_printf("tcp:%s:%s", addr->u.inet.host,
                               addr->u.inet.port);
    case SOCKET_ADDRESS_TYPE_UNIX:
        return g_strdup_printf("unix:%s", addr->u.q_unix.path);
    case SOCKET_ADDRESS_TYPE_VSOCK:
        return g_strdup_printf("vsock:%s:%s", addr->u.vsock.cid,
                               addr->u.vsock.port);
    case SOCKET_ADDRESS_TYPE_FD:
        return g_strdup_printf("fd:%s", addr->u.fd.str);
    default:
        return g_strdup("unknown address");
    }
}

SocketAddress *socket_address_flatten(const SocketAddressLegacy *legacy)
{
    g_autoptr(SocketAddress) addr = g_new0(SocketAddress, 1);

    addr->type = legacy->type;
    switch (legacy->type) {
    case SOCKET_ADDRESS_TYPE_INET: {
        g_autoptr(InetSocketAddress) copy =
            QAPI_CLONE(InetSocketAddress, legacy->u.inet.data);

        addr->u.inet = *copy;
        memset(copy, 0, sizeof(*copy));
        break;
    }
    case SOCKET_ADDRESS_TYPE_UNIX:
        addr->u.q_unix = *legacy->u.q_unix.data;
        addr->u.q_unix.path = g_strdup(legacy->u.q_unix.data->path);
        break;
    case SOCKET_ADDRESS_TYPE_VSOCK:
        addr->u.vsock.cid = g_strdup(legacy->u.vsock.data->cid);
        addr->u.vsock.port = g_strdup(legacy->u.vsock.data->port);
        break;
    case SOCKET_ADDRESS_TYPE_FD:
        addr->u.fd.str = g_strdup(legacy->u.fd.data->str);
        break;
    default:
        return NULL;
    }
    return g_steal_pointer(&addr);
}

/* ---- The kernel's form ---- */

bool socket_unix_sockaddr(const UnixSocketAddress *addr,
                          struct sockaddr_storage *sa, socklen_t *len,
                          Error **errp)
{
    struct sockaddr_un *un = (struct sockaddr_un *)sa;
    size_t n = strlen(addr->path);
    bool abstract = addr->has_abstract && addr->abstract;
    size_t max = sizeof(un->sun_path) - (abstract ? 1 : 0);

    if (n > max) {
        error_setg(errp, "unix socket path '%s' is too long", addr->path);
        error_append_hint(errp, "the system allows %zu bytes", max);
        return false;
    }
    memset(un, 0, sizeof(*un));
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path + (abstract ? 1 : 0), addr->path, n);
    *len = sizeof(*un);
    if (abstract && (!addr->has_tight || addr->tight)) {
        *len = offsetof(struct sockaddr_un, sun_path) + 1 + n;
    }
    return true;
}

static bool vsock_number(const char *text, const char *what, uint32_t *val,
                         Error **errp)
{
    uint64_t num;

    if (!parse_uint64(text, &num, NULL) || num > UINT32_MAX) {
        error_setg(errp, "vsock %s '%s' is not a number up to %u", what, text,
                   UINT32_MAX);
        return false;
    }
    *val = num;
    return true;
}

bool socket_vsock_sockaddr(const VsockSocketAddress *addr,
                           struct sockaddr_storage *sa, socklen_t *len,
                           Error **errp)
{
    struct sockaddr_vm *vm = (struct sockaddr_vm *)sa;

    memset(vm, 0, sizeof(*vm));
    vm->svm_family = AF_VSOCK;
    *len = sizeof(*vm);
    return vsock_number(addr->cid, "cid", &vm->svm_cid, errp) &&
           vsock_number(addr->port, "port", &vm->svm_port, errp);
}

/* Which families the options of @inet leave: the IPs asked for, or all. */
static int inet_family(const InetSocketAddress *inet)
{
    bool v4 = inet->has_ipv4 ? inet->ipv4 : !(inet->has_ipv6 && inet->ipv6);
    bool v6 = inet->has_ipv6 ? inet->ipv6 : !(inet->has_ipv4 && inet->ipv4);

    if (v4 == v6) {
        return AF_UNSPEC;
    }
    return v4 ? AF_INET : AF_INET6;
}

struct addrinfo *socket_inet_lookup(const InetSocketAddress *inet, int socktype,
                                    bool passive, Error **errp)
{
    struct addrinfo hints = {
        .ai_family = inet_family(inet),
        .ai_socktype = socktype,
        .ai_flags = AI_ADDRCONFIG | (passive ? AI_PASSIVE : 0),
    };
    struct addrinfo *res = NULL;
    const char *host = inet->host && inet->host[0] ? inet->host : NULL;
    int rc;

    if (inet->has_ipv4 && !inet->ipv4 && inet->has_ipv6 && !inet->ipv6) {
        error_setg(errp, "cannot disable IPv4 and IPv6 at the same time");
        return NULL;
    }
    if (inet->has_numeric && inet->numeric) {
        hints.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
    }
    rc = getaddrinfo(host, inet->port, &hints, &res);
    if (rc == EAI_BADFLAGS || rc == EAI_NONAME || rc == EAI_ADDRFAMILY) {
        /* AI_ADDRCONFIG hides ::1 and 127.0.0.1 where only loopback is up */
        hints.ai_flags &= ~AI_ADDRCONFIG;
        rc = getaddrinfo(host, inet->port, &hints, &res);
    }
    if (rc) {
        error_setg(errp, "address resolution failed for '%s:%s': %s",
                   inet->host ? inet->host : "", inet->port, gai_strerror(rc));
        return NULL;
    }
    return res;
}

bool socket_resolve(const SocketAddress *addr, struct sockaddr_storage *sa,
                    socklen_t *len, Error **errp)
{
    struct addrinfo *res;

    switch (addr->type) {
    case SOCKET_ADDRESS_TYPE_UNIX:
        return socket_unix_sockaddr(&addr->u.q_unix, sa, len, errp);
    case SOCKET_ADDRESS_TYPE_INET:
        res = socket_inet_lookup(&addr->u.inet, SOCK_DGRAM, false, errp);
        if (!res) {
            return false;
        }
        memcpy(sa, res->ai_addr, res->ai_addrlen);
        *len = res->ai_addrlen;
        freeaddrinfo(res);
        return true;
    case SOCKET_ADDRESS_TYPE_VSOCK:
        error_setg(errp, "vsock addresses are for streams");
        return false;
    default:
        error_setg(errp, "a file descriptor has no address to send to");
        return false;
    }
}

/* ---- From a descriptor ---- */

static SocketAddress *inet_from_sockaddr(const struct sockaddr_storage *sa,
                                         socklen_t len)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    SocketAddress *addr;

    if (getnameinfo((const struct sockaddr *)sa, len, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV)) {
        return NULL;
    }
    addr = g_new0(SocketAddress, 1);
    addr->type = SOCKET_ADDRESS_TYPE_INET;
    addr->u.inet.host = g_strdup(host);
    addr->u.inet.port = g_strdup(port);
    return addr;
}

static SocketAddress *unix_from_sockaddr(const struct sockaddr_storage *sa,
                                         socklen_t len)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)sa;
    size_t n = len - offsetof(struct sockaddr_un, sun_path);
    SocketAddress *addr = g_new0(SocketAddress, 1);
    UnixSocketAddress *u = &addr->u.q_unix;

    addr->type = SOCKET_ADDRESS_TYPE_UNIX;
    if (len > offsetof(struct sockaddr_un, sun_path) && !un->sun_path[0]) {
        u->has_abstract = u->abstract = true;
        u->has_tight = true;
        u->tight = len < sizeof(*un);
        u->path = g_strndup(un->sun_path + 1, n - 1);
    } else {
        u->path = len > offsetof(struct sockaddr_un, sun_path) ?
                  g_strndup(un->sun_path, n) : g_strdup("");
    }
    return addr;
}

static SocketAddress *vsock_from_sockaddr(const struct sockaddr_storage *sa)
{
    const struct sockaddr_vm *vm = (const struct sockaddr_vm *)sa;
    SocketAddress *addr = g_new0(SocketAddress, 1);

    addr->type = SOCKET_ADDRESS_TYPE_VSOCK;
    addr->u.vsock.cid = g_strdup_printf("%u", vm->svm_cid);
    addr->u.vsock.port = g_strdup_printf("%u", vm->svm_port);
    return addr;
}

static SocketAddress *address_from_sockaddr(const struct sockaddr_storage *sa,
                                            socklen_t len)
{
    switch (sa->ss_family) {
    case AF_INET:
    case AF_INET6:
        return inet_from_sockaddr(sa, len);
    case AF_UNIX:
        return unix_from_sockaddr(sa, len);
    case AF_VSOCK:
        return vsock_from_sockaddr(sa);
    default:
        return NULL;
    }
}

SocketAddress *socket_local_address(int fd)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0) {
        return NULL;
    }
    return address_from_sockaddr(&sa, len);
}

SocketAddress *socket_peer_address(int fd)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof(sa);

    if (getpeername(fd, (struct sockaddr *)&sa, &len) < 0) {
        return NULL;
    }
    return address_from_sockaddr(&sa, len);
}
