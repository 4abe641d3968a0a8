/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object model: types, objects, properties and the tree they form.
 *
 * A type is registered once, by name, from a constructor (type_init). Its
 * class is made on first use, parents first. An object is made with
 * object_new() or embedded in its owner with object_initialize_child(), is
 * reference counted, and gets a canonical path when it becomes a child:
 * "/machine/peripheral/disk0". Users reach every object and property through
 * qom-list, qom-get, qom-set, -object and -device, so names are interfaces.
 *
 * Life cycle of an object: parents' instance_init first, then its own; class
 * property defaults; instance_post_init (leaf to root: globals and machine
 * compat properties are applied here for those classes that take them); use;
 * unparent; last unref runs instance_finalize leaf to root.
 *
 * Threading: types are registered before main() and read-only after. The
 * tree and all properties belong to the big lock. object_ref and object_unref
 * are atomic.
 */
#ifndef QOM_OBJECT_H
#define QOM_OBJECT_H

#include "util/osdep.h"
#include "util/error.h"
#include "util/queue.h"

typedef struct TypeImpl TypeImpl;
typedef struct TypeInfo TypeInfo;
typedef struct Object Object;
typedef struct ObjectClass ObjectClass;
typedef struct ObjectProperty ObjectProperty;
typedef struct Property Property;
typedef struct Visitor Visitor;
struct json_object;

#define TYPE_OBJECT    "object"
#define TYPE_INTERFACE "interface"

struct ObjectClass {
    TypeImpl *type;
    GSList *interfaces;             /* of InterfaceClass */
    GHashTable *properties;         /* its own class properties, or NULL */
    /* may refuse to set a Property row now, e.g. after realize */
    bool (*prop_may_set)(Object *obj, const Property *prop, Error **errp);
    void (*unparent)(Object *obj);  /* called before it leaves the tree */
};

struct Object {
    ObjectClass *class;
    void (*free)(void *obj);        /* NULL: storage belongs to the owner */
    GHashTable *properties;         /* instance properties, made on demand */
    Object *parent;                 /* not a reference */
    const char *name;               /* under the parent; owned by its property */
    TAILQ_HEAD(ObjectChildren, Object) children;    /* in order of arrival */
    TAILQ_ENTRY(Object) sibling;
    uint32_t ref;                   /* atomic */
};

/* Base of every interface's class; an interface has no instance state. */
typedef struct InterfaceClass {
    ObjectClass parent_class;
    ObjectClass *concrete_class;
    TypeImpl *interface_type;
} InterfaceClass;

struct TypeInfo {
    const char *name;
    const char *parent;
    const char *help;               /* one sentence for -device help, docs */

    size_t instance_size;           /* 0: the parent's */
    size_t instance_align;
    void (*instance_init)(Object *obj);         /* cannot fail */
    void (*instance_post_init)(Object *obj);
    void (*instance_finalize)(Object *obj);

    bool abstract;
    size_t class_size;              /* 0: the parent's */
    void (*class_base_init)(ObjectClass *oc, const void *data);
    void (*class_init)(ObjectClass *oc, const void *data);
    const void *class_data;

    const char *const *interfaces;  /* NULL-terminated, or NULL */
};

/* ---- Types ---- */

