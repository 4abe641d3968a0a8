/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User networking: libslirp plays the router, DHCP and DNS server of a private
 * network and opens ordinary sockets for what the guest does. Needs no rights.
 *
 * Runs in the main context only.
 */
#include "util/osdep.h"
#include "net/user-internal.h"
#include "util/iov.h"

static ssize_t user_receive_iov(NetClientState *nc, const struct iovec *iov,
                                int niov)
{
    NetUser *s = container_of(nc, NetUser, nc);
    size_t len = iov_size(iov, niov);
    g_autofree uint8_t *flat = NULL;

    if (len > NET_BUFSIZE) {
        return -EMSGSIZE;
    }
    if (niov == 1) {
        slirp_input(s->slirp, iov[0].iov_base, len);
    } else {
        flat = g_malloc(len);
        iov_to_buf(iov, niov, 0, flat, len);
        slirp_input(s->slirp, flat, len);
    }
    user_loop_changed(s);
    return len;
}

static void user_cleanup(NetClientState *nc)
{
    NetUser *s = container_of(nc, NetUser, nc);

    user_guestfwds_free(s);
    if (s->slirp) {
        slirp_cleanup(s->slirp);
    }
    user_loop_cleanup(s);
}

static bool user_hostfwd_add(NetClientState *nc, const char *rule,
                             Error **errp)
{
    NetUser *s = container_of(nc, NetUser, nc);
    bool ok = user_add_hostfwd(s, rule, errp);

    user_loop_changed(s);
    return ok;
}

static bool user_hostfwd_remove(NetClientState *nc, const char *rule,
                                Error **errp)
{
    NetUser *s = container_of(nc, NetUser, nc);
    bool ok = user_remove_hostfwd(s, rule, errp);

    user_loop_changed(s);
    return ok;
}

static char *user_connections(NetClientState *nc)
{
    return slirp_connection_info(container_of(nc, NetUser, nc)->slirp);
}

static const NetClientInfo user_info = {
    .type = "user",
    .size = sizeof(NetUser),
    .receive_iov = user_receive_iov,
    .cleanup = user_cleanup,
    .hostfwd_add = user_hostfwd_add,
    .hostfwd_remove = user_hostfwd_remove,
    .connections = user_connections,
};

static bool user_add_rules(NetUser *s, const NetdevUserOptions *o,
                           Error **errp)
{
    for (StringList *l = o->hostfwd; l; l = l->next) {
        if (!user_add_hostfwd(s, l->value->str, errp)) {
            return false;
        }
    }
    for (StringList *l = o->guestfwd; l; l = l->next) {
        if (!user_add_guestfwd(s, l->value->str, errp)) {
            return false;
        }
    }
    return true;
}

static bool net_init_user(const Netdev *netdev, Error **errp)
{
    const NetdevUserOptions *o = &netdev->u.user;
    g_autofree const char **dnssearch = NULL;
    SlirpConfig cfg = { 0 };
    NetUser *s;

    if (!user_config_fill(o, &cfg, &dnssearch, errp)) {
        return false;
    }
    s = container_of(net_netdev_new(&user_info, netdev->id, 0), NetUser, nc);
    s->guestfwds = g_ptr_array_new();
    user_loop_init(s);
    s->slirp = slirp_new(&cfg, &user_slirp_callbacks, s);
    if (!s->slirp) {
        error_setg(errp, "libslirp refuses the configuration");
        net_client_del(&s->nc);
        return false;
    }
    if (!user_add_rules(s, o, errp)) {
        net_client_del(&s->nc);
        return false;
    }
    net_client_set_info_str(&s->nc, "net=%s,restrict=%s",
                            o->net ? o->net : "10.0.2.0/24",
                            cfg.restricted ? "on" : "off");
    user_loop_changed(s);
    return true;
}

static void user_register(void)
{
    net_register_driver(NET_CLIENT_DRIVER_USER, net_init_user);
}

type_init(user_register)
