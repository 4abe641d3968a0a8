/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a vCPU between the kernel and ARMCPU, one ioctl each (Linux
 * Documentation/virt/kvm/api.rst 4.68, 4.69; ids in 5.). Most are only needed
 * when a state is saved or loaded: a run goes on with those that have names,
 * and the kernel itself makes the state of reset.
 */
#include "util/osdep.h"
#include "util/log.h"
#include "arm-internal.h"
#include "trace/trace-accel_kvm.h"

#define CORE_REG(name)                                                         \
    (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                     \
     KVM_REG_ARM_CORE_REG(name))
/* Each is two 32-bit units, by which core registers are numbered. */
#define CORE_REG_X(n) (CORE_REG(regs.regs[0]) + (n) * 2)

int kvm_arm_get_reg(CPUState *cpu, uint64_t id, void *value)
{
    struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

    return kvm_vcpu_ioctl(cpu, KVM_GET_ONE_REG, &reg);
}

int kvm_arm_set_reg(CPUState *cpu, uint64_t id, const void *value)
{
    struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

    return kvm_vcpu_ioctl(cpu, KVM_SET_ONE_REG, &reg);
}

static bool get_reg(CPUState *cpu, uint64_t id, void *value, Error **errp)
{
    int ret = kvm_arm_get_reg(cpu, id, value);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "cannot read register 0x%" PRIx64, id);
        return false;
    }
    return true;
}

/* A register that cannot be written is fine when it has that value. */
static bool set_reg(CPUState *cpu, uint64_t id, const void *value,
                    Error **errp)
{
    uint8_t now[ARM_REG_MAX_BYTES];
    int ret = kvm_arm_set_reg(cpu, id, value);

    if (ret == 0 || (kvm_arm_get_reg(cpu, id, now) == 0 &&
                     memcmp(now, value, arm_reg_bytes(id)) == 0)) {
        return true;
    }
    error_setg_errno(errp, -ret, "cannot set register 0x%" PRIx64, id);
    return false;
}

/* ---- The list ---- */

static bool has_name(uint64_t id)
{
    uint64_t x = CORE_REG_X(0);

    return (id >= x && id < CORE_REG_X(ARM_NR_X)) ||
           id == CORE_REG(regs.sp) || id == CORE_REG(regs.pc) ||
           id == CORE_REG(regs.pstate);
}

/* KVM_GET_REG_LIST; g_free(). NULL: @ret is -errno. */
static struct kvm_reg_list *read_reg_list(CPUState *cpu, int *ret)
{
    struct kvm_reg_list probe = { .n = 0 }, *list;

    *ret = kvm_vcpu_ioctl(cpu, KVM_GET_REG_LIST, &probe);
    if (*ret != -E2BIG || probe.n > ARM_REGS_MAX) {
        return NULL;
    }
    list = g_malloc0(sizeof(*list) + probe.n * sizeof(list->reg[0]));
    list->n = probe.n;
    *ret = kvm_vcpu_ioctl(cpu, KVM_GET_REG_LIST, list);
    if (*ret < 0) {
        g_clear_pointer(&list, g_free);
    }
    return list;
}

bool kvm_arm_load_reg_list(KVMState *s, ARMCPU *cpu, Error **errp)
{
    KVMArm *k = kvm_arm(s);
    int ret;
    g_autofree struct kvm_reg_list *list = read_reg_list(CPU(cpu), &ret);

    if (!list) {
        return kvm_arm_ioctl_error(MIN(ret, -1), "KVM_GET_REG_LIST", errp);
    }
    k->reg_ids = g_new(uint64_t, list->n);
    k->nr_regs = 0;
    for (uint64_t i = 0; i < list->n; i++) {
        if (!has_name(list->reg[i])) {
            k->reg_ids[k->nr_regs++] = list->reg[i];
        }
    }
    return true;
}

/* ---- Registers with names ---- */

static bool get_core(ARMCPU *cpu, Error **errp)
{
    ARMCPUState *env = &cpu->env;
    CPUState *cs = CPU(cpu);

    for (int i = 0; i < ARM_NR_X; i++) {
        if (!get_reg(cs, CORE_REG_X(i), &env->x[i], errp)) {
            return false;
        }
    }
    return get_reg(cs, CORE_REG(regs.sp), &env->sp, errp) &&
           get_reg(cs, CORE_REG(regs.pc), &env->pc, errp) &&
           get_reg(cs, CORE_REG(regs.pstate), &env->pstate, errp);
}

/* @reset: the kernel has just put zeros there. */
static bool put_core(ARMCPU *cpu, bool reset, Error **errp)
{
    const ARMCPUState *env = &cpu->env;
    CPUState *cs = CPU(cpu);

    for (int i = 0; i < ARM_NR_X; i++) {
        if ((!reset || env->x[i]) &&
            !set_reg(cs, CORE_REG_X(i), &env->x[i], errp)) {
            return false;
        }
    }
    if (reset && env->pstate == ARM_PSTATE_EL1H_MASKED) {
        return set_reg(cs, CORE_REG(regs.pc), &env->pc, errp);
    }
    return set_reg(cs, CORE_REG(regs.sp), &env->sp, errp) &&
           set_reg(cs, CORE_REG(regs.pc), &env->pc, errp) &&
           set_reg(cs, CORE_REG(regs.pstate), &env->pstate, errp);
}

/* ---- Registers without ---- */

