/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds C values from JSON, or from the tree of texts that key=value options
 * make. Everything read here is hostile; see input-convert.c for how a text
 * becomes a number.
 */
#include "util/osdep.h"
#include "input-visitor-internal.h"

#include "util/cutils.h"
#include "util/error.h"

static void input_pop(InputVisitor *iv)
{
    InputFrame *top = input_top(iv);

    if (top->asked) {
        g_ptr_array_free(top->asked, TRUE);
    }
    g_array_set_size(iv->frames, iv->frames->len - 1);
}

static void input_free(Visitor *v)
{
    InputVisitor *iv = to_input(v);

    while (iv->frames->len) {
        input_pop(iv);
    }
    g_array_free(iv->frames, TRUE);
    g_free(iv);
}

InputFrame *input_top(InputVisitor *iv)
{
    if (!iv->frames->len) {
        return NULL;
    }
    return &g_array_index(iv->frames, InputFrame, iv->frames->len - 1);
}

/* One step of a path: ".name", "[index]" or nothing. */
static void input_append_step(GString *path, const InputFrame *frame,
                              const char *name)
{
    if (frame && frame->kind == FRAME_LIST) {
        g_string_append_printf(path, "[%zu]", frame->index - 1);
    } else if (name) {
        g_string_append_printf(path, "%s%s", path->len ? "." : "", name);
    }
}

char *input_path(InputVisitor *iv, const char *name)
{
    GString *path = g_string_new(NULL);
    const InputFrame *parent = NULL;

    for (guint i = 0; i < iv->frames->len; i++) {
        const InputFrame *frame = &g_array_index(iv->frames, InputFrame, i);

        input_append_step(path, parent, frame->name);
        parent = frame;
    }
    input_append_step(path, parent, name);
    if (!path->len) {
        g_string_append(path, "value");
    }
    return g_string_free(path, FALSE);
}

bool input_type_error(InputVisitor *iv, const char *name, const char *expected,
                      Error **errp)
{
    g_autofree char *path = input_path(iv, name);

    error_setg(errp, "Invalid parameter type for '%s', expected: %s", path,
               expected);
    return false;
}

static void input_note_name(InputFrame *frame, const char *name)
{
    if (!frame->asked) {
        frame->asked = g_ptr_array_new();
    }
    g_ptr_array_add(frame->asked, (gpointer)name);
}

/*
 * Find what @name means here. Returns whether it exists; *@value may then
 * still be NULL, which is JSON's null.
 */
static bool input_find(InputVisitor *iv, const char *name,
                       struct json_object **value)
{
    InputFrame *top = input_top(iv);

    *value = NULL;
    if (!top) {
        *value = iv->root;
        return true;
    }
    switch (top->kind) {
    case FRAME_STRUCT:
        input_note_name(top, name);
        if (top->is_text) {
            *value = top->value;
            top->used_text |= !strcmp(name, "str");
            return !strcmp(name, "str");
        }
        return json_object_object_get_ex(top->value, name, value);
    case FRAME_LIST:
        *value = top->is_text ? top->value
                 : json_object_array_get_idx(top->value, top->index - 1);
        return true;
    default:
        *value = top->value;
        return true;
    }
}

static bool input_was_asked(const InputFrame *frame, const char *key)
{
    for (guint i = 0; frame->asked && i < frame->asked->len; i++) {
        if (!strcmp(g_ptr_array_index(frame->asked, i), key)) {
            return true;
        }
    }
    return false;
}

/* A member nobody asked for yet that may be @name misspelt, or NULL. */
static const char *input_find_misspelt(const InputFrame *top, const char *name)
{
    const char *const wanted[] = { name, NULL };
    struct lh_entry *entry;

    if (top->kind != FRAME_STRUCT || top->is_text) {
        return NULL;
    }
    for (entry = json_object_get_object(top->value)->head; entry;
         entry = entry->next) {
        if (!input_was_asked(top, lh_entry_k(entry)) &&
            closest_string(lh_entry_k(entry), wanted)) {
            return lh_entry_k(entry);
        }
    }
    return NULL;
}

bool input_get(InputVisitor *iv, const char *name, struct json_object **value,
               Error **errp)
{
    g_autofree char *path = NULL;
    const char *given;

    if (input_find(iv, name, value)) {
        return true;
    }
    path = input_path(iv, name);
    given = input_find_misspelt(input_top(iv), name);
    if (given) {
        error_setg(errp, "Parameter '%s' is missing, did you mean it by '%s'?",
                   path, given);
    } else {
        error_setg(errp, "Parameter '%s' is missing", path);
    }
    return false;
}

static bool input_push(InputVisitor *iv, const InputFrame *frame, Error **errp)
{
    if (iv->frames->len >= VISIT_DEPTH_MAX) {
        g_autofree char *path = input_path(iv, frame->name);

        error_setg(errp, "Parameter '%.64s...' is nested too deeply", path);
        return false;
    }
    g_array_append_val(iv->frames, *frame);
    return true;
}

static bool input_start_struct(Visitor *v, const char *name, Error **errp)
{
    InputVisitor *iv = to_input(v);
    InputFrame frame = { .kind = FRAME_STRUCT, .name = name };

    if (!input_get(iv, name, &frame.value, errp)) {
        return false;
    }
    frame.is_text = iv->mode == VISIT_INPUT_KEYVAL &&
                    json_object_is_type(frame.value, json_type_string);
    if (!frame.is_text &&
        !json_object_is_type(frame.value, json_type_object)) {
        return input_type_error(iv, name, "object", errp);
    }
    return input_push(iv, &frame, errp);
}

