/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace events: choosing which ones are on.
 *
 * Each folder has a file `trace-events`, from which scripts/tracegen.py makes
 * trace/trace-<folder>.h with one inline trace_<event>() per line of it. An
 * event that is off costs one load and one branch that is never taken. Events
 * that are on print a line; with sys/sdt.h each is a static probe
 * (provider "nemu") as well.
 *
 *     -trace help                     list all
 *     -trace enable=virtio_*          on by pattern; a leading - turns off
 *     -trace events=FILE              a pattern per line, # comments
 *     -trace file=F                   write the lines to F, not to the log
 *
 * To add events: write the line in the folder's trace-events and call it; for
 * a folder's first, add the folder to trace_event_dirs in trace/meson.build.
 * scripts/check-trace.py finds events that nothing calls.
 */
#ifndef TRACE_CONTROL_H
#define TRACE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Error;

typedef struct TraceEvent {
    const char *name;
    uint8_t *on;
} TraceEvent;

/* One per folder; trace_groups ends with NULL. Generated. */
typedef struct TraceGroup {
    const char *folder;
    const TraceEvent *events;
    size_t n;
} TraceGroup;

extern const TraceGroup *const trace_groups[];

/* trace_enable: turn the events that match a glob (`*` and `?`) on, or with a
 * leading '-' off. A plain name that no event has is an error. */
bool trace_enable(const char *pattern, struct Error **errp);

/* trace_enable_file: the same for each line of a file. */
bool trace_enable_file(const char *path, struct Error **errp);

/* trace_set_file: where the lines go; NULL: to the log. */
bool trace_set_file(const char *path, struct Error **errp);

/* trace_option: the argument of -trace. Sets *@help when it asked for the
 * list, which the caller prints by trace_list(). */
bool trace_option(const char *arg, bool *help, struct Error **errp);

/* trace_list: print the names to standard output. */
void trace_list(void);

/* trace_foreach: call @fn for each event that matches @pattern (NULL: all);
 * returns how many there were. */
size_t trace_foreach(const char *pattern,
                     void (*fn)(const TraceEvent *ev, void *opaque),
                     void *opaque);

/* trace_line: print one event. For generated code. */
void trace_line(const char *name, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
