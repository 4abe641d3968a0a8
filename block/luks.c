/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "luks": data encrypted after a header that holds the key. The header is
 * crypto/'s business; sector 0 of the disk is the first after it.
 */
#include "util/osdep.h"
#include "crypto-internal.h"
#include <json-c/json.h>
#include "qapi/qapi-visit-block-core.h"
#include "qapi/visitor.h"

typedef struct LuksState {
    CryptoBlock *crypto;
    uint64_t payload;               /* offset of the data in the file */
} LuksState;

/* ---- Opening ---- */

static int luks_probe(const uint8_t *buf, size_t bytes)
{
    return crypto_block_probe_luks(buf, bytes) ? 100 : 0;
}

static bool luks_open(BlockDriverState *bs, BlockdevOptions *options,
                      Error **errp)
{
    BlockdevOptionsLUKS *o = &options->u.luks;
    LuksState *s = bs->opaque;
    BdrvCryptoArea area = { 0 };
    CryptoBlockIo io;

    if (!bdrv_open_file_child(bs, o->file, BDRV_CHILD_IMAGE, errp)) {
        return false;
    }
    area.file = bs->file->bs;
    area.bytes = MAX(bs->file->bs->total_bytes, 0);
    io = bdrv_crypto_open_io(&area);
    s->crypto = crypto_block_open_luks(&io, o->key_secret, "key-secret",
                                       bs->open_flags & BDRV_O_NO_IO, errp);
    if (!s->crypto) {
        return false;
    }
    s->payload = crypto_block_payload_offset(s->crypto);
    bs->encrypted = true;
    if (s->payload > area.bytes) {
        error_setg(errp, "The data begin at byte %" PRIu64 ", after the end of "
                   "the file at %" PRIu64, s->payload, area.bytes);
        g_clear_pointer(&s->crypto, crypto_block_free);
        return false;
    }
    return true;
}

static void luks_close(BlockDriverState *bs)
{
    LuksState *s = bs->opaque;

    g_clear_pointer(&s->crypto, crypto_block_free);
}

static void luks_child_refs(BlockdevOptions *o, BdrvChildRefs *refs)
{
    refs->file = o->u.luks.file;
}

/* The key stays the one that is in use. */
static bool luks_reopen_prepare(BlockDriverState *bs, const BdrvReopen *r,
                                Error **errp)
{
    return true;
}

static int64_t luks_get_length(BlockDriverState *bs)
{
    LuksState *s = bs->opaque;
    int64_t bytes = bdrv_get_length(bs->file->bs);

    return bytes < 0 ? bytes :
           (uint64_t)bytes < s->payload ? -EINVAL :
                                          bytes - (int64_t)s->payload;
}

static void luks_refresh_limits(BlockDriverState *bs)
{
    bs->limits = (BlockLimits) {
        .request_alignment = CRYPTO_SECTOR_BYTES, .mem_alignment = 1,
        .max_iov = IOV_MAX,
    };
}

static bool luks_can_grow(const BlockDriverState *bs)
{
    return bdrv_can_grow(bs->file->bs);
}

/* ---- Requests ---- */

static BdrvCryptoRequest request(BlockDriverState *bs, int64_t offset,
                                 int64_t bytes, IoVec *iov, int flags)
{
    LuksState *s = bs->opaque;

    return (BdrvCryptoRequest) {
        .file = bs->file->bs, .crypto = s->crypto, .iov = iov,
        .file_offset = s->payload + offset, .offset = offset, .bytes = bytes,
        .flags = flags,
    };
}

static int coroutine_fn luks_co_preadv(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, IoVec *iov)
{
    BdrvCryptoRequest r = request(bs, offset, bytes, iov, 0);

    return bdrv_crypto_co_read(&r);
}

static int coroutine_fn luks_co_pwritev(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes, IoVec *iov, int flags)
{
    BdrvCryptoRequest r = request(bs, offset, bytes, iov, flags);

    return bdrv_crypto_co_write(&r);
}

