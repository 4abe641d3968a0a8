/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of objects: children, aliases, containers, paths. */
#include "util/osdep.h"
#include "qom/object.h"
#include "qapi/visitor.h"
#include "qom-internal.h"

#define TYPE_CONTAINER "container"

char *object_property_ref_type(const char *prefix, const char *type)
{
    return g_strdup_printf("%s<%s>", prefix, type);
}

/* ---- Children ---- */

static bool child_get(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    g_autofree char *path = object_get_canonical_path(opaque);
    char *shown = path ? path : (char *)"";

    return visit_type_str(v, name, &shown, errp);
}

static void child_release(Object *obj, const char *name, void *opaque)
{
    Object *child = opaque;

    if (child->class->unparent) {
        child->class->unparent(child);
    }
    TAILQ_REMOVE(&obj->children, child, sibling);
    child->parent = NULL;
    child->name = NULL;
    object_unref(child);
}

static Object *child_resolve(Object *obj, const ObjectProperty *prop)
{
    return prop->opaque;
}

ObjectProperty *object_property_add_child(Object *parent, const char *name,
                                          Object *child)
{
    g_autofree char *type = NULL;
    ObjectProperty *prop;

    g_assert(!child->parent);
    type = object_property_ref_type("child", object_get_typename(child));
    prop = object_property_add(parent, name, type, "child object", child_get,
                               NULL, child_release, child);
    prop->kind = OBJ_PROP_CHILD;
    prop->resolve = child_resolve;
    child->parent = parent;
    child->name = prop->name;
    TAILQ_INSERT_TAIL(&parent->children, child, sibling);
    object_ref(child);
    return prop;
}

void object_unparent(Object *obj)
{
    if (obj->parent) {
        object_property_del(obj->parent, obj->name);
    }
}

int object_child_foreach(Object *obj, int (*fn)(Object *child, void *opaque),
                         void *opaque)
{
    Object *child, *tmp;

    TAILQ_FOREACH_SAFE(child, &obj->children, sibling, tmp) {
        int ret = fn(child, opaque);

        if (ret) {
            return ret;
        }
    }
    return 0;
}

int object_child_foreach_recursive(Object *obj,
                                   int (*fn)(Object *child, void *opaque),
                                   void *opaque)
{
    Object *child, *tmp;

    TAILQ_FOREACH_SAFE(child, &obj->children, sibling, tmp) {
        int ret = fn(child, opaque);

        if (!ret) {
            ret = object_child_foreach_recursive(child, fn, opaque);
        }
        if (ret) {
            return ret;
        }
    }
    return 0;
}

/* ---- Aliases ---- */

typedef struct AliasProp {
    Object *target;                 /* outlives the alias: not a reference */
    char *target_name;
} AliasProp;

static bool alias_get(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    AliasProp *alias = opaque;

    return object_property_get(alias->target, alias->target_name, v, errp);
}

static bool alias_set(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    AliasProp *alias = opaque;

    return object_property_set(alias->target, alias->target_name, v, errp);
}

static void alias_release(Object *obj, const char *name, void *opaque)
{
    AliasProp *alias = opaque;

    g_free(alias->target_name);
    g_free(alias);
}

static Object *alias_resolve(Object *obj, const ObjectProperty *prop)
{
    AliasProp *alias = prop->opaque;

    return object_resolve_path_component(alias->target, alias->target_name);
}

ObjectProperty *object_property_add_alias(Object *obj, const char *name,
                                          Object *target,
                                          const char *target_name)
{
    ObjectProperty *other = object_property_find(target, target_name);
    AliasProp *alias = g_new0(AliasProp, 1);
    g_autofree char *type = NULL;
    ObjectProperty *prop;

    g_assert(other);
    /* a child seen from elsewhere is only a link */
    if (other->kind == OBJ_PROP_CHILD) {
        type = object_property_ref_type("link",
                                        object_get_typename(other->opaque));
    } else {
        type = g_strdup(other->type);
    }
    alias->target = target;
    alias->target_name = g_strdup(target_name);
    prop = object_property_add(obj, name, type, other->description,
                               other->get ? alias_get : NULL,
                               other->set ? alias_set : NULL, alias_release,
                               alias);
    prop->kind = OBJ_PROP_ALIAS;
    prop->row = other->row;         /* for its default and its flags */
    prop->resolve = alias_resolve;
    return prop;
}

