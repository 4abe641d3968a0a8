/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Property tables: a row gives a class property its name, C field, default
 * and one sentence of text, from which help, QMP and the manual come.
 *
 *     static const Property virtio_rng_props[] = {
 *         PROP_UINT64("max-bytes", VirtIORng, max_bytes, INT64_MAX,
 *                     "bytes the guest may read in each period"),
 *         PROP_LINK("rng", VirtIORng, rng, TYPE_RNG_BACKEND,
 *                   "object that gives the entropy"),
 *     };
 *     object_class_add_props(oc, virtio_rng_props);
 *
 * Defaults are stored into the field before instance_init of the class that
 * owns the row. A device refuses changes after realize unless the row says
 * PROP_F_LIVE.
 */
#ifndef QOM_PROPERTY_H
#define QOM_PROPERTY_H

#include "qom/object.h"

struct QEnumLookup;

typedef struct PropertyInfo {
    const char *type;               /* as in device-list-properties */
    ObjectPropertyAccessor *get;    /* opaque = (void *)the row */
    ObjectPropertyAccessor *set;
    void (*set_default)(Object *obj, const Property *prop);
    struct json_object *(*default_json)(const Property *prop);
    ObjectPropertyRelease *release; /* at finalize: free the field */
    const struct QEnumLookup *enum_lookup;      /* for enum infos */
} PropertyInfo;

enum {
    PROP_F_LIVE     = 1u << 0,      /* may change after realize */
    PROP_F_NO_DEF   = 1u << 1,      /* field is left as instance_init made it */
    PROP_F_HIDDEN   = 1u << 2,      /* accepted, not listed (compatibility) */
};

struct Property {
    const char *name;
    const PropertyInfo *info;
    ptrdiff_t offset;               /* of the field in the instance */
    uint16_t flags;
    uint8_t bitnr;                  /* for bit properties */
    union {
        int64_t i;
        uint64_t u;
        const char *s;
    } def;
    const char *link_type;          /* for links */
    const PropertyInfo *array_info; /* element type, for arrays */
    uint32_t array_elem_size;       /* bytes */
    uint32_t array_len_offset;      /* of the uint32_t count */
    const char *help;               /* mandatory */
};

void object_class_add_props_n(ObjectClass *oc, const Property *rows, size_t n);
#define object_class_add_props(oc, rows)                                       \
    object_class_add_props_n(oc, rows, G_N_ELEMENTS(rows))

extern const PropertyInfo prop_info_bool, prop_info_bit, prop_info_bit64,
    prop_info_uint8, prop_info_uint16, prop_info_uint32, prop_info_uint64,
    prop_info_int32, prop_info_int64, prop_info_size, prop_info_size32,
    prop_info_string, prop_info_link, prop_info_on_off_auto, prop_info_array,
    prop_info_uuid, prop_info_macaddr;

/* The row's field inside @obj. */
static inline void *property_field(Object *obj, const Property *prop)
{
    return (char *)obj + prop->offset;
}

#define PROP_ROW(n, S, f, inf, T, ...)                                         \
    { .name = (n), .info = &(inf),                                             \
      .offset = offsetof(S, f) +                                               \
                0 * sizeof(((T *)0 == &((S *)0)->f)), __VA_ARGS__ }

#define PROP_BOOL(n, S, f, d, h)   PROP_ROW(n, S, f, prop_info_bool, bool, .def.u = (d), .help = (h))
#define PROP_UINT8(n, S, f, d, h)  PROP_ROW(n, S, f, prop_info_uint8, uint8_t, .def.u = (d), .help = (h))
#define PROP_UINT16(n, S, f, d, h) PROP_ROW(n, S, f, prop_info_uint16, uint16_t, .def.u = (d), .help = (h))
#define PROP_UINT32(n, S, f, d, h) PROP_ROW(n, S, f, prop_info_uint32, uint32_t, .def.u = (d), .help = (h))
#define PROP_UINT64(n, S, f, d, h) PROP_ROW(n, S, f, prop_info_uint64, uint64_t, .def.u = (d), .help = (h))
#define PROP_INT32(n, S, f, d, h)  PROP_ROW(n, S, f, prop_info_int32, int32_t, .def.i = (d), .help = (h))
#define PROP_INT64(n, S, f, d, h)  PROP_ROW(n, S, f, prop_info_int64, int64_t, .def.i = (d), .help = (h))
/* bytes, with suffixes k M G T P E on input */
#define PROP_SIZE(n, S, f, d, h)   PROP_ROW(n, S, f, prop_info_size, uint64_t, .def.u = (d), .help = (h))
#define PROP_SIZE32(n, S, f, d, h) PROP_ROW(n, S, f, prop_info_size32, uint32_t, .def.u = (d), .help = (h))
/* char * owned by the object; default is copied, NULL = unset */
#define PROP_STRING(n, S, f, d, h) PROP_ROW(n, S, f, prop_info_string, char *, .def.s = (d), .help = (h))
/* one bit of a uint32_t / uint64_t field */
#define PROP_BIT(n, S, f, bit, d, h)   PROP_ROW(n, S, f, prop_info_bit, uint32_t, .bitnr = (bit), .def.u = (d), .help = (h))
#define PROP_BIT64(n, S, f, bit, d, h) PROP_ROW(n, S, f, prop_info_bit64, uint64_t, .bitnr = (bit), .def.u = (d), .help = (h))
/* OnOffAuto field (int sized enum of the schema) */
#define PROP_ON_OFF_AUTO(n, S, f, d, h)                                        \
    { .name = (n), .info = &prop_info_on_off_auto, .offset = offsetof(S, f),   \
      .def.i = (d), .help = (h) }
