/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An x86-64 CPU: the model (what CPUID shows) and the register state that is
 * exchanged with the accelerator.
 *
 * Types: "x86_64-cpu" (abstract) and one "NAME-x86_64-cpu" per model: host,
 * max, base, and the named ones. The board makes CPUs, sets "apic-id" (or the
 * topology ids, which it turns into one) and realizes them; the accelerator
 * then makes the vCPU and its thread.
 *
 * Register state: while the CPU runs it is the kernel's. After
 * cpu_synchronize_state() the copy in @env is valid and, since vcpu_dirty is
 * set, goes back before the CPU runs again. reset_regs() gives the state after
 * RESET (Intel SDM volume 3, table 10-1); a boot loader that enters a guest
 * without firmware changes it from a reset callback:
 *
 *     X86CPUState *env = &X86_CPU(cpu)->env;
 *     env->rip = entry;
 *     x86_cpu_set_segment(env, X86_SEG_CS, 0x10, 0, 0xffffffff, 0xa09b);
 *     env->cr3 = ...; env->efer = ...;
 *     x86_cpu_set_msr(X86_CPU(cpu), X86_MSR_MTRR_DEF_TYPE, 0x806);
 *
 * Threading: model under the big lock before realize, constant after; state
 * on the vCPU's thread, or with the CPU stopped.
 */
#ifndef TARGET_I386_CPU_H
#define TARGET_I386_CPU_H

#include "hw/core/cpu.h"
#include "target/i386/features.h"
#include "target/i386/topology.h"

#define TYPE_X86_CPU "x86_64-cpu"
#define X86_CPU_TYPE_SUFFIX "-x86_64-cpu"
#define X86_CPU_TYPE_NAME(model) model X86_CPU_TYPE_SUFFIX
OBJECT_DECLARE_TYPE(X86CPU, X86CPUClass, X86_CPU)


struct X86CPUModel;
struct X86CpuidEntry;

/* ---- Register state ---- */

enum {
    X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
    X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
    X86_NR_REGS,
};

enum {
    X86_SEG_ES, X86_SEG_CS, X86_SEG_SS, X86_SEG_DS, X86_SEG_FS, X86_SEG_GS,
    X86_NR_SEGS,
};

/*
 * @attr: bits 40..55 of the descriptor: type 0-3, S 4, DPL 5-6, P 7, AVL 12,
 * L 13, D/B 14, G 15; bit 16: unusable (SDM volume 3, 25.4.1). @limit is in
 * bytes whatever G says.
 */
typedef struct X86Segment {
    uint64_t base;
    uint32_t limit;
    uint32_t attr;
    uint16_t selector;
} X86Segment;

typedef struct X86Table {
    uint64_t base;
    uint16_t limit;
} X86Table;

typedef struct X86Msr {
    uint32_t index;
    uint64_t value;
} X86Msr;

enum {
    X86_MSRS_MAX = 512,
    /* An area larger than this needs a kernel and CPU yet unknown. */
    X86_XSAVE_MAX_BYTES = 64 * 1024,
    X86_LAPIC_BYTES = 1024,
    X86_NESTED_MAX_BYTES = 16 * 1024,
};

/* Events on their way into the CPU (KVM_GET_VCPU_EVENTS). */
typedef struct X86Events {
    uint8_t exception_injected, exception_pending, exception_nr;
    uint8_t exception_has_error_code, exception_has_payload;
    uint32_t exception_error_code;
    uint64_t exception_payload;
    uint8_t interrupt_injected, interrupt_nr, interrupt_soft, interrupt_shadow;
    uint8_t nmi_injected, nmi_pending, nmi_masked;
    uint32_t sipi_vector;
    uint8_t smi_smm, smi_pending, smi_inside_nmi, smi_latched_init;
    uint8_t triple_fault_pending;
} X86Events;

/* Values of mp_state, as KVM's. */
enum {
    X86_MP_RUNNABLE = 0,
    X86_MP_UNINITIALIZED = 1,       /* waits for INIT and SIPI */
    X86_MP_INIT_RECEIVED = 2,
    X86_MP_HALTED = 3,
    X86_MP_SIPI_RECEIVED = 4,
};

