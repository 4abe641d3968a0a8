/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of the host that lead to the guest (hostfwd), and addresses in the
 * guest's network that lead to a program or a chardev (guestfwd).
 */
#include "util/osdep.h"
#include "net/user-internal.h"
#include <arpa/inet.h>
#include "util/cutils.h"
#include "chardev/char.h"

/* Take the text of *@p up to @sep away, into a new string; NULL: no @sep. A
 * @sep of 0 takes all. */
static char *take_field(const char **p, char sep)
{
    const char *end = strchr(*p, sep);
    char *field;

    if (!end) {
        return NULL;
    }
    field = g_strndup(*p, end - *p);
    *p = sep ? end + 1 : end;
    return field;
}

static bool parse_port(const char *text, bool zero_ok, int *port)
{
    uint64_t val;

    if (!parse_uint64(text, &val, NULL) || val > UINT16_MAX ||
        (!val && !zero_ok)) {
        return false;
    }
    *port = val;
    return true;
}

static bool parse_addr(const char *text, struct in_addr *addr)
{
    if (!text[0]) {
        addr->s_addr = INADDR_ANY;
        return true;
    }
    return inet_pton(AF_INET, text, addr) == 1;
}

typedef struct HostFwd {
    bool is_udp;
    struct in_addr host, guest;
    int host_port, guest_port;
} HostFwd;

/* The host's side of a rule, up to @sep. Returns what is wrong, or NULL. */
static const char *parse_host(const char **p, char sep, HostFwd *f)
{
    g_autofree char *proto = take_field(p, ':');
    g_autofree char *host = proto ? take_field(p, ':') : NULL;
    g_autofree char *host_port = host ? take_field(p, sep) : NULL;

    if (!proto) {
        return "no ':' separators";
    }
    f->is_udp = g_str_equal(proto, "udp");
    if (!f->is_udp && proto[0] && !g_str_equal(proto, "tcp")) {
        return "bad protocol name";
    }
    if (!host || !parse_addr(host, &f->host)) {
        return "bad host address";
    }
    if (!host_port || !parse_port(host_port, true, &f->host_port)) {
        return "bad host port";
    }
    return NULL;
}

static const char *parse_hostfwd(const char *p, HostFwd *f)
{
    const char *wrong = parse_host(&p, '-', f);
    g_autofree char *guest = wrong ? NULL : take_field(&p, ':');

    if (wrong) {
        return wrong;
    }
    if (!guest || !parse_addr(guest, &f->guest)) {
        return "bad guest address";
    }
    if (!parse_port(p, false, &f->guest_port)) {
        return "bad guest port";
    }
    return NULL;
}

static bool check_rule(const char *rule, const char *wrong, const char *form,
                       Error **errp)
{
    if (wrong) {
        error_setg(errp, "Invalid host forwarding rule '%s' (%s)", rule,
                   wrong);
        error_append_hint(errp, "write %s", form);
    }
    return !wrong;
}

bool user_add_hostfwd(NetUser *s, const char *rule, Error **errp)
{
    HostFwd f = { 0 };

    if (!check_rule(rule, parse_hostfwd(rule, &f), "[tcp|udp]:[hostaddr]:"
                    "hostport-[guestaddr]:guestport", errp)) {
        return false;
    }
    if (slirp_add_hostfwd(s->slirp, f.is_udp, f.host, f.host_port, f.guest,
                          f.guest_port) < 0) {
        error_setg_errno(errp, errno, "Could not set up host forwarding rule "
                         "'%s'", rule);
        return false;
    }
    return true;
}

bool user_remove_hostfwd(NetUser *s, const char *rule, Error **errp)
{
    HostFwd f = { 0 };
    const char *p = rule;

    if (!check_rule(rule, parse_host(&p, '\0', &f),
                    "[tcp|udp]:[hostaddr]:hostport", errp)) {
        return false;
    }
    if (slirp_remove_hostfwd(s->slirp, f.is_udp, f.host, f.host_port) < 0) {
        error_setg(errp, "host forwarding rule for %s not found", rule);
        return false;
    }
    return true;
}

/* ---- guestfwd ---- */

struct UserGuestFwd {
    CharFrontend fe;
    NetUser *s;
    struct in_addr server;
    int port;
};

static size_t guestfwd_can_read(void *opaque)
{
    UserGuestFwd *f = opaque;

    return slirp_socket_can_recv(f->s->slirp, f->server, f->port);
}

static void guestfwd_read(void *opaque, const uint8_t *buf, size_t len)
{
    UserGuestFwd *f = opaque;

    slirp_socket_recv(f->s->slirp, f->server, f->port, buf, len);
    user_loop_changed(f->s);
}

static ssize_t guestfwd_write(const void *buf, size_t len, void *opaque)
{
    UserGuestFwd *f = opaque;

    return chr_fe_write_all(&f->fe, buf, len);
}

void user_guestfwds_can_read(NetUser *s)
{
    for (guint i = 0; i < s->guestfwds->len; i++) {
        UserGuestFwd *f = s->guestfwds->pdata[i];

        chr_fe_accept_input(&f->fe);
    }
}

void user_guestfwds_free(NetUser *s)
{
    for (guint i = 0; i < s->guestfwds->len; i++) {
        UserGuestFwd *f = s->guestfwds->pdata[i];

        chr_fe_deinit(&f->fe, true);
        g_free(f);
    }
    g_ptr_array_free(s->guestfwds, TRUE);
}

static bool guestfwd_add_chardev(NetUser *s, const char *spec,
                                 struct in_addr server, int port, Error **errp)
{
    g_autofree char *id = g_strdup_printf("guestfwd.tcp.%d", port);
    Chardev *chr = chardev_new_from_spec(id, spec, NULL, errp);
    UserGuestFwd *f;

    if (!chr) {
        return false;
    }
    f = g_new0(UserGuestFwd, 1);
    f->s = s;
    f->server = server;
    f->port = port;
    if (!chr_fe_init(&f->fe, chr, errp)) {
        g_free(f);
        return false;
    }
    if (slirp_add_guestfwd(s->slirp, guestfwd_write, f, &f->server, port) < 0) {
        error_setg(errp, "conflicting or invalid guest address and port");
        chr_fe_deinit(&f->fe, true);
        g_free(f);
        return false;
    }
    g_ptr_array_add(s->guestfwds, f);
    chr_fe_set_handlers(&f->fe, guestfwd_can_read, guestfwd_read, NULL, f,
                        NULL);
    return true;
}

bool user_add_guestfwd(NetUser *s, const char *rule, Error **errp)
{
    const char *p = rule;
    g_autofree char *proto = take_field(&p, ':');
    g_autofree char *addr = proto ? take_field(&p, ':') : NULL;
    g_autofree char *port_text = addr ? take_field(&p, '-') : NULL;
    struct in_addr server;
    int port;

    if (!port_text || (proto[0] && !g_str_equal(proto, "tcp")) ||
        !parse_addr(addr, &server) || !parse_port(port_text, false, &port) ||
        !p[0]) {
        error_setg(errp, "Invalid guest forwarding rule '%s'", rule);
        error_append_hint(errp, "write [tcp]:server:port-dev or "
                          "[tcp]:server:port-cmd:command");
        return false;
    }
    if (!g_str_has_prefix(p, "cmd:")) {
        return guestfwd_add_chardev(s, p, server, port, errp);
    }
    if (slirp_add_exec(s->slirp, p + strlen("cmd:"), &server, port) < 0) {
        error_setg(errp, "Could not set up guest forwarding rule '%s'", rule);
        return false;
    }
    return true;
}
