/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QMP server: greeting, negotiation, requests in, responses and events out.
 * Wire format: QEMU's QMP specification; each object on a line of its own that
 * ends in CR LF.
 *
 * Flow control: while a request waits (or, with out-of-band execution, while
 * QMP_QUEUE_MAX wait) nothing more is read. Output that the client does not
 * read is kept up to QMP_OUTPUT_MAX, after which events are dropped and no
 * request is read.
 */
#include "util/osdep.h"
#include "monitor-internal.h"
#include <json-c/json.h>
#include "qapi/dispatch.h"
#include "qapi/json.h"
#include "qapi/qapi-command-table.h"
#include "qapi/qapi-commands-control.h"
#include "qapi/qapi-visit-control.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "trace/trace-monitor.h"

#define QMP_QUEUE_MAX   8
#define QMP_OUTPUT_MAX  (1u << 20)      /* bytes */
/* At the end all clients together have this long to read what is left. */
#define QMP_DRAIN_US        500000
#define QMP_DRAIN_POLL_US   1000
#define QMP_READ_SIZE   4096
#define QMP_MAX_FDS     16              /* with one piece of input */

typedef struct QmpRequest {
    struct json_object *req;
    Error *err;                     /* of the parser, instead of @req */
    int fds[QMP_MAX_FDS];
    int num_fds;
} QmpRequest;

struct QmpSession {
    CharFrontend chr;
    bool pretty;
    bool open;
    bool negotiating;               /* only qmp_capabilities so far */
    bool oob;
    JsonStream *stream;
    GQueue requests;                /* of QmpRequest */
    GString *out;                   /* not yet taken by the stream */
    bool events_dropped;
    GHashTable *named_fds;
    LIST_ENTRY(QmpSession) next;
};

static LIST_HEAD(, QmpSession) sessions = LIST_HEAD_INITIALIZER(sessions);
static AioBH *dispatch_bh;

/* The request that runs now. */
static QmpSession *current;
static QmpRequest *current_req;

QmpSession *qmp_session_current(void)
{
    return current;
}

int qmp_session_take_fd(QmpSession *s)
{
    int fd;

    if (s != current || !current_req->num_fds) {
        return -1;
    }
    fd = current_req->fds[0];
    current_req->num_fds--;
    memmove(current_req->fds, current_req->fds + 1,
            current_req->num_fds * sizeof(int));
    return fd;
}

GHashTable *qmp_session_named_fds(QmpSession *s)
{
    return s->named_fds;
}

/* ---- Output ---- */

static void session_flush(void *opaque)
{
    QmpSession *s = opaque;
    ssize_t n;

    while (s->out->len) {
        n = chr_fe_write(&s->chr, s->out->str, s->out->len);
        if (n < 0) {
            g_string_truncate(s->out, 0);
            return;
        }
        if (n == 0) {
            if (!chr_fe_add_write_watch(&s->chr, session_flush, s)) {
                g_string_truncate(s->out, 0);
            }
            return;
        }
        g_string_erase(s->out, 0, n);
    }
    chr_fe_accept_input(&s->chr);
}

static void session_send(QmpSession *s, struct json_object *obj)
{
    g_autofree char *text = json_print(obj, s->pretty);

    trace_qmp_send(s, text);
    g_string_append(s->out, text);
    g_string_append(s->out, "\r\n");
    session_flush(s);
}

void qmp_sessions_broadcast(struct json_object *event)
{
    QmpSession *s;

    LIST_FOREACH(s, &sessions, next) {
        if (!s->open || s->negotiating) {
            continue;
        }
        if (s->out->len >= QMP_OUTPUT_MAX) {
            if (!s->events_dropped) {
                warn_report("a QMP client does not read: events are dropped");
            }
            s->events_dropped = true;
            continue;
        }
        s->events_dropped = false;
        session_send(s, event);
    }
}

static void session_greet(QmpSession *s)
{
    struct json_object *greeting = json_object_new_object();
    struct json_object *qmp = json_object_new_object();
    struct json_object *caps = json_object_new_array();
    struct json_object *version = NULL;

    qmp_marshal_query_version(NULL, &version, NULL);
    json_object_array_add(caps, json_object_new_string("oob"));
    json_object_object_add(qmp, "version", version);
    json_object_object_add(qmp, "capabilities", caps);
    json_object_object_add(greeting, "QMP", qmp);
    session_send(s, greeting);
    json_object_put(greeting);
}

/* ---- Requests ---- */

static void request_free(QmpRequest *r)
{
    for (int i = 0; i < r->num_fds; i++) {
        close(r->fds[i]);
    }
    json_object_put(r->req);
    error_free(r->err);
    g_free(r);
}

static void session_run(QmpSession *s, QmpRequest *r)
{
    const QmpDispatchContext ctx = {
        .negotiating = s->negotiating,
        .oob_enabled = s->oob,
    };
    QmpSession *outer = current;
    QmpRequest *outer_req = current_req;
    struct json_object *response;

    current = s;
    current_req = r;
    response = r->err ? qmp_error_response(NULL, r->err) :
                        qmp_dispatch(&qmp_command_table, r->req, &ctx);
    current = outer;
    current_req = outer_req;
    if (response && s->open) {
        session_send(s, response);
    }
    json_object_put(response);
    request_free(r);
}

