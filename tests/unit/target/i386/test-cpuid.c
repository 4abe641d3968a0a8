/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID leaves of CPUs made by hand, without QOM and without a host. */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "target/i386/cpuid-internal.h"
#include "target/i386/models-internal.h"

static X86CpuidEntry entries[X86_CPUID_MAX_ENTRIES];
static uint32_t nr_entries;

static const uint32_t *leaf_sub(uint32_t leaf, uint32_t subleaf)
{
    for (uint32_t i = 0; i < nr_entries; i++) {
        if (entries[i].leaf == leaf &&
            (!entries[i].has_subleaf || entries[i].subleaf == subleaf)) {
            return entries[i].regs;
        }
    }
    return NULL;
}

static const uint32_t *leaf(uint32_t nr)
{
    const uint32_t *r = leaf_sub(nr, 0);

    g_assert_nonnull(r);
    return r;
}

static void make_cpu(X86CPU *cpu, const char *vendor, const char *features)
{
    memset(cpu, 0, sizeof(*cpu));
    g_strlcpy(cpu->vendor, vendor, sizeof(cpu->vendor));
    g_strlcpy(cpu->model_id, "Test CPU", sizeof(cpu->model_id));
    cpu->family = 6;
    cpu->model = 143;
    cpu->stepping = 4;
    cpu->level = 0x1f;
    cpu->xlevel = 0x80000021;
    cpu->phys_bits = 46;
    cpu->l3_cache = cpu->kvm = cpu->expose_tsc_leaves = cpu->cpuid_0xb = true;
    cpu->caches = &x86_caches_intel;
    g_assert_true(x86_features_apply(cpu->features, features));
    cpu->features[X86_FW_XCR0] = x86_xsave_xcr0(cpu->features);
    cpu->features[X86_FW_XSS] = x86_xsave_xss(cpu->features);
}

static void build(X86CPU *cpu)
{
    nr_entries = x86_cpu_build_cpuid(cpu, entries);
    g_assert_cmpuint(nr_entries, <, X86_CPUID_MAX_ENTRIES);
}

static void test_identity(void)
{
    X86CPU cpu;

    make_cpu(&cpu, "GenuineIntel", "fpu lm");
    build(&cpu);
    g_assert_cmphex(leaf(0)[X86_REG_EAX], ==, 0x1f);
    g_assert_cmphex(leaf(0)[X86_REG_EBX], ==, 0x756e6547);
    g_assert_cmphex(leaf(0)[X86_REG_EDX], ==, 0x49656e69);
    g_assert_cmphex(leaf(0)[X86_REG_ECX], ==, 0x6c65746e);
    g_assert_cmphex(leaf(1)[X86_REG_EAX], ==, 0x000806f4);
    g_assert_cmpmem(leaf(0x80000002), 9, "Test CPU", 9);
    g_assert_cmphex(leaf(0x80000008)[X86_REG_EAX], ==, 48 << 8 | 46);

    cpu.family = 25;
    cpu.model = 17;
    build(&cpu);
    g_assert_cmphex(leaf(1)[X86_REG_EAX], ==, 0x00a10f14);
}

static void test_words_go_to_their_leaves(void)
{
    X86CPU cpu;

    make_cpu(&cpu, "GenuineIntel", "sse2 avx512-bf16 mcdt-no invtsc rdtscp "
             "arat xsave xsaveopt");
    build(&cpu);
    g_assert_cmphex(leaf(1)[X86_REG_EDX], ==, 1 << 26);
    g_assert_cmphex(leaf(6)[X86_REG_EAX], ==, 1 << 2);
    g_assert_cmphex(leaf_sub(7, 0)[X86_REG_EAX], ==, 2);
    g_assert_cmphex(leaf_sub(7, 1)[X86_REG_EAX], ==, 1 << 5);
    g_assert_cmphex(leaf_sub(7, 2)[X86_REG_EDX], ==, 1 << 5);
    g_assert_cmphex(leaf(0x80000001)[X86_REG_EDX], ==, 1 << 27);
    g_assert_cmphex(leaf(0x80000007)[X86_REG_EDX], ==, 1 << 8);
    g_assert_cmphex(leaf_sub(0xd, 1)[X86_REG_EAX], ==, 1);
}

