/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side: a client per queue, addresses, the property "netdev".
 */
#include "util/osdep.h"
#include "net/net-internal.h"
#include "qapi/visitor.h"

NICState *nic_new(const NetClientInfo *info, NICConf *conf, const char *model,
                  const char *id, void *opaque)
{
    NICState *nic = g_new0(NICState, 1);
    NICPeers *peers = &conf->peers;

    nic->conf = conf;
    nic->opaque = opaque;
    nic->n_queues = MAX(1, peers->queues);
    nic->ncs = g_new0(NetClientState *, nic->n_queues);
    for (unsigned i = 0; i < nic->n_queues; i++) {
        NetClientState *nc = net_client_new(info, model, id ? id : model);

        nc->nic = nic;
        nc->queue_index = i;
        nic->ncs[i] = nc;
        if (peers->ncs[i] && !peers->ncs[i]->peer) {
            nc->peer = peers->ncs[i];
            peers->ncs[i]->peer = nc;
            nc->link_down = peers->ncs[i]->link_down;
        }
    }
    return nic;
}

void nic_del(NICState *nic)
{
    nic_release_mac(&nic->conf->macaddr);
    for (unsigned i = 0; i < nic->n_queues; i++) {
        NetClientState *nc = nic->ncs[i];
        NetClientState *peer = nc->peer;

        if (peer) {
            /* what waited for this NIC is lost; the sender goes on */
            net_queue_purge(nc->incoming, peer);
            net_queue_purge(peer->incoming, nc);
            peer->peer = NULL;
            nc->peer = NULL;
        }
        nc->nic = NULL;
        net_client_del(nc);
    }
    /* the back ends may go from now on: do not point to them */
    memset(&nic->conf->peers, 0, sizeof(nic->conf->peers));
    g_free(nic->ncs);
    g_free(nic);
}

NetClientState *nic_get_queue(NICState *nic, unsigned index)
{
    return index < nic->n_queues ? nic->ncs[index] : NULL;
}

NICState *nic_from_client(NetClientState *nc)
{
    return nc->nic;
}

void *nic_get_opaque(NetClientState *nc)
{
    return nc->nic ? nc->nic->opaque : NULL;
}

void nic_set_info_str(NICState *nic, const uint8_t mac[6])
{
    char text[MAC_STR_LEN + 1];
    MacAddr addr;

    memcpy(addr.a, mac, sizeof(addr.a));
    mac_to_string(&addr, text);
    for (unsigned i = 0; i < nic->n_queues; i++) {
        net_client_set_info_str(nic->ncs[i], "model=%s,macaddr=%s",
                                nic->ncs[i]->model, text);
    }
}

/* ---- Addresses: 52:54:00:12:34:xx, in turn from 56 ---- */

#define NIC_MAC_FIRST 0x56

static const uint8_t nic_mac_base[5] = { 0x52, 0x54, 0x00, 0x12, 0x34 };
static uint8_t nic_mac_users[256];      /* by the last byte */

static bool nic_mac_is_ours(const MacAddr *mac)
{
    return memcmp(mac->a, nic_mac_base, sizeof(nic_mac_base)) == 0;
}

void nic_choose_mac(MacAddr *mac)
{
    static const MacAddr none;
    uint8_t last = NIC_MAC_FIRST;

    if (memcmp(mac, &none, sizeof(none)) == 0) {
        for (int i = 0; i < 256 && nic_mac_users[last]; i++) {
            last++;
        }
        memcpy(mac->a, nic_mac_base, sizeof(nic_mac_base));
        mac->a[5] = last;
    }
    if (nic_mac_is_ours(mac) && nic_mac_users[mac->a[5]] < UINT8_MAX) {
        nic_mac_users[mac->a[5]]++;
    }
}

void nic_release_mac(const MacAddr *mac)
{
    if (nic_mac_is_ours(mac) && nic_mac_users[mac->a[5]]) {
        nic_mac_users[mac->a[5]]--;
    }
}

/* ---- Property ---- */

static bool prop_netdev_get(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    NICPeers *peers = property_field(obj, opaque);
    g_autofree char *id = g_strdup(peers->ncs[0] ? peers->ncs[0]->name : "");

    return visit_type_str(v, name, &id, errp);
}

static bool prop_netdev_set(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    NICPeers *peers = property_field(obj, opaque);
    NICPeers found = { 0 };
    g_autofree char *id = NULL;

    if (!visit_type_str(v, name, &id, errp)) {
        return false;
    }
    found.queues = net_client_find_netdev(id, found.ncs, NET_MAX_QUEUES);
    if (!found.queues) {
        error_setg(errp, "Property '%s.%s' can't find value '%s'",
                   object_get_typename(obj), name, id);
        return false;
    }
    if (found.ncs[0]->peer) {
        error_setg(errp, "Property '%s.%s' can't take value '%s', it's in use",
                   object_get_typename(obj), name, id);
        return false;
    }
    *peers = found;
    return true;
}

const PropertyInfo prop_info_netdev = {
    .type = "str",
    .get = prop_netdev_get,
    .set = prop_netdev_set,
};
