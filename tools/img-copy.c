/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See img-copy-internal.h. */
#include "util/osdep.h"
#include "img-copy-internal.h"
#include "util/bytes.h"
#include "util/main-loop.h"

/* What a coroutine is at. */
typedef struct Piece {
    ImgRange range;
    uint8_t *buf;                   /* chunk_bytes() */
    bool unread;                    /* the host may be able to copy it */
    BdrvPacked *packed;             /* what that was compressed to */
} Piece;

/* ---- What is to be copied ---- */

static const ImgSource *find_source(const ImgCopy *c, int64_t offset,
                                    int64_t *in_source)
{
    const ImgSource *s = c->sources;

    while (offset >= s->length) {
        offset -= s->length;
        s++;
    }
    *in_source = offset;
    return s;
}

static int coroutine_fn ask_status(const ImgCopy *c, const ImgSource *s,
                                   int64_t offset, int64_t bytes,
                                   BdrvStatus *st)
{
    BlockDriverState *bs = blk_get_bs(s->blk);
    BlockDriverState *base = c->target_backing ? bdrv_get_backing(bs) : NULL;

    return bdrv_co_status_above(bs, base, true, offset, bytes, st);
}

static ImgRangeKind classify(const ImgCopy *c, int flags, ImgRange *r)
{
    if (flags & BDRV_BLOCK_ZERO) {
        /* Past the end of the backing file a new target has zeros as well. */
        return c->target_backing && r->offset >= c->target_backing_bytes &&
               c->zero_init ? RANGE_BACKING :
               c->sparse_bytes ? RANGE_ZERO : RANGE_DATA;
    }
    if (flags & BDRV_BLOCK_DATA) {
        return RANGE_DATA;
    }
    return c->target_backing ? RANGE_BACKING : RANGE_DATA;
}

/* The kind of what is at @offset, and how far it goes; -errno. */
static int coroutine_fn look_at(const ImgCopy *c, int64_t offset, ImgRange *r)
{
    int64_t in_source;
    const ImgSource *s = find_source(c, offset, &in_source);
    int64_t left = s->length - in_source;
    BdrvStatus st;
    int flags = ask_status(c, s, in_source, left, &st);

    r->offset = offset;
    if (flags < 0 && c->salvage) {
        r->kind = RANGE_DATA;
        r->bytes = MIN(left, 64 * KiB);
        return 0;
    }
    if (flags < 0) {
        return flags;
    }
    r->bytes = st.pnum ? MIN(st.pnum, left) : left;
    r->kind = classify(c, flags, r);
    /* Status is told up to the last byte, the image ends with its sector. */
    if (r->bytes < left && in_source + r->bytes >= blk_get_length(s->blk)) {
        r->bytes = left;
    }
    if (c->target_backing && offset < c->target_backing_bytes) {
        r->bytes = MIN(r->bytes, c->target_backing_bytes - offset);
    }
    return 0;
}

static int coroutine_fn count_data_co(void *opaque)
{
    ImgCopy *c = opaque;
    int64_t offset = 0;
    ImgRange r;

    while (offset < c->total) {
        int ret = look_at(c, offset, &r);

        if (ret < 0) {
            error_report("error while reading block status at offset %" PRId64
                         ": %s", offset, g_strerror(-ret));
            return ret;
        }
        if (r.kind == RANGE_DATA || (r.kind == RANGE_ZERO && !c->zero_init)) {
            c->to_do += r.bytes;
        }
        offset += r.bytes;
    }
    return 0;
}

static int64_t cluster_bytes(const ImgCopy *c)
{
    return bdrv_get_cluster_size(blk_get_bs(c->target));
}

static int64_t chunk_bytes(const ImgCopy *c)
{
    int64_t cluster = c->compress ? cluster_bytes(c) : 0;

    return c->compress ? MAX(cluster, IMG_COPY_PACK_BYTES) :
                         IMG_COPY_CHUNK_BYTES;
}