/* Register @info, which must stay valid for ever. Before main() only. */
TypeImpl *type_register_static(const TypeInfo *info);
void type_register_static_array(const TypeInfo *infos, size_t n);
#define DEFINE_TYPES(infos)                                                    \
    static void infos##_register(void)                                         \
    {                                                                          \
        type_register_static_array(infos, G_N_ELEMENTS(infos));                \
    }                                                                          \
    type_init(infos##_register)

/*
 * type_register_alias: @alias is accepted wherever a type name comes from a
 * user and means @name ("virtio-net" for "virtio-net-pci"). Aliases are not
 * listed as types.
 */
void type_register_alias(const char *alias, const char *name);
const char *type_resolve_alias(const char *name);      /* @name when none */
void type_foreach_alias(const char *name, void (*fn)(const char *, void *),
                        void *opaque);

/* The class of @name, initialised, or NULL when there is no such type. */
ObjectClass *object_class_by_name(const char *name);
/*
 * object_class_by_user_name: the same for a user's input: aliases count, the
 * type must implement @base and be concrete. Error: "'x' is not a valid WHAT"
 * with the closest type as hint.
 */
ObjectClass *object_class_by_user_name(const char *name, const char *base,
                                       const char *what, Error **errp);
/* A hint to *@errp with the type below @base that @name may have meant. */
void object_class_hint_closest(Error **errp, const char *name,
                               const char *base);
ObjectClass *object_class_get_parent(ObjectClass *oc);
const char *object_class_get_name(const ObjectClass *oc);
const char *object_class_get_help(const ObjectClass *oc);
bool object_class_is_abstract(const ObjectClass *oc);
/* NULL when @oc neither is nor implements @name. */
ObjectClass *object_class_dynamic_cast(ObjectClass *oc, const char *name);
/* Sorted by name; free the list with g_slist_free(). */
GSList *object_class_get_list(const char *implements, bool include_abstract);

/* ---- Objects ---- */

Object *object_new(const char *type);      /* one reference, no parent */
Object *object_new_from_class(ObjectClass *oc);
/* object_initialize_size: make an object in @mem of @size bytes; one
 * reference, no parent; the memory stays the caller's. */
void object_initialize_size(void *mem, size_t size, const char *type);
/*
 * object_initialize_child: make an object inside its owner's structure and
 * add it as child @name. @size is checked against the type's.
 */
void object_initialize_child_size(Object *owner, const char *name, void *child,
                                  size_t size, const char *type);
#define object_initialize_child(owner, name, child, type)                      \
    object_initialize_child_size(OBJECT(owner), name, child, sizeof(*(child)),  \
                                 type)

Object *object_ref(void *obj);
void object_unref(void *obj);              /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Object, object_unref)

Object *object_dynamic_cast(Object *obj, const char *type);
Object *object_check_cast(Object *obj, const char *type, const char *file,
                          int line);
ObjectClass *object_class_check_cast(ObjectClass *oc, const char *type,
                                     const char *file, int line);
const char *object_get_typename(const Object *obj);

#define OBJECT(obj)        ((Object *)(obj))
#define OBJECT_CLASS(oc)   ((ObjectClass *)(oc))

/*
 * Casts. Checked in debug builds (a wrong one is a bug in our code and
 * aborts), plain casts in release builds.
 *
 *   OBJECT_DECLARE_TYPE(VirtIORng, VirtIORngClass, VIRTIO_RNG)
 *
 * gives both typedefs, VIRTIO_RNG(obj), VIRTIO_RNG_CLASS(oc) and
 * VIRTIO_RNG_GET_CLASS(obj); it needs TYPE_VIRTIO_RNG.
 */
#ifdef CONFIG_DEBUG_QOM
#define OBJECT_CHECK(T, obj, name)                                             \
    ((T *)object_check_cast(OBJECT(obj), (name), __FILE__, __LINE__))
#define OBJECT_CLASS_CHECK(T, oc, name)                                        \
    ((T *)object_class_check_cast(OBJECT_CLASS(oc), (name), __FILE__, __LINE__))
#else
#define OBJECT_CHECK(T, obj, name)      ((T *)(obj))
#define OBJECT_CLASS_CHECK(T, oc, name) ((T *)(oc))
#endif

