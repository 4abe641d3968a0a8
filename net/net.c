/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of network clients, what a pair agrees on, and making back ends.
 */
#include "util/osdep.h"
#include "net/net-internal.h"
#include <json-c/json.h>
#include "util/keyval.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "qapi/qapi-types-net.h"
#include "qapi/qapi-visit-net.h"
#include "qapi/visitor.h"
#include "trace/trace-net.h"

static TAILQ_HEAD(, NetClientState) net_clients =
    TAILQ_HEAD_INITIALIZER(net_clients);

/* ---- Life ---- */

NetClientState *net_client_new(const NetClientInfo *info, const char *model,
                               const char *name)
{
    NetClientState *nc = g_malloc0(info->size);

    nc->info = info;
    nc->model = g_strdup(model);
    nc->name = g_strdup(name);
    nc->ctx = main_context();
    nc->incoming = net_queue_new();
    TAILQ_INSERT_TAIL(&net_clients, nc, next);
    trace_net_client_new(name, model);
    return nc;
}

NetClientState *net_netdev_new(const NetClientInfo *info, const char *name,
                               unsigned queue)
{
    NetClientState *nc = net_client_new(info, info->type, name);

    nc->is_netdev = true;
    nc->queue_index = queue;
    return nc;
}

/*
 * The NIC on the other side keeps running, with the cable out. It is told
 * while it still has its peers, so that it can take back what it lent them
 * (vhost).
 */
static void net_client_unpeer(NetClientState *nc)
{
    NetClientState *peer = nc->peer;

    if (!peer) {
        return;
    }
    if (peer->nic) {
        peer->link_down = true;
        if (peer->queue_index == 0 && peer->info->link_status_changed) {
            peer->info->link_status_changed(peer);
        }
        peer->nic->conf->peers.ncs[peer->queue_index] = NULL;
    }
    net_queue_purge(peer->incoming, nc);
    net_queue_purge(nc->incoming, peer);
    peer->peer = NULL;
    nc->peer = NULL;
}

static void net_client_free(NetClientState *nc)
{
    trace_net_client_free(nc->name);
    net_client_unpeer(nc);
    TAILQ_REMOVE(&net_clients, nc, next);
    if (nc->info->cleanup) {
        nc->info->cleanup(nc);
    }
    net_queue_free(nc->incoming);
    g_free(nc->model);
    g_free(nc->name);
    g_free(nc->info_str);
    g_free(nc);
}

void net_client_del(NetClientState *nc)
{
    NetClientState *ncs[NET_MAX_QUEUES];
    int n;

    if (!nc->is_netdev) {
        net_client_free(nc);
        return;
    }
    n = net_client_find_netdev(nc->name, ncs, NET_MAX_QUEUES);
    for (int i = 0; i < n; i++) {
        /* the other side must be where we are before it loses its peer */
        net_client_set_aio_context(ncs[i], main_context());
    }
    for (int i = 0; i < n; i++) {
        net_client_free(ncs[i]);
    }
}

void net_client_set_info_str(NetClientState *nc, const char *fmt, ...)
{
    va_list ap;

    g_free(nc->info_str);
    va_start(ap, fmt);
    nc->info_str = g_strdup_vprintf(fmt, ap);
    va_end(ap);
}

/* ---- Finding ---- */

NetClientState *net_client_find(const char *name)
{
    NetClientState *nc;

    TAILQ_FOREACH(nc, &net_clients, next) {
        if (g_str_equal(nc->name, name)) {
            return nc;
        }
    }
    return NULL;
}

int net_client_find_netdev(const char *name, NetClientState **ncs, int max)
{
    NetClientState *nc;
    int n = 0;

    TAILQ_FOREACH(nc, &net_clients, next) {
        if (!nc->info->is_nic && g_str_equal(nc->name, name) && n < max) {
            ncs[n++] = nc;
        }
    }
    return n;
}

void net_client_foreach(void (*fn)(NetClientState *nc, void *opaque),
                        void *opaque)
{
    NetClientState *nc, *tmp;

    TAILQ_FOREACH_SAFE(nc, &net_clients, next, tmp) {
        fn(nc, opaque);
    }
}

/* ---- Link ---- */

static void net_client_link_changed(NetClientState *nc)
{
    if (nc->queue_index == 0 && nc->info->link_status_changed) {
        nc->info->link_status_changed(nc);
    }
}

bool net_client_set_link(const char *name, bool up, Error **errp)
{
    NetClientState *nc;
    bool found = false;

    TAILQ_FOREACH(nc, &net_clients, next) {
        if (!g_str_equal(nc->name, name)) {
            continue;
        }
        found = true;
        trace_net_link(name, up);
        nc->link_down = !up;
        net_client_link_changed(nc);
        /* a back end's cable ends in the NIC, which tells the guest */
        if (!nc->info->is_nic && nc->peer && nc->peer->info->is_nic) {
            nc->peer->link_down = !up;
            net_client_link_changed(nc->peer);
        }
    }
    if (!found) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  name);
    }
    return found;
}

