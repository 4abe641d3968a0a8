/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "file" and "host_device": images in files and block devices of the host.
 */
#include "util/osdep.h"
#include "file-internal.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include "util/file.h"

#define MAX_ALIGN_PROBE   4096
#define MAX_MAX_BATCH     65536

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
    bs->filename = g_strdup(bdrv_skip_file_prefix(o->filename));
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
    if (!g_str_equal(bs->filename, bdrv_skip_file_prefix(o->filename))) {
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

int64_t file_get_length(BlockDriverState *bs)
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

static bool file_can_grow(const BlockDriverState *bs)
{
    return !((const FileState *)bs->opaque)->is_device;
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
