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
#include "qapi/qapi-visit-options.h"
#include "qom/property.h"
#include "system/serial.h"
#include "util/keyval.h"

/* Devices that other options ask for, made with the others. */
static struct {
    const char *option;             /* for errors */
    struct json_object *device;
} implied[64];
static unsigned num_implied;

/* Takes @device; NULL: none. */
static bool imply_device(const char *option, struct json_object *device,
                         Error **errp)
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
    implied[num_implied].option = option;
    implied[num_implied++].device = device;
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

bool cli_option_pflash(const char *arg, Error **errp)
{
    struct json_object *file = json_object_new_string(arg);
    DriveOptions o = {
        .file = file, .has_q_if = true, .q_if = DRIVE_INTERFACE_PFLASH,
    };
    bool ok = cli_option_drive(&o, errp);

    json_object_put(file);
    return ok;
}

bool cli_option_blockdev(BlockdevOptions *val, Error **errp)
{
    return qmp_blockdev_add(val, errp);
}

bool cli_option_drive(DriveOptions *val, Error **errp)
{
    struct json_object *device = NULL;

    return drive_add(val, &device, errp) && imply_device("-drive", device, errp);
}

bool cli_option_snapshot(Error **errp)
{
    drive_set_snapshot();
    return true;
}

bool cli_option_netdev(Netdev *val, Error **errp)
{
    return net_client_init(val, errp);
}

/* The options of the back end of -nic, but for its id; @n borrows them. */
static void nic_netdev(const NicOptions *nic, Netdev *n)
{
    switch (nic->type) {
#ifdef CONFIG_SLIRP
    case NIC_TYPE_USER:
        n->type = NET_CLIENT_DRIVER_USER;
        n->u.user = nic->u.user;
        break;
#endif
    case NIC_TYPE_TAP:
        n->type = NET_CLIENT_DRIVER_TAP;
        n->u.tap = nic->u.tap;
        break;
    case NIC_TYPE_STREAM:
        n->type = NET_CLIENT_DRIVER_STREAM;
        n->u.stream = nic->u.stream;
        break;
    default:
        n->type = NET_CLIENT_DRIVER_DGRAM;
        n->u.dgram = nic->u.dgram;
        break;
    }
}

static char *nic_free_id(void)
{
    NetClientState *nc;
    char *id = NULL;

    for (unsigned n = 0; !id || net_client_find_netdev(id, &nc, 1); n++) {
        g_free(id);
        id = g_strdup_printf("nic%u", n);
    }
    return id;
}

/* "virtio" is what older command lines call the card. */
static struct json_object *nic_device(const NicOptions *nic, const char *netdev)
{
    struct json_object *dev = json_object_new_object();
    const char *model = nic->model;

    if (!model || g_str_equal(model, "virtio")) {
        model = "virtio-net-pci";
    }
    json_object_object_add(dev, "driver", json_object_new_string(model));
    json_object_object_add(dev, "netdev", json_object_new_string(netdev));
    if (nic->mac) {
        json_object_object_add(dev, "mac", json_object_new_string(nic->mac));
    }
    return dev;
}

bool cli_option_nic(NicOptions *val, Error **errp)
{
    g_autofree char *id = NULL;
    Netdev netdev = { 0 };

    if (val->type == NIC_TYPE_NONE) {
        return true;
    }
    id = val->id ? g_strdup(val->id) : nic_free_id();
    netdev.id = id;
    nic_netdev(val, &netdev);
    return net_client_init(&netdev, errp) &&
           imply_device("-nic", nic_device(val, id), errp);
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

bool cli_option_debugcon(const char *arg, Error **errp)
{
    Chardev *chr = chardev_new_from_spec("debugcon", arg, NULL, errp);
    struct json_object *dev;

    if (!chr) {
        return false;
    }
    dev = json_object_new_object();
    json_object_object_add(dev, "driver",
                           json_object_new_string("isa-debugcon"));
    json_object_object_add(dev, "iobase", json_object_new_int(0xe9));
    json_object_object_add(dev, "chardev",
                           json_object_new_string(chardev_get_id(chr)));
    return imply_device("-debugcon", dev, errp);
}

/* ---- Devices ---- */

bool cli_option_device(struct json_object *tree, Error **errp)
{
    return qdev_device_add(tree, errp) != NULL;
}

bool start_devices(Error **errp)
{
    for (unsigned i = 0; i < num_implied; i++) {
        if (!qdev_device_add(implied[i].device, errp)) {
            error_prepend(errp, "%s: ", implied[i].option);
            return false;
        }
        json_object_put(implied[i].device);
    }
    num_implied = 0;
    return cli_apply(start.cli, cli_apply_table, CLI_OPTION_DEVICE, errp);
}

static bool global_from_keys(const char *arg, Error **errp)
{
    struct json_object *tree = keyval_parse(arg, NULL, NULL, errp);
    g_autoptr(GlobalOptions) val = NULL;
    Visitor *v;

    if (!tree) {
        return false;
    }
    v = input_visitor_new(tree, VISIT_INPUT_KEYVAL);
    if (visit_type_GlobalOptions(v, NULL, &val, errp)) {
        object_add_global(val->driver, val->property, val->value);
    }
    visit_free(v);
    json_object_put(tree);
    return val != NULL;
}

/* "driver.property=value"; a dot behind the "=" is the value's. */
bool cli_option_global(const char *arg, Error **errp)
{
    size_t len = strcspn(arg, ".=");
    const char *prop_end = strchr(arg, '=');
    g_autofree char *driver = NULL, *prop = NULL;

    if (arg[len] == '=') {
        return global_from_keys(arg, errp);
    }
    if (!prop_end || len == 0 || prop_end == arg + len + 1) {
        error_setg(errp, "'%s' is not driver.property=value", arg);
        return false;
    }
    driver = g_strndup(arg, len);
    prop = g_strndup(arg + len + 1, prop_end - arg - len - 1);
    object_add_global(driver, prop, prop_end + 1);
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

/* With -nographic the terminal is a monitor's when no serial port took it and
 * the command line names no monitor. */
bool start_default_monitor(Error **errp)
{
    static const int monitors[] = {
        CLI_OPTION_MON, CLI_OPTION_MONITOR, CLI_OPTION_QMP,
        CLI_OPTION_QMP_PRETTY,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(monitors); i++) {
        if (cli_given(start.cli, monitors[i])) {
            return true;
        }
    }
    return !start.nographic || start.nodefaults || !chr_stdio_is_free() ||
           add_monitor("stdio", MONITOR_MODE_READLINE, false, errp);
}
