/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kinds of memory backends share. */
#ifndef BACKENDS_HOSTMEM_INTERNAL_H
#define BACKENDS_HOSTMEM_INTERNAL_H

#include "backends/hostmem.h"

/* Host NUMA nodes the kernel can have at most (CONFIG_NODES_SHIFT 10). */
#define HOSTMEM_MAX_NODES 1024

struct HostMemoryBackend {
    Object parent_obj;

    /* Properties, frozen when complete */
    uint64_t size;
    bool merge, dump, prealloc, share, reserve;
    bool canonical_ram_name;
    uint32_t prealloc_threads;
    int policy;                     /* HostMemPolicy */
    uint16_t *host_nodes;
    uint32_t n_host_nodes;

    /* Runtime */
    void *host;                     /* NULL: not complete */
    size_t page_size;
    int fd;                         /* -1: anonymous */
    uint64_t fd_offset;
    bool readonly;                  /* mapped without PROT_WRITE */
    bool mapped;
    void *region;
    void (*release_region)(void *region);
};

struct HostMemoryBackendClass {
    ObjectClass parent_class;
    /* Set host, page_size and fd. */
    bool (*alloc)(HostMemoryBackend *backend, Error **errp);
};

/* RAM_MMAP_* for the properties of @backend. */
unsigned hostmem_mmap_flags(const HostMemoryBackend *backend);

/*
 * hostmem_prealloc: touch all pages of a mapping, by @threads threads. Fails
 * when the host has not enough of them.
 */
bool hostmem_prealloc(void *host, size_t size, size_t page_size,
                      unsigned threads, Error **errp);

#endif
