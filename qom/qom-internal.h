/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of qom/ share. */
#ifndef QOM_INTERNAL_H
#define QOM_INTERNAL_H

#include "qom/object.h"
#include "qom/property.h"

/* One call of object_class_add_props(). */
typedef struct PropTable {
    const Property *rows;
    size_t n;
    struct PropTable *next;
} PropTable;

struct TypeImpl {
    const TypeInfo *info;
    TypeImpl *parent;               /* NULL until somebody asked */
    ObjectClass *class;             /* NULL until first use */
    bool initializing;              /* guards against a cycle of parents */
    size_t class_size;
    size_t instance_size;
    size_t instance_align;
    PropTable *tables;              /* in order of addition */
};

/* The type called exactly @name, its class not yet made, or NULL. */
TypeImpl *type_find(const char *name);
/* Make the class of @ti and of its parents, if they are not there yet. */
ObjectClass *type_get_class(TypeImpl *ti);

/* Free a property of an instance: run its release, then its memory. */
void object_property_free(Object *obj, ObjectProperty *prop);
/* Store defaults of the tables that @ti's own class brought. */
void object_init_prop_defaults(Object *obj, const TypeImpl *ti);
/* Release the fields of those tables. */
void object_release_prop_fields(Object *obj, const TypeImpl *ti);

/* "child<T>" or "link<T>"; g_free() it. */
char *object_property_ref_type(const char *prefix, const char *type);

/* Properties of "object" itself. */
void object_base_class_init(ObjectClass *oc, const void *data);

#endif
