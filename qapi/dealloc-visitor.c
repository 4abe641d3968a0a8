/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frees what the members of a struct own. The recursion itself, and the
 * release of structs and list nodes, is in visitor-core.c; here are the
 * leaves. Stateless, so that one static object serves all threads.
 */
#include "util/osdep.h"
#include "visitor-internal.h"

#include <json-c/json.h>

static void dealloc_free(Visitor *v)
{
}

static bool dealloc_start(Visitor *v, const char *name, Error **errp)
{
    return true;
}

static bool dealloc_check_struct(Visitor *v, Error **errp)
{
    return true;
}

static bool dealloc_next_list(Visitor *v)
{
    return false;
}

static void dealloc_end(Visitor *v)
{
}

static bool dealloc_int(Visitor *v, const char *name, int64_t *obj,
                        int64_t min, int64_t max, Error **errp)
{
    return true;
}

static bool dealloc_uint(Visitor *v, const char *name, uint64_t *obj,
                         uint64_t max, bool is_size, Error **errp)
{
    return true;
}

static bool dealloc_bool(Visitor *v, const char *name, bool *obj, Error **errp)
{
    return true;
}

static bool dealloc_number(Visitor *v, const char *name, double *obj,
                           Error **errp)
{
    return true;
}

static bool dealloc_str(Visitor *v, const char *name, char **obj, Error **errp)
{
    g_free(*obj);
    *obj = NULL;
    return true;
}

static bool dealloc_any(Visitor *v, const char *name, struct json_object **obj,
                        Error **errp)
{
    json_object_put(*obj);
    *obj = NULL;
    return true;
}

static bool dealloc_enum(Visitor *v, const char *name, int *obj,
                         const QEnumLookup *lookup, Error **errp)
{
    return true;
}

static const VisitorOps dealloc_ops = {
    .kind = VISITOR_DEALLOC,
    .free = dealloc_free,
    .start_struct = dealloc_start,
    .check_struct = dealloc_check_struct,
    .start_list = dealloc_start,
    .next_list = dealloc_next_list,
    .end = dealloc_end,
    .type_int = dealloc_int,
    .type_uint = dealloc_uint,
    .type_bool = dealloc_bool,
    .type_str = dealloc_str,
    .type_number = dealloc_number,
    .type_any = dealloc_any,
    .type_null = dealloc_start,
    .type_enum = dealloc_enum,
};

Visitor *dealloc_visitor_new(void)
{
    static Visitor visitor = { .ops = &dealloc_ops };

    return &visitor;
}
