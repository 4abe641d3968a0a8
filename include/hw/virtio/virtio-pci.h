/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI, VIRTIO 1.2, 4.1: the transport, and how a device gets its
 * PCI types.
 *
 * One row makes "NAME" and "NAME-non-transitional", which are the same thing
 * here: there is no legacy interface.
 */
#ifndef HW_VIRTIO_VIRTIO_PCI_H
#define HW_VIRTIO_VIRTIO_PCI_H

#include "hw/pci/pci.h"
#include "hw/virtio/virtio-bus.h"

#define TYPE_VIRTIO_PCI     "virtio-pci"
#define TYPE_VIRTIO_PCI_BUS "virtio-pci-bus"
OBJECT_DECLARE_TYPE(VirtIOPCIProxy, VirtIOPCIClass, VIRTIO_PCI)

typedef struct VirtIOPCIInfo {
    const char *name;               /* "virtio-rng-pci" */
    const char *alias;              /* "virtio-rng", or NULL */
    const char *vdev_type;          /* "virtio-rng-device" */
    uint16_t class_id;              /* PCI_CLASS_* */
    uint32_t categories;
    const char *help;
} VirtIOPCIInfo;

struct VirtIOPCIClass {
    PCIDeviceClass parent_class;
    const VirtIOPCIInfo *info;
};

/* @info stays valid for ever. From type_init only. */
void virtio_pci_register(const VirtIOPCIInfo *info);

#endif
