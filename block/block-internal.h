/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the drivers and the core of the block layer: nodes, edges, drivers.
 *
 * An edge (BdrvChild) leads from a parent, which is a node or a BlockBackend,
 * to a child node and carries the rights that the parent takes and those that
 * it leaves to others. The rights of all edges into a node must fit together;
 * a node derives from them what it needs of its own children.
 */
#ifndef BLOCK_INTERNAL_H
#define BLOCK_INTERNAL_H

#include "block/block-backend.h"
#include "block/create.h"
#include "block/image.h"
#include "block/io-internal.h"
#include "block/throttle-internal.h"
#include "util/queue.h"

struct BdrvChild {
    BlockDriverState *bs;           /* holds a reference */
    BlockDriverState *parent;       /* NULL: a BlockBackend */
    BlockBackend *blk;              /* NULL: a node */
    char *name;                     /* "file", "backing", "root" */
    BdrvChildRole role;
    uint64_t perm, shared;          /* BlkPerm */
    bool quiesced;                  /* the parent was told to pause */
    LIST_ENTRY(BdrvChild) next_parent;      /* on bs->parents */
    LIST_ENTRY(BdrvChild) next_child;       /* on parent->children */
};

typedef struct BlockLimits {
    uint32_t request_alignment;     /* bytes, of offset and length */
    uint32_t mem_alignment;         /* bytes, of buffers; 1: any */
    uint32_t max_transfer;          /* bytes; 0: no limit */
    int64_t max_pwrite_zeroes;      /* bytes; 0: no limit */
    int64_t max_pdiscard;           /* bytes; 0: no limit */
    uint32_t pwrite_zeroes_alignment;       /* bytes; 0: request_alignment */
    uint32_t pdiscard_alignment;    /* bytes; 0: request_alignment */
    uint32_t discard_granularity;   /* bytes; 0: unknown */
    int max_iov;
} BlockLimits;

/* What all nodes have among their options. */
typedef struct BdrvAccess {
    bool read_only, auto_read_only, force_share;
    bool no_flush, direct;
    bool discard_unmap;
    BlockdevDetectZeroesOptions detect_zeroes;
} BdrvAccess;

typedef struct BdrvChildRefs {
    BlockdevRef *file, *data_file;
    BlockdevRefOrNull **backing;    /* NULL: the driver has no backing files */
} BdrvChildRefs;

/* What a node is about to become. */
typedef struct BdrvReopen {
    BlockdevOptions *options;       /* NULL: all but @access stays */
    BdrvAccess access;
    BlockDriverState *file;         /* the child it will have, or NULL */
} BdrvReopen;

/* Where data are copied from or to (copy-range.c). */
typedef struct BdrvPlace {
    BlockDriverState *bs;
    int64_t offset;
} BdrvPlace;

/*
 * Requests: offset and length are within the node and aligned to the limits.
 * 0 or -errno. Context: coroutine; a node's requests may come from several
 * threads at once.
 */
struct BlockDriver {
    const char *name;               /* of the schema */
    size_t instance_size;
    bool is_format;                 /* needs a child "file" */
    bool is_filter;                 /* shows a child's data as they are */
    bool supports_backing;
    bool new_is_noise;              /* what was never written is not zeros */

    /* ---- Names and content ---- */

    /* Prefixes of file names that are this driver's, with ':'; NULL ends. */
    const char *const *protocols;
    /* @filename to members of the driver's options. */
    bool (*parse_filename)(const char *filename, struct json_object *options,
                           Error **errp);
    /* Replace older names of members; options that are wrong stay as they are. */
    void (*complete_options)(struct json_object *options);
    /* 0 (not mine) to 100 (surely), from the first bytes of the file. */
    int (*probe)(const uint8_t *buf, size_t bytes);

    /* ---- New images (create.c) ---- */

    const BdrvCreateOption *create_options; /* in the order of showing */
    /* Make @filename; @options has checked values, all strings. A format makes
     * the file by bdrv_create_file(). NULL: cannot be made. */
    bool (*create)(const char *filename, struct json_object *options,
                   Error **errp);

    /* ---- Life ---- */

