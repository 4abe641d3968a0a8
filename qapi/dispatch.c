/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP requests to responses; see include/qapi/dispatch.h. */
#include "util/osdep.h"
#include "qapi/dispatch.h"

#include <json-c/json.h>

#include "util/error.h"

typedef struct QmpRequest {
    const char *command;
    struct json_object *args;
    bool oob;
} QmpRequest;

static int compare_name(const void *key, const void *entry)
{
    const QmpCommand *cmd = entry;

    return strcmp(key, cmd->name);
}

const QmpCommand *qmp_find_command(const QmpCommandTable *table,
                                   const char *name)
{
    return bsearch(name, table->commands, table->count, sizeof(QmpCommand),
                   compare_name);
}

bool qmp_is_oob(struct json_object *request)
{
    return json_object_is_type(request, json_type_object) &&
           json_object_object_get_ex(request, "exec-oob", NULL) &&
           !json_object_object_get_ex(request, "execute", NULL);
}

static bool request_member(const char *key, struct json_object *val,
                           const QmpDispatchContext *ctx, QmpRequest *req,
                           Error **errp)
{
    bool oob = ctx->oob_enabled && !strcmp(key, "exec-oob");

    if (oob || !strcmp(key, "execute")) {
        if (!json_object_is_type(val, json_type_string)) {
            error_setg(errp, "QMP input member '%s' must be a string", key);
            return false;
        }
        if (req->command) {
            error_setg(errp, "QMP input member '%s' clashes with '%s'", key,
                       oob ? "execute" : "exec-oob");
            return false;
        }
        req->command = json_object_get_string(val);
        req->oob = oob;
        return true;
    }
    if (!strcmp(key, "arguments")) {
        if (!json_object_is_type(val, json_type_object)) {
            error_setg(errp, "QMP input member 'arguments' must be an object");
            return false;
        }
        req->args = val;
        return true;
    }
    if (!strcmp(key, "id")) {
        return true;
    }
    error_setg(errp, "QMP input member '%s' is unexpected", key);
    return false;
}

static bool request_read(struct json_object *request,
                         const QmpDispatchContext *ctx, QmpRequest *req,
                         Error **errp)
{
    struct lh_entry *entry;

    if (!json_object_is_type(request, json_type_object)) {
        error_setg(errp, "QMP input must be a JSON object");
        return false;
    }
    for (entry = json_object_get_object(request)->head; entry;
         entry = entry->next) {
        if (!request_member(lh_entry_k(entry), lh_entry_v(entry), ctx, req,
                            errp)) {
            return false;
        }
    }
    if (!req->command) {
        error_setg(errp, "QMP input lacks member 'execute'");
        return false;
    }
    return true;
}

/* Whether the session is in a state in which @cmd may run. */
static bool command_allowed(const QmpCommand *cmd, const QmpRequest *req,
                            const QmpDispatchContext *ctx, Error **errp)
{
    bool negotiation = !strcmp(req->command, "qmp_capabilities");

    if (ctx->negotiating && !negotiation) {
        error_set(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                  "Expecting capabilities negotiation with "
                  "'qmp_capabilities'");
        return false;
    }
    if (!cmd) {
        error_set(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                  "The command %s has not been found", req->command);
        return false;
    }
    if (!ctx->negotiating && negotiation) {
        error_set(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                  "Capabilities negotiation is already complete, command "
                  "ignored");
        return false;
    }
    if (req->oob && !(cmd->flags & QMP_ALLOW_OOB)) {
        error_setg(errp, "The command %s does not support OOB", req->command);
        return false;
    }
    if (ctx->preconfig && !(cmd->flags & QMP_ALLOW_PRECONFIG)) {
        error_setg(errp, "The command '%s' isn't permitted before the machine "
                   "exists", req->command);
        return false;
    }
    return true;
}

static void response_add_id(struct json_object *response,
                            struct json_object *request)
{
    struct json_object *id;

    if (json_object_is_type(request, json_type_object) &&
        json_object_object_get_ex(request, "id", &id)) {
        json_object_object_add(response, "id", json_object_get(id));
    }
}

struct json_object *qmp_error_response(struct json_object *request,
                                       const Error *err)
{
    struct json_object *response = json_object_new_object();
    struct json_object *error = json_object_new_object();
    g_autofree char *desc = g_utf8_make_valid(error_get_pretty(err), -1);

    json_object_object_add(error, "class", json_object_new_string(
                               error_class_name(error_get_class(err))));
    json_object_object_add(error, "desc", json_object_new_string(desc));
    json_object_object_add(response, "error", error);
    response_add_id(response, request);
    return response;
}

struct json_object *qmp_dispatch(const QmpCommandTable *table,
                                 struct json_object *request,
                                 const QmpDispatchContext *ctx)
{
    struct json_object *response, *ret = NULL;
    const QmpCommand *cmd = NULL;
    QmpRequest req = { 0 };
    g_autoptr(Error) err = NULL;
    bool ok;

    ok = request_read(request, ctx, &req, &err);
    if (ok) {
        cmd = qmp_find_command(table, req.command);
        ok = command_allowed(cmd, &req, ctx, &err) &&
             cmd->fn(req.args, &ret, &err);
    }
    if (!ok) {
        if (!err) {
            error_setg(&err, "the command %s failed", req.command);
        }
        return qmp_error_response(request, err);
    }
    if (cmd->flags & QMP_NO_SUCCESS_RESP) {
        json_object_put(ret);
        return NULL;
    }
    response = json_object_new_object();
    json_object_object_add(response, "return",
                           ret ? ret : json_object_new_object());
    response_add_id(response, request);
    return response;
}