static void test_topology_intel(void)
{
    X86CPU cpu;

    make_cpu(&cpu, "GenuineIntel", "fpu");
    cpu.topo = (X86Topology){ .dies = 2, .cores = 3, .threads = 2 };
    cpu.apic_id = 13;               /* die 1, core 2, thread 1 */
    build(&cpu);
    g_assert_cmphex(leaf(1)[X86_REG_EBX], ==, 13u << 24 | 16 << 16 | 8 << 8);
    g_assert_true(leaf(1)[X86_REG_EDX] & 1 << 28);
    g_assert_cmpuint(leaf_sub(0xb, 0)[X86_REG_EAX], ==, 1);
    g_assert_cmpuint(leaf_sub(0xb, 0)[X86_REG_EBX], ==, 2);
    g_assert_cmphex(leaf_sub(0xb, 0)[X86_REG_ECX], ==, 0x100);
    g_assert_cmpuint(leaf_sub(0xb, 1)[X86_REG_EAX], ==, 4);
    g_assert_cmpuint(leaf_sub(0xb, 1)[X86_REG_EBX], ==, 12);
    g_assert_cmphex(leaf_sub(0xb, 1)[X86_REG_ECX], ==, 0x201);
    g_assert_cmpuint(leaf_sub(0xb, 2)[X86_REG_EBX], ==, 0);
    g_assert_cmpuint(leaf_sub(0xb, 2)[X86_REG_EDX], ==, 13);
    g_assert_cmpuint(leaf_sub(0x1f, 1)[X86_REG_EAX], ==, 3);
    g_assert_cmphex(leaf_sub(0x1f, 2)[X86_REG_ECX], ==, 0x502);
    g_assert_cmpuint(leaf_sub(0x1f, 2)[X86_REG_EAX], ==, 4);
    /* L1: type 1, level 1, self-initializing, 2 threads, 8 core ids */
    g_assert_cmphex(leaf_sub(4, 0)[X86_REG_EAX], ==,
                    0x121 | 1 << 14 | 7 << 26);
    g_assert_cmphex(leaf_sub(4, 3)[X86_REG_EAX] >> 14 & 0xfff, ==, 7);
    g_assert_cmpuint(leaf_sub(4, 4)[X86_REG_EAX], ==, 0);
}

static void test_topology_amd(void)
{
    X86CPU cpu;

    make_cpu(&cpu, "AuthenticAMD", "fpu topoext");
    cpu.caches = &x86_caches_amd;
    cpu.topo = (X86Topology){ .dies = 1, .cores = 4, .threads = 2 };
    cpu.apic_id = 11;               /* package 1, core 1, thread 1 */
    build(&cpu);
    g_assert_cmphex(leaf(0x80000001)[X86_REG_ECX], ==, 1 << 22 | 1 << 1);
    g_assert_cmphex(leaf(0x80000001)[X86_REG_EDX], ==, 1);
    g_assert_cmphex(leaf(0x80000008)[X86_REG_ECX], ==, 3 << 12 | 7);
    g_assert_cmpuint(leaf(0x8000001e)[X86_REG_EAX], ==, 11);
    g_assert_cmphex(leaf(0x8000001e)[X86_REG_EBX], ==, 0x101);
    g_assert_cmphex(leaf(0x8000001e)[X86_REG_ECX], ==, 1);
    g_assert_cmphex(leaf_sub(0x8000001d, 3)[X86_REG_EAX], ==,
                    0x163 | 7 << 14);
    g_assert_cmphex(leaf(0x80000005)[X86_REG_ECX], ==, 0x40020140);
    g_assert_cmphex(leaf(0x80000006)[X86_REG_ECX], ==, 0x02008140);
}

static void test_single_cpu_has_no_ht(void)
{
    X86CPU cpu;

    make_cpu(&cpu, "GenuineIntel", "fpu");
    build(&cpu);
    g_assert_cmphex(leaf(1)[X86_REG_EDX], ==, 1);
    g_assert_cmphex(leaf(1)[X86_REG_EBX], ==, 8 << 8);
    g_assert_null(leaf_sub(0x1f, 0));
}

