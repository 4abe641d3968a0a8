/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "file" and "host_device": images in files and block devices of the host.
 *
 * Requests go to a ring of the kernel's (io_uring, Linux AIO) or to a pool of
 * threads (aio=threads). With cache.direct=on they bypass the page cache,
 * aligned as the host wants it.
 * Locks on byte ranges, the ones that QEMU documents for images, keep two
 * programs from using an image in ways that exclude each other:
 *
 *   100 + n  right n is used            200 + n  right n is not shared
 */
#include "util/osdep.h"
#include "block-internal.h"
#include "file-ring-internal.h"
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include "util/file.h"
#include "util/log.h"
#include "util/thread-pool.h"

#define LOCK_PERM_BASE    100
#define LOCK_SHARED_BASE  200
#define PERM_BITS         4
#define MAX_ALIGN_PROBE   4096
#define MAX_MAX_BATCH     65536
#define CACHED_READ_MAX   (64 * KiB)
#define DIRECT_RING_MAX   (256 * KiB)

typedef struct FileState {
    int fd;
    int flags;                      /* of open(2) */
    bool reopening;                 /* and these follow with the rights: */
    int want_flags;
    const FileRingOps *next_ring;
    unsigned next_max_batch;
    bool is_device;
    bool locking;
    const FileRingOps *ring;        /* NULL: threads */
    unsigned max_batch;             /* of the ring; 0: any */
    int slot;                       /* file_ring_slot_new() */
    bool has_discard, has_zero_range;
    uint64_t locked_perm, locked_unshared;
    /* Between check_perm and set_perm or abort_perm: */
    int next_fd, next_flags;        /* open in another way; -1: not needed */
    uint64_t add_perm, add_unshared;        /* locks taken for it */
} FileState;

/* ---- Locks ---- */

static void unlock_bits(FileState *s, uint64_t base, uint64_t bits)
{
    for (int i = 0; i < PERM_BITS; i++) {
        if (bits & BIT64(i)) {
            fd_unlock(s->fd, base + i, 1);
        }
    }
}

static bool lock_bits(FileState *s, uint64_t base, uint64_t bits, Error **errp)
{
    for (int i = 0; i < PERM_BITS; i++) {
        int ret = bits & BIT64(i) ? fd_lock(s->fd, base + i, 1, false) : 0;

        if (ret < 0) {
            error_setg_errno(errp, -ret, "Failed to lock byte %" PRIu64,
                             base + i);
            return false;
        }
    }
    return true;
}

/* Nobody else may hold any of the locks @bits at @base. */
static bool check_bits(BlockDriverState *bs, uint64_t base, uint64_t bits,
                       const char *what, Error **errp)
{
    FileState *s = bs->opaque;

    for (int i = 0; i < PERM_BITS; i++) {
        g_autofree char *name = NULL;

        if (!(bits & BIT64(i)) ||
            fd_lock_test(s->fd, base + i, 1, true) == 0) {
            continue;
        }
        name = bdrv_perm_names(BIT64(i));
        error_setg(errp, "Failed to get %s\"%s\" lock", what, name);
        error_append_hint(errp, "Is another process using the image [%s]?",
                          bs->filename);
        return false;
    }
    return true;
}

/* The flags to open it with, for these rights. */
static int file_wanted_flags(const FileState *s, uint64_t perm)
{
    int flags = s->reopening ? s->want_flags : s->flags;

    return perm & ~(uint64_t)BLK_PERM_CONSISTENT_READ ?
           (flags & ~O_ACCMODE) | O_RDWR : flags;
}

static bool file_open_next(BlockDriverState *bs, uint64_t perm,
                           uint64_t unshared, Error **errp)
{
    FileState *s = bs->opaque;
    int old_fd = s->fd;
    bool ok;

    s->next_flags = file_wanted_flags(s, perm);
    s->next_fd = file_open(bs->filename, s->next_flags, 0, errp);
    if (s->next_fd < 0 || !s->locking) {
        return s->next_fd >= 0;
    }
    /* The locks go with the descriptor: they are taken on the new one. */
    s->fd = s->next_fd;
    ok = lock_bits(s, LOCK_PERM_BASE, perm, errp) &&
         lock_bits(s, LOCK_SHARED_BASE, unshared, errp);
    s->fd = old_fd;
    return ok;
}

