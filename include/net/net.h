/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networking: two NetClientStates that are each other's peer pass packets.
 * One is a device's NIC queue, the other a host back end: user, tap, stream,
 * dgram. A NIC with N queues faces N clients with the same id.
 *
 * Flow control: a receiver that cannot take a packet returns 0 from its
 * receive; the packet is then copied into the sender's queue, which is
 * bounded, and the sender is told to wait. When the receiver can go on it
 * calls net_flush_queued_packets(), and the sender's NetSentFn runs.
 *
 * Life cycle: -netdev, -nic, netdev_add make a back end; nic_new() binds a NIC
 * to the back ends its properties name. Either side may go first; the other
 * one then has a peer that drops all.
 *
 * Threading: a pair lives in one AioContext, the main one at first; all calls
 * about packets are for its home. net_client_set_aio_context() moves a pair
 * (tap, stream, dgram) so that a NIC can be served by an iothread without the
 * big lock. Everything else needs the big lock.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <sys/uio.h>
#include "util/aio.h"
#include "util/cutils.h"
#include "util/queue.h"
#include "qom/object.h"
#include "qom/property.h"

typedef struct Netdev Netdev;               /* schema: qapi/net.json */
typedef struct RxFilterInfo RxFilterInfo;
typedef struct NetClientState NetClientState;
typedef struct NICState NICState;
typedef struct NICConf NICConf;
typedef struct NetQueue NetQueue;

/* Queues (pairs) one NIC can have: as many as a multi-queue tap of Linux. */
#define NET_MAX_QUEUES 256
/* The largest packet: 64 KiB of GSO payload, its headers, a vnet header. */
#define NET_BUFSIZE (68 * 1024)
/* Packets a sender may have waiting, and with them their memory. */
#define NET_QUEUE_MAX_PACKETS 1024

enum {
    NET_PACKET_RAW = 1 << 0,        /* comes without a vnet header */
};

/* What a peer can take over, for net_peer_set_offloads(): VirtIO 1.2, 5.1.3. */
typedef struct NetOffloads {
    bool csum, tso4, tso6, ecn, ufo, uso4, uso6;
} NetOffloads;

/* The packet went out (@len), or was given up (0). */
typedef void NetSentFn(NetClientState *nc, ssize_t len);

typedef struct NetClientInfo {
    const char *type;               /* "user", "tap", "nic" */
    size_t size;                    /* of the structure that starts with
                                       NetClientState */
    bool is_nic;
    /*
     * Take a packet: its length, 0 when it cannot now (see above), -errno when
     * it is dropped. receive_raw is for packets without a vnet header where
     * receive_iov expects one; NULL: an empty one is put in front.
     */
    ssize_t (*receive_iov)(NetClientState *nc, const struct iovec *iov,
                           int niov);
    ssize_t (*receive_raw)(NetClientState *nc, const struct iovec *iov,
                           int niov);
    bool (*can_receive)(NetClientState *nc);            /* NULL: always */
    void (*cleanup)(NetClientState *nc);
    void (*link_status_changed)(NetClientState *nc);
    /* NIC: for query-rx-filter; NULL: it has none to tell. */
    RxFilterInfo *(*query_rx_filter)(NetClientState *nc);
    /* NIC: stop (false) and go on with the guest's queues. */
    void (*poll)(NetClientState *nc, bool enable);
    /* Back end: vnet headers and offloads; NULL: none. */
    bool (*has_vnet_hdr_len)(NetClientState *nc, int len);
    void (*set_vnet_hdr_len)(NetClientState *nc, int len);
    NetOffloads (*get_offloads)(NetClientState *nc);    /* what it could */
    void (*set_offloads)(NetClientState *nc, const NetOffloads *o);
    bool (*set_queue_enabled)(NetClientState *nc, bool on);     /* multi-queue */
    /*
     * User network (NULL: it is none): lead a port of the host to the guest,
     * "[tcp|udp]:[hostaddr]:hostport-[guestaddr]:guestport"; no longer do so,
     * by the part before the "-"; list connections in lines, g_free() them.
     */
    bool (*hostfwd_add)(NetClientState *nc, const char *rule, Error **errp);
    bool (*hostfwd_remove)(NetClientState *nc, const char *rule, Error **errp);
    char *(*connections)(NetClientState *nc);
    /* Watch descriptors in @ctx from now on; NULL: main context only. */
    void (*set_aio_context)(NetClientState *nc, AioContext *ctx);
} NetClientInfo;

struct NetClientState {
    const NetClientInfo *info;
    NetClientState *peer;
    TAILQ_ENTRY(NetClientState) next;
    NetQueue *incoming;             /* packets waiting for this client */
    AioContext *ctx;
    NICState *nic;                  /* of a NIC's client */
    char *model;                    /* "virtio-net-pci", "tap" */
    char *name;                     /* the id */
    char *info_str;                 /* for people */
    unsigned queue_index;
    int vnet_hdr_len;               /* in front of packets it sends, takes */
    bool link_down;
    bool is_netdev;                 /* made by the user, may be netdev_del'd */
    bool receive_disabled;          /* returned 0; until flushed */
};

/* ---- Packets. Home of the pair. ---- */

