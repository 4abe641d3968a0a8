/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X (PCI Express Base 5.0, 7.7.2): a table of messages in a BAR, a pending
 * bit and a mask bit for each.
 *
 * A device asks for vectors in realize and raises them by msix_notify(). A
 * device whose vectors are raised by event notifiers in the kernel registers
 * vector notifiers: "use" when a vector becomes deliverable (enabled and
 * unmasked), with the message to route to, "release" when it ceases to be,
 * "poll" when the guest reads pending bits. They are called for vectors the
 * device has marked by msix_vector_use() only.
 *
 * Threading: big lock, except msix_notify(), which any thread may call.
 */
#ifndef HW_PCI_MSIX_H
#define HW_PCI_MSIX_H

#include "hw/pci/pci.h"
#include "system/accel.h"

#define MSIX_MAX_VECTORS        2048    /* 11-bit table size */

/* Return 0 or -errno. */
typedef int MsixUseFn(PCIDevice *dev, unsigned int vector, MSIMessage msg);
typedef void MsixReleaseFn(PCIDevice *dev, unsigned int vector);
/* Set the pending bits of [@start, @end) that have one by msix_set_pending. */
typedef void MsixPollFn(PCIDevice *dev, unsigned int start, unsigned int end);

/*
 * msix_init: table and pending bits at multiples of 8 in BARs that the caller
 * registers; the two must not overlap. @cap_pos 0: first free place.
 */
typedef struct MsixLayout {
    MemoryRegion *table_mr, *pba_mr;
    uint8_t table_bar, pba_bar;
    uint32_t table_offset_bytes, pba_offset_bytes;
    uint8_t cap_pos;
} MsixLayout;
bool msix_init(PCIDevice *dev, unsigned int nvectors, const MsixLayout *layout,
               Error **errp);
/*
 * msix_init_exclusive_bar: the same in a BAR of its own (32-bit memory):
 * table at 0, pending bits in the second half, at least 4 KiB as on QEMU.
 */
bool msix_init_exclusive_bar(PCIDevice *dev, unsigned int nvectors,
                             uint8_t bar, Error **errp);
/* msix_uninit: also done when the function is unrealized. */
void msix_uninit(PCIDevice *dev);

bool msix_present(const PCIDevice *dev);
/* msix_enabled: the guest has turned MSI-X on. Any thread. */
bool msix_enabled(const PCIDevice *dev);

/* msix_notify: raise @vector: a message, or the pending bit while masked; out
 * of range or not enabled: nothing. Any thread. */
void msix_notify(PCIDevice *dev, unsigned int vector);
/* msix_is_masked: by its own bit or the function's. */
bool msix_is_masked(const PCIDevice *dev, unsigned int vector);
void msix_set_pending(PCIDevice *dev, unsigned int vector);

/* The device may raise @vector from now on (counted). Returns false when
 * @vector is out of range. */
bool msix_vector_use(PCIDevice *dev, unsigned int vector);
void msix_vector_unuse(PCIDevice *dev, unsigned int vector);
void msix_unuse_all_vectors(PCIDevice *dev);

/*
 * msix_set_vector_notifiers: "use" is called at once for the deliverable
 * vectors in use. Returns 0 or the first error, then none is left set.
 */
int msix_set_vector_notifiers(PCIDevice *dev, MsixUseFn *use,
                              MsixReleaseFn *release, MsixPollFn *poll);
void msix_unset_vector_notifiers(PCIDevice *dev);

/* Called by hw/pci/pci.c. */
void msix_write_config(PCIDevice *dev, uint32_t addr, unsigned int len);
void msix_reset(PCIDevice *dev);

/* VMSTATE_MSIX(parent_obj, XState): after VMSTATE_PCI_DEVICE; nothing when
 * the device has no MSI-X. */
extern const VMStateDescription vmstate_msix;
#define VMSTATE_MSIX(f, S) VMSTATE_STRUCT(f, S, vmstate_msix, PCIDevice)

#endif