/* Compressed clusters are written whole: other kinds in them count as data. */
static void fill_clusters(const ImgCopy *c, ImgRange *r)
{
    int64_t cluster = cluster_bytes(c);
    int64_t end = MIN(r->offset + cluster, c->total);

    if (r->kind == RANGE_DATA) {
        end = MIN(ROUND_UP(r->offset + r->bytes, cluster), c->total);
    } else if (r->bytes >= end - r->offset) {
        end = r->offset + r->bytes;
        end = end == c->total ? end : ROUND_DOWN(end, cluster);
    } else {
        r->kind = RANGE_DATA;
    }
    r->bytes = end - r->offset;
}

static int64_t end_of(const ImgRange *r)
{
    return r->offset + r->bytes;
}

/* What goes on in the same way is one range, until it is @max long. */
static void coroutine_fn extend_found(ImgCopy *c, int64_t max)
{
    ImgRange *next = &c->behind;

    while (c->found.bytes < max && end_of(&c->found) < c->total &&
           !next->bytes) {
        /* If it fails, it fails again when it is its turn. */
        if (look_at(c, end_of(&c->found), next) < 0) {
            next->bytes = 0;
            return;
        }
        if (next->kind == c->found.kind) {
            c->found.bytes += next->bytes;
            next->bytes = 0;
        }
    }
}

/* What is at @offset and behind it. Each part is asked for once: to look for
 * the end of a long run of data can take as long as to copy a piece of it. */
static int coroutine_fn find_at(ImgCopy *c, int64_t offset, ImgRange *r)
{
    int ret = 0;

    if (offset >= end_of(&c->found)) {
        c->found = c->behind;
        c->behind.bytes = 0;
    }
    if (offset >= end_of(&c->found)) {
        ret = look_at(c, offset, &c->found);
        c->behind.bytes = 0;
    }
    if (ret < 0) {
        c->found.bytes = 0;
        return ret;
    }
    c->found.bytes = end_of(&c->found) - offset;
    c->found.offset = offset;
    extend_found(c, chunk_bytes(c));
    *r = c->found;
    return 0;
}

static int coroutine_fn next_range(ImgCopy *c, ImgRange *r)
{
    int64_t max = chunk_bytes(c);
    int ret = find_at(c, c->next_read, r);

    if (ret < 0) {
        error_report("error while reading block status at offset %" PRId64
                     ": %s", c->next_read, g_strerror(-ret));
        return ret;
    }
    if (c->compress) {
        fill_clusters(c, r);
    }
    if (r->kind == RANGE_DATA) {
        /* To the end of a chunk, so that the next starts on one. */
        r->bytes = MIN(r->bytes, max - r->offset % max);
    }
    c->next_read += r->bytes;
    return 0;
}

/* ---- Reading ---- */

/* A sector at a time: what cannot be read is zeros. */
static void coroutine_fn salvage(const ImgCopy *c, BlockBackend *blk,
                                 int64_t offset, uint8_t *buf, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i += 512) {
        int64_t n = MIN(bytes - i, 512);
        int ret = tool_co_read(blk, offset + i, buf + i, n);

        if (ret < 0) {
            if (!c->quiet) {
                warn_report("error while reading offset %" PRId64 ": %s",
                            offset + i, g_strerror(-ret));
            }
            memset(buf + i, 0, n);
        }
    }
}

static int coroutine_fn read_range(const ImgCopy *c, const ImgRange *r,
                                   uint8_t *buf)
{
    int64_t done = 0;

    while (done < r->bytes) {
        int64_t offset;
        const ImgSource *s = find_source(c, r->offset + done, &offset);
        int64_t n = MIN(r->bytes - done, s->length - offset);
        int ret = tool_co_read(s->blk, offset, buf + done, n);

        if (ret < 0 && c->salvage) {
            salvage(c, s->blk, offset, buf + done, n);
        } else if (ret < 0) {
            error_report("error while reading at byte %" PRId64 ": %s",
                         r->offset + done, g_strerror(-ret));
            return ret;
        }
        done += n;
    }
    return 0;
}

/* ---- Writing ---- */

/* How far it goes on in blocks of sparse_bytes as it begins. */
static int64_t same_kind(const ImgCopy *c, int64_t offset, const uint8_t *buf,
                         int64_t bytes, bool *zero)
{
    int64_t block = c->sparse_bytes;
    int64_t n = MIN(bytes, block - offset % block);

    *zero = buffer_is_zero(buf, n);
    while (n < bytes && buffer_is_zero(buf + n, MIN(block, bytes - n)) == *zero) {
        n += MIN(block, bytes - n);
    }
    return n;
}

