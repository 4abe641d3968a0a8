/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of devices and buses, names, paths, properties, state. */
#include "util/osdep.h"
#include "migration/vmstate.h"
#include "test-devices.h"

static char *path_of(void *obj)
{
    return object_get_canonical_path(OBJECT(obj));
}

static void test_places(void)
{
    DeviceState *named, *anon, *orphan;
    g_autofree char *p1 = NULL, *p2 = NULL, *p3 = NULL, *p4 = NULL;
    BusState *bus, *sub;

    t_machine_start(NULL);
    bus = qbus_find("t.0", NULL);
    named = qdev_new(TYPE_T_BRIDGE);
    g_assert_true(qdev_set_id(named, "br0", NULL));
    g_assert_true(qdev_realize_and_unref(named, bus, NULL));
    sub = qbus_find("br0", NULL);
    anon = qdev_new(TYPE_T_DISK);
    g_assert_true(qdev_set_id(anon, NULL, NULL));
    g_assert_true(qdev_realize_and_unref(anon, sub, NULL));
    orphan = qdev_new(TYPE_T_DISK);
    g_assert_true(qdev_realize_and_unref(orphan, sub, NULL));

    p1 = path_of(named);
    p2 = path_of(anon);
    p3 = path_of(orphan);
    p4 = path_of(sub);
    g_assert_cmpstr(p1, ==, "/machine/peripheral/br0");
    g_assert_cmpstr(p2, ==, "/machine/peripheral-anon/device[0]");
    g_assert_cmpstr(p3, ==, "/machine/unattached/device[0]");
    g_assert_cmpstr(p4, ==, "/machine/peripheral/br0/br0");
    g_assert(object_resolve_path("/machine/peripheral/br0/parent_bus", NULL)
             == OBJECT(bus));
    g_assert(object_resolve_path("/machine/peripheral/br0/br0/child[1]", NULL)
             == OBJECT(orphan));
    g_assert(qdev_find_recursive(bus, "br0") == named);
    g_assert_null(qdev_find_recursive(bus, "br1"));
    g_assert(qdev_find_device("br0", NULL) == named);
    g_assert(qdev_find_device("/machine/peripheral-anon/device[0]", NULL)
             == anon);
    g_assert_null(qdev_find_device("/machine", NULL));
    t_machine_stop();
}

static void test_ids(void)
{
    DeviceState *a, *b;
    Error *err = NULL;

    t_machine_start(NULL);
    a = qdev_new(TYPE_T_DISK);
    b = qdev_new(TYPE_T_DISK);
    g_assert_true(qdev_set_id(a, "x", NULL));
    g_assert_false(qdev_set_id(b, "x", &err));
    t_assert_error(err, "Duplicate device ID 'x'");
    err = NULL;
    g_assert_false(qdev_set_id(b, "9x", &err));
    t_assert_error(err, "Parameter 'id' expects an identifier");
    err = NULL;
    /* a property of every object is no free id */
    g_assert_false(qdev_set_id(b, "type", &err));
    t_assert_error(err, "Duplicate device ID 'type'");
    object_unparent(OBJECT(a));
    object_unref(a);
    object_unref(b);
    t_machine_stop();
}

static void test_bus_rules(void)
{
    BusState *bus;
    DeviceState *d[4];
    Error *err = NULL;

    t_machine_start(NULL);
    bus = qbus_find("t.0", NULL);
    for (int i = 0; i < 4; i++) {
        d[i] = qdev_new(TYPE_T_DISK);
    }
    g_assert_false(qdev_realize(d[0], NULL, &err));
    t_assert_error(err, "Device 't-disk' needs a t-bus bus");
    err = NULL;
    ((TDisk *)d[0])->slot = 1;
    ((TDisk *)d[1])->slot = 1;
    g_assert_true(qdev_realize(d[0], bus, NULL));
    g_assert_false(qdev_realize(d[1], bus, &err));
    t_assert_error(err, "slot 1 in use");
    err = NULL;
    g_assert_false(qbus_is_full(bus));
    ((TDisk *)d[1])->slot = 2;
    g_assert_true(qdev_realize(d[1], bus, NULL));
    g_assert_true(qbus_is_full(bus));
    g_assert_null(qbus_find_free(TYPE_T_BUS));
    g_assert_false(qdev_realize(d[2], bus, &err));
    t_assert_error(err, "Bus 't.0' is full");
    err = NULL;
    g_assert_null(OBJECT(d[2])->parent);
    g_assert_null(d[2]->parent_bus);
    for (int i = 0; i < 4; i++) {
        object_unref(d[i]);
    }
    t_machine_stop();
}

static void test_realize_is_all_or_nothing(void)
{
    BusState *bus;
    DeviceState *dev;
    Error *err = NULL;

    t_machine_start(NULL);
    bus = qbus_find("t.0", NULL);
    dev = qdev_new(TYPE_T_DISK);
    ((TDisk *)dev)->fail = true;
    g_assert_false(qdev_realize(dev, bus, &err));
    t_assert_error(err, "no such luck");
    g_assert_null(dev->parent_bus);
    g_assert_null(OBJECT(dev)->parent);
    g_assert_cmpuint(bus->num_children, ==, 0);
    g_assert_cmpuint(OBJECT(dev)->ref, ==, 1);
    ((TDisk *)dev)->fail = false;
    g_assert_true(qdev_realize(dev, bus, NULL));
    g_assert_true(qdev_is_realized(dev));
    object_unparent(OBJECT(dev));
    g_assert_false(qdev_is_realized(dev));
    g_assert_cmpuint(OBJECT(dev)->ref, ==, 1);
    object_unref(dev);
    t_machine_stop();
}

