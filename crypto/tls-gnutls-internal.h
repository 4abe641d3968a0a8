/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the credentials and the sessions of GnuTLS share. */
#ifndef CRYPTO_TLS_GNUTLS_INTERNAL_H
#define CRYPTO_TLS_GNUTLS_INTERNAL_H

#include "crypto/tls.h"
#include "gnutls-internal.h"

/* All kinds: which members are used tells @type. */
typedef struct GnutlsCreds {
    TlsCreds parent;
    /* Properties */
    bool sanity_check;
    char *passwordid, *username;
    /* Runtime */
    const GnuTLS *tls;
    bool ready;                     /* @cred is there */
    gnutls_credentials_type_t type;
    union {
        gnutls_certificate_credentials_t x509;
        gnutls_psk_client_credentials_t psk_client;
        gnutls_psk_server_credentials_t psk_server;
        gnutls_anon_client_credentials_t anon_client;
        gnutls_anon_server_credentials_t anon_server;
        void *any;
    } cred;
} GnutlsCreds;

/* Only the types of this file's users have the class. */
#define GNUTLS_CREDS(obj) ((GnutlsCreds *)TLS_CREDS(obj))

TlsSession *gnutls_session_new(TlsCreds *creds, const char *hostname, int fd,
                               Error **errp);

#endif
