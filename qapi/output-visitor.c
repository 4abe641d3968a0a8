/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes JSON of a C value. Never fails: json-c's allocation failures aside. */
#include "util/osdep.h"
#include "visitor-internal.h"

#include <json-c/json.h>

#include "util/error.h"

typedef struct OutputFrame {
    struct json_object *container;  /* NULL: an alternate */
    const char *name;               /* of the alternate in its parent */
} OutputFrame;

typedef struct OutputVisitor {
    Visitor parent;
    GArray *frames;
    struct json_object *root;
} OutputVisitor;

static OutputVisitor *to_output(Visitor *v)
{
    return container_of(v, OutputVisitor, parent);
}

static void output_free(Visitor *v)
{
    OutputVisitor *ov = to_output(v);

    g_array_free(ov->frames, TRUE);
    json_object_put(ov->root);
    g_free(ov);
}

/* Store @value, ours to give, where @name says. */
static void output_add(OutputVisitor *ov, const char *name,
                       struct json_object *value)
{
    for (guint i = ov->frames->len; i > 0; i--) {
        OutputFrame *top = &g_array_index(ov->frames, OutputFrame, i - 1);

        if (!top->container) {
            name = top->name;
        } else if (json_object_is_type(top->container, json_type_array)) {
            json_object_array_add(top->container, value);
            return;
        } else {
            json_object_object_add(top->container, name ? name : "", value);
            return;
        }
    }
    json_object_put(ov->root);
    ov->root = value;
}

static void output_push(OutputVisitor *ov, struct json_object *container,
                        const char *name)
{
    OutputFrame frame = { .container = container, .name = name };

    g_array_append_val(ov->frames, frame);
}

static bool output_start_struct(Visitor *v, const char *name, Error **errp)
{
    struct json_object *obj = json_object_new_object();

    output_add(to_output(v), name, obj);
    output_push(to_output(v), obj, NULL);
    return true;
}

static bool output_check_struct(Visitor *v, Error **errp)
{
    return true;
}

static bool output_start_list(Visitor *v, const char *name, Error **errp)
{
    struct json_object *obj = json_object_new_array();

    output_add(to_output(v), name, obj);
    output_push(to_output(v), obj, NULL);
    return true;
}

static bool output_next_list(Visitor *v)
{
    return true;
}

static bool output_start_alternate(Visitor *v, const char *name,
                                   unsigned kinds, QapiKind *kind,
                                   Error **errp)
{
    output_push(to_output(v), NULL, name);
    return true;
}

static void output_end(Visitor *v)
{
    OutputVisitor *ov = to_output(v);

    g_array_set_size(ov->frames, ov->frames->len - 1);
}

static bool output_int(Visitor *v, const char *name, int64_t *obj, int64_t min,
                       int64_t max, Error **errp)
{
    output_add(to_output(v), name, json_object_new_int64(*obj));
    return true;
}

static bool output_uint(Visitor *v, const char *name, uint64_t *obj,
                        uint64_t max, bool is_size, Error **errp)
{
    output_add(to_output(v), name, json_object_new_uint64(*obj));
    return true;
}

static bool output_bool(Visitor *v, const char *name, bool *obj, Error **errp)
{
    output_add(to_output(v), name, json_object_new_boolean(*obj));
    return true;
}

/*
 * A missing mandatory string is shown as an empty one: members of that kind
 * are easy to forget, and must not make a client fail. Host file names may
 * hold any bytes, JSON must be UTF-8.
 */
static bool output_str(Visitor *v, const char *name, char **obj, Error **errp)
{
    const char *str = *obj ? *obj : "";
    g_autofree char *valid = NULL;

    if (!g_utf8_validate(str, -1, NULL)) {
        str = valid = g_utf8_make_valid(str, -1);
    }
    output_add(to_output(v), name, json_object_new_string(str));
    return true;
}

static bool output_number(Visitor *v, const char *name, double *obj,
                          Error **errp)
{
    output_add(to_output(v), name, json_object_new_double(*obj));
    return true;
}

static bool output_any(Visitor *v, const char *name, struct json_object **obj,
                       Error **errp)
{
    output_add(to_output(v), name, json_object_get(*obj));
    return true;
}

static bool output_null(Visitor *v, const char *name, Error **errp)
{
    output_add(to_output(v), name, NULL);
    return true;
}

static bool output_enum(Visitor *v, const char *name, int *obj,
                        const QEnumLookup *lookup, Error **errp)
{
    const char *str = qapi_enum_str(lookup, *obj);

    output_add(to_output(v), name, json_object_new_string(str ? str : ""));
    return true;
}

static const VisitorOps output_ops = {
    .kind = VISITOR_OUTPUT,
    .free = output_free,
    .start_struct = output_start_struct,
    .check_struct = output_check_struct,
    .start_list = output_start_list,
    .next_list = output_next_list,
    .start_alternate = output_start_alternate,
    .end = output_end,
    .type_int = output_int,
    .type_uint = output_uint,
    .type_bool = output_bool,
    .type_str = output_str,
    .type_number = output_number,
    .type_any = output_any,
    .type_null = output_null,
    .type_enum = output_enum,
};

Visitor *output_visitor_new(void)
{
    OutputVisitor *ov = g_new0(OutputVisitor, 1);

    ov->parent.ops = &output_ops;
    ov->frames = g_array_new(FALSE, FALSE, sizeof(OutputFrame));
    return &ov->parent;
}

struct json_object *output_visitor_take(Visitor *v)
{
    OutputVisitor *ov = to_output(v);
    struct json_object *root = ov->root;

    ov->root = NULL;
    return root;
}
