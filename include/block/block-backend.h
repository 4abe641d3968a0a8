/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BlockBackend: a device's end of the block graph. It holds the root node, the
 * rights the device needs, its AioContext, the error policy, the write cache
 * setting and the statistics.
 *
 * Life cycle: -drive makes one with a name; "drive=NODE" on a device makes an
 * anonymous one. The device attaches in realize (blk_attach_dev, perms), sets
 * its ops, and detaches in unrealize after blk_drain().
 *
 * Threading: the request functions are for the home of the backend's
 * AioContext; completions run there. All else needs the big lock.
 * blk_set_aio_context() moves backend and nodes, drained.
 *
 * A completed request gives 0 (reads and writes too) or -errno. Offsets may
 * come from a guest: what does not fit the image gives -EIO.
 */
#ifndef BLOCK_BLOCK_BACKEND_H
#define BLOCK_BLOCK_BACKEND_H

#include "block/block.h"
#include "util/coroutine.h"
#include "qom/object.h"
#include "qom/property.h"

typedef struct BlockBackend BlockBackend;
typedef struct BlockAIOCB BlockAIOCB;

typedef void BlockCompletionFn(void *opaque, int ret);

typedef struct BlockDevOps {
    void (*resize_cb)(void *opaque);                /* the image's size */
    /* Stop taking requests from the guest; go on. */
    void (*drained_begin)(void *opaque);
    void (*drained_end)(void *opaque);
    bool (*drained_poll)(void *opaque);             /* true: still busy */
    void (*change_media_cb)(void *opaque, bool load);
    bool (*is_tray_open)(void *opaque);
} BlockDevOps;

/* ---- Creation, binding ---- */

/*
 * blk_new: an empty one. @perm: rights it takes on its root; @shared: those it
 * leaves to others.
 */
BlockBackend *blk_new(AioContext *ctx, uint64_t perm, uint64_t shared);
void blk_ref(BlockBackend *blk);
void blk_unref(BlockBackend *blk);
BlockBackend *blk_find(const char *name);           /* by -drive id */
const char *blk_get_name(const BlockBackend *blk);  /* "" when anonymous */
bool blk_insert_bs(BlockBackend *blk, BlockDriverState *bs, Error **errp);
void blk_remove_bs(BlockBackend *blk);
BlockDriverState *blk_get_bs(BlockBackend *blk);    /* NULL: no medium */
bool blk_set_perm(BlockBackend *blk, uint64_t perm, uint64_t shared,
                  Error **errp);

/* blk_attach_dev: a device, at most one. Fails with the name of the one that
 * has it. */
bool blk_attach_dev(BlockBackend *blk, Object *dev, Error **errp);
void blk_detach_dev(BlockBackend *blk, Object *dev);
Object *blk_get_attached_dev(BlockBackend *blk);
void blk_set_dev_ops(BlockBackend *blk, const BlockDevOps *ops, void *opaque);

/* ---- Facts ---- */

bool blk_is_available(BlockBackend *blk);           /* has a medium */
bool blk_is_writable(BlockBackend *blk);
bool blk_supports_write_perm(BlockBackend *blk);    /* not read-only */
int64_t blk_get_length(BlockBackend *blk);          /* bytes or -errno */
uint32_t blk_get_request_alignment(BlockBackend *blk);
uint32_t blk_get_max_transfer(BlockBackend *blk);   /* bytes */
int blk_get_max_iov(BlockBackend *blk);
bool blk_enable_write_cache(BlockBackend *blk);
void blk_set_enable_write_cache(BlockBackend *blk, bool on);

/* ---- Contexts, draining ---- */

AioContext *blk_get_aio_context(BlockBackend *blk);
bool blk_set_aio_context(BlockBackend *blk, AioContext *ctx, Error **errp);
/* blk_drain: returns when no request of @blk is in flight. Main thread. */
void blk_drain(BlockBackend *blk);
void blk_inc_in_flight(BlockBackend *blk);
void blk_dec_in_flight(BlockBackend *blk);
unsigned blk_get_in_flight(BlockBackend *blk);

/* ---- Requests with a completion function ---- */

/*
 * @iov must stay until the completion, which never runs before the call has
 * returned. The handle is good until then, for blk_aio_cancel_async().
 */
BlockAIOCB *blk_aio_preadv(BlockBackend *blk, int64_t offset, IoVec *iov,
                           int flags, BlockCompletionFn *cb, void *opaque);
