/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of TLS credentials, by GnuTLS: certificates, pre-shared keys, and
 * none at all (encryption without knowing who is at the other end). File names
 * and defaults are QEMU's, so that a directory serves both.
 */
#include "util/osdep.h"
#include "tls-gnutls-internal.h"
#include <gnutls/x509.h>
#include <time.h>
#include "crypto/secret.h"
#include "qapi/qapi-types-qom.h"
#include "qom/object.h"
#include "qom/property.h"
#include "util/file.h"

#define CREDS_FILE_MAX (1 * MiB)
#define CERTS_MAX 64

static bool creds_fail(GnutlsCreds *c, int rc, const char *what, Error **errp)
{
    if (rc >= 0) {
        return true;
    }
    error_setg(errp, "Unable to %s: %s", what, c->tls->strerror(rc));
    return false;
}

/* The path of a file in the directory; NULL: not there. With @must, an error. */
static char *creds_file(GnutlsCreds *c, const char *name, bool must,
                        Error **errp)
{
    g_autofree char *path = g_build_filename(c->parent.dir, name, NULL);

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        if (must) {
            error_setg(errp, "Unable to access credentials %s: no such file",
                       path);
        }
        return NULL;
    }
    return g_steal_pointer(&path);
}

static bool creds_need_dir(GnutlsCreds *c, Error **errp)
{
    if (!c->parent.dir) {
        error_setg(errp, "Missing 'dir' property value");
        return false;
    }
    return true;
}

static bool creds_is_server(const GnutlsCreds *c)
{
    return c->parent.endpoint == TLS_ENDPOINT_SERVER;
}

/* ---- Certificates ---- */

/* Times and kind of a certificate: told when it is loaded, not when a guest
 * has lost its disk. */
static bool check_cert(GnutlsCreds *c, gnutls_x509_crt_t cert,
                       const char *path, bool is_ca, Error **errp)
{
    time_t now = time(NULL);
    int ca;

    if (c->tls->x509_crt_get_expiration_time(cert) < now) {
        error_setg(errp, "The certificate %s has expired", path);
        return false;
    }
    if (c->tls->x509_crt_get_activation_time(cert) > now) {
        error_setg(errp, "The certificate %s is not yet active", path);
        return false;
    }
    ca = c->tls->x509_crt_get_ca_status(cert, NULL);
    if (ca == 0 && is_ca) {
        error_setg(errp, "The certificate %s basic constraints do not show a "
                   "CA", path);
        return false;
    }
    if (ca > 0 && !is_ca) {
        error_setg(errp, "The certificate %s basic constraints show a CA, but "
                   "we need one for a %s", path,
                   creds_is_server(c) ? "server" : "client");
        return false;
    }
    return true;
}

/* Of a list, all of a CA's file, the first of one's own. */
static bool check_cert_file(GnutlsCreds *c, const char *path, bool is_ca,
                            Error **errp)
{
    gnutls_x509_crt_t *certs = NULL;
    gnutls_datum_t pem;
    unsigned n = 0;
    size_t len;
    g_autofree char *text = file_read_all(path, CREDS_FILE_MAX, &len, errp);
    bool ok;

    if (!text) {
        return false;
    }
    pem = (gnutls_datum_t) { .data = (uint8_t *)text, .size = len };
    ok = creds_fail(c, c->tls->x509_crt_list_import2(&certs, &n, &pem,
                                                     GNUTLS_X509_FMT_PEM, 0),
                    "import certificates", errp);
    for (unsigned i = 0; ok && i < (is_ca ? MIN(n, CERTS_MAX) : 1); i++) {
        ok = check_cert(c, certs[i], path, is_ca, errp);
    }
    for (unsigned i = 0; i < n; i++) {
        c->tls->x509_crt_deinit(certs[i]);
    }
    if (certs) {
        free(certs);      /* GnuTLS has it from malloc() */
    }
    return ok;
}

static bool x509_load_ca(GnutlsCreds *c, Error **errp)
{
    bool must = !creds_is_server(c) || c->parent.verify_peer;
    g_autofree char *ca = creds_file(c, "ca-cert.pem", must, errp);
    g_autofree char *crl = creds_file(c, "ca-crl.pem", false, NULL);

    if (!ca) {
        return !must;
    }
    if (c->sanity_check && !check_cert_file(c, ca, true, errp)) {
        return false;
    }
    return creds_fail(c, c->tls->certificate_set_x509_trust_file(c->cred.x509,
                          ca, GNUTLS_X509_FMT_PEM),
                      "load the CA's certificate", errp) &&
           (!crl ||
            creds_fail(c, c->tls->certificate_set_x509_crl_file(c->cred.x509,
                           crl, GNUTLS_X509_FMT_PEM),
                       "load the revocation list", errp));
}

