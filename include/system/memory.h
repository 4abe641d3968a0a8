/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's physical memory: regions, address spaces and access to them.
 *
 * A MemoryRegion is RAM, ROM, MMIO (or port I/O), a ROM device (both in turn),
 * an alias of a part of another region, or a container that places subregions
 * at offsets; an overlap is decided by priority, then by the later addition. An AddressSpace
 * renders the tree below its root into a FlatView, a sorted array of ranges,
 * published under RCU; listeners (KVM slots, ioeventfds, vhost) hear the
 * differences between two views in one batch.
 *
 *   system memory "memory"    what CPUs and DMA see
 *   system I/O "I/O"          ports, x86 only
 *
 * Life cycle: memory_region_init*(mr, owner, name, size) in instance_init or
 * realize; add to a container; del before the owner's unrealize returns;
 * memory_region_deinit() in instance_finalize. The region lives in its owner's
 * structure, its references are the owner's: a FlatView or a mapping that uses
 * the region keeps the owner, which is finalized in the main loop when the
 * last old view is gone. A region without owner must live for ever.
 *
 * Threading: the tree belongs to the big lock; readers of a FlatView hold
 * rcu_read_lock(). MMIO callbacks run under the big lock unless
 * memory_region_set_lockless() was called; those run inside a read section.
 *
 * Re-entrancy: an access to a region, made by the same thread from within a
 * callback of a region of the same owner, is refused with MEMTX_ACCESS_ERROR.
 */
#ifndef SYSTEM_MEMORY_H
#define SYSTEM_MEMORY_H

#include "util/osdep.h"
#include "util/error.h"
#include "util/event-notifier.h"
#include "util/queue.h"
#include "util/rcu.h"

typedef uint64_t hwaddr;                /* guest physical address */
typedef struct Object Object;
typedef struct MemoryRegion MemoryRegion;
typedef struct AddressSpace AddressSpace;
typedef struct FlatView FlatView;
typedef struct MemoryListener MemoryListener;
typedef struct RamBlock RamBlock;
typedef struct IoeventfdList IoeventfdList;

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
 * 4 or 8 bytes, data little endian. An access wider than valid.max_access_size
 * or unaligned (without valid.unaligned) arrives in pieces that are valid; one
 * that is still outside valid.* is refused (reads give all ones, as on a bus
 * error). Accesses outside impl.* are split or widened by the core: a narrow
 * read takes its bytes out of a wider one; a narrow write reaches the device
 * as a wider one with zeros around; neither crosses the end of the region.
 * A missing read callback reads as all ones, a missing write ignores.
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
    bool enabled, ram, readonly, lockless, nonvolatile;
    bool terminates;                    /* not a pure container */
    bool rom_device;                    /* RAM that @ops answer for */
    bool romd;                          /* its reads are from RAM now */
    const MemoryRegionOps *ops;
    void *opaque;
    MemoryRegion *container;
    MemoryRegion *alias;
    hwaddr alias_offset;
    RamBlock *ram_block;
    TAILQ_HEAD(, MemoryRegion) subregions;  /* the most visible first */
    TAILQ_ENTRY(MemoryRegion) link;
    IoeventfdList *ioeventfds;          /* RCU; NULL: none */
};

/* One piece of host memory that backs a RAM region. Fixed while it exists,
 * except the dirty bitmap. */
struct RamBlock {
    struct rcu_head rcu;
    char idstr[256];                    /* name in the migration stream */
    MemoryRegion *mr;
    uint8_t *host;
    uint64_t used_length;               /* bytes */
    size_t page_size;                   /* bytes, of the backing */
    int fd;                             /* -1: anonymous */
    uint64_t fd_offset;
    bool shared, readonly;
    bool owned;                         /* the mapping is ours to free */
    unsigned long *dirty;               /* a bit a RAM_DIRTY_PAGE, atomic; NULL
                                         * before the first dirty log */
};
#define RAM_DIRTY_PAGE_BITS 12
#define RAM_DIRTY_PAGE      (1u << RAM_DIRTY_PAGE_BITS)    /* bytes */

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
/* Read only for the guest; the host writes it through
 * memory_region_get_ram_ptr. */
bool memory_region_init_rom(MemoryRegion *mr, Object *owner, const char *name,
                            uint64_t size, Error **errp);
/*
 * RAM that a device answers for, as flash memory: while its RAM is shown, reads
 * are direct, as of ROM, and each write goes to @ops; else reads do, too. It
 * starts shown. The device changes RAM by memory_region_get_ram_ptr and
 * memory_mark_dirty. For other purposes (DMA, vhost) it counts as ROM or MMIO.
 */
bool memory_region_init_rom_device(MemoryRegion *mr, Object *owner,
                                   const MemoryRegionOps *ops, void *opaque,
                                   const char *name, uint64_t size,
                                   Error **errp);
/* Whether the RAM of a ROM device is shown. */
void memory_region_rom_device_set_romd(MemoryRegion *mr, bool romd);
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
/* The end of @mr, for the owner's instance_finalize: nothing may use it any
 * more. Takes it out of its container, frees its RAM. A zeroed region is fine. */
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
uint64_t memory_region_size(const MemoryRegion *mr);
bool memory_region_is_ram(const MemoryRegion *mr);
/* Host address of the first byte; aliases of RAM too. NULL: not RAM. */
void *memory_region_get_ram_ptr(const MemoryRegion *mr);
int memory_region_get_fd(const MemoryRegion *mr);      /* -1: none */

