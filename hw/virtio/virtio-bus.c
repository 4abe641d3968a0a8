/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus of one slot between a transport and its device, and what transports
 * share. */
#include "util/osdep.h"
#include "virtio-internal.h"

VirtioBusClass *virtio_get_bus_class(VirtIODevice *vdev,
                                     DeviceState **transport)
{
    BusState *bus = vdev->parent_obj.parent_bus;

    *transport = bus ? bus->parent : NULL;
    return bus ? VIRTIO_BUS_GET_CLASS(bus) : NULL;
}

DeviceState *virtio_get_user_device(VirtIODevice *vdev)
{
    DeviceState *transport = DEVICE(vdev)->parent_bus->parent;
    bool owned = OBJECT(vdev)->parent == OBJECT(transport);

    return owned ? transport : DEVICE(vdev);
}

static uint64_t *queue_addr(VirtQueueAddrs *a, unsigned int area)
{
    return area == 0 ? &a->desc : area == 1 ? &a->driver : &a->device;
}

uint32_t virtio_queue_get_addr_half(const VirtQueue *vq, unsigned int area,
                                    bool high)
{
    VirtQueueAddrs a;

    virtio_queue_get_addrs(vq, &a);
    return *queue_addr(&a, area) >> (high ? 32 : 0);
}

void virtio_queue_set_addr_half(VirtQueue *vq, unsigned int area, bool high,
                                uint32_t val)
{
    VirtQueueAddrs a;
    uint64_t *addr = queue_addr(&a, area);

    virtio_queue_get_addrs(vq, &a);
    *addr = high ? (uint32_t)*addr | (uint64_t)val << 32
                 : (*addr & ~0xffffffffULL) | val;
    virtio_queue_set_addrs(vq, &a);
}

static void virtio_bus_class_init(ObjectClass *oc, const void *data)
{
    BUS_CLASS(oc)->max_dev = 1;
}

static const TypeInfo virtio_bus_types[] = {
    {
        .name = TYPE_VIRTIO_BUS,
        .parent = TYPE_BUS,
        .help = "connects a virtio device with its transport",
        .instance_size = sizeof(VirtioBusState),
        .class_size = sizeof(VirtioBusClass),
        .class_init = virtio_bus_class_init,
        .abstract = true,
    },
};
DEFINE_TYPES(virtio_bus_types)