static int coroutine_fn write_zeroes(ImgCopy *c, int64_t offset, int64_t bytes)
{
    return c->zero_init && !(c->target_backing &&
                             offset < c->target_backing_bytes) ? 0 :
           blk_co_pwrite_zeroes(c->target, offset, bytes,
                                c->sparse_bytes ? BDRV_REQ_MAY_UNMAP : 0);
}

static int coroutine_fn write_data(ImgCopy *c, int64_t offset, uint8_t *buf,
                                   int64_t bytes)
{
    IoVec iov;

    while (bytes) {
        bool zero = false;
        int64_t n = c->sparse_bytes ? same_kind(c, offset, buf, bytes, &zero) :
                                      bytes;
        int ret;

        if (zero) {
            ret = write_zeroes(c, offset, n);
        } else {
            iovec_init_buf(&iov, buf, n);
            ret = blk_co_pwritev(c->target, offset, &iov, 0);
        }
        if (ret < 0) {
            return ret;
        }
        offset += n;
        buf += n;
        bytes -= n;
    }
    return 0;
}

/* In a piece of data; before its turn, as it takes long. */
static int coroutine_fn pack(const ImgCopy *c, Piece *p)
{
    IoVec iov;

    if (!c->compress || p->range.kind != RANGE_DATA) {
        return 0;
    }
    iovec_init_buf(&iov, p->buf, p->range.bytes);
    return bdrv_co_pack(blk_get_bs(c->target), &iov,
                        c->zero_init && !c->target_backing && c->sparse_bytes,
                        &p->packed);
}

static int coroutine_fn write_packed(ImgCopy *c, Piece *p)
{
    IoVec iov;

    iovec_init_buf(&iov, p->buf, p->range.bytes);
    return bdrv_co_pwritev_compressed(blk_get_bs(c->target), p->range.offset,
                                      &iov, p->packed);
}

/* Let the host copy what is from @done on, or what of it is in one source. */
static int coroutine_fn offload_some(ImgCopy *c, const ImgRange *r,
                                     int64_t *done)
{
    int64_t offset, length, n;
    const ImgSource *s = find_source(c, r->offset + *done, &offset);
    int ret;

    length = blk_get_length(s->blk);
    n = MIN(r->bytes - *done, s->length - offset);
    /* The end of an image that is not of whole sectors has no zeros behind. */
    ret = offset + n > length ? -ENOTSUP :
          blk_co_copy_range(s->blk, offset, c->target, r->offset + *done, n,
                            0);
    *done += n;
    return ret;
}

/* false: it has to be read and written. */
static bool coroutine_fn offload(ImgCopy *c, const Piece *p)
{
    int64_t done = 0;
    int ret = 0;

    while (c->offload && done < p->range.bytes && ret >= 0) {
        ret = offload_some(c, &p->range, &done);
        if (ret < 0 && ret != -ENOTSUP) {
            c->offload = false;
        }
    }
    return c->offload && ret >= 0;
}

static int coroutine_fn write_piece(ImgCopy *c, Piece *p)
{
    const ImgRange *r = &p->range;
    int ret = 0;

    if (p->unread) {
        if (offload(c, p)) {
            return 0;
        }
        ret = read_range(c, r, p->buf);
        if (ret < 0) {
            return ret;
        }
    }
    if (r->kind == RANGE_ZERO) {
        ret = write_zeroes(c, r->offset, r->bytes);
    } else if (r->kind == RANGE_DATA) {
        ret = c->compress ? write_packed(c, p) :
                            write_data(c, r->offset, p->buf, r->bytes);
    }
    if (ret < 0) {
        error_report("error while writing at byte %" PRId64 ": %s", r->offset,
                     g_strerror(-ret));
    }
    return ret;
}

/* ---- The coroutines ---- */

static void coroutine_fn limit_rate(ImgCopy *c, int64_t bytes)
{
    int64_t due, now;

    if (!c->rate) {
        return;
    }
    c->rate_bytes += bytes;
    due = c->rate_start_ns + c->rate_bytes * 1.0 * NSEC_PER_SEC / c->rate;
    now = clock_get_ns(CLOCK_REALTIME_NS);
    if (due > now) {
        co_sleep_ns(CLOCK_REALTIME_NS, due - now);
    }
}

