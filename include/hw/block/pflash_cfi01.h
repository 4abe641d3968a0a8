/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parallel NOR flash of Intel's command set, with the content of a drive.
 * Life cycle: the board makes it, sets the geometry and "drive", realizes it
 * and maps @mem. Context: big lock; requests to the drive complete in the main
 * loop.
 */
#ifndef HW_BLOCK_PFLASH_CFI01_H
#define HW_BLOCK_PFLASH_CFI01_H

#include "block/block-backend.h"
#include "hw/core/qdev.h"
#include "system/memory.h"
#include "system/runstate.h"
#include "util/aio.h"

#define TYPE_PFLASH_CFI01 "cfi.pflash01"
OBJECT_DECLARE_SIMPLE_TYPE(PFlashCFI01, PFLASH_CFI01)

/* Write buffer of one chip, and of the four that a bank has at most. */
#define PFLASH_BUFFER_BITS  11
#define PFLASH_BUFFER_MAX   (4 << PFLASH_BUFFER_BITS)
#define PFLASH_QUERY_BYTES  0x40

/* What changed is written to the drive by pages. */
#define PFLASH_PAGE_BYTES   4096u

struct PFlashCFI01 {
    DeviceState parent_obj;

    /* Properties (frozen after realize) */
    BlockConf conf;                 /* "drive" alone */
    uint32_t num_blocks;
    uint64_t sector_bytes;          /* of the bank */
    uint8_t width;                  /* bytes of the bank, 1 to 4 */
    uint8_t device_width;           /* of a chip; 0: as the bank */
    uint8_t max_device_width;       /* that a chip could have; 0: the same */
    uint16_t id[4];
    char *name;
    bool big_endian, secure;

    MemoryRegion mem;

    /* Guest-visible (migrated; the content is RAM) */
    uint8_t mode;                   /* what reads give: a PFlashMode */
    uint8_t step;                   /* what the next write is: a PFlashStep */
    uint8_t status;                 /* without the ready bit */
    uint32_t buffer_at;             /* first byte in the array */
    uint32_t buffer_bytes;          /* to be written */
    uint32_t buffer_left;           /* of them, to come */
    uint8_t buffer[PFLASH_BUFFER_MAX];

    /* Runtime */
    uint8_t *array;                 /* the content */
    uint32_t bytes;                 /* of it */
    uint8_t query[PFLASH_QUERY_BYTES];
    bool readonly;                  /* the drive is */

    /* Runtime: writing to the drive */
    unsigned long *dirty;           /* a bit a page; NULL: no drive */
    bool busy;                      /* some page has not reached the drive */
    bool stalled;                   /* a write failed, the VM stops */
    uint8_t fail_status;            /* what a failing write sets */
    AioBH *store_bh;
    uint8_t *bounce;                /* of the request in flight */
    struct { uint32_t at, bytes; } request;
    IoVec iov;
    BlockAcctCookie acct;
    VMStateChangeEntry *vm_change;
};

/* Status register (28F128J3 data sheet, table "Status Register Definitions") */
#define PFLASH_SR_READY     BIT(7)
#define PFLASH_SR_ERASE     BIT(5)  /* erase or unlock failed */
#define PFLASH_SR_PROGRAM   BIT(4)  /* program or lock failed */
#define PFLASH_SR_LOCKED    BIT(1)  /* it was protected */

/* ---- pflash_cfi01-store.c: the way to the drive; for the device ---- */

/* Read all of the drive into the array. */
bool pflash_store_load(PFlashCFI01 *s, Error **errp);
void pflash_store_init(PFlashCFI01 *s);
void pflash_store_cleanup(PFlashCFI01 *s);
/*
 * pflash_store_changed: these bytes of the array changed: write them soon,
 * from the main loop; busy until then. @fail: status bits if that fails.
 */
void pflash_store_changed(PFlashCFI01 *s, uint32_t at, uint32_t bytes,
                          uint8_t fail);

#endif
