/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI-to-PCI bridge: PCI-to-PCI Bridge 1.2, chapter 3. The secondary bus has a
 * memory and an I/O space of its own; three windows, set by the guest, are
 * aliases of parts of them in the spaces of the primary bus. Left out: VGA
 * and ISA modes, upstream windows (DMA goes to memory directly).
 */
#include "util/osdep.h"
#include "hw/pci/pci_bridge.h"
#include "hw/core/reset.h"
#include "hw/pci/msix.h"
#include "trace/trace-hw_pci.h"

static const char *const window_names[PCI_WINDOWS] = {
    "bridge-io", "bridge-mem", "bridge-pref-mem",
};

PCIBus *pci_bridge_get_bus(PCIDevice *dev)
{
    if (!PCI_DEVICE_GET_CLASS(dev)->is_bridge ||
        !object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE)) {
        return NULL;
    }
    return &PCI_BRIDGE(dev)->sec_bus;
}

/* ---- Windows ---- */

static uint64_t pci_bridge_upper(const uint8_t *lo, const uint8_t *hi,
                                 unsigned int nbytes)
{
    uint64_t v = (uint64_t)(get_le16(lo) & 0xfff0) << 16;

    return nbytes ? v | (uint64_t)get_le32(hi) << 32 : v;
}

bool pci_bridge_window(const PCIDevice *dev, unsigned int window,
                       uint64_t *base, uint64_t *limit)
{
    const uint8_t *c = dev->config;

    switch (window) {
    case PCI_WINDOW_IO:
        *base = (uint64_t)(c[PCI_IO_BASE] & 0xf0) << 8;
        *limit = (uint64_t)(c[PCI_IO_LIMIT] & 0xf0) << 8 | 0xfff;
        break;
    case PCI_WINDOW_MEM:
        *base = pci_bridge_upper(c + PCI_MEMORY_BASE, NULL, 0);
        *limit = pci_bridge_upper(c + PCI_MEMORY_LIMIT, NULL, 0) | 0xfffff;
        break;
    default:
        *base = pci_bridge_upper(c + PCI_PREF_MEMORY_BASE,
                                 c + PCI_PREF_BASE_UPPER32, 4);
        *limit = pci_bridge_upper(c + PCI_PREF_MEMORY_LIMIT,
                                  c + PCI_PREF_LIMIT_UPPER32, 4) | 0xfffff;
        break;
    }
    return *base <= *limit;
}

static bool pci_bridge_window_open(const PCIDevice *dev, unsigned int window,
                                   uint64_t *base, uint64_t *limit)
{
    uint16_t cmd = get_le16(dev->config + PCI_COMMAND);
    uint16_t need = window == PCI_WINDOW_IO ? PCI_COMMAND_IO
                                            : PCI_COMMAND_MEMORY;

    return (cmd & need) && pci_bridge_window(dev, window, base, limit) &&
           *limit - *base < UINT64_MAX;
}

static void pci_bridge_unmap_window(PCIBridge *br, unsigned int window)
{
    PCIBus *parent = pci_get_bus(PCI_DEVICE(br));

    if (!br->window_mapped[window]) {
        return;
    }
    memory_region_del_subregion(window == PCI_WINDOW_IO ? parent->io
                                                        : parent->mem,
                                &br->windows[window]);
    memory_region_deinit(&br->windows[window]);
    br->window_mapped[window] = false;
}

static void pci_bridge_map_window(PCIBridge *br, unsigned int window)
{
    PCIDevice *dev = PCI_DEVICE(br);
    PCIBus *parent = pci_get_bus(dev);
    bool io = window == PCI_WINDOW_IO;
    uint64_t base, limit;

    pci_bridge_unmap_window(br, window);
    if (!pci_bridge_window_open(dev, window, &base, &limit)) {
        return;
    }
    trace_pci_bridge_map_window(dev->name, window, base, limit);
    memory_region_init_alias(&br->windows[window], OBJECT(br),
                             window_names[window], io ? &br->io : &br->mem,
                             base, limit - base + 1);
    memory_region_add_subregion_overlap(io ? parent->io : parent->mem, base,
                                        &br->windows[window], 1);
    br->window_mapped[window] = true;
}

static void pci_bridge_update(PCIBridge *br)
{
    memory_region_transaction_begin();
    for (unsigned int i = 0; i < PCI_WINDOWS; i++) {
        pci_bridge_map_window(br, i);
    }
    memory_region_transaction_commit();
}

static bool touches(uint32_t addr, unsigned int len, uint32_t start,
                    uint32_t nbytes)
{
    return addr < start + nbytes && start < addr + len;
}

