/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The power button of the virt machine. Where firmware hands over ACPI tables
 * it is an event of the generic event device; else pin 3 of the PL061, which
 * the device tree calls a key: system_powerdown holds it long enough for a
 * guest that looks at the pin some time after the interrupt.
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

static bool virt_create_ged(VirtMachine *v, Error **errp)
{
    DeviceState *dev = qdev_new(TYPE_ACPI_GED);

    if (!qdev_realize_and_unref(dev, NULL, errp)) {
        return false;
    }
    v->ged = ACPI_GED(dev);
    memory_region_add_subregion(get_system_memory(), VIRT_EVENTS_BASE,
                                &v->ged->selector_mr);
    qdev_connect_gpio_out_named(dev, "irq", 0, v->spi[VIRT_SPI_EVENTS]);
    return true;
}

static bool virt_create_pl061(VirtMachine *v, Error **errp)
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

bool virt_create_power_button(VirtMachine *v, Error **errp)
{
    return virt_has_acpi(v) && virt_has_firmware(v)
               ? virt_create_ged(v, errp) : virt_create_pl061(v, errp);
}
