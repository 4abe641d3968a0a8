/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buses: names, members, walks; see include/hw/core/qdev.h. */
#include "util/osdep.h"
#include "hw/core/qdev.h"
#include "util/cutils.h"
#include "qapi/visitor.h"
#include "qdev-internal.h"

/* In order of creation, so that a board's first bus is found first. */
static TAILQ_HEAD(BusList, BusState) all_buses =
    TAILQ_HEAD_INITIALIZER(all_buses);

/* ---- Making and naming ---- */

/* "ID.N" below a device with an id, else "type.N" with the first free N. */
static char *qbus_auto_name(const char *type, DeviceState *parent)
{
    g_autofree char *stem = NULL;

    if (parent && parent->id) {
        return g_strdup_printf("%s.%d", parent->id, parent->num_child_buses);
    }
    stem = g_ascii_strdown(type, -1);
    for (unsigned n = 0;; n++) {
        char *name = g_strdup_printf("%s.%u", stem, n);
        BusState *bus;

        TAILQ_FOREACH(bus, &all_buses, link) {
            if (g_str_equal(bus->name, name)) {
                break;
            }
        }
        if (!bus) {
            return name;
        }
        g_free(name);
    }
}

static void qbus_place(BusState *bus, DeviceState *parent, const char *name)
{
    Object *owner = parent ? OBJECT(parent) : qdev_container("unattached");

    bus->parent = parent;
    bus->name = name ? g_strdup(name)
                     : qbus_auto_name(object_get_typename(OBJECT(bus)), parent);
    if (parent) {
        parent->num_child_buses++;
        TAILQ_INSERT_TAIL(&parent->child_buses, bus, sibling);
    }
    TAILQ_INSERT_TAIL(&all_buses, bus, link);
    /* a bus may be named after an id, which a user chose */
    if (object_property_find(owner, bus->name)) {
        g_autofree char *other = g_strdup_printf("%s[*]", bus->name);

        object_property_add_child(owner, other, OBJECT(bus));
    } else {
        object_property_add_child(owner, bus->name, OBJECT(bus));
    }
}

void qbus_init(void *mem, size_t size, const char *type, DeviceState *parent,
               const char *name)
{
    object_initialize_size(mem, size, type);
    qbus_place(mem, parent, name);
    /* the child property holds the only reference */
    object_unref(mem);
}

BusState *qbus_new(const char *type, DeviceState *parent, const char *name)
{
    BusState *bus = BUS(object_new(type));

    qbus_place(bus, parent, name);
    object_unref(bus);
    return bus;
}

/* ---- Life ---- */

bool qbus_realize(BusState *bus, Error **errp)
{
    BusClass *bc = BUS_GET_CLASS(bus);

    if (bus->realized) {
        return true;
    }
    if (bc->realize && !bc->realize(bus, errp)) {
        return false;
    }
    bus->realized = true;
    return true;
}

static void qbus_unrealize(BusState *bus)
{
    BusClass *bc = BUS_GET_CLASS(bus);
    DeviceState *dev;

    if (!bus->realized) {
        return;
    }
    TAILQ_FOREACH(dev, &bus->children, sibling) {
        qdev_unrealize(dev);
    }
    bus->realized = false;
    if (bc->unrealize) {
        bc->unrealize(bus);
    }
}

bool qdev_realize_buses(DeviceState *dev, Error **errp)
{
    BusState *bus;

    TAILQ_FOREACH(bus, &dev->child_buses, sibling) {
        if (!qbus_realize(bus, errp)) {
            qdev_unrealize_buses(dev);
            return false;
        }
    }
    return true;
}

void qdev_unrealize_buses(DeviceState *dev)
{
    BusState *bus;

    TAILQ_FOREACH_REVERSE(bus, &dev->child_buses, BusListHead, sibling) {
        qbus_unrealize(bus);
    }
}

/* ---- Members ---- */

bool qbus_is_full(BusState *bus)
{
    BusClass *bc = BUS_GET_CLASS(bus);

    return bc->max_dev && bus->num_children >= bc->max_dev;
}

static bool bus_child_get(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    g_autofree char *path = object_get_canonical_path(opaque);
    char *shown = path ? path : (char *)"";

    return visit_type_str(v, name, &shown, errp);
}

static Object *bus_child_resolve(Object *obj, const ObjectProperty *prop)
{
    return prop->opaque;
}

static void bus_add_child_link(BusState *bus, DeviceState *dev)
{
    g_autofree char *name = NULL, *type = NULL;
    ObjectProperty *prop;

    dev->child_index = bus->next_child_index++;
    name = g_strdup_printf("child[%u]", dev->child_index);
    type = g_strdup_printf("link<%s>", object_get_typename(OBJECT(dev)));
    prop = object_property_add(OBJECT(bus), name, type, "device on the bus",
                               bus_child_get, NULL, NULL, dev);
    prop->kind = OBJ_PROP_LINK;
    prop->resolve = bus_child_resolve;
}

bool qbus_attach(BusState *bus, DeviceState *dev, Error **errp)
{
    DeviceClass *dc = DEVICE_GET_CLASS(dev);
    BusClass *bc = BUS_GET_CLASS(bus);

    if (!dc->bus_type || !object_dynamic_cast(OBJECT(bus), dc->bus_type)) {
        error_setg(errp, "Device '%s' can't go on %s bus",
                   object_get_typename(OBJECT(dev)),
                   object_get_typename(OBJECT(bus)));
        return false;
    }
    if (qbus_is_full(bus)) {
        error_setg(errp, "Bus '%s' is full", bus->name);
        return false;
    }
    if (bc->check_address && !bc->check_address(bus, dev, errp)) {
        return false;
    }
    dev->parent_bus = bus;
    TAILQ_INSERT_TAIL(&bus->children, dev, sibling);
    bus->num_children++;
    object_ref(dev);
    bus_add_child_link(bus, dev);
    return true;
}

