/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine types, properties, memory, boot order, phases. */
#include "util/osdep.h"
#include <json-c/json.h>
#include "util/bql.h"
#include "qom/property.h"
#include "test-devices.h"
#include "tests/unit/lib/emulated.h"
#include "tests/unit/lib/assert-error.h"

static const GlobalProperty old_compat[] = {
    { "t-disk", "size", "5" },
};

static void ram_machine_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->desc = "machine with memory";
    mc->is_default = true;
    mc->default_ram_id = "r.ram";
    machine_class_add_compat_props(mc, old_compat, G_N_ELEMENTS(old_compat));
}

static const TypeInfo types[] = {
    {
        .name = MACHINE_TYPE_NAME("ram"), .parent = TYPE_MACHINE,
        .class_init = ram_machine_class_init,
    },
};
DEFINE_TYPES(types)

static bool set(MachineState *ms, const char *prop, const char *json,
                Error **errp)
{
    struct json_object *value = json_tokener_parse(json);
    bool ok = object_property_set_json(OBJECT(ms), prop, value, errp);

    json_object_put(value);
    return ok;
}

static void test_names(void)
{
    Error *err = NULL;

    g_assert_cmpstr(machine_class_by_name("t", NULL)->name, ==, "t-1.0");
    g_assert(machine_class_by_name("t-1.0", NULL) ==
             machine_class_by_name("t", NULL));
    g_assert_cmpstr(machine_class_default()->name, ==, "ram");
    g_assert_nonnull(machine_class_by_name("none", NULL));
    g_assert_null(machine_class_by_name("t-1.1", &err));
    g_assert_nonnull(strstr(error_get_hint(err), "t-1.0"));
    t_assert_error(err, "unsupported machine type 't-1.1'");
    err = NULL;
    g_assert_null(machine_class_by_name("something-else", &err));
    g_assert_nonnull(strstr(error_get_hint(err), "-machine help"));
    t_assert_error(err, "unsupported machine type 'something-else'");
    err = NULL;
    g_assert_null(machine_class_by_name("pc-q35-7.2", &err));
    g_assert_nonnull(strstr(error_get_hint(err), "use 'virt'"));
    t_assert_error(err, "unsupported machine type 'pc-q35-7.2'");
}

static void test_help(void)
{
    if (g_test_subprocess()) {
        machine_print_help();
        return;
    }
    if (test_skip_emulated("needs a subprocess")) {
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_stdout("Supported machines are:\n"
        "none                 empty machine\n"
        "ram                  machine with memory (default)\n"
        "t                    machine for tests (alias of t-1.0)\n"
        "t-1.0                machine for tests\n");
}

static void test_memory_table(void)
{
    static const struct {
        const char *memory;
        uint64_t size, max, slots;
        const char *error;
    } cases[] = {
        { "{}", 128 * MiB, 128 * MiB, 0 },
        { "{\"size\":\"1G\"}", GiB, GiB, 0 },
        { "{\"size\":0}", 128 * MiB, 128 * MiB, 0 },
        { "{\"size\":1}", 8192, 8192, 0 },
        { "{\"size\":\"1G\",\"max-size\":\"4G\",\"slots\":2}", GiB, 4 * GiB,
          2 },
        { "{\"size\":\"2G\",\"max-size\":\"1G\"}", 0, 0, 0,
          "must be at least the initial memory size" },
        { "{\"size\":\"1G\",\"max-size\":\"1G\",\"slots\":1}", 0, 0, 0,
          "is equal to the initial memory size" },
        { "{\"slots\":1}", 0, 0, 0, "slots specified but no max-size" },
        { "{\"size\":18446744073709551615}", 0, 0, 0, "ram size too large" },
        { "{\"size\":\"1G\",\"max-size\":18446744073709551615}", 0, 0, 0,
          "invalid value of maxmem" },
    };
    MachineState *ms = machine_create(machine_class_by_name("ram", NULL));

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;
        bool ok = set(ms, "memory", cases[i].memory, &err);

        g_test_message("%s", cases[i].memory);
        if (cases[i].error) {
            g_assert_false(ok);
            assert_error(err, cases[i].error);
            error_free(err);
            continue;
        }
        g_assert_true(ok);
        g_assert_cmpuint(ms->ram_size, ==, cases[i].size);
        g_assert_cmpuint(ms->maxram_size, ==, cases[i].max);
        g_assert_cmpuint(ms->ram_slots, ==, cases[i].slots);
    }
    machine_destroy();
}

