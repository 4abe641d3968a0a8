/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INIT and SIPI start the other processors; each has its own APIC id and
 * answers an IPI. Run with -smp 4.
 */
#include "lib/guest.h"

#define CPUS 4

static volatile uint32_t ids_seen, ready;

void payload_ap_main(unsigned number)
{
    uint32_t id;

    x2apic_setup();
    id = rdmsr(X2APIC_ID);
    check(id == cpuid(0xb, 0).edx, "APIC id in CPUID and MSR");
    __atomic_or_fetch(&ids_seen, 1u << id, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    wrmsr(X2APIC_ICR, 36);              /* fixed, vector 36, to APIC id 0 */
}

void payload_main(uint32_t boot_info)
{
    irq_setup();
    x2apic_setup();
    start_aps();
    while (ready < CPUS - 1) {
        asm volatile("pause");
    }
    check(ids_seen == (1u << CPUS) - 2, "APIC ids of the others");
    while (irq_count[4] == 0) {
        halt();
    }
    check(irq_count[4] >= 1 && irq_count[4] <= CPUS - 1, "IPIs");
}
