/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LUKS: opening by a passphrase, and making new headers. */
#include "util/osdep.h"
#include "luks-internal.h"
#include "crypto/secret.h"

/* Whether the library has the cipher and the hash is known before a passphrase
 * is tried. A key of two equal halves is not one for all libraries. */
static bool check_library(CryptoBlock *c, Error **errp)
{
    uint8_t out[CIPHER_HASH_MAX];

    c->key[0] = 1;
    c->ops = cipher_ops(errp);
    if (!c->ops || !c->ops->hash(c->h.hash, "", 0, out, errp)) {
        return false;
    }
    c->cipher = sector_cipher_new(c->ops, &c->h.spec, c->key, errp);
    return c->cipher != NULL;
}

/* ---- Opening ---- */

static bool unlock(CryptoBlock *c, const CryptoBlockIo *io, const char *secret,
                   Error **errp)
{
    LuksPassword password;
    int ret = 0;

    if (!secret_lookup(secret, &password.data, &password.len, errp)) {
        return false;
    }
    for (unsigned i = 0; i < LUKS_SLOTS && ret == 0; i++) {
        if (c->h.slots[i].active) {
            ret = luks_unlock_slot(c, i, io, &password, c->key, errp);
        }
    }
    secret_free(password.data, password.len);
    if (ret == 0) {
        error_setg(errp, "Invalid password, cannot unlock any keyslot");
    }
    return ret > 0;
}

static bool read_header(CryptoBlock *c, const CryptoBlockIo *io, Error **errp)
{
    uint8_t buf[LUKS_HEADER_BYTES];

    if (io->bytes < sizeof(buf)) {
        error_setg(errp, "LUKS header: %" PRIu64 " bytes are too short for one",
                   io->bytes);
        return false;
    }
    return io->read(io->opaque, 0, buf, sizeof(buf), errp) &&
           luks_header_parse(buf, &c->h, errp);
}

static bool open_key(CryptoBlock *c, const CryptoBlockIo *io,
                     const char *secret, const char *option, Error **errp)
{
    if (!crypto_block_need_secret(secret, option, errp) ||
        !check_library(c, errp) || !unlock(c, io, secret, errp)) {
        return false;
    }
    sector_cipher_free(c->cipher);
    c->cipher = sector_cipher_new(c->ops, &c->h.spec, c->key, errp);
    return c->cipher != NULL;
}

CryptoBlock *crypto_block_open_luks(const CryptoBlockIo *io, const char *secret,
                                    const char *option, bool facts_only,
                                    Error **errp)
{
    CryptoBlock *c = g_new0(CryptoBlock, 1);

    if (!read_header(c, io, errp) ||
        (!facts_only && !open_key(c, io, secret, option, errp))) {
        crypto_block_free(c);
        return NULL;
    }
    return c;
}

/* ---- Making one ---- */

static bool choose_cipher(LuksHeader *h,
                          const QCryptoBlockCreateOptionsLUKS *o, Error **errp)
{
    CipherSpec *spec = &h->spec;

    spec->alg = o->has_cipher_alg ? o->cipher_alg : CRYPTO_CIPHER_AES_256;
    spec->mode = o->has_cipher_mode ? o->cipher_mode : CRYPTO_MODE_XTS;
    spec->ivgen = o->has_ivgen_alg ? o->ivgen_alg : CRYPTO_IVGEN_PLAIN64;
    spec->ivgen_hash = o->has_ivgen_hash_alg ? o->ivgen_hash_alg :
                                               CRYPTO_HASH_SHA256;
    h->hash = o->has_hash_alg ? o->hash_alg : CRYPTO_HASH_SHA256;
    h->key_bytes = crypto_key_bytes(spec->alg, spec->mode);
    if (!h->key_bytes) {
        error_setg(errp, "Algorithm '%s' not supported in mode '%s'",
                   QCryptoCipherAlgorithm_str(spec->alg),
                   QCryptoCipherMode_str(spec->mode));
        error_append_hint(errp, "Supported are aes-128 and aes-256 in mode xts "
                          "or cbc, and aes-192 in mode cbc.");
        return false;
    }
    return true;
}

