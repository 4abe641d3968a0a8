/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends: the properties all kinds have, and what is done with the
 * mapping once a kind has made it: NUMA policy, core dumps, merging of equal
 * pages, preallocation.
 */
#include "util/osdep.h"
#include "backends/hostmem-internal.h"
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "util/bitmap.h"
#include "util/log.h"
#include "util/mmap-alloc.h"
#include "qapi/qapi-types-common.h"
#include "qom/property.h"

static struct {
    bool merge, dump;
} hostmem_defaults = { true, true };

void host_memory_set_defaults(bool merge, bool dump)
{
    hostmem_defaults.merge = merge;
    hostmem_defaults.dump = dump;
}

/* ---- Accessors ---- */

void *host_memory_backend_get_ptr(HostMemoryBackend *backend)
{
    return backend->host;
}

uint64_t host_memory_backend_get_size(HostMemoryBackend *backend)
{
    return backend->size;
}

int host_memory_backend_get_fd(HostMemoryBackend *backend)
{
    return backend->fd;
}

uint64_t host_memory_backend_get_fd_offset(HostMemoryBackend *backend)
{
    return backend->fd_offset;
}

size_t host_memory_backend_get_page_size(HostMemoryBackend *backend)
{
    return backend->page_size;
}

bool host_memory_backend_is_shared(HostMemoryBackend *backend)
{
    return backend->share;
}

bool host_memory_backend_is_readonly(HostMemoryBackend *backend)
{
    return backend->readonly;
}

char *host_memory_backend_get_ram_name(HostMemoryBackend *backend)
{
    Object *obj = OBJECT(backend);

    if (backend->canonical_ram_name) {
        return object_get_canonical_path(obj);
    }
    return g_strdup(object_get_canonical_path_component(obj));
}

void host_memory_backend_set_mapped(HostMemoryBackend *backend, bool mapped)
{
    backend->mapped = mapped;
}

bool host_memory_backend_is_mapped(HostMemoryBackend *backend)
{
    return backend->mapped;
}

void host_memory_backend_set_region(HostMemoryBackend *backend, void *region,
                                    void (*release)(void *region))
{
    backend->region = region;
    backend->release_region = release;
}

void *host_memory_backend_get_region(HostMemoryBackend *backend)
{
    return backend->region;
}

HostMemoryBackend *host_memory_backend_create(const char *name, uint64_t size,
                                              Error **errp)
{
    HostMemoryBackend *backend =
        MEMORY_BACKEND(object_new(TYPE_MEMORY_BACKEND_RAM));

    backend->size = size;
    backend->canonical_ram_name = false;
    object_property_add_child(object_get_internal_root(), name,
                              OBJECT(backend));
    object_unref(backend);          /* the tree has it */
    if (!user_creatable_complete(OBJECT(backend), errp)) {
        object_unparent(OBJECT(backend));
        return NULL;
    }
    return backend;
}

/* ---- Completion ---- */

unsigned hostmem_mmap_flags(const HostMemoryBackend *backend)
{
    return (backend->share ? RAM_MMAP_SHARED : 0) |
           (backend->reserve ? 0 : RAM_MMAP_NORESERVE) |
           (backend->readonly ? RAM_MMAP_READONLY : 0);
}

/* Linux's mode for the schema's policy. */
static int hostmem_mpol_mode(int policy)
{
    switch (policy) {
    case HOST_MEM_POLICY_PREFERRED:
        return MPOL_PREFERRED;
    case HOST_MEM_POLICY_BIND:
        return MPOL_BIND;
    case HOST_MEM_POLICY_INTERLEAVE:
        return MPOL_INTERLEAVE;
    default:
        return MPOL_DEFAULT;
    }
}

static bool hostmem_check_nodes(HostMemoryBackend *s, Error **errp)
{
    if (!s->n_host_nodes && s->policy != HOST_MEM_POLICY_DEFAULT) {
        error_setg(errp, "host-nodes must be set for policy '%s'",
                   HostMemPolicy_str(s->policy));
        return false;
    }
    if (s->n_host_nodes && s->policy == HOST_MEM_POLICY_DEFAULT) {
        error_setg(errp, "host-nodes must be empty for policy 'default'");
        error_append_hint(errp, "give policy=bind, preferred or interleave");
        return false;
    }
    for (uint32_t i = 0; i < s->n_host_nodes; i++) {
        if (s->host_nodes[i] >= HOSTMEM_MAX_NODES) {
            error_setg(errp, "host node '%u' is out of range",
                       s->host_nodes[i]);
            return false;
        }
    }
    return true;
}

static bool hostmem_bind_nodes(HostMemoryBackend *s, Error **errp)
{
    unsigned long mask[BITS_TO_LONGS(HOSTMEM_MAX_NODES)] = { 0 };
    long rc;

    if (!hostmem_check_nodes(s, errp)) {
        return false;
    }
    if (!s->n_host_nodes) {
        return true;                /* default policy: nothing to say */
    }
    for (uint32_t i = 0; i < s->n_host_nodes; i++) {
        bitmap_set(mask, s->host_nodes[i], 1);
    }
    /* the kernel takes one bit less than it is told */
    rc = syscall(SYS_mbind, s->host, s->size, hostmem_mpol_mode(s->policy),
                 mask, HOSTMEM_MAX_NODES + 1,
                 MPOL_MF_STRICT | MPOL_MF_MOVE);
    if (rc < 0) {
        error_setg_errno(errp, errno, "cannot bind memory to host NUMA nodes");
        return false;
    }
    return true;
}