static void pci_bridge_config_write(PCIDevice *dev, uint32_t addr, uint32_t val,
                                    unsigned int len)
{
    PCIBridge *br = PCI_BRIDGE(dev);
    uint16_t old = get_le16(dev->config + PCI_BRIDGE_CONTROL);
    uint16_t ctl;

    pci_default_config_write(dev, addr, val, len);
    if (touches(addr, len, PCI_COMMAND, 2) ||
        touches(addr, len, PCI_IO_BASE, 2) ||
        touches(addr, len, PCI_MEMORY_BASE, 0x30 - PCI_MEMORY_BASE)) {
        pci_bridge_update(br);
    }
    ctl = get_le16(dev->config + PCI_BRIDGE_CONTROL);
    if (~old & ctl & PCI_BRIDGE_CTL_BUS_RESET) {
        bus_reset(BUS(&br->sec_bus));
    }
}

/* ---- Life cycle ---- */

static void pci_bridge_init_config(PCIDevice *dev)
{
    uint8_t *c = dev->config, *w = dev->wmask;

    memset(w + PCI_PRIMARY_BUS, 0xff, 4);
    w[PCI_SEC_LATENCY_TIMER] = 0;
    w[PCI_IO_BASE] = w[PCI_IO_LIMIT] = 0xf0;
    put_le16(dev->w1cmask + PCI_SEC_STATUS, 0xf900);
    put_le16(w + PCI_MEMORY_BASE, 0xfff0);
    put_le16(w + PCI_MEMORY_LIMIT, 0xfff0);
    put_le16(w + PCI_PREF_MEMORY_BASE, 0xfff0);
    put_le16(w + PCI_PREF_MEMORY_LIMIT, 0xfff0);
    c[PCI_PREF_MEMORY_BASE] = c[PCI_PREF_MEMORY_LIMIT] =
        PCI_PREF_RANGE_TYPE_64;
    put_le32(w + PCI_PREF_BASE_UPPER32, UINT32_MAX);
    put_le32(w + PCI_PREF_LIMIT_UPPER32, UINT32_MAX);
    put_le16(w + PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_PARITY |
             PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_MASTER_ABORT |
             PCI_BRIDGE_CTL_BUS_RESET);
}

bool pci_bridge_realize(PCIDevice *dev, Error **errp)
{
    PCIBridge *br = PCI_BRIDGE(dev);
    PCIBus *parent = pci_get_bus(dev);
    PCIBus *sec = &br->sec_bus;

    pci_bridge_init_config(dev);
    qbus_init(sec, sizeof(*sec), br->sec_bus_type ? br->sec_bus_type
              : TYPE_PCIE_BUS, DEVICE(dev), dev->parent_obj.id);
    memory_region_init(&br->mem, OBJECT(br), "pci-bridge-mem", UINT64_MAX);
    memory_region_init(&br->io, OBJECT(br), "pci-bridge-io", 64 * KiB);
    sec->parent_dev = dev;
    sec->mem = &br->mem;
    sec->io = &br->io;
    sec->dma_as = parent->dma_as;
    sec->segment = parent->segment;
    return true;
}

void pci_bridge_exit(PCIDevice *dev)
{
    PCIBridge *br = PCI_BRIDGE(dev);

    for (unsigned int i = 0; i < PCI_WINDOWS; i++) {
        pci_bridge_unmap_window(br, i);
    }
    memory_region_deinit(&br->mem);
    memory_region_deinit(&br->io);
}

static void pci_bridge_reset(PCIDevice *dev)
{
    /* Limits below bases: all windows closed. */
    dev->config[PCI_IO_BASE] |= 0xf0;
    put_le16(dev->config + PCI_MEMORY_BASE, 0xfff0);
    put_le16(dev->config + PCI_PREF_MEMORY_BASE, 0xfff0 |
             PCI_PREF_RANGE_TYPE_64);
    pci_bridge_update(PCI_BRIDGE(dev));
}

static bool pci_bridge_post_load(void *opaque, int version_id, Error **errp)
{
    pci_bridge_update(opaque);
    return true;
}

static const VMStateDescription vmstate_pci_bridge = {
    .name = "pci-bridge",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = VMSTATE_PRI_PCI_BUS,
    .post_load = pci_bridge_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, PCIBridge),
        VMSTATE_MSIX(parent_obj, PCIBridge),
        VMSTATE_END_OF_LIST()
    },
};

static void pci_bridge_class_init(ObjectClass *oc, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    pc->is_bridge = true;
    pc->realize = pci_bridge_realize;
    pc->exit = pci_bridge_exit;
    pc->reset = pci_bridge_reset;
    pc->config_write = pci_bridge_config_write;
    pc->class_id = PCI_CLASS_BRIDGE_PCI;
    dc->categories = BIT(DEVICE_CATEGORY_BRIDGE);
    dc->vmsd = &vmstate_pci_bridge;
}

static const TypeInfo pci_bridge_types[] = {
    {
        .name = TYPE_PCI_BRIDGE,
        .parent = TYPE_PCI_DEVICE,
        .help = "a PCI-to-PCI bridge",
        .instance_size = sizeof(PCIBridge),
        .class_init = pci_bridge_class_init,
        .abstract = true,
    },
};

DEFINE_TYPES(pci_bridge_types)