static int coroutine_fn luks_co_truncate(BlockDriverState *bs, int64_t size,
                                         bool exact, PreallocMode prealloc,
                                         int flags, Error **errp)
{
    LuksState *s = bs->opaque;

    if (size > BDRV_MAX_LENGTH - (int64_t)s->payload) {
        error_setg(errp, "The requested file size is too large");
        return -EFBIG;
    }
    return bdrv_co_truncate(bs->file->bs, size + s->payload, exact, prealloc,
                            flags, errp);
}

/* ---- Facts ---- */

static ImageInfoSpecific *luks_get_specific_info(BlockDriverState *bs,
                                                 Error **errp)
{
    LuksState *s = bs->opaque;
    ImageInfoSpecific *info = g_new0(ImageInfoSpecific, 1);

    info->type = IMAGE_INFO_SPECIFIC_KIND_LUKS;
    info->u.luks.data = crypto_block_info_luks(s->crypto);
    return info;
}

static int coroutine_fn luks_co_amend(BlockDriverState *bs,
                                      const BdrvAmend *amend, Error **errp)
{
    LuksState *s = bs->opaque;
    BdrvCryptoArea area = { bs->file->bs, 0, s->payload };

    return amend->encrypt ?
           bdrv_crypto_co_amend(s->crypto, &area, amend, errp) : 0;
}

/* ---- New images ---- */

static BlockdevCreateOptionsLUKS *parse_options(struct json_object *json,
                                                Error **errp)
{
    g_autoptr(Visitor) v = input_visitor_new(json, VISIT_INPUT_KEYVAL);
    BlockdevCreateOptionsLUKS *o = NULL;

    return visit_type_BlockdevCreateOptionsLUKS(v, NULL, &o, errp) ? o : NULL;
}

/* What of them is about the header; the strings stay those of @o. */
static QCryptoBlockCreateOptionsLUKS
crypto_options(const BlockdevCreateOptionsLUKS *o)
{
    return (QCryptoBlockCreateOptionsLUKS) {
        .key_secret = o->key_secret,
        .has_cipher_alg = o->has_cipher_alg, .cipher_alg = o->cipher_alg,
        .has_cipher_mode = o->has_cipher_mode, .cipher_mode = o->cipher_mode,
        .has_ivgen_alg = o->has_ivgen_alg, .ivgen_alg = o->ivgen_alg,
        .has_ivgen_hash_alg = o->has_ivgen_hash_alg,
        .ivgen_hash_alg = o->ivgen_hash_alg,
        .has_hash_alg = o->has_hash_alg, .hash_alg = o->hash_alg,
        .has_iter_time = o->has_iter_time, .iter_time = o->iter_time,
    };
}

static CryptoBlock *new_crypto(const BlockdevCreateOptionsLUKS *o,
                               Error **errp)
{
    QCryptoBlockCreateOptionsLUKS own = crypto_options(o);

    return crypto_block_create_luks(&own, "key-secret", errp);
}

static bool header_bytes(const BlockdevCreateOptionsLUKS *o, uint64_t *bytes,
                         Error **errp)
{
    QCryptoBlockCreateOptionsLUKS own = crypto_options(o);

    return crypto_block_measure_luks(&own, "key-secret", bytes, errp);
}

static BlockMeasureInfo *luks_measure(struct json_object *options,
                                      BlockDriverState *in, Error **errp)
{
    struct json_object *all = json_object_get(options);
    BlockdevCreateOptionsLUKS *o;
    BlockMeasureInfo *info = NULL;
    uint64_t header;

    if (in) {
        json_object_object_add(all, "size",
                               json_object_new_int64(in->total_bytes));
    }
    o = parse_options(all, errp);
    json_object_put(all);
    if (o && header_bytes(o, &header, errp)) {
        info = g_new0(BlockMeasureInfo, 1);
        info->required = ROUND_UP(o->size, 512) + header;
        info->fully_allocated = info->required;
    }
    qapi_free_BlockdevCreateOptionsLUKS(o);
    return info;
}

