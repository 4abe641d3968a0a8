/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP commands about CPUs, memory and what the process is. */
#include "util/osdep.h"
#include "qapi/qapi-commands-machine.h"
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
