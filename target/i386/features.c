/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feature words: where they come from, names to bits and back, what depends
 * on what, and the boolean properties over single bits.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "qapi/visitor.h"
#include "features-internal.h"

#define LEAF(l, r, t)                                                          \
    { .leaf = (l), .reg = X86_REG_##r, .text = (t) }
#define LEAF_SUB(l, s, r, t)                                                   \
    { .leaf = (l), .subleaf = (s), .has_subleaf = true, .reg = X86_REG_##r,    \
      .text = (t) }

const X86FeatureWordInfo x86_feature_words[X86_FW__COUNT] = {
    [X86_FW_1_EDX] = LEAF(1, EDX, "CPUID.01H:EDX"),
    [X86_FW_1_ECX] = LEAF(1, ECX, "CPUID.01H:ECX"),
    [X86_FW_7_0_EBX] = LEAF_SUB(7, 0, EBX, "CPUID.07H:EBX"),
    [X86_FW_7_0_ECX] = LEAF_SUB(7, 0, ECX, "CPUID.07H:ECX"),
    [X86_FW_7_0_EDX] = LEAF_SUB(7, 0, EDX, "CPUID.07H:EDX"),
    [X86_FW_7_1_EAX] = LEAF_SUB(7, 1, EAX, "CPUID.07H.1:EAX"),
    [X86_FW_7_1_EDX] = LEAF_SUB(7, 1, EDX, "CPUID.07H.1:EDX"),
    [X86_FW_7_2_EDX] = LEAF_SUB(7, 2, EDX, "CPUID.07H.2:EDX"),
    [X86_FW_8000_0001_EDX] = LEAF(0x80000001, EDX, "CPUID.80000001H:EDX"),
    [X86_FW_8000_0001_ECX] = LEAF(0x80000001, ECX, "CPUID.80000001H:ECX"),
    [X86_FW_8000_0007_EBX] = LEAF(0x80000007, EBX, "CPUID.80000007H:EBX"),
    [X86_FW_8000_0007_EDX] = {
        .leaf = 0x80000007, .reg = X86_REG_EDX, .text = "CPUID.80000007H:EDX",
        .unmigratable = BIT64(8),   /* invtsc: no other host ticks the same */
    },
    [X86_FW_8000_0008_EBX] = LEAF(0x80000008, EBX, "CPUID.80000008H:EBX"),
    [X86_FW_8000_0021_EAX] = LEAF(0x80000021, EAX, "CPUID.80000021H:EAX"),
    [X86_FW_KVM] = LEAF(0x40000001, EAX, "CPUID.40000001H:EAX"),
    [X86_FW_KVM_HINTS] = {
        .leaf = 0x40000001, .reg = X86_REG_EDX, .text = "CPUID.40000001H:EDX",
        /* a promise about the host that only a user can make */
        .unmigratable = ~0ULL,
    },
    [X86_FW_SVM] = LEAF(0x8000000a, EDX, "CPUID.8000000AH:EDX"),
    [X86_FW_XSAVE] = LEAF_SUB(0xd, 1, EAX, "CPUID.0DH.1:EAX"),
    [X86_FW_6_EAX] = LEAF(6, EAX, "CPUID.06H:EAX"),
    [X86_FW_14_0_ECX] = LEAF_SUB(0x14, 0, ECX, "CPUID.14H:ECX"),
    [X86_FW_XCR0] = LEAF_SUB(0xd, 0, EAX, "CPUID.0DH:EAX"),
    [X86_FW_XSS] = LEAF_SUB(0xd, 1, ECX, "CPUID.0DH.1:ECX"),
    [X86_FW_ARCH_CAPABILITIES] = {
        .msr = X86_MSR_ARCH_CAPABILITIES, .text = "MSR(10AH)",
    },
    [X86_FW_CORE_CAPABILITY] = {
        .msr = X86_MSR_CORE_CAPABILITY, .text = "MSR(CFH)",
    },
    [X86_FW_PERF_CAPABILITIES] = {
        .msr = X86_MSR_PERF_CAPABILITIES, .text = "MSR(345H)",
    },
};

/* The word of a row of the feature tables. */
static X86FeatureWord row_word(const Property *row)
{
    return (row->offset - offsetof(X86CPU, features)) / sizeof(uint64_t);
}

/* The bits of a row: one, save that "kvmclock" names the old and the new
 * interface of the clock. */
static uint64_t row_mask(const Property *row)
{
    uint64_t mask = BIT64(row->bitnr);

    if (row_word(row) == X86_FW_KVM && row->bitnr == 0) {
        mask |= BIT64(3);
    }
    return mask;
}

const char *x86_feature_name(X86FeatureWord word, unsigned bit)
{
    for (size_t i = 0; i < x86_nr_feature_props; i++) {
        const Property *row = &x86_feature_props[i];

        if (row_word(row) == word && (row_mask(row) >> bit & 1)) {
            return row->name;
        }
    }
    return NULL;
}

void x86_features_add_named(uint64_t *words)
{
    for (size_t i = 0; i < x86_nr_feature_props; i++) {
        words[row_word(&x86_feature_props[i])] |=
            row_mask(&x86_feature_props[i]);
    }
}

/* Equal, with '_' in the user's spelling for '-'. */
static bool name_matches(const char *user, const char *name)
{
    for (; *user && *name; user++, name++) {
        if (*user != *name && !(*user == '_' && *name == '-')) {
            return false;
        }
    }
    return *user == *name;
}

static const Property *find_row(const Property *rows, size_t n,
                                const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (name_matches(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

unsigned x86_feature_lookup(const char *name, X86Feature out[2])
{
    const Property *row;
    uint64_t mask;
    unsigned n = 0;

    row = find_row(x86_feature_props, x86_nr_feature_props, name);
    if (!row) {
        row = find_row(x86_feature_alias_props, x86_nr_feature_alias_props,
                       name);
    }
    if (!row) {
        return 0;
    }
    for (mask = row_mask(row); mask; mask &= mask - 1) {
        out[n++] = X86_FEAT(row_word(row), __builtin_ctzll(mask));
    }
    return n;
}

bool x86_features_apply(uint64_t *words, const char *list)
{
    g_auto(GStrv) names = g_strsplit(list, " ", -1);

    for (char **p = names; *p; p++) {
        const char *name = *p;
        bool on = *name != '-';
        X86Feature f[2];
        unsigned n;

        if (!*name) {
            continue;
        }
        n = x86_feature_lookup(name + (*name == '-' || *name == '+'), f);
        if (n == 0) {
            return false;
        }
        while (n-- > 0) {
            x86_feature_set(words, f[n], on);
        }
    }
    return true;
}

/* @mask of @word needs @on. */
typedef struct Dependency {
    X86Feature on;
    uint8_t word;
    uint64_t mask;
} Dependency;

/* In an order in which one pass is enough. SDM volume 1, 13 to 16. */
static const Dependency dependencies[] = {
    { X86_FEAT_XSAVE, X86_FW_XSAVE, ~0ULL },
    { X86_FEAT_XSAVE, X86_FW_1_ECX, BIT64(28) },                /* avx */
    { X86_FEAT_XSAVE, X86_FW_7_0_EBX, BIT64(14) },              /* mpx */
    { X86_FEAT_XSAVE, X86_FW_7_0_ECX, BIT64(3) },               /* pku */
    { X86_FEAT_XSAVE, X86_FW_7_0_EDX, BIT64(24) },              /* amx-tile */
    { X86_FEAT_XSAVES, X86_FW_7_0_ECX, BIT64(7) },              /* shstk */
    { X86_FEAT_XSAVES, X86_FW_7_0_EDX, BIT64(20) },             /* ibt */
    { X86_FEAT_AVX, X86_FW_1_ECX, BIT64(12) | BIT64(29) },      /* fma f16c */
    { X86_FEAT_AVX, X86_FW_7_0_EBX, BIT64(5) },                 /* avx2 */
    { X86_FEAT_AVX, X86_FW_7_0_ECX, BIT64(9) | BIT64(10) },     /* vaes .. */
    { X86_FEAT_AVX, X86_FW_8000_0001_ECX, BIT64(11) | BIT64(16) },
    { X86_FEAT(X86_FW_7_0_EBX, 5), X86_FW_7_0_EBX, BIT64(16) }, /* avx512f */
    { X86_FEAT(X86_FW_7_0_EBX, 5), X86_FW_7_1_EAX,
      BIT64(4) | BIT64(23) },                                   /* avx-vnni */
    { X86_FEAT(X86_FW_7_0_EBX, 5), X86_FW_7_1_EDX,
      BIT64(4) | BIT64(5) | BIT64(10) },
    { X86_FEAT_AVX512F, X86_FW_7_0_EBX,
      BIT64(17) | BIT64(21) | BIT64(26) | BIT64(27) | BIT64(28) | BIT64(30) |
      BIT64(31) },
    { X86_FEAT_AVX512F, X86_FW_7_0_ECX,
      BIT64(1) | BIT64(6) | BIT64(11) | BIT64(12) | BIT64(14) },
    { X86_FEAT_AVX512F, X86_FW_7_0_EDX,
      BIT64(2) | BIT64(3) | BIT64(8) | BIT64(23) },
    { X86_FEAT_AVX512F, X86_FW_7_1_EAX, BIT64(5) },
    { X86_FEAT_AMX_TILE, X86_FW_7_0_EDX, BIT64(22) | BIT64(25) },
    { X86_FEAT_AMX_TILE, X86_FW_7_1_EAX, BIT64(21) },
    { X86_FEAT_AMX_TILE, X86_FW_7_1_EDX, BIT64(8) },
    { X86_FEAT_SVM, X86_FW_SVM, ~0ULL },
    { X86_FEAT_INTEL_PT, X86_FW_14_0_ECX, ~0ULL },
    { X86_FEAT_ARCH_CAPABILITIES, X86_FW_ARCH_CAPABILITIES, ~0ULL },
    { X86_FEAT_CORE_CAPABILITY, X86_FW_CORE_CAPABILITY, ~0ULL },
    { X86_FEAT_PDCM, X86_FW_PERF_CAPABILITIES, ~0ULL },
    { X86_FEAT_LM, X86_FW_7_0_ECX, BIT64(16) },                 /* la57 */
    { X86_FEAT_LM, X86_FW_8000_0001_EDX, BIT64(26) },           /* pdpe1gb */
    { X86_FEAT_LM, X86_FW_8000_0001_ECX, BIT64(0) | BIT64(2) }, /* svm */
};

void x86_features_closure(uint64_t *words, const uint64_t *user)
{
    for (size_t i = 0; i < G_N_ELEMENTS(dependencies); i++) {
        const Dependency *d = &dependencies[i];

        if (!x86_feature_test(words, d->on)) {
            words[d->word] &= ~d->mask | user[d->word];
        }
    }
}

/* ---- One bit as a property ---- */

static bool feature_prop_get(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    const Property *row = opaque;
    const uint64_t *word = property_field(obj, row);
    uint64_t mask = row_mask(row);
    bool on = (*word & mask) == mask;

    return visit_type_bool(v, name, &on, errp);
}

static bool feature_prop_set(Object *obj, Visitor *v, const char *name,
                             void *opaque, Error **errp)
{
    const Property *row = opaque;
    X86CPU *cpu = X86_CPU(obj);
    uint64_t *word = property_field(obj, row);
    uint64_t mask = row_mask(row);
    bool on;

    if (!visit_type_bool(v, name, &on, errp)) {
        return false;
    }
    *word = on ? *word | mask : *word & ~mask;
    cpu->user_features[row_word(row)] |= mask;
    return true;
}

const PropertyInfo x86_prop_info_feature = {
    .type = "bool",
    .get = feature_prop_get,
    .set = feature_prop_set,
};

/* ---- What the host offers ---- */

const X86HostOps *x86_host;

uint64_t x86_host_features(X86FeatureWord word)
{
    const X86FeatureWordInfo *info = &x86_feature_words[word];
    uint32_t regs[4];

    if (!x86_host) {
        return ~0ULL;
    }
    if (info->msr) {
        return x86_host->feature_msr(info->msr);
    }
    x86_host->cpuid(info->leaf, info->subleaf, regs);
    if (word == X86_FW_XCR0 || word == X86_FW_XSS) {
        return (uint64_t)regs[X86_REG_EDX] << 32 | regs[info->reg];
    }
    return regs[info->reg];
}

void x86_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    asm volatile("cpuid"
                 : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
                 : "a"(leaf), "c"(subleaf));
}

unsigned x86_host_phys_bits(void)
{
    uint32_t regs[4];

    /* The accelerator's answer: the host may have lent bits to encryption. */
    if (x86_host) {
        x86_host->cpuid(0x80000008, 0, regs);
        if (regs[X86_REG_EAX] & 0xff) {
            return regs[X86_REG_EAX] & 0xff;
        }
    }
    x86_host_cpuid(0x80000000, 0, regs);
    if (regs[X86_REG_EAX] < 0x80000008) {
        return 36;
    }
    x86_host_cpuid(0x80000008, 0, regs);
    return regs[X86_REG_EAX] & 0xff;
}
