/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver of one virtio device, played by the input: rings in guest memory,
 * and what a driver does to the device, right or wrong.
 *
 * Memory of the guest as the steps lay it out, for queue slot q below 8:
 *
 *     0x100 * q           descriptors, 16 of them
 *     0x800 + 0x40 * q    driver area
 *     0x1000 + 0x100 * q  device area
 *
 * The rest of the first 64 KiB is for data, and steps may write anywhere in
 * it, the rings included. It is cleared before each input.
 */
#ifndef FUZZ_VIRTIO_H
#define FUZZ_VIRTIO_H

#include "fuzz-machine.h"
#include "hw/virtio/virtio-bus.h"

#define FUZZ_QUEUES 8

typedef struct FuzzVirtio {
    uint64_t always;                /* features that are always accepted */
    uint16_t queues[FUZZ_QUEUES];   /* that the driver uses, by slot */
    unsigned int n_queues;
    /* What else can happen to the device: @what, the rest from @in. */
    void (*event)(VirtIODevice *vdev, uint8_t what, FuzzInput *in);
} FuzzVirtio;

/* The device behind the transport with this id. */
VirtIODevice *fuzz_virtio_find(const char *id);
/* Run one input from reset to reset. */
void fuzz_virtio_run(const FuzzVirtio *f, VirtIODevice *vdev, FuzzInput *in);

#endif
