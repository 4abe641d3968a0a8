/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "preallocate": a filter between a format and a file that grows. When a write
 * goes past the end, the file gets much more space at once, zeroed by the file
 * system; the format sees the length that it wrote to. The rest is cut off
 * when nobody writes any more.
 */
#include "util/osdep.h"
#include "filter-internal.h"
#include "util/log.h"

typedef struct PreallocState {
    int64_t align, size;            /* bytes */
    CoMutex lock;                   /* of what follows */
    int64_t data_end;               /* bytes that users see; -1: as the file */
    int64_t file_end;               /* bytes of the file */
} PreallocState;

static bool prealloc_options(PreallocState *s,
                             const BlockdevOptionsPreallocate *o, Error **errp)
{
    s->align = o->has_prealloc_align ? o->prealloc_align : (int64_t)MiB;
    s->size = o->has_prealloc_size ? o->prealloc_size : (int64_t)(128 * MiB);
    if (s->align < 512 || !IS_POWER_OF_2(s->align) || s->align > GiB) {
        error_setg(errp, "prealloc-align parameter of preallocate filter is "
                   "not a power of 2 from 512 to 1G: %" PRId64, s->align);
        return false;
    }
    if (s->size < 0 || s->size > BDRV_MAX_LENGTH / 2) {
        error_setg(errp, "prealloc-size is out of range: %" PRId64, s->size);
        return false;
    }
    return true;
}

static bool prealloc_open(BlockDriverState *bs, BlockdevOptions *options,
                          Error **errp)
{
    BlockdevOptionsPreallocate *o = &options->u.preallocate;
    PreallocState *s = bs->opaque;

    s->data_end = -1;
    co_mutex_init(&s->lock);
    return prealloc_options(s, o, errp) && bdrv_filter_open(bs, o->file, errp);
}

static int64_t prealloc_get_length(BlockDriverState *bs)
{
    PreallocState *s = bs->opaque;

    return s->data_end >= 0 ? s->data_end : bdrv_get_length(bs->file->bs);
}

/* More space, if the file system has a fast way; the lock is held. */
static void coroutine_fn prealloc_extend(BlockDriverState *bs, int64_t end)
{
    PreallocState *s = bs->opaque;
    int64_t want = ROUND_UP(end + s->size, s->align);

    if (s->data_end < 0) {
        s->data_end = s->file_end = bdrv_get_length(bs->file->bs);
    }
    if (end > s->file_end &&
        bdrv_co_pwrite_zeroes(bs->file->bs, s->file_end, want - s->file_end,
                              BDRV_REQ_NO_FALLBACK) >= 0) {
        s->file_end = want;
    }
    s->data_end = MAX(s->data_end, end);
    s->file_end = MAX(s->file_end, end);
}

static void coroutine_fn prealloc_before_write(BlockDriverState *bs,
                                               int64_t end)
{
    PreallocState *s = bs->opaque;

    if (end <= bs->total_bytes) {
        return;
    }
    co_mutex_lock(&s->lock);
    prealloc_extend(bs, end);
    co_mutex_unlock(&s->lock);
}

static int coroutine_fn prealloc_co_pwritev(BlockDriverState *bs,
                                            int64_t offset, int64_t bytes,
                                            IoVec *iov, int flags)
{
    prealloc_before_write(bs, offset + bytes);
    return bdrv_filter_co_pwritev(bs, offset, bytes, iov, flags);
}

static int coroutine_fn prealloc_co_pwrite_zeroes(BlockDriverState *bs,
                                                  int64_t offset,
                                                  int64_t bytes, int flags)
{
    prealloc_before_write(bs, offset + bytes);
    return bdrv_filter_co_pwrite_zeroes(bs, offset, bytes, flags);
}

static int coroutine_fn prealloc_co_truncate(BlockDriverState *bs, int64_t size,
                                             bool exact, PreallocMode prealloc,
                                             int flags, Error **errp)
{
    PreallocState *s = bs->opaque;
    int ret;

    co_mutex_lock(&s->lock);
    ret = bdrv_filter_co_truncate(bs, size, exact, prealloc, flags, errp);
    if (ret >= 0 && s->data_end >= 0) {
        s->data_end = size;
        s->file_end = bdrv_get_length(bs->file->bs);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

/* ---- Giving back ---- */

static int coroutine_fn prealloc_drop_co(void *opaque)
{
    BlockDriverState *bs = opaque;
    PreallocState *s = bs->opaque;
    int ret = 0;

    if (s->data_end >= 0 && s->file_end > s->data_end) {
        ret = bdrv_co_truncate(bs->file->bs, s->data_end, true,
                               PREALLOC_MODE_OFF, 0, NULL);
    }
    s->data_end = -1;
    return ret;
}

/* While the rights of the child are still there. */
static void prealloc_set_perm(BlockDriverState *bs, uint64_t perm,
                              uint64_t shared)
{
    PreallocState *s = bs->opaque;

    if (s->data_end >= 0 && !(perm & (BLK_PERM_WRITE | BLK_PERM_RESIZE)) &&
        bdrv_run(bs->ctx, prealloc_drop_co, bs) < 0) {
        warn_report("'%s' keeps space beyond its end",
                    bdrv_get_filename(bs));
    }
}

/* It keeps the file's end to itself. */
static void prealloc_child_perm(BlockDriverState *bs, BdrvChild *c,
                                uint64_t perm, uint64_t shared,
                                uint64_t *nperm, uint64_t *nshared)
{
    bdrv_default_child_perm(bs, c->role, perm, shared, nperm, nshared);
    if (perm & (BLK_PERM_WRITE | BLK_PERM_RESIZE)) {
        *nperm |= BLK_PERM_WRITE | BLK_PERM_RESIZE;
        *nshared &= ~(uint64_t)(BLK_PERM_WRITE | BLK_PERM_RESIZE);
    }
}

static void prealloc_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.preallocate.file;
}

static bool prealloc_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                                    Error **errp)
{
    PreallocState next = { 0 }, *s = bs->opaque;

    if (!r->options) {
        return true;
    }
    if (!prealloc_options(&next, &r->options->u.preallocate, errp)) {
        return false;
    }
    /* Harmless if the rest is refused. */
    s->align = next.align;
    s->size = next.size;
    return true;
}

static const BlockDriver prealloc_driver = {
    .name = "preallocate",
    .instance_size = sizeof(PreallocState),
    .is_filter = true,
    .open = prealloc_open,
    .child_refs = prealloc_child_refs,
    .reopen_prepare = prealloc_reopen_prepare,
    .get_length = prealloc_get_length,
    .can_grow = bdrv_filter_can_grow,
    .supported_write_flags = BDRV_REQ_FUA,
    .child_perm = prealloc_child_perm,
    .set_perm = prealloc_set_perm,
    .co_preadv = bdrv_filter_co_preadv,
    .co_pwritev = prealloc_co_pwritev,
    .co_pdiscard = bdrv_filter_co_pdiscard,
    .co_pwrite_zeroes = prealloc_co_pwrite_zeroes,
    .co_truncate = prealloc_co_truncate,
};

static void prealloc_init(void)
{
    bdrv_register_driver(&prealloc_driver);
}
type_init(prealloc_init)
