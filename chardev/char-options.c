/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the flat options of -chardev, and the short forms of -serial and its
 * like, to the schema's ChardevBackend.
 */
#include "util/osdep.h"
#include "chardev/char.h"
#include <json-c/json.h>
#include "util/cutils.h"
#include "util/keyval.h"
#include "util/log.h"
#include "io/socket.h"
#include "qapi/qapi-types-char.h"
#include "qapi/qapi-visit-char.h"
#include "qapi/visitor.h"

/* ---- ChardevOptions to ChardevBackend ---- */

static SocketAddressLegacy *socket_options_address(ChardevSocketOptions *o,
                                                   Error **errp)
{
    g_autoptr(SocketAddressLegacy) addr = g_new0(SocketAddressLegacy, 1);

    if (!!o->path + !!o->fd + !!o->host != 1) {
        error_setg(errp, "chardev: socket: exactly one of 'path', 'fd' and "
                   "'host' is needed");
        return NULL;
    }
    if (o->path) {
        UnixSocketAddress *u = g_new0(UnixSocketAddress, 1);

        addr->type = SOCKET_ADDRESS_TYPE_UNIX;
        addr->u.q_unix.data = u;
        u->path = g_strdup(o->path);
        u->has_abstract = o->has_abstract;
        u->abstract = o->abstract;
        u->has_tight = o->has_tight;
        u->tight = o->tight;
    } else if (o->fd) {
        addr->type = SOCKET_ADDRESS_TYPE_FD;
        addr->u.fd.data = g_new0(FdSocketAddress, 1);
        addr->u.fd.data->str = g_strdup(o->fd);
    } else {
        InetSocketAddress *inet = g_new0(InetSocketAddress, 1);

        addr->type = SOCKET_ADDRESS_TYPE_INET;
        addr->u.inet.data = inet;
        inet->host = g_strdup(o->host);
        inet->port = g_strdup(o->port);
        inet->has_to = o->has_to;
        inet->to = o->to;
        inet->has_ipv4 = o->has_ipv4;
        inet->ipv4 = o->ipv4;
        inet->has_ipv6 = o->has_ipv6;
        inet->ipv6 = o->ipv6;
        if (!inet->port) {
            error_setg(errp, "chardev: socket: no port given");
            return NULL;
        }
    }
    return g_steal_pointer(&addr);
}

static ChardevSocket *socket_options_convert(ChardevSocketOptions *o,
                                             Error **errp)
{
    SocketAddressLegacy *addr = socket_options_address(o, errp);
    ChardevSocket *sock;

    if (!addr) {
        return NULL;
    }
    sock = g_new0(ChardevSocket, 1);
    sock->addr = addr;
    /* a -chardev is a client unless it says server=on */
    sock->has_server = true;
    sock->server = o->has_server && o->server;
    sock->has_wait = o->has_wait;
    sock->wait = o->wait;
    sock->has_nodelay = o->has_nodelay || o->has_delay;
    sock->nodelay = o->has_nodelay ? o->nodelay : o->has_delay && !o->delay;
    sock->has_telnet = o->has_telnet;
    sock->telnet = o->telnet;
    sock->has_reconnect = o->has_reconnect;
    sock->reconnect = o->reconnect;
    return sock;
}

static ChardevFile *file_options_convert(const ChardevFileOptions *o)
{
    ChardevFile *file = g_new0(ChardevFile, 1);

    file->out = g_strdup(o->path);
    file->in = g_strdup(o->input_path);
    file->has_append = o->has_append;
    file->append = o->append;
    return file;
}

