/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial ports of the command line; see include/system/serial.h. */
#include "util/osdep.h"
#include "system/serial.h"

static Chardev *ports[SERIAL_MAX_PORTS];
static unsigned num_ports;

Chardev *serial_get(unsigned i)
{
    return i < num_ports ? ports[i] : NULL;
}

bool serial_add(Chardev *chr, Error **errp)
{
    if (num_ports == SERIAL_MAX_PORTS) {
        error_setg(errp, "too many serial ports, there can be %d",
                   SERIAL_MAX_PORTS);
        return false;
    }
    ports[num_ports++] = chr;
    return true;
}
