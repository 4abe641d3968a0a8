/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU types: models, the user's changes, what a host lacks, -cpu, QMP, and the
 * migrated state. No accelerator; where a host matters it is made up.
 */
#include "util/osdep.h"
#include <json-c/json.h>
#include "hw/core/machine.h"
#include "migration/vmstate.h"
#include "qapi/qapi-commands-machine.h"
#include "qom/property.h"
#include "target/cpu-model.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "util/bql.h"
#include "tests/unit/lib/assert-error.h"

/* ---- A host ---- */

static X86FeatureWords host_words;

static void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    memset(regs, 0, 16);
    if (leaf == 0) {
        regs[X86_REG_EAX] = 0x16;
    } else if (leaf == 0x80000008) {
        regs[X86_REG_EAX] = 46;
    } else if (leaf == 0xd && subleaf == 2) {
        regs[X86_REG_EAX] = 256;
        regs[X86_REG_EBX] = 576;
    }
    for (int w = 0; w < X86_FW__COUNT; w++) {
        const X86FeatureWordInfo *info = &x86_feature_words[w];

        if (info->leaf && info->leaf == leaf && info->subleaf == subleaf) {
            regs[info->reg] |= host_words[w];
        }
    }
}

static uint64_t host_msr(uint32_t msr)
{
    return msr == X86_MSR_ARCH_CAPABILITIES
           ? host_words[X86_FW_ARCH_CAPABILITIES] : 0;
}

static uint32_t host_khz(void)
{
    return 2000000;
}

static const X86HostOps made_up_host = {
    .name = "test", .cpuid = host_cpuid, .feature_msr = host_msr,
    .tsc_khz = host_khz,
};

static void use_host(const char *features)
{
    memset(host_words, 0, sizeof(host_words));
    g_assert_true(x86_features_apply(host_words, features));
    host_words[X86_FW_XCR0] = 7;
    x86_host = &made_up_host;
}

#define HOST_FEATURES "fpu tsc msr lm syscall sse2 xsave avx x2apic invtsc "   \
    "kvmclock kvm-pv-eoi arch-capabilities rdctl-no"

/* ---- Helpers ---- */

static X86CPU *new_cpu(const char *model)
{
    g_autofree char *type = g_strconcat(model, X86_CPU_TYPE_SUFFIX, NULL);
    X86CPU *cpu = X86_CPU(object_new(type));

    cpu->check = false;             /* no warnings among the test's output */
    return cpu;
}

static void set(X86CPU *cpu, const char *name, const char *value)
{
    Error *err = NULL;

    object_property_parse(OBJECT(cpu), name, value, &err);
    g_assert_null(err);
}

static bool get(X86CPU *cpu, const char *name)
{
    return object_property_get_bool(OBJECT(cpu), name, NULL);
}

static void expand(X86CPU *cpu)
{
    g_assert_true(x86_cpu_expand(cpu, NULL));
    x86_cpu_filter(cpu);
}

/* Realize fails with a text that contains @text. */
static void check_refused(X86CPU *cpu, const char *text)
{
    Error *err = NULL;

    g_assert_false(qdev_realize(DEVICE(cpu), NULL, &err));
    assert_error(err, text);
    error_free(err);
    object_unref(cpu);
}

/* ---- Models ---- */

static void test_named_model(void)
{
    X86CPU *cpu = new_cpu("Haswell-v2");

    g_assert_cmpuint(cpu->model, ==, 60);
    g_assert_cmpuint(cpu->stepping, ==, 1);
    g_assert_cmpstr(cpu->model_id, ==,
                    "Intel Core Processor (Haswell, no TSX)");
    g_assert_true(get(cpu, "avx2"));
    g_assert_false(get(cpu, "hle"));
    expand(cpu);
    g_assert_cmphex(cpu->level, ==, 0xd);
    g_assert_true(get(cpu, "hypervisor"));
    object_unref(cpu);
    cpu = new_cpu("Haswell");
    g_assert_true(get(cpu, "hle"));
    object_unref(cpu);
    cpu = new_cpu("Haswell-noTSX");
    g_assert_false(get(cpu, "rtm"));
    object_unref(cpu);
}

