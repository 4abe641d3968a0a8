/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mux: several front ends on one stream, one of them with the input. The
 * escape character (C-a) and then h x c b t s are commands.
 *
 * Threading: as chardev/char.h.
 */
#ifndef CHARDEV_CHAR_MUX_H
#define CHARDEV_CHAR_MUX_H

#include "chardev/char.h"

/* Front ends one mux can have: serial ports and a monitor. */
#define CHR_MUX_MAX 8

/*
 * chr_mux_set_quit: what C-a x (leave the program) does: the process sets it.
 * Without it C-a x is ignored.
 */
void chr_mux_set_quit(void (*quit)(void));

#endif