static void file_abort_perm(BlockDriverState *bs)
{
    FileState *s = bs->opaque;

    unlock_bits(s, LOCK_PERM_BASE, s->add_perm);
    unlock_bits(s, LOCK_SHARED_BASE, s->add_unshared);
    s->add_perm = s->add_unshared = 0;
    if (s->next_fd >= 0) {
        close(s->next_fd);
        s->next_fd = -1;
    }
}

/* New locks first, then the checks: two that start at once both see it. */
static bool file_check_perm(BlockDriverState *bs, uint64_t perm,
                            uint64_t shared, Error **errp)
{
    FileState *s = bs->opaque;
    uint64_t unshared = ~shared & BLK_PERM_ALL;
    bool ok = true;

    if (s->locking) {
        s->add_perm = perm & ~s->locked_perm;
        s->add_unshared = unshared & ~s->locked_unshared;
        ok = lock_bits(s, LOCK_PERM_BASE, s->add_perm, errp) &&
             lock_bits(s, LOCK_SHARED_BASE, s->add_unshared, errp) &&
             check_bits(bs, LOCK_SHARED_BASE, perm, "", errp) &&
             check_bits(bs, LOCK_PERM_BASE, unshared, "shared ", errp);
    }
    if (ok && file_wanted_flags(s, perm) != s->flags) {
        ok = file_open_next(bs, perm, unshared, errp);
    }
    if (!ok) {
        file_abort_perm(bs);
    }
    return ok;
}

/* Requests on their way still use the old descriptor. */
static void file_switch_fd(BlockDriverState *bs)
{
    FileState *s = bs->opaque;

    bdrv_drained_begin(bs);
    file_ring_slot_free(s->slot);
    s->slot = file_ring_slot_new();
    close(s->fd);
    s->fd = s->next_fd;
    s->next_fd = -1;
    s->flags = s->next_flags;
    bdrv_drained_end(bs);
}

static void file_set_perm(BlockDriverState *bs, uint64_t perm, uint64_t shared)
{
    FileState *s = bs->opaque;
    uint64_t unshared = ~shared & BLK_PERM_ALL;

    if (s->next_fd >= 0) {
        file_switch_fd(bs);
    } else if (s->locking) {
        unlock_bits(s, LOCK_PERM_BASE, s->locked_perm & ~perm);
        unlock_bits(s, LOCK_SHARED_BASE, s->locked_unshared & ~unshared);
    }
    s->locked_perm = s->locking ? perm : 0;
    s->locked_unshared = s->locking ? unshared : 0;
    s->add_perm = s->add_unshared = 0;
}

/* ---- Open ---- */

static bool file_check_kind(BlockDriverState *bs, bool want_device,
                            Error **errp)
{
    FileState *s = bs->opaque;
    struct stat st;

    if (fstat(s->fd, &st) < 0) {
        error_setg_errno(errp, errno, "Could not stat '%s'", bs->filename);
        return false;
    }
    s->is_device = S_ISBLK(st.st_mode);
    if (want_device && !s->is_device) {
        error_setg(errp, "'host_device' driver requires '%s' to be a block "
                   "device", bs->filename);
        return false;
    }
    if (!S_ISREG(st.st_mode) && !s->is_device) {
        error_setg(errp, "'file' driver requires '%s' to be a regular file",
                   bs->filename);
        return false;
    }
    return true;
}

/* What aio= asks for goes to next_ring and next_max_batch. */
static bool file_choose_aio(BlockDriverState *bs, const BlockdevOptionsFile *o,
                            bool direct, Error **errp)
{
    FileState *s = bs->opaque;
    const char *name = o->has_aio ? BlockdevAioOptions_str(o->aio) : "io_uring";
    const FileRingOps *ring = file_ring_find(name);

    if (o->aio_max_batch < 0 || o->aio_max_batch > MAX_MAX_BATCH) {
        error_setg(errp, "aio-max-batch '%" PRId64 "' is not from 0 to %d",
                   o->aio_max_batch, MAX_MAX_BATCH);
        return false;
    }
    if (g_str_equal(name, "native") && !direct) {
        error_setg(errp, "aio=native was specified, but it requires "
                   "cache.direct=on, which was not specified.");
        return false;
    }
    if (ring && !ring->available()) {
        if (o->has_aio) {
            error_setg(errp, "aio=%s was specified, but is not supported by "
                       "this kernel.", name);
            error_append_hint(errp, "Use aio=threads.");
            return false;
        }
        ring = NULL;
    }
    s->next_ring = ring;
    s->next_max_batch = o->aio_max_batch;
    return true;
}

