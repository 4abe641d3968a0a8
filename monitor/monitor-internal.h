/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the monitor share. */
#ifndef MONITOR_INTERNAL_H
#define MONITOR_INTERNAL_H

#include "monitor/monitor.h"
#include "util/queue.h"

struct json_object;
typedef struct QmpSession QmpSession;
typedef struct HmpSession HmpSession;

/* qmp-session.c */
bool qmp_session_new(Chardev *chr, bool pretty, Error **errp);
void qmp_sessions_cleanup(void);
/* Deliver @event (stays the caller's) to all sessions that negotiated. */
void qmp_sessions_broadcast(struct json_object *event);
/* The session whose request runs now, or NULL. */
QmpSession *qmp_session_current(void);
/* A descriptor that came with the running request, or -1. */
int qmp_session_take_fd(QmpSession *s);
/* The descriptors that its clients have named: char * to the number. */
GHashTable *qmp_session_named_fds(QmpSession *s);

/* qmp-events.c */
void qmp_events_init(void);
void qmp_events_cleanup(void);

/* fds.c */
void monitor_fds_init(void);
void monitor_fds_cleanup(void);

/* hmp.c */
bool hmp_session_new(Chardev *chr, Error **errp);
void hmp_sessions_cleanup(void);
/* Run a command line; the output, g_free(). */
char *hmp_run(const char *line);

#endif
