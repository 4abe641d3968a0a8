/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs of the virt machine: slots from the topology, and those at start. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "target/i386/cpu.h"

static X86Topology virt_topology(const MachineState *ms)
{
    return (X86Topology){ .dies = ms->smp.dies, .cores = ms->smp.cores,
                          .threads = ms->smp.threads };
}

const CpuSlotList *virt_possible_cpus(MachineState *ms)
{
    X86Topology topo = virt_topology(ms);

    if (ms->possible_cpus) {
        return ms->possible_cpus;
    }
    ms->possible_cpus = cpu_slot_list_new(ms->smp.max_cpus);
    for (unsigned int i = 0; i < ms->smp.max_cpus; i++) {
        CpuSlot *slot = &ms->possible_cpus->slots[i];
        X86TopologyIds ids;

        slot->arch_id = x86_apic_id_from_index(&topo, i);
        slot->type = ms->cpu_type;
        x86_ids_from_apic_id(&topo, slot->arch_id, &ids);
        slot->ids.socket_id = ids.package;
        if (topo.dies > 1) {
            slot->ids.die_id = ids.die;
        }
        slot->ids.core_id = ids.core;
        slot->ids.thread_id = ids.thread;
    }
    return ms->possible_cpus;
}

static bool virt_create_cpu(CpuSlot *slot, Error **errp)
{
    DeviceState *dev = qdev_new(slot->type);
    CPUState *cs = CPU(dev);

    cs->socket_id = slot->ids.socket_id;
    cs->die_id = MAX(slot->ids.die_id, 0);
    cs->core_id = slot->ids.core_id;
    cs->thread_id = slot->ids.thread_id;
    if (!object_property_set_uint(OBJECT(dev), "apic-id", slot->arch_id,
                                  errp) ||
        !qdev_realize_and_unref(dev, NULL, errp)) {
        return false;
    }
    slot->cpu = OBJECT(dev);
    return true;
}

bool virt_create_cpus(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);
    CpuSlotList *slots = (CpuSlotList *)virt_possible_cpus(ms);
    uint64_t last = slots->slots[slots->len - 1].arch_id;

    if (last >= VIRT_MAX_CPUS) {
        error_setg(errp, "CPU topology gives APIC id %" PRIu64 ", at most %u "
                   "can be interrupted", last, VIRT_MAX_CPUS - 1);
        return false;
    }
    for (unsigned int i = 0; i < ms->smp.cpus; i++) {
        if (!virt_create_cpu(&slots->slots[i], errp)) {
            return false;
        }
    }
    return true;
}

unsigned int virt_phys_bits(VirtMachine *v)
{
    return X86_CPU(cpu_get(0))->phys_bits;
}
