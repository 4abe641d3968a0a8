/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration space: masks, the standard header, where BARs are mapped.
 * PCI Local Bus 3.0, chapter 6; PCI Express Base 5.0, 7.5.1.
 */
#include "util/osdep.h"
#include "pci-internal.h"
#include "hw/pci/msix.h"
#include "util/log.h"
#include "trace/trace-hw_pci.h"

#define COMMAND_WRITABLE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY |                \
                          PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |            \
                          PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)
#define STATUS_W1C (PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT |          \
                    PCI_STATUS_REC_TARGET_ABORT |                              \
                    PCI_STATUS_REC_MASTER_ABORT |                              \
                    PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

/* Four masks and the space itself in one piece of memory. */
static void pci_config_alloc(PCIDevice *dev)
{
    size_t n = dev->config_size;
    uint8_t *p = g_malloc0(5 * n);

    dev->config = p;
    dev->wmask = p + n;
    dev->w1cmask = p + 2 * n;
    dev->cmask = p + 3 * n;
    dev->used = p + 4 * n;
}

static void pci_config_init_header(PCIDevice *dev, const PCIDeviceClass *pc)
{
    uint8_t *c = dev->config;

    put_le16(c + PCI_VENDOR_ID, pc->vendor_id);
    put_le16(c + PCI_DEVICE_ID, pc->device_id);
    c[PCI_REVISION_ID] = pc->revision;
    c[PCI_CLASS_PROG] = pc->prog_if;
    put_le16(c + PCI_CLASS_DEVICE, pc->class_id);
    c[PCI_HEADER_TYPE] = pc->is_bridge ? PCI_HEADER_TYPE_BRIDGE
                                       : PCI_HEADER_TYPE_NORMAL;
    if (dev->multifunction) {
        c[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_MULTI;
    }
    if (pc->is_bridge) {
        return;
    }
    put_le16(c + PCI_SUBSYSTEM_VENDOR_ID, pc->subsystem_vendor_id ?
             pc->subsystem_vendor_id : PCI_VENDOR_ID_QUMRANET);
    put_le16(c + PCI_SUBSYSTEM_ID, pc->subsystem_vendor_id ?
             pc->subsystem_id : PCI_SUBDEVICE_ID_QEMU);
}

void pci_config_init(PCIDevice *dev, const PCIDeviceClass *pc)
{
    dev->config_size = dev->is_express ? PCIE_CONFIG_SIZE_BYTES
                                       : PCI_CONFIG_SIZE_BYTES;
    pci_config_alloc(dev);
    pci_config_init_header(dev, pc);
    memset(dev->cmask, 0xff, dev->config_size);
    /* Devices set status bits. */
    put_le16(dev->cmask + PCI_STATUS, PCI_STATUS_CAP_LIST);
    put_le16(dev->wmask + PCI_COMMAND, COMMAND_WRITABLE);
    put_le16(dev->w1cmask + PCI_STATUS, STATUS_W1C);
    dev->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
    dev->wmask[PCI_INTERRUPT_LINE] = 0xff;
    memset(dev->used, 1, PCI_STD_HEADER_SIZEOF);
}

void pci_config_free(PCIDevice *dev)
{
    g_free(dev->config);
    dev->config = dev->wmask = dev->w1cmask = dev->cmask = dev->used = NULL;
    dev->pcie_cap = dev->msi_cap = 0;
    dev->pcie_ext_cap_end = 0;
    memset(dev->regions, 0, sizeof(dev->regions));
}

/* ---- Mappings ---- */

static uint64_t pci_region_io_addr(const PCIDevice *dev, const PCIRegion *r,
                                   uint32_t bar)
{
    uint64_t addr = bar & ~(uint32_t)(r->size - 1) & PCI_BASE_ADDRESS_IO_MASK;

    if (addr == 0 || addr + r->size > 64 * KiB) {
        return PCI_BAR_UNMAPPED;
    }
    return addr;
}

/*
 * Address 0 and one that reaches the end of the space are what sizing leaves
 * behind: not decoded.
 */
static uint64_t pci_region_mem_addr(const PCIDevice *dev, const PCIRegion *r,
                                    const uint8_t *bar)
{
    bool wide = r->type & PCI_BASE_ADDRESS_MEM_TYPE_64;
    uint64_t addr = wide ? get_le64(bar) : get_le32(bar);
    uint64_t last, max = wide ? UINT64_MAX : UINT32_MAX;

    addr &= ~(r->size - 1);
    if (addr == 0 || add_overflows(addr, r->size - 1, &last) || last >= max) {
        return PCI_BAR_UNMAPPED;
    }
    return addr;
}

static uint64_t pci_region_addr(const PCIDevice *dev, unsigned int nr)
{
    const uint8_t *bar = dev->config + PCI_BASE_ADDRESS_0 + 4 * nr;
    uint16_t cmd = get_le16(dev->config + PCI_COMMAND);
    const PCIRegion *r = &dev->regions[nr];

    if (r->type & PCI_BAR_IO) {
        return cmd & PCI_COMMAND_IO ? pci_region_io_addr(dev, r, get_le32(bar))
                                    : PCI_BAR_UNMAPPED;
    }
    return cmd & PCI_COMMAND_MEMORY ? pci_region_mem_addr(dev, r, bar)
                                    : PCI_BAR_UNMAPPED;
}

static void pci_map_region(PCIDevice *dev, unsigned int nr, uint64_t addr)
{
    PCIRegion *r = &dev->regions[nr];

    if (addr == r->addr) {
        return;
    }
    trace_pci_map_bar(dev->name, nr, addr, r->size);
    if (r->addr != PCI_BAR_UNMAPPED) {
        memory_region_del_subregion(r->container, r->mr);
    }
    r->addr = addr;
    if (addr != PCI_BAR_UNMAPPED) {
        memory_region_add_subregion_overlap(r->container, addr, r->mr, 1);
    }
}

void pci_update_mappings(PCIDevice *dev)
{
    memory_region_transaction_begin();
    for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
        if (dev->regions[i].mr) {
            pci_map_region(dev, i, pci_region_addr(dev, i));
        }
    }
    memory_region_transaction_commit();
}