/* ---- Agreements ---- */

bool net_peer_has_vnet_hdr_len(NetClientState *nc, int len)
{
    NetClientState *peer = nc->peer;

    return peer && peer->info->has_vnet_hdr_len &&
           peer->info->has_vnet_hdr_len(peer, len);
}

void net_peer_set_vnet_hdr_len(NetClientState *nc, int len)
{
    NetClientState *peer = nc->peer;

    if (!peer || !peer->info->set_vnet_hdr_len) {
        return;
    }
    peer->info->set_vnet_hdr_len(peer, len);
    peer->vnet_hdr_len = len;
    nc->vnet_hdr_len = len;
}

NetOffloads net_peer_get_offloads(NetClientState *nc)
{
    NetClientState *peer = nc->peer;

    if (!peer || !peer->info->get_offloads) {
        return (NetOffloads) { 0 };
    }
    return peer->info->get_offloads(peer);
}

void net_peer_set_offloads(NetClientState *nc, const NetOffloads *o)
{
    NetClientState *peer = nc->peer;

    if (peer && peer->info->set_offloads) {
        peer->info->set_offloads(peer, o);
    }
}

bool net_peer_set_queue_enabled(NetClientState *nc, bool on)
{
    NetClientState *peer = nc->peer;

    return !peer || !peer->info->set_queue_enabled ||
           peer->info->set_queue_enabled(peer, on);
}

/* ---- Contexts ---- */

bool net_client_can_move(const NetClientState *nc)
{
    return !nc->peer || nc->peer->info->set_aio_context;
}

void net_client_set_aio_context(NetClientState *nc, AioContext *ctx)
{
    NetClientState *pair[2] = { nc, nc->peer };

    for (int i = 0; i < 2; i++) {
        if (!pair[i] || pair[i]->ctx == ctx) {
            continue;
        }
        if (pair[i]->info->set_aio_context) {
            pair[i]->info->set_aio_context(pair[i], ctx);
        }
        pair[i]->ctx = ctx;
    }
}

/* ---- Back ends ---- */

static NetInitFn *net_drivers[NET_CLIENT_DRIVER__MAX];

void net_register_driver(int type, NetInitFn *init)
{
    net_drivers[type] = init;
}

bool net_client_init(const Netdev *netdev, Error **errp)
{
    NetClientState *nc;

    if (!id_wellformed(netdev->id)) {
        error_setg(errp, "Parameter 'id' expects an identifier");
        error_append_hint(errp, "'%s' is none: letters, digits, '-', '.', '_', "
                          "starting with a letter", netdev->id);
        return false;
    }
    if (net_client_find_netdev(netdev->id, &nc, 1)) {
        error_setg(errp, "Duplicate ID '%s' for netdev", netdev->id);
        return false;
    }
    if (!net_drivers[netdev->type]) {
        error_setg(errp, "netdev type '%s' is not built in",
                   NetClientDriver_str(netdev->type));
        return false;
    }
    if (!net_drivers[netdev->type](netdev, errp)) {
        error_prepend(errp, "netdev '%s': ", netdev->id);
        return false;
    }
    return true;
}

bool net_client_init_from_arg(const char *arg, Error **errp)
{
    bool is_json = arg[0] == '{';
    struct json_object *tree = is_json ? json_tokener_parse(arg) :
        keyval_parse_flags(arg, "type", KEYVAL_BARE_BOOL | KEYVAL_REPEAT_LIST,
                           NULL, errp);
    g_autoptr(Netdev) netdev = NULL;
    Visitor *v;
    bool ok;

    if (!tree) {
        if (is_json) {
            error_setg(errp, "'%s' is not JSON", arg);
        }
        return false;
    }
    v = input_visitor_new(tree, is_json ? VISIT_INPUT_JSON :
                          VISIT_INPUT_KEYVAL);
    ok = visit_type_Netdev(v, NULL, &netdev, errp);
    visit_free(v);
    json_object_put(tree);
    return ok && net_client_init(netdev, errp);
}

void net_print_help(void)
{
    printf("Available netdev backend types:\n");
    for (int i = 0; i < NET_CLIENT_DRIVER__MAX; i++) {
        if (net_drivers[i]) {
            printf("%s\n", NetClientDriver_str(i));
        }
    }
}

void net_check_clients(void)
{
    NetClientState *nc;

    TAILQ_FOREACH(nc, &net_clients, next) {
        if (nc->peer || nc->queue_index) {
            continue;
        }
        if (nc->info->is_nic) {
            warn_report("nic %s has no peer", nc->name);
        } else {
            warn_report("netdev %s has no peer", nc->name);
        }
    }
}

void net_cleanup(void)
{
    NetClientState *nc, *tmp;

    TAILQ_FOREACH_SAFE(nc, &net_clients, next, tmp) {
        if (!nc->info->is_nic) {
            net_client_free(nc);
        }
    }
}
