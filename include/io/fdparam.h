/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors named by the user: "fd=7" is one the process was started with,
 * "fd=net0" one that a QMP client passed by getfd under that name.
 *
 * Big lock held.
 */
#ifndef IO_FDPARAM_H
#define IO_FDPARAM_H

#include "util/error.h"

/*
 * fd_param_get: the descriptor @text means; close-on-exec from now on, owned
 * by the caller. Returns -1 with *@errp set.
 */
int fd_param_get(const char *text, Error **errp);

/*
 * fd_param_set_handler: who knows the named ones (the monitor): gives the
 * descriptor away, or -1 with *@errp set.
 */
typedef int FdParamFn(const char *name, Error **errp);
void fd_param_set_handler(FdParamFn *fn);

#endif
