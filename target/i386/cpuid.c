/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CPUID instruction shows: every leaf, from the model's features,
 * the topology and the host. Intel SDM volume 2A "CPUID", AMD APM volume 3
 * appendix E, Linux Documentation/virt/kvm/x86/cpuid.rst, and the hypervisor
 * timing leaf 0x40000010 that several hypervisors share.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "cpuid-internal.h"

/* Frequency of the APIC timer that KVM emulates. */
#define KVM_APIC_TIMER_KHZ 1000000u

typedef struct CpuidBuilder {
    const X86CPU *cpu;
    X86CpuidEntry *out;
    uint32_t n;
    uint32_t spill[4];              /* takes what does not fit */
} CpuidBuilder;

static uint32_t *add_entry(CpuidBuilder *b, uint32_t leaf, uint32_t subleaf,
                           bool has_subleaf)
{
    X86CpuidEntry *e = &b->out[b->n];

    if (b->n == X86_CPUID_MAX_ENTRIES) {
        return b->spill;
    }
    b->n++;
    *e = (X86CpuidEntry){ leaf, subleaf, has_subleaf, { 0 } };
    return e->regs;
}

static uint32_t *add_leaf(CpuidBuilder *b, uint32_t leaf)
{
    return add_entry(b, leaf, 0, false);
}

static uint32_t *add_subleaf(CpuidBuilder *b, uint32_t leaf, uint32_t subleaf)
{
    return add_entry(b, leaf, subleaf, true);
}

static void set_regs(uint32_t *r, uint32_t a, uint32_t b, uint32_t c,
                     uint32_t d)
{
    r[X86_REG_EAX] = a;
    r[X86_REG_EBX] = b;
    r[X86_REG_ECX] = c;
    r[X86_REG_EDX] = d;
}

/* Words of @leaf into their registers. */
static void set_words(const X86CPU *cpu, uint32_t *r, uint32_t leaf,
                      uint32_t subleaf)
{
    for (int w = 0; w < X86_FW__COUNT; w++) {
        const X86FeatureWordInfo *info = &x86_feature_words[w];

        if (info->leaf == leaf && info->subleaf == subleaf && leaf) {
            r[info->reg] |= cpu->features[w];
        }
    }
}

/* Leaves 0 and 0x80000000 have the vendor's letters in another order than the
 * processor name has its own. */
static void set_vendor(const X86CPU *cpu, uint32_t *r)
{
    memcpy(&r[X86_REG_EBX], cpu->vendor, 4);
    memcpy(&r[X86_REG_EDX], cpu->vendor + 4, 4);
    memcpy(&r[X86_REG_ECX], cpu->vendor + 8, 4);
}

/* Takes AMD's leaves: AMD itself and Hygon. */
static bool x86_cpu_is_amd_like(const X86CPU *cpu)
{
    return strcmp(cpu->vendor, "AuthenticAMD") == 0 ||
           strcmp(cpu->vendor, "HygonGenuine") == 0;
}

static bool x86_cpu_is_intel(const X86CPU *cpu)
{
    return strcmp(cpu->vendor, "GenuineIntel") == 0;
}

/* Family, model, stepping in the format of leaf 1 EAX. */
static uint32_t signature(const X86CPU *cpu)
{
    uint32_t family = MIN(cpu->family, 0xfu);
    uint32_t ext_family = cpu->family - family;

    return (cpu->stepping & 0xf) | (cpu->model & 0xf) << 4 | family << 8 |
           (cpu->model >> 4 & 0xf) << 16 | (ext_family & 0xff) << 20;
}

/* ---- Caches ---- */

/* Threads below one cache: those of a core, or of a die for level 3; as a
 * power of two, since APIC ids have holes. */
static unsigned cache_share_bits(const X86CPU *cpu, const X86Cache *c)
{
    unsigned bits = x86_topology_thread_bits(&cpu->topo);

    return c->level == 3 ? bits + x86_topology_core_bits(&cpu->topo) : bits;
}

