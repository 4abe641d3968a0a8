/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hot-plug handlers; see include/hw/core/hotplug.h. */
#include "util/osdep.h"
#include "hw/core/hotplug.h"
#include "hw/core/qdev.h"

static HotplugHandlerClass *handler_class(Object *handler)
{
    return handler ? INTERFACE_GET_CLASS(HotplugHandlerClass, handler,
                                         TYPE_HOTPLUG_HANDLER) : NULL;
}

bool hotplug_handler_pre_plug(Object *handler, DeviceState *dev, Error **errp)
{
    HotplugHandlerClass *hc = handler_class(handler);

    return !hc || !hc->pre_plug || hc->pre_plug(handler, dev, errp);
}

bool hotplug_handler_plug(Object *handler, DeviceState *dev, Error **errp)
{
    HotplugHandlerClass *hc = handler_class(handler);

    return !hc || !hc->plug || hc->plug(handler, dev, errp);
}

bool hotplug_handler_unplug_request(Object *handler, DeviceState *dev,
                                    Error **errp)
{
    HotplugHandlerClass *hc = handler_class(handler);

    return !hc || !hc->unplug_request ||
           hc->unplug_request(handler, dev, errp);
}

bool hotplug_handler_unplug(Object *handler, DeviceState *dev, Error **errp)
{
    HotplugHandlerClass *hc = handler_class(handler);

    return !hc || !hc->unplug || hc->unplug(handler, dev, errp);
}

bool hotplug_handler_asks_guest(Object *handler)
{
    HotplugHandlerClass *hc = handler_class(handler);

    return hc && hc->unplug_request;
}

static const TypeInfo hotplug_types[] = {
    {
        .name = TYPE_HOTPLUG_HANDLER,
        .parent = TYPE_INTERFACE,
        .help = "who connects devices to the guest",
        .class_size = sizeof(HotplugHandlerClass),
    },
};
DEFINE_TYPES(hotplug_types)
