/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host can give a guest CPU. The accelerator fills x86_host in when
 * it has opened its device; models, filtering and CPUID generation ask here,
 * so target/ never knows which accelerator runs.
 *
 * Threading: set once by init_machine under the big lock, constant after.
 */
#ifndef TARGET_I386_HOST_H
#define TARGET_I386_HOST_H

#include "util/osdep.h"
#include "target/i386/features.h"

typedef struct X86HostOps {
    const char *name;               /* "KVM", for messages */
    /* One leaf as the accelerator can show it; all zero when it has none. */
    void (*cpuid)(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
    /* Value of a feature MSR; 0 when the accelerator has none. */
    uint64_t (*feature_msr)(uint32_t msr);
    /* Frequency of the TSC guests get, 0 when it is not known. */
    uint32_t (*tsc_khz)(void);
} X86HostOps;

extern const X86HostOps *x86_host;  /* NULL: no accelerator that knows */

/* x86_host_features: the bits of @word that a guest may have; ~0 for every
 * word when there is no x86_host. */
uint64_t x86_host_features(X86FeatureWord word);

/* x86_host_cpuid: the CPUID instruction of this machine. */
void x86_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
/* Physical address bits of this machine, as the guest may use them. */
unsigned x86_host_phys_bits(void);

#endif
