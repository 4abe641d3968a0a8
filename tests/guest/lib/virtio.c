/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio.h"

#define MMIO_BASE       0xc0000000

#define CAP_VENDOR      0x09
#define CAP_MSIX        0x11
#define CFG_COMMON      1
#define CFG_NOTIFY      2
#define CFG_DEVICE      4

#define FEATURE_SELECT  0x00
#define FEATURES        0x04
#define DRIVER_SELECT   0x08
#define DRIVER_FEATURES 0x0c
#define STATUS          0x14
#define QUEUE_SELECT    0x16
#define QUEUE_SIZE      0x18
#define QUEUE_VECTOR    0x1a
#define QUEUE_ENABLE    0x1c
#define QUEUE_NOTIFY    0x1e
#define QUEUE_DESC      0x20

#define STATUS_ACK      1
#define STATUS_DRIVER   2
#define STATUS_OK       4
#define STATUS_FEATURES 8

#define DESC_NEXT       1
#define DESC_WRITE      2

/* ---- PCI ---- */

uint32_t pci_config_read32(unsigned slot, unsigned reg)
{
    outl(0xcf8, 0x80000000 | slot << 11 | (reg & 0xfc));
    return inl(0xcfc);
}

void pci_config_write32(unsigned slot, unsigned reg, uint32_t v)
{
    outl(0xcf8, 0x80000000 | slot << 11 | (reg & 0xfc));
    outl(0xcfc, v);
}

unsigned pci_find(uint32_t ids)
{
    unsigned slot = 0;

    while (slot < 32 && pci_config_read32(slot, 0) != ids) {
        slot++;
    }
    return slot;
}

static void assign_bars(Virtio *v)
{
    static uint64_t next = MMIO_BASE;

    for (unsigned i = 0; i < 6; i++) {
        unsigned reg = 0x10 + 4 * i;
        uint32_t mask, size;

        pci_config_write32(v->slot, reg, ~0u);
        mask = pci_config_read32(v->slot, reg);
        if (mask == 0 || mask & 1) {
            continue;
        }
        size = -(mask & ~0xfu);
        next = (next + size - 1) & -(uint64_t)size;
        v->bar[i] = next;
        pci_config_write32(v->slot, reg, next);
        next += size;
        if (mask & 4) {
            pci_config_write32(v->slot, reg + 4, 0);
            i++;
        }
    }
    pci_config_write32(v->slot, 4, 6);          /* memory, bus master */
}

/* ---- Capabilities ---- */

static void take_virtio_cap(Virtio *v, unsigned at)
{
    uint32_t type = pci_config_read32(v->slot, at) >> 24;
    uint32_t bar = pci_config_read32(v->slot, at + 4) & 0xff;
    uint64_t addr;

    if (bar > 5) {
        return;
    }
    addr = v->bar[bar] + pci_config_read32(v->slot, at + 8);
    if (type == CFG_COMMON) {
        v->common = addr;
    } else if (type == CFG_DEVICE) {
        v->device = addr;
    } else if (type == CFG_NOTIFY) {
        v->notify = addr;
        v->notify_multiplier = pci_config_read32(v->slot, at + 16);
    }
}

static void take_msix_cap(Virtio *v, unsigned at)
{
    uint32_t table = pci_config_read32(v->slot, at + 4);
    uint32_t pba = pci_config_read32(v->slot, at + 8);

    v->msix_table = v->bar[table & 7] + (table & ~7u);
    v->msix_pba = v->bar[pba & 7] + (pba & ~7u);
    pci_config_write32(v->slot, at,
                       pci_config_read32(v->slot, at) | 1u << 31);
}

static void walk_caps(Virtio *v)
{
    unsigned at = pci_config_read32(v->slot, 0x34) & 0xfc;

    while (at) {
        uint32_t cap = pci_config_read32(v->slot, at);

        if ((cap & 0xff) == CAP_VENDOR) {
            take_virtio_cap(v, at);
        } else if ((cap & 0xff) == CAP_MSIX) {
            take_msix_cap(v, at);
        }
        at = cap >> 8 & 0xfc;
    }
    check(v->common && v->notify && v->msix_table, "virtio capabilities");
}

