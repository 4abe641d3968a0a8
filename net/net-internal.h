/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of net/ share. */
#ifndef NET_NET_INTERNAL_H
#define NET_NET_INTERNAL_H

#include "net/net.h"

/* Packets waiting for one receiver. */
NetQueue *net_queue_new(void);
void net_queue_free(NetQueue *q);
/* Drop those of @sender, all with NULL; their sent callbacks run with 0. */
void net_queue_purge(NetQueue *q, NetClientState *sender);
bool net_queue_flush(NetClientState *receiver);

/* The largest vnet header: struct virtio_net_hdr_v1_hash. */
#define NET_VNET_HDR_MAX 20

/* Create the clients of a back end with @queues queues; see net_client_new. */
NetClientState *net_netdev_new(const NetClientInfo *info, const char *name,
                               unsigned queue);

#endif
