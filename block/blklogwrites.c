/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "blklogwrites": a filter that writes down what is written, in the format of
 * the kernel's dm-log-writes (Documentation/admin-guide/device-mapper/
 * log-writes.rst, struct log_write_super and log_write_entry), so that its
 * replay-log tool can show the disk at any moment.
 *
 * The log: a superblock in the first sector; then for each request an entry in
 * a sector of its own, followed by the data. Numbers are little-endian; sectors
 * are those of the log.
 */
#include "util/osdep.h"
#include "filter-internal.h"
#include "util/bytes.h"

#define LOG_MAGIC    0x6a736677736872ull
#define LOG_VERSION  1
#define LOG_FLUSH    (1 << 0)
#define LOG_FUA      (1 << 1)
#define LOG_DISCARD  (1 << 2)
#define SUPER_BYTES  28
#define ENTRY_BYTES  32

typedef struct LogState {
    BdrvChild *log;
    uint32_t sector;                /* bytes */
    uint64_t update_interval;
    CoMutex lock;                   /* of the log's end */
    uint64_t next, entries;         /* sector; count */
    uint64_t since_update;
} LogState;

/* ---- Opening ---- */

static bool log_sector_ok(uint32_t bytes)
{
    return bytes >= 512 && bytes <= 8 * MiB && IS_POWER_OF_2(bytes);
}

static bool read_super(BlockDriverState *bs, Error **errp)
{
    LogState *s = bs->opaque;
    uint8_t b[512], *e = b;
    uint64_t n;

    memset(b, 0, sizeof(b));
    if (bdrv_pread(s->log->bs, 0, b, sizeof(b)) < 0 ||
        get_le64(b) != LOG_MAGIC || get_le64(b + 8) != LOG_VERSION ||
        !log_sector_ok(get_le32(b + 24))) {
        error_setg(errp, "Log superblock is not valid: it cannot be appended "
                   "to");
        return false;
    }
    n = get_le64(b + 16);
    s->sector = get_le32(b + 24);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t len;

        if (s->next > (uint64_t)bdrv_get_length(s->log->bs) / s->sector ||
            bdrv_pread(s->log->bs, s->next * s->sector, e, ENTRY_BYTES) < 0) {
            error_setg(errp, "Log ends before entry %" PRIu64 " of %" PRIu64,
                       i, n);
            return false;
        }
        len = get_le64(e + 24);
        s->next += 1 + (get_le64(e + 16) & LOG_DISCARD ? 0 :
                        MIN(len, (uint64_t)BDRV_MAX_LENGTH) / s->sector);
    }
    s->entries = n;
    return true;
}

static bool log_open(BlockDriverState *bs, BlockdevOptions *options,
                     Error **errp)
{
    BlockdevOptionsBlklogwrites *o = &options->u.blklogwrites;
    LogState *s = bs->opaque;

    co_mutex_init(&s->lock);
    s->next = 1;
    s->sector = o->has_log_sector_size ? o->log_sector_size : 512;
    s->update_interval = o->has_log_super_update_interval ?
                         o->log_super_update_interval : 4096;
    if (!log_sector_ok(s->sector)) {
        error_setg(errp, "Invalid log sector size %u", s->sector);
        return false;
    }
    if (!s->update_interval) {
        error_setg(errp, "Invalid log superblock update interval 0");
        return false;
    }
    if (o->has_log_append && o->log_append && o->has_log_sector_size) {
        error_setg(errp, "log-append and log-sector-size are mutually "
                   "exclusive");
        return false;
    }
    if (!bdrv_filter_open(bs, o->file, errp)) {
        return false;
    }
    s->log = bdrv_open_child(bs, o->log, "log", BDRV_CHILD_METADATA, errp);
    return s->log && (!o->has_log_append || !o->log_append ||
                      read_super(bs, errp));
}

/* The log is written like the image, and by nobody else. */
static void log_child_perm(BlockDriverState *bs, BdrvChild *c, uint64_t perm,
                           uint64_t shared, uint64_t *nperm, uint64_t *nshared)
{
    LogState *s = bs->opaque;

    bdrv_default_child_perm(bs, c->role, perm, shared, nperm, nshared);
    if (c == s->log || !(c->role & BDRV_CHILD_FILTERED)) {
        *nperm = BLK_PERM_CONSISTENT_READ;
        if (!bs->read_only) {
            *nperm |= BLK_PERM_WRITE | BLK_PERM_RESIZE;
        }
        *nshared = BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE_UNCHANGED;
    }
}

