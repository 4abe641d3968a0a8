/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP commands about objects and types. */
#include "util/osdep.h"
#include "qom/object.h"
#include <json-c/json.h>
#include "qom/property.h"
#include "qom/qmp.h"
#include "qapi/qapi-commands-qom.h"
#include "qapi/qapi-visit-qom.h"

static Object *object_for_user(const char *path, Error **errp)
{
    bool ambiguous;
    Object *obj = object_resolve_path(path, &ambiguous);

    if (ambiguous) {
        error_setg(errp, "Path '%s' is ambiguous", path);
    } else if (!obj) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  path);
    }
    return obj;
}

/* ---- Properties of an object ---- */

static bool list_name_and_type(ObjectProperty *prop, void *opaque)
{
    ObjectPropertyInfoList ***tail = opaque;
    ObjectPropertyInfo *info = g_new0(ObjectPropertyInfo, 1);

    info->name = g_strdup(prop->name);
    info->type = g_strdup(prop->type);
    QAPI_LIST_APPEND(*tail, info);
    return true;
}

ObjectPropertyInfoList *qmp_qom_list(const char *path, Error **errp)
{
    Object *obj = object_for_user(path, errp);
    ObjectPropertyInfoList *list = NULL, **tail = &list;

    if (obj) {
        object_property_foreach(obj, list_name_and_type, &tail);
    }
    return list;
}

struct json_object *qmp_qom_get(const char *path, const char *property,
                                Error **errp)
{
    Object *obj = object_for_user(path, errp);

    return obj ? object_property_get_json(obj, property, errp) : NULL;
}

bool qmp_qom_set(const char *path, const char *property,
                 struct json_object *value, Error **errp)
{
    Object *obj = object_for_user(path, errp);

    return obj && object_property_set_json(obj, property, value, errp);
}

/* ---- Types ---- */

ObjectTypeInfoList *qmp_qom_list_types(const char *implements,
                                       bool has_abstract, bool abstract,
                                       Error **errp)
{
    GSList *classes = object_class_get_list(implements,
                                            has_abstract && abstract);
    ObjectTypeInfoList *list = NULL, **tail = &list;

    for (GSList *e = classes; e; e = e->next) {
        ObjectTypeInfo *info = g_new0(ObjectTypeInfo, 1);
        ObjectClass *parent = object_class_get_parent(e->data);

        info->name = g_strdup(object_class_get_name(e->data));
        info->has_abstract = info->abstract = object_class_is_abstract(e->data);
        if (parent) {
            info->parent = g_strdup(object_class_get_name(parent));
        }
        QAPI_LIST_APPEND(tail, info);
    }
    g_slist_free(classes);
    return list;
}

typedef struct TypePropList {
    ObjectPropertyInfoList **tail;
    const char *const *skip;        /* NULL-terminated, or NULL */
} TypePropList;

static bool list_type_property(ObjectProperty *prop, void *opaque)
{
    TypePropList *l = opaque;
    ObjectPropertyInfo *info;

    if ((prop->row && prop->row->flags & PROP_F_HIDDEN) ||
        (l->skip && g_strv_contains(l->skip, prop->name))) {
        return true;
    }
    info = g_new0(ObjectPropertyInfo, 1);
    info->name = g_strdup(prop->name);
    info->type = g_strdup(prop->type);
    info->description = g_strdup(prop->description);
    info->default_value = object_property_get_default(prop);
    QAPI_LIST_APPEND(l->tail, info);
    return true;
}

/*
 * An instance shows the properties that its parts bring; of an abstract type
 * there are only those of the class.
 */
ObjectPropertyInfoList *qom_list_type_properties(ObjectClass *oc,
                                                 const char *const *skip)
{
    ObjectPropertyInfoList *list = NULL;
    TypePropList l = { .tail = &list, .skip = skip };
    g_autoptr(Object) obj = NULL;

    if (object_class_is_abstract(oc)) {
        object_class_property_foreach(oc, list_type_property, &l);
        return list;
    }
    obj = object_new_from_class(oc);
    /* a bad -global is for those who want to use the object */
    object_globals_take_error(NULL);
    object_property_foreach(obj, list_type_property, &l);
    return list;
}

ObjectPropertyInfoList *qmp_qom_list_properties(const char *typename,
                                                Error **errp)
{
    ObjectClass *oc = object_class_by_name(typename);

    return oc ? qom_list_type_properties(oc, NULL) : NULL;
}

/* ---- Making objects ---- */

bool qmp_object_add(ObjectOptions *options, Error **errp)
{
    struct json_object *props = QAPI_TO_JSON(ObjectOptions, options);
    Object *obj;

    json_object_object_del(props, "qom-type");
    json_object_object_del(props, "id");
    obj = user_creatable_add(ObjectType_str(options->qom_type), options->id,
                             props, errp);
    json_object_put(props);
    return obj != NULL;
}

bool qmp_object_del(const char *id, Error **errp)
{
    return user_creatable_del(id, errp);
}
