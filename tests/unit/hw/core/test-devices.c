/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include <json-c/json.h>
#include "migration/vmstate.h"
#include "hw/core/hotplug.h"
#include "hw/core/qdev-monitor.h"
#include "test-devices.h"

GString *t_trail;

static void note(const char *what, DeviceState *dev)
{
    g_string_append_printf(t_trail, "%s(%s) ", what,
                           qdev_get_printable_name(dev));
}

void t_trail_assert(const char *want)
{
    g_assert_cmpstr(t_trail->str, ==, want);
    g_string_truncate(t_trail, 0);
}

void t_assert_error(Error *err, const char *text)
{
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, text);
    error_free(err);
}

/* ---- Bus ---- */

static bool t_bus_check_address(BusState *bus, DeviceState *dev, Error **errp)
{
    DeviceState *other;
    TDisk *disk = (TDisk *)object_dynamic_cast(OBJECT(dev), TYPE_T_DISK);

    TAILQ_FOREACH(other, &bus->children, sibling) {
        TDisk *o = (TDisk *)object_dynamic_cast(OBJECT(other), TYPE_T_DISK);

        if (disk && o && disk->slot && disk->slot == o->slot) {
            error_setg(errp, "slot %u in use", disk->slot);
            return false;
        }
    }
    return true;
}

static char *t_bus_get_dev_path(DeviceState *dev)
{
    return dev->id ? g_strdup_printf("t:%s", dev->id) : NULL;
}

static void t_bus_reset_hold(Object *obj)
{
    g_string_append_printf(t_trail, "bus.reset(%s) ", BUS(obj)->name);
}

static bool t_bus_realize(BusState *bus, Error **errp)
{
    g_string_append_printf(t_trail, "bus.realize(%s) ", bus->name);
    return true;
}

static void t_bus_unrealize(BusState *bus)
{
    g_string_append_printf(t_trail, "bus.unrealize(%s) ", bus->name);
}

static void t_bus_class_init(ObjectClass *oc, const void *data)
{
    BusClass *bc = BUS_CLASS(oc);

    bc->max_dev = 2;
    bc->check_address = t_bus_check_address;
    bc->get_dev_path = t_bus_get_dev_path;
    bc->reset_hold = t_bus_reset_hold;
    bc->realize = t_bus_realize;
    bc->unrealize = t_bus_unrealize;
}

/* ---- Devices ---- */

static const VMStateDescription vmstate_disk = {
    .name = "t-disk",
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(reg, TDisk),
        VMSTATE_END_OF_LIST()
    },
};

static const Property disk_props[] = {
    PROP_UINT32("size", TDisk, size, 10, "sectors"),
    PROP_STRING("label", TDisk, label, NULL, "a name"),
    PROP_UINT32("slot", TDisk, slot, 0, "place on the bus"),
    { .name = "fail", .info = &prop_info_bool, .offset = offsetof(TDisk, fail),
      .flags = PROP_F_HIDDEN, .help = "refuse to realize" },
    { .name = "reg", .info = &prop_info_uint32, .offset = offsetof(TDisk, reg),
      .flags = PROP_F_LIVE, .help = "a register" },
};

static bool t_disk_realize(DeviceState *dev, Error **errp)
{
    note("disk.realize", dev);
    if (((TDisk *)dev)->fail) {
        error_setg(errp, "no such luck");
        return false;
    }
    return true;
}

static void t_dev_unrealize(DeviceState *dev)
{
    note("unrealize", dev);
}

static void t_dev_reset_hold(Object *obj)
{
    note("reset", DEVICE(obj));
}

static void t_disk_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = t_disk_realize;
    dc->unrealize = t_dev_unrealize;
    dc->reset_hold = t_dev_reset_hold;
    dc->bus_type = TYPE_T_BUS;
    dc->vmsd = &vmstate_disk;
    dc->categories = BIT(DEVICE_CATEGORY_STORAGE);
    dc->desc = "test disk";
    device_class_set_props(dc, disk_props);
}

static bool t_bridge_realize(DeviceState *dev, Error **errp)
{
    note("bridge.realize", dev);
    qbus_new(TYPE_T_BUS, dev, dev->id);
    return true;
}

static void t_bridge_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = t_bridge_realize;
    dc->unrealize = t_dev_unrealize;
    dc->reset_hold = t_dev_reset_hold;
    dc->bus_type = TYPE_T_BUS;
}

static bool t_host_realize(DeviceState *dev, Error **errp)
{
    qbus_new(TYPE_T_BUS, dev, "t.0");
    return true;
}

static void t_host_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = t_host_realize;
    dc->reset_hold = t_dev_reset_hold;
    dc->user_creatable = false;
}

static void t_fixed_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->hotpluggable = false;
    DEVICE_CLASS(oc)->bus_type = TYPE_T_BUS;
}

