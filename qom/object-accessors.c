/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Class properties backed by typed functions, and the properties that every
 * object has.
 */
#include "util/osdep.h"
#include "qom/object.h"
#include "qapi/visitor.h"
#include "qom-internal.h"

typedef struct StringAccess {
    char *(*get)(Object *obj, Error **errp);
    bool (*set)(Object *obj, const char *value, Error **errp);
} StringAccess;

static bool string_get(Object *obj, Visitor *v, const char *name, void *opaque,
                       Error **errp)
{
    const StringAccess *access = opaque;
    Error *local_err = NULL;
    g_autofree char *value = access->get(obj, &local_err);
    char *shown = value ? value : (char *)"";

    if (local_err) {
        error_propagate(errp, local_err);
        return false;
    }
    return visit_type_str(v, name, &shown, errp);
}

static bool string_set(Object *obj, Visitor *v, const char *name, void *opaque,
                       Error **errp)
{
    const StringAccess *access = opaque;
    g_autofree char *value = NULL;

    return visit_type_str(v, name, &value, errp) &&
           access->set(obj, value, errp);
}

ObjectProperty *object_class_property_add_str(ObjectClass *oc, const char *name,
    const char *description, char *(*get)(Object *, Error **),
    bool (*set)(Object *, const char *, Error **))
{
    StringAccess *access = g_new(StringAccess, 1);

    access->get = get;
    access->set = set;
    return object_class_property_add(oc, name, "string", description,
                                     get ? string_get : NULL,
                                     set ? string_set : NULL, access);
}

typedef struct BoolAccess {
    bool (*get)(Object *obj);
    bool (*set)(Object *obj, bool value, Error **errp);
} BoolAccess;

static bool bool_get(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    const BoolAccess *access = opaque;
    bool value = access->get(obj);

    return visit_type_bool(v, name, &value, errp);
}

static bool bool_set(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    const BoolAccess *access = opaque;
    bool value;

    return visit_type_bool(v, name, &value, errp) &&
           access->set(obj, value, errp);
}

ObjectProperty *object_class_property_add_bool(ObjectClass *oc,
    const char *name, const char *description, bool (*get)(Object *),
    bool (*set)(Object *, bool, Error **))
{
    BoolAccess *access = g_new(BoolAccess, 1);

    access->get = get;
    access->set = set;
    return object_class_property_add(oc, name, "bool", description,
                                     get ? bool_get : NULL,
                                     set ? bool_set : NULL, access);
}

static char *object_get_type(Object *obj, Error **errp)
{
    return g_strdup(object_get_typename(obj));
}

void object_base_class_init(ObjectClass *oc, const void *data)
{
    object_class_property_add_str(oc, "type", "name of the object's type",
                                  object_get_type, NULL);
}
