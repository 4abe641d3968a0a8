/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI Express host of the virt machines: bus "pcie.0", function 00.0 is
 * 8086:0d57, MSI and MSI-X only.
 *
 * Life cycle: the board sets dma_as and port_cf9, realizes it, and maps the
 * regions: ecam and the ports where its memory map has them, mem and io below
 * all else (priority -1), so that no BAR hides RAM. Context: big lock.
 */
#ifndef HW_PCI_HOST_PCI_LITE_H
#define HW_PCI_HOST_PCI_LITE_H

#include "hw/pci/pci.h"

#define TYPE_PCI_LITE_HOST  "pci-lite-host"
#define TYPE_PCI_LITE       "pci-lite"
OBJECT_DECLARE_SIMPLE_TYPE(PCILiteHost, PCI_LITE_HOST)

#define PCI_ECAM_BYTES          (256 * MiB)     /* 256 buses */
#define PCI_CONFIG_PORT_BYTES   4

struct PCILiteHost {
    DeviceState parent_obj;

    /* Properties */
    uint64_t hole64_size;           /* bytes of the window above 4 GiB */

    /* Given by the board */
    AddressSpace *dma_as;
    MemoryRegion *port_cf9;         /* byte accesses there; NULL: nothing */

    MemoryRegion mem, io;           /* where BARs appear: all addresses */
    MemoryRegion ecam;              /* PCI_ECAM_BYTES */
    MemoryRegion config_addr;       /* port 0xcf8 */
    MemoryRegion config_data;       /* port 0xcfc */
    PCIBus *bus;

    /* Guest-visible (migrated) */
    uint32_t config_reg;            /* CONFIG_ADDRESS */
};

#endif
