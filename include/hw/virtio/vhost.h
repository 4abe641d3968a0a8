/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost: the host kernel serves virtqueues of a device (drivers/vhost, the
 * interface of linux/vhost.h). It reads guest memory itself, is kicked through
 * the queues' host notifiers and interrupts through their guest notifiers.
 *
 * Life cycle: vhost_dev_new at realize, start and stop with the queues, free
 * at unrealize. Split rings only.
 *
 * Context: big lock.
 */
#ifndef HW_VIRTIO_VHOST_H
#define HW_VIRTIO_VHOST_H

#include "hw/virtio/virtio.h"

typedef struct VhostDev VhostDev;

/*
 * vhost_dev_new: become the owner of @fd (which stays the caller's to close),
 * for queues @first_queue .. @first_queue + @num_queues - 1 of the device.
 */
VhostDev *vhost_dev_new(int fd, uint32_t first_queue, uint32_t num_queues,
                        Error **errp);
void vhost_dev_free(VhostDev *dev);

/*
 * vhost_dev_set_poll_us: have the kernel look for more work for @us
 * microseconds before it sleeps.
 */
bool vhost_dev_set_poll_us(VhostDev *dev, uint32_t us, Error **errp);

/* Those of @features that the kernel can also do, as far as it has a say. */
uint64_t vhost_dev_filter_features(VhostDev *dev, uint64_t features);

/*
 * vhost_dev_start: give memory and rings to the kernel. For vhost-net
 * @backend_fd is the tap; -1 for kinds that have none.
 */
bool vhost_dev_start(VhostDev *dev, VirtIODevice *vdev, int backend_fd,
                     Error **errp);
/* Take the rings back: positions return to the virtqueues. */
void vhost_dev_stop(VhostDev *dev, VirtIODevice *vdev);

#endif
