/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a model to the features of a CPU: named tables, the host's features,
 * the user's changes, and what this host cannot give.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "cpuid-internal.h"
#include "features-internal.h"
#include "models-internal.h"

/* ---- Named models ---- */

static const X86CPUModelInfo *find_model(const char *name)
{
    for (size_t i = 0; i < x86_nr_cpu_models; i++) {
        if (strcmp(x86_cpu_models[i].name, name) == 0) {
            return &x86_cpu_models[i];
        }
    }
    return NULL;
}

/* The first version's features: those of the bases, oldest first. */
static bool apply_first_version(uint64_t *words, const X86CPUModelInfo *info)
{
    enum { MAX_DEPTH = 16 };
    const X86CPUModelInfo *chain[MAX_DEPTH];
    int n = 0;

    while (info && n < MAX_DEPTH) {
        chain[n++] = info;
        info = info->base ? find_model(info->base) : NULL;
    }
    while (n-- > 0) {
        if (!x86_features_apply(words, chain[n]->features)) {
            return false;
        }
    }
    return true;
}

static bool apply_version(X86CPU *cpu, const X86CPUVersion *v)
{
    if (v->model_id) {
        g_strlcpy(cpu->model_id, v->model_id, sizeof(cpu->model_id));
    }
    if (v->model) {
        cpu->model = v->model;
    }
    if (v->stepping) {
        cpu->stepping = v->stepping;
    }
    return x86_features_apply(cpu->features, v->changes);
}

static const X86Caches *usual_caches(const char *vendor)
{
    return strcmp(vendor, "GenuineIntel") == 0 ? &x86_caches_intel
                                               : &x86_caches_amd;
}

/*
 * Guests choose between SYSCALL and SYSENTER, and their errata, by vendor:
 * under KVM those are the host's whatever the model.
 */
static void use_host_vendor(X86CPU *cpu)
{
    uint32_t r[4];

    x86_host_cpuid(0, 0, r);
    memcpy(cpu->vendor, &r[X86_REG_EBX], 4);
    memcpy(cpu->vendor + 4, &r[X86_REG_EDX], 4);
    memcpy(cpu->vendor + 8, &r[X86_REG_ECX], 4);
    cpu->vendor[12] = 0;
}

bool x86_cpu_load_model(X86CPU *cpu, const X86CPUModel *model)
{
    const X86CPUModelInfo *info = model->info;
    const X86CPUVersion *v;

    g_strlcpy(cpu->vendor, info->vendor, sizeof(cpu->vendor));
    g_strlcpy(cpu->model_id, info->model_id, sizeof(cpu->model_id));
    cpu->family = info->family;
    cpu->model = info->model;
    cpu->stepping = info->stepping;
    cpu->min_level = info->level;
    cpu->min_xlevel = info->xlevel;
    cpu->caches = info->caches ? info->caches : usual_caches(info->vendor);
    if (x86_host) {
        use_host_vendor(cpu);
    }
    if (!apply_first_version(cpu->features, info)) {
        return false;
    }
    for (v = info->versions; v && v->version && v->version <= model->version;
         v++) {
        if (!apply_version(cpu, v)) {
            return false;
        }
    }
    return true;
}

/* ---- Expansion ---- */

/* Bits that have a name; others could carry state that nobody saves. */
static uint64_t named_bits(X86FeatureWord word)
{
    static X86FeatureWords named;   /* constant once filled */

    if (named[X86_FW_1_EDX] == 0) {
        X86FeatureWords mask = { 0 };

        x86_features_add_named(mask);
        memcpy(named, mask, sizeof(named));
    }
    return named[word];
}

/* Turn @bits of @word on, save where the user said something. */
static void default_on(X86CPU *cpu, X86FeatureWord word, uint64_t bits)
{
    cpu->features[word] |= bits & ~cpu->user_features[word];
}

