/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Enum names and JSON values as text. */
#include "util/osdep.h"
#include "qapi/qapi-types.h"

#include <json-c/json.h>

#include "qapi/visitor.h"
#include "util/cutils.h"
#include "util/error.h"

/* More values than these do not help in an error. */
#define ENUM_LIST_MAX 12

const char *qapi_enum_str(const QEnumLookup *lookup, int val)
{
    const char *name = lookup->names;

    if (val < 0 || val >= lookup->size) {
        return NULL;
    }
    while (val--) {
        name += strlen(name) + 1;
    }
    return name;
}

int qapi_enum_find(const QEnumLookup *lookup, const char *name)
{
    const char *pos = lookup->names;

    for (int i = 0; i < lookup->size; i++) {
        if (!strcmp(pos, name)) {
            return i;
        }
        pos += strlen(pos) + 1;
    }
    return -1;
}

const char *qapi_enum_closest(const QEnumLookup *lookup, const char *name)
{
    g_autofree const char **all = g_new0(const char *, lookup->size + 1);
    const char *pos = lookup->names;

    for (int i = 0; i < lookup->size; i++) {
        all[i] = pos;
        pos += strlen(pos) + 1;
    }
    return closest_string(name, all);
}

/* What the schema says of a value that was left out, or NULL. */
static const char *enum_absent(const QEnumLookup *lookup, const char *name)
{
    const char *pos = lookup->absent;

    while (pos && *pos) {
        const char *instead = pos + strlen(pos) + 1;

        if (!strcmp(pos, name)) {
            return instead;
        }
        pos = instead + strlen(instead) + 1;
    }
    return NULL;
}

static char *enum_list(const QEnumLookup *lookup)
{
    GString *list = g_string_new(NULL);
    const char *pos = lookup->names;

    for (int i = 0; i < lookup->size; i++) {
        g_string_append_printf(list, "%s%s", i ? ", " : "", pos);
        pos += strlen(pos) + 1;
    }
    return g_string_free(list, FALSE);
}

char *qapi_enum_unknown(const QEnumLookup *lookup, const char *name)
{
    const char *instead = enum_absent(lookup, name);
    const char *close = qapi_enum_closest(lookup, name);
    g_autofree char *list = NULL;

    if (instead) {
        return g_strdup_printf(": %s", instead);
    }
    if (close) {
        return g_strdup_printf(", did you mean '%s'?", close);
    }
    if (lookup->size == 1 || lookup->size > ENUM_LIST_MAX) {
        return g_strdup("");
    }
    list = enum_list(lookup);
    return g_strdup_printf(" (valid: %s)", list);
}

int qapi_enum_parse(const QEnumLookup *lookup, const char *name, int def,
                    Error **errp)
{
    g_autofree char *help = NULL;
    int val;

    if (!name) {
        return def;
    }
    val = qapi_enum_find(lookup, name);
    if (val >= 0) {
        return val;
    }
    help = qapi_enum_unknown(lookup, name);
    error_setg(errp, "invalid value '%s'%s", name, help);
    return -1;
}

void json_put(struct json_object *value)
{
    json_object_put(value);
}

char *qapi_value_to_string(struct json_object *value, bool human)
{
    if (json_object_is_type(value, json_type_string)) {
        return g_strdup(json_object_get_string(value));
    }
    if (human && json_object_is_type(value, json_type_int)) {
        uint64_t val = json_object_get_uint64(value);

        if (val > 1023 && json_object_get_int64(value) > 0) {
            g_autofree char *size = size_to_str(val);

            return g_strdup_printf("%" PRIu64 " (%s)", val, size);
        }
    }
    return g_strdup(json_object_to_json_string_ext(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
