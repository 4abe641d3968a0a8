/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to what an address space shows: copies from and to RAM, direct
 * pointers, and the way to the devices.
 *
 * Locks: the view is looked up in an RCU read section. When the target is a
 * device that wants the big lock, the section is left, the lock taken, and
 * the look-up done again, so that nobody waits for the lock inside a section;
 * with the lock held the map cannot change.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "qom/object.h"
#include "util/bql.h"

/* ---- Copies ---- */

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

/*
 * Bytes at @addr that the device of @fr answers: up to the end of its region,
 * even where another one lies over it. An access belongs to whom it starts at:
 * on a PC, 4 bytes at port 0xcf8 are the PCI bridge's, 1 at 0xcf9 the reset
 * register's.
 */
static uint64_t mmio_clip(const FlatRange *fr, hwaddr addr, uint64_t len)
{
    uint64_t left = fr->mr->size - 1 - (addr - fr->first + fr->offset);

    if (fr->mr->ram) {
        return flat_range_clip(fr, addr, len);
    }
    return len - 1 <= left ? len : left + 1;
}

/* Bytes of a hole at @addr. */
static uint64_t flatview_hole(const FlatView *view, hwaddr addr, uint64_t len)
{
    const FlatRange *next = flatview_search(view, addr);

    return next ? MIN(len, next->first - addr) : len;
}

static uint64_t hole_access(const FlatView *view, MemAccess *a)
{
    uint64_t n = flatview_hole(view, a->addr, a->len);

    if (!a->is_write) {
        memset(a->buf, 0xff, n);
    }
    a->result |= MEMTX_DECODE_ERROR;
    return n;
}

/*
 * Do what needs no big lock. Returns the bytes done; 0 when *@mmio is to be
 * accessed with the big lock held.
 */
static uint64_t access_unlocked(AddressSpace *as, MemAccess *a,
                                const FlatRange **mmio)
{
    FlatView *view;
    const FlatRange *fr;
    uint64_t n;

    MEMORY_MAP_GUARD();
    view = rcu_dereference(as->view);
    fr = flatview_lookup(view, a->addr);
    if (unlikely(fr == NULL)) {
        return hole_access(view, a);
    }
    n = flat_range_clip(fr, a->addr, a->len);
    if (likely(flat_range_is_direct(fr, a->is_write))) {
        ram_access(fr, a->addr, a->buf, n, a->is_write);
        return n;
    }
    if (fr->mr->ram || fr->mr->lockless) {
        return memory_region_access(fr, a, mmio_clip(fr, a->addr, a->len));
    }
    *mmio = fr;
    return 0;
}

MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, MemTxAttrs attrs,
                             void *buf, uint64_t len, bool is_write)
{
    MemAccess a = {
        .addr = addr, .buf = buf, .len = len, .is_write = is_write,
    };
    const FlatRange *fr = NULL;
    bool locked = false;

    while (a.len > 0) {
        uint64_t n = access_unlocked(as, &a, &fr);

        if (n == 0 && !bql_locked()) {
            bql_lock();                 /* @fr may be gone: look again */
            locked = true;
            continue;
        }
        if (n == 0) {
            n = memory_region_access(fr, &a,
                                     mmio_clip(fr, a.addr, a.len));
        }
        a.addr += n;
        a.buf += n;
        a.len -= n;
    }
    if (locked) {
        bql_unlock();
    }
    return a.result;
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

    MEMORY_MAP_GUARD();
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

    MEMORY_MAP_GUARD();
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

    MEMORY_MAP_GUARD();
    rb = ram_block_from_host(buf, &offset);
    g_assert(rb);
    if (is_write && access > 0 && memory_global_dirty_log_is_on()) {
        ram_block_set_dirty(rb, offset, MIN(access, len));
    }
    memory_owner_unref(rb->mr->owner);
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

    MEMORY_MAP_GUARD();
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
