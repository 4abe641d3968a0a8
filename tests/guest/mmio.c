/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where nothing is, reads give ones and writes vanish; the host bridge shows
 * the same identity by port and by memory.
 */
#include "lib/guest.h"

#define NOTHING 0xc8000000              /* in the PCI hole, no BAR there */

void payload_main(uint32_t boot_info)
{
    uint32_t by_port;

    check(mmio_read32(NOTHING) == 0xffffffff, "read of an empty address");
    mmio_write32(NOTHING, 0);
    check(inl(0x300) == 0xffffffff, "read of an empty port");
    outl(0x300, 0);
    outl(0xcf8, 0x80000000);
    by_port = inl(0xcfc);
    check(by_port == 0x0d578086, "host bridge by port");
}
