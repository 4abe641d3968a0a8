/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x86 part of the KVM accelerator: what its files share.
 */
#ifndef ACCEL_KVM_I386_INTERNAL_H
#define ACCEL_KVM_I386_INTERNAL_H

#include "kvm-internal.h"
#include "target/i386/cpu.h"

enum {
    KVM_IOAPIC_PINS = 24,           /* GSI 0..23 */
    KVM_I386_MCE_BANKS = 10,
};

/* Room for what KVM can list: KVM_MAX_CPUID_ENTRIES is 256. */
typedef struct KVMCpuidTable {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 entries[256];
} KVMCpuidTable;

typedef struct KVMMsrTable {
    struct kvm_msrs head;
    struct kvm_msr_entry entries[X86_MSRS_MAX];
} KVMMsrTable;

typedef struct KVMI386 {
    KVMCpuidTable *supported;       /* KVM_GET_SUPPORTED_CPUID, corrected */
    uint32_t tsc_khz;               /* of a vCPU that asks for none; 0: ? */

    X86Msr *msrs;                   /* all that can be saved, after RESET */
    uint32_t nr_msrs;
    bool msr_warned;                /* one warning is enough */

    bool ext_dest_id;               /* MSIs carry 15 bits of APIC id */
    bool has_xsave, has_xcrs, has_xsave2, has_debugregs, has_sregs2;
    bool has_tsc_control, has_triple_fault_event, has_payload;
    uint32_t xsave_bytes, nested_bytes;

    uint64_t clock_ns;              /* kvmclock, of a stopped VM */
    bool clock_valid, clock_registered;
} KVMI386;

static inline KVMI386 *kvm_i386(KVMState *s)
{
    return s->arch;
}

/* i386-cpuid.c */
bool kvm_i386_load_supported(KVMState *s, Error **errp);
/* What a guest can have of a leaf; zeros when nothing. */
void kvm_i386_supported_cpuid(KVMState *s, uint32_t leaf, uint32_t subleaf,
                              uint32_t regs[4]);
/* Give the CPU its leaves; those the kernel refuses are left out. */
bool kvm_i386_set_cpuid(KVMState *s, X86CPU *cpu, Error **errp);

/* i386-msrs.c */
/* After the first vCPU exists: which MSRs, and their values after RESET. */
bool kvm_i386_load_msr_list(KVMState *s, X86CPU *cpu, Error **errp);
bool kvm_i386_get_msrs(KVMState *s, X86CPU *cpu, Error **errp);
/* @all, or only those that differ from their value after RESET. The deadline
 * of the APIC timer waits for kvm_i386_put_deadline(). */
bool kvm_i386_put_msrs(KVMState *s, X86CPU *cpu, bool all, Error **errp);
bool kvm_i386_put_deadline(KVMState *s, X86CPU *cpu, Error **errp);
/* Model-specific values that the guest finds from the start; before the list
 * is made, so that they count as values after RESET. */
void kvm_i386_init_feature_msrs(KVMState *s, X86CPU *cpu);
uint64_t kvm_i386_feature_msr(KVMState *s, uint32_t index);

/* i386-irqchip.c */
bool kvm_i386_create_irqchip(KVMState *s, Error **errp);

/* i386-clock.c */
/* The clock's place in the migration stream. */
bool kvm_i386_clock_init(KVMState *s, Error **errp);
void kvm_i386_clock_change(KVMState *s, bool running);
void kvm_i386_clock_cleanup(KVMState *s);

/* Set *@errp for a failed ioctl; returns false. */
bool kvm_i386_ioctl_error(int ret, const char *what, Error **errp);

#endif
