/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header of LUKS version 1 ("partition header" in the specification). */
#include "util/osdep.h"
#include "luks-internal.h"
#include "util/bytes.h"
#include "util/cutils.h"

/* Offsets in it; numbers are big endian, names end with a NUL. */
enum {
    AT_VERSION = 6, AT_CIPHER_NAME = 8, AT_CIPHER_MODE = 40, AT_HASH = 72,
    AT_PAYLOAD = 104, AT_KEY_BYTES = 108, AT_DIGEST = 112, AT_SALT = 132,
    AT_ITERATIONS = 164, AT_UUID = 168, AT_SLOTS = 208, SLOT_BYTES = 48,
    /* in a slot */
    AT_SLOT_ITERATIONS = 4, AT_SLOT_SALT = 8, AT_SLOT_KEY = 40,
    AT_SLOT_STRIPES = 44,
    NAME_BYTES = 32,
};

#define SLOT_ACTIVE   0x00ac71f3
#define SLOT_INACTIVE 0x0000dead

static const uint8_t magic[6] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

/* ---- Ciphers ---- */

/* What the header calls them, and the bytes of one key. */
static const struct {
    const char *name;
    size_t key_bytes;
} ciphers[CRYPTO_CIPHER__MAX] = {
    [CRYPTO_CIPHER_AES_128] = { "aes", 16 },
    [CRYPTO_CIPHER_AES_192] = { "aes", 24 },
    [CRYPTO_CIPHER_AES_256] = { "aes", 32 },
    [CRYPTO_CIPHER_CAST5_128] = { "cast5", 16 },
    [CRYPTO_CIPHER_SERPENT_128] = { "serpent", 16 },
    [CRYPTO_CIPHER_SERPENT_192] = { "serpent", 24 },
    [CRYPTO_CIPHER_SERPENT_256] = { "serpent", 32 },
    [CRYPTO_CIPHER_TWOFISH_128] = { "twofish", 16 },
    [CRYPTO_CIPHER_TWOFISH_192] = { "twofish", 24 },
    [CRYPTO_CIPHER_TWOFISH_256] = { "twofish", 32 },
};

size_t crypto_key_bytes(QCryptoCipherAlgorithm alg, QCryptoCipherMode mode)
{
    size_t bytes = ciphers[alg].key_bytes;

    return mode != CRYPTO_MODE_XTS ? bytes : bytes == 24 ? 0 : 2 * bytes;
}

size_t luks_material_bytes(const LuksHeader *h, const LuksSlot *slot)
{
    return ROUND_UP((size_t)h->key_bytes * slot->stripes,
                    (size_t)CRYPTO_SECTOR_BYTES);
}

uint64_t luks_material_offset(const LuksSlot *slot)
{
    return (uint64_t)slot->key_sector * CRYPTO_SECTOR_BYTES;
}

/* ---- Reading ---- */

static bool get_name(const uint8_t *buf, size_t at, size_t max,
                     const char *what, Error **errp)
{
    if (!memchr(buf + at, 0, max)) {
        error_setg(errp, "LUKS header: the %s does not end", what);
        return false;
    }
    return true;
}

static int find_enum(const QEnumLookup *lookup, const char *name,
                     const char *what, Error **errp)
{
    int val = qapi_enum_find(lookup, name);

    if (val < 0) {
        error_setg(errp, "LUKS header: %s '%s' is not supported", what, name);
    }
    return val;
}

/* "xts-plain64", "cbc-essiv:sha256". */
static bool parse_mode(char *text, CipherSpec *spec, Error **errp)
{
    char *ivgen = strchr(text, '-');
    char *hash = ivgen ? strchr(ivgen, ':') : NULL;
    int val;

    if (!ivgen) {
        error_setg(errp, "LUKS header: cipher mode '%s' is not supported",
                   text);
        return false;
    }
    *ivgen++ = '\0';
    if (hash) {
        *hash++ = '\0';
    }
    val = find_enum(&QCryptoCipherMode_lookup, text, "cipher mode", errp);
    spec->mode = val;
    if (val < 0) {
        return false;
    }
    val = find_enum(&QCryptoIVGenAlgorithm_lookup, ivgen,
                    "initialization vector", errp);
    spec->ivgen = val;
    if (val < 0 || spec->ivgen != CRYPTO_IVGEN_ESSIV) {
        return val >= 0;
    }
    if (!hash) {
        error_setg(errp, "LUKS header: essiv without a hash");
        return false;
    }
    val = find_enum(&QCryptoHashAlgorithm_lookup, hash, "hash of essiv", errp);
    spec->ivgen_hash = val;
    return val >= 0;
}

