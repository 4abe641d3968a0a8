/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Constants of PCI configuration space: the host kernel's names for registers,
 * and what is not among them. Specifications: PCI Local Bus 3.0, PCI-to-PCI
 * Bridge 1.2, PCI Express Base 5.0; class codes: PCI Code and ID Assignment.
 */
#ifndef HW_PCI_PCI_REGS_H
#define HW_PCI_PCI_REGS_H

#include <linux/pci_regs.h>

#define PCI_CONFIG_SIZE_BYTES   PCI_CFG_SPACE_SIZE
#define PCIE_CONFIG_SIZE_BYTES  PCI_CFG_SPACE_EXP_SIZE
#define PCI_NUM_BARS            6
#define PCI_ROM_SLOT            6       /* of io_regions */
#define PCI_BRIDGE_ROM_SLOT     PCI_ROM_SLOT
#define PCI_NUM_REGIONS         7
#define PCI_HEADER_TYPE_MULTI   0x80
#define PCI_DEVFN_MAX           256
#define PCI_SLOT_MAX            32
#define PCI_FUNC_MAX            8
#define PCI_DEVFN_OF(slot, fn)  ((uint8_t)(((slot) << 3) | (fn)))
#define PCI_SLOT_OF(devfn)      (((devfn) >> 3) & 0x1f)
#define PCI_FUNC_OF(devfn)      ((devfn) & 7)

/* Vendors */
#define PCI_VENDOR_ID_INTEL     0x8086
#define PCI_VENDOR_ID_REDHAT    0x1b36
#define PCI_VENDOR_ID_QUMRANET  0x1af4  /* virtio; subsystem of the others */
#define PCI_SUBDEVICE_ID_QEMU   0x1100

/* Devices of vendor Red Hat */
#define PCI_DEVICE_ID_REDHAT_PCIE_RP    0x000c
#define PCI_DEVICE_ID_REDHAT_PVPANIC    0x0011
#define PCI_DEVICE_ID_REDHAT_TEST       0x0005

/* Classes: base << 8 | sub */
#define PCI_CLASS_STORAGE_SCSI          0x0100
#define PCI_CLASS_STORAGE_SATA          0x0106
#define PCI_CLASS_STORAGE_EXPRESS       0x0108
#define PCI_CLASS_STORAGE_OTHER         0x0180
#define PCI_CLASS_NETWORK_ETHERNET      0x0200
#define PCI_CLASS_DISPLAY_VGA           0x0300
#define PCI_CLASS_MEMORY_RAM            0x0500
#define PCI_CLASS_BRIDGE_HOST           0x0600
#define PCI_CLASS_BRIDGE_ISA            0x0601
#define PCI_CLASS_BRIDGE_PCI            0x0604
#define PCI_CLASS_COMMUNICATION_SERIAL  0x0700
#define PCI_CLASS_COMMUNICATION_OTHER   0x0780
#define PCI_CLASS_SYSTEM_OTHER          0x0880
#define PCI_CLASS_OTHERS                0x00ff

#endif
