/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory-backend-ram, memory-backend-file and memory-backend-memfd: where the
 * memory comes from.
 */
#include "util/osdep.h"
#include "backends/hostmem-internal.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "util/file.h"
#include "util/mmap-alloc.h"
#include "qapi/qapi-types-common.h"
#include "qom/property.h"

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

/* ---- ram ---- */

static bool hostmem_ram_alloc(HostMemoryBackend *s, Error **errp)
{
    s->page_size = host_page_size();
    s->host = ram_alloc_anon(s->size, 0, hostmem_mmap_flags(s), errp);
    return s->host != NULL;
}

static void hostmem_ram_class_init(ObjectClass *oc, const void *data)
{
    MEMORY_BACKEND_CLASS(oc)->alloc = hostmem_ram_alloc;
}

/* ---- file ---- */

OBJECT_DECLARE_SIMPLE_TYPE(HostMemoryFile, MEMORY_BACKEND_FILE)

struct HostMemoryFile {
    HostMemoryBackend parent_obj;
    char *mem_path;
    uint64_t align, offset;
    bool discard_data, pmem, readonly;
    int rom;                        /* OnOffAuto */
};

/* In a directory: a file without a name, which goes when we do. */
static int hostmem_file_open_temp(const char *dir, const char *id,
                                  Error **errp)
{
    g_autofree char *path = g_strdup_printf("%s/nemu_back_mem.%s.XXXXXX", dir,
                                            id);
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot create a file in '%s'", dir);
        return -1;
    }
    unlink(path);
    return fd;
}

static int hostmem_file_open(HostMemoryFile *f, bool *created, Error **errp)
{
    const char *id = object_get_canonical_path_component(OBJECT(f));
    struct stat st;
    int fd;

    *created = false;
    if (stat(f->mem_path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (f->readonly) {
            error_setg(errp, "mem-path '%s' is a directory, which readonly=on "
                       "has no use for", f->mem_path);
            return -1;
        }
        *created = true;
        return hostmem_file_open_temp(f->mem_path, id ? id : "ram", errp);
    }
    if (f->readonly) {
        return file_open(f->mem_path, O_RDONLY, 0, errp);
    }
    fd = file_open(f->mem_path, O_RDWR, 0, NULL);
    if (fd >= 0 || errno != ENOENT) {
        return fd >= 0 ? fd : file_open(f->mem_path, O_RDWR, 0, errp);
    }
    *created = true;
    return file_open(f->mem_path, O_RDWR | O_CREAT | O_EXCL, 0644, errp);
}

/* The file must have the bytes, else touching them is a bus error. */
static bool hostmem_file_check_size(HostMemoryFile *f, int fd, bool created,
                                    Error **errp)
{
    uint64_t need = f->parent_obj.size + f->offset;
    struct stat st;

    if (fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "cannot get the size of '%s'",
                         f->mem_path);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        return true;                /* a device: its mmap decides */
    }
    if (!created && st.st_size && (uint64_t)st.st_size < need) {
        error_setg(errp, "backing store size %" PRIu64 " of '%s' is less than "
                   "offset and size, %" PRIu64, (uint64_t)st.st_size,
                   f->mem_path, need);
        return false;
    }
    if ((uint64_t)st.st_size < need && ftruncate(fd, need) < 0) {
        error_setg_errno(errp, errno, "cannot extend '%s' to %" PRIu64
                         " bytes", f->mem_path, need);
        return false;
    }
    return true;
}

