/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving the host back guest memory; see include/system/ram-discard.h. */
#include "util/osdep.h"
#include <fcntl.h>
#include <sys/mman.h>
#include "system/ram-discard.h"

int64_t ram_block_discard(RamBlock *rb, uint64_t offset, uint64_t len)
{
    uint64_t start, end;

    if (!range_fits(offset, len, rb->used_length) || rb->readonly) {
        return -EINVAL;
    }
    start = ROUND_UP(offset, rb->page_size);
    end = ROUND_DOWN(offset + len, rb->page_size);
    if (start >= end) {
        return 0;
    }
    if (rb->fd >= 0 && rb->shared) {
        if (fallocate(rb->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      rb->fd_offset + start, end - start) < 0) {
            return -errno;
        }
    } else if (madvise(rb->host + start, end - start, MADV_DONTNEED) < 0) {
        return -errno;
    }
    return end - start;
}
