/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP about CPU models: which there are, what each means on this host; and
 * about interrupt controllers, which the same host decides.
 */
#include "util/osdep.h"
#include <json-c/json.h>
#include "qapi/qapi-commands-machine.h"
#include "qom/property.h"
#include "target/arm/host.h"
#include "cpu-internal.h"

CpuDefinitionInfoList *qmp_query_cpu_definitions(Error **errp)
{
    CpuDefinitionInfoList *list = NULL, **tail = &list;

    for (const char *const *p = arm_cpu_models; *p; p++) {
        ObjectClass *oc = arm_cpu_class_by_name(*p);
        CpuDefinitionInfo *info = g_new0(CpuDefinitionInfo, 1);

        info->name = g_strdup(*p);
        info->typename = g_strdup(object_class_get_name(oc));
        *tail = g_new0(CpuDefinitionInfoList, 1);
        (*tail)->value = info;
        tail = &(*tail)->next;
    }
    return list;
}

/* Only features: those of x86 models, which clients try, are refused. */
static bool check_props(struct json_object *props, Error **errp)
{
    struct json_object_iterator it = json_object_iter_begin(props);
    struct json_object_iterator end = json_object_iter_end(props);

    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        const char *name = json_object_iter_peek_name(&it);

        if (!g_strv_contains(arm_feature_names, name)) {
            error_setg(errp, "parameter 'model.props.%s' is unexpected", name);
            return false;
        }
    }
    return true;
}

static bool set_props(Object *obj, struct json_object *props, Error **errp)
{
    if (!props) {
        return true;
    }
    if (!json_object_is_type(props, json_type_object)) {
        error_setg(errp, "parameter 'model.props' takes an object");
        return false;
    }
    return check_props(props, errp) && object_set_props(obj, props, errp);
}

static struct json_object *feature_values(Object *obj)
{
    struct json_object *out = json_object_new_object();

    for (const char *const *p = arm_feature_names; *p; p++) {
        struct json_object *value = object_property_get_json(obj, *p, NULL);

        if (value) {
            json_object_object_add(out, *p, value);
        }
    }
    return out;
}

CpuModelExpansionInfo *
qmp_query_cpu_model_expansion(CpuModelExpansionType type, CpuModelInfo *model,
                              Error **errp)
{
    ObjectClass *oc = arm_cpu_class_by_name(model->name);
    g_autoptr(Object) obj = NULL;
    CpuModelExpansionInfo *info;

    if (type != CPU_MODEL_EXPANSION_TYPE_FULL) {
        error_setg(errp, "the requested expansion type is not supported");
        error_append_hint(errp, "Use type 'full'");
        return NULL;
    }
    if (!oc) {
        error_setg(errp, "the CPU type '%s' is not a recognized ARM CPU type",
                   model->name);
        return NULL;
    }
    obj = object_new_from_class(oc);
    if (!set_props(obj, model->props, errp) ||
        !arm_cpu_expand(ARM_CPU(obj), errp)) {
        return NULL;
    }
    info = g_new0(CpuModelExpansionInfo, 1);
    info->model = g_new0(CpuModelInfo, 1);
    info->model->name = g_strdup(model->name);
    info->model->props = feature_values(obj);
    return info;
}

/* ---- query-gic-capabilities ---- */

static GICCapabilityList **append_gic(GICCapabilityList **tail, int version,
                                      bool kernel)
{
    GICCapability *cap = g_new0(GICCapability, 1);

    cap->version = version;
    cap->kernel = kernel;
    *tail = g_new0(GICCapabilityList, 1);
    (*tail)->value = cap;
    return &(*tail)->next;
}

GICCapabilityList *qmp_query_gic_capabilities(Error **errp)
{
    GICCapabilityList *list = NULL, **tail = &list;

    tail = append_gic(tail, 2, arm_host && arm_host->gicv2);
    append_gic(tail, 3, arm_host && arm_host->gicv3);
    return list;
}