static bool hostmem_file_check(HostMemoryFile *f, Error **errp)
{
    HostMemoryBackend *s = MEMORY_BACKEND(f);
    uint64_t end;

    if (!f->mem_path || !f->mem_path[0]) {
        error_setg(errp, "mem-path property not set");
        return false;
    }
    if (f->pmem) {
        error_setg(errp, "pmem=on is not supported");
        error_append_hint(errp, "leave it off: a guest that flushes gets "
                          "msync");
        return false;
    }
    if (f->align && !IS_POWER_OF_2(f->align)) {
        error_setg(errp, "align '%" PRIu64 "' is not a power of two",
                   f->align);
        return false;
    }
    if (add_overflows(f->offset, s->size, &end) || end > INT64_MAX) {
        error_setg(errp, "offset '%" PRIu64 "' is out of range", f->offset);
        return false;
    }
    if (f->rom == ON_OFF_AUTO_ON && !f->readonly) {
        error_setg(errp, "property 'rom' = 'on' is not supported with "
                   "'readonly' = 'off'");
        return false;
    }
    return true;
}

static bool hostmem_file_alloc(HostMemoryBackend *s, Error **errp)
{
    HostMemoryFile *f = MEMORY_BACKEND_FILE(s);
    bool created;

    if (!hostmem_file_check(f, errp)) {
        return false;
    }
    s->fd = hostmem_file_open(f, &created, errp);
    if (s->fd < 0) {
        return false;
    }
    s->fd_offset = f->offset;
    s->page_size = fd_page_size(s->fd);
    if (!IS_ALIGNED(s->size, s->page_size) ||
        !IS_ALIGNED(f->offset, s->page_size)) {
        error_setg(errp, "size %" PRIu64 " and offset %" PRIu64 " must be "
                   "multiples of the page size %zu of '%s'", s->size,
                   f->offset, s->page_size, f->mem_path);
        return false;
    }
    /* readonly with rom=off: the guest writes to private copies */
    s->readonly = f->readonly && f->rom != ON_OFF_AUTO_OFF;
    if (f->readonly && !s->readonly) {
        s->share = false;
    }
    if (!f->readonly &&
        !hostmem_file_check_size(f, s->fd, created, errp)) {
        return false;
    }
    s->host = ram_mmap_fd(s->fd, f->offset, s->size, f->align,
                          hostmem_mmap_flags(s), errp);
    return s->host != NULL;
}

static const Property hostmem_file_props[] = {
    PROP_STRING("mem-path", HostMemoryFile, mem_path, NULL,
                "file, made when missing, or directory (of hugetlbfs)"),
    PROP_SIZE("align", HostMemoryFile, align, 0,
              "alignment in bytes of the mapping, a power of 2; 0: as the "
              "pages"),
    PROP_SIZE("offset", HostMemoryFile, offset, 0,
              "where in the file the memory starts, bytes"),
    PROP_BOOL("discard-data", HostMemoryFile, discard_data, false,
              "the content need not be kept after the end"),
    PROP_BOOL("pmem", HostMemoryFile, pmem, false,
              "the file is persistent memory; only off is supported"),
    PROP_BOOL("readonly", HostMemoryFile, readonly, false,
              "open the file for reading only"),
    PROP_ON_OFF_AUTO("rom", HostMemoryFile, rom, ON_OFF_AUTO_AUTO,
                     "with readonly: whether the guest cannot write either; "
                     "auto: it cannot"),
};

static void hostmem_file_finalize(Object *obj)
{
    HostMemoryFile *f = MEMORY_BACKEND_FILE(obj);
    HostMemoryBackend *s = MEMORY_BACKEND(obj);

    if (s->host && f->discard_data) {
        madvise(s->host, s->size, MADV_REMOVE);
    }
}

static void hostmem_file_class_init(ObjectClass *oc, const void *data)
{
    MEMORY_BACKEND_CLASS(oc)->alloc = hostmem_file_alloc;
    object_class_add_props(oc, hostmem_file_props);
}

/* ---- memfd ---- */

OBJECT_DECLARE_SIMPLE_TYPE(HostMemoryMemfd, MEMORY_BACKEND_MEMFD)

struct HostMemoryMemfd {
    HostMemoryBackend parent_obj;
    bool hugetlb, seal;
    uint64_t hugetlbsize;
};