/* int-sized enum with its own PropertyInfo: DEFINE_PROP_ENUM_INFO */
#define PROP_ENUM(n, S, f, inf, d, h)                                          \
    { .name = (n), .info = &(inf), .offset = offsetof(S, f), .def.i = (d),     \
      .help = (h) }
/* pointer field, strong reference to an object of @lt; set by id or path */
#define PROP_LINK(n, S, f, lt, h)                                              \
    { .name = (n), .info = &prop_info_link, .offset = offsetof(S, f),          \
      .link_type = (lt), .help = (h) }
/* uint8_t[6]; the default, all zero, means "choose one" */
#define PROP_MACADDR(n, S, f, h)                                               \
    { .name = (n), .info = &prop_info_macaddr, .offset = offsetof(S, f), .help = (h) }
/* Any other type with its own info (drive, netdev, chardev, pci address). */
#define PROP_CUSTOM(n, S, f, inf, h)                                           \
    { .name = (n), .info = &(inf), .offset = offsetof(S, f), .help = (h) }
/* Array: pointer field + uint32_t count field; JSON lists or n.0 keys. */
#define PROP_ARRAY(n, S, cnt, f, einf, T, h)                                   \
    { .name = (n), .info = &prop_info_array, .offset = offsetof(S, f),         \
      .array_len_offset = offsetof(S, cnt), .array_info = &(einf),             \
      .array_elem_size = sizeof(T), .help = (h) }

/*
 * Make an enum PropertyInfo. @lookup: of a schema enum (OnOffAuto_lookup), or
 * an own QEnumLookup, whose names stand in the order of the enum's values. A
 * JSON boolean is accepted for an enum that has "on" and "off".
 */
bool prop_enum_get(Object *obj, Visitor *v, const char *name, void *opaque,
                   Error **errp);
bool prop_enum_set(Object *obj, Visitor *v, const char *name, void *opaque,
                   Error **errp);
void prop_enum_set_default(Object *obj, const Property *prop);
struct json_object *prop_enum_default_json(const Property *prop);
#define DEFINE_PROP_ENUM_INFO(sym, type_name, lookup)                          \
    const PropertyInfo sym = {                                                 \
        .type = (type_name), .get = prop_enum_get, .set = prop_enum_set,       \
        .set_default = prop_enum_set_default,                                  \
        .default_json = prop_enum_default_json, .enum_lookup = &(lookup),      \
    }

/* ---- Values given for a whole class: -global, compat properties ---- */

typedef struct GlobalProperty {
    const char *driver;             /* type name; applies to subtypes too */
    const char *property;
    const char *value;              /* as typed by a user */
    bool optional;                  /* no error when there is no such property */
} GlobalProperty;

/* One per process; compat properties first (machine init), then -global. */
void object_add_compat_props(const GlobalProperty *props, size_t n);
void object_add_global(const char *driver, const char *property,
                       const char *value);
/*
 * object_apply_globals: apply the compat, then the -global values whose driver
 * is @obj's type or one of its parents or interfaces, each in the order given:
 * the last one wins. Called by instance_post_init of DeviceState and by
 * user-creatable objects. The first -global that fails is kept and returned by
 * object_globals_take_error() since instance init cannot fail; a compat value
 * that fails is a bug of ours and is reported the same way.
 */
void object_apply_globals(Object *obj);
bool object_globals_take_error(Error **errp);
/* Warn of each -global that no class has or nobody used; returns the count. */
int object_globals_warn_unused(void);
/* Forget all; for tests. */
void object_globals_reset(void);

#endif
