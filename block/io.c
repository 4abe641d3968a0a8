/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and writes of nodes: limits, alignment, bounce buffers, zeroes.
 *
 * Drivers see aligned requests within their limits. Blocks that a request
 * covers in part are read, changed and written, alone (tracked.c). Buffers
 * that direct I/O cannot use are copied, a piece at a time. Reads past the end
 * give zeros; writes past it make a node longer whose driver can grow.
 *
 * Context: coroutine; a node's requests may come from several threads.
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "block/dirty-bitmap.h"
#include "util/main-loop.h"

/* Copies and zeros go through a buffer of at most this. */
#define BOUNCE_BYTES (1 * MiB)

static bool range_ok(int64_t offset, int64_t bytes)
{
    return offset >= 0 && bytes >= 0 && bytes <= BDRV_MAX_LENGTH &&
           offset <= BDRV_MAX_LENGTH - bytes;
}

int bdrv_check_write(const BlockDriverState *bs, int64_t offset, int64_t bytes)
{
    if (bs->read_only) {
        return -EPERM;
    }
    if (!range_ok(offset, bytes)) {
        return -EIO;
    }
    return offset + bytes > bs->total_bytes && !bdrv_can_grow(bs) ? -EIO : 0;
}

static void *bounce_alloc(const BlockDriverState *bs, size_t bytes)
{
    size_t align = MAX(bs->limits.mem_alignment, 16);

    return aligned_alloc(align, ROUND_UP(bytes, align));
}

static bool is_aligned(const BlockDriverState *bs, int64_t offset,
                       int64_t bytes)
{
    uint32_t a = bs->limits.request_alignment;

    return IS_ALIGNED(offset, a) && IS_ALIGNED(bytes, a);
}

/* Whether the driver can take @iov as it is. */
static bool buffers_fit(const BlockDriverState *bs, const IoVec *iov)
{
    return (bs->limits.mem_alignment <= 1 ||
            iovec_is_aligned(iov, bs->limits.mem_alignment)) &&
           (!bs->limits.max_transfer || iov->size <= bs->limits.max_transfer) &&
           (int)iov->niov <= bs->limits.max_iov;
}

static int64_t piece_bytes(const BlockDriverState *bs, int64_t bytes)
{
    int64_t max = MIN((int64_t)BOUNCE_BYTES, bytes);

    if (bs->limits.max_transfer) {
        max = MIN(max, (int64_t)bs->limits.max_transfer);
    }
    return MAX(ROUND_DOWN(max, bs->limits.request_alignment),
               (int64_t)bs->limits.request_alignment);
}

/* ---- Reads ---- */

/* The blocks around the request, in pieces, through a buffer. */
static int coroutine_fn read_bounced(BlockDriverState *bs, int64_t offset,
                                     IoVec *iov)
{
    uint32_t a = bs->limits.request_alignment;
    int64_t bytes = iov->size;
    int64_t pos = ROUND_DOWN(offset, a), end = ROUND_UP(offset + bytes, a);
    int64_t piece = piece_bytes(bs, end - pos);
    g_autofree uint8_t *buf = bounce_alloc(bs, piece);
    int ret = buf ? 0 : -ENOMEM;

    while (pos < end && ret >= 0) {
        int64_t n = MIN(piece, end - pos);
        int64_t from = MAX(pos, offset), to = MIN(pos + n, offset + bytes);
        IoVec part;

        iovec_init_buf(&part, buf, n);
        ret = bs->drv->co_preadv(bs, pos, n, &part);
        if (ret >= 0) {
            iovec_from_buf(iov, from - offset, buf + (from - pos), to - from);
        }
        pos += n;
    }
    return ret;
}

static int coroutine_fn read_inside(BlockDriverState *bs, int64_t offset,
                                    IoVec *iov)
{
    if (is_aligned(bs, offset, iov->size) && buffers_fit(bs, iov)) {
        return bs->drv->co_preadv(bs, offset, iov->size, iov);
    }
    return read_bounced(bs, offset, iov);
}

