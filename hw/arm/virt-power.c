/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power button of the virt machine: pin 3 of the PL061, which the device
 * tree calls a key. system_powerdown holds it long enough for a guest that
 * looks at the pin some time after the interrupt.
 */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/gpio/pl061.h"
#include "system/runstate.h"
#include "util/main-loop.h"

#define PRESS_NS (100 * NSEC_PER_MSEC)

static void virt_button_up(void *opaque)
{
    VirtMachine *v = opaque;

    irq_lower(v->power_button);
}

static void virt_powerdown(void *opaque)
{
    VirtMachine *v = opaque;

    irq_raise(v->power_button);
    timer_mod_ns(&v->power_timer, clock_get_ns(CLOCK_VIRTUAL) + PRESS_NS);
}

bool virt_create_power_button(VirtMachine *v, Error **errp)
{
    DeviceState *dev = qdev_new(TYPE_PL061);

    if (!qdev_realize_and_unref(dev, NULL, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(), VIRT_GPIO_BASE,
                                &PL061(dev)->io);
    qdev_connect_gpio_out_named(dev, "irq", 0, v->spi[VIRT_SPI_GPIO]);
    v->power_button = qdev_get_gpio_in_named(dev, NULL, VIRT_PIN_POWER);
    timer_init_ns(&v->power_timer, main_context(), CLOCK_VIRTUAL,
                  virt_button_up, v);
    powerdown_notifier_add(virt_powerdown, v);
    return true;
}
