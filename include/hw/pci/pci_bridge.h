/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI-to-PCI bridges (PCI-to-PCI Bridge 1.2): a function with a type 1 header
 * and a bus behind it. The three windows (I/O, memory, prefetchable memory)
 * are aliases of the secondary bus's spaces in the primary's, moved whenever
 * the guest programs them. Life cycle and context: as pci.h.
 */
#ifndef HW_PCI_PCI_BRIDGE_H
#define HW_PCI_PCI_BRIDGE_H

#include "hw/pci/pci.h"

#define TYPE_PCI_BRIDGE     "base-pci-bridge"
#define TYPE_PCIE_PORT      "pcie-port"
#define TYPE_PCIE_ROOT_PORT "pcie-root-port"
OBJECT_DECLARE_SIMPLE_TYPE(PCIBridge, PCI_BRIDGE)

enum { PCI_WINDOW_IO, PCI_WINDOW_MEM, PCI_WINDOW_PREF, PCI_WINDOWS };

struct PCIBridge {
    PCIDevice parent_obj;

    PCIBus sec_bus;
    const char *sec_bus_type;       /* TYPE_PCIE_BUS; set before realize */
    MemoryRegion mem, io;           /* spaces of the secondary bus */
    MemoryRegion windows[PCI_WINDOWS];
    bool window_mapped[PCI_WINDOWS];
};

/* pci_bridge_get_bus: the bus behind @dev, NULL when it is no bridge. */
PCIBus *pci_bridge_get_bus(PCIDevice *dev);
/* For subclasses: their realize, exit and config_write call these. */
bool pci_bridge_realize(PCIDevice *dev, Error **errp);
void pci_bridge_exit(PCIDevice *dev);
/* pci_bridge_window: what the registers of @dev say; false: closed. */
bool pci_bridge_window(const PCIDevice *dev, unsigned int window,
                       uint64_t *base, uint64_t *limit);

#endif