/* Past the end there are zeros. */
static int coroutine_fn read_across_end(BlockDriverState *bs, int64_t offset,
                                        IoVec *iov)
{
    int64_t inside = offset < bs->total_bytes ? bs->total_bytes - offset : 0;
    IoVec part;
    int ret = 0;

    iovec_memset(iov, inside, 0, iov->size - inside);
    if (inside) {
        iovec_init_slice(&part, iov, 0, inside);
        ret = read_inside(bs, offset, &part);
        iovec_destroy(&part);
    }
    return ret;
}

int coroutine_fn bdrv_co_preadv(BlockDriverState *bs, int64_t offset,
                                IoVec *iov, int flags)
{
    int64_t bytes = iov->size;
    BdrvTracked req;
    int ret;

    if (!range_ok(offset, bytes)) {
        return -EIO;
    }
    if (!bytes) {
        return 0;
    }
    bdrv_tracked_begin(&req, bs, offset, bytes);
    bdrv_tracked_wait(&req);
    ret = offset + bytes <= bs->total_bytes ? read_inside(bs, offset, iov) :
                                              read_across_end(bs, offset, iov);
    bdrv_tracked_end(&req);
    return ret < 0 ? ret : 0;
}

int coroutine_fn bdrv_co_pread(BlockDriverState *bs, int64_t offset, void *buf,
                               int64_t bytes)
{
    IoVec iov;

    iovec_init_buf(&iov, buf, bytes);
    return bdrv_co_preadv(bs, offset, &iov, 0);
}

/* ---- Writes ---- */

static int driver_flags(const BlockDriverState *bs, int flags)
{
    return flags & bs->drv->supported_write_flags;
}

/* Read a block of which a part stays as it is. */
static int coroutine_fn read_block(BlockDriverState *bs, int64_t offset,
                                   uint8_t *buf, bool head)
{
    uint32_t a = bs->limits.request_alignment;
    IoVec block;
    int ret = 0;

    iovec_init_buf(&block, buf, a);
    bdrv_co_debug_event(bs, head ? BLKDEBUG_EVENT_PWRITEV_RMW_HEAD :
                                   BLKDEBUG_EVENT_PWRITEV_RMW_TAIL);
    if (offset < bs->total_bytes) {
        ret = bs->drv->co_preadv(bs, offset, a, &block);
    } else {
        memset(buf, 0, a);
    }
    if (ret >= 0) {
        bdrv_co_debug_event(bs, head ? BLKDEBUG_EVENT_PWRITEV_RMW_AFTER_HEAD :
                                       BLKDEBUG_EVENT_PWRITEV_RMW_AFTER_TAIL);
    }
    return ret;
}

/* Together with what stays as it is of the first and the last block. */
static int coroutine_fn write_padded(BlockDriverState *bs, int64_t offset,
                                     int64_t bytes, const IoVec *iov,
                                     size_t iov_offset, int flags)
{
    uint32_t a = bs->limits.request_alignment;
    int64_t start = ROUND_DOWN(offset, a), end = ROUND_UP(offset + bytes, a);
    bool head = offset != start, tail = offset + bytes != end;
    g_autofree uint8_t *buf = bounce_alloc(bs, end - start);
    IoVec padded;
    int ret = buf ? 0 : -ENOMEM;

    if (ret >= 0 && head) {
        ret = read_block(bs, start, buf, true);
    }
    if (ret >= 0 && tail && !(head && end - start == a)) {
        ret = read_block(bs, end - a, buf + (end - start - a), false);
    }
    if (ret < 0) {
        return ret;
    }
    iovec_to_buf(iov, iov_offset, buf + (offset - start), bytes);
    iovec_init_buf(&padded, buf, end - start);
    return bs->drv->co_pwritev(bs, start, end - start, &padded,
                               driver_flags(bs, flags));
}

static int coroutine_fn write_bounced(BlockDriverState *bs, int64_t offset,
                                      const IoVec *iov, size_t iov_offset,
                                      int64_t bytes, int flags)
{
    int64_t piece = piece_bytes(bs, bytes);
    g_autofree uint8_t *buf = bounce_alloc(bs, piece);
    int ret = buf ? 0 : -ENOMEM;

    while (bytes && ret >= 0) {
        int64_t n = MIN(bytes, piece);
        IoVec part;

        iovec_to_buf(iov, iov_offset, buf, n);
        iovec_init_buf(&part, buf, n);
        ret = bs->drv->co_pwritev(bs, offset, n, &part,
                                  driver_flags(bs, flags));
        offset += n;
        iov_offset += n;
        bytes -= n;
    }
    return ret;
}

