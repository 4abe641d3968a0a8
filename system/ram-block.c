/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM blocks, the host memory behind RAM regions, and the dirty log.
 *
 * All blocks are in one array, sorted by host address and replaced as a whole
 * under RCU, so that a block is found from a host pointer without a lock.
 * A dirty bitmap lives as long as its block once it was needed; the guest's
 * RAM costs 1/32768 for it.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "util/bitmap.h"
#include "util/mmap-alloc.h"

typedef struct RamList {
    struct rcu_head rcu;
    uint32_t nr;
    RamBlock *blocks[];
} RamList;

static RamList *ram_list;               /* RCU; big lock to change */
bool dirty_log_on;

static size_t ram_block_dirty_bits(const RamBlock *rb)
{
    return DIV_ROUND_UP(rb->used_length, RAM_DIRTY_PAGE);
}

static RamList *ram_list_new(uint32_t nr)
{
    RamList *list = g_malloc0(sizeof(*list) + nr * sizeof(RamBlock *));

    list->nr = nr;
    return list;
}

static void ram_list_publish(RamList *list)
{
    RamList *old = ram_list;

    rcu_assign_pointer(ram_list, list);
    if (old) {
        memory_defer_free(&old->rcu, rcu_free_cb);
    }
}

static void ram_list_add(RamBlock *rb)
{
    uint32_t nr = ram_list ? ram_list->nr : 0, at = 0;
    RamList *list = ram_list_new(nr + 1);

    while (at < nr && ram_list->blocks[at]->host < rb->host) {
        list->blocks[at] = ram_list->blocks[at];
        at++;
    }
    list->blocks[at] = rb;
    for (; at < nr; at++) {
        list->blocks[at + 1] = ram_list->blocks[at];
    }
    ram_list_publish(list);
}

static void ram_list_remove(const RamBlock *rb)
{
    RamList *list = ram_list_new(ram_list->nr - 1);
    uint32_t i, out = 0;

    for (i = 0; i < ram_list->nr; i++) {
        if (ram_list->blocks[i] != rb) {
            list->blocks[out++] = ram_list->blocks[i];
        }
    }
    ram_list_publish(list);
}

/* ---- Life of a block ---- */

static RamBlock *ram_block_new(MemoryRegion *mr, const RamMapping *map)
{
    RamBlock *rb = g_new0(RamBlock, 1);

    g_strlcpy(rb->idstr, mr->name, sizeof(rb->idstr));
    rb->mr = mr;
    rb->host = map->host;
    rb->used_length = map->size;
    rb->page_size = map->page_size;
    rb->fd = map->fd;
    rb->fd_offset = map->fd_offset;
    rb->shared = map->shared;
    rb->readonly = map->readonly;
    if (dirty_log_on) {
        rb->dirty = bitmap_new(ram_block_dirty_bits(rb));
    }
    mr->ram_block = rb;
    ram_list_add(rb);
    return rb;
}

bool ram_block_new_anon(MemoryRegion *mr, uint64_t size, Error **errp)
{
    RamMapping map = {
        .size = size, .page_size = host_page_size(), .fd = -1,
    };

    g_assert(bql_locked());
    if (size == 0) {
        error_setg(errp, "the size is 0");
        return false;
    }
    map.host = ram_alloc_anon(size, 0, 0, errp);
    if (map.host == NULL) {
        return false;
    }
    ram_block_new(mr, &map)->owned = true;
    return true;
}

void ram_block_new_mapping(MemoryRegion *mr, const RamMapping *map)
{
    g_assert(bql_locked());
    ram_block_new(mr, map);
}

static void ram_block_reclaim(struct rcu_head *head)
{
    RamBlock *rb = container_of(head, RamBlock, rcu);

    if (rb->owned) {
        ram_free(rb->host, rb->used_length);
    }
    g_free(rb->dirty);
    g_free(rb);
}

void ram_block_destroy(RamBlock *rb)
{
    g_assert(bql_locked());
    rb->mr->ram_block = NULL;
    ram_list_remove(rb);
    memory_defer_free(&rb->rcu, ram_block_reclaim);
}

