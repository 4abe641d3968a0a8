/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic PCI Express host: ECAM (PCI Express Base 5.0, 7.2.2), INTx on four
 * wires, no registers of its own: what is RAM and what is PCI is fixed by the
 * board. Function 00.0 is there so that guests find a bus. Threading: big
 * lock.
 */
#include "util/osdep.h"
#include "hw/pci-host/gpex.h"

#define PCI_VENDOR_ID_RED_HAT   0x1b36
#define PCI_DEVICE_ID_GPEX_ROOT 0x0008

/* Slots take turns, as the board's tables say. Functions share a wire, and
 * each tells changes of its own pin only. */
static void gpex_set_irq(void *opaque, uint8_t slot, unsigned int pin,
                         int level)
{
    GPEXHost *s = opaque;
    unsigned int wire = (slot + pin) % GPEX_NUM_IRQS;

    s->raised[wire] += level ? 1 : -1;
    irq_set(s->irq[wire], s->raised[wire] != 0);
}

static bool gpex_host_realize(DeviceState *dev, Error **errp)
{
    GPEXHost *s = GPEX_HOST(dev);
    const PCIRootBusInfo info = {
        .mem = &s->mem, .io = &s->io, .dma_as = s->dma_as,
        .has_msi = s->has_msi, .set_irq = gpex_set_irq, .irq_opaque = s,
    };

    s->bus = pci_root_bus_new(dev, "pcie.0", TYPE_PCIE_BUS, &info);
    memory_region_init_io(&s->ecam, OBJECT(s), &pci_ecam_ops, s->bus,
                          "pci-ecam", s->ecam_bytes);
    return true;
}

static void gpex_host_instance_init(Object *obj)
{
    GPEXHost *s = GPEX_HOST(obj);

    memory_region_init(&s->mem, obj, "gpex_mmio", UINT64_MAX);
    memory_region_init(&s->io, obj, "gpex_ioport", 64 * KiB);
    qdev_init_gpio_out_named(DEVICE(obj), s->irq, NULL, GPEX_NUM_IRQS);
}

static void gpex_host_instance_finalize(Object *obj)
{
    GPEXHost *s = GPEX_HOST(obj);

    memory_region_deinit(&s->mem);
    memory_region_deinit(&s->io);
    if (s->bus) {
        memory_region_deinit(&s->ecam);
    }
}

static const VMStateDescription vmstate_gpex_host = {
    .name = TYPE_GPEX_HOST,
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = VMSTATE_PRI_PCI_BUS,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(raised, GPEXHost, GPEX_NUM_IRQS),
        VMSTATE_END_OF_LIST()
    },
};

/* Firmware looks at the name alone; QEMU's machine has this address, since no
 * region is mapped as the host's own. */
static char *gpex_host_get_fw_name(DeviceState *dev)
{
    return g_strdup("pci@ffffffffffffffff");
}

static void gpex_host_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = gpex_host_realize;
    dc->vmsd = &vmstate_gpex_host;
    dc->get_fw_name = gpex_host_get_fw_name;
    dc->categories = BIT(DEVICE_CATEGORY_BRIDGE);
    dc->user_creatable = false;
}

/* ---- Function 00.0 ---- */

bool gpex_create_root(GPEXHost *s, Error **errp)
{
    return pci_realize_and_unref(pci_new(PCI_DEVFN_OF(0, 0), TYPE_GPEX_ROOT),
                                 s->bus, errp);
}

static void gpex_root_class_init(ObjectClass *oc, const void *data)
{
    pci_host_function_class_init(oc, PCI_VENDOR_ID_RED_HAT,
                                 PCI_DEVICE_ID_GPEX_ROOT);
}

static const char *const gpex_root_interfaces[] = {
    INTERFACE_CONVENTIONAL_PCI_DEVICE, NULL,
};

static const TypeInfo gpex_types[] = {
    {
        .name = TYPE_GPEX_HOST,
        .parent = TYPE_DEVICE,
        .help = "generic PCI Express host",
        .instance_size = sizeof(GPEXHost),
        .instance_init = gpex_host_instance_init,
        .instance_finalize = gpex_host_instance_finalize,
        .class_init = gpex_host_class_init,
    }, {
        .name = TYPE_GPEX_ROOT,
        .parent = TYPE_PCI_DEVICE,
        .help = "function 0 of the host bridge",
        .class_init = gpex_root_class_init,
        .interfaces = gpex_root_interfaces,
    },
};

DEFINE_TYPES(gpex_types)
