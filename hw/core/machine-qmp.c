/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query-machines. */
#include "util/osdep.h"
#include "hw/core/machine.h"
#include "qapi/qapi-commands-machine.h"

static MachineInfo *machine_info(MachineClass *mc)
{
    MachineInfo *info = g_new0(MachineInfo, 1);

    info->name = g_strdup(mc->name);
    info->alias = g_strdup(mc->alias);
    info->has_is_default = mc->is_default;
    info->is_default = mc->is_default;
    info->cpu_max = mc->max_cpus ? mc->max_cpus : 1;
    info->hotpluggable_cpus = mc->has_hotpluggable_cpus;
    info->numa_mem_supported = mc->numa_mem_supported;
    info->deprecated = mc->deprecation_reason != NULL;
    info->default_cpu_type = g_strdup(mc->default_cpu_type);
    info->default_ram_id = g_strdup(mc->default_ram_id);
    return info;
}

MachineInfoList *qmp_query_machines(Error **errp)
{
    GSList *classes = object_class_get_list(TYPE_MACHINE, false);
    MachineInfoList *list = NULL, **tail = &list;

    for (GSList *l = classes; l; l = l->next) {
        *tail = g_new0(MachineInfoList, 1);
        (*tail)->value = machine_info(MACHINE_CLASS(l->data));
        tail = &(*tail)->next;
    }
    g_slist_free(classes);
    return list;
}