static bool x509_load_own(GnutlsCreds *c, Error **errp)
{
    bool server = creds_is_server(c);
    g_autofree char *cert = creds_file(c, server ? "server-cert.pem" :
                                       "client-cert.pem", server, errp);
    g_autofree char *key = NULL;
    char *password = NULL;
    bool ok;

    if (!cert) {
        return !server;
    }
    key = creds_file(c, server ? "server-key.pem" : "client-key.pem", true,
                     errp);
    if (!key || (c->sanity_check && !check_cert_file(c, cert, false, errp))) {
        return false;
    }
    if (c->passwordid) {
        password = secret_lookup_utf8(c->passwordid, errp);
        if (!password) {
            return false;
        }
    }
    ok = creds_fail(c, c->tls->certificate_set_x509_key_file2(c->cred.x509,
                        cert, key, GNUTLS_X509_FMT_PEM, password, 0),
                    "load the certificate and its key", errp);
    secret_free(password, password ? strlen(password) : 0);
    return ok;
}

static bool x509_complete(Object *obj, Error **errp)
{
    GnutlsCreds *c = GNUTLS_CREDS(obj);

    if (!creds_need_dir(c, errp)) {
        return false;
    }
    c->tls = gnutls_load(errp);
    if (!c->tls ||
        !creds_fail(c, c->tls->certificate_allocate_credentials(&c->cred.x509),
                    "allocate credentials", errp)) {
        return false;
    }
    c->type = GNUTLS_CRD_CERTIFICATE;
    c->ready = true;
    if (creds_is_server(c)) {
        c->tls->certificate_set_known_dh_params(c->cred.x509,
                                                GNUTLS_SEC_PARAM_MEDIUM);
    }
    return x509_load_ca(c, errp) && x509_load_own(c, errp);
}

/* ---- Keys ---- */

/* "USER:HEX" lines. The copy of the key is the caller's to wipe. */
static char *psk_find_key(const char *text, const char *user)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    size_t n = strlen(user);

    for (int i = 0; lines[i]; i++) {
        if (!strncmp(lines[i], user, n) && lines[i][n] == ':') {
            return g_strchomp(g_strdup(lines[i] + n + 1));
        }
    }
    return NULL;
}

static bool psk_load_client(GnutlsCreds *c, const char *path, Error **errp)
{
    const char *user = c->username ? c->username : "qemu";
    size_t len;
    char *text = file_read_all(path, CREDS_FILE_MAX, &len, errp);
    char *hex = text ? psk_find_key(text, user) : NULL;
    gnutls_datum_t key = { .data = (uint8_t *)hex };
    bool ok = false;

    if (hex) {
        key.size = strlen(hex);
        ok = creds_fail(c, c->tls->psk_set_client_credentials(c->cred.psk_client,
                            user, &key, GNUTLS_PSK_KEY_HEX),
                        "set the key", errp);
    } else if (text) {
        error_setg(errp, "Username %s not found in %s", user, path);
    }
    secret_free(hex, hex ? strlen(hex) : 0);
    secret_free(text, text ? len : 0);
    return ok;
}

static bool psk_complete(Object *obj, Error **errp)
{
    GnutlsCreds *c = GNUTLS_CREDS(obj);
    g_autofree char *path = NULL;
    int rc;

    if (!creds_need_dir(c, errp)) {
        return false;
    }
    path = creds_file(c, "keys.psk", true, errp);
    c->tls = path ? gnutls_load(errp) : NULL;
    if (!c->tls) {
        return false;
    }
    rc = creds_is_server(c) ?
         c->tls->psk_allocate_server_credentials(&c->cred.psk_server) :
         c->tls->psk_allocate_client_credentials(&c->cred.psk_client);
    if (!creds_fail(c, rc, "allocate credentials", errp)) {
        return false;
    }
    c->type = GNUTLS_CRD_PSK;
    c->ready = true;
    if (!creds_is_server(c)) {
        return psk_load_client(c, path, errp);
    }
    c->tls->psk_set_server_known_dh_params(c->cred.psk_server,
                                           GNUTLS_SEC_PARAM_MEDIUM);
    return creds_fail(c, c->tls->psk_set_server_credentials_file(
                          c->cred.psk_server, path), "load the keys", errp);
}

/* ---- Nothing ---- */

