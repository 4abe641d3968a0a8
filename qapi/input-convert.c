/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scalars of the input visitor: type and range checks, text to numbers. */
#include "util/osdep.h"
#include "input-visitor-internal.h"

#include <math.h>

#include "util/cutils.h"
#include "util/error.h"

/* "1,3-5" makes at most this many list elements: more than any CPU or node
 * list needs, and a bound on what "0-18446744073709551615" can allocate. */
#define TEXT_LIST_MAX 65536

static bool is_text(InputVisitor *iv, struct json_object *value)
{
    return iv->mode == VISIT_INPUT_KEYVAL &&
           json_object_is_type(value, json_type_string);
}

/* "Parameter 'x' expects TYPE[, not 'text']"; @text may be NULL. */
static bool value_error(InputVisitor *iv, const char *name, const char *type,
                        const char *text, Error **errp)
{
    g_autofree char *path = input_path(iv, name);

    if (text) {
        error_setg(errp, "Parameter '%s' expects %s, not '%s'", path, type,
                   text);
    } else {
        error_setg(errp, "Parameter '%s' expects %s", path, type);
    }
    return false;
}

static bool int_error(InputVisitor *iv, const char *name, int64_t min,
                      int64_t max, const char *text, Error **errp)
{
    g_autofree char *type = NULL;

    if (min == INT64_MIN) {
        return value_error(iv, name, "an integer", text, errp);
    }
    type = g_strdup_printf("an integer from %" PRId64 " to %" PRId64, min,
                           max);
    return value_error(iv, name, type, text, errp);
}

static bool uint_error(InputVisitor *iv, const char *name, uint64_t max,
                       bool is_size, const char *text, Error **errp)
{
    g_autofree char *type = NULL;

    if (is_size) {
        return value_error(iv, name, "a size (a number and a suffix of B, K, "
                           "M, G, T, P, E)", text, errp);
    }
    type = g_strdup_printf("an integer from 0 to %" PRIu64, max);
    return value_error(iv, name, type, text, errp);
}

/* Cut "a" or "a-b" off the front of a text list. */
static bool text_list_cut(InputFrame *frame)
{
    g_autofree char *item = NULL;
    const char *comma = strchr(frame->cursor, ',');
    char *dash;

    item = comma ? g_strndup(frame->cursor, comma - frame->cursor)
                 : g_strdup(frame->cursor);
    dash = strchr(item, '-');
    if (dash) {
        *dash = '\0';
    }
    if (!parse_uint64(item, &frame->range_next, NULL)) {
        return false;
    }
    frame->range_end = frame->range_next;
    if (dash && !parse_uint64(dash + 1, &frame->range_end, NULL)) {
        return false;
    }
    if (frame->range_end < frame->range_next) {
        return false;
    }
    frame->cursor = comma ? comma + 1 : NULL;
    frame->in_range = true;
    return true;
}

/* The next number of a list given as text; grows the list as it goes. */
static bool text_list_next(InputFrame *frame, uint64_t *val)
{
    if (!frame->in_range && !text_list_cut(frame)) {
        return false;
    }
    *val = frame->range_next;
    if (frame->range_next < frame->range_end) {
        frame->range_next++;
    } else {
        frame->in_range = false;
    }
    if (frame->in_range || frame->cursor) {
        frame->len++;
    }
    return frame->len <= TEXT_LIST_MAX;
}

static InputFrame *text_list_top(InputVisitor *iv)
{
    InputFrame *top = input_top(iv);

    return top && top->kind == FRAME_LIST && top->is_text ? top : NULL;
}

bool input_type_int(Visitor *v, const char *name, int64_t *obj, int64_t min,
                    int64_t max, Error **errp)
{
    InputVisitor *iv = to_input(v);
    struct json_object *value;
    int64_t val;

    if (!input_get(iv, name, &value, errp)) {
        return false;
    }
    if (is_text(iv, value)) {
        const char *text = json_object_get_string(value);

        if (!parse_int64(text, &val, NULL)) {
            return int_error(iv, name, min, max, text, errp);
        }
    } else if (json_object_is_type(value, json_type_int)) {
        val = json_object_get_int64(value);
        /* json-c clamps; more than INT64_MAX shows in the unsigned view. */
        if (val > 0 && json_object_get_uint64(value) != (uint64_t)val) {
            return int_error(iv, name, min, max, NULL, errp);
        }
    } else {
        return input_type_error(iv, name, "integer", errp);
    }
    if (val < min || val > max) {
        return int_error(iv, name, min, max, NULL, errp);
    }
    *obj = val;
    return true;
}

static bool text_to_uint(InputVisitor *iv, struct json_object *value,
                         bool is_size, uint64_t *val)
{
    InputFrame *list = text_list_top(iv);
    const char *text = json_object_get_string(value);

    if (list && !is_size) {
        return text_list_next(list, val);
    }
    return is_size ? parse_size(text, 'B', val, NULL)
                   : parse_uint64(text, val, NULL);
}

