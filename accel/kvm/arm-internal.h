/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Arm part of the KVM accelerator: what its files share.
 */
#ifndef ACCEL_KVM_ARM_INTERNAL_H
#define ACCEL_KVM_ARM_INTERNAL_H

#include "kvm-internal.h"
#include "target/arm/cpu.h"
#include "target/arm/host.h"

typedef struct KVMArm {
    ARMHostInfo host;
    uint32_t target;                /* of KVM_ARM_VCPU_INIT */
    bool has_events, has_ext_dabt;
    uint64_t *reg_ids;              /* without those that have names */
    uint32_t nr_regs;
    uint64_t vtime;                 /* virtual count of a stopped VM */
    bool vtime_valid;
    int gic_fd;                     /* -1: none yet */
    bool has_its;                   /* MSIs tell who sends them */
} KVMArm;

static inline KVMArm *kvm_arm(KVMState *s)
{
    return s->arch;
}

/* Set *@errp for a failed ioctl; returns false. */
bool kvm_arm_ioctl_error(int ret, const char *what, Error **errp);

/* arm-state.c */
int kvm_arm_get_reg(CPUState *cpu, uint64_t id, void *value);
int kvm_arm_set_reg(CPUState *cpu, uint64_t id, const void *value);
/* Once there is a vCPU: which registers the kernel has. */
bool kvm_arm_load_reg_list(KVMState *s, ARMCPU *cpu, Error **errp);

/* arm.c */
/* KVM_ARM_VCPU_INIT: also puts a vCPU back into its state of reset. */
bool kvm_arm_vcpu_reset(KVMState *s, ARMCPU *cpu, Error **errp);
/* The kernel takes the address when there is RAM, not before. */
bool kvm_arm_set_steal_time(ARMCPU *cpu, Error **errp);
/* The interrupt controller is there: what vCPUs could not be told before. */
bool kvm_arm_vcpus_finish(KVMState *s, Error **errp);

/* arm-device.c: devices of the kernel (KVM_CREATE_DEVICE); fd or -errno */
int kvm_arm_device_create(KVMState *s, uint32_t type, bool test);
int kvm_arm_device_set(int fd, uint32_t group, uint64_t attr,
                       const void *value);
int kvm_arm_device_get(int fd, uint32_t group, uint64_t attr, void *value);
bool kvm_arm_device_has(int fd, uint32_t group, uint64_t attr);

#endif
