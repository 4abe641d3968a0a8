/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's side of tap: opening, features. Linux tuntap.rst, if_tun.h. */
#ifndef NET_TAP_INTERNAL_H
#define NET_TAP_INTERNAL_H

#include <net/if.h>
#include "net/net-internal.h"

/*
 * tap_open: a queue of interface @ifname (empty: the kernel chooses, and its
 * name is stored). @vnet_hdr: in: 1 required, 0 not wanted, -1 if possible;
 * out: whether it is on.
 */
int tap_open(char ifname[IFNAMSIZ], bool multi_queue, int *vnet_hdr,
             Error **errp);

/* tap_check_fd: whether @fd is a tap; its name and whether it passes a vnet
 * header. */
bool tap_check_fd(int fd, char ifname[IFNAMSIZ], bool *vnet_hdr, Error **errp);

bool tap_set_sndbuf(int fd, uint64_t bytes, Error **errp);
bool tap_fd_set_vnet_hdr_len(int fd, int len);
NetOffloads tap_fd_probe_offloads(int fd);
void tap_fd_set_offloads(int fd, const NetOffloads *o);
bool tap_fd_set_queue_enabled(int fd, bool on);

/* tap_run_script: "@script IFNAME", as -netdev tap,script= says. */
bool tap_run_script(const char *script, const char *ifname, Error **errp);

#endif