static int coroutine_fn write_middle(BlockDriverState *bs, int64_t offset,
                                     const IoVec *iov, size_t iov_offset,
                                     int64_t bytes, int flags)
{
    IoVec part;
    int ret;

    if (!bytes) {
        return 0;
    }
    iovec_init_slice(&part, iov, iov_offset, bytes);
    ret = buffers_fit(bs, &part) ?
          bs->drv->co_pwritev(bs, offset, bytes, &part,
                              driver_flags(bs, flags)) :
          write_bounced(bs, offset, iov, iov_offset, bytes, flags);
    iovec_destroy(&part);
    return ret;
}

/* At once, or if that is too much first block, whole blocks, last block. */
static int coroutine_fn write_unaligned(BlockDriverState *bs, int64_t offset,
                                        const IoVec *iov, int flags)
{
    uint32_t a = bs->limits.request_alignment;
    int64_t bytes = iov->size, done = 0;
    int64_t span = ROUND_UP(offset + bytes, a) - ROUND_DOWN(offset, a);
    int64_t middle;
    int ret;

    if (span <= piece_bytes(bs, span)) {
        return write_padded(bs, offset, bytes, iov, 0, flags);
    }
    if (!IS_ALIGNED(offset, a)) {
        done = ROUND_UP(offset, a) - offset;
        ret = write_padded(bs, offset, done, iov, 0, flags);
        if (ret < 0) {
            return ret;
        }
    }
    middle = ROUND_DOWN(bytes - done, a);
    ret = write_middle(bs, offset + done, iov, done, middle, flags);
    done += middle;
    if (ret >= 0 && done < bytes) {
        ret = write_padded(bs, offset + done, bytes - done, iov, done, flags);
    }
    return ret;
}

static int coroutine_fn write_data(BlockDriverState *bs, int64_t offset,
                                   IoVec *iov, int flags)
{
    if (!is_aligned(bs, offset, iov->size)) {
        return write_unaligned(bs, offset, iov, flags);
    }
    if (buffers_fit(bs, iov)) {
        return bs->drv->co_pwritev(bs, offset, iov->size, iov,
                                   driver_flags(bs, flags));
    }
    return write_bounced(bs, offset, iov, 0, iov->size, flags);
}

int coroutine_fn bdrv_write_begin(BdrvTracked *req, BlockDriverState *bs,
                                  int64_t offset, int64_t bytes, int flags)
{
    /* What may free space must not overtake a write that goes there. */
    bool alone = (flags & (BDRV_REQ_SERIALISING | BDRV_REQ_MAY_UNMAP)) ||
                 !is_aligned(bs, offset, bytes);

    bdrv_tracked_begin(req, bs, offset, bytes);
    if (!alone) {
        bdrv_tracked_wait(req);
    } else if (!bdrv_tracked_serialise(req, bs->limits.request_alignment,
                                       !(flags & BDRV_REQ_NO_WAIT))) {
        bdrv_tracked_end(req);
        return -EBUSY;
    }
    return 0;
}

static void note_end(BlockDriverState *bs, int64_t end)
{
    if ((uint64_t)end > bs->wr_highest_offset) {
        bs->wr_highest_offset = end;
    }
    if (end > bs->total_bytes) {
        bs->total_bytes = end;
        bdrv_dirty_bitmaps_resize(bs);
    }
}

int coroutine_fn bdrv_write_end(BdrvTracked *req, int64_t start, int64_t end,
                                int flags, int ret)
{
    BlockDriverState *bs = req->bs;

    __atomic_fetch_add(&bs->write_gen, 1, __ATOMIC_SEQ_CST);
    bdrv_write_threshold_check(bs, end);
    if (ret >= 0) {
        note_end(bs, end);
    }
    bdrv_set_dirty(bs, start, end - start);
    if (ret >= 0 && (flags & BDRV_REQ_FUA & ~bs->drv->supported_write_flags)) {
        ret = bdrv_co_flush(bs);
    }
    bdrv_tracked_end(req);
    return ret < 0 ? ret : 0;
}

