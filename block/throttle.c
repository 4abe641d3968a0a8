/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "throttle": a filter whose requests are held to the limits of a group. */
#include "util/osdep.h"
#include "filter-internal.h"
#include "throttle-internal.h"

static bool throttle_open(BlockDriverState *bs, BlockdevOptions *options,
                          Error **errp)
{
    BlockdevOptionsThrottle *o = &options->u.throttle;
    ThrottleGroup *g = throttle_group_find(o->throttle_group);

    if (!g) {
        error_setg(errp, "Throttle group '%s' does not exist",
                   o->throttle_group);
        error_append_hint(errp, "Make it by -object throttle-group,id=%s.",
                          o->throttle_group);
        return false;
    }
    if (!bdrv_filter_open(bs, o->file, errp)) {
        return false;
    }
    throttle_join(bs->opaque, g);
    return true;
}

static void throttle_close(BlockDriverState *bs)
{
    throttle_leave(bs->opaque);
}

static void throttle_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.throttle.file;
}

/* Another group, perhaps. */
static bool throttle_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                                    Error **errp)
{
    ThrottleMember *m = bs->opaque;
    const char *name = r->options ? r->options->u.throttle.throttle_group :
                                    throttle_group_name(m->group);
    ThrottleGroup *g = throttle_group_find(name);

    if (!g) {
        error_setg(errp, "Throttle group '%s' does not exist", name);
        return false;
    }
    /* Harmless if the rest is refused: no request is in flight. */
    if (g != m->group) {
        throttle_leave(m);
        throttle_join(m, g);
    }
    return true;
}

static void throttle_drained_begin(BlockDriverState *bs)
{
    throttle_unlimited_begin(bs->opaque);
}

static void throttle_drained_end(BlockDriverState *bs)
{
    throttle_unlimited_end(bs->opaque);
}

static int coroutine_fn throttle_co_preadv(BlockDriverState *bs,
                                           int64_t offset, int64_t bytes,
                                           IoVec *iov)
{
    throttle_wait(bs->opaque, false, bytes);
    return bdrv_filter_co_preadv(bs, offset, bytes, iov);
}

static int coroutine_fn throttle_co_pwritev(BlockDriverState *bs,
                                            int64_t offset, int64_t bytes,
                                            IoVec *iov, int flags)
{
    throttle_wait(bs->opaque, true, bytes);
    return bdrv_filter_co_pwritev(bs, offset, bytes, iov, flags);
}

static int coroutine_fn throttle_co_pwritev_compressed(BlockDriverState *bs,
                                                       int64_t offset,
                                                       int64_t bytes,
                                                       IoVec *iov,
                                                       const BdrvPacked *packed)
{
    throttle_wait(bs->opaque, true, bytes);
    return bdrv_filter_co_pwritev_compressed(bs, offset, bytes, iov, packed);
}

static int coroutine_fn throttle_co_pdiscard(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes)
{
    throttle_wait(bs->opaque, true, bytes);
    return bdrv_filter_co_pdiscard(bs, offset, bytes);
}

static int coroutine_fn throttle_co_pwrite_zeroes(BlockDriverState *bs,
                                                  int64_t offset,
                                                  int64_t bytes, int flags)
{
    throttle_wait(bs->opaque, true, bytes);
    return bdrv_filter_co_pwrite_zeroes(bs, offset, bytes, flags);
}

static const BlockDriver throttle_driver = {
    .name = "throttle",
    .instance_size = sizeof(ThrottleMember),
    BDRV_FILTER_FUNCTIONS,
    .open = throttle_open,
    .close = throttle_close,
    .child_refs = throttle_child_refs,
    .reopen_prepare = throttle_reopen_prepare,
    .drained_begin = throttle_drained_begin,
    .drained_end = throttle_drained_end,
    .co_preadv = throttle_co_preadv,
    .co_pwritev = throttle_co_pwritev,
    .co_pwritev_compressed = throttle_co_pwritev_compressed,
    .co_pdiscard = throttle_co_pdiscard,
    .co_pwrite_zeroes = throttle_co_pwrite_zeroes,
    .co_truncate = bdrv_filter_co_truncate,
};

static void throttle_init(void)
{
    bdrv_register_driver(&throttle_driver);
}
type_init(throttle_init)
