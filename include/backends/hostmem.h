/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "-object memory-backend-*": guest RAM with its host policy: anonymous
 * (-ram), a file or huge page directory (-file), a memfd (-memfd).
 *
 * Life cycle: allocated when the object is complete; mapped by one user at a
 * time (host_memory_backend_set_mapped), which also keeps it from object-del.
 *
 * Threading: big lock.
 */
#ifndef BACKENDS_HOSTMEM_H
#define BACKENDS_HOSTMEM_H

#include "qom/object.h"

typedef struct MemoryRegion MemoryRegion;

#define TYPE_MEMORY_BACKEND       "memory-backend"
#define TYPE_MEMORY_BACKEND_RAM   "memory-backend-ram"
#define TYPE_MEMORY_BACKEND_FILE  "memory-backend-file"
#define TYPE_MEMORY_BACKEND_MEMFD "memory-backend-memfd"
OBJECT_DECLARE_TYPE(HostMemoryBackend, HostMemoryBackendClass, MEMORY_BACKEND)

/* host_memory_backend_get_memory: the RAM region; NULL before completion. */
MemoryRegion *host_memory_backend_get_memory(HostMemoryBackend *backend);
void *host_memory_backend_get_ptr(HostMemoryBackend *backend);
uint64_t host_memory_backend_get_size(HostMemoryBackend *backend);
int host_memory_backend_get_fd(HostMemoryBackend *backend);     /* -1: none */
bool host_memory_backend_is_shared(HostMemoryBackend *backend);

void host_memory_backend_set_mapped(HostMemoryBackend *backend, bool mapped);
bool host_memory_backend_is_mapped(HostMemoryBackend *backend);

/*
 * host_memory_backend_create: what "-m SIZE" without a backend uses:
 * memory-backend-ram, completed, child "ram" of the internal root.
 */
HostMemoryBackend *host_memory_backend_create(const char *name, uint64_t size,
                                              Error **errp);

#endif
