/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What multiboot kernels expect that firmware has done: the BARs of the
 * functions on root buses have addresses and decode them. Bridges stay as
 * they are after reset. Test devices only, as all of multiboot.
 */
#include "util/osdep.h"
#include "hw/i386/boot-multiboot.h"
#include "hw/pci/pci.h"

/* The next address for @size bytes in [*@next, @end), or UINT64_MAX. */
static uint64_t multiboot_take(uint64_t *next, uint64_t end, uint64_t size)
{
    uint64_t addr = ROUND_UP(*next, size);

    if (addr < *next || addr > end || size > end - addr) {
        return UINT64_MAX;
    }
    *next = addr + size;
    return addr;
}

static void multiboot_write_config(PCIDevice *dev, uint32_t reg, uint32_t val,
                                   unsigned int len)
{
    pci_config_write(pci_get_bus(dev), dev->devfn << 12 | reg, val, len);
}

static void multiboot_assign_bars(PCIDevice *dev, void *opaque)
{
    BootPciWindow *w = opaque;
    uint64_t io = w->io;
    uint16_t command = 0;

    if (PCI_DEVICE_GET_CLASS(dev)->is_bridge) {
        return;
    }
    for (unsigned int i = 0; i < 6; i++) {
        const PCIRegion *r = &dev->regions[i];
        bool is_io = r->type & PCI_BAR_IO;
        uint32_t reg = PCI_BASE_ADDRESS_0 + 4 * i;
        uint64_t addr;

        if (!r->mr) {
            continue;
        }
        addr = is_io ? multiboot_take(&io, w->io_end, r->size)
                     : multiboot_take(&w->mem, w->mem_end, r->size);
        if (addr == UINT64_MAX) {
            continue;
        }
        multiboot_write_config(dev, reg, addr, 4);
        if (r->type & PCI_BASE_ADDRESS_MEM_TYPE_64 && !is_io) {
            multiboot_write_config(dev, reg + 4, addr >> 32, 4);
        }
        command |= is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    }
    w->io = io;
    multiboot_write_config(dev, PCI_COMMAND, command, 2);
}

static void multiboot_start(const BootPciWindow *window)
{
    BootPciWindow w = *window;
    PCIBus *root;

    for (unsigned int i = 0; (root = pci_root_bus_get(i)); i++) {
        if (root->segment == 0) {
            pci_bus_foreach(root, multiboot_assign_bars, &w);
        }
    }
}

static BootFormat format;

static __attribute__((constructor)) void multiboot_register(void)
{
    format = boot_multiboot;
    format.start = multiboot_start;
    boot_format_register(&format);
}
