/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of "file" and "host_device".
 *
 * They go to a ring of the kernel's (io_uring, Linux AIO) or to a pool of
 * threads (aio=threads). With cache.direct=on they bypass the page cache,
 * aligned as the host wants it.
 */
#include "util/osdep.h"
#include "file-internal.h"
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include "util/log.h"
#include "util/thread-pool.h"

#define CACHED_READ_MAX   (64 * KiB)
#define DIRECT_RING_MAX   (256 * KiB)

/* ---- Requests ---- */

typedef struct FileTask {
    int fd;
    int64_t offset, bytes;
    IoVec *iov;
    bool write;
    int mode;                       /* of fallocate */
} FileTask;

/* Positional vector I/O of all of @iov; short reads are zeros at the end. */
static int task_rw(void *opaque)
{
    FileTask *t = opaque;
    size_t done = 0;

    while (done < t->iov->size) {
        IoVec part;
        ssize_t n;

        iovec_init_slice(&part, t->iov, done, t->iov->size - done);
        n = RETRY_ON_EINTR(t->write ?
            pwritev(t->fd, part.iov, MIN(part.niov, IOV_MAX),
                    t->offset + done) :
            preadv(t->fd, part.iov, MIN(part.niov, IOV_MAX),
                   t->offset + done));
        iovec_destroy(&part);
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            if (t->write) {
                return -ENOSPC;
            }
            iovec_memset(t->iov, done, 0, t->iov->size - done);
            break;
        }
        done += n;
    }
    return 0;
}

/* Zeros as data, for space that is really there. */
static int file_write_zeroes(int fd, int64_t offset, int64_t bytes)
{
    g_autofree void *buf = g_malloc0(64 * KiB);

    while (bytes > 0) {
        ssize_t n = RETRY_ON_EINTR(pwrite(fd, buf, MIN(bytes, (int64_t)64 * KiB),
                                          offset));

        if (n < 0) {
            return -errno;
        }
        offset += n;
        bytes -= n;
    }
    return 0;
}

/*
 * A read of what is in the page cache, without a worker or the ring, which
 * would take longer than the copy. false: it would have to wait, or is too
 * large to hold up the loop.
 */
static bool read_cached(BlockDriverState *bs, int64_t offset, IoVec *iov)
{
    FileState *s = bs->opaque;

    return !bs->direct && iov->size <= CACHED_READ_MAX &&
           iov->niov <= IOV_MAX &&
           preadv2(s->fd, iov->iov, iov->niov, offset, RWF_NOWAIT) ==
           (ssize_t)iov->size;
}

/*
 * The kernel does all it can of a request while it takes it from the ring: a
 * long copy from or to the page cache, or the preparation of a very long
 * transfer, would hold up the loop. Workers do these, several at a time.
 */
static bool want_ring(BlockDriverState *bs, const IoVec *iov)
{
    FileState *s = bs->opaque;

    return s->ring && iov->niov <= IOV_MAX &&
           iov->size <= (bs->direct ? DIRECT_RING_MAX : CACHED_READ_MAX) &&
           file_ring_usable(s->ring);
}

static FileRingTarget ring_target(const FileState *s)
{
    return (FileRingTarget) { s->ring, s->fd, s->slot, s->max_batch };
}

static int coroutine_fn file_co_rw(BlockDriverState *bs, int64_t offset,
                                   IoVec *iov, bool write)
{
    FileState *s = bs->opaque;
    FileTask t = { .fd = s->fd, .offset = offset, .iov = iov, .write = write };

    if (!write && read_cached(bs, offset, iov)) {
        return 0;
    }
    if (want_ring(bs, iov)) {
        FileRingTarget ring = ring_target(s);

        return file_ring_co_rw(&ring, offset, iov, write);
    }
    return thread_pool_submit_co(task_rw, &t);
}

int coroutine_fn file_co_preadv(BlockDriverState *bs, int64_t offset,
                                int64_t bytes, IoVec *iov)
{
    return file_co_rw(bs, offset, iov, false);
}

