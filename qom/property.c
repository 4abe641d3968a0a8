/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property tables: defaults, and the number types of their rows. */
#include "util/osdep.h"
#include "qom/property.h"
#include <json-c/json.h>
#include "qapi/visitor.h"
#include "qom-internal.h"

void object_init_prop_defaults(Object *obj, const TypeImpl *ti)
{
    for (const PropTable *t = ti->tables; t; t = t->next) {
        for (size_t i = 0; i < t->n; i++) {
            const Property *row = &t->rows[i];

            if (row->info->set_default && !(row->flags & PROP_F_NO_DEF)) {
                row->info->set_default(obj, row);
            }
        }
    }
}

void object_release_prop_fields(Object *obj, const TypeImpl *ti)
{
    for (const PropTable *t = ti->tables; t; t = t->next) {
        for (size_t i = 0; i < t->n; i++) {
            const Property *row = &t->rows[i];

            if (row->info->release) {
                row->info->release(obj, row->name, (void *)row);
            }
        }
    }
}

/* ---- Booleans and single bits ---- */

static bool prop_bool_get(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    return visit_type_bool(v, name, property_field(obj, opaque), errp);
}

static bool prop_bool_set(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    return visit_type_bool(v, name, property_field(obj, opaque), errp);
}

static void prop_bool_set_default(Object *obj, const Property *row)
{
    *(bool *)property_field(obj, row) = row->def.u;
}

static struct json_object *prop_bool_default_json(const Property *row)
{
    return json_object_new_boolean(row->def.u != 0);
}

const PropertyInfo prop_info_bool = {
    .type = "bool", .get = prop_bool_get, .set = prop_bool_set,
    .set_default = prop_bool_set_default,
    .default_json = prop_bool_default_json,
};

/* @wide: the field has 64 bits. */
static uint64_t prop_bits_load(Object *obj, const Property *row, bool wide)
{
    void *field = property_field(obj, row);

    return wide ? *(uint64_t *)field : *(uint32_t *)field;
}

static void prop_bits_store(Object *obj, const Property *row, bool wide,
                            bool value)
{
    void *field = property_field(obj, row);
    uint64_t bits = prop_bits_load(obj, row, wide);

    bits &= ~BIT64(row->bitnr);
    bits |= value ? BIT64(row->bitnr) : 0;
    if (wide) {
        *(uint64_t *)field = bits;
    } else {
        *(uint32_t *)field = bits;
    }
}

static bool prop_bit_is_wide(const Property *row)
{
    return row->info == &prop_info_bit64;
}

static bool prop_bit_get(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    const Property *row = opaque;
    uint64_t bits = prop_bits_load(obj, row, prop_bit_is_wide(row));
    bool value = bits & BIT64(row->bitnr);

    return visit_type_bool(v, name, &value, errp);
}

static bool prop_bit_set(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    const Property *row = opaque;
    bool value;

    if (!visit_type_bool(v, name, &value, errp)) {
        return false;
    }
    prop_bits_store(obj, row, prop_bit_is_wide(row), value);
    return true;
}

static void prop_bit_set_default(Object *obj, const Property *row)
{
    prop_bits_store(obj, row, prop_bit_is_wide(row), row->def.u);
}

const PropertyInfo prop_info_bit = {
    .type = "bool", .get = prop_bit_get, .set = prop_bit_set,
    .set_default = prop_bit_set_default,
    .default_json = prop_bool_default_json,
};

const PropertyInfo prop_info_bit64 = {
    .type = "bool", .get = prop_bit_get, .set = prop_bit_set,
    .set_default = prop_bit_set_default,
    .default_json = prop_bool_default_json,
};

/* ---- Numbers ---- */

static struct json_object *prop_uint_default_json(const Property *row)
{
    return json_object_new_uint64(row->def.u);
}

static struct json_object *prop_int_default_json(const Property *row)
{
    return json_object_new_int64(row->def.i);
}

/* One accessor reads and writes: a visitor knows its direction. */
#define DEFINE_NUMBER_INFO(kind, T, type_name, defmember, to_json)             \
    static bool prop_##kind##_visit(Object *obj, Visitor *v, const char *name, \
                                    void *opaque, Error **errp)                \
    {                                                                          \
        return visit_type_##kind(v, name, property_field(obj, opaque), errp);  \
    }                                                                          \
    static void prop_##kind##_set_default(Object *obj, const Property *row)    \
    {                                                                          \
        *(T *)property_field(obj, row) = row->def.defmember;                   \
    }                                                                          \
    const PropertyInfo prop_info_##kind = {                                    \
        .type = (type_name), .get = prop_##kind##_visit,                       \
        .set = prop_##kind##_visit, .set_default = prop_##kind##_set_default,  \
        .default_json = (to_json),                                             \
    }

DEFINE_NUMBER_INFO(uint8, uint8_t, "uint8", u, prop_uint_default_json);
DEFINE_NUMBER_INFO(uint16, uint16_t, "uint16", u, prop_uint_default_json);
DEFINE_NUMBER_INFO(uint32, uint32_t, "uint32", u, prop_uint_default_json);
DEFINE_NUMBER_INFO(uint64, uint64_t, "uint64", u, prop_uint_default_json);
DEFINE_NUMBER_INFO(int32, int32_t, "int32", i, prop_int_default_json);
DEFINE_NUMBER_INFO(int64, int64_t, "int64", i, prop_int_default_json);
DEFINE_NUMBER_INFO(size, uint64_t, "size", u, prop_uint_default_json);

static bool prop_size32_get(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    uint64_t value = *(uint32_t *)property_field(obj, opaque);

    return visit_type_size(v, name, &value, errp);
}

static bool prop_size32_set(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    uint64_t value;

    if (!visit_type_size(v, name, &value, errp)) {
        return false;
    }
    if (value > UINT32_MAX) {
        error_setg(errp, "Property '%s.%s' doesn't take value %" PRIu64
                   " (maximum: %" PRIu32 ")", object_get_typename(obj), name,
                   value, UINT32_MAX);
        return false;
    }
    *(uint32_t *)property_field(obj, opaque) = value;
    return true;
}

const PropertyInfo prop_info_size32 = {
    .type = "size", .get = prop_size32_get, .set = prop_size32_set,
    .set_default = prop_uint32_set_default,
    .default_json = prop_uint_default_json,
};