typedef struct X86CPUState {
    uint64_t regs[X86_NR_REGS];
    uint64_t rip, rflags;
    X86Segment segs[X86_NR_SEGS], ldt, tr;
    X86Table gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, cr8, efer, apic_base;
    uint64_t interrupt_bitmap[4];
    uint64_t pdptrs[4];             /* PAE paging; valid with pdptrs_valid */
    bool pdptrs_valid;

    uint64_t dr[4], dr6, dr7;
    uint64_t xcr0;
    /* XSAVE area in the standard format; size fixed by realize. */
    uint8_t *xsave;
    uint32_t xsave_bytes;

    X86Events events;
    uint32_t mp_state;
    uint8_t lapic[X86_LAPIC_BYTES]; /* registers, 16 bytes apart */

    /* Every MSR the accelerator can save, in an order it can restore. */
    X86Msr *msrs;
    uint32_t nr_msrs;
    const X86Msr *msrs_reset;       /* after RESET; the accelerator's */
    bool msrs_dirty;                /* some were changed by hand */
    X86Msr *wire_msrs;              /* while a stream is written or read */
    uint32_t nr_wire_msrs;
    uint32_t tsc_khz;               /* 0: the host's */

    uint8_t *nested;                /* state of a nested hypervisor, opaque */
    uint32_t nested_bytes;          /* 0: none */
} X86CPUState;

/* MSRs that code speaks of (SDM volume 4; Linux msr.rst for KVM's). */
enum {
    X86_MSR_TSC                 = 0x10,
    X86_MSR_APIC_BASE           = 0x1b,
    X86_MSR_TSC_ADJUST          = 0x3b,
    X86_MSR_SPEC_CTRL           = 0x48,
    X86_MSR_UCODE_REV           = 0x8b,
    X86_MSR_SMBASE              = 0x9e,
    X86_MSR_CORE_CAPABILITY     = 0xcf,
    X86_MSR_MTRR_CAP            = 0xfe,
    X86_MSR_ARCH_CAPABILITIES   = 0x10a,
    X86_MSR_SYSENTER_CS         = 0x174,
    X86_MSR_SYSENTER_ESP        = 0x175,
    X86_MSR_SYSENTER_EIP        = 0x176,
    X86_MSR_MCG_CAP             = 0x179,
    X86_MSR_MISC_ENABLE         = 0x1a0,
    X86_MSR_MTRR_PHYS_BASE0     = 0x200,
    X86_MSR_MTRR_FIX_64K        = 0x250,
    X86_MSR_MTRR_FIX_16K        = 0x258,
    X86_MSR_MTRR_FIX_4K         = 0x268,
    X86_MSR_PAT                 = 0x277,
    X86_MSR_MTRR_DEF_TYPE       = 0x2ff,
    X86_MSR_PERF_CAPABILITIES   = 0x345,
    X86_MSR_MC0_CTL             = 0x400,
    X86_MSR_TSC_DEADLINE        = 0x6e0,
    X86_MSR_KVM_WALL_CLOCK_NEW  = 0x4b564d00,
    X86_MSR_KVM_SYSTEM_TIME_NEW = 0x4b564d01,
    X86_MSR_KVM_POLL_CONTROL    = 0x4b564d05,
    X86_MSR_EFER                = 0xc0000080,
    X86_MSR_STAR                = 0xc0000081,
    X86_MSR_LSTAR               = 0xc0000082,
    X86_MSR_CSTAR               = 0xc0000083,
    X86_MSR_SYSCALL_MASK        = 0xc0000084,
    X86_MSR_FS_BASE             = 0xc0000100,
    X86_MSR_GS_BASE             = 0xc0000101,
    X86_MSR_KERNEL_GS_BASE      = 0xc0000102,
    X86_MSR_TSC_AUX             = 0xc0000103,
};

/* ---- The CPU ---- */

/*
 * What of the registers has to go back to the accelerator (when vcpu_dirty).
 * A CPU that has not run yet is in reset state on both sides: then only
 * general and system registers and MSRs that were set go there.
 */
typedef enum X86DirtyLevel {
    X86_DIRTY_RUNTIME,              /* general and system registers */
    X86_DIRTY_RESET,                /* everything, after a reset */
    X86_DIRTY_ALL,                  /* everything, after a load */
} X86DirtyLevel;

/* Sizes of a cache, for CPUID 4 and 0x8000001d. */
typedef struct X86Cache {
    uint8_t type;                   /* 0 none, 1 data, 2 code, 3 unified */
    uint8_t level;
    uint16_t line_bytes;
    uint16_t ways;
    uint16_t partitions;
    uint32_t sets;
    bool inclusive, complex_index, no_invd_sharing, self_init;
    uint8_t lines_per_tag;          /* AMD leaves 5 and 6 */
} X86Cache;