static bool find_cipher(LuksHeader *h, const char *name, Error **errp)
{
    bool known = false;

    for (int i = 0; i < CRYPTO_CIPHER__MAX; i++) {
        if (!ciphers[i].name || !g_str_equal(ciphers[i].name, name)) {
            continue;
        }
        known = true;
        if (h->key_bytes &&
            crypto_key_bytes(i, h->spec.mode) == h->key_bytes) {
            h->spec.alg = i;
            return true;
        }
    }
    if (known) {
        error_setg(errp, "LUKS header: cipher '%s' in mode '%s' has no key of "
                   "%u bytes", name, QCryptoCipherMode_str(h->spec.mode),
                   h->key_bytes);
    } else {
        error_setg(errp, "LUKS header: cipher '%s' is not supported", name);
        error_append_hint(errp, "Supported is aes.");
    }
    return false;
}

static bool check_iterations(uint32_t iterations, const char *what,
                             Error **errp)
{
    if (!iterations || iterations > LUKS_MAX_ITERATIONS) {
        error_setg(errp, "LUKS header: %s has %u iterations, not 1 to %u", what,
                   iterations, LUKS_MAX_ITERATIONS);
        return false;
    }
    return true;
}

static uint64_t slot_end(const LuksHeader *h, const LuksSlot *s)
{
    return s->key_sector + luks_material_bytes(h, s) / CRYPTO_SECTOR_BYTES;
}

/* Key material is not in the header, the payload or another slot's. */
static bool check_slot(const LuksHeader *h, unsigned i, Error **errp)
{
    const LuksSlot *s = &h->slots[i];
    uint64_t first = DIV_ROUND_UP(LUKS_HEADER_BYTES, CRYPTO_SECTOR_BYTES);

    if (!s->stripes || s->stripes > LUKS_MAX_STRIPES) {
        error_setg(errp, "LUKS header: key slot %u has %u stripes, not 1 to %u",
                   i, s->stripes, LUKS_MAX_STRIPES);
        return false;
    }
    if (s->key_sector < first || slot_end(h, s) > h->payload_sector) {
        error_setg(errp, "LUKS header: key slot %u is in sectors %u to %" PRIu64
                   ", not between header and data (%" PRIu64 " to %u)", i,
                   s->key_sector, slot_end(h, s), first, h->payload_sector);
        return false;
    }
    for (unsigned j = 0; j < i; j++) {
        const LuksSlot *o = &h->slots[j];

        if (s->key_sector < slot_end(h, o) && o->key_sector < slot_end(h, s)) {
            error_setg(errp, "LUKS header: key slots %u and %u overlap", j, i);
            return false;
        }
    }
    return !s->active || check_iterations(s->iterations, "a key slot", errp);
}

static bool parse_slot(const uint8_t *buf, LuksSlot *s, unsigned i,
                       Error **errp)
{
    uint32_t state = get_be32(buf);

    if (state != SLOT_ACTIVE && state != SLOT_INACTIVE) {
        error_setg(errp, "LUKS header: key slot %u is neither active nor not "
                   "(0x%x)", i, state);
        return false;
    }
    s->active = state == SLOT_ACTIVE;
    s->iterations = get_be32(buf + AT_SLOT_ITERATIONS);
    memcpy(s->salt, buf + AT_SLOT_SALT, LUKS_SALT_BYTES);
    s->key_sector = get_be32(buf + AT_SLOT_KEY);
    s->stripes = get_be32(buf + AT_SLOT_STRIPES);
    return true;
}

static bool parse_names(const uint8_t *buf, LuksHeader *h, Error **errp)
{
    char mode[NAME_BYTES];
    int hash;

    if (!get_name(buf, AT_CIPHER_NAME, NAME_BYTES, "cipher's name", errp) ||
        !get_name(buf, AT_CIPHER_MODE, NAME_BYTES, "cipher's mode", errp) ||
        !get_name(buf, AT_HASH, NAME_BYTES, "hash's name", errp) ||
        !get_name(buf, AT_UUID, LUKS_UUID_BYTES, "UUID", errp)) {
        return false;
    }
    memcpy(mode, buf + AT_CIPHER_MODE, sizeof(mode));
    hash = find_enum(&QCryptoHashAlgorithm_lookup,
                     (const char *)buf + AT_HASH, "hash", errp);
    h->hash = hash;
    memcpy(h->uuid, buf + AT_UUID, LUKS_UUID_BYTES);
    return hash >= 0 && parse_mode(mode, &h->spec, errp) &&
           find_cipher(h, (const char *)buf + AT_CIPHER_NAME, errp);
}

