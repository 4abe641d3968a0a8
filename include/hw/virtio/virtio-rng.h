/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-rng-device; see hw/virtio/virtio-rng.c. */
#ifndef HW_VIRTIO_VIRTIO_RNG_H
#define HW_VIRTIO_VIRTIO_RNG_H

#define TYPE_VIRTIO_RNG "virtio-rng-device"

#endif
