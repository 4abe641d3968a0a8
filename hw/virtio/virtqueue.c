/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtqueues, VIRTIO 1.2, 2.6: taking chains, giving them back, and the
 * mapping of the rings. What differs between split and packed rings stands in
 * virtqueue-split.c and virtqueue-packed.c.
 *
 * Each descriptor is copied once, checked, and its buffer mapped: what the
 * guest writes to the ring afterwards changes nothing.
 */
#include "util/osdep.h"
#include "virtio-internal.h"
#include "system/dma.h"
#include "util/main-loop.h"

void virtqueue_init_state(VirtQueue *vq)
{
    vq->last_avail = vq->used_idx = vq->shadow_avail = 0;
    vq->last_avail_wrap = vq->used_wrap = true;
    vq->unsignalled = VQ_UNSIGNALLED_UNKNOWN;
    vq->notification = true;
    vq->inuse = 0;
    vq->inorder_head = vq->inorder_count = 0;
}

/* ---- The rings in memory ---- */

static void vring_free(void *opaque)
{
    VRing *r = opaque;

    for (int i = 0; i < 3; i++) {
        if (r->area[i]) {
            dma_unmap(r->as, r->area[i], r->len[i], i != VRING_DRIVER, 0);
        }
    }
    g_free(r);
}

/* Regions belong to the big lock, RCU callbacks do not have it. */
static void vring_free_rcu(struct rcu_head *head)
{
    VRing *r = container_of(head, VRing, rcu);

    aio_bh_schedule_oneshot(main_context(), vring_free, r);
}

static VRing *vring_map(VirtQueue *vq)
{
    static const uint8_t align[2][3] = { { 16, 2, 4 }, { 16, 4, 4 } };
    static const char *const what[3] = { "descriptor", "driver", "device" };
    VirtIODevice *vdev = vq->vdev;
    bool packed = vq->ops == &vring_packed_ops;
    VRing *r = g_new0(VRing, 1);

    r->as = vdev->dma_as;
    vq->ops->area_sizes(vq->num, vq_event_idx(vq), r->len);
    for (int i = 0; i < 3; i++) {
        uint64_t want = r->len[i];

        if (!IS_ALIGNED(vq->addr[i], align[packed][i])) {
            virtio_error(vdev, "queue %u: %s area at 0x%" PRIx64
                         " is not aligned", vq->index, what[i], vq->addr[i]);
            break;
        }
        r->area[i] = dma_map(r->as, vq->addr[i], &r->len[i],
                             i != VRING_DRIVER);
        if (!r->area[i] || r->len[i] < want) {
            virtio_error(vdev, "queue %u: %s area at 0x%" PRIx64
                         " is not in RAM", vq->index, what[i], vq->addr[i]);
            break;
        }
        if (i == VRING_DEVICE) {
            return r;
        }
    }
    vring_free(r);
    return NULL;
}

static void vring_publish(VirtQueue *vq, VRing *r)
{
    VRing *old = rcu_xchg_pointer(&vq->ring, r);

    if (old) {
        call_rcu(&old->rcu, vring_free_rcu);
    }
}

bool virtqueue_map_ring(VirtQueue *vq)
{
    VRing *r;

    vq->ops = virtio_vdev_has_feature(vq->vdev, VIRTIO_F_RING_PACKED) ?
              &vring_packed_ops : &vring_split_ops;
    r = vring_map(vq);
    vring_publish(vq, r);
    return r != NULL;
}

void virtqueue_unmap_ring(VirtQueue *vq)
{
    vring_publish(vq, NULL);
}

void virtqueue_remap_ring(VirtQueue *vq)
{
    VRing *r = vq->ring;

    if (!r) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        void *now;

        rcu_read_lock();
        now = address_space_ram_ptr(r->as, vq->addr[i], r->len[i],
                                    i != VRING_DRIVER);
        rcu_read_unlock();
        if (now != r->area[i]) {
            virtqueue_map_ring(vq);
            return;
        }
    }
}

/* ---- Taking chains ---- */

