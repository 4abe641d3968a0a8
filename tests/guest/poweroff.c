/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACPI's S5 through the sleep control register: the process ends with 0. */
#include "lib/guest.h"

#define SLEEP_CONTROL 0x600
#define SLEEP_ENABLE  0x20
#define S5            5

void payload_main(uint32_t boot_info)
{
    print("off\n");
    outb(SLEEP_CONTROL, S5 << 2 | SLEEP_ENABLE);
    for (;;) {
        asm volatile("hlt");
    }
}
