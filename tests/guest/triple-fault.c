/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A triple fault is a reset; with -no-reboot the process ends with 0. */
#include "lib/guest.h"

void payload_main(uint32_t boot_info)
{
    static const struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } empty;

    print("fault\n");
    asm volatile("lidt %0; ud2" : : "m"(empty));
}
