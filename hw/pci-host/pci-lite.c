/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express host bridge without anything else: configuration access by
 * ports CF8/CFC (PCI Local Bus 3.0, 3.2.2.3.2) and ECAM (PCI Express Base 5.0,
 * 7.2.2). The device id makes stock UEFI firmware take its hardware-reduced
 * path. No INTx, no windows registers: what is RAM and what is PCI is fixed by
 * the board. Threading: big lock.
 */
#include "util/osdep.h"
#include "hw/pci-host/pci-lite.h"

#define PCI_DEVICE_ID_PCI_LITE  0x0d57
#define CONFIG_ENABLE           BIT(31)
#define HOLE64_SIZE_DEFAULT     (32 * GiB)

/* ---- Configuration access ---- */

/*
 * Only double words are for this register. A byte of port 0xcf9 is another
 * device's, which lies inside.
 */
static MemoryRegion *config_addr_other(const PCILiteHost *s, hwaddr addr,
                                       unsigned int size)
{
    return addr == 1 && size == 1 ? s->port_cf9 : NULL;
}

static uint64_t config_addr_read(void *opaque, hwaddr addr, unsigned int size)
{
    PCILiteHost *s = opaque;
    MemoryRegion *other = config_addr_other(s, addr, size);

    if (other) {
        return other->ops->read(other->opaque, 0, size);
    }
    return size == 4 ? s->config_reg : UINT64_MAX;
}

static void config_addr_write(void *opaque, hwaddr addr, uint64_t val,
                              unsigned int size)
{
    PCILiteHost *s = opaque;
    MemoryRegion *other = config_addr_other(s, addr, size);

    if (other) {
        other->ops->write(other->opaque, 0, val, size);
    } else if (size == 4) {
        s->config_reg = val & ~(uint32_t)3;
    }
}

static const MemoryRegionOps config_addr_ops = {
    .read = config_addr_read,
    .write = config_addr_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

/* bus 16-23, devfn 8-15, register 2-7, as ECAM has them */
static uint32_t config_data_target(const PCILiteHost *s, hwaddr addr)
{
    return (s->config_reg & 0xffff00) << 4 | (s->config_reg & 0xfc) |
           (addr & 3);
}

static uint64_t config_data_read(void *opaque, hwaddr addr, unsigned int size)
{
    PCILiteHost *s = opaque;

    if (!(s->config_reg & CONFIG_ENABLE)) {
        return UINT64_MAX;
    }
    return pci_config_read(s->bus, config_data_target(s, addr), size);
}

static void config_data_write(void *opaque, hwaddr addr, uint64_t val,
                              unsigned int size)
{
    PCILiteHost *s = opaque;

    if (s->config_reg & CONFIG_ENABLE) {
        pci_config_write(s->bus, config_data_target(s, addr), val, size);
    }
}

static const MemoryRegionOps config_data_ops = {
    .read = config_data_read,
    .write = config_data_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

/* ---- Life ---- */

static bool pci_lite_host_realize(DeviceState *dev, Error **errp)
{
    PCILiteHost *s = PCI_LITE_HOST(dev);
    const PCIRootBusInfo info = {
        .mem = &s->mem, .io = &s->io, .dma_as = s->dma_as, .has_msi = true,
    };

    s->bus = pci_root_bus_new(dev, "pcie.0", TYPE_PCIE_BUS, &info);
    memory_region_init_io(&s->ecam, OBJECT(s), &pci_ecam_ops, s->bus,
                          "pci-ecam", PCI_ECAM_BYTES);
    return true;
}

static void pci_lite_host_reset_hold(Object *obj)
{
    PCI_LITE_HOST(obj)->config_reg = 0;
}

static void pci_lite_host_instance_init(Object *obj)
{
    PCILiteHost *s = PCI_LITE_HOST(obj);

    memory_region_init(&s->mem, obj, "pci-mem", UINT64_MAX);
    memory_region_init(&s->io, obj, "pci-io", 64 * KiB);
    memory_region_init_io(&s->config_addr, obj, &config_addr_ops, s,
                          "pci-conf-idx", PCI_CONFIG_PORT_BYTES);
    memory_region_init_io(&s->config_data, obj, &config_data_ops, s,
                          "pci-conf-data", PCI_CONFIG_PORT_BYTES);
}

static void pci_lite_host_instance_finalize(Object *obj)
{
    PCILiteHost *s = PCI_LITE_HOST(obj);

    memory_region_deinit(&s->mem);
    memory_region_deinit(&s->io);
    memory_region_deinit(&s->config_addr);
    memory_region_deinit(&s->config_data);
    if (s->bus) {
        memory_region_deinit(&s->ecam);
    }
}

static const VMStateDescription vmstate_pci_lite_host = {
    .name = TYPE_PCI_LITE_HOST,
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = VMSTATE_PRI_PCI_BUS,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(config_reg, PCILiteHost),
        VMSTATE_END_OF_LIST()
    },
};

static const Property pci_lite_host_props[] = {
    PROP_SIZE("pci-hole64-size", PCILiteHost, hole64_size, HOLE64_SIZE_DEFAULT,
              "bytes of the PCI memory window above 4 GiB"),
};

/* The bus that is configured by port 0xcf8. */
static char *pci_lite_host_get_fw_name(DeviceState *dev)
{
    return g_strdup("pci@i0cf8");
}

static void pci_lite_host_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);

    dc->realize = pci_lite_host_realize;
    dc->reset_hold = pci_lite_host_reset_hold;
    dc->vmsd = &vmstate_pci_lite_host;
    dc->get_fw_name = pci_lite_host_get_fw_name;
    dc->categories = BIT(DEVICE_CATEGORY_BRIDGE);
    dc->user_creatable = false;
    device_class_set_props(dc, pci_lite_host_props);
}

/* ---- Function 00.0 ---- */

static void pci_lite_class_init(ObjectClass *oc, const void *data)
{
    pci_host_function_class_init(oc, PCI_VENDOR_ID_INTEL,
                                 PCI_DEVICE_ID_PCI_LITE);
}

static const char *const pci_lite_interfaces[] = {
    INTERFACE_CONVENTIONAL_PCI_DEVICE, NULL,
};

static const TypeInfo pci_lite_types[] = {
    {
        .name = TYPE_PCI_LITE_HOST,
        .parent = TYPE_DEVICE,
        .help = "PCI Express host of the virt machines",
        .instance_size = sizeof(PCILiteHost),
        .instance_init = pci_lite_host_instance_init,
        .instance_finalize = pci_lite_host_instance_finalize,
        .class_init = pci_lite_host_class_init,
    }, {
        .name = TYPE_PCI_LITE,
        .parent = TYPE_PCI_DEVICE,
        .help = "function 0 of the host bridge",
        .class_init = pci_lite_class_init,
        .interfaces = pci_lite_interfaces,
    },
};

DEFINE_TYPES(pci_lite_types)
