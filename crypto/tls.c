/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all credentials and sessions have, whichever library is below. */
#include "util/osdep.h"
#include "crypto/tls.h"

TlsCreds *tls_creds_lookup(const char *id, bool server, Error **errp)
{
    Object *obj = object_resolve_path_component(object_get_objects_root(), id);
    TlsCreds *creds;

    if (!obj) {
        error_setg(errp, "No TLS credentials with id '%s'", id);
        return NULL;
    }
    creds = (TlsCreds *)object_dynamic_cast(obj, TYPE_TLS_CREDS);
    if (!creds) {
        error_setg(errp, "Object with id '%s' is not TLS credentials", id);
        return NULL;
    }
    if ((creds->endpoint == TLS_ENDPOINT_SERVER) != server) {
        error_setg(errp, "Expecting TLS credentials with a %s endpoint",
                   server ? "server" : "client");
        error_append_hint(errp, "Make them with endpoint=%s.",
                          server ? "server" : "client");
        return NULL;
    }
    object_ref(obj);
    return creds;
}

TlsSession *tls_session_new(TlsCreds *creds, const char *hostname, int fd,
                            Error **errp)
{
    return TLS_CREDS_GET_CLASS(creds)->new_session(creds, hostname, fd, errp);
}

int tls_session_handshake(TlsSession *s, Error **errp)
{
    return s->ops->handshake(s, errp);
}

ssize_t tls_session_read(TlsSession *s, void *buf, size_t len)
{
    return s->ops->read(s, buf, len);
}

ssize_t tls_session_write(TlsSession *s, const void *buf, size_t len)
{
    return s->ops->write(s, buf, len);
}

size_t tls_session_pending(TlsSession *s)
{
    return s->ops->pending(s);
}

void tls_session_bye(TlsSession *s)
{
    s->ops->bye(s);
}

void tls_session_free(TlsSession *s)
{
    if (s) {
        s->ops->free(s);
    }
}

static const TypeInfo tls_creds_types[] = {
    {
        .name = TYPE_TLS_CREDS,
        .parent = TYPE_OBJECT,
        .help = "credentials for TLS",
        .abstract = true,
        .instance_size = sizeof(TlsCreds),
        .class_size = sizeof(TlsCredsClass),
    },
};

DEFINE_TYPES(tls_creds_types)
