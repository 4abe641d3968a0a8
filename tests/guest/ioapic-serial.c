/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An interrupt line through the IOAPIC: the 16550's "transmitter empty" on pin
 * 4, edge triggered. Run with -serial null, kernel-irqchip on and split.
 */
#include "lib/guest.h"

#define COM1        0x3f8
#define IOAPIC      0xfec00000
#define PIN         4
#define VECTOR      37

static void ioapic_write(uint32_t reg, uint32_t v)
{
    mmio_write32(IOAPIC, reg);
    mmio_write32(IOAPIC + 0x10, v);
}

static uint32_t ioapic_read(uint32_t reg)
{
    mmio_write32(IOAPIC, reg);
    return mmio_read32(IOAPIC + 0x10);
}

void payload_main(uint32_t boot_info)
{
    uint32_t last_pin = ioapic_read(1) >> 16 & 0xff;

    irq_setup();
    x2apic_setup();
    check(last_pin == 15 || last_pin == 23, "16 pins, or 24 in the kernel");
    check(ioapic_read(0x10 + 2 * PIN) & 1 << 16, "pin masked after reset");
    ioapic_write(0x11 + 2 * PIN, 0);            /* to APIC id 0 */
    ioapic_write(0x10 + 2 * PIN, VECTOR);
    outb(COM1 + 4, 8);                          /* OUT2: interrupts on */
    outb(COM1 + 1, 2);                          /* transmitter empty */
    while (irq_count[VECTOR - 32] == 0) {
        halt();
    }
    check((inb(COM1 + 2) & 0xf) == 2, "interrupt identification");
}
