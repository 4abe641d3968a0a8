/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: packets to and from a network interface of the host, a client per
 * queue.
 *
 * With a vnet header (struct virtio_net_hdr) in front of each packet, checksums
 * and segmentation pass through undone. While the NIC has not agreed to one it
 * is put on and taken off here.
 */
#include "util/osdep.h"
#include "net/tap.h"
#include <fcntl.h>
#include <linux/virtio_net.h>
#include "util/file.h"
#include "util/iov.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "io/fdparam.h"
#include "net/net-internal.h"
#include "net/tap-internal.h"
#include "qapi/qapi-types-net.h"
#include "trace/trace-net.h"

/* Packets read in one go before others get their turn. */
#define TAP_BATCH 64
#define TAP_DEFAULT_SCRIPT "/etc/qemu-ifup"
#define TAP_DEFAULT_DOWNSCRIPT "/etc/qemu-ifdown"

typedef struct NetTap {
    NetClientState nc;
    int fd;
    int vhost_fd;                   /* -1: none */
    uint32_t vhost_poll_us;
    bool vhost_running;
    int host_hdr_len;               /* what the kernel puts in front, 0: none */
    bool read_on, write_on;
    bool enabled;                   /* attached to the interface */
    NetOffloads offloads;           /* what the kernel can */
    char ifname[IFNAMSIZ];
    char *downscript;               /* first queue only */
    uint8_t *buf;                   /* NET_BUFSIZE, on first use */
} NetTap;

static NetTap *tap_from_nc(NetClientState *nc);

/* ---- Data ---- */

static void tap_readable(void *opaque);
static void tap_writable(void *opaque);

static void tap_update_handlers(NetTap *s)
{
    bool rd = s->read_on && s->enabled && !s->vhost_running;
    bool wr = s->write_on && s->enabled && !s->vhost_running;

    aio_set_fd_handler(s->nc.ctx, s->fd, rd ? tap_readable : NULL,
                       wr ? tap_writable : NULL, NULL, s);
}

static void tap_set_read(NetTap *s, bool on)
{
    if (s->read_on != on) {
        s->read_on = on;
        tap_update_handlers(s);
    }
}

static void tap_set_write(NetTap *s, bool on)
{
    if (s->write_on != on) {
        s->write_on = on;
        tap_update_handlers(s);
    }
}

static void tap_writable(void *opaque)
{
    NetTap *s = opaque;

    tap_set_write(s, false);
    net_flush_queued_packets(&s->nc);
}

static ssize_t tap_writev(NetTap *s, const struct iovec *iov, int niov)
{
    ssize_t n = RETRY_ON_EINTR(writev(s->fd, iov, niov));

    if (n < 0 && errno == EAGAIN) {
        tap_set_write(s, true);
        return 0;
    }
    /* anything else (interface down, bad header): the packet is lost */
    return n < 0 ? (ssize_t)iov_size(iov, niov) : n;
}

static ssize_t tap_receive_iov(NetClientState *nc, const struct iovec *iov,
                               int niov)
{
    static const struct virtio_net_hdr_mrg_rxbuf none;
    NetTap *s = tap_from_nc(nc);
    g_autofree struct iovec *with = NULL;

    if (!s->enabled) {
        return iov_size(iov, niov);
    }
    if (!s->host_hdr_len || nc->vnet_hdr_len) {
        return tap_writev(s, iov, niov);
    }
    with = g_new(struct iovec, niov + 1);
    with[0].iov_base = (void *)&none;
    with[0].iov_len = s->host_hdr_len;
    memcpy(with + 1, iov, niov * sizeof(*iov));
    return tap_writev(s, with, niov + 1);
}

/* The NIC has taken the packet that stopped us. */
static void tap_sent(NetClientState *nc, ssize_t len)
{
    tap_set_read(tap_from_nc(nc), true);
}