void pci_unmap_all(PCIDevice *dev)
{
    memory_region_transaction_begin();
    for (unsigned int i = 0; i < PCI_NUM_BARS; i++) {
        if (dev->regions[i].mr) {
            pci_map_region(dev, i, PCI_BAR_UNMAPPED);
        }
    }
    memory_region_transaction_commit();
}

void pci_update_mastering(PCIDevice *dev)
{
    const PCIBus *root = pci_bus_root(pci_get_bus(dev));
    bool on = get_le16(dev->config + PCI_COMMAND) & PCI_COMMAND_MASTER;
    AddressSpace *as = on ? root->dma_as : root->dma_off_as;

    if (as != dev->dma_as) {
        trace_pci_set_mastering(dev->name, on);
        __atomic_store_n(&dev->dma_as, as, __ATOMIC_RELEASE);
    }
}

/* Every bit a guest can write goes back to 0. */
void pci_config_reset(PCIDevice *dev)
{
    for (unsigned int i = 0; i < dev->config_size; i++) {
        dev->config[i] &= ~(dev->wmask[i] | dev->w1cmask[i]);
    }
    pci_update_mappings(dev);
    pci_update_mastering(dev);
}

/* ---- Accesses ---- */

uint32_t pci_default_config_read(PCIDevice *dev, uint32_t addr,
                                 unsigned int len)
{
    return get_le_n(dev->config + addr, len);
}

static bool pci_touches(uint32_t addr, unsigned int len, uint32_t start,
                        uint32_t nbytes)
{
    return addr < start + nbytes && start < addr + len;
}

void pci_default_config_write(PCIDevice *dev, uint32_t addr, uint32_t val,
                              unsigned int len)
{
    for (unsigned int i = 0; i < len; i++, val >>= 8) {
        uint8_t w = dev->wmask[addr + i];
        uint8_t *c = dev->config + addr + i;

        *c = (*c & ~w) | (val & w);
        *c &= ~(val & dev->w1cmask[addr + i]);
    }
    if (pci_touches(addr, len, PCI_BASE_ADDRESS_0, 4 * PCI_NUM_BARS) ||
        pci_touches(addr, len, PCI_COMMAND, 1)) {
        pci_update_mappings(dev);
    }
    if (pci_touches(addr, len, PCI_COMMAND, 1)) {
        pci_update_mastering(dev);
    }
    msix_write_config(dev, addr, len);
}

/* @addr: bus << 20 | devfn << 12 | register */
static PCIDevice *pci_config_target(PCIBus *root, uint32_t addr,
                                    unsigned int len)
{
    PCIDevice *dev = pci_find_device(root, addr >> 20, addr >> 12 & 0xff);

    return dev && range_fits(addr & 0xfff, len, dev->config_size) ? dev : NULL;
}

uint32_t pci_config_read(PCIBus *root, uint32_t addr, unsigned int len)
{
    PCIDevice *dev = pci_config_target(root, addr, len);
    const PCIDeviceClass *pc;
    uint32_t val;

    if (!dev) {
        return UINT32_MAX >> (32 - 8 * len);
    }
    pc = PCI_DEVICE_GET_CLASS(dev);
    addr &= 0xfff;
    val = pc->config_read ? pc->config_read(dev, addr, len)
                          : pci_default_config_read(dev, addr, len);
    trace_pci_config_read(dev->name, addr, len, val);
    return val;
}

void pci_config_write(PCIBus *root, uint32_t addr, uint32_t val,
                      unsigned int len)
{
    PCIDevice *dev = pci_config_target(root, addr, len);
    const PCIDeviceClass *pc;

    if (!dev) {
        return;
    }
    pc = PCI_DEVICE_GET_CLASS(dev);
    addr &= 0xfff;
    trace_pci_config_write(dev->name, addr, len, val);
    if (pc->config_write) {
        pc->config_write(dev, addr, val, len);
    } else {
        pci_default_config_write(dev, addr, val, len);
    }
}

/* ---- What every host bridge has ---- */

static uint64_t ecam_read(void *opaque, hwaddr addr, unsigned int size)
{
    return pci_config_read(opaque, addr, size);
}

static void ecam_write(void *opaque, hwaddr addr, uint64_t val,
                       unsigned int size)
{
    pci_config_write(opaque, addr, val, size);
}

const MemoryRegionOps pci_ecam_ops = {
    .read = ecam_read,
    .write = ecam_write,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

void pci_host_function_class_init(ObjectClass *oc, uint16_t vendor_id,
                                  uint16_t device_id)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    pc->vendor_id = vendor_id;
    pc->device_id = device_id;
    pc->class_id = PCI_CLASS_BRIDGE_HOST;
    dc->vmsd = &vmstate_pci_device;
    dc->categories = BIT(DEVICE_CATEGORY_BRIDGE);
    dc->user_creatable = false;
    dc->hotpluggable = false;
}
