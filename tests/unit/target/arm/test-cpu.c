/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Features against a made-up host, -cpu, QMP, and the state on the wire. */
#include "util/osdep.h"
#include <json-c/json.h>
#include "migration/vmstate.h"
#include "qapi/qapi-commands-machine.h"
#include "qom/property.h"
#include "target/arm/cpu.h"
#include "target/arm/host.h"
#include "target/cpu-model.h"

static const ARMHostInfo full_host = {
    .name = "KVM", .pmu = true, .sve = true, .pauth = true, .aarch32 = true,
    .steal_time = true, .sve_lengths = 0x000b,  /* 128, 256 and 512 bits */
};
static const ARMHostInfo plain_host = { .name = "KVM" };

static ARMCPU *new_cpu(void)
{
    return ARM_CPU(object_new(ARM_CPU_TYPE_NAME("max")));
}

/* ---- Features ---- */

static void test_defaults(void)
{
    ARMCPU *cpu = new_cpu();

    arm_host = &full_host;
    g_assert_true(arm_cpu_expand(cpu, NULL));
    g_assert_true(cpu->has_pmu && cpu->has_pauth && cpu->has_steal_time);
    g_assert_true(cpu->has_aarch64);
    g_assert_cmphex(cpu->sve_lengths, ==, 0xb);
    arm_host = &plain_host;
    g_assert_true(arm_cpu_expand(cpu, NULL));
    g_assert_false(cpu->has_pmu || cpu->has_sve || cpu->has_pauth);
    g_assert_cmphex(cpu->sve_lengths, ==, 0);
    arm_host = NULL;
    g_assert_true(arm_cpu_expand(cpu, NULL));
    object_unref(cpu);
}

static void test_choices(void)
{
    static const struct {
        const ARMHostInfo *host;
        const char *props;
        uint16_t lengths;
        const char *error;
    } cases[] = {
        { &full_host, "{'pmu': false, 'sve': false, 'pauth': false}", 0 },
        { &full_host, "{'sve256': true}", 0x3 },
        { &full_host, "{'sve512': true}", 0xb },
        { &full_host, "{'sve512': false}", 0x3 },
        { &full_host, "{'sve256': false}", 0x1 },
        { &full_host, "{'sve384': false}", 0xb },
        { &full_host, "{'aarch64': false}", 0 },
        { &full_host, "{'aarch64': false, 'sve': true}", 0,
          "'sve' feature not supported" },
        { &full_host, "{'aarch64': false, 'pauth': true}", 0,
          "'pauth' feature not supported" },
        { &full_host, "{'sve384': true}", 0, "cannot enable sve384" },
        { &full_host, "{'sve512': true, 'sve256': false}", 0,
          "cannot disable sve256" },
        { &full_host, "{'sve128': false}", 0, "cannot disable sve128" },
        { &full_host, "{'sve': false, 'sve128': true}", 0,
          "cannot enable sve128" },
        { &plain_host, "{'pmu': true}", 0, "'pmu' feature not supported" },
        { &plain_host, "{'sve': true}", 0, "'sve' feature not supported" },
        { &plain_host, "{'sve128': true}", 0, "cannot enable sve128" },
        { &plain_host, "{'aarch64': false}", 0, "'aarch64' feature" },
        { NULL, "{'pauth': true}", 0, "not supported by this accelerator" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ARMCPU *cpu = new_cpu();
        g_autofree char *text = g_strdelimit(g_strdup(cases[i].props), "'",
                                             '"');
        struct json_object *props = json_tokener_parse(text);
        Error *err = NULL;
        bool ok;

        arm_host = cases[i].host;
        g_assert_true(object_set_props(OBJECT(cpu), props, NULL));
        ok = arm_cpu_expand(cpu, &err);
        g_assert_cmpint(ok, ==, cases[i].error == NULL);
        if (ok) {
            g_assert_cmphex(cpu->sve_lengths, ==, cases[i].lengths);
        } else {
            g_assert_nonnull(strstr(error_get_pretty(err), cases[i].error));
        }
        error_free(err);
        json_object_put(props);
        object_unref(cpu);
    }
    arm_host = NULL;
}

static void test_affinity(void)
{
    g_assert_cmphex(arm_cpu_mp_affinity(0), ==, 0);
    g_assert_cmphex(arm_cpu_mp_affinity(15), ==, 15);
    g_assert_cmphex(arm_cpu_mp_affinity(16), ==, 0x100);
    g_assert_cmphex(arm_cpu_mp_affinity(511), ==, 0x1f0f);
    g_assert_cmphex(arm_cpu_mp_affinity(0x12345), ==, 0x123405);
}

/* ---- -cpu and QMP ---- */

static void test_cpu_option(void)
{
    static const struct { const char *text, *error; } bad[] = {
        { "cortex-a57", "'cortex-a57'" }, { "", "''" },
        { "host,+pmu", "key=value" }, { "host,pmux=on", "'pmux'" },
        { "arm", "'arm'" },
    };

    g_assert_cmpstr(target_cpu_parse_model("host,kvm-no-adjvtime=on,", NULL),
                    ==, "host-arm-cpu");
    g_assert_cmpstr(target_cpu_parse_model("max-arm-cpu", NULL), ==,
                    "max-arm-cpu");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Error *err = NULL;

        g_assert_null(target_cpu_parse_model(bad[i].text, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), bad[i].error));
        error_free(err);
    }
}

