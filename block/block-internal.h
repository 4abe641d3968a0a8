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
#include "qapi/qapi-types-block-core.h"
#include "util/queue.h"

struct BdrvChild {
    BlockDriverState *bs;           /* holds a reference */
    BlockDriverState *parent;       /* NULL: a BlockBackend */
    BlockBackend *blk;              /* NULL: a node */
    const char *name;               /* "file", "root" */
    BdrvChildRole role;
    uint64_t perm, shared;          /* BlkPerm */
    LIST_ENTRY(BdrvChild) next_parent;      /* on bs->parents */
    LIST_ENTRY(BdrvChild) next_child;       /* on parent->children */
};

typedef struct BlockLimits {
    uint32_t request_alignment;     /* bytes, of offset and length */
    uint32_t mem_alignment;         /* bytes, of buffers; 1: any */
    uint32_t max_transfer;          /* bytes; 0: no limit */
    int max_iov;
    uint32_t discard_granularity;   /* bytes; 0: unknown */
} BlockLimits;

/* Requests: offset and length are within the node and aligned. 0 or -errno. */
struct BlockDriver {
    const char *name;               /* of the schema */
    size_t instance_size;
    bool is_format;                 /* needs a child "file" */
    bool (*open)(BlockDriverState *bs, BlockdevOptions *options, Error **errp);
    void (*close)(BlockDriverState *bs);
    int64_t (*get_length)(BlockDriverState *bs);        /* bytes or -errno */
    void (*refresh_limits)(BlockDriverState *bs);
    /* The rights of all parents together: refuse, or get ready for them. */
    bool (*set_perm)(BlockDriverState *bs, uint64_t perm, uint64_t shared,
                     Error **errp);
    int coroutine_fn (*co_preadv)(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes, IoVec *iov);
    int coroutine_fn (*co_pwritev)(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, IoVec *iov);
    int coroutine_fn (*co_flush)(BlockDriverState *bs);
    int coroutine_fn (*co_pdiscard)(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes);
    /* -ENOTSUP: write zeros instead */
    int coroutine_fn (*co_pwrite_zeroes)(BlockDriverState *bs, int64_t offset,
                                         int64_t bytes, int flags);
    int coroutine_fn (*co_truncate)(BlockDriverState *bs, int64_t size,
                                    bool exact, Error **errp);
    int64_t (*get_allocated_size)(BlockDriverState *bs);
};

struct BlockDriverState {
    const BlockDriver *drv;
    void *opaque;                   /* drv->instance_size bytes */
    char *node_name;
    char *filename;
    unsigned refcnt;
    bool monitor_owned;             /* holds a reference; blockdev-del */

    bool read_only, auto_read_only, force_share;
    bool no_flush, direct;
    bool discard_unmap;
    BlockdevDetectZeroesOptions detect_zeroes;

    LIST_HEAD(, BdrvChild) children;
    LIST_HEAD(, BdrvChild) parents;
    BdrvChild *file;                /* the child "file" of a format */
    BlockLimits limits;
    int64_t total_bytes;            /* length; changes by truncate */
    AioContext *ctx;
    unsigned in_flight;             /* atomic */
    uint64_t wr_highest_offset;     /* bytes */

    /* Unaligned writes read, change and write: alone among the writes. */
    CoRwlock write_lock;
    TAILQ_ENTRY(BlockDriverState) next;
};

void bdrv_register_driver(const BlockDriver *drv);

typedef TAILQ_HEAD(BdrvList, BlockDriverState) BdrvList;
extern BdrvList bdrv_nodes;

/* ---- Graph ---- */

/*
 * bdrv_attach_child: make an edge from @parent or @blk to @bs, whose reference
 * is given away. NULL when the rights do not fit.
 */
BdrvChild *bdrv_attach_child(BlockDriverState *parent, BlockBackend *blk,
                             BlockDriverState *bs, const char *name,
                             BdrvChildRole role, uint64_t perm, uint64_t shared,
                             Error **errp);
void bdrv_detach_child(BdrvChild *c);
bool bdrv_child_set_perm(BdrvChild *c, uint64_t perm, uint64_t shared,
                         Error **errp);
/* bdrv_open_child: the child @ref of @parent, as "file". */
bool bdrv_open_file_child(BlockDriverState *parent, BlockdevRef *ref,
                          Error **errp);
void bdrv_set_aio_context(BlockDriverState *bs, AioContext *ctx);
char *bdrv_perm_names(uint64_t perm);
int64_t bdrv_get_allocated_file_size(BlockDriverState *bs);

/* ---- Requests ---- */

int coroutine_fn bdrv_co_preadv(BlockDriverState *bs, int64_t offset,
                                IoVec *iov, int flags);
int coroutine_fn bdrv_co_pwritev(BlockDriverState *bs, int64_t offset,
                                 IoVec *iov, int flags);
int coroutine_fn bdrv_co_flush(BlockDriverState *bs);
int coroutine_fn bdrv_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes);
int coroutine_fn bdrv_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, int flags);
int coroutine_fn bdrv_co_truncate(BlockDriverState *bs, int64_t size,
                                  bool exact, Error **errp);

/*
 * Run @fn as a coroutine in @ctx and wait for its result: for what is not a
 * coroutine itself. Main thread, big lock.
 */
typedef int coroutine_fn BdrvRunFn(void *opaque);
int bdrv_run(AioContext *ctx, BdrvRunFn *fn, void *opaque);

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
    unsigned in_flight;             /* atomic */
    bool io_failed;                 /* io-status */
    GMutex stats_lock;
    uint64_t bytes[BLOCK_ACCT__MAX], ops_done[BLOCK_ACCT__MAX];
    uint64_t failed[BLOCK_ACCT__MAX], invalid[BLOCK_ACCT__MAX];
    uint64_t merged[BLOCK_ACCT__MAX];
    int64_t total_ns[BLOCK_ACCT__MAX], last_access_ns;
    TAILQ_ENTRY(BlockBackend) next;
};
typedef TAILQ_HEAD(BlkList, BlockBackend) BlkList;
extern BlkList blk_backends;

#ifdef CONFIG_IO_URING
/*
 * uring.c: one ring for each AioContext, made on first use. Requests of a plug
 * go to the kernel together. Coroutines in their context's home.
 */
bool uring_available(void);
int coroutine_fn uring_co_rw(int fd, int64_t offset, IoVec *iov, bool write);
int coroutine_fn uring_co_fdatasync(int fd);
#endif

#endif
