/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP requests: find the command, check who may call it and when, run it,
 * make the response. No I/O and no session here: the monitor does that.
 *
 * The tables are constant. qmp_dispatch() runs the command in the calling
 * thread: the main thread with the big lock, or the monitor's thread for
 * out-of-band commands.
 */
#ifndef QAPI_DISPATCH_H
#define QAPI_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

struct Error;
struct json_object;

/*
 * Run a command: @args (an object, or NULL when the request has none) are not
 * checked yet. On success *@ret is the result, the caller's, or left NULL for
 * an empty object.
 */
typedef bool QmpCommandFn(struct json_object *args, struct json_object **ret,
                          struct Error **errp);

enum {
    QMP_NO_SUCCESS_RESP = 1u << 0,  /* only errors are answered */
    QMP_ALLOW_OOB       = 1u << 1,  /* may be run out of band */
    QMP_ALLOW_PRECONFIG = 1u << 2,  /* may run before the machine exists */
    QMP_DEPRECATED      = 1u << 3,
};

typedef struct QmpCommand {
    const char *name;
    QmpCommandFn *fn;
    unsigned flags;
} QmpCommand;

typedef struct QmpCommandTable {
    const QmpCommand *commands;     /* sorted by name */
    size_t count;
} QmpCommandTable;

/* qmp_find_command: NULL when there is none of that name. */
const QmpCommand *qmp_find_command(const QmpCommandTable *table,
                                   const char *name);

typedef struct QmpDispatchContext {
    bool negotiating;   /* only qmp_capabilities is known so far */
    bool oob_enabled;   /* "exec-oob" was negotiated */
    bool preconfig;     /* only QMP_ALLOW_PRECONFIG commands may run */
} QmpDispatchContext;

/* qmp_is_oob: whether @request asks for out-of-band execution; safe on any
 * value. The monitor uses it to choose the queue. */
bool qmp_is_oob(struct json_object *request);

/*
 * qmp_dispatch: carry out @request, any JSON value (NULL is null); it stays
 * the caller's.
 * Returns the response, {"return": ...} or {"error": ...} with the request's
 * "id"; NULL when the command answers nothing on success.
 */
struct json_object *qmp_dispatch(const QmpCommandTable *table,
                                 struct json_object *request,
                                 const QmpDispatchContext *ctx);

/* qmp_error_response: {"error": {"class", "desc"}} of @err, with @request's
 * "id" if it is an object that has one. @err stays the caller's. */
struct json_object *qmp_error_response(struct json_object *request,
                                       const struct Error *err);

#endif
