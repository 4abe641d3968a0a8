/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File names of the "nbd" driver: URIs (doc/uri.md of the NBD project) and the
 * older "nbd:HOST:PORT:exportname=NAME", "nbd:unix:PATH:exportname=NAME".
 */
#include "util/osdep.h"
#include "nbd-internal.h"
#include <json-c/json.h>
#include "io/socket.h"

const char *const nbd_protocols[] = {
    "nbd:", "nbd+tcp:", "nbd+unix:", "nbds:", "nbds+tcp:", "nbds+unix:", NULL
};

static void add(struct json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *server_inet(const char *host, const char *port)
{
    struct json_object *server = json_object_new_object();

    add(server, "type", "inet");
    add(server, "host", host);
    add(server, "port", port);
    return server;
}

static struct json_object *server_unix(const char *path)
{
    struct json_object *server = json_object_new_object();

    add(server, "type", "unix");
    add(server, "path", path);
    return server;
}

/* ---- The older form ---- */

static struct json_object *parse_server(const char *text, Error **errp)
{
    g_autoptr(SocketAddress) addr = NULL;

    if (g_str_has_prefix(text, "unix:")) {
        if (!text[5]) {
            error_setg(errp, "'nbd:unix:' needs the path of a socket");
            return NULL;
        }
        return server_unix(text + 5);
    }
    addr = socket_address_parse(text, errp);
    if (!addr) {
        return NULL;
    }
    if (addr->type != SOCKET_ADDRESS_TYPE_INET) {
        error_setg(errp, "'%s' is no address of an NBD server", text);
        error_append_hint(errp, "Write nbd:HOST:PORT or nbd:unix:PATH.");
        return NULL;
    }
    return server_inet(addr->u.inet.host, addr->u.inet.port);
}

static bool parse_legacy(const char *text, struct json_object *options,
                         Error **errp)
{
    const char *name = strstr(text, ":exportname=");
    g_autofree char *address = name ? g_strndup(text, name - text) :
                                      g_strdup(text);
    struct json_object *server = parse_server(address, errp);

    if (!server) {
        return false;
    }
    json_object_object_add(options, "server", server);
    if (name && name[strlen(":exportname=")]) {
        add(options, "export", name + strlen(":exportname="));
    }
    return true;
}

/* ---- URIs ---- */

static struct json_object *uri_server(GUri *uri, const char *filename,
                                      Error **errp)
{
    const char *host = g_uri_get_host(uri);
    const char *query = g_uri_get_query(uri);
    bool is_unix = g_str_has_suffix(g_uri_get_scheme(uri), "+unix");
    g_autoptr(GHashTable) params = NULL;
    g_autofree char *port = NULL;
    const char *path;

    if (query) {
        params = g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, NULL);
    }
    path = params ? g_hash_table_lookup(params, "socket") : NULL;
    if (g_uri_get_userinfo(uri) || (query && !params) ||
        (params && g_hash_table_size(params) != (path ? 1 : 0)) ||
        is_unix != (path && *path) ||
        (is_unix && ((host && *host) || g_uri_get_port(uri) != -1))) {
        error_setg(errp, "'%s' is no URI of an NBD server", filename);
        error_append_hint(errp, "Write nbd://HOST[:PORT][/EXPORT] or "
                          "nbd+unix:///[EXPORT]?socket=PATH.");
        return NULL;
    }
    if (is_unix) {
        return server_unix(path);
    }
    if (g_uri_get_port(uri) != -1) {
        port = g_strdup_printf("%d", g_uri_get_port(uri));
    }
    return server_inet(host && *host ? host : "localhost",
                       port ? port : NBD_DEFAULT_PORT);
}

static bool parse_uri(const char *filename, struct json_object *options,
                      Error **errp)
{
    g_autoptr(GUri) uri = g_uri_parse(filename, G_URI_FLAGS_NONE, NULL);
    struct json_object *server;
    const char *path;

    if (!uri) {
        error_setg(errp, "'%s' is not a URI", filename);
        return false;
    }
    if (g_str_has_prefix(g_uri_get_scheme(uri), "nbds") &&
        !json_object_object_get_ex(options, "tls-creds", NULL)) {
        error_setg(errp, "'%s' needs credentials for TLS", filename);
        error_append_hint(errp, "Give the node's options instead: "
                          "driver=nbd,tls-creds=ID,server.type=...");
        return false;
    }
    server = uri_server(uri, filename, errp);
    if (!server) {
        return false;
    }
    json_object_object_add(options, "server", server);
    path = g_uri_get_path(uri);
    if (*path == '/') {
        path++;
    }
    if (*path) {
        add(options, "export", path);
    }
    return true;
}

bool nbd_parse_filename(const char *filename, struct json_object *options,
                        Error **errp)
{
    if (strstr(filename, "://")) {
        return parse_uri(filename, options, errp);
    }
    if (!g_str_has_prefix(filename, "nbd:")) {
        error_setg(errp, "'%s' is not a URI", filename);
        return false;
    }
    return parse_legacy(filename + strlen("nbd:"), options, errp);
}

/* ---- Back ---- */

char *nbd_make_filename(const NbdConfig *cfg)
{
    const SocketAddress *a = cfg->server;
    const char *slash = *cfg->export ? "/" : "";

    switch (a->type) {
    case SOCKET_ADDRESS_TYPE_INET:
        return g_strdup_printf(strchr(a->u.inet.host, ':') ?
                               "nbd://[%s]:%s%s%s" : "nbd://%s:%s%s%s",
                               a->u.inet.host, a->u.inet.port, slash,
                               cfg->export);
    case SOCKET_ADDRESS_TYPE_UNIX:
        return g_strdup_printf("nbd+unix://%s%s?socket=%s", slash, cfg->export,
                               a->u.q_unix.path);
    default:
        return NULL;
    }
}

static const char *text_of(struct json_object *val)
{
    const char *text = json_object_get_string(val);

    return text ? text : "";
}

void nbd_complete_options(struct json_object *options)
{
    struct json_object *host = NULL, *port = NULL, *path = NULL, *server;
    bool is_unix = json_object_object_get_ex(options, "path", &path);

    if (json_object_object_get_ex(options, "server", NULL) ||
        is_unix == json_object_object_get_ex(options, "host", &host)) {
        return;
    }
    if (is_unix) {
        server = server_unix(text_of(path));
        json_object_object_del(options, "path");
    } else {
        bool given = json_object_object_get_ex(options, "port", &port);

        server = server_inet(text_of(host),
                             given ? text_of(port) : NBD_DEFAULT_PORT);
        json_object_object_del(options, "host");
        json_object_object_del(options, "port");
    }
    json_object_object_add(options, "server", server);
}
