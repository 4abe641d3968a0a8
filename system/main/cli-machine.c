/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options about the machine, its accelerator, CPUs and memory. */
#include "util/osdep.h"
#include "main-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-options-apply.h"
#include "qom/property.h"
#include "target/cpu-model.h"
#include "util/cutils.h"

static const char *tree_str(struct json_object *tree, const char *key)
{
    struct json_object *val = NULL;

    return tree && json_object_object_get_ex(tree, key, &val) && val ?
           json_object_get_string(val) : NULL;
}

static struct json_object *tree_without(struct json_object *tree,
                                        const char *key)
{
    struct json_object *copy = json_object_new_object();

    json_object_object_foreach(tree, name, val) {
        if (!g_str_equal(name, key)) {
            json_object_object_add(copy, name, json_object_get(val));
        }
    }
    return copy;
}

/* ---- -machine ---- */

static struct json_object *machine_tree(void)
{
    return cli_given(start.cli, CLI_OPTION_MACHINE) ?
           cli_get(start.cli, CLI_OPTION_MACHINE, 0)->tree : NULL;
}

bool start_make_machine(Error **errp)
{
    const char *type = tree_str(machine_tree(), "type");
    MachineClass *mc = type ? machine_class_by_name(type, errp) :
                              machine_class_default();

    if (!mc) {
        if (!type) {
            error_setg(errp, "no machine specified, and there is no default");
            error_append_hint(errp, "-machine help lists the machines");
        }
        return false;
    }
    start.machine = machine_create(mc);
    return true;
}

/* Needs the objects that properties link to (memory-backend=). */
bool cli_option_machine(struct json_object *tree, Error **errp)
{
    struct json_object *props = tree_without(tree, "type");
    bool ok = machine_set_props(start.machine, props, errp);

    json_object_put(props);
    return ok;
}

/* ---- -accel ---- */

/* "-accel kvm,a=b": the first one that works of several counts. */
bool cli_option_accel(struct json_object *tree, Error **errp)
{
    const char *name = tree_str(tree, "accel");
    char *list;

    if (!name) {
        error_setg(errp, "Parameter 'accel' is missing");
        return false;
    }
    list = start.accel_list ?
           g_strconcat(start.accel_list, ":", name, NULL) : g_strdup(name);
    g_free(start.accel_list);
    start.accel_list = list;
    if (!start.accel_props) {
        start.accel_props = tree_without(tree, "accel");
    }
    return true;
}

bool cli_option_enable_kvm(Error **errp)
{
    g_free(start.accel_list);
    start.accel_list = g_strdup("kvm");
    return true;
}

bool start_set_accel_options(Error **errp)
{
    return cli_apply(start.cli, cli_apply_table, CLI_OPTION_ACCEL, errp) &&
           cli_apply(start.cli, cli_apply_table, CLI_OPTION_ENABLE_KVM, errp);
}

/* ---- -cpu, -smp, -m, -boot ---- */

bool cli_option_cpu(const char *arg, Error **errp)
{
    const char *type = target_cpu_parse_model(arg, errp);

    return type && machine_set_cpu_type(start.machine, type, errp);
}

bool cli_option_smp(SMPConfiguration *val, Error **errp)
{
    return machine_set_smp(start.machine, val, errp);
}

/* A bare number counts MiB (-m 512). */
static bool parse_ram_size(const char *text, uint64_t *size, Error **errp)
{
    return parse_size(text, 'M', size, errp);
}

bool cli_option_m(MemoryOptions *val, Error **errp)
{
    MemorySizeConfiguration config = {
        .has_max_size = val->has_maxmem, .max_size = val->maxmem,
        .has_slots = val->has_slots, .slots = val->slots,
    };

    if (val->size) {
        config.has_size = true;
        if (!parse_ram_size(val->size, &config.size, errp)) {
            error_prepend(errp, "-m: ");
            return false;
        }
    }
    return machine_set_memory(start.machine, &config, errp);
}

bool cli_option_boot(BootConfiguration *val, Error **errp)
{
    return machine_set_boot(start.machine, val, errp);
}

/* ---- Shorthands for machine properties ---- */

static bool machine_set(const char *prop, const char *value, Error **errp)
{
    return object_property_parse(OBJECT(start.machine), prop, value, errp);
}

bool cli_option_kernel(const char *arg, Error **errp)
{
    return machine_set("kernel", arg, errp);
}

bool cli_option_initrd(const char *arg, Error **errp)
{
    return machine_set("initrd", arg, errp);
}

bool cli_option_append(const char *arg, Error **errp)
{
    return machine_set("append", arg, errp);
}

bool cli_option_bios(const char *arg, Error **errp)
{
    return machine_set("firmware", arg, errp);
}

/* What the machines do not have in any case; asked for by old command lines. */
bool cli_option_no_acpi(Error **errp)
{
    return !object_property_find(OBJECT(start.machine), "acpi") ||
           machine_set("acpi", "off", errp);
}

bool cli_option_no_hpet(Error **errp)
{
    return true;
}

bool start_configure_machine(Error **errp)
{
    static const int options[] = {
        CLI_OPTION_MACHINE, CLI_OPTION_NO_ACPI, CLI_OPTION_NO_HPET,
        CLI_OPTION_KERNEL, CLI_OPTION_INITRD, CLI_OPTION_APPEND,
        CLI_OPTION_BIOS, CLI_OPTION_BOOT, CLI_OPTION_m, CLI_OPTION_SMP,
        CLI_OPTION_CPU,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        if (!cli_apply(start.cli, cli_apply_table, options[i], errp)) {
            return false;
        }
    }
    if (!start.machine->kernel_filename &&
        (start.machine->kernel_cmdline || start.machine->initrd_filename)) {
        error_setg(errp, "%s only allowed with -kernel option",
                   start.machine->kernel_cmdline ? "-append" : "-initrd");
        return false;
    }
    if (!start.accel_list) {
        start.accel_list = g_strdup(start.machine->accel_names ?
                                    start.machine->accel_names : "kvm");
    }
    return true;
}
