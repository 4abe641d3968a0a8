/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the accelerator, the server and the commands of qtest. */
#ifndef ACCEL_QTEST_INTERNAL_H
#define ACCEL_QTEST_INTERNAL_H

#include "util/osdep.h"

/* ---- qtest-server.c ---- */

/* Send a line; nothing happens without a client. Big lock. */
void qtest_send(const char *fmt, ...) PRINTF(1, 2);

/* ---- qtest-commands.c ---- */

/* Carry out @line and send the answer. Big lock. */
void qtest_run_line(const char *line);

/* ---- qtest-irq.c ---- */

/* Both return NULL, or the reason of the failure. */
const char *qtest_intercept(const char *path, bool out);
const char *qtest_set_irq(const char *path, const char *name, int n,
                          int level);
/* A change of a line of the interrupt controller. */
void qtest_gsi_changed(int gsi, int level);

#endif
