/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passphrases. A slot has the master key, split and encrypted with a key that
 * PBKDF2 makes of a passphrase.
 */
#include "util/osdep.h"
#include <time.h>
#include "luks-internal.h"

static void wipe_free(void *buf, size_t bytes)
{
    if (buf) {
        explicit_bzero(buf, bytes);
        g_free(buf);
    }
}

/* ---- How many iterations take how long ---- */

static int64_t thread_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Long enough for the clock, short enough for the user. */
#define MEASURE_NS (20 * 1000000LL)

static bool count_iterations(const CryptoBlock *c, size_t key_bytes,
                             uint64_t ms, uint32_t *count, Error **errp)
{
    uint8_t salt[LUKS_SALT_BYTES] = { 0 }, out[CRYPTO_KEY_MAX];
    CipherPassword p = {
        .hash = c->h.hash, .data = "password", .len = 8, .salt = salt,
        .salt_len = sizeof(salt), .iterations = 4096,
    };
    double wanted;
    int64_t ns;

    for (;; p.iterations *= 2) {
        int64_t start = thread_ns();

        if (!c->ops->pbkdf2(&p, out, key_bytes, errp)) {
            return false;
        }
        ns = thread_ns() - start;
        if (ns >= MEASURE_NS || p.iterations >= LUKS_MAX_ITERATIONS / 2) {
            break;
        }
    }
    wanted = (double)p.iterations * ms * 1000000.0 / MAX(ns, 1);
    *count = CLAMP(wanted, (double)LUKS_MIN_ITERATIONS,
                   (double)LUKS_MAX_ITERATIONS);
    return true;
}

/* ---- The digest ---- */

/* The specification wants it cheap beside a passphrase: an eighth. */
#define DIGEST_SHARE 8

static bool make_digest(const CryptoBlock *c, const uint8_t *key,
                        uint8_t *digest, Error **errp)
{
    CipherPassword p = {
        .hash = c->h.hash, .data = key, .len = c->h.key_bytes,
        .salt = c->h.salt, .salt_len = sizeof(c->h.salt),
        .iterations = c->h.iterations,
    };

    return c->ops->pbkdf2(&p, digest, LUKS_DIGEST_BYTES, errp);
}

bool luks_make_digest(CryptoBlock *c, uint64_t iter_ms, Error **errp)
{
    LuksHeader *h = &c->h;

    return count_iterations(c, LUKS_DIGEST_BYTES, iter_ms / DIGEST_SHARE,
                            &h->iterations, errp) &&
           c->ops->random(h->salt, sizeof(h->salt), errp) &&
           make_digest(c, c->key, h->digest, errp);
}

/* ---- Slots ---- */

static SectorCipher *slot_cipher(const CryptoBlock *c, const LuksSlot *slot,
                                 const LuksPassword *password, Error **errp)
{
    CipherPassword p = {
        .hash = c->h.hash, .data = password->data, .len = password->len,
        .salt = slot->salt, .salt_len = sizeof(slot->salt),
        .iterations = slot->iterations,
    };
    uint8_t key[CRYPTO_KEY_MAX];
    SectorCipher *cipher = NULL;

    if (c->ops->pbkdf2(&p, key, c->h.key_bytes, errp)) {
        cipher = sector_cipher_new(c->ops, &c->h.spec, key, errp);
    }
    explicit_bzero(key, sizeof(key));
    return cipher;
}

static int decrypt_key(const CryptoBlock *c, const LuksSlot *slot,
                       SectorCipher *cipher, uint8_t *material, uint8_t *key,
                       Error **errp)
{
    const LuksHash hash = { c->ops, c->h.hash };
    uint8_t digest[LUKS_DIGEST_BYTES];

    if (sector_cipher_crypt(cipher, false, 0, material, material,
                            luks_material_bytes(&c->h, slot)) < 0) {
        error_setg(errp, "cannot decrypt a key slot");
        return -1;
    }
    if (!luks_af_merge(&hash, material, c->h.key_bytes, slot->stripes, key,
                       errp) || !make_digest(c, key, digest, errp)) {
        return -1;
    }
    return !memcmp(digest, c->h.digest, sizeof(digest));
}

int luks_unlock_slot(const CryptoBlock *c, unsigned i, const CryptoBlockIo *io,
                     const LuksPassword *password, uint8_t *key, Error **errp)
{
    const LuksSlot *slot = &c->h.slots[i];
    size_t bytes = luks_material_bytes(&c->h, slot);
    uint64_t offset = luks_material_offset(slot);
    SectorCipher *cipher;
    uint8_t *material;
    int ret = -1;

    if (io->bytes < offset || io->bytes - offset < bytes) {
        error_setg(errp, "key slot %u ends at byte %" PRIu64 ", after the end "
                   "at %" PRIu64, i, offset + bytes, io->bytes);
        return -1;
    }
    cipher = slot_cipher(c, slot, password, errp);
    material = g_try_malloc(bytes);
    if (!material) {
        error_setg(errp, "no memory for a key slot of %zu bytes", bytes);
    } else if (cipher && io->read(io->opaque, offset, material, bytes, errp)) {
        ret = decrypt_key(c, slot, cipher, material, key, errp);
    }
    if (ret <= 0) {
        explicit_bzero(key, c->h.key_bytes);
    }
    sector_cipher_free(cipher);
    wipe_free(material, bytes);
    return ret;
}

static bool encrypt_key(const CryptoBlock *c, const LuksSlot *slot,
                        const LuksPassword *password, uint8_t *material,
                        Error **errp)
{
    const LuksHash hash = { c->ops, c->h.hash };
    SectorCipher *cipher = slot_cipher(c, slot, password, errp);
    int ret = -1;

    if (cipher && luks_af_split(&hash, c->key, c->h.key_bytes, slot->stripes,
                                material, errp)) {
        ret = sector_cipher_crypt(cipher, true, 0, material, material,
                                  luks_material_bytes(&c->h, slot));
        if (ret < 0) {
            error_setg(errp, "cannot encrypt a key slot");
        }
    }
    sector_cipher_free(cipher);
    return ret >= 0;
}

bool luks_make_slot(CryptoBlock *c, unsigned i, const LuksPassword *password,
                    uint64_t iter_ms, uint8_t **material, Error **errp)
{
    LuksSlot slot = c->h.slots[i];
    size_t bytes = luks_material_bytes(&c->h, &slot);

    if (!count_iterations(c, c->h.key_bytes, iter_ms, &slot.iterations, errp) ||
        !c->ops->random(slot.salt, sizeof(slot.salt), errp)) {
        return false;
    }
    *material = g_malloc0(bytes);
    if (!encrypt_key(c, &slot, password, *material, errp)) {
        wipe_free(g_steal_pointer(material), bytes);
        return false;
    }
    slot.active = true;
    c->h.slots[i] = slot;
    return true;
}