/* Registers that leaf 4 and 0x8000001d have in common. */
static void set_cache(const X86CPU *cpu, uint32_t *r, const X86Cache *c)
{
    uint32_t threads = BIT(cache_share_bits(cpu, c));
    uint32_t sharing = MIN(threads, 4096u) - 1;

    if (c->type == 0) {
        return;
    }
    r[X86_REG_EAX] = c->type | c->level << 5 | (uint32_t)c->self_init << 8 |
                     sharing << 14;
    r[X86_REG_EBX] = (c->line_bytes - 1) | (c->partitions - 1) << 12 |
                     (uint32_t)(c->ways - 1) << 22;
    r[X86_REG_ECX] = c->sets - 1;
    r[X86_REG_EDX] = c->no_invd_sharing | c->inclusive << 1 |
                     c->complex_index << 2;
}

/* All caches and the empty entry that ends the list. */
static void build_cache_leaf(CpuidBuilder *b, uint32_t leaf, uint32_t eax)
{
    const X86CPU *cpu = b->cpu;
    const X86Caches *k = cpu->caches;
    const X86Cache *list[] = { &k->l1d, &k->l1i, &k->l2, &k->l3 };
    unsigned n = cpu->l3_cache ? 4 : 3;
    unsigned i;

    for (i = 0; i < n && list[i]->type; i++) {
        uint32_t *r = add_subleaf(b, leaf, i);

        set_cache(cpu, r, list[i]);
        r[X86_REG_EAX] |= eax;
    }
    add_subleaf(b, leaf, i);
}

static uint32_t cache_bytes(const X86Cache *c)
{
    return c->type ? c->line_bytes * c->partitions * c->ways * c->sets : 0;
}

/* APM: associativity as the 4-bit code of leaf 0x80000006. */
static uint32_t amd_assoc_code(uint32_t ways)
{
    static const struct { uint8_t ways, code; } codes[] = {
        { 1, 1 }, { 2, 2 }, { 4, 4 }, { 8, 6 }, { 16, 8 }, { 32, 0xa },
        { 48, 0xb }, { 64, 0xc }, { 96, 0xd }, { 128, 0xe },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (codes[i].ways >= ways) {
            return codes[i].code;
        }
    }
    return 0xf;
}

static uint32_t amd_l1(const X86Cache *c)
{
    if (c->type == 0) {
        return 0;
    }
    return (uint32_t)(cache_bytes(c) / KiB) << 24 | c->ways << 16 |
           c->lines_per_tag << 8 | c->line_bytes;
}

static uint32_t amd_l2(const X86Cache *c)
{
    if (c->type == 0) {
        return 0;
    }
    return (uint32_t)(cache_bytes(c) / KiB) << 16 |
           amd_assoc_code(c->ways) << 12 | c->lines_per_tag << 8 |
           c->line_bytes;
}

static uint32_t amd_l3(const X86Cache *c)
{
    if (c->type == 0) {
        return 0;
    }
    return (uint32_t)(cache_bytes(c) / (512 * KiB)) << 18 |
           amd_assoc_code(c->ways) << 12 | c->lines_per_tag << 8 |
           c->line_bytes;
}

/* ---- Basic leaves ---- */

static void build_leaf_1(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    uint32_t *r = add_leaf(b, 1);
    uint32_t threads = x86_topology_package_threads(&cpu->topo);

    set_words(cpu, r, 1, 0);
    r[X86_REG_EAX] = signature(cpu);
    /* CLFLUSH line in 8-byte units; initial APIC id, cut to 8 bits */
    r[X86_REG_EBX] = 8 << 8 | cpu->apic_id << 24;
    if (threads > 1) {
        uint32_t ids = BIT(x86_topology_package_shift(&cpu->topo));

        r[X86_REG_EBX] |= MIN(ids, 255u) << 16;
        r[X86_REG_EDX] |= BIT(X86_FEAT_HT.bit);
    }
}

/* Intel: descriptors 0xff "see leaf 4", 0xfe "see leaf 0x18", 0xf0 "64-byte
 * prefetch", as its CPUs have told for years. */
static void build_leaf_2(CpuidBuilder *b)
{
    uint32_t *r = add_leaf(b, 2);

    if (!x86_cpu_is_amd_like(b->cpu)) {
        set_regs(r, 0x00feff01, 0xf0, 0, 0);
    }
}

