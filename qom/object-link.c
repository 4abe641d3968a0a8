/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links from one object to another, as properties. */
#include "util/osdep.h"
#include "qom/object.h"
#include "qapi/visitor.h"
#include "qom-internal.h"

/* The object a user means by @path, for a link to @target_type. */
static Object *object_resolve_link_target(const char *name, const char *path,
                                          const char *target_type, Error **errp)
{
    bool ambiguous;
    Object *target = object_resolve_path_type(path, target_type, &ambiguous);

    if (target) {
        return target;
    }
    if (ambiguous) {
        error_setg(errp, "Path '%s' does not uniquely identify an object",
                   path);
    } else if (object_resolve_path(path, &ambiguous) || ambiguous) {
        error_setg(errp, "Invalid parameter type for '%s', expected: %s", name,
                   target_type);
    } else {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  path);
    }
    return NULL;
}

/*
 * Read a path and find the object; "" means none. Returns false on error, else
 * *@target is the object or NULL.
 */
static bool link_read(Visitor *v, const char *name, const char *target_type,
                      Object **target, Error **errp)
{
    g_autofree char *path = NULL;

    if (!visit_type_str(v, name, &path, errp)) {
        return false;
    }
    *target = NULL;
    if (!*path) {
        return true;
    }
    *target = object_resolve_link_target(name, path, target_type, errp);
    return *target != NULL;
}

static bool link_write(Visitor *v, const char *name, Object *target,
                       Error **errp)
{
    g_autofree char *path = NULL;
    char *shown;

    path = target ? object_get_canonical_path(target) : NULL;
    shown = path ? path : (char *)"";
    return visit_type_str(v, name, &shown, errp);
}

/* ---- Links added to an instance ---- */

typedef struct LinkProp {
    Object **slot;
    char *target_type;
    ObjectLinkCheck *check;
    ObjectLinkFlags flags;
} LinkProp;

static bool link_get(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    LinkProp *link = opaque;

    return link_write(v, name, *link->slot, errp);
}

static bool link_set(Object *obj, Visitor *v, const char *name, void *opaque,
                     Error **errp)
{
    LinkProp *link = opaque;
    Object *old = *link->slot;
    Object *target;

    if (!link_read(v, name, link->target_type, &target, errp) ||
        (link->check && !link->check(obj, name, target, errp))) {
        return false;
    }
    *link->slot = target;
    if (link->flags & OBJ_LINK_STRONG) {
        object_ref(target);
        object_unref(old);
    }
    return true;
}

static void link_release(Object *obj, const char *name, void *opaque)
{
    LinkProp *link = opaque;

    if (link->flags & OBJ_LINK_STRONG) {
        object_unref(*link->slot);
        *link->slot = NULL;
    }
    g_free(link->target_type);
    g_free(link);
}

static Object *link_resolve(Object *obj, const ObjectProperty *prop)
{
    LinkProp *link = prop->opaque;

    return *link->slot;
}

ObjectProperty *object_property_add_link(Object *obj, const char *name,
                                         const char *target_type, Object **slot,
                                         const char *description,
                                         ObjectLinkCheck *check,
                                         ObjectLinkFlags flags)
{
    g_autofree char *type = object_property_ref_type("link", target_type);
    LinkProp *link = g_new0(LinkProp, 1);
    ObjectProperty *prop;

    link->slot = slot;
    link->target_type = g_strdup(target_type);
    link->check = check;
    link->flags = flags;
    prop = object_property_add(obj, name, type, description, link_get,
                               check ? link_set : NULL, link_release, link);
    prop->kind = OBJ_PROP_LINK;
    prop->resolve = link_resolve;
    return prop;
}

bool object_link_allow_any(const Object *obj, const char *name, Object *value,
                           Error **errp)
{
    return true;
}

/* ---- Links in property tables ---- */

static bool row_link_get(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    return link_write(v, name, *(Object **)property_field(obj, opaque), errp);
}

static bool row_link_set(Object *obj, Visitor *v, const char *name,
                         void *opaque, Error **errp)
{
    const Property *row = opaque;
    Object **slot = property_field(obj, row);
    Object *old = *slot;
    Object *target;

    if (!link_read(v, name, row->link_type, &target, errp)) {
        return false;
    }
    *slot = object_ref(target);
    object_unref(old);
    return true;
}

static void row_link_release(Object *obj, const char *name, void *opaque)
{
    Object **slot = property_field(obj, opaque);

    object_unref(*slot);
    *slot = NULL;
}

const PropertyInfo prop_info_link = {
    .type = "link", .get = row_link_get, .set = row_link_set,
    .release = row_link_release,
};
