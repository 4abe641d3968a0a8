/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of MSI-X: msix.c, pci-vmstate.c. */
#ifndef HW_PCI_MSIX_INTERNAL_H
#define HW_PCI_MSIX_INTERNAL_H

#include "hw/pci/msix.h"

typedef struct MSIXState {
    /* Fixed */
    uint16_t nvectors;
    uint8_t cap;                    /* offset of the capability */
    uint32_t table_bytes, pba_bytes;
    MemoryRegion table_mr, pba_mr;
    MemoryRegion *table_parent, *pba_parent;
    MemoryRegion *exclusive_bar;    /* NULL: the device's own BAR */

    /* Guest-visible registers (migrated); words accessed atomically */
    uint8_t *table;
    uint8_t *pba;
    bool enabled, all_masked;       /* copies of the control register */

    /* Runtime; big lock */
    uint16_t *users;                /* by vector: msix_vector_use() count */
    bool *routed;                   /* by vector: "use" was called */
    MsixUseFn *use;
    MsixReleaseFn *release;
    MsixPollFn *poll;
} MSIXState;

/* The control register or the whole table may have changed. */
void msix_state_changed(PCIDevice *dev);

#endif