#define OBJECT_DECLARE_SIMPLE_TYPE(T, UPPER)                                   \
    typedef struct T T;                                                        \
    static inline UNUSED T *UPPER(const void *obj)                             \
    {                                                                          \
        return OBJECT_CHECK(T, obj, TYPE_##UPPER);                             \
    }                                                                          \
    G_DEFINE_AUTOPTR_CLEANUP_FUNC(T, object_unref)

#define OBJECT_DECLARE_TYPE(T, C, UPPER)                                       \
    OBJECT_DECLARE_SIMPLE_TYPE(T, UPPER)                                       \
    typedef struct C C;                                                        \
    static inline UNUSED C *UPPER##_CLASS(const void *oc)                      \
    {                                                                          \
        return OBJECT_CLASS_CHECK(C, oc, TYPE_##UPPER);                        \
    }                                                                          \
    static inline UNUSED C *UPPER##_GET_CLASS(const void *obj)                 \
    {                                                                          \
        return OBJECT_CLASS_CHECK(C, ((const Object *)(obj))->class,           \
                                  TYPE_##UPPER);                               \
    }

/* For interfaces: the class structure of @obj for interface @name. */
#define INTERFACE_GET_CLASS(C, obj, name)                                      \
    ((C *)object_class_dynamic_cast(((Object *)(obj))->class, name))

/* ---- Properties ---- */

typedef bool ObjectPropertyAccessor(Object *obj, Visitor *v, const char *name,
                                    void *opaque, Error **errp);
typedef void ObjectPropertyRelease(Object *obj, const char *name, void *opaque);

/* What a path may lead through. */
typedef enum ObjectPropertyKind {
    OBJ_PROP_PLAIN,
    OBJ_PROP_CHILD,
    OBJ_PROP_LINK,
    OBJ_PROP_ALIAS,
} ObjectPropertyKind;

struct ObjectProperty {
    const char *name;
    const char *type;               /* "uint32", "str", "link<...>" ... */
    ObjectPropertyKind kind;
    const char *description;        /* one sentence; unit and range */
    ObjectPropertyAccessor *get;    /* NULL: write only */
    ObjectPropertyAccessor *set;    /* NULL: read only */
    ObjectPropertyRelease *release;
    void *opaque;
    const Property *row;            /* when it came from a table */
    Object *(*resolve)(Object *obj, const ObjectProperty *prop);
};

/*
 * Instance property. @description is mandatory and must stay valid; @name and
 * @type are copied. @name ending in "[*]" gets the first free index.
 */
ObjectProperty *object_property_add(Object *obj, const char *name,
                                    const char *type, const char *description,
                                    ObjectPropertyAccessor *get,
                                    ObjectPropertyAccessor *set,
                                    ObjectPropertyRelease *release,
                                    void *opaque);
/* Class property. @name, @type and @description must stay valid. */
ObjectProperty *object_class_property_add(ObjectClass *oc, const char *name,
                                          const char *type,
                                          const char *description,
                                          ObjectPropertyAccessor *get,
                                          ObjectPropertyAccessor *set,
                                          void *opaque);
/* Typed shorthands for class properties backed by functions. */
ObjectProperty *object_class_property_add_str(ObjectClass *oc, const char *name,
    const char *description, char *(*get)(Object *, Error **),
    bool (*set)(Object *, const char *, Error **));
ObjectProperty *object_class_property_add_bool(ObjectClass *oc,
    const char *name, const char *description, bool (*get)(Object *),
    bool (*set)(Object *, bool, Error **));

void object_property_del(Object *obj, const char *name);
ObjectProperty *object_property_find(Object *obj, const char *name);
ObjectProperty *object_class_property_find(ObjectClass *oc, const char *name);
typedef bool ObjectPropertyFn(ObjectProperty *prop, void *opaque);
/* The default as a new reference, or NULL when the property has none. */
struct json_object *object_property_get_default(const ObjectProperty *prop);
/* Visit own and inherited properties, sorted by name; @fn returns false to
 * stop. */
void object_property_foreach(Object *obj, ObjectPropertyFn *fn, void *opaque);
void object_class_property_foreach(ObjectClass *oc, ObjectPropertyFn *fn,
                                   void *opaque);

/*
 * Get and set through a visitor; an unknown property sets an error that names
 * the object's type and the closest property.
 */
bool object_property_get(Object *obj, const char *name, Visitor *v,
                         Error **errp);
bool object_property_set(Object *obj, const char *name, Visitor *v,
                         Error **errp);
bool object_property_set_str(Object *obj, const char *name, const char *value,
                             Error **errp);
bool object_property_set_bool(Object *obj, const char *name, bool value,
                              Error **errp);
bool object_property_set_int(Object *obj, const char *name, int64_t value,
                             Error **errp);
bool object_property_set_uint(Object *obj, const char *name, uint64_t value,
                              Error **errp);
bool object_property_set_link(Object *obj, const char *name, Object *value,
                              Error **errp);
char *object_property_get_str(Object *obj, const char *name, Error **errp);
bool object_property_get_bool(Object *obj, const char *name, Error **errp);
int64_t object_property_get_int(Object *obj, const char *name, Error **errp);
uint64_t object_property_get_uint(Object *obj, const char *name, Error **errp);
Object *object_property_get_link(Object *obj, const char *name, Error **errp);
struct json_object *object_property_get_json(Object *obj, const char *name,
                                             Error **errp);
bool object_property_set_json(Object *obj, const char *name,
                              struct json_object *value, Error **errp);
/* As a user types it on a command line: "4G", "on", "net0". */
bool object_property_parse(Object *obj, const char *name, const char *text,
                           Error **errp);
/*
 * object_set_props: set every member of JSON object @props; the values may be
 * JSON types or strings as on a command line. Stops at the first error.
 */
bool object_set_props(Object *obj, struct json_object *props, Error **errp);

/* ---- The tree ---- */

/* Child property: takes a reference. A name ending in "[*]" gets the first
 * free index. Returns the property. */
ObjectProperty *object_property_add_child(Object *parent, const char *name,
                                          Object *child);
void object_unparent(Object *obj);
/* A property that forwards to @target's @target_name. */
ObjectProperty *object_property_add_alias(Object *obj, const char *name,
                                          Object *target,
                                          const char *target_name);

typedef enum ObjectLinkFlags {
    OBJ_LINK_WEAK   = 0,            /* holds no reference */
    OBJ_LINK_STRONG = 1 << 0,
} ObjectLinkFlags;

/*
 * A link to an object of @target_type, stored in *@slot. @check may refuse
 * @value; NULL makes the link read only for users.
 */
typedef bool ObjectLinkCheck(const Object *obj, const char *name,
                             Object *value, Error **errp);
/* A @check that takes any object of the type. */
bool object_link_allow_any(const Object *obj, const char *name, Object *value,
                           Error **errp);
ObjectProperty *object_property_add_link(Object *obj, const char *name,
                                         const char *target_type, Object **slot,
                                         const char *description,
                                         ObjectLinkCheck *check,
                                         ObjectLinkFlags flags);

Object *object_get_root(void);              /* "/" */
Object *object_get_objects_root(void);      /* "/objects" */
Object *object_get_internal_root(void);     /* not reachable by users */
Object *object_get_container(const char *path);   /* made when missing */
char *object_get_canonical_path(const Object *obj);          /* g_free */
const char *object_get_canonical_path_component(const Object *obj);
/*
 * object_resolve_path: absolute ("/machine/peripheral/net0") or partial
 * ("net0", "peripheral/net0") path. A partial path that fits several objects
 * gives NULL and *@ambiguous = true. @ambiguous may be NULL.
 */
Object *object_resolve_path(const char *path, bool *ambiguous);
Object *object_resolve_path_type(const char *path, const char *type,
                                 bool *ambiguous);
Object *object_resolve_path_component(Object *parent, const char *part);
/* Direct children, or the whole subtree; @fn returns non-zero to stop, which
 * is then the result. */
int object_child_foreach(Object *obj, int (*fn)(Object *child, void *opaque),
                         void *opaque);
int object_child_foreach_recursive(Object *obj,
                                   int (*fn)(Object *child, void *opaque),
                                   void *opaque);

/* ---- Objects that users make (-object, object-add) ---- */

#define TYPE_USER_CREATABLE "user-creatable"

typedef struct UserCreatableClass {
    InterfaceClass parent_class;
    /* All properties are set: acquire resources. */
    bool (*complete)(Object *obj, Error **errp);
    /* Whether object-del is allowed now; NULL: always. */
    bool (*can_be_deleted)(Object *obj, Error **errp);
} UserCreatableClass;

/*
 * user_creatable_add: make an object of @type under /objects with @id, set
 * @props (JSON object, values of JSON types or strings) and complete it.
 * Context: main thread. Returns a borrowed pointer or NULL.
 */
Object *user_creatable_add(const char *type, const char *id,
                           struct json_object *props, Error **errp);
bool user_creatable_complete(Object *obj, Error **errp);
bool user_creatable_del(const char *id, Error **errp);
/* Delete all in reverse order, at exit. */
void user_creatable_cleanup(void);
bool id_wellformed(const char *id);     /* letter, then letters digits - . _ */

#endif
