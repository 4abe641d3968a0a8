/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integers of fixed byte order at any address. Pure functions; pointers need
 * no alignment, lengths are the caller's to check.
 */
#ifndef UTIL_BYTES_H
#define UTIL_BYTES_H

#include <stdint.h>
#include <string.h>
#include <glib.h>

#define DEFINE_BYTES_ACCESS(bits, sfx, GLIB)                                   \
    static inline uint##bits##_t get_##sfx##bits(const void *p)                \
    {                                                                          \
        uint##bits##_t v;                                                      \
                                                                               \
        memcpy(&v, p, sizeof(v));                                              \
        return GUINT##bits##_FROM_##GLIB(v);                                   \
    }                                                                          \
    static inline void put_##sfx##bits(void *p, uint##bits##_t v)              \
    {                                                                          \
        v = GUINT##bits##_TO_##GLIB(v);                                        \
        memcpy(p, &v, sizeof(v));                                              \
    }

/* get_le16(p), put_le16(p, v) and so on */
DEFINE_BYTES_ACCESS(16, le, LE)
DEFINE_BYTES_ACCESS(32, le, LE)
DEFINE_BYTES_ACCESS(64, le, LE)
DEFINE_BYTES_ACCESS(16, be, BE)
DEFINE_BYTES_ACCESS(32, be, BE)
DEFINE_BYTES_ACCESS(64, be, BE)

/* get_le_n: 1, 2, 4 or 8 bytes; put_le_n stores the low ones of @v. */
static inline uint64_t get_le_n(const void *p, unsigned int n)
{
    uint64_t v = 0;

    memcpy(&v, p, n);
    return GUINT64_FROM_LE(v);
}

static inline void put_le_n(void *p, unsigned int n, uint64_t v)
{
    v = GUINT64_TO_LE(v);
    memcpy(p, &v, n);
}

#endif
