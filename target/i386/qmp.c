/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP about CPU models: which there are, what each means on this host.
 */
#include "util/osdep.h"
#include <json-c/json.h>
#include "qapi/qapi-commands-machine.h"
#include "qom/property.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "features-internal.h"
#include "models-internal.h"

/* ---- query-cpu-definitions ---- */

static strList **append_str(strList **tail, const char *value)
{
    *tail = g_new0(strList, 1);
    (*tail)->value = g_strdup(value);
    return &(*tail)->next;
}

static strList *unavailable_features(ObjectClass *oc)
{
    g_autoptr(Object) obj = object_new_from_class(oc);
    X86CPU *cpu = X86_CPU(obj);
    strList *list = NULL, **tail = &list;

    if (!x86_cpu_expand(cpu, NULL)) {
        append_str(tail, "kvm");    /* host, where there is no KVM */
        return list;
    }
    x86_cpu_filter(cpu);
    for (int w = 0; w < X86_FW__COUNT; w++) {
        for (uint64_t bits = cpu->filtered[w]; bits; bits &= bits - 1) {
            const char *name = x86_feature_name(w, __builtin_ctzll(bits));

            if (name) {
                tail = append_str(tail, name);
            }
        }
    }
    return list;
}

typedef struct DefinitionWalk {
    CpuDefinitionInfoList **tail;
} DefinitionWalk;

static void add_definition(ObjectClass *oc, const char *name, void *opaque)
{
    DefinitionWalk *walk = opaque;
    const X86CPUModel *model = X86_CPU_CLASS(oc)->model;
    bool is_static = strcmp(name, "base") == 0;
    CpuDefinitionInfo *info = g_new0(CpuDefinitionInfo, 1);

    info->name = g_strdup(name);
    info->typename = g_strdup(object_class_get_name(oc));
    info->q_static = is_static;
    info->has_migration_safe = true;
    info->migration_safe = model || is_static;
    info->unavailable_features = unavailable_features(oc);
    info->alias_of = model ? g_strdup(model->alias_of) : NULL;
    *walk->tail = g_new0(CpuDefinitionInfoList, 1);
    (*walk->tail)->value = info;
    walk->tail = &(*walk->tail)->next;
}

CpuDefinitionInfoList *qmp_query_cpu_definitions(Error **errp)
{
    CpuDefinitionInfoList *list = NULL;
    DefinitionWalk walk = { &list };

    x86_cpu_model_foreach(add_definition, &walk);
    return list;
}

/* ---- query-cpu-model-expansion ---- */

static void add_value(Object *obj, const char *name, struct json_object *out)
{
    struct json_object *value = object_property_get_json(obj, name, NULL);

    if (value) {
        json_object_object_add(out, name, value);
    }
}

/* What a static model is made of. */
static struct json_object *static_props(Object *obj)
{
    static const char *const identity[] = {
        "vendor", "family", "model", "stepping", "model-id", "min-level",
        "min-xlevel",
    };
    struct json_object *out = json_object_new_object();

    for (size_t i = 0; i < G_N_ELEMENTS(identity); i++) {
        add_value(obj, identity[i], out);
    }
    for (size_t i = 0; i < x86_nr_feature_props; i++) {
        add_value(obj, x86_feature_props[i].name, out);
    }
    return out;
}

typedef struct PropsWalk {
    Object *obj;
    struct json_object *out;
} PropsWalk;

static bool add_property(ObjectProperty *prop, void *opaque)
{
    PropsWalk *walk = opaque;
    bool link = strncmp(prop->type, "link<", 5) == 0 ||
                strncmp(prop->type, "child<", 6) == 0;
    bool hidden = prop->row && (prop->row->flags & PROP_F_HIDDEN);

    if (prop->get && prop->set && !link && !hidden) {
        add_value(walk->obj, prop->name, walk->out);
    }
    return true;
}

static struct json_object *full_props(Object *obj)
{
    PropsWalk walk = { obj, json_object_new_object() };

    object_property_foreach(obj, add_property, &walk);
    return walk.out;
}

static ObjectClass *model_class(const char *name, Error **errp)
{
    g_autofree char *type = g_strconcat(name, X86_CPU_TYPE_SUFFIX, NULL);
    ObjectClass *oc = object_class_by_name(type);

    if (!oc || !object_class_dynamic_cast(oc, TYPE_X86_CPU) ||
        object_class_is_abstract(oc)) {
        error_setg(errp, "CPU model '%s' not found", name);
        return NULL;
    }
    return oc;
}

CpuModelExpansionInfo *
qmp_query_cpu_model_expansion(CpuModelExpansionType type, CpuModelInfo *model,
                              Error **errp)
{
    ObjectClass *oc = model_class(model->name, errp);
    bool is_static = type == CPU_MODEL_EXPANSION_TYPE_STATIC;
    g_autoptr(Object) obj = NULL;
    CpuModelExpansionInfo *info;

    if (!oc) {
        return NULL;
    }
    obj = object_new_from_class(oc);
    if ((model->props && !object_set_props(obj, model->props, errp)) ||
        !x86_cpu_expand(X86_CPU(obj), errp)) {
        return NULL;
    }
    info = g_new0(CpuModelExpansionInfo, 1);
    info->model = g_new0(CpuModelInfo, 1);
    info->model->name = g_strdup(is_static ? "base" : model->name);
    info->model->props = is_static ? static_props(obj) : full_props(obj);
    return info;
}
