/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM, the e820 map and the firmware ROM of the virt machine. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "util/bytes.h"

static void virt_add_e820(VirtMachine *v, uint64_t addr, uint64_t len,
                          uint32_t type)
{
    g_assert(v->ne820 < BOOT_MAX_E820);
    v->e820[v->ne820++] = (E820Entry){ addr, len, type };
}

static void virt_map_ram(VirtMachine *v)
{
    MachineState *ms = MACHINE(v);
    MemoryRegion *sys = get_system_memory();

    v->low_ram_size = MIN(ms->ram_size, VIRT_LOW_RAM_MAX);
    v->high_ram_size = ms->ram_size - v->low_ram_size;
    memory_region_init_alias(&v->low_ram, OBJECT(v), "ram-low", ms->ram, 0,
                             v->low_ram_size);
    memory_region_add_subregion(sys, 0, &v->low_ram);
    if (v->high_ram_size) {
        memory_region_init_alias(&v->high_ram, OBJECT(v), "ram-high", ms->ram,
                                 v->low_ram_size, v->high_ram_size);
        memory_region_add_subregion(sys, VIRT_HIGH_RAM_BASE, &v->high_ram);
    }
}

bool virt_create_memory(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);

    if (ms->ram_size < 1 * MiB) {
        error_setg(errp, "machine needs at least 1 MiB of memory");
        return false;
    }
    virt_map_ram(v);
    virt_add_e820(v, 0, 0xa0000, E820_RAM);
    virt_add_e820(v, 0xa0000, 0x60000, E820_RESERVED);
    virt_add_e820(v, MiB, v->low_ram_size - MiB, E820_RAM);
    virt_add_e820(v, VIRT_ECAM_BASE, PCI_ECAM_BYTES, E820_RESERVED);
    if (v->high_ram_size) {
        virt_add_e820(v, VIRT_HIGH_RAM_BASE, v->high_ram_size, E820_RAM);
    }
    return true;
}

uint8_t *virt_low_ram_ptr(VirtMachine *v)
{
    return machine_ram_ptr(MACHINE(v), NULL);
}

uint64_t virt_boot_ram_size(VirtMachine *v)
{
    uint64_t len;

    machine_ram_ptr(MACHINE(v), &len);
    return MIN(len, v->low_ram_size);
}

/* ---- -bios ---- */

static bool virt_check_rom_size(const BootSource *src, Error **errp)
{
    if (src->size > VIRT_ROM_MAX || !IS_ALIGNED(src->size, 4 * KiB)) {
        error_setg(errp, "firmware '%s' has %" PRIu64 " bytes, must be a "
                   "multiple of 4 KiB and at most 16 MiB", src->name,
                   src->size);
        return false;
    }
    return true;
}

static bool virt_map_rom(VirtMachine *v, const BootSource *src, Error **errp)
{
    uint64_t alias = MIN(src->size, VIRT_ROM_ALIAS_MAX);
    MemoryRegion *sys = get_system_memory();

    if (!memory_region_init_rom(&v->rom, OBJECT(v), "virt.bios", src->size,
                                errp)) {
        return false;
    }
    if (!boot_source_read(src, 0, memory_region_get_ram_ptr(&v->rom),
                          src->size, errp)) {
        memory_region_deinit(&v->rom);
        return false;
    }
    memory_region_add_subregion(sys, 4 * GiB - src->size, &v->rom);
    memory_region_init_alias(&v->rom_alias, OBJECT(v), "isa-bios", &v->rom,
                             src->size - alias, alias);
    memory_region_add_subregion_overlap(sys, MiB - alias, &v->rom_alias, 1);
    memory_region_set_readonly(&v->rom_alias, true);
    v->has_rom = true;
    return true;
}

/* The ROM ends at 4 GiB, where the reset vector is; its last part shows up
 * below 1 MiB too, where real mode jumps to. */
bool virt_load_rom(VirtMachine *v, Error **errp)
{
    BootSource src;
    bool ok;

    if (!boot_source_open(&src, MACHINE(v)->firmware, "firmware", errp)) {
        return false;
    }
    ok = virt_check_rom_size(&src, errp) && virt_map_rom(v, &src, errp);
    boot_source_close(&src);
    return ok;
}
