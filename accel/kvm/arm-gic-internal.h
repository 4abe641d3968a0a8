/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's GIC as a device: what the files about it share. */
#ifndef ACCEL_KVM_ARM_GIC_INTERNAL_H
#define ACCEL_KVM_ARM_GIC_INTERNAL_H

#include "arm-internal.h"

#define TYPE_KVM_GIC "kvm-arm-gic-base"
OBJECT_DECLARE_SIMPLE_TYPE(KVMGic, KVM_GIC)

struct KVMGic {
    DeviceState parent_obj;

    /* Properties */
    uint32_t num_irq;
    uint64_t dist_base, cpu_base;
    uint64_t redist_base[2];
    uint32_t redist_count[2];

    unsigned version;               /* 2 or 3 */
    int fd;                         /* borrowed from KVMArm */
    bool has_run;                   /* no longer as INIT made it */
    struct VMStateChangeEntry *vm_change;

    /* While a stream is written or read: see arm-gic-state.c */
    uint64_t *values;
    uint32_t nr_values;
};

/* arm-gic-state.c; the VM is stopped */
int kvm_gic_reset(KVMGic *g);
bool kvm_gic_save(KVMGic *g, Error **errp);
bool kvm_gic_prepare_load(KVMGic *g, Error **errp);
bool kvm_gic_load(KVMGic *g, Error **errp);
void kvm_gic_drop_state(KVMGic *g);

/* 512 CPUs have some 50 each, 1024 interrupts some 4000. */
enum { KVM_GIC_VALUES_MAX = 64 * 1024 };

#endif