bool input_type_uint(Visitor *v, const char *name, uint64_t *obj, uint64_t max,
                     bool is_size, Error **errp)
{
    InputVisitor *iv = to_input(v);
    struct json_object *value;
    uint64_t val;

    if (!input_get(iv, name, &value, errp)) {
        return false;
    }
    if (is_text(iv, value)) {
        if (!text_to_uint(iv, value, is_size, &val)) {
            return uint_error(iv, name, max, is_size,
                              json_object_get_string(value), errp);
        }
    } else if (json_object_is_type(value, json_type_int)) {
        if (json_object_get_int64(value) < 0) {
            return uint_error(iv, name, max, is_size, NULL, errp);
        }
        val = json_object_get_uint64(value);
    } else {
        return input_type_error(iv, name, "integer", errp);
    }
    if (val > max) {
        return uint_error(iv, name, max, is_size, NULL, errp);
    }
    *obj = val;
    return true;
}

bool input_type_bool(Visitor *v, const char *name, bool *obj, Error **errp)
{
    InputVisitor *iv = to_input(v);
    struct json_object *value;

    if (!input_get(iv, name, &value, errp)) {
        return false;
    }
    if (is_text(iv, value)) {
        const char *text = json_object_get_string(value);

        return parse_bool(text, obj, NULL) ||
               value_error(iv, name, "'on' or 'off'", text, errp);
    }
    if (!json_object_is_type(value, json_type_boolean)) {
        return input_type_error(iv, name, "boolean", errp);
    }
    *obj = json_object_get_boolean(value);
    return true;
}

/* The C string of a JSON string; one with NUL inside has none. */
static const char *get_c_string(InputVisitor *iv, const char *name,
                                struct json_object *value, Error **errp)
{
    const char *str;

    if (!json_object_is_type(value, json_type_string)) {
        input_type_error(iv, name, "string", errp);
        return NULL;
    }
    str = json_object_get_string(value);
    if (strlen(str) != (size_t)json_object_get_string_len(value)) {
        value_error(iv, name, "a string without NUL bytes", NULL, errp);
        return NULL;
    }
    return str;
}

bool input_type_str(Visitor *v, const char *name, char **obj, Error **errp)
{
    InputVisitor *iv = to_input(v);
    struct json_object *value;
    const char *str;

    if (!input_get(iv, name, &value, errp)) {
        return false;
    }
    str = get_c_string(iv, name, value, errp);
    if (!str) {
        return false;
    }
    *obj = g_strdup(str);
    return true;
}

bool input_type_number(Visitor *v, const char *name, double *obj, Error **errp)
{
    InputVisitor *iv = to_input(v);
    struct json_object *value;
    double val;

    if (!input_get(iv, name, &value, errp)) {
        return false;
    }
    if (is_text(iv, value)) {
        const char *text = json_object_get_string(value);
        char *end;

        val = g_ascii_strtod(text, &end);
        if (end == text || *end || !isfinite(val)) {
            return value_error(iv, name, "a number", text, errp);
        }
    } else if (json_object_is_type(value, json_type_double) ||
               json_object_is_type(value, json_type_int)) {
        val = json_object_get_double(value);
    } else {
        return input_type_error(iv, name, "number", errp);
    }
    *obj = val;
    return true;
}

bool input_type_any(Visitor *v, const char *name, struct json_object **obj,
                    Error **errp)
{
    struct json_object *value;

    if (!input_get(to_input(v), name, &value, errp)) {
        return false;
    }
    *obj = json_object_get(value);
    return true;
}

bool input_type_null(Visitor *v, const char *name, Error **errp)
{
    InputVisitor *iv = to_input(v);
    struct json_object *value;

    if (!input_get(iv, name, &value, errp)) {
        return false;
    }
    return !value || input_type_error(iv, name, "null", errp);
}

bool input_type_enum(Visitor *v, const char *name, int *obj,
                     const QEnumLookup *lookup, Error **errp)
{
    InputVisitor *iv = to_input(v);
    struct json_object *value;
    const char *str;
    g_autofree char *path = NULL;
    g_autofree char *help = NULL;
    int val;

    if (!input_get(iv, name, &value, errp)) {
        return false;
    }
    str = get_c_string(iv, name, value, errp);
    if (!str) {
        return false;
    }
    val = qapi_enum_find(lookup, str);
    if (val >= 0) {
        *obj = val;
        return true;
    }
    path = input_path(iv, name);
    help = qapi_enum_unknown(lookup, str);
    error_setg(errp, "Parameter '%s' does not accept value '%s'%s", path, str,
               help);
    return false;
}