static void test_xsave_sizes(void)
{
    X86CPU cpu;

    make_cpu(&cpu, "GenuineIntel", "xsave xsavec xsaves avx avx2 avx512f pku");
    build(&cpu);
    g_assert_cmphex(leaf_sub(0xd, 0)[X86_REG_EAX], ==, 0x2e7);
    g_assert_cmpuint(leaf_sub(0xd, 0)[X86_REG_ECX], ==, 2696);
    g_assert_cmpuint(leaf_sub(0xd, 1)[X86_REG_EBX], ==, 576 + 256 + 64 + 512 +
                     1024 + 8);
    g_assert_cmpuint(leaf_sub(0xd, 2)[X86_REG_EBX], ==, 576);
    g_assert_null(leaf_sub(0xd, 3));
    make_cpu(&cpu, "GenuineIntel", "fpu");
    build(&cpu);
    g_assert_cmphex(leaf_sub(0xd, 0)[X86_REG_EAX], ==, 0);
}

/* A host, to see the leaves that need one. */
static void fake_cpuid(uint32_t nr, uint32_t subleaf, uint32_t regs[4])
{
    memset(regs, 0, 16);
}

static uint64_t fake_msr(uint32_t msr)
{
    return 0;
}

static uint32_t fake_khz(void)
{
    return 2596124;
}

static const X86HostOps fake_host = {
    .name = "fake", .cpuid = fake_cpuid, .feature_msr = fake_msr,
    .tsc_khz = fake_khz,
};

static void test_timing_leaves(void)
{
    X86CPU cpu;
    const uint32_t *r;
    double khz;

    make_cpu(&cpu, "GenuineIntel", "fpu kvmclock");
    x86_host = &fake_host;
    build(&cpu);
    r = leaf(0x15);
    khz = (double)r[X86_REG_ECX] * r[X86_REG_EBX] / r[X86_REG_EAX] / 1000;
    g_assert_cmpfloat_with_epsilon(khz, 2596124, 2596124 * 1e-6);
    /* Linux multiplies in 32 bits */
    g_assert_cmpuint((uint64_t)(r[X86_REG_ECX] / 1000) * r[X86_REG_EBX], <=,
                     UINT32_MAX);
    g_assert_cmpuint(leaf(0x16)[X86_REG_EAX], ==, 2596);
    g_assert_cmphex(leaf(0x40000000)[X86_REG_EAX], ==, 0x40000010);
    g_assert_cmpmem(&leaf(0x40000000)[X86_REG_EBX], 8, "KVMKVMKV", 8);
    g_assert_cmphex(leaf(0x40000001)[X86_REG_EAX], ==, 9);
    g_assert_cmpuint(leaf(0x40000010)[X86_REG_EAX], ==, 2596124);
    g_assert_cmpuint(leaf(0x40000010)[X86_REG_EBX], ==, 1000000);

    cpu.expose_tsc_leaves = false;
    build(&cpu);
    g_assert_null(leaf_sub(0x15, 0));
    g_assert_cmphex(leaf(0x40000000)[X86_REG_EAX], ==, 0x40000001);
    cpu.kvm = false;
    build(&cpu);
    g_assert_null(leaf_sub(0x40000000, 0));
    x86_host = NULL;
}

static void test_fraction(void)
{
    static const uint32_t khz[] = {
        1000000, 2596124, 4294000, 800123, 3000000, 2400001, 2400050, 1999999,
    };
    uint32_t num, den;

    for (size_t i = 0; i < G_N_ELEMENTS(khz); i++) {
        x86_best_fraction(khz[i], 1000000, 4294, &num, &den);
        g_assert_cmpuint(den, >, 0);
        g_assert_cmpuint(num, <=, 4294);
        g_assert_cmpfloat_with_epsilon((double)num / den, khz[i] / 1e6,
                                       khz[i] / 1e6 * 25e-6);
    }
    x86_best_fraction(0, 1000000, 4294, &num, &den);
    g_assert_cmpuint(num, ==, 0);
    g_assert_cmpuint(den, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i386/cpuid/identity", test_identity);
    g_test_add_func("/i386/cpuid/words", test_words_go_to_their_leaves);
    g_test_add_func("/i386/cpuid/topology/intel", test_topology_intel);
    g_test_add_func("/i386/cpuid/topology/amd", test_topology_amd);
    g_test_add_func("/i386/cpuid/topology/single", test_single_cpu_has_no_ht);
    g_test_add_func("/i386/cpuid/xsave", test_xsave_sizes);
    g_test_add_func("/i386/cpuid/timing", test_timing_leaves);
    g_test_add_func("/i386/cpuid/fraction", test_fraction);
    return g_test_run();
}
