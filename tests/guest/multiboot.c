/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the multiboot entry promises, and what KVM's unit tests ask of fw_cfg
 * and the LAPIC. Run with -smp 2, -append "one two", a module that says
 * "module" with the argument "arg".
 */
#include "lib/guest.h"

#define FW_CFG      0x510
#define LAPIC_ICR   0xfee00300
#define ICR_INIT    0xc4500             /* to all but self */
#define ICR_SIPI    0xc4608             /* page 8 */

typedef struct Info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
    uint32_t mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
    uint32_t drives[2], config_table, loader_name;
} Info;

typedef struct Module {
    uint32_t start, end, string, reserved;
} Module;

typedef struct __attribute__((packed)) MapEntry {
    uint32_t size;
    uint64_t addr, len;
    uint32_t type;
} MapEntry;

extern char ap_trampoline[], ap_trampoline_end[];

static volatile uint32_t ready;

void payload_ap_main(unsigned number)
{
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
}

static const char *text_at(uint32_t addr)
{
    return (const char *)(uint64_t)addr;
}

static const char *after_space(const char *s)
{
    while (*s && *s != ' ') {
        s++;
    }
    return *s ? s + 1 : s;
}

static void check_map(const Info *info)
{
    uint32_t at = info->mmap_addr, end = at + info->mmap_length;
    bool here = false;

    while (at < end) {
        const MapEntry *e = (const void *)(uint64_t)at;

        here |= e->type == 1 && e->addr <= 0x400000 &&
                e->addr + e->len > 0x500000;
        at += e->size + 4;
    }
    check(at == end, "length of the memory map");
    check(here, "this program's memory in the map");
}

static uint64_t fw_cfg(uint16_t key, unsigned bytes)
{
    uint64_t v = 0;

    outw(FW_CFG, key);
    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)inb(FW_CFG + 1) << 8 * i;
    }
    return v;
}

/* By memory-mapped registers: this is before anyone enables x2APIC. */
static void start_other(void)
{
    const char *from = ap_trampoline;
    char *to = (char *)0x8000;

    while (from < ap_trampoline_end) {
        *to++ = *from++;
    }
    mmio_write32(LAPIC_ICR, ICR_INIT);
    mmio_write32(LAPIC_ICR, ICR_SIPI);
    while (ready < fw_cfg(5, 2) - 1) {
        asm volatile("pause");
    }
}

void payload_main(uint32_t boot_info)
{
    const Info *info = (const void *)(uint64_t)boot_info;
    const Module *mod;

    check(multiboot_magic == 0x2badb002, "EAX");
    check((info->flags & 0x4d) == 0x4d, "flags");
    check(info->mem_lower == 640, "low memory");
    check(info->mem_upper == 127 * 1024, "memory from 1 MiB on");
    check(same_text(after_space(text_at(info->cmdline)), "one two"),
          "command line");
    check(info->mods_count == 1, "one module");
    mod = (const void *)(uint64_t)info->mods_addr;
    check(mod->end - mod->start == 7, "size of the module");
    check(text_at(mod->start)[0] == 'm' && text_at(mod->start)[6] == '\n',
          "contents of the module");
    check(same_text(after_space(text_at(mod->string)), "arg"),
          "argument of the module");
    check_map(info);
    check(fw_cfg(0, 4) == 0x554d4551, "fw_cfg signature");
    check(fw_cfg(1, 4) & 1, "fw_cfg id");
    check(fw_cfg(3, 8) == 128 << 20, "fw_cfg memory size");
    check(fw_cfg(5, 2) == 2, "fw_cfg CPUs");
    start_other();
}
