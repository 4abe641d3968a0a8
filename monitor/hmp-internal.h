/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the human monitor share. Big lock. */
#ifndef MONITOR_HMP_INTERNAL_H
#define MONITOR_HMP_INTERNAL_H

#include <glib.h>

struct json_object;

/* hmp.c: run QMP command @name with @args (taken; NULL: none). Returns a
 * reference to what it returns, or NULL with the error in @out. */
struct json_object *hmp_qmp_call(const char *name, struct json_object *args,
                                 GString *out);

/* hmp-info.c: "info @what @args"; @args is NULL when there are none. */
void hmp_info(const char *what, const char *args, GString *out);
void hmp_info_help(GString *out);

/* hmp-usernet.c; @words: one or two */
void hmp_hostfwd_add(char **words, GString *out);
void hmp_hostfwd_remove(char **words, GString *out);
void hmp_info_usernet(const char *args, GString *out);

/* hmp-tree.c */
void hmp_info_mtree(const char *args, GString *out);
void hmp_info_qom_types(const char *args, GString *out);
void hmp_info_qom_tree(const char *args, GString *out);
void hmp_info_qtree(const char *args, GString *out);
void hmp_info_registers(const char *args, GString *out);

#endif
