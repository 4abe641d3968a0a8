/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over MMIO, VIRTIO 1.2, 4.2: a transport with one slot. Life cycle:
 * the board makes it, sets @slot, realizes it, maps @io and connects the
 * unnamed output 0, its interrupt; the user's device goes on the bus
 * "virtio-mmio-bus.SLOT". A slot without device says so to the driver.
 * Context: big lock.
 */
#ifndef HW_VIRTIO_VIRTIO_MMIO_H
#define HW_VIRTIO_VIRTIO_MMIO_H

#include "hw/virtio/virtio-bus.h"

#define TYPE_VIRTIO_MMIO     "virtio-mmio"
#define TYPE_VIRTIO_MMIO_BUS "virtio-mmio-bus"
OBJECT_DECLARE_SIMPLE_TYPE(VirtIOMMIOProxy, VIRTIO_MMIO)

#define VIRTIO_MMIO_BYTES   0x200   /* with VIRTIO_CONFIG_MAX at the end */

struct VirtIOMMIOProxy {
    DeviceState parent_obj;

    /* Properties (frozen after realize); @slot is the board's */
    uint32_t slot;
    bool ioeventfd, force_legacy, format_transport_address;

    /* Guest-visible registers (migrated) */
    uint32_t host_features_sel, guest_features_sel;
    uint32_t device_id;             /* 0: nothing in the slot */

    /* Runtime */
    MemoryRegion io;
    Irq *irq;
    VirtioBusState bus;
    VirtIODevice *vdev;             /* on the bus, or NULL */
};

#endif
