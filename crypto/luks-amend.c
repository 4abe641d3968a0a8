/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LUKS: adding and erasing passphrases. */
#include "util/osdep.h"
#include "luks-internal.h"
#include "crypto/secret.h"

/* ---- Adding one ---- */

static int choose_slot(const CryptoBlock *c,
                       const QCryptoBlockAmendOptionsLUKS *o, bool force,
                       Error **errp)
{
    if (o->has_keyslot) {
        if (c->h.slots[o->keyslot].active && !force) {
            error_setg(errp, "Refusing to overwrite active keyslot %" PRId64,
                       o->keyslot);
            error_append_hint(errp, "Erase it first.");
            return -1;
        }
        return o->keyslot;
    }
    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        if (!c->h.slots[i].active) {
            return i;
        }
    }
    error_setg(errp, "Can't add a keyslot - all keyslots are in use");
    return -1;
}

/* Bits of the active slots that the passphrase opens, or -1. */
static int matching_slots(const CryptoBlock *c, const CryptoBlockIo *io,
                          const char *secret, Error **errp)
{
    uint8_t key[CRYPTO_KEY_MAX];
    LuksPassword password;
    int mask = 0, ret = 0;

    if (!secret_lookup(secret, &password.data, &password.len, errp)) {
        return -1;
    }
    for (unsigned i = 0; i < LUKS_SLOTS && ret >= 0; i++) {
        if (c->h.slots[i].active) {
            ret = luks_unlock_slot(c, i, io, &password, key, errp);
            mask |= ret > 0 ? 1 << i : 0;
        }
    }
    explicit_bzero(key, sizeof(key));
    secret_free(password.data, password.len);
    return ret < 0 ? -1 : mask;
}

static bool add_passphrase(CryptoBlock *c, const CryptoBlockIo *io,
                           const QCryptoBlockAmendOptionsLUKS *o, unsigned i,
                           Error **errp)
{
    uint64_t ms = o->has_iter_time ? o->iter_time : LUKS_ITER_MS;
    LuksSlot old = c->h.slots[i];
    uint8_t *material = NULL;
    LuksPassword password;
    bool ok;

    if (!secret_lookup(o->new_secret, &password.data, &password.len, errp)) {
        return false;
    }
    ok = luks_make_slot(c, i, &password, ms, &material, errp);
    secret_free(password.data, password.len);
    if (ok && !luks_write_slot(c, io, i, material, errp)) {
        c->h.slots[i] = old;
        ok = false;
    }
    g_free(material);
    return ok;
}

static bool activate(CryptoBlock *c, const CryptoBlockIo *io,
                     const QCryptoBlockAmendOptionsLUKS *o, bool force,
                     Error **errp)
{
    int slot, mask = o->secret ? matching_slots(c, io, o->secret, errp) : 1;

    if (mask <= 0) {
        if (mask == 0) {
            error_setg(errp, "Invalid password, cannot unlock any keyslot");
        }
        return false;
    }
    slot = choose_slot(c, o, force, errp);
    return slot >= 0 && add_passphrase(c, io, o, slot, errp);
}

/* ---- Erasing ---- */

static unsigned active_mask(const CryptoBlock *c)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < LUKS_SLOTS; i++) {
        mask |= c->h.slots[i].active ? 1u << i : 0;
    }
    return mask;
}

/*
 * The header goes first: without salt the key material is noise already. Then
 * it is written over, so that not even a guess of the salt would help.
 */
static bool erase_slots(CryptoBlock *c, const CryptoBlockIo *io, unsigned mask,
                        Error **errp)
{
    bool ok = true;

    for (unsigned i = 0; i < LUKS_SLOTS && ok; i++) {
        LuksSlot *s = &c->h.slots[i];
        size_t bytes = luks_material_bytes(&c->h, s);
        g_autofree uint8_t *noise = NULL;

        if (!(mask & 1u << i)) {
            continue;
        }
        s->active = false;
        s->iterations = 0;
        memset(s->salt, 0, sizeof(s->salt));
        noise = g_malloc(bytes);
        ok = luks_write_header(c, io, errp) &&
             c->ops->random(noise, bytes, errp) &&
             io->write(io->opaque, luks_material_offset(s), noise, bytes,
                       errp);
    }
    return ok;
}

/* Bits of the slots to erase, or -1. */
static int chosen_slots(const CryptoBlock *c, const CryptoBlockIo *io,
                        const QCryptoBlockAmendOptionsLUKS *o, Error **errp)
{
    unsigned given = o->has_keyslot ? 1u << o->keyslot : active_mask(c);
    int matching;

    if (!(given & active_mask(c))) {
        error_setg(errp, "Given keyslot %" PRId64 " is already erased "
                   "(inactive)", o->keyslot);
        return -1;
    }
    if (!o->old_secret) {
        return given;
    }
    matching = matching_slots(c, io, o->old_secret, errp);
    if (matching >= 0 && !(given & matching)) {
        error_setg(errp, "No keyslots match given (old) password for erase "
                   "operation");
        return -1;
    }
    return matching < 0 ? -1 : (int)given & matching;
}

static bool deactivate(CryptoBlock *c, const CryptoBlockIo *io,
                       const QCryptoBlockAmendOptionsLUKS *o, bool force,
                       Error **errp)
{
    int mask;

    if (!o->old_secret && !o->has_keyslot) {
        error_setg(errp, "To erase keyslot(s), either explicit keyslot index "
                   "or the password currently contained in them must be given");
        return false;
    }
    mask = chosen_slots(c, io, o, errp);
    if (mask < 0) {
        return false;
    }
    if ((unsigned)mask == active_mask(c) && !force) {
        error_setg(errp, "All active keyslots would be erased, which makes the "
                   "data in the image unreadable for ever - refusing "
                   "operation");
        return false;
    }
    return erase_slots(c, io, mask, errp);
}

/* ---- Both ---- */

static bool check_options(const QCryptoBlockAmendOptionsLUKS *o, Error **errp)
{
    bool active = o->state == CRYPTO_KEYSLOT_ACTIVE;

    if (o->has_keyslot && (o->keyslot < 0 || o->keyslot >= LUKS_SLOTS)) {
        error_setg(errp, "Invalid keyslot %" PRId64 ". Must be between 0 and "
                   "%d", o->keyslot, LUKS_SLOTS - 1);
        return false;
    }
    if (active && !o->new_secret) {
        error_setg(errp, "'new-secret' is required to activate a keyslot");
        return false;
    }
    if (active && o->old_secret) {
        error_setg(errp, "'old-secret' must not be given when activating "
                   "keyslots");
        return false;
    }
    if (!active && (o->new_secret || o->has_iter_time || o->secret)) {
        error_setg(errp, "'%s' must not be given when erasing keyslots",
                   o->new_secret ? "new-secret" :
                   o->has_iter_time ? "iter-time" : "secret");
        return false;
    }
    if (o->has_iter_time && (o->iter_time < 0 || o->iter_time > INT32_MAX)) {
        error_setg(errp, "iter-time %" PRId64 " is not from 0 to %d "
                   "milliseconds", o->iter_time, INT32_MAX);
        return false;
    }
    return true;
}

bool crypto_block_amend_luks(CryptoBlock *c, const CryptoBlockIo *io,
                             const QCryptoBlockAmendOptionsLUKS *o, bool force,
                             Error **errp)
{
    if (!c->cipher) {
        error_setg(errp, "the image was opened without a key");
        return false;
    }
    return check_options(o, errp) &&
           (o->state == CRYPTO_KEYSLOT_ACTIVE ?
            activate(c, io, o, force, errp) : deactivate(c, io, o, force, errp));
}
