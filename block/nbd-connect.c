/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a connection to an NBD server, in a worker: names are looked up and
 * handshakes made without holding up the main loop. A job that nobody waits
 * for any more goes on alone until it is done, and takes what it got with it.
 */
#include "util/osdep.h"
#include "nbd-internal.h"
#include "io/fdparam.h"
#include "io/socket.h"
#include "qapi/qapi-visit-sockets.h"
#include "util/file.h"
#include "util/main-loop.h"
#include "util/thread-pool.h"

/* ---- What the user asked for ---- */

static bool config_set_tls(NbdConfig *cfg, const BlockdevOptionsNbd *o,
                           Error **errp)
{
    if (!o->tls_creds) {
        if (o->tls_hostname) {
            error_setg(errp, "tls-hostname needs tls-creds");
            return false;
        }
        return true;
    }
    cfg->tls_creds = tls_creds_lookup(o->tls_creds, false, errp);
    if (!cfg->tls_creds) {
        return false;
    }
    cfg->tls_hostname = g_strdup(
        o->tls_hostname ? o->tls_hostname :
        o->server->type == SOCKET_ADDRESS_TYPE_INET ? o->server->u.inet.host :
        NULL);
    return true;
}

static bool check_string(const char *s, const char *name, Error **errp)
{
    if (s && strlen(s) > NBD_MAX_STRING) {
        error_setg(errp, "%s is too long to send to server", name);
        return false;
    }
    return true;
}

NbdConfig *nbd_config_new(const BlockdevOptionsNbd *o, Error **errp)
{
    NbdConfig *cfg;

    if (!check_string(o->export, "export name", errp) ||
        !check_string(o->x_dirty_bitmap, "x-dirty-bitmap", errp)) {
        return NULL;
    }
    cfg = g_new0(NbdConfig, 1);
    cfg->refcnt = 1;
    cfg->fd = -1;
    cfg->server = QAPI_CLONE(SocketAddress, o->server);
    cfg->export = g_strdup(o->export ? o->export : "");
    cfg->context = g_strdup(o->x_dirty_bitmap ? o->x_dirty_bitmap :
                                                NBD_BASE_ALLOCATION);
    if (!config_set_tls(cfg, o, errp)) {
        nbd_config_unref(cfg);
        return NULL;
    }
    /* Names of descriptors are the monitor's, not for a worker. */
    if (o->server->type == SOCKET_ADDRESS_TYPE_FD) {
        cfg->fd = fd_param_get(o->server->u.fd.str, errp);
        if (cfg->fd < 0) {
            nbd_config_unref(cfg);
            return NULL;
        }
        fd_set_nonblock(cfg->fd, true);
    }
    return cfg;
}

NbdConfig *nbd_config_ref(NbdConfig *cfg)
{
    cfg->refcnt++;
    return cfg;
}

void nbd_config_unref(NbdConfig *cfg)
{
    if (!cfg || --cfg->refcnt) {
        return;
    }
    if (cfg->fd >= 0) {
        close(cfg->fd);
    }
    if (cfg->tls_creds) {
        object_unref(OBJECT(cfg->tls_creds));
    }
    qapi_free_SocketAddress(cfg->server);
    g_free(cfg->export);
    g_free(cfg->context);
    g_free(cfg->tls_hostname);
    g_free(cfg);
}

/* ---- The job ---- */

struct NbdConnect {
    NbdConfig *cfg;
    int fd;                         /* given, or -1 */
    NbdConnectFn *fn;               /* NULL: cancelled */
    void *opaque;
    NbdConn *conn;                  /* the worker's result */
    Error *err;
};

static int connect_work(void *opaque)
{
    NbdConnect *job = opaque;
    int fd = job->fd;
    NbdConn *c;

    if (fd < 0 && job->cfg->server->type == SOCKET_ADDRESS_TYPE_FD) {
        error_setg(&job->err, "a socket that was given cannot be connected "
                   "again");
    } else if (fd < 0) {
        fd = socket_connect(job->cfg->server, &job->err);
    }
    if (fd < 0) {
        return 0;
    }
    socket_set_nodelay(fd);
    c = nbd_conn_new(fd, clock_get_ns(CLOCK_REALTIME_NS) + NBD_HANDSHAKE_NS);
    if (nbd_negotiate(c, job->cfg, &job->err)) {
        job->conn = c;
    } else {
        nbd_conn_unref(c);
    }
    return 0;
}

static void connect_done(void *opaque, int ret)
{
    NbdConnect *job = opaque;

    if (job->fn) {
        job->fn(job->opaque, job->conn, job->err);
    } else {
        nbd_conn_unref(job->conn);
        error_free(job->err);
    }
    nbd_config_unref(job->cfg);
    g_free(job);
}

NbdConnect *nbd_connect(NbdConfig *cfg, NbdConnectFn *fn, void *opaque)
{
    NbdConnect *job = g_new0(NbdConnect, 1);

    job->cfg = nbd_config_ref(cfg);
    job->fd = cfg->fd;
    cfg->fd = -1;
    job->fn = fn;
    job->opaque = opaque;
    thread_pool_submit(main_context(), connect_work, job, connect_done, job);
    return job;
}

void nbd_connect_cancel(NbdConnect *job)
{
    job->fn = NULL;
}
