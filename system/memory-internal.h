/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the memory map share: the flat form of an address space
 * and the hooks between tree, renderer, listeners and RAM blocks.
 *
 * Addresses are kept as first and last byte, both included, so that a range
 * that ends at 2^64 needs no wider type.
 */
#ifndef SYSTEM_MEMORY_INTERNAL_H
#define SYSTEM_MEMORY_INTERNAL_H

#include "system/memory.h"
#include "util/bql.h"

typedef struct FlatRange {
    hwaddr first, last;                 /* in the address space */
    hwaddr offset;                      /* of @first in @mr */
    uint8_t *host;                      /* of @first; NULL: not RAM */
    MemoryRegion *mr;
    Object *owner;                      /* of @mr, referenced by the view */
    bool readonly;                      /* no direct writes */
    bool nonvolatile;
} FlatRange;

/*
 * Ranges sorted by address, disjoint; each keeps a reference of its region's
 * owner. Several address spaces that show the same tree share one view.
 */
struct FlatView {
    struct rcu_head rcu;
    FlatView *next_retired;
    uint32_t ref;                       /* address spaces; big lock */
    uint32_t nr;
    uint32_t hint;                      /* the RAM hit last; relaxed */
    FlatRange ranges[];
};

/* A doorbell; @addr is relative to the region or to the address space,
 * whichever list it is in. */
typedef struct Ioeventfd {
    hwaddr addr;
    uint32_t size;                      /* bytes; 0: any */
    bool match_data;
    uint64_t data;
    EventNotifier *e;
    MemoryRegion *mr;
    hwaddr offset_in_region;
} Ioeventfd;

/* A region's, sorted; replaced as a whole. */
struct IoeventfdList {
    struct rcu_head rcu;
    uint32_t nr;
    Ioeventfd fds[];
};

/*
 * Hold the map still: by the big lock if the caller has it, which keeps
 * changes away, else by a read section, which costs two memory barriers.
 */
static inline bool memory_map_hold(void)
{
    bool section = !bql_locked();

    if (section) {
        rcu_read_lock();
    }
    return section;
}

static inline void memory_map_release(const bool *section)
{
    if (*section) {
        rcu_read_unlock();
    }
}

/* Until the end of the block. */
#define MEMORY_MAP_GUARD()                                                     \
    bool memory_map_guard_                                                     \
        __attribute__((cleanup(memory_map_release), unused)) =                 \
            memory_map_hold()

extern bool memory_map_shared;

/* Free what readers may still look at. Big lock. */
static inline void memory_defer_free(struct rcu_head *head,
                                     void (*fn)(struct rcu_head *))
{
    if (memory_map_shared) {
        call_rcu(head, fn);
    } else {
        fn(head);
    }
}

/* ---- memory-flatview.c ---- */

/* The region whose tree decides what an address space rooted at @mr shows:
 * @mr, or what it shows as a whole. NULL: nothing. */
MemoryRegion *flatview_root(MemoryRegion *mr);
/* Render the tree below @root (may be NULL); one reference. */
FlatView *flatview_render(MemoryRegion *root);
bool flatview_equal(const FlatView *a, const FlatView *b);
bool flat_range_equal(const FlatRange *a, const FlatRange *b);
FlatView *flatview_ref(FlatView *view);
/* The last reference frees it after the current readers, in the main loop. */
void flatview_unref(FlatView *view);
/* Free a view that nobody else has seen. Big lock. */
void flatview_discard(FlatView *view);
/* Make the bottom half that frees views. */
void flatview_init_reclaim(void);

/* The first range whose last byte is not below @addr, or NULL. */
const FlatRange *flatview_search(const FlatView *view, hwaddr addr);

/*
 * The range that contains @addr, or NULL. The one-entry cache serves RAM only,
 * the data path's; registers would spoil it and bounce its cache line.
 */
static inline const FlatRange *flatview_lookup(FlatView *view, hwaddr addr)
{
    uint32_t i = __atomic_load_n(&view->hint, __ATOMIC_RELAXED);
    const FlatRange *fr;

    if (likely(i < view->nr)) {
        fr = &view->ranges[i];
        if (likely(addr - fr->first <= fr->last - fr->first)) {
            return fr;
        }
    }
    fr = flatview_search(view, addr);
    if (fr == NULL || fr->first > addr) {
        return NULL;
    }
    if (fr->host) {
        __atomic_store_n(&view->hint, fr - view->ranges, __ATOMIC_RELAXED);
    }
    return fr;
}

/* Size of a range in bytes, UINT64_MAX for 2^64. */
static inline uint64_t flat_range_size(const FlatRange *fr)
{
    uint64_t n = fr->last - fr->first;

    return n == UINT64_MAX ? n : n + 1;
}

/* Owner references from any thread. Without the big lock the last one is
 * given back by the main loop. */
void memory_owner_unref(Object *owner);

/* ---- memory-listener.c ---- */

extern TAILQ_HEAD(AddressSpaceList, AddressSpace) address_spaces;

MemoryRegionSection section_from_range(AddressSpace *as, const FlatRange *fr);
/* Publish @view as what @as shows, and tell the listeners the differences. */
void address_space_set_view(AddressSpace *as, FlatView *view);
void address_space_listeners_begin(AddressSpace *as);
void address_space_listeners_commit(AddressSpace *as);

/* Call what @pick gives of each listener for each of its RAM sections. */
typedef void (*MemoryListenerLogFn(MemoryListener *l))(MemoryListener *,
                                                       MemoryRegionSection *);
void memory_listeners_log(MemoryListenerLogFn *pick);

/* ---- memory-mmio.c ---- */

/* How far an access of any length has come. */
typedef struct MemAccess {
    hwaddr addr;                        /* of the rest */
    uint8_t *buf;
    uint64_t len;                       /* bytes left */
    bool is_write;
    MemTxResult result;
} MemAccess;

/*
 * One piece of at most @len bytes at a->addr, which @fr contains: the device's
 * callback, or the error of a write to ROM. Returns its size, in bytes; does
 * not move @a on.
 */
unsigned int memory_region_access(const FlatRange *fr, MemAccess *a,
                                  uint64_t len);

/* ---- memory-access.c ---- */

/* As address_space_rw, but stops at the first byte that is not RAM. */
MemTxResult address_space_rw_ram(AddressSpace *as, hwaddr addr, void *buf,
                                 uint64_t len, bool is_write);

/* ---- memory-ioeventfd.c ---- */

/* Compare with what the listeners know and tell them the differences. */
void address_space_update_ioeventfds(AddressSpace *as);
/* Tell @l alone about all of them. */
void address_space_tell_ioeventfds(AddressSpace *as, MemoryListener *l,
                                   bool add);
/* Take what is there as known, before the first listener is told. */
void address_space_reload_ioeventfds(AddressSpace *as);
/* Signal the notifier that a write matches; false: none. */
bool memory_region_dispatch_ioeventfd(MemoryRegion *mr, hwaddr offset,
                                      uint64_t data, unsigned int size);
void memory_region_free_ioeventfds(MemoryRegion *mr);

/* ---- memory.c ---- */

/* The next commit looks at the ioeventfds. */
void memory_transaction_mark_ioeventfds(void);

/* ---- ram-block.c ---- */

bool ram_block_new_anon(MemoryRegion *mr, uint64_t size, Error **errp);
void ram_block_new_mapping(MemoryRegion *mr, const RamMapping *map);
void ram_block_destroy(RamBlock *rb);

/* Big lock to read it so. */
extern bool dirty_log_on;

#endif
