/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt controllers of Arm machines as a board sees them: device types by
 * name and the properties that place them. The accelerator has the devices
 * (accel/kvm); a build without it has none, so a board looks the type up.
 *
 *   kvm-arm-gic     GICv2: "dist-base", "cpu-base"
 *   kvm-arm-gicv3   GICv3: "dist-base", "redist-base", "redist-count",
 *                   "redist2-base", "redist2-count"
 *   both            "num-irq": SPIs and the 32 interrupts of each CPU
 *   arm-its-kvm     MSIs for GICv3: "base"
 *
 * Life cycle: after the CPUs of the machine exist the board sets the
 * properties and realizes the GIC, then the ITS. Lines are SPIs, driven by
 * accel_gsi_set(). Interrupt ids: Arm IHI 0069, 2.2.1. Context: big lock.
 */
#ifndef HW_INTC_ARM_GIC_H
#define HW_INTC_ARM_GIC_H

#define TYPE_KVM_ARM_GIC    "kvm-arm-gic"
#define TYPE_KVM_ARM_GICV3  "kvm-arm-gicv3"
#define TYPE_KVM_ARM_ITS    "arm-its-kvm"

#define ARM_GIC_FIRST_SPI       32
#define ARM_GIC_MAX_IRQS        1020

/* Interrupts of each CPU, as the machines wire them (Arm BSA, 3.6). */
#define ARM_PPI_HYP_TIMER       26
#define ARM_PPI_VIRT_TIMER      27
#define ARM_PPI_SEC_PHYS_TIMER  29
#define ARM_PPI_PHYS_TIMER      30
#define ARM_PPI_PMU             23
#define ARM_PPI_GIC_MAINTENANCE 25

/* Sizes of the register frames */
#define ARM_GICV2_DIST_BYTES    0x1000
#define ARM_GICV2_CPU_BYTES     0x2000
#define ARM_GICV3_DIST_BYTES    0x10000
#define ARM_GICV3_REDIST_BYTES  0x20000     /* of each CPU */
#define ARM_GICV3_ITS_BYTES     0x20000

#endif
