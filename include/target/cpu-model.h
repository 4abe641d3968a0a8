/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line asks of the architecture it was built for; each
 * target/<arch> has these two. Context: main thread.
 */
#ifndef TARGET_CPU_MODEL_H
#define TARGET_CPU_MODEL_H

#include "util/error.h"

/*
 * target_cpu_parse_model: "-cpu model[,feature=on...]". Returns the QOM type
 * and registers the features as globals of it, or NULL.
 */
const char *target_cpu_parse_model(const char *text, Error **errp);
void target_cpu_print_help(void);           /* -cpu help, on stdout */

#endif
