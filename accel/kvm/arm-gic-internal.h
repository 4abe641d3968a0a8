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
};

#endif
