/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types and classes; see include/qom/object.h.
 *
 * Registration only enters the type's name into a table. The class is made
 * when somebody asks for it: memory of the parent's class is copied, each
 * interface gets a class structure per concrete class (copied from the
 * parent's, so that inherited methods hold), then the init functions run.
 */
#include "util/osdep.h"
#include "qom/object.h"
#include "util/cutils.h"
#include "qom-internal.h"

static GHashTable *types;           /* name -> TypeImpl */
static GHashTable *aliases;         /* alias -> name */

static const TypeInfo object_info = {
    .name = TYPE_OBJECT,
    .help = "base of all objects",
    .abstract = true,
    .instance_size = sizeof(Object),
    .class_size = sizeof(ObjectClass),
    .class_init = object_base_class_init,
};

static const TypeInfo interface_info = {
    .name = TYPE_INTERFACE,
    .help = "base of all interfaces",
    .abstract = true,
    .class_size = sizeof(InterfaceClass),
};

/* Constructors run in no fixed order, so the first one makes the table. */
static GHashTable *type_table(void)
{
    if (!types) {
        types = g_hash_table_new(g_str_hash, g_str_equal);
        type_register_static(&object_info);
        type_register_static(&interface_info);
    }
    return types;
}

TypeImpl *type_register_static(const TypeInfo *info)
{
    GHashTable *table = type_table();
    TypeImpl *ti = g_new0(TypeImpl, 1);

    ti->info = info;
    if (!g_hash_table_insert(table, (void *)info->name, ti)) {
        g_error("type '%s' is registered twice", info->name);
    }
    return ti;
}

void type_register_static_array(const TypeInfo *infos, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        type_register_static(&infos[i]);
    }
}

void type_register_alias(const char *alias, const char *name)
{
    if (!aliases) {
        aliases = g_hash_table_new(g_str_hash, g_str_equal);
    }
    g_hash_table_insert(aliases, (void *)alias, (void *)name);
}

const char *type_resolve_alias(const char *name)
{
    const char *real = aliases ? g_hash_table_lookup(aliases, name) : NULL;

    return real ? real : name;
}

void type_foreach_alias(const char *name, void (*fn)(const char *, void *),
                        void *opaque)
{
    GHashTableIter it;
    void *alias, *real;

    if (!aliases) {
        return;
    }
    g_hash_table_iter_init(&it, aliases);
    while (g_hash_table_iter_next(&it, &alias, &real)) {
        if (g_str_equal(real, name)) {
            fn(alias, opaque);
        }
    }
}

TypeImpl *type_find(const char *name)
{
    return name ? g_hash_table_lookup(type_table(), name) : NULL;
}

/* Looked up once: types are listed by walks over all of them. */
static TypeImpl *type_parent(TypeImpl *ti)
{
    if (!ti->parent && ti->info->parent) {
        ti->parent = type_find(ti->info->parent);
    }
    return ti->parent;
}

/* Whether @ti is @name or derives from a type of that name; no interfaces. */
static bool type_derives_from(TypeImpl *ti, const char *name)
{
    for (; ti; ti = type_parent(ti)) {
        if (ti->info->name == name || g_str_equal(ti->info->name, name)) {
            return true;
        }
    }
    return false;
}

static bool type_is_abstract(TypeImpl *ti)
{
    return ti->info->abstract || type_derives_from(ti, TYPE_INTERFACE);
}

/* ---- Making a class ---- */

static void class_add_interface(ObjectClass *oc, TypeImpl *iface,
                                const ObjectClass *template)
{
    InterfaceClass *ic;

    for (GSList *e = oc->interfaces; e; e = e->next) {
        ic = e->data;
        if (type_derives_from(ic->interface_type, iface->info->name)) {
            return;
        }
    }
    ic = g_malloc0(iface->class_size);
    memcpy(ic, template, iface->class_size);
    ic->parent_class.type = iface;
    ic->parent_class.interfaces = NULL;
    ic->parent_class.properties = NULL;
    ic->concrete_class = oc;
    ic->interface_type = iface;
    oc->interfaces = g_slist_append(oc->interfaces, ic);
}

static void class_init_interfaces(ObjectClass *oc, TypeImpl *ti)
{
    const char *const *name = ti->info->interfaces;

    if (ti->parent) {
        for (GSList *e = ti->parent->class->interfaces; e; e = e->next) {
            InterfaceClass *ic = e->data;

            class_add_interface(oc, ic->interface_type, &ic->parent_class);
        }
    }
    for (; name && *name; name++) {
        TypeImpl *iface = type_find(*name);

        if (!iface || !type_derives_from(iface, TYPE_INTERFACE)) {
            g_error("type '%s' implements '%s', which is no interface",
                    ti->info->name, *name);
        }
        class_add_interface(oc, iface, type_get_class(iface));
    }
}

/* Sizes that a type leaves out are its parent's. */
static void type_set_sizes(TypeImpl *ti)
{
    const TypeInfo *info = ti->info;
    const TypeImpl *parent = ti->parent;

    ti->class_size = info->class_size;
    ti->instance_size = info->instance_size;
    ti->instance_align = info->instance_align;
    if (parent) {
        ti->class_size = ti->class_size ?: parent->class_size;
        ti->instance_size = ti->instance_size ?: parent->instance_size;
        ti->instance_align = MAX(ti->instance_align, parent->instance_align);
        g_assert(ti->class_size >= parent->class_size);
        g_assert(ti->instance_size >= parent->instance_size);
    }
}

