/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices and the buses they sit on.
 *
 * Life cycle of a device:
 *   1. qdev_new() (or object_initialize_child() inside its owner);
 *   2. properties are set;
 *   3. qdev_set_id() or an owner gives it its place in the tree:
 *      /machine/peripheral/ID, /machine/peripheral-anon/device[N]; a device
 *      that has no parent when it is realized lands in
 *      /machine/unattached/device[N];
 *   4. qdev_realize(): onto the bus, pre_plug, class realize, child buses,
 *      plug. All or nothing: after a failure the device is as before;
 *   5. properties without PROP_F_LIVE are frozen; resets and migrations;
 *   6. qdev_unrealize(), the exact mirror; object_unparent() calls it too;
 *   7. the last reference goes: instance_finalize.
 *
 * A device that offers a bus makes it in realize with qbus_new() or
 * qbus_init(); the bus becomes a child of the device under its own name, is
 * realized after the device and goes away with it.
 *
 * Reset: devices below first, then the device (see hw/core/reset.h).
 *
 * Threading: all of it under the big lock, except dev->realized, which any
 * thread may read with qdev_is_realized().
 */
#ifndef HW_CORE_QDEV_H
#define HW_CORE_QDEV_H

#include "util/queue.h"
#include "qom/object.h"
#include "qom/property.h"
#include "hw/core/irq.h"

struct VMStateDescription;
struct GpioList;

#define TYPE_DEVICE "device"
#define TYPE_BUS    "bus"

OBJECT_DECLARE_TYPE(DeviceState, DeviceClass, DEVICE)
OBJECT_DECLARE_TYPE(BusState, BusClass, BUS)

/* Headings of -device help, in their order there. */
typedef enum DeviceCategory {
    DEVICE_CATEGORY_BRIDGE,
    DEVICE_CATEGORY_USB,
    DEVICE_CATEGORY_STORAGE,
    DEVICE_CATEGORY_NETWORK,
    DEVICE_CATEGORY_INPUT,
    DEVICE_CATEGORY_DISPLAY,
    DEVICE_CATEGORY_SOUND,
    DEVICE_CATEGORY_MISC,
    DEVICE_CATEGORY_CPU,
    DEVICE_CATEGORY_WATCHDOG,
    DEVICE_CATEGORY__MAX,
} DeviceCategory;

struct DeviceClass {
    ObjectClass parent_class;

    uint32_t categories;            /* BIT(DEVICE_CATEGORY_...), may be 0 */
    const char *desc;               /* short, for -device help */
    const char *bus_type;           /* a device needs such a bus; NULL: none */
    bool user_creatable;            /* by -device; default true */
    bool hotpluggable;              /* may come and go; default true */

    /*
     * realize and unrealize: a subclass that overrides one keeps its parent's
     * (device_class_set_parent_realize) and calls it.
     */
    bool (*realize)(DeviceState *dev, Error **errp);
    void (*unrealize)(DeviceState *dev);
    /* Back to power-on state; requests in flight are drained or cancelled.
     * Called for realized devices only. May be NULL. */
    void (*reset_hold)(Object *obj);
    const struct VMStateDescription *vmsd;      /* its state; may be NULL */
    /* Devices without a bus: their node in the paths of hw/core/boot-order.h,
     * "pci@i0cf8"; g_free(). NULL: none. */
    char *(*get_fw_name)(DeviceState *dev);
};

struct DeviceState {
    Object parent_obj;

    char *id;                       /* as given by the user, or NULL */
    char *canonical_path;           /* valid while realized */
    bool realized;
    bool hotplugged;                /* plugged after the machine was ready */
    bool pending_deleted_event;     /* unplug was asked for, not done yet */
    int64_t pending_deleted_until_ns;   /* a repeated request is refused */
    struct json_object *opts;       /* what device_add or -device was given */

    BusState *parent_bus;           /* holds a reference to the device */
    TAILQ_ENTRY(DeviceState) sibling;       /* on parent_bus->children */
    TAILQ_HEAD(BusListHead, BusState) child_buses;
    int num_child_buses;            /* ever made; next automatic number */
    bool was_realized;              /* DEVICE_DELETED is due when it is freed */
    unsigned child_index;           /* N of its "child[N]" on the bus */
    struct GpioList *gpios;
};

