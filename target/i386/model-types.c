/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QOM type per named model: "Haswell-v2-x86_64-cpu" for each version,
 * "Haswell-x86_64-cpu" for the first, and the names that stand for a version
 * ("Haswell-noTSX"). And -cpu: finding a type by name, its help.
 */
#include "util/osdep.h"
#include "target/cpu-model.h"
#include "target/i386/cpu.h"
#include "qom/property.h"
#include "util/cutils.h"
#include "features-internal.h"
#include "models-internal.h"

/* Made by the constructor below, constant after. */
static GPtrArray *models;           /* of X86CPUModel */

static void model_class_init(ObjectClass *oc, const void *data)
{
    const X86CPUModel *model = data;

    X86_CPU_CLASS(oc)->model = model;
    DEVICE_CLASS(oc)->desc = model->info->model_id;
}

/* This runs at each start of the program, so it is spared formatting. */
static char *version_name(const X86CPUModelInfo *info, unsigned version)
{
    const char suffix[] = { '-', 'v', '0' + version, 0 };

    return g_strconcat(info->name, suffix, NULL);
}

/* @name, @alias_of and what is made here stay for ever. */
static void register_model(const X86CPUModelInfo *info, unsigned version,
                           const char *name, const char *alias_of)
{
    struct Registration {
        X86CPUModel model;
        TypeInfo type;
    } *r = g_new0(struct Registration, 1);

    r->model = (X86CPUModel){ info, version, name, alias_of };
    r->type.name = g_strconcat(name, X86_CPU_TYPE_SUFFIX, NULL);
    r->type.parent = TYPE_X86_CPU;
    r->type.help = info->model_id;
    r->type.class_init = model_class_init;
    r->type.class_data = &r->model;
    g_ptr_array_add(models, &r->model);
    type_register_static(&r->type);
}

static void register_models(void)
{
    models = g_ptr_array_sized_new(128);
    for (size_t i = 0; i < x86_nr_cpu_models; i++) {
        const X86CPUModelInfo *info = &x86_cpu_models[i];
        const X86CPUVersion *v = info->versions;
        const char *first = version_name(info, 1);

        register_model(info, 1, info->name, first);
        register_model(info, 1, first, NULL);
        for (; v && v->version; v++) {
            const char *name = version_name(info, v->version);

            register_model(info, v->version, name, NULL);
            if (v->alias) {
                register_model(info, v->version, v->alias, name);
            }
        }
    }
}
type_init(register_models)

/* ---- Lists ---- */

static int compare_names(const void *a, const void *b)
{
    return g_ascii_strcasecmp(*(const char *const *)a,
                              *(const char *const *)b);
}

/* NULL-terminated; the strings belong to the models. */
static const char **model_names(void)
{
    static const char *const others[] = { "base", "host", "max" };
    size_t n = models->len, i;
    const char **names = g_new0(const char *, n + G_N_ELEMENTS(others) + 1);

    for (i = 0; i < n; i++) {
        const X86CPUModel *m = g_ptr_array_index(models, i);

        names[i] = m->name;
    }
    qsort(names, n, sizeof(names[0]), compare_names);
    for (size_t k = 0; k < G_N_ELEMENTS(others); k++) {
        names[n + k] = others[k];
    }
    return names;
}

void x86_cpu_model_foreach(X86CPUModelFn *fn, void *opaque)
{
    g_autofree const char **names = model_names();

    for (const char **p = names; *p; p++) {
        g_autofree char *type = g_strconcat(*p, X86_CPU_TYPE_SUFFIX, NULL);
        ObjectClass *oc = object_class_by_name(type);

        if (oc) {
            fn(oc, *p, opaque);
        }
    }
}

static void print_model(ObjectClass *oc, const char *name, void *opaque)
{
    const X86CPUModel *m = X86_CPU_CLASS(oc)->model;

    if (m && m->alias_of) {
        printf("  %-28s (alias of %s)\n", name, m->alias_of);
    } else {
        printf("  %-28s %s\n", name, DEVICE_CLASS(oc)->desc);
    }
}

