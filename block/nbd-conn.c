/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to and from an NBD server, plain or by TLS. The same functions serve
 * the worker that shakes hands, which waits in poll(2), and the coroutines of
 * requests, which yield.
 */
#include "util/osdep.h"
#include "nbd-internal.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

NbdConn *nbd_conn_new(int fd, int64_t deadline_ns)
{
    NbdConn *c = g_new0(NbdConn, 1);

    c->refcnt = 1;
    c->fd = fd;
    /* An event loop knows a descriptor once: reading and writing wait apart */
    c->write_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    c->deadline_ns = deadline_ns;
    co_mutex_init(&c->send_lock);
    g_mutex_init(&c->guard);
    LIST_INIT(&c->requests);
    return c;
}

NbdConn *nbd_conn_ref(NbdConn *c)
{
    __atomic_fetch_add(&c->refcnt, 1, __ATOMIC_RELAXED);
    return c;
}

void nbd_conn_unref(NbdConn *c)
{
    if (!c || __atomic_sub_fetch(&c->refcnt, 1, __ATOMIC_ACQ_REL)) {
        return;
    }
    tls_session_free(c->tls);
    if (c->write_fd >= 0) {
        close(c->write_fd);
    }
    close(c->fd);
    g_mutex_clear(&c->guard);
    g_free(c);
}

void nbd_conn_shutdown(NbdConn *c)
{
    shutdown(c->fd, SHUT_RDWR);
}

/* ---- Waiting ---- */

static int conn_wait(NbdConn *c, bool to_write)
{
    struct pollfd pfd = {
        .fd = to_write ? c->write_fd : c->fd,
        .events = to_write ? POLLOUT : POLLIN,
    };
    int64_t left_ms;
    int n;

    if (in_coroutine()) {
        if (to_write) {
            co_wait_fd_writable(c->write_fd);
        } else {
            co_wait_fd_readable(c->fd);
        }
        return 0;
    }
    left_ms = (c->deadline_ns - clock_get_ns(CLOCK_REALTIME_NS)) / 1000000;
    if (left_ms <= 0) {
        return -ETIMEDOUT;
    }
    n = poll(&pfd, 1, MIN(left_ms, INT_MAX));
    return n < 0 && errno != EINTR ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

/* ---- Receiving ---- */

/* Some bytes, past the buffer. */
static ssize_t conn_recv_some(NbdConn *c, void *buf, size_t len)
{
    for (;;) {
        ssize_t n = c->tls ? tls_session_read(c->tls, buf, len) :
                             recv(c->fd, buf, len, MSG_DONTWAIT);
        int err = c->tls ? -n : errno;
        int ret;

        if (n > 0) {
            return n;
        }
        if (n == 0) {
            return -ECONNRESET;
        }
        if (err == EINTR) {
            continue;
        }
        if (err != EAGAIN) {
            return -err;
        }
        ret = conn_wait(c, false);
        if (ret < 0) {
            return ret;
        }
    }
}

int nbd_conn_recv(NbdConn *c, void *buf, size_t len)
{
    uint8_t *p = buf;

    while (len) {
        size_t have = c->buf_len - c->buf_pos;
        ssize_t n;

        if (have) {
            n = MIN(have, len);
            memcpy(p, c->buf + c->buf_pos, n);
            c->buf_pos += n;
        } else if (len >= sizeof(c->buf)) {
            n = conn_recv_some(c, p, len);
        } else {
            n = conn_recv_some(c, c->buf, sizeof(c->buf));
            c->buf_pos = 0;
            c->buf_len = n < 0 ? 0 : n;
            if (n > 0) {
                continue;
            }
        }
        if (n < 0) {
            return n;
        }
        p += n;
        len -= n;
    }
    return 0;
}

int nbd_conn_recv_iov(NbdConn *c, IoVec *iov, size_t offset, size_t len)
{
    for (unsigned i = 0; len && i < iov->niov; i++) {
        size_t here = iov->iov[i].iov_len;
        int ret;

        if (offset >= here) {
            offset -= here;
            continue;
        }
        here = MIN(here - offset, len);
        ret = nbd_conn_recv(c, (char *)iov->iov[i].iov_base + offset, here);
        if (ret < 0) {
            return ret;
        }
        len -= here;
        offset = 0;
    }
    return len ? -EPROTO : 0;
}

int nbd_conn_skip(NbdConn *c, size_t len)
{
    uint8_t drop[512];

    while (len) {
        size_t n = MIN(len, sizeof(drop));
        int ret = nbd_conn_recv(c, drop, n);

        if (ret < 0) {
            return ret;
        }
        len -= n;
    }
    return 0;
}

/* ---- Sending ---- */

static ssize_t conn_send_some(NbdConn *c, struct iovec *iov, unsigned niov)
{
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = MIN(niov, IOV_MAX) };
    ssize_t n;

    if (c->tls) {
        return tls_session_write(c->tls, iov->iov_base, iov->iov_len);
    }
    n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

int nbd_conn_send(NbdConn *c, struct iovec *iov, unsigned niov)
{
    while (niov) {
        ssize_t n;
        int ret;

        if (!iov->iov_len) {
            iov++;
            niov--;
            continue;
        }
        n = conn_send_some(c, iov, niov);
        if (n >= 0) {
            iov_discard_front(&iov, &niov, n);
        } else if (n == -EAGAIN) {
            ret = conn_wait(c, true);
            if (ret < 0) {
                return ret;
            }
        } else if (n != -EINTR) {
            return n;
        }
    }
    return 0;
}

void nbd_conn_say_disconnect(NbdConn *c)
{
    uint8_t req[NBD_REQUEST_BYTES] = { 0 };

    put_be32(req, NBD_REQUEST_MAGIC);
    put_be16(req + 6, NBD_CMD_DISC);
    if (c->tls) {
        (void)!tls_session_write(c->tls, req, sizeof(req));
        tls_session_bye(c->tls);
    } else {
        (void)!send(c->fd, req, sizeof(req), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

/* ---- TLS ---- */

int nbd_conn_handshake_tls(NbdConn *c, const NbdConfig *cfg, Error **errp)
{
    int ret;

    /* What came before is not protected, and so not to be read after. */
    if (c->buf_pos < c->buf_len) {
        error_setg(errp, "the server sent data between the reply to STARTTLS "
                   "and the TLS handshake");
        return -EPROTO;
    }
    c->tls = tls_session_new(cfg->tls_creds, cfg->tls_hostname, c->fd, errp);
    if (!c->tls) {
        return -EINVAL;
    }
    for (;;) {
        ret = tls_session_handshake(c->tls, errp);
        if (ret == TLS_DONE) {
            return 0;
        }
        if (ret == TLS_FAILED) {
            return -EINVAL;
        }
        ret = conn_wait(c, ret == TLS_AGAIN_WRITE);
        if (ret < 0) {
            error_setg_errno(errp, -ret, "TLS handshake failed");
            return ret;
        }
    }
}