static void test_users_changes_win(void)
{
    X86CPU *cpu = new_cpu("Haswell");

    set(cpu, "avx", "off");
    set(cpu, "sse4_1", "off");
    set(cpu, "tsc-adjust", "on");
    set(cpu, "level", "20");
    expand(cpu);
    g_assert_false(get(cpu, "avx"));
    g_assert_false(get(cpu, "avx2"));           /* needs avx */
    g_assert_false(get(cpu, "sse4.1"));
    g_assert_true(get(cpu, "tsc-adjust"));
    g_assert_cmpuint(cpu->level, ==, 20);
    object_unref(cpu);
}

static void test_kvm_gives_named_models_more(void)
{
    X86CPU *cpu;

    use_host(HOST_FEATURES);
    cpu = new_cpu("Westmere");
    set(cpu, "kvm-pv-eoi", "off");
    expand(cpu);
    g_assert_true(get(cpu, "kvmclock"));
    g_assert_true(get(cpu, "x2apic"));
    g_assert_false(get(cpu, "kvm-pv-eoi"));
    object_unref(cpu);
    cpu = new_cpu("Westmere");
    set(cpu, "kvm", "off");
    expand(cpu);
    g_assert_false(get(cpu, "kvmclock"));
    object_unref(cpu);
    x86_host = NULL;
}

static void test_host_model(void)
{
    X86CPU *cpu;

    use_host(HOST_FEATURES);
    cpu = new_cpu("host");
    set(cpu, "kvm-pv-eoi", "off");
    expand(cpu);
    g_assert_true(get(cpu, "avx"));
    g_assert_true(get(cpu, "rdctl-no"));
    g_assert_false(get(cpu, "avx2"));
    g_assert_false(get(cpu, "kvm-pv-eoi"));
    g_assert_false(get(cpu, "invtsc"));         /* migratable */
    g_assert_cmphex(cpu->level, ==, 0x16);
    g_assert_cmphex(cpu->features[X86_FW_XCR0], ==, 7);
    object_unref(cpu);
    cpu = new_cpu("host");
    set(cpu, "migratable", "off");
    expand(cpu);
    g_assert_true(get(cpu, "invtsc"));
    object_unref(cpu);
    x86_host = NULL;
    cpu = new_cpu("host");
    cpu->apic_id = 0;
    check_refused(cpu, "requires KVM");
}

static void test_what_the_host_lacks(void)
{
    struct json_object *missing;
    g_autofree char *names = NULL;
    X86CPU *cpu;

    use_host(HOST_FEATURES);
    cpu = new_cpu("max");
    set(cpu, "avx2", "on");
    set(cpu, "aes", "on");
    expand(cpu);
    g_assert_false(get(cpu, "avx2"));
    missing = object_property_get_json(OBJECT(cpu), "unavailable-features",
                                       NULL);
    g_assert_cmpstr(json_object_to_json_string_ext(missing,
                                                   JSON_C_TO_STRING_PLAIN), ==,
                    "[\"aes\",\"avx2\"]");
    json_object_put(missing);
    names = x86_cpu_filtered_names(cpu);
    g_assert_cmpstr(names, ==, "aes, avx2");
    object_unref(cpu);

    cpu = new_cpu("max");
    set(cpu, "avx2", "on");
    set(cpu, "enforce", "on");
    set(cpu, "apic-id", "0");
    check_refused(cpu, "features that were asked for: avx2");
    x86_host = NULL;
}

static void test_refusals(void)
{
    X86CPU *cpu = new_cpu("qemu64");

    check_refused(cpu, "apic-id");
    cpu = new_cpu("qemu64");
    set(cpu, "apic-id", "0");
    set(cpu, "hv-relaxed", "on");
    check_refused(cpu, "hv-relaxed");
    cpu = new_cpu("qemu64");
    set(cpu, "apic-id", "0");
    set(cpu, "phys-bits", "20");
    check_refused(cpu, "phys-bits");
}

static void test_bad_values(void)
{
    static const struct { const char *name, *value; } bad[] = {
        { "family", "271" }, { "model", "256" }, { "stepping", "16" },
        { "vendor", "short" }, { "tsc-frequency", "-1" },
        { "model-id", "1234567890123456789012345678901234567890123456789" },
        { "avx2", "maybe" }, { "no-such-feature", "on" },
    };
    X86CPU *cpu = new_cpu("qemu64");

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Error *err = NULL;

        g_assert_false(object_property_parse(OBJECT(cpu), bad[i].name,
                                             bad[i].value, &err));
        g_assert_nonnull(err);
        error_free(err);
    }
    object_unref(cpu);
}

/* ---- -cpu ---- */

