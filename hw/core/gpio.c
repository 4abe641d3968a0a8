/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named sets of wires of a device; see include/hw/core/qdev.h. */
#include "util/osdep.h"
#include "hw/core/qdev.h"
#include "qdev-internal.h"

/* An observed wire: tell the observer, then pass the level on. */
typedef struct GpioTap {
    IrqHandler *handler;
    void *opaque;
    int n;
    Irq *wire;                      /* what the sender or receiver drives */
    Irq *onward;                    /* may be NULL: it led nowhere */
    bool own_wire;
} GpioTap;

typedef struct GpioSet {
    char *name;                     /* NULL: the unnamed set */
    Irq **in;
    int num_in;
    Irq **out;                      /* belongs to the device */
    int num_out;
    GPtrArray *taps;
    LIST_ENTRY(GpioSet) next;
} GpioSet;

struct GpioList {
    LIST_HEAD(, GpioSet) sets;
};

static GpioSet *gpio_find(DeviceState *dev, const char *name)
{
    GpioSet *set;

    if (!dev->gpios) {
        return NULL;
    }
    LIST_FOREACH(set, &dev->gpios->sets, next) {
        if (g_strcmp0(set->name, name) == 0) {
            return set;
        }
    }
    return NULL;
}

static GpioSet *gpio_get(DeviceState *dev, const char *name)
{
    GpioSet *set = gpio_find(dev, name);

    if (set) {
        return set;
    }
    if (!dev->gpios) {
        dev->gpios = g_new0(struct GpioList, 1);
    }
    set = g_new0(GpioSet, 1);
    set->name = g_strdup(name);
    LIST_INSERT_HEAD(&dev->gpios->sets, set, next);
    return set;
}

void qdev_init_gpio_in_named(DeviceState *dev, IrqHandler *handler,
                             const char *name, int n)
{
    GpioSet *set = gpio_get(dev, name);

    g_assert(!set->in);
    set->in = g_new(Irq *, n);
    set->num_in = n;
    for (int i = 0; i < n; i++) {
        set->in[i] = irq_new(handler, dev, i);
    }
}

void qdev_init_gpio_out_named(DeviceState *dev, Irq **pins, const char *name,
                              int n)
{
    GpioSet *set = gpio_get(dev, name);

    g_assert(!set->out);
    memset(pins, 0, n * sizeof(*pins));
    set->out = pins;
    set->num_out = n;
}

Irq *qdev_get_gpio_in_named(DeviceState *dev, const char *name, int n)
{
    GpioSet *set = gpio_find(dev, name);

    return set && n >= 0 && n < set->num_in ? set->in[n] : NULL;
}

void qdev_connect_gpio_out_named(DeviceState *dev, const char *name, int n,
                                 Irq *irq)
{
    GpioSet *set = gpio_find(dev, name);

    g_assert(set && n >= 0 && n < set->num_out);
    set->out[n] = irq;
}

static void gpio_tap_handler(void *opaque, int n, int level)
{
    GpioTap *tap = opaque;

    tap->handler(tap->opaque, tap->n, level);
    irq_set(tap->onward, level);
}

static void gpio_tap_free(void *opaque)
{
    GpioTap *tap = opaque;

    /* a tapped output has a wire of its own in front of the old one */
    irq_free(tap->own_wire ? tap->wire : tap->onward);
    g_free(tap);
}

bool qdev_intercept_gpio(DeviceState *dev, const char *name, bool out,
                         IrqHandler *handler, void *opaque)
{
    GpioSet *set = gpio_find(dev, name);
    int n = !set ? 0 : out ? set->num_out : set->num_in;

    if (n == 0) {
        return false;
    }
    if (!set->taps) {
        set->taps = g_ptr_array_new_with_free_func(gpio_tap_free);
    }
    for (int i = 0; i < n; i++) {
        GpioTap *tap = g_new0(GpioTap, 1);

        tap->handler = handler;
        tap->opaque = opaque;
        tap->n = i;
        if (out) {
            tap->onward = set->out[i];
            tap->own_wire = true;
            tap->wire = irq_new(gpio_tap_handler, tap, i);
            set->out[i] = tap->wire;
        } else {
            tap->wire = set->in[i];
            tap->onward = irq_intercept(set->in[i], gpio_tap_handler, tap, i);
        }
        g_ptr_array_add(set->taps, tap);
    }
    return true;
}

void qdev_free_gpios(DeviceState *dev)
{
    GpioSet *set, *tmp;

    if (!dev->gpios) {
        return;
    }
    LIST_FOREACH_SAFE(set, &dev->gpios->sets, next, tmp) {
        for (int i = 0; i < set->num_in; i++) {
            irq_free(set->in[i]);
        }
        g_free(set->in);
        g_clear_pointer(&set->taps, g_ptr_array_unref);
        g_free(set->name);
        g_free(set);
    }
    g_clear_pointer(&dev->gpios, g_free);
}
