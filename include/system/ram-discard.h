/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving the host back memory that the guest does not use: balloon, free page
 * reporting, later virtio-mem.
 *
 * Context: any thread; the caller holds a mapping or is in a read section.
 */
#ifndef SYSTEM_RAM_DISCARD_H
#define SYSTEM_RAM_DISCARD_H

#include "system/memory.h"

/*
 * ram_block_discard: free [@offset, @offset + @len) of @rb; it reads as zeros
 * (private memory) or as holes of its file (shared) afterwards. Only whole
 * pages of the backing go: the range is cut to them.
 * Returns bytes freed (0 when there is no whole page), or -errno.
 */
int64_t ram_block_discard(RamBlock *rb, uint64_t offset, uint64_t len);

#endif
