/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the 64-bit boot protocol of Linux promises: the processor's state and
 * the zero page. Run with -append "one two" and an initrd that says "initrd".
 */
#include "lib/guest.h"

#define E820_TABLE      0x2d0
#define E820_BYTES      20

extern uint32_t linux_params;
extern uint64_t entry_cs, entry_ds, entry_cr0;

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void check_map(const uint8_t *bp)
{
    bool low = false, here = false;

    for (unsigned i = 0; i < bp[0x1e8]; i++) {
        const uint8_t *e = bp + E820_TABLE + i * E820_BYTES;
        uint64_t addr = get64(e), end = addr + get64(e + 8);

        if (get32(e + 16) == 1) {
            low |= addr == 0 && end >= 0x80000;
            here |= addr <= 0x100000 && end == 128 << 20;
        }
    }
    check(low, "low memory in the map");
    check(here, "all memory in the map");
}

void payload_main(uint32_t boot_info)
{
    const uint8_t *bp = (const uint8_t *)(uint64_t)linux_params;
    const char *rsdp = (const char *)get64(bp + 0x70);
    const char *initrd = (const char *)(uint64_t)get32(bp + 0x218);

    check(entry_cs == 0x10 && entry_ds == 0x18, "selectors at the entry");
    check((entry_cr0 & 0x80000001) == 0x80000001, "paging at the entry");
    check(get32(bp + 0x202) == 0x53726448, "the kernel's header");
    check(bp[0x210] == 0xff, "type of the loader");
    check(same_text((const char *)(uint64_t)get32(bp + 0x228), "one two"),
          "command line");
    check(get32(bp + 0x21c) == 7 && initrd[0] == 'i' && initrd[6] == '\n',
          "initrd");
    check(rsdp && rsdp[0] == 'R' && rsdp[7] == ' ', "RSDP");
    check_map(bp);
}