void x86_cpu_load_host(X86CPU *cpu)
{
    uint32_t r[4];
    char brand[49] = { 0 };

    use_host_vendor(cpu);
    x86_host_cpuid(1, 0, r);
    cpu->stepping = r[X86_REG_EAX] & 0xf;
    cpu->model = (r[X86_REG_EAX] >> 4 & 0xf) | (r[X86_REG_EAX] >> 12 & 0xf0);
    cpu->family = (r[X86_REG_EAX] >> 8 & 0xf) + (r[X86_REG_EAX] >> 20 & 0xff);
    for (uint32_t i = 0; i < 3; i++) {
        x86_host_cpuid(0x80000002 + i, 0, r);
        memcpy(brand + 16 * i, r, sizeof(r));
    }
    g_strlcpy(cpu->model_id, brand, sizeof(cpu->model_id));
    cpu->caches = usual_caches(cpu->vendor);
    if (x86_host) {
        x86_host->cpuid(0, 0, r);
        cpu->min_level = MAX(cpu->min_level, r[X86_REG_EAX]);
        x86_host->cpuid(0x80000000, 0, r);
        cpu->min_xlevel = MAX(cpu->min_xlevel, r[X86_REG_EAX]);
    }
}

/* max without an accelerator that could tell: what qemu64 has. */
static void features_without_host(X86CPU *cpu)
{
    X86FeatureWords words = { 0 };

    apply_first_version(words, &x86_cpu_models[0]);
    for (int w = 0; w < X86_FW__COUNT; w++) {
        default_on(cpu, w, words[w]);
    }
}

static void features_of_host(X86CPU *cpu)
{
    for (int w = 0; w < X86_FW__COUNT; w++) {
        uint64_t bits = x86_host_features(w) & named_bits(w);

        if (cpu->migratable) {
            bits &= ~x86_feature_words[w].unmigratable;
        }
        if (w == X86_FW_KVM_HINTS) {
            bits = 0;
        }
        default_on(cpu, w, bits);
    }
    if (!cpu->pmu && !(cpu->user_features[X86_FW_1_ECX] &
                       BIT64(X86_FEAT_PDCM.bit))) {
        x86_feature_set(cpu->features, X86_FEAT_PDCM, false);
    }
}

/* What every named model gets under KVM, as users of QEMU expect. */
static void kvm_defaults(X86CPU *cpu)
{
    /* kvmclock (both), nopiodelay, asyncpf, steal time, pv-eoi, stable bit */
    default_on(cpu, X86_FW_KVM, BIT64(0) | BIT64(1) | BIT64(3) | BIT64(4) |
               BIT64(5) | BIT64(6) | BIT64(24));
    default_on(cpu, X86_FW_1_ECX, BIT64(X86_FEAT_X2APIC.bit));
}

static void choose_levels(X86CPU *cpu)
{
    const uint64_t *f = cpu->features;
    uint32_t level = MAX(cpu->min_level, 1u);
    uint32_t xlevel = MAX(cpu->min_xlevel, 0x80000008u);

    if (cpu->full_cpuid_auto_level) {
        if (f[X86_FW_6_EAX]) {
            level = MAX(level, 6u);
        }
        if (f[X86_FW_7_0_EBX] | f[X86_FW_7_0_ECX] | f[X86_FW_7_0_EDX]) {
            level = MAX(level, 7u);
        }
        if (x86_topology_package_threads(&cpu->topo) > 1) {
            level = MAX(level, cpu->topo.dies > 1 ? 0x1fu : 0xbu);
        }
        if (x86_feature_test(f, X86_FEAT_XSAVE)) {
            level = MAX(level, 0xdu);
        }
        if (x86_feature_test(f, X86_FEAT_INTEL_PT)) {
            level = MAX(level, 0x14u);
        }
        if (x86_feature_test(f, X86_FEAT_AMX_TILE)) {
            level = MAX(level, 0x1eu);
        }
        if (x86_feature_test(f, X86_FEAT_SVM)) {
            xlevel = MAX(xlevel, 0x8000000au);
        }
        if (x86_feature_test(f, X86_FEAT_TOPOEXT)) {
            xlevel = MAX(xlevel, 0x8000001eu);
        }
        if (f[X86_FW_8000_0021_EAX]) {
            xlevel = MAX(xlevel, 0x80000021u);
        }
    }
    if (cpu->level == UINT32_MAX) {
        cpu->level = level;
    }
    if (cpu->xlevel == UINT32_MAX) {
        cpu->xlevel = xlevel;
    }
}

