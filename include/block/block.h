/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block graph, as seen from outside: opening and closing nodes by name,
 * and the constants that requests share. Devices use block/block-backend.h,
 * drivers in block/ use block/block-internal.h.
 *
 * A node (BlockDriverState) is an instance of a driver: a protocol (file), a
 * format (raw) or a filter. Nodes are reference counted; a node that the user
 * made by -blockdev or blockdev-add holds one reference of the monitor.
 *
 * Threading: the graph changes in the main thread with the big lock held;
 * requests run in the node's AioContext.
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include "qapi/qapi-types-block-core.h"
#include "qapi/qapi-types-block-drive.h"
#include "qapi/qapi-types-block-info.h"
#include "util/error.h"
#include "util/iov.h"

typedef struct BlockDriverState BlockDriverState;
typedef struct BlockDriver BlockDriver;
typedef struct BdrvChild BdrvChild;
struct json_object;

/* Offsets are what fits an off_t after rounding up to any alignment. */
#define BDRV_MAX_ALIGNMENT (1 << 30)
#define BDRV_MAX_LENGTH    (INT64_MAX / BDRV_MAX_ALIGNMENT * BDRV_MAX_ALIGNMENT)
/* One request moves at most this (what an int of bytes can say). */
#define BDRV_REQUEST_MAX_BYTES ((int64_t)INT32_MAX / 512 * 512)

typedef enum BdrvRequestFlags {
    BDRV_REQ_FUA          = 1 << 0, /* durable before it completes */
    BDRV_REQ_MAY_UNMAP    = 1 << 1, /* write zeroes: may make a hole */
    BDRV_REQ_NO_FALLBACK  = 1 << 2, /* write zeroes: -ENOTSUP if not fast */
    BDRV_REQ_SERIALISING  = 1 << 3, /* no overlapping request meanwhile */
    BDRV_REQ_NO_WAIT      = 1 << 4, /* with it: -EBUSY rather than wait */
    BDRV_REQ_WRITE_UNCHANGED = 1 << 5,  /* data is what is there already */
} BdrvRequestFlags;

/* Rights on a child, and rights it lets others have. The values are those of
 * the locks on image files (byte 100 + bit, 200 + bit). */
typedef enum BlkPerm {
    BLK_PERM_CONSISTENT_READ = 1 << 0,
    BLK_PERM_WRITE           = 1 << 1,
    BLK_PERM_WRITE_UNCHANGED = 1 << 2,
    BLK_PERM_RESIZE          = 1 << 3,
    BLK_PERM_ALL             = 0xf,
} BlkPerm;

/* What a child is for. */
typedef enum BdrvChildRole {
    BDRV_CHILD_DATA     = 1 << 0,
    BDRV_CHILD_METADATA = 1 << 1,
    BDRV_CHILD_FILTERED = 1 << 2,   /* same content as the parent */
    BDRV_CHILD_COW      = 1 << 3,   /* backing file */
    BDRV_CHILD_PRIMARY  = 1 << 4,
    BDRV_CHILD_IMAGE = BDRV_CHILD_DATA | BDRV_CHILD_METADATA,
} BdrvChildRole;

/* Answers of block status. */
enum {
    BDRV_BLOCK_DATA         = 1 << 0,
    BDRV_BLOCK_ZERO         = 1 << 1,
    BDRV_BLOCK_OFFSET_VALID = 1 << 2,
    BDRV_BLOCK_RAW          = 1 << 3,   /* ask the child at the same offset */
    BDRV_BLOCK_ALLOCATED    = 1 << 4,
    BDRV_BLOCK_EOF          = 1 << 5,
    BDRV_BLOCK_RECURSED     = 1 << 6,   /* holes below are known */
    BDRV_BLOCK_COMPRESSED   = 1 << 7,
};

typedef enum BdrvOpenFlags {
    BDRV_O_NO_BACKING = 1 << 0, /* not the backing files that headers name */
    BDRV_O_NO_IO      = 1 << 1, /* only facts: keys need not be there */
    BDRV_O_CHECK      = 1 << 2, /* to be checked: damage is no reason to fail */
} BdrvOpenFlags;

/* bdrv_open: make a node (and, recursively, its children). One reference. */
BlockDriverState *bdrv_open(BlockdevOptions *options, Error **errp);
/*
 * bdrv_open_image: make the nodes that a file name stands for: a path, a name
 * with a protocol ("nbd:..."), or "json:{...}".
 * @format: driver for the content; NULL: found out from it
 * @extra: further members of the format's BlockdevOptions; those on access and
 *     caches go to the file, too. NULL: none
 * @proto: further members for the file's node. NULL: none
 */
BlockDriverState *bdrv_open_image(const char *filename, const char *format,
                                  struct json_object *extra,
                                  struct json_object *proto,
                                  BdrvOpenFlags flags, Error **errp);
/*
 * bdrv_reopen_options: the same node, with the same children, but those options
 * of the format instead of the ones it has; members are added to @options. A
 * file that only it knows follows. Main thread, big lock.
 */
bool bdrv_reopen_options(BlockDriverState *bs, struct json_object *options,
                         Error **errp);
/*
 * bdrv_open_options: make nodes by the members of BlockdevOptions, of JSON
 * types or strings. Without "driver" the format is found out. @options is
 * changed.
 */
BlockDriverState *bdrv_open_options(struct json_object *options,
                                    BdrvOpenFlags flags, Error **errp);
void bdrv_ref(BlockDriverState *bs);
void bdrv_unref(BlockDriverState *bs);

BlockDriverState *bdrv_find_node(const char *node_name);
/* bdrv_lookup: by the name of a -drive, which has a medium, or of a node;
 * either may be NULL. */
BlockDriverState *bdrv_lookup(const char *device, const char *node_name,
                              Error **errp);
const char *bdrv_get_node_name(const BlockDriverState *bs);
const char *bdrv_get_format_name(const BlockDriverState *bs);
const char *bdrv_get_filename(const BlockDriverState *bs);
bool bdrv_is_read_only(const BlockDriverState *bs);
/* bdrv_get_length: bytes, or -errno. */
int64_t bdrv_get_length(BlockDriverState *bs);

/*
 * drive_add: a -drive argument. if=none makes a BlockBackend that a device
 * binds by "drive=ID"; if=virtio also fills *@device (a JSON object for
 * device_add), else that is NULL; if=pflash leaves its name for the machine.
 */
typedef struct DriveOptions DriveOptions;           /* schema: options */
/* drive_set_snapshot: -snapshot: what comes has snapshot=on. */
void drive_set_snapshot(void);
bool drive_add(const DriveOptions *options, struct json_object **device,
               Error **errp);

/* drive_get_flash: id of the drive for a machine's flash; NULL: none. */
const char *drive_get_flash(unsigned unit);
/* drive_check_flash: the machine is there: it has taken all of them. */
bool drive_check_flash(Error **errp);

/* block_cleanup: at exit: drain, flush and close all. */
void block_cleanup(void);

/* bdrv_drain_all: no request is in flight anywhere when it returns.
 * The begin/end pair keeps it that way in between. */
void bdrv_drain_all(void);
void bdrv_drain_all_begin(void);
void bdrv_drain_all_end(void);
/* bdrv_flush_all: 0 or the first -errno. */
int bdrv_flush_all(void);

#endif
