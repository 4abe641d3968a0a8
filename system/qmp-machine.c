/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP commands about CPUs, memory and what the process is. */
#include "util/osdep.h"
#include <json-c/json.h>
#include "qapi/qapi-commands-machine.h"
#include "qapi/qapi-commands-numa.h"
#include "backends/hostmem.h"
#include "hw/core/cpu.h"
#include "hw/core/machine.h"
#include "system/accel.h"
#include "system/guest-info.h"

static SysEmuTarget system_target(void)
{
    int target = qapi_enum_find(&SysEmuTarget_lookup, NEMU_TARGET_ARCH);

    g_assert(target >= 0);
    return target;
}

TargetInfo *qmp_query_target(Error **errp)
{
    TargetInfo *info = g_new0(TargetInfo, 1);

    info->arch = system_target();
    return info;
}

KvmInfo *qmp_query_kvm(Error **errp)
{
    KvmInfo *info = g_new0(KvmInfo, 1);

    info->enabled = kvm_enabled();
    info->present = object_class_by_name(ACCEL_TYPE_NAME("kvm")) != NULL;
    return info;
}

NameInfo *qmp_query_name(Error **errp)
{
    NameInfo *info = g_new0(NameInfo, 1);

    info->name = g_strdup(guest_info_get_name());
    return info;
}

UuidInfo *qmp_query_uuid(Error **errp)
{
    UuidInfo *info = g_new0(UuidInfo, 1);

    info->UUID = g_malloc0(UUID_STR_LEN + 1);
    uuid_to_string(guest_info_get_uuid(), info->UUID);
    return info;
}

MemoryInfo *qmp_query_memory_size_summary(Error **errp)
{
    MachineState *ms = machine_get();
    MemoryInfo *info = g_new0(MemoryInfo, 1);

    if (ms) {
        info->base_memory = ms->ram_size;
        info->has_plugged_memory = ms->maxram_size > ms->ram_size;
    }
    return info;
}

/* ---- Memory backends ---- */

static uint16List *memdev_nodes(Object *obj)
{
    struct json_object *array = object_property_get_json(obj, "host-nodes",
                                                         NULL);
    uint16List *list = NULL, **tail = &list;

    for (size_t i = 0; array && i < json_object_array_length(array); i++) {
        QAPI_LIST_APPEND(tail, json_object_get_int(
                                   json_object_array_get_idx(array, i)));
    }
    json_object_put(array);
    return list;
}

static int memdev_add(Object *obj, void *opaque)
{
    MemdevList ***tail = opaque;
    g_autofree char *policy = NULL;
    Memdev *m;
    int found;

    if (!object_dynamic_cast(obj, TYPE_MEMORY_BACKEND)) {
        return 0;
    }
    m = g_new0(Memdev, 1);
    policy = object_property_get_str(obj, "policy", NULL);
    m->id = g_strdup(object_get_canonical_path_component(obj));
    m->size = object_property_get_uint(obj, "size", NULL);
    m->merge = object_property_get_bool(obj, "merge", NULL);
    m->dump = object_property_get_bool(obj, "dump", NULL);
    m->prealloc = object_property_get_bool(obj, "prealloc", NULL);
    m->share = object_property_get_bool(obj, "share", NULL);
    m->has_reserve = true;
    m->reserve = object_property_get_bool(obj, "reserve", NULL);
    m->host_nodes = memdev_nodes(obj);
    found = qapi_enum_find(&HostMemPolicy_lookup, policy);
    m->policy = MAX(found, 0);
    QAPI_LIST_APPEND(*tail, m);
    return 0;
}

MemdevList *qmp_query_memdev(Error **errp)
{
    MemdevList *list = NULL, **tail = &list;

    object_child_foreach(object_get_objects_root(), memdev_add, &tail);
    return list;
}

/* ---- CPUs ---- */

static CpuInstanceProperties *cpu_props(const CpuIds *ids)
{
    CpuInstanceProperties *p = g_new0(CpuInstanceProperties, 1);

    p->has_node_id = ids->node_id >= 0;
    p->node_id = ids->node_id;
    p->has_socket_id = ids->socket_id >= 0;
    p->socket_id = ids->socket_id;
    p->has_die_id = ids->die_id >= 0;
    p->die_id = ids->die_id;
    p->has_cluster_id = ids->cluster_id >= 0;
    p->cluster_id = ids->cluster_id;
    p->has_core_id = ids->core_id >= 0;
    p->core_id = ids->core_id;
    p->has_thread_id = ids->thread_id >= 0;
    p->thread_id = ids->thread_id;
    return p;
}

/* The slot that @cpu fills, or NULL. */
static const CpuSlot *cpu_slot_of(const CpuSlotList *slots, CPUState *cpu)
{
    unsigned int i;

    for (i = 0; slots && i < slots->len; i++) {
        if (slots->slots[i].cpu == OBJECT(cpu)) {
            return &slots->slots[i];
        }
    }
    return NULL;
}

CpuInfoFastList *qmp_query_cpus_fast(Error **errp)
{
    MachineState *ms = machine_get();
    const CpuSlotList *slots = ms ? machine_possible_cpus(ms) : NULL;
    CpuInfoFastList *list = NULL, **tail = &list;
    CPUState *cpu;

    CPU_FOREACH(cpu) {
        CpuInfoFast *info = g_new0(CpuInfoFast, 1);
        const CpuSlot *slot = cpu_slot_of(slots, cpu);

        info->cpu_index = cpu->cpu_index;
        info->qom_path = object_get_canonical_path(OBJECT(cpu));
        info->thread_id = cpu->host_tid;
        info->props = slot ? cpu_props(&slot->ids) : NULL;
        info->target = system_target();
        QAPI_LIST_APPEND(tail, info);
    }
    return list;
}

HotpluggableCPUList *qmp_query_hotpluggable_cpus(Error **errp)
{
    MachineState *ms = machine_get();
    const CpuSlotList *slots = NULL;
    HotpluggableCPUList *list = NULL;
    unsigned int i;

    if (ms && MACHINE_GET_CLASS(ms)->has_hotpluggable_cpus) {
        slots = machine_possible_cpus(ms);
    }
    if (slots == NULL) {
        error_setg(errp, "machine does not support hot-plugging CPUs");
        return NULL;
    }
    for (i = 0; i < slots->len; i++) {
        const CpuSlot *slot = &slots->slots[i];
        HotpluggableCPU *cpu = g_new0(HotpluggableCPU, 1);

        cpu->type = g_strdup(slot->type);
        cpu->vcpus_count = 1;
        cpu->props = cpu_props(&slot->ids);
        if (slot->cpu) {
            cpu->qom_path = object_get_canonical_path(slot->cpu);
        }
        QAPI_LIST_PREPEND(list, cpu);   /* highest first, as clients know */
    }
    return list;
}

static void cpu_do_nmi(CPUState *cpu, void *opaque)
{
    AccelClass *ac = ACCEL_GET_CLASS(current_accel);
    Error **err = opaque;

    if (*err == NULL) {
        ac->vcpu_inject_nmi(cpu, err);
    }
}

bool qmp_inject_nmi(Error **errp)
{
    AccelClass *ac = current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;
    Error *err = NULL;
    CPUState *cpu;

    if (!ac || !ac->vcpu_inject_nmi || TAILQ_EMPTY(&cpus)) {
        error_setg(errp, "machine does not provide NMIs");
        return false;
    }
    CPU_FOREACH(cpu) {
        cpu_run_on(cpu, cpu_do_nmi, &err);
    }
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    return true;
}
