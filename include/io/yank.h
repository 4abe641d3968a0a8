/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that users may cut (QMP: yank), because their other side does
 * not answer and somebody waits for it, perhaps the whole monitor.
 *
 * Who has one registers it as long as it lives. All of this in the main
 * thread, also in the midst of a wait (AIO_WAIT_WHILE) of the one registered.
 */
#ifndef IO_YANK_H
#define IO_YANK_H

#include "qapi/qapi-types-yank.h"

typedef struct Yank Yank;
/* YankFn: make what waits for the other side fail; waits for nothing. */
typedef void YankFn(void *opaque);

/* yank_new: @name: that of the node, or the id of the character device. */
Yank *yank_new(YankInstanceType type, const char *name, YankFn *fn,
               void *opaque);
/* yank_free: @y may be NULL. */
void yank_free(Yank *y);

#endif
