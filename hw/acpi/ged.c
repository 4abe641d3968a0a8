/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware-reduced ACPI registers; see include/hw/acpi/ged.h.
 *
 *   selector  0  dword  events since the last read; reading clears
 *   sleep     0  byte   SLEEP_CONTROL: bits 4:2 SLP_TYP, bit 5 SLP_EN
 *             1  byte   SLEEP_STATUS: bit 7 WAK_STS, write 1 to clear
 *   timer     0  dword  24-bit counter of 3.579545 MHz
 *   reset     0  byte   0x06 (or 0x0e) resets
 *
 * Only S5 exists; the guest is told no other state. system_powerdown presses
 * the power button. The timer's carry raises nothing: there is no SCI.
 */
#include "util/osdep.h"
#include "hw/acpi/ged.h"
#include "system/runstate.h"
#include "util/log.h"
#include "util/timer.h"
#include "trace/trace-hw_acpi.h"

#define SLEEP_CONTROL       0
#define SLEEP_STATUS        1
#define SLEEP_SLP_TYP(v)    ((v) >> 2 & 7)
#define SLEEP_SLP_EN        0x20
#define SLEEP_WAK_STS       0x80

#define RESET_REQUEST       0x04

#define PM_TIMER_MASK       0xffffff

/* ---- Events ---- */

static void acpi_ged_raise(AcpiGed *s, uint32_t events)
{
    trace_acpi_ged_raise(events);
    s->pending |= events;
    irq_pulse(s->irq);
}

static uint64_t selector_read(void *opaque, hwaddr addr, unsigned int size)
{
    AcpiGed *s = opaque;
    uint32_t events = s->pending;

    s->pending = 0;
    return events;
}

static const MemoryRegionOps selector_ops = {
    .read = selector_read,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
};

static void ged_powerdown(void *opaque)
{
    acpi_ged_raise(opaque, ACPI_GED_POWER_BUTTON);
}

/* ---- Sleep ---- */

static uint64_t sleep_read(void *opaque, hwaddr addr, unsigned int size)
{
    AcpiGed *s = opaque;

    return addr == SLEEP_CONTROL ? s->sleep_control : s->sleep_status;
}

static void sleep_write(void *opaque, hwaddr addr, uint64_t val,
                        unsigned int size)
{
    AcpiGed *s = opaque;

    if (addr == SLEEP_STATUS) {
        s->sleep_status &= ~(val & SLEEP_WAK_STS);
        return;
    }
    trace_acpi_sleep_control(val);
    s->sleep_control = val & ~SLEEP_SLP_EN;
    if (!(val & SLEEP_SLP_EN)) {
        return;
    }
    if (SLEEP_SLP_TYP(val) == ACPI_SLP_TYP_S5) {
        system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
    } else {
        guest_error("acpi", "sleep type %u does not exist",
                    (unsigned)SLEEP_SLP_TYP(val));
    }
}

static const MemoryRegionOps sleep_ops = {
    .read = sleep_read,
    .write = sleep_write,
    .valid = { .min_access_size = 1, .max_access_size = 1 },
};

/* ---- Timer and reset ---- */

static uint64_t timer_read(void *opaque, hwaddr addr, unsigned int size)
{
    /* 128 bits: the product passes 2^63 after 29 days. */
    __uint128_t ticks = (__uint128_t)clock_get_ns(CLOCK_VIRTUAL) *
                        ACPI_PM_TIMER_HZ / NSEC_PER_SEC;

    return (uint64_t)ticks & PM_TIMER_MASK;
}

static const MemoryRegionOps timer_ops = {
    .read = timer_read,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

static uint64_t reset_read(void *opaque, hwaddr addr, unsigned int size)
{
    return ((AcpiGed *)opaque)->reset_control;
}

static void reset_write(void *opaque, hwaddr addr, uint64_t val,
                        unsigned int size)
{
    AcpiGed *s = opaque;

    s->reset_control = val & ~RESET_REQUEST;
    if (val & RESET_REQUEST) {
        system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
    }
}

static const MemoryRegionOps reset_ops = {
    .read = reset_read,
    .write = reset_write,
    .valid = { .min_access_size = 1, .max_access_size = 1 },
};

/* ---- Life ---- */

static bool ged_realize(DeviceState *dev, Error **errp)
{
    powerdown_notifier_add(ged_powerdown, dev);
    return true;
}

static void ged_unrealize(DeviceState *dev)
{
    powerdown_notifier_del(ged_powerdown, dev);
}

static void ged_reset_hold(Object *obj)
{
    AcpiGed *s = ACPI_GED(obj);

    s->pending = 0;
    s->sleep_control = s->sleep_status = s->reset_control = 0;
}

static void ged_instance_init(Object *obj)
{
    AcpiGed *s = ACPI_GED(obj);

    memory_region_init_io(&s->selector_mr, obj, &selector_ops, s,
                          "acpi-ged-selector", ACPI_GED_SELECTOR_SIZE);
    memory_region_init_io(&s->sleep_mr, obj, &sleep_ops, s, "acpi-sleep",
                          ACPI_SLEEP_SIZE);
    memory_region_init_io(&s->timer_mr, obj, &timer_ops, s, "acpi-pm-timer",
                          ACPI_PM_TIMER_SIZE);
    memory_region_init_io(&s->reset_mr, obj, &reset_ops, s, "acpi-reset",
                          ACPI_RESET_SIZE);
    qdev_init_gpio_out_named(DEVICE(s), &s->irq, "irq", 1);
}

static void ged_instance_finalize(Object *obj)
{
    AcpiGed *s = ACPI_GED(obj);

    memory_region_deinit(&s->selector_mr);
    memory_region_deinit(&s->sleep_mr);
    memory_region_deinit(&s->timer_mr);
    memory_region_deinit(&s->reset_mr);
}

/* Events that were raised and not read are told again. */
static bool ged_post_load(void *opaque, int version_id, Error **errp)
{
    AcpiGed *s = opaque;

    if (s->pending) {
        irq_pulse(s->irq);
    }
    return true;
}

static const VMStateDescription vmstate_ged = {
    .name = TYPE_ACPI_GED,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = ged_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(pending, AcpiGed),
        VMSTATE_UINT8(sleep_control, AcpiGed),
        VMSTATE_UINT8(sleep_status, AcpiGed),
        VMSTATE_UINT8(reset_control, AcpiGed),
        VMSTATE_END_OF_LIST()
    },
};

static void ged_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = ged_realize;
    dc->unrealize = ged_unrealize;
    dc->reset_hold = ged_reset_hold;
    dc->vmsd = &vmstate_ged;
    dc->user_creatable = false;
}

static const TypeInfo ged_types[] = {
    {
        .name = TYPE_ACPI_GED,
        .parent = TYPE_DEVICE,
        .help = "registers of hardware-reduced ACPI",
        .instance_size = sizeof(AcpiGed),
        .instance_init = ged_instance_init,
        .instance_finalize = ged_instance_finalize,
        .class_init = ged_class_init,
    },
};
DEFINE_TYPES(ged_types)
