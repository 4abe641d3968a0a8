/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "crypto/cipher-internal.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

/* Else the library sets itself up before main(), for most to no purpose. */
GNUTLS_SKIP_GLOBAL_INIT

bool cipher_aes256_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16],
                               void *buf, size_t len, Error **errp)
{
    gnutls_datum_t k = { .data = (unsigned char *)key, .size = 32 };
    gnutls_datum_t v = { .data = (unsigned char *)iv, .size = 16 };
    gnutls_cipher_hd_t cipher;
    int rc;

    if (len % 16) {
        error_setg(errp, "length %zu of encrypted data is not a multiple of "
                   "16", len);
        return false;
    }
    rc = gnutls_global_init();      /* counted; any thread */
    if (rc == 0) {
        rc = gnutls_cipher_init(&cipher, GNUTLS_CIPHER_AES_256_CBC, &k, &v);
    }
    if (rc == 0) {
        rc = gnutls_cipher_decrypt(cipher, buf, len);
        gnutls_cipher_deinit(cipher);
    }
    if (rc) {
        error_setg(errp, "cannot decrypt: %s", gnutls_strerror(rc));
        return false;
    }
    return true;
}
