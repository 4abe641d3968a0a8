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
#include <gnutls/x509.h>
#include "util/error.h"

/* Each function that we call, without its prefix. */
#define GNUTLS_FUNCTIONS(f)                                                    \
    f(anon_allocate_client_credentials)                                        \
    f(anon_allocate_server_credentials)                                        \
    f(anon_free_client_credentials)                                            \
    f(anon_free_server_credentials)                                            \
    f(anon_set_server_known_dh_params)                                         \
    f(bye)                                                                     \
    f(certificate_allocate_credentials)                                        \
    f(certificate_free_credentials)                                            \
    f(certificate_server_set_request)                                          \
    f(certificate_set_known_dh_params)                                         \
    f(certificate_set_x509_crl_file)                                           \
    f(certificate_set_x509_key_file2)                                          \
    f(certificate_set_x509_trust_file)                                         \
    f(certificate_verification_status_print)                                   \
    f(cipher_decrypt)                                                          \
    f(cipher_decrypt2)                                                         \
    f(cipher_deinit)                                                           \
    f(cipher_encrypt2)                                                         \
    f(cipher_init)                                                             \
    f(cipher_set_iv)                                                           \
    f(credentials_set)                                                         \
    f(deinit)                                                                  \
    f(error_is_fatal)                                                          \
    f(handshake)                                                               \
    f(hash_fast)                                                               \
    f(hash_get_len)                                                            \
    f(init)                                                                    \
    f(pbkdf2)                                                                  \
    f(priority_set_direct)                                                     \
    f(psk_allocate_client_credentials)                                         \
    f(psk_allocate_server_credentials)                                         \
    f(psk_free_client_credentials)                                             \
    f(psk_free_server_credentials)                                             \
    f(psk_set_client_credentials)                                              \
    f(psk_set_server_credentials_file)                                         \
    f(psk_set_server_known_dh_params)                                          \
    f(record_check_pending)                                                    \
    f(record_get_direction)                                                    \
    f(record_recv)                                                             \
    f(record_send)                                                             \
    f(rnd)                                                                     \
    f(server_name_set)                                                         \
    f(session_get_verify_cert_status)                                          \
    f(session_set_verify_cert)                                                 \
    f(strerror)                                                                \
    f(transport_set_int2)                                                      \
    f(x509_crt_deinit)                                                         \
    f(x509_crt_get_activation_time)                                            \
    f(x509_crt_get_ca_status)                                                  \
    f(x509_crt_get_expiration_time)                                            \
    f(x509_crt_list_import2)

#define GNUTLS_MEMBER(name) __typeof__(gnutls_##name) *name;
typedef struct GnuTLS {
    GNUTLS_FUNCTIONS(GNUTLS_MEMBER)
} GnuTLS;
#undef GNUTLS_MEMBER

/* gnutls_load: the functions. NULL: not installed, or too old. Any thread. */
const GnuTLS *gnutls_load(Error **errp);

#endif
