/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices: their life and their place in the tree; see hw/core/qdev.h. */
#include "util/osdep.h"
#include "hw/core/qdev.h"
#include <json-c/json.h>
#include "migration/vmstate.h"
#include "qapi/qapi-events-qdev.h"
#include "qapi/visitor.h"
#include "hw/core/hotplug.h"
#include "hw/core/machine.h"
#include "hw/core/reset.h"
#include "qdev-internal.h"
#include "trace/trace-hw_core.h"

/* ---- Listeners ---- */

static LIST_HEAD(, DeviceListener) listeners = LIST_HEAD_INITIALIZER(listeners);

void device_listener_register(DeviceListener *l)
{
    LIST_INSERT_HEAD(&listeners, l, next);
}

void device_listener_unregister(DeviceListener *l)
{
    LIST_REMOVE(l, next);
}

static void tell_listeners(DeviceState *dev, bool realize)
{
    DeviceListener *l, *tmp;

    LIST_FOREACH_SAFE(l, &listeners, next, tmp) {
        if (realize && l->realize) {
            l->realize(l, dev);
        } else if (!realize && l->unrealize) {
            l->unrealize(l, dev);
        }
    }
}

/* ---- Names and places ---- */

DeviceState *qdev_new(const char *type)
{
    return DEVICE(object_new(type));
}

Object *qdev_container(const char *name)
{
    g_autofree char *path = g_strdup_printf("/machine/%s", name);

    return object_get_container(path);
}

bool qdev_set_id(DeviceState *dev, const char *id, Error **errp)
{
    Object *place;

    g_assert(!dev->id && !OBJECT(dev)->parent);
    if (!id) {
        object_property_add_child(qdev_container("peripheral-anon"),
                                  "device[*]", OBJECT(dev));
        return true;
    }
    if (!id_wellformed(id)) {
        error_setg(errp, "Parameter 'id' expects an identifier");
        error_append_hint(errp, "identifiers consist of letters, digits, '-', "
                          "'.', '_', starting with a letter");
        return false;
    }
    place = qdev_container("peripheral");
    if (object_property_find(place, id)) {
        error_setg(errp, "Duplicate device ID '%s'", id);
        return false;
    }
    dev->id = g_strdup(id);
    object_property_add_child(place, id, OBJECT(dev));
    return true;
}

const char *qdev_get_printable_name(DeviceState *dev)
{
    if (dev->id) {
        return dev->id;
    }
    return dev->canonical_path ? dev->canonical_path
                               : object_get_typename(OBJECT(dev));
}

char *qdev_get_dev_path(DeviceState *dev)
{
    BusClass *bc = dev->parent_bus ? BUS_GET_CLASS(dev->parent_bus) : NULL;

    return bc && bc->get_dev_path ? bc->get_dev_path(dev) : NULL;
}

DeviceState *qdev_find_device(const char *id_or_path, Error **errp)
{
    Object *obj;

    if (id_or_path[0] == '/') {
        obj = object_resolve_path_type(id_or_path, TYPE_DEVICE, NULL);
    } else {
        obj = object_resolve_path_component(qdev_container("peripheral"),
                                            id_or_path);
    }
    if (!object_dynamic_cast(obj, TYPE_DEVICE)) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  id_or_path);
        return NULL;
    }
    return DEVICE(obj);
}

/* ---- Realize ---- */

/* The class's own part: the device itself and what makes it known. */
static bool device_realize_self(DeviceState *dev, Error **errp)
{
    DeviceClass *dc = DEVICE_GET_CLASS(dev);
    g_autofree char *path = NULL;

    if (dc->realize && !dc->realize(dev, errp)) {
        return false;
    }
    tell_listeners(dev, true);
    path = qdev_get_dev_path(dev);
    if (dc->vmsd && !vmstate_register(path, dc->vmsd, dev, errp)) {
        tell_listeners(dev, false);
        if (dc->unrealize) {
            dc->unrealize(dev);
        }
        return false;
    }
    return true;
}