static bool turns_into_zeroes(const BlockDriverState *bs, const IoVec *iov)
{
    return bs->detect_zeroes != BLOCKDEV_DETECT_ZEROES_OPTIONS_OFF &&
           iovec_is_zero(iov, 0, iov->size);
}

int coroutine_fn bdrv_co_pwritev(BlockDriverState *bs, int64_t offset,
                                 IoVec *iov, int flags)
{
    int64_t bytes = iov->size;
    BdrvTracked req;
    int ret = bdrv_check_write(bs, offset, bytes);

    if (ret < 0 || !bytes) {
        return ret;
    }
    if (turns_into_zeroes(bs, iov)) {
        return bdrv_co_pwrite_zeroes(bs, offset, bytes, flags |
            (bs->detect_zeroes == BLOCKDEV_DETECT_ZEROES_OPTIONS_UNMAP ?
             BDRV_REQ_MAY_UNMAP : 0));
    }
    ret = bdrv_write_begin(&req, bs, offset, bytes, flags);
    if (ret < 0) {
        return ret;
    }
    bdrv_co_debug_event(bs, BLKDEBUG_EVENT_PWRITEV);
    ret = write_data(bs, offset, iov, flags);
    bdrv_co_debug_event(bs, BLKDEBUG_EVENT_PWRITEV_DONE);
    return bdrv_write_end(&req, offset, offset + bytes, flags, ret);
}

int coroutine_fn bdrv_co_pwrite(BlockDriverState *bs, int64_t offset,
                                const void *buf, int64_t bytes, int flags)
{
    IoVec iov;

    iovec_init_buf(&iov, (void *)buf, bytes);
    return bdrv_co_pwritev(bs, offset, &iov, flags);
}

int coroutine_fn bdrv_co_pack(BlockDriverState *bs, const IoVec *iov,
                              bool skip_zeroes, BdrvPacked **packed)
{
    int ret = -ENOTSUP;

    bs = bdrv_skip_filters(bs);
    if (bs->drv->co_pack) {
        bdrv_inc_in_flight(bs);
        ret = bs->drv->co_pack(bs, iov, skip_zeroes, packed);
        bdrv_dec_in_flight(bs);
    }
    return ret;
}

void bdrv_packed_free(BdrvPacked *packed)
{
    if (packed) {
        g_free(packed->data);
        g_free(packed);
    }
}

int coroutine_fn bdrv_co_pwritev_compressed(BlockDriverState *bs,
                                            int64_t offset, IoVec *iov,
                                            const BdrvPacked *packed)
{
    int64_t bytes = iov->size;
    BdrvTracked req;
    int ret = bdrv_check_write(bs, offset, bytes);

    if (ret < 0) {
        return ret;
    }
    if (!bs->drv->co_pwritev_compressed) {
        return -ENOTSUP;
    }
    /* It moves the cluster: nobody may write where it was. */
    bdrv_tracked_begin(&req, bs, offset, bytes);
    bdrv_tracked_serialise(&req, 1, true);
    ret = bs->drv->co_pwritev_compressed(bs, offset, bytes, iov, packed);
    return bdrv_write_end(&req, offset, offset + bytes, 0, ret);
}

/* ---- Zeroes ---- */

static int coroutine_fn write_zero_data(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes, int flags)
{
    int64_t chunk = MIN(bytes, (int64_t)BOUNCE_BYTES);
    g_autofree uint8_t *buf = bounce_alloc(bs, chunk);
    int ret = buf ? 0 : -ENOMEM;

    if (buf) {
        memset(buf, 0, chunk);
    }
    while (bytes && ret >= 0) {
        IoVec iov;
        int64_t n = MIN(bytes, chunk);

        iovec_init_buf(&iov, buf, n);
        ret = write_data(bs, offset, &iov, flags);
        offset += n;
        bytes -= n;
    }
    return ret;
}