static void tap_readable(void *opaque)
{
    NetTap *s = opaque;
    size_t skip = s->nc.vnet_hdr_len ? 0 : s->host_hdr_len;

    s->buf = s->buf ? s->buf : g_malloc(NET_BUFSIZE);
    for (int i = 0; i < TAP_BATCH; i++) {
        ssize_t n = RETRY_ON_EINTR(read(s->fd, s->buf, NET_BUFSIZE));

        if (n <= (ssize_t)skip) {
            break;
        }
        if (net_send(&s->nc, s->buf + skip, n - skip, tap_sent) == 0) {
            tap_set_read(s, false);
            break;
        }
    }
}

/* ---- What the NIC asks ---- */

static bool tap_has_vnet_hdr_len(NetClientState *nc, int len)
{
    NetTap *s = tap_from_nc(nc);

    return s->host_hdr_len &&
           (len == sizeof(struct virtio_net_hdr) ||
            len == sizeof(struct virtio_net_hdr_mrg_rxbuf));
}

static void tap_set_vnet_hdr_len(NetClientState *nc, int len)
{
    NetTap *s = tap_from_nc(nc);

    if (tap_fd_set_vnet_hdr_len(s->fd, len)) {
        s->host_hdr_len = len;
    }
}

static NetOffloads tap_get_offloads(NetClientState *nc)
{
    return tap_from_nc(nc)->offloads;
}

static void tap_set_offloads(NetClientState *nc, const NetOffloads *o)
{
    NetTap *s = tap_from_nc(nc);

    if (s->host_hdr_len) {
        tap_fd_set_offloads(s->fd, o);
    }
}

static bool tap_set_queue_enabled(NetClientState *nc, bool on)
{
    NetTap *s = tap_from_nc(nc);

    if (s->enabled == on) {
        return true;
    }
    if (!tap_fd_set_queue_enabled(s->fd, on)) {
        return false;
    }
    s->enabled = on;
    tap_update_handlers(s);
    return true;
}

static void tap_set_aio_context(NetClientState *nc, AioContext *ctx)
{
    NetTap *s = tap_from_nc(nc);

    aio_set_fd_handler(nc->ctx, s->fd, NULL, NULL, NULL, NULL);
    nc->ctx = ctx;
    tap_update_handlers(s);
}

static void tap_cleanup(NetClientState *nc)
{
    NetTap *s = tap_from_nc(nc);
    Error *err = NULL;

    if (s->fd >= 0) {
        aio_set_fd_handler(nc->ctx, s->fd, NULL, NULL, NULL, NULL);
    }
    if (s->downscript && !tap_run_script(s->downscript, s->ifname, &err)) {
        warn_report_err(err);
    }
    if (s->fd >= 0) {
        close(s->fd);
    }
    if (s->vhost_fd >= 0) {
        close(s->vhost_fd);
    }
    g_free(s->downscript);
    g_free(s->buf);
}

static const NetClientInfo tap_info = {
    .type = "tap",
    .size = sizeof(NetTap),
    .receive_iov = tap_receive_iov,
    .cleanup = tap_cleanup,
    .has_vnet_hdr_len = tap_has_vnet_hdr_len,
    .set_vnet_hdr_len = tap_set_vnet_hdr_len,
    .get_offloads = tap_get_offloads,
    .set_offloads = tap_set_offloads,
    .set_queue_enabled = tap_set_queue_enabled,
    .set_aio_context = tap_set_aio_context,
};

static NetTap *tap_from_nc(NetClientState *nc)
{
    return container_of(nc, NetTap, nc);
}

/* ---- For vhost ---- */

int tap_get_fd(NetClientState *nc)
{
    return nc->info == &tap_info ? tap_from_nc(nc)->fd : -1;
}

int tap_get_vhost_fd(NetClientState *nc)
{
    return nc->info == &tap_info ? tap_from_nc(nc)->vhost_fd : -1;
}

uint32_t tap_get_vhost_poll_us(NetClientState *nc)
{
    return nc->info == &tap_info ? tap_from_nc(nc)->vhost_poll_us : 0;
}

void tap_set_vhost_running(NetClientState *nc, bool running)
{
    if (nc->info == &tap_info) {
        trace_net_tap_vhost(nc->name, running);
        tap_from_nc(nc)->vhost_running = running;
        tap_update_handlers(tap_from_nc(nc));
    }
}

