/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m: how much memory, and where it comes from. */
#include "util/osdep.h"
#include "hw/core/machine.h"
#include "hw/core/numa.h"
#include "qapi/qapi-types-machine.h"
#include "system/hostmem.h"
#include "machine-internal.h"

/* Sizes are rounded up to this; KVM wants whole pages. */
#define RAM_ALIGN 8192

/* Above this no guest physical address width of ours reaches. */
#define RAM_MAX (1ULL << 52)

static bool set_ram_size(MachineState *ms, uint64_t size, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);

    if (size > RAM_MAX) {
        error_setg(errp, "ram size too large: %" PRIu64 " bytes, at most "
                   "%llu are supported", size, RAM_MAX);
        return false;
    }
    size = ROUND_UP(size, RAM_ALIGN);
    if (mc->fixup_ram_size && !mc->fixup_ram_size(ms, &size, errp)) {
        return false;
    }
    ms->ram_size = size;
    return true;
}

static bool set_max_size(MachineState *ms, const MemorySizeConfiguration *c,
                         Error **errp)
{
    uint64_t slots = c->has_slots ? c->slots : 0;

    if (!c->has_max_size) {
        if (slots) {
            error_setg(errp, "slots specified but no max-size");
            error_append_hint(errp, "say how much memory the slots can hold in "
                              "all: -m ...,maxmem=");
            return false;
        }
        ms->maxram_size = ms->ram_size;
        ms->ram_slots = 0;
        return true;
    }
    if (c->max_size < ms->ram_size) {
        error_setg(errp, "invalid value of maxmem: maximum memory size (0x%"
                   PRIx64 ") must be at least the initial memory size (0x%"
                   PRIx64 ")", c->max_size, ms->ram_size);
        return false;
    }
    if (c->max_size > RAM_MAX) {
        error_setg(errp, "invalid value of maxmem: 0x%" PRIx64 " is above 0x%"
                   PRIx64, c->max_size, (uint64_t)RAM_MAX);
        return false;
    }
    if (slots && c->max_size == ms->ram_size) {
        error_setg(errp, "invalid value of maxmem: memory slots were specified "
                   "but maximum memory size (0x%" PRIx64 ") is equal to the "
                   "initial memory size (0x%" PRIx64 ")", c->max_size,
                   ms->ram_size);
        return false;
    }
    ms->maxram_size = c->max_size;
    ms->ram_slots = slots;
    return true;
}

bool machine_set_memory(MachineState *ms, const MemorySizeConfiguration *config,
                        Error **errp)
{
    bool given = config->has_size && config->size;
    uint64_t size = given ? config->size
                          : MACHINE_GET_CLASS(ms)->default_ram_size;

    if (!set_ram_size(ms, size, errp) || !set_max_size(ms, config, errp)) {
        return false;
    }
    ms->ram_size_given = given;
    return true;
}

bool machine_settle_memory(MachineState *ms, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);
    uint64_t size;

    if (!ms->memory_backend) {
        if (ms->ram_size_given || ms->ram_size) {
            return true;
        }
        ms->maxram_size = MAX(ms->maxram_size, mc->default_ram_size);
        return mc->no_ram || set_ram_size(ms, mc->default_ram_size, errp);
    }
    size = host_memory_backend_get_size(MEMORY_BACKEND(ms->memory_backend));
    if (ms->ram_size_given && size != ms->ram_size) {
        error_setg(errp, "Machine memory size does not match the size of the "
                   "memory backend: %" PRIu64 " and %" PRIu64 " bytes",
                   ms->ram_size, size);
        return false;
    }
    ms->ram_size = size;
    ms->maxram_size = MAX(ms->maxram_size, size);
    return true;
}

bool machine_create_ram(MachineState *ms, Error **errp)
{
    MachineClass *mc = MACHINE_GET_CLASS(ms);
    HostMemoryBackend *backend;

    if (mc->no_ram || !ms->ram_size) {
        return true;
    }
    if (!numa_complete(ms, errp)) {
        return false;
    }
    if (numa_has_memdevs(ms)) {
        numa_create_ram(ms);
        return true;
    }
    if (!ms->memory_backend) {
        g_assert(mc->default_ram_id);
        backend = host_memory_backend_create(mc->default_ram_id, ms->ram_size,
                                             errp);
        if (!backend) {
            return false;
        }
        ms->memory_backend = object_ref(backend);
    }
    backend = MEMORY_BACKEND(ms->memory_backend);
    if (host_memory_backend_is_mapped(backend)) {
        error_setg(errp, "memory backend '%s' can't be used multiple times",
                   object_get_canonical_path_component(OBJECT(backend)));
        return false;
    }
    host_memory_backend_set_mapped(backend, true);
    ms->ram = host_memory_backend_get_memory(backend);
    return true;
}
