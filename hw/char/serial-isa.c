/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "isa-serial": a 16550A at the ports and interrupt of COM1 to COM4. The
 * registers are hw/char/serial.c's; here are the place, the properties and the
 * state's frame. Runs under the big lock.
 */
#include "util/osdep.h"
#include "hw/char/serial.h"
#include "hw/isa/isa.h"

OBJECT_DECLARE_SIMPLE_TYPE(ISASerial, ISA_SERIAL)

#define SERIAL_INDEX_AUTO UINT32_MAX

struct ISASerial {
    ISADevice parent_obj;

    /* Properties */
    CharFrontend chr;
    uint32_t index;                 /* 0 is COM1 */
    uint32_t iobase, irq;           /* UINT32_MAX: by index */

    SerialState state;
};

static const struct {
    uint16_t iobase;
    uint8_t irq;
} com_ports[] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };

static int count_port(DeviceState *dev, void *opaque)
{
    uint32_t *mask = opaque;

    if (object_dynamic_cast(OBJECT(dev), TYPE_ISA_SERIAL) && dev->realized &&
        ISA_SERIAL(dev)->index < G_N_ELEMENTS(com_ports)) {
        *mask |= BIT(ISA_SERIAL(dev)->index);
    }
    return 0;
}

static bool isa_serial_realize(DeviceState *dev, Error **errp)
{
    ISASerial *s = ISA_SERIAL(dev);
    uint32_t used = 0;

    qbus_walk(dev->parent_bus, count_port, NULL, &used);
    if (s->index == SERIAL_INDEX_AUTO) {
        s->index = __builtin_ctz(~used);
    }
    if (s->index >= G_N_ELEMENTS(com_ports) || (used & BIT(s->index))) {
        error_setg(errp, "serial port index %u is %s", s->index,
                   s->index < G_N_ELEMENTS(com_ports) ? "in use" :
                   "not from 0 to 3");
        return false;
    }
    if (s->iobase == UINT32_MAX) {
        s->iobase = com_ports[s->index].iobase;
    }
    if (s->irq == UINT32_MAX) {
        s->irq = com_ports[s->index].irq;
    }
    if (s->irq >= ISA_NUM_IRQS || s->iobase > 0xfff8) {
        error_setg(errp, "no port 0x%x or interrupt %u", s->iobase, s->irq);
        return false;
    }
    serial_init(&s->state, OBJECT(s), &s->chr,
                isa_get_irq(&s->parent_obj, s->irq));
    return isa_register_io(&s->parent_obj, &s->state.io, s->iobase, errp);
}

static void isa_serial_unrealize(DeviceState *dev)
{
    ISASerial *s = ISA_SERIAL(dev);
    DeviceClass *parent = DEVICE_CLASS(object_class_by_name(TYPE_ISA_DEVICE));

    serial_exit(&s->state);
    parent->unrealize(dev);
}

static void isa_serial_reset_hold(Object *obj)
{
    serial_reset(&ISA_SERIAL(obj)->state);
}

static void isa_serial_finalize(Object *obj)
{
    memory_region_deinit(&ISA_SERIAL(obj)->state.io);
}

static const VMStateDescription vmstate_isa_serial = {
    .name = TYPE_ISA_SERIAL,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(state, ISASerial, vmstate_serial, SerialState),
        VMSTATE_END_OF_LIST()
    },
};

static const Property isa_serial_props[] = {
    PROP_CHARDEV("chardev", ISASerial, chr,
                 "id of the character device behind the port"),
    PROP_UINT32("index", ISASerial, index, SERIAL_INDEX_AUTO,
                "0 for COM1 to 3 for COM4; default: the first free one"),
    PROP_UINT32("iobase", ISASerial, iobase, UINT32_MAX,
                "first I/O port; default: by index"),
    PROP_UINT32("irq", ISASerial, irq, UINT32_MAX,
                "interrupt 0 to 15; default: by index"),
};

static void isa_serial_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = isa_serial_realize;
    dc->unrealize = isa_serial_unrealize;
    dc->reset_hold = isa_serial_reset_hold;
    dc->vmsd = &vmstate_isa_serial;
    dc->categories = BIT(DEVICE_CATEGORY_INPUT);
    device_class_set_props(dc, isa_serial_props);
}

static const TypeInfo isa_serial_types[] = {
    {
        .name = TYPE_ISA_SERIAL,
        .parent = TYPE_ISA_DEVICE,
        .help = "16550A serial port",
        .instance_size = sizeof(ISASerial),
        .instance_finalize = isa_serial_finalize,
        .class_init = isa_serial_class_init,
    },
};
DEFINE_TYPES(isa_serial_types)
