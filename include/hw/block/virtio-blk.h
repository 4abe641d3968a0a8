/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk-device; see hw/block/virtio-blk.c. */
#ifndef HW_BLOCK_VIRTIO_BLK_H
#define HW_BLOCK_VIRTIO_BLK_H

#define TYPE_VIRTIO_BLK "virtio-blk-device"

#endif
