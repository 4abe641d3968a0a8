/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by input-visitor.c (structure) and input-convert.c (scalars). */
#ifndef QAPI_INPUT_VISITOR_INTERNAL_H
#define QAPI_INPUT_VISITOR_INTERNAL_H

#include <json-c/json.h>

#include "visitor-internal.h"

typedef enum InputFrameKind {
    FRAME_STRUCT,
    FRAME_LIST,
    FRAME_ALTERNATE,
} InputFrameKind;

typedef struct InputFrame {
    InputFrameKind kind;
    struct json_object *value;
    const char *name;       /* in the parent; NULL: an element or the root */
    bool is_text;           /* a text stands for the struct or list */
    bool used_text;         /* struct: its member `str` was asked for */
    GPtrArray *asked;       /* struct: the names asked for so far */
    size_t index, len;      /* list: number of the element after this one */
    const char *cursor;     /* list of numbers as text: what is left */
    uint64_t range_next;    /* and the range "a-b" it is in, when in_range */
    uint64_t range_end;
    bool in_range;
} InputFrame;

typedef struct InputVisitor {
    Visitor parent;
    VisitInputMode mode;
    struct json_object *root;
    GArray *frames;
} InputVisitor;

static inline InputVisitor *to_input(Visitor *v)
{
    return container_of(v, InputVisitor, parent);
}

/* The innermost frame, or NULL at the root. */
InputFrame *input_top(InputVisitor *iv);

/* "a.b[2].name" for errors; g_free() it. */
char *input_path(InputVisitor *iv, const char *name);

/* The value called @name, or an error that it is missing. */
bool input_get(InputVisitor *iv, const char *name, struct json_object **value,
               Error **errp);

/* "Invalid parameter type for ..."; returns false. */
bool input_type_error(InputVisitor *iv, const char *name, const char *expected,
                      Error **errp);

bool input_type_int(Visitor *v, const char *name, int64_t *obj, int64_t min,
                    int64_t max, Error **errp);
bool input_type_uint(Visitor *v, const char *name, uint64_t *obj, uint64_t max,
                     bool is_size, Error **errp);
bool input_type_bool(Visitor *v, const char *name, bool *obj, Error **errp);
bool input_type_str(Visitor *v, const char *name, char **obj, Error **errp);
bool input_type_number(Visitor *v, const char *name, double *obj,
                       Error **errp);
bool input_type_any(Visitor *v, const char *name, struct json_object **obj,
                    Error **errp);
bool input_type_null(Visitor *v, const char *name, Error **errp);
bool input_type_enum(Visitor *v, const char *name, int *obj,
                     const QEnumLookup *lookup, Error **errp);

#endif
