/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-balloon-device; see hw/virtio/virtio-balloon.c. */
#ifndef HW_VIRTIO_VIRTIO_BALLOON_H
#define HW_VIRTIO_VIRTIO_BALLOON_H

#include "hw/virtio/virtio.h"

#define TYPE_VIRTIO_BALLOON "virtio-balloon-device"
OBJECT_DECLARE_SIMPLE_TYPE(VirtIOBalloon, VIRTIO_BALLOON)

/* Tags of the statistics, VIRTIO 1.2, 5.5.6.4; the last ones are newer. */
enum { VIRTIO_BALLOON_STATS = 16 };

struct VirtIOBalloon {
    VirtIODevice parent_obj;

    /* Guest-visible (migrated) */
    uint32_t num_pages;             /* 4 KiB pages the host asks for */
    uint32_t actual;                /* pages the guest gave */
    uint32_t poison_val;

    /* Statistics (runtime) */
    uint64_t stats[VIRTIO_BALLOON_STATS];
    int64_t stats_last_update_s;    /* wall clock; 0: never */
    int64_t stats_interval_s;       /* 0: off */
    AioTimer stats_timer;
    VirtQueueElement *stats_elem;   /* the guest's buffer, kept till asked */

    VirtQueue *inflate_vq, *deflate_vq, *stats_vq, *reporting_vq;
};

#endif
