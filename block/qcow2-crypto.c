/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encrypted images ("Full disk encryption header pointer" in the
 * specification). Only what the guest writes is encrypted, not the tables, nor
 * compressed clusters, which are not written for that reason.
 *
 * LUKS: the number of a sector is that of its place in the file (or data file),
 * so what is copied to another cluster is encrypted anew. The old method (AES)
 * goes by the offset that the guest sees.
 */
#include "util/osdep.h"
#include "qcow2-internal.h"
#include "crypto-internal.h"
#include "util/bytes.h"

/* Eight slots with as many stripes as LUKS headers may have here. */
#define MAX_CRYPTO_BYTES (64 * MiB)

static const char *const option_secret = "encrypt.key-secret";

/* ---- The header extension ---- */

bool qcow2_crypto_take_extension(BlockDriverState *bs, const uint8_t *data,
                                 uint32_t bytes, Error **errp)
{
    Qcow2State *s = bs->opaque;

    if (s->crypt_method != QCOW2_CRYPT_LUKS) {
        error_setg(errp, "CRYPTO header extension only expected with LUKS "
                   "encryption method");
        return false;
    }
    if (bytes != QCOW2_CRYPTO_EXT_BYTES) {
        error_setg(errp, "CRYPTO header extension size %u, but expected size "
                   "%u", bytes, QCOW2_CRYPTO_EXT_BYTES);
        return false;
    }
    s->crypto_offset = get_be64(data);
    s->crypto_bytes = get_be64(data + 8);
    if (!s->crypto_offset || qcow2_in_cluster(s, s->crypto_offset) ||
        s->crypto_offset > QCOW2_OFFSET_MASK) {
        error_setg(errp, "Encryption header offset '%" PRIu64 "' is not a "
                   "multiple of cluster size '%u'", s->crypto_offset,
                   s->cluster_bytes);
        return false;
    }
    if (!s->crypto_bytes || s->crypto_bytes > MAX_CRYPTO_BYTES) {
        error_setg(errp, "Encryption header has %" PRIu64 " bytes, not 1 to "
                   "%" PRIu64, s->crypto_bytes, (uint64_t)MAX_CRYPTO_BYTES);
        return false;
    }
    return true;
}

void qcow2_crypto_put_extension(const Qcow2State *s, uint8_t *data)
{
    put_be64(data, s->crypto_offset);
    put_be64(data + 8, s->crypto_bytes);
}

static BdrvCryptoArea crypto_area(BlockDriverState *bs)
{
    Qcow2State *s = bs->opaque;

    return (BdrvCryptoArea) { bs->file->bs, s->crypto_offset, s->crypto_bytes };
}

/* ---- Opening ---- */

static bool formats_match(const Qcow2State *s, const BlockdevOptionsQcow2 *o,
                          Error **errp)
{
    const char *header = s->crypt_method == QCOW2_CRYPT_LUKS ? "luks" : "aes";
    const char *given = o->encrypt ?
        BlockdevQcow2EncryptionFormat_str(o->encrypt->format) : NULL;

    if (given && !s->crypt_method) {
        error_setg(errp, "No encryption in image header, but options specified "
                   "format '%s'", given);
        return false;
    }
    if (given && !g_str_equal(given, header)) {
        error_setg(errp, "Header reported '%s' encryption format but options "
                   "specify '%s'", header, given);
        return false;
    }
    return true;
}

static CryptoBlock *open_luks(BlockDriverState *bs, const char *secret,
                              bool facts_only, Error **errp)
{
    BdrvCryptoArea area = crypto_area(bs);
    CryptoBlockIo io = bdrv_crypto_open_io(&area);

    if (!area.bytes) {
        error_setg(errp, "Encryption method is LUKS, but the image has no "
                   "header for it");
        return NULL;
    }
    return crypto_block_open_luks(&io, secret, option_secret, facts_only, errp);
}

static CryptoBlock *open_aes(const char *secret, bool facts_only, Error **errp)
{
    if (!bdrv_legacy_crypto_allowed() && !facts_only) {
        error_setg(errp, "Use of AES-CBC encrypted qcow2 images is no longer "
                   "supported in system emulators");
        error_append_hint(errp, "You can use 'nemu-img convert' to convert "
                          "your image to an alternative supported format, such "
                          "as unencrypted qcow2, or raw with the LUKS format "
                          "instead.");
        return NULL;
    }
    return crypto_block_open_qcow(secret, option_secret, facts_only, errp);
}

bool qcow2_open_crypto(BlockDriverState *bs, const BlockdevOptionsQcow2 *o,
                       Error **errp)
{
    Qcow2State *s = bs->opaque;
    bool facts_only = bs->open_flags & BDRV_O_NO_IO;
    const char *secret = !o->encrypt ? NULL :
        o->encrypt->format == BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_LUKS ?
        o->encrypt->u.luks.key_secret : o->encrypt->u.aes.key_secret;

    if (!formats_match(s, o, errp)) {
        return false;
    }
    if (!s->crypt_method) {
        return true;
    }
    bs->encrypted = true;
    s->crypto = s->crypt_method == QCOW2_CRYPT_LUKS ?
                open_luks(bs, secret, facts_only, errp) :
                open_aes(secret, facts_only, errp);
    return s->crypto != NULL;
}

/* ---- New images ---- */

