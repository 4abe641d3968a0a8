/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packed virtqueues, VIRTIO 1.2, 2.8.
 *
 *   descriptor area  num x { le64 addr; le32 len; le16 id, flags }
 *   driver area      le16 off_wrap, flags   (when to interrupt the driver)
 *   device area      le16 off_wrap, flags   (when to kick the device)
 *
 * A descriptor is available while its AVAIL bit equals the driver's wrap
 * counter and its USED bit does not; used when both equal the device's.
 */
#include "util/osdep.h"
#include "virtio-internal.h"

#define PACKED_AVAIL     BIT(VRING_PACKED_DESC_F_AVAIL)
#define PACKED_USED      BIT(VRING_PACKED_DESC_F_USED)
#define PACKED_WRAP_BIT  VRING_PACKED_EVENT_F_WRAP_CTR

static struct vring_packed_desc *packed_ring(const VRing *r)
{
    return (struct vring_packed_desc *)r->area[VRING_DESC];
}

static void packed_area_sizes(uint16_t num, bool event_idx, uint64_t len[3])
{
    len[VRING_DESC] = (uint64_t)num * sizeof(struct vring_packed_desc);
    len[VRING_DRIVER] = sizeof(struct vring_packed_desc_event);
    len[VRING_DEVICE] = sizeof(struct vring_packed_desc_event);
}

static bool packed_is_avail(uint16_t flags, bool wrap)
{
    bool avail = flags & PACKED_AVAIL, used = flags & PACKED_USED;

    return avail != used && avail == wrap;
}

/* Acquire: the rest of the descriptor is read after its flags. */
static bool packed_is_empty(VirtQueue *vq, const VRing *r)
{
    uint16_t flags = __atomic_load_n(&packed_ring(r)[vq->last_avail].flags,
                                     __ATOMIC_ACQUIRE);

    return !packed_is_avail(flags, vq->last_avail_wrap);
}

/* A table has no chain flags: all its entries belong to the buffer. */
static int packed_walk_indirect(VirtQueue *vq, VirtChain *c,
                                const struct vring_packed_desc *d)
{
    g_autofree void *copy = NULL;
    const struct vring_packed_desc *table;
    uint32_t n;

    if (c->ndescs || (d->flags & VRING_DESC_F_NEXT)) {
        virtio_error(vq->vdev, "queue %u: indirect table inside a chain",
                     vq->index);
        return -1;
    }
    n = virtio_chain_indirect(vq, d->addr, d->len, &copy);
    if (!n) {
        return -1;
    }
    table = copy;
    for (uint32_t i = 0; i < n; i++) {
        if (table[i].flags & VRING_DESC_F_INDIRECT) {
            virtio_error(vq->vdev, "queue %u: indirect table inside another",
                         vq->index);
            return -1;
        }
        if (!virtio_chain_add(vq, c, table[i].addr, table[i].len,
                              table[i].flags & VRING_DESC_F_WRITE)) {
            return -1;
        }
    }
    c->index = d->id;
    c->ndescs = 1;
    return 1;
}

static int packed_next_chain(VirtQueue *vq, const VRing *r, VirtChain *c)
{
    uint32_t i = vq->last_avail;

    if (packed_is_empty(vq, r)) {
        return 0;
    }
    for (;;) {
        struct vring_packed_desc d =
            *(const volatile struct vring_packed_desc *)&packed_ring(r)[i];

        if (d.flags & VRING_DESC_F_INDIRECT) {
            return packed_walk_indirect(vq, c, &d);
        }
        if (c->ndescs == vq->num) {
            virtio_error(vq->vdev, "queue %u: chain is longer than the ring",
                         vq->index);
            return -1;
        }
        if (!virtio_chain_add(vq, c, d.addr, d.len,
                              d.flags & VRING_DESC_F_WRITE)) {
            return -1;
        }
        c->ndescs++;
        if (!(d.flags & VRING_DESC_F_NEXT)) {
            c->index = d.id;
            return 1;
        }
        i = i + 1 == vq->num ? 0 : i + 1;
    }
}

/* Move a ring position by @n (at most num) slots. */
static void packed_move(const VirtQueue *vq, uint16_t *pos, bool *wrap,
                        uint32_t n)
{
    uint32_t next = *pos + n;

    if (next >= vq->num) {
        next -= vq->num;
        *wrap = !*wrap;
    }
    *pos = next;
}

