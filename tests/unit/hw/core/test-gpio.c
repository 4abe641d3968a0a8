/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wires, named sets, taps. */
#include "util/osdep.h"
#include "test-devices.h"

static GString *log_text;

static void handler(void *opaque, int n, int level)
{
    g_string_append_printf(log_text, "in%d=%d ", n, level);
}

static void tap(void *opaque, int n, int level)
{
    g_string_append_printf(log_text, "%s%d=%d ", (char *)opaque, n, level);
}

static void expect(const char *want)
{
    g_assert_cmpstr(log_text->str, ==, want);
    g_string_truncate(log_text, 0);
}

static void test_null_is_fine(void)
{
    irq_set(NULL, 1);
    irq_raise(NULL);
    irq_lower(NULL);
    irq_pulse(NULL);
    irq_free(NULL);
}

static void test_sets_and_taps(void)
{
    DeviceState *rx = qdev_new(TYPE_T_HIDDEN);
    DeviceState *tx = qdev_new(TYPE_T_HIDDEN);
    Irq *pins[3] = { (Irq *)1, (Irq *)1, (Irq *)1 };

    qdev_init_gpio_in_named(rx, handler, NULL, 2);
    qdev_init_gpio_out_named(tx, pins, "out", 3);
    g_assert_null(pins[2]);
    g_assert_null(qdev_get_gpio_in_named(rx, NULL, 2));
    g_assert_null(qdev_get_gpio_in_named(rx, NULL, -1));
    g_assert_null(qdev_get_gpio_in_named(rx, "x", 0));
    qdev_connect_gpio_out_named(tx, "out", 0,
                                qdev_get_gpio_in_named(rx, NULL, 1));
    irq_raise(pins[0]);
    irq_raise(pins[1]);
    expect("in1=1 ");

    g_assert_false(qdev_intercept_gpio(tx, "none", true, tap, NULL));
    g_assert_false(qdev_intercept_gpio(tx, "out", false, tap, NULL));
    g_assert_true(qdev_intercept_gpio(tx, "out", true, tap, (void *)"o"));
    irq_lower(pins[0]);
    irq_raise(pins[2]);
    expect("o0=0 in1=0 o2=1 ");
    g_assert_true(qdev_intercept_gpio(rx, NULL, false, tap, (void *)"i"));
    irq_pulse(pins[0]);
    expect("o0=1 i1=1 in1=1 o0=0 i1=0 in1=0 ");
    object_unref(tx);
    object_unref(rx);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    log_text = g_string_new(NULL);
    g_test_add_func("/hw/core/irq/null", test_null_is_fine);
    g_test_add_func("/hw/core/gpio/sets-and-taps", test_sets_and_taps);
    return g_test_run();
}
