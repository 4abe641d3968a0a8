/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State components of XSAVE (Intel SDM volume 1, 13): which ones a set of
 * features brings, how large they are, where they stand.
 */
#include "util/osdep.h"
#include "target/i386/cpu.h"
#include "target/i386/host.h"
#include "cpuid-internal.h"

enum {
    XSAVE_LEGACY_BYTES = 512,
    XSAVE_HEADER_BYTES = 64,
    XSAVE_ALIGN64 = BIT(1),         /* of ECX: aligned in the compact format */
};

typedef struct XsaveFeature {
    X86Feature needs;
    uint64_t components;
    bool supervisor;
} XsaveFeature;

static const XsaveFeature xsave_features[] = {
    { X86_FEAT_XSAVE, BIT64(0) | BIT64(1), false },
    { X86_FEAT_AVX, BIT64(2), false },
    { X86_FEAT_MPX, BIT64(3) | BIT64(4), false },
    { X86_FEAT_AVX512F, BIT64(5) | BIT64(6) | BIT64(7), false },
    { X86_FEAT_PKU, BIT64(9), false },
    { X86_FEAT_AMX_TILE, BIT64(17) | BIT64(18), false },
    { X86_FEAT_SHSTK, BIT64(11) | BIT64(12), true },
    { X86_FEAT_IBT, BIT64(11) | BIT64(12), true },
};

/* Sizes and offsets of Intel's processors, for use without a host. */
static const struct {
    uint8_t nr;
    uint32_t size, offset, flags;
} default_components[] = {
    { 2, 256, 576, 0 },
    { 3, 64, 960, 0 },
    { 4, 64, 1024, 0 },
    { 5, 64, 1088, 0 },
    { 6, 512, 1152, 0 },
    { 7, 1024, 1664, 0 },
    { 9, 8, 2688, 0 },
    { 11, 16, 0, 1 },
    { 12, 24, 0, 1 },
    { 17, 64, 2752, XSAVE_ALIGN64 },
    { 18, 8192, 2816, XSAVE_ALIGN64 | 4 },
};

static uint64_t components(const uint64_t *features, bool supervisor)
{
    uint64_t mask = 0;

    if (!x86_feature_test(features, X86_FEAT_XSAVE)) {
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(xsave_features); i++) {
        const XsaveFeature *f = &xsave_features[i];

        if (f->supervisor == supervisor &&
            x86_feature_test(features, f->needs)) {
            mask |= f->components;
        }
    }
    return mask;
}

uint64_t x86_xsave_xcr0(const uint64_t *features)
{
    return components(features, false) & x86_host_features(X86_FW_XCR0);
}

uint64_t x86_xsave_xss(const uint64_t *features)
{
    if (!x86_feature_test(features, X86_FEAT_XSAVES)) {
        return 0;
    }
    return components(features, true) & x86_host_features(X86_FW_XSS);
}

void x86_xsave_component(unsigned nr, uint32_t regs[4])
{
    memset(regs, 0, 4 * sizeof(regs[0]));
    if (x86_host) {
        x86_host->cpuid(0xd, nr, regs);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(default_components); i++) {
        if (default_components[i].nr == nr) {
            regs[X86_REG_EAX] = default_components[i].size;
            regs[X86_REG_EBX] = default_components[i].offset;
            regs[X86_REG_ECX] = default_components[i].flags;
        }
    }
}

uint32_t x86_xsave_standard_bytes(uint64_t xcr0)
{
    uint32_t end = XSAVE_LEGACY_BYTES + XSAVE_HEADER_BYTES;
    uint32_t regs[4];

    for (unsigned i = 2; i < 63; i++) {
        if (xcr0 >> i & 1) {
            x86_xsave_component(i, regs);
            end = MAX(end, regs[X86_REG_EAX] + regs[X86_REG_EBX]);
        }
    }
    return end;
}

uint32_t x86_xsave_compact_bytes(uint64_t mask)
{
    uint32_t end = XSAVE_LEGACY_BYTES + XSAVE_HEADER_BYTES;
    uint32_t regs[4];

    for (unsigned i = 2; i < 63; i++) {
        if (mask >> i & 1) {
            x86_xsave_component(i, regs);
            if (regs[X86_REG_ECX] & XSAVE_ALIGN64) {
                end = ROUND_UP(end, 64u);
            }
            end += regs[X86_REG_EAX];
        }
    }
    return end;
}
