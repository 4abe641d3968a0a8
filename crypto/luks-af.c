/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The anti-forensic splitter (LUKS 1.2.3, section 2.4): the key is lost when
 * any part of what it was spread to is.
 */
#include "util/osdep.h"
#include "luks-internal.h"
#include "util/bytes.h"

/* Each piece of a hash's length becomes the hash of its number and itself. */
static bool diffuse(const LuksHash *h, uint8_t *block, size_t bytes,
                    Error **errp)
{
    size_t step = h->ops->hash_bytes(h->hash);
    uint8_t in[4 + CIPHER_HASH_MAX], out[CIPHER_HASH_MAX];
    bool ok = true;

    for (size_t at = 0, i = 0; at < bytes && ok; at += step, i++) {
        size_t n = MIN(step, bytes - at);

        put_be32(in, i);
        memcpy(in + 4, block + at, n);
        ok = h->ops->hash(h->hash, in, 4 + n, out, errp);
        memcpy(block + at, out, n);
    }
    explicit_bzero(in, sizeof(in));
    explicit_bzero(out, sizeof(out));
    return ok;
}

static void mix(uint8_t *block, const uint8_t *with, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        block[i] ^= with[i];
    }
}

/* What the last stripe is combined with. */
static bool fold(const LuksHash *h, const uint8_t *split, size_t bytes,
                 uint32_t stripes, uint8_t *block, Error **errp)
{
    memset(block, 0, bytes);
    for (uint32_t i = 0; i + 1 < stripes; i++) {
        mix(block, split + i * bytes, bytes);
        if (!diffuse(h, block, bytes, errp)) {
            return false;
        }
    }
    return true;
}

bool luks_af_split(const LuksHash *h, const uint8_t *key, size_t bytes,
                   uint32_t stripes, uint8_t *split, Error **errp)
{
    size_t last = (stripes - 1) * bytes;

    if ((last && !h->ops->random(split, last, errp)) ||
        !fold(h, split, bytes, stripes, split + last, errp)) {
        return false;
    }
    mix(split + last, key, bytes);
    return true;
}

bool luks_af_merge(const LuksHash *h, const uint8_t *split, size_t bytes,
                   uint32_t stripes, uint8_t *key, Error **errp)
{
    if (!fold(h, split, bytes, stripes, key, errp)) {
        return false;
    }
    mix(key, split + (stripes - 1) * bytes, bytes);
    return true;
}
