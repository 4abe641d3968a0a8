/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "-object memory-backend-*": guest RAM with its host policy: anonymous
 * (-ram), a file or huge page directory (-file), a memfd (-memfd).
 *
 * Life cycle: mapped when the object is complete; used by one device or
 * machine at a time (host_memory_backend_set_mapped), which also keeps it from
 * object-del. The MemoryRegion on top comes from system/hostmem.h.
 *
 * Threading: big lock.
 */
#ifndef BACKENDS_HOSTMEM_H
#define BACKENDS_HOSTMEM_H

#include "qom/object.h"

#define TYPE_MEMORY_BACKEND       "memory-backend"
#define TYPE_MEMORY_BACKEND_RAM   "memory-backend-ram"
#define TYPE_MEMORY_BACKEND_FILE  "memory-backend-file"
#define TYPE_MEMORY_BACKEND_MEMFD "memory-backend-memfd"
OBJECT_DECLARE_TYPE(HostMemoryBackend, HostMemoryBackendClass, MEMORY_BACKEND)

/* host_memory_backend_get_ptr: start of the mapping; NULL before completion. */
void *host_memory_backend_get_ptr(HostMemoryBackend *backend);
uint64_t host_memory_backend_get_size(HostMemoryBackend *backend);  /* bytes */
/* Descriptor and offset in it; -1: anonymous memory. */
int host_memory_backend_get_fd(HostMemoryBackend *backend);
uint64_t host_memory_backend_get_fd_offset(HostMemoryBackend *backend);
size_t host_memory_backend_get_page_size(HostMemoryBackend *backend);
bool host_memory_backend_is_shared(HostMemoryBackend *backend);
bool host_memory_backend_is_readonly(HostMemoryBackend *backend);
/* Name of its RAM block in the migration stream: id or path. g_free() it. */
char *host_memory_backend_get_ram_name(HostMemoryBackend *backend);

void host_memory_backend_set_mapped(HostMemoryBackend *backend, bool mapped);
bool host_memory_backend_is_mapped(HostMemoryBackend *backend);

/*
 * host_memory_backend_set_region: keep @region, made by a higher layer, with
 * the backend; @release gets it when the backend goes.
 */
void host_memory_backend_set_region(HostMemoryBackend *backend, void *region,
                                    void (*release)(void *region));
void *host_memory_backend_get_region(HostMemoryBackend *backend);

/*
 * host_memory_set_defaults: "-machine mem-merge=,dump-guest-core=": of "merge"
 * and "dump" for backends made from now on. Both are on at first.
 */
void host_memory_set_defaults(bool merge, bool dump);

/*
 * host_memory_backend_create: what "-m SIZE" without a backend uses:
 * memory-backend-ram, complete, as child @name of the internal root. Borrowed.
 */
HostMemoryBackend *host_memory_backend_create(const char *name, uint64_t size,
                                              Error **errp);

#endif
