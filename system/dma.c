/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory access by devices: RAM only. */
#include "util/osdep.h"
#include "system/dma.h"
#include "system/memory-internal.h"

MemTxResult dma_read(AddressSpace *as, dma_addr_t addr, void *buf,
                     uint64_t len)
{
    return address_space_rw_ram(as, addr, buf, len, false);
}

MemTxResult dma_write(AddressSpace *as, dma_addr_t addr, const void *buf,
                      uint64_t len)
{
    return address_space_rw_ram(as, addr, (void *)buf, len, true);
}

void *dma_map(AddressSpace *as, dma_addr_t addr, uint64_t *len, bool is_write)
{
    return address_space_map(as, addr, len, is_write, MEMTXATTRS_UNSPECIFIED);
}

void dma_unmap(AddressSpace *as, void *buf, uint64_t len, bool is_write,
               uint64_t access)
{
    address_space_unmap(as, buf, len, is_write, access);
}