int coroutine_fn file_co_pwritev(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, IoVec *iov, int flags)
{
    return file_co_rw(bs, offset, iov, true);
}

typedef struct FileCopy {
    int from_fd, fd;
    off_t from_offset, offset;
    int64_t bytes;
} FileCopy;

static int task_copy(void *opaque)
{
    FileCopy *t = opaque;

    while (t->bytes > 0) {
        ssize_t n = RETRY_ON_EINTR(copy_file_range(t->from_fd, &t->from_offset,
                                                   t->fd, &t->offset, t->bytes,
                                                   0));

        if (n < 0 && (errno == ENOSYS || errno == EOPNOTSUPP ||
                      errno == EXDEV)) {
            return -EXDEV;
        }
        if (n < 0) {
            /* Ranges that overlap, for one. */
            return errno == EINVAL ? -ENOTSUP : -errno;
        }
        if (n == 0) {
            return -ENOTSUP;            /* the end of the file */
        }
        t->bytes -= n;
    }
    return 0;
}

int coroutine_fn file_co_copy_to(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, const BdrvPlace *from,
                                 int flags)
{
    FileState *s = bs->opaque, *f = from->bs->opaque;
    FileCopy t;

    if (from->bs->drv->co_copy_to != file_co_copy_to || s->is_device ||
        f->is_device) {
        return -EXDEV;
    }
    t = (FileCopy) { f->fd, s->fd, from->offset, offset, bytes };
    return thread_pool_submit_co(task_copy, &t);
}

int coroutine_fn file_co_copy_from(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, const BdrvPlace *to,
                                   int flags)
{
    const BdrvPlace from = { bs, offset };

    return bdrv_co_copy_to(to->bs, to->offset, bytes, &from, flags);
}

static int task_flush(void *opaque)
{
    FileTask *t = opaque;

    return fdatasync(t->fd) < 0 ? -errno : 0;
}

int coroutine_fn file_co_flush(BlockDriverState *bs)
{
    FileState *s = bs->opaque;
    FileTask t = { .fd = s->fd };

    if ((s->flags & O_ACCMODE) == O_RDONLY) {
        return 0;
    }
    if (s->ring && s->ring->can_flush && file_ring_usable(s->ring)) {
        FileRingTarget ring = ring_target(s);

        return file_ring_co_fdatasync(&ring);
    }
    return thread_pool_submit_co(task_flush, &t);
}

static int task_fallocate(void *opaque)
{
    FileTask *t = opaque;

    return RETRY_ON_EINTR(fallocate(t->fd, t->mode, t->offset, t->bytes)) < 0 ?
           -errno : 0;
}

static int coroutine_fn do_fallocate(BlockDriverState *bs, int mode,
                                     int64_t offset, int64_t bytes)
{
    FileState *s = bs->opaque;
    FileTask t = { .fd = s->fd, .mode = mode, .offset = offset,
                   .bytes = bytes };
    int ret = thread_pool_submit_co(task_fallocate, &t);

    return ret == -EOPNOTSUPP || ret == -ENODEV ? -ENOTSUP : ret;
}

int coroutine_fn file_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                  int64_t bytes)
{
    FileState *s = bs->opaque;
    int ret;

    if (!s->has_discard) {
        return -ENOTSUP;
    }
    ret = do_fallocate(bs, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                       bytes);
    s->has_discard = ret != -ENOTSUP;
    return ret;
}

int coroutine_fn file_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, int flags)
{
    FileState *s = bs->opaque;
    int ret;

    if (flags & BDRV_REQ_MAY_UNMAP) {
        ret = file_co_pdiscard(bs, offset, bytes);
        if (ret != -ENOTSUP) {
            return ret;
        }
    }
    ret = -ENOTSUP;
    if (s->has_zero_range) {
        ret = do_fallocate(bs, FALLOC_FL_ZERO_RANGE, offset, bytes);
        s->has_zero_range = ret != -ENOTSUP;
    }
    /* Space that is new has nothing else in it. */
    if (ret == -ENOTSUP && !s->is_device && offset >= file_get_length(bs)) {
        ret = do_fallocate(bs, 0, offset, bytes);
    }
    return ret;
}