    bool (*open)(BlockDriverState *bs, BlockdevOptions *options, Error **errp);
    void (*close)(BlockDriverState *bs);

    /* ---- Other options (reopen.c). The node is drained ---- */

    /* The members of @o that name children. NULL: it has none. */
    void (*child_refs)(BlockdevOptions *o, BdrvChildRefs *refs);
    /* Refuse, or get ready; then commit or abort follows. The node still is as
     * it was. NULL: it cannot be reopened. */
    bool (*reopen_prepare)(BlockDriverState *bs, const BdrvReopen *r,
                           Error **errp);
    void (*reopen_commit)(BlockDriverState *bs);
    void (*reopen_abort)(BlockDriverState *bs);

    /* ---- Facts ---- */

    int64_t (*get_length)(BlockDriverState *bs);        /* bytes or -errno */
    void (*refresh_limits)(BlockDriverState *bs);
    /* A write past the end makes it longer. NULL: it does not. */
    bool (*can_grow)(const BlockDriverState *bs);
    int64_t (*get_allocated_size)(BlockDriverState *bs);
    uint32_t (*get_cluster_size)(BlockDriverState *bs); /* bytes; 0: none */
    bool (*is_dirty)(BlockDriverState *bs);     /* was not closed well */

    /* ---- Rights (perm.c) ---- */

    /* NULL: bdrv_default_child_perm() */
    void (*child_perm)(BlockDriverState *bs, BdrvChild *c, uint64_t perm,
                       uint64_t shared, uint64_t *nperm, uint64_t *nshared);
    /* Refuse, or get ready for @perm without giving up what is held. Then
     * set_perm or abort_perm follows. */
    bool (*check_perm)(BlockDriverState *bs, uint64_t perm, uint64_t shared,
                       Error **errp);
    void (*set_perm)(BlockDriverState *bs, uint64_t perm, uint64_t shared);
    void (*abort_perm)(BlockDriverState *bs);

    /* ---- Stored bitmaps (block/dirty-bitmap.h). Main thread ---- */

    /* Refuse a new persistent one that could not be stored. NULL: none can. */
    bool (*can_store_bitmap)(BlockDriverState *bs, const char *name,
                             uint32_t granularity, Error **errp);
    /* Remove the stored one, if there is one. */
    bool (*remove_stored_bitmap)(BlockDriverState *bs, const char *name,
                                 Error **errp);

    /* ---- Quiet (drain.c) ---- */

    /* Stop making requests of its own; go on. */
    void (*drained_begin)(BlockDriverState *bs);
    void (*drained_end)(BlockDriverState *bs);

    /* ---- For tests (blkdebug.c, block/block-io.h) ---- */

    void coroutine_fn (*co_debug_event)(BlockDriverState *bs,
                                        BlkdebugEvent event);
    int (*debug_break)(BlockDriverState *bs, const char *event,
                       const char *tag);
    int (*debug_remove_break)(BlockDriverState *bs, const char *tag);
    int (*debug_resume)(BlockDriverState *bs, const char *tag);
    bool (*debug_is_suspended)(BlockDriverState *bs, const char *tag);

    /* ---- Requests ---- */

