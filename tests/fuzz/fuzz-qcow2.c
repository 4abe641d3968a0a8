/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images of every kind of damage. The first 8 bytes say what is done;
 * the rest is the image. It is looked at and checked, written to, and repaired;
 * what a repair calls clean must be so for the next check.
 */
#include "util/osdep.h"
#include "block/qcow2-internal.h"
#include "../unit/lib/mem-node.h"
#include "fuzz-loop.h"

#define OPS         8
#define MAX_IMAGE   (128 * KiB)
#define MAX_FILE    (4 * MiB)
#define WINDOW      (64 * KiB)

/* ---- Requests ---- */

typedef enum Kind { K_READ, K_WRITE, K_ZERO, K_DISCARD, K_COMPRESS, K_FLUSH,
                    K_STATUS, K_GROW, K_SHRINK, K__MAX } Kind;

typedef struct Request {
    BlockDriverState *bs;
    Kind kind;
    int64_t offset, bytes;
    uint8_t *buf;
} Request;

static int coroutine_fn request_co(void *opaque)
{
    Request *r = opaque;
    BdrvStatus st;
    IoVec iov;

    switch (r->kind) {
    case K_READ:
        return bdrv_co_pread(r->bs, r->offset, r->buf, r->bytes);
    case K_WRITE:
        return bdrv_co_pwrite(r->bs, r->offset, r->buf, r->bytes, 0);
    case K_ZERO:
        return bdrv_co_pwrite_zeroes(r->bs, r->offset, r->bytes,
                                     BDRV_REQ_MAY_UNMAP);
    case K_DISCARD:
        return bdrv_co_pdiscard(r->bs, r->offset, r->bytes);
    case K_COMPRESS:
        iovec_init_buf(&iov, r->buf, r->bytes);
        return bdrv_co_pwritev_compressed(r->bs, r->offset, &iov, NULL);
    case K_STATUS:
        return bdrv_co_block_status(r->bs, true, r->offset, r->bytes, &st);
    case K_GROW:
        return bdrv_co_truncate(r->bs, r->bs->total_bytes + 64 * KiB, false,
                                PREALLOC_MODE_OFF, 0, NULL);
    case K_SHRINK:
        return bdrv_co_truncate(r->bs, ROUND_DOWN(r->bs->total_bytes / 2, 512),
                                false, PREALLOC_MODE_OFF, 0, NULL);
    default:
        return bdrv_co_flush(r->bs);
    }
}

/* Somewhere in the first or the last bytes of the disk. */
static void request(BlockDriverState *bs, Kind kind, uint8_t where)
{
    static uint8_t buf[WINDOW];
    int64_t length = bdrv_get_length(bs), bytes = (where & 0xf) * 4096 + 512;
    int64_t offset = (where >> 5) * 8192;
    Request r = { bs, kind, 0, 0, buf };

    memset(buf, where, sizeof(buf));
    if (where & 0x10) {
        offset = MAX(length - bytes - offset, 0);
    }
    r.offset = MIN(offset, length);
    r.bytes = MIN(bytes, length - r.offset);
    if (kind == K_COMPRESS) {
        uint32_t cluster = bdrv_get_cluster_size(bs);

        r.offset = ROUND_DOWN(r.offset, cluster);
        r.bytes = MIN(MIN(length - r.offset, WINDOW), (int64_t)cluster);
    }
    bdrv_run(bs->ctx, request_co, &r);
}

/* ---- Images ---- */

static BlockDriverState *open_image(BlockDriverState *file, bool write,
                                    BdrvOpenFlags flags)
{
    BlockdevRef ref = { .type = QAPI_KIND_STRING,
                        .u.reference = file->node_name };
    BlockdevRefOrNull none = { .type = QAPI_KIND_NULL };
    BlockdevOptions o = {
        .driver = BLOCKDEV_DRIVER_QCOW2, .has_read_only = true,
        .read_only = !write, .has_discard = true,
        .discard = BLOCKDEV_DISCARD_OPTIONS_UNMAP,
    };
    BlockDriverState *bs;
    Error *err = NULL;

    o.u.qcow2.file = &ref;
    o.u.qcow2.backing = &none;
    /* Data files are opened by the names in the image: not here. */
    bs = bdrv_open_flags(&o, flags, &err);
    error_free(err);
    return bs;
}

