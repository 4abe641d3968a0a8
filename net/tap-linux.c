/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/osdep.h"
#include "net/tap-internal.h"
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include "util/file.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20                 /* Linux 6.2 */
#define TUN_F_USO6 0x40
#endif

#define TAP_DEVICE "/dev/net/tun"

static void tap_hint_rights(int err, Error **errp)
{
    if (err == EPERM || err == EACCES) {
        error_append_hint(errp, "it takes CAP_NET_ADMIN, or an interface made "
                          "for this user, or one passed by fd=");
    }
}

int tap_open(char ifname[IFNAMSIZ], bool multi_queue, int *vnet_hdr,
             Error **errp)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    unsigned features = 0;
    int fd = file_open(TAP_DEVICE, O_RDWR | O_NONBLOCK, 0, errp);
    int err;

    if (fd < 0) {
        tap_hint_rights(errno, errp);
        return -1;
    }
    if (ioctl(fd, TUNGETFEATURES, &features) < 0) {
        features = 0;
    }
    if (*vnet_hdr == 1 && !(features & IFF_VNET_HDR)) {
        error_setg(errp, "vnet_hdr=on requested, but the kernel has no "
                   "IFF_VNET_HDR");
        close(fd);
        return -1;
    }
    *vnet_hdr = *vnet_hdr && (features & IFF_VNET_HDR);
    ifr.ifr_flags |= *vnet_hdr ? IFF_VNET_HDR : 0;
    ifr.ifr_flags |= multi_queue ? IFF_MULTI_QUEUE : 0;
    g_strlcpy(ifr.ifr_name, ifname[0] ? ifname : "tap%d", IFNAMSIZ);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        err = errno;
        error_setg_errno(errp, err, "could not configure " TAP_DEVICE " (%s)",
                         ifr.ifr_name);
        tap_hint_rights(err, errp);
        close(fd);
        return -1;
    }
    g_strlcpy(ifname, ifr.ifr_name, IFNAMSIZ);
    return fd;
}

bool tap_check_fd(int fd, char ifname[IFNAMSIZ], bool *vnet_hdr, Error **errp)
{
    struct ifreq ifr = { 0 };

    if (ioctl(fd, TUNGETIFF, &ifr) < 0) {
        error_setg_errno(errp, errno, "file descriptor '%d' is not a tap", fd);
        return false;
    }
    *vnet_hdr = ifr.ifr_flags & IFF_VNET_HDR;
    g_strlcpy(ifname, ifr.ifr_name, IFNAMSIZ);
    return true;
}

bool tap_set_sndbuf(int fd, uint64_t bytes, Error **errp)
{
    int sndbuf = bytes && bytes < INT_MAX ? (int)bytes : INT_MAX;

    if (ioctl(fd, TUNSETSNDBUF, &sndbuf) < 0 && bytes) {
        error_setg_errno(errp, errno, "cannot set sndbuf of the tap");
        return false;
    }
    return true;
}

bool tap_fd_set_vnet_hdr_len(int fd, int len)
{
    return ioctl(fd, TUNSETVNETHDRSZ, &len) == 0;
}

static bool tap_try_offload(int fd, unsigned flags)
{
    return ioctl(fd, TUNSETOFFLOAD, flags) == 0;
}

NetOffloads tap_fd_probe_offloads(int fd)
{
    NetOffloads o = { 0 };

    o.csum = tap_try_offload(fd, TUN_F_CSUM);
    if (o.csum) {
        o.tso4 = o.tso6 = o.ecn = tap_try_offload(fd, TUN_F_CSUM | TUN_F_TSO4 |
                                                  TUN_F_TSO6 | TUN_F_TSO_ECN);
        o.ufo = tap_try_offload(fd, TUN_F_CSUM | TUN_F_UFO);
        o.uso4 = o.uso6 = tap_try_offload(fd, TUN_F_CSUM | TUN_F_USO4 |
                                          TUN_F_USO6);
    }
    tap_try_offload(fd, 0);
    return o;
}

void tap_fd_set_offloads(int fd, const NetOffloads *o)
{
    unsigned flags = 0;

    if (o->csum) {
        flags |= TUN_F_CSUM;
        flags |= o->tso4 ? TUN_F_TSO4 : 0;
        flags |= o->tso6 ? TUN_F_TSO6 : 0;
        flags |= (o->tso4 || o->tso6) && o->ecn ? TUN_F_TSO_ECN : 0;
        flags |= o->ufo ? TUN_F_UFO : 0;
        flags |= o->uso4 ? TUN_F_USO4 : 0;
        flags |= o->uso6 ? TUN_F_USO6 : 0;
    }
    /* older kernels refuse what they do not know, all of it */
    if (!tap_try_offload(fd, flags)) {
        flags &= ~(TUN_F_USO4 | TUN_F_USO6);
        if (!tap_try_offload(fd, flags)) {
            tap_try_offload(fd, flags & ~TUN_F_UFO);
        }
    }
}

bool tap_fd_set_queue_enabled(int fd, bool on)
{
    struct ifreq ifr = {
        .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
    };

    /* EINVAL: it is so already, or the interface has one queue only */
    return ioctl(fd, TUNSETQUEUE, &ifr) == 0 || errno == EINVAL;
}

bool tap_run_script(const char *script, const char *ifname, Error **errp)
{
    const char *argv[] = { script, ifname, NULL };
    GError *gerr = NULL;
    int status = 0;

    if (!g_spawn_sync(NULL, (char **)argv, NULL,
                      G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                      &status, &gerr)) {
        error_setg(errp, "could not launch network script '%s': %s", script,
                   gerr->message);
        g_error_free(gerr);
        return false;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        error_setg(errp, "network script %s failed with status %d", script,
                   status);
        return false;
    }
    return true;
}