static bool hostmem_complete(Object *obj, Error **errp)
{
    HostMemoryBackend *s = MEMORY_BACKEND(obj);
    HostMemoryBackendClass *bc = MEMORY_BACKEND_GET_CLASS(s);

    if (!s->size) {
        error_setg(errp, "can't create backend with size 0");
        error_append_hint(errp, "give size=SIZE");
        return false;
    }
    if (s->prealloc && !s->reserve) {
        error_setg(errp, "'prealloc=on' and 'reserve=off' are incompatible");
        return false;
    }
    if (!bc->alloc(s, errp)) {
        return false;
    }
    if (s->merge && madvise(s->host, s->size, MADV_MERGEABLE) < 0) {
        /* a kernel without KSM; asked for by default: not worth a word */
        s->merge = false;
    }
    if (!s->dump) {
        madvise(s->host, s->size, MADV_DONTDUMP);
    }
    if (!hostmem_bind_nodes(s, errp)) {
        return false;
    }
    return !s->prealloc ||
           hostmem_prealloc(s->host, s->size, s->page_size,
                            s->prealloc_threads, errp);
}

static bool hostmem_can_be_deleted(Object *obj, Error **errp)
{
    if (MEMORY_BACKEND(obj)->mapped) {
        error_setg(errp, "memory backend '%s' is in use",
                   object_get_canonical_path_component(obj));
        return false;
    }
    return true;
}

static bool hostmem_prop_may_set(Object *obj, const Property *prop,
                                 Error **errp)
{
    if (MEMORY_BACKEND(obj)->host) {
        error_setg(errp, "cannot change property '%s' of %s: the memory is "
                   "in place", prop->name, object_get_typename(obj));
        return false;
    }
    return true;
}

static DEFINE_PROP_ENUM_INFO(prop_info_policy, "HostMemPolicy",
                             HostMemPolicy_lookup);

static const Property hostmem_props[] = {
    PROP_SIZE("size", HostMemoryBackend, size, 0,
              "bytes of memory; suffixes k M G T"),
    { .name = "merge", .info = &prop_info_bool, .flags = PROP_F_NO_DEF,
      .offset = offsetof(HostMemoryBackend, merge),
      .help = "let the kernel share equal pages (KSM); default: the machine's "
              "mem-merge" },
    { .name = "dump", .info = &prop_info_bool, .flags = PROP_F_NO_DEF,
      .offset = offsetof(HostMemoryBackend, dump),
      .help = "include the memory in core dumps of the process; default: the "
              "machine's dump-guest-core" },
    PROP_BOOL("prealloc", HostMemoryBackend, prealloc, false,
              "take all pages from the host at the start"),
    PROP_UINT32("prealloc-threads", HostMemoryBackend, prealloc_threads, 1,
                "threads that preallocate, from 1"),
    { .name = "share", .info = &prop_info_bool, .flags = PROP_F_NO_DEF,
      .offset = offsetof(HostMemoryBackend, share),
      .help = "writes go to the file or memfd, where other processes see "
              "them; default: off, on for memory-backend-memfd" },
    PROP_BOOL("reserve", HostMemoryBackend, reserve, true,
              "reserve swap space for it"),
    PROP_ENUM("policy", HostMemoryBackend, policy, prop_info_policy,
              HOST_MEM_POLICY_DEFAULT, "NUMA policy for host-nodes"),
    PROP_ARRAY("host-nodes", HostMemoryBackend, n_host_nodes, host_nodes,
               prop_info_uint16, uint16_t, "host NUMA nodes of the policy"),
    PROP_BOOL("x-use-canonical-path-for-ramblock-id", HostMemoryBackend,
              canonical_ram_name, true, "name the memory in the migration "
              "stream by the object's path, not its id"),
};

static void hostmem_instance_init(Object *obj)
{
    HostMemoryBackend *s = MEMORY_BACKEND(obj);

    s->fd = -1;
    s->merge = hostmem_defaults.merge;
    s->dump = hostmem_defaults.dump;
}

static void hostmem_instance_finalize(Object *obj)
{
    HostMemoryBackend *s = MEMORY_BACKEND(obj);

    if (s->region) {
        s->release_region(s->region);
    }
    ram_free(s->host, s->size);
    if (s->fd >= 0) {
        close(s->fd);
    }
}

static void hostmem_class_init(ObjectClass *oc, const void *data)
{
    UserCreatableClass *ucc = (UserCreatableClass *)
        object_class_dynamic_cast(oc, TYPE_USER_CREATABLE);

    ucc->complete = hostmem_complete;
    ucc->can_be_deleted = hostmem_can_be_deleted;
    oc->prop_may_set = hostmem_prop_may_set;
    object_class_add_props(oc, hostmem_props);
}

static const char *const hostmem_interfaces[] = { TYPE_USER_CREATABLE, NULL };

static const TypeInfo hostmem_types[] = {
    {
        .name = TYPE_MEMORY_BACKEND,
        .parent = TYPE_OBJECT,
        .help = "guest memory from the host",
        .abstract = true,
        .instance_size = sizeof(HostMemoryBackend),
        .instance_init = hostmem_instance_init,
        .instance_finalize = hostmem_instance_finalize,
        .class_size = sizeof(HostMemoryBackendClass),
        .class_init = hostmem_class_init,
        .interfaces = hostmem_interfaces,
    },
};

DEFINE_TYPES(hostmem_types)