bool virtio_chain_add(VirtQueue *vq, VirtChain *c, uint64_t addr, uint32_t len,
                      bool writable)
{
    VirtIODevice *vdev = vq->vdev;

    if (++c->total > VIRTQUEUE_MAX_SIZE) {
        virtio_error(vdev, "queue %u: chain is longer than %d descriptors",
                     vq->index, VIRTQUEUE_MAX_SIZE);
        return false;
    }
    if (len == 0) {
        virtio_error(vdev, "queue %u: descriptor of no bytes", vq->index);
        return false;
    }
    if (!writable && c->in_bytes) {
        virtio_error(vdev, "queue %u: readable descriptor after a writable one",
                     vq->index);
        return false;
    }
    *(writable ? &c->in_bytes : &c->out_bytes) += len;
    while (len) {
        uint64_t part = len;
        void *p;

        if (c->in_num + c->out_num == VIRTQUEUE_MAX_SIZE) {
            virtio_error(vdev, "queue %u: chain has too many pieces",
                         vq->index);
            return false;
        }
        p = dma_map(vdev->dma_as, addr, &part, writable);
        if (!p) {
            virtio_error(vdev, "queue %u: buffer at 0x%" PRIx64
                         " is not in RAM", vq->index, addr);
            return false;
        }
        c->iov[c->in_num + c->out_num].iov_base = p;
        c->iov[c->in_num + c->out_num].iov_len = part;
        *(writable ? &c->in_num : &c->out_num) += 1;
        addr += part;
        len -= part;
    }
    return true;
}

uint32_t virtio_chain_indirect(VirtQueue *vq, uint64_t addr, uint32_t len,
                               void **table)
{
    VirtIODevice *vdev = vq->vdev;
    uint32_t n = len / sizeof(struct vring_desc);

    if (len % sizeof(struct vring_desc) || n == 0 || n > VIRTQUEUE_MAX_SIZE) {
        virtio_error(vdev, "queue %u: indirect table of %u bytes", vq->index,
                     len);
        return 0;
    }
    if (!virtio_vdev_has_feature(vdev, VIRTIO_RING_F_INDIRECT_DESC)) {
        virtio_error(vdev, "queue %u: indirect table, but not negotiated",
                     vq->index);
        return 0;
    }
    *table = g_malloc(len);
    if (dma_read(vdev->dma_as, addr, *table, len) != MEMTX_OK) {
        virtio_error(vdev, "queue %u: indirect table at 0x%" PRIx64
                     " is not in RAM", vq->index, addr);
        g_clear_pointer(table, g_free);
        return 0;
    }
    return n;
}

static void chain_unmap(VirtQueue *vq, const VirtChain *c)
{
    for (uint32_t i = 0; i < c->out_num + c->in_num; i++) {
        dma_unmap(vq->vdev->dma_as, c->iov[i].iov_base, c->iov[i].iov_len,
                  i >= c->out_num, 0);
    }
}

static VirtQueueElement *elem_new(const VirtChain *c, size_t size)
{
    size_t head = ROUND_UP(size, __alignof__(struct iovec));
    uint32_t n = c->out_num + c->in_num;
    VirtQueueElement *elem = g_malloc(head + n * sizeof(struct iovec));

    memset(elem, 0, size);
    elem->index = c->index;
    elem->ndescs = c->ndescs;
    elem->out_num = c->out_num;
    elem->in_num = c->in_num;
    elem->out_sg = (struct iovec *)((char *)elem + head);
    elem->in_sg = elem->out_sg + c->out_num;
    memcpy(elem->out_sg, c->iov, n * sizeof(struct iovec));
    return elem;
}

static void inorder_take(VirtQueue *vq, const VirtChain *c)
{
    uint32_t slot = (vq->inorder_head + vq->inorder_count) % vq->num_max;

    vq->used[slot] = (VirtQueueUsed){ .id = c->index, .ndescs = c->ndescs };
    vq->inorder_count++;
}

/*
 * With event indices the last pop told the driver where to kick. It may have
 * gone past that meanwhile and not kicked: look again after that was visible.
 */
