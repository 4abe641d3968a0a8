/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of hw/pci. */
#ifndef HW_PCI_PCI_INTERNAL_H
#define HW_PCI_PCI_INTERNAL_H

#include "hw/pci/pci.h"

/* pci-bus.c: give @dev its devfn and slot, or let go of it. */
bool pci_bus_attach(PCIBus *bus, PCIDevice *dev, Error **errp);
void pci_bus_detach(PCIBus *bus, PCIDevice *dev);

/* pci-config.c */
void pci_config_init(PCIDevice *dev, const PCIDeviceClass *pc);
void pci_config_free(PCIDevice *dev);
void pci_config_reset(PCIDevice *dev);
/* Make BARs and bus mastering follow the registers. */
void pci_update_mappings(PCIDevice *dev);
void pci_update_mastering(PCIDevice *dev);
void pci_unmap_all(PCIDevice *dev);

#endif
