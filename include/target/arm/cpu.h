/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An Arm CPU: which optional features it has, and the registers that are
 * exchanged with the accelerator.
 *
 * Types: "arm-cpu" (abstract), "aarch64-cpu" (abstract) below it, and
 * "max-arm-cpu" and "host-arm-cpu". Under KVM a CPU is that of the host; the
 * two differ in name only. The board makes CPUs, sets "mp-affinity" and
 * realizes them; the accelerator then makes the vCPU and its thread.
 *
 * Registers: the ones that code speaks of have names in ARMCPUState; all the
 * others, which the kernel lists (KVM_GET_REG_LIST, Linux Documentation/virt/
 * kvm/api.rst 4.68), are kept as pairs of id and value and never looked into.
 * While the CPU runs they are the kernel's. After cpu_synchronize_state() the
 * copy is valid and, since vcpu_dirty is set, goes back before the CPU runs
 * again. reset_regs() gives the state after a warm reset; a boot loader that
 * enters a guest without firmware changes it from a reset callback:
 *
 *     ARMCPUState *env = &ARM_CPU(cpu)->env;
 *     env->pc = entry;
 *     env->x[0] = dtb;
 *
 * Threading: features under the big lock before realize, constant after;
 * registers on the vCPU's thread, or with the CPU stopped.
 */
#ifndef TARGET_ARM_CPU_H
#define TARGET_ARM_CPU_H

#include "hw/core/cpu.h"

#define TYPE_ARM_CPU "arm-cpu"
#define TYPE_AARCH64_CPU "aarch64-cpu"
#define ARM_CPU_TYPE_SUFFIX "-arm-cpu"
#define ARM_CPU_TYPE_NAME(model) model ARM_CPU_TYPE_SUFFIX
OBJECT_DECLARE_TYPE(ARMCPU, ARMCPUClass, ARM_CPU)

/* ---- Registers ---- */

enum {
    ARM_STEAL_TIME_BYTES = 64,
    ARM_NR_X = 31,
    /* Linux 6.1 lists some 350 without SVE, which adds 50. */
    ARM_REGS_MAX = 4096,
    /* SVE: 32 registers of 256 bytes are the largest part */
    ARM_REG_MAX_BYTES = 256,
    ARM_REGS_MAX_BYTES = 256 * 1024,
};

/* PSTATE after reset (Arm ARM D1.3): EL1h, all exceptions masked. */
#define ARM_PSTATE_EL1H_MASKED 0x3c5

/* Size in bytes that a register's id gives (bits 52 to 55). */
static inline uint32_t arm_reg_bytes(uint64_t id)
{
    return 1u << (id >> 52 & 15);
}

/* Registers by id; @data has the values one after the other, little-endian,
 * in the order of @ids. */
typedef struct ARMRegs {
    uint64_t *ids;
    uint8_t *data;
    uint32_t nr;
    uint32_t bytes;                 /* of data */
} ARMRegs;

/* Asynchronous aborts on their way into the CPU (KVM_GET_VCPU_EVENTS). */
typedef struct ARMEvents {
    uint8_t serror_pending, serror_has_esr, ext_dabt_pending;
    uint64_t serror_esr;
} ARMEvents;

typedef struct ARMCPUState {
    uint64_t x[ARM_NR_X];
    uint64_t sp;                    /* SP_EL0 */
    uint64_t pc, pstate;

    bool powered_off;               /* by PSCI, or not started yet */
    ARMEvents events;
    ARMRegs regs;                   /* the others */
    ARMRegs wire;                   /* while a stream is written or read */
} ARMCPUState;

/* ---- The CPU ---- */

/* What of the registers has to go back to the accelerator (when vcpu_dirty). */
typedef enum ARMDirtyLevel {
    ARM_DIRTY_RUNTIME,              /* those with names */
    ARM_DIRTY_RESET,                /* those with names, after a reset */
    ARM_DIRTY_ALL,                  /* everything, after a load */
} ARMDirtyLevel;

/* What a user asked of a feature. */
typedef enum ARMChoice {
    ARM_AUTO,
    ARM_ON,
    ARM_OFF,
} ARMChoice;

struct ARMCPUClass {
    CPUClass parent_class;
    DeviceRealize *parent_realize;
    DeviceUnrealize *parent_unrealize;
};

struct ARMCPU {
    CPUState parent_obj;

    /* Properties */
    uint64_t mp_affinity;           /* MPIDR_EL1, affinity fields */
    bool start_powered_off;         /* waits for PSCI's CPU_ON */
    ARMChoice aarch64, pmu, sve, pauth, steal_time;
    uint16_t sve_on, sve_off;       /* bit per length, as the user asked */
    bool no_adjvtime;               /* virtual time runs on while stopped */
    /* Where the time that others took is told, 64 bytes in RAM that the board
     * places (Arm DEN0057); 0: nowhere. */
    uint64_t steal_time_gpa;

    /* Fixed by realize */
    bool has_aarch64, has_pmu, has_sve, has_pauth, has_steal_time;
    uint16_t sve_lengths;           /* bit n: (n + 1) * 128 bits */

    /* Registers */
    ARMCPUState env;
    ARMDirtyLevel dirty_level;
};

/* MPIDR_EL1's affinity of the CPU of that index, as KVM numbers them: 16 in a
 * cluster, which is what one GICv3 SGI can reach. */
uint64_t arm_cpu_mp_affinity(uint32_t index);

/*
 * arm_cpu_expand: decide the features from the user's wishes and the host.
 * realize does it; QMP's model expansion uses it alone.
 */
bool arm_cpu_expand(ARMCPU *cpu, Error **errp);

/* Forget all state and take that after a reset. */
void arm_cpu_reset_regs(CPUState *cs);
/*
 * arm_cpu_set_reg_list: the accelerator tells which registers without names
 * there are; values start as zero. @ids is copied. False: it is too long, or
 * an id is of a size that does not exist.
 */
bool arm_cpu_set_reg_list(ARMCPU *cpu, const uint64_t *ids, uint32_t nr);
/* Where the value of register @id stands; NULL: there is none. */
uint8_t *arm_cpu_find_reg(ARMCPU *cpu, uint64_t id);

void arm_regs_clear(ARMRegs *regs);

extern const struct VMStateDescription vmstate_arm_cpu;

#endif
