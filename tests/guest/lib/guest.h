/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bare-metal payloads share: ports, MSRs, printing, exiting, interrupts.
 *
 * A payload is one C file with payload_main(). It prints to the debug console
 * (port 0x402) and ends through isa-debug-exit (port 0x501): status 1 when all
 * is fine, which that device turns into exit code 3; run-guest.py knows. The
 * development machine runs guests' kernel mode at half a million instructions
 * a second: loops are short here.
 */
#ifndef TESTS_GUEST_GUEST_H
#define TESTS_GUEST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* Payloads that run as KVM's unit tests do have theirs (meson.build). */
#ifndef DEBUG_PORT
#define DEBUG_PORT 0x402
#define EXIT_PORT  0x501
#endif

static inline void outb(uint16_t port, uint8_t v)
{
    asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
    asm volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
    asm volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t v;

    asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint32_t mmio_read32(uint64_t addr)
{
    return *(volatile uint32_t *)addr;
}

static inline void mmio_write32(uint64_t addr, uint32_t v)
{
    *(volatile uint32_t *)addr = v;
}

static inline uint8_t mmio_read8(uint64_t addr)
{
    return *(volatile uint8_t *)addr;
}

static inline void mmio_write8(uint64_t addr, uint8_t v)
{
    *(volatile uint8_t *)addr = v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
    asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v),
                 "d"((uint32_t)(v >> 32)));
}

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

typedef struct Cpuid {
    uint32_t eax, ebx, ecx, edx;
} Cpuid;

static inline Cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    Cpuid r;

    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}

/* Interrupts on for just this halt: one that is pending is not missed. */
static inline void halt(void)
{
    asm volatile("sti; hlt; cli" : : : "memory");
}

void print(const char *s);
void print_hex(uint64_t v);
bool same_text(const char *a, const char *b);
/* End with failure, saying what, unless @ok. */
void check(bool ok, const char *what);
_Noreturn void finish(bool ok);

/* An IDT for vectors 32..47; they count in irq_count[vector - 32] and, when
 * set, call irq_handler; then the LAPIC gets its EOI. */
extern volatile uint32_t irq_count[16];
extern void (*irq_handler)(unsigned vector);
void irq_setup(void);

/* LAPIC in x2APIC mode, enabled with spurious vector 0xff. */
enum {
    X2APIC_ID = 0x802,
    X2APIC_EOI = 0x80b,
    X2APIC_SVR = 0x80f,
    X2APIC_ICR = 0x830,
    X2APIC_LVT_TIMER = 0x832,
    X2APIC_TIMER_INITIAL = 0x838,
    X2APIC_TIMER_CURRENT = 0x839,
    X2APIC_TIMER_DIVIDE = 0x83e,
    X2APIC_SELF_IPI = 0x83f,
};
void x2apic_setup(void);

/* Start all other processors by INIT and SIPI; each runs payload_ap_main. */
void start_aps(void);
extern volatile uint32_t ap_started;

/* Entry by multiboot: EAX; EBX is what payload_main gets. */
extern uint32_t multiboot_magic;

/* By the payload. */
void payload_main(uint32_t boot_info);
void payload_ap_main(unsigned number);

#endif
