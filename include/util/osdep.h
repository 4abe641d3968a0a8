/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first include of every .c file: fixed-width types, GLib and the few
 * macros that the whole tree uses. Nothing here has state.
 */
#ifndef UTIL_OSDEP_H
#define UTIL_OSDEP_H

#include "config-host.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <glib.h>

/* clang's way to tell, in gcc's words. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#include "util/tsan-glib.h"
#endif

#define KiB (1ULL << 10)
#define MiB (1ULL << 20)
#define GiB (1ULL << 30)
#define TiB (1ULL << 40)

#define NSEC_PER_SEC  1000000000LL
#define NSEC_PER_MSEC 1000000LL
#define NSEC_PER_USEC 1000LL

#define BIT(n)    (1U << (n))
#define BIT64(n)  (1ULL << (n))

/* The mask of bits @lo..@hi of a 64-bit value, both ends included. */
#define GENMASK64(hi, lo) (((~0ULL) >> (63 - (hi))) & (~0ULL << (lo)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define PACKED      __attribute__((packed))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NORETURN    __attribute__((noreturn))
#define UNUSED      __attribute__((unused))
#define CONSTRUCTOR __attribute__((constructor))
/* An array that is written before it is read, where zeroing it, as the build
 * does with automatic variables, would cost more than all the rest. */
#define UNINITIALIZED __attribute__((uninitialized))

#define container_of(ptr, type, member)                                        \
    ((type *)((char *)(ptr) - offsetof(type, member)))

/* @n rounded down or up to a multiple of @d, which need not be a power of 2. */
#define ROUND_DOWN(n, d) ((n) / (d) * (d))
#define ROUND_UP(n, d)   ROUND_DOWN((n) + (d) - 1, (d))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

#define IS_ALIGNED(n, a)   (((n) & ((a) - 1)) == 0)
#define IS_POWER_OF_2(n)   ((n) != 0 && ((n) & ((n) - 1)) == 0)

/* Overflow-checked arithmetic: true when the result did not fit. */
#define add_overflows(a, b, res) __builtin_add_overflow(a, b, res)
#define sub_overflows(a, b, res) __builtin_sub_overflow(a, b, res)
#define mul_overflows(a, b, res) __builtin_mul_overflow(a, b, res)

/*
 * range_fits: whether [@offset, @offset + @len) lies within [0, @size), with
 * no intermediate overflow.
 */
static inline bool range_fits(uint64_t offset, uint64_t len, uint64_t size)
{
    return offset <= size && len <= size - offset;
}

/* Retry a system call that a signal interrupted. */
#define RETRY_ON_EINTR(expr)                                                   \
    (__extension__({                                                           \
        __typeof__(expr) ret_;                                                 \
        do {                                                                   \
            ret_ = (expr);                                                     \
        } while (ret_ == -1 && errno == EINTR);                                \
        ret_;                                                                  \
    }))

/*
 * type_init: run @fn when the program starts, before main(), to register QOM
 * types, block drivers and the like. One per file.
 */
#define type_init(fn)                                                          \
    static CONSTRUCTOR void type_init_##fn(void)                               \
    {                                                                          \
        fn();                                                                  \
    }

#endif