/* The branch of @b for the type of @o; only its own members. */
static bool options_convert_branch(ChardevOptions *o, ChardevBackend *b,
                                   Error **errp)
{
    switch (o->backend) {
    case CHARDEV_TYPE_FILE:
        b->type = CHARDEV_BACKEND_KIND_FILE;
        b->u.file.data = file_options_convert(&o->u.file);
        return true;
    case CHARDEV_TYPE_PIPE:
        b->type = CHARDEV_BACKEND_KIND_PIPE;
        b->u.pipe.data = g_new0(ChardevHostdev, 1);
        b->u.pipe.data->device = g_strdup(o->u.pipe.path);
        return true;
    case CHARDEV_TYPE_SOCKET:
        b->type = CHARDEV_BACKEND_KIND_SOCKET;
        b->u.socket.data = socket_options_convert(&o->u.socket, errp);
        return b->u.socket.data != NULL;
    case CHARDEV_TYPE_STDIO:
        b->type = CHARDEV_BACKEND_KIND_STDIO;
        b->u.stdio.data = g_new0(ChardevStdio, 1);
        b->u.stdio.data->has_signal = o->u.stdio.has_signal;
        b->u.stdio.data->signal = o->u.stdio.signal;
        return true;
    case CHARDEV_TYPE_RINGBUF:
        b->type = CHARDEV_BACKEND_KIND_RINGBUF;
        b->u.ringbuf.data = g_new0(ChardevRingbuf, 1);
        b->u.ringbuf.data->has_size = o->u.ringbuf.has_size;
        b->u.ringbuf.data->size = o->u.ringbuf.size;
        return true;
    case CHARDEV_TYPE_PTY:
        b->type = CHARDEV_BACKEND_KIND_PTY;
        b->u.pty.data = g_new0(ChardevCommon, 1);
        return true;
    default:
        b->type = CHARDEV_BACKEND_KIND_NULL;
        b->u.null.data = g_new0(ChardevCommon, 1);
        return true;
    }
}

static Chardev *chardev_new_mux(const char *id, const char *base, Error **errp)
{
    g_autoptr(ChardevBackend) b = g_new0(ChardevBackend, 1);
    Chardev *mux;

    b->type = CHARDEV_BACKEND_KIND_MUX;
    b->u.mux.data = g_new0(ChardevMux, 1);
    b->u.mux.data->chardev = g_strdup(base);
    mux = chardev_new(id, b, errp);
    if (!mux) {
        chardev_remove(base, NULL);
    }
    return mux;
}

Chardev *chardev_new_from_options(ChardevOptions *opts, Error **errp)
{
    g_autoptr(ChardevBackend) b = g_new0(ChardevBackend, 1);
    g_autofree char *base = NULL;
    ChardevCommon *common;
    bool mux = opts->has_mux && opts->mux;
    Chardev *chr;

    if (!options_convert_branch(opts, b, errp)) {
        return NULL;
    }
    common = b->u.null.data;        /* each branch begins with it */
    common->logfile = g_strdup(opts->logfile);
    common->has_logappend = opts->has_logappend;
    common->logappend = opts->logappend;
    base = g_strdup_printf("%s%s", opts->id, mux ? "-base" : "");
    chr = chardev_new(base, b, errp);
    if (chr && opts->backend == CHARDEV_TYPE_PTY) {
        printf("char device redirected to %s (label %s)\n",
               chardev_get_filename(chr) + strlen("pty:"), opts->id);
        fflush(stdout);
    }
    return chr && mux ? chardev_new_mux(opts->id, base, errp) : chr;
}

static ChardevOptions *chardev_options_parse(struct json_object *tree,
                                             Error **errp)
{
    g_autoptr(Visitor) v = input_visitor_new(tree, VISIT_INPUT_KEYVAL);
    ChardevOptions *opts = NULL;

    return visit_type_ChardevOptions(v, NULL, &opts, errp) ? opts : NULL;
}

Chardev *chardev_new_from_arg(const char *arg, Error **errp)
{
    struct json_object *tree = keyval_parse_flags(arg, "backend",
        KEYVAL_BARE_BOOL, NULL, errp);
    g_autoptr(ChardevOptions) opts = NULL;

    if (!tree) {
        return NULL;
    }
    opts = chardev_options_parse(tree, errp);
    json_object_put(tree);
    return opts ? chardev_new_from_options(opts, errp) : NULL;
}

/* ---- Short forms ---- */

/* Kinds QEMU has and we do not, and what does the job. */
static const struct {
    const char *prefix, *instead;
} spec_absent[] = {
    { "vc", "stdio, pty or a unix socket" },
    { "udp:", "unix: or tcp:" },
    { "telnet:", "tcp:" },
    { "websocket:", "tcp:" },
    { "tn3270:", "tcp:" },
    { "con:", "pty" },
    { "COM", "pty" },
    { "braille", "pty" },
    { "msmouse", "a virtio input device" },
    { "/dev/parport", "pty" },
    { "/dev/tty", "-chardev pipe, or socat and a unix socket" },
};

static bool spec_report_absent(const char *spec, Error **errp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(spec_absent); i++) {
        if (g_str_has_prefix(spec, spec_absent[i].prefix)) {
            error_setg(errp, "character device '%s' is not supported", spec);
            error_append_hint(errp, "use %s instead", spec_absent[i].instead);
            return true;
        }
    }
    return false;
}

