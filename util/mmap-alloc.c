/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest RAM from the host; see include/util/mmap-alloc.h. */
#include "util/osdep.h"
#include "util/mmap-alloc.h"
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include "util/error.h"

size_t host_page_size(void)
{
    static size_t cached;               /* atomic */
    size_t size = __atomic_load_n(&cached, __ATOMIC_RELAXED);

    if (!size) {
        size = sysconf(_SC_PAGESIZE);
        __atomic_store_n(&cached, size, __ATOMIC_RELAXED);
    }
    return size;
}

size_t fd_page_size(int fd)
{
    struct statfs fs;

    if (fd >= 0 && RETRY_ON_EINTR(fstatfs(fd, &fs)) == 0 &&
        fs.f_type == HUGETLBFS_MAGIC) {
        return fs.f_bsize;
    }
    return host_page_size();
}

/* Bytes of address space that belong to a mapping of @size: with the guard
 * page, which ram_free() finds by the same sum. */
static size_t ram_span(size_t size)
{
    size_t page = host_page_size();

    return ROUND_UP(size, page) + page;
}

/*
 * Reserve the span of @size at a multiple of @align: map too much, cut off
 * both ends. The guard page is what stays PROT_NONE at the end.
 */
static char *ram_reserve(size_t size, size_t align)
{
    size_t span = ram_span(size), total = span + align;
    char *raw, *start;

    raw = mmap(NULL, total, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) {
        return NULL;
    }
    start = (char *)ROUND_UP((uintptr_t)raw, align);
    if (start > raw) {
        munmap(raw, start - raw);
    }
    if (raw + total > start + span) {
        munmap(start + span, raw + total - (start + span));
    }
    return start;
}

static void *ram_mmap(int fd, uint64_t offset, size_t size, size_t align,
                      unsigned flags)
{
    int prot = PROT_READ | (flags & RAM_MMAP_READONLY ? 0 : PROT_WRITE);
    int mflags = MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0) |
                 (flags & RAM_MMAP_SHARED ? MAP_SHARED : MAP_PRIVATE) |
                 (flags & RAM_MMAP_NORESERVE ? MAP_NORESERVE : 0);
    char *start = ram_reserve(size, align);
    int err;

    if (!start) {
        return NULL;
    }
    if (mmap(start, size, prot, mflags, fd, offset) == MAP_FAILED) {
        err = errno;
        munmap(start, ram_span(size));
        errno = err;
        return NULL;
    }
    /* Many distributions give huge pages only to those that ask. A hint: there
     * are kernels and file systems without. */
    if (size >= RAM_THP_ALIGN_BYTES) {
        madvise(start, size, MADV_HUGEPAGE);
    }
    return start;
}

/* The alignment to use, or 0 with an error when the request is not sane. */
static size_t ram_check(size_t size, size_t page, size_t align, Error **errp)
{
    /* Half the address space leaves every sum here without overflow. */
    if (!size || size > SIZE_MAX / 2 || align > SIZE_MAX / 4 ||
        (align && !IS_POWER_OF_2(align))) {
        error_setg(errp, "cannot map %zu bytes of memory aligned to %zu", size,
                   align);
        return 0;
    }
    if (!align && size >= RAM_THP_ALIGN_BYTES) {
        align = RAM_THP_ALIGN_BYTES;
    }
    return MAX(align, page);
}

void *ram_alloc_anon(size_t size, size_t align, unsigned flags, Error **errp)
{
    void *ptr;

    align = ram_check(size, host_page_size(), align, errp);
    if (!align) {
        return NULL;
    }
    ptr = ram_mmap(-1, 0, size, align, flags);
    if (!ptr) {
        error_setg_errno(errp, errno, "cannot allocate %zu bytes of memory",
                         size);
    }
    return ptr;
}

void *ram_mmap_fd(int fd, uint64_t offset, size_t size, size_t align,
                  unsigned flags, Error **errp)
{
    size_t page = fd_page_size(fd);
    void *ptr;

    align = ram_check(size, page, align, errp);
    if (!align) {
        return NULL;
    }
    if (!IS_ALIGNED(offset, page)) {
        error_setg(errp, "offset %" PRIu64 " is not a multiple of the page "
                   "size, %zu bytes", offset, page);
        return NULL;
    }
    if (page != host_page_size() && !IS_ALIGNED(size, page)) {
        error_setg(errp, "size %zu is not a multiple of the huge page size, "
                   "%zu bytes", size, page);
        return NULL;
    }
    ptr = ram_mmap(fd, offset, size, align, flags);
    if (!ptr) {
        error_setg_errno(errp, errno, "cannot map %zu bytes of a file", size);
        if (page != host_page_size()) {
            error_append_hint(errp, "are there enough free huge pages?");
        }
    }
    return ptr;
}

void ram_free(void *ptr, size_t size)
{
    if (ptr) {
        munmap(ptr, ram_span(size));
    }
}
