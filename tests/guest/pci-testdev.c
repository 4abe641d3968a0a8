/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pci-testdev, driven as KVM's unit tests do: the BARs have addresses already;
 * every test counts as many writes as were made, those that the kernel turns
 * into a signal included.
 */
#include "lib/guest.h"

#define WRITES 16

static uint32_t config_read(unsigned slot, unsigned reg)
{
    outl(0xcf8, 0x80000000 | slot << 11 | reg);
    return inl(0xcfc);
}

static uint32_t bar_read(bool io, uint32_t addr)
{
    return io ? inl(addr) : mmio_read32(addr);
}

static uint8_t bar_read8(bool io, uint32_t addr)
{
    return io ? inb(addr) : mmio_read8(addr);
}

static void bar_write8(bool io, uint32_t addr, uint8_t v)
{
    if (io) {
        outb(addr, v);
    } else {
        mmio_write8(addr, v);
    }
}

static bool run_test(bool io, uint32_t base, unsigned n)
{
    uint32_t data, offset;

    bar_write8(io, base, n);
    check(bar_read(io, base + 12) == 0, "count at the start");
    if (bar_read8(io, base + 1) != 1) {
        return false;
    }
    offset = bar_read(io, base + 4);
    data = bar_read(io, base + 8);
    for (int i = 0; i < WRITES; i++) {
        bar_write8(io, base + offset, data);
    }
    for (uint32_t at = base + 16; bar_read8(io, at); at++) {
        outb(DEBUG_PORT, bar_read8(io, at));
    }
    print("\n");
    check(bar_read(io, base + 12) == WRITES, "count of writes");
    return true;
}

static unsigned run_tests(bool io, uint32_t base)
{
    unsigned n = 0;

    while (run_test(io, base, n)) {
        n++;
    }
    return n;
}

void payload_main(uint32_t boot_info)
{
    unsigned slot = 0;
    uint32_t mem, io;

    while (slot < 32 && config_read(slot, 0) != 0x00051b36) {
        slot++;
    }
    check(slot < 32, "there is a pci-testdev");
    mem = config_read(slot, 0x10);
    io = config_read(slot, 0x14);
    check(mem && (mem & 0xf) == 0, "address of BAR 0");
    check((io & 3) == 1 && io > 1, "address of BAR 1");
    check((config_read(slot, 4) & 3) == 3, "BARs decoded");
    check(run_tests(false, mem) == 3, "3 tests in memory");
    check(run_tests(true, io & ~3u) == 3, "3 tests by ports");
}
