/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties: definition, look-up, access; see include/qom/object.h. */
#include "util/osdep.h"
#include "qom/object.h"
#include <json-c/json.h>
#include "util/cutils.h"
#include "qapi/visitor.h"
#include "qom-internal.h"

/* ---- Definition ---- */

/* The first "PREFIX[N]" that is free, for "PREFIX[*]". */
static char *object_property_free_name(Object *obj, const char *name)
{
    int stem = strlen(name) - strlen("[*]");

    for (unsigned i = 0;; i++) {
        char *full = g_strdup_printf("%.*s[%u]", stem, name, i);

        if (!object_property_find(obj, full)) {
            return full;
        }
        g_free(full);
    }
}

ObjectProperty *object_property_add(Object *obj, const char *name,
                                    const char *type, const char *description,
                                    ObjectPropertyAccessor *get,
                                    ObjectPropertyAccessor *set,
                                    ObjectPropertyRelease *release,
                                    void *opaque)
{
    ObjectProperty *prop = g_new0(ObjectProperty, 1);

    if (g_str_has_suffix(name, "[*]")) {
        prop->name = object_property_free_name(obj, name);
    } else if (object_property_find(obj, name)) {
        g_error("property '%s' exists already in type '%s'", name,
                object_get_typename(obj));
    } else {
        prop->name = g_strdup(name);
    }
    prop->type = g_strdup(type);
    prop->description = description;
    prop->get = get;
    prop->set = set;
    prop->release = release;
    prop->opaque = opaque;
    if (!obj->properties) {
        obj->properties = g_hash_table_new(g_str_hash, g_str_equal);
    }
    g_hash_table_insert(obj->properties, (void *)prop->name, prop);
    return prop;
}

void object_property_free(Object *obj, ObjectProperty *prop)
{
    if (prop->release) {
        prop->release(obj, prop->name, prop->opaque);
    }
    g_free((void *)prop->name);
    g_free((void *)prop->type);
    g_free(prop);
}

void object_property_del(Object *obj, const char *name)
{
    ObjectProperty *prop;

    prop = obj->properties ? g_hash_table_lookup(obj->properties, name) : NULL;
    g_assert(prop);
    g_hash_table_remove(obj->properties, name);
    object_property_free(obj, prop);
}

static ObjectProperty *class_property_insert(ObjectClass *oc,
                                             ObjectProperty *prop)
{
    if (!oc->properties) {
        oc->properties = g_hash_table_new(g_str_hash, g_str_equal);
    }
    if (!g_hash_table_insert(oc->properties, (void *)prop->name, prop)) {
        g_error("property '%s' exists already in class '%s'", prop->name,
                object_class_get_name(oc));
    }
    return prop;
}

ObjectProperty *object_class_property_add(ObjectClass *oc, const char *name,
                                          const char *type,
                                          const char *description,
                                          ObjectPropertyAccessor *get,
                                          ObjectPropertyAccessor *set,
                                          void *opaque)
{
    ObjectProperty *prop = g_new0(ObjectProperty, 1);

    prop->name = name;
    prop->type = type;
    prop->description = description;
    prop->get = get;
    prop->set = set;
    prop->opaque = opaque;
    return class_property_insert(oc, prop);
}

static Object *row_link_resolve(Object *obj, const ObjectProperty *prop)
{
    return *(Object **)property_field(obj, prop->row);
}

void object_class_add_props_n(ObjectClass *oc, const Property *rows, size_t n)
{
    ObjectProperty *props = g_new0(ObjectProperty, n);
    PropTable *table = g_new0(PropTable, 1);
    PropTable **tail = &oc->type->tables;

    table->rows = rows;
    table->n = n;
    while (*tail) {
        tail = &(*tail)->next;
    }
    *tail = table;
    for (size_t i = 0; i < n; i++) {
        ObjectProperty *prop = &props[i];

        prop->name = rows[i].name;
        prop->type = rows[i].info->type;
        prop->description = rows[i].help;
        prop->get = rows[i].info->get;
        prop->set = rows[i].info->set;
        prop->opaque = (void *)&rows[i];
        prop->row = &rows[i];
        if (rows[i].link_type) {
            prop->type = object_property_ref_type("link", rows[i].link_type);
            prop->kind = OBJ_PROP_LINK;
            prop->resolve = row_link_resolve;
        }
        class_property_insert(oc, prop);
    }
}

/* ---- Look-up ---- */

