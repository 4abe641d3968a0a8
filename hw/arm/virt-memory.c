/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RAM of the virt machine, and the map above it. */
#include "util/osdep.h"
#include "virt-internal.h"
#include "hw/intc/arm_gic.h"
#include "target/arm/host.h"

#define IPA_BITS_DEFAULT 40

/* End of the addresses a guest has. */
static uint64_t virt_address_limit(void)
{
    return 1ULL << (arm_host ? arm_host->ipa_bits : IPA_BITS_DEFAULT);
}

/* The next place of that size; nothing when it is off or does not fit. What is
 * not there takes no place when the map is compact. */
static VirtRange take_high(const VirtMachine *v, uint64_t *top, uint64_t size,
                           bool on)
{
    VirtRange r = { ROUND_UP(*top, size), size };
    bool there = on && v->highmem && r.base + size <= virt_address_limit();

    if (there || !v->compact_highmem) {
        *top = r.base + size;
    }
    return there ? r : (VirtRange){ 0, 0 };
}

static unsigned low_redists(void)
{
    return VIRT_GIC_REDIST_BYTES / ARM_GICV3_REDIST_BYTES;
}

static bool virt_place_high(VirtMachine *v, uint64_t top, Error **errp)
{
    bool need_redists = v->gic_version == 3 &&
                        MACHINE(v)->smp.max_cpus > low_redists();

    v->redist2 = take_high(v, &top, VIRT_HIGH_REDIST_BYTES,
                           v->highmem_redists);
    v->ecam = take_high(v, &top, VIRT_HIGH_ECAM_BYTES, v->highmem_ecam);
    v->pci64 = take_high(v, &top, VIRT_PCI64_BYTES, v->highmem_mmio);
    if (!v->ecam.size) {
        v->ecam = (VirtRange){ VIRT_ECAM_LOW_BASE, VIRT_ECAM_LOW_BYTES };
    }
    if (need_redists && !v->redist2.size) {
        error_setg(errp, "%u CPUs need a second redistributor region",
                   MACHINE(v)->smp.max_cpus);
        error_append_hint(errp, "Leave out highmem=off and "
                          "highmem-redists=off");
        return false;
    }
    return true;
}

bool virt_create_memory(VirtMachine *v, Error **errp)
{
    MachineState *ms = MACHINE(v);
    uint64_t top = VIRT_RAM_BASE + ms->ram_size;

    if (ms->maxram_size > ms->ram_size) {
        top = ROUND_UP(top, GiB) + (ms->maxram_size - ms->ram_size) +
              ms->ram_slots * GiB;
    }
    if (top > virt_address_limit() || (!v->highmem && top > 4 * GiB)) {
        error_setg(errp, "memory up to 0x%" PRIx64 " is beyond what a guest "
                   "can address, 0x%" PRIx64, top,
                   v->highmem ? virt_address_limit() : (uint64_t)(4 * GiB));
        error_append_hint(errp, "Give the guest less memory with -m.");
        return false;
    }
    memory_region_add_subregion(get_system_memory(), VIRT_RAM_BASE, ms->ram);
    return virt_place_high(v, MAX(ROUND_UP(top, GiB), VIRT_HIGH_MIN), errp);
}

uint8_t *virt_ram_ptr(VirtMachine *v)
{
    return machine_ram_ptr(MACHINE(v), NULL);
}

uint64_t virt_boot_ram_size(VirtMachine *v)
{
    uint64_t len;

    machine_ram_ptr(MACHINE(v), &len);
    return len;
}
