/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing and printing trace events; see include/trace/control.h. */
#include "util/osdep.h"
#include "trace/control.h"
#include <json-c/json.h>
#include <time.h>
#include "util/cutils.h"
#include "util/error.h"
#include "util/file.h"
#include "util/keyval.h"
#include "util/log.h"
#include "util/thread.h"

/* A file of patterns is written by hand. */
#define EVENTS_FILE_MAX (1u << 20)

static FILE *trace_file;                /* NULL: the log */

size_t trace_foreach(const char *pattern,
                     void (*fn)(const TraceEvent *ev, void *opaque),
                     void *opaque)
{
    size_t found = 0;

    for (const TraceGroup *const *g = trace_groups; *g; g++) {
        for (size_t i = 0; i < (*g)->n; i++) {
            const TraceEvent *ev = &(*g)->events[i];

            if (!pattern || g_pattern_match_simple(pattern, ev->name)) {
                found++;
                fn(ev, opaque);
            }
        }
    }
    return found;
}

static void trace_set(const TraceEvent *ev, void *opaque)
{
    __atomic_store_n(ev->on, *(bool *)opaque, __ATOMIC_RELAXED);
}

static void trace_add_name(const TraceEvent *ev, void *opaque)
{
    g_ptr_array_add(opaque, (void *)ev->name);
}

static void trace_unknown(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    trace_foreach(NULL, trace_add_name, names);
    g_ptr_array_add(names, NULL);
    error_setg(errp, "unknown trace event '%s'", name);
    if (!error_hint_closest(errp, name,
                            (const char *const *)names->pdata)) {
        error_append_hint(errp, "-trace help lists the events");
    }
}

bool trace_enable(const char *pattern, Error **errp)
{
    bool on = *pattern != '-';

    pattern += !on;
    /* A pattern may match nothing in a build with fewer parts. */
    if (!trace_foreach(pattern, trace_set, &on) && !strpbrk(pattern, "*?")) {
        trace_unknown(pattern, errp);
        return false;
    }
    return true;
}

bool trace_enable_file(const char *path, Error **errp)
{
    g_autofree char *text = file_read_all(path, EVENTS_FILE_MAX, NULL, errp);
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;

    for (char **line = lines; line && *line; line++) {
        g_strstrip(*line);
        if (**line && **line != '#' && !trace_enable(*line, errp)) {
            error_prepend(errp, "%s:%d: ", path, (int)(line - lines) + 1);
            return false;
        }
    }
    return text != NULL;
}

bool trace_set_file(const char *path, Error **errp)
{
    FILE *f = path ? fopen(path, "we") : NULL;

    if (path && !f) {
        error_setg_errno(errp, errno, "cannot open trace file '%s'", path);
        return false;
    }
    if (trace_file) {
        fclose(trace_file);
    }
    trace_file = f;
    return true;
}

bool trace_option(const char *arg, bool *help, Error **errp)
{
    static const struct {
        const char *key;
        bool (*set)(const char *value, Error **errp);
    } keys[] = {
        { "file", trace_set_file },
        { "enable", trace_enable },
        { "events", trace_enable_file },
    };
    json_object *opts = keyval_parse(arg, "enable", help, errp);
    bool ok = opts != NULL;

    for (size_t i = 0; ok && i < G_N_ELEMENTS(keys); i++) {
        json_object *value;

        if (json_object_object_get_ex(opts, keys[i].key, &value)) {
            ok = keys[i].set(json_object_get_string(value), errp);
            json_object_object_del(opts, keys[i].key);
        }
    }
    if (ok && json_object_object_length(opts)) {
        struct json_object_iterator it = json_object_iter_begin(opts);

        error_setg(errp, "unknown parameter '%s' of -trace",
                   json_object_iter_peek_name(&it));
        error_append_hint(errp, "it takes enable=, events= and file=");
        ok = false;
    }
    json_object_put(opts);
    return ok;
}

static void trace_list_one(const TraceEvent *ev, void *unused)
{
    puts(ev->name);
}

void trace_list(void)
{
    trace_foreach(NULL, trace_list_one, NULL);
}

void trace_line(const char *name, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    struct timespec now;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    clock_gettime(CLOCK_REALTIME, &now);
    if (trace_file) {
        fprintf(trace_file, "%d@%lld.%06ld:%s %s\n", thread_get_id(),
                (long long)now.tv_sec, now.tv_nsec / 1000, name, text);
        fflush(trace_file);
    } else {
        log_printf("%d@%lld.%06ld:%s %s\n", thread_get_id(),
                   (long long)now.tv_sec, now.tv_nsec / 1000, name, text);
    }
}