ObjectProperty *object_class_property_find(ObjectClass *oc, const char *name)
{
    for (; oc; oc = object_class_get_parent(oc)) {
        ObjectProperty *prop;

        if (!oc->properties) {
            continue;
        }
        prop = g_hash_table_lookup(oc->properties, name);
        if (prop) {
            return prop;
        }
    }
    return NULL;
}

ObjectProperty *object_property_find(Object *obj, const char *name)
{
    ObjectProperty *prop = object_class_property_find(obj->class, name);

    if (!prop && obj->properties) {
        prop = g_hash_table_lookup(obj->properties, name);
    }
    return prop;
}

static void collect_props(GHashTable *table, GPtrArray *props)
{
    GHashTableIter it;
    void *prop;

    if (!table) {
        return;
    }
    g_hash_table_iter_init(&it, table);
    while (g_hash_table_iter_next(&it, NULL, &prop)) {
        g_ptr_array_add(props, prop);
    }
}

static void collect_class_props(ObjectClass *oc, GPtrArray *props)
{
    for (; oc; oc = object_class_get_parent(oc)) {
        collect_props(oc->properties, props);
    }
}

static int prop_cmp_name(const void *a, const void *b)
{
    const ObjectProperty *const *pa = a, *const *pb = b;

    return strcmp((*pa)->name, (*pb)->name);
}

static void props_visit(GPtrArray *props, ObjectPropertyFn *fn, void *opaque)
{
    g_ptr_array_sort(props, prop_cmp_name);
    for (guint i = 0; i < props->len; i++) {
        if (!fn(props->pdata[i], opaque)) {
            break;
        }
    }
}

void object_property_foreach(Object *obj, ObjectPropertyFn *fn, void *opaque)
{
    g_autoptr(GPtrArray) props = g_ptr_array_new();

    collect_class_props(obj->class, props);
    collect_props(obj->properties, props);
    props_visit(props, fn, opaque);
}

void object_class_property_foreach(ObjectClass *oc, ObjectPropertyFn *fn,
                                   void *opaque)
{
    g_autoptr(GPtrArray) props = g_ptr_array_new();

    collect_class_props(oc, props);
    props_visit(props, fn, opaque);
}

struct json_object *object_property_get_default(const ObjectProperty *prop)
{
    const Property *row = prop->row;

    if (!row || !row->info->default_json || (row->flags & PROP_F_NO_DEF)) {
        return NULL;
    }
    return row->info->default_json(row);
}

static bool add_settable_name(ObjectProperty *prop, void *opaque)
{
    if (prop->set) {
        g_ptr_array_add(opaque, (void *)prop->name);
    }
    return true;
}

static ObjectProperty *object_property_find_err(Object *obj, const char *name,
                                                Error **errp)
{
    ObjectProperty *prop = object_property_find(obj, name);
    g_autoptr(GPtrArray) names = NULL;

    if (prop || !errp) {
        return prop;
    }
    error_setg(errp, "Property '%s.%s' not found", object_get_typename(obj),
               name);
    names = g_ptr_array_new();
    object_property_foreach(obj, add_settable_name, names);
    g_ptr_array_add(names, NULL);
    error_hint_closest(errp, name, (const char *const *)names->pdata);
    return NULL;
}

/* ---- Access ---- */

bool object_property_get(Object *obj, const char *name, Visitor *v,
                         Error **errp)
{
    ObjectProperty *prop = object_property_find_err(obj, name, errp);

    if (!prop) {
        return false;
    }
    if (!prop->get) {
        error_setg(errp, "Property '%s.%s' is not readable",
                   object_get_typename(obj), name);
        return false;
    }
    return prop->get(obj, v, name, prop->opaque, errp);
}

bool object_property_set(Object *obj, const char *name, Visitor *v,
                         Error **errp)
{
    ObjectProperty *prop = object_property_find_err(obj, name, errp);

    if (!prop) {
        return false;
    }
    if (!prop->set) {
        error_setg(errp, "Property '%s.%s' is not writable",
                   object_get_typename(obj), name);
        return false;
    }
    if (prop->row && !(prop->row->flags & PROP_F_LIVE) &&
        obj->class->prop_may_set &&
        !obj->class->prop_may_set(obj, prop->row, errp)) {
        return false;
    }
    return prop->set(obj, v, name, prop->opaque, errp);
}

struct json_object *object_property_get_json(Object *obj, const char *name,
                                             Error **errp)
{
    g_autoptr(Visitor) v = output_visitor_new();

    if (!object_property_get(obj, name, v, errp)) {
        return NULL;
    }
    return output_visitor_take(v);
}

