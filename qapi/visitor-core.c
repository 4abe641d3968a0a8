/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of visiting that all kinds of visitors share. */
#include "util/osdep.h"
#include "visitor-internal.h"

#include <json-c/json.h>

#include "util/error.h"

void visit_free(Visitor *v)
{
    if (v) {
        v->ops->free(v);
    }
}

static bool visit_is_input(const Visitor *v)
{
    return v->ops->kind == VISITOR_INPUT;
}

static bool visit_is_dealloc(const Visitor *v)
{
    return v->ops->kind == VISITOR_DEALLOC;
}

bool visit_start_struct(Visitor *v, const char *name, void **obj, size_t size,
                        Error **errp)
{
    if (!v->ops->start_struct(v, name, errp)) {
        return false;
    }
    if (obj && visit_is_input(v)) {
        *obj = g_malloc0(size);
    }
    return true;
}

bool visit_check_struct(Visitor *v, Error **errp)
{
    return v->ops->check_struct(v, errp);
}

void visit_end_struct(Visitor *v)
{
    v->ops->end(v);
}

bool visit_start_list(Visitor *v, const char *name, Error **errp)
{
    return v->ops->start_list(v, name, errp);
}

bool visit_next_list(Visitor *v)
{
    return v->ops->next_list(v);
}

void visit_end_list(Visitor *v)
{
    v->ops->end(v);
}

void visit_optional(Visitor *v, const char *name, bool *present)
{
    if (v->ops->optional) {
        v->ops->optional(v, name, present);
    }
}

#define VISIT_INT(type_name, ctype, min, max)                                  \
    bool visit_type_##type_name(Visitor *v, const char *name, ctype *obj,      \
                                Error **errp)                                  \
    {                                                                          \
        int64_t val = *obj;                                                    \
                                                                               \
        if (!v->ops->type_int(v, name, &val, min, max, errp)) {                \
            return false;                                                      \
        }                                                                      \
        *obj = val;                                                            \
        return true;                                                           \
    }

#define VISIT_UINT(type_name, ctype, max, is_size)                             \
    bool visit_type_##type_name(Visitor *v, const char *name, ctype *obj,      \
                                Error **errp)                                  \
    {                                                                          \
        uint64_t val = *obj;                                                   \
                                                                               \
        if (!v->ops->type_uint(v, name, &val, max, is_size, errp)) {           \
            return false;                                                      \
        }                                                                      \
        *obj = val;                                                            \
        return true;                                                           \
    }

VISIT_INT(int, int64_t, INT64_MIN, INT64_MAX)
VISIT_INT(int8, int8_t, INT8_MIN, INT8_MAX)
VISIT_INT(int16, int16_t, INT16_MIN, INT16_MAX)
VISIT_INT(int32, int32_t, INT32_MIN, INT32_MAX)
VISIT_INT(int64, int64_t, INT64_MIN, INT64_MAX)
VISIT_UINT(uint8, uint8_t, UINT8_MAX, false)
VISIT_UINT(uint16, uint16_t, UINT16_MAX, false)
VISIT_UINT(uint32, uint32_t, UINT32_MAX, false)
VISIT_UINT(uint64, uint64_t, UINT64_MAX, false)
VISIT_UINT(size, uint64_t, UINT64_MAX, true)

bool visit_type_bool(Visitor *v, const char *name, bool *obj, Error **errp)
{
    return v->ops->type_bool(v, name, obj, errp);
}

bool visit_type_str(Visitor *v, const char *name, char **obj, Error **errp)
{
    return v->ops->type_str(v, name, obj, errp);
}

bool visit_type_number(Visitor *v, const char *name, double *obj, Error **errp)
{
    return v->ops->type_number(v, name, obj, errp);
}

bool visit_type_any(Visitor *v, const char *name, struct json_object **obj,
                    Error **errp)
{
    return v->ops->type_any(v, name, obj, errp);
}

bool visit_type_null(Visitor *v, const char *name, bool *obj, Error **errp)
{
    if (!v->ops->type_null(v, name, errp)) {
        return false;
    }
    *obj = true;
    return true;
}

bool visit_type_enum(Visitor *v, const char *name, int *obj,
                     const QEnumLookup *lookup, Error **errp)
{
    return v->ops->type_enum(v, name, obj, lookup, errp);
}

