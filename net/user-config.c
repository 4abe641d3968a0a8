/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the user network, checked, to libslirp's configuration.
 */
#include "util/osdep.h"
#include "net/user-internal.h"
#include <arpa/inet.h>
#include "util/cutils.h"

/* DHCP gives addresses to this many guests, from dhcpstart on. */
#define USER_DHCP_ADDRESSES 16

static bool parse_ip4(const char *what, const char *text, struct in_addr *out,
                      Error **errp)
{
    if (inet_pton(AF_INET, text, out) != 1) {
        error_setg(errp, "%s '%s' is not an IPv4 address", what, text);
        return false;
    }
    return true;
}

static bool parse_ip6(const char *what, const char *text, struct in6_addr *out,
                      Error **errp)
{
    if (inet_pton(AF_INET6, text, out) != 1) {
        error_setg(errp, "%s '%s' is not an IPv6 address", what, text);
        return false;
    }
    return true;
}

/* "ADDR", "ADDR/BITS" or "ADDR/MASK"; without a mask the address's class. */
static bool parse_net4(const char *text, SlirpConfig *cfg, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    uint32_t addr, mask;
    uint64_t bits;

    if (!parse_ip4("net", parts[0] ? parts[0] : "", &cfg->vnetwork, errp)) {
        return false;
    }
    addr = ntohl(cfg->vnetwork.s_addr);
    if (!parts[1]) {
        mask = !(addr & 0x80000000) ? 0xff000000 :
               (addr & 0xfff00000) == 0xac100000 ? 0xfff00000 :
               (addr & 0xc0000000) == 0x80000000 ? 0xffff0000 : 0xffffff00;
    } else if (parse_uint64(parts[1], &bits, NULL)) {
        if (bits < 4 || bits > 30) {
            error_setg(errp, "net '%s': the mask must have 4 to 30 bits",
                       text);
            return false;
        }
        mask = 0xffffffff << (32 - bits);
    } else {
        struct in_addr m;

        if (!parse_ip4("mask of net", parts[1], &m, errp)) {
            return false;
        }
        mask = ntohl(m.s_addr);
        if (~mask & (~mask + 1) || ~mask < 3) {
            error_setg(errp, "net '%s': the mask is not valid", text);
            return false;
        }
    }
    cfg->vnetmask.s_addr = htonl(mask);
    cfg->vnetwork.s_addr &= cfg->vnetmask.s_addr;
    return true;
}

static bool in_net(const SlirpConfig *cfg, struct in_addr a)
{
    return (a.s_addr & cfg->vnetmask.s_addr) == cfg->vnetwork.s_addr;
}

/* Option @text if given, else host number @host of the network. */
static bool fill_host4(const char *what, const char *text, uint32_t host,
                       const SlirpConfig *cfg, struct in_addr *out,
                       Error **errp)
{
    if (!text) {
        out->s_addr = cfg->vnetwork.s_addr |
                      (htonl(host) & ~cfg->vnetmask.s_addr);
        return true;
    }
    if (!parse_ip4(what, text, out, errp)) {
        return false;
    }
    if (!in_net(cfg, *out)) {
        error_setg(errp, "%s '%s' is not in the network", what, text);
        error_append_hint(errp, "give net= to match");
        return false;
    }
    return true;
}

