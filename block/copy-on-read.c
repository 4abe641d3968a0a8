/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "copy-on-read": a filter above an image with a backing file. What a read
 * finds only below the image is written to it, in whole clusters.
 *
 * A copy is alone: writes through the filter wait for it, so that it never
 * puts old data over new.
 */
#include "util/osdep.h"
#include "filter-internal.h"

/* Of one copy; clusters are not larger than 2 MiB. */
#define COPY_MAX (2 * MiB)

typedef struct CorState {
    CoRwlock lock;                  /* copies write, requests read */
    BlockDriverState *bottom;       /* NULL: no limit; a reference */
} CorState;

static bool cor_find_bottom(BlockDriverState *bs, const char *name,
                            Error **errp)
{
    CorState *s = bs->opaque;
    BlockDriverState *bottom = bdrv_find_node(name);

    if (!bottom) {
        error_setg(errp, "Bottom node '%s' not found", name);
        return false;
    }
    if (bottom->drv->is_filter) {
        error_setg(errp, "Bottom node '%s' is a filter", name);
        return false;
    }
    if (!bdrv_is_below(bottom, bs->file->bs)) {
        error_setg(errp, "Bottom node '%s' is not in the backing chain", name);
        return false;
    }
    s->bottom = bottom;
    bdrv_ref(bottom);
    return true;
}

static bool cor_open(BlockDriverState *bs, BlockdevOptions *options,
                     Error **errp)
{
    BlockdevOptionsCor *o = &options->u.copy_on_read;
    CorState *s = bs->opaque;

    co_rwlock_init(&s->lock);
    return bdrv_filter_open(bs, o->file, errp) &&
           (!o->bottom || cor_find_bottom(bs, o->bottom, errp));
}

static void cor_close(BlockDriverState *bs)
{
    bdrv_unref(((CorState *)bs->opaque)->bottom);
}

/* Reading writes what is there already. */
static void cor_child_perm(BlockDriverState *bs, BdrvChild *c, uint64_t perm,
                           uint64_t shared, uint64_t *nperm, uint64_t *nshared)
{
    bdrv_default_child_perm(bs, c->role, perm, shared, nperm, nshared);
    if (!bs->read_only && (perm & BLK_PERM_CONSISTENT_READ)) {
        *nperm |= BLK_PERM_WRITE_UNCHANGED;
    }
}

/* Whether the first st->pnum bytes should be copied; -errno. */
static int coroutine_fn cor_wanted(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, BdrvStatus *st)
{
    CorState *s = bs->opaque;
    BlockDriverState *top = bdrv_skip_filters(bs->file->bs), *below, *base;
    int ret = bdrv_co_block_status(top, false, offset, bytes, st);

    if (ret < 0 || !top->backing || (ret & BDRV_BLOCK_ALLOCATED)) {
        return MIN(ret, 0);
    }
    if (!s->bottom || s->bottom == top) {
        return s->bottom == NULL;
    }
    below = top->backing->bs;
    base = s->bottom->backing ? s->bottom->backing->bs : NULL;
    ret = bdrv_co_status_above(below, base, false, offset, st->pnum, st);
    return ret < 0 ? ret : (ret & BDRV_BLOCK_ALLOCATED) != 0;
}

static int coroutine_fn cor_copy_locked(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    BlockDriverState *child = bs->file->bs;
    g_autofree uint8_t *buf = g_try_malloc(bytes);
    IoVec iov;
    int ret;

    if (!buf) {
        return -ENOMEM;
    }
    iovec_init_buf(&iov, buf, bytes);
    ret = bdrv_co_preadv(child, offset, &iov, 0);
    if (ret < 0) {
        return ret;
    }
    bdrv_co_debug_event(child, BLKDEBUG_EVENT_COR_WRITE);
    return iovec_is_zero(&iov, 0, bytes) ?
           bdrv_co_pwrite_zeroes(child, offset, bytes,
                                 BDRV_REQ_WRITE_UNCHANGED) :
           bdrv_co_pwritev(child, offset, &iov, BDRV_REQ_WRITE_UNCHANGED);
}

