/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "cipher-internal.h"
#include "gnutls-internal.h"

bool cipher_aes256_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16],
                               void *buf, size_t len, Error **errp)
{
    gnutls_datum_t k = { .data = (unsigned char *)key, .size = 32 };
    gnutls_datum_t v = { .data = (unsigned char *)iv, .size = 16 };
    gnutls_cipher_hd_t cipher;
    const GnuTLS *tls;
    int rc;

    if (len % 16) {
        error_setg(errp, "length %zu of encrypted data is not a multiple of "
                   "16", len);
        return false;
    }
    tls = gnutls_load(errp);
    if (!tls) {
        return false;
    }
    rc = tls->cipher_init(&cipher, GNUTLS_CIPHER_AES_256_CBC, &k, &v);
    if (rc == 0) {
        rc = tls->cipher_decrypt(cipher, buf, len);
        tls->cipher_deinit(cipher);
    }
    if (rc) {
        error_setg(errp, "cannot decrypt: %s", tls->strerror(rc));
        return false;
    }
    return true;
}
