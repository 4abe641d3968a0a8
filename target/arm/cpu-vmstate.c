/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The migrated state of an Arm CPU: all registers. Features are not part of
 * it: both sides are started with the same -cpu on hosts of the same kind.
 *
 * Registers without names travel as ids and values. One that this host does
 * not have is an error, one that only this host has keeps its value of reset.
 */
#include "util/osdep.h"
#include "target/arm/cpu.h"
#include "migration/vmstate.h"

static const VMStateDescription vmstate_events = {
    .name = "events",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(serror_pending, ARMEvents),
        VMSTATE_UINT8(serror_has_esr, ARMEvents),
        VMSTATE_UINT8(ext_dabt_pending, ARMEvents),
        VMSTATE_UINT64(serror_esr, ARMEvents),
        VMSTATE_END_OF_LIST()
    },
};

static bool arm_cpu_pre_save(void *opaque, Error **errp)
{
    ARMCPUState *env = &((ARMCPU *)opaque)->env;

    arm_regs_clear(&env->wire);
    env->wire = (ARMRegs) {
        .ids = g_memdup2(env->regs.ids, env->regs.nr * sizeof(uint64_t)),
        .data = g_memdup2(env->regs.data, env->regs.bytes),
        .nr = env->regs.nr,
        .bytes = env->regs.bytes,
    };
    return true;
}

static void arm_cpu_post_save(void *opaque)
{
    arm_regs_clear(&((ARMCPU *)opaque)->env.wire);
}

static bool arm_cpu_pre_load(void *opaque, Error **errp)
{
    ARMCPUState *env = &((ARMCPU *)opaque)->env;

    arm_regs_clear(&env->wire);
    env->wire.ids = g_new0(uint64_t, ARM_REGS_MAX);
    env->wire.data = g_malloc0(ARM_REGS_MAX_BYTES);
    return true;
}

/* The ids came from outside: their sizes must add up to what came. */
static bool take_wire_regs(ARMCPU *cpu, Error **errp)
{
    const ARMRegs *wire = &cpu->env.wire;
    uint32_t pos = 0;

    for (uint32_t i = 0; i < wire->nr; i++) {
        uint64_t id = wire->ids[i];
        uint32_t bytes = arm_reg_bytes(id);
        uint8_t *to = arm_cpu_find_reg(cpu, id);

        if (bytes > wire->bytes - pos) {
            error_setg(errp, "register 0x%" PRIx64 " of %u bytes is beyond "
                       "the %u bytes of the state", id, bytes, wire->bytes);
            return false;
        }
        if (!to) {
            error_setg(errp, "register 0x%" PRIx64 " cannot be restored on "
                       "this host", id);
            return false;
        }
        memcpy(to, wire->data + pos, bytes);
        pos += bytes;
    }
    return true;
}

static bool arm_cpu_post_load(void *opaque, int version_id, Error **errp)
{
    ARMCPU *cpu = opaque;
    bool ok = take_wire_regs(cpu, errp);

    arm_regs_clear(&cpu->env.wire);
    cpu->parent_obj.halted = cpu->env.powered_off;
    cpu->parent_obj.vcpu_dirty = true;
    cpu->dirty_level = ARM_DIRTY_ALL;
    return ok;
}

const VMStateDescription vmstate_arm_cpu = {
    .name = "cpu",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = arm_cpu_pre_save,
    .post_save = arm_cpu_post_save,
    .pre_load = arm_cpu_pre_load,
    .post_load = arm_cpu_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(env.x, ARMCPU, ARM_NR_X),
        VMSTATE_UINT64(env.sp, ARMCPU),
        VMSTATE_UINT64(env.pc, ARMCPU),
        VMSTATE_UINT64(env.pstate, ARMCPU),
        VMSTATE_BOOL(env.powered_off, ARMCPU),
        VMSTATE_STRUCT(env.events, ARMCPU, vmstate_events, ARMEvents),
        VMSTATE_UINT32_MAX(env.wire.nr, ARMCPU, ARM_REGS_MAX),
        VMSTATE_VARRAY_UINT64_POINTER(env.wire.ids, ARMCPU, env.wire.nr,
                                      ARM_REGS_MAX),
        VMSTATE_UINT32_MAX(env.wire.bytes, ARMCPU, ARM_REGS_MAX_BYTES),
        VMSTATE_VBUFFER(env.wire.data, ARMCPU, env.wire.bytes,
                        ARM_REGS_MAX_BYTES),
        VMSTATE_END_OF_LIST()
    },
};
