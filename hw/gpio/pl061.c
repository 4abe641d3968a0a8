/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PrimeCell GPIO PL061 (Arm DDI 0190): eight pins that are inputs or outputs,
 * with interrupts on levels or edges. Left out: what the pins do under another
 * function's control (GPIOAFSEL is kept and means nothing). Context: big lock.
 */
#include "util/osdep.h"
#include "hw/gpio/pl061.h"
#include "migration/vmstate.h"
#include "util/log.h"
#include "trace/trace-hw_gpio.h"

/* Registers (3.2). Bits 2 to 9 of a data address are a mask of pins. */
enum {
    REG_DATA_END = 0x400, REG_DIR = 0x400, REG_IS = 0x404, REG_IBE = 0x408,
    REG_IEV = 0x40c, REG_IE = 0x410, REG_RIS = 0x414, REG_MIS = 0x418,
    REG_IC = 0x41c, REG_AFSEL = 0x420, REG_ID = 0xfe0,
};

static const uint8_t pl061_id[8] = {
    0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1,
};

/* What the pins are at: outputs as written, inputs as driven. */
static uint8_t pl061_levels(const PL061State *s)
{
    return (s->data & s->dir) | (s->in & ~s->dir);
}

static void pl061_update_irq(PL061State *s)
{
    irq_set(s->irq, (s->ris & s->ie) != 0);
}

/* Levels went from @old to what they are: outputs and interrupts follow. */
static void pl061_changed(PL061State *s, uint8_t old)
{
    uint8_t now = pl061_levels(s), edges = old ^ now;
    uint8_t wanted = s->ibe | ~(now ^ s->iev);

    for (int i = 0; i < PL061_PINS; i++) {
        if (edges & s->dir & BIT(i)) {
            irq_set(s->out[i], now >> i & 1);
        }
    }
    s->ris = (s->is & ~(now ^ s->iev)) |
             (~s->is & (s->ris | (edges & wanted)));
    pl061_update_irq(s);
}

static void pl061_set_pin(void *opaque, int n, int level)
{
    PL061State *s = PL061(opaque);
    uint8_t old = pl061_levels(s);

    s->in = level ? s->in | BIT(n) : s->in & ~BIT(n);
    trace_pl061_pin(s, n, level);
    pl061_changed(s, old);
}

/* ---- Registers ---- */

static uint64_t pl061_read(void *opaque, hwaddr addr, unsigned int size)
{
    PL061State *s = opaque;

    if (addr < REG_DATA_END) {
        return pl061_levels(s) & (addr >> 2);
    }
    switch (addr) {
    case REG_DIR:
        return s->dir;
    case REG_IS:
        return s->is;
    case REG_IBE:
        return s->ibe;
    case REG_IEV:
        return s->iev;
    case REG_IE:
        return s->ie;
    case REG_RIS:
        return s->ris;
    case REG_MIS:
        return s->ris & s->ie;
    case REG_AFSEL:
        return s->afsel;
    default:
        return addr >= REG_ID ? pl061_id[(addr - REG_ID) / 4] : 0;
    }
}

static uint8_t *pl061_register(PL061State *s, hwaddr addr)
{
    switch (addr) {
    case REG_DIR:
        return &s->dir;
    case REG_IS:
        return &s->is;
    case REG_IBE:
        return &s->ibe;
    case REG_IEV:
        return &s->iev;
    case REG_IE:
        return &s->ie;
    case REG_AFSEL:
        return &s->afsel;
    default:
        return NULL;
    }
}

static void pl061_write(void *opaque, hwaddr addr, uint64_t data,
                        unsigned int size)
{
    PL061State *s = opaque;
    uint8_t old = pl061_levels(s), mask = addr >> 2;
    uint8_t *reg = pl061_register(s, addr);

    trace_pl061_write(s, addr, data);
    if (addr < REG_DATA_END) {
        mask &= s->dir;
        s->data = (s->data & ~mask) | (data & mask);
    } else if (addr == REG_IC) {
        s->ris &= ~data;
    } else if (reg) {
        *reg = data;
    } else {
        guest_error(TYPE_PL061, "write to offset 0x%" PRIx64, addr);
        return;
    }
    pl061_changed(s, old);
}

static const MemoryRegionOps pl061_ops = {
    .read = pl061_read,
    .write = pl061_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* ---- Life ---- */

static void pl061_reset_hold(Object *obj)
{
    PL061State *s = PL061(obj);

    s->data = s->dir = s->is = s->ibe = s->iev = s->ie = s->ris = 0;
    s->afsel = 0;
    for (int i = 0; i < PL061_PINS; i++) {
        irq_set(s->out[i], 0);
    }
    pl061_update_irq(s);
}

static void pl061_instance_init(Object *obj)
{
    PL061State *s = PL061(obj);

    memory_region_init_io(&s->io, obj, &pl061_ops, s, TYPE_PL061, PL061_BYTES);
    qdev_init_gpio_out_named(DEVICE(obj), &s->irq, "irq", 1);
    qdev_init_gpio_in_named(DEVICE(obj), pl061_set_pin, NULL, PL061_PINS);
    qdev_init_gpio_out_named(DEVICE(obj), s->out, NULL, PL061_PINS);
}

static void pl061_instance_finalize(Object *obj)
{
    memory_region_deinit(&PL061(obj)->io);
}

static const VMStateDescription vmstate_pl061 = {
    .name = TYPE_PL061,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(data, PL061State),
        VMSTATE_UINT8(dir, PL061State),
        VMSTATE_UINT8(is, PL061State),
        VMSTATE_UINT8(ibe, PL061State),
        VMSTATE_UINT8(iev, PL061State),
        VMSTATE_UINT8(ie, PL061State),
        VMSTATE_UINT8(ris, PL061State),
        VMSTATE_UINT8(afsel, PL061State),
        VMSTATE_UINT8(in, PL061State),
        VMSTATE_END_OF_LIST()
    },
};

static void pl061_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->reset_hold = pl061_reset_hold;
    dc->vmsd = &vmstate_pl061;
    dc->user_creatable = false;
    dc->hotpluggable = false;
}

static const TypeInfo pl061_types[] = {
    {
        .name = TYPE_PL061,
        .parent = TYPE_DEVICE,
        .help = "PL061 general purpose pins",
        .instance_size = sizeof(PL061State),
        .instance_init = pl061_instance_init,
        .instance_finalize = pl061_instance_finalize,
        .class_init = pl061_class_init,
    },
};
DEFINE_TYPES(pl061_types)
