/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "crypto/cipher-internal.h"

bool cipher_aes256_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16],
                               void *buf, size_t len, Error **errp)
{
    error_setg(errp, "encrypted secrets are not built in");
    error_append_hint(errp, "configure --enable-gnutls (package "
                      "libgnutls28-dev), or give the secret in the open");
    return false;
}

const CipherOps *cipher_ops(Error **errp)
{
    error_setg(errp, "encrypted images are not built in");
    error_append_hint(errp, "configure --enable-gnutls (package "
                      "libgnutls28-dev)");
    return NULL;
}