static void build_leaf_4(CpuidBuilder *b)
{
    const X86Topology *t = &b->cpu->topo;
    unsigned core_bits = x86_topology_package_shift(t) -
                         x86_topology_thread_bits(t);

    if (x86_cpu_is_amd_like(b->cpu)) {
        add_subleaf(b, 4, 0);
        return;
    }
    build_cache_leaf(b, 4, (MIN(BIT(core_bits), 64u) - 1) << 26);
}

static void build_leaf_5(CpuidBuilder *b)
{
    if (x86_feature_test(b->cpu->features, X86_FEAT_MONITOR)) {
        /* smallest and largest line; interrupts break MWAIT when masked */
        set_regs(add_leaf(b, 5), 64, 64, 3, 0);
    }
}

static void build_leaf_7(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    uint32_t max = 0;

    if (cpu->features[X86_FW_7_1_EAX] | cpu->features[X86_FW_7_1_EDX]) {
        max = 1;
    }
    if (cpu->features[X86_FW_7_2_EDX]) {
        max = 2;
    }
    if (cpu->level_func7) {
        max = MIN(cpu->level_func7, 2u);
    }
    for (uint32_t i = 0; i <= max; i++) {
        uint32_t *r = add_subleaf(b, 7, i);

        set_words(cpu, r, 7, i);
        if (i == 0) {
            r[X86_REG_EAX] = max;
        }
    }
}

/* Leaves that only the host knows: performance counters, processor trace. */
static void build_host_leaf(CpuidBuilder *b, uint32_t leaf, bool wanted)
{
    uint32_t regs[4];
    uint32_t max;

    if (!wanted || !x86_host) {
        return;
    }
    x86_host->cpuid(leaf, 0, regs);
    max = MIN(regs[X86_REG_EAX], 8u);
    memcpy(add_subleaf(b, leaf, 0), regs, sizeof(regs));
    for (uint32_t i = 1; i <= max; i++) {
        x86_host->cpuid(leaf, i, regs);
        memcpy(add_subleaf(b, leaf, i), regs, sizeof(regs));
    }
}

static void build_leaf_a(CpuidBuilder *b)
{
    uint32_t *r = add_leaf(b, 0xa);

    if (b->cpu->pmu && x86_host) {
        x86_host->cpuid(0xa, 0, r);
    }
}

/* One level of leaf 0xb or 0x1f. @type: 1 threads, 2 cores, 5 dies. */
typedef struct TopoLevel {
    unsigned shift;                 /* to the next level's id */
    uint32_t threads;
    uint32_t type;
} TopoLevel;

static void build_topology_leaf(CpuidBuilder *b, uint32_t leaf,
                                const TopoLevel *levels, unsigned n)
{
    for (unsigned i = 0; i <= n; i++) {
        uint32_t *r = add_subleaf(b, leaf, i);

        r[X86_REG_EDX] = b->cpu->apic_id;
        r[X86_REG_ECX] = i;
        if (i < n) {
            r[X86_REG_EAX] = levels[i].shift;
            r[X86_REG_EBX] = levels[i].threads;
            r[X86_REG_ECX] |= levels[i].type << 8;
        }
    }
}

static void build_topology(CpuidBuilder *b, uint32_t leaf)
{
    const X86Topology *t = &b->cpu->topo;
    uint32_t threads = MAX(t->threads, 1u);
    unsigned thread_bits = x86_topology_thread_bits(t);
    TopoLevel levels[3] = {
        { thread_bits, threads, 1 },
        { thread_bits + x86_topology_core_bits(t),
          threads * MAX(t->cores, 1u), 2 },
        { x86_topology_package_shift(t), x86_topology_package_threads(t), 5 },
    };

    if (leaf == 0x1f) {
        build_topology_leaf(b, leaf, levels, 3);
        return;
    }
    /* leaf 0xb knows no dies: all of the package is one level */
    levels[1].shift = levels[2].shift;
    levels[1].threads = levels[2].threads;
    build_topology_leaf(b, leaf, levels, 2);
}