static void packed_write_event(VirtQueue *vq, const VRing *r, uint16_t flags)
{
    struct vring_packed_desc_event *e =
        (struct vring_packed_desc_event *)r->area[VRING_DEVICE];

    if (flags == VRING_PACKED_EVENT_FLAG_DESC) {
        *(volatile uint16_t *)&e->off_wrap =
            vq->last_avail | vq->last_avail_wrap << PACKED_WRAP_BIT;
    }
    __atomic_store_n(&e->flags, flags, __ATOMIC_RELEASE);
    memory_mark_dirty(e, sizeof(*e));
}

static void packed_advance(VirtQueue *vq, const VRing *r, uint32_t ndescs)
{
    packed_move(vq, &vq->last_avail, &vq->last_avail_wrap, ndescs);
    if (vq->notification && vq_event_idx(vq)) {
        packed_write_event(vq, r, VRING_PACKED_EVENT_FLAG_DESC);
    }
}

static void packed_rewind(VirtQueue *vq, uint32_t ndescs)
{
    if (vq->last_avail < ndescs) {
        vq->last_avail += vq->num;
        vq->last_avail_wrap = !vq->last_avail_wrap;
    }
    vq->last_avail -= ndescs;
}

static void packed_write_desc(VirtQueue *vq, const VRing *r, uint16_t pos,
                              bool wrap, const VirtQueueUsed *u)
{
    struct vring_packed_desc *d = &packed_ring(r)[pos];

    d->id = u->id;
    d->len = u->len;
    __atomic_store_n(&d->flags, wrap ? PACKED_AVAIL | PACKED_USED : 0,
                     __ATOMIC_RELEASE);
    memory_mark_dirty(d, sizeof(*d));
}

/* The first one last: the driver sees the whole batch or none of it. */
static void packed_write_used(VirtQueue *vq, const VRing *r, uint32_t first,
                              uint32_t n)
{
    uint16_t head = vq->used_idx;
    bool head_wrap = vq->used_wrap;

    for (uint32_t i = 0; i < n; i++) {
        const VirtQueueUsed *u = &vq->used[first + i];

        if (i) {
            packed_write_desc(vq, r, vq->used_idx, vq->used_wrap, u);
        }
        packed_move(vq, &vq->used_idx, &vq->used_wrap, u->ndescs);
        vq->unsignalled = MIN(vq->unsignalled + u->ndescs,
                              VQ_UNSIGNALLED_UNKNOWN);
    }
    packed_write_desc(vq, r, head, head_wrap, &vq->used[first]);
}

static bool packed_should_notify(VirtQueue *vq, const VRing *r)
{
    const volatile struct vring_packed_desc_event *e =
        (struct vring_packed_desc_event *)r->area[VRING_DRIVER];
    uint32_t since = vq->unsignalled;
    uint16_t flags, off_wrap, off;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    vq->unsignalled = 0;
    flags = e->flags;
    if (flags != VRING_PACKED_EVENT_FLAG_DESC) {
        return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    off_wrap = e->off_wrap;
    off = off_wrap & ~BIT(PACKED_WRAP_BIT);
    /* An event in the previous lap lies below zero, as @old may. */
    if (vq->used_wrap != off_wrap >> PACKED_WRAP_BIT) {
        off -= vq->num;
    }
    return since >= vq->num ||
           vring_crossed(off, vq->used_idx, vq->used_idx - since);
}

static void packed_set_notification(VirtQueue *vq, const VRing *r, bool enable)
{
    uint16_t flags = VRING_PACKED_EVENT_FLAG_DISABLE;

    if (enable) {
        flags = vq_event_idx(vq) ? VRING_PACKED_EVENT_FLAG_DESC :
                                   VRING_PACKED_EVENT_FLAG_ENABLE;
    }
    packed_write_event(vq, r, flags);
    if (enable) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

const VRingOps vring_packed_ops = {
    .area_sizes = packed_area_sizes,
    .is_empty = packed_is_empty,
    .next_chain = packed_next_chain,
    .advance = packed_advance,
    .rewind = packed_rewind,
    .write_used = packed_write_used,
    .should_notify = packed_should_notify,
    .set_notification = packed_set_notification,
};