/* ---- Look-ups ---- */

/* Visit all blocks in an RCU read section; @fn returns non-zero to stop, which
 * is then the result. Any thread. */
static int ram_block_foreach(int (*fn)(RamBlock *rb, void *opaque),
                             void *opaque)
{
    const RamList *list;
    uint32_t i;
    int ret = 0;

    RCU_READ_GUARD();
    list = rcu_dereference(ram_list);
    for (i = 0; list && i < list->nr && ret == 0; i++) {
        ret = fn(list->blocks[i], opaque);
    }
    return ret;
}

RamBlock *ram_block_from_host(const void *host, uint64_t *offset)
{
    const RamList *list;
    const uint8_t *p = host;
    uint32_t lo = 0, hi;

    MEMORY_MAP_GUARD();
    list = rcu_dereference(ram_list);
    hi = list ? list->nr : 0;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        RamBlock *rb = list->blocks[mid];

        if (p < rb->host) {
            hi = mid;
        } else if ((uint64_t)(p - rb->host) >= rb->used_length) {
            lo = mid + 1;
        } else {
            *offset = p - rb->host;
            return rb;
        }
    }
    return NULL;
}

static int ram_block_add_bytes(RamBlock *rb, void *opaque)
{
    *(uint64_t *)opaque += rb->used_length;
    return 0;
}

uint64_t ram_block_total_bytes(void)
{
    uint64_t total = 0;

    ram_block_foreach(ram_block_add_bytes, &total);
    return total;
}

/* ---- The dirty log ---- */

void ram_block_set_dirty(RamBlock *rb, uint64_t offset, uint64_t len)
{
    unsigned long *map = rcu_dereference(rb->dirty);
    uint64_t first, last;

    if (map == NULL || len == 0 || offset >= rb->used_length) {
        return;
    }
    len = MIN(len, rb->used_length - offset);
    first = offset >> RAM_DIRTY_PAGE_BITS;
    last = (offset + len - 1) >> RAM_DIRTY_PAGE_BITS;
    bitmap_set_atomic(map, first, last - first + 1);
}

static int ram_block_start_log(RamBlock *rb, void *opaque)
{
    size_t bits = ram_block_dirty_bits(rb);
    unsigned long *map;

    if (rb->dirty) {
        bitmap_zero(rb->dirty, bits);
        return 0;
    }
    map = bitmap_try_new(bits);
    if (map == NULL) {
        error_setg(opaque, "no memory for the dirty log of '%s', %zu bytes",
                   rb->idstr, bits / 8);
        return -ENOMEM;
    }
    rcu_assign_pointer(rb->dirty, map);
    return 0;
}

static void (*pick_log_start(MemoryListener *l))(MemoryListener *,
                                                 MemoryRegionSection *)
{
    return l->log_start;
}

static void (*pick_log_stop(MemoryListener *l))(MemoryListener *,
                                                MemoryRegionSection *)
{
    return l->log_stop;
}

static void (*pick_log_sync(MemoryListener *l))(MemoryListener *,
                                                MemoryRegionSection *)
{
    return l->log_sync;
}

bool memory_global_dirty_log_start(Error **errp)
{
    g_assert(bql_locked());
    if (dirty_log_on) {
        return true;
    }
    if (ram_block_foreach(ram_block_start_log, errp) != 0) {
        return false;
    }
    __atomic_store_n(&dirty_log_on, true, __ATOMIC_SEQ_CST);
    memory_listeners_log(pick_log_start);
    return true;
}

void memory_global_dirty_log_stop(void)
{
    g_assert(bql_locked());
    if (!dirty_log_on) {
        return;
    }
    __atomic_store_n(&dirty_log_on, false, __ATOMIC_SEQ_CST);
    memory_listeners_log(pick_log_stop);
}

void memory_global_dirty_log_sync(void)
{
    g_assert(bql_locked());
    if (dirty_log_on) {
        memory_listeners_log(pick_log_sync);
    }
}

bool memory_global_dirty_log_is_on(void)
{
    return __atomic_load_n(&dirty_log_on, __ATOMIC_RELAXED);
}