struct BusClass {
    ObjectClass parent_class;

    unsigned max_dev;               /* devices it can hold; 0: no limit */
    /* After properties, before realize: may @dev sit here? Sets nothing. */
    bool (*check_address)(BusState *bus, DeviceState *dev, Error **errp);
    /* Unique and stable on the bus ("0000:00:02.0"), part of the name of the
     * migrated state; g_free(). NULL: the bus gives none. */
    char *(*get_dev_path)(DeviceState *dev);
    /* @dev's node in the paths of hw/core/boot-order.h, "scsi@2"; g_free().
     * NULL: devices here have none of their own. */
    char *(*get_fw_name)(DeviceState *dev);
    bool (*realize)(BusState *bus, Error **errp);
    void (*unrealize)(BusState *bus);
    void (*reset_hold)(Object *obj);
};

struct BusState {
    Object parent_obj;

    DeviceState *parent;            /* NULL: a root bus */
    char *name;
    Object *hotplug_handler;        /* weak; NULL: no hot-plug here */
    bool realized;
    unsigned num_children;
    unsigned next_child_index;      /* of the "child[N]" links */
    TAILQ_HEAD(DeviceListHead, DeviceState) children;   /* oldest first */
    TAILQ_ENTRY(BusState) sibling;
    TAILQ_ENTRY(BusState) link;             /* of all buses, oldest first */
};

/* ---- Devices ---- */

/* qdev_new: @type must exist and be concrete (a bug of ours otherwise). */
DeviceState *qdev_new(const char *type);

/*
 * qdev_set_id: give @dev its place below /machine/peripheral (@id is copied)
 * or, with @id NULL, /machine/peripheral-anon. Errors: id not well formed,
 * id in use.
 */
bool qdev_set_id(DeviceState *dev, const char *id, Error **errp);

/*
 * qdev_realize: bring @dev to life on @bus (NULL for devices without
 * bus_type). The bus takes a reference.
 */
bool qdev_realize(DeviceState *dev, BusState *bus, Error **errp);
/* The same, and drop the caller's reference, also on failure. */
bool qdev_realize_and_unref(DeviceState *dev, BusState *bus, Error **errp);
/* qdev_unrealize: undo qdev_realize. No-op when @dev is not realized. */
void qdev_unrealize(DeviceState *dev);

/* qdev_is_realized: any thread; pairs with the release store of realize. */
static inline bool qdev_is_realized(DeviceState *dev)
{
    return __atomic_load_n(&dev->realized, __ATOMIC_ACQUIRE);
}

/* The name for messages: the id, else the canonical path; borrowed. */
const char *qdev_get_printable_name(DeviceState *dev);
/* bus path "/" ... as the bus class gives it; NULL when there is none. */
char *qdev_get_dev_path(DeviceState *dev);

/* qdev_find_recursive: the device of that id on @bus or below. */
DeviceState *qdev_find_recursive(BusState *bus, const char *id);
/*
 * qdev_find_device: by id or by QOM path. Error class DeviceNotFound,
 * "Device 'x' not found".
 */
DeviceState *qdev_find_device(const char *id_or_path, Error **errp);

/*
 * qdev_container: "/machine/@name", where devices that nobody owns live:
 * "peripheral", "peripheral-anon", "unattached".
 */
Object *qdev_container(const char *name);

/* A subclass overrides realize, keeping its parent's in *@parent_realize. */
typedef bool DeviceRealize(DeviceState *dev, Error **errp);
typedef void DeviceUnrealize(DeviceState *dev);
void device_class_set_parent_realize(DeviceClass *dc, DeviceRealize *realize,
                                     DeviceRealize **parent_realize);
void device_class_set_parent_unrealize(DeviceClass *dc,
                                       DeviceUnrealize *unrealize,
                                       DeviceUnrealize **parent_unrealize);

