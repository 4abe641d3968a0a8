/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "nbd": the export of an NBD server as a node. The connection is
 * nbd-link.c's; this file turns requests of the block layer into the
 * protocol's commands, and what the server said into limits.
 */
#include "util/osdep.h"
#include "nbd-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-visit-block-core.h"

typedef struct NbdState {
    NbdLink *link;
    struct json_object *options;    /* as it was opened */
} NbdState;

static const NbdInfo *nbd_info(BlockDriverState *bs)
{
    return nbd_link_info(((NbdState *)bs->opaque)->link);
}

/* ---- Life ---- */

static bool nbd_check_access(BlockDriverState *bs, Error **errp)
{
    if (!(nbd_info(bs)->flags & NBD_FLAG_READ_ONLY) || bs->read_only) {
        return true;
    }
    if (bs->auto_read_only) {
        bs->read_only = true;
        return true;
    }
    error_setg(errp, "request on denied for read-only export");
    error_append_hint(errp, "Open it with read-only=on.");
    return false;
}

static bool nbd_open(BlockDriverState *bs, BlockdevOptions *options,
                     Error **errp)
{
    const BlockdevOptionsNbd *o = &options->u.nbd;
    NbdState *s = bs->opaque;
    NbdConfig *cfg = nbd_config_new(o, errp);

    if (!cfg) {
        return false;
    }
    bs->filename = nbd_make_filename(cfg);
    s->link = nbd_link_new(cfg, bs->node_name,
                           o->has_reconnect_delay ? o->reconnect_delay : 0,
                           o->has_open_timeout ? o->open_timeout : 0, errp);
    nbd_config_unref(cfg);
    if (!s->link) {
        return false;
    }
    if (o->x_dirty_bitmap && !nbd_info(bs)->has_context) {
        error_setg(errp, "requested x-dirty-bitmap %s not found",
                   o->x_dirty_bitmap);
        nbd_link_free(s->link);
        return false;
    }
    if (!nbd_check_access(bs, errp)) {
        nbd_link_free(s->link);
        return false;
    }
    s->options = QAPI_TO_JSON(BlockdevOptionsNbd, o);
    return true;
}

static void nbd_close(BlockDriverState *bs)
{
    NbdState *s = bs->opaque;

    json_object_put(s->options);
    nbd_link_free(s->link);
}

/* What is given has to be what it was. */
static bool nbd_check_same(NbdState *s, const BlockdevOptionsNbd *o,
                           Error **errp)
{
    struct json_object *given = QAPI_TO_JSON(BlockdevOptionsNbd, o);
    bool same = true;

    json_object_object_foreach(given, key, val) {
        if (same && !json_object_equal(val, json_object_object_get(s->options,
                                                                   key))) {
            error_setg(errp, "Cannot change the option '%s'", key);
            same = false;
        }
    }
    json_object_put(given);
    return same;
}

static bool nbd_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                               Error **errp)
{
    if (r->options && !nbd_check_same(bs->opaque, &r->options->u.nbd, errp)) {
        return false;
    }
    if (!r->access.read_only && !r->access.auto_read_only &&
        (nbd_info(bs)->flags & NBD_FLAG_READ_ONLY)) {
        error_setg(errp, "Can't reopen read-only NBD mount as read/write");
        return false;
    }
    return true;
}

/* ---- Facts ---- */

static int64_t nbd_get_length(BlockDriverState *bs)
{
    return nbd_info(bs)->size;
}

static void nbd_refresh_limits(BlockDriverState *bs)
{
    const NbdInfo *i = nbd_info(bs);
    BlockLimits *bl = &bs->limits;
    uint32_t max = i->max_block ? MIN(i->max_block, NBD_MAX_PAYLOAD) :
                                  NBD_MAX_PAYLOAD;
    uint32_t min = i->min_block ? i->min_block : i->size % 512 ? 1 : 512;

    bl->request_alignment = min;
    bl->max_transfer = ROUND_DOWN(max, min);
    bl->max_pdiscard = ROUND_DOWN((uint32_t)INT32_MAX, min);
    bl->max_pwrite_zeroes = bl->max_transfer;
    if (i->preferred_block > min && i->preferred_block <= max) {
        bl->discard_granularity = i->preferred_block;
    }
}

/* ---- Requests ---- */

static int coroutine_fn nbd_request(BlockDriverState *bs, const NbdRequest *r)
{
    NbdRequest result;

    return nbd_link_request(((NbdState *)bs->opaque)->link, r, &result);
}

static int coroutine_fn nbd_co_preadv(BlockDriverState *bs, int64_t offset,
                                      int64_t bytes, IoVec *iov)
{
    NbdRequest r = {
        .type = NBD_CMD_READ,
        .offset = offset,
        .bytes = bytes,
        .iov = iov,
    };

    return bytes ? nbd_request(bs, &r) : 0;
}

static int coroutine_fn nbd_co_flush(BlockDriverState *bs)
{
    NbdRequest r = { .type = NBD_CMD_FLUSH };

    return nbd_info(bs)->flags & NBD_FLAG_SEND_FLUSH ? nbd_request(bs, &r) : 0;
}