static bool get_list(KVMState *s, ARMCPU *cpu, Error **errp)
{
    const KVMArm *k = kvm_arm(s);
    const ARMRegs *regs = &cpu->env.regs;
    uint8_t *p = regs->data;

    for (uint32_t i = 0; i < regs->nr; i++) {
        uint64_t id = regs->ids[i];

        if (id == KVM_REG_ARM_TIMER_CNT && k->vtime_valid) {
            /* the kernel's goes on while the VM stands still */
            memcpy(p, &k->vtime, sizeof(k->vtime));
        } else if (!get_reg(CPU(cpu), id, p, errp)) {
            return false;
        }
        p += arm_reg_bytes(id);
    }
    return true;
}

static bool put_list(KVMState *s, ARMCPU *cpu, Error **errp)
{
    const ARMRegs *regs = &cpu->env.regs;
    const uint8_t *p = regs->data;

    for (uint32_t i = 0; i < regs->nr; i++) {
        if (!set_reg(CPU(cpu), regs->ids[i], p, errp)) {
            return false;
        }
        p += arm_reg_bytes(regs->ids[i]);
    }
    return true;
}

/* ---- Power and events ---- */

static bool get_power(ARMCPU *cpu, Error **errp)
{
    struct kvm_mp_state mp;
    int ret = kvm_vcpu_ioctl(CPU(cpu), KVM_GET_MP_STATE, &mp);

    if (ret < 0) {
        return kvm_arm_ioctl_error(ret, "KVM_GET_MP_STATE", errp);
    }
    cpu->env.powered_off = mp.mp_state == KVM_MP_STATE_STOPPED;
    CPU(cpu)->halted = cpu->env.powered_off;
    return true;
}

static bool put_power(ARMCPU *cpu, Error **errp)
{
    struct kvm_mp_state mp = {
        .mp_state = cpu->env.powered_off ? KVM_MP_STATE_STOPPED
                                         : KVM_MP_STATE_RUNNABLE,
    };
    int ret = kvm_vcpu_ioctl(CPU(cpu), KVM_SET_MP_STATE, &mp);

    return ret == 0 || kvm_arm_ioctl_error(ret, "KVM_SET_MP_STATE", errp);
}

static bool get_events(KVMState *s, ARMCPU *cpu, Error **errp)
{
    ARMEvents *e = &cpu->env.events;
    struct kvm_vcpu_events k;
    int ret;

    if (!kvm_arm(s)->has_events) {
        return true;
    }
    ret = kvm_vcpu_ioctl(CPU(cpu), KVM_GET_VCPU_EVENTS, &k);
    if (ret < 0) {
        return kvm_arm_ioctl_error(ret, "KVM_GET_VCPU_EVENTS", errp);
    }
    e->serror_pending = k.exception.serror_pending;
    e->serror_has_esr = k.exception.serror_has_esr;
    e->serror_esr = k.exception.serror_esr;
    e->ext_dabt_pending = 0;        /* the kernel reports none */
    return true;
}

static bool put_events(KVMState *s, ARMCPU *cpu, Error **errp)
{
    const ARMEvents *e = &cpu->env.events;
    struct kvm_vcpu_events k = {
        .exception.serror_pending = e->serror_pending,
        .exception.serror_has_esr = e->serror_has_esr,
        .exception.serror_esr = e->serror_esr,
    };
    int ret;

    if (!kvm_arm(s)->has_events) {
        return true;
    }
    ret = kvm_vcpu_ioctl(CPU(cpu), KVM_SET_VCPU_EVENTS, &k);
    return ret == 0 || kvm_arm_ioctl_error(ret, "KVM_SET_VCPU_EVENTS", errp);
}

/* ---- All of it ---- */

bool kvm_arch_get_state(CPUState *cs, Error **errp)
{
    KVMState *s = kvm_state();
    ARMCPU *cpu = ARM_CPU(cs);

    return get_core(cpu, errp) && get_list(s, cpu, errp) &&
           get_power(cpu, errp) && get_events(s, cpu, errp);
}

static bool put_after_reset(KVMState *s, ARMCPU *cpu, bool fresh, Error **errp)
{
    return (fresh || kvm_arm_vcpu_reset(s, cpu, errp)) &&
           kvm_arm_set_steal_time(cpu, errp) && put_core(cpu, true, errp) &&
           put_power(cpu, errp);
}

static bool put_all(KVMState *s, ARMCPU *cpu, Error **errp)
{
    return kvm_arm_set_steal_time(cpu, errp) && put_list(s, cpu, errp) &&
           put_core(cpu, false, errp) &&
           put_events(s, cpu, errp) && put_power(cpu, errp);
}

bool kvm_arch_put_state(CPUState *cs, Error **errp)
{
    KVMState *s = kvm_state();
    ARMCPU *cpu = ARM_CPU(cs);
    bool fresh = kvm_vcpu(cs)->fresh, ok;

    trace_kvm_put_state(cs->cpu_index, cpu->dirty_level, fresh);
    if (cpu->dirty_level == ARM_DIRTY_RESET) {
        ok = put_after_reset(s, cpu, fresh, errp);
    } else if (cpu->dirty_level == ARM_DIRTY_ALL) {
        ok = put_all(s, cpu, errp);
    } else {
        ok = put_core(cpu, false, errp);
    }
    if (ok) {
        cpu->dirty_level = ARM_DIRTY_RUNTIME;
    }
    return ok;
}
