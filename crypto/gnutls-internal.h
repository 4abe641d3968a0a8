/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GnuTLS, loaded when it is first needed: with what it brings it is a third of
 * the program's start-up time and memory, and few guests use it. The library
 * sets itself up while it is loaded, and stays for good.
 */
#ifndef CRYPTO_GNUTLS_INTERNAL_H
#define CRYPTO_GNUTLS_INTERNAL_H

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include "util/error.h"

/* Each function that we call, without its prefix. */
#define GNUTLS_FUNCTIONS(f)                                                    \
    f(cipher_init)                                                             \
    f(cipher_decrypt)                                                          \
    f(cipher_deinit)                                                           \
    f(strerror)

#define GNUTLS_MEMBER(name) __typeof__(gnutls_##name) *name;
typedef struct GnuTLS {
    GNUTLS_FUNCTIONS(GNUTLS_MEMBER)
} GnuTLS;
#undef GNUTLS_MEMBER

/* gnutls_load: the functions. NULL: not installed, or too old. Any thread. */
const GnuTLS *gnutls_load(Error **errp);

#endif