static void test_boot_table(void)
{
    static const struct {
        const char *boot, *error;
    } cases[] = {
        { "{\"order\":\"dc\",\"once\":\"n\",\"menu\":true}" },
        { "{\"strict\":\"on\",\"reboot-timeout\":-1}" },
        { "{\"order\":\"z\"}", "Invalid boot device 'z'" },
        { "{\"order\":\"cc\"}", "Boot device 'c' was given twice" },
        { "{\"once\":\"C\"}", "Invalid boot device 'C'" },
        { "{\"reboot-timeout\":65536}", "reboot-timeout is invalid" },
        { "{\"splash-time\":-1}", "splash-time is invalid" },
    };
    MachineState *ms = machine_create(machine_class_by_name("t", NULL));

    g_assert_cmpstr(ms->boot_order, ==, "c");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Error *err = NULL;
        bool ok = set(ms, "boot", cases[i].boot, &err);

        g_assert_true(ok == !cases[i].error);
        if (!ok) {
            assert_error(err, cases[i].error);
            error_free(err);
        }
    }
    g_assert_cmpstr(ms->boot_order, ==, "dc");
    g_assert_cmpstr(ms->boot_once, ==, "n");
    g_assert_true(ms->boot_menu);
    g_assert_true(ms->boot_strict);
    machine_destroy();
}

static void test_props(void)
{
    MachineState *ms = machine_create(machine_class_by_name("t", NULL));
    struct json_object *props = json_tokener_parse(
        "{\"kernel_irqchip\":\"split\",\"usb\":\"off\",\"dump-guest-core\":"
        "\"off\",\"accel\":\"kvm:tcg\",\"mem_merge\":\"off\","
        "\"graphics\":\"off\"}");
    Error *err = NULL;

    g_assert_true(machine_set_props(ms, props, NULL));
    json_object_put(props);
    g_assert_cmpstr(ms->kernel_irqchip, ==, "split");
    g_assert_cmpstr(ms->accel_names, ==, "kvm:tcg");
    g_assert_false(ms->dump_guest_core);
    g_assert_false(ms->mem_merge);
    g_assert_false(set(ms, "usb", "true", &err));
    t_assert_error(err, "this machine has no USB controller");
    machine_destroy();
}

static void done(Notifier *n, void *data)
{
    g_assert_true(machine_phase_reached(PHASE_MACHINE_READY));
    notifier_remove(n);
}

static void test_start(void)
{
    MachineState *ms = machine_create(machine_class_by_name("ram", NULL));
    Notifier early = { .notify = done }, late = { .notify = done };
    DeviceState *disk;
    Error *err = NULL;

    g_assert(machine_get() == ms);
    g_assert(object_resolve_path("/machine", NULL) == OBJECT(ms));
    g_assert_nonnull(object_resolve_path("/machine/peripheral-anon", NULL));
    g_assert_true(machine_prepare(ms, NULL));
    g_assert_cmpuint(ms->ram_size, ==, 128 * MiB);
    g_assert_cmpuint(ms->maxram_size, ==, 128 * MiB);
    g_assert_cmpuint(ms->smp.max_cpus, ==, 1);
    disk = qdev_new(TYPE_T_DISK);
    g_assert_cmpuint(((TDisk *)disk)->size, ==, 5);
    object_unref(disk);
    g_assert_false(machine_phase_reached(PHASE_MACHINE_CREATED));
    machine_phase_advance(PHASE_MACHINE_CREATED);
    machine_phase_advance(PHASE_ACCEL_CREATED);
    machine_phase_advance(PHASE_LATE_BACKENDS);
    g_assert_true(machine_run_board_init(ms, NULL));
    g_assert_nonnull(ms->ram);
    g_assert_false(set(ms, "append", "\"x\"", &err));
    t_assert_error(err, "property 'append' can not be set after the machine "
                   "was initialized");
    machine_add_init_done_notifier(ms, &early);
    g_assert_true(machine_creation_done(ms, NULL));
    g_assert_false(LIST_IS_LINKED(&early, next));
    machine_add_init_done_notifier(ms, &late);
    machine_destroy();
    object_globals_reset();
    g_assert_null(machine_get());
    g_assert_null(object_resolve_path("/machine", NULL));
}

static void test_slots(void)
{
    g_autofree CpuSlotList *list = cpu_slot_list_new(2);
    CpuIds ids = list->slots[1].ids;
    g_autofree char *none = cpu_ids_to_string(&ids);
    g_autofree char *some = NULL;

    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(none, ==, "");
    ids.socket_id = 0;
    ids.thread_id = 3;
    some = cpu_ids_to_string(&ids);
    g_assert_cmpstr(some, ==, "socket-id: 0, thread-id: 3");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    bql_lock();
    g_test_add_func("/hw/core/machine/names", test_names);
    g_test_add_func("/hw/core/machine/help", test_help);
    g_test_add_func("/hw/core/machine/memory", test_memory_table);
    g_test_add_func("/hw/core/machine/boot", test_boot_table);
    g_test_add_func("/hw/core/machine/props", test_props);
    g_test_add_func("/hw/core/machine/start", test_start);
    g_test_add_func("/hw/core/machine/slots", test_slots);
    return g_test_run();
}