bool object_property_set_json(Object *obj, const char *name,
                              struct json_object *value, Error **errp)
{
    g_autoptr(Visitor) v = input_visitor_new(value, VISIT_INPUT_KEYVAL);

    return object_property_set(obj, name, v, errp);
}

/* Takes over the reference to @value. */
static bool property_set_new_json(Object *obj, const char *name,
                                  struct json_object *value, Error **errp)
{
    bool ok = object_property_set_json(obj, name, value, errp);

    json_object_put(value);
    return ok;
}

bool object_property_set_str(Object *obj, const char *name, const char *value,
                             Error **errp)
{
    return property_set_new_json(obj, name, json_object_new_string(value),
                                 errp);
}

bool object_property_parse(Object *obj, const char *name, const char *text,
                           Error **errp)
{
    return object_property_set_str(obj, name, text, errp);
}

bool object_property_set_bool(Object *obj, const char *name, bool value,
                              Error **errp)
{
    return property_set_new_json(obj, name, json_object_new_boolean(value),
                                 errp);
}

bool object_property_set_int(Object *obj, const char *name, int64_t value,
                             Error **errp)
{
    return property_set_new_json(obj, name, json_object_new_int64(value),
                                 errp);
}

bool object_property_set_uint(Object *obj, const char *name, uint64_t value,
                              Error **errp)
{
    return property_set_new_json(obj, name, json_object_new_uint64(value),
                                 errp);
}

bool object_property_set_link(Object *obj, const char *name, Object *value,
                              Error **errp)
{
    g_autofree char *path = NULL;

    if (!value) {
        return object_property_set_str(obj, name, "", errp);
    }
    path = object_get_canonical_path(value);
    if (!path) {
        error_setg(errp, "object of type '%s' has no path, cannot link to it",
                   object_get_typename(value));
        return false;
    }
    return object_property_set_str(obj, name, path, errp);
}

/* The value, which must be of JSON type @type. */
static struct json_object *property_get_typed(Object *obj, const char *name,
                                              enum json_type type,
                                              const char *what, Error **errp)
{
    Error *local_err = NULL;
    struct json_object *value = object_property_get_json(obj, name, &local_err);

    if (local_err) {
        error_propagate(errp, local_err);
        return NULL;
    }
    if (!json_object_is_type(value, type)) {
        error_setg(errp, "Property '%s.%s' is not %s",
                   object_get_typename(obj), name, what);
        json_object_put(value);
        return NULL;
    }
    return value;
}

char *object_property_get_str(Object *obj, const char *name, Error **errp)
{
    struct json_object *value;
    char *str;

    value = property_get_typed(obj, name, json_type_string, "a string", errp);
    if (!value) {
        return NULL;
    }
    str = g_strdup(json_object_get_string(value));
    json_object_put(value);
    return str;
}

bool object_property_get_bool(Object *obj, const char *name, Error **errp)
{
    struct json_object *value;
    bool b;

    value = property_get_typed(obj, name, json_type_boolean, "a boolean",
                               errp);
    b = value && json_object_get_boolean(value);
    json_object_put(value);
    return b;
}

int64_t object_property_get_int(Object *obj, const char *name, Error **errp)
{
    struct json_object *value;
    int64_t i;

    value = property_get_typed(obj, name, json_type_int, "an integer", errp);
    i = value ? json_object_get_int64(value) : -1;
    json_object_put(value);
    return i;
}

uint64_t object_property_get_uint(Object *obj, const char *name, Error **errp)
{
    struct json_object *value;
    uint64_t u;

    value = property_get_typed(obj, name, json_type_int, "an integer", errp);
    u = value ? json_object_get_uint64(value) : 0;
    json_object_put(value);
    return u;
}

Object *object_property_get_link(Object *obj, const char *name, Error **errp)
{
    ObjectProperty *prop = object_property_find_err(obj, name, errp);

    if (!prop) {
        return NULL;
    }
    if (!prop->resolve) {
        error_setg(errp, "Property '%s.%s' is not a link",
                   object_get_typename(obj), name);
        return NULL;
    }
    return prop->resolve(obj, prop);
}

bool object_set_props(Object *obj, struct json_object *props, Error **errp)
{
    struct json_object_iterator it, end;

    if (!props) {
        return true;
    }
    it = json_object_iter_begin(props);
    end = json_object_iter_end(props);
    while (!json_object_iter_equal(&it, &end)) {
        if (!object_property_set_json(obj, json_object_iter_peek_name(&it),
                                      json_object_iter_peek_value(&it),
                                      errp)) {
            return false;
        }
        json_object_iter_next(&it);
    }
    return true;
}