static void build_leaf_d(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    uint64_t xcr0 = cpu->features[X86_FW_XCR0];
    uint64_t xss = cpu->features[X86_FW_XSS];
    uint32_t standard = x86_xsave_standard_bytes(xcr0);
    uint32_t *r;

    if (!x86_feature_test(cpu->features, X86_FEAT_XSAVE)) {
        add_subleaf(b, 0xd, 0);
        return;
    }
    /* EBX, the size for what the guest enabled, is kept up by the kernel */
    set_regs(add_subleaf(b, 0xd, 0), xcr0, standard, standard, xcr0 >> 32);
    r = add_subleaf(b, 0xd, 1);
    set_regs(r, cpu->features[X86_FW_XSAVE],
             x86_xsave_compact_bytes(xcr0 | xss), xss, xss >> 32);
    for (unsigned i = 2; i < 63; i++) {
        if ((xcr0 | xss) >> i & 1) {
            x86_xsave_component(i, add_subleaf(b, 0xd, i));
        }
    }
}

/*
 * TSC frequency as crystal * EBX / EAX. The crystal is what the APIC timer
 * counts, too. EBX stays below 4295, or crystal (kHz) * EBX would overflow the
 * 32 bits in which Linux multiplies; the best fraction within that is right
 * to 25 ppm, mostly to 1 ppm: no worse than a crystal.
 */
static void build_leaf_15(CpuidBuilder *b, uint32_t tsc_khz)
{
    uint32_t num, den;

    x86_best_fraction(tsc_khz, KVM_APIC_TIMER_KHZ,
                      UINT32_MAX / KVM_APIC_TIMER_KHZ, &num, &den);
    set_regs(add_leaf(b, 0x15), den, num, KVM_APIC_TIMER_KHZ * 1000u, 0);
}

static uint32_t cpu_tsc_khz(const X86CPU *cpu)
{
    if (cpu->tsc_hz) {
        return cpu->tsc_hz / 1000;
    }
    return x86_host ? x86_host->tsc_khz() : 0;
}

static void build_basic(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    uint32_t tsc_khz = cpu_tsc_khz(cpu);
    uint32_t *r = add_leaf(b, 0);

    r[X86_REG_EAX] = cpu->level;
    set_vendor(cpu, r);
    build_leaf_1(b);
    build_leaf_2(b);
    build_leaf_4(b);
    build_leaf_5(b);
    set_words(cpu, add_leaf(b, 6), 6, 0);
    if (cpu->level >= 7) {
        build_leaf_7(b);
    }
    build_leaf_a(b);
    if (cpu->level >= 0xb && cpu->cpuid_0xb) {
        build_topology(b, 0xb);
    }
    if (cpu->level >= 0xd) {
        build_leaf_d(b);
    }
    build_host_leaf(b, 0x14, cpu->level >= 0x14 &&
                    x86_feature_test(cpu->features, X86_FEAT_INTEL_PT));
    if (cpu->level >= 0x15 && tsc_khz && cpu->expose_tsc_leaves &&
        x86_cpu_is_intel(cpu)) {
        build_leaf_15(b, tsc_khz);
        if (cpu->level >= 0x16) {
            set_regs(add_leaf(b, 0x16), tsc_khz / 1000, tsc_khz / 1000, 100,
                     0);
        }
    }
    if (x86_feature_test(cpu->features, X86_FEAT_AMX_TILE)) {
        build_host_leaf(b, 0x1d, cpu->level >= 0x1d);
        build_host_leaf(b, 0x1e, cpu->level >= 0x1e);
    }
    if (cpu->level >= 0x1f && cpu->topo.dies > 1) {
        build_topology(b, 0x1f);
    }
}

/* ---- Extended leaves ---- */

static void build_brand(CpuidBuilder *b)
{
    char brand[48] = { 0 };

    memcpy(brand, b->cpu->model_id, strlen(b->cpu->model_id));
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(add_leaf(b, 0x80000002 + i), brand + 16 * i, 16);
    }
}

static void build_ext_caches(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    const X86Caches *k = cpu->caches;

    if (x86_cpu_is_amd_like(cpu)) {
        /* TLBs: entries and associativity of common AMD processors */
        set_regs(add_leaf(b, 0x80000005), 0xff40ff40, 0xff40ff40,
                 amd_l1(&k->l1d), amd_l1(&k->l1i));
        set_regs(add_leaf(b, 0x80000006), 0x44004200, 0x44004200,
                 amd_l2(&k->l2), cpu->l3_cache ? amd_l3(&k->l3) : 0);
        return;
    }
    add_leaf(b, 0x80000005);
    set_regs(add_leaf(b, 0x80000006), 0, 0, amd_l2(&k->l2), 0);
}

