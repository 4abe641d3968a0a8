/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "luks-internal.h"
#include "crypto/secret.h"

bool crypto_block_need_secret(const char *secret, const char *option,
                              Error **errp)
{
    if (!secret) {
        error_setg(errp, "Parameter '%s' is required for cipher", option);
    }
    return secret != NULL;
}

/* ---- The old encryption of qcow2: the passphrase is the key ---- */

#define QCOW_KEY_BYTES 16

static bool qcow_key(CryptoBlock *c, const char *secret, const char *option,
                     Error **errp)
{
    static const CipherSpec spec = {
        .alg = CRYPTO_CIPHER_AES_128, .mode = CRYPTO_MODE_CBC,
        .ivgen = CRYPTO_IVGEN_PLAIN64,
    };
    uint8_t *password;
    size_t len;

    if (!crypto_block_need_secret(secret, option, errp)) {
        return false;
    }
    c->ops = cipher_ops(errp);
    if (!c->ops || !secret_lookup(secret, &password, &len, errp)) {
        return false;
    }
    memcpy(c->key, password, MIN(len, (size_t)QCOW_KEY_BYTES));
    secret_free(password, len);
    c->cipher = sector_cipher_new(c->ops, &spec, c->key, errp);
    return c->cipher != NULL;
}

CryptoBlock *crypto_block_open_qcow(const char *secret, const char *option,
                                    bool facts_only, Error **errp)
{
    CryptoBlock *c = g_new0(CryptoBlock, 1);

    if (!facts_only && !qcow_key(c, secret, option, errp)) {
        crypto_block_free(c);
        return NULL;
    }
    return c;
}

/* ---- Both ---- */

void crypto_block_free(CryptoBlock *c)
{
    if (!c) {
        return;
    }
    sector_cipher_free(c->cipher);
    g_free(c->material);
    explicit_bzero(c, sizeof(*c));
    g_free(c);
}

bool crypto_block_has_key(const CryptoBlock *c)
{
    return c->cipher != NULL;
}

uint64_t crypto_block_payload_offset(const CryptoBlock *c)
{
    return (uint64_t)c->h.payload_sector * CRYPTO_SECTOR_BYTES;
}

static QCryptoBlockInfoLUKSSlot *slot_info(const LuksSlot *s)
{
    QCryptoBlockInfoLUKSSlot *info = g_new0(QCryptoBlockInfoLUKSSlot, 1);

    info->active = info->has_iters = info->has_stripes = s->active;
    info->iters = s->iterations;
    info->stripes = s->stripes;
    info->key_offset = luks_material_offset(s);
    return info;
}

QCryptoBlockInfoLUKS *crypto_block_info_luks(const CryptoBlock *c)
{
    const LuksHeader *h = &c->h;
    QCryptoBlockInfoLUKS *info = g_new0(QCryptoBlockInfoLUKS, 1);
    QCryptoBlockInfoLUKSSlotList **tail = &info->slots;

    info->cipher_alg = h->spec.alg;
    info->cipher_mode = h->spec.mode;
    info->ivgen_alg = h->spec.ivgen;
    info->has_ivgen_hash_alg = h->spec.ivgen == CRYPTO_IVGEN_ESSIV;
    info->ivgen_hash_alg = h->spec.ivgen_hash;
    info->hash_alg = h->hash;
    info->payload_offset = crypto_block_payload_offset(c);
    info->master_key_iters = h->iterations;
    info->uuid = g_strdup(h->uuid);
    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        *tail = g_new0(QCryptoBlockInfoLUKSSlotList, 1);
        (*tail)->value = slot_info(&h->slots[i]);
        tail = &(*tail)->next;
    }
    return info;
}

static int crypt_range(CryptoBlock *c, bool encrypt, uint64_t offset,
                       const void *src, void *dst, size_t bytes)
{
    if (!c->cipher) {
        return -EACCES;
    }
    if (offset % CRYPTO_SECTOR_BYTES || bytes % CRYPTO_SECTOR_BYTES) {
        return -EINVAL;
    }
    return sector_cipher_crypt(c->cipher, encrypt, offset / CRYPTO_SECTOR_BYTES,
                               src, dst, bytes);
}

int crypto_block_encrypt(CryptoBlock *c, uint64_t offset, const void *src,
                         void *dst, size_t bytes)
{
    return crypt_range(c, true, offset, src, dst, bytes);
}

int crypto_block_decrypt(CryptoBlock *c, uint64_t offset, const void *src,
                         void *dst, size_t bytes)
{
    return crypt_range(c, false, offset, src, dst, bytes);
}
