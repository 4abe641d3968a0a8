/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices, buses and a machine for the tests of hw/core. */
#ifndef TEST_DEVICES_H
#define TEST_DEVICES_H

#include "hw/core/machine.h"
#include "hw/core/qdev.h"

#define TYPE_T_BUS    "t-bus"        /* max_dev 2 */
#define TYPE_T_HOST   "t-host"       /* no bus; makes bus "t.0" */
#define TYPE_T_DISK   "t-disk"       /* on a t-bus; alias "t-alias" */
#define TYPE_T_BRIDGE "t-bridge"     /* on a t-bus; makes a bus of its own */
#define TYPE_T_FIXED  "t-fixed"      /* not hot-pluggable */
#define TYPE_T_HIDDEN "t-hidden"     /* not for users */
#define TYPE_T_PORT   "t-port"       /* a hot-plug handler that asks */
#define TYPE_T_MACHINE MACHINE_TYPE_NAME("t-1.0")

typedef struct TDisk {
    DeviceState parent_obj;
    uint32_t size;
    char *label;
    uint32_t slot;
    bool fail;                      /* realize refuses */
    uint32_t reg;                   /* migrated */
} TDisk;

/* What happened, in order: "disk.realize(d0) ..." */
extern GString *t_trail;
void t_trail_assert(const char *want);          /* and clear it */

/* A machine with a host bridge and its bus "t.0"; @hotplug_handler: of it. */
MachineState *t_machine_start(Object *hotplug_handler);
void t_machine_ready(MachineState *ms);
void t_machine_stop(void);

/* qdev_device_add() of JSON text. */
DeviceState *t_add(const char *json, Error **errp);
void t_assert_error(Error *err, const char *text);   /* and free it */

#endif
