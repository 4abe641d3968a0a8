/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI and a virtio driver (VirtIO 1.2, sections 2.7 and 4.1) for payloads:
 * split ring, one buffer chain at a time, one MSI-X vector a queue.
 */
#ifndef TESTS_GUEST_VIRTIO_H
#define TESTS_GUEST_VIRTIO_H

#include "guest.h"

#define VIRTIO_QUEUE_SIZE 8

typedef struct VirtqDesc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} VirtqDesc;

typedef struct VirtqAvail {
    uint16_t flags, idx, ring[VIRTIO_QUEUE_SIZE], used_event;
} VirtqAvail;

typedef struct VirtqUsed {
    uint16_t flags, idx;
    struct {
        uint32_t id, len;
    } ring[VIRTIO_QUEUE_SIZE];
    uint16_t avail_event;
} VirtqUsed;

typedef struct Virtq {
    VirtqDesc desc[VIRTIO_QUEUE_SIZE] __attribute__((aligned(16)));
    VirtqAvail avail;
    volatile VirtqUsed used __attribute__((aligned(4)));
    uint64_t notify;                /* address of its doorbell */
} Virtq;

typedef struct Virtio {
    unsigned slot;
    uint64_t bar[6];                /* 0: not there, or I/O */
    uint64_t common, device, notify;
    uint32_t notify_multiplier;
    uint64_t msix_table, msix_pba;
} Virtio;

/* A piece of a chain; what the device writes comes last. */
typedef struct VirtioBuf {
    void *addr;
    uint32_t len;
    bool device_writes;
} VirtioBuf;

uint32_t pci_config_read32(unsigned slot, unsigned reg);
void pci_config_write32(unsigned slot, unsigned reg, uint32_t v);
/* The slot of the function of these ids (device << 16 | vendor), or 32. */
unsigned pci_find(uint32_t ids);

/*
 * Find it, give its BARs addresses, negotiate VERSION_1 and nothing else, set
 * up queue 0 with MSI-X entry 0 going to @vector, and drive it. Fails the
 * payload when any of that does not work.
 */
void virtio_start(Virtio *v, Virtq *q, uint32_t ids, unsigned vector);
/* Queue a chain of @n pieces and ring the doorbell. */
void virtio_send(Virtq *q, const VirtioBuf *bufs, unsigned n);
/* Bytes the device wrote for chain number @n, which it has finished. */
uint32_t virtio_used_len(const Virtq *q, uint16_t n);
/* Entry 0 of the MSI-X table. */
void virtio_mask(Virtio *v, bool masked);
bool virtio_pending(const Virtio *v);

#endif