/* Changes between begin and commit are published as one view. Nest. */
void memory_region_transaction_begin(void);
void memory_region_transaction_commit(void);

/*
 * A write of @size bytes (0: any) at @addr, of @data if @match_data, signals
 * @e instead of calling the device, in the kernel where that is possible. The
 * notifier of a lockless region must outlive an RCU grace period after del.
 */
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
    uint64_t size;                      /* bytes; UINT64_MAX = 2^64 */
    hwaddr offset_in_as;
    bool direct;                        /* RAM or ROM: host memory */
    bool readonly;
    bool nonvolatile;
} MemoryRegionSection;

/* Find what is first in [@addr, @addr + @size); .mr is NULL when nothing; takes
 * a reference on the owner that memory_region_section_unref gives back. */
MemoryRegionSection memory_region_find(AddressSpace *as, hwaddr addr,
                                       uint64_t size);
void memory_region_section_unref(MemoryRegionSection *s);

/* ---- Address spaces ---- */

struct AddressSpace {
    char *name;
    MemoryRegion *root;
    FlatView *view;                     /* RCU */
    GArray *ioeventfds;                 /* what the listeners were told */
    TAILQ_HEAD(MemoryListenerList, MemoryListener) listeners;  /* priority */
    TAILQ_ENTRY(AddressSpace) link;
};

extern AddressSpace address_space_memory, address_space_io;
MemoryRegion *get_system_memory(void);
MemoryRegion *get_system_io(void);
void memory_map_init(void);             /* once, after main_loop_init() */
/*
 * From now on other threads than the main one may access memory; vm_start()
 * says so. Before, what is replaced is freed at once: building a machine then
 * does not cost the thread that waits for readers.
 */
void memory_map_share(void);

/* @as comes zeroed. The root is the caller's and outlives @as. */
void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name);
void address_space_destroy(AddressSpace *as);

/*
 * Copy to or from guest memory; MMIO is dispatched. Length in bytes. Goes on
 * after an error; bytes that could not be read are all ones.
 * Context: any thread registered with RCU, outside a read section unless the
 * target is known to be RAM or lockless or the big lock is held (else the big
 * lock would be taken inside one).
 */
MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                             void *buf, uint64_t len, bool is_write);
MemTxResult address_space_read(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                               void *buf, uint64_t len);
MemTxResult address_space_write(AddressSpace *as, hwaddr addr,
                                MemTxAttrs attrs, const void *buf,
                                uint64_t len);
/*
 * Direct pointer to guest RAM of up to *@len bytes; *@len is cut to what is
 * contiguous. NULL for MMIO, and for ROM when @is_write. Keeps the owner
 * referenced until unmap; @access bytes are marked dirty on unmap when
 * @is_write. Any thread.
 */
void *address_space_map(AddressSpace *as, hwaddr addr, uint64_t *len,
                        bool is_write, MemTxAttrs attrs);
void address_space_unmap(AddressSpace *as, void *buf, uint64_t len,
                         bool is_write, uint64_t access);
/* The same without a reference: valid inside the caller's rcu_read_lock only.
 * The fast path of the virtqueues. */
void *address_space_ram_ptr(AddressSpace *as, hwaddr addr, uint64_t len,
                            bool is_write);
/* Mark guest RAM dirty after writing through a pointer, in the same read
 * section or mapping. One load when no dirty log is on. */
void memory_mark_dirty(const void *host, uint64_t len);

/* One word, little endian; all ones when there is nothing to read. */
uint8_t ldub_phys(AddressSpace *as, hwaddr addr);
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

/*
 * Hears of the changes of one address space. All callbacks may be NULL and run
 * under the big lock, between begin and commit, deletions before additions.
 * log_* are called for RAM sections only: log_start after region_add while the
 * dirty log is on; log_sync has to call ram_block_set_dirty().
 */
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
    /* .size of the section: bytes of the write, 0 for any */
    void (*eventfd_add)(MemoryListener *l, MemoryRegionSection *s,
                        bool match_data, uint64_t data, EventNotifier *e);
    void (*eventfd_del)(MemoryListener *l, MemoryRegionSection *s,
                        bool match_data, uint64_t data, EventNotifier *e);
    AddressSpace *as;
    TAILQ_ENTRY(MemoryListener) link;
};
/* Registration tells @l all there is now; unregistration takes it back. */
void memory_listener_register(MemoryListener *l, AddressSpace *as);
void memory_listener_unregister(MemoryListener *l);

/* ---- RAM blocks and the dirty log ---- */

/* The block that contains @host, and where; NULL when none does. The caller is
 * in a read section or holds a mapping. */
RamBlock *ram_block_from_host(const void *host, uint64_t *offset);
/* Bytes of RAM that the guest has, all blocks. */
uint64_t ram_block_total_bytes(void);

/*
 * The dirty log: while it is on, each write to RAM by a device or the guest
 * sets a bit; the guest's arrive at a sync. Start clears all bits. Readers use
 * the atomic functions of util/bitmap.h on rb->dirty. Big lock.
 */
bool memory_global_dirty_log_start(Error **errp);
void memory_global_dirty_log_stop(void);
void memory_global_dirty_log_sync(void);
bool memory_global_dirty_log_is_on(void);       /* any thread */
/* Any thread; the range is cut to the block. */
void ram_block_set_dirty(RamBlock *rb, uint64_t offset, uint64_t len);

#endif