/* Property rows of a device class: frozen after realize. */
#define device_class_set_props(dc, rows)                                       \
    object_class_add_props(OBJECT_CLASS(dc), rows)

/* ---- Buses ---- */

/*
 * qbus_init, qbus_new: make a bus of @type below @parent (NULL: a root bus,
 * below /machine/unattached). @name NULL gives "ID.N" when the parent has an
 * id, else the bus type's name in lower case and a number, "pci.0".
 * qbus_init is for a bus embedded in its parent; @size is checked.
 */
void qbus_init(void *bus, size_t size, const char *type, DeviceState *parent,
               const char *name);
BusState *qbus_new(const char *type, DeviceState *parent, const char *name);
/* Root buses only; those of a device are handled with it. */
bool qbus_realize(BusState *bus, Error **errp);

void qbus_set_hotplug_handler(BusState *bus, Object *handler);
bool qbus_is_full(BusState *bus);
typedef int BusWalkFn(BusState *bus, void *opaque);
typedef int DeviceWalkFn(DeviceState *dev, void *opaque);
/*
 * qbus_walk: @bus_fn and @dev_fn (each may be NULL) on @bus and all below,
 * parents first; non-zero stops and is the result.
 */
int qbus_walk(BusState *bus, DeviceWalkFn *dev_fn, BusWalkFn *bus_fn,
              void *opaque);
/*
 * qbus_find: the bus a user means by @path: an absolute or partial QOM path,
 * a bus name ("pcie.0"), or the id of a device that has just one bus.
 * Error: "Bus 'x' not found".
 */
BusState *qbus_find(const char *path, Error **errp);
/* qbus_foreach: run @fn for each bus, oldest first. */
void qbus_foreach(void (*fn)(BusState *bus, void *opaque), void *opaque);
/* qbus_find_free: the oldest bus of type @bus_type with room, or NULL. */
BusState *qbus_find_free(const char *bus_type);

/* ---- GPIO: named sets of wires ---- */

/* @name NULL is the unnamed set. Inputs call handler(dev, n, level). */
void qdev_init_gpio_in_named(DeviceState *dev, IrqHandler *handler,
                             const char *name, int n);
/* @pins: where the device keeps its @n senders; they start as NULL. */
void qdev_init_gpio_out_named(DeviceState *dev, Irq **pins, const char *name,
                              int n);
Irq *qdev_get_gpio_in_named(DeviceState *dev, const char *name, int n);
void qdev_connect_gpio_out_named(DeviceState *dev, const char *name, int n,
                                 Irq *irq);
/*
 * qdev_intercept_gpio: for qtest: @handler sees every change of the named
 * inputs (@out false) or outputs; levels are passed on. Returns false when
 * there is no such set.
 */
bool qdev_intercept_gpio(DeviceState *dev, const char *name, bool out,
                         IrqHandler *handler, void *opaque);

/* ---- Hot-plug ---- */

/* Who plugs @dev: the machine when it wants to, else the bus's handler. */
Object *qdev_get_hotplug_handler(DeviceState *dev);
/*
 * qdev_unplug_request: device_del. Asks the guest, or removes at once when no
 * guest needs to be asked.
 */
bool qdev_unplug_request(DeviceState *dev, Error **errp);
/*
 * qdev_unplug_finish: the guest has let go of @dev: unplug, unrealize, out of
 * the tree. DEVICE_DELETED is sent when the last reference goes. @dev may be
 * gone afterwards.
 */
void qdev_unplug_finish(DeviceState *dev);
/* Called by the handler when the guest refused or gave up. */
void qdev_unplug_cancelled(DeviceState *dev);

/*
 * Told of every device that is realized or about to be unrealized. A new
 * listener hears of later devices only.
 */
typedef struct DeviceListener DeviceListener;
struct DeviceListener {
    void (*realize)(DeviceListener *l, DeviceState *dev);
    void (*unrealize)(DeviceListener *l, DeviceState *dev);
    LIST_ENTRY(DeviceListener) next;
};
void device_listener_register(DeviceListener *l);
void device_listener_unregister(DeviceListener *l);

#endif