/* ---- Opening ---- */

/* Take @fd over as queue @index. */
static NetTap *tap_add_queue(const Netdev *netdev, unsigned index, int fd,
                             const char *ifname, bool vnet_hdr)
{
    NetTap *s = tap_from_nc(net_netdev_new(&tap_info, netdev->id, index));

    trace_net_tap_open(netdev->id, fd, ifname, vnet_hdr);
    s->fd = fd;
    s->vhost_fd = -1;
    s->enabled = true;
    g_strlcpy(s->ifname, ifname, sizeof(s->ifname));
    if (vnet_hdr) {
        s->host_hdr_len = sizeof(struct virtio_net_hdr);
        tap_fd_set_vnet_hdr_len(fd, s->host_hdr_len);
        s->offloads = tap_fd_probe_offloads(fd);
    }
    tap_set_read(s, true);
    return s;
}

#ifdef CONFIG_VHOST_NET
static int tap_open_vhost(const char *fd_text, Error **errp)
{
    if (fd_text) {
        return fd_param_get(fd_text, errp);
    }
    return file_open("/dev/vhost-net", O_RDWR, 0, errp);
}

/* @fds: one for each queue, or NULL. */
static bool tap_setup_vhost(NetTap *s, const NetdevTapOptions *o,
                            const char *fd_text, Error **errp)
{
    Error *err = NULL;
    bool forced = o->has_vhostforce && o->vhostforce;

    if (!(o->has_vhost ? o->vhost : fd_text || forced)) {
        if (fd_text) {
            error_setg(errp, "vhostfd(s)= is not valid without vhost");
            return false;
        }
        return true;
    }
    s->vhost_poll_us = o->has_poll_us ? o->poll_us : 0;
    s->vhost_fd = tap_open_vhost(fd_text, &err);
    if (s->vhost_fd < 0) {
        if (forced) {
            error_propagate(errp, err);
            return false;
        }
        warn_report_err(err);
        return true;
    }
    fd_set_nonblock(s->vhost_fd, true);
    return true;
}
#else
static bool tap_setup_vhost(NetTap *s, const NetdevTapOptions *o,
                            const char *fd_text, Error **errp)
{
    return true;
}
#endif

static bool tap_setup_queue(NetTap *s, const NetdevTapOptions *o,
                            const char *vhost_fd, Error **errp)
{
    if (!tap_set_sndbuf(s->fd, o->has_sndbuf ? o->sndbuf : 0, errp) ||
        !tap_setup_vhost(s, o, vhost_fd, errp)) {
        return false;
    }
    net_client_set_info_str(&s->nc, "ifname=%s,vnet_hdr=%s,vhost=%s",
                            s->ifname, s->host_hdr_len ? "on" : "off",
                            s->vhost_fd >= 0 ? "on" : "off");
    return true;
}

/* One descriptor per text in @fds. */
static bool tap_init_fds(const Netdev *netdev, char **fds, char **vhost_fds,
                         Error **errp)
{
    const NetdevTapOptions *o = &netdev->u.tap;
    bool first_hdr = false;

    for (unsigned i = 0; fds[i]; i++) {
        char ifname[IFNAMSIZ];
        bool vnet_hdr;
        int fd = fd_param_get(fds[i], errp);
        NetTap *s;

        if (fd < 0 || !tap_check_fd(fd, ifname, &vnet_hdr, errp)) {
            return false;
        }
        if (i && vnet_hdr != first_hdr) {
            error_setg(errp, "vnet_hdr of the given tap fds is not the same");
            return false;
        }
        first_hdr = vnet_hdr;
        fd_set_nonblock(fd, true);
        s = tap_add_queue(netdev, i, fd, ifname, vnet_hdr);
        if (!tap_setup_queue(s, o, vhost_fds ? vhost_fds[i] : NULL, errp)) {
            return false;
        }
    }
    return true;
}

static const char *tap_script(const char *given, const char *def)
{
    if (!given) {
        return access(def, X_OK) == 0 ? def : NULL;
    }
    return given[0] && !g_str_equal(given, "no") ? given : NULL;
}