static TypeImpl *type_find_parent(TypeImpl *ti)
{
    TypeImpl *parent;

    if (!ti->info->parent) {
        return NULL;
    }
    parent = type_parent(ti);
    if (!parent || ti->initializing) {
        g_error("type '%s' has no valid parent '%s'", ti->info->name,
                ti->info->parent);
    }
    ti->initializing = true;
    type_get_class(parent);
    ti->initializing = false;
    return parent;
}

ObjectClass *type_get_class(TypeImpl *ti)
{
    ObjectClass *oc;

    if (likely(ti->class)) {
        return ti->class;
    }
    ti->parent = type_find_parent(ti);
    type_set_sizes(ti);
    oc = g_malloc0(ti->class_size);
    if (ti->parent) {
        memcpy(oc, ti->parent->class, ti->parent->class_size);
    }
    oc->type = ti;
    oc->interfaces = NULL;
    oc->properties = NULL;
    ti->class = oc;
    class_init_interfaces(oc, ti);
    for (TypeImpl *p = ti->parent; p; p = p->parent) {
        if (p->info->class_base_init) {
            p->info->class_base_init(oc, p->info->class_data);
        }
    }
    if (ti->info->class_init) {
        ti->info->class_init(oc, ti->info->class_data);
    }
    return oc;
}

/* ---- Looking at classes ---- */

ObjectClass *object_class_by_name(const char *name)
{
    TypeImpl *ti = type_find(name);

    return ti ? type_get_class(ti) : NULL;
}

ObjectClass *object_class_get_parent(ObjectClass *oc)
{
    return oc->type->parent ? oc->type->parent->class : NULL;
}

const char *object_class_get_name(const ObjectClass *oc)
{
    return oc->type->info->name;
}

const char *object_class_get_help(const ObjectClass *oc)
{
    return oc->type->info->help;
}

bool object_class_is_abstract(const ObjectClass *oc)
{
    return type_is_abstract(oc->type);
}

ObjectClass *object_class_dynamic_cast(ObjectClass *oc, const char *name)
{
    if (!oc) {
        return NULL;
    }
    if (type_derives_from(oc->type, name)) {
        return oc;
    }
    for (GSList *e = oc->interfaces; e; e = e->next) {
        InterfaceClass *ic = e->data;

        if (type_derives_from(ic->interface_type, name)) {
            return &ic->parent_class;
        }
    }
    return NULL;
}

ObjectClass *object_class_check_cast(ObjectClass *oc, const char *type,
                                     const char *file, int line)
{
    ObjectClass *cast = object_class_dynamic_cast(oc, type);

    if (unlikely(oc && !cast)) {
        g_error("%s:%d: class '%s' is no '%s'", file, line,
                object_class_get_name(oc), type);
    }
    return cast;
}

/* Whether @ti is or implements @name; makes no classes. */
static bool type_implements(TypeImpl *ti, const char *name)
{
    if (type_derives_from(ti, name)) {
        return true;
    }
    for (; ti; ti = type_parent(ti)) {
        const char *const *iface = ti->info->interfaces;

        for (; iface && *iface; iface++) {
            if (type_derives_from(type_find(*iface), name)) {
                return true;
            }
        }
    }
    return false;
}

static int class_cmp_name(const void *a, const void *b)
{
    return strcmp(object_class_get_name(a), object_class_get_name(b));
}

GSList *object_class_get_list(const char *implements, bool include_abstract)
{
    GSList *list = NULL;
    GHashTableIter it;
    void *value;

    g_hash_table_iter_init(&it, type_table());
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        TypeImpl *ti = value;

        if ((type_is_abstract(ti) && !include_abstract) ||
            (implements && !type_implements(ti, implements))) {
            continue;
        }
        list = g_slist_prepend(list, type_get_class(ti));
    }
    return g_slist_sort(list, class_cmp_name);
}

void object_class_hint_closest(Error **errp, const char *name,
                               const char *base)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter it;
    void *key, *value;

    if (!errp) {
        return;
    }
    g_hash_table_iter_init(&it, type_table());
    while (g_hash_table_iter_next(&it, &key, &value)) {
        TypeImpl *ti = value;

        if (!type_is_abstract(ti) && type_implements(ti, base)) {
            g_ptr_array_add(names, key);
        }
    }
    g_ptr_array_add(names, NULL);
    error_hint_closest(errp, name, (const char *const *)names->pdata);
}

ObjectClass *object_class_by_user_name(const char *name, const char *base,
                                       const char *what, Error **errp)
{
    TypeImpl *ti = type_find(type_resolve_alias(name));

    if (!ti || !type_implements(ti, base)) {
        error_setg(errp, "'%s' is not a valid %s", name, what);
        object_class_hint_closest(errp, name, base);
        return NULL;
    }
    if (type_is_abstract(ti)) {
        error_setg(errp, "'%s' is an abstract type, not a valid %s", name,
                   what);
        object_class_hint_closest(errp, name, base);
        return NULL;
    }
    return type_get_class(ti);
}
