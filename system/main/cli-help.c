/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed instead of starting: -help, -version, "-foo help". */
#include "util/osdep.h"
#include "main-internal.h"
#include <json-c/json.h>
#include "chardev/char.h"
#include "hw/core/qdev-monitor.h"
#include "net/net.h"
#include "qapi/qapi-options-apply.h"
#include "system/accel.h"
#include "target/cpu-model.h"
#include "trace/control.h"
#include "util/log.h"

bool cli_option_version(Error **errp)
{
    printf("QEMU emulator version 8.2.0 (nemu-%s)\n"
           "NEMU, a hypervisor for cloud workloads, KVM only\n", NEMU_VERSION);
    return true;
}

bool cli_option_help(Error **errp)
{
    cli_option_version(errp);
    cli_print_help(&cli_table, log_get_program_name(), stdout);
    return true;
}

/* "-machine virt,help": with a type it is about its properties. */
static const char *subject(const CliItem *item, const char *key)
{
    struct json_object *val = NULL;

    return item->tree && json_object_object_get_ex(item->tree, key, &val) &&
           val ? json_object_get_string(val) : NULL;
}

static bool print_prop(ObjectProperty *prop, void *opaque)
{
    if (prop->set) {
        printf("  %s=<%s> - %s\n", prop->name, prop->type, prop->description);
    }
    return true;
}

static void print_class_props(const char *type)
{
    Object *obj = object_new(type);

    printf("%s options:\n", type);
    object_property_foreach(obj, print_prop, NULL);
    object_unref(obj);
}

static bool machine_help(const CliItem *item, Error **errp)
{
    const char *type = subject(item, "type");
    MachineClass *mc;

    if (!type) {
        machine_print_help();
        return true;
    }
    mc = machine_class_by_name(type, errp);
    if (!mc) {
        return false;
    }
    print_class_props(object_class_get_name(OBJECT_CLASS(mc)));
    return true;
}

static bool device_help(const CliItem *item, Error **errp)
{
    const char *driver = subject(item, "driver");

    if (driver) {
        return qdev_print_property_help(driver, errp);
    }
    qdev_print_device_help();
    return true;
}

static bool object_help(const CliItem *item, Error **errp)
{
    const char *type = subject(item, "qom-type");
    GSList *list, *l;

    if (type) {
        ObjectClass *oc = object_class_by_user_name(type, TYPE_USER_CREATABLE,
                                                    "object type", errp);
        if (!oc) {
            return false;
        }
        print_class_props(object_class_get_name(oc));
        return true;
    }
    printf("List of user creatable objects:\n");
    list = object_class_get_list(TYPE_USER_CREATABLE, false);
    for (l = list; l; l = l->next) {
        printf("  %-24s  %s\n", object_class_get_name(l->data),
               object_class_get_help(l->data));
    }
    g_slist_free(list);
    return true;
}

/* The text of @item is just a request for help. */
static bool is_help(const char *text)
{
    return text && (g_str_equal(text, "help") || g_str_equal(text, "?"));
}

/* Returns 1 when help was printed, 0 when @item is nothing of the kind, -1 on
 * an error. */
static int item_help(const CliItem *item, Error **errp)
{
    if (!item->help && !is_help(item->text)) {
        return 0;
    }
    switch (item->id) {
    case CLI_OPTION_MACHINE:
        return machine_help(item, errp) ? 1 : -1;
    case CLI_OPTION_DEVICE:
        return device_help(item, errp) ? 1 : -1;
    case CLI_OPTION_OBJECT:
        return object_help(item, errp) ? 1 : -1;
    case CLI_OPTION_CPU:
        target_cpu_print_help();
        return 1;
    case CLI_OPTION_ACCEL:
        accel_print_help();
        return 1;
    case CLI_OPTION_CHARDEV:
        chardev_print_help();
        return 1;
    case CLI_OPTION_NETDEV:
        net_print_help();
        return 1;
    case CLI_OPTION_d:
        log_print_mask_help();
        return 1;
    case CLI_OPTION_TRACE:
        trace_list();
        return 1;
    default:
        if (!cli_table.options[item->id].detail) {
            return 0;
        }
        cli_print_option_help(&cli_table, item->id, stdout);
        return 1;
    }
}

bool start_print_help(bool *failed)
{
    g_autoptr(Error) err = NULL;

    if (cli_given(start.cli, CLI_OPTION_HELP) ||
        cli_given(start.cli, CLI_OPTION_VERSION)) {
        *failed = !cli_apply(start.cli, cli_apply_table,
                             cli_given(start.cli, CLI_OPTION_HELP) ?
                             CLI_OPTION_HELP : CLI_OPTION_VERSION, NULL);
        return true;
    }
    for (size_t i = 0; i < cli_total(start.cli); i++) {
        int ret = item_help(cli_nth(start.cli, i), &err);

        if (ret < 0) {
            error_report_err(g_steal_pointer(&err));
            *failed = true;
        }
        if (ret) {
            return true;
        }
    }
    return false;
}
