/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "compress": a filter above an image whose format can compress: whole
 * clusters are written compressed. What covers a cluster in part is read,
 * changed and written, for which the alignment of requests is a cluster.
 */
#include "util/osdep.h"
#include "filter-internal.h"

static BlockDriverState *image_below(BlockDriverState *bs)
{
    return bdrv_skip_filters(bs->file->bs);
}

static bool compress_open(BlockDriverState *bs, BlockdevOptions *options,
                          Error **errp)
{
    BlockDriverState *image;

    if (!bdrv_filter_open(bs, options->u.compress.file, errp)) {
        return false;
    }
    image = image_below(bs);
    if (!image->drv->co_pwritev_compressed || !bdrv_get_cluster_size(image)) {
        error_setg(errp, "Compression is not supported for this drive %s",
                   image->node_name);
        return false;
    }
    return true;
}

static void compress_refresh_limits(BlockDriverState *bs)
{
    uint32_t cluster = bdrv_get_cluster_size(image_below(bs));

    bs->limits.request_alignment = MAX(bs->limits.request_alignment, cluster);
}

static int coroutine_fn compress_co_pwritev(BlockDriverState *bs,
                                            int64_t offset, int64_t bytes,
                                            IoVec *iov, int flags)
{
    IoVec part;
    int ret;

    /* The last cluster of the image may be a part. */
    iovec_init_slice(&part, iov, 0, MIN(bytes, bs->total_bytes - offset));
    ret = bdrv_co_pwritev_compressed(bs->file->bs, offset, &part, NULL);
    iovec_destroy(&part);
    return ret >= 0 && (flags & BDRV_REQ_FUA) ? bdrv_co_flush(bs->file->bs) :
                                                ret;
}

static void compress_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.compress.file;
}

static const BlockDriver compress_driver = {
    .name = "compress",
    BDRV_FILTER_FUNCTIONS,
    .open = compress_open,
    .child_refs = compress_child_refs,
    .reopen_prepare = bdrv_filter_reopen_prepare,
    .refresh_limits = compress_refresh_limits,
    .co_preadv = bdrv_filter_co_preadv,
    .co_pwritev = compress_co_pwritev,
    .co_pwritev_compressed = bdrv_filter_co_pwritev_compressed,
    .co_pdiscard = bdrv_filter_co_pdiscard,
    .co_pwrite_zeroes = bdrv_filter_co_pwrite_zeroes,
    .co_truncate = bdrv_filter_co_truncate,
};

static void compress_init(void)
{
    bdrv_register_driver(&compress_driver);
}
type_init(compress_init)