/* The first piece of a range that the driver may take at once. */
static int64_t zero_piece(const BlockDriverState *bs, int64_t offset,
                          int64_t bytes)
{
    int64_t a = MAX(bs->limits.pwrite_zeroes_alignment,
                    bs->limits.request_alignment);
    int64_t max = bs->limits.max_pwrite_zeroes ?
                  bs->limits.max_pwrite_zeroes : BDRV_MAX_LENGTH;

    if (!IS_ALIGNED(offset, a)) {
        return MIN(bytes, ROUND_UP(offset, a) - offset);
    }
    if (bytes < a) {
        return bytes;
    }
    return MIN(ROUND_DOWN(bytes, a), MAX(ROUND_DOWN(max, a), a));
}

static int coroutine_fn zero_one(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, int flags)
{
    int ret = -ENOTSUP;

    if (bs->drv->co_pwrite_zeroes && is_aligned(bs, offset, bytes)) {
        ret = bs->drv->co_pwrite_zeroes(bs, offset, bytes, flags &
            (BDRV_REQ_MAY_UNMAP | BDRV_REQ_NO_FALLBACK |
             bs->drv->supported_write_flags));
    }
    if (ret == -ENOTSUP && !(flags & BDRV_REQ_NO_FALLBACK)) {
        ret = write_zero_data(bs, offset, bytes, flags);
    }
    return ret;
}

int coroutine_fn bdrv_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, int flags)
{
    int64_t start = offset, end = offset + bytes;
    BdrvTracked req;
    int ret = bdrv_check_write(bs, offset, bytes);

    if (ret < 0 || !bytes) {
        return ret;
    }
    if (!bs->discard_unmap) {
        flags &= ~BDRV_REQ_MAY_UNMAP;
    }
    ret = bdrv_write_begin(&req, bs, offset, bytes, flags);
    if (ret < 0) {
        return ret;
    }
    bdrv_co_debug_event(bs, BLKDEBUG_EVENT_PWRITEV_ZERO);
    while (offset < end && ret >= 0) {
        int64_t n = zero_piece(bs, offset, end - offset);

        ret = zero_one(bs, offset, n, flags);
        offset += n;
    }
    return bdrv_write_end(&req, start, end, flags, ret);
}

/* ---- Discard, flush, length ---- */

static void count_discard(BlockDriverState *bs, int64_t bytes, int ret)
{
    if (ret < 0) {
        __atomic_fetch_add(&bs->discards_failed, 1, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_add(&bs->discards_ok, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&bs->discard_bytes_ok, bytes, __ATOMIC_RELAXED);
    }
}

int coroutine_fn bdrv_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes)
{
    int64_t a = MAX(bs->limits.pdiscard_alignment,
                    bs->limits.request_alignment);
    int64_t max = bs->limits.max_pdiscard ?
                  MAX(ROUND_DOWN(bs->limits.max_pdiscard, a), a) :
                  BDRV_MAX_LENGTH;
    int64_t start = ROUND_UP(offset, a), end = offset + bytes;
    BdrvTracked req;
    int ret = bdrv_check_write(bs, offset, bytes);

    /* The tail of the image counts as a whole block. */
    end = end == bs->total_bytes ? end : ROUND_DOWN(end, a);
    /* A hint: where nobody takes it, all is well. */
    if (ret < 0 || !bs->discard_unmap || !bs->drv->co_pdiscard ||
        start >= end) {
        return ret;
    }
    bdrv_tracked_begin(&req, bs, start, end - start);
    bdrv_tracked_serialise(&req, 1, true);
    while (start < end && ret >= 0) {
        int64_t n = MIN(max, end - start);

        ret = bs->drv->co_pdiscard(bs, start, n);
        count_discard(bs, n, ret);
        bdrv_set_dirty(bs, start, n);
        start += n;
    }
    __atomic_fetch_add(&bs->write_gen, 1, __ATOMIC_SEQ_CST);
    bdrv_tracked_end(&req);
    return ret == -ENOTSUP ? 0 : ret;
}

static int coroutine_fn flush_children(BlockDriverState *bs)
{
    int result = 0;
    BdrvChild *c;

    LIST_FOREACH(c, &bs->children, next_child) {
        int ret = c->perm & (BLK_PERM_WRITE | BLK_PERM_WRITE_UNCHANGED) ?
                  bdrv_co_flush(c->bs) : 0;

        result = result ? result : ret;
    }
    return result;
}