BlockAIOCB *blk_aio_pwritev(BlockBackend *blk, int64_t offset, IoVec *iov,
                            int flags, BlockCompletionFn *cb, void *opaque);
BlockAIOCB *blk_aio_flush(BlockBackend *blk, BlockCompletionFn *cb,
                          void *opaque);
BlockAIOCB *blk_aio_pdiscard(BlockBackend *blk, int64_t offset, int64_t bytes,
                             BlockCompletionFn *cb, void *opaque);
BlockAIOCB *blk_aio_pwrite_zeroes(BlockBackend *blk, int64_t offset,
                                  int64_t bytes, int flags,
                                  BlockCompletionFn *cb, void *opaque);
/* blk_aio_cancel_async: try to; the completion still comes, at its time. */
void blk_aio_cancel_async(BlockAIOCB *acb);

/*
 * blk_io_plug, blk_io_unplug: requests in between go to the kernel together.
 * Nests. A pair per batch from a virtqueue; no yield in between.
 */
void blk_io_plug(void);
void blk_io_unplug(void);
/* blk_io_plug_call: run @fn(@opaque), once, at the end of the plug; now when
 * not plugged. For drivers. */
void blk_io_plug_call(void (*fn)(void *opaque), void *opaque);

/* ---- Requests in coroutines ---- */

int coroutine_fn blk_co_preadv(BlockBackend *blk, int64_t offset, IoVec *iov,
                               int flags);
int coroutine_fn blk_co_pwritev(BlockBackend *blk, int64_t offset, IoVec *iov,
                                int flags);
int coroutine_fn blk_co_flush(BlockBackend *blk);
int coroutine_fn blk_co_pdiscard(BlockBackend *blk, int64_t offset,
                                 int64_t bytes);
int coroutine_fn blk_co_pwrite_zeroes(BlockBackend *blk, int64_t offset,
                                      int64_t bytes, int flags);
/* blk_co_copy_range: bdrv_co_copy_range() (block/block-io.h). */
int coroutine_fn blk_co_copy_range(BlockBackend *src, int64_t src_offset,
                                   BlockBackend *dst, int64_t dst_offset,
                                   int64_t bytes, int flags);
int coroutine_fn blk_co_truncate(BlockBackend *blk, int64_t size, bool exact,
                                 PreallocMode prealloc, int flags,
                                 Error **errp);

/* ---- Requests that wait. Main thread, not in a coroutine. ---- */

int blk_pread(BlockBackend *blk, int64_t offset, void *buf, int64_t bytes);
int blk_pwrite(BlockBackend *blk, int64_t offset, const void *buf,
               int64_t bytes, int flags);
int blk_flush(BlockBackend *blk);
int blk_truncate(BlockBackend *blk, int64_t size, Error **errp);

/* ---- Error policy: rerror=, werror= ---- */

typedef enum BlkOnError {
    BLK_ON_ERROR_REPORT,
    BLK_ON_ERROR_IGNORE,
    BLK_ON_ERROR_ENOSPC,          /* stop when the disk is full, else report */
    BLK_ON_ERROR_STOP,
    BLK_ON_ERROR_AUTO,            /* werror: enospc, rerror: report */
} BlkOnError;

typedef enum BlkErrorAction {
    BLK_ERROR_REPORT,
    BLK_ERROR_IGNORE,
    BLK_ERROR_STOP,
} BlkErrorAction;

void blk_set_on_error(BlockBackend *blk, BlkOnError on_read,
                      BlkOnError on_write);
BlkErrorAction blk_get_error_action(BlockBackend *blk, bool is_read,
                                      int error);
/*
 * blk_error_action: carry it out: send BLOCK_IO_ERROR, stop the VM. A device
 * keeps the request and repeats it when the VM runs again. Any thread.
 */
void blk_error_action(BlockBackend *blk, BlkErrorAction action, bool is_read,
                      int error);
/* blk_reset_io_status_all: forget failures, for when the VM goes on. */
void blk_reset_io_status_all(void);
/* blk_set_stop_handler: how to stop the VM with reason "io-error", set by the
 * process. */
void blk_set_stop_handler(void (*stop)(void));

/* ---- Statistics (query-blockstats) ---- */

typedef enum BlockAcctType {
    BLOCK_ACCT_READ,
    BLOCK_ACCT_WRITE,
    BLOCK_ACCT_FLUSH,
    BLOCK_ACCT_UNMAP,
    BLOCK_ACCT__MAX,
} BlockAcctType;

