/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands about user networks: ports of the host that lead to the guest, and
 * connections. They work on the network that is named, else on the first one.
 * The lines are those that people and scripts know.
 */
#include "util/osdep.h"
#include "hmp-internal.h"
#include "net/net.h"
#include "util/error.h"

static void find_first(NetClientState *nc, void *opaque)
{
    NetClientState **first = opaque;

    if (!*first && nc->info->hostfwd_add) {
        *first = nc;
    }
}

/* NULL: it has been told why. */
static NetClientState *find_network(const char *id, GString *out)
{
    NetClientState *nc = NULL;

    if (!id) {
        net_client_foreach(find_first, &nc);
        g_string_append(out, nc ? "" : "user mode network stack not in use\n");
        return nc;
    }
    if (!net_client_find_netdev(id, &nc, 1)) {
        g_string_append_printf(out, "unrecognized netdev id '%s'\n", id);
        return NULL;
    }
    if (!nc->info->hostfwd_add) {
        g_string_append(out, "invalid device specified\n");
        return NULL;
    }
    return nc;
}

/* @words: with or without the network's name first. */
static NetClientState *find_by_words(char **words, const char **rule,
                                     GString *out)
{
    bool named = words[1] != NULL;

    *rule = words[named];
    return find_network(named ? words[0] : NULL, out);
}

void hmp_hostfwd_add(char **words, GString *out)
{
    const char *rule;
    NetClientState *nc = find_by_words(words, &rule, out);
    g_autoptr(Error) err = NULL;

    if (nc && !nc->info->hostfwd_add(nc, rule, &err)) {
        g_string_append_printf(out, "%s\n", error_get_pretty(err));
    }
}

void hmp_hostfwd_remove(char **words, GString *out)
{
    const char *rule;
    NetClientState *nc = find_by_words(words, &rule, out);
    g_autoptr(Error) err = NULL;

    if (!nc) {
        return;
    }
    if (nc->info->hostfwd_remove(nc, rule, &err)) {
        g_string_append_printf(out, "host forwarding rule for %s removed\n",
                               rule);
    } else {
        g_string_append_printf(out, "%s\n", error_get_pretty(err));
    }
}

static void append_network(NetClientState *nc, void *opaque)
{
    GString *out = opaque;
    g_autofree char *text = NULL;

    if (nc->info->connections) {
        text = nc->info->connections(nc);
        g_string_append_printf(out, "Hub -1 (%s):\n%s", nc->name, text);
    }
}

void hmp_info_usernet(const char *args, GString *out)
{
    net_client_foreach(append_network, out);
}