static void device_unrealize_self(DeviceState *dev)
{
    DeviceClass *dc = DEVICE_GET_CLASS(dev);

    if (dc->vmsd) {
        vmstate_unregister(dc->vmsd, dev);
    }
    tell_listeners(dev, false);
    if (dc->unrealize) {
        dc->unrealize(dev);
    }
}

static void device_set_realized(DeviceState *dev, bool realized)
{
    __atomic_store_n(&dev->realized, realized, __ATOMIC_RELEASE);
}

/* @dev is on its bus and in the tree. */
static bool device_realize(DeviceState *dev, Error **errp)
{
    Object *handler = qdev_get_hotplug_handler(dev);

    trace_qdev_realize(dev, object_get_typename(OBJECT(dev)),
                       dev->id ? dev->id : "");
    if (!hotplug_handler_pre_plug(handler, dev, errp)) {
        return false;
    }
    g_free(dev->canonical_path);
    dev->canonical_path = object_get_canonical_path(OBJECT(dev));
    if (!device_realize_self(dev, errp)) {
        return false;
    }
    if (!qdev_realize_buses(dev, errp)) {
        device_unrealize_self(dev);
        return false;
    }
    device_set_realized(dev, true);
    if (dev->hotplugged) {
        device_reset(dev);
    }
    dev->pending_deleted_event = false;
    if (!hotplug_handler_plug(handler, dev, errp)) {
        device_set_realized(dev, false);
        qdev_unrealize_buses(dev);
        device_unrealize_self(dev);
        return false;
    }
    dev->was_realized = true;
    return true;
}

bool qdev_realize(DeviceState *dev, BusState *bus, Error **errp)
{
    DeviceClass *dc = DEVICE_GET_CLASS(dev);
    bool orphan = !OBJECT(dev)->parent;

    g_assert(!dev->realized && !dev->parent_bus);
    if (dev->hotplugged && !dc->hotpluggable) {
        error_setg(errp, "Device '%s' does not support hotplugging",
                   object_get_typename(OBJECT(dev)));
        return false;
    }
    if (!bus && dc->bus_type) {
        error_setg(errp, "Device '%s' needs a %s bus",
                   object_get_typename(OBJECT(dev)), dc->bus_type);
        return false;
    }
    if (bus && !qbus_attach(bus, dev, errp)) {
        return false;
    }
    if (orphan) {
        object_property_add_child(qdev_container("unattached"), "device[*]",
                                  OBJECT(dev));
    }
    if (device_realize(dev, errp)) {
        return true;
    }
    trace_qdev_realize_failed(dev, object_get_typename(OBJECT(dev)));
    if (orphan) {
        object_unparent(OBJECT(dev));
    }
    qbus_detach(dev);
    return false;
}

bool qdev_realize_and_unref(DeviceState *dev, BusState *bus, Error **errp)
{
    bool ok = qdev_realize(dev, bus, errp);

    object_unref(dev);
    return ok;
}

void qdev_unrealize(DeviceState *dev)
{
    if (!dev->realized) {
        return;
    }
    trace_qdev_unrealize(dev, object_get_typename(OBJECT(dev)));
    device_set_realized(dev, false);
    qdev_unrealize_buses(dev);
    device_unrealize_self(dev);
}

void device_class_set_parent_realize(DeviceClass *dc, DeviceRealize *realize,
                                     DeviceRealize **parent_realize)
{
    *parent_realize = dc->realize;
    dc->realize = realize;
}

void device_class_set_parent_unrealize(DeviceClass *dc,
                                       DeviceUnrealize *unrealize,
                                       DeviceUnrealize **parent_unrealize)
{
    *parent_unrealize = dc->unrealize;
    dc->unrealize = unrealize;
}

/* ---- Type ---- */

static void device_instance_init(Object *obj)
{
    DeviceState *dev = DEVICE(obj);

    TAILQ_INIT(&dev->child_buses);
    dev->hotplugged = machine_phase_reached(PHASE_MACHINE_READY);
}

