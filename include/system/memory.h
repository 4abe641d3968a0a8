/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's physical memory: regions, address spaces and access to them.
 *
 * A MemoryRegion is RAM, ROM, MMIO (or port I/O), an alias of a part of
 * another region, or a container that places subregions at offsets; an
 * overlap is decided by priority, then by the later addition. An AddressSpace
 * renders the tree below its root into a FlatView, a sorted array of ranges,
 * published under RCU; listeners (KVM slots, ioeventfds, vhost) hear the
 * differences between two views in one batch.
 *
 *   system memory "memory"    what CPUs and DMA see
 *   system I/O "I/O"          ports, x86 only
 *
 * Life cycle: memory_region_init*(mr, owner, name, size) in instance_init or
 * realize; add to a container; del before the owner's unrealize returns. The
 * region lives in its owner's structure, its references are the owner's
 * (object_ref of @owner while a FlatView or a mapping uses it).
 *
 * Threading: the tree belongs to the big lock; readers of a FlatView hold
 * rcu_read_lock(). MMIO callbacks run under the big lock unless
 * memory_region_set_lockless() was called.
 */
#ifndef SYSTEM_MEMORY_H
#define SYSTEM_MEMORY_H

#include "util/osdep.h"
#include "util/error.h"
#include "util/event-notifier.h"
#include <sys/queue.h>

typedef uint64_t hwaddr;                /* guest physical address */
typedef struct Object Object;
typedef struct MemoryRegion MemoryRegion;
typedef struct AddressSpace AddressSpace;
typedef struct FlatView FlatView;
typedef struct MemoryListener MemoryListener;
typedef struct RamBlock RamBlock;
typedef struct MemoryRegionIoeventfd MemoryRegionIoeventfd;

/* Result of an access; errors are OR-ed together. */
typedef uint32_t MemTxResult;
#define MEMTX_OK            0u
#define MEMTX_ERROR         (1u << 0)   /* device refused */
#define MEMTX_DECODE_ERROR  (1u << 1)   /* nothing there */
#define MEMTX_ACCESS_ERROR  (1u << 2)   /* re-entrant or not allowed */

typedef struct MemTxAttrs {
    unsigned int requester_id:16;       /* PCI bus/devfn of a DMA master */
    unsigned int unspecified:1;
} MemTxAttrs;
#define MEMTXATTRS_UNSPECIFIED ((MemTxAttrs){ .unspecified = 1 })

/*
 * Callbacks of an I/O region. @addr is the offset in the region, @size 1, 2,
 * 4 or 8 bytes, data little endian. Accesses outside valid.* are refused
 * (reads give all ones on a bus error, as hardware does); accesses outside
 * impl.* are split or widened by the core, reads never cross the region.
 */
typedef struct MemoryRegionOps {
    uint64_t (*read)(void *opaque, hwaddr addr, unsigned int size);
    void (*write)(void *opaque, hwaddr addr, uint64_t data, unsigned int size);
    struct {
        uint8_t min_access_size;        /* 0: 1 */
        uint8_t max_access_size;        /* 0: 4 */
        bool unaligned;
        bool (*accepts)(void *opaque, hwaddr addr, unsigned int size,
                        bool is_write);
    } valid;
    struct {
        uint8_t min_access_size;        /* 0: 1 */
        uint8_t max_access_size;        /* 0: 4 */
        bool unaligned;
    } impl;
} MemoryRegionOps;

struct MemoryRegion {
    char *name;
    Object *owner;                      /* may be NULL for the board's */
    uint64_t size;                      /* bytes; UINT64_MAX = 2^64 */
    hwaddr addr;                        /* offset in container */
    int32_t priority;
    bool enabled, ram, readonly, rom_device, lockless, nonvolatile, is_io;
    bool terminates;                    /* not a pure container */
    bool no_vhost;                      /* left out of vhost memory tables */
    uint8_t dirty_log_mask;             /* DIRTY_* clients */
    const MemoryRegionOps *ops;
    void *opaque;
    MemoryRegion *container;
    MemoryRegion *alias;
    hwaddr alias_offset;
    RamBlock *ram_block;
    bool in_access;                     /* re-entrancy guard when no owner */
    bool *busy_guard;                   /* shared by a device's regions */
    TAILQ_HEAD(, MemoryRegion) subregions;
    TAILQ_ENTRY(MemoryRegion) link;
    MemoryRegionIoeventfd *ioeventfds;
    uint32_t nb_ioeventfds;
};

