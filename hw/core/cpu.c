/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device type that all vCPUs derive from. */
#include "util/osdep.h"
#include "hw/core/cpu.h"
#include "system/accel.h"
#include "util/bql.h"

/* Properties of the place of a CPU; the architecture sets what it has. */
#define CPU_NO_ID (-1)

static void cpu_instance_init(Object *obj)
{
    CPUState *cpu = CPU(obj);

    cpu->cpu_index = UINT32_MAX;        /* not given: the first free one */
    cpu->node_id = CPU_NO_ID;
    cpu->socket_id = CPU_NO_ID;
    cpu->die_id = CPU_NO_ID;
    cpu->cluster_id = CPU_NO_ID;
    cpu->core_id = CPU_NO_ID;
    cpu->thread_id = CPU_NO_ID;
    cpu->kvm_fd = -1;
    cpu->stopped = true;                /* until the machine lets it go */
    STAILQ_INIT(&cpu->work);
}

/* Insert into the list by index; takes the first free index when none is
 * set. False: the index is in use. */
static bool cpu_list_add(CPUState *cpu)
{
    CPUState *other;
    uint32_t next = 0;

    CPU_FOREACH(other) {
        if (cpu->cpu_index == other->cpu_index) {
            return false;
        }
        if (other->cpu_index > cpu->cpu_index ||
            (cpu->cpu_index == UINT32_MAX && other->cpu_index != next)) {
            break;
        }
        next = other->cpu_index + 1;
    }
    if (cpu->cpu_index == UINT32_MAX) {
        cpu->cpu_index = next;
    }
    if (other) {
        TAILQ_INSERT_BEFORE(other, cpu, link);
    } else {
        TAILQ_INSERT_TAIL(&cpus, cpu, link);
    }
    return true;
}

static bool cpu_realize(DeviceState *dev, Error **errp)
{
    CPUState *cpu = CPU(dev);
    AccelClass *ac = current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;

    if (!cpu_list_add(cpu)) {
        error_setg(errp, "CPU index %u is in use", cpu->cpu_index);
        return false;
    }
    if (ac && ac->vcpu_create && !ac->vcpu_create(cpu, errp)) {
        TAILQ_REMOVE(&cpus, cpu, link);
        return false;
    }
    cpu_reset(cpu);
    if (dev->hotplugged) {
        cpu_synchronize_post_init(cpu);
        cpus_resume_all();
    }
    return true;
}

static void cpu_unrealize(DeviceState *dev)
{
    CPUState *cpu = CPU(dev);
    AccelClass *ac = current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;

    TAILQ_REMOVE(&cpus, cpu, link);
    if (ac && ac->vcpu_destroy) {
        ac->vcpu_destroy(cpu);
    }
}

void cpu_reset(CPUState *cpu)
{
    CPUClass *cc = CPU_GET_CLASS(cpu);
    AccelClass *ac = current_accel ? ACCEL_GET_CLASS(current_accel) : NULL;

    cpu->halted = false;
    cpu->crash_occurred = false;
    if (cc->reset_regs) {
        cc->reset_regs(cpu);
    }
    cpu->vcpu_dirty = true;             /* CPUState is right, the kernel not */
    if (ac && ac->vcpu_reset) {
        ac->vcpu_reset(cpu);
    }
}

static void cpu_reset_hold(Object *obj)
{
    cpu_reset(CPU(obj));
}

static void cpu_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = cpu_realize;
    dc->unrealize = cpu_unrealize;
    dc->reset_hold = cpu_reset_hold;
    dc->categories = BIT(DEVICE_CATEGORY_CPU);
    dc->user_creatable = true;
}

static const TypeInfo cpu_types[] = {
    {
        .name = TYPE_CPU,
        .parent = TYPE_DEVICE,
        .help = "virtual CPU",
        .instance_size = sizeof(CPUState),
        .instance_init = cpu_instance_init,
        .abstract = true,
        .class_size = sizeof(CPUClass),
        .class_init = cpu_class_init,
    },
};
DEFINE_TYPES(cpu_types)