static bool anon_complete(Object *obj, Error **errp)
{
    GnutlsCreds *c = GNUTLS_CREDS(obj);
    int rc;

    c->tls = gnutls_load(errp);
    if (!c->tls) {
        return false;
    }
    rc = creds_is_server(c) ?
         c->tls->anon_allocate_server_credentials(&c->cred.anon_server) :
         c->tls->anon_allocate_client_credentials(&c->cred.anon_client);
    if (!creds_fail(c, rc, "allocate credentials", errp)) {
        return false;
    }
    c->type = GNUTLS_CRD_ANON;
    c->ready = true;
    if (creds_is_server(c)) {
        c->tls->anon_set_server_known_dh_params(c->cred.anon_server,
                                                GNUTLS_SEC_PARAM_MEDIUM);
    }
    return true;
}

/* ---- Types ---- */

static void gnutls_creds_free(GnutlsCreds *c)
{
    bool server = creds_is_server(c);

    switch (c->type) {
    case GNUTLS_CRD_CERTIFICATE:
        c->tls->certificate_free_credentials(c->cred.x509);
        break;
    case GNUTLS_CRD_PSK:
        if (server) {
            c->tls->psk_free_server_credentials(c->cred.psk_server);
        } else {
            c->tls->psk_free_client_credentials(c->cred.psk_client);
        }
        break;
    default:
        if (server) {
            c->tls->anon_free_server_credentials(c->cred.anon_server);
        } else {
            c->tls->anon_free_client_credentials(c->cred.anon_client);
        }
    }
}

static void gnutls_creds_finalize(Object *obj)
{
    GnutlsCreds *c = GNUTLS_CREDS(obj);

    if (c->ready) {
        gnutls_creds_free(c);
    }
}

static bool creds_prop_may_set(Object *obj, const Property *prop, Error **errp)
{
    if (GNUTLS_CREDS(obj)->ready) {
        error_setg(errp, "property '%s' of credentials cannot change",
                   prop->name);
        return false;
    }
    return true;
}

static DEFINE_PROP_ENUM_INFO(prop_info_tls_endpoint, "QCryptoTLSCredsEndpoint",
                             QCryptoTLSCredsEndpoint_lookup);

static const Property creds_props[] = {
    PROP_BOOL("verify-peer", TlsCreds, verify_peer, true,
              "whether the peer must prove who it is"),
    PROP_STRING("dir", TlsCreds, dir, NULL, "directory with the files"),
    PROP_ENUM("endpoint", TlsCreds, endpoint, prop_info_tls_endpoint,
              TLS_ENDPOINT_CLIENT, "which side of a connection they are for"),
    PROP_STRING("priority", TlsCreds, priority, NULL,
                "priority string of GnuTLS"),
};

static const Property x509_props[] = {
    PROP_BOOL("sanity-check", GnutlsCreds, sanity_check, true,
              "whether to check the certificates when they are loaded"),
    PROP_STRING("passwordid", GnutlsCreds, passwordid, NULL,
                "secret with the password of the key"),
};

static const Property psk_props[] = {
    PROP_STRING("username", GnutlsCreds, username, NULL,
                "whose key a client uses (default: qemu)"),
};

static void set_complete(ObjectClass *oc, bool (*complete)(Object *, Error **))
{
    UserCreatableClass *ucc = (UserCreatableClass *)
        object_class_dynamic_cast(oc, TYPE_USER_CREATABLE);

    ucc->complete = complete;
    oc->prop_may_set = creds_prop_may_set;
    TLS_CREDS_CLASS(oc)->new_session = gnutls_session_new;
    object_class_add_props(oc, creds_props);
}

static void x509_class_init(ObjectClass *oc, const void *data)
{
    set_complete(oc, x509_complete);
    object_class_add_props(oc, x509_props);
}

static void psk_class_init(ObjectClass *oc, const void *data)
{
    set_complete(oc, psk_complete);
    object_class_add_props(oc, psk_props);
}

static void anon_class_init(ObjectClass *oc, const void *data)
{
    set_complete(oc, anon_complete);
}

static const char *const creds_interfaces[] = { TYPE_USER_CREATABLE, NULL };

#define CREDS_TYPE(type_name, text, init)                                      \
    {                                                                          \
        .name = (type_name),                                                   \
        .parent = TYPE_TLS_CREDS,                                              \
        .help = (text),                                                        \
        .instance_size = sizeof(GnutlsCreds),                                  \
        .instance_finalize = gnutls_creds_finalize,                            \
        .class_init = (init),                                                  \
        .interfaces = creds_interfaces,                                        \
    }

static const TypeInfo gnutls_creds_types[] = {
    CREDS_TYPE("tls-creds-x509", "certificates for TLS", x509_class_init),
    CREDS_TYPE("tls-creds-psk", "pre-shared keys for TLS", psk_class_init),
    CREDS_TYPE("tls-creds-anon", "TLS that encrypts and trusts anyone",
               anon_class_init),
};

DEFINE_TYPES(gnutls_creds_types)
