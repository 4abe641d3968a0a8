/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the accelerator can give an Arm CPU on this host. Without one (qtest,
 * -M none where there is no KVM) arm_host is NULL and a CPU has no optional
 * feature. Set under the big lock before the first CPU exists, then constant.
 */
#ifndef TARGET_ARM_HOST_H
#define TARGET_ARM_HOST_H

#include "util/osdep.h"

typedef struct ARMHostInfo {
    const char *name;               /* "KVM" */
    uint32_t ipa_bits;              /* of guest physical addresses */
    bool gicv2, gicv3;              /* interrupt controllers in the kernel */
    bool its;                       /* and MSIs of GICv3 */
    bool pmu;                       /* PMUv3 */
    bool sve;
    bool pauth;                     /* pointer authentication, both keys */
    bool aarch32;                   /* a 32-bit EL1 */
    bool steal_time;                /* paravirtual time of DEN0057 */
    uint16_t sve_lengths;           /* bit n: vectors of (n + 1) * 128 bits */
} ARMHostInfo;

extern const ARMHostInfo *arm_host;

#endif
