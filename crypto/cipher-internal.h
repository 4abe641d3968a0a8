/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What secrets and encrypted images need of a crypto library; cipher-gnutls.c
 * has it. A build without a library has cipher-none.c.
 */
#ifndef CRYPTO_CIPHER_INTERNAL_H
#define CRYPTO_CIPHER_INTERNAL_H

#include "qapi/qapi-types-crypto.h"
#include "util/error.h"

/* Decrypt @buf in place. Fails when @len is no multiple of 16. */
bool cipher_aes256_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16],
                               void *buf, size_t len, Error **errp);

#define CIPHER_BLOCK_BYTES 16       /* of AES */
#define CIPHER_HASH_MAX    64       /* bytes of the longest hash */

typedef struct Cipher Cipher;

/* What PBKDF2 makes a key of. */
typedef struct CipherPassword {
    QCryptoHashAlgorithm hash;
    const void *data, *salt;
    size_t len, salt_len;
    unsigned iterations;
} CipherPassword;

/* Any thread; a Cipher by one at a time. */
typedef struct CipherOps {
    /* AES alone. @key_bytes as crypto_key_bytes() says. */
    Cipher *(*new)(QCryptoCipherAlgorithm alg, QCryptoCipherMode mode,
                   const uint8_t *key, size_t key_bytes, Error **errp);
    void (*free)(Cipher *c);
    /* @len: a multiple of 16, at least 16. @dst may be @src. 0 or -EIO. */
    int (*crypt)(Cipher *c, bool encrypt, const uint8_t *iv, const void *src,
                 void *dst, size_t len);
    size_t (*hash_bytes)(QCryptoHashAlgorithm hash);
    bool (*hash)(QCryptoHashAlgorithm hash, const void *data, size_t len,
                 uint8_t *out, Error **errp);
    bool (*pbkdf2)(const CipherPassword *p, void *out, size_t len,
                   Error **errp);
    bool (*random)(void *buf, size_t len, Error **errp);
} CipherOps;

/* cipher_ops: NULL: there is no library. */
const CipherOps *cipher_ops(Error **errp);

#endif
