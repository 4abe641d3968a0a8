/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "blkverify": a filter for tests. Writes go to two nodes, "raw" and "test",
 * and reads compare them; what differs is reported, and the read fails.
 */
#include "util/osdep.h"
#include "filter-internal.h"
#include <json-c/json.h>
#include "util/log.h"

typedef struct VerifyState {
    BdrvChild *test;
} VerifyState;

static bool verify_open(BlockDriverState *bs, BlockdevOptions *options,
                        Error **errp)
{
    BlockdevOptionsBlkverify *o = &options->u.blkverify;
    VerifyState *s = bs->opaque;

    if (!bdrv_filter_open(bs, o->raw, errp)) {
        return false;
    }
    s->test = bdrv_open_child(bs, o->test, "test", BDRV_CHILD_DATA, errp);
    if (s->test) {
        bs->filename = g_strdup_printf("blkverify:%s:%s",
                                       bdrv_get_filename(bs->file->bs),
                                       bdrv_get_filename(s->test->bs));
    }
    return s->test != NULL;
}

/* Both have to go the same way. */
static int both(const char *what, int64_t offset, int64_t bytes, int raw,
                int test)
{
    if (raw != test) {
        error_report("blkverify: %s offset=%" PRId64 " bytes=%" PRId64
                     " return value mismatch %d != %d", what, offset, bytes,
                     raw, test);
        return -EIO;
    }
    return raw;
}

static int coroutine_fn verify_co_preadv(BlockDriverState *bs, int64_t offset,
                                         int64_t bytes, IoVec *iov)
{
    VerifyState *s = bs->opaque;
    g_autofree uint8_t *buf = g_try_malloc(bytes);
    g_autofree uint8_t *raw = g_try_malloc(bytes);
    int ret;

    if (!buf || !raw) {
        return -ENOMEM;
    }
    ret = bdrv_filter_co_preadv(bs, offset, bytes, iov);
    ret = both("read", offset, bytes, ret,
               bdrv_co_pread(s->test->bs, offset, buf, bytes));
    if (ret < 0) {
        return ret;
    }
    iovec_to_buf(iov, 0, raw, bytes);
    for (int64_t i = 0; i < bytes; i++) {
        if (raw[i] != buf[i]) {
            error_report("blkverify: read offset=%" PRId64 " bytes=%" PRId64
                         " contents mismatch at offset %" PRId64, offset,
                         bytes, offset + i);
            return -EIO;
        }
    }
    return 0;
}

static int coroutine_fn verify_co_pwritev(BlockDriverState *bs, int64_t offset,
                                          int64_t bytes, IoVec *iov, int flags)
{
    VerifyState *s = bs->opaque;
    int ret = bdrv_filter_co_pwritev(bs, offset, bytes, iov, flags);

    return both("write", offset, bytes, ret,
                bdrv_co_pwritev(s->test->bs, offset, iov, flags));
}

/* Only "test" is there to be looked at later. */
static int coroutine_fn verify_co_flush(BlockDriverState *bs)
{
    VerifyState *s = bs->opaque;

    return bdrv_co_flush(s->test->bs);
}

/* The format of an image is found out here: options have to name it. */
static struct json_object *describe_image(const char *filename, Error **errp)
{
    struct json_object *o = json_object_new_object();
    BlockDriverState *bs;

    json_object_object_add(o, "read-only", json_object_new_boolean(true));
    json_object_object_add(o, "force-share", json_object_new_boolean(true));
    bs = bdrv_open_image(filename, NULL, o, NULL, BDRV_O_NO_BACKING, errp);
    json_object_put(o);
    if (!bs) {
        return NULL;
    }
    o = json_object_new_object();
    json_object_object_add(o, "driver",
                           json_object_new_string(bdrv_get_format_name(bs)));
    if (bs->file) {
        struct json_object *file = json_object_new_object();

        json_object_object_add(file, "filename",
                               json_object_new_string(filename));
        json_object_object_add(o, "file", file);
    }
    bdrv_unref(bs);
    return o;
}

/* "blkverify:RAW:IMAGE" */
static bool verify_parse_filename(const char *filename,
                                  struct json_object *options, Error **errp)
{
    const char *path = filename + strlen("blkverify:");
    const char *image = strchr(path, ':');
    struct json_object *raw, *test;

    if (!image) {
        error_setg(errp, "blkverify requires raw copy and original image path");
        return false;
    }
    test = describe_image(image + 1, errp);
    if (!test) {
        return false;
    }
    raw = json_object_new_object();
    json_object_object_add(raw, "filename",
                           json_object_new_string_len(path, image - path));
    json_object_object_add(options, "raw", raw);
    json_object_object_add(options, "test", test);
    return true;
}

static const char *const verify_protocols[] = { "blkverify:", NULL };

static const BlockDriver verify_driver = {
    .name = "blkverify",
    .protocols = verify_protocols,
    .parse_filename = verify_parse_filename,
    .instance_size = sizeof(VerifyState),
    .is_filter = true,
    .get_length = bdrv_filter_get_length,
    .supported_write_flags = BDRV_REQ_FUA,
    .open = verify_open,
    .get_allocated_size = bdrv_filter_hide_allocated,
    .co_preadv = verify_co_preadv,
    .co_pwritev = verify_co_pwritev,
    .co_flush = verify_co_flush,
};

static void verify_init(void)
{
    bdrv_register_driver(&verify_driver);
}
type_init(verify_init)
