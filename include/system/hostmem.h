/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The MemoryRegion of a memory backend.
 *
 * Threading: big lock.
 */
#ifndef SYSTEM_HOSTMEM_H
#define SYSTEM_HOSTMEM_H

#include "backends/hostmem.h"
#include "system/memory.h"

/* host_memory_backend_get_memory: its RAM region, made at the first call and
 * gone with the backend; NULL when @backend is not complete. */
MemoryRegion *host_memory_backend_get_memory(HostMemoryBackend *backend);

#endif
