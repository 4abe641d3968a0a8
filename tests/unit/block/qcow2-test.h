/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of qcow2 share: images on files, requests that wait. */
#ifndef TESTS_UNIT_BLOCK_QCOW2_TEST_H
#define TESTS_UNIT_BLOCK_QCOW2_TEST_H

#include "block-test.h"
#include "block/qcow2-internal.h"

/* ---- Requests ---- */

typedef enum QTestKind { QTEST_READ, QTEST_WRITE, QTEST_ZERO, QTEST_UNMAP,
                         QTEST_DISCARD, QTEST_COMPRESS, QTEST_FLUSH,
                         QTEST_TRUNCATE } QTestKind;

typedef struct QTestRequest {
    BlockDriverState *bs;
    QTestKind kind;
    int64_t offset, bytes;
    void *buf;
} QTestRequest;

static inline int coroutine_fn qtest_request_co(void *opaque)
{
    QTestRequest *r = opaque;
    IoVec iov;

    switch (r->kind) {
    case QTEST_READ:
        return bdrv_co_pread(r->bs, r->offset, r->buf, r->bytes);
    case QTEST_WRITE:
        return bdrv_co_pwrite(r->bs, r->offset, r->buf, r->bytes, 0);
    case QTEST_ZERO:
        return bdrv_co_pwrite_zeroes(r->bs, r->offset, r->bytes, 0);
    case QTEST_UNMAP:
        return bdrv_co_pwrite_zeroes(r->bs, r->offset, r->bytes,
                                     BDRV_REQ_MAY_UNMAP);
    case QTEST_DISCARD:
        return bdrv_co_pdiscard(r->bs, r->offset, r->bytes);
    case QTEST_COMPRESS:
        iovec_init_buf(&iov, r->buf, r->bytes);
        return bdrv_co_pwritev_compressed(r->bs, r->offset, &iov, NULL);
    case QTEST_TRUNCATE:
        /* @offset is the PreallocMode */
        return bdrv_co_truncate(r->bs, r->bytes, true, r->offset, 0, NULL);
    default:
        return bdrv_co_flush(r->bs);
    }
}

static inline int qtest_request(BlockDriverState *bs, QTestKind kind,
                                int64_t offset, int64_t bytes, void *buf)
{
    QTestRequest r = { bs, kind, offset, bytes, buf };

    return bdrv_run(bs->ctx, qtest_request_co, &r);
}

/* ---- Images ---- */

typedef struct QTest {
    BlockDriverState *bs;
    BlockBackend *blk;              /* NULL: it is read-only */
} QTest;

static inline BlockDriverState *qtest_open_file(const char *path)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"file\",\"filename\":\"%s\"}", path);

    return test_open_ok(json);
}

/* @extra: more members, from a comma on. */
static inline bool qtest_try_open(QTest *t, const char *path,
                                  const char *extra, Error **errp)
{
    g_autofree char *json = g_strdup_printf(
        "{\"driver\":\"qcow2\",\"discard\":\"unmap\",\"file\":{\"driver\":"
        "\"file\",\"filename\":\"%s\"}%s}", path, extra);
    uint64_t perm = BLK_PERM_CONSISTENT_READ;

    *t = (QTest) { .bs = test_open(json, errp) };
    if (!t->bs) {
        return false;
    }
    perm |= t->bs->read_only ? 0 : BLK_PERM_WRITE | BLK_PERM_RESIZE;
    t->blk = blk_new(NULL, perm, BLK_PERM_ALL);
    g_assert_true(blk_insert_bs(t->blk, t->bs, NULL));
    return true;
}

static inline void qtest_open(QTest *t, const char *path, const char *extra)
{
    Error *err = NULL;

    if (!qtest_try_open(t, path, extra, &err)) {
        g_error("%s: %s", path, error_get_pretty(err));
    }
}

static inline void qtest_close(QTest *t)
{
    blk_unref(t->blk);
    bdrv_unref(t->bs);
    *t = (QTest) { 0 };
}

static inline int qtest_write(QTest *t, int64_t offset, int64_t bytes,
                              void *buf)
{
    return qtest_request(t->bs, QTEST_WRITE, offset, bytes, buf);
}

/* A new image; g_free() the path, g_unlink() the file. */
static inline char *qtest_create(const BlockdevCreateOptionsQcow2 *o)
{
    char *path = test_file("", 0);
    BlockDriverState *file = qtest_open_file(path);
    Error *err = NULL;

    if (!qcow2_create(file, o, &err)) {
        g_error("%s", error_get_pretty(err));
    }
    bdrv_unref(file);
    return path;
}

#endif
