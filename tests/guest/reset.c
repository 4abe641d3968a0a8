/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reset by port 0xcf9 starts the guest again with registers as after
 * power-on; memory keeps a mark.
 */
#include "lib/guest.h"

#define MARK_ADDR 0x4000000             /* 64 MiB: nobody loads anything there */
#define MARK      0x600df00d

#define MSR_PAT   0x277
#define MSR_LSTAR 0xc0000082
#define PAT_RESET 0x0007040600070406

void payload_main(uint32_t boot_info)
{
    uint64_t dr0, dr7, cr4;

    if (mmio_read32(MARK_ADDR) != MARK) {
        mmio_write32(MARK_ADDR, MARK);
        x2apic_setup();
        wrmsr(MSR_LSTAR, 0x1234);
        wrmsr(MSR_PAT, 0x0606060606060606);
        asm volatile("mov %0, %%dr0" : : "r"(0x5678ul));
        print("first\n");
        outb(0xcf9, 2);
        outb(0xcf9, 6);
        for (;;) {
            asm volatile("hlt");
        }
    }
    print("second\n");
    check(rdmsr(MSR_LSTAR) == 0, "LSTAR after reset");
    check(rdmsr(MSR_PAT) == PAT_RESET, "PAT after reset");
    check((rdmsr(0x1b) & 0xd00) == 0x900, "APIC base after reset");
    asm volatile("mov %%dr0, %0; mov %%dr7, %1; mov %%cr4, %2"
                 : "=r"(dr0), "=r"(dr7), "=r"(cr4));
    check(dr0 == 0, "DR0 after reset");
    check(dr7 == 0x400, "DR7 after reset");
    check((cr4 & ~0x620ul) == 0, "CR4 after reset");
}