bool qcow2_crypto_new(const QCryptoBlockCreateOptions *o, CryptoBlock **crypto,
                      Error **errp)
{
    *crypto = !o ? NULL : o->format == CRYPTO_FORMAT_LUKS ?
              crypto_block_create_luks(&o->u.luks, option_secret, errp) :
              crypto_block_open_qcow(o->u.qcow.key_secret, option_secret, false,
                                     errp);
    return !o || *crypto;
}

bool qcow2_crypto_measure(const QCryptoBlockCreateOptions *o, uint64_t *bytes,
                          Error **errp)
{
    *bytes = 0;
    if (!o) {
        return true;
    }
    if (o->format == CRYPTO_FORMAT_LUKS) {
        return crypto_block_measure_luks(&o->u.luks, option_secret, bytes,
                                         errp);
    }
    return crypto_block_need_secret(o->u.qcow.key_secret, option_secret, errp);
}

static int coroutine_fn place_header(BlockDriverState *bs, CryptoBlock *crypto,
                                     Error **errp)
{
    Qcow2State *s = bs->opaque;
    uint64_t bytes = crypto_block_payload_offset(crypto);
    uint64_t room = qcow2_clusters(s, bytes) << s->cluster_bits;
    BdrvCryptoArea area;
    CryptoBlockIo io;
    int64_t offset;
    int ret;

    co_mutex_lock(&s->lock);
    offset = qcow2_alloc(bs, bytes);
    co_mutex_unlock(&s->lock);
    ret = offset < 0 ? offset :
          bdrv_co_pwrite_zeroes(bs->file->bs, offset, room, 0);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Could not make room for the encryption "
                         "header");
        return ret;
    }
    s->crypto_offset = offset;
    s->crypto_bytes = bytes;
    area = crypto_area(bs);
    io = bdrv_crypto_co_io(&area);
    return crypto_block_write_luks(crypto, &io, errp) ? 0 : -EIO;
}

int coroutine_fn qcow2_crypto_create(BlockDriverState *bs, CryptoBlock *crypto,
                                     Error **errp)
{
    Qcow2State *s = bs->opaque;
    bool luks = crypto_block_payload_offset(crypto);
    int ret = luks ? place_header(bs, crypto, errp) : 0;

    if (ret < 0) {
        crypto_block_free(crypto);
        return ret;
    }
    s->crypto = crypto;
    s->crypt_method = luks ? QCOW2_CRYPT_LUKS : QCOW2_CRYPT_AES;
    bs->encrypted = true;
    return 0;
}

/* ---- Facts and changes ---- */

ImageInfoSpecificQCow2Encryption *qcow2_crypto_info(const Qcow2State *s)
{
    ImageInfoSpecificQCow2Encryption *info;
    QCryptoBlockInfoLUKS *luks;

    if (!s->crypto) {
        return NULL;
    }
    info = g_new0(ImageInfoSpecificQCow2Encryption, 1);
    info->format = BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_AES;
    if (s->crypt_method == QCOW2_CRYPT_LUKS) {
        info->format = BLOCKDEV_QCOW2_ENCRYPTION_FORMAT_LUKS;
        luks = crypto_block_info_luks(s->crypto);
        info->u.luks = *luks;
        g_free(luks);               /* what it points to is @info's now */
    }
    return info;
}

int coroutine_fn qcow2_crypto_amend(BlockDriverState *bs, const BdrvAmend *a,
                                    Error **errp)
{
    Qcow2State *s = bs->opaque;
    BdrvCryptoArea area = crypto_area(bs);

    if (!a->encrypt) {
        return 0;
    }
    if (s->crypt_method != QCOW2_CRYPT_LUKS) {
        error_setg(errp, s->crypt_method ? "Only LUKS encryption options can "
                   "be amended for qcow2" : "Can't amend encryption options - "
                   "encryption not present");
        return -ENOTSUP;
    }
    return bdrv_crypto_co_amend(s->crypto, &area, a, errp);
}

/* ---- Data ---- */

static BdrvCryptoRequest request(BlockDriverState *bs, uint64_t guest,
                                 uint64_t host, IoVec *iov)
{
    Qcow2State *s = bs->opaque;

    return (BdrvCryptoRequest) {
        .file = s->data_file->bs, .crypto = s->crypto, .file_offset = host,
        .offset = s->crypt_method == QCOW2_CRYPT_LUKS ? host : guest,
        .iov = iov, .bytes = iov->size,
    };
}

int coroutine_fn qcow2_read_data(BlockDriverState *bs, uint64_t guest,
                                 uint64_t host, IoVec *iov)
{
    Qcow2State *s = bs->opaque;
    BdrvCryptoRequest r;

    if (!s->crypto) {
        return bdrv_co_preadv(s->data_file->bs, host, iov, 0);
    }
    r = request(bs, guest, host, iov);
    return bdrv_crypto_co_read(&r);
}

int coroutine_fn qcow2_write_data(BlockDriverState *bs, uint64_t guest,
                                  uint64_t host, IoVec *iov)
{
    Qcow2State *s = bs->opaque;
    BdrvCryptoRequest r;

    if (!s->crypto) {
        return bdrv_co_pwritev(s->data_file->bs, host, iov, 0);
    }
    r = request(bs, guest, host, iov);
    return bdrv_crypto_co_write(&r);
}