static void test_cpu_option(void)
{
    Error *err = NULL;
    const char *type;
    X86CPU *cpu;

    type = target_cpu_parse_model("Penryn,", &err);
    g_assert_cmpstr(type, ==, "Penryn-x86_64-cpu");
    type = target_cpu_parse_model("Nehalem,+avx,avx=off,-sse4_2,popcnt=off,"
                                  "lahf_lm=off,tsc_adjust", &err);
    g_assert_null(err);
    g_assert_cmpstr(type, ==, "Nehalem-x86_64-cpu");
    cpu = new_cpu("Nehalem");
    g_assert_true(get(cpu, "avx"));             /* +avx wins */
    g_assert_false(get(cpu, "sse4.2"));
    g_assert_false(get(cpu, "popcnt"));
    g_assert_false(get(cpu, "lahf-lm"));
    g_assert_true(get(cpu, "tsc-adjust"));
    object_unref(cpu);
}

static void test_cpu_option_errors(void)
{
    static const struct { const char *text, *error, *hint; } bad[] = {
        { "Haswel", "'Haswel'", "Haswell" },
        { "", "''", NULL },
        { "x86_64", "'x86_64'", NULL },
        { "EPYC,+avx22", "'avx22'", "avx2" },
        { "EPYC,unavailable-features=1", "'unavailable-features'", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Error *err = NULL;

        g_assert_null(target_cpu_parse_model(bad[i].text, &err));
        assert_error(err, bad[i].error);
        if (bad[i].hint) {
            g_assert_nonnull(strstr(error_get_hint(err), bad[i].hint));
        }
        error_free(err);
    }
}

/* ---- QMP ---- */

static void test_definitions(void)
{
    CpuDefinitionInfoList *list, *item;
    unsigned n = 0, usable = 0;

    use_host(HOST_FEATURES);
    list = qmp_query_cpu_definitions(NULL);
    for (item = list; item; item = item->next) {
        n++;
        usable += item->value->unavailable_features == NULL;
        if (g_str_equal(item->value->name, "Haswell-noTSX")) {
            g_assert_cmpstr(item->value->alias_of, ==, "Haswell-v2");
            g_assert_cmpstr(item->value->typename, ==,
                            "Haswell-noTSX-x86_64-cpu");
        }
    }
    g_assert_cmpuint(n, >, 90);
    g_assert_cmpuint(usable, >=, 3);            /* base, host, max */
    qapi_free_CpuDefinitionInfoList(list);
    x86_host = NULL;
}

static struct json_object *expand_model(CpuModelExpansionType type,
                                        const char *name, const char *props,
                                        const char *expect_name)
{
    CpuModelInfo model = {
        .name = (char *)name, .props = props ? json_tokener_parse(props) : NULL,
    };
    CpuModelExpansionInfo *info;
    struct json_object *out;

    info = qmp_query_cpu_model_expansion(type, &model, NULL);
    g_assert_nonnull(info);
    g_assert_cmpstr(info->model->name, ==, expect_name);
    out = json_object_get(info->model->props);
    qapi_free_CpuModelExpansionInfo(info);
    json_object_put(model.props);
    return out;
}

static bool json_flag(struct json_object *o, const char *name)
{
    struct json_object *v;

    g_assert_true(json_object_object_get_ex(o, name, &v));
    g_assert_cmpint(json_object_get_type(v), ==, json_type_boolean);
    return json_object_get_boolean(v);
}

/* The three questions libvirt asks. */
static void test_expansion(void)
{
    struct json_object *o;

    use_host(HOST_FEATURES);
    o = expand_model(CPU_MODEL_EXPANSION_TYPE_STATIC, "host", NULL, "base");
    g_assert_true(json_flag(o, "avx"));
    g_assert_false(json_flag(o, "invtsc"));
    g_assert_true(json_object_object_get_ex(o, "vendor", NULL));
    g_assert_false(json_object_object_get_ex(o, "migratable", NULL));
    json_object_put(o);
    o = expand_model(CPU_MODEL_EXPANSION_TYPE_STATIC, "host",
                     "{\"migratable\": false}", "base");
    g_assert_true(json_flag(o, "invtsc"));
    json_object_put(o);
    o = expand_model(CPU_MODEL_EXPANSION_TYPE_FULL, "host",
                     "{\"migratable\": false, \"hv-passthrough\": true}",
                     "host");
    g_assert_true(json_flag(o, "hv-passthrough"));
    g_assert_false(json_flag(o, "migratable"));
    json_object_put(o);
    x86_host = NULL;
}

static void test_expansion_errors(void)
{
    CpuModelInfo model = { .name = (char *)"nothing" };
    Error *err = NULL;

    g_assert_null(qmp_query_cpu_model_expansion(CPU_MODEL_EXPANSION_TYPE_FULL,
                                                &model, &err));
    g_assert_nonnull(err);
    error_free(err);
    err = NULL;
    model.name = (char *)"max";
    model.props = json_tokener_parse("{\"no-such\": true}");
    g_assert_null(qmp_query_cpu_model_expansion(CPU_MODEL_EXPANSION_TYPE_FULL,
                                                &model, &err));
    g_assert_nonnull(err);
    error_free(err);
    json_object_put(model.props);
}

/* ---- State ---- */

static const X86Msr reset_msrs[] = {
    { X86_MSR_TSC, 0 }, { X86_MSR_PAT, 0x0007040600070406 },
    { X86_MSR_LSTAR, 0 }, { X86_MSR_STAR, 0 },
};

/* Every byte of the structure says where it is. */
static X86CPU *cpu_with_state(uint8_t seed, unsigned nr_msrs)
{
    X86CPU *cpu = new_cpu("qemu64");
    X86CPUState *env = &cpu->env;

    x86_cpu_set_msr_list(cpu, reset_msrs, nr_msrs);
    env->xsave_bytes = 4096;
    env->xsave = g_malloc(env->xsave_bytes);
    for (uint32_t i = 0; i < env->xsave_bytes; i++) {
        env->xsave[i] = seed + i;
    }
    for (int i = 0; i < X86_NR_REGS; i++) {
        env->regs[i] = seed * 0x100 + i;
    }
    for (int i = 0; i < X86_NR_SEGS; i++) {
        x86_cpu_set_segment(env, i, seed + i, seed * 0x1000, 0xffff, 0x93);
    }
    env->rip = seed * 0x10000;
    env->cr3 = seed * 0x1000;
    env->gdt = (X86Table){ seed, 0x7f };
    env->dr[3] = seed;
    env->xcr0 = 7;
    env->mp_state = X86_MP_HALTED;
    env->events.nmi_pending = 1;
    env->events.exception_error_code = seed;
    memset(env->lapic, seed, sizeof(env->lapic));
    x86_cpu_set_msr(cpu, X86_MSR_LSTAR, seed * 0x111);
    return cpu;
}

static void save(X86CPU *cpu, VMStateWriter *w)
{
    Error *err = NULL;

    vmstate_writer_init(w);
    g_assert_true(vmstate_save(&vmstate_x86_cpu, cpu, w, &err));
    g_assert_null(cpu->env.wire_msrs);
}

static bool load(X86CPU *cpu, const void *data, size_t len, Error **errp)
{
    VMStateReader r;

    vmstate_reader_init(&r, data, len);
    return vmstate_load(&vmstate_x86_cpu, cpu, 1, &r, errp);
}

static void test_state_round_trip(void)
{
    X86CPU *from = cpu_with_state(7, 4), *to = cpu_with_state(1, 4);
    VMStateWriter w, again;
    uint64_t lstar;

    from->env.pdptrs_valid = true;
    from->env.pdptrs[2] = 0x1234;
    from->env.nested = g_malloc0(X86_NESTED_MAX_BYTES);
    from->env.nested_bytes = 128;
    save(from, &w);
    g_assert_true(load(to, w.buf->data, w.buf->len, NULL));
    g_assert_cmphex(to->env.regs[X86_R15], ==, 0x70f);
    g_assert_cmphex(to->env.segs[X86_SEG_GS].selector, ==, 12);
    g_assert_cmphex(to->env.pdptrs[2], ==, 0x1234);
    g_assert_cmpuint(to->env.nested_bytes, ==, 128);
    g_assert_cmpmem(to->env.xsave, 4096, from->env.xsave, 4096);
    g_assert_true(x86_cpu_get_msr(to, X86_MSR_LSTAR, &lstar));
    g_assert_cmphex(lstar, ==, 0x777);
    g_assert_cmpint(to->dirty_level, ==, X86_DIRTY_ALL);
    g_assert_true(CPU(to)->vcpu_dirty);
    g_assert_true(CPU(to)->halted);
    save(to, &again);
    g_assert_cmpmem(w.buf->data, w.buf->len, again.buf->data, again.buf->len);
    vmstate_writer_cleanup(&w);
    vmstate_writer_cleanup(&again);
    object_unref(from);
    object_unref(to);
}

static void test_state_unknown_msr(void)
{
    X86CPU *from = cpu_with_state(7, 4), *to = cpu_with_state(1, 2);
    VMStateWriter w;
    Error *err = NULL;

    save(from, &w);
    g_assert_false(load(to, w.buf->data, w.buf->len, &err));
    assert_error(err, "0xc0000082");
    error_free(err);
    vmstate_writer_cleanup(&w);
    /* zero needs no place */
    x86_cpu_set_msr(from, X86_MSR_LSTAR, 0);
    save(from, &w);
    g_assert_true(load(to, w.buf->data, w.buf->len, NULL));
    vmstate_writer_cleanup(&w);
    object_unref(from);
    object_unref(to);
}

/* A stream cut short or with a byte changed fails, or loads; never more. */
static void test_state_hostile(void)
{
    X86CPU *from = cpu_with_state(7, 4), *to = cpu_with_state(1, 4);
    VMStateWriter w;

    save(from, &w);
    for (size_t len = 0; len < w.buf->len; len += 97) {
        Error *err = NULL;

        g_assert_false(load(to, w.buf->data, len, &err));
        g_assert_nonnull(err);
        error_free(err);
    }
    for (size_t i = 0; i < w.buf->len; i += 3) {
        Error *err = NULL;

        w.buf->data[i] ^= 0xff;
        load(to, w.buf->data, w.buf->len, &err);
        error_free(err);
        w.buf->data[i] ^= 0xff;
    }
    vmstate_writer_cleanup(&w);
    object_unref(from);
    object_unref(to);
}

static void test_reset_state(void)
{
    X86CPU *cpu = cpu_with_state(9, 4);
    uint64_t value;

    cpu->apic_id = 3;
    x86_cpu_reset_regs(CPU(cpu));
    g_assert_cmphex(cpu->env.rip, ==, 0xfff0);
    g_assert_cmphex(cpu->env.cr0, ==, 0x60000010);
    g_assert_cmphex(cpu->env.apic_base, ==, 0xfee00800);
    g_assert_cmpuint(cpu->env.mp_state, ==, X86_MP_UNINITIALIZED);
    g_assert_cmphex(cpu->env.lapic[0x23], ==, 3);
    g_assert_cmphex(cpu->env.xsave[0], ==, 0x7f);
    g_assert_cmphex(cpu->env.xsave[25], ==, 0x1f);
    g_assert_true(x86_cpu_get_msr(cpu, X86_MSR_LSTAR, &value));
    g_assert_cmphex(value, ==, 0);
    cpu->apic_id = 0;
    x86_cpu_reset_regs(CPU(cpu));
    g_assert_cmphex(cpu->env.apic_base, ==, 0xfee00900);
    g_assert_cmpuint(cpu->env.mp_state, ==, X86_MP_RUNNABLE);
    object_unref(cpu);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bql_lock();
    machine_create(machine_class_by_name("none", NULL));
    g_test_add_func("/i386/cpu/named", test_named_model);
    g_test_add_func("/i386/cpu/user", test_users_changes_win);
    g_test_add_func("/i386/cpu/kvm-defaults", test_kvm_gives_named_models_more);
    g_test_add_func("/i386/cpu/host", test_host_model);
    g_test_add_func("/i386/cpu/missing", test_what_the_host_lacks);
    g_test_add_func("/i386/cpu/refusals", test_refusals);
    g_test_add_func("/i386/cpu/bad-values", test_bad_values);
    g_test_add_func("/i386/cpu/option", test_cpu_option);
    g_test_add_func("/i386/cpu/option/errors", test_cpu_option_errors);
    g_test_add_func("/i386/cpu/qmp/definitions", test_definitions);
    g_test_add_func("/i386/cpu/qmp/expansion", test_expansion);
    g_test_add_func("/i386/cpu/qmp/errors", test_expansion_errors);
    g_test_add_func("/i386/cpu/state/round-trip", test_state_round_trip);
    g_test_add_func("/i386/cpu/state/unknown-msr", test_state_unknown_msr);
    g_test_add_func("/i386/cpu/state/hostile", test_state_hostile);
    g_test_add_func("/i386/cpu/state/reset", test_reset_state);
    return g_test_run();
}
