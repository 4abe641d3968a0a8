/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the PVH boot protocol promises: start info, command line, memory map,
 * ACPI. Run with -append "one two" and an initrd that says "initrd".
 */
#include "lib/guest.h"

typedef struct StartInfo {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
} StartInfo;

typedef struct Module {
    uint64_t addr, size, cmdline, reserved;
} Module;

typedef struct MapEntry {
    uint64_t addr, size;
    uint32_t type, reserved;
} MapEntry;

static bool same(const char *a, const char *b, unsigned n)
{
    while (n-- > 0) {
        if (*a++ != *b++) {
            return false;
        }
    }
    return true;
}

static void check_map(const StartInfo *si)
{
    const MapEntry *e = (const void *)si->memmap;
    bool low = false, here = false;

    check(si->memmap_entries > 1, "memory map");
    for (uint32_t i = 0; i < si->memmap_entries; i++) {
        low |= e[i].type == 1 && e[i].addr == 0 && e[i].size >= 0x80000;
        here |= e[i].type == 1 && e[i].addr <= 0x100000 &&
                e[i].addr + e[i].size > 0x400000;
    }
    check(low, "low memory in the map");
    check(here, "this program's memory in the map");
}

void payload_main(uint32_t boot_info)
{
    const StartInfo *si = (const void *)(uint64_t)boot_info;
    const Module *mod;

    check(si->magic == 0x336ec578, "start info magic");
    check(si->version >= 1, "start info version");
    check(same((const char *)si->cmdline, "one two", 8), "command line");
    check_map(si);
    check(si->rsdp && same((const char *)si->rsdp, "RSD PTR ", 8), "RSDP");
    check(si->nr_modules == 1, "one module");
    mod = (const void *)si->modlist;
    check(mod->size == 7 && same((const char *)mod->addr, "initrd\n", 7),
          "initrd");
}
