/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options about the machine, its accelerator, CPUs and memory. */
#include "util/osdep.h"
#include "main-internal.h"
#include <json-c/json.h>
#include "hw/core/numa.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/smbios/smbios.h"
#include "qapi/qapi-options-apply.h"
#include "qom/property.h"
#include "target/cpu-model.h"
#include "system/accel.h"
#include "util/cutils.h"
#include "util/file.h"
#include "util/log.h"

#define FW_CFG_FILE_MAX (64u << 20)     /* bytes; data for firmware is small */

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

static void choice_add(const char *name, struct json_object *props)
{
    const AccelChoice choice = { g_strdup(name), props };

    if (!start.accels) {
        start.accels = g_array_new(false, false, sizeof(AccelChoice));
    }
    g_array_append_val(start.accels, choice);
}

/* "-accel kvm,a=b": each has its own properties. */
bool cli_option_accel(struct json_object *tree, Error **errp)
{
    const char *name = tree_str(tree, "accel");

    if (!name) {
        error_setg(errp, "Parameter 'accel' is missing");
        return false;
    }
    if (strchr(name, ':')) {
        error_setg(errp, "'%s' is a list: give -accel several times, or "
                   "-machine accel=%s", name, name);
        return false;
    }
    choice_add(name, tree_without(tree, "accel"));
    return true;
}

/* As "-machine accel=kvm", which has the last word over it. */
bool cli_option_enable_kvm(Error **errp)
{
    start.enable_kvm = true;
    return true;
}

static bool accels_from_machine(Error **errp)
{
    const char *list = start.machine->accel_names;
    g_auto(GStrv) names = NULL;

    if (!list && !start.enable_kvm && start.accels) {
        return true;
    }
    if (start.accels) {
        error_setg(errp, "-accel and %s exclude each other",
                   list ? "-machine accel=" : "-enable-kvm");
        return false;
    }
    names = g_strsplit(list ? list : "kvm", ":", -1);
    for (char **name = names; *name; name++) {
        choice_add(*name, NULL);
    }
    return true;
}

bool start_init_accel(Error **errp)
{
    return accels_from_machine(errp) &&
           accel_init_choices(start.machine,
                              (const AccelChoice *)start.accels->data,
                              start.accels->len, errp);
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

bool cli_option_numa(NumaOptions *val, Error **errp)
{
    return numa_add_option(start.machine, val, errp);
}

bool cli_option_smbios(struct json_object *tree, Error **errp)
{
    if (!start.machine->smbios) {
        start.machine->smbios = smbios_config_new();
    }
    return smbios_config_add(start.machine->smbios, tree, errp);
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

bool cli_option_dtb(const char *arg, Error **errp)
{
    return machine_set("dtb", arg, errp);
}

bool cli_option_append(const char *arg, Error **errp)
{
    return machine_set("append", arg, errp);
}

/* @name as it is, or in one of the directories of -L, or in our own. */
static char *firmware_find(const char *name)
{
    size_t dirs = cli_count(start.cli, CLI_OPTION_L);
    char *path;

    if (strchr(name, '/') || access(name, R_OK) == 0) {
        return g_strdup(name);
    }
    for (size_t i = 0; i <= dirs; i++) {
        path = g_build_filename(i < dirs ? cli_get(start.cli, CLI_OPTION_L,
                                                   i)->text : NEMU_DATADIR,
                                name, NULL);
        if (access(path, R_OK) == 0) {
            return path;
        }
        g_free(path);
    }
    return g_strdup(name);
}

bool cli_option_bios(const char *arg, Error **errp)
{
    g_autofree char *path = firmware_find(arg);

    return machine_set("firmware", path, errp);
}

/* firmware_find() looks at all of them. */
bool cli_option_L(const char *arg, Error **errp)
{
    return true;
}

/* ---- -fw_cfg ---- */

static bool fw_cfg_content(const FwCfgOptions *val, char **data, size_t *len,
                           Error **errp)
{
    if (!val->string == !val->file) {
        error_setg(errp, "an item needs one of 'string' and 'file'");
        return false;
    }
    if (val->file) {
        *data = file_read_all(val->file, FW_CFG_FILE_MAX, len, errp);
        return *data != NULL;
    }
    *len = strlen(val->string);
    *data = g_strdup(val->string);
    return true;
}

bool cli_option_fw_cfg(FwCfgOptions *val, Error **errp)
{
    Object *dev = object_resolve_path_type("", TYPE_FW_CFG, NULL);
    char *data;
    size_t len;

    if (!dev) {
        error_setg(errp, "this machine has no fw_cfg device");
        return false;
    }
    if (!g_str_has_prefix(val->name, "opt/")) {
        warn_report("-fw_cfg: name '%s' does not begin with 'opt/' and may "
                    "clash with the machine's own", val->name);
    }
    return fw_cfg_content(val, &data, &len, errp) &&
           fw_cfg_add_file(FW_CFG(dev), val->name, data, len, errp);
}

/* ---- Accepted for old command lines ---- */

/* What the machines do not have in any case. */
bool cli_option_no_acpi(Error **errp)
{
    const ObjectProperty *prop =
        object_property_find(OBJECT(start.machine), "acpi");

    /* Where it is not listed it is always on: old command lines still work. */
    return !prop || (prop->row && prop->row->flags & PROP_F_HIDDEN) ||
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
        CLI_OPTION_KERNEL, CLI_OPTION_INITRD, CLI_OPTION_DTB,
        CLI_OPTION_APPEND, CLI_OPTION_BIOS, CLI_OPTION_BOOT, CLI_OPTION_m,
        CLI_OPTION_SMP, CLI_OPTION_CPU, CLI_OPTION_SMBIOS,
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
    return true;
}