/* A change that is to be durable: by FUA, or by a flush after it. */
static int coroutine_fn nbd_change(BlockDriverState *bs, NbdRequest *r,
                                   bool fua)
{
    bool can_fua = nbd_info(bs)->flags & NBD_FLAG_SEND_FUA;
    int ret;

    if (fua && can_fua) {
        r->flags |= NBD_CMD_FLAG_FUA;
    }
    ret = nbd_request(bs, r);
    return ret == 0 && fua && !can_fua ? nbd_co_flush(bs) : ret;
}

static int coroutine_fn nbd_co_pwritev(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov, int flags)
{
    NbdRequest r = {
        .type = NBD_CMD_WRITE,
        .offset = offset,
        .bytes = bytes,
        .iov = iov,
    };

    return bytes ? nbd_change(bs, &r, flags & BDRV_REQ_FUA) : 0;
}

static int coroutine_fn nbd_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    NbdRequest r = {
        .type = NBD_CMD_TRIM,
        .offset = offset,
        .bytes = bytes,
    };

    if (!(nbd_info(bs)->flags & NBD_FLAG_SEND_TRIM) || !bytes) {
        return 0;
    }
    return nbd_change(bs, &r, false);
}

static int coroutine_fn nbd_co_pwrite_zeroes(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             int flags)
{
    const uint16_t can = nbd_info(bs)->flags;
    NbdRequest r = {
        .type = NBD_CMD_WRITE_ZEROES,
        .offset = offset,
        .bytes = bytes,
    };

    if (!(can & NBD_FLAG_SEND_WRITE_ZEROES) ||
        ((flags & BDRV_REQ_NO_FALLBACK) && !(can & NBD_FLAG_SEND_FAST_ZERO))) {
        return -ENOTSUP;
    }
    if (!(flags & BDRV_REQ_MAY_UNMAP)) {
        r.flags |= NBD_CMD_FLAG_NO_HOLE;
    }
    if (flags & BDRV_REQ_NO_FALLBACK) {
        r.flags |= NBD_CMD_FLAG_FAST_ZERO;
    }
    return bytes ? nbd_change(bs, &r, flags & BDRV_REQ_FUA) : 0;
}

static int coroutine_fn nbd_co_block_status(BlockDriverState *bs,
                                            bool want_zero, int64_t offset,
                                            int64_t bytes, BdrvStatus *st)
{
    uint32_t align = bs->limits.request_alignment;
    int64_t known, left = (int64_t)nbd_info(bs)->size - offset;
    NbdRequest result, r = {
        .type = NBD_CMD_BLOCK_STATUS,
        .flags = NBD_CMD_FLAG_REQ_ONE,
        .offset = offset,
    };
    int ret;

    *st = (BdrvStatus) { .pnum = bytes, .map = offset, .file = bs };
    /* The last block may be a part of one: the server knows no more. */
    bytes = MIN(bytes, left);
    if (!nbd_info(bs)->has_context || bytes <= 0) {
        return BDRV_BLOCK_DATA | BDRV_BLOCK_OFFSET_VALID;
    }
    r.bytes = MIN(bytes, ROUND_DOWN((int64_t)INT32_MAX, align));
    ret = nbd_link_request(((NbdState *)bs->opaque)->link, &r, &result);
    if (ret < 0) {
        return ret;
    }
    known = MIN(result.status_bytes, r.bytes);
    if (known < bytes && known % align) {
        known = ROUND_DOWN(known, align);
        if (!known) {
            st->pnum = MIN(align, st->pnum);
            return BDRV_BLOCK_DATA | BDRV_BLOCK_OFFSET_VALID;
        }
    }
    st->pnum = known < bytes ? known : st->pnum;
    return BDRV_BLOCK_OFFSET_VALID |
           (result.status_flags & NBD_STATE_HOLE ? 0 : BDRV_BLOCK_DATA) |
           (result.status_flags & NBD_STATE_ZERO ? BDRV_BLOCK_ZERO : 0);
}

static const BlockDriver nbd_driver = {
    .name = "nbd",
    .instance_size = sizeof(NbdState),
    .protocols = nbd_protocols,
    .parse_filename = nbd_parse_filename,
    .complete_options = nbd_complete_options,
    .open = nbd_open,
    .close = nbd_close,
    .reopen_prepare = nbd_reopen_prepare,
    .get_length = nbd_get_length,
    .refresh_limits = nbd_refresh_limits,
    .co_preadv = nbd_co_preadv,
    .co_pwritev = nbd_co_pwritev,
    .supported_write_flags = BDRV_REQ_FUA,
    .co_flush = nbd_co_flush,
    .co_pdiscard = nbd_co_pdiscard,
    .co_pwrite_zeroes = nbd_co_pwrite_zeroes,
    .co_block_status = nbd_co_block_status,
};

static void nbd_init(void)
{
    bdrv_register_driver(&nbd_driver);
}
type_init(nbd_init)
