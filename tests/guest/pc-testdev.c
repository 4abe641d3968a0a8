/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pc-testdev, driven as KVM's unit tests do. */
#include "lib/guest.h"

#define IOAPIC      0xfec00000
#define IOMEM       0xff000000
#define IRQ_PORT    0x2000
#define LINE        14
#define LEVEL       (1u << 15)
#define VECTOR      40

static void ioapic_route(uint32_t line, uint32_t low)
{
    mmio_write32(IOAPIC, 0x11 + 2 * line);
    mmio_write32(IOAPIC + 0x10, 0);
    mmio_write32(IOAPIC, 0x10 + 2 * line);
    mmio_write32(IOAPIC + 0x10, low);
}

/* Without halting: one host kernel (6.18) was seen not to report the end of a
 * level interrupt that woke a halted CPU, under kernel-irqchip=split. */
static void wait_for(uint32_t n)
{
    asm volatile("sti");
    while (irq_count[VECTOR - 32] < n) {
        asm volatile("pause");
    }
    asm volatile("cli");
}

/* A level interrupt comes again until the line is low. */
static void on_irq(unsigned vector)
{
    if (irq_count[VECTOR - 32] == 3) {
        outb(IRQ_PORT + LINE, 0);
    }
}

static void test_irq(void)
{
    irq_setup();
    x2apic_setup();
    ioapic_route(LINE, VECTOR);
    outb(IRQ_PORT + LINE, 1);
    wait_for(1);
    outb(IRQ_PORT + LINE, 0);
    check(irq_count[VECTOR - 32] == 1, "one edge, one interrupt");

    irq_handler = on_irq;
    ioapic_route(LINE, VECTOR | LEVEL);
    outb(IRQ_PORT + LINE, 1);
    wait_for(3);
    check(irq_count[VECTOR - 32] == 3, "a level until it falls");
}

static void test_register(void)
{
    outl(0xe0, 0x12345678);
    check(inl(0xe0) == 0x12345678, "register");
    check(inw(0xe2) == 0x1234 && inb(0xe1) == 0x56, "parts of the register");
    check(inl(0xe8) == 0x12345678, "register by bytes");
}

/* A string instruction and an unaligned word, which the kernel emulates. */
static void test_memory(void)
{
    static uint32_t words[4] = { 1, 2, 3, 4 };
    void *to = (void *)(IOMEM + 0x10ul), *from = words;
    uint64_t n = 4;

    asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    check(mmio_read32(IOMEM + 0x1c) == 4, "string instruction");
    mmio_write32(IOMEM + 0x21, 0x55667788);
    check(mmio_read32(IOMEM + 0x20) == 0x66778800, "unaligned write");
    check(*(volatile uint64_t *)(IOMEM + 0x10ul) == 0x200000001, "8 bytes");
}

static void test_flush(void)
{
    static volatile uint32_t page[1024] __attribute__((aligned(4096)));

    page[7] = 0x600df00d;
    outl(0xe4, (uint32_t)(uint64_t)page);
    check(page[7] == 0x600df00d, "a dropped page comes back");
    page[7]++;
    check(page[7] == 0x600df00e, "and can be written");
}

void payload_main(uint32_t boot_info)
{
    test_register();
    test_memory();
    test_flush();
    test_irq();
}
