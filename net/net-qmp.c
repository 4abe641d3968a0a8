/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP commands about the network.
 */
#include "util/osdep.h"
#include "net/net-internal.h"
#include "qapi/qapi-commands-net.h"

bool qmp_set_link(const char *name, bool up, Error **errp)
{
    return net_client_set_link(name, up, errp);
}

bool qmp_netdev_add(Netdev *netdev, Error **errp)
{
    return net_client_init(netdev, errp);
}

bool qmp_netdev_del(const char *id, Error **errp)
{
    NetClientState *nc = net_client_find(id);

    if (!nc) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  id);
        return false;
    }
    if (!net_client_find_netdev(id, &nc, 1) || !nc->is_netdev) {
        error_setg(errp, "Device '%s' is not a netdev", id);
        return false;
    }
    net_client_del(nc);
    return true;
}

typedef struct RxFilterQuery {
    const char *name;               /* NULL: all */
    RxFilterInfoList *list, **tail;
    bool found;
    Error *err;
} RxFilterQuery;

static void query_rx_filter_one(NetClientState *nc, void *opaque)
{
    RxFilterQuery *q = opaque;

    if (q->name && !g_str_equal(nc->name, q->name)) {
        return;
    }
    if (!nc->info->is_nic || nc->queue_index) {
        if (q->name && !nc->info->is_nic && !q->err) {
            error_setg(&q->err, "net client(%s) isn't a NIC", q->name);
        }
        return;
    }
    if (nc->info->query_rx_filter) {
        QAPI_LIST_APPEND(q->tail, nc->info->query_rx_filter(nc));
        q->found = true;
    } else if (q->name && !q->err) {
        error_setg(&q->err, "net client(%s) doesn't support rx-filter querying",
                   q->name);
    }
}

RxFilterInfoList *qmp_query_rx_filter(const char *name, Error **errp)
{
    RxFilterQuery q = { .name = name };

    q.tail = &q.list;
    net_client_foreach(query_rx_filter_one, &q);
    if (q.name && !q.found && !q.err) {
        error_setg(&q.err, "invalid net client name: %s", name);
    }
    if (q.found) {
        error_free(q.err);
    } else if (q.err) {
        error_propagate(errp, q.err);
    }
    return q.list;
}
