/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory access by devices. The same as the address_space_* calls, with the
 * attributes of a bus master; RAM only: a transfer that would reach MMIO is
 * refused with MEMTX_ACCESS_ERROR (what comes before is done), so that a guest
 * cannot make a device write into a device's registers. A read that fails
 * fills the rest with ones.
 *
 * Context: any thread; pointers from dma_map stay valid until dma_unmap.
 */
#ifndef SYSTEM_DMA_H
#define SYSTEM_DMA_H

#include "system/memory.h"

typedef uint64_t dma_addr_t;

MemTxResult dma_read(AddressSpace *as, dma_addr_t addr, void *buf,
                     uint64_t len);
MemTxResult dma_write(AddressSpace *as, dma_addr_t addr, const void *buf,
                      uint64_t len);
/* Pointer to the RAM at @addr, of up to *@len bytes; *@len is cut to what is
 * contiguous in the host. NULL when the byte at @addr is not RAM. */
void *dma_map(AddressSpace *as, dma_addr_t addr, uint64_t *len, bool is_write);
void dma_unmap(AddressSpace *as, void *buf, uint64_t len, bool is_write,
               uint64_t access);

#endif
