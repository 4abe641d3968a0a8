/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The in-kernel LAPIC: self IPI, one-shot timer, TSC deadline. */
#include "lib/guest.h"

#define MSR_TSC_DEADLINE 0x6e0

void payload_main(uint32_t boot_info)
{
    irq_setup();
    x2apic_setup();

    wrmsr(X2APIC_SELF_IPI, 33);
    halt();
    check(irq_count[1] == 1, "self IPI");

    wrmsr(X2APIC_TIMER_DIVIDE, 0xb);            /* by 1 */
    wrmsr(X2APIC_LVT_TIMER, 34);
    wrmsr(X2APIC_TIMER_INITIAL, 1000000);       /* 1 ms */
    while (irq_count[2] == 0) {
        halt();
    }
    check(rdmsr(X2APIC_TIMER_CURRENT) == 0, "one-shot timer stopped");

    if (cpuid(1, 0).ecx >> 24 & 1) {
        wrmsr(X2APIC_LVT_TIMER, 2 << 17 | 35);
        wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000000);
        while (irq_count[3] == 0) {
            halt();
        }
        check(rdmsr(MSR_TSC_DEADLINE) == 0, "deadline passed");
    }
}
