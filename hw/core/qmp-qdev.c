/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP commands about devices. */
#include "util/osdep.h"
#include "hw/core/qdev-monitor.h"
#include "qapi/qapi-commands-qdev.h"
#include "qom/qmp.h"

ObjectPropertyInfoList *qmp_device_list_properties(const char *typename,
                                                   Error **errp)
{
    /* what every device has and nobody sets */
    static const char *const skip[] = {
        "type", "realized", "hotpluggable", "hotplugged", "parent_bus", NULL
    };
    ObjectClass *oc = object_class_by_name(type_resolve_alias(typename));

    if (!oc) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "Device '%s' not found",
                  typename);
        return NULL;
    }
    if (!object_class_dynamic_cast(oc, TYPE_DEVICE) ||
        object_class_is_abstract(oc)) {
        error_setg(errp, "Parameter 'typename' expects a non-abstract device "
                   "type");
        return NULL;
    }
    return qom_list_type_properties(oc, skip);
}

bool qmp_device_add(struct json_object *args, struct json_object **ret,
                    Error **errp)
{
    return qdev_device_add(args, errp) != NULL;
}

bool qmp_device_del(const char *id, Error **errp)
{
    return qdev_device_del(id, errp);
}