/* ---- Fixed places ---- */

static const TypeInfo container_info = {
    .name = TYPE_CONTAINER,
    .parent = TYPE_OBJECT,
    .help = "holds other objects",
    .instance_size = sizeof(Object),
};

static void container_register(void)
{
    type_register_static(&container_info);
}
type_init(container_register)

Object *object_get_root(void)
{
    static Object *root;

    if (!root) {
        root = object_new(TYPE_CONTAINER);
    }
    return root;
}

Object *object_get_internal_root(void)
{
    static Object *root;

    if (!root) {
        root = object_new(TYPE_CONTAINER);
    }
    return root;
}

Object *object_get_objects_root(void)
{
    return object_get_container("/objects");
}

Object *object_get_container(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    Object *obj = object_get_root();

    for (char **part = parts; *part; part++) {
        Object *child;

        if (!**part) {
            continue;
        }
        child = object_resolve_path_component(obj, *part);
        if (!child) {
            child = object_new(TYPE_CONTAINER);
            object_property_add_child(obj, *part, child);
            object_unref(child);
        }
        obj = child;
    }
    return obj;
}

/* ---- Paths ---- */

const char *object_get_canonical_path_component(const Object *obj)
{
    return obj->name;
}

char *object_get_canonical_path(const Object *obj)
{
    const Object *root = object_get_root();
    GString *path;

    if (obj == root) {
        return g_strdup("/");
    }
    path = g_string_new(NULL);
    for (; obj && obj->parent; obj = obj->parent) {
        g_string_prepend(path, obj->name);
        g_string_prepend_c(path, '/');
    }
    return g_string_free(path, obj != root);
}

Object *object_resolve_path_component(Object *parent, const char *part)
{
    ObjectProperty *prop = object_property_find(parent, part);

    return prop && prop->resolve ? prop->resolve(parent, prop) : NULL;
}

static Object *resolve_from(Object *obj, char **parts, const char *type)
{
    for (; obj && *parts; parts++) {
        if (**parts) {
            obj = object_resolve_path_component(obj, *parts);
        }
    }
    return object_dynamic_cast(obj, type);
}

/* Depth of the tree is bounded: only our own code nests objects. */
static Object *resolve_partial(Object *obj, char **parts, const char *type,
                               bool *ambiguous)
{
    Object *found = resolve_from(obj, parts, type);
    Object *child;

    TAILQ_FOREACH(child, &obj->children, sibling) {
        Object *other = resolve_partial(child, parts, type, ambiguous);

        if (*ambiguous) {
            return NULL;
        }
        if (other && found && other != found) {
            *ambiguous = true;
            return NULL;
        }
        found = found ? found : other;
    }
    return found;
}

Object *object_resolve_path_type(const char *path, const char *type,
                                 bool *ambiguous)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    bool several = false;
    Object *obj;

    if (ambiguous) {
        *ambiguous = false;
    }
    /* "" is the only object of that type, wherever it is. */
    if (!parts[0] && g_str_equal(type, TYPE_OBJECT)) {
        return NULL;
    }
    if (path[0] == '/') {
        return resolve_from(object_get_root(), parts, type);
    }
    obj = resolve_partial(object_get_root(), parts, type, &several);
    if (ambiguous) {
        *ambiguous = several;
    }
    return obj;
}

Object *object_resolve_path(const char *path, bool *ambiguous)
{
    return object_resolve_path_type(path, TYPE_OBJECT, ambiguous);
}
