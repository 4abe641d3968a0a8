/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "raw": the file as it is, or a window of it (offset, size). */
#include "util/osdep.h"
#include "block-internal.h"

typedef struct RawState {
    int64_t offset;                 /* bytes */
    int64_t size;                   /* -1: to the end of the file */
} RawState;

static bool raw_open(BlockDriverState *bs, BlockdevOptions *options,
                     Error **errp)
{
    BlockdevOptionsRaw *o = &options->u.raw;
    RawState *s = bs->opaque;
    int64_t file_size;

    s->offset = o->has_offset ? o->offset : 0;
    s->size = o->has_size ? o->size : -1;
    if (!bdrv_open_file_child(bs, o->file, s->offset || s->size >= 0 ?
                              BDRV_CHILD_DATA : BDRV_CHILD_FILTERED, errp)) {
        return false;
    }
    file_size = bdrv_get_length(bs->file->bs);
    if (s->offset < 0 || s->offset > file_size) {
        error_setg(errp, "The offset (%" PRId64 ") is outside of the file, "
                   "which has %" PRId64 " bytes", s->offset, file_size);
        return false;
    }
    if (o->has_size && (s->size < 0 || s->size > file_size - s->offset)) {
        error_setg(errp, "The sum of offset (%" PRId64 ") and size (%" PRId64
                   ") has to be smaller or equal to the actual size of the "
                   "containing file (%" PRId64 ")", s->offset, s->size,
                   file_size);
        return false;
    }
    return true;
}

static int64_t raw_get_length(BlockDriverState *bs)
{
    RawState *s = bs->opaque;

    return s->size >= 0 ? s->size :
           bdrv_get_length(bs->file->bs) - s->offset;
}

static int coroutine_fn raw_co_preadv(BlockDriverState *bs, int64_t offset,
                                      int64_t bytes, IoVec *iov)
{
    RawState *s = bs->opaque;

    return bdrv_co_preadv(bs->file->bs, offset + s->offset, iov, 0);
}

static int coroutine_fn raw_co_pwritev(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov, int flags)
{
    RawState *s = bs->opaque;

    if (s->size >= 0 && offset + bytes > s->size) {
        return -ENOSPC;
    }
    return bdrv_co_pwritev(bs->file->bs, offset + s->offset, iov, flags);
}

static int coroutine_fn raw_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    RawState *s = bs->opaque;

    return bdrv_co_pdiscard(bs->file->bs, offset + s->offset, bytes);
}

static int coroutine_fn raw_co_pwrite_zeroes(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             int flags)
{
    RawState *s = bs->opaque;

    return bdrv_co_pwrite_zeroes(bs->file->bs, offset + s->offset, bytes,
                                 flags);
}

static int coroutine_fn raw_co_block_status(BlockDriverState *bs,
                                            bool want_zero, int64_t offset,
                                            int64_t bytes, BdrvStatus *st)
{
    RawState *s = bs->opaque;

    *st = (BdrvStatus) { .pnum = bytes, .map = offset + s->offset,
                         .file = bs->file->bs };
    return BDRV_BLOCK_RAW | BDRV_BLOCK_OFFSET_VALID;
}

static bool raw_can_grow(const BlockDriverState *bs)
{
    const RawState *s = bs->opaque;

    return s->size < 0 && bdrv_can_grow(bs->file->bs);
}

static int coroutine_fn raw_co_truncate(BlockDriverState *bs, int64_t size,
                                        bool exact, PreallocMode prealloc,
                                        int flags, Error **errp)
{
    RawState *s = bs->opaque;

    if (s->size >= 0) {
        error_setg(errp, "Cannot resize fixed-size raw disks");
        return -ENOTSUP;
    }
    return bdrv_co_truncate(bs->file->bs, size + s->offset, exact, prealloc,
                            flags, errp);
}

static const BdrvCreateOption raw_create_options[] = {
    { "size", BDRV_OPTION_SIZE, NULL, "Virtual disk size" },
    { NULL },
};

static const BlockDriver raw_driver = {
    .name = "raw",
    .instance_size = sizeof(RawState),
    .is_format = true,
    .open = raw_open,
    .get_length = raw_get_length,
    .co_preadv = raw_co_preadv,
    .co_pwritev = raw_co_pwritev,
    .co_pdiscard = raw_co_pdiscard,
    .co_pwrite_zeroes = raw_co_pwrite_zeroes,
    .co_block_status = raw_co_block_status,
    .co_truncate = raw_co_truncate,
    .can_grow = raw_can_grow,
    .create_options = raw_create_options,
    .create = bdrv_create_file,
    .supported_write_flags = BDRV_REQ_FUA,
};

static void raw_init(void)
{
    bdrv_register_driver(&raw_driver);
}
type_init(raw_init)
