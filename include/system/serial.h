/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serial ports that the command line asks for (-serial, -nographic). The
 * board makes a device for each. Context: main thread.
 */
#ifndef SYSTEM_SERIAL_H
#define SYSTEM_SERIAL_H

#include "chardev/char.h"

#define SERIAL_MAX_PORTS 4

/* serial_get: the stream of port @i, or NULL when there is none. */
Chardev *serial_get(unsigned i);
/* serial_add: the next port; @chr NULL: "none", the port is left out. */
bool serial_add(Chardev *chr, Error **errp);

#endif
