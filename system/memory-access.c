/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to what an address space shows: copies from and to RAM, direct
 * pointers, and calls of the devices' callbacks.
 *
 * Locks: the view is looked up in an RCU read section. When the target is a
 * device that wants the big lock, the section is left, the lock taken, and
 * the look-up done again, so that nobody waits for the lock inside a section;
 * with the lock held the map cannot change. The device is referenced during
 * the call since its callback may let the lock go for a while.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "qom/object.h"
#include "util/bql.h"
#include "util/log.h"
#include "trace/trace-system.h"

#define MMIO_MAX_BYTES 8

/* ---- One call of a device ---- */

/* The accesses that are under way in this thread, innermost first. */
typedef struct ActiveAccess {
    const void *key;                    /* owner, or region without one */
    const struct ActiveAccess *outer;
} ActiveAccess;

static __thread const ActiveAccess *active_accesses;

static const void *memory_region_guard_key(const MemoryRegion *mr)
{
    return mr->owner ? (const void *)mr->owner : mr;
}

static bool memory_region_is_active(const MemoryRegion *mr)
{
    const void *key = memory_region_guard_key(mr);
    const ActiveAccess *a;

    for (a = active_accesses; a; a = a->outer) {
        if (a->key == key) {
            return true;
        }
    }
    return false;
}

static uint64_t bytes_mask(unsigned int size)
{
    return size >= 8 ? UINT64_MAX : (1ULL << (8 * size)) - 1;
}

static bool memory_region_accepts(MemoryRegion *mr, hwaddr offset,
                                  unsigned int size, bool is_write)
{
    const MemoryRegionOps *ops = mr->ops;

    if (ops == NULL || size < ops->valid.min_access_size) {
        return false;
    }
    if (!ops->valid.unaligned && (offset & (size - 1))) {
        return false;
    }
    return ops->valid.accepts == NULL ||
           ops->valid.accepts(mr->opaque, offset, size, is_write);
}

/*
 * How the device gets an access of @size at @offset: in pieces of *@step
 * bytes, each made *@width bytes wide.
 */
static void memory_region_impl(const MemoryRegion *mr, hwaddr offset,
                               unsigned int size, unsigned int *step,
                               unsigned int *width)
{
    const MemoryRegionOps *ops = mr->ops;
    unsigned int max = ops->impl.max_access_size ? : 4;

    *step = MIN(size, max);
    if (!ops->impl.unaligned && (offset & (*step - 1))) {
        *step = 1;
    }
    *width = MAX(*step, ops->impl.min_access_size);
}

static uint64_t mmio_read_piece(MemoryRegion *mr, hwaddr offset,
                                unsigned int step, unsigned int width)
{
    hwaddr base = step < width ? ROUND_DOWN(offset, width) : offset;

    if (mr->ops->read == NULL || !range_fits(base, width, mr->size)) {
        return bytes_mask(step);
    }
    return (mr->ops->read(mr->opaque, base, width) >> (8 * (offset - base))) &
           bytes_mask(step);
}

static void mmio_write_piece(MemoryRegion *mr, hwaddr offset, uint64_t data,
                             unsigned int step, unsigned int width)
{
    hwaddr base = step < width ? ROUND_DOWN(offset, width) : offset;

    if (mr->ops->write == NULL || !range_fits(base, width, mr->size)) {
        return;
    }
    mr->ops->write(mr->opaque, base,
                   (data & bytes_mask(step)) << (8 * (offset - base)), width);
}

static uint64_t mmio_read(MemoryRegion *mr, hwaddr offset, unsigned int size)
{
    unsigned int step, width, i;
    uint64_t val = 0;

    memory_region_impl(mr, offset, size, &step, &width);
    for (i = 0; i < size; i += step) {
        val |= mmio_read_piece(mr, offset + i, step, width) << (8 * i);
    }
    return val;
}

static void mmio_write(MemoryRegion *mr, hwaddr offset, uint64_t data,
                       unsigned int size)
{
    unsigned int step, width, i;

    if (mr->ioeventfds &&
        memory_region_dispatch_ioeventfd(mr, offset, data, size)) {
        return;
    }
    memory_region_impl(mr, offset, size, &step, &width);
    for (i = 0; i < size; i += step) {
        mmio_write_piece(mr, offset + i, data >> (8 * i), step, width);
    }
}

/* @size is 1, 2, 4 or 8; @offset + @size is inside the region. */
static MemTxResult memory_region_dispatch(MemoryRegion *mr, hwaddr offset,
                                          uint64_t *data, unsigned int size,
                                          bool is_write)
{
    ActiveAccess self = {
        .key = memory_region_guard_key(mr), .outer = active_accesses,
    };
    /* outside the big lock the read section keeps it */
    Object *owner = mr->lockless ? NULL : mr->owner;

    if (!memory_region_accepts(mr, offset, size, is_write)) {
        return MEMTX_ERROR;
    }
    if (unlikely(active_accesses && memory_region_is_active(mr))) {
        guest_error(mr->name, "re-entrant access at 0x%" PRIx64 " refused",
                    offset);
        return MEMTX_ACCESS_ERROR;
    }
    if (owner) {
        object_ref(owner);
    }
    active_accesses = &self;
    if (is_write) {
        trace_memory_region_write(mr->name, offset, size, *data);
        mmio_write(mr, offset, *data, size);
    } else {
        *data = mmio_read(mr, offset, size);
        trace_memory_region_read(mr->name, offset, size, *data);
    }
    active_accesses = self.outer;
    object_unref(owner);
    return MEMTX_OK;
}