typedef struct X86Caches {
    X86Cache l1d, l1i, l2, l3;
} X86Caches;

struct X86CPUClass {
    CPUClass parent_class;
    const struct X86CPUModel *model;        /* NULL: host, max, base */
    bool host_model;                        /* features are the host's */
    DeviceRealize *parent_realize;
    DeviceUnrealize *parent_unrealize;
};

struct X86CPU {
    CPUState parent_obj;

    /* Properties */
    X86FeatureWords features;       /* final after realize */
    X86FeatureWords user_features;  /* bits set one by one by the user */
    X86FeatureWords filtered;       /* asked for, not available here */
    uint32_t apic_id;               /* X86_APIC_ID_UNSET before */
    uint32_t level, xlevel;         /* highest leaves; UINT32_MAX: automatic */
    uint32_t min_level, min_xlevel;
    uint32_t level_func7;
    char vendor[13];
    char model_id[49];
    uint32_t family, model, stepping;
    uint32_t phys_bits;             /* 0: 40, or the host's */
    uint8_t host_phys_bits_limit;
    uint64_t ucode_rev;
    int64_t tsc_hz;                 /* user's tsc-frequency; 0: the host's */
    bool host_phys_bits, migratable, check, enforce, kvm, expose_tsc_leaves,
        pmu, l3_cache, host_cache_info, cpuid_0xb, fill_mtrr_mask,
        full_cpuid_auto_level, hv_passthrough;
    uint32_t hv_asked;              /* bit per hv-* flag somebody turned on */
    const X86Caches *caches;
    X86Topology topo;               /* from -smp */

    /* Built by realize */
    struct X86CpuidEntry *cpuid;
    uint32_t nr_cpuid;
    bool expanded;                  /* features are final */

    /* Registers */
    X86CPUState env;
    X86DirtyLevel dirty_level;
};

#define X86_APIC_ID_UNSET UINT32_MAX

/* ---- State helpers ---- */

void x86_cpu_set_segment(X86CPUState *env, int seg, uint16_t selector,
                         uint64_t base, uint32_t limit, uint32_t attr);
/* x86_cpu_set_msr: false when the accelerator does not have @index; a later
 * KVM_RUN then keeps what the kernel has. */
bool x86_cpu_set_msr(X86CPU *cpu, uint32_t index, uint64_t value);
bool x86_cpu_get_msr(const X86CPU *cpu, uint32_t index, uint64_t *value);
/* Whether it is the processor that starts without INIT and SIPI. */
bool x86_cpu_is_bsp(const X86CPU *cpu);
/* Forget all state and take that after RESET. */
void x86_cpu_reset_regs(CPUState *cs);
/* CPUClass.describe_regs. */
void x86_cpu_describe_regs(CPUState *cs, GString *out);
/* The accelerator tells which MSRs there are and their values after RESET;
 * @reset stays valid as long as the CPU. */
void x86_cpu_set_msr_list(X86CPU *cpu, const X86Msr *reset, uint32_t n);

extern const struct VMStateDescription vmstate_x86_cpu;

/* ---- CPUID as the guest sees it ---- */

typedef struct X86CpuidEntry {
    uint32_t leaf, subleaf;
    bool has_subleaf;
    uint32_t regs[4];
} X86CpuidEntry;

enum { X86_CPUID_MAX_ENTRIES = 160 };

/*
 * x86_cpu_build_cpuid: all leaves of a CPU whose features are final. @out has
 * room for X86_CPUID_MAX_ENTRIES; returns how many were filled.
 */
uint32_t x86_cpu_build_cpuid(const X86CPU *cpu, X86CpuidEntry *out);

/* ---- Models ---- */

/* -cpu is in target/cpu-model.h. There -feat and +feat win over feat=on|off
 * wherever they stand, as in QEMU. */

/*
 * x86_cpu_expand: give the CPU the features of its model and the user's
 * changes. realize does it; QMP's model expansion uses it alone.
 */
bool x86_cpu_expand(X86CPU *cpu, Error **errp);
/* x86_cpu_filter: drop what the host lacks into cpu->filtered; returns false
 * when something was dropped. */
bool x86_cpu_filter(X86CPU *cpu);
/* Names of cpu->filtered for one message, "pni, avx2"; free with g_free(). */
char *x86_cpu_filtered_names(const X86CPU *cpu);

#endif
