/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS sessions by GnuTLS. One lock for each: calls never wait inside of it,
 * the socket is non-blocking.
 */
#include "util/osdep.h"
#include "tls-gnutls-internal.h"
#include <gnutls/x509.h>

typedef struct GnutlsSession {
    TlsSession parent;
    const GnuTLS *tls;
    TlsCreds *creds;                /* borrowed: whoever has the session keeps */
    GMutex lock;                    /* of @session */
    gnutls_session_t session;
} GnutlsSession;

static const TlsSessionOps gnutls_session_ops;

static bool session_fail(const GnuTLS *tls, int rc, const char *what,
                         Error **errp)
{
    if (rc >= 0) {
        return true;
    }
    error_setg(errp, "Unable to %s: %s", what, tls->strerror(rc));
    return false;
}

static bool set_priority(GnutlsSession *s, const GnutlsCreds *c, Error **errp)
{
    const char *base = c->parent.priority ? c->parent.priority : "NORMAL";
    const char *more = c->type == GNUTLS_CRD_PSK ?
                       ":+ECDHE-PSK:+DHE-PSK:+PSK" :
                       c->type == GNUTLS_CRD_ANON ? ":+ANON-ECDH:+ANON-DH" : "";
    g_autofree char *text = g_strconcat(base, more, NULL);

    return session_fail(s->tls, s->tls->priority_set_direct(s->session, text,
                                                            NULL),
                        "set TLS session priority", errp);
}

/* The peer's certificate is checked as part of the handshake. */
static bool set_verification(GnutlsSession *s, const GnutlsCreds *c,
                             const char *hostname, Error **errp)
{
    bool server = c->parent.endpoint == TLS_ENDPOINT_SERVER;

    if (c->type != GNUTLS_CRD_CERTIFICATE || !c->parent.verify_peer) {
        return true;
    }
    if (server) {
        s->tls->certificate_server_set_request(s->session, GNUTLS_CERT_REQUIRE);
        s->tls->session_set_verify_cert(s->session, NULL, 0);
        return true;
    }
    if (!hostname) {
        error_setg(errp, "No hostname for certificate validation");
        error_append_hint(errp, "Give it by tls-hostname.");
        return false;
    }
    s->tls->session_set_verify_cert(s->session, hostname, 0);
    return true;
}

static bool session_set_up(GnutlsSession *s, const GnutlsCreds *c,
                           const char *hostname, int fd, Error **errp)
{
    if (!set_priority(s, c, errp) ||
        !session_fail(s->tls, s->tls->credentials_set(s->session, c->type,
                                                      c->cred.any),
                      "set session credentials", errp) ||
        !set_verification(s, c, hostname, errp)) {
        return false;
    }
    if (hostname && c->parent.endpoint == TLS_ENDPOINT_CLIENT &&
        !g_hostname_is_ip_address(hostname)) {
        s->tls->server_name_set(s->session, GNUTLS_NAME_DNS, hostname,
                                strlen(hostname));
    }
    s->tls->transport_set_int2(s->session, fd, fd);
    return true;
}

static void gnutls_session_free(TlsSession *session)
{
    GnutlsSession *s = (GnutlsSession *)session;

    if (s->session) {
        s->tls->deinit(s->session);
    }
    g_mutex_clear(&s->lock);
    g_free(s);
}

TlsSession *gnutls_session_new(TlsCreds *creds, const char *hostname, int fd,
                               Error **errp)
{
    const GnutlsCreds *c = GNUTLS_CREDS(creds);
    GnutlsSession *s = g_new0(GnutlsSession, 1);
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
                     (creds->endpoint == TLS_ENDPOINT_SERVER ? GNUTLS_SERVER :
                                                               GNUTLS_CLIENT);

    s->parent.ops = &gnutls_session_ops;
    s->tls = c->tls;
    s->creds = creds;
    g_mutex_init(&s->lock);
    if (!session_fail(s->tls, s->tls->init(&s->session, flags),
                      "start a TLS session", errp) ||
        !session_set_up(s, c, hostname, fd, errp)) {
        gnutls_session_free(&s->parent);
        return NULL;
    }
    return &s->parent;
}

/* ---- Use ---- */

static void set_peer_error(GnutlsSession *s, Error **errp)
{
    unsigned status = s->tls->session_get_verify_cert_status(s->session);
    gnutls_datum_t text = { 0 };

    if (s->tls->certificate_verification_status_print(status, GNUTLS_CRT_X509,
                                                      &text, 0) < 0) {
        error_setg(errp, "the peer's certificate is not trusted");
        return;
    }
    error_setg(errp, "the peer's certificate is refused: %s",
               g_strchomp((char *)text.data));
    free(text.data);
}

static int gnutls_session_handshake(TlsSession *session, Error **errp)
{
    GnutlsSession *s = (GnutlsSession *)session;
    int ret = TLS_FAILED, rc;

    g_mutex_lock(&s->lock);
    rc = s->tls->handshake(s->session);
    if (rc == 0) {
        ret = TLS_DONE;
    } else if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
        ret = s->tls->record_get_direction(s->session) ? TLS_AGAIN_WRITE :
                                                         TLS_AGAIN_READ;
    } else if (!s->tls->error_is_fatal(rc)) {
        ret = TLS_AGAIN_READ;
    } else if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) {
        set_peer_error(s, errp);
    } else {
        error_setg(errp, "TLS handshake failed: %s", s->tls->strerror(rc));
    }
    g_mutex_unlock(&s->lock);
    return ret;
}

static ssize_t from_result(GnutlsSession *s, ssize_t n)
{
    if (n >= 0) {
        return n;
    }
    if (!s->tls->error_is_fatal(n)) {
        return -EAGAIN;             /* also a new handshake: not ours to make */
    }
    return n == GNUTLS_E_PREMATURE_TERMINATION ? -ECONNRESET : -EIO;
}

static ssize_t gnutls_session_read(TlsSession *session, void *buf, size_t len)
{
    GnutlsSession *s = (GnutlsSession *)session;
    ssize_t n;

    g_mutex_lock(&s->lock);
    n = from_result(s, s->tls->record_recv(s->session, buf, len));
    g_mutex_unlock(&s->lock);
    return n;
}

static ssize_t gnutls_session_write(TlsSession *session, const void *buf,
                                    size_t len)
{
    GnutlsSession *s = (GnutlsSession *)session;
    ssize_t n;

    g_mutex_lock(&s->lock);
    n = from_result(s, s->tls->record_send(s->session, buf, len));
    g_mutex_unlock(&s->lock);
    return n;
}

static size_t gnutls_session_pending(TlsSession *session)
{
    GnutlsSession *s = (GnutlsSession *)session;
    size_t n;

    g_mutex_lock(&s->lock);
    n = s->tls->record_check_pending(s->session);
    g_mutex_unlock(&s->lock);
    return n;
}

static void gnutls_session_bye(TlsSession *session)
{
    GnutlsSession *s = (GnutlsSession *)session;

    g_mutex_lock(&s->lock);
    s->tls->bye(s->session, GNUTLS_SHUT_WR);
    g_mutex_unlock(&s->lock);
}

static const TlsSessionOps gnutls_session_ops = {
    .handshake = gnutls_session_handshake,
    .read = gnutls_session_read,
    .write = gnutls_session_write,
    .pending = gnutls_session_pending,
    .bye = gnutls_session_bye,
    .free = gnutls_session_free,
};
