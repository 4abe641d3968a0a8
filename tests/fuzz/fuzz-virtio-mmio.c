/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of virtio-mmio: a disk, an entropy source, an empty slot. The
 * input is a list of 8-byte records:
 *
 *     byte 0: what to do, slot    1-2: address    3: width, direction
 *     4-7: data
 */
#include "fuzz-machine.h"
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "block/block.h"
#include "hw/core/reset.h"
#include "hw/virtio/virtio-mmio.h"
#include "system/memory.h"
#include "system/runstate.h"
#include "util/bytes.h"
#include "util/main-loop.h"

#define RECORD_BYTES    8
#define SLOTS           3
#define SLOT(n)         (0xfeb00000 + (n) * VIRTIO_MMIO_BYTES)
#define QUEUES          2
#define QUEUE_SIZE      8
/* of queue n, in the first 64 KiB of memory, which records write to */
#define RING_DESC(n)    (0x1000 + 0x1000 * (n))
#define RING_DRIVER(n)  (RING_DESC(n) + 0x400)
#define RING_DEVICE(n)  (RING_DESC(n) + 0x800)

static void add_slot(unsigned int n)
{
    VirtIOMMIOProxy *p = VIRTIO_MMIO(qdev_new(TYPE_VIRTIO_MMIO));

    p->slot = n;
    g_assert_true(qdev_realize_and_unref(DEVICE(p), NULL, NULL));
    memory_region_add_subregion(get_system_memory(), SLOT(n), &p->io);
}

static void start(void)
{
    fuzz_start_machine();
    for (unsigned int n = 0; n < SLOTS; n++) {
        add_slot(n);
    }
    fuzz_add_blockdev("{\"driver\":\"null-co\",\"node-name\":\"n0\","
                      "\"size\":1048576,\"read-zeroes\":true}");
    fuzz_add_device("{\"driver\":\"virtio-blk-device\",\"drive\":\"n0\","
                    "\"num-queues\":2,\"bus\":\"virtio-mmio-bus.0\"}");
    fuzz_add_device("{\"driver\":\"virtio-rng-device\","
                    "\"bus\":\"virtio-mmio-bus.1\"}");
    fuzz_run_machine();
}

static void mem(hwaddr addr, uint32_t val, unsigned int size, bool is_write)
{
    uint8_t buf[4];

    put_le32(buf, val);
    address_space_rw(&address_space_memory, addr, MEMTXATTRS_UNSPECIFIED, buf,
                     size, is_write);
}

static void set(unsigned int slot, uint32_t reg, uint32_t val)
{
    mem(SLOT(slot) + reg, val, 4, true);
}

/* What a driver does first; records go on from there. */
static void start_driver(unsigned int slot, uint32_t features)
{
    set(slot, VIRTIO_MMIO_STATUS, 0);
    set(slot, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE |
                                  VIRTIO_CONFIG_S_DRIVER);
    set(slot, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(slot, VIRTIO_MMIO_DRIVER_FEATURES, features);
    set(slot, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(slot, VIRTIO_MMIO_DRIVER_FEATURES, 1);          /* VERSION_1 */
    set(slot, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE |
        VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
    for (unsigned int q = 0; q < QUEUES; q++) {
        set(slot, VIRTIO_MMIO_QUEUE_SEL, q);
        set(slot, VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
        set(slot, VIRTIO_MMIO_QUEUE_DESC_LOW, RING_DESC(q));
        set(slot, VIRTIO_MMIO_QUEUE_AVAIL_LOW, RING_DRIVER(q));
        set(slot, VIRTIO_MMIO_QUEUE_USED_LOW, RING_DEVICE(q));
        set(slot, VIRTIO_MMIO_QUEUE_READY, 1);
    }
    set(slot, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE |
        VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
        VIRTIO_CONFIG_S_DRIVER_OK);
}

static void stop_or_start(void)
{
    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    } else {
        vm_start();
    }
}

static void one(const uint8_t *r)
{
    static const unsigned int sizes[] = { 4, 1, 2, 4 };
    unsigned int slot = (r[0] >> 4) % SLOTS, size = sizes[r[3] & 3];
    uint16_t addr = get_le16(r + 1);
    uint32_t val = get_le32(r + 4);

    switch (r[0] & 15) {
    case 0 ... 7:
        addr %= VIRTIO_MMIO_BYTES;
        mem(SLOT(slot) + MIN(addr, VIRTIO_MMIO_BYTES - size), val, size,
            r[3] & 0x80);
        break;
    case 8 ... 11:
        mem(addr, val, size, true);
        break;
    case 12:
        start_driver(slot, val);
        break;
    case 13:
        stop_or_start();
        break;
    case 14:
        aio_poll(main_context(), false);
        break;
    default:
        fuzz_poll();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t zero[64 * KiB];
    static bool started;

    if (!started) {
        start();
        started = true;
    }
    address_space_write(&address_space_memory, 0, MEMTXATTRS_UNSPECIFIED, zero,
                        sizeof(zero));
    for (; size >= RECORD_BYTES; size -= RECORD_BYTES, data += RECORD_BYTES) {
        one(data);
    }
    if (!runstate_is_running()) {
        vm_start();
    }
    fuzz_poll();
    bdrv_drain_all();
    reset_all();
    return 0;
}