static void place_slots(LuksHeader *h)
{
    uint32_t sectors = ROUND_UP(h->key_bytes * LUKS_STRIPES,
                                LUKS_ALIGN_SECTORS * CRYPTO_SECTOR_BYTES) /
                       CRYPTO_SECTOR_BYTES;

    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        h->slots[i].stripes = LUKS_STRIPES;
        h->slots[i].key_sector = LUKS_ALIGN_SECTORS + i * sectors;
    }
    h->payload_sector = LUKS_ALIGN_SECTORS + LUKS_SLOTS * sectors;
}

static bool begin_header(LuksHeader *h, const QCryptoBlockCreateOptionsLUKS *o,
                         const char *option, Error **errp)
{
    if (!crypto_block_need_secret(o->key_secret, option, errp)) {
        return false;
    }
    if (o->has_iter_time && (o->iter_time < 0 || o->iter_time > INT32_MAX)) {
        error_setg(errp, "iter-time %" PRId64 " is not from 0 to %d "
                   "milliseconds", o->iter_time, INT32_MAX);
        return false;
    }
    if (!choose_cipher(h, o, errp)) {
        return false;
    }
    place_slots(h);
    return true;
}

bool crypto_block_measure_luks(const QCryptoBlockCreateOptionsLUKS *o,
                               const char *option, uint64_t *bytes,
                               Error **errp)
{
    LuksHeader h = { 0 };
    bool ok = begin_header(&h, o, option, errp);

    *bytes = (uint64_t)h.payload_sector * CRYPTO_SECTOR_BYTES;
    return ok;
}

static bool make_keys(CryptoBlock *c, const QCryptoBlockCreateOptionsLUKS *o,
                      Error **errp)
{
    uint64_t ms = o->has_iter_time ? o->iter_time : LUKS_ITER_MS;
    g_autofree char *uuid = g_uuid_string_random();
    LuksPassword password;
    bool ok;

    if (!secret_lookup(o->key_secret, &password.data, &password.len, errp)) {
        return false;
    }
    g_strlcpy(c->h.uuid, uuid, sizeof(c->h.uuid));
    ok = c->ops->random(c->key, c->h.key_bytes, errp) &&
         luks_make_digest(c, ms, errp) &&
         luks_make_slot(c, 0, &password, ms, &c->material, errp);
    secret_free(password.data, password.len);
    if (ok) {
        sector_cipher_free(c->cipher);
        c->cipher = sector_cipher_new(c->ops, &c->h.spec, c->key, errp);
    }
    return ok && c->cipher;
}

CryptoBlock *crypto_block_create_luks(const QCryptoBlockCreateOptionsLUKS *o,
                                      const char *option, Error **errp)
{
    CryptoBlock *c = g_new0(CryptoBlock, 1);

    if (begin_header(&c->h, o, option, errp) && check_library(c, errp) &&
        make_keys(c, o, errp)) {
        return c;
    }
    crypto_block_free(c);
    return NULL;
}

bool luks_write_header(const CryptoBlock *c, const CryptoBlockIo *io,
                       Error **errp)
{
    uint8_t buf[LUKS_HEADER_BYTES];

    luks_header_pack(&c->h, buf);
    return io->write(io->opaque, 0, buf, sizeof(buf), errp);
}

bool luks_write_slot(const CryptoBlock *c, const CryptoBlockIo *io, unsigned i,
                     const uint8_t *material, Error **errp)
{
    const LuksSlot *slot = &c->h.slots[i];

    return io->write(io->opaque, luks_material_offset(slot), material,
                     luks_material_bytes(&c->h, slot), errp) &&
           luks_write_header(c, io, errp);
}

bool crypto_block_write_luks(CryptoBlock *c, const CryptoBlockIo *io,
                             Error **errp)
{
    return luks_write_slot(c, io, 0, c->material, errp);
}
