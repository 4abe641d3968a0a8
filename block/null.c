/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "null-co", "null-aio": a disk of any size that keeps nothing. For tests
 * and for measuring what is above it.
 */
#include "util/osdep.h"
#include "block-internal.h"

#define NULL_DEFAULT_SIZE (1 * GiB)

typedef struct NullState {
    int64_t size, latency_ns;
    bool read_zeroes;
} NullState;

static BlockdevOptionsNull *null_options(BlockdevOptions *o)
{
    return o->driver == BLOCKDEV_DRIVER_NULL_CO ? &o->u.null_co :
                                                  &o->u.null_aio;
}

static uint64_t null_size(const BlockdevOptionsNull *o)
{
    return o->has_size ? o->size : NULL_DEFAULT_SIZE;
}

static bool null_open(BlockDriverState *bs, BlockdevOptions *options,
                      Error **errp)
{
    BlockdevOptionsNull *o = null_options(options);
    NullState *s = bs->opaque;

    s->size = null_size(o);
    s->latency_ns = o->has_latency_ns ? o->latency_ns : 0;
    s->read_zeroes = o->has_read_zeroes && o->read_zeroes;
    if (s->size < 0 || s->latency_ns < 0) {
        error_setg(errp, "%s must not be greater than %" PRId64,
                   s->size < 0 ? "size" : "latency-ns", INT64_MAX);
        return false;
    }
    return true;
}

static bool null_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                                Error **errp)
{
    const BlockdevOptionsNull *o = r->options ? null_options(r->options) : NULL;
    NullState *s = bs->opaque;

    if (o && null_size(o) != (uint64_t)s->size) {
        error_setg(errp, "Cannot change the option 'size'");
        return false;
    }
    return true;
}

static int64_t null_get_length(BlockDriverState *bs)
{
    return ((NullState *)bs->opaque)->size;
}

static int coroutine_fn null_wait(BlockDriverState *bs)
{
    NullState *s = bs->opaque;

    if (s->latency_ns) {
        co_sleep_ns(CLOCK_REALTIME_NS, s->latency_ns);
    }
    return 0;
}

static int coroutine_fn null_co_preadv(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov)
{
    if (((NullState *)bs->opaque)->read_zeroes) {
        iovec_memset(iov, 0, 0, bytes);
    }
    return null_wait(bs);
}

static int coroutine_fn null_co_pwritev(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes, IoVec *iov, int flags)
{
    return null_wait(bs);
}

static int coroutine_fn null_co_flush(BlockDriverState *bs)
{
    return null_wait(bs);
}

static int coroutine_fn null_co_pwrite_zeroes(BlockDriverState *bs,
                                              int64_t offset, int64_t bytes,
                                              int flags)
{
    return null_wait(bs);
}

static int coroutine_fn null_co_block_status(BlockDriverState *bs,
                                             bool want_zero, int64_t offset,
                                             int64_t bytes, BdrvStatus *st)
{
    *st = (BdrvStatus) { .pnum = bytes, .map = offset, .file = bs };
    return BDRV_BLOCK_OFFSET_VALID | (((NullState *)bs->opaque)->read_zeroes ?
                                      BDRV_BLOCK_ZERO : 0);
}

/* "null-co://" has nothing to say. */
static bool null_parse_filename(const char *filename,
                                struct json_object *options, Error **errp)
{
    const char *rest = strstr(filename, "://") + strlen("://");

    if (*rest) {
        error_setg(errp, "The only allowed filename for this driver is '%.*s'",
                   (int)(rest - filename), filename);
        return false;
    }
    return true;
}

static const char *const null_co_protocols[] = { "null-co://", NULL };
static const char *const null_aio_protocols[] = { "null-aio://", NULL };

#define NULL_DRIVER(n, p)                                                      \
    {                                                                          \
        .name = (n),                                                           \
        .protocols = (p),                                                      \
        .parse_filename = null_parse_filename,                                 \
        .instance_size = sizeof(NullState),                                    \
        .open = null_open,                                                     \
        .reopen_prepare = null_reopen_prepare,                                 \
        .get_length = null_get_length,                                         \
        .co_preadv = null_co_preadv,                                           \
        .co_pwritev = null_co_pwritev,                                         \
        .co_flush = null_co_flush,                                             \
        .co_pwrite_zeroes = null_co_pwrite_zeroes,                             \
        .co_block_status = null_co_block_status,                               \
    }

static const BlockDriver null_drivers[] = {
    NULL_DRIVER("null-co", null_co_protocols),
    NULL_DRIVER("null-aio", null_aio_protocols),
};

static void null_init(void)
{
    bdrv_register_driver(&null_drivers[0]);
    bdrv_register_driver(&null_drivers[1]);
}
type_init(null_init)