void target_cpu_print_help(void)
{
    int column = 2;

    printf("Available CPUs:\n");
    x86_cpu_model_foreach(print_model, NULL);
    printf("\nRecognized CPUID flags:\n ");
    for (size_t i = 0; i < x86_nr_feature_props; i++) {
        const char *name = x86_feature_props[i].name;

        if (column + strlen(name) > 78) {
            printf("\n ");
            column = 2;
        }
        column += printf(" %s", name);
    }
    printf("\n");
}

/* ---- -cpu ---- */

static ObjectClass *class_by_model_name(const char *name, Error **errp)
{
    g_autofree char *type = g_strconcat(name, X86_CPU_TYPE_SUFFIX, NULL);
    ObjectClass *oc = object_class_by_name(type);
    g_autofree const char **names = NULL;

    if (!oc) {
        oc = object_class_by_name(name);        /* a type's own name */
    }
    if (oc && object_class_dynamic_cast(oc, TYPE_X86_CPU) &&
        !object_class_is_abstract(oc)) {
        return oc;
    }
    names = model_names();
    error_setg(errp, "unable to find CPU model '%s'", name);
    error_hint_closest(errp, name, names);
    return NULL;
}

/* The property a user means by @name: exact, or with '-' for '_'. */
static ObjectProperty *find_property(ObjectClass *oc, const char *name)
{
    ObjectProperty *prop = object_class_property_find(oc, name);
    g_autofree char *dashed = NULL;

    if (!prop) {
        dashed = g_strdelimit(g_strdup(name), "_", '-');
        prop = object_class_property_find(oc, dashed);
    }
    return prop;
}

static void hint_property(Error **errp, const char *name)
{
    g_autofree const char **names = g_new0(const char *,
                                           x86_nr_feature_props + 1);

    /* A few are known and take "off"; the rest of them is not. */
    if (g_str_has_prefix(name, "hv-") || g_str_has_prefix(name, "hv_")) {
        error_append_hint(errp, "Hyper-V enlightenments are not available in "
                          "this version: leave it out");
        return;
    }
    for (size_t i = 0; i < x86_nr_feature_props; i++) {
        names[i] = x86_feature_props[i].name;
    }
    error_hint_closest(errp, name, names);
}

/* One comma-separated item, not yet applied. */
typedef struct CpuSetting {
    const char *name;
    const char *value;
} CpuSetting;

static bool parse_setting(ObjectClass *oc, char *item, CpuSetting *out,
                          Error **errp)
{
    char *eq = strchr(item, '=');
    ObjectProperty *prop;

    out->value = "on";
    if (*item == '+' || *item == '-') {
        out->value = *item == '+' ? "on" : "off";
        item++;
    } else if (eq) {
        *eq = 0;
        out->value = eq + 1;
    }
    prop = find_property(oc, item);
    if (!prop || !prop->set) {
        error_setg(errp, "CPU type '%s' has no property '%s'",
                   object_class_get_name(oc), item);
        hint_property(errp, item);
        return false;
    }
    out->name = prop->name;
    return true;
}

/* @signs: the items with + or -, which win over the others. */
static bool apply_items(ObjectClass *oc, char **items, bool signs,
                        Error **errp)
{
    for (; *items; items++) {
        bool sign = **items == '+' || **items == '-';
        CpuSetting s;

        if (!**items || sign != signs) {
            continue;               /* a trailing comma is fine */
        }
        if (!parse_setting(oc, *items, &s, errp)) {
            return false;
        }
        object_add_global(object_class_get_name(oc), s.name, s.value);
    }
    return true;
}

const char *target_cpu_parse_model(const char *text, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    ObjectClass *oc = class_by_model_name(items[0] ? items[0] : "", errp);

    if (!oc || !apply_items(oc, items + 1, false, errp) ||
        !apply_items(oc, items + 1, true, errp)) {
        return NULL;
    }
    return object_class_get_name(oc);
}
