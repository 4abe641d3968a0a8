/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot order; see include/hw/core/boot-order.h. */
#include "util/osdep.h"
#include "hw/core/boot-order.h"
#include "hw/core/machine.h"

typedef struct BootDevice {
    struct BootDevice *next;        /* the next to try */
    DeviceState *dev;
    int32_t bootindex;
    const char *node;
} BootDevice;

bool boot_order_add(DeviceState *dev, int32_t bootindex, const char *node,
                    Error **errp)
{
    MachineState *ms = machine_get();
    BootDevice **at, *b;

    if (!ms || bootindex < 0) {
        return true;
    }
    for (at = &ms->boot_devices; *at; at = &(*at)->next) {
        if ((*at)->bootindex == bootindex) {
            error_setg(errp, "The bootindex %d has already been used",
                       bootindex);
            return false;
        }
        if ((*at)->bootindex > bootindex) {
            break;
        }
    }
    b = g_new0(BootDevice, 1);
    b->dev = dev;
    b->bootindex = bootindex;
    b->node = node;
    b->next = *at;
    *at = b;
    return true;
}

void boot_order_remove(DeviceState *dev)
{
    MachineState *ms = machine_get();
    BootDevice **at;

    for (at = ms ? &ms->boot_devices : NULL; at && *at; at = &(*at)->next) {
        if ((*at)->dev == dev) {
            BootDevice *b = *at;

            *at = b->next;
            g_free(b);
            return;
        }
    }
}

void boot_order_free(MachineState *ms)
{
    while (ms->boot_devices) {
        BootDevice *b = ms->boot_devices;

        ms->boot_devices = b->next;
        g_free(b);
    }
}

/* ---- Paths ---- */

/* What @dev sits on comes first; some buses add no node of their own. */
char *boot_order_path(DeviceState *dev)
{
    g_autoptr(GString) path = g_string_new(NULL);

    while (dev) {
        BusState *bus = dev->parent_bus;
        char *(*get)(DeviceState *) = bus ?
            BUS_GET_CLASS(bus)->get_fw_name :
            DEVICE_GET_CLASS(dev)->get_fw_name;

        if (get) {
            g_autofree char *name = get(dev);

            g_string_prepend(path, name);
            g_string_prepend_c(path, '/');
        }
        dev = bus ? bus->parent : NULL;
    }
    return g_string_free(g_steal_pointer(&path), FALSE);
}

char *boot_order_list(const MachineState *ms, uint32_t *len)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (const BootDevice *b = ms->boot_devices; b; b = b->next) {
        g_autofree char *path = boot_order_path(b->dev);

        g_string_append_printf(list, "%s%s/%s", list->len ? "\n" : "", path,
                               b->node);
    }
    if (list->len && ms->boot_strict) {
        g_string_append(list, "\nHALT");
    }
    *len = list->len ? list->len + 1 : 0;
    return g_string_free(g_steal_pointer(&list), FALSE);
}