static bool file_open_kind(BlockDriverState *bs, BlockdevOptionsFile *o,
                           bool device, Error **errp)
{
    FileState *s = bs->opaque;
    bool writable = !bs->read_only && !bs->auto_read_only;

    s->fd = s->next_fd = -1;
    bs->filename = g_strdup(g_str_has_prefix(o->filename, "file:") ?
                            o->filename + 5 : o->filename);
    s->flags = (writable ? O_RDWR : O_RDONLY) | (bs->direct ? O_DIRECT : 0);
    s->locking = !bs->force_share || bs->read_only;
    if (o->has_locking && o->locking == ON_OFF_AUTO_OFF) {
        s->locking = false;
    }
    s->has_discard = s->has_zero_range = true;
    s->fd = file_open(bs->filename, s->flags, 0, NULL);
    if (s->fd < 0) {
        error_setg_errno(errp, errno, "Could not open '%s'", bs->filename);
        return false;
    }
    if (!file_check_kind(bs, device, errp) ||
        !file_choose_aio(bs, o, bs->direct, errp)) {
        close(s->fd);
        return false;
    }
    s->ring = s->next_ring;
    s->max_batch = s->next_max_batch;
    s->slot = file_ring_slot_new();
    return true;
}

static bool file_open_file(BlockDriverState *bs, BlockdevOptions *options,
                           Error **errp)
{
    return file_open_kind(bs, &options->u.file, false, errp);
}

static bool file_open_device(BlockDriverState *bs, BlockdevOptions *options,
                             Error **errp)
{
    return file_open_kind(bs, &options->u.host_device, true, errp);
}

/* ---- Other options: with the rights comes another descriptor ---- */

static bool file_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                                Error **errp)
{
    FileState *s = bs->opaque;
    const BlockdevOptionsFile *o = !r->options ? NULL : s->is_device ?
        &r->options->u.host_device : &r->options->u.file;
    const BdrvAccess *a = &r->access;
    const char *what = NULL;

    s->next_ring = s->ring;
    s->next_max_batch = s->max_batch;
    s->want_flags = a->read_only || a->auto_read_only ? O_RDONLY : O_RDWR;
    s->want_flags |= a->direct ? O_DIRECT : 0;
    s->reopening = true;
    if (!r->options) {
        return true;
    }
    if (!g_str_equal(bs->filename, g_str_has_prefix(o->filename, "file:") ?
                     o->filename + 5 : o->filename)) {
        what = "filename";
    } else if (o->has_locking &&
               (o->locking == ON_OFF_AUTO_OFF) == s->locking) {
        what = "locking";
    }
    if (what) {
        error_setg(errp, "Cannot change the option '%s'", what);
    }
    if (what || !file_choose_aio(bs, o, a->direct, errp)) {
        s->reopening = false;
        return false;
    }
    return true;
}

static void file_reopen_commit(BlockDriverState *bs)
{
    FileState *s = bs->opaque;

    s->ring = s->next_ring;
    s->max_batch = s->next_max_batch;
    s->reopening = false;
}

static void file_reopen_abort(BlockDriverState *bs)
{
    ((FileState *)bs->opaque)->reopening = false;
}

static void file_close(BlockDriverState *bs)
{
    FileState *s = bs->opaque;

    file_ring_slot_free(s->slot);
    close(s->fd);
}

static int64_t file_get_length(BlockDriverState *bs)
{
    FileState *s = bs->opaque;
    off_t end = lseek(s->fd, 0, SEEK_END);

    return end < 0 ? -errno : end;
}

static int64_t file_get_allocated(BlockDriverState *bs)
{
    FileState *s = bs->opaque;
    struct stat st;

    return fstat(s->fd, &st) < 0 ? -errno : (int64_t)st.st_blocks * 512;
}