/* One piece of host memory that backs a RAM region. */
struct RamBlock {
    char idstr[256];                    /* name in the migration stream */
    MemoryRegion *mr;
    uint8_t *host;
    uint64_t used_length, max_length;   /* bytes */
    size_t page_size;                   /* bytes, of the backing */
    int fd;                             /* -1: anonymous */
    uint64_t fd_offset;
    bool shared, readonly, preallocated;
    unsigned long *dirty[2];            /* bitmaps by client, 4 KiB a bit */
    TAILQ_ENTRY(RamBlock) link;
};
enum { DIRTY_MIGRATION = 0, DIRTY_CODE_UNUSED = 1, DIRTY_CLIENTS = 2 };

/* ---- Regions ---- */

void memory_region_init(MemoryRegion *mr, Object *owner, const char *name,
                        uint64_t size);
void memory_region_init_io(MemoryRegion *mr, Object *owner,
                           const MemoryRegionOps *ops, void *opaque,
                           const char *name, uint64_t size);
void memory_region_init_alias(MemoryRegion *mr, Object *owner,
                              const char *name, MemoryRegion *orig,
                              hwaddr offset, uint64_t size);
/* Anonymous RAM, page aligned, zero filled. Errors: no memory. */
bool memory_region_init_ram(MemoryRegion *mr, Object *owner, const char *name,
                            uint64_t size, Error **errp);
/* Read only for the guest; the host writes it through memory_region_get_ram_ptr */
bool memory_region_init_rom(MemoryRegion *mr, Object *owner, const char *name,
                            uint64_t size, Error **errp);
/* RAM over memory that the caller mapped and unmaps; @fd -1 when anonymous. */
typedef struct RamMapping {
    void *host;
    uint64_t size;
    size_t page_size;
    int fd;
    uint64_t fd_offset;
    bool shared, readonly;
} RamMapping;
void memory_region_init_ram_mapping(MemoryRegion *mr, Object *owner,
                                    const char *name, const RamMapping *map);
/* Out of every container, frees the name. Also run by the owner's finalize. */
void memory_region_deinit(MemoryRegion *mr);

void memory_region_add_subregion(MemoryRegion *mr, hwaddr offset,
                                 MemoryRegion *sub);
void memory_region_add_subregion_overlap(MemoryRegion *mr, hwaddr offset,
                                         MemoryRegion *sub, int priority);
void memory_region_del_subregion(MemoryRegion *mr, MemoryRegion *sub);
void memory_region_set_enabled(MemoryRegion *mr, bool enabled);
void memory_region_set_address(MemoryRegion *mr, hwaddr addr);
void memory_region_set_size(MemoryRegion *mr, uint64_t size);
void memory_region_set_readonly(MemoryRegion *mr, bool readonly);
/* Callbacks run without the big lock. */
void memory_region_set_lockless(MemoryRegion *mr);
/* All regions of one device share @busy: DMA onto itself is refused. */
void memory_region_set_busy_guard(MemoryRegion *mr, bool *busy);
uint64_t memory_region_size(const MemoryRegion *mr);
bool memory_region_is_ram(const MemoryRegion *mr);
bool memory_region_is_mapped(const MemoryRegion *mr);
void *memory_region_get_ram_ptr(const MemoryRegion *mr);
int memory_region_get_fd(const MemoryRegion *mr);

/* Changes between begin and commit are published as one view. Nest. */
void memory_region_transaction_begin(void);
void memory_region_transaction_commit(void);

/* A write of @size bytes (0: any) at @addr, of @data if @match_data, signals
 * @e instead of an exit. */
void memory_region_add_eventfd(MemoryRegion *mr, hwaddr addr, unsigned int size,
                               bool match_data, uint64_t data,
                               EventNotifier *e);
void memory_region_del_eventfd(MemoryRegion *mr, hwaddr addr, unsigned int size,
                               bool match_data, uint64_t data,
                               EventNotifier *e);

/* ---- Sections: a part of a region as an address space shows it ---- */

typedef struct MemoryRegionSection {
    MemoryRegion *mr;
    AddressSpace *as;
    hwaddr offset_in_region;            /* bytes */
    uint64_t size;                      /* bytes */
    hwaddr offset_in_as;
    bool readonly;
} MemoryRegionSection;

/* Find what is at @addr; .mr is NULL when nothing; takes a reference on the
 * owner that memory_region_section_unref gives back. */
