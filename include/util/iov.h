/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scatter-gather lists.
 *
 * iov_*() work on plain `struct iovec` arrays, such as come out of a
 * virtqueue; iovec_*() on IoVec, an array that knows its length and grows.
 * Every function stops at the end of the list: offsets and lengths may come
 * from a guest. Those that copy return how many bytes they did. No locks.
 */
#ifndef UTIL_IOV_H
#define UTIL_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

/* Plain arrays */

/* iov_size: the sum of the lengths. */
size_t iov_size(const struct iovec *iov, unsigned niov);

/* Parts of the copies below that are not in the first element. */
size_t iov_to_buf_full(const struct iovec *iov, unsigned niov, size_t offset,
                       void *buf, size_t bytes);
size_t iov_from_buf_full(const struct iovec *iov, unsigned niov,
                         size_t offset, const void *buf, size_t bytes);

/* iov_to_buf: copy @bytes from @offset of the list into @buf. */
static inline size_t iov_to_buf(const struct iovec *iov, unsigned niov,
                                size_t offset, void *buf, size_t bytes)
{
    if (niov && offset <= iov[0].iov_len && bytes <= iov[0].iov_len - offset) {
        memcpy(buf, (char *)iov[0].iov_base + offset, bytes);
        return bytes;
    }
    return iov_to_buf_full(iov, niov, offset, buf, bytes);
}

/* iov_from_buf: copy @buf to @offset of the list. */
static inline size_t iov_from_buf(const struct iovec *iov, unsigned niov,
                                  size_t offset, const void *buf, size_t bytes)
{
    if (niov && offset <= iov[0].iov_len && bytes <= iov[0].iov_len - offset) {
        memcpy((char *)iov[0].iov_base + offset, buf, bytes);
        return bytes;
    }
    return iov_from_buf_full(iov, niov, offset, buf, bytes);
}

size_t iov_memset(const struct iovec *iov, unsigned niov, size_t offset,
                  int fill, size_t bytes);

/* buffer_is_zero: whether all @len bytes are zero (true for none); iov_is_zero:
 * @bytes from @offset. */
bool buffer_is_zero(const void *data, size_t len);
bool iov_is_zero(const struct iovec *iov, unsigned niov, size_t offset,
                 size_t bytes);

/*
 * iov_copy: describe @bytes from @offset of @src in @dst, which has room for
 * @dst_max elements; no data moves. Returns the elements used.
 */
unsigned iov_copy(struct iovec *dst, unsigned dst_max, const struct iovec *src,
                  unsigned nsrc, size_t offset, size_t bytes);

/*
 * iov_discard_front, iov_discard_back: shorten the list by @bytes at one end,
 * in place: *@iov and *@niov move, the element cut into is modified. Returns
 * the bytes dropped, less than @bytes when the list was shorter.
 */
size_t iov_discard_front(struct iovec **iov, unsigned *niov, size_t bytes);
size_t iov_discard_back(struct iovec *iov, unsigned *niov, size_t bytes);

/* IoVec */

typedef struct IoVec {
    struct iovec *iov;
    unsigned niov;
    unsigned nalloc;                /* 0: @iov is not ours */
    size_t size;                    /* sum of the lengths */
    struct iovec local;             /* backs iovec_init_buf() */
} IoVec;

/* iovec_init: empty, with room for @hint elements. */
void iovec_init(IoVec *v, unsigned hint);

/* iovec_init_external: over @iov, which stays the caller's and must outlive
 * @v. Nothing can be added. */
void iovec_init_external(IoVec *v, struct iovec *iov, unsigned niov);

/* iovec_init_buf: over one buffer; no allocation, iovec_destroy is optional.
 * @v must not be copied or moved. */
void iovec_init_buf(IoVec *v, void *buf, size_t len);

/* iovec_init_slice: over @bytes from @offset of @src, clamped to it. */
void iovec_init_slice(IoVec *v, const IoVec *src, size_t offset, size_t bytes);

void iovec_destroy(IoVec *v);       /* zeroed or destroyed: fine */
void iovec_reset(IoVec *v);         /* make it empty, keep the memory */

void iovec_add(IoVec *v, void *base, size_t len);

/* iovec_concat: append @bytes from @offset of @src; returns bytes appended. */
size_t iovec_concat(IoVec *dst, const IoVec *src, size_t offset, size_t bytes);
size_t iovec_concat_iov(IoVec *dst, const struct iovec *iov, unsigned niov,
                        size_t offset, size_t bytes);

static inline size_t iovec_to_buf(const IoVec *v, size_t offset, void *buf,
                                  size_t bytes)
{
    return iov_to_buf(v->iov, v->niov, offset, buf, bytes);
}

static inline size_t iovec_from_buf(const IoVec *v, size_t offset,
                                    const void *buf, size_t bytes)
{
    return iov_from_buf(v->iov, v->niov, offset, buf, bytes);
}

static inline size_t iovec_memset(const IoVec *v, size_t offset, int fill,
                                  size_t bytes)
{
    return iov_memset(v->iov, v->niov, offset, fill, bytes);
}

static inline bool iovec_is_zero(const IoVec *v, size_t offset, size_t bytes)
{
    return iov_is_zero(v->iov, v->niov, offset, bytes);
}

/* iovec_is_aligned: whether all bases and lengths are multiples of @align, a
 * power of 2 (O_DIRECT). */
bool iovec_is_aligned(const IoVec *v, size_t align);

#endif
