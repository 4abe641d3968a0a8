/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs of the virt machine: slots from the topology, and those at start. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "target/arm/cpu.h"

static void virt_place_slot(CpuSlot *slot, const CpuTopology *smp,
                            unsigned index)
{
    unsigned core = index / smp->threads;
    unsigned cluster = core / smp->cores;

    slot->arch_id = arm_cpu_mp_affinity(index);
    slot->ids.thread_id = index % smp->threads;
    slot->ids.core_id = core % smp->cores;
    slot->ids.cluster_id = cluster % smp->clusters;
    slot->ids.socket_id = cluster / smp->clusters;
}

const CpuSlotList *virt_possible_cpus(MachineState *ms)
{
    if (ms->possible_cpus) {
        return ms->possible_cpus;
    }
    ms->possible_cpus = cpu_slot_list_new(ms->smp.max_cpus);
    for (unsigned i = 0; i < ms->smp.max_cpus; i++) {
        CpuSlot *slot = &ms->possible_cpus->slots[i];

        slot->type = ms->cpu_type;
        virt_place_slot(slot, &ms->smp, i);
    }
    return ms->possible_cpus;
}

/* All but the first wait for PSCI. */
static bool virt_create_cpu(CpuSlot *slot, unsigned index, Error **errp)
{
    DeviceState *dev = qdev_new(slot->type);
    CPUState *cs = CPU(dev);

    cs->cpu_index = index;
    cs->socket_id = slot->ids.socket_id;
    cs->cluster_id = slot->ids.cluster_id;
    cs->core_id = slot->ids.core_id;
    cs->thread_id = slot->ids.thread_id;
    if (!object_property_set_uint(OBJECT(dev), "mp-affinity", slot->arch_id,
                                  errp) ||
        !object_property_set_bool(OBJECT(dev), "start-powered-off", index != 0,
                                  errp)) {
        object_unref(dev);
        return false;
    }
    if (!qdev_realize_and_unref(dev, NULL, errp)) {
        return false;
    }
    slot->cpu = OBJECT(dev);
    return true;
}

/* CPUs are alike; the kernel fills in what it takes from them. */
static bool virt_place_steal_time(VirtMachine *v, Error **errp)
{
    CPUState *cs;

    _Static_assert(VIRT_MAX_CPUS * ARM_STEAL_TIME_BYTES <= VIRT_PVTIME_BYTES,
                   "each CPU has its place");
    if (!ARM_CPU(cpu_get(0))->has_steal_time) {
        return true;
    }
    if (!memory_region_init_ram(&v->pvtime, OBJECT(v), "pvtime",
                                VIRT_PVTIME_BYTES, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(), VIRT_PVTIME_BASE,
                                &v->pvtime);
    CPU_FOREACH(cs) {
        ARM_CPU(cs)->steal_time_gpa = VIRT_PVTIME_BASE +
                                      cs->cpu_index * ARM_STEAL_TIME_BYTES;
    }
    return true;
}

bool virt_create_cpus(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);
    CpuSlotList *slots = (CpuSlotList *)virt_possible_cpus(ms);

    for (unsigned i = 0; i < ms->smp.cpus; i++) {
        if (!virt_create_cpu(&slots->slots[i], i, errp)) {
            return false;
        }
    }
    if (v->direct_boot && !ARM_CPU(cpu_get(0))->has_aarch64) {
        error_setg(errp, "aarch64=off: -kernel takes arm64 kernels alone");
        error_append_hint(errp, "Start a 32-bit guest by its firmware");
        return false;
    }
    return virt_place_steal_time(v, errp);
}
