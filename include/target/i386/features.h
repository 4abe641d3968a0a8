/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU features of x86 by name.
 *
 * A feature is a bit of a feature word: one register of a CPUID leaf, or a
 * feature MSR. Words are 64 bits wide, CPUID registers use the lower half.
 * Each feature is a boolean property of every x86 CPU type ("avx2=on"); the
 * table of names is in target/i386/features.c, one row per property.
 *
 * Sources: Intel SDM volume 2 (CPUID) and volume 4 (MSRs), AMD APM volume 3
 * appendix E, Linux Documentation/virt/kvm/x86/cpuid.rst.
 */
#ifndef TARGET_I386_FEATURES_H
#define TARGET_I386_FEATURES_H

#include "util/osdep.h"

typedef enum X86FeatureWord {
    X86_FW_1_EDX,
    X86_FW_1_ECX,
    X86_FW_7_0_EBX,
    X86_FW_7_0_ECX,
    X86_FW_7_0_EDX,
    X86_FW_7_1_EAX,
    X86_FW_7_1_EDX,
    X86_FW_7_2_EDX,
    X86_FW_8000_0001_EDX,
    X86_FW_8000_0001_ECX,
    X86_FW_8000_0007_EBX,
    X86_FW_8000_0007_EDX,
    X86_FW_8000_0008_EBX,
    X86_FW_8000_0021_EAX,
    X86_FW_KVM,                     /* 0x40000001 EAX */
    X86_FW_KVM_HINTS,               /* 0x40000001 EDX */
    X86_FW_SVM,                     /* 0x8000000a EDX */
    X86_FW_XSAVE,                   /* 0xd subleaf 1 EAX */
    X86_FW_6_EAX,
    X86_FW_14_0_ECX,
    X86_FW_XCR0,                    /* 0xd subleaf 0 EAX and EDX; computed */
    X86_FW_XSS,                     /* 0xd subleaf 1 ECX and EDX; computed */
    X86_FW_ARCH_CAPABILITIES,       /* MSR 0x10a */
    X86_FW_CORE_CAPABILITY,         /* MSR 0xcf */
    X86_FW_PERF_CAPABILITIES,       /* MSR 0x345 */
    X86_FW__COUNT,
} X86FeatureWord;

typedef enum X86CpuidReg {
    X86_REG_EAX, X86_REG_EBX, X86_REG_ECX, X86_REG_EDX,
} X86CpuidReg;

typedef uint64_t X86FeatureWords[X86_FW__COUNT];

/* Where a word comes from. */
typedef struct X86FeatureWordInfo {
    uint32_t leaf;                  /* 0: the word is an MSR */
    uint32_t subleaf;
    bool has_subleaf;
    X86CpuidReg reg;
    uint32_t msr;
    uint64_t unmigratable;          /* not in host/max unless migratable=off */
    const char *text;               /* "CPUID[eax=07h,ecx=00h].EBX" */
} X86FeatureWordInfo;

extern const X86FeatureWordInfo x86_feature_words[X86_FW__COUNT];

/* A feature by word and bit, as an index into the words. */
#define X86_FEAT(word, bit) ((X86Feature){ (word), (bit) })
typedef struct X86Feature {
    uint8_t word;
    uint8_t bit;
} X86Feature;