static BlockDriverState *new_file(const uint8_t *data, size_t size)
{
    BlockDriverState *file = mem_node_new("file", data, size);

    ((MemNode *)file->opaque)->max_bytes = MAX_FILE;
    return file;
}

static void look(BlockDriverState *bs, const uint8_t *ops)
{
    ImageInfo *info = bdrv_image_info(bs, NULL);
    GPtrArray *snapshots = bdrv_snapshot_list(bs);

    qapi_free_ImageInfo(info);
    for (int i = 0; i < OPS; i++) {
        request(bs, ops[i] & 1 ? K_READ : K_STATUS, ops[i]);
    }
    if (snapshots->len) {
        const BdrvSnapshot *sn = g_ptr_array_index(snapshots, 0);

        if (bdrv_snapshot_load_tmp(bs, sn->id, NULL, NULL) >= 0) {
            request(bs, K_READ, ops[0]);
        }
    }
    g_ptr_array_unref(snapshots);
}

static void snapshot(BlockDriverState *bs, uint8_t op)
{
    BdrvSnapshot facts = { .name = (char *)"fuzz" };
    GPtrArray *list = bdrv_snapshot_list(bs);
    const BdrvSnapshot *sn = list->len ? g_ptr_array_index(list, op %
                                                           list->len) : NULL;
    BdrvAmend amend = { .has_refcount_bits = true, .refcount_bits = 1u <<
                        (op & 7) };

    switch (op >> 5 & 3) {
    case 0:
        bdrv_snapshot_create(bs, &facts, NULL);
        break;
    case 1:
        if (sn) {
            bdrv_snapshot_goto(bs, sn->id, NULL);
        }
        break;
    case 2:
        if (sn) {
            bdrv_snapshot_delete(bs, sn->id, NULL, NULL);
        }
        break;
    default:
        bdrv_amend(bs, &amend, NULL);
    }
    g_ptr_array_unref(list);
}

static void change(BlockDriverState *bs, const uint8_t *ops)
{
    for (int i = 0; i < OPS; i++) {
        if (ops[i] & 0x80) {
            snapshot(bs, ops[i]);
        } else {
            request(bs, ops[i] % K__MAX, ops[(i + 1) % OPS]);
        }
    }
}

static void repair(BlockDriverState *bs)
{
    BdrvCheckResult first, second, third;
    int ret = bdrv_check(bs, &first, BDRV_FIX_LEAKS | BDRV_FIX_ERRORS);

    if (bdrv_check(bs, &second, 0) < 0 || ret < 0 || second.check_errors) {
        return;
    }
    bdrv_check(bs, &third, 0);
    g_assert(third.corruptions == second.corruptions);
    g_assert(third.leaks == second.leaks);
    if (!first.corruptions && !first.leaks && !first.check_errors &&
        !first.corruptions_fixed) {
        g_assert(!second.corruptions && !second.leaks);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        bool write;
        BdrvOpenFlags flags;
    } ways[] = { { false, 0 }, { true, 0 }, { true, BDRV_O_CHECK } };

    if (size < OPS || size > MAX_IMAGE) {
        return 0;
    }
    fuzz_start_loop();
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        BlockDriverState *file = new_file(data + OPS, size - OPS);
        BlockDriverState *bs = open_image(file, ways[i].write, ways[i].flags);

        if (bs && i == 0) {
            look(bs, data);
        } else if (bs && i == 1) {
            change(bs, data);
        } else if (bs) {
            repair(bs);
        }
        bdrv_unref(bs);
        bdrv_unref(file);
    }
    return 0;
}
