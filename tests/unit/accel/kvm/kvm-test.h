/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of a few regions for tests of the KVM layer on the real /dev/kvm:
 * RAM at 0, a ROM with the test's code at the reset vector, ports that record
 * what the guest says. The whole test program is one VM; each test puts its
 * code into the ROM and resets the CPUs. NEMU_TEST_ACCEL=prop=value sets a
 * property of the accelerator.
 */
#ifndef TESTS_UNIT_ACCEL_KVM_TEST_H
#define TESTS_UNIT_ACCEL_KVM_TEST_H

#include "system/memory.h"
#include "target/i386/cpu.h"

enum {
    KT_RAM_BYTES = 4 * 1024 * 1024,
    KT_ROM_BYTES = 64 * 1024,
    KT_PORT_SAY = 0x500,            /* records the value, stops the VM */
    KT_PORT_NOTE = 0x504,           /* records the value */
    KT_MMIO_GPA = 0xb0000,          /* 4 KiB of device registers */
};

typedef struct KvmTest {
    MemoryRegion ram, rom, ports, mmio;
    X86CPU *cpu;
    uint32_t said;                  /* last value at KT_PORT_SAY */
    uint32_t notes[16], nr_notes;
    uint32_t mmio_reads, mmio_writes, mmio_value;
} KvmTest;

extern KvmTest kt;

/* False: there is no usable KVM; the test was skipped. */
bool kt_setup(void);
/* Code of a test, entered in real mode after a reset, at f000:0000 with the
 * segment's base just below 4 GiB. */
void kt_load(const void *code, size_t len);
#define KT_LOAD(...)                                                           \
    do {                                                                       \
        static const uint8_t code_[] = { __VA_ARGS__ };                        \
        kt_load(code_, sizeof(code_));                                         \
    } while (0)
/* Reset, run until the guest says something, return that. */
uint32_t kt_run(void);
/* Go on after kt_run(). */
uint32_t kt_continue(void);
/* Let the VM run meanwhile, until kt.nr_notes reaches @n. */
void kt_wait_notes(uint32_t n);
/* A further CPU, for tests with several. */
X86CPU *kt_add_cpu(uint32_t apic_id);

/* 16-bit code: mov dx, PORT; mov eax, V; out dx, eax */
#define KT_SAY(v)                                                              \
    0xba, KT_PORT_SAY & 0xff, KT_PORT_SAY >> 8,                                \
    0x66, 0xb8, (v) & 0xff, (v) >> 8 & 0xff, (v) >> 16 & 0xff, 0,              \
    0x66, 0xef
#define KT_SAY_EAX 0xba, KT_PORT_SAY & 0xff, KT_PORT_SAY >> 8, 0x66, 0xef
#define KT_NOTE_EAX 0xba, KT_PORT_NOTE & 0xff, KT_PORT_NOTE >> 8, 0x66, 0xef
#define KT_HALT 0xf4, 0xeb, 0xfd
/* mov ecx, MSR; mov eax, LO; mov edx, HI; wrmsr */
#define KT_WRMSR(msr, v)                                                       \
    0x66, 0xb9, KT_LE32(msr), 0x66, 0xb8, KT_LE32((uint64_t)(v)),              \
    0x66, 0xba, KT_LE32((uint64_t)(v) >> 32), 0x0f, 0x30
/* mov ecx, MSR; rdmsr */
#define KT_RDMSR(msr) 0x66, 0xb9, KT_LE32(msr), 0x0f, 0x32
#define KT_LE32(v)                                                             \
    (v) & 0xff, (v) >> 8 & 0xff, (v) >> 16 & 0xff, (v) >> 24 & 0xff

#endif
