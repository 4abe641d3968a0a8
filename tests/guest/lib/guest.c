/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

void payload_start(uint32_t boot_info);
void payload_irq(unsigned vector);
void payload_ap(unsigned number);
void *memcpy(void *to, const void *from, unsigned long n);
void *memset(void *to, int c, unsigned long n);

extern char isr_table[], ap_trampoline[], ap_trampoline_end[];

void *memcpy(void *to, const void *from, unsigned long n)
{
    void *ret = to;

    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return ret;
}

void *memset(void *to, int c, unsigned long n)
{
    void *ret = to;

    asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
    return ret;
}

/* ---- Output ---- */

void print(const char *s)
{
    while (*s) {
        outb(DEBUG_PORT, *s++);
    }
}

void print_hex(uint64_t v)
{
    int shift = 60;

    while (shift > 0 && !(v >> shift)) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        outb(DEBUG_PORT, "0123456789abcdef"[v >> shift & 15]);
    }
}

bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++, b++;
    }
    return *a == *b;
}

_Noreturn void finish(bool ok)
{
    outb(EXIT_PORT, ok ? 1 : 2);
    for (;;) {
        asm volatile("cli; hlt");
    }
}

void check(bool ok, const char *what)
{
    if (!ok) {
        print("FAIL ");
        print(what);
        print("\n");
        finish(false);
    }
}

/* ---- Interrupts ---- */

volatile uint32_t irq_count[16];
void (*irq_handler)(unsigned vector);

static struct {
    uint16_t offset_lo, selector;
    uint8_t ist, attr;
    uint16_t offset_mid;
    uint32_t offset_hi, zero;
} idt[48];

void irq_setup(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } ptr = { sizeof(idt) - 1, (uint64_t)idt };

    for (int i = 0; i < 16; i++) {
        uint64_t to = (uint64_t)isr_table + 16 * i;

        idt[32 + i].offset_lo = to;
        idt[32 + i].offset_mid = to >> 16;
        idt[32 + i].selector = 0x10;
        idt[32 + i].attr = 0x8e;
    }
    asm volatile("lidt %0" : : "m"(ptr));
}

void payload_irq(unsigned vector)
{
    irq_count[vector - 32]++;
    if (irq_handler) {
        irq_handler(vector);
    }
    wrmsr(X2APIC_EOI, 0);
}

void x2apic_setup(void)
{
    wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
    wrmsr(X2APIC_SVR, 0x1ff);
}

/* ---- Other processors ---- */

void start_aps(void)
{
    memcpy((void *)0x8000, ap_trampoline, ap_trampoline_end - ap_trampoline);
    wrmsr(X2APIC_ICR, 0xc4500);         /* INIT to all but self */
    wrmsr(X2APIC_ICR, 0xc4608);         /* SIPI, page 8 */
}

__attribute__((weak)) void payload_ap_main(unsigned number)
{
}

void payload_ap(unsigned number)
{
    payload_ap_main(number);
}

/* ---- Start ---- */

void payload_start(uint32_t boot_info)
{
    payload_main(boot_info);
    finish(true);
}