/* ---- Virtio ---- */

static void write16(uint64_t addr, uint16_t val)
{
    *(volatile uint16_t *)addr = val;
}

static uint16_t read16(uint64_t addr)
{
    return *(volatile uint16_t *)addr;
}

static void negotiate(Virtio *v)
{
    mmio_write8(v->common + STATUS, 0);
    check(mmio_read8(v->common + STATUS) == 0, "status after reset");
    mmio_write8(v->common + STATUS, STATUS_ACK | STATUS_DRIVER);
    mmio_write32(v->common + FEATURE_SELECT, 1);
    check(mmio_read32(v->common + FEATURES) & 1, "VERSION_1 offered");
    mmio_write32(v->common + DRIVER_SELECT, 0);
    mmio_write32(v->common + DRIVER_FEATURES, 0);
    mmio_write32(v->common + DRIVER_SELECT, 1);
    mmio_write32(v->common + DRIVER_FEATURES, 1);
    mmio_write8(v->common + STATUS,
                STATUS_ACK | STATUS_DRIVER | STATUS_FEATURES);
    check(mmio_read8(v->common + STATUS) & STATUS_FEATURES, "FEATURES_OK");
}

static void set_queue_address(Virtio *v, unsigned n, const volatile void *p)
{
    mmio_write32(v->common + QUEUE_DESC + 8 * n, (uint64_t)p);
    mmio_write32(v->common + QUEUE_DESC + 8 * n + 4, 0);
}

static void setup_queue(Virtio *v, Virtq *q)
{
    write16(v->common + QUEUE_SELECT, 0);
    check(read16(v->common + QUEUE_SIZE) >= VIRTIO_QUEUE_SIZE, "queue size");
    write16(v->common + QUEUE_SIZE, VIRTIO_QUEUE_SIZE);
    write16(v->common + QUEUE_VECTOR, 0);
    check(read16(v->common + QUEUE_VECTOR) == 0, "vector of the queue");
    set_queue_address(v, 0, q->desc);
    set_queue_address(v, 1, &q->avail);
    set_queue_address(v, 2, &q->used);
    q->notify = v->notify + (uint64_t)read16(v->common + QUEUE_NOTIFY) *
                                v->notify_multiplier;
    write16(v->common + QUEUE_ENABLE, 1);
}

void virtio_start(Virtio *v, Virtq *q, uint32_t ids, unsigned vector)
{
    v->slot = pci_find(ids);
    check(v->slot < 32, "the device is there");
    assign_bars(v);
    walk_caps(v);
    mmio_write32(v->msix_table, 0xfee00000);
    mmio_write32(v->msix_table + 4, 0);
    mmio_write32(v->msix_table + 8, vector);
    virtio_mask(v, false);
    negotiate(v);
    setup_queue(v, q);
    mmio_write8(v->common + STATUS, STATUS_ACK | STATUS_DRIVER |
                                        STATUS_FEATURES | STATUS_OK);
}

void virtio_send(Virtq *q, const VirtioBuf *bufs, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        q->desc[i].addr = (uint64_t)bufs[i].addr;
        q->desc[i].len = bufs[i].len;
        q->desc[i].flags = (i + 1 < n ? DESC_NEXT : 0) |
                           (bufs[i].device_writes ? DESC_WRITE : 0);
        q->desc[i].next = i + 1;
    }
    q->avail.ring[q->avail.idx % VIRTIO_QUEUE_SIZE] = 0;
    asm volatile("" : : : "memory");
    *(volatile uint16_t *)&q->avail.idx = q->avail.idx + 1;
    asm volatile("mfence" : : : "memory");
    write16(q->notify, 0);
}

uint32_t virtio_used_len(const Virtq *q, uint16_t n)
{
    return q->used.ring[n % VIRTIO_QUEUE_SIZE].len;
}

void virtio_mask(Virtio *v, bool masked)
{
    mmio_write32(v->msix_table + 12, masked);
}

bool virtio_pending(const Virtio *v)
{
    return mmio_read32(v->msix_pba) & 1;
}