static void device_unparent(Object *obj)
{
    DeviceState *dev = DEVICE(obj);
    BusState *bus;

    qdev_unrealize(dev);
    while ((bus = TAILQ_LAST(&dev->child_buses, BusListHead))) {
        object_unparent(OBJECT(bus));
    }
    qbus_detach(dev);
}

/* Clients remove back ends on this event, so it comes when nothing is left. */
static void device_finalize(Object *obj)
{
    DeviceState *dev = DEVICE(obj);

    trace_qdev_finalize(dev, dev->canonical_path ? dev->canonical_path : "");
    if (dev->was_realized && dev->canonical_path) {
        qapi_event_send_device_deleted(dev->id, dev->canonical_path);
    }
    qdev_free_gpios(dev);
    json_object_put(dev->opts);
    g_free(dev->canonical_path);
    g_free(dev->id);
}

static bool device_may_set(Object *obj, const Property *prop, Error **errp)
{
    DeviceState *dev = DEVICE(obj);

    if (!dev->realized) {
        return true;
    }
    if (dev->id) {
        error_setg(errp, "Attempt to set property '%s' on device '%s' "
                   "(type '%s') after it was realized", prop->name, dev->id,
                   object_get_typename(obj));
    } else {
        error_setg(errp, "Attempt to set property '%s' on anonymous device "
                   "(type '%s') after it was realized", prop->name,
                   object_get_typename(obj));
    }
    return false;
}

static bool device_get_realized(Object *obj)
{
    return DEVICE(obj)->realized;
}

static bool device_get_hotplugged(Object *obj)
{
    return DEVICE(obj)->hotplugged;
}

static bool device_get_hotpluggable(Object *obj)
{
    DeviceState *dev = DEVICE(obj);

    return DEVICE_GET_CLASS(dev)->hotpluggable &&
           (!dev->parent_bus || dev->parent_bus->hotplug_handler);
}

static Object *device_resolve_bus(Object *obj, const ObjectProperty *prop)
{
    BusState *bus = DEVICE(obj)->parent_bus;

    return bus ? OBJECT(bus) : NULL;
}

static bool device_get_bus(Object *obj, Visitor *v, const char *name,
                           void *opaque, Error **errp)
{
    BusState *bus = DEVICE(obj)->parent_bus;
    g_autofree char *path = bus ? object_get_canonical_path(OBJECT(bus)) : NULL;
    char *shown = path ? path : (char *)"";

    return visit_type_str(v, name, &shown, errp);
}

static void device_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    ObjectProperty *prop;

    dc->user_creatable = true;
    dc->hotpluggable = true;
    oc->unparent = device_unparent;
    oc->prop_may_set = device_may_set;
    object_class_property_add_bool(oc, "realized",
                                   "whether the device is in use",
                                   device_get_realized, NULL);
    object_class_property_add_bool(oc, "hotplugged",
                                   "whether it came after the machine started",
                                   device_get_hotplugged, NULL);
    object_class_property_add_bool(oc, "hotpluggable",
                                   "whether it can be removed",
                                   device_get_hotpluggable, NULL);
    prop = object_class_property_add(oc, "parent_bus", "link<bus>",
                                     "the bus it sits on", device_get_bus,
                                     NULL, NULL);
    prop->kind = OBJ_PROP_LINK;
    prop->resolve = device_resolve_bus;
}

static const TypeInfo device_types[] = {
    {
        .name = TYPE_DEVICE,
        .parent = TYPE_OBJECT,
        .help = "base of all devices",
        .abstract = true,
        .instance_size = sizeof(DeviceState),
        .instance_init = device_instance_init,
        .instance_post_init = object_apply_globals,
        .instance_finalize = device_finalize,
        .class_size = sizeof(DeviceClass),
        .class_init = device_class_init,
    },
};
DEFINE_TYPES(device_types)