/* ---- Length ---- */

/* fallocate() where it works; else zeros, for file systems without it. */
static int task_preallocate(void *opaque)
{
    FileTask *t = opaque;

    if (t->write) {
        return file_write_zeroes(t->fd, t->offset, t->bytes);
    }
    return -posix_fallocate(t->fd, t->offset, t->bytes);
}

static int coroutine_fn file_preallocate(BlockDriverState *bs, int64_t from,
                                         int64_t to, PreallocMode mode,
                                         Error **errp)
{
    FileState *s = bs->opaque;
    FileTask t = {
        .fd = s->fd, .offset = from, .bytes = to - from,
        .write = mode == PREALLOC_MODE_FULL,
    };
    int ret = to > from ? thread_pool_submit_co(task_preallocate, &t) : 0;

    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not preallocate data for the new "
                         "file");
        /* The size was the caller's wish; without the space it is not had. */
        if (ftruncate(s->fd, from) < 0) {
            warn_report("could not cut '%s' to its old size of %" PRId64
                        " bytes", bs->filename, from);
        }
    }
    return ret;
}

int coroutine_fn file_co_truncate(BlockDriverState *bs, int64_t size,
                                  bool exact, PreallocMode prealloc, int flags,
                                  Error **errp)
{
    FileState *s = bs->opaque;
    int64_t now = file_get_length(bs);

    if (s->is_device) {
        if (now >= size && !(exact && now != size)) {
            return 0;
        }
        error_setg(errp, "Cannot resize device files");
        return -ENOTSUP;
    }
    if (prealloc == PREALLOC_MODE_METADATA) {
        error_setg(errp, "Unsupported preallocation mode '%s'",
                   PreallocMode_str(prealloc));
        return -ENOTSUP;
    }
    if (prealloc != PREALLOC_MODE_OFF && size < now) {
        error_setg(errp, "Preallocation can't be used for shrinking files");
        return -EINVAL;
    }
    if (ftruncate(s->fd, size) < 0) {
        int ret = -errno;

        error_setg_errno(errp, -ret, "Failed to resize file");
        return ret;
    }
    return prealloc == PREALLOC_MODE_OFF ? 0 :
           file_preallocate(bs, now, size, prealloc, errp);
}

/* ---- Holes ---- */

/* lseek(2): the next hole after data, or the next data after a hole. */
int coroutine_fn file_co_block_status(BlockDriverState *bs, bool want_zero,
                                      int64_t offset, int64_t bytes,
                                      BdrvStatus *st)
{
    FileState *s = bs->opaque;
    off_t data, hole;

    *st = (BdrvStatus) { .pnum = bytes, .map = offset, .file = bs };
    if (!want_zero) {
        return BDRV_BLOCK_DATA | BDRV_BLOCK_OFFSET_VALID;
    }
    data = lseek(s->fd, offset, SEEK_DATA);
    if (data > offset) {
        st->pnum = MIN(bytes, data - offset);
        return BDRV_BLOCK_ZERO | BDRV_BLOCK_OFFSET_VALID;
    }
    if (data < 0) {
        /* ENXIO: nothing but a hole from here on. */
        return (errno == ENXIO ? BDRV_BLOCK_ZERO : BDRV_BLOCK_DATA) |
               BDRV_BLOCK_OFFSET_VALID;
    }
    hole = lseek(s->fd, offset, SEEK_HOLE);
    if (hole > offset) {
        st->pnum = MIN(bytes, hole - offset);
    }
    return BDRV_BLOCK_DATA | BDRV_BLOCK_OFFSET_VALID;
}