/* A member that no type asked for: name it, and what may have been meant. */
static void input_unexpected(InputVisitor *iv, InputFrame *top,
                             const char *key, Error **errp)
{
    g_autofree char *path = input_path(iv, key);
    const char *close;

    input_note_name(top, NULL);
    close = closest_string(key, (const char *const *)top->asked->pdata);
    if (close) {
        error_setg(errp, "Parameter '%s' is unexpected, did you mean '%s'?",
                   path, close);
    } else {
        error_setg(errp, "Parameter '%s' is unexpected", path);
    }
}

static bool input_check_struct(Visitor *v, Error **errp)
{
    InputVisitor *iv = to_input(v);
    InputFrame *top = input_top(iv);
    struct lh_entry *entry;

    if (top->is_text) {
        if (!top->used_text) {
            g_autofree char *path = input_path(iv, NULL);

            error_setg(errp, "Invalid parameter type for '%s', expected: "
                       "object", path);
        }
        return top->used_text;
    }
    for (entry = json_object_get_object(top->value)->head; entry;
         entry = entry->next) {
        if (!input_was_asked(top, lh_entry_k(entry))) {
            input_unexpected(iv, top, lh_entry_k(entry), errp);
            return false;
        }
    }
    return true;
}

static bool input_start_list(Visitor *v, const char *name, Error **errp)
{
    InputVisitor *iv = to_input(v);
    InputFrame frame = { .kind = FRAME_LIST, .name = name };

    if (!input_get(iv, name, &frame.value, errp)) {
        return false;
    }
    if (json_object_is_type(frame.value, json_type_array)) {
        frame.len = json_object_array_length(frame.value);
    } else if (iv->mode == VISIT_INPUT_KEYVAL &&
               json_object_is_type(frame.value, json_type_string)) {
        frame.is_text = true;
        frame.cursor = json_object_get_string(frame.value);
        frame.len = 1;
    } else {
        return input_type_error(iv, name, "array", errp);
    }
    return input_push(iv, &frame, errp);
}

static bool input_next_list(Visitor *v)
{
    InputFrame *top = input_top(to_input(v));

    return top->index++ < top->len;
}

static void input_end(Visitor *v)
{
    input_pop(to_input(v));
}

static void input_optional(Visitor *v, const char *name, bool *present)
{
    struct json_object *value;

    *present = input_find(to_input(v), name, &value);
}

static QapiKind json_kind(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return QAPI_KIND_BOOL;
    case json_type_int:
    case json_type_double:
        return QAPI_KIND_NUMBER;
    case json_type_string:
        return QAPI_KIND_STRING;
    case json_type_object:
        return QAPI_KIND_OBJECT;
    case json_type_array:
        return QAPI_KIND_ARRAY;
    default:
        return QAPI_KIND_NULL;
    }
}

/* Which branch a text takes when none is for strings. */
static QapiKind text_kind(const char *text, unsigned kinds)
{
    bool flag;

    if (kinds & (1u << QAPI_KIND_STRING)) {
        return QAPI_KIND_STRING;
    }
    if ((kinds & (1u << QAPI_KIND_BOOL)) && parse_bool(text, &flag, NULL)) {
        return QAPI_KIND_BOOL;
    }
    return kinds & (1u << QAPI_KIND_NUMBER) ? QAPI_KIND_NUMBER
                                            : QAPI_KIND_STRING;
}

static void append_kinds(GString *list, unsigned kinds)
{
    static const char *const names[QAPI_KIND__MAX] = {
        "null", "boolean", "number", "string", "object", "array",
    };

    for (int i = 0; i < QAPI_KIND__MAX; i++) {
        if (kinds & (1u << i)) {
            g_string_append_printf(list, "%s%s", list->len ? " or " : "",
                                   names[i]);
        }
    }
}

static bool input_start_alternate(Visitor *v, const char *name, unsigned kinds,
                                  QapiKind *kind, Error **errp)
{
    InputVisitor *iv = to_input(v);
    InputFrame frame = { .kind = FRAME_ALTERNATE, .name = name };

    if (!input_get(iv, name, &frame.value, errp)) {
        return false;
    }
    *kind = json_kind(frame.value);
    if (*kind == QAPI_KIND_STRING && iv->mode == VISIT_INPUT_KEYVAL) {
        *kind = text_kind(json_object_get_string(frame.value), kinds);
    }
    if (!(kinds & (1u << *kind))) {
        g_autoptr(GString) expected = g_string_new(NULL);

        append_kinds(expected, kinds);
        return input_type_error(iv, name, expected->str, errp);
    }
    return input_push(iv, &frame, errp);
}

static const VisitorOps input_ops = {
    .kind = VISITOR_INPUT,
    .free = input_free,
    .start_struct = input_start_struct,
    .check_struct = input_check_struct,
    .start_list = input_start_list,
    .next_list = input_next_list,
    .start_alternate = input_start_alternate,
    .end = input_end,
    .optional = input_optional,
    .type_int = input_type_int,
    .type_uint = input_type_uint,
    .type_bool = input_type_bool,
    .type_str = input_type_str,
    .type_number = input_type_number,
    .type_any = input_type_any,
    .type_null = input_type_null,
    .type_enum = input_type_enum,
};

Visitor *input_visitor_new(struct json_object *root, VisitInputMode mode)
{
    InputVisitor *iv = g_new0(InputVisitor, 1);

    iv->parent.ops = &input_ops;
    iv->root = root;
    iv->mode = mode;
    iv->frames = g_array_new(FALSE, FALSE, sizeof(InputFrame));
    return &iv->parent;
}
