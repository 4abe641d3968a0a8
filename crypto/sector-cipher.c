/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "luks-internal.h"
#include "util/bytes.h"

/* What one thread works with; they wait in a list for the next request. */
typedef struct Worker {
    Cipher *data, *essiv;
    struct Worker *next;
} Worker;

struct SectorCipher {
    const CipherOps *ops;
    CipherSpec spec;
    QCryptoCipherAlgorithm essiv_alg;
    uint8_t key[CRYPTO_KEY_MAX], essiv_key[CIPHER_HASH_MAX];
    size_t key_bytes, essiv_bytes;
    GMutex lock;                    /* of the list */
    Worker *idle;
};

/* ---- Workers ---- */

static void worker_free(const SectorCipher *c, Worker *w)
{
    c->ops->free(w->data);
    c->ops->free(w->essiv);
    g_free(w);
}

static Worker *worker_new(const SectorCipher *c, Error **errp)
{
    bool essiv = c->spec.ivgen == CRYPTO_IVGEN_ESSIV;
    Worker *w = g_new0(Worker, 1);

    w->data = c->ops->new(c->spec.alg, c->spec.mode, c->key, c->key_bytes,
                          errp);
    if (w->data && essiv) {
        /* One block with an initialization vector of zeros is the cipher
         * itself. */
        w->essiv = c->ops->new(c->essiv_alg, CRYPTO_MODE_CBC, c->essiv_key,
                               c->essiv_bytes, errp);
    }
    if (!w->data || (essiv && !w->essiv)) {
        worker_free(c, w);
        return NULL;
    }
    return w;
}

static Worker *worker_take(SectorCipher *c)
{
    Worker *w;

    g_mutex_lock(&c->lock);
    w = c->idle;
    if (w) {
        c->idle = w->next;
    }
    g_mutex_unlock(&c->lock);
    return w ? w : worker_new(c, NULL);
}

static void worker_give(SectorCipher *c, Worker *w)
{
    g_mutex_lock(&c->lock);
    w->next = c->idle;
    c->idle = w;
    g_mutex_unlock(&c->lock);
}

/* ---- Making one ---- */

static bool derive_essiv(SectorCipher *c, Error **errp)
{
    static const QCryptoCipherAlgorithm by_bytes[] = {
        [16] = CRYPTO_CIPHER_AES_128, [24] = CRYPTO_CIPHER_AES_192,
        [32] = CRYPTO_CIPHER_AES_256,
    };

    c->essiv_bytes = c->ops->hash_bytes(c->spec.ivgen_hash);
    if (c->essiv_bytes != 16 && c->essiv_bytes != 24 && c->essiv_bytes != 32) {
        error_setg(errp, "hash '%s' cannot be used for essiv: it has %zu bytes,"
                   " and AES has no such key",
                   QCryptoHashAlgorithm_str(c->spec.ivgen_hash),
                   c->essiv_bytes);
        return false;
    }
    c->essiv_alg = by_bytes[c->essiv_bytes];
    return c->ops->hash(c->spec.ivgen_hash, c->key, c->key_bytes, c->essiv_key,
                        errp);
}

SectorCipher *sector_cipher_new(const CipherOps *ops, const CipherSpec *spec,
                                const uint8_t *key, Error **errp)
{
    SectorCipher *c = g_new0(SectorCipher, 1);

    g_mutex_init(&c->lock);
    c->ops = ops;
    c->spec = *spec;
    c->key_bytes = crypto_key_bytes(spec->alg, spec->mode);
    memcpy(c->key, key, c->key_bytes);
    if (spec->ivgen == CRYPTO_IVGEN_ESSIV && !derive_essiv(c, errp)) {
        sector_cipher_free(c);
        return NULL;
    }
    c->idle = worker_new(c, errp);
    if (!c->idle) {
        sector_cipher_free(c);
        return NULL;
    }
    return c;
}

void sector_cipher_free(SectorCipher *c)
{
    if (!c) {
        return;
    }
    while (c->idle) {
        Worker *w = c->idle;

        c->idle = w->next;
        worker_free(c, w);
    }
    g_mutex_clear(&c->lock);
    explicit_bzero(c, sizeof(*c));
    g_free(c);
}

/* ---- Sectors ---- */

static int make_iv(const SectorCipher *c, Worker *w, uint64_t sector,
                   uint8_t *iv)
{
    static const uint8_t zeros[CIPHER_BLOCK_BYTES];

    memset(iv, 0, CIPHER_BLOCK_BYTES);
    put_le64(iv, c->spec.ivgen == CRYPTO_IVGEN_PLAIN ? (uint32_t)sector :
                                                       sector);
    return c->spec.ivgen != CRYPTO_IVGEN_ESSIV ? 0 :
           c->ops->crypt(w->essiv, true, zeros, iv, iv, CIPHER_BLOCK_BYTES);
}

int sector_cipher_crypt(SectorCipher *c, bool encrypt, uint64_t sector,
                        const void *src, void *dst, size_t len)
{
    Worker *w = worker_take(c);
    int ret = w ? 0 : -ENOMEM;

    for (size_t at = 0; at < len && ret >= 0; at += CRYPTO_SECTOR_BYTES) {
        uint8_t iv[CIPHER_BLOCK_BYTES];

        ret = make_iv(c, w, sector++, iv);
        ret = ret < 0 ? ret :
              c->ops->crypt(w->data, encrypt, iv, (const uint8_t *)src + at,
                            (uint8_t *)dst + at,
                            MIN(len - at, (size_t)CRYPTO_SECTOR_BYTES));
    }
    if (w) {
        worker_give(c, w);
    }
    return ret;
}
