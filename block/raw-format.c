/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "raw": the file as it is, or a window of it (offset, size). */
#include "util/osdep.h"
#include "block-internal.h"
#include <json-c/json.h>

typedef struct RawWindow {
    int64_t offset;                 /* bytes */
    int64_t size;                   /* -1: to the end of the file */
} RawWindow;

typedef struct RawState {
    RawWindow win;
    RawWindow next;                 /* while it is reopened */
} RawState;

static bool raw_set_window(RawWindow *s, const BlockdevOptionsRaw *o,
                           int64_t file_size, Error **errp)
{
    uint64_t offset = o->has_offset ? o->offset : 0;

    if (file_size < 0 || offset > (uint64_t)file_size) {
        error_setg(errp, "The offset (%" PRIu64 ") is outside of the file, "
                   "which has %" PRId64 " bytes", offset, file_size);
        return false;
    }
    if (o->has_size && o->size > file_size - offset) {
        error_setg(errp, "The sum of offset (%" PRIu64 ") and size (%" PRIu64
                   ") has to be smaller or equal to the actual size of the "
                   "containing file (%" PRId64 ")", offset, o->size,
                   file_size);
        return false;
    }
    *s = (RawWindow) { .offset = offset, .size = o->has_size ? o->size : -1 };
    return true;
}

static void raw_refresh_name(BlockDriverState *bs)
{
    const RawState *s = bs->opaque;
    struct json_object *own = json_object_new_object();

    if (s->win.offset) {
        json_object_object_add(own, "offset",
                               json_object_new_int64(s->win.offset));
    }
    if (s->win.size >= 0) {
        json_object_object_add(own, "size", json_object_new_int64(s->win.size));
    }
    bdrv_refresh_exact_name(bs, own);
    json_object_put(own);
}

static bool raw_open(BlockDriverState *bs, BlockdevOptions *options,
                     Error **errp)
{
    BlockdevOptionsRaw *o = &options->u.raw;
    RawState *s = bs->opaque;

    if (!bdrv_open_file_child(bs, o->file, (o->has_offset && o->offset) ||
                              o->has_size ? BDRV_CHILD_DATA :
                              BDRV_CHILD_FILTERED, errp) ||
        !raw_set_window(&s->win, o, bdrv_get_length(bs->file->bs), errp)) {
        return false;
    }
    raw_refresh_name(bs);
    return true;
}

static void raw_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.raw.file;
}

static bool raw_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                               Error **errp)
{
    RawState *s = bs->opaque;

    s->next = s->win;
    return !r->options || raw_set_window(&s->next, &r->options->u.raw,
                                          bdrv_get_length(r->file), errp);
}

static void raw_reopen_commit(BlockDriverState *bs)
{
    RawState *s = bs->opaque;

    s->win = s->next;
    raw_refresh_name(bs);
}

static void raw_refresh_limits(BlockDriverState *bs)
{
    if (bs->probed) {
        bs->limits.request_alignment = MAX(bs->limits.request_alignment,
                                           BDRV_PROBED_ALIGNMENT);
    }
}

static int64_t raw_get_length(BlockDriverState *bs)
{
    RawState *s = bs->opaque;

    return s->win.size >= 0 ? s->win.size :
           bdrv_get_length(bs->file->bs) - s->win.offset;
}

static int coroutine_fn raw_co_preadv(BlockDriverState *bs, int64_t offset,
                                      int64_t bytes, IoVec *iov)
{
    RawState *s = bs->opaque;

    return bdrv_co_preadv(bs->file->bs, offset + s->win.offset, iov, 0);
}

/*
 * A guest of an image whose format was guessed could write the header of
 * another format, which the next start would take for real. The first sector
 * comes whole: see raw_refresh_limits().
 */
static bool changes_format(const BlockDriverState *bs, int64_t offset,
                           const IoVec *iov)
{
    uint8_t buf[BDRV_PROBED_ALIGNMENT] = { 0 };

    if (!bs->probed || offset >= (int64_t)sizeof(buf)) {
        return false;
    }
    iovec_to_buf(iov, 0, buf + offset,
                 MIN(iov->size, sizeof(buf) - (size_t)offset));
    return !bdrv_probes_as_raw(buf, sizeof(buf));
}

static bool is_past_window(const RawState *s, int64_t end)
{
    return s->win.size >= 0 && end > s->win.size;
}

