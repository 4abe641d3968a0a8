/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which firmware should try to boot from devices, given by their
 * property "bootindex". Firmware gets a list of OpenFirmware paths (IEEE 1275,
 * and its PCI bus binding) with the fw_cfg file "bootorder".
 *
 * Life cycle: a device says what it is when it is realized and takes that back
 * when it is unrealized; the list is the machine's. Without a machine, as in
 * tests of one device, nothing is kept. Context: big lock.
 */
#ifndef HW_CORE_BOOT_ORDER_H
#define HW_CORE_BOOT_ORDER_H

#include "hw/core/qdev.h"

struct MachineState;

/*
 * boot_order_add: @dev can be booted from.
 * @bootindex: its place; below 0: it is not on the list
 * @node: what is bootable in it, "disk@0,0"; valid while @dev is realized
 * Errors: another device has that place.
 */
bool boot_order_add(DeviceState *dev, int32_t bootindex, const char *node,
                    Error **errp);
/* boot_order_remove: @dev is about to go. No-op when it is not on the list. */
void boot_order_remove(DeviceState *dev);

/* boot_order_path: "/pci@i0cf8/scsi@2", the nodes of @dev and of what it sits
 * on; g_free(). */
char *boot_order_path(DeviceState *dev);

/*
 * boot_order_list: the paths of all devices on the list, first to boot first,
 * one a line; "HALT" follows when firmware must not try others (-boot
 * strict=on). @len: bytes with the NUL at the end; 0: the list is empty.
 * g_free().
 */
char *boot_order_list(const struct MachineState *ms, uint32_t *len);
/* For the end of the machine. */
void boot_order_free(struct MachineState *ms);

#endif
