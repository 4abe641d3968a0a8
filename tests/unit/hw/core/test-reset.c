/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Order of a reset; devices that go away during one. */
#include "util/osdep.h"
#include "hw/core/reset.h"
#include "test-devices.h"

static void callback(void *opaque)
{
    g_string_append_printf(t_trail, "fn(%s) ", (char *)opaque);
}

static void remove_device(void *opaque)
{
    DeviceState *dev = qdev_find_device(opaque, NULL);

    if (dev) {
        object_unparent(OBJECT(dev));
    }
}

static void test_tree_then_callbacks(void)
{
    MachineState *ms = t_machine_start(NULL);

    t_add("{\"driver\":\"t-bridge\",\"id\":\"br\"}", NULL);
    t_add("{\"driver\":\"t-disk\",\"id\":\"below\",\"bus\":\"br\"}", NULL);
    t_add("{\"driver\":\"t-disk\",\"id\":\"beside\",\"bus\":\"t.0\"}", NULL);
    g_string_truncate(t_trail, 0);
    reset_register(callback, (void *)"1");
    reset_register(callback, (void *)"2");
    machine_reset(ms);
    t_trail_assert("reset(below) bus.reset(br) reset(br) reset(beside) "
                   "bus.reset(t.0) reset(/machine/host) fn(1) fn(2) ");
    reset_unregister(callback, (void *)"1");
    device_reset(qdev_find_device("br", NULL));
    t_trail_assert("reset(below) bus.reset(br) reset(br) ");
    machine_reset(ms);
    reset_unregister(callback, (void *)"2");
    t_machine_stop();
}

static void test_device_leaves_during_reset(void)
{
    MachineState *ms = t_machine_start(NULL);

    t_add("{\"driver\":\"t-disk\",\"id\":\"a\"}", NULL);
    reset_register(remove_device, (void *)"a");
    machine_reset(ms);
    machine_reset(ms);
    g_assert_null(qdev_find_device("a", NULL));
    reset_unregister(remove_device, (void *)"a");
    t_machine_stop();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hw/core/reset/order", test_tree_then_callbacks);
    g_test_add_func("/hw/core/reset/device-leaves",
                    test_device_leaves_during_reset);
    return g_test_run();
}
