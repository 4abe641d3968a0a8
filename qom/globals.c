/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property values for whole classes: compat properties and -global. */
#include "util/osdep.h"
#include "qom/property.h"
#include "util/log.h"
#include "qom-internal.h"

typedef struct GlobalEntry {
    char *driver;
    char *property;
    char *value;
    bool optional;
    bool user;                      /* from -global */
    bool used;
} GlobalEntry;

static GPtrArray *globals;          /* of GlobalEntry; compat ones first */
static guint num_compat;
static Error *globals_error;

static void global_entry_free(void *opaque)
{
    GlobalEntry *e = opaque;

    g_free(e->driver);
    g_free(e->property);
    g_free(e->value);
    g_free(e);
}

static GlobalEntry *global_entry_new(const char *driver, const char *property,
                                     const char *value)
{
    GlobalEntry *e = g_new0(GlobalEntry, 1);

    if (!globals) {
        globals = g_ptr_array_new_with_free_func(global_entry_free);
    }
    e->driver = g_strdup(type_resolve_alias(driver));
    e->property = g_strdup(property);
    e->value = g_strdup(value);
    return e;
}

void object_add_compat_props(const GlobalProperty *props, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        GlobalEntry *e = global_entry_new(props[i].driver, props[i].property,
                                          props[i].value);

        e->optional = props[i].optional;
        g_ptr_array_insert(globals, num_compat++, e);
    }
}

void object_add_global(const char *driver, const char *property,
                       const char *value)
{
    GlobalEntry *e = global_entry_new(driver, property, value);

    e->user = true;
    g_ptr_array_add(globals, e);
}

static void global_apply(Object *obj, GlobalEntry *e)
{
    Error *local_err = NULL;

    e->used = true;
    if (e->optional && !object_property_find(obj, e->property)) {
        return;
    }
    if (object_property_parse(obj, e->property, e->value, &local_err)) {
        return;
    }
    error_prepend(&local_err, "can't apply global %s.%s=%s: ", e->driver,
                  e->property, e->value);
    error_propagate(&globals_error, local_err);
}

void object_apply_globals(Object *obj)
{
    for (guint i = 0; globals && i < globals->len; i++) {
        GlobalEntry *e = globals->pdata[i];

        if (object_dynamic_cast(obj, e->driver)) {
            global_apply(obj, e);
        }
    }
}

bool object_globals_take_error(Error **errp)
{
    bool failed = globals_error != NULL;

    error_propagate(errp, globals_error);
    globals_error = NULL;
    return failed;
}

/* A type that could have taken it but was never made is worth no warning. */
static bool global_is_suspect(const GlobalEntry *e)
{
    ObjectClass *oc;

    if (!e->user || e->used) {
        return false;
    }
    oc = object_class_by_name(e->driver);
    return !oc || object_class_is_abstract(oc) ||
           !object_class_property_find(oc, e->property);
}

int object_globals_warn_unused(void)
{
    int n = 0;

    for (guint i = 0; globals && i < globals->len; i++) {
        const GlobalEntry *e = globals->pdata[i];

        if (!global_is_suspect(e)) {
            continue;
        }
        if (type_find(e->driver)) {
            warn_report("global %s.%s=%s not used", e->driver, e->property,
                        e->value);
        } else {
            warn_report("global %s.%s has invalid class name", e->driver,
                        e->property);
        }
        n++;
    }
    return n;
}

void object_globals_reset(void)
{
    g_clear_pointer(&globals, g_ptr_array_unref);
    num_compat = 0;
    error_free(globals_error);
    globals_error = NULL;
}
