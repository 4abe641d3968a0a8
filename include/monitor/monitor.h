/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monitors: QMP servers and the small human monitor, each on a character
 * device.
 *
 * A QMP session begins when a client connects: greeting, negotiation
 * (qmp_capabilities), then requests, answered in order. Requests run from the
 * main loop, outermost, so that none runs inside another; those sent by
 * "exec-oob" run at once when they arrive. A client may go and another one
 * come any number of times.
 *
 * Context: main thread, big lock held; events may be sent by any thread.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "chardev/char.h"
#include "qapi/qapi-types-control.h"

/* monitor_init: event delivery and the tables of descriptors; once. */
void monitor_init(void);
/* monitor_cleanup: send what waits, close all. */
void monitor_cleanup(void);

/* monitor_new: serve @chr. */
bool monitor_new(Chardev *chr, MonitorMode mode, bool pretty, Error **errp);
/* monitor_new_from_options: -mon. */
bool monitor_new_from_options(const MonitorOptions *opts, Error **errp);

/* monitor_fdset_add: -add-fd and add-fd: @fd belongs to the set from now on.
 * @set < 0: a new set. Returns its number, or -1. */
int64_t monitor_fdset_add(int64_t set, int fd, const char *opaque,
                          Error **errp);

#endif
