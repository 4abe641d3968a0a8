/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a virtio transport (PCI, MMIO) and the device behind it.
 *
 * The bus has one slot. The transport's registers call the virtio_dev_*
 * functions below; the core calls the transport through VirtioBusClass.
 * All under the big lock, except notify.
 */
#ifndef HW_VIRTIO_VIRTIO_BUS_H
#define HW_VIRTIO_VIRTIO_BUS_H

#include "hw/virtio/virtio.h"

#define TYPE_VIRTIO_BUS "virtio-bus"
OBJECT_DECLARE_TYPE(VirtioBusState, VirtioBusClass, VIRTIO_BUS)

struct VirtioBusState {
    BusState parent_obj;
};

struct VirtioBusClass {
    BusClass parent_class;
    /* raise @vector (VIRTIO_NO_VECTOR: nothing to do); any thread */
    void (*notify)(DeviceState *transport, uint16_t vector);
    /* the device behind was plugged or goes; features are known */
    bool (*device_plugged)(DeviceState *transport, Error **errp);
    void (*device_unplugged)(DeviceState *transport);
    /* kicks of queue @n arrive at @e without an exit; false: cannot */
    bool (*ioeventfd_assign)(DeviceState *transport, EventNotifier *e,
                             uint32_t n, bool assign);
    /* signals of the guest notifiers of queues 0..@nvqs-1 raise their
     * vectors; false: cannot, notify is called instead */
    bool (*set_guest_notifiers)(DeviceState *transport, uint32_t nvqs,
                                bool assign);
    AddressSpace *(*get_dma_as)(DeviceState *transport);
};

/* For a transport's table: the device behind it (VirtIODevice *), the core's
 * part and its own. */
extern const VMStateInfo vmstate_info_virtio_device;

/* The transport allows DMA (PCI bus mastering): queues run only then. */
void virtio_set_dma_enabled(VirtIODevice *vdev, bool on);
/* Stop the queues, as for a change of their vectors; start them again if the
 * driver, the VM and the transport want them to run. */
void virtio_stop_queues(VirtIODevice *vdev);
void virtio_start_queues(VirtIODevice *vdev);

/* Registers, VIRTIO 1.2, 4.1.4.3 */
uint64_t virtio_dev_get_features(VirtIODevice *vdev);
/* False, and nothing changes, after FEATURES_OK. */
bool virtio_dev_set_driver_features(VirtIODevice *vdev, uint64_t features);
void virtio_dev_set_status(VirtIODevice *vdev, uint8_t status);
void virtio_dev_reset(VirtIODevice *vdev);
uint64_t virtio_dev_config_read(VirtIODevice *vdev, uint32_t off,
                                unsigned int size);
void virtio_dev_config_write(VirtIODevice *vdev, uint32_t off, uint64_t val,
                             unsigned int size);
uint8_t virtio_dev_read_isr(VirtIODevice *vdev);        /* reads clear */

void virtio_queue_set_num(VirtQueue *vq, uint16_t num);
void virtio_queue_set_addrs(VirtQueue *vq, const VirtQueueAddrs *a);
/* 32 bits of an address, as registers have them; @area: 0 descriptors,
 * 1 driver, 2 device. */
uint32_t virtio_queue_get_addr_half(const VirtQueue *vq, unsigned int area,
                                    bool high);
void virtio_queue_set_addr_half(VirtQueue *vq, unsigned int area, bool high,
                                uint32_t val);
void virtio_queue_enable(VirtQueue *vq);
bool virtio_queue_is_enabled(const VirtQueue *vq);
void virtio_queue_reset(VirtQueue *vq);                 /* VIRTIO_F_RING_RESET */
uint16_t virtio_queue_get_vector(const VirtQueue *vq);
void virtio_queue_set_vector(VirtQueue *vq, uint16_t vector);
/* A kick that came as an exit. */
void virtio_queue_kick(VirtQueue *vq);

#endif