/*
 * net_send_iov: give a packet to the peer.
 * Returns its length when it was taken or dropped (no peer, link down); 0 when
 * it was copied to wait: then stop sending until @sent runs. With @sent NULL a
 * packet that would have to wait beyond the bound is dropped.
 */
ssize_t net_send_iov(NetClientState *nc, const struct iovec *iov, int niov,
                     NetSentFn *sent);
ssize_t net_send(NetClientState *nc, const void *buf, size_t len,
                 NetSentFn *sent);
/* net_send_raw: without a vnet header, whatever the pair agreed on. */
ssize_t net_send_raw(NetClientState *nc, const void *buf, size_t len);

/* net_flush_queued_packets: @nc can receive again. */
void net_flush_queued_packets(NetClientState *nc);
/* net_purge_queued_packets: drop what @nc sent and its peer has not taken;
 * their @sent run with 0. */
void net_purge_queued_packets(NetClientState *nc);

/* ---- What the pair agrees on ---- */

bool net_peer_has_vnet_hdr_len(NetClientState *nc, int len);
void net_peer_set_vnet_hdr_len(NetClientState *nc, int len);
NetOffloads net_peer_get_offloads(NetClientState *nc);
void net_peer_set_offloads(NetClientState *nc, const NetOffloads *o);
bool net_peer_set_queue_enabled(NetClientState *nc, bool on);

/* net_client_can_move: whether @nc's peer can leave the main context. */
bool net_client_can_move(const NetClientState *nc);
/* net_client_set_aio_context: move @nc and its peer. Big lock held, and both
 * idle: the old home does not run them. */
void net_client_set_aio_context(NetClientState *nc, AioContext *ctx);

/* ---- Clients ---- */

NetClientState *net_client_new(const NetClientInfo *info, const char *model,
                               const char *name);
/* net_client_del: of a back end: all queues with its name. */
void net_client_del(NetClientState *nc);
/* net_client_find: the first client called @name (back ends and NICs). */
NetClientState *net_client_find(const char *name);
/* net_client_find_netdev: all queues of back end @name; returns how many. */
int net_client_find_netdev(const char *name, NetClientState **ncs, int max);
void net_client_foreach(void (*fn)(NetClientState *nc, void *opaque),
                        void *opaque);
bool net_client_set_link(const char *name, bool up, Error **errp);
void net_client_set_info_str(NetClientState *nc, const char *fmt, ...)
    PRINTF(2, 3);

/* net_client_init: what -netdev and netdev_add do. */
bool net_client_init(const Netdev *netdev, Error **errp);
/* net_client_init_from_arg: the same from text, k=v or JSON. */
bool net_client_init_from_arg(const char *arg, Error **errp);

/* net_register_driver: for the back ends in net/. @type: a NetClientDriver. */
typedef bool NetInitFn(const Netdev *netdev, Error **errp);
void net_register_driver(int type, NetInitFn *init);

/* net_print_help: the types for -netdev help. */
void net_print_help(void);

/* net_check_clients: warn of back ends and NICs without a peer. */
void net_check_clients(void);
void net_cleanup(void);             /* at exit; runs downscripts */

/* ---- NICs (used by devices) ---- */

typedef struct NICPeers {
    NetClientState *ncs[NET_MAX_QUEUES];
    int queues;
} NICPeers;

struct NICConf {
    MacAddr macaddr;
    NICPeers peers;                 /* set by the property "netdev" */
    int32_t bootindex;
};

struct NICState {
    NICConf *conf;
    void *opaque;
    NetClientState **ncs;           /* one per queue */
    unsigned n_queues;
};

/*
 * nic_new: the NIC of a device: a client per peer queue (at least one).
 * @conf: stays the device's and must outlive it
 */
NICState *nic_new(const NetClientInfo *info, NICConf *conf, const char *model,
                  const char *id, void *opaque);
void nic_del(NICState *nic);
NetClientState *nic_get_queue(NICState *nic, unsigned index);
NICState *nic_from_client(NetClientState *nc);
void *nic_get_opaque(NetClientState *nc);
/* nic_set_info_str: "model,macaddr=..." for query and people. */
void nic_set_info_str(NICState *nic, const uint8_t mac[6]);

/* nic_choose_mac, nic_release_mac: fill in an all-zero address: 52:54:00:12:34:56, :57, ...
 * skipping those in use; marks a given one as used. */
void nic_choose_mac(MacAddr *mac);
void nic_release_mac(const MacAddr *mac);

extern const PropertyInfo prop_info_netdev;
#define PROP_NETDEV(n, S, f, h)                                                \
    PROP_ROW(n, S, f, prop_info_netdev, NICPeers, .help = (h))

/* Rows every NIC has; @f is a NICConf. */
#define NIC_PROPS(S, f)                                                        \
    PROP_MACADDR("mac", S, f.macaddr, "Ethernet address of the card; all "     \
                 "zero (the default) chooses the next free one"),              \
    PROP_NETDEV("netdev", S, f.peers, "id of the -netdev back end"),           \
    PROP_INT32("bootindex", S, f.bootindex, -1,                                \
               "place in the boot order, from 0; -1: not a boot device")

#endif