static int coroutine_fn raw_co_pwritev(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov, int flags)
{
    RawState *s = bs->opaque;

    if (is_past_window(s, offset + bytes)) {
        return -ENOSPC;
    }
    if (changes_format(bs, offset, iov)) {
        return -EPERM;
    }
    return bdrv_co_pwritev(bs->file->bs, offset + s->win.offset, iov, flags);
}

static int coroutine_fn raw_co_copy_from(BlockDriverState *bs, int64_t offset,
                                         int64_t bytes, const BdrvPlace *to,
                                         int flags)
{
    RawState *s = bs->opaque;

    return bdrv_co_copy_from(bs->file->bs, offset + s->win.offset, bytes, to,
                             flags);
}

static int coroutine_fn raw_co_copy_to(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, const BdrvPlace *from,
                                       int flags)
{
    RawState *s = bs->opaque;

    if (is_past_window(s, offset + bytes)) {
        return -ENOSPC;
    }
    /* A header of another format can be found only in what is seen. */
    if (bs->probed && offset < BDRV_PROBED_ALIGNMENT) {
        return -ENOTSUP;
    }
    return bdrv_co_copy_to(bs->file->bs, offset + s->win.offset, bytes, from,
                           flags);
}

static int coroutine_fn raw_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    RawState *s = bs->opaque;

    return bdrv_co_pdiscard(bs->file->bs, offset + s->win.offset, bytes);
}

static int coroutine_fn raw_co_pwrite_zeroes(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             int flags)
{
    RawState *s = bs->opaque;

    return bdrv_co_pwrite_zeroes(bs->file->bs, offset + s->win.offset, bytes,
                                 flags);
}

static int coroutine_fn raw_co_block_status(BlockDriverState *bs,
                                            bool want_zero, int64_t offset,
                                            int64_t bytes, BdrvStatus *st)
{
    RawState *s = bs->opaque;

    *st = (BdrvStatus) { .pnum = bytes, .map = offset + s->win.offset,
                         .file = bs->file->bs };
    return BDRV_BLOCK_RAW | BDRV_BLOCK_OFFSET_VALID;
}

static bool raw_can_grow(const BlockDriverState *bs)
{
    const RawState *s = bs->opaque;

    return s->win.size < 0 && bdrv_can_grow(bs->file->bs);
}

static int coroutine_fn raw_co_truncate(BlockDriverState *bs, int64_t size,
                                        bool exact, PreallocMode prealloc,
                                        int flags, Error **errp)
{
    RawState *s = bs->opaque;

    if (s->win.size >= 0) {
        error_setg(errp, "Cannot resize fixed-size raw disks");
        return -ENOTSUP;
    }
    return bdrv_co_truncate(bs->file->bs, size + s->win.offset, exact, prealloc,
                            flags, errp);
}

static BlockMeasureInfo *raw_measure(struct json_object *options,
                                     BlockDriverState *in, Error **errp)
{
    const char *size = bdrv_create_value(options, "size");
    BlockMeasureInfo *info = g_new0(BlockMeasureInfo, 1);

    info->required = in ? in->total_bytes :
                     size ? g_ascii_strtoll(size, NULL, 10) : 0;
    info->required = ROUND_UP(info->required, 512);
    info->fully_allocated = info->required;
    return info;
}

static const BdrvCreateOption raw_create_options[] = {
    { "size", BDRV_OPTION_SIZE, NULL, "Virtual disk size" },
    { NULL },
};

static const BlockDriver raw_driver = {
    .name = "raw",
    .instance_size = sizeof(RawState),
    .is_format = true,
    .open = raw_open,
    .child_refs = raw_child_refs,
    .reopen_prepare = raw_reopen_prepare,
    .reopen_commit = raw_reopen_commit,
    .get_length = raw_get_length,
    .refresh_limits = raw_refresh_limits,
    .co_preadv = raw_co_preadv,
    .co_pwritev = raw_co_pwritev,
    .co_copy_from = raw_co_copy_from,
    .co_copy_to = raw_co_copy_to,
    .co_pdiscard = raw_co_pdiscard,
    .co_pwrite_zeroes = raw_co_pwrite_zeroes,
    .co_block_status = raw_co_block_status,
    .co_truncate = raw_co_truncate,
    .can_grow = raw_can_grow,
    .create_options = raw_create_options,
    .create = bdrv_create_file,
    .measure = raw_measure,
    .supported_write_flags = BDRV_REQ_FUA,
};

static void raw_init(void)
{
    bdrv_register_driver(&raw_driver);
}
type_init(raw_init)
