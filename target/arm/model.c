/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -cpu: the type of a model, and "feature=on" as globals of it. There is no
 * "+feature" on Arm, as in QEMU.
 */
#include "util/osdep.h"
#include "target/cpu-model.h"
#include "qom/property.h"
#include "util/cutils.h"
#include "cpu-internal.h"

const char *const arm_cpu_models[] = { "host", "max", NULL };

ObjectClass *arm_cpu_class_by_name(const char *name)
{
    g_autofree char *type = g_strconcat(name, ARM_CPU_TYPE_SUFFIX, NULL);
    ObjectClass *oc = object_class_by_name(type);

    if (!oc) {
        oc = object_class_by_name(name);        /* a type's own name */
    }
    return oc && object_class_dynamic_cast(oc, TYPE_ARM_CPU) &&
           !object_class_is_abstract(oc) ? oc : NULL;
}

void target_cpu_print_help(void)
{
    printf("Available CPUs:\n");
    for (const char *const *p = arm_cpu_models; *p; p++) {
        printf("  %s\n", *p);
    }
}

static bool apply_item(ObjectClass *oc, char *item, Error **errp)
{
    const char *type = object_class_get_name(oc);
    char *eq = strchr(item, '=');
    ObjectProperty *prop;

    if (!eq) {
        error_setg(errp, "expected key=value format, found '%s'", item);
        return false;
    }
    *eq = 0;
    prop = object_class_property_find(oc, item);
    if (!prop || !prop->set) {
        error_setg(errp, "CPU type '%s' has no property '%s'", type, item);
        error_hint_closest(errp, item, (const char **)arm_feature_names);
        return false;
    }
    object_add_global(type, item, eq + 1);
    return true;
}

const char *target_cpu_parse_model(const char *text, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    const char *name = items[0] ? items[0] : "";
    ObjectClass *oc = arm_cpu_class_by_name(name);

    if (!oc) {
        error_setg(errp, "unable to find CPU model '%s'", name);
        error_append_hint(errp, "KVM runs guests on the host's own CPU: use "
                          "-cpu 'host' or 'max'");
        return NULL;
    }
    for (char **p = items + 1; items[0] && *p; p++) {
        if (**p && !apply_item(oc, *p, errp)) {
            return NULL;
        }
    }
    return object_class_get_name(oc);
}
