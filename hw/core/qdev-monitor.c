/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that users add and remove; see include/hw/core/qdev-monitor.h. */
#include "util/osdep.h"
#include "hw/core/qdev-monitor.h"
#include <json-c/json.h>
#include "hw/core/hotplug.h"
#include "hw/core/machine.h"
#include "qdev-internal.h"

/* ---- Which type ---- */

static void driver_unknown(const char *driver, Error **errp)
{
    g_autofree char *removed = qdev_removed_hint(driver);
    const char *option = qdev_configure_option(driver);

    error_setg(errp, "'%s' is not a valid device model name", driver);
    if (option) {
        error_append_hint(errp, "this program was built without '%s'; "
                          "configure %s brings it", driver, option);
    } else if (removed) {
        error_append_hint(errp, "%s", removed);
    } else {
        object_class_hint_closest(errp, driver, TYPE_DEVICE);
    }
}

DeviceClass *qdev_class_by_driver(const char *driver, Error **errp)
{
    ObjectClass *oc = object_class_by_name(type_resolve_alias(driver));

    if (!object_class_dynamic_cast(oc, TYPE_DEVICE)) {
        driver_unknown(driver, errp);
        return NULL;
    }
    if (object_class_is_abstract(oc)) {
        error_setg(errp, "Parameter 'driver' expects a non-abstract device "
                   "type");
        error_append_hint(errp, "'%s' is what other types derive from", driver);
        return NULL;
    }
    return DEVICE_CLASS(oc);
}

static DeviceClass *class_for_add(const char *driver, Error **errp)
{
    DeviceClass *dc = qdev_class_by_driver(driver, errp);

    if (dc && (!dc->user_creatable ||
               (machine_phase_reached(PHASE_MACHINE_READY) &&
                !dc->hotpluggable))) {
        error_setg(errp, "Parameter 'driver' expects a pluggable device type");
        error_append_hint(errp, dc->user_creatable
                          ? "'%s' can only be given at the start"
                          : "'%s' is part of a machine or of another device",
                          driver);
        return NULL;
    }
    return dc;
}

/* ---- Which bus ---- */

/* *@bus stays NULL for a device that needs none. */
static bool find_bus(DeviceClass *dc, const char *driver, const char *path,
                     BusState **bus, Error **errp)
{
    *bus = NULL;
    if (path) {
        *bus = qbus_find(path, errp);
        if (!*bus) {
            return false;
        }
        if (!dc->bus_type ||
            !object_dynamic_cast(OBJECT(*bus), dc->bus_type)) {
            error_setg(errp, "Device '%s' can't go on %s bus", driver,
                       object_get_typename(OBJECT(*bus)));
            return false;
        }
    } else if (dc->bus_type) {
        *bus = qbus_find_free(dc->bus_type);
        if (!*bus) {
            error_setg(errp, "No '%s' bus found for device '%s'", dc->bus_type,
                       driver);
            return false;
        }
    }
    if (*bus && machine_phase_reached(PHASE_MACHINE_READY) &&
        !(*bus)->hotplug_handler) {
        error_setg(errp, "Bus '%s' does not support hotplugging",
                   (*bus)->name);
        return false;
    }
    return true;
}

static bool hotplug_allowed(DeviceState *dev, BusState *bus, Error **errp)
{
    MachineState *ms = machine_get();
    MachineClass *mc = ms ? MACHINE_GET_CLASS(ms) : NULL;

    if (!dev->hotplugged) {
        return true;
    }
    if (mc && mc->hotplug_allowed && !mc->hotplug_allowed(ms, dev, errp)) {
        return false;
    }
    if (!bus && !qdev_get_hotplug_handler(dev)) {
        error_setg(errp, "Device '%s' can not be hotplugged on this machine",
                   object_get_typename(OBJECT(dev)));
        return false;
    }
    return true;
}

/* ---- Adding ---- */

/* A string member of @opts; *@value NULL when absent. */
static bool take_string(struct json_object *opts, const char *key,
                        const char **value, Error **errp)
{
    struct json_object *member;

    *value = NULL;
    if (!json_object_object_get_ex(opts, key, &member)) {
        return true;
    }
    if (!json_object_is_type(member, json_type_string)) {
        error_setg(errp, "Invalid parameter type for '%s', expected: string",
                   key);
        return false;
    }
    *value = json_object_get_string(member);
    return true;
}

/* The members that are properties, as a new object. */
static struct json_object *only_props(struct json_object *opts)
{
    struct json_object *props = json_object_new_object();

    json_object_object_foreach(opts, key, value) {
        if (!g_str_equal(key, "driver") && !g_str_equal(key, "bus") &&
            !g_str_equal(key, "id")) {
            json_object_object_add(props, key, json_object_get(value));
        }
    }
    return props;
}

static bool configure_and_realize(DeviceState *dev, BusState *bus,
                                  struct json_object *opts, const char *id,
                                  Error **errp)
{
    struct json_object *props = only_props(opts);
    bool ok;

    ok = !object_globals_take_error(errp) &&
         hotplug_allowed(dev, bus, errp) &&
         qdev_set_id(dev, id, errp) &&
         object_set_props(OBJECT(dev), props, errp);
    json_object_put(props);
    if (!ok) {
        return false;
    }
    dev->opts = json_object_get(opts);
    return qdev_realize(dev, bus, errp);
}

DeviceState *qdev_device_add(struct json_object *opts, Error **errp)
{
    const char *driver, *path, *id;
    DeviceClass *dc;
    DeviceState *dev;
    BusState *bus;
    bool ok;

    if (opts && !json_object_is_type(opts, json_type_object)) {
        error_setg(errp, "a device is described by an object");
        return NULL;
    }
    if (!take_string(opts, "driver", &driver, errp) ||
        !take_string(opts, "bus", &path, errp) ||
        !take_string(opts, "id", &id, errp)) {
        return NULL;
    }
    if (!driver) {
        error_setg(errp, "Parameter 'driver' is missing");
        return NULL;
    }
    dc = class_for_add(driver, errp);
    if (!dc || !find_bus(dc, driver, path, &bus, errp)) {
        return NULL;
    }
    dev = DEVICE(object_new_from_class(OBJECT_CLASS(dc)));
    ok = configure_and_realize(dev, bus, opts, id, errp);
    if (!ok) {
        object_unparent(OBJECT(dev));
    }
    object_unref(dev);
    return ok ? dev : NULL;
}

bool qdev_device_del(const char *id, Error **errp)
{
    DeviceState *dev = qdev_find_device(id, errp);

    return dev && qdev_unplug_request(dev, errp);
}