static bool fill_ip4(const NetdevUserOptions *o, SlirpConfig *cfg,
                     Error **errp)
{
    uint32_t first;

    /* `ip` is the former name of `net` */
    if (!parse_net4(o->net ? o->net : o->ip ? o->ip : "10.0.2.0/24", cfg,
                    errp) ||
        !fill_host4("host", o->host, 2, cfg, &cfg->vhost, errp) ||
        !fill_host4("dhcpstart", o->dhcpstart, 15, cfg, &cfg->vdhcp_start,
                    errp)) {
        return false;
    }
    if (o->dns) {
        if (!parse_ip4("dns", o->dns, &cfg->vnameserver, errp)) {
            return false;
        }
        if (!o->q_restrict && !in_net(cfg, cfg->vnameserver)) {
            error_setg(errp, "dns '%s' is not in the network", o->dns);
            return false;
        }
    } else {
        fill_host4("dns", NULL, 3, cfg, &cfg->vnameserver, NULL);
    }
    if (cfg->vhost.s_addr == cfg->vnameserver.s_addr) {
        error_setg(errp, "dns must be different from host");
        return false;
    }
    first = ntohl(cfg->vdhcp_start.s_addr);
    if (ntohl(cfg->vhost.s_addr) - first < USER_DHCP_ADDRESSES ||
        ntohl(cfg->vnameserver.s_addr) - first < USER_DHCP_ADDRESSES) {
        error_setg(errp, "the %d addresses from dhcpstart include those of "
                   "host or dns", USER_DHCP_ADDRESSES);
        return false;
    }
    return true;
}

static bool fill_host6(const char *what, const char *text, uint8_t host,
                       const SlirpConfig *cfg, struct in6_addr *out,
                       Error **errp)
{
    if (text) {
        return parse_ip6(what, text, out, errp);
    }
    *out = cfg->vprefix_addr6;
    out->s6_addr[15] |= host;
    return true;
}

static bool fill_ip6(const NetdevUserOptions *o, SlirpConfig *cfg,
                     Error **errp)
{
    int64_t bits = o->has_ipv6_prefixlen ? o->ipv6_prefixlen : 64;

    if (bits < 0 || bits > 126) {
        error_setg(errp, "ipv6-prefixlen '%" PRId64 "' is not from 0 to 126",
                   bits);
        return false;
    }
    cfg->vprefix_len = bits;
    return parse_ip6("ipv6-prefix", o->ipv6_prefix ? o->ipv6_prefix : "fec0::",
                     &cfg->vprefix_addr6, errp) &&
           fill_host6("ipv6-host", o->ipv6_host, 2, cfg, &cfg->vhost6, errp) &&
           fill_host6("ipv6-dns", o->ipv6_dns, 3, cfg, &cfg->vnameserver6,
                      errp);
}

/* DHCP options carry a length of one byte. */
static bool check_text(const char *what, const char *text, Error **errp)
{
    if (text && strlen(text) > 255) {
        error_setg(errp, "%s is longer than 255 bytes", what);
        return false;
    }
    return true;
}

static const char **fill_dnssearch(const StringList *list)
{
    GPtrArray *names;

    if (!list) {
        return NULL;
    }
    names = g_ptr_array_new();
    for (; list; list = list->next) {
        g_ptr_array_add(names, list->value->str);
    }
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(names, FALSE);
}

bool user_config_fill(const NetdevUserOptions *o, SlirpConfig *cfg,
                      const char ***dnssearch, Error **errp)
{
    cfg->version = 4;
    cfg->in_enabled = o->has_ipv4 ? o->ipv4 : !(o->has_ipv6 && o->ipv6) ||
                      o->net || o->ip;
    cfg->in6_enabled = o->has_ipv6 ? o->ipv6 : !(o->has_ipv4 && o->ipv4) ||
                       o->ipv6_prefix;
    if (!cfg->in_enabled && !cfg->in6_enabled) {
        error_setg(errp, "IPv4 and IPv6 are both off: nothing is left");
        return false;
    }
    if (!fill_ip4(o, cfg, errp) || !fill_ip6(o, cfg, errp) ||
        !check_text("hostname", o->hostname, errp) ||
        !check_text("domainname", o->domainname, errp) ||
        !check_text("bootfile", o->bootfile, errp) ||
        !check_text("tftp-server-name", o->tftp_server_name, errp)) {
        return false;
    }
    cfg->restricted = o->has_q_restrict && o->q_restrict;
    cfg->vhostname = o->hostname;
    cfg->tftp_server_name = o->tftp_server_name;
    cfg->tftp_path = o->tftp;
    cfg->bootfile = o->bootfile;
    cfg->vdomainname = o->domainname;
    *dnssearch = fill_dnssearch(o->dnssearch);
    cfg->vdnssearch = *dnssearch;
    return true;
}
