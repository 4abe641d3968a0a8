/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID as a guest sees it under -cpu host. */
#include "lib/guest.h"

void payload_main(uint32_t boot_info)
{
    Cpuid r = cpuid(0, 0);

    check(r.eax >= 0xd, "highest leaf");
    r = cpuid(1, 0);
    check(r.ecx >> 31, "hypervisor bit");
    check(r.ecx >> 21 & 1, "x2apic");
    check(r.ebx >> 24 == 0, "APIC id of the first CPU");
    r = cpuid(0x40000000, 0);
    check(r.ebx == 0x4b4d564b && r.ecx == 0x564b4d56 && r.edx == 0x4d,
          "KVM signature");
    check(r.eax >= 0x40000010, "hypervisor timing leaf");
    check(cpuid(0x40000001, 0).eax & 1, "kvmclock");
    r = cpuid(0x40000010, 0);
    check(r.eax > 100000, "TSC frequency");
    check(r.ebx == 1000000, "APIC timer frequency");
    r = cpuid(0x80000008, 0);
    check((r.eax & 0xff) >= 36 && (r.eax & 0xff) <= 52, "address bits");
    check(cpuid(0x80000001, 0).edx >> 29 & 1, "long mode");
    r = cpuid(0xb, 1);
    check((r.ecx >> 8 & 0xff) == 2, "core level of leaf 0xb");
}
