/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MemoryRegions of memory backends: they stand in backends/, which knows no
 * memory map.
 */
#include "util/osdep.h"
#include "system/hostmem.h"

static void hostmem_release_region(void *region)
{
    memory_region_deinit(region);
    g_free(region);
}

MemoryRegion *host_memory_backend_get_memory(HostMemoryBackend *backend)
{
    MemoryRegion *mr = host_memory_backend_get_region(backend);
    g_autofree char *name = NULL;
    RamMapping map;

    if (mr || !host_memory_backend_get_ptr(backend)) {
        return mr;
    }
    map = (RamMapping) {
        .host = host_memory_backend_get_ptr(backend),
        .size = host_memory_backend_get_size(backend),
        .page_size = host_memory_backend_get_page_size(backend),
        .fd = host_memory_backend_get_fd(backend),
        .fd_offset = host_memory_backend_get_fd_offset(backend),
        .shared = host_memory_backend_is_shared(backend),
        .readonly = host_memory_backend_is_readonly(backend),
    };
    name = host_memory_backend_get_ram_name(backend);
    mr = g_new0(MemoryRegion, 1);
    memory_region_init_ram_mapping(mr, OBJECT(backend), name, &map);
    host_memory_backend_set_region(backend, mr, hostmem_release_region);
    return mr;
}