/* Bits that follow from other settings. */
static void derived_features(X86CPU *cpu)
{
    x86_feature_set(cpu->features, X86_FEAT_HT, false);     /* from -smp */
    if (!cpu->kvm) {
        cpu->features[X86_FW_KVM] = 0;
        cpu->features[X86_FW_KVM_HINTS] = 0;
    }
    x86_features_closure(cpu->features, cpu->user_features);
    cpu->features[X86_FW_XCR0] = x86_xsave_xcr0(cpu->features);
    cpu->features[X86_FW_XSS] = x86_xsave_xss(cpu->features);
    if (cpu->host_cache_info && x86_host_caches()) {
        cpu->caches = x86_host_caches();
    }
}

bool x86_cpu_expand(X86CPU *cpu, Error **errp)
{
    X86CPUClass *xcc = X86_CPU_GET_CLASS(cpu);
    bool named = xcc->model != NULL;

    if (cpu->expanded) {
        return true;
    }
    if (xcc->host_model) {
        if (!x86_host && strcmp(object_get_typename(OBJECT(cpu)),
                                X86_CPU_TYPE_NAME("host")) == 0) {
            error_setg(errp, "CPU model 'host' requires KVM");
            error_append_hint(errp, "Use -accel kvm, or a named CPU model");
            return false;
        }
        if (x86_host) {
            features_of_host(cpu);
        } else {
            features_without_host(cpu);
        }
    } else if (named && x86_host && cpu->kvm) {
        kvm_defaults(cpu);
    }
    if (named || xcc->host_model) {
        default_on(cpu, X86_FW_1_ECX, BIT64(X86_FEAT_HYPERVISOR.bit));
    }
    derived_features(cpu);
    choose_levels(cpu);
    cpu->expanded = true;
    return true;
}

/* ---- What the host lacks ---- */

static void append_names(GString *out, X86FeatureWord word, uint64_t bits)
{
    for (; bits; bits &= bits - 1) {
        unsigned bit = __builtin_ctzll(bits);
        const char *name = x86_feature_name(word, bit);

        g_string_append(out, out->len ? ", " : "");
        if (name) {
            g_string_append(out, name);
        } else {
            g_string_append_printf(out, "%s [bit %u]",
                                   x86_feature_words[word].text, bit);
        }
    }
}

char *x86_cpu_filtered_names(const X86CPU *cpu)
{
    GString *out = g_string_new(NULL);

    for (int w = 0; w < X86_FW__COUNT; w++) {
        append_names(out, w, cpu->filtered[w]);
    }
    return g_string_free(out, FALSE);
}

/* What the accelerator makes itself, whatever the processor can do. */
static uint64_t always_available(X86FeatureWord word)
{
    if (word == X86_FW_1_ECX) {
        return BIT64(X86_FEAT_HYPERVISOR.bit);
    }
    return 0;
}

bool x86_cpu_filter(X86CPU *cpu)
{
    bool complete = true;

    for (int w = 0; w < X86_FW__COUNT; w++) {
        uint64_t missing = cpu->features[w] & ~x86_host_features(w) &
                           ~always_available(w);

        cpu->filtered[w] |= missing;
        cpu->features[w] &= ~missing;
        if (cpu->filtered[w]) {
            complete = false;
        }
    }
    if (!complete) {
        derived_features(cpu);
    }
    return complete;
}
