/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the user network share. */
#ifndef NET_USER_INTERNAL_H
#define NET_USER_INTERNAL_H

#include <slirp/libslirp.h>
#include "net/net-internal.h"
#include "qapi/qapi-types-net.h"

typedef struct NetUser NetUser;
typedef struct UserGuestFwd UserGuestFwd;

/* A descriptor of libslirp's, and what it waits for. */
typedef struct UserFd {
    NetUser *s;
    int fd;
    int events;                     /* SLIRP_POLL_*, 0: nothing */
    int wanted;                     /* of the fill going on */
} UserFd;

struct NetUser {
    NetClientState nc;
    Slirp *slirp;

    /* Loop (user-loop.c) */
    AioBH *refill_bh;
    AioTimer timeout;
    GHashTable *fds;                /* of UserFd by number */
    struct pollfd *polls;           /* by the index libslirp knows */
    unsigned n_polls, max_polls;
    bool polling;                   /* inside slirp_pollfds_poll() */

    GPtrArray *guestfwds;
};

/* user-loop.c: run libslirp in the main context. */
extern const SlirpCb user_slirp_callbacks;
void user_loop_init(NetUser *s);
void user_loop_cleanup(NetUser *s);
/* Its state has changed: ask it again what it waits for. */
void user_loop_changed(NetUser *s);

/* user-config.c: options to libslirp's configuration. The strings inside
 * belong to @o, @dnssearch to the caller. */
bool user_config_fill(const NetdevUserOptions *o, SlirpConfig *cfg,
                      const char ***dnssearch, Error **errp);

/* user-fwd.c */
bool user_add_hostfwd(NetUser *s, const char *rule, Error **errp);
bool user_remove_hostfwd(NetUser *s, const char *rule, Error **errp);
bool user_add_guestfwd(NetUser *s, const char *rule, Error **errp);
void user_guestfwds_can_read(NetUser *s);
void user_guestfwds_free(NetUser *s);

#endif
