/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic for CPUID leaves: the fraction of leaf 0x15, and the caches of
 * the machine we run on.
 */
#include "util/osdep.h"
#include "target/i386/host.h"
#include "cpuid-internal.h"

/* Distance of n / d from a / b. */
static double fraction_error(uint32_t a, uint32_t b, uint64_t n, uint64_t d)
{
    double diff = (double)n / d - (double)a / b;

    return diff < 0 ? -diff : diff;
}

/*
 * Continued fraction of a / b. Its convergents are the best approximations of
 * their size; between the last one that fits and the next stands at most one
 * better fraction, the largest semiconvergent.
 */
void x86_best_fraction(uint32_t a, uint32_t b, uint32_t max, uint32_t *num,
                       uint32_t *den)
{
    uint64_t n0 = 0, d0 = 1, n1 = 1, d1 = 0;
    uint64_t x = a, y = b;

    while (y) {
        uint64_t q = x / y, rest = x % y;
        uint64_t n = q * n1 + n0, d = q * d1 + d0;

        if (n > max) {
            uint64_t t = (max - n0) / n1;

            n = t * n1 + n0;
            d = t * d1 + d0;
            if (d1 == 0 || fraction_error(a, b, n, d) <
                           fraction_error(a, b, n1, d1)) {
                n1 = n;
                d1 = d;
            }
            break;
        }
        n0 = n1;
        d0 = d1;
        n1 = n;
        d1 = d;
        x = y;
        y = rest;
    }
    *num = n1;
    *den = d1 ? d1 : 1;
}

/* Leaf 4 and 0x8000001d have the same layout. */
static bool decode_cache(uint32_t leaf, unsigned index, X86Cache *c)
{
    uint32_t r[4];

    x86_host_cpuid(leaf, index, r);
    c->type = r[X86_REG_EAX] & 0x1f;
    if (c->type == 0 || c->type > 3) {
        return false;
    }
    c->level = r[X86_REG_EAX] >> 5 & 7;
    c->self_init = r[X86_REG_EAX] >> 8 & 1;
    c->line_bytes = (r[X86_REG_EBX] & 0xfff) + 1;
    c->partitions = (r[X86_REG_EBX] >> 12 & 0x3ff) + 1;
    c->ways = (r[X86_REG_EBX] >> 22) + 1;
    c->sets = r[X86_REG_ECX] + 1;
    c->no_invd_sharing = r[X86_REG_EDX] & 1;
    c->inclusive = r[X86_REG_EDX] >> 1 & 1;
    c->complex_index = r[X86_REG_EDX] >> 2 & 1;
    c->lines_per_tag = 1;
    return true;
}

static X86Cache *cache_slot(X86Caches *k, const X86Cache *c)
{
    switch (c->level) {
    case 1:
        return c->type == 2 ? &k->l1i : &k->l1d;
    case 2:
        return &k->l2;
    case 3:
        return &k->l3;
    default:
        return NULL;
    }
}

/* The leaf that lists the caches, or 0. */
static uint32_t cache_leaf(void)
{
    uint32_t r[4];

    x86_host_cpuid(0x80000000, 0, r);
    if (r[X86_REG_EAX] >= 0x8000001d) {
        x86_host_cpuid(0x8000001d, 0, r);
        if (r[X86_REG_EAX] & 0x1f) {
            return 0x8000001d;
        }
    }
    x86_host_cpuid(0, 0, r);
    return r[X86_REG_EAX] >= 4 ? 4 : 0;
}

const X86Caches *x86_host_caches(void)
{
    static X86Caches caches;        /* the machine's, filled once */
    static bool filled;
    uint32_t leaf = cache_leaf();
    X86Cache c;

    if (leaf == 0) {
        return NULL;
    }
    for (unsigned i = 0; !filled && i < 8 && decode_cache(leaf, i, &c); i++) {
        X86Cache *slot = cache_slot(&caches, &c);

        if (slot) {
            *slot = c;
        }
    }
    filled = true;
    return caches.l1d.type ? &caches : NULL;
}