void qbus_detach(DeviceState *dev)
{
    BusState *bus = dev->parent_bus;
    char name[32];

    if (!bus) {
        return;
    }
    snprintf(name, sizeof(name), "child[%u]", dev->child_index);
    object_property_del(OBJECT(bus), name);
    TAILQ_REMOVE(&bus->children, dev, sibling);
    bus->num_children--;
    dev->parent_bus = NULL;
    object_unref(dev);
}

void qbus_set_hotplug_handler(BusState *bus, Object *handler)
{
    bus->hotplug_handler = handler;
}

/* ---- Walks and searches ---- */

static int qdev_walk(DeviceState *dev, DeviceWalkFn *dev_fn, BusWalkFn *bus_fn,
                     void *opaque)
{
    int ret = dev_fn ? dev_fn(dev, opaque) : 0;
    BusState *bus;

    TAILQ_FOREACH(bus, &dev->child_buses, sibling) {
        if (ret) {
            break;
        }
        ret = qbus_walk(bus, dev_fn, bus_fn, opaque);
    }
    return ret;
}

int qbus_walk(BusState *bus, DeviceWalkFn *dev_fn, BusWalkFn *bus_fn,
              void *opaque)
{
    int ret = bus_fn ? bus_fn(bus, opaque) : 0;
    DeviceState *dev, *tmp;

    TAILQ_FOREACH_SAFE(dev, &bus->children, sibling, tmp) {
        if (ret) {
            break;
        }
        ret = qdev_walk(dev, dev_fn, bus_fn, opaque);
    }
    return ret;
}

DeviceState *qdev_find_recursive(BusState *bus, const char *id)
{
    DeviceState *dev;
    BusState *below;

    TAILQ_FOREACH(dev, &bus->children, sibling) {
        if (g_strcmp0(dev->id, id) == 0) {
            return dev;
        }
        TAILQ_FOREACH(below, &dev->child_buses, sibling) {
            DeviceState *found = qdev_find_recursive(below, id);

            if (found) {
                return found;
            }
        }
    }
    return NULL;
}

void qbus_foreach(void (*fn)(BusState *bus, void *opaque), void *opaque)
{
    BusState *bus;

    TAILQ_FOREACH(bus, &all_buses, link) {
        fn(bus, opaque);
    }
}

BusState *qbus_find_free(const char *bus_type)
{
    BusState *bus;

    TAILQ_FOREACH(bus, &all_buses, link) {
        if (object_dynamic_cast(OBJECT(bus), bus_type) && !qbus_is_full(bus)) {
            return bus;
        }
    }
    return NULL;
}

static void qbus_not_found(const char *path, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    BusState *bus;

    error_setg(errp, "Bus '%s' not found", path);
    TAILQ_FOREACH(bus, &all_buses, link) {
        g_ptr_array_add(names, bus->name);
    }
    g_ptr_array_add(names, NULL);
    error_hint_closest(errp, path, (const char *const *)names->pdata);
}

BusState *qbus_find(const char *path, Error **errp)
{
    Object *obj;
    BusState *bus;

    TAILQ_FOREACH(bus, &all_buses, link) {
        if (g_str_equal(bus->name, path)) {
            return bus;
        }
    }
    obj = object_resolve_path(path, NULL);
    if (object_dynamic_cast(obj, TYPE_BUS)) {
        return BUS(obj);
    }
    if (object_dynamic_cast(obj, TYPE_DEVICE)) {
        DeviceState *dev = DEVICE(obj);

        bus = TAILQ_FIRST(&dev->child_buses);
        if (bus && !TAILQ_NEXT(bus, sibling)) {
            return bus;
        }
        error_setg(errp, bus ? "Device '%s' has several child buses"
                             : "Device '%s' has no child bus", path);
        return NULL;
    }
    qbus_not_found(path, errp);
    return NULL;
}

/* ---- Type ---- */

static void bus_instance_init(Object *obj)
{
    BusState *bus = BUS(obj);

    TAILQ_INIT(&bus->children);
}

/* Devices leave the bus before it leaves the tree. */
static void bus_unparent(Object *obj)
{
    BusState *bus = BUS(obj);
    DeviceState *dev;

    qbus_unrealize(bus);
    while ((dev = TAILQ_LAST(&bus->children, DeviceListHead))) {
        object_ref(dev);
        object_unparent(OBJECT(dev));
        qbus_detach(dev);
        object_unref(dev);
    }
    TAILQ_REMOVE(&all_buses, bus, link);
    if (bus->parent) {
        TAILQ_REMOVE(&bus->parent->child_buses, bus, sibling);
        bus->parent = NULL;
    }
}

static void bus_finalize(Object *obj)
{
    BusState *bus = BUS(obj);

    g_free(bus->name);
}

static bool bus_get_realized(Object *obj)
{
    return BUS(obj)->realized;
}

static void bus_class_init(ObjectClass *oc, const void *data)
{
    oc->unparent = bus_unparent;
    object_class_property_add_bool(oc, "realized", "whether the bus is in use",
                                   bus_get_realized, NULL);
}

static const TypeInfo bus_types[] = {
    {
        .name = TYPE_BUS,
        .parent = TYPE_OBJECT,
        .help = "what devices are plugged into",
        .abstract = true,
        .instance_size = sizeof(BusState),
        .instance_init = bus_instance_init,
        .instance_finalize = bus_finalize,
        .class_size = sizeof(BusClass),
        .class_init = bus_class_init,
    },
};
DEFINE_TYPES(bus_types)
