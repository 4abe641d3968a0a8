/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feature names, the model tables built from them, and dependencies. */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "target/i386/models-internal.h"

static void check_lookup(const char *name, X86FeatureWord word, unsigned bit)
{
    X86Feature f[2];

    g_assert_cmpuint(x86_feature_lookup(name, f), >=, 1);
    g_assert_cmpuint(f[0].word, ==, word);
    g_assert_cmpuint(f[0].bit, ==, bit);
}

static void test_lookup_names(void)
{
    X86Feature f[2];

    check_lookup("fpu", X86_FW_1_EDX, 0);
    check_lookup("avx2", X86_FW_7_0_EBX, 5);
    check_lookup("invtsc", X86_FW_8000_0007_EDX, 8);
    check_lookup("its-no", X86_FW_ARCH_CAPABILITIES, 62);
    /* other spellings and names */
    check_lookup("lahf_lm", X86_FW_8000_0001_ECX, 0);
    check_lookup("sse4_1", X86_FW_1_ECX, 19);
    check_lookup("sse4.2", X86_FW_1_ECX, 20);
    check_lookup("xd", X86_FW_8000_0001_EDX, 20);
    g_assert_cmpuint(x86_feature_lookup("avx3", f), ==, 0);
    g_assert_cmpuint(x86_feature_lookup("", f), ==, 0);
    g_assert_cmpuint(x86_feature_lookup("avx2 ", f), ==, 0);
}

static void test_lookup_kvmclock_is_two(void)
{
    X86Feature f[2];

    g_assert_cmpuint(x86_feature_lookup("kvmclock", f), ==, 2);
    g_assert_cmpuint(f[0].bit, ==, 0);
    g_assert_cmpuint(f[1].bit, ==, 3);
    g_assert_cmpstr(x86_feature_name(X86_FW_KVM, 3), ==, "kvmclock");
}

static void test_name_round_trip(void)
{
    for (int w = 0; w < X86_FW__COUNT; w++) {
        for (unsigned bit = 0; bit < 64; bit++) {
            const char *name = x86_feature_name(w, bit);
            X86Feature f[2];
            unsigned n;

            if (!name) {
                continue;
            }
            n = x86_feature_lookup(name, f);
            g_assert_cmpuint(n, >=, 1);
            g_assert_cmpuint(f[0].word, ==, w);
            g_assert_true(f[0].bit == bit || f[n - 1].bit == bit);
        }
    }
}

static void test_apply(void)
{
    X86FeatureWords w = { 0 };

    g_assert_true(x86_features_apply(w, "fpu +avx2  aes -fpu"));
    g_assert_cmphex(w[X86_FW_1_EDX], ==, 0);
    g_assert_cmphex(w[X86_FW_7_0_EBX], ==, 1 << 5);
    g_assert_cmphex(w[X86_FW_1_ECX], ==, 1 << 25);
    g_assert_true(x86_features_apply(w, ""));
    g_assert_false(x86_features_apply(w, "sse nonsense"));
}

/* Every table of a named model speaks of features that exist. */
static void test_model_tables(void)
{
    for (size_t i = 0; i < x86_nr_cpu_models; i++) {
        const X86CPUModelInfo *m = &x86_cpu_models[i];
        const X86CPUVersion *v = m->versions;
        X86FeatureWords w = { 0 };
        bool base_found = m->base == NULL;

        g_assert_cmpuint(strlen(m->vendor), ==, 12);
        g_assert_cmpuint(strlen(m->model_id), <=, 48);
        g_assert_true(x86_features_apply(w, m->features));
        for (int n = 2; v && v->version; v++, n++) {
            g_assert_cmpint(v->version, ==, n);
            g_assert_true(x86_features_apply(w, v->changes));
        }
        for (size_t k = 0; k < i && m->base; k++) {
            base_found |= strcmp(x86_cpu_models[k].name, m->base) == 0;
        }
        g_assert_true(base_found);
    }
}

static void test_closure_drops_dependents(void)
{
    X86FeatureWords w = { 0 }, user = { 0 };

    g_assert_true(x86_features_apply(w, "xsave avx fma avx2 avx512f avx512vl "
                                     "xsaveopt arch-capabilities rdctl-no"));
    x86_features_closure(w, user);
    g_assert_cmphex(w[X86_FW_7_0_EBX], ==,
                    (1u << 5) | (1u << 16) | (1u << 31));

    g_assert_true(x86_features_apply(w, "-xsave -arch-capabilities"));
    x86_features_closure(w, user);
    g_assert_cmphex(w[X86_FW_1_ECX], ==, 0);
    g_assert_cmphex(w[X86_FW_7_0_EBX], ==, 0);
    g_assert_cmphex(w[X86_FW_XSAVE], ==, 0);
    g_assert_cmphex(w[X86_FW_ARCH_CAPABILITIES], ==, 0);
}

static void test_closure_keeps_what_was_asked_for(void)
{
    X86FeatureWords w = { 0 }, user = { 0 };

    g_assert_true(x86_features_apply(w, "avx2"));
    g_assert_true(x86_features_apply(user, "avx2"));
    x86_features_closure(w, user);
    g_assert_cmphex(w[X86_FW_7_0_EBX], ==, 1 << 5);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i386/features/lookup", test_lookup_names);
    g_test_add_func("/i386/features/kvmclock", test_lookup_kvmclock_is_two);
    g_test_add_func("/i386/features/round-trip", test_name_round_trip);
    g_test_add_func("/i386/features/apply", test_apply);
    g_test_add_func("/i386/features/models", test_model_tables);
    g_test_add_func("/i386/features/closure", test_closure_drops_dependents);
    g_test_add_func("/i386/features/closure/user",
                    test_closure_keeps_what_was_asked_for);
    return g_test_run();
}
