/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one cipher that secrets need; cipher-gnutls.c or cipher-none.c. */
#ifndef CRYPTO_CIPHER_INTERNAL_H
#define CRYPTO_CIPHER_INTERNAL_H

#include "util/error.h"

/* Decrypt @buf in place. Fails when @len is no multiple of 16. */
bool cipher_aes256_cbc_decrypt(const uint8_t key[32], const uint8_t iv[16],
                               void *buf, size_t len, Error **errp);

#endif
