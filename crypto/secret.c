/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secret objects. What is given (data or file) is base64 or raw; with keyid it
 * is encrypted with AES-256 in CBC mode, padded as PKCS#7 (RFC 5652, 6.3), by
 * the 32 bytes of another secret and the initialisation vector iv.
 */
#include "util/osdep.h"
#include "crypto/secret.h"
#include "util/file.h"
#include "qom/property.h"
#include "qapi/qapi-types-qom.h"
#include "crypto/cipher-internal.h"

/* Nobody types more; a key file is some tens of bytes. */
#define SECRET_MAX_BYTES (1 * MiB)
#define SECRET_KEY_BYTES 32
#define SECRET_IV_BYTES  16

struct Secret {
    Object parent_obj;
    char *data, *file, *keyid, *iv;
    int format;                     /* QCryptoSecretFormat */
    uint8_t *plain;                 /* NUL after it */
    size_t plain_len;
};

void secret_free(void *data, size_t len)
{
    if (data) {
        explicit_bzero(data, len);
        g_free(data);
    }
}

/* Strict base64, surrounding white space allowed. */
static uint8_t *secret_decode(const uint8_t *in, size_t in_len, size_t *len,
                              Error **errp)
{
    g_autofree char *text = g_strndup((const char *)in, in_len);
    uint8_t *out;
    size_t n;

    g_strstrip(text);
    n = strlen(text);
    if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
               "0123456789+/=\n") != n) {
        error_setg(errp, "the base64 text has characters that are not base64");
        return NULL;
    }
    out = g_base64_decode(text, len);
    explicit_bzero(text, n);
    out = g_realloc(out, *len + 1);
    out[*len] = 0;
    return out;
}

static uint8_t *secret_load(Secret *s, size_t *len, Error **errp)
{
    if (!!s->data == !!s->file) {
        error_setg(errp, s->data ? "'file' and 'data' are mutually exclusive" :
                   "must provide 'file' or 'data'");
        return NULL;
    }
    if (s->file) {
        return (uint8_t *)file_read_all(s->file, SECRET_MAX_BYTES, len, errp);
    }
    *len = strlen(s->data);
    return (uint8_t *)g_strdup(s->data);
}

static bool secret_get_iv(Secret *s, uint8_t *iv, Error **errp)
{
    g_autofree uint8_t *raw = NULL;
    size_t len;

    if (!s->iv) {
        error_setg(errp, "iv is required to decrypt the secret");
        return false;
    }
    raw = secret_decode((uint8_t *)s->iv, strlen(s->iv), &len, errp);
    if (!raw) {
        return false;
    }
    if (len != SECRET_IV_BYTES) {
        error_setg(errp, "iv should be %d bytes in length not %zu",
                   SECRET_IV_BYTES, len);
        return false;
    }
    memcpy(iv, raw, len);
    return true;
}

/* Decrypt @buf in place; *@len becomes that of the plain text. */
static bool secret_decrypt(Secret *s, uint8_t *buf, size_t *len, Error **errp)
{
    uint8_t iv[SECRET_IV_BYTES];
    uint8_t *key = NULL;
    size_t key_len, pad;
    bool ok;

    if (!secret_get_iv(s, iv, errp) ||
        !secret_lookup(s->keyid, &key, &key_len, errp)) {
        return false;
    }
    if (key_len != SECRET_KEY_BYTES) {
        error_setg(errp, "key '%s' should be %d bytes in length not %zu",
                   s->keyid, SECRET_KEY_BYTES, key_len);
        secret_free(key, key_len);
        return false;
    }
    ok = cipher_aes256_cbc_decrypt(key, iv, buf, *len, errp);
    secret_free(key, key_len);
    if (!ok) {
        return false;
    }
    pad = *len ? buf[*len - 1] : 0;
    ok = pad >= 1 && pad <= 16 && pad <= *len;
    for (size_t i = 1; ok && i <= pad; i++) {
        ok = buf[*len - i] == pad;
    }
    if (!ok) {
        error_setg(errp, "incorrect padding on decrypted data: wrong key or "
                   "iv");
        return false;
    }
    *len -= pad;
    buf[*len] = 0;
    return true;
}