MemoryRegionSection memory_region_find(AddressSpace *as, hwaddr addr,
                                       uint64_t size);
void memory_region_section_unref(MemoryRegionSection *s);

/* ---- Address spaces ---- */

struct AddressSpace {
    char *name;
    MemoryRegion *root;
    FlatView *view;                     /* RCU */
    MemoryRegionIoeventfd *ioeventfds;
    uint32_t nb_ioeventfds;
    TAILQ_HEAD(, MemoryListener) listeners;
    TAILQ_ENTRY(AddressSpace) link;
};

extern AddressSpace address_space_memory, address_space_io;
MemoryRegion *get_system_memory(void);
MemoryRegion *get_system_io(void);
void memory_map_init(void);             /* once, at start */

void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name);
void address_space_destroy(AddressSpace *as);

/* Copy to or from guest memory; MMIO is dispatched. Any thread under RCU or
 * with the big lock. Length in bytes. */
MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                             void *buf, uint64_t len, bool is_write);
MemTxResult address_space_read(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                               void *buf, uint64_t len);
MemTxResult address_space_write(AddressSpace *as, hwaddr addr,
                                MemTxAttrs attrs, const void *buf,
                                uint64_t len);
/*
 * Direct pointer to guest RAM of up to *@len bytes; *@len is cut to what is
 * contiguous. NULL for MMIO. Keeps the owner referenced until unmap; @access
 * bytes are marked dirty on unmap when @is_write.
 */
void *address_space_map(AddressSpace *as, hwaddr addr, uint64_t *len,
                        bool is_write, MemTxAttrs attrs);
void address_space_unmap(AddressSpace *as, void *buf, uint64_t len,
                         bool is_write, uint64_t access);
/* The same without a reference: valid inside the caller's rcu_read_lock only.
 * The fast path of the virtqueues. */
void *address_space_ram_ptr(AddressSpace *as, hwaddr addr, uint64_t len,
                            bool is_write);
/* Mark guest RAM dirty after writing through a pointer. */
void memory_mark_dirty(const void *host, uint64_t len);

uint8_t  ldub_phys(AddressSpace *as, hwaddr addr);
uint16_t lduw_le_phys(AddressSpace *as, hwaddr addr);
uint32_t ldl_le_phys(AddressSpace *as, hwaddr addr);
uint64_t ldq_le_phys(AddressSpace *as, hwaddr addr);
void stb_phys(AddressSpace *as, hwaddr addr, uint8_t val);
void stw_le_phys(AddressSpace *as, hwaddr addr, uint16_t val);
void stl_le_phys(AddressSpace *as, hwaddr addr, uint32_t val);
void stq_le_phys(AddressSpace *as, hwaddr addr, uint64_t val);

/* Port I/O of a vCPU exit: @count items of @size bytes at @data. */
void address_space_io_exit(uint16_t port, void *data, unsigned int size,
                           uint32_t count, bool is_write);

/* ---- Listeners ---- */

struct MemoryListener {
    const char *name;
    int priority;                       /* adds ascend, deletes descend */
    void (*begin)(MemoryListener *l);
    void (*commit)(MemoryListener *l);
    void (*region_add)(MemoryListener *l, MemoryRegionSection *s);
    void (*region_del)(MemoryListener *l, MemoryRegionSection *s);
    void (*log_start)(MemoryListener *l, MemoryRegionSection *s);
    void (*log_stop)(MemoryListener *l, MemoryRegionSection *s);
    void (*log_sync)(MemoryListener *l, MemoryRegionSection *s);
    void (*eventfd_add)(MemoryListener *l, MemoryRegionSection *s,
                        bool match_data, uint64_t data, EventNotifier *e);
    void (*eventfd_del)(MemoryListener *l, MemoryRegionSection *s,
                        bool match_data, uint64_t data, EventNotifier *e);
    AddressSpace *as;
    TAILQ_ENTRY(MemoryListener) link;
};
void memory_listener_register(MemoryListener *l, AddressSpace *as);
void memory_listener_unregister(MemoryListener *l);

/* ---- RAM blocks and the dirty log ---- */

int ram_block_foreach(int (*fn)(RamBlock *rb, void *opaque), void *opaque);
RamBlock *ram_block_from_host(const void *host, uint64_t *offset);
void memory_global_dirty_log_start(void);
void memory_global_dirty_log_stop(void);
void memory_global_dirty_log_sync(void);

#endif