bool crypto_block_probe_luks(const uint8_t *buf, size_t bytes)
{
    return bytes >= AT_CIPHER_NAME && !memcmp(buf, magic, sizeof(magic)) &&
           get_be16(buf + AT_VERSION) == LUKS_VERSION;
}

bool luks_header_parse(const uint8_t *buf, LuksHeader *h, Error **errp)
{
    *h = (LuksHeader) { .payload_sector = get_be32(buf + AT_PAYLOAD),
                        .key_bytes = get_be32(buf + AT_KEY_BYTES),
                        .iterations = get_be32(buf + AT_ITERATIONS) };
    if (memcmp(buf, magic, sizeof(magic))) {
        error_setg(errp, "Volume is not in LUKS format");
        return false;
    }
    if (get_be16(buf + AT_VERSION) != LUKS_VERSION) {
        error_setg(errp, "LUKS version %u is not supported",
                   get_be16(buf + AT_VERSION));
        error_append_hint(errp, "Supported is version 1 (cryptsetup "
                          "luksFormat --type luks1).");
        return false;
    }
    if (!parse_names(buf, h, errp)) {
        return false;
    }
    memcpy(h->digest, buf + AT_DIGEST, LUKS_DIGEST_BYTES);
    memcpy(h->salt, buf + AT_SALT, LUKS_SALT_BYTES);
    if (!h->payload_sector) {
        error_setg(errp, "LUKS header: the data are in another file, which is "
                   "not supported");
        return false;
    }
    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        if (!parse_slot(buf + AT_SLOTS + i * SLOT_BYTES, &h->slots[i], i,
                        errp) || !check_slot(h, i, errp)) {
            return false;
        }
    }
    return check_iterations(h->iterations, "the key's digest", errp);
}

/* ---- Writing ---- */

void luks_header_pack(const LuksHeader *h, uint8_t *buf)
{
    const CipherSpec *spec = &h->spec;
    bool essiv = spec->ivgen == CRYPTO_IVGEN_ESSIV;

    memset(buf, 0, LUKS_HEADER_BYTES);
    memcpy(buf, magic, sizeof(magic));
    put_be16(buf + AT_VERSION, LUKS_VERSION);
    g_strlcpy((char *)buf + AT_CIPHER_NAME, ciphers[spec->alg].name,
              NAME_BYTES);
    g_snprintf((char *)buf + AT_CIPHER_MODE, NAME_BYTES, "%s-%s%s%s",
               QCryptoCipherMode_str(spec->mode),
               QCryptoIVGenAlgorithm_str(spec->ivgen), essiv ? ":" : "",
               essiv ? QCryptoHashAlgorithm_str(spec->ivgen_hash) : "");
    g_strlcpy((char *)buf + AT_HASH, QCryptoHashAlgorithm_str(h->hash),
              NAME_BYTES);
    put_be32(buf + AT_PAYLOAD, h->payload_sector);
    put_be32(buf + AT_KEY_BYTES, h->key_bytes);
    memcpy(buf + AT_DIGEST, h->digest, LUKS_DIGEST_BYTES);
    memcpy(buf + AT_SALT, h->salt, LUKS_SALT_BYTES);
    put_be32(buf + AT_ITERATIONS, h->iterations);
    memcpy(buf + AT_UUID, h->uuid, LUKS_UUID_BYTES);
    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        const LuksSlot *s = &h->slots[i];
        uint8_t *p = buf + AT_SLOTS + i * SLOT_BYTES;

        put_be32(p, s->active ? SLOT_ACTIVE : SLOT_INACTIVE);
        put_be32(p + AT_SLOT_ITERATIONS, s->iterations);
        memcpy(p + AT_SLOT_SALT, s->salt, LUKS_SALT_BYTES);
        put_be32(p + AT_SLOT_KEY, s->key_sector);
        put_be32(p + AT_SLOT_STRIPES, s->stripes);
    }
}
