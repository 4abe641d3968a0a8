/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitmaps: arrays of unsigned long, bit n in word n / 64 at place n % 64, the
 * layout of KVM's dirty log on little-endian 64-bit hosts.
 *
 * Only the functions with "atomic" in the name may race with others. Ranges
 * are the caller's to keep within the map.
 */
#ifndef UTIL_BITMAP_H
#define UTIL_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <glib.h>

#define BITS_PER_LONG ((size_t)(sizeof(unsigned long) * 8))
#define BITS_TO_LONGS(nbits)                                                   \
    (((size_t)(nbits) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define BIT_WORD(nr) ((size_t)(nr) / BITS_PER_LONG)
#define BIT_MASK(nr) (1UL << ((size_t)(nr) % BITS_PER_LONG))

/* DECLARE_BITMAP: a map of @bits inside a struct or on the stack. */
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

/* bitmap_new: @nbits zero bits; g_free() it. bitmap_try_new: NULL when there
 * is no memory. */
static inline unsigned long *bitmap_new(size_t nbits)
{
    return g_new0(unsigned long, BITS_TO_LONGS(nbits));
}

static inline unsigned long *bitmap_try_new(size_t nbits)
{
    return g_try_new0(unsigned long, BITS_TO_LONGS(nbits));
}

static inline bool test_bit(size_t nr, const unsigned long *map)
{
    return (map[BIT_WORD(nr)] & BIT_MASK(nr)) != 0;
}

static inline void set_bit(size_t nr, unsigned long *map)
{
    map[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void clear_bit(size_t nr, unsigned long *map)
{
    map[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline void change_bit(size_t nr, unsigned long *map)
{
    map[BIT_WORD(nr)] ^= BIT_MASK(nr);
}

static inline bool test_and_set_bit(size_t nr, unsigned long *map)
{
    bool old = test_bit(nr, map);

    set_bit(nr, map);
    return old;
}

static inline bool test_and_clear_bit(size_t nr, unsigned long *map)
{
    bool old = test_bit(nr, map);

    clear_bit(nr, map);
    return old;
}

static inline void set_bit_atomic(size_t nr, unsigned long *map)
{
    __atomic_fetch_or(&map[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_SEQ_CST);
}

static inline bool test_and_clear_bit_atomic(size_t nr, unsigned long *map)
{
    return __atomic_fetch_and(&map[BIT_WORD(nr)], ~BIT_MASK(nr),
                              __ATOMIC_SEQ_CST) & BIT_MASK(nr);
}

/* Ranges [@start, @start + @n) */
void bitmap_set(unsigned long *map, size_t start, size_t n);
void bitmap_clear(unsigned long *map, size_t start, size_t n);

/* bitmap_set_atomic: each word at once; the range not as a whole. */
void bitmap_set_atomic(unsigned long *map, size_t start, size_t n);

/* bitmap_test_and_clear_atomic: clear the range; true if any bit was set. */
bool bitmap_test_and_clear_atomic(unsigned long *map, size_t start, size_t n);

/* bitmap_copy_and_clear_atomic: move the first @n bits of @src to @dst. */
void bitmap_copy_and_clear_atomic(unsigned long *dst, unsigned long *src,
                                  size_t n);

/* Search [@start, @nbits); @nbits when there is none. */
size_t find_next_bit(const unsigned long *map, size_t nbits, size_t start);
size_t find_next_zero_bit(const unsigned long *map, size_t nbits,
                          size_t start);
/* find_last_bit: the highest set bit below @nbits, or @nbits. */
size_t find_last_bit(const unsigned long *map, size_t nbits);

static inline size_t find_first_bit(const unsigned long *map, size_t nbits)
{
    return find_next_bit(map, nbits, 0);
}

static inline size_t find_first_zero_bit(const unsigned long *map,
                                         size_t nbits)
{
    return find_next_zero_bit(map, nbits, 0);
}

/*
 * bitmap_find_zero_run: the first run of @n clear bits in [@start, @nbits)
 * whose start is a multiple of @align (a power of 2); @nbits when none.
 */
size_t bitmap_find_zero_run(const unsigned long *map, size_t nbits,
                            size_t start, size_t n, size_t align);

static inline bool bitmap_empty(const unsigned long *map, size_t nbits)
{
    return find_first_bit(map, nbits) == nbits;
}

static inline bool bitmap_full(const unsigned long *map, size_t nbits)
{
    return find_first_zero_bit(map, nbits) == nbits;
}

/* bitmap_count_one: how many of the first @nbits are set. */
size_t bitmap_count_one(const unsigned long *map, size_t nbits);

/* Whole maps of @nbits; bits beyond are undefined in the result. */
static inline void bitmap_zero(unsigned long *dst, size_t nbits)
{
    memset(dst, 0, BITS_TO_LONGS(nbits) * sizeof(*dst));
}

static inline void bitmap_fill(unsigned long *dst, size_t nbits)
{
    bitmap_set(dst, 0, nbits);
}

static inline void bitmap_copy(unsigned long *dst, const unsigned long *src,
                               size_t nbits)
{
    memcpy(dst, src, BITS_TO_LONGS(nbits) * sizeof(*dst));
}

void bitmap_or(unsigned long *dst, const unsigned long *a,
               const unsigned long *b, size_t nbits);
void bitmap_and(unsigned long *dst, const unsigned long *a,
                const unsigned long *b, size_t nbits);
/* bitmap_andnot: @a without @b. */
void bitmap_andnot(unsigned long *dst, const unsigned long *a,
                   const unsigned long *b, size_t nbits);
bool bitmap_equal(const unsigned long *a, const unsigned long *b,
                  size_t nbits);
bool bitmap_intersects(const unsigned long *a, const unsigned long *b,
                       size_t nbits);

#endif
