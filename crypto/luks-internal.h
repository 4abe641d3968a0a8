/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LUKS, version 1, after the "LUKS On-Disk Format Specification" 1.2.3:
 *
 *   luks-header    the header as bytes, and what is checked of it
 *   luks-af        the anti-forensic splitter (2.4)
 *   luks-slots     passphrases: trying one, a slot for a new one
 *   luks-amend     adding and erasing them
 *   luks           opening and making
 *   sector-cipher  a cipher for sectors with numbers
 *   block          what others see (crypto/block.h)
 */
#ifndef CRYPTO_LUKS_INTERNAL_H
#define CRYPTO_LUKS_INTERNAL_H

#include "cipher-internal.h"
#include "crypto/block.h"

#define CRYPTO_KEY_MAX 64           /* bytes: AES-256 in mode xts */

/* ---- sector-cipher.c ---- */

typedef struct CipherSpec {
    QCryptoCipherAlgorithm alg;
    QCryptoCipherMode mode;
    QCryptoIVGenAlgorithm ivgen;
    QCryptoHashAlgorithm ivgen_hash;            /* of essiv */
} CipherSpec;

typedef struct SectorCipher SectorCipher;

/* crypto_key_bytes: mode xts takes two keys. 0: there is no such cipher. */
size_t crypto_key_bytes(QCryptoCipherAlgorithm alg, QCryptoCipherMode mode);
/* sector_cipher_new: @key has crypto_key_bytes(). */
SectorCipher *sector_cipher_new(const CipherOps *ops, const CipherSpec *spec,
                                const uint8_t *key, Error **errp);
void sector_cipher_free(SectorCipher *c);       /* NULL is fine */
/* sector_cipher_crypt: sectors from number @sector on; @len: a multiple of 16
 * (the last may be a part of one). 0 or -errno. Any thread, several at once. */
int sector_cipher_crypt(SectorCipher *c, bool encrypt, uint64_t sector,
                        const void *src, void *dst, size_t len);

/* ---- luks-header.c ---- */

#define LUKS_HEADER_BYTES   592
#define LUKS_VERSION        1
#define LUKS_SLOTS          8
#define LUKS_STRIPES        4000    /* of the slots that we make */
#define LUKS_DIGEST_BYTES   20
#define LUKS_SALT_BYTES     32
#define LUKS_UUID_BYTES     40
#define LUKS_ALIGN_SECTORS  8       /* of what we make: 4 KiB */
/* 4 MiB with the longest key; cryptsetup and QEMU have 4000 always. */
#define LUKS_MAX_STRIPES    65536
/* Minutes on a fast machine; a hostile header shall not take days. */
#define LUKS_MAX_ITERATIONS (1u << 28)
#define LUKS_MIN_ITERATIONS 1000
#define LUKS_ITER_MS        2000    /* when the user does not say */

typedef struct LuksSlot {
    bool active;
    uint32_t iterations;
    uint8_t salt[LUKS_SALT_BYTES];
    uint32_t key_sector, stripes;
} LuksSlot;

typedef struct LuksHeader {
    CipherSpec spec;
    QCryptoHashAlgorithm hash;
    uint32_t payload_sector;
    uint32_t key_bytes;
    uint8_t digest[LUKS_DIGEST_BYTES], salt[LUKS_SALT_BYTES];
    uint32_t iterations;
    char uuid[LUKS_UUID_BYTES];
    LuksSlot slots[LUKS_SLOTS];
} LuksHeader;

/* luks_header_parse: @buf: LUKS_HEADER_BYTES. What it says holds together: key
 * material lies between the header and the payload and does not overlap. */
bool luks_header_parse(const uint8_t *buf, LuksHeader *h, Error **errp);
void luks_header_pack(const LuksHeader *h, uint8_t *buf);
/* luks_material_bytes: of the split key, in whole sectors, which begin at byte
 * luks_material_offset(). */
size_t luks_material_bytes(const LuksHeader *h, const LuksSlot *slot);
uint64_t luks_material_offset(const LuksSlot *slot);

/* ---- luks-af.c ---- */

typedef struct LuksHash {
    const CipherOps *ops;
    QCryptoHashAlgorithm hash;
} LuksHash;

/* @split: @bytes * @stripes bytes. */
bool luks_af_split(const LuksHash *h, const uint8_t *key, size_t bytes,
                   uint32_t stripes, uint8_t *split, Error **errp);
bool luks_af_merge(const LuksHash *h, const uint8_t *split, size_t bytes,
                   uint32_t stripes, uint8_t *key, Error **errp);

/* ---- luks.c ---- */

struct CryptoBlock {
    const CipherOps *ops;           /* NULL: opened without a key */
    SectorCipher *cipher;           /* NULL: the same */
    LuksHeader h;
    uint8_t key[CRYPTO_KEY_MAX];
    uint8_t *material;              /* a new one: of slot 0, not yet written */
};

/* luks_write_header: without key material. */
bool luks_write_header(const CryptoBlock *c, const CryptoBlockIo *io,
                       Error **errp);
/* luks_write_slot: the @material of slot @i, then the header. */
bool luks_write_slot(const CryptoBlock *c, const CryptoBlockIo *io, unsigned i,
                     const uint8_t *material, Error **errp);

/* ---- luks-slots.c ---- */

/* Bytes of a secret; free by secret_free(). */
typedef struct LuksPassword {
    uint8_t *data;
    size_t len;
} LuksPassword;

/* luks_unlock_slot: 1: it fits, and @key is there; 0: it does not; -1: error */
int luks_unlock_slot(const CryptoBlock *c, unsigned i, const CryptoBlockIo *io,
                     const LuksPassword *password, uint8_t *key, Error **errp);
/* luks_make_slot: slot @i for c->key, and *@material of it
 * (luks_material_bytes(), the caller frees it). */
bool luks_make_slot(CryptoBlock *c, unsigned i, const LuksPassword *password,
                    uint64_t iter_ms, uint8_t **material, Error **errp);
/* luks_make_digest: by which c->key is known. */
bool luks_make_digest(CryptoBlock *c, uint64_t iter_ms, Error **errp);

#endif
