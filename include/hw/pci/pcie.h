/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI Express capability (PCI Express Base 5.0, 7.5.3). Context: realize,
 * big lock.
 */
#ifndef HW_PCI_PCIE_H
#define HW_PCI_PCIE_H

#include "hw/pci/pci.h"

/*
 * pcie_cap_init: add the capability. @type: PCI_EXP_TYPE_*; @port: number of a
 * root port, else 0. A device on a root bus becomes a root complex integrated
 * end point by itself when @type is PCI_EXP_TYPE_ENDPOINT.
 */
bool pcie_cap_init(PCIDevice *dev, uint8_t type, uint8_t port, Error **errp);
/* pcie_cap_slot_init: slot registers of a root port. */
void pcie_cap_slot_init(PCIDevice *dev, uint16_t slot, bool hotplug);
/* pcie_cap_set_present: presence and link state of the slot below. */
void pcie_cap_set_present(PCIDevice *dev, bool present);

#endif