static CpuModelExpansionInfo *expand(CpuModelExpansionType type,
                                     const char *name, const char *props,
                                     Error **errp)
{
    g_autofree char *text = g_strdelimit(g_strdup(props), "'", '"');
    CpuModelInfo model = { .name = (char *)name };
    CpuModelExpansionInfo *info;

    model.props = json_tokener_parse(text);
    info = qmp_query_cpu_model_expansion(type, &model, errp);
    json_object_put(model.props);
    return info;
}

static void test_expansion(void)
{
    CpuModelExpansionInfo *info;
    struct json_object *value;

    arm_host = &full_host;
    info = expand(CPU_MODEL_EXPANSION_TYPE_FULL, "host", "{'pmu': false}",
                  NULL);
    g_assert_nonnull(info);
    g_assert_true(json_object_object_get_ex(info->model->props, "pmu",
                                            &value));
    g_assert_false(json_object_get_boolean(value));
    g_assert_true(json_object_object_get_ex(info->model->props, "sve512",
                                            &value));
    g_assert_true(json_object_get_boolean(value));
    g_assert_true(json_object_object_get_ex(info->model->props, "pauth",
                                            &value));
    g_assert_true(json_object_get_boolean(value));
    qapi_free_CpuModelExpansionInfo(info);
    arm_host = NULL;
}

static void test_expansion_errors(void)
{
    static const struct {
        CpuModelExpansionType type;
        const char *name, *props, *error;
    } bad[] = {
        { CPU_MODEL_EXPANSION_TYPE_STATIC, "host", "{}", "expansion type" },
        { CPU_MODEL_EXPANSION_TYPE_FULL, "z80", "{}", "'z80'" },
        { CPU_MODEL_EXPANSION_TYPE_FULL, "host", "{'migratable': false}",
          "model.props.migratable" },
        { CPU_MODEL_EXPANSION_TYPE_FULL, "host", "[1]", "takes an object" },
        { CPU_MODEL_EXPANSION_TYPE_FULL, "host", "{'pmu': 3}", "pmu" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Error *err = NULL;

        g_assert_null(expand(bad[i].type, bad[i].name, bad[i].props, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), bad[i].error));
        error_free(err);
    }
}

static void test_gic_capabilities(void)
{
    static const ARMHostInfo host = { .name = "KVM", .gicv3 = true };
    GICCapabilityList *list;

    arm_host = &host;
    list = qmp_query_gic_capabilities(NULL);
    g_assert_cmpint(list->value->version, ==, 2);
    g_assert_false(list->value->kernel || list->value->emulated);
    g_assert_cmpint(list->next->value->version, ==, 3);
    g_assert_true(list->next->value->kernel);
    g_assert_null(list->next->next);
    qapi_free_GICCapabilityList(list);
    arm_host = NULL;
}

/* ---- State ---- */

enum {
    ID_A = 0, ID_B = 1,
};

/* 8 and 16 bytes */
static const uint64_t reg_ids[] = {
    0x603000000013c000, 0x6040000000100054,
};

static ARMCPU *cpu_with_state(uint8_t seed)
{
    ARMCPU *cpu = new_cpu();
    ARMCPUState *env = &cpu->env;

    g_assert_true(arm_cpu_set_reg_list(cpu, reg_ids, G_N_ELEMENTS(reg_ids)));
    g_assert_cmpuint(env->regs.bytes, ==, 24);
    for (int i = 0; i < ARM_NR_X; i++) {
        env->x[i] = seed * 0x100 + i;
    }
    env->pc = seed;
    env->pstate = ARM_PSTATE_EL1H_MASKED;
    env->powered_off = seed & 1;
    env->events.serror_pending = 1;
    env->events.serror_esr = seed;
    memset(arm_cpu_find_reg(cpu, reg_ids[ID_A]), seed, 8);
    memset(arm_cpu_find_reg(cpu, reg_ids[ID_B]), seed + 1, 16);
    return cpu;
}

