/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of an object; see include/qom/object.h. */
#include "util/osdep.h"
#include "qom/object.h"
#include "qom-internal.h"

static void object_init_chain(Object *obj, TypeImpl *ti)
{
    if (ti->parent) {
        object_init_chain(obj, ti->parent);
    }
    object_init_prop_defaults(obj, ti);
    if (ti->info->instance_init) {
        ti->info->instance_init(obj);
    }
}

/* @mem is zeroed. */
static void object_initialize(Object *obj, TypeImpl *ti)
{
    ObjectClass *oc = type_get_class(ti);

    g_assert(!ti->info->abstract);
    obj->class = oc;
    obj->ref = 1;
    TAILQ_INIT(&obj->children);
    object_init_chain(obj, ti);
    for (TypeImpl *t = ti; t; t = t->parent) {
        if (t->info->instance_post_init) {
            t->info->instance_post_init(obj);
        }
    }
}

static void object_free_memory(void *obj)
{
    g_free(obj);
}

static Object *object_new_with_type(TypeImpl *ti)
{
    Object *obj;
    void *mem;

    type_get_class(ti);
    if (ti->instance_align > _Alignof(max_align_t)) {
        if (posix_memalign(&mem, ti->instance_align, ti->instance_size)) {
            g_error("no memory for an object of %zu bytes", ti->instance_size);
        }
        memset(mem, 0, ti->instance_size);
    } else {
        mem = g_malloc0(ti->instance_size);
    }
    obj = mem;
    object_initialize(obj, ti);
    obj->free = object_free_memory;
    return obj;
}

Object *object_new(const char *type)
{
    TypeImpl *ti = type_find(type);

    if (!ti) {
        g_error("unknown type '%s'", type);
    }
    return object_new_with_type(ti);
}

Object *object_new_from_class(ObjectClass *oc)
{
    return object_new_with_type(oc->type);
}

void object_initialize_size(void *mem, size_t size, const char *type)
{
    TypeImpl *ti = type_find(type);

    if (!ti) {
        g_error("unknown type '%s'", type);
    }
    type_get_class(ti);
    g_assert(size >= ti->instance_size);
    memset(mem, 0, ti->instance_size);
    object_initialize(mem, ti);
}

void object_initialize_child_size(Object *owner, const char *name, void *child,
                                  size_t size, const char *type)
{
    object_initialize_size(child, size, type);
    object_property_add_child(owner, name, child);
    /* the child property holds the only reference now */
    object_unref(child);
}

/*
 * Children and other properties go first, while the object is whole; fields
 * of property rows last, since instance_finalize may look at them.
 */
static void object_finalize(Object *obj)
{
    TypeImpl *ti = obj->class->type;
    Object *child;

    while ((child = TAILQ_LAST(&obj->children, ObjectChildren))) {
        object_unparent(child);
    }
    while (obj->properties) {
        GHashTableIter it;
        void *prop;

        g_hash_table_iter_init(&it, obj->properties);
        if (!g_hash_table_iter_next(&it, NULL, &prop)) {
            g_clear_pointer(&obj->properties, g_hash_table_destroy);
            break;
        }
        g_hash_table_iter_steal(&it);
        object_property_free(obj, prop);
    }
    for (TypeImpl *t = ti; t; t = t->parent) {
        if (t->info->instance_finalize) {
            t->info->instance_finalize(obj);
        }
    }
    for (TypeImpl *t = ti; t; t = t->parent) {
        object_release_prop_fields(obj, t);
    }
    g_assert(!obj->parent);
    if (obj->free) {
        obj->free(obj);
    }
}

Object *object_ref(void *opaque)
{
    Object *obj = opaque;

    if (obj) {
        __atomic_fetch_add(&obj->ref, 1, __ATOMIC_RELAXED);
    }
    return obj;
}

void object_unref(void *opaque)
{
    Object *obj = opaque;
    uint32_t old;

    if (!obj) {
        return;
    }
    /* the last owner must see what the others wrote */
    old = __atomic_fetch_sub(&obj->ref, 1, __ATOMIC_ACQ_REL);
    g_assert(old > 0);
    if (old == 1) {
        object_finalize(obj);
    }
}

const char *object_get_typename(const Object *obj)
{
    return obj->class->type->info->name;
}

Object *object_dynamic_cast(Object *obj, const char *type)
{
    return obj && object_class_dynamic_cast(obj->class, type) ? obj : NULL;
}

Object *object_check_cast(Object *obj, const char *type, const char *file,
                          int line)
{
    if (unlikely(obj && !object_dynamic_cast(obj, type))) {
        g_error("%s:%d: object of type '%s' is no '%s'", file, line,
                object_get_typename(obj), type);
    }
    return obj;
}
