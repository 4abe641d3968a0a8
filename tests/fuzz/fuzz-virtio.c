/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is eight bytes of features, then steps: a byte that says what,
 * and its operands. See the table at the end.
 */
#include "fuzz-virtio.h"
#include "hw/core/machine.h"
#include "system/runstate.h"
#include "util/bytes.h"
#include "util/main-loop.h"
#include "util/timer.h"

#define RING_SIZE       16
#define DESC_AT(q)      (0x100ULL * (q))
#define DRIVER_AT(q)    (0x800 + 0x40ULL * (q))
#define DEVICE_AT(q)    (0x1000 + 0x100ULL * (q))
#define WINDOW_BYTES    (64 * KiB)
#define STEPS_MAX       256

typedef struct FuzzDriver {
    const FuzzVirtio *f;
    VirtIODevice *vdev;
    FuzzInput *in;
    uint8_t *ram;                   /* the window */
    bool packed;
    uint16_t avail[FUZZ_QUEUES];    /* split: index that was published last */
} FuzzDriver;

VirtIODevice *fuzz_virtio_find(const char *id)
{
    g_autofree char *path = g_strdup_printf("%s/virtio-backend", id);

    return VIRTIO_DEVICE(object_resolve_path(path, NULL));
}

static uint8_t *guest_ram(void)
{
    MemoryRegion *ram = machine_get()->ram;

    return memory_region_get_ram_ptr(ram);
}

static unsigned int slot(FuzzDriver *d)
{
    return fuzz_u8(d->in) % d->f->n_queues;
}

static VirtQueue *queue_at(FuzzDriver *d, unsigned int q)
{
    return virtio_get_queue(d->vdev, d->f->queues[q]);
}

static void enable_queue(FuzzDriver *d, unsigned int q, uint16_t num,
                         const VirtQueueAddrs *a)
{
    VirtQueue *vq = queue_at(d, q);

    d->avail[q] = 0;
    virtio_queue_set_num(vq, num);
    virtio_queue_set_addrs(vq, a);
    virtio_queue_set_vector(vq, q & 1 ? VIRTIO_NO_VECTOR : q);
    virtio_queue_enable(vq);
}

static void enable_default(FuzzDriver *d, unsigned int q)
{
    const VirtQueueAddrs a = { .desc = DESC_AT(q), .driver = DRIVER_AT(q),
                               .device = DEVICE_AT(q) };

    enable_queue(d, q, RING_SIZE, &a);
}

/* What a driver does when it finds the device. */
static void start_driver(FuzzDriver *d, uint64_t features)
{
    VirtIODevice *vdev = d->vdev;
    uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

    features |= d->f->always | BIT64(VIRTIO_F_VERSION_1);
    features &= virtio_dev_get_features(vdev);
    virtio_dev_set_status(vdev, status);
    virtio_dev_set_driver_features(vdev, features);
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    virtio_dev_set_status(vdev, status);
    d->packed = virtio_has_feature(features, VIRTIO_F_RING_PACKED);
    for (unsigned int q = 0; q < d->f->n_queues; q++) {
        enable_default(d, q);
    }
    status |= VIRTIO_CONFIG_S_DRIVER_OK;
    virtio_dev_set_status(vdev, status);
    fuzz_poll();
}

/* ---- Steps ---- */

static void put_desc(FuzzDriver *d, unsigned int q, unsigned int i,
                     uint64_t addr)
{
    uint8_t *p = d->ram + DESC_AT(q) + i * 16;
    uint8_t flags = fuzz_u8(d->in), next = fuzz_u8(d->in);
    uint32_t len = fuzz_u16(d->in);

    /* The top bit makes it long, for sums that overflow. */
    put_le64(p, addr);
    put_le32(p + 8, flags & 0x80 ? len << 16 : len);
    if (d->packed) {
        bool wrap = !(flags & 0x40);

        put_le16(p + 12, next);
        put_le16(p + 14, (flags & 7) | (wrap ? 1 << 7 : 1 << 15));
    } else {
        put_le16(p + 12, flags & 7);
        put_le16(p + 14, next);
    }
}

static void step_desc(FuzzDriver *d)
{
    unsigned int q = slot(d), i = fuzz_u8(d->in) % RING_SIZE;

    put_desc(d, q, i, fuzz_u16(d->in));
}

static void step_desc_far(FuzzDriver *d)
{
    unsigned int q = slot(d), i = fuzz_u8(d->in) % RING_SIZE;

    put_desc(d, q, i, fuzz_u64(d->in));
}

