/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encryption of images: the key comes out of a header (LUKS version 1) with a
 * passphrase, or is the passphrase (the old encryption of qcow2); then sectors
 * are encrypted by their number.
 *
 * The crypto library is loaded when an image is opened with a key, or made. A
 * build without it can read a header, and no more.
 *
 * Threading: opening, making and changing in one thread at a time, and not
 * while requests go on; crypto_block_encrypt() and _decrypt() in any, several
 * at once.
 */
#ifndef CRYPTO_BLOCK_H
#define CRYPTO_BLOCK_H

#include "qapi/qapi-types-crypto.h"
#include "util/error.h"

typedef struct CryptoBlock CryptoBlock;

#define CRYPTO_SECTOR_BYTES 512

/* Where the header is: offsets from its start. */
typedef struct CryptoBlockIo {
    bool (*read)(void *opaque, uint64_t offset, void *buf, size_t len,
                 Error **errp);
    bool (*write)(void *opaque, uint64_t offset, const void *buf, size_t len,
                  Error **errp);
    void *opaque;
    uint64_t bytes;                 /* that there are; nothing goes past them */
} CryptoBlockIo;

/* crypto_block_need_secret: whether @secret, the id of one, was given; an error
 * that names @option if not. */
bool crypto_block_need_secret(const char *secret, const char *option,
                              Error **errp);

/* crypto_block_probe_luks: whether a header begins there. */
bool crypto_block_probe_luks(const uint8_t *buf, size_t bytes);

/*
 * crypto_block_open_luks: @io->write is not called.
 * @secret: id of the secret with a passphrase; NULL is an error that names
 *     @option
 * @facts_only: no key is needed, and nothing can be encrypted or changed
 */
CryptoBlock *crypto_block_open_luks(const CryptoBlockIo *io, const char *secret,
                                    const char *option, bool facts_only,
                                    Error **errp);
/* crypto_block_open_qcow: the same for AES-128-CBC by a key of at most 16
 * bytes. */
CryptoBlock *crypto_block_open_qcow(const char *secret, const char *option,
                                    bool facts_only, Error **errp);

/*
 * crypto_block_create_luks: a new key, in memory; takes about the time of
 * @o->iter_time. crypto_block_write_luks() then writes the header, whose
 * first crypto_block_payload_offset() bytes must be zeros.
 * @option: name of the option for the secret, for errors
 */
CryptoBlock *crypto_block_create_luks(const QCryptoBlockCreateOptionsLUKS *o,
                                      const char *option, Error **errp);
bool crypto_block_write_luks(CryptoBlock *c, const CryptoBlockIo *io,
                             Error **errp);
/* crypto_block_measure_luks: bytes that such a header takes. */
bool crypto_block_measure_luks(const QCryptoBlockCreateOptionsLUKS *o,
                               const char *option, uint64_t *bytes,
                               Error **errp);

/* crypto_block_amend_luks: @force: also what makes the data unreadable. The
 * caller flushes. */
bool crypto_block_amend_luks(CryptoBlock *c, const CryptoBlockIo *io,
                             const QCryptoBlockAmendOptionsLUKS *o, bool force,
                             Error **errp);

void crypto_block_free(CryptoBlock *c);         /* NULL is fine */

/* crypto_block_has_key: not opened for facts only. */
bool crypto_block_has_key(const CryptoBlock *c);
/* crypto_block_payload_offset: bytes from the header to the data; 0: there is
 * no header. */
uint64_t crypto_block_payload_offset(const CryptoBlock *c);
/* crypto_block_info_luks: free by qapi_free_QCryptoBlockInfoLUKS(). */
QCryptoBlockInfoLUKS *crypto_block_info_luks(const CryptoBlock *c);

/*
 * crypto_block_encrypt, crypto_block_decrypt: whole sectors from byte @offset
 * of the disk on. @dst may be @src. 0 or -errno.
 */
int crypto_block_encrypt(CryptoBlock *c, uint64_t offset, const void *src,
                         void *dst, size_t bytes);
int crypto_block_decrypt(CryptoBlock *c, uint64_t offset, const void *src,
                         void *dst, size_t bytes);

#endif