static bool tap_init_new(const Netdev *netdev, unsigned queues,
                         char **vhost_fds, Error **errp)
{
    const NetdevTapOptions *o = &netdev->u.tap;
    const char *script = tap_script(o->script, TAP_DEFAULT_SCRIPT);
    const char *down = tap_script(o->downscript, TAP_DEFAULT_DOWNSCRIPT);
    char ifname[IFNAMSIZ] = "";
    int vnet_hdr = o->has_vnet_hdr ? o->vnet_hdr : -1;

    if (o->ifname && strlen(o->ifname) >= IFNAMSIZ) {
        error_setg(errp, "interface name '%s' is too long", o->ifname);
        return false;
    }
    g_strlcpy(ifname, o->ifname ? o->ifname : "", sizeof(ifname));
    for (unsigned i = 0; i < queues; i++) {
        int fd = tap_open(ifname, queues > 1, &vnet_hdr, errp);
        NetTap *s;

        if (fd < 0) {
            return false;
        }
        s = tap_add_queue(netdev, i, fd, ifname, vnet_hdr);
        if (i == 0 && script && !tap_run_script(script, ifname, errp)) {
            return false;
        }
        if (i == 0) {
            s->downscript = g_strdup(down);
        }
        if (!tap_setup_queue(s, o, vhost_fds ? vhost_fds[i] : NULL, errp)) {
            return false;
        }
    }
    return true;
}

static bool tap_check_options(const NetdevTapOptions *o, Error **errp)
{
    bool by_fd = o->fd || o->fds;

    if (o->fd && o->fds) {
        error_setg(errp, "fd= and fds= are mutually exclusive");
        return false;
    }
    if (by_fd && (o->ifname || o->script || o->downscript || o->has_vnet_hdr ||
                  o->has_queues)) {
        error_setg(errp, "ifname=, script=, downscript=, vnet_hdr= and queues= "
                   "are invalid with %s=", o->fd ? "fd" : "fds");
        return false;
    }
    if (o->has_queues && (o->queues < 1 || o->queues > NET_MAX_QUEUES)) {
        error_setg(errp, "queues '%u' is not from 1 to %d", o->queues,
                   NET_MAX_QUEUES);
        return false;
    }
    return true;
}

/* The texts of vhostfd= or vhostfds=, as many as @queues, or none. */
static bool tap_vhost_texts(const NetdevTapOptions *o, unsigned queues,
                            char ***texts, Error **errp)
{
    *texts = NULL;
#ifdef CONFIG_VHOST_NET
    if (!o->vhostfd && !o->vhostfds) {
        return true;
    }
    *texts = g_strsplit(o->vhostfd ? o->vhostfd : o->vhostfds, ":", 0);
    if (g_strv_length(*texts) != queues) {
        error_setg(errp, "the number of vhostfds does not match the %u queues",
                   queues);
        return false;
    }
#endif
    return true;
}

static bool net_init_tap(const Netdev *netdev, Error **errp)
{
    const NetdevTapOptions *o = &netdev->u.tap;
    g_auto(GStrv) fds = o->fd || o->fds ?
                        g_strsplit(o->fd ? o->fd : o->fds, ":", 0) : NULL;
    g_auto(GStrv) vhost_fds = NULL;
    unsigned queues = fds ? g_strv_length(fds) : o->has_queues ? o->queues : 1;
    NetClientState *nc;

    if (!tap_check_options(o, errp) ||
        !tap_vhost_texts(o, queues, &vhost_fds, errp)) {
        return false;
    }
    if (queues > NET_MAX_QUEUES) {
        error_setg(errp, "more than %d queues", NET_MAX_QUEUES);
        return false;
    }
    if (fds ? tap_init_fds(netdev, fds, vhost_fds, errp) :
        tap_init_new(netdev, queues, vhost_fds, errp)) {
        return true;
    }
    if (net_client_find_netdev(netdev->id, &nc, 1)) {
        net_client_del(nc);         /* the queues that did open */
    }
    return false;
}

static void tap_register(void)
{
    net_register_driver(NET_CLIENT_DRIVER_TAP, net_init_tap);
}

type_init(tap_register)