static void build_ext_8(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    bool la57 = x86_feature_test(cpu->features, X86_FEAT_LA57);
    uint32_t threads = x86_topology_package_threads(&cpu->topo);
    uint32_t *r = add_leaf(b, 0x80000008);

    set_words(cpu, r, 0x80000008, 0);
    r[X86_REG_EAX] = cpu->phys_bits | (la57 ? 57 : 48) << 8;
    if (x86_cpu_is_amd_like(cpu) && threads > 1) {
        r[X86_REG_ECX] = (MIN(threads, 256u) - 1) |
                         x86_topology_package_shift(&cpu->topo) << 12;
    }
}

/* AMD: core and node ids; a node is a die. */
static void build_ext_1e(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    const X86Topology *t = &cpu->topo;
    uint32_t dies = MAX(t->dies, 1u);
    uint32_t core = cpu->apic_id >> x86_topology_thread_bits(t);
    X86TopologyIds ids;

    core &= BIT(x86_topology_core_bits(t) + x86_topology_die_bits(t)) - 1;
    x86_ids_from_apic_id(t, cpu->apic_id, &ids);
    set_regs(add_leaf(b, 0x8000001e), cpu->apic_id,
             (core & 0xff) | (MAX(t->threads, 1u) - 1) << 8,
             ((ids.package * dies + ids.die) & 0xff) |
             (MIN(dies, 8u) - 1) << 8, 0);
}

static void build_extended(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    bool amd = x86_cpu_is_amd_like(cpu);
    uint32_t *r = add_leaf(b, 0x80000000);

    r[X86_REG_EAX] = cpu->xlevel;
    if (amd) {
        set_vendor(cpu, r);
    }
    r = add_leaf(b, 0x80000001);
    set_words(cpu, r, 0x80000001, 0);
    r[X86_REG_EAX] = amd ? signature(cpu) : 0;
    if (amd) {
        /* APM: these bits repeat leaf 1 EDX */
        r[X86_REG_EDX] |= cpu->features[X86_FW_1_EDX] & 0x0183f3ff;
        if (x86_topology_package_threads(&cpu->topo) > 1) {
            r[X86_REG_ECX] |= BIT(X86_FEAT_CMP_LEGACY.bit);
        }
    }
    build_brand(b);
    build_ext_caches(b);
    set_words(cpu, add_leaf(b, 0x80000007), 0x80000007, 0);
    build_ext_8(b);
    if (x86_feature_test(cpu->features, X86_FEAT_SVM)) {
        r = add_leaf(b, 0x8000000a);
        set_regs(r, 1, 0x10, 0, 0);         /* revision, ASIDs */
        set_words(cpu, r, 0x8000000a, 0);
    }
    if (amd && x86_feature_test(cpu->features, X86_FEAT_TOPOEXT)) {
        build_cache_leaf(b, 0x8000001d, 0);
        build_ext_1e(b);
    }
    if (cpu->features[X86_FW_8000_0021_EAX]) {
        set_words(cpu, add_leaf(b, 0x80000021), 0x80000021, 0);
    }
}

/* ---- Hypervisor leaves ---- */

static void build_kvm(CpuidBuilder *b)
{
    const X86CPU *cpu = b->cpu;
    uint32_t tsc_khz = cpu_tsc_khz(cpu);
    bool timing = cpu->expose_tsc_leaves && tsc_khz;

    if (!cpu->kvm || !x86_host) {
        return;
    }
    /* "KVMKVMKVM\0\0\0" */
    set_regs(add_leaf(b, 0x40000000), timing ? 0x40000010 : 0x40000001,
             0x4b4d564b, 0x564b4d56, 0x4d);
    set_words(cpu, add_leaf(b, 0x40000001), 0x40000001, 0);
    if (timing) {
        set_regs(add_leaf(b, 0x40000010), tsc_khz, KVM_APIC_TIMER_KHZ, 0, 0);
    }
}

uint32_t x86_cpu_build_cpuid(const X86CPU *cpu, X86CpuidEntry *out)
{
    CpuidBuilder b = { .cpu = cpu, .out = out };

    build_basic(&b);
    build_kvm(&b);
    build_extended(&b);
    return b.n;
}