typedef struct BlockAcctCookie {
    int64_t bytes;
    int64_t start_ns;
    BlockAcctType type;
} BlockAcctCookie;

void blk_acct_start(BlockBackend *blk, BlockAcctCookie *c, int64_t bytes,
                    BlockAcctType type);
void blk_acct_done(BlockBackend *blk, BlockAcctCookie *c);
void blk_acct_failed(BlockBackend *blk, BlockAcctCookie *c);
void blk_acct_invalid(BlockBackend *blk, BlockAcctType type);

/* ---- Properties of disks ---- */

/* "drive": BlockBackend *, named by -drive id or node-name. */
extern const PropertyInfo prop_info_drive;
#define PROP_DRIVE(n, S, f, h)                                                 \
    PROP_ROW(n, S, f, prop_info_drive, BlockBackend *, .help = (h))

extern const PropertyInfo prop_info_blocksize, prop_info_on_error;

typedef struct BlockConf {
    BlockBackend *blk;
    uint32_t physical_block_size;   /* 0: as the host's */
    uint32_t logical_block_size;
    uint32_t min_io_size;
    uint32_t opt_io_size;
    uint32_t discard_granularity;   /* UINT32_MAX: choose */
    int32_t bootindex;
    bool share_rw;
    int write_cache;                /* OnOffAuto */
    int rerror, werror;             /* BlkOnError */
    int account_invalid, account_failed;            /* OnOffAuto */
} BlockConf;

/* Rows every disk has; @f is a BlockConf. */
#define BLOCK_PROPS(S, f)                                                      \
    PROP_DRIVE("drive", S, f.blk, "node name of a -blockdev, or id of a "      \
               "-drive"),                                                      \
    PROP_CUSTOM("logical_block_size", S, f.logical_block_size,                 \
                prop_info_blocksize, "bytes; a power of 2 from 512 to 2M; "    \
                "default: 512, or the host's with direct I/O"),                \
    PROP_CUSTOM("physical_block_size", S, f.physical_block_size,               \
                prop_info_blocksize, "bytes; a power of 2 from 512 to 2M; "    \
                "default: the logical block size"),                            \
    PROP_SIZE32("min_io_size", S, f.min_io_size, 0,                            \
                "bytes of the smallest good transfer; 0: not told"),           \
    PROP_SIZE32("opt_io_size", S, f.opt_io_size, 0,                            \
                "bytes of the best transfer; 0: not told"),                    \
    PROP_SIZE32("discard_granularity", S, f.discard_granularity, UINT32_MAX,   \
                "bytes; what discards are rounded to; 0: no discard"),         \
    PROP_ON_OFF_AUTO("write-cache", S, f.write_cache, 0,                       \
                     "whether the guest sees a volatile write cache; auto: "   \
                     "as the drive's cache mode"),                             \
    PROP_BOOL("share-rw", S, f.share_rw, false,                                \
              "allow others to write to the image meanwhile"),                 \
    PROP_ENUM("rerror", S, f.rerror, prop_info_on_error,                       \
              BLK_ON_ERROR_AUTO, "what a failing read does"),                \
    PROP_ENUM("werror", S, f.werror, prop_info_on_error,                       \
              BLK_ON_ERROR_AUTO, "what a failing write does"),               \
    PROP_ON_OFF_AUTO("account-invalid", S, f.account_invalid, 0,               \
                     "whether invalid requests count as a use of the disk; "   \
                     "auto: on"),                                              \
    PROP_ON_OFF_AUTO("account-failed", S, f.account_failed, 0,                 \
                     "whether the time of failed requests counts; auto: on"),  \
    PROP_INT32("bootindex", S, f.bootindex, -1,                                \
               "place in the boot order, from 0; -1: not a boot device")

/*
 * block_conf_realize: for the device's realize: check that there is a drive,
 * fill in sizes, take permissions, set cache and error policy, attach @dev.
 * @readonly: the device cannot write (or the medium cannot: then *@readonly is
 *     set when @allow_ro, else it fails)
 */
bool block_conf_realize(BlockConf *conf, Object *dev, bool *readonly,
                        bool allow_ro, bool resizable, Error **errp);
/* block_conf_unrealize: drain, detach. */
void block_conf_unrealize(BlockConf *conf, Object *dev);

#endif
