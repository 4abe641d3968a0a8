/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS over a stream socket: credentials, which are objects of the user
 * ("-object tls-creds-x509,..."), and sessions made with them.
 *
 * The library that does the work is loaded when the first credentials are
 * made. A build without it has no type of credentials, so no sessions.
 *
 * Threading: credentials are made and freed under the big lock. A session
 * takes calls from several threads; reading and writing do not wait for each
 * other beyond one call.
 */
#ifndef CRYPTO_TLS_H
#define CRYPTO_TLS_H

#include "qom/object.h"

#define TYPE_TLS_CREDS "tls-creds"
OBJECT_DECLARE_TYPE(TlsCreds, TlsCredsClass, TLS_CREDS)

typedef struct TlsSession TlsSession;

/* As the schema has them (QCryptoTLSCredsEndpoint). */
enum { TLS_ENDPOINT_CLIENT, TLS_ENDPOINT_SERVER };

struct TlsCreds {
    Object parent_obj;
    /* Properties */
    char *dir;
    int endpoint;                   /* TLS_ENDPOINT_* */
    bool verify_peer;
    char *priority;
};

struct TlsCredsClass {
    ObjectClass parent_class;
    TlsSession *(*new_session)(TlsCreds *creds, const char *hostname, int fd,
                               Error **errp);
};

/* What a library implements; a session begins with it. */
typedef struct TlsSessionOps {
    int (*handshake)(TlsSession *s, Error **errp);
    ssize_t (*read)(TlsSession *s, void *buf, size_t len);
    ssize_t (*write)(TlsSession *s, const void *buf, size_t len);
    size_t (*pending)(TlsSession *s);
    void (*bye)(TlsSession *s);
    void (*free)(TlsSession *s);
} TlsSessionOps;

struct TlsSession {
    const TlsSessionOps *ops;
};

/*
 * tls_creds_lookup: the credentials @id for @server or client, with a new
 * reference. NULL with *@errp set: none of that name, or for the other side.
 */
TlsCreds *tls_creds_lookup(const char *id, bool server, Error **errp);

/*
 * tls_session_new: on non-blocking @fd, which stays the caller's.
 * @hostname: client with certificates: the name that the server's must have
 */
TlsSession *tls_session_new(TlsCreds *creds, const char *hostname, int fd,
                            Error **errp);
/* tls_session_handshake: TLS_DONE: and the peer is who it must be; TLS_FAILED
 * with *@errp set; else call it again when the socket is ready. */
enum {
    TLS_DONE        = 0,
    TLS_FAILED      = -1,
    TLS_AGAIN_READ  = -2,
    TLS_AGAIN_WRITE = -3,
};
int tls_session_handshake(TlsSession *s, Error **errp);
/* tls_session_read, tls_session_write: bytes (0: the peer closed), -EAGAIN, or
 * another -errno. A write that got -EAGAIN is called again the same. */
ssize_t tls_session_read(TlsSession *s, void *buf, size_t len);
ssize_t tls_session_write(TlsSession *s, const void *buf, size_t len);
/* tls_session_pending: bytes that can be read without the socket. */
size_t tls_session_pending(TlsSession *s);
/* tls_session_bye: tell the peer that no more will come; never waits. */
void tls_session_bye(TlsSession *s);
void tls_session_free(TlsSession *s);           /* NULL is fine */

#endif
