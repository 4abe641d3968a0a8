/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that make back ends, devices and monitors. */
#include "util/osdep.h"
#include "main-internal.h"
#include <json-c/json.h>
#include "block/block.h"
#include "chardev/char.h"
#include "hw/core/qdev-monitor.h"
#include "monitor/monitor.h"
#include "net/net.h"
#include "qapi/qapi-commands-block-core.h"
#include "qapi/qapi-commands-qom.h"
#include "qapi/qapi-options-apply.h"
#include "qom/property.h"
#include "system/serial.h"

/* Devices that -drive if=virtio and -nic ask for, made with the others. */
static struct json_object *implied[64];
static unsigned num_implied;

static bool imply_device(struct json_object *device, Error **errp)
{
    if (!device) {
        return true;
    }
    if (num_implied == G_N_ELEMENTS(implied)) {
        error_setg(errp, "more than %zu disks and network cards by -drive and "
                   "-nic", G_N_ELEMENTS(implied));
        error_append_hint(errp, "Use -blockdev, -netdev and -device.");
        json_object_put(device);
        return false;
    }
    implied[num_implied++] = device;
    return true;
}

/* ---- Back ends ---- */

bool cli_option_chardev(ChardevOptions *val, Error **errp)
{
    return chardev_new_from_options(val, errp) != NULL;
}

bool cli_option_object(ObjectOptions *val, Error **errp)
{
    return qmp_object_add(val, errp);
}

bool cli_option_blockdev(BlockdevOptions *val, Error **errp)
{
    return qmp_blockdev_add(val, errp);
}

bool cli_option_drive(DriveOptions *val, Error **errp)
{
    struct json_object *device = NULL;

    return drive_add(val, &device, errp) && imply_device(device, errp);
}

bool cli_option_netdev(Netdev *val, Error **errp)
{
    return net_client_init(val, errp);
}

/* Only "none": there are no network cards that nobody asked for. */
bool cli_option_nic(NoneOnly val, Error **errp)
{
    return true;
}

/* ---- Serial ports ---- */

static bool mux_monitor(Chardev *chr, bool wanted, Error **errp)
{
    return !wanted || monitor_new(chr, MONITOR_MODE_READLINE, false, errp);
}

static bool add_serial(const char *spec, Error **errp)
{
    static unsigned n;
    g_autofree char *id = g_strdup_printf("serial%u", n++);
    bool mux = false;
    Chardev *chr;

    if (g_str_equal(spec, "none")) {
        return serial_add(NULL, errp);
    }
    chr = chardev_new_from_spec(id, spec, &mux, errp);
    return chr && serial_add(chr, errp) && mux_monitor(chr, mux, errp);
}

bool cli_option_serial(const char *arg, Error **errp)
{
    return add_serial(arg, errp);
}

/* -nographic means a serial port and a monitor on the terminal, unless the
 * command line says where they are or wants no defaults. */
bool start_serials(Error **errp)
{
    if (cli_given(start.cli, CLI_OPTION_SERIAL)) {
        return cli_apply(start.cli, cli_apply_table, CLI_OPTION_SERIAL, errp);
    }
    if (start.nographic && !start.nodefaults) {
        return add_serial(cli_given(start.cli, CLI_OPTION_MONITOR) ? "stdio" :
                          "mon:stdio", errp);
    }
    return true;
}

/* ---- Devices ---- */

bool cli_option_device(struct json_object *tree, Error **errp)
{
    return qdev_device_add(tree, errp) != NULL;
}

bool start_devices(Error **errp)
{
    for (unsigned i = 0; i < num_implied; i++) {
        if (!qdev_device_add(implied[i], errp)) {
            return false;
        }
        json_object_put(implied[i]);
    }
    num_implied = 0;
    return cli_apply(start.cli, cli_apply_table, CLI_OPTION_DEVICE, errp);
}

bool cli_option_global(const char *arg, Error **errp)
{
    const char *dot = strchr(arg, '.');
    const char *eq = dot ? strchr(dot, '=') : NULL;
    g_autofree char *driver = NULL, *prop = NULL;

    if (!eq || dot == arg || eq == dot + 1) {
        error_setg(errp, "-global: '%s' is not driver.property=value", arg);
        return false;
    }
    driver = g_strndup(arg, dot - arg);
    prop = g_strndup(dot + 1, eq - dot - 1);
    object_add_global(driver, prop, eq + 1);
    return true;
}

/* ---- Monitors ---- */

bool cli_option_mon(MonitorOptions *val, Error **errp)
{
    return monitor_new_from_options(val, errp);
}

static bool add_monitor(const char *spec, MonitorMode mode, bool pretty,
                        Error **errp)
{
    static unsigned n;
    g_autofree char *id = g_strdup_printf("compat_monitor%u", n++);
    Chardev *chr;

    if (g_str_equal(spec, "none")) {
        return true;
    }
    chr = chardev_new_from_spec(id, spec, NULL, errp);
    return chr && monitor_new(chr, mode, pretty, errp);
}

bool cli_option_qmp(const char *arg, Error **errp)
{
    return add_monitor(arg, MONITOR_MODE_CONTROL, false, errp);
}

bool cli_option_qmp_pretty(const char *arg, Error **errp)
{
    return add_monitor(arg, MONITOR_MODE_CONTROL, true, errp);
}

bool cli_option_monitor(const char *arg, Error **errp)
{
    return add_monitor(arg, MONITOR_MODE_READLINE, false, errp);
}
