/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PrimeCell real-time clock PL031 (Arm DDI 0224): seconds since 1970, and an
 * alarm at one of them. No timer runs but for an alarm that is due: the time
 * is computed when it is read. The clock cannot be stopped, as in the data
 * sheet once it was started. Context: big lock.
 */
#include "util/osdep.h"
#include "hw/rtc/pl031.h"
#include "migration/vmstate.h"
#include "system/rtc.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "trace/trace-hw_rtc.h"

/* Registers (3.2) */
enum {
    REG_DR = 0x00, REG_MR = 0x04, REG_LR = 0x08, REG_CR = 0x0c,
    REG_IMSC = 0x10, REG_RIS = 0x14, REG_MIS = 0x18, REG_ICR = 0x1c,
    REG_ID = 0xfe0,
};
#define CR_START    1
#define INT_ALARM   1

static const uint8_t pl031_id[8] = {
    0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

static int64_t pl031_now_ns(const PL031State *s)
{
    return rtc_clock_ns() + s->offset_ns;
}

static uint32_t pl031_seconds(const PL031State *s)
{
    return pl031_now_ns(s) / NSEC_PER_SEC;
}

static void pl031_update_irq(PL031State *s)
{
    irq_set(s->irq, s->ris & s->imsc);
}

/* ---- Alarm ---- */

/* The seconds of the match register come round again after 136 years. */
static void pl031_set_alarm(PL031State *s)
{
    uint32_t left = s->match - pl031_seconds(s);
    int64_t part_ns = pl031_now_ns(s) % NSEC_PER_SEC;

    if (left == 0) {
        s->ris |= INT_ALARM;
        timer_del(&s->alarm);
        pl031_update_irq(s);
        return;
    }
    timer_mod_ns(&s->alarm, clock_get_ns(CLOCK_VIRTUAL) +
                 left * (int64_t)NSEC_PER_SEC - part_ns);
}

/* Both clocks need not go alike: look again. */
static void pl031_alarm(void *opaque)
{
    PL031State *s = opaque;

    if (pl031_seconds(s) - s->match < INT32_MAX) {
        s->ris |= INT_ALARM;
        pl031_update_irq(s);
    } else {
        pl031_set_alarm(s);
    }
}

/* ---- Registers ---- */

static uint64_t pl031_read(void *opaque, hwaddr addr, unsigned int size)
{
    PL031State *s = opaque;

    switch (addr) {
    case REG_DR:
        return pl031_seconds(s);
    case REG_MR:
        return s->match;
    case REG_LR:
        return s->load;
    case REG_CR:
        return CR_START;
    case REG_IMSC:
        return s->imsc;
    case REG_RIS:
        return s->ris;
    case REG_MIS:
        return s->ris & s->imsc;
    default:
        return addr >= REG_ID ? pl031_id[(addr - REG_ID) / 4] : 0;
    }
}

static void pl031_set_time(PL031State *s, uint32_t seconds)
{
    g_autofree char *path = object_get_canonical_path(OBJECT(s));

    s->load = seconds;
    s->offset_ns = seconds * (int64_t)NSEC_PER_SEC - rtc_clock_ns();
    rtc_report_change(path, s->offset_ns);
    pl031_set_alarm(s);
}

static void pl031_write(void *opaque, hwaddr addr, uint64_t data,
                        unsigned int size)
{
    PL031State *s = opaque;

    trace_pl031_write(s, addr, data);
    switch (addr) {
    case REG_MR:
        s->match = data;
        pl031_set_alarm(s);
        break;
    case REG_LR:
        pl031_set_time(s, data);
        break;
    case REG_CR:
        break;
    case REG_IMSC:
        s->imsc = data & INT_ALARM;
        pl031_update_irq(s);
        break;
    case REG_ICR:
        s->ris &= ~(uint32_t)data;
        pl031_update_irq(s);
        break;
    default:
        guest_error(TYPE_PL031, "write to offset 0x%" PRIx64, addr);
        break;
    }
}

static const MemoryRegionOps pl031_ops = {
    .read = pl031_read,
    .write = pl031_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* ---- Life ---- */

/* The time goes on over a reset. */
static void pl031_reset_hold(Object *obj)
{
    PL031State *s = PL031(obj);

    s->match = s->load = s->imsc = s->ris = 0;
    timer_del(&s->alarm);
    pl031_update_irq(s);
}

static bool pl031_realize(DeviceState *dev, Error **errp)
{
    PL031State *s = PL031(dev);

    s->offset_ns = rtc_base_offset_ns();
    timer_init_ns(&s->alarm, main_context(), CLOCK_VIRTUAL, pl031_alarm, s);
    return true;
}

static void pl031_unrealize(DeviceState *dev)
{
    timer_del(&PL031(dev)->alarm);
}

static void pl031_instance_init(Object *obj)
{
    PL031State *s = PL031(obj);

    memory_region_init_io(&s->io, obj, &pl031_ops, s, TYPE_PL031, PL031_BYTES);
    qdev_init_gpio_out_named(DEVICE(obj), &s->irq, NULL, 1);
}

static void pl031_instance_finalize(Object *obj)
{
    memory_region_deinit(&PL031(obj)->io);
}

static bool pl031_pre_save(void *opaque, Error **errp)
{
    PL031State *s = opaque;

    s->saved_offset_ns = rtc_offset_save(s->offset_ns);
    return true;
}

static bool pl031_post_load(void *opaque, int version_id, Error **errp)
{
    PL031State *s = opaque;

    s->offset_ns = rtc_offset_load(s->saved_offset_ns);
    s->ris &= INT_ALARM;
    s->imsc &= INT_ALARM;
    return true;
}

static const VMStateDescription vmstate_pl031 = {
    .name = TYPE_PL031,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = pl031_pre_save,
    .post_load = pl031_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(match, PL031State),
        VMSTATE_UINT32(load, PL031State),
        VMSTATE_UINT32(imsc, PL031State),
        VMSTATE_UINT32(ris, PL031State),
        VMSTATE_INT64(saved_offset_ns, PL031State),
        VMSTATE_TIMER(alarm, PL031State),
        VMSTATE_END_OF_LIST()
    },
};

static void pl031_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = pl031_realize;
    dc->unrealize = pl031_unrealize;
    dc->reset_hold = pl031_reset_hold;
    dc->vmsd = &vmstate_pl031;
    dc->user_creatable = false;
    dc->hotpluggable = false;
}

static const TypeInfo pl031_types[] = {
    {
        .name = TYPE_PL031,
        .parent = TYPE_DEVICE,
        .help = "PL031 real-time clock",
        .instance_size = sizeof(PL031State),
        .instance_init = pl031_instance_init,
        .instance_finalize = pl031_instance_finalize,
        .class_init = pl031_class_init,
    },
};
DEFINE_TYPES(pl031_types)