/* Features that code, not only tables, speaks of. */
#define X86_FEAT_TSC        X86_FEAT(X86_FW_1_EDX, 4)
#define X86_FEAT_MTRR       X86_FEAT(X86_FW_1_EDX, 12)
#define X86_FEAT_MCA        X86_FEAT(X86_FW_1_EDX, 14)
#define X86_FEAT_HT         X86_FEAT(X86_FW_1_EDX, 28)
#define X86_FEAT_MONITOR    X86_FEAT(X86_FW_1_ECX, 3)
#define X86_FEAT_VMX        X86_FEAT(X86_FW_1_ECX, 5)
#define X86_FEAT_X2APIC     X86_FEAT(X86_FW_1_ECX, 21)
#define X86_FEAT_TSC_DEADLINE X86_FEAT(X86_FW_1_ECX, 24)
#define X86_FEAT_XSAVE      X86_FEAT(X86_FW_1_ECX, 26)
#define X86_FEAT_AVX        X86_FEAT(X86_FW_1_ECX, 28)
#define X86_FEAT_HYPERVISOR X86_FEAT(X86_FW_1_ECX, 31)
#define X86_FEAT_MPX        X86_FEAT(X86_FW_7_0_EBX, 14)
#define X86_FEAT_AVX512F    X86_FEAT(X86_FW_7_0_EBX, 16)
#define X86_FEAT_INTEL_PT   X86_FEAT(X86_FW_7_0_EBX, 25)
#define X86_FEAT_PKU        X86_FEAT(X86_FW_7_0_ECX, 3)
#define X86_FEAT_SHSTK      X86_FEAT(X86_FW_7_0_ECX, 7)
#define X86_FEAT_LA57       X86_FEAT(X86_FW_7_0_ECX, 16)
#define X86_FEAT_IBT        X86_FEAT(X86_FW_7_0_EDX, 20)
#define X86_FEAT_AMX_TILE   X86_FEAT(X86_FW_7_0_EDX, 24)
#define X86_FEAT_ARCH_CAPABILITIES X86_FEAT(X86_FW_7_0_EDX, 29)
#define X86_FEAT_CORE_CAPABILITY X86_FEAT(X86_FW_7_0_EDX, 30)
#define X86_FEAT_LM         X86_FEAT(X86_FW_8000_0001_EDX, 29)
#define X86_FEAT_CMP_LEGACY X86_FEAT(X86_FW_8000_0001_ECX, 1)
#define X86_FEAT_SVM        X86_FEAT(X86_FW_8000_0001_ECX, 2)
#define X86_FEAT_TOPOEXT    X86_FEAT(X86_FW_8000_0001_ECX, 22)
#define X86_FEAT_INVTSC     X86_FEAT(X86_FW_8000_0007_EDX, 8)
#define X86_FEAT_PDCM       X86_FEAT(X86_FW_1_ECX, 15)
#define X86_FEAT_XSAVES     X86_FEAT(X86_FW_XSAVE, 3)
#define X86_FEAT_ARAT       X86_FEAT(X86_FW_6_EAX, 2)

static inline bool x86_feature_test(const uint64_t *words, X86Feature f)
{
    return words[f.word] >> f.bit & 1;
}

static inline void x86_feature_set(uint64_t *words, X86Feature f, bool on)
{
    words[f.word] = (words[f.word] & ~BIT64(f.bit)) | (uint64_t)on << f.bit;
}

/*
 * x86_feature_name: the property of @bit of @word, or NULL for a bit that has
 * none.
 */
const char *x86_feature_name(X86FeatureWord word, unsigned bit);

/* x86_features_add_named: set in @words all bits that have a name. */
void x86_features_add_named(uint64_t *words);

/*
 * x86_feature_lookup: the features a name stands for ("kvmclock" is two);
 * aliases ("sse4_1", "xd") count. Returns how many went to @out, 0 when the
 * name is unknown.
 */
unsigned x86_feature_lookup(const char *name, X86Feature out[2]);

/*
 * x86_features_closure: turn off what cannot be without something that is off
 * (avx without xsave, avx2 without avx ...), for features the user did not ask
 * for in @user. Bits that a user asked for stay, and are filtered by the host.
 */
void x86_features_closure(uint64_t *words, const uint64_t *user);

/*
 * x86_features_apply: parse "avx2 -hle +rtm" (spaces) into @words, for model
 * tables. Returns false at a name that does not exist.
 */
bool x86_features_apply(uint64_t *words, const char *list);

#endif
