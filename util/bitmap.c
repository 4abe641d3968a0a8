/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bitmaps; see include/util/bitmap.h. */
#include "util/osdep.h"
#include "util/bitmap.h"

/* A range is walked word by word; *@mask has the range's bits of the word. */
typedef struct BitRange {
    size_t pos;
    size_t end;
} BitRange;

static bool bit_range_next(BitRange *r, size_t *word, unsigned long *mask)
{
    size_t bit = r->pos % BITS_PER_LONG;
    size_t n;

    if (r->pos >= r->end) {
        return false;
    }
    n = MIN(BITS_PER_LONG - bit, r->end - r->pos);
    *word = r->pos / BITS_PER_LONG;
    *mask = (~0UL >> (BITS_PER_LONG - n)) << bit;
    r->pos += n;
    return true;
}

void bitmap_set(unsigned long *map, size_t start, size_t n)
{
    BitRange r = { start, start + n };
    unsigned long mask;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        map[word] |= mask;
    }
}

void bitmap_clear(unsigned long *map, size_t start, size_t n)
{
    BitRange r = { start, start + n };
    unsigned long mask;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        map[word] &= ~mask;
    }
}

void bitmap_set_atomic(unsigned long *map, size_t start, size_t n)
{
    BitRange r = { start, start + n };
    unsigned long mask;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        /* Pages are mostly dirty already: look before locking the line. */
        if ((__atomic_load_n(&map[word], __ATOMIC_RELAXED) & mask) != mask) {
            __atomic_fetch_or(&map[word], mask, __ATOMIC_RELAXED);
        }
    }
    /* Whoever tests and clears sees what was written before. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool bitmap_test_and_clear_atomic(unsigned long *map, size_t start, size_t n)
{
    BitRange r = { start, start + n };
    unsigned long mask, dirty = 0;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        if (__atomic_load_n(&map[word], __ATOMIC_RELAXED) & mask) {
            dirty |= mask & __atomic_fetch_and(&map[word], ~mask,
                                               __ATOMIC_RELAXED);
        }
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return dirty != 0;
}

void bitmap_copy_and_clear_atomic(unsigned long *dst, unsigned long *src,
                                  size_t n)
{
    BitRange r = { 0, n };
    unsigned long mask;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        dst[word] = 0;
        if (__atomic_load_n(&src[word], __ATOMIC_RELAXED) & mask) {
            dst[word] = mask & __atomic_fetch_and(&src[word], ~mask,
                                                  __ATOMIC_RELAXED);
        }
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The first bit at or after @start that differs from those of @flip. */
static size_t find_next(const unsigned long *map, size_t nbits, size_t start,
                        unsigned long flip)
{
    BitRange r = { start, nbits };
    unsigned long mask;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        unsigned long hit = (map[word] ^ flip) & mask;

        if (hit) {
            return word * BITS_PER_LONG + __builtin_ctzl(hit);
        }
    }
    return nbits;
}

size_t find_next_bit(const unsigned long *map, size_t nbits, size_t start)
{
    return find_next(map, nbits, start, 0);
}

size_t find_next_zero_bit(const unsigned long *map, size_t nbits,
                          size_t start)
{
    return find_next(map, nbits, start, ~0UL);
}

size_t find_last_bit(const unsigned long *map, size_t nbits)
{
    size_t end = nbits;

    while (end) {
        size_t word = (end - 1) / BITS_PER_LONG;
        size_t n = end - word * BITS_PER_LONG;
        unsigned long hit = map[word] & (~0UL >> (BITS_PER_LONG - n));

        if (hit) {
            return word * BITS_PER_LONG + BITS_PER_LONG - 1 -
                   __builtin_clzl(hit);
        }
        end = word * BITS_PER_LONG;
    }
    return nbits;
}

size_t bitmap_find_zero_run(const unsigned long *map, size_t nbits,
                            size_t start, size_t n, size_t align)
{
    size_t pos = start;

    for (;;) {
        size_t busy;

        pos = find_next_zero_bit(map, nbits, pos);
        pos = ROUND_UP(pos, align);
        if (!range_fits(pos, n, nbits)) {
            return nbits;
        }
        busy = find_next_bit(map, pos + n, pos);
        if (busy == pos + n) {
            return pos;
        }
        pos = busy + 1;
    }
}

size_t bitmap_count_one(const unsigned long *map, size_t nbits)
{
    BitRange r = { 0, nbits };
    unsigned long mask;
    size_t word, count = 0;

    while (bit_range_next(&r, &word, &mask)) {
        count += __builtin_popcountl(map[word] & mask);
    }
    return count;
}

void bitmap_or(unsigned long *dst, const unsigned long *a,
               const unsigned long *b, size_t nbits)
{
    for (size_t i = 0; i < BITS_TO_LONGS(nbits); i++) {
        dst[i] = a[i] | b[i];
    }
}

void bitmap_and(unsigned long *dst, const unsigned long *a,
                const unsigned long *b, size_t nbits)
{
    for (size_t i = 0; i < BITS_TO_LONGS(nbits); i++) {
        dst[i] = a[i] & b[i];
    }
}

void bitmap_andnot(unsigned long *dst, const unsigned long *a,
                   const unsigned long *b, size_t nbits)
{
    for (size_t i = 0; i < BITS_TO_LONGS(nbits); i++) {
        dst[i] = a[i] & ~b[i];
    }
}

bool bitmap_equal(const unsigned long *a, const unsigned long *b,
                  size_t nbits)
{
    BitRange r = { 0, nbits };
    unsigned long mask;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        if ((a[word] ^ b[word]) & mask) {
            return false;
        }
    }
    return true;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b,
                       size_t nbits)
{
    BitRange r = { 0, nbits };
    unsigned long mask;
    size_t word;

    while (bit_range_next(&r, &word, &mask)) {
        if (a[word] & b[word] & mask) {
            return true;
        }
    }
    return false;
}