int coroutine_fn bdrv_co_flush(BlockDriverState *bs)
{
    uint64_t gen = __atomic_load_n(&bs->write_gen, __ATOMIC_SEQ_CST);
    int ret = 0;

    /* What a format keeps in memory goes to the file all the same. */
    bdrv_inc_in_flight(bs);
    if (bs->file) {
        bdrv_co_debug_event(bs->file->bs, BLKDEBUG_EVENT_FLUSH_TO_OS);
    }
    if (bs->drv->co_flush_to_file) {
        ret = bs->drv->co_flush_to_file(bs);
    }
    if (ret >= 0 && !bs->no_flush &&
        gen != __atomic_load_n(&bs->flushed_gen, __ATOMIC_SEQ_CST)) {
        if (bs->file) {
            bdrv_co_debug_event(bs->file->bs, BLKDEBUG_EVENT_FLUSH_TO_DISK);
        }
        ret = bs->drv->co_flush ? bs->drv->co_flush(bs) : flush_children(bs);
        if (ret >= 0) {
            __atomic_store_n(&bs->flushed_gen, gen, __ATOMIC_SEQ_CST);
        }
    }
    bdrv_dec_in_flight(bs);
    return ret < 0 ? ret : 0;
}

int coroutine_fn bdrv_co_truncate(BlockDriverState *bs, int64_t size,
                                  bool exact, PreallocMode prealloc, int flags,
                                  Error **errp)
{
    int64_t old = bs->total_bytes, length;
    BdrvTracked req;
    int ret;

    if (!bs->drv->co_truncate) {
        error_setg(errp, "Image format driver does not support resize");
        return -ENOTSUP;
    }
    if (size < 0 || size > BDRV_MAX_LENGTH) {
        error_setg(errp, "Required too big image size, it must be not greater "
                   "than %" PRId64, (int64_t)BDRV_MAX_LENGTH);
        return -EFBIG;
    }
    if (bs->read_only) {
        error_setg(errp, "Image is read-only");
        return -EACCES;
    }
    bdrv_tracked_begin(&req, bs, MIN(old, size),
                       MAX(old, size) - MIN(old, size));
    bdrv_tracked_serialise(&req, 1, true);
    ret = bs->drv->co_truncate(bs, size, exact, prealloc, flags, errp);
    length = bs->drv->get_length(bs);
    if (length >= 0) {
        bs->total_bytes = length;
        bdrv_dirty_bitmaps_resize(bs);
    }
    __atomic_fetch_add(&bs->write_gen, 1, __ATOMIC_SEQ_CST);
    bdrv_tracked_end(&req);
    return ret;
}

/* ---- Waiting for a coroutine ---- */

typedef struct BdrvRun {
    BdrvRunFn *fn;
    void *opaque;
    int ret;
    bool done;
} BdrvRun;

static void coroutine_fn run_entry(void *opaque)
{
    BdrvRun *r = opaque;

    r->ret = r->fn(r->opaque);
    __atomic_store_n(&r->done, true, __ATOMIC_RELEASE);
    aio_wait_kick();
}

int bdrv_run(AioContext *ctx, BdrvRunFn *fn, void *opaque)
{
    BdrvRun r = { .fn = fn, .opaque = opaque };

    aio_co_enter(ctx, coroutine_create(run_entry, &r));
    AIO_WAIT_WHILE(ctx, !__atomic_load_n(&r.done, __ATOMIC_ACQUIRE));
    return r.ret;
}

typedef struct BdrvRead {
    BlockDriverState *bs;
    int64_t offset, bytes;
    void *buf;
} BdrvRead;

static int coroutine_fn read_entry(void *opaque)
{
    BdrvRead *r = opaque;

    return bdrv_co_pread(r->bs, r->offset, r->buf, r->bytes);
}

int bdrv_pread(BlockDriverState *bs, int64_t offset, void *buf, int64_t bytes)
{
    BdrvRead r = { bs, offset, bytes, buf };

    return bytes ? bdrv_run(bs->ctx, read_entry, &r) : 0;
}