static void log_refresh_limits(BlockDriverState *bs)
{
    LogState *s = bs->opaque;

    bs->limits.request_alignment = MAX(bs->limits.request_alignment,
                                       s->sector);
}

/* ---- Writing the log ---- */

static int coroutine_fn write_super(LogState *s, uint64_t entries)
{
    g_autofree uint8_t *b = g_try_malloc0(s->sector);
    int ret;

    if (!b) {
        return -ENOMEM;
    }
    put_le64(b, LOG_MAGIC);
    put_le64(b + 8, LOG_VERSION);
    put_le64(b + 16, entries);
    put_le32(b + 24, s->sector);
    ret = bdrv_co_pwrite(s->log->bs, 0, b, s->sector, 0);
    return ret < 0 ? ret : bdrv_co_flush(s->log->bs);
}

static int coroutine_fn write_entry(LogState *s, uint64_t at,
                                    const uint64_t *words)
{
    g_autofree uint8_t *b = g_try_malloc0(s->sector);

    if (!b) {
        return -ENOMEM;
    }
    for (int i = 0; i < ENTRY_BYTES / 8; i++) {
        put_le64(b + i * 8, words[i]);
    }
    return bdrv_co_pwrite(s->log->bs, at * s->sector, b, s->sector, 0);
}

/* @iov: the data; NULL: @bytes zeros, or nothing for a flush or discard. */
static int coroutine_fn log_request(BlockDriverState *bs, uint64_t flags,
                                    int64_t offset, int64_t bytes, IoVec *iov)
{
    LogState *s = bs->opaque;
    bool data = bytes && !(flags & LOG_DISCARD);
    uint64_t words[] = { offset / s->sector, bytes / s->sector, flags,
                         data ? bytes : 0 };
    uint64_t at, entries;
    bool update;
    int ret;

    co_mutex_lock(&s->lock);
    at = s->next;
    s->next += 1 + (data ? bytes / s->sector : 0);
    entries = ++s->entries;
    update = (flags & LOG_FLUSH) || ++s->since_update >= s->update_interval;
    s->since_update = update ? 0 : s->since_update;
    ret = write_entry(s, at, words);
    if (ret >= 0 && data) {
        ret = iov ? bdrv_co_pwritev(s->log->bs, (at + 1) * s->sector, iov, 0) :
                    bdrv_co_pwrite_zeroes(s->log->bs, (at + 1) * s->sector,
                                          bytes, 0);
    }
    if (ret >= 0 && update) {
        ret = bdrv_co_flush(s->log->bs);
        ret = ret < 0 ? ret : write_super(s, entries);
    }
    co_mutex_unlock(&s->lock);
    return ret;
}

/* ---- Requests: the image first, then the log tells of it ---- */

static int coroutine_fn log_co_pwritev(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov, int flags)
{
    int ret = bdrv_filter_co_pwritev(bs, offset, bytes, iov, flags);

    return ret < 0 ? ret : log_request(bs, flags & BDRV_REQ_FUA ? LOG_FUA : 0,
                                       offset, bytes, iov);
}

static int coroutine_fn log_co_pwrite_zeroes(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             int flags)
{
    int ret = bdrv_filter_co_pwrite_zeroes(bs, offset, bytes, flags);

    return ret < 0 ? ret : log_request(bs, flags & BDRV_REQ_FUA ? LOG_FUA : 0,
                                       offset, bytes, NULL);
}

static int coroutine_fn log_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    int ret = bdrv_filter_co_pdiscard(bs, offset, bytes);

    return ret < 0 ? ret : log_request(bs, LOG_DISCARD, offset, bytes, NULL);
}

static int coroutine_fn log_co_flush(BlockDriverState *bs)
{
    int ret = bdrv_co_flush(bs->file->bs);

    return ret < 0 ? ret : log_request(bs, LOG_FLUSH, 0, 0, NULL);
}

static const BlockDriver log_driver = {
    .name = "blklogwrites",
    .instance_size = sizeof(LogState),
    BDRV_FILTER_FUNCTIONS,
    .open = log_open,
    .child_perm = log_child_perm,
    .refresh_limits = log_refresh_limits,
    .co_preadv = bdrv_filter_co_preadv,
    .co_pwritev = log_co_pwritev,
    .co_flush = log_co_flush,
    .co_pdiscard = log_co_pdiscard,
    .co_pwrite_zeroes = log_co_pwrite_zeroes,
};

static void log_init(void)
{
    bdrv_register_driver(&log_driver);
}
type_init(log_init)
