/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM from the host: aligned anonymous and file mappings.
 *
 * The start is aligned such that transparent huge pages can back the whole,
 * which the kernel is asked for, and there is an unreadable page after the end,
 * so that a run off the end faults. Memory is not touched here, so it costs
 * nothing until used.
 */
#ifndef UTIL_MMAP_ALLOC_H
#define UTIL_MMAP_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Error;

/* Start alignment that lets a THP-sized page map both sides (x86, arm 4K). */
#define RAM_THP_ALIGN_BYTES (2u * 1024 * 1024)

enum {
    RAM_MMAP_SHARED    = 1 << 0,    /* MAP_SHARED: writes reach the file */
    RAM_MMAP_NORESERVE = 1 << 1,    /* no swap reservation */
    RAM_MMAP_READONLY  = 1 << 2,
};

/* host_page_size: of the host kernel, in bytes. */
size_t host_page_size(void);

/* fd_page_size: page size that backs @fd: the huge page size on hugetlbfs. */
size_t fd_page_size(int fd);

/*
 * ram_alloc_anon: @size bytes (> 0; the mapping is whole pages) of zeroed
 * memory.
 * @align: power of 2; 0: RAM_THP_ALIGN_BYTES, or a page for small sizes
 * @flags: RAM_MMAP_*
 * Returns NULL with *@errp set. Free by ram_free() with the same size.
 */
void *ram_alloc_anon(size_t size, size_t align, unsigned flags,
                     struct Error **errp);

/*
 * ram_mmap_fd: the same, backed by @fd from @offset, a multiple of
 * fd_page_size(), and so is @size on hugetlbfs. @fd can be closed after.
 */
void *ram_mmap_fd(int fd, uint64_t offset, size_t size, size_t align,
                  unsigned flags, struct Error **errp);

void ram_free(void *ptr, size_t size);      /* NULL is fine */

#endif
