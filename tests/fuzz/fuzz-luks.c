/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a LUKS image: its facts are read, it is opened with the right
 * and a wrong passphrase, a passphrase is added and erased, data are written
 * and read. A byte behind the UUID, which nobody looks at, says what is done.
 */
#include "util/osdep.h"
#include "block/block-internal.h"
#include <json-c/json.h>
#include "../unit/lib/mem-node.h"
#include "fuzz-loop.h"
#include "crypto/secret.h"
#include "util/bytes.h"

#define MAX_IMAGE (256 * KiB)
#define MAX_FILE  (8 * MiB)

#define AT_WHAT 207
enum { FUZZ_FACTS = 1, FUZZ_WRONG = 2, FUZZ_ADD = 4, FUZZ_ERASE = 8,
       FUZZ_WRITE = 16, FUZZ_GROW = 32, FUZZ_LONG = 64 };

static void add_secret(const char *id, const char *text)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "data", json_object_new_string(text));
    g_assert_nonnull(user_creatable_add(TYPE_SECRET, id, json, NULL));
    json_object_put(json);
}

/* The bound that crypto/ has is minutes; a fuzzer has not that long. */
static void limit_time(uint8_t *image, size_t bytes)
{
    static const unsigned at[] = { 164, 212, 260, 308, 356, 404, 452, 500,
                                   548 };

    for (size_t i = 0; i < G_N_ELEMENTS(at) && bytes >= 592; i++) {
        uint32_t n = get_be32(image + at[i]);

        if (n > 16 && n <= 1u << 28) {
            put_be32(image + at[i], n % 16 + 1);
        }
    }
}

static BlockDriverState *open_image(BlockDriverState *file, const char *secret,
                                    BdrvOpenFlags flags)
{
    BlockdevRef ref = { .type = QAPI_KIND_STRING,
                        .u.reference = file->node_name };
    BlockdevOptions o = { .driver = BLOCKDEV_DRIVER_LUKS };
    Error *err = NULL;
    BlockDriverState *bs;

    o.u.luks.file = &ref;
    o.u.luks.key_secret = (char *)secret;
    bs = bdrv_open_flags(&o, flags, &err);
    g_assert(!bs == !!err);
    error_free(err);
    return bs;
}

static void amend(BlockDriverState *bs, bool add)
{
    QCryptoBlockAmendOptionsLUKS o = {
        .state = add ? CRYPTO_KEYSLOT_ACTIVE : CRYPTO_KEYSLOT_INACTIVE,
        .new_secret = (char *)(add ? "w" : NULL),
        .old_secret = (char *)(add ? NULL : "s"),
        .has_iter_time = add,
    };
    const BdrvAmend a = { .encrypt = &o, .force = true };
    Error *err = NULL;

    g_assert(bdrv_amend(bs, &a, &err) >= 0 || err);
    error_free(err);
}

typedef struct Request {
    BlockDriverState *bs;
    bool write, grow;
} Request;

static int coroutine_fn request_co(void *opaque)
{
    static uint8_t buf[4096];
    Request *r = opaque;
    int64_t bytes = MIN(r->bs->total_bytes, (int64_t)sizeof(buf));

    if (r->grow) {
        bdrv_co_truncate(r->bs, r->bs->total_bytes + 64 * KiB, false,
                         PREALLOC_MODE_OFF, 0, NULL);
    }
    if (r->write) {
        memset(buf, 7, sizeof(buf));
        if (bdrv_co_pwrite(r->bs, 0, buf, bytes, 0) >= 0) {
            memset(buf, 0, sizeof(buf));
            g_assert(bdrv_co_pread(r->bs, 0, buf, bytes) < 0 || !bytes ||
                     buf[bytes - 1] == 7);
        }
    }
    return bdrv_co_pread(r->bs, r->bs->total_bytes - bytes, buf, bytes);
}

static void use_image(BlockDriverState *bs, uint8_t what)
{
    BlockBackend *blk = blk_new(NULL, BLK_PERM_ALL, BLK_PERM_ALL);
    Request r = { bs, what & FUZZ_WRITE, what & FUZZ_GROW };

    if (blk_insert_bs(blk, bs, NULL)) {
        if (what & FUZZ_ADD) {
            amend(bs, true);
        }
        if (what & FUZZ_ERASE) {
            amend(bs, false);
        }
        bdrv_run(bs->ctx, request_co, &r);
    }
    blk_unref(blk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t what = size > AT_WHAT ? data[AT_WHAT] : 0;
    BlockDriverState *file, *bs;
    MemNode *m;

    if (size > MAX_IMAGE) {
        return 0;
    }
    if (fuzz_start_loop()) {
        add_secret("s", "hunter2");
        add_secret("w", "wrong");
    }
    file = mem_node_new("file", data, size);
    m = file->opaque;
    m->max_bytes = MAX_FILE;
    limit_time(m->data, size);
    if (what & FUZZ_LONG) {
        mem_node_grow(m, 1 * MiB);
        file->total_bytes = m->bytes;
    }
    bs = open_image(file, (what & FUZZ_WRONG) ? "w" : "s",
                    (what & FUZZ_FACTS) ? BDRV_O_NO_IO : 0);
    if (bs) {
        qapi_free_ImageInfo(bdrv_image_info(bs, NULL));
        if (!(what & FUZZ_FACTS)) {
            use_image(bs, what);
        }
        bdrv_unref(bs);
    }
    bdrv_unref(file);
    return 0;
}
