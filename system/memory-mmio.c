/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of the devices' callbacks: an access is cut into pieces that the
 * region takes, checked, guarded against re-entrance and carried out.
 *
 * The guard is a chain of the accesses under way in this thread: an access to
 * an owner that is in the chain is refused. Unlike a flag in the device it
 * needs no lock, and holds when a callback lets the big lock go.
 */
#include "util/osdep.h"
#include "system/memory-internal.h"
#include "qom/object.h"
#include "util/log.h"
#include "trace/trace-system.h"

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

unsigned int memory_region_access(const FlatRange *fr, MemAccess *a,
                                  uint64_t len)
{
    hwaddr offset = a->addr - fr->first + fr->offset;
    unsigned int size = mmio_piece_size(fr->mr, offset, len);
    uint64_t data = UINT64_MAX;

    if (a->is_write) {
        data = 0;
        memcpy(&data, a->buf, size);
    }
    if (fr->mr->ram ||
        (a->is_write && fr->readonly && !fr->mr->rom_device)) {
        a->result |= MEMTX_ACCESS_ERROR;        /* a write to ROM */
    } else {
        a->result |= memory_region_dispatch(fr->mr, offset, &data, size,
                                            a->is_write);
    }
    if (!a->is_write) {
        memcpy(a->buf, &data, size);
    }
    return size;
}
