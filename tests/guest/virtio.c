/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng and virtio-blk on PCI, driven by their interrupts: a random
 * buffer, a sector read that the host wrote and one written that it will find,
 * a masked MSI-X vector that stays pending. Run with both devices and a disk
 * that says HOST_TEXT in sector 1.
 */
#include "lib/virtio.h"

#define RNG_IDS     0x10441af4
#define BLK_IDS     0x10421af4
#define RNG_VECTOR  41
#define BLK_VECTOR  42
#define HOST_TEXT   "from the host"
#define GUEST_TEXT  "from the guest"
#define SECTOR      512
#define BLK_READ    0
#define BLK_WRITE   1

static Virtio rng, blk;
static Virtq rng_queue, blk_queue;

static uint32_t irqs(unsigned vector)
{
    return irq_count[vector - 32];
}

static void wait_for_irqs(unsigned vector, uint32_t n)
{
    while (irqs(vector) < n) {
        halt();
    }
}

static void test_rng(void)
{
    static uint8_t data[64];
    uint8_t any = 0;

    virtio_start(&rng, &rng_queue, RNG_IDS, RNG_VECTOR);
    virtio_send(&rng_queue, &(VirtioBuf){ data, sizeof(data), true }, 1);
    wait_for_irqs(RNG_VECTOR, 1);
    check(rng_queue.used.idx == 1, "rng: used index");
    check(virtio_used_len(&rng_queue, 0) == sizeof(data), "rng: length");
    for (unsigned i = 0; i < sizeof(data); i++) {
        any |= data[i];
    }
    check(any != 0, "rng: random bytes");
}

static volatile uint8_t blk_status;

static void blk_send(uint32_t type, uint64_t sector, void *data)
{
    static struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    const VirtioBuf bufs[] = {
        { &header, sizeof(header), false },
        { data, SECTOR, type == BLK_READ },
        { (void *)&blk_status, 1, true },
    };

    header.type = type;
    header.sector = sector;
    blk_status = 0xff;
    virtio_send(&blk_queue, bufs, 3);
}

static void test_blk(void)
{
    static char data[SECTOR] = GUEST_TEXT, back[SECTOR];

    virtio_start(&blk, &blk_queue, BLK_IDS, BLK_VECTOR);
    check(mmio_read32(blk.device) == 2048, "blk: capacity");
    blk_send(BLK_READ, 1, back);
    wait_for_irqs(BLK_VECTOR, 1);
    check(blk_status == 0, "blk: read");
    check(virtio_used_len(&blk_queue, 0) == SECTOR + 1, "blk: read length");
    check(same_text(back, HOST_TEXT), "blk: what the host wrote");
    blk_send(BLK_WRITE, 0, data);
    wait_for_irqs(BLK_VECTOR, 2);
    check(blk_status == 0, "blk: write");
    check(virtio_used_len(&blk_queue, 1) == 1, "blk: write length");
    blk_send(BLK_READ, 0, back);
    wait_for_irqs(BLK_VECTOR, 3);
    check(same_text(back, GUEST_TEXT), "blk: what was written");
    blk_send(BLK_READ, 2048, back);
    wait_for_irqs(BLK_VECTOR, 4);
    check(blk_status == 1, "blk: beyond the end");
}

/* The device is done, but tells so only when it may. */
static void test_mask(void)
{
    static char back[SECTOR];
    uint32_t before = irqs(BLK_VECTOR);
    uint16_t used = blk_queue.used.idx;

    virtio_mask(&blk, true);
    blk_send(BLK_READ, 1, back);
    while (blk_queue.used.idx == used || !virtio_pending(&blk)) {
        asm volatile("pause");
    }
    asm volatile("sti; nop; cli");
    check(irqs(BLK_VECTOR) == before, "masked vector");
    virtio_mask(&blk, false);
    wait_for_irqs(BLK_VECTOR, before + 1);
    check(!virtio_pending(&blk), "nothing pending any more");
}

void payload_main(uint32_t boot_info)
{
    irq_setup();
    x2apic_setup();
    test_rng();
    test_blk();
    test_mask();
    check(irqs(RNG_VECTOR) == 1, "one interrupt from the rng");
}