typedef struct LuksCreate {
    BlockDriverState *file;
    CryptoBlock *crypto;
    uint64_t bytes;
    PreallocMode prealloc;
    Error **errp;
} LuksCreate;

static int coroutine_fn create_co(void *opaque)
{
    LuksCreate *c = opaque;
    uint64_t payload = crypto_block_payload_offset(c->crypto);
    BdrvCryptoArea area = { c->file, 0, payload };
    CryptoBlockIo io = bdrv_crypto_co_io(&area);
    int ret = bdrv_co_truncate(c->file, 0, false, PREALLOC_MODE_OFF, 0,
                               c->errp);

    ret = ret < 0 ? ret : bdrv_co_truncate(c->file, payload + c->bytes, true,
                                           c->prealloc, 0, c->errp);
    if (ret < 0) {
        return ret;
    }
    return crypto_block_write_luks(c->crypto, &io, c->errp) ?
           bdrv_co_flush(c->file) : -EIO;
}

static bool create_in(const char *filename, LuksCreate *c, Error **errp)
{
    const BlockDriver *proto = bdrv_find_protocol(filename, errp);
    int ret;

    c->file = proto ? bdrv_open_image(filename, proto->name, NULL, NULL, 0,
                                      errp) : NULL;
    if (!c->file) {
        return false;
    }
    ret = bdrv_run(c->file->ctx, create_co, c);
    bdrv_unref(c->file);
    if (ret < 0 && errp && !*errp) {
        error_setg_errno(errp, -ret, "Could not write '%s'", filename);
    }
    return ret >= 0;
}

/* The key is there before anything is written over. */
static bool luks_create(const char *filename, struct json_object *options,
                        Error **errp)
{
    struct json_object *file = bdrv_create_file_options(options);
    struct json_object *own = bdrv_create_own_options(options);
    BlockdevCreateOptionsLUKS *o = parse_options(own, errp);
    LuksCreate c = { .errp = errp };
    bool ok = false;

    c.crypto = o ? new_crypto(o, errp) : NULL;
    if (c.crypto && o->size > BDRV_MAX_LENGTH -
                              crypto_block_payload_offset(c.crypto) - 512) {
        error_setg(errp, "The requested file size is too large");
    } else if (c.crypto) {
        c.bytes = ROUND_UP(o->size, 512);
        c.prealloc = o->has_preallocation ? o->preallocation :
                                            PREALLOC_MODE_OFF;
        ok = bdrv_create_file(filename, file, errp) &&
             create_in(filename, &c, errp);
    }
    crypto_block_free(c.crypto);
    qapi_free_BlockdevCreateOptionsLUKS(o);
    json_object_put(own);
    json_object_put(file);
    return ok;
}

static const BdrvCreateOption luks_create_options[] = {
    { "size", BDRV_OPTION_SIZE, NULL, "Virtual disk size" },
    BDRV_CRYPTO_CREATE_OPTIONS("", "ID of the secret that provides the keyslot "
                                   "passphrase"),
    { "preallocation", BDRV_OPTION_STRING, NULL,
      "Preallocation mode (allowed values: off, falloc, full)" },
    { NULL },
};

static const BlockDriver luks_driver = {
    .name = "luks",
    .instance_size = sizeof(LuksState),
    .is_format = true,
    .new_is_noise = true,
    .probe = luks_probe,
    .create_options = luks_create_options,
    .create = luks_create,
    .open = luks_open,
    .close = luks_close,
    .child_refs = luks_child_refs,
    .reopen_prepare = luks_reopen_prepare,
    .get_length = luks_get_length,
    .refresh_limits = luks_refresh_limits,
    .can_grow = luks_can_grow,
    .co_preadv = luks_co_preadv,
    .co_pwritev = luks_co_pwritev,
    .co_truncate = luks_co_truncate,
    .co_amend = luks_co_amend,
    .get_specific_info = luks_get_specific_info,
    .measure = luks_measure,
    .supported_write_flags = BDRV_REQ_FUA,
};

static void luks_init(void)
{
    bdrv_register_driver(&luks_driver);
}
type_init(luks_init)