static bool has_chain(VirtQueue *vq, const VRing *r)
{
    if (vq_is_spent(vq)) {
        return false;
    }
    if (!vq->ops->is_empty(vq, r)) {
        return true;
    }
    if (!vq->notification || !vq_event_idx(vq)) {
        return false;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !vq->ops->is_empty(vq, r);
}

/* In a read section: collect the next chain and move past it. */
static bool take_chain(VirtQueue *vq, VirtChain *c)
{
    VRing *r = rcu_dereference(vq->ring);

    if (!r || !has_chain(vq, r)) {
        return false;
    }
    /* In order, those that are done and wait for an older one count too. */
    if (MAX(vq->inuse, vq->inorder_count) >= vq->num) {
        virtio_error(vq->vdev, "queue %u: more chains than descriptors",
                     vq->index);
        return false;
    }
    if (vq->ops->next_chain(vq, r, c) <= 0) {
        chain_unmap(vq, c);
        return false;
    }
    vq->ops->advance(vq, r, c->ndescs);
    if (vq->in_handler) {
        vq->budget--;
    }
    return true;
}

void *virtqueue_pop(VirtQueue *vq, size_t size)
{
    struct iovec iov[VIRTQUEUE_MAX_SIZE] UNINITIALIZED;
    VirtChain c = { .iov = iov };
    bool taken;

    if (virtio_is_broken(vq->vdev)) {
        return NULL;
    }
    rcu_read_lock();
    taken = take_chain(vq, &c);
    rcu_read_unlock();
    if (!taken) {
        return NULL;
    }
    vq->inuse++;
    if (virtio_vdev_has_feature(vq->vdev, VIRTIO_F_IN_ORDER)) {
        inorder_take(vq, &c);
    }
    return elem_new(&c, size);
}

bool virtqueue_is_empty(VirtQueue *vq)
{
    bool empty;
    VRing *r;

    rcu_read_lock();
    r = rcu_dereference(vq->ring);
    empty = !r || virtio_is_broken(vq->vdev) || vq_is_spent(vq) ||
            vq->ops->is_empty(vq, r);
    rcu_read_unlock();
    return empty;
}

/* ---- Giving them back ---- */

static void elem_unmap(VirtQueue *vq, VirtQueueElement *elem, uint32_t len)
{
    AddressSpace *as = vq->vdev->dma_as;

    for (uint32_t i = 0; i < elem->in_num; i++) {
        uint32_t part = MIN(len, elem->in_sg[i].iov_len);

        dma_unmap(as, elem->in_sg[i].iov_base, elem->in_sg[i].iov_len, true,
                  part);
        len -= part;
    }
    for (uint32_t i = 0; i < elem->out_num; i++) {
        dma_unmap(as, elem->out_sg[i].iov_base, elem->out_sg[i].iov_len, false,
                  0);
    }
}

static void inorder_fill(VirtQueue *vq, const VirtQueueElement *elem,
                         uint32_t len)
{
    for (uint32_t i = 0; i < vq->inorder_count; i++) {
        VirtQueueUsed *u = &vq->used[(vq->inorder_head + i) % vq->num_max];

        if (u->id == elem->index && !u->filled) {
            u->len = len;
            u->filled = true;
            return;
        }
    }
}

void virtqueue_fill(VirtQueue *vq, VirtQueueElement *elem, uint32_t len,
                    uint32_t idx)
{
    elem_unmap(vq, elem, len);
    if (virtio_is_broken(vq->vdev) || !vq->ring) {
        return;
    }
    if (virtio_vdev_has_feature(vq->vdev, VIRTIO_F_IN_ORDER)) {
        inorder_fill(vq, elem, len);
    } else {
        vq->used[idx] = (VirtQueueUsed){
            .id = elem->index, .len = len, .ndescs = elem->ndescs,
        };
    }
}

/* How many of the oldest chains are done; they are contiguous modulo size. */
static void inorder_flush(VirtQueue *vq, const VRing *r)
{
    while (vq->inorder_count && vq->used[vq->inorder_head].filled) {
        uint32_t first = vq->inorder_head, n = 0;

        while (n < vq->inorder_count && first + n < vq->num_max &&
               vq->used[first + n].filled) {
            n++;
        }
        vq->ops->write_used(vq, r, first, n);
        vq->inorder_head = (first + n) % vq->num_max;
        vq->inorder_count -= n;
    }
}

void virtqueue_flush(VirtQueue *vq, uint32_t count)
{
    VRing *r;

    vq->inuse -= MIN(count, vq->inuse);
    if (virtio_is_broken(vq->vdev) || count == 0) {
        return;
    }
    rcu_read_lock();
    r = rcu_dereference(vq->ring);
    if (r && virtio_vdev_has_feature(vq->vdev, VIRTIO_F_IN_ORDER)) {
        inorder_flush(vq, r);
    } else if (r) {
        vq->ops->write_used(vq, r, 0, count);
    }
    rcu_read_unlock();
}

void virtqueue_push(VirtQueue *vq, VirtQueueElement *elem, uint32_t len)
{
    virtqueue_fill(vq, elem, len, 0);
    virtqueue_flush(vq, 1);
}

void virtqueue_detach(VirtQueue *vq, VirtQueueElement *elem)
{
    elem_unmap(vq, elem, 0);
    vq->inuse -= MIN(1, vq->inuse);
}

void virtqueue_unpop(VirtQueue *vq, VirtQueueElement *elem)
{
    if (vq->ring) {
        vq->ops->rewind(vq, elem->ndescs);
        if (virtio_vdev_has_feature(vq->vdev, VIRTIO_F_IN_ORDER) &&
            vq->inorder_count) {
            vq->inorder_count--;
        }
    }
    virtqueue_detach(vq, elem);
}

void virtio_queue_set_notification(VirtQueue *vq, bool enable)
{
    VRing *r;

    vq->notification = enable;
    rcu_read_lock();
    r = rcu_dereference(vq->ring);
    if (r && !virtio_is_broken(vq->vdev)) {
        vq->ops->set_notification(vq, r, enable);
    }
    rcu_read_unlock();
}