    int coroutine_fn (*co_preadv)(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes, IoVec *iov);
    /* @flags: BDRV_REQ_FUA only if supported_write_flags has it. */
    int coroutine_fn (*co_pwritev)(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, IoVec *iov, int flags);
    int supported_write_flags;
    /* bdrv_co_pack(); NULL: what co_pwritev_compressed gets is not packed. */
    int coroutine_fn (*co_pack)(BlockDriverState *bs, const IoVec *iov,
                                bool skip_zeroes, BdrvPacked **packed);
    /* Whole clusters (the last of the image may be shorter). */
    int coroutine_fn (*co_pwritev_compressed)(BlockDriverState *bs,
                                              int64_t offset, int64_t bytes,
                                              IoVec *iov,
                                              const BdrvPacked *packed);
    /* What is kept in memory goes to the children; then co_flush: they put it
     * on the disk (NULL: just that). */
    int coroutine_fn (*co_flush_to_file)(BlockDriverState *bs);
    int coroutine_fn (*co_flush)(BlockDriverState *bs);
    int coroutine_fn (*co_pdiscard)(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes);
    /* -ENOTSUP: write zeros instead */
    int coroutine_fn (*co_pwrite_zeroes)(BlockDriverState *bs, int64_t offset,
                                         int64_t bytes, int flags);
    /*
     * bdrv_co_copy_range(), with its results; NULL: -EXDEV.
     * from: who knows where its data are goes on with bdrv_co_copy_from()
     * there; who has them, with bdrv_co_copy_to().
     * to: likewise; who gets them copies, if it knows the driver of @from.
     */
    int coroutine_fn (*co_copy_from)(BlockDriverState *bs, int64_t offset,
                                     int64_t bytes, const BdrvPlace *to,
                                     int flags);
    int coroutine_fn (*co_copy_to)(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, const BdrvPlace *from,
                                   int flags);
    /* BDRV_BLOCK_* of the first bytes; @st->pnum > 0. Without @want_zero it
     * need not look for zeros. NULL: all is data. */
    int coroutine_fn (*co_block_status)(BlockDriverState *bs, bool want_zero,
                                        int64_t offset, int64_t bytes,
                                        BdrvStatus *st);
    int coroutine_fn (*co_truncate)(BlockDriverState *bs, int64_t size,
                                    bool exact, PreallocMode prealloc,
                                    int flags, Error **errp);

    /* ---- Images (block/image.h has what they do) ---- */

    /* co_change_backing: record the name and format; NULL: none. -ENOSPC: no
     * room in the header. Sets bs->backing_file, bs->backing_format. */
    int coroutine_fn (*co_change_backing)(BlockDriverState *bs,
                                          const char *filename,
                                          const char *format);
    /* Drop all clusters. */
    int coroutine_fn (*co_make_empty)(BlockDriverState *bs);
    /* Adds to @result; @fix: BDRV_FIX_*. -errno: it could not go on. */
    int coroutine_fn (*co_check)(BlockDriverState *bs, BdrvCheckResult *result,
                                 int fix);
    int coroutine_fn (*co_amend)(BlockDriverState *bs, const BdrvAmend *amend,
                                 Error **errp);
    ImageInfoSpecific *(*get_specific_info)(BlockDriverState *bs,
                                            Error **errp);
    BlockMeasureInfo *(*measure)(struct json_object *options,
                                 BlockDriverState *in, Error **errp);
    /* Snapshots in the image. Of @facts the driver takes what it can keep;
     * @id is an exact one of the list. */
    int coroutine_fn (*co_snapshot_create)(BlockDriverState *bs,
                                           const BdrvSnapshot *facts,
                                           Error **errp);
    int coroutine_fn (*co_snapshot_goto)(BlockDriverState *bs, const char *id,
                                         Error **errp);
    int coroutine_fn (*co_snapshot_delete)(BlockDriverState *bs,
                                           const char *id, Error **errp);
    int coroutine_fn (*co_snapshot_load_tmp)(BlockDriverState *bs,
                                             const char *id, Error **errp);
    /* Adds BdrvSnapshot * to @list. */
    void (*snapshot_list)(BlockDriverState *bs, GPtrArray *list);
};

struct BlockDriverState {
    const BlockDriver *drv;
    void *opaque;                   /* drv->instance_size bytes */
    char *node_name;
    char *filename;
    unsigned refcnt;
    unsigned depth;                 /* nodes on the longest way down */
    BdrvOpenFlags open_flags;
    bool monitor_owned;             /* holds a reference; blockdev-del */

    bool read_only, auto_read_only, force_share;
    bool no_flush, direct;
    bool discard_unmap;
    /* As raw, because nothing else was found: the first sector is watched, and
     * written as a whole. */
#define BDRV_PROBED_ALIGNMENT 512
    bool probed;
    bool encrypted;
    bool reopening;                 /* for the text of an error */
    BlockdevDetectZeroesOptions detect_zeroes;

