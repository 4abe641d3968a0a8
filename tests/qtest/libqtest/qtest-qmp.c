/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP for qtests: commands, answers, events. */
#include "util/osdep.h"
#include "libqtest-internal.h"

#include <sys/socket.h>

/* ---- JSON ---- */

struct json_object *qjson_get(struct json_object *obj, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, ".", -1);

    for (char **part = parts; *part; part++) {
        struct json_object *next = NULL;

        if (json_object_is_type(obj, json_type_array)) {
            next = json_object_array_get_idx(obj, atoi(*part));
        } else {
            json_object_object_get_ex(obj, *part, &next);
        }
        if (next == NULL) {
            g_error("no '%s' of '%s' in %s", *part, path,
                    json_object_to_json_string(obj));
        }
        obj = next;
    }
    return obj;
}

const char *qjson_str(struct json_object *obj, const char *path)
{
    obj = qjson_get(obj, path);
    g_assert_true(json_object_is_type(obj, json_type_string));
    return json_object_get_string(obj);
}

int64_t qjson_int(struct json_object *obj, const char *path)
{
    obj = qjson_get(obj, path);
    g_assert_true(json_object_is_type(obj, json_type_int));
    return json_object_get_int64(obj);
}

bool qjson_bool(struct json_object *obj, const char *path)
{
    obj = qjson_get(obj, path);
    g_assert_true(json_object_is_type(obj, json_type_boolean));
    return json_object_get_boolean(obj);
}

/* ---- The stream ---- */

/* The next object from the program. */
static struct json_object *qmp_read(QTest *qts)
{
    GString *in = qts->qmp.in;

    for (;;) {
        struct json_object *obj;

        if (in->len == 0 && !qstream_fill(&qts->qmp)) {
            g_error("the QMP connection is gone");
        }
        obj = json_tokener_parse_ex(qts->tok, in->str, in->len);
        if (obj) {
            g_string_erase(in, 0, json_tokener_get_parse_end(qts->tok));
            return obj;
        }
        g_assert_cmpint(json_tokener_get_error(qts->tok), ==,
                        json_tokener_continue);
        g_string_truncate(in, 0);
    }
}

static struct json_object *qmp_read_response(QTest *qts)
{
    for (;;) {
        struct json_object *obj = qmp_read(qts);

        if (!json_object_object_get_ex(obj, "event", NULL)) {
            return obj;
        }
        g_queue_push_tail(&qts->events, obj);
    }
}

/* One byte with the descriptor, the rest of the text follows. */
static void qmp_send_with_fd(QTest *qts, const char *text)
{
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec iov = { .iov_base = (char *)text, .iov_len = strlen(text) };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = sizeof(control),
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    ssize_t n;

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &qts->qmp_fd_to_send, sizeof(int));
    n = RETRY_ON_EINTR(sendmsg(qts->qmp.fd, &msg, MSG_NOSIGNAL));
    g_assert_cmpint(n, >, 0);
    qts->qmp_fd_to_send = -1;
    qstream_write(&qts->qmp, text + n);
}

static struct json_object *qmp_command(QTest *qts, const char *fmt,
                                       va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    g_autofree char *out = NULL;
    struct json_object *cmd;

    g_strdelimit(text, "'", '"');
    cmd = json_tokener_parse(text);
    if (cmd == NULL) {
        g_error("the test sends bad JSON: %s", text);
    }
    /* in one piece: "quit" is carried out before a newline arrives */
    out = g_strconcat(json_object_to_json_string_ext(cmd,
                                                     JSON_C_TO_STRING_PLAIN),
                      "\n", NULL);
    if (qts->qmp_fd_to_send >= 0) {
        qmp_send_with_fd(qts, out);
    } else {
        qstream_write(&qts->qmp, out);
    }
    json_object_put(cmd);
    return qmp_read_response(qts);
}

void qtest_qmp_negotiate(QTest *qts)
{
    struct json_object *greeting;

    qts->tok = json_tokener_new();
    g_queue_init(&qts->events);
    greeting = qmp_read(qts);
    qjson_get(greeting, "QMP.version");
    json_object_put(greeting);
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'qmp_capabilities'}"));
}

static void qmp_put(void *obj)
{
    json_object_put(obj);
}

void qtest_qmp_clear(QTest *qts)
{
    g_queue_clear_full(&qts->events, qmp_put);
    json_tokener_free(qts->tok);
}

/* ---- For tests ---- */

struct json_object *qtest_qmp(QTest *qts, const char *fmt, ...)
{
    struct json_object *rsp;
    va_list ap;

    va_start(ap, fmt);
    rsp = qmp_command(qts, fmt, ap);
    va_end(ap);
    return rsp;
}

struct json_object *qtest_qmp_ok(QTest *qts, const char *fmt, ...)
{
    struct json_object *rsp, *ret = NULL;
    va_list ap;

    va_start(ap, fmt);
    rsp = qmp_command(qts, fmt, ap);
    va_end(ap);
    if (!json_object_object_get_ex(rsp, "return", &ret)) {
        g_error("'%s': %s", fmt, json_object_to_json_string(rsp));
    }
    json_object_get(ret);
    json_object_put(rsp);
    return ret;
}

char *qtest_qmp_fail(QTest *qts, char **cls, const char *fmt, ...)
{
    struct json_object *rsp;
    char *desc;
    va_list ap;

    va_start(ap, fmt);
    rsp = qmp_command(qts, fmt, ap);
    va_end(ap);
    desc = g_strdup(qjson_str(rsp, "error.desc"));
    if (cls) {
        *cls = g_strdup(qjson_str(rsp, "error.class"));
    }
    json_object_put(rsp);
    return desc;
}

struct json_object *qtest_qmp_event(QTest *qts, const char *name)
{
    for (;;) {
        struct json_object *ev = g_queue_pop_head(&qts->events);

        if (ev == NULL) {
            ev = qmp_read(qts);
        }
        if (g_str_equal(qjson_str(ev, "event"), name)) {
            return ev;
        }
        json_object_put(ev);
    }
}

static int event_has_name(gconstpointer ev, gconstpointer name)
{
    return strcmp(qjson_str((struct json_object *)ev, "event"), name);
}

bool qtest_qmp_event_seen(QTest *qts, const char *name)
{
    GList *hit;

    /* events sent before the answer to this come before it */
    json_object_put(qtest_qmp_ok(qts, "{'execute': 'query-name'}"));
    hit = g_queue_find_custom(&qts->events, name, event_has_name);
    if (hit == NULL) {
        return false;
    }
    json_object_put(hit->data);
    g_queue_delete_link(&qts->events, hit);
    return true;
}

void qtest_qmp_send_fd(QTest *qts, int fd)
{
    qts->qmp_fd_to_send = fd;
}