static void tree_add(struct json_object *tree, const char *key,
                     const char *val)
{
    json_object_object_add(tree, key, json_object_new_string(val));
}

/* "unix:PATH,opts", "tcp:HOST:PORT,opts": the rest after the first comma is
 * key=value. A path beginning "fd=" names a descriptor; "path=" is for those who
 * write all of it as keys. */
static struct json_object *spec_parse_socket(const char *rest, bool is_unix,
                                             Error **errp)
{
    const char *comma = strchr(rest, ',');
    g_autofree char *addr = comma ? g_strndup(rest, comma - rest) :
                            g_strdup(rest);
    g_autoptr(InetSocketAddress) inet = NULL;
    struct json_object *tree;

    tree = keyval_parse_flags(comma ? comma + 1 : "", NULL, KEYVAL_BARE_BOOL,
                              NULL, errp);
    if (!tree) {
        return NULL;
    }
    tree_add(tree, "backend", "socket");
    if (is_unix && g_str_has_prefix(addr, "fd=")) {
        tree_add(tree, "fd", addr + 3);
        return tree;
    }
    if (is_unix) {
        tree_add(tree, "path", g_str_has_prefix(addr, "path=") ?
                 addr + strlen("path=") : addr);
        return tree;
    }
    inet = g_new0(InetSocketAddress, 1);
    if (!inet_parse(addr, inet, errp)) {
        json_object_put(tree);
        return NULL;
    }
    tree_add(tree, "host", inet->host);
    tree_add(tree, "port", inet->port);
    return tree;
}

static struct json_object *spec_simple(const char *backend, const char *path)
{
    struct json_object *tree = json_object_new_object();

    tree_add(tree, "backend", backend);
    if (path) {
        tree_add(tree, "path", path);
    }
    return tree;
}

/* The -chardev options that @spec stands for. */
static struct json_object *spec_parse(const char *spec, Error **errp)
{
    static const char *const names[] = { "null", "pty", "stdio", "unix:",
        "tcp:", "file:", "pipe:", "ringbuf", "chardev:", "mon:", "none", NULL };

    if (g_str_equal(spec, "null") || g_str_equal(spec, "pty") ||
        g_str_equal(spec, "stdio") || g_str_equal(spec, "ringbuf")) {
        return spec_simple(spec, NULL);
    }
    if (g_str_has_prefix(spec, "file:")) {
        return spec_simple("file", spec + 5);
    }
    if (g_str_has_prefix(spec, "pipe:")) {
        return spec_simple("pipe", spec + 5);
    }
    if (g_str_has_prefix(spec, "unix:")) {
        return spec_parse_socket(spec + 5, true, errp);
    }
    if (g_str_has_prefix(spec, "tcp:")) {
        return spec_parse_socket(spec + 4, false, errp);
    }
    if (!spec_report_absent(spec, errp)) {
        error_setg(errp, "'%s' is not a valid char driver", spec);
        error_hint_closest(errp, spec, names);
    }
    return NULL;
}

static Chardev *spec_find(const char *id, Error **errp)
{
    Chardev *chr = chardev_find(id);

    if (!chr) {
        error_setg(errp, "chardev '%s' not found", id);
    }
    return chr;
}

Chardev *chardev_new_from_spec(const char *id, const char *spec, bool *mux_mon,
                               Error **errp)
{
    g_autoptr(ChardevOptions) opts = NULL;
    struct json_object *tree;
    bool mon = g_str_has_prefix(spec, "mon:");

    if (mon && !mux_mon) {
        error_setg(errp, "'%s': no monitor can be put on this stream", spec);
        return NULL;
    }
    spec += mon ? strlen("mon:") : 0;
    if (mon) {
        *mux_mon = true;
    }
    if (g_str_has_prefix(spec, "chardev:")) {
        return spec_find(spec + strlen("chardev:"), errp);
    }
    tree = spec_parse(spec, errp);
    if (!tree) {
        return NULL;
    }
    tree_add(tree, "id", id);
    if (mon) {
        tree_add(tree, "mux", "on");
        if (g_str_equal(spec, "stdio")) {
            /* C-c is the guest's; C-a x leaves */
            tree_add(tree, "signal", "off");
        }
    }
    opts = chardev_options_parse(tree, errp);
    json_object_put(tree);
    return opts ? chardev_new_from_options(opts, errp) : NULL;
}
