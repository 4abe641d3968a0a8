/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "cipher-internal.h"
#include "gnutls-internal.h"

bool cipher_aes256_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16],
                               void *buf, size_t len, Error **errp)
{
    gnutls_datum_t k = { .data = (unsigned char *)key, .size = 32 };
    gnutls_datum_t v = { .data = (unsigned char *)iv, .size = 16 };
    gnutls_cipher_hd_t cipher;
    const GnuTLS *tls;
    int rc;

    if (len % 16) {
        error_setg(errp, "length %zu of encrypted data is not a multiple of "
                   "16", len);
        return false;
    }
    tls = gnutls_load(errp);
    if (!tls) {
        return false;
    }
    rc = tls->cipher_init(&cipher, GNUTLS_CIPHER_AES_256_CBC, &k, &v);
    if (rc == 0) {
        rc = tls->cipher_decrypt(cipher, buf, len);
        tls->cipher_deinit(cipher);
    }
    if (rc) {
        error_setg(errp, "cannot decrypt: %s", tls->strerror(rc));
        return false;
    }
    return true;
}

/* ---- For images ---- */

struct Cipher {
    const GnuTLS *tls;
    gnutls_cipher_hd_t handle;
};

static bool setup_error(int rc, const char *what, Error **errp)
{
    if (rc < 0) {
        error_setg(errp, "%s: %s", what, gnutls_load(NULL)->strerror(rc));
    }
    return rc >= 0;
}

static Cipher *image_cipher_new(QCryptoCipherAlgorithm alg,
                                QCryptoCipherMode mode, const uint8_t *key,
                                size_t key_bytes, Error **errp)
{
    static const gnutls_cipher_algorithm_t ids[][CRYPTO_MODE__MAX] = {
        [CRYPTO_CIPHER_AES_128] = {
            [CRYPTO_MODE_CBC] = GNUTLS_CIPHER_AES_128_CBC,
            [CRYPTO_MODE_XTS] = GNUTLS_CIPHER_AES_128_XTS,
        },
        [CRYPTO_CIPHER_AES_192] = {
            [CRYPTO_MODE_CBC] = GNUTLS_CIPHER_AES_192_CBC,
        },
        [CRYPTO_CIPHER_AES_256] = {
            [CRYPTO_MODE_CBC] = GNUTLS_CIPHER_AES_256_CBC,
            [CRYPTO_MODE_XTS] = GNUTLS_CIPHER_AES_256_XTS,
        },
    };
    static uint8_t no_iv[CIPHER_BLOCK_BYTES];
    gnutls_datum_t k = { .data = (unsigned char *)key, .size = key_bytes };
    gnutls_datum_t v = { .data = no_iv, .size = sizeof(no_iv) };
    g_autofree Cipher *c = g_new0(Cipher, 1);

    c->tls = gnutls_load(NULL);
    if (alg >= G_N_ELEMENTS(ids) || !ids[alg][mode]) {
        error_setg(errp, "cipher '%s' in mode '%s' is not supported",
                   QCryptoCipherAlgorithm_str(alg), QCryptoCipherMode_str(mode));
        error_append_hint(errp, "Supported are aes-128 and aes-256 in mode xts "
                          "or cbc, and aes-192 in mode cbc.");
        return NULL;
    }
    return setup_error(c->tls->cipher_init(&c->handle, ids[alg][mode], &k, &v),
                       "cannot set the cipher up", errp) ?
           g_steal_pointer(&c) : NULL;
}

static void image_cipher_free(Cipher *c)
{
    if (c) {
        c->tls->cipher_deinit(c->handle);
        g_free(c);
    }
}

static int image_cipher_crypt(Cipher *c, bool encrypt, const uint8_t *iv,
                              const void *src, void *dst, size_t len)
{
    c->tls->cipher_set_iv(c->handle, (void *)iv, CIPHER_BLOCK_BYTES);
    return (encrypt ? c->tls->cipher_encrypt2 : c->tls->cipher_decrypt2)
           (c->handle, src, len, dst, len) < 0 ? -EIO : 0;
}

/* The library has one set of numbers for hashes and for MACs made of them. */
static int hash_id(QCryptoHashAlgorithm hash)
{
    static const int ids[CRYPTO_HASH__MAX] = {
        [CRYPTO_HASH_MD5] = GNUTLS_DIG_MD5,
        [CRYPTO_HASH_SHA1] = GNUTLS_DIG_SHA1,
        [CRYPTO_HASH_SHA224] = GNUTLS_DIG_SHA224,
        [CRYPTO_HASH_SHA256] = GNUTLS_DIG_SHA256,
        [CRYPTO_HASH_SHA384] = GNUTLS_DIG_SHA384,
        [CRYPTO_HASH_SHA512] = GNUTLS_DIG_SHA512,
        [CRYPTO_HASH_RIPEMD160] = GNUTLS_DIG_RMD160,
    };

    return ids[hash];
}

static size_t hash_bytes(QCryptoHashAlgorithm hash)
{
    return gnutls_load(NULL)->hash_get_len(hash_id(hash));
}

static bool hash_data(QCryptoHashAlgorithm hash, const void *data, size_t len,
                      uint8_t *out, Error **errp)
{
    if (gnutls_load(NULL)->hash_fast(hash_id(hash), data, len, out) < 0) {
        error_setg(errp, "hash '%s' is not supported by GnuTLS",
                   QCryptoHashAlgorithm_str(hash));
        error_append_hint(errp, "Supported are sha1, sha256 and sha512.");
        return false;
    }
    return true;
}

static bool derive_key(const CipherPassword *p, void *out, size_t len,
                       Error **errp)
{
    gnutls_datum_t password = { .data = (void *)p->data, .size = p->len };
    gnutls_datum_t salt = { .data = (void *)p->salt, .size = p->salt_len };

    return setup_error(gnutls_load(NULL)->pbkdf2(hash_id(p->hash), &password,
                                                 &salt, p->iterations, out,
                                                 len), "PBKDF2", errp);
}

static bool random_bytes(void *buf, size_t len, Error **errp)
{
    return setup_error(gnutls_load(NULL)->rnd(GNUTLS_RND_KEY, buf, len),
                       "random numbers", errp);
}

const CipherOps *cipher_ops(Error **errp)
{
    static const CipherOps ops = {
        .new = image_cipher_new,
        .free = image_cipher_free,
        .crypt = image_cipher_crypt,
        .hash_bytes = hash_bytes,
        .hash = hash_data,
        .pbkdf2 = derive_key,
        .random = random_bytes,
    };

    return gnutls_load(errp) ? &ops : NULL;
}