static void t_hidden_class_init(ObjectClass *oc, const void *data)
{
    DEVICE_CLASS(oc)->user_creatable = false;
}

/* ---- A port that asks the guest ---- */

static bool port_pre_plug(Object *h, DeviceState *dev, Error **errp)
{
    note("pre_plug", dev);
    return true;
}

static bool port_plug(Object *h, DeviceState *dev, Error **errp)
{
    TDisk *disk = (TDisk *)object_dynamic_cast(OBJECT(dev), TYPE_T_DISK);

    note("plug", dev);
    if (disk && disk->slot == 99) {
        error_setg(errp, "slot 99 is broken");
        return false;
    }
    return true;
}

static bool port_unplug_request(Object *h, DeviceState *dev, Error **errp)
{
    note("unplug_request", dev);
    dev->pending_deleted_event = true;
    return true;
}

static bool port_unplug(Object *h, DeviceState *dev, Error **errp)
{
    note("unplug", dev);
    return true;
}

static void t_port_class_init(ObjectClass *oc, const void *data)
{
    HotplugHandlerClass *hc = (HotplugHandlerClass *)
        object_class_dynamic_cast(oc, TYPE_HOTPLUG_HANDLER);

    hc->pre_plug = port_pre_plug;
    hc->plug = port_plug;
    hc->unplug_request = data ? port_unplug_request : NULL;
    hc->unplug = port_unplug;
}

/* ---- Machine ---- */

static void t_machine_class_init(ObjectClass *oc, const void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->alias = "t";
    mc->desc = "machine for tests";
    mc->max_cpus = 64;
    mc->smp_dies_supported = true;
    mc->no_ram = true;
    mc->default_boot_order = "c";
}

static const char *const port_interfaces[] = { TYPE_HOTPLUG_HANDLER, NULL };

static const TypeInfo types[] = {
    {
        .name = TYPE_T_BUS, .parent = TYPE_BUS,
        .class_init = t_bus_class_init,
    }, {
        .name = TYPE_T_HOST, .parent = TYPE_DEVICE,
        .class_init = t_host_class_init,
    }, {
        .name = TYPE_T_DISK, .parent = TYPE_DEVICE,
        .instance_size = sizeof(TDisk), .class_init = t_disk_class_init,
    }, {
        .name = TYPE_T_BRIDGE, .parent = TYPE_DEVICE,
        .class_init = t_bridge_class_init,
    }, {
        .name = TYPE_T_FIXED, .parent = TYPE_DEVICE,
        .class_init = t_fixed_class_init,
    }, {
        .name = TYPE_T_HIDDEN, .parent = TYPE_DEVICE,
        .class_init = t_hidden_class_init,
    }, {
        .name = "t-base", .parent = TYPE_DEVICE, .abstract = true,
    }, {
        .name = TYPE_T_PORT, .parent = TYPE_OBJECT,
        .instance_size = sizeof(Object), .class_init = t_port_class_init,
        .class_data = "asks", .interfaces = port_interfaces,
    }, {
        .name = "t-surprise-port", .parent = TYPE_OBJECT,
        .instance_size = sizeof(Object), .class_init = t_port_class_init,
        .interfaces = port_interfaces,
    }, {
        .name = TYPE_T_MACHINE, .parent = TYPE_MACHINE,
        .class_init = t_machine_class_init,
    },
};
DEFINE_TYPES(types)

static void register_alias(void)
{
    type_register_alias("t-alias", TYPE_T_DISK);
}
type_init(register_alias)

MachineState *t_machine_start(Object *hotplug_handler)
{
    MachineState *ms = machine_create(machine_class_by_name("t", NULL));
    DeviceState *host = qdev_new(TYPE_T_HOST);

    t_trail = g_string_new(NULL);
    g_assert_true(machine_prepare(ms, NULL));
    machine_phase_advance(PHASE_MACHINE_CREATED);
    machine_phase_advance(PHASE_ACCEL_CREATED);
    machine_phase_advance(PHASE_LATE_BACKENDS);
    object_property_add_child(OBJECT(ms), "host", OBJECT(host));
    g_assert_true(qdev_realize_and_unref(host, NULL, NULL));
    g_assert_true(machine_run_board_init(ms, NULL));
    qbus_set_hotplug_handler(qbus_find("t.0", NULL), hotplug_handler);
    g_string_truncate(t_trail, 0);
    return ms;
}

void t_machine_ready(MachineState *ms)
{
    g_assert_true(machine_creation_done(ms, NULL));
}

void t_machine_stop(void)
{
    machine_destroy();
    g_string_free(t_trail, true);
    t_trail = NULL;
}

DeviceState *t_add(const char *json, Error **errp)
{
    struct json_object *opts = json_tokener_parse(json);
    DeviceState *dev = qdev_device_add(opts, errp);

    json_object_put(opts);
    return dev;
}
