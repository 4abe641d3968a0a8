/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: named items that the guest's firmware (and Linux) can read: a
 * selector and a data port, or a DMA interface. Interface: QEMU's
 * docs/specs/fw_cfg.
 *
 * Life cycle: the board makes the device and adds items before the guest runs;
 * items may be replaced later. Context: big lock.
 */
#ifndef HW_NVRAM_FW_CFG_H
#define HW_NVRAM_FW_CFG_H

#include "hw/core/qdev.h"
#include "migration/vmstate.h"
#include "system/memory.h"

#define TYPE_FW_CFG "fw_cfg"
OBJECT_DECLARE_SIMPLE_TYPE(FWCfg, FW_CFG)

/* Ports on x86. */
#define FW_CFG_IO_BASE  0x510
#define FW_CFG_IO_SIZE  12          /* selector 0, data 1, DMA address 4..11 */
/* In memory, as Arm machines have it: data 0 to 7, selector 8, DMA address 16
 * to 23; selector and address are big endian. */
#define FW_CFG_MMIO_SIZE 24

/* Well-known keys. */
enum {
    FW_CFG_SIGNATURE     = 0x00,
    FW_CFG_ID            = 0x01,
    FW_CFG_UUID          = 0x02,
    FW_CFG_RAM_SIZE      = 0x03,
    FW_CFG_NOGRAPHIC     = 0x04,
    FW_CFG_NB_CPUS       = 0x05,
    FW_CFG_KERNEL_ADDR   = 0x07,
    FW_CFG_KERNEL_SIZE   = 0x08,
    FW_CFG_INITRD_ADDR   = 0x0a,
    FW_CFG_INITRD_SIZE   = 0x0b,
    FW_CFG_BOOT_MENU     = 0x0e,
    FW_CFG_MAX_CPUS      = 0x0f,
    FW_CFG_KERNEL_DATA   = 0x11,
    FW_CFG_INITRD_DATA   = 0x12,
    FW_CFG_CMDLINE_SIZE  = 0x14,
    FW_CFG_CMDLINE_DATA  = 0x15,
    FW_CFG_FILE_DIR      = 0x19,
    FW_CFG_FILE_FIRST    = 0x20,
};

#define FW_CFG_FILE_SLOTS  64
#define FW_CFG_ENTRIES     (FW_CFG_FILE_FIRST + FW_CFG_FILE_SLOTS)
#define FW_CFG_NAME_MAX    56       /* bytes, with the NUL */

typedef struct FWCfgEntry {
    void *data;                     /* ours */
    uint32_t len;                   /* bytes */
} FWCfgEntry;

typedef struct FWCfgFile {
    char name[FW_CFG_NAME_MAX];
    uint16_t key;
} FWCfgFile;

struct FWCfg {
    DeviceState parent_obj;

    MemoryRegion io;                /* FW_CFG_IO_SIZE bytes */
    MemoryRegion mmio;              /* FW_CFG_MMIO_SIZE bytes: one of them */
    AddressSpace *dma_as;

    /* Guest-visible (migrated) */
    uint16_t cur_key;
    uint32_t cur_offset;
    uint64_t dma_addr;

    /* Runtime */
    FWCfgEntry entries[FW_CFG_ENTRIES];
    FWCfgFile files[FW_CFG_FILE_SLOTS];     /* sorted by name at the end */
    uint32_t num_files;
};

/* @data of @len bytes is given away (g_malloc). A second call replaces. */
void fw_cfg_add_bytes(FWCfg *s, uint16_t key, void *data, uint32_t len);
void fw_cfg_add_u16(FWCfg *s, uint16_t key, uint16_t val);
void fw_cfg_add_u32(FWCfg *s, uint16_t key, uint32_t val);
void fw_cfg_add_u64(FWCfg *s, uint16_t key, uint64_t val);
/* A file: @name shorter than FW_CFG_NAME_MAX. @data is given away; an existing
 * one is replaced. Errors: no room, name too long. */
bool fw_cfg_add_file(FWCfg *s, const char *name, void *data, uint32_t len,
                     Error **errp);

struct MachineState;

/*
 * fw_cfg_add_boot: what -boot and the devices' bootindex say, when all devices
 * are there: files "bootorder", "etc/boot-fail-wait" and, if it was given,
 * "etc/boot-menu-wait"; the item FW_CFG_BOOT_MENU.
 */
bool fw_cfg_add_boot(FWCfg *s, const struct MachineState *ms, Error **errp);

#endif
