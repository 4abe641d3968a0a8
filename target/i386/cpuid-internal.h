/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of the CPUID leaves, for the files of this folder and their tests.
 */
#ifndef TARGET_I386_CPUID_INTERNAL_H
#define TARGET_I386_CPUID_INTERNAL_H

#include "target/i386/cpu.h"

/* Components a CPU with these features has, as bits of XCR0 | XSS. */
uint64_t x86_xsave_xcr0(const uint64_t *features);
uint64_t x86_xsave_xss(const uint64_t *features);
/* Leaf 0xd subleaf @nr: size, offset (standard format), flags. */
void x86_xsave_component(unsigned nr, uint32_t regs[4]);
/* Bytes of the area for @xcr0, legacy region and header included. */
uint32_t x86_xsave_standard_bytes(uint64_t xcr0);
uint32_t x86_xsave_compact_bytes(uint64_t components);

/* The fraction *@num / *@den closest to @a / @b with *@num <= @max. */
void x86_best_fraction(uint32_t a, uint32_t b, uint32_t max, uint32_t *num,
                       uint32_t *den);

/* The caches of this machine, or NULL when CPUID does not tell. */
const X86Caches *x86_host_caches(void);

#endif
