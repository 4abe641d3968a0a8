/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic PCI Express host of Arm machines: configuration by ECAM, four
 * interrupt wires, bus "pcie.0".
 *
 * Life cycle: the board sets what is given by it, realizes the host, maps the
 * regions (windows onto mem and io, and ecam), connects the unnamed outputs 0
 * to 3 (INTA to INTD), and makes function 00.0. Context: big lock.
 */
#ifndef HW_PCI_HOST_GPEX_H
#define HW_PCI_HOST_GPEX_H

#include "hw/pci/pci.h"

#define TYPE_GPEX_HOST  "gpex-pcihost"
#define TYPE_GPEX_ROOT  "gpex-root"
OBJECT_DECLARE_SIMPLE_TYPE(GPEXHost, GPEX_HOST)

#define GPEX_NUM_IRQS       4
#define PCI_ECAM_BUS_BYTES  (1 * MiB)

struct GPEXHost {
    DeviceState parent_obj;

    /* Given by the board */
    AddressSpace *dma_as;
    uint64_t ecam_bytes;            /* 1 MiB for each bus, at most 256 */
    bool has_msi;

    MemoryRegion mem, io;           /* where BARs appear: all addresses */
    MemoryRegion ecam;              /* since realize */
    PCIBus *bus;
    Irq *irq[GPEX_NUM_IRQS];

    /* Migrated: functions that pull each wire */
    uint32_t raised[GPEX_NUM_IRQS];
};

bool gpex_create_root(GPEXHost *s, Error **errp);

#endif
