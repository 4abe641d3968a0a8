/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2m (Arm DEN0029, Server Base System Architecture 2.3, appendix E): one
 * frame of non-secure messages. A write of an interrupt id to MSI_SETSPI
 * raises that SPI once. Devices of ours do not write here: the accelerator
 * knows the SPI from the message; a guest's own write ends here. Context: big
 * lock.
 */
#include "util/osdep.h"
#include "hw/intc/arm_gicv2m.h"
#include "qom/property.h"
#include "util/log.h"
#include "trace/trace-hw_intc.h"

#define REG_TYPER   0x008
#define REG_SETSPI  ARM_GICV2M_SETSPI
#define REG_IIDR    0xfcc

/* As QEMU's: product 'Q', no implementer of the specification's list. */
#define IIDR_VALUE  ('Q' << 20)

static uint64_t gicv2m_read(void *opaque, hwaddr addr, unsigned int size)
{
    const ARMGICv2m *s = opaque;

    switch (addr) {
    case REG_TYPER:
        return s->base_spi << 16 | s->num_spi;
    case REG_IIDR:
        return IIDR_VALUE;
    default:
        return 0;
    }
}

static void gicv2m_write(void *opaque, hwaddr addr, uint64_t data,
                         unsigned int size)
{
    ARMGICv2m *s = opaque;
    uint32_t n = (data & 0x3ff) - s->base_spi;

    trace_gicv2m_write(s, addr, data);
    if (addr != REG_SETSPI || n >= s->num_spi) {
        guest_error(TYPE_ARM_GICV2M, "write of 0x%" PRIx64 " to offset 0x%"
                    PRIx64, data, addr);
        return;
    }
    irq_pulse(s->spi[n]);
}

static const MemoryRegionOps gicv2m_ops = {
    .read = gicv2m_read,
    .write = gicv2m_write,
    .valid = { .min_access_size = 2, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

static bool gicv2m_realize(DeviceState *dev, Error **errp)
{
    ARMGICv2m *s = ARM_GICV2M(dev);

    if (s->num_spi == 0 || s->num_spi > ARM_GICV2M_MAX_SPIS ||
        s->base_spi < 32 || s->base_spi + s->num_spi > 1020) {
        error_setg(errp, "no %u interrupts from %u on: must lie within 32 to "
                   "1019, at most %u", s->num_spi, s->base_spi,
                   ARM_GICV2M_MAX_SPIS);
        return false;
    }
    qdev_init_gpio_out_named(dev, s->spi, NULL, s->num_spi);
    return true;
}

static void gicv2m_instance_init(Object *obj)
{
    ARMGICv2m *s = ARM_GICV2M(obj);

    memory_region_init_io(&s->io, obj, &gicv2m_ops, s, TYPE_ARM_GICV2M,
                          ARM_GICV2M_BYTES);
}

static void gicv2m_instance_finalize(Object *obj)
{
    memory_region_deinit(&ARM_GICV2M(obj)->io);
}

static const Property gicv2m_props[] = {
    PROP_UINT32("base-spi", ARMGICv2m, base_spi, 0,
                "interrupt id of the first message"),
    PROP_UINT32("num-spi", ARMGICv2m, num_spi, 64,
                "how many messages there are"),
};

static void gicv2m_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = gicv2m_realize;
    dc->user_creatable = false;
    dc->hotpluggable = false;
    device_class_set_props(dc, gicv2m_props);
}

static const TypeInfo gicv2m_types[] = {
    {
        .name = TYPE_ARM_GICV2M,
        .parent = TYPE_DEVICE,
        .help = "message-signalled interrupts of GICv2",
        .instance_size = sizeof(ARMGICv2m),
        .instance_init = gicv2m_instance_init,
        .instance_finalize = gicv2m_instance_finalize,
        .class_init = gicv2m_class_init,
    },
};
DEFINE_TYPES(gicv2m_types)
