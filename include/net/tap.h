/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a NIC may ask of a tap back end to bind the kernel's vhost-net to it.
 *
 * Threading: big lock.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "net/net.h"

/* tap_get_fd: descriptor of the tap queue @nc, or -1 when @nc is no tap. */
int tap_get_fd(NetClientState *nc);

/* tap_get_vhost_fd: the open /dev/vhost-net of this queue, or -1: vhost is
 * off. It stays the tap's. */
int tap_get_vhost_fd(NetClientState *nc);

/* tap_get_vhost_poll_us: microseconds vhost should poll; 0: not. */
uint32_t tap_get_vhost_poll_us(NetClientState *nc);

/*
 * tap_set_vhost_running: while vhost moves the packets, the tap does not read
 * its descriptor.
 */
void tap_set_vhost_running(NetClientState *nc, bool running);

#endif