/* Direct I/O: the smallest length that a read takes. */
static uint32_t probe_alignment(FileState *s)
{
    g_autofree void *buf = aligned_alloc(MAX_ALIGN_PROBE, MAX_ALIGN_PROBE);
    int sector;

    if (s->is_device && ioctl(s->fd, BLKSSZGET, &sector) == 0 && sector > 0) {
        return sector;
    }
    for (uint32_t a = 512; buf && a < MAX_ALIGN_PROBE; a *= 2) {
        if (pread(s->fd, buf, a, 0) >= 0) {
            return a;
        }
    }
    return MAX_ALIGN_PROBE;
}

static void file_refresh_limits(BlockDriverState *bs)
{
    FileState *s = bs->opaque;

    if (bs->direct) {
        bs->limits.request_alignment = probe_alignment(s);
        /* What every device takes. */
        bs->limits.mem_alignment = MAX_ALIGN_PROBE;
    }
}

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

static int coroutine_fn file_co_preadv(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov)
{
    return file_co_rw(bs, offset, iov, false);
}

static int coroutine_fn file_co_pwritev(BlockDriverState *bs, int64_t offset,
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

static int coroutine_fn file_co_copy_to(BlockDriverState *bs, int64_t offset,
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

static int coroutine_fn file_co_copy_from(BlockDriverState *bs, int64_t offset,
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

static int coroutine_fn file_co_flush(BlockDriverState *bs)
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

static int coroutine_fn file_co_pdiscard(BlockDriverState *bs, int64_t offset,
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

static int coroutine_fn file_co_pwrite_zeroes(BlockDriverState *bs,
                                              int64_t offset, int64_t bytes,
                                              int flags)
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

static int coroutine_fn file_co_truncate(BlockDriverState *bs, int64_t size,
                                         bool exact, PreallocMode prealloc,
                                         int flags, Error **errp)
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

static bool file_can_grow(const BlockDriverState *bs)
{
    return !((const FileState *)bs->opaque)->is_device;
}

/* ---- Holes ---- */

/* lseek(2): the next hole after data, or the next data after a hole. */
static int coroutine_fn file_co_block_status(BlockDriverState *bs,
                                             bool want_zero, int64_t offset,
                                             int64_t bytes, BdrvStatus *st)
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

#define FILE_DRIVER(n, open_fn, options, create_fn)                            \
    {                                                                          \
        .name = (n),                                                           \
        .instance_size = sizeof(FileState),                                    \
        .open = (open_fn),                                                     \
        .close = file_close,                                                   \
        .reopen_prepare = file_reopen_prepare,                                 \
        .reopen_commit = file_reopen_commit,                                   \
        .reopen_abort = file_reopen_abort,                                     \
        .get_length = file_get_length,                                         \
        .refresh_limits = file_refresh_limits,                                 \
        .can_grow = file_can_grow,                                             \
        .check_perm = file_check_perm,                                         \
        .set_perm = file_set_perm,                                             \
        .abort_perm = file_abort_perm,                                         \
        .co_preadv = file_co_preadv,                                           \
        .co_pwritev = file_co_pwritev,                                         \
        .co_copy_from = file_co_copy_from,                                     \
        .co_copy_to = file_co_copy_to,                                         \
        .co_flush = file_co_flush,                                             \
        .co_pdiscard = file_co_pdiscard,                                       \
        .co_pwrite_zeroes = file_co_pwrite_zeroes,                             \
        .co_block_status = file_co_block_status,                               \
        .co_truncate = file_co_truncate,                                       \
        .create_options = (options),                                           \
        .create = (create_fn),                                                 \
        .get_allocated_size = file_get_allocated,                              \
    }

static const BlockDriver file_drivers[] = {
    FILE_DRIVER("file", file_open_file, bdrv_file_create_options,
                bdrv_create_posix_file),
    FILE_DRIVER("host_device", file_open_device, NULL, NULL),
};

static void file_init(void)
{
    bdrv_register_driver(&file_drivers[0]);
    bdrv_register_driver(&file_drivers[1]);
}
type_init(file_init)