/* A chain that begins at a descriptor becomes available, and a kick. */
static void step_avail(FuzzDriver *d)
{
    unsigned int q = slot(d);
    uint8_t *p = d->ram + DRIVER_AT(q);

    if (!d->packed) {
        put_le16(p + 4 + d->avail[q] % RING_SIZE * 2, fuzz_u8(d->in));
        put_le16(p + 2, ++d->avail[q]);
    }
    virtio_queue_kick(queue_at(d, q));
    fuzz_poll();
}

static void step_kick(FuzzDriver *d)
{
    virtio_queue_kick(queue_at(d, slot(d)));
    fuzz_poll();
}

/* Several kicks, then one turn: what is under way meets what comes. */
static void step_kick_no_poll(FuzzDriver *d)
{
    virtio_queue_kick(queue_at(d, slot(d)));
    aio_poll(main_context(), false);
}

static void step_memory(FuzzDriver *d)
{
    uint16_t at = fuzz_u16(d->in);
    const uint8_t *bytes;
    size_t n = fuzz_bytes(d->in, &bytes, fuzz_u8(d->in));

    n = MIN(n, WINDOW_BYTES - at);
    memcpy(d->ram + at, bytes, n);
}

static void step_queue_reset(FuzzDriver *d)
{
    unsigned int q = slot(d);

    virtio_queue_reset(queue_at(d, q));
    if (fuzz_u8(d->in) & 1) {
        enable_default(d, q);
    }
}

static void step_queue_setup(FuzzDriver *d)
{
    unsigned int q = slot(d);
    uint16_t num = fuzz_u16(d->in);
    VirtQueueAddrs a = { 0 };

    a.desc = fuzz_u32(d->in);
    a.driver = fuzz_u32(d->in);
    a.device = fuzz_u64(d->in);
    virtio_queue_reset(queue_at(d, q));
    enable_queue(d, q, num, &a);
}

static void step_reset(FuzzDriver *d)
{
    virtio_dev_reset(d->vdev);
    start_driver(d, fuzz_u64(d->in));
}

static void step_status(FuzzDriver *d)
{
    virtio_dev_set_status(d->vdev, fuzz_u8(d->in));
}

static void step_features(FuzzDriver *d)
{
    virtio_dev_set_driver_features(d->vdev, fuzz_u64(d->in));
}

static void step_stop(FuzzDriver *d)
{
    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    } else {
        vm_start();
    }
}

static void step_dma(FuzzDriver *d)
{
    virtio_set_dma_enabled(d->vdev, fuzz_u8(d->in) & 1);
}

static void step_config_read(FuzzDriver *d)
{
    uint32_t off = fuzz_u8(d->in);

    virtio_dev_config_read(d->vdev, off, 1 << (fuzz_u8(d->in) & 3));
    virtio_dev_read_isr(d->vdev);
}

static void step_config_write(FuzzDriver *d)
{
    uint32_t off = fuzz_u8(d->in), size = 1 << (fuzz_u8(d->in) & 3);

    virtio_dev_config_write(d->vdev, off, fuzz_u64(d->in), size);
}

static void step_time(FuzzDriver *d)
{
    virtual_clock_step_to(clock_get_ns(CLOCK_VIRTUAL) +
                          fuzz_u16(d->in) * NSEC_PER_MSEC);
    fuzz_poll();
}

static void step_event(FuzzDriver *d)
{
    uint8_t what = fuzz_u8(d->in);

    if (d->f->event) {
        d->f->event(d->vdev, what, d->in);
        fuzz_poll();
    }
}

/* Order is part of the corpus: append only. Frequent ones have more rows. */
static void (*const steps[])(FuzzDriver *d) = {
    step_desc, step_desc_far, step_avail, step_kick, step_memory,
    step_kick_no_poll, step_queue_reset, step_queue_setup, step_reset,
    step_status, step_features, step_stop, step_dma, step_config_read,
    step_config_write, step_time, step_event,
};

void fuzz_virtio_run(const FuzzVirtio *f, VirtIODevice *vdev, FuzzInput *in)
{
    FuzzDriver d = { .f = f, .vdev = vdev, .in = in, .ram = guest_ram() };

    memset(d.ram, 0, WINDOW_BYTES);
    virtio_set_dma_enabled(vdev, true);
    start_driver(&d, fuzz_u64(in));
    for (int i = 0; in->left && i < STEPS_MAX; i++) {
        steps[fuzz_u8(in) % G_N_ELEMENTS(steps)](&d);
    }
    if (!runstate_is_running()) {
        vm_start();
    }
    fuzz_poll();
    virtio_dev_reset(vdev);
    fuzz_poll();
}