static void coroutine_fn note_progress(ImgCopy *c, const ImgRange *r)
{
    if (r->kind == RANGE_DATA || (r->kind == RANGE_ZERO && !c->zero_init)) {
        c->done += r->bytes;
        tool_progress_set(c->to_do ? 100.0 * c->done / c->to_do : 100);
    }
}

static void coroutine_fn wait_turn(ImgCopy *c, const ImgRange *r)
{
    while (!c->out_of_order && c->ret == 0 && c->next_write != r->offset) {
        co_queue_wait(&c->turn, NULL);
    }
}

static void coroutine_fn pass_turn(ImgCopy *c, const ImgRange *r)
{
    if (!c->out_of_order) {
        c->next_write = r->offset + r->bytes;
        co_queue_restart_all(&c->turn);
    }
}

/*
 * Where a range has its place whatever was written before, the next write may
 * begin while this one is under way. No more than that: the kernel writes a
 * file one request after the other, and those that wait for it burn a CPU.
 */
static int coroutine_fn write_in_turn(ImgCopy *c, Piece *p)
{
    bool early;
    int ret;

    wait_turn(c, &p->range);
    if (c->ret) {
        return 0;
    }
    early = c->fixed_places && !c->one_early;
    if (early) {
        c->one_early = true;
        pass_turn(c, &p->range);
    }
    ret = write_piece(c, p);
    if (early) {
        c->one_early = false;
    } else {
        pass_turn(c, &p->range);
    }
    return ret;
}

static int coroutine_fn copy_piece(ImgCopy *c, Piece *p)
{
    const ImgRange *r = &p->range;
    int ret = 0;

    p->unread = c->offload && r->kind == RANGE_DATA;
    if (r->kind == RANGE_DATA && !p->unread) {
        ret = read_range(c, r, p->buf);
    }
    if (ret >= 0) {
        limit_rate(c, r->kind == RANGE_DATA ? r->bytes : 0);
        ret = pack(c, p);
    }
    if (ret >= 0) {
        ret = write_in_turn(c, p);
    }
    bdrv_packed_free(p->packed);
    p->packed = NULL;
    note_progress(c, r);
    return ret;
}

static void coroutine_fn worker(void *opaque)
{
    ImgCopy *c = opaque;
    int64_t chunk = chunk_bytes(c);
    Piece p = { .buf = aligned_alloc(4096, ROUND_UP(chunk, 4096)) };

    while (c->ret == 0) {
        int ret;

        co_mutex_lock(&c->lock);
        if (c->next_read >= c->total || c->ret || !p.buf) {
            c->ret = c->ret ? c->ret : p.buf ? 0 : -ENOMEM;
            co_mutex_unlock(&c->lock);
            break;
        }
        ret = next_range(c, &p.range);
        co_mutex_unlock(&c->lock);
        ret = ret < 0 ? ret : copy_piece(c, &p);
        if (ret < 0) {
            c->ret = c->ret ? c->ret : ret;
            co_queue_restart_all(&c->turn);
        }
    }
    free(p.buf);
    c->running--;
}

int img_copy(ImgCopy *c)
{
    int ret = c->progress ? bdrv_run(main_context(), count_data_co, c) : 0;
    unsigned most = IMG_COPY_BUFFER_BYTES / chunk_bytes(c);

    if (ret < 0) {
        return ret;
    }
    co_mutex_init(&c->lock);
    co_queue_init(&c->turn);
    c->fixed_places = !strcmp(bdrv_get_format_name(blk_get_bs(c->target)),
                              "raw");
    c->rate_start_ns = clock_get_ns(CLOCK_REALTIME_NS);
    /* To compress takes more of them: the result, and freed ones that the
     * allocator does not give back. */
    most /= c->compress ? 4 : 1;
    c->running = MIN(c->coroutines, most);
    for (unsigned i = c->running; i > 0; i--) {
        aio_co_enter(main_context(), coroutine_create(worker, c));
    }
    AIO_WAIT_WHILE(NULL, c->running);
    return c->ret;
}