/* One request of each session in turn, then look again. */
static void sessions_dispatch(void *opaque)
{
    QmpSession *s, *next;
    bool more = false;

    LIST_FOREACH_SAFE(s, &sessions, next, next) {
        QmpRequest *r = g_queue_pop_head(&s->requests);

        if (r) {
            session_run(s, r);
            more = more || !g_queue_is_empty(&s->requests);
            chr_fe_accept_input(&s->chr);
        }
    }
    if (more) {
        aio_bh_schedule(dispatch_bh);
    }
}

static void session_request(void *opaque, struct json_object *value, Error *err)
{
    QmpSession *s = opaque;
    QmpRequest *r = g_new0(QmpRequest, 1);

    r->req = value;
    r->err = err;
    r->num_fds = chr_fe_get_msgfds(&s->chr, r->fds, QMP_MAX_FDS);
    if (s->oob && !err && qmp_is_oob(value)) {
        session_run(s, r);
        return;
    }
    g_queue_push_tail(&s->requests, r);
    aio_bh_schedule(dispatch_bh);
}

static size_t session_can_read(void *opaque)
{
    QmpSession *s = opaque;
    guint max = s->oob ? QMP_QUEUE_MAX : 1;

    return g_queue_get_length(&s->requests) < max &&
           s->out->len < QMP_OUTPUT_MAX ? QMP_READ_SIZE : 0;
}

static void session_read(void *opaque, const uint8_t *buf, size_t size)
{
    QmpSession *s = opaque;

    json_stream_feed(s->stream, (const char *)buf, size);
}

/* ---- Connections ---- */

static void session_reset(QmpSession *s)
{
    g_queue_clear_full(&s->requests, (GDestroyNotify)request_free);
    g_string_truncate(s->out, 0);
    chr_fe_remove_write_watch(&s->chr);
    json_stream_free(s->stream);
    s->stream = json_stream_new(session_request, s);
    s->negotiating = true;
    s->oob = false;
    s->events_dropped = false;
}

static void session_event(void *opaque, ChrEvent event)
{
    QmpSession *s = opaque;

    if (event == CHR_EVENT_OPENED) {
        session_reset(s);
        s->open = true;
        session_greet(s);
    } else if (event == CHR_EVENT_CLOSED) {
        /* The stream that called us may still be on the stack. */
        s->open = false;
        g_queue_clear_full(&s->requests, (GDestroyNotify)request_free);
        g_string_truncate(s->out, 0);
    }
}

bool qmp_qmp_capabilities(QMPCapabilityList *enable, Error **errp)
{
    QmpSession *s = current;

    if (!s || !s->negotiating) {
        error_set(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                  "Capabilities negotiation is already complete, command "
                  "ignored");
        return false;
    }
    for (; enable; enable = enable->next) {
        s->oob = s->oob || enable->value == QMP_CAPABILITY_OOB;
    }
    s->negotiating = false;
    return true;
}

bool qmp_session_new(Chardev *chr, bool pretty, Error **errp)
{
    QmpSession *s = g_new0(QmpSession, 1);

    if (!chr_fe_init(&s->chr, chr, errp)) {
        g_free(s);
        return false;
    }
    if (!dispatch_bh) {
        dispatch_bh = main_loop_bh_new(sessions_dispatch, NULL);
    }
    s->pretty = pretty;
    s->out = g_string_new(NULL);
    s->stream = json_stream_new(session_request, s);
    s->negotiating = true;
    g_queue_init(&s->requests);
    s->named_fds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    LIST_INSERT_HEAD(&sessions, s, next);
    chr_fe_set_handlers(&s->chr, session_can_read, session_read, session_event,
                        s, NULL);
    chr_fe_set_open(&s->chr, true);
    return true;
}

/* The last words, such as SHUTDOWN, should arrive; but a client that does not
 * read must not keep the process. */
static void session_drain(QmpSession *s, int64_t end_us)
{
    ssize_t n;

    while (s->open && s->out->len && g_get_monotonic_time() < end_us) {
        n = chr_fe_write(&s->chr, s->out->str, s->out->len);
        if (n < 0) {
            return;
        }
        if (n == 0) {
            g_usleep(QMP_DRAIN_POLL_US);
        }
        g_string_erase(s->out, 0, n);
    }
}

void qmp_sessions_cleanup(void)
{
    int64_t end_us = g_get_monotonic_time() + QMP_DRAIN_US;
    QmpSession *s;

    while ((s = LIST_FIRST(&sessions))) {
        LIST_REMOVE(s, next);
        session_drain(s, end_us);
        chr_fe_remove_write_watch(&s->chr);
        chr_fe_deinit(&s->chr, false);
        g_queue_clear_full(&s->requests, (GDestroyNotify)request_free);
        json_stream_free(s->stream);
        g_string_free(s->out, TRUE);
        g_hash_table_unref(s->named_fds);
        g_free(s);
    }
    g_clear_pointer(&dispatch_bh, aio_bh_delete);
}