static bool secret_complete(Object *obj, Error **errp)
{
    Secret *s = SECRET(obj);
    size_t len = 0;
    uint8_t *buf = secret_load(s, &len, errp);

    if (!buf) {
        return false;
    }
    if (s->format == Q_CRYPTO_SECRET_FORMAT_BASE64) {
        size_t raw_len = 0;
        uint8_t *raw = secret_decode(buf, len, &raw_len, errp);

        secret_free(buf, len);
        if (!raw) {
            return false;
        }
        buf = raw;
        len = raw_len;
    }
    if (s->keyid && !secret_decrypt(s, buf, &len, errp)) {
        secret_free(buf, len);
        return false;
    }
    s->plain = buf;
    s->plain_len = len;
    return true;
}

static Secret *secret_find(const char *id, Error **errp)
{
    Object *obj = object_resolve_path_component(object_get_objects_root(), id);

    if (!obj) {
        error_setg(errp, "No secret with id '%s'", id);
        return NULL;
    }
    if (!object_dynamic_cast(obj, TYPE_SECRET)) {
        error_setg(errp, "Object with id '%s' is not a secret", id);
        return NULL;
    }
    if (!SECRET(obj)->plain) {
        error_setg(errp, "Secret with id '%s' has no data", id);
        return NULL;
    }
    return SECRET(obj);
}

bool secret_lookup(const char *id, uint8_t **data, size_t *len, Error **errp)
{
    Secret *s = secret_find(id, errp);

    if (!s) {
        return false;
    }
    *data = g_malloc(s->plain_len + 1);
    memcpy(*data, s->plain, s->plain_len);
    (*data)[s->plain_len] = 0;
    *len = s->plain_len;
    return true;
}

char *secret_lookup_utf8(const char *id, Error **errp)
{
    uint8_t *data;
    size_t len;

    if (!secret_lookup(id, &data, &len, errp)) {
        return NULL;
    }
    if (!g_utf8_validate((char *)data, len, NULL)) {
        error_setg(errp, "Data from secret '%s' is not valid UTF-8", id);
        secret_free(data, len);
        return NULL;
    }
    return (char *)data;
}

static bool secret_prop_may_set(Object *obj, const Property *prop,
                                Error **errp)
{
    if (SECRET(obj)->plain) {
        error_setg(errp, "property '%s' of a secret cannot change", prop->name);
        return false;
    }
    return true;
}

static void secret_finalize(Object *obj)
{
    Secret *s = SECRET(obj);

    secret_free(s->plain, s->plain_len);
}

static DEFINE_PROP_ENUM_INFO(prop_info_secret_format, "QCryptoSecretFormat",
                             QCryptoSecretFormat_lookup);

static const Property secret_props[] = {
    PROP_STRING("data", Secret, data, NULL, "the secret itself"),
    PROP_STRING("file", Secret, file, NULL, "file that holds it"),
    PROP_ENUM("format", Secret, format, prop_info_secret_format,
              Q_CRYPTO_SECRET_FORMAT_RAW, "how data or the file is written"),
    PROP_STRING("keyid", Secret, keyid, NULL,
                "secret with the 32-byte key to decrypt with"),
    PROP_STRING("iv", Secret, iv, NULL,
                "initialisation vector, 16 bytes in base64"),
};

static void secret_class_init(ObjectClass *oc, const void *data)
{
    UserCreatableClass *ucc = (UserCreatableClass *)
        object_class_dynamic_cast(oc, TYPE_USER_CREATABLE);

    ucc->complete = secret_complete;
    oc->prop_may_set = secret_prop_may_set;
    object_class_add_props(oc, secret_props);
}

static const char *const secret_interfaces[] = { TYPE_USER_CREATABLE, NULL };

static const TypeInfo secret_types[] = {
    {
        .name = TYPE_SECRET,
        .parent = TYPE_OBJECT,
        .help = "password or key",
        .instance_size = sizeof(Secret),
        .instance_finalize = secret_finalize,
        .class_init = secret_class_init,
        .interfaces = secret_interfaces,
    },
};

DEFINE_TYPES(secret_types)
