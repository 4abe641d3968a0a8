/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scatter-gather lists; see include/util/iov.h. */
#include "util/osdep.h"
#include "util/iov.h"

/*
 * A position in a list. iov_walk_next() gives the next contiguous piece of at
 * most *@left bytes and takes it off *@left; false at the end of either.
 */
typedef struct IovWalk {
    const struct iovec *iov;
    unsigned niov;
    size_t skip;
} IovWalk;

static bool iov_walk_next(IovWalk *w, size_t *left, struct iovec *piece)
{
    while (w->niov && *left) {
        size_t len = w->iov->iov_len;
        char *base = w->iov->iov_base;
        size_t skip = MIN(w->skip, len);

        w->skip -= skip;
        w->iov++;
        w->niov--;
        if (len > skip) {
            piece->iov_base = base + skip;
            piece->iov_len = MIN(len - skip, *left);
            *left -= piece->iov_len;
            return true;
        }
    }
    return false;
}

size_t iov_size(const struct iovec *iov, unsigned niov)
{
    size_t sum = 0;

    for (unsigned i = 0; i < niov; i++) {
        sum += iov[i].iov_len;
    }
    return sum;
}

size_t iov_to_buf_full(const struct iovec *iov, unsigned niov, size_t offset,
                       void *buf, size_t bytes)
{
    IovWalk w = { iov, niov, offset };
    size_t left = bytes;
    struct iovec piece;
    char *to = buf;

    while (iov_walk_next(&w, &left, &piece)) {
        memcpy(to, piece.iov_base, piece.iov_len);
        to += piece.iov_len;
    }
    return bytes - left;
}

size_t iov_from_buf_full(const struct iovec *iov, unsigned niov,
                         size_t offset, const void *buf, size_t bytes)
{
    IovWalk w = { iov, niov, offset };
    size_t left = bytes;
    struct iovec piece;
    const char *from = buf;

    while (iov_walk_next(&w, &left, &piece)) {
        memcpy(piece.iov_base, from, piece.iov_len);
        from += piece.iov_len;
    }
    return bytes - left;
}

size_t iov_memset(const struct iovec *iov, unsigned niov, size_t offset,
                  int fill, size_t bytes)
{
    IovWalk w = { iov, niov, offset };
    size_t left = bytes;
    struct iovec piece;

    while (iov_walk_next(&w, &left, &piece)) {
        memset(piece.iov_base, fill, piece.iov_len);
    }
    return bytes - left;
}

bool buffer_is_zero(const void *data, size_t len)
{
    const char *buf = data;
    size_t head = MIN(len, sizeof(uint64_t));

    /* Most data shows at its ends. */
    for (size_t i = 0; i < head; i++) {
        if (buf[i] || buf[len - 1 - i]) {
            return false;
        }
    }
    /* What is left is compared with itself, shifted. */
    return memcmp(buf, buf + head, len - head) == 0;
}

bool iov_is_zero(const struct iovec *iov, unsigned niov, size_t offset,
                 size_t bytes)
{
    IovWalk w = { iov, niov, offset };
    struct iovec piece;

    while (iov_walk_next(&w, &bytes, &piece)) {
        if (!buffer_is_zero(piece.iov_base, piece.iov_len)) {
            return false;
        }
    }
    return true;
}

unsigned iov_copy(struct iovec *dst, unsigned dst_max, const struct iovec *src,
                  unsigned nsrc, size_t offset, size_t bytes)
{
    IovWalk w = { src, nsrc, offset };
    unsigned n = 0;

    while (n < dst_max && iov_walk_next(&w, &bytes, &dst[n])) {
        n++;
    }
    return n;
}

size_t iov_discard_front(struct iovec **iov, unsigned *niov, size_t bytes)
{
    struct iovec *cur = *iov;
    size_t left = bytes;

    while (*niov && left >= cur->iov_len) {
        left -= cur->iov_len;
        cur++;
        (*niov)--;
    }
    if (*niov && left) {
        cur->iov_base = (char *)cur->iov_base + left;
        cur->iov_len -= left;
        left = 0;
    }
    *iov = cur;
    return bytes - left;
}

size_t iov_discard_back(struct iovec *iov, unsigned *niov, size_t bytes)
{
    size_t left = bytes;

    while (*niov && left >= iov[*niov - 1].iov_len) {
        left -= iov[*niov - 1].iov_len;
        (*niov)--;
    }
    if (*niov && left) {
        iov[*niov - 1].iov_len -= left;
        left = 0;
    }
    return bytes - left;
}

void iovec_init(IoVec *v, unsigned hint)
{
    *v = (IoVec) { .nalloc = MAX(hint, 1) };
    v->iov = g_new(struct iovec, v->nalloc);
}

void iovec_init_external(IoVec *v, struct iovec *iov, unsigned niov)
{
    *v = (IoVec) { .iov = iov, .niov = niov, .size = iov_size(iov, niov) };
}

void iovec_init_buf(IoVec *v, void *buf, size_t len)
{
    *v = (IoVec) { .local = { buf, len }, .niov = 1, .size = len };
    v->iov = &v->local;
}

void iovec_init_slice(IoVec *v, const IoVec *src, size_t offset, size_t bytes)
{
    iovec_init(v, src->niov);
    iovec_concat(v, src, offset, bytes);
}

void iovec_destroy(IoVec *v)
{
    if (v->nalloc) {
        g_free(v->iov);
    }
    memset(v, 0, sizeof(*v));
}

void iovec_reset(IoVec *v)
{
    g_assert(v->nalloc);
    v->niov = 0;
    v->size = 0;
}

void iovec_add(IoVec *v, void *base, size_t len)
{
    g_assert(v->nalloc);
    if (v->niov == v->nalloc) {
        v->nalloc *= 2;
        v->iov = g_renew(struct iovec, v->iov, v->nalloc);
    }
    v->iov[v->niov].iov_base = base;
    v->iov[v->niov].iov_len = len;
    v->niov++;
    v->size += len;
}

size_t iovec_concat_iov(IoVec *dst, const struct iovec *iov, unsigned niov,
                        size_t offset, size_t bytes)
{
    IovWalk w = { iov, niov, offset };
    size_t left = bytes;
    struct iovec piece;

    while (iov_walk_next(&w, &left, &piece)) {
        iovec_add(dst, piece.iov_base, piece.iov_len);
    }
    return bytes - left;
}

size_t iovec_concat(IoVec *dst, const IoVec *src, size_t offset, size_t bytes)
{
    g_assert(dst != src);
    return iovec_concat_iov(dst, src->iov, src->niov, offset, bytes);
}

bool iovec_is_aligned(const IoVec *v, size_t align)
{
    for (unsigned i = 0; i < v->niov; i++) {
        if (!IS_ALIGNED((uintptr_t)v->iov[i].iov_base, align) ||
            !IS_ALIGNED(v->iov[i].iov_len, align)) {
            return false;
        }
    }
    return true;
}
