/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues, VIRTIO 1.2, 2.7.
 *
 *   descriptor area  num x { le64 addr; le32 len; le16 flags, next }
 *   driver area      le16 flags, idx, ring[num], used_event
 *   device area      le16 flags, idx, { le32 id, len }[num], le16 avail_event
 *
 * Both ends are little endian, as are all hosts NEMU runs on.
 */
#include "util/osdep.h"
#include "virtio-internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "rings are read in place: hosts are little endian");

static struct vring_avail *split_avail(const VRing *r)
{
    return (struct vring_avail *)r->area[VRING_DRIVER];
}

static struct vring_used *split_used(const VRing *r)
{
    return (struct vring_used *)r->area[VRING_DEVICE];
}

static uint16_t *split_used_event(const VirtQueue *vq, const VRing *r)
{
    return &split_avail(r)->ring[vq->num];
}

static uint16_t *split_avail_event(const VirtQueue *vq, const VRing *r)
{
    return (uint16_t *)&split_used(r)->ring[vq->num];
}

static void split_area_sizes(uint16_t num, bool event_idx, uint64_t len[3])
{
    uint64_t event = event_idx ? sizeof(uint16_t) : 0;

    len[VRING_DESC] = (uint64_t)num * sizeof(struct vring_desc);
    len[VRING_DRIVER] = sizeof(struct vring_avail) +
                        num * sizeof(uint16_t) + event;
    len[VRING_DEVICE] = sizeof(struct vring_used) +
                        num * sizeof(struct vring_used_elem) + event;
}

/* Acquire: the entries and descriptors behind the index are read after. */
static uint16_t split_load_avail(VirtQueue *vq, const VRing *r)
{
    vq->shadow_avail = __atomic_load_n(&split_avail(r)->idx, __ATOMIC_ACQUIRE);
    return vq->shadow_avail;
}

static bool split_is_empty(VirtQueue *vq, const VRing *r)
{
    return vq->shadow_avail == vq->last_avail &&
           split_load_avail(vq, r) == vq->last_avail;
}

/* Follow @next through a table of @max descriptors; total bounds loops. */
static int split_walk(VirtQueue *vq, VirtChain *c, const struct vring_desc *table,
                      uint32_t max, uint32_t i, bool indirect_ok)
{
    for (;;) {
        struct vring_desc d;

        if (i >= max) {
            virtio_error(vq->vdev, "queue %u: descriptor %u is out of range",
                         vq->index, i);
            return -1;
        }
        d = *(const volatile struct vring_desc *)&table[i];
        if (d.flags & VRING_DESC_F_INDIRECT) {
            g_autofree void *copy = NULL;
            uint32_t n;

            if (!indirect_ok || (d.flags & VRING_DESC_F_NEXT)) {
                virtio_error(vq->vdev, "queue %u: indirect table inside a "
                             "chain or another table", vq->index);
                return -1;
            }
            n = virtio_chain_indirect(vq, d.addr, d.len, &copy);
            return n ? split_walk(vq, c, copy, n, 0, false) : -1;
        }
        if (!virtio_chain_add(vq, c, d.addr, d.len,
                              d.flags & VRING_DESC_F_WRITE)) {
            return -1;
        }
        if (!(d.flags & VRING_DESC_F_NEXT)) {
            return 1;
        }
        i = d.next;
    }
}

static int split_next_chain(VirtQueue *vq, const VRing *r, VirtChain *c)
{
    uint16_t pending = vq->shadow_avail - vq->last_avail;
    uint16_t head;

    if (pending > vq->num) {
        virtio_error(vq->vdev, "queue %u: available index jumped from %u to %u",
                     vq->index, vq->last_avail, vq->shadow_avail);
        return -1;
    }
    if (!pending && split_is_empty(vq, r)) {
        return 0;
    }
    head = *(volatile uint16_t *)&split_avail(r)->ring[vq->last_avail % vq->num];
    c->index = head;
    c->ndescs = 1;
    return split_walk(vq, c, (struct vring_desc *)r->area[VRING_DESC], vq->num,
                      head, true);
}

static void split_write_avail_event(VirtQueue *vq, const VRing *r)
{
    *(volatile uint16_t *)split_avail_event(vq, r) = vq->last_avail;
    memory_mark_dirty(split_avail_event(vq, r), sizeof(uint16_t));
}

static void split_advance(VirtQueue *vq, const VRing *r, uint32_t ndescs)
{
    vq->last_avail += ndescs;
    if (vq->notification && vq_event_idx(vq)) {
        split_write_avail_event(vq, r);
    }
}

static void split_rewind(VirtQueue *vq, uint32_t ndescs)
{
    vq->last_avail -= ndescs;
}

static void split_write_used(VirtQueue *vq, const VRing *r, uint32_t first,
                             uint32_t n)
{
    struct vring_used *used = split_used(r);
    uint16_t old = vq->used_idx, new_idx = old + n;

    for (uint32_t i = 0; i < n; i++) {
        struct vring_used_elem *e = &used->ring[(uint16_t)(old + i) % vq->num];

        e->id = vq->used[first + i].id;
        e->len = vq->used[first + i].len;
        memory_mark_dirty(e, sizeof(*e));
    }
    __atomic_store_n(&used->idx, new_idx, __ATOMIC_RELEASE);
    memory_mark_dirty(&used->idx, sizeof(used->idx));
    vq->used_idx = new_idx;
    vq->unsignalled = MIN(vq->unsignalled + n, VQ_UNSIGNALLED_UNKNOWN);
}

static bool split_should_notify(VirtQueue *vq, const VRing *r)
{
    uint16_t new_idx = vq->used_idx, old = new_idx - vq->unsignalled;
    bool unknown = vq->unsignalled >= VQ_UNSIGNALLED_UNKNOWN;

    /* The index before the flag or event: VIRTIO 1.2, 2.7.22. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    vq->unsignalled = 0;
    if (!vq_event_idx(vq)) {
        return !(*(volatile uint16_t *)&split_avail(r)->flags &
                 VRING_AVAIL_F_NO_INTERRUPT);
    }
    return unknown ||
           vring_crossed(*(volatile uint16_t *)split_used_event(vq, r), new_idx,
                         old);
}

static void split_set_notification(VirtQueue *vq, const VRing *r, bool enable)
{
    if (vq_event_idx(vq)) {
        if (enable) {
            split_write_avail_event(vq, r);
        }
    } else {
        *(volatile uint16_t *)&split_used(r)->flags =
            enable ? 0 : VRING_USED_F_NO_NOTIFY;
        memory_mark_dirty(&split_used(r)->flags, sizeof(uint16_t));
    }
    if (enable) {
        /* The event before the caller's next look at the index. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

const VRingOps vring_split_ops = {
    .area_sizes = split_area_sizes,
    .is_empty = split_is_empty,
    .next_chain = split_next_chain,
    .advance = split_advance,
    .rewind = split_rewind,
    .write_used = split_write_used,
    .should_notify = split_should_notify,
    .set_notification = split_set_notification,
};