static bool hostmem_memfd_flags(HostMemoryMemfd *m, unsigned *flags,
                                Error **errp)
{
    *flags = MFD_CLOEXEC | (m->seal ? MFD_ALLOW_SEALING : 0);
    if (m->hugetlbsize && !m->hugetlb) {
        error_setg(errp, "hugetlbsize needs hugetlb=on");
        return false;
    }
    if (m->hugetlbsize && !IS_POWER_OF_2(m->hugetlbsize)) {
        error_setg(errp, "hugetlbsize '%" PRIu64 "' is not a power of two",
                   m->hugetlbsize);
        return false;
    }
    if (m->hugetlb) {
        *flags |= MFD_HUGETLB;
        if (m->hugetlbsize) {
            *flags |= (unsigned)__builtin_ctzll(m->hugetlbsize)
                      << MFD_HUGE_SHIFT;
        }
    }
    return true;
}

static bool hostmem_memfd_alloc(HostMemoryBackend *s, Error **errp)
{
    HostMemoryMemfd *m = MEMORY_BACKEND_MEMFD(s);
    unsigned flags;

    if (!hostmem_memfd_flags(m, &flags, errp)) {
        return false;
    }
    s->fd = memfd_create(TYPE_MEMORY_BACKEND_MEMFD, flags);
    if (s->fd < 0) {
        error_setg_errno(errp, errno, "cannot create a memfd%s",
                         m->hugetlb ? " of huge pages" : "");
        return false;
    }
    s->page_size = fd_page_size(s->fd);
    if (!IS_ALIGNED(s->size, s->page_size)) {
        error_setg(errp, "size %" PRIu64 " is not a multiple of the page size "
                   "%zu", s->size, s->page_size);
        return false;
    }
    if (ftruncate(s->fd, s->size) < 0) {
        error_setg_errno(errp, errno, "cannot set the size of the memfd");
        return false;
    }
    if (m->seal && fcntl(s->fd, F_ADD_SEALS,
                         F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        error_setg_errno(errp, errno, "cannot seal the memfd");
        return false;
    }
    s->host = ram_mmap_fd(s->fd, 0, s->size, 0, hostmem_mmap_flags(s), errp);
    return s->host != NULL;
}

static const Property hostmem_memfd_props[] = {
    PROP_BOOL("hugetlb", HostMemoryMemfd, hugetlb, false,
              "take huge pages"),
    PROP_SIZE("hugetlbsize", HostMemoryMemfd, hugetlbsize, 0,
              "bytes of a huge page, a power of 2; 0: the host's default"),
    PROP_BOOL("seal", HostMemoryMemfd, seal, true,
              "nobody may change the size of the memfd"),
};

static void hostmem_memfd_instance_init(Object *obj)
{
    MEMORY_BACKEND(obj)->share = true;
}

static void hostmem_memfd_class_init(ObjectClass *oc, const void *data)
{
    MEMORY_BACKEND_CLASS(oc)->alloc = hostmem_memfd_alloc;
    object_class_add_props(oc, hostmem_memfd_props);
}

static const TypeInfo hostmem_kinds[] = {
    {
        .name = TYPE_MEMORY_BACKEND_RAM,
        .parent = TYPE_MEMORY_BACKEND,
        .help = "anonymous memory",
        .class_init = hostmem_ram_class_init,
    }, {
        .name = TYPE_MEMORY_BACKEND_FILE,
        .parent = TYPE_MEMORY_BACKEND,
        .help = "memory in a file, or huge pages from a directory",
        .instance_size = sizeof(HostMemoryFile),
        .instance_finalize = hostmem_file_finalize,
        .class_init = hostmem_file_class_init,
    }, {
        .name = TYPE_MEMORY_BACKEND_MEMFD,
        .parent = TYPE_MEMORY_BACKEND,
        .help = "memory in a file without a name, for sharing by descriptor",
        .instance_size = sizeof(HostMemoryMemfd),
        .instance_init = hostmem_memfd_instance_init,
        .class_init = hostmem_memfd_class_init,
    },
};

DEFINE_TYPES(hostmem_kinds)
