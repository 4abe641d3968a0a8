/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus of one slot between a transport and its device. */
#include "util/osdep.h"
#include "virtio-internal.h"

VirtioBusClass *virtio_get_bus_class(VirtIODevice *vdev,
                                     DeviceState **transport)
{
    BusState *bus = vdev->parent_obj.parent_bus;

    *transport = bus ? bus->parent : NULL;
    return bus ? VIRTIO_BUS_GET_CLASS(bus) : NULL;
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
