/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Arm CPU types. KVM runs guests on the host's own CPU, so there are two
 * models, max and host, that mean the same; realize settles which optional
 * features the guest sees. The accelerator takes it from there.
 */
#include "util/osdep.h"
#include "target/arm/cpu.h"
#include "migration/vmstate.h"
#include "target/arm/host.h"
#include "cpu-internal.h"

/* MPIDR_EL1: Aff0 is 4 bits wide on KVM, Aff1 and Aff2 have 8 each. */
#define AFF0_BITS 4
#define AFF1_SHIFT 8
#define AFF2_SHIFT 16

const ARMHostInfo *arm_host;

uint64_t arm_cpu_mp_affinity(uint32_t index)
{
    uint32_t cluster = index >> AFF0_BITS;

    return (index & (BIT(AFF0_BITS) - 1)) | (cluster & 0xff) << AFF1_SHIFT |
           (uint64_t)(cluster >> 8 & 0xff) << AFF2_SHIFT;
}

/* ---- Features ---- */

/* @present: the host has it. */
static bool choose(ARMChoice choice, bool present, const char *name,
                   bool *result, Error **errp)
{
    *result = choice == ARM_ON || (choice == ARM_AUTO && present);
    if (*result && !present) {
        error_setg(errp, "'%s' feature not supported by %s on this host", name,
                   arm_host ? arm_host->name : "this accelerator");
        error_append_hint(errp, "Leave out %s=on", name);
        return false;
    }
    return true;
}

static unsigned highest_bit(uint16_t bits)
{
    return 31 - __builtin_clz(bits);
}

/*
 * KVM takes all lengths of the host up to the largest one of the guest. With
 * lengths asked for, the largest of them is that; else turning one off turns
 * off the longer ones too.
 */
static bool choose_sve_lengths(ARMCPU *cpu, uint16_t host, Error **errp)
{
    uint16_t missing = cpu->sve_on & ~host, want = host, gap;

    if (missing) {
        error_setg(errp, "cannot enable sve%u: this host does not have it",
                   (highest_bit(missing) + 1) * 128);
        return false;
    }
    if (cpu->sve_on) {
        want = host & (uint16_t)(2u * BIT(highest_bit(cpu->sve_on)) - 1);
    } else if (cpu->sve_off & host) {
        want = host & (uint16_t)(BIT(__builtin_ctz(cpu->sve_off & host)) - 1);
    }
    gap = want & cpu->sve_off;
    if (gap) {
        error_setg(errp, "cannot disable sve%u: longer vectors are enabled",
                   (highest_bit(gap) + 1) * 128);
        error_append_hint(errp, "KVM gives a guest all vector lengths of the "
                          "host up to the longest");
        return false;
    }
    if (!want) {
        error_setg(errp, "cannot disable sve%u: no shorter vector is left",
                   (__builtin_ctz(host) + 1) * 128);
        error_append_hint(errp, "Use sve=off");
        return false;
    }
    cpu->sve_lengths = want;
    return true;
}

static bool choose_sve(ARMCPU *cpu, Error **errp)
{
    bool have = arm_host && arm_host->sve && cpu->has_aarch64;
    uint16_t host = have ? arm_host->sve_lengths : 0;

    cpu->sve_lengths = 0;
    if (!choose(cpu->sve, host != 0, "sve", &cpu->has_sve, errp)) {
        return false;
    }
    if (cpu->has_sve) {
        return choose_sve_lengths(cpu, host, errp);
    }
    if (cpu->sve_on) {
        error_setg(errp, "cannot enable sve%u: SVE is off",
                   (highest_bit(cpu->sve_on) + 1) * 128);
        return false;
    }
    return true;
}

static bool choose_aarch64(ARMCPU *cpu, Error **errp)
{
    cpu->has_aarch64 = cpu->aarch64 != ARM_OFF;
    if (!cpu->has_aarch64 && !(arm_host && arm_host->aarch32)) {
        error_setg(errp, "'aarch64' feature cannot be disabled unless KVM is "
                   "enabled and 32-bit EL1 is supported");
        return false;
    }
    return true;
}

bool arm_cpu_expand(ARMCPU *cpu, Error **errp)
{
    static const ARMHostInfo nothing = { .name = "this accelerator" };
    const ARMHostInfo *h = arm_host ? arm_host : &nothing;

    return choose_aarch64(cpu, errp) && choose_sve(cpu, errp) &&
           choose(cpu->pmu, h->pmu, "pmu", &cpu->has_pmu, errp) &&
           choose(cpu->pauth, h->pauth && cpu->has_aarch64, "pauth",
                  &cpu->has_pauth, errp) &&
           choose(cpu->steal_time, h->steal_time && cpu->has_aarch64,
                  "kvm-steal-time", &cpu->has_steal_time, errp);
}

/* ---- Life cycle ---- */

static bool arm_cpu_realize(DeviceState *dev, Error **errp)
{
    return arm_cpu_expand(ARM_CPU(dev), errp) &&
           ARM_CPU_GET_CLASS(dev)->parent_realize(dev, errp);
}

static void arm_cpu_unrealize(DeviceState *dev)
{
    ARM_CPU_GET_CLASS(dev)->parent_unrealize(dev);
}

static uint64_t arm_cpu_get_arch_id(CPUState *cs)
{
    return ARM_CPU(cs)->mp_affinity;
}

static void arm_cpu_instance_finalize(Object *obj)
{
    ARMCPU *cpu = ARM_CPU(obj);

    arm_regs_clear(&cpu->env.regs);
    arm_regs_clear(&cpu->env.wire);
}

static void arm_cpu_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    CPUClass *cc = CPU_CLASS(oc);
    ARMCPUClass *acc = ARM_CPU_CLASS(oc);

    device_class_set_parent_realize(dc, arm_cpu_realize,
                                    &acc->parent_realize);
    device_class_set_parent_unrealize(dc, arm_cpu_unrealize,
                                      &acc->parent_unrealize);
    dc->vmsd = &vmstate_arm_cpu;
    dc->categories = BIT(DEVICE_CATEGORY_CPU);
    /* there is no hot-plug of CPUs on the machines */
    dc->user_creatable = false;
    cc->reset_regs = arm_cpu_reset_regs;
    cc->get_arch_id = arm_cpu_get_arch_id;
    cc->arch_name = "aarch64";
    arm_cpu_class_add_props(oc);
}

static void max_cpu_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->desc = "All features that KVM gives on this host";
}

static void host_cpu_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->desc = "The CPU of this host, as far as KVM gives it";
}

static const TypeInfo arm_cpu_types[] = {
    {
        .name = TYPE_ARM_CPU,
        .parent = TYPE_CPU,
        .help = "Arm CPU",
        .abstract = true,
        .instance_size = sizeof(ARMCPU),
        .instance_finalize = arm_cpu_instance_finalize,
        .class_size = sizeof(ARMCPUClass),
        .class_init = arm_cpu_class_init,
    },
    {
        .name = TYPE_AARCH64_CPU,
        .parent = TYPE_ARM_CPU,
        .help = "Arm CPU with a 64-bit state",
        .abstract = true,
    },
    {
        .name = ARM_CPU_TYPE_NAME("max"),
        .parent = TYPE_AARCH64_CPU,
        .help = "all features that KVM gives on this host",
        .class_init = max_cpu_class_init,
    },
    {
        .name = ARM_CPU_TYPE_NAME("host"),
        .parent = TYPE_AARCH64_CPU,
        .help = "the CPU of this host, as far as KVM gives it",
        .class_init = host_cpu_class_init,
    },
};
DEFINE_TYPES(arm_cpu_types)