bool qapi_visit_struct(Visitor *v, const char *name, void **obj, size_t size,
                       QapiMembersFn *members, Error **errp)
{
    bool ok;

    if (visit_is_dealloc(v)) {
        if (*obj) {
            members(v, *obj, NULL);
            g_free(*obj);
            *obj = NULL;
        }
        return true;
    }
    if (!visit_start_struct(v, name, obj, size, errp)) {
        return false;
    }
    ok = members(v, *obj, errp) && visit_check_struct(v, errp);
    visit_end_struct(v);
    if (!ok && visit_is_input(v)) {
        qapi_free_struct(*obj, members);
        *obj = NULL;
    }
    return ok;
}

static bool input_list(Visitor *v, const char *name, GenericList **list,
                       size_t node_size, QapiMembersFn *element, Error **errp)
{
    GenericList **tail = list;

    *list = NULL;
    if (!visit_start_list(v, name, errp)) {
        return false;
    }
    while (visit_next_list(v)) {
        *tail = g_malloc0(node_size);
        if (!element(v, (*tail)->value, errp)) {
            visit_end_list(v);
            qapi_free_list(*list, element);
            *list = NULL;
            return false;
        }
        tail = &(*tail)->next;
    }
    visit_end_list(v);
    return true;
}

bool qapi_visit_list(Visitor *v, const char *name, GenericList **list,
                     size_t node_size, QapiMembersFn *element, Error **errp)
{
    GenericList *node;

    if (visit_is_input(v)) {
        return input_list(v, name, list, node_size, element, errp);
    }
    if (visit_is_dealloc(v)) {
        while ((node = *list)) {
            *list = node->next;
            element(v, node->value, NULL);
            g_free(node);
        }
        return true;
    }
    visit_start_list(v, name, errp);
    for (node = *list; node; node = node->next) {
        visit_next_list(v);
        element(v, node->value, errp);
    }
    visit_end_list(v);
    return true;
}

bool qapi_visit_alternate(Visitor *v, const char *name, GenericAlternate **obj,
                          size_t size, unsigned kinds, QapiMembersFn *branch,
                          Error **errp)
{
    QapiKind kind = *obj ? (*obj)->type : QAPI_KIND__MAX;
    bool ok;

    if (visit_is_dealloc(v)) {
        if (*obj) {
            branch(v, *obj, NULL);
            g_free(*obj);
            *obj = NULL;
        }
        return true;
    }
    if (!v->ops->start_alternate(v, name, kinds, &kind, errp)) {
        return false;
    }
    if (visit_is_input(v)) {
        *obj = g_malloc0(size);
        (*obj)->type = kind;
    }
    ok = branch(v, *obj, errp);
    v->ops->end(v);
    if (!ok && visit_is_input(v)) {
        qapi_free_struct(*obj, branch);
        *obj = NULL;
    }
    return ok;
}

bool qapi_visit_branch_struct(Visitor *v, void *obj, QapiMembersFn *members,
                              Error **errp)
{
    bool ok;

    if (visit_is_dealloc(v)) {
        return members(v, obj, NULL);
    }
    if (!visit_start_struct(v, NULL, NULL, 0, errp)) {
        return false;
    }
    ok = members(v, obj, errp) && visit_check_struct(v, errp);
    visit_end_struct(v);
    return ok;
}

void qapi_free_struct(void *obj, QapiMembersFn *members)
{
    if (obj) {
        qapi_free_args(obj, members);
        g_free(obj);
    }
}

void qapi_free_list(GenericList *list, QapiMembersFn *element)
{
    g_autoptr(Visitor) v = dealloc_visitor_new();

    qapi_visit_list(v, NULL, &list, 0, element, NULL);
}

bool qapi_visit_args(struct json_object *args, void *obj,
                     QapiMembersFn *members, Error **errp)
{
    struct json_object *none = args ? NULL : json_object_new_object();
    Visitor *v = input_visitor_new(args ? args : none, VISIT_INPUT_JSON);
    bool ok;

    ok = visit_start_struct(v, NULL, NULL, 0, errp);
    if (ok) {
        ok = members(v, obj, errp) && visit_check_struct(v, errp);
        visit_end_struct(v);
    }
    visit_free(v);
    json_object_put(none);
    return ok;
}

bool qapi_no_members(Visitor *v, void *obj, Error **errp)
{
    return true;
}

void qapi_free_args(void *obj, QapiMembersFn *members)
{
    g_autoptr(Visitor) v = dealloc_visitor_new();

    members(v, obj, NULL);
}

struct json_object *qapi_output_args(void *obj, QapiMembersFn *members)
{
    g_autoptr(Visitor) v = output_visitor_new();

    visit_start_struct(v, NULL, NULL, 0, NULL);
    members(v, obj, NULL);
    visit_end_struct(v);
    return output_visitor_take(v);
}
