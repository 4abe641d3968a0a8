/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property rows whose values are text: strings, enums, addresses, UUIDs. */
#include "util/osdep.h"
#include "qom/property.h"
#include <json-c/json.h>
#include "util/cutils.h"
#include "qapi/visitor.h"
#include "qapi/qapi-types-common.h"

/* ---- Strings ---- */

static bool prop_string_get(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    char **field = property_field(obj, opaque);
    char *shown = *field ? *field : (char *)"";

    return visit_type_str(v, name, &shown, errp);
}

static bool prop_string_set(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    char **field = property_field(obj, opaque);
    char *value = NULL;

    if (!visit_type_str(v, name, &value, errp)) {
        return false;
    }
    g_free(*field);
    *field = value;
    return true;
}

static void prop_string_release(Object *obj, const char *name, void *opaque)
{
    char **field = property_field(obj, opaque);

    g_clear_pointer(field, g_free);
}

static void prop_string_set_default(Object *obj, const Property *row)
{
    *(char **)property_field(obj, row) = g_strdup(row->def.s);
}

static struct json_object *prop_string_default_json(const Property *row)
{
    return row->def.s ? json_object_new_string(row->def.s) : NULL;
}

const PropertyInfo prop_info_string = {
    .type = "str", .get = prop_string_get, .set = prop_string_set,
    .set_default = prop_string_set_default,
    .default_json = prop_string_default_json, .release = prop_string_release,
};

/* ---- Enums ---- */

bool prop_enum_get(Object *obj, Visitor *v, const char *name, void *opaque,
                   Error **errp)
{
    const Property *row = opaque;

    return visit_type_enum(v, name, property_field(obj, row),
                           row->info->enum_lookup, errp);
}

/* JSON's true and false are "on" and "off" here, as older clients send them. */
bool prop_enum_set(Object *obj, Visitor *v, const char *name, void *opaque,
                   Error **errp)
{
    const Property *row = opaque;
    struct json_object *value = NULL;
    bool ok;

    if (!visit_type_any(v, name, &value, errp)) {
        return false;
    }
    if (json_object_is_type(value, json_type_boolean)) {
        bool on = json_object_get_boolean(value);

        json_object_put(value);
        value = json_object_new_string(on ? "on" : "off");
    }
    v = input_visitor_new(value, VISIT_INPUT_JSON);
    ok = visit_type_enum(v, name, property_field(obj, row),
                         row->info->enum_lookup, errp);
    visit_free(v);
    json_object_put(value);
    return ok;
}

void prop_enum_set_default(Object *obj, const Property *row)
{
    *(int *)property_field(obj, row) = row->def.i;
}

struct json_object *prop_enum_default_json(const Property *row)
{
    const char *text = qapi_enum_str(row->info->enum_lookup, row->def.i);

    return text ? json_object_new_string(text) : NULL;
}

DEFINE_PROP_ENUM_INFO(prop_info_on_off_auto, "OnOffAuto", OnOffAuto_lookup);

/* ---- Ethernet addresses ---- */

static bool prop_macaddr_get(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    char text[MAC_STR_LEN + 1];
    char *shown = text;
    MacAddr mac;

    memcpy(mac.a, property_field(obj, opaque), sizeof(mac.a));
    mac_to_string(&mac, text);
    return visit_type_str(v, name, &shown, errp);
}

static bool prop_macaddr_set(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    g_autofree char *text = NULL;
    MacAddr mac;

    if (!visit_type_str(v, name, &text, errp)) {
        return false;
    }
    if (!mac_from_string(text, &mac, errp)) {
        error_prepend(errp, "Property '%s.%s': ", object_get_typename(obj),
                      name);
        return false;
    }
    memcpy(property_field(obj, opaque), mac.a, sizeof(mac.a));
    return true;
}

const PropertyInfo prop_info_macaddr = {
    .type = "str", .get = prop_macaddr_get, .set = prop_macaddr_set,
};

/* ---- UUIDs: Uuid fields; "auto" makes a random one ---- */

static bool prop_uuid_get(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    char text[UUID_STR_LEN + 1];
    char *shown = text;

    uuid_to_string(property_field(obj, opaque), text);
    return visit_type_str(v, name, &shown, errp);
}

static bool prop_uuid_set(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    g_autofree char *text = NULL;

    if (!visit_type_str(v, name, &text, errp)) {
        return false;
    }
    if (g_str_equal(text, "auto")) {
        uuid_generate_random(property_field(obj, opaque));
        return true;
    }
    if (!uuid_from_string(text, property_field(obj, opaque), errp)) {
        error_prepend(errp, "Property '%s.%s': ", object_get_typename(obj),
                      name);
        return false;
    }
    return true;
}

const PropertyInfo prop_info_uuid = {
    .type = "str", .get = prop_uuid_get, .set = prop_uuid_set,
};
