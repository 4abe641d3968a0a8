/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The least: it was loaded, runs in 64-bit mode, prints and ends. */
#include "lib/guest.h"

void payload_main(uint32_t boot_info)
{
    print("hello\n");
}
