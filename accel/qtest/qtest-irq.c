/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt lines under qtest: watching and driving them. */
#include "util/osdep.h"
#include "qtest-internal.h"
#include "hw/core/qdev.h"

#define QTEST_GSIS 256

/* What the client was told; big lock. Lines of a device that is intercepted
 * after another share the numbers, as the protocol knows no names. */
static uint8_t told[QTEST_GSIS];
static bool gsi_intercepted;

static void qtest_tell(int n, int level)
{
    if (n < 0 || n >= QTEST_GSIS || told[n] == !!level) {
        return;
    }
    told[n] = !!level;
    qtest_send("IRQ %s %d", level ? "raise" : "lower", n);
}

void qtest_gsi_changed(int gsi, int level)
{
    if (gsi_intercepted) {
        qtest_tell(gsi, level);
    }
}

static void qtest_irq_handler(void *opaque, int n, int level)
{
    qtest_tell(n, level);
}

const char *qtest_intercept(const char *path, bool out)
{
    DeviceState *dev;

    if (g_str_equal(path, "gsi") || g_str_equal(path, "ioapic")) {
        gsi_intercepted = true;
        return NULL;
    }
    dev = (DeviceState *)object_resolve_path_type(path, TYPE_DEVICE, NULL);
    if (dev == NULL) {
        return "Unknown device";
    }
    if (!qdev_intercept_gpio(dev, NULL, out, qtest_irq_handler, NULL)) {
        return "The device has no such lines";
    }
    return NULL;
}

const char *qtest_set_irq(const char *path, const char *name, int n, int level)
{
    DeviceState *dev;
    Irq *irq;

    dev = (DeviceState *)object_resolve_path_type(path, TYPE_DEVICE, NULL);
    if (dev == NULL) {
        return "Unknown device";
    }
    if (g_str_equal(name, "unnamed-gpio-in")) {
        name = NULL;
    }
    irq = n < 0 ? NULL : qdev_get_gpio_in_named(dev, name, n);
    if (irq == NULL) {
        return "Unknown line";
    }
    irq_set(irq, level);
    return NULL;
}
