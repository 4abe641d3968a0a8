/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "iothread-vq-mapping" of virtio-blk: which iothread serves which queue. Big
 * lock.
 */
#ifndef HW_BLOCK_VIRTIO_BLK_INTERNAL_H
#define HW_BLOCK_VIRTIO_BLK_INTERNAL_H

#include "qom/property.h"
#include "util/aio.h"
#include "util/error.h"

/* The property's value, with references to the iothreads once applied. */
typedef struct VirtIOBlockMapping VirtIOBlockMapping;

/* The field is a VirtIOBlockMapping *. */
extern const PropertyInfo prop_info_virtio_blk_mapping;

/* virtio_blk_mapping_apply: the contexts of @num_queues queues; g_free() it.
 * NULL with an error: an iothread does not exist, or the queues do not fit. */
AioContext **virtio_blk_mapping_apply(VirtIOBlockMapping *m,
                                      uint16_t num_queues, Error **errp);

#endif