static void test_frozen_after_realize(void)
{
    DeviceState *dev;
    Error *err = NULL;

    t_machine_start(NULL);
    dev = t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL);
    g_assert_false(object_property_set_uint(OBJECT(dev), "size", 3, &err));
    t_assert_error(err, "Attempt to set property 'size' on device 'd' (type "
                   "'t-disk') after it was realized");
    g_assert_true(object_property_set_uint(OBJECT(dev), "reg", 3, NULL));
    err = NULL;
    g_assert_false(object_property_set_bool(OBJECT(dev), "realized", false,
                                            &err));
    t_assert_error(err, "Property 't-disk.realized' is not writable");
    t_machine_stop();
}

static void test_unrealize_order(void)
{
    t_machine_start(NULL);
    t_add("{\"driver\":\"t-bridge\",\"id\":\"br\"}", NULL);
    t_add("{\"driver\":\"t-disk\",\"id\":\"d\",\"bus\":\"br\"}", NULL);
    t_trail_assert("bridge.realize(br) bus.realize(br) disk.realize(d) ");
    object_unparent(OBJECT(qdev_find_device("br", NULL)));
    t_trail_assert("unrealize(d) bus.unrealize(br) unrealize(br) ");
    g_assert_null(qdev_find_device("d", NULL));
    t_machine_stop();
}

static void test_bus_names(void)
{
    DeviceState *dev;
    BusState *bus;
    Error *err = NULL;

    t_machine_start(NULL);
    dev = t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL);
    g_assert_cmpstr(qbus_new(TYPE_T_BUS, dev, NULL)->name, ==, "d.0");
    g_assert_cmpstr(qbus_new(TYPE_T_BUS, dev, NULL)->name, ==, "d.1");
    bus = qbus_new(TYPE_T_BUS, NULL, NULL);
    g_assert_cmpstr(bus->name, ==, "t-bus.0");
    /* a name that a property has */
    g_assert_cmpstr(qbus_new(TYPE_T_BUS, dev, "size")->name, ==, "size");
    g_assert(qbus_find("t-bus.0", NULL) == bus);
    g_assert(qbus_find("/machine/unattached/t-bus.0", NULL) == bus);
    g_assert(qbus_find("/machine/host", NULL) == qbus_find("t.0", NULL));
    g_assert_null(qbus_find("d", &err));
    t_assert_error(err, "Device 'd' has several child buses");
    err = NULL;
    g_assert_null(qbus_find("t.9", &err));
    g_assert_nonnull(strstr(error_get_hint(err), "t.0"));
    t_assert_error(err, "Bus 't.9' not found");
    t_machine_stop();
}

static bool collect_names(const VMStateEntry *se, void *opaque, Error **errp)
{
    g_string_append_printf(opaque, "%s:%u ", se->idstr, se->instance_id);
    return true;
}

static void test_state_is_registered(void)
{
    GString *names = g_string_new(NULL);

    t_machine_start(NULL);
    t_add("{\"driver\":\"t-disk\",\"id\":\"d\"}", NULL);
    t_add("{\"driver\":\"t-disk\"}", NULL);
    vmstate_foreach(collect_names, names, NULL);
    g_assert_cmpstr(names->str, ==, "t:d/t-disk:0 t-disk:0 ");
    t_machine_stop();
    g_string_truncate(names, 0);
    vmstate_foreach(collect_names, names, NULL);
    g_assert_cmpstr(names->str, ==, "");
    g_string_free(names, true);
}

static int listened;

static void on_realize(DeviceListener *l, DeviceState *dev)
{
    listened += 1;
}

static void on_unrealize(DeviceListener *l, DeviceState *dev)
{
    listened += 10;
}

static void test_listener(void)
{
    DeviceListener l = { .realize = on_realize, .unrealize = on_unrealize };
    DeviceState *dev;

    t_machine_start(NULL);
    device_listener_register(&l);
    dev = t_add("{\"driver\":\"t-disk\"}", NULL);
    object_unparent(OBJECT(dev));
    g_assert_cmpint(listened, ==, 11);
    device_listener_unregister(&l);
    t_machine_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/core/qdev/places", test_places);
    g_test_add_func("/hw/core/qdev/ids", test_ids);
    g_test_add_func("/hw/core/qdev/bus/rules", test_bus_rules);
    g_test_add_func("/hw/core/qdev/bus/names", test_bus_names);
    g_test_add_func("/hw/core/qdev/realize/all-or-nothing",
                    test_realize_is_all_or_nothing);
    g_test_add_func("/hw/core/qdev/realize/frozen", test_frozen_after_realize);
    g_test_add_func("/hw/core/qdev/unrealize/order", test_unrealize_order);
    g_test_add_func("/hw/core/qdev/state", test_state_is_registered);
    g_test_add_func("/hw/core/qdev/listener", test_listener);
    return g_test_run();
}