static void save(ARMCPU *cpu, VMStateWriter *w)
{
    vmstate_writer_init(w);
    g_assert_true(vmstate_save(&vmstate_arm_cpu, cpu, w, NULL));
    g_assert_null(cpu->env.wire.ids);
}

static bool load(ARMCPU *cpu, const void *data, size_t len, Error **errp)
{
    VMStateReader r;

    vmstate_reader_init(&r, data, len);
    return vmstate_load(&vmstate_arm_cpu, cpu, 1, &r, errp);
}

static void test_state_round_trip(void)
{
    ARMCPU *from = cpu_with_state(7), *to = cpu_with_state(2);
    VMStateWriter w;

    save(from, &w);
    g_assert_true(load(to, w.buf->data, w.buf->len, NULL));
    g_assert_cmpmem(to->env.x, sizeof(to->env.x), from->env.x,
                    sizeof(from->env.x));
    g_assert_cmpmem(to->env.regs.data, 24, from->env.regs.data, 24);
    g_assert_true(to->env.powered_off);
    g_assert_true(CPU(to)->halted && CPU(to)->vcpu_dirty);
    g_assert_cmphex(to->env.events.serror_esr, ==, 7);
    g_assert_cmpint(to->dirty_level, ==, ARM_DIRTY_ALL);
    g_assert_null(to->env.wire.ids);
    vmstate_writer_cleanup(&w);
    object_unref(from);
    object_unref(to);
}

/* A register that is not here, and values shorter than the ids say. */
static void test_state_hostile(void)
{
    ARMCPU *from = cpu_with_state(7), *to = cpu_with_state(2);
    VMStateWriter w;
    Error *err = NULL;

    from->env.regs.ids[ID_A] = 0x603000000013c001;
    save(from, &w);
    g_assert_false(load(to, w.buf->data, w.buf->len, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "0x603000000013c001"));
    g_clear_pointer(&err, error_free);
    vmstate_writer_cleanup(&w);

    from->env.regs.ids[ID_A] = reg_ids[ID_A];
    from->env.regs.bytes = 20;
    save(from, &w);
    g_assert_false(load(to, w.buf->data, w.buf->len, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "is beyond"));
    error_free(err);
    for (size_t len = 0; len < w.buf->len; len += 7) {
        g_assert_false(load(to, w.buf->data, len, NULL));
    }
    vmstate_writer_cleanup(&w);
    object_unref(from);
    object_unref(to);
}

static void test_reg_list(void)
{
    static const uint64_t huge = 0x60f0000000000000;
    g_autofree uint64_t *many = g_new0(uint64_t, ARM_REGS_MAX + 1);
    ARMCPU *cpu = new_cpu();

    g_assert_false(arm_cpu_set_reg_list(cpu, &huge, 1));
    g_assert_false(arm_cpu_set_reg_list(cpu, many, ARM_REGS_MAX + 1));
    g_assert_true(arm_cpu_set_reg_list(cpu, many, 1));
    g_assert_null(arm_cpu_find_reg(cpu, 1));
    object_unref(cpu);
}

static void test_reset(void)
{
    ARMCPU *cpu = cpu_with_state(7);

    arm_cpu_reset_regs(CPU(cpu));
    g_assert_cmphex(cpu->env.pc, ==, 0);
    g_assert_cmphex(cpu->env.x[30], ==, 0);
    g_assert_cmphex(cpu->env.pstate, ==, 0x3c5);
    g_assert_false(cpu->env.powered_off);
    g_assert_cmpint(cpu->env.events.serror_pending, ==, 0);
    g_assert_cmpint(cpu->dirty_level, ==, ARM_DIRTY_RESET);
    cpu->start_powered_off = true;
    arm_cpu_reset_regs(CPU(cpu));
    g_assert_true(cpu->env.powered_off);
    object_unref(cpu);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arm/cpu/features/defaults", test_defaults);
    g_test_add_func("/arm/cpu/features/choices", test_choices);
    g_test_add_func("/arm/cpu/affinity", test_affinity);
    g_test_add_func("/arm/cpu/option", test_cpu_option);
    g_test_add_func("/arm/cpu/qmp/expansion", test_expansion);
    g_test_add_func("/arm/cpu/qmp/errors", test_expansion_errors);
    g_test_add_func("/arm/cpu/qmp/gic", test_gic_capabilities);
    g_test_add_func("/arm/cpu/state/round-trip", test_state_round_trip);
    g_test_add_func("/arm/cpu/state/hostile", test_state_hostile);
    g_test_add_func("/arm/cpu/state/reg-list", test_reg_list);
    g_test_add_func("/arm/cpu/state/reset", test_reset);
    return g_test_run();
}