/* The clusters around; looked at again, now that nobody else writes. */
static int coroutine_fn cor_copy(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes)
{
    CorState *s = bs->opaque;
    uint32_t cluster = bdrv_get_cluster_size(bdrv_skip_filters(bs));
    int64_t pos, end;
    int ret = 0;

    cluster = MAX(cluster, 512);
    pos = ROUND_DOWN(offset, cluster);
    end = ROUND_UP(offset + bytes, cluster);
    end = MIN(end, bs->total_bytes);
    co_rwlock_wrlock(&s->lock);
    while (pos < end && ret >= 0) {
        int64_t n = MIN(end - pos, (int64_t)COPY_MAX);
        BdrvStatus st;

        ret = cor_wanted(bs, pos, n, &st);
        n = ret < 0 ? n : st.pnum;
        if (ret > 0) {
            ret = cor_copy_locked(bs, pos, n);
        }
        pos += n;
    }
    co_rwlock_unlock(&s->lock);
    return ret;
}

static int coroutine_fn cor_co_preadv(BlockDriverState *bs, int64_t offset,
                                      int64_t bytes, IoVec *iov)
{
    int64_t pos = offset, end = offset + bytes;
    int ret = 0;

    /* A copy that fails is no reason for the read to fail. */
    while (!bs->read_only && pos < end && ret >= 0) {
        BdrvStatus st;

        ret = cor_wanted(bs, pos, end - pos, &st);
        if (ret > 0) {
            ret = cor_copy(bs, pos, st.pnum);
        }
        if (ret >= 0) {
            pos += st.pnum;
        }
    }
    return bdrv_filter_co_preadv(bs, offset, bytes, iov);
}

static int coroutine_fn cor_co_pwritev(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov, int flags)
{
    CorState *s = bs->opaque;
    int ret;

    co_rwlock_rdlock(&s->lock);
    ret = bdrv_filter_co_pwritev(bs, offset, bytes, iov, flags);
    co_rwlock_unlock(&s->lock);
    return ret;
}

static int coroutine_fn cor_co_pwritev_compressed(BlockDriverState *bs,
                                                  int64_t offset,
                                                  int64_t bytes, IoVec *iov,
                                                  const BdrvPacked *packed)
{
    CorState *s = bs->opaque;
    int ret;

    co_rwlock_rdlock(&s->lock);
    ret = bdrv_filter_co_pwritev_compressed(bs, offset, bytes, iov, packed);
    co_rwlock_unlock(&s->lock);
    return ret;
}

static int coroutine_fn cor_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    CorState *s = bs->opaque;
    int ret;

    co_rwlock_rdlock(&s->lock);
    ret = bdrv_filter_co_pdiscard(bs, offset, bytes);
    co_rwlock_unlock(&s->lock);
    return ret;
}

static int coroutine_fn cor_co_pwrite_zeroes(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             int flags)
{
    CorState *s = bs->opaque;
    int ret;

    co_rwlock_rdlock(&s->lock);
    ret = bdrv_filter_co_pwrite_zeroes(bs, offset, bytes, flags);
    co_rwlock_unlock(&s->lock);
    return ret;
}

static void cor_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.copy_on_read.file;
}

static const BlockDriver cor_driver = {
    .name = "copy-on-read",
    .instance_size = sizeof(CorState),
    BDRV_FILTER_FUNCTIONS,
    .open = cor_open,
    .close = cor_close,
    .child_refs = cor_child_refs,
    .reopen_prepare = bdrv_filter_reopen_prepare,
    .child_perm = cor_child_perm,
    .co_preadv = cor_co_preadv,
    .co_pwritev = cor_co_pwritev,
    .co_pwritev_compressed = cor_co_pwritev_compressed,
    .co_pdiscard = cor_co_pdiscard,
    .co_pwrite_zeroes = cor_co_pwrite_zeroes,
    .co_truncate = bdrv_filter_co_truncate,
};

static void cor_init(void)
{
    bdrv_register_driver(&cor_driver);
}
type_init(cor_init)
