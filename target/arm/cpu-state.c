/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of an Arm CPU: their state after reset, the list without names. */
#include "util/osdep.h"
#include "target/arm/cpu.h"

void arm_regs_clear(ARMRegs *regs)
{
    g_clear_pointer(&regs->ids, g_free);
    g_clear_pointer(&regs->data, g_free);
    regs->nr = 0;
    regs->bytes = 0;
}

bool arm_cpu_set_reg_list(ARMCPU *cpu, const uint64_t *ids, uint32_t nr)
{
    ARMRegs *regs = &cpu->env.regs;
    uint32_t bytes = 0;

    if (nr > ARM_REGS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < nr; i++) {
        if (arm_reg_bytes(ids[i]) > ARM_REG_MAX_BYTES) {
            return false;
        }
        bytes += arm_reg_bytes(ids[i]);
    }
    if (bytes > ARM_REGS_MAX_BYTES) {
        return false;
    }
    arm_regs_clear(regs);
    regs->ids = g_memdup2(ids, nr * sizeof(*ids));
    regs->data = g_malloc0(bytes);
    regs->nr = nr;
    regs->bytes = bytes;
    return true;
}

uint8_t *arm_cpu_find_reg(ARMCPU *cpu, uint64_t id)
{
    const ARMRegs *regs = &cpu->env.regs;
    uint8_t *p = regs->data;

    for (uint32_t i = 0; i < regs->nr; i++) {
        if (regs->ids[i] == id) {
            return p;
        }
        p += arm_reg_bytes(regs->ids[i]);
    }
    return NULL;
}

/* Registers without names come from the kernel, whose reset is the one that
 * counts: see ARM_DIRTY_RESET in the accelerator. */
void arm_cpu_reset_regs(CPUState *cs)
{
    ARMCPU *cpu = ARM_CPU(cs);
    ARMCPUState *env = &cpu->env;

    memset(env->x, 0, sizeof(env->x));
    env->sp = 0;
    env->pc = 0;
    env->pstate = ARM_PSTATE_EL1H_MASKED;
    env->powered_off = cpu->start_powered_off;
    memset(&env->events, 0, sizeof(env->events));
    cs->halted = cpu->start_powered_off;
    cpu->dirty_level = ARM_DIRTY_RESET;
    cs->vcpu_dirty = true;
}
