/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What virtio-pci.c (set-up, vectors) and virtio-pci-regs.c (registers) share.
 * Context: big lock. */
#ifndef HW_VIRTIO_VIRTIO_PCI_INTERNAL_H
#define HW_VIRTIO_VIRTIO_PCI_INTERNAL_H

#include "hw/virtio/virtio-pci.h"

#define VIRTIO_PCI_MODERN_BAR 4

enum { REGION_COMMON, REGION_ISR, REGION_DEVICE, REGION_NOTIFY, REGION__MAX };

typedef struct VirtIOPCIRegion {
    MemoryRegion mr;
    uint32_t offset, size;          /* bytes, in BAR 4 */
} VirtIOPCIRegion;

typedef struct VirtIOPCIVector {
    int virq;                       /* route; -1: none */
} VirtIOPCIVector;

struct VirtIOPCIProxy {
    PCIDevice parent_obj;

    /* Properties (frozen after realize) */
    uint32_t nvectors;
    bool ioeventfd, page_per_vq, disable_modern, ats;
    int disable_legacy;             /* OnOffAuto, accepted */

    /* Guest-visible registers (migrated) */
    uint32_t dfselect, gfselect;
    uint32_t gf[2];

    /* Runtime */
    VirtioBusState bus;
    VirtIODevice *vdev;             /* child "virtio-backend" */
    MemoryRegion bar;
    VirtIOPCIRegion regions[REGION__MAX];
    uint32_t notify_mult;           /* bytes between queues */
    uint8_t cfg_cap;                /* offset of the access capability */
    VirtIOPCIVector *vectors;       /* nvectors */
    bool guest_notifiers;
};

/* ---- virtio-pci.c ---- */

/* What the driver writes as the vector of *@slot, or of a queue; one that does
 * not exist becomes VIRTIO_NO_VECTOR (4.1.5.1.2). */
void virtio_pci_set_vector(VirtIOPCIProxy *p, uint16_t *slot, uint16_t vector);
void virtio_pci_set_queue_vector(VirtIOPCIProxy *p, VirtQueue *vq,
                                 uint16_t vector);
void virtio_pci_reset_device(VirtIOPCIProxy *p);

/* ---- virtio-pci-regs.c ---- */

/* For each region; opaque is the VirtIOPCIProxy. */
extern const MemoryRegionOps virtio_pci_region_ops[REGION__MAX];
/* Callbacks of PCIDeviceClass. */
uint32_t virtio_pci_config_read(PCIDevice *pci, uint32_t addr,
                                unsigned int len);
void virtio_pci_config_write(PCIDevice *pci, uint32_t addr, uint32_t val,
                             unsigned int len);

#endif
