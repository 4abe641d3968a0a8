/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What formats with encryption share: their header as crypto/block.h wants to
 * read it, and requests that pass through the cipher.
 */
#ifndef BLOCK_CRYPTO_INTERNAL_H
#define BLOCK_CRYPTO_INTERNAL_H

#include "block-internal.h"
#include "crypto/block.h"

/* A part of a node where a header of encryption is. */
typedef struct BdrvCryptoArea {
    BlockDriverState *file;
    uint64_t offset, bytes;
} BdrvCryptoArea;

/* bdrv_crypto_open_io: to read @area in the main thread, not in a coroutine;
 * bdrv_crypto_co_io: to read and write it in one. @area stays the caller's. */
CryptoBlockIo bdrv_crypto_open_io(BdrvCryptoArea *area);
CryptoBlockIo bdrv_crypto_co_io(BdrvCryptoArea *area);

/* bdrv_crypto_co_amend: 0 or -errno with an error. */
int coroutine_fn bdrv_crypto_co_amend(CryptoBlock *crypto, BdrvCryptoArea *area,
                                      const BdrvAmend *amend, Error **errp);

/*
 * Data of @bytes at @file_offset of @file, which is byte @offset of the
 * encrypted disk; a part of @iov from @done on. Whole sectors. The guest's
 * buffers have never anything but plain data.
 */
typedef struct BdrvCryptoRequest {
    BlockDriverState *file;
    CryptoBlock *crypto;
    uint64_t file_offset, offset;
    IoVec *iov;
    size_t done, bytes;
    int flags;                      /* of a write */
} BdrvCryptoRequest;

int coroutine_fn bdrv_crypto_co_read(const BdrvCryptoRequest *r);
int coroutine_fn bdrv_crypto_co_write(const BdrvCryptoRequest *r);

/* bdrv_legacy_crypto_allowed: see bdrv_allow_legacy_crypto(). */
bool bdrv_legacy_crypto_allowed(void);

/* The options of new images; @prefix goes before each. */
#define BDRV_CRYPTO_CREATE_OPTIONS(prefix, secret_help)                        \
    { prefix "key-secret", BDRV_OPTION_STRING, NULL, secret_help },            \
    { prefix "cipher-alg", BDRV_OPTION_STRING, NULL,                           \
      "Name of encryption cipher algorithm" },                                 \
    { prefix "cipher-mode", BDRV_OPTION_STRING, NULL,                          \
      "Name of encryption cipher mode" },                                      \
    { prefix "ivgen-alg", BDRV_OPTION_STRING, NULL,                            \
      "Name of IV generator algorithm" },                                      \
    { prefix "ivgen-hash-alg", BDRV_OPTION_STRING, NULL,                       \
      "Name of IV generator hash algorithm" },                                 \
    { prefix "hash-alg", BDRV_OPTION_STRING, NULL,                             \
      "Name of encryption hash algorithm" },                                   \
    { prefix "iter-time", BDRV_OPTION_NUMBER, NULL,                            \
      "Time to spend in PBKDF in milliseconds" }

#endif