/* ---- Accesses of any length ---- */

/* The largest piece of @len bytes at @offset that @mr may take. */
static unsigned int mmio_piece_size(const MemoryRegion *mr, hwaddr offset,
                                    uint64_t len)
{
    unsigned int max = mr->ops && mr->ops->valid.max_access_size ?
                       mr->ops->valid.max_access_size : 4;
    bool unaligned = mr->ops && mr->ops->valid.unaligned;

    while (max > len || (!unaligned && (offset & (max - 1)))) {
        max >>= 1;
    }
    return max;
}

/* One piece at @addr; returns its size. */
static unsigned int mmio_access(const FlatRange *fr, hwaddr addr, uint8_t *buf,
                                uint64_t len, bool is_write, MemTxResult *res)
{
    hwaddr offset = addr - fr->first + fr->offset;
    unsigned int size = mmio_piece_size(fr->mr, offset, len);
    uint64_t data = UINT64_MAX;
    MemTxResult r;

    if (is_write) {
        data = 0;
        memcpy(&data, buf, size);
    }
    if (fr->mr->ram || (is_write && fr->readonly)) {
        r = MEMTX_ACCESS_ERROR;         /* a write to ROM */
    } else {
        r = memory_region_dispatch(fr->mr, offset, &data, size, is_write);
    }
    if (!is_write) {
        memcpy(buf, &data, size);
    }
    *res |= r;
    return size;
}

static void ram_mark_dirty(const FlatRange *fr, const uint8_t *host,
                           uint64_t len)
{
    RamBlock *rb = fr->mr->ram_block;

    if (unlikely(memory_global_dirty_log_is_on())) {
        ram_block_set_dirty(rb, host - rb->host, len);
    }
}

/* Small aligned copies are single loads and stores: the other side may look. */
static void ram_copy(void *to, const void *from, uint64_t len)
{
    switch (len) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    default:
        memcpy(to, from, len);
        break;
    }
}

static bool flat_range_is_direct(const FlatRange *fr, bool is_write)
{
    return fr->host != NULL && !(is_write && fr->readonly);
}

static void ram_access(const FlatRange *fr, hwaddr addr, uint8_t *buf,
                       uint64_t len, bool is_write)
{
    uint8_t *host = fr->host + (addr - fr->first);

    if (is_write) {
        ram_copy(host, buf, len);
        ram_mark_dirty(fr, host, len);
    } else {
        ram_copy(buf, host, len);
    }
}

/* Bytes at @addr up to the end of @fr or of @len, whichever is first. */
static uint64_t flat_range_clip(const FlatRange *fr, hwaddr addr, uint64_t len)
{
    uint64_t left = fr->last - addr;            /* one less than the bytes */

    return len - 1 <= left ? len : left + 1;
}

/* Bytes of a hole at @addr. */
static uint64_t flatview_hole(const FlatView *view, hwaddr addr, uint64_t len)
{
    const FlatRange *next = flatview_search(view, addr);

    return next ? MIN(len, next->first - addr) : len;
}

static uint64_t hole_access(const FlatView *view, hwaddr addr, uint8_t *buf,
                            uint64_t len, bool is_write, MemTxResult *res)
{
    uint64_t n = flatview_hole(view, addr, len);

    if (!is_write) {
        memset(buf, 0xff, n);
    }
    *res |= MEMTX_DECODE_ERROR;
    return n;
}

/*
 * Do what can be done inside a read section. Returns the bytes done; 0 when
 * *@mmio is to be accessed with the big lock held.
 */
static uint64_t access_unlocked(AddressSpace *as, hwaddr addr, uint8_t *buf,
                                uint64_t len, bool is_write,
                                MemTxResult *res, const FlatRange **mmio)
{
    FlatView *view;
    const FlatRange *fr;
    uint64_t n;

    RCU_READ_GUARD();
    view = rcu_dereference(as->view);
    fr = flatview_lookup(view, addr);
    if (unlikely(fr == NULL)) {
        return hole_access(view, addr, buf, len, is_write, res);
    }
    n = flat_range_clip(fr, addr, len);
    if (likely(flat_range_is_direct(fr, is_write))) {
        ram_access(fr, addr, buf, n, is_write);
        return n;
    }
    if (fr->mr->ram || fr->mr->lockless) {
        return mmio_access(fr, addr, buf, n, is_write, res);
    }
    *mmio = fr;
    return 0;
}

MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                             void *buf, uint64_t len, bool is_write)
{
    const FlatRange *fr = NULL;
    MemTxResult res = MEMTX_OK;
    uint8_t *p = buf;
    bool locked = false;

    while (len > 0) {
        uint64_t n = access_unlocked(as, addr, p, len, is_write, &res, &fr);

        if (n == 0 && !bql_locked()) {
            bql_lock();                 /* @fr may be gone: look again */
            locked = true;
            continue;
        }
        if (n == 0) {
            n = mmio_access(fr, addr, p, flat_range_clip(fr, addr, len),
                            is_write, &res);
        }
        addr += n;
        p += n;
        len -= n;
    }
    if (locked) {
        bql_unlock();
    }
    return res;
}

MemTxResult address_space_read(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                               void *buf, uint64_t len)
{
    return address_space_rw(as, addr, attrs, buf, len, false);
}

MemTxResult address_space_write(AddressSpace *as, hwaddr addr,
                                MemTxAttrs attrs, const void *buf,
                                uint64_t len)
{
    return address_space_rw(as, addr, attrs, (void *)buf, len, true);
}

MemTxResult address_space_rw_ram(AddressSpace *as, hwaddr addr, void *buf,
                                 uint64_t len, bool is_write)
{
    uint8_t *p = buf;

    RCU_READ_GUARD();
    while (len > 0) {
        FlatView *view = rcu_dereference(as->view);
        const FlatRange *fr = flatview_lookup(view, addr);
        uint64_t n;

        if (fr == NULL || !flat_range_is_direct(fr, is_write)) {
            if (!is_write) {
                memset(p, 0xff, len);
            }
            return fr ? MEMTX_ACCESS_ERROR : MEMTX_DECODE_ERROR;
        }
        n = flat_range_clip(fr, addr, len);
        ram_access(fr, addr, p, n, is_write);
        addr += n;
        p += n;
        len -= n;
    }
    return MEMTX_OK;
}

/* ---- Direct pointers ---- */

void *address_space_map(AddressSpace *as, hwaddr addr, uint64_t *len,
                        bool is_write, MemTxAttrs attrs)
{
    const FlatRange *fr;

    RCU_READ_GUARD();
    fr = flatview_lookup(rcu_dereference(as->view), addr);
    if (*len == 0 || fr == NULL || !flat_range_is_direct(fr, is_write)) {
        return NULL;
    }
    if (fr->mr->owner) {
        object_ref(fr->mr->owner);
    }
    *len = flat_range_clip(fr, addr, *len);
    return fr->host + (addr - fr->first);
}

void address_space_unmap(AddressSpace *as, void *buf, uint64_t len,
                         bool is_write, uint64_t access)
{
    RamBlock *rb;
    uint64_t offset;
    Object *owner;

    rcu_read_lock();
    rb = ram_block_from_host(buf, &offset);
    g_assert(rb);
    if (is_write && access > 0 && memory_global_dirty_log_is_on()) {
        ram_block_set_dirty(rb, offset, MIN(access, len));
    }
    owner = rb->mr->owner;
    rcu_read_unlock();
    memory_owner_unref(owner);
}

void *address_space_ram_ptr(AddressSpace *as, hwaddr addr, uint64_t len,
                            bool is_write)
{
    const FlatRange *fr = flatview_lookup(rcu_dereference(as->view), addr);

    if (unlikely(fr == NULL || !flat_range_is_direct(fr, is_write) ||
                 (len > 0 && fr->last - addr < len - 1))) {
        return NULL;
    }
    return fr->host + (addr - fr->first);
}

void memory_mark_dirty(const void *host, uint64_t len)
{
    RamBlock *rb;
    uint64_t offset;

    if (likely(!memory_global_dirty_log_is_on())) {
        return;
    }
    rcu_read_lock();
    rb = ram_block_from_host(host, &offset);
    if (rb) {
        ram_block_set_dirty(rb, offset, len);
    }
    rcu_read_unlock();
}

/* ---- Sections ---- */

MemoryRegionSection memory_region_find(AddressSpace *as, hwaddr addr,
                                       uint64_t size)
{
    MemoryRegionSection s = { .as = as };
    const FlatRange *fr;
    hwaddr skip;

    RCU_READ_GUARD();
    fr = flatview_search(rcu_dereference(as->view), addr);
    if (fr == NULL || size == 0 ||
        (fr->first > addr && fr->first - addr > size - 1)) {
        return s;
    }
    s = section_from_range(as, fr);
    if (fr->first < addr) {
        skip = addr - fr->first;
        s.offset_in_as += skip;
        s.offset_in_region += skip;
        s.size = flat_range_clip(fr, addr, UINT64_MAX);
    } else {
        size -= fr->first - addr;
    }
    s.size = MIN(s.size, size);
    if (s.mr->owner) {
        object_ref(s.mr->owner);
    }
    return s;
}

void memory_region_section_unref(MemoryRegionSection *s)
{
    if (s->mr) {
        memory_owner_unref(s->mr->owner);
        s->mr = NULL;
    }
}