    LIST_HEAD(, BdrvChild) children;
    LIST_HEAD(, BdrvChild) parents;
    BdrvChild *file;                /* the child "file" of a format */
    BdrvChild *backing;             /* the child "backing" */
    char *backing_file, *backing_format;    /* as the image names it */
    bool backing_overridden;        /* the user chose another, or none */
    BlockLimits limits;
    int64_t total_bytes;            /* length; changes by truncate */
    AioContext *ctx;
    unsigned in_flight;             /* atomic */
    unsigned quiesce;               /* drained sections; atomic */
    uint64_t wr_highest_offset;     /* bytes */
    uint64_t write_threshold;       /* bytes; 0: none; atomic */
    /* Of discards that the driver was asked for; updated atomically: */
    uint64_t discards_ok, discards_failed, discard_bytes_ok;
    uint64_t write_gen, flushed_gen;        /* atomic; equal: nothing to do */

    GMutex dirty_lock;              /* of the bits of all bitmaps */
    LIST_HEAD(, BdrvDirtyBitmap) dirty_bitmaps;
    CoMutex tracked_lock;           /* of the list and the count */
    LIST_HEAD(, BdrvTracked) tracked;
    unsigned serialising;           /* of @tracked */
    TAILQ_ENTRY(BlockDriverState) next;
};

/* bdrv_co_debug_event: tell a test driver, if @bs is one. */
static inline void coroutine_fn bdrv_co_debug_event(BlockDriverState *bs,
                                                    BlkdebugEvent event)
{
    if (bs->drv->co_debug_event) {
        bs->drv->co_debug_event(bs, event);
    }
}

/* copy-range.c, for drivers on the way. Results: bdrv_co_copy_range(). */
int coroutine_fn bdrv_co_copy_from(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, const BdrvPlace *to,
                                   int flags);
int coroutine_fn bdrv_co_copy_to(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, const BdrvPlace *from,
                                 int flags);

/* write-threshold.c. Note that a write went to @end. Context: any thread. */
void bdrv_write_threshold_check(BlockDriverState *bs, int64_t end);

void bdrv_register_driver(const BlockDriver *drv);

typedef TAILQ_HEAD(BdrvList, BlockDriverState) BdrvList;
extern BdrvList bdrv_nodes;

/* How many requests took how long: bins[i] has those below boundaries[i] and
 * not below the one before. */
typedef struct BlkHistogram {
    unsigned num;                   /* boundaries; there is a bin more */
    uint64_t *boundaries, *bins;    /* ns, rising; NULL: not wanted */
} BlkHistogram;

/* block-backend.c, for QMP */
struct BlockBackend {
    char *name;
    unsigned refcnt;
    BdrvChild *root;                /* NULL: no medium */
    uint64_t perm, shared;
    AioContext *ctx;
    Object *dev;                    /* attached; a weak pointer */
    const BlockDevOps *ops;
    void *ops_opaque;
    bool write_cache;
    BlkOnError on_read_error, on_write_error;
    ThrottleMember throttle;
    unsigned in_flight;             /* atomic */
    unsigned quiesce;               /* drained sections; atomic */
    bool no_queue;                  /* its requests are part of what drains */
    GMutex queue_lock;              /* of the queue */
    GQueue queued;                  /* coroutines, while drained */
    bool io_failed, io_nospace;     /* io-status */
    GMutex stats_lock;
    uint64_t bytes[BLOCK_ACCT__MAX], ops_done[BLOCK_ACCT__MAX];
    uint64_t failed[BLOCK_ACCT__MAX], invalid[BLOCK_ACCT__MAX];
    uint64_t merged[BLOCK_ACCT__MAX];
    int64_t total_ns[BLOCK_ACCT__MAX], last_access_ns;
    bool account_invalid, account_failed;
    BlkHistogram histograms[BLOCK_ACCT__MAX];
    TAILQ_ENTRY(BlockBackend) next;
};
typedef TAILQ_HEAD(BlkList, BlockBackend) BlkList;
extern BlkList blk_backends;
/* throttle-blk.c. @id: that of -device, or a path. */
BlockBackend *blk_find_by_device(const char *id);

/* throttle-blk.c. @group: NULL: the one it is in, else its own name. */
bool blk_set_throttling(BlockBackend *blk, const char *group,
                        const ThrottleConfig *cfg, Error **errp);
void blk_throttling_info(const BlockBackend *blk, BlockDeviceInfo *info);

#include "graph-internal.h"

#endif
