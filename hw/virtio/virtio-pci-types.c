/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio devices that exist on PCI; a new one is a row. */
#include "util/osdep.h"
#include "hw/virtio/virtio-pci.h"
#include "hw/pci/pci_regs.h"

static const VirtIOPCIInfo virtio_pci_devices[] = {
    {
        "virtio-blk-pci", "virtio-blk", "virtio-blk-device",
        PCI_CLASS_STORAGE_SCSI, BIT(DEVICE_CATEGORY_STORAGE),
        "virtio disk",
    }, {
        "virtio-net-pci", "virtio-net", "virtio-net-device",
        PCI_CLASS_NETWORK_ETHERNET, BIT(DEVICE_CATEGORY_NETWORK),
        "virtio network card",
    }, {
        "virtio-serial-pci", "virtio-serial", "virtio-serial-device",
        PCI_CLASS_COMMUNICATION_OTHER, BIT(DEVICE_CATEGORY_INPUT),
        "virtio bus of consoles and serial ports",
    }, {
        "virtio-rng-pci", "virtio-rng", "virtio-rng-device",
        PCI_CLASS_OTHERS, BIT(DEVICE_CATEGORY_MISC),
        "virtio entropy source",
    }, {
        "virtio-balloon-pci", "virtio-balloon", "virtio-balloon-device",
        PCI_CLASS_OTHERS, BIT(DEVICE_CATEGORY_MISC),
        "virtio memory balloon",
    },
};

static void virtio_pci_register_types(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(virtio_pci_devices); i++) {
        virtio_pci_register(&virtio_pci_devices[i]);
    }
}
type_init(virtio_pci_register_types)
