/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests on one NBD connection (proto.md, "Transmission"). Many are in
 * flight; each has a cookie. One of those that wait for a reply reads for
 * all: it fills in the others' buffers, wakes who is done, and hands over the
 * reading when its own reply is there.
 *
 * Each length, cookie and offset is checked against the request it is for.
 * A server that gets one wrong is not heard any more.
 */
#include "util/osdep.h"
#include "nbd-internal.h"
#include "util/log.h"

static int violation(NbdConn *c, const char *what)
{
    g_mutex_lock(&c->guard);
    if (!c->violated) {
        c->violated = true;
        warn_report("NBD server broke the protocol: %s", what);
    }
    g_mutex_unlock(&c->guard);
    return -EPROTO;
}

/* Error numbers are those of Linux, and no others (proto.md, "Error
 * values"). */
static int error_from_wire(uint32_t error)
{
    switch (error) {
    case 1: return -EPERM;
    case 12: return -ENOMEM;
    case 22: return -EINVAL;
    case 28: return -ENOSPC;
    case 75: return -EOVERFLOW;
    case 95: return -ENOTSUP;
    case 108: return -ESHUTDOWN;
    default: return -EIO;
    }
}

/* ---- Sending ---- */

static int coroutine_fn send_request(NbdConn *c, const NbdRequest *r)
{
    uint8_t head[NBD_REQUEST_BYTES];
    IoVec out;
    int ret;

    put_be32(head, NBD_REQUEST_MAGIC);
    put_be16(head + 4, r->flags);
    put_be16(head + 6, r->type);
    put_be64(head + 8, r->cookie);
    put_be64(head + 16, r->offset);
    put_be32(head + 24, r->bytes);
    iovec_init(&out, r->iov ? r->iov->niov + 1 : 1);
    iovec_add(&out, head, sizeof(head));
    if (r->type == NBD_CMD_WRITE) {
        iovec_concat(&out, r->iov, 0, r->bytes);
    }
    co_mutex_lock(&c->send_lock);
    ret = nbd_conn_send(c, out.iov, out.niov);
    co_mutex_unlock(&c->send_lock);
    iovec_destroy(&out);
    return ret;
}

/* ---- Chunks of a structured reply ---- */

/* The range of a chunk is inside of the request; no byte comes twice as far
 * as their number tells. What an unordered reply leaves out reads as zero, not
 * as what was in memory. */
static int take_range(NbdConn *c, NbdRequest *r, uint64_t offset, uint32_t len)
{
    if (r->type != NBD_CMD_READ) {
        return violation(c, "data for a request that reads nothing");
    }
    if (!len || offset < r->offset || offset - r->offset > r->bytes ||
        len > r->bytes - (offset - r->offset)) {
        return violation(c, "data outside of the request");
    }
    if (len > r->bytes - r->received) {
        return violation(c, "more data than requested");
    }
    if (offset != r->offset + r->next && !r->unordered) {
        r->unordered = true;
        iovec_memset(r->iov, r->next, 0, r->bytes - r->next);
    }
    r->received += len;
    r->next = offset - r->offset + len;
    return 0;
}

static int coroutine_fn chunk_data(NbdConn *c, NbdRequest *r, uint32_t len)
{
    uint8_t buf[8];
    uint64_t offset;
    int ret;

    if (len <= sizeof(buf) || len - sizeof(buf) > r->bytes) {
        return violation(c, "data chunk of a wrong length");
    }
    ret = nbd_conn_recv(c, buf, sizeof(buf));
    if (ret < 0) {
        return ret;
    }
    offset = get_be64(buf);
    len -= sizeof(buf);
    ret = take_range(c, r, offset, len);
    return ret < 0 ? ret : nbd_conn_recv_iov(c, r->iov, offset - r->offset,
                                             len);
}

static int coroutine_fn chunk_hole(NbdConn *c, NbdRequest *r, uint32_t len)
{
    uint8_t buf[12];
    int ret;

    if (len != sizeof(buf)) {
        return violation(c, "hole chunk of a wrong length");
    }
    ret = nbd_conn_recv(c, buf, sizeof(buf));
    if (ret < 0) {
        return ret;
    }
    ret = take_range(c, r, get_be64(buf), get_be32(buf + 8));
    if (ret == 0) {
        iovec_memset(r->iov, get_be64(buf) - r->offset, 0, get_be32(buf + 8));
    }
    return ret;
}

static int coroutine_fn chunk_status(NbdConn *c, NbdRequest *r, uint32_t len)
{
    uint8_t buf[12];
    int ret;

    if (r->type != NBD_CMD_BLOCK_STATUS || r->got_status) {
        return violation(c, "block status that was not asked for");
    }
    if (len < sizeof(buf) || (len - 4) % 8 || len > NBD_MAX_IGNORED) {
        return violation(c, "block status of a wrong length");
    }
    ret = nbd_conn_recv(c, buf, sizeof(buf));
    if (ret < 0) {
        return ret;
    }
    if (get_be32(buf) != c->info.context_id) {
        return violation(c, "block status of another context");
    }
    r->status_bytes = get_be32(buf + 4);
    r->status_flags = get_be32(buf + 8);
    r->got_status = true;
    if (!r->status_bytes) {
        return violation(c, "block status of no bytes");
    }
    /* One was asked for; some send more. */
    return nbd_conn_skip(c, len - sizeof(buf));
}

static int coroutine_fn chunk_error(NbdConn *c, NbdRequest *r, uint32_t len)
{
    uint8_t buf[6];
    uint32_t error;
    int ret;

    if (len < sizeof(buf) || len > NBD_MAX_STRING + 64) {
        return violation(c, "error chunk of a wrong length");
    }
    ret = nbd_conn_recv(c, buf, sizeof(buf));
    if (ret < 0) {
        return ret;
    }
    error = get_be32(buf);
    if (!error || get_be16(buf + 4) > len - sizeof(buf)) {
        return violation(c, "error chunk with wrong content");
    }
    if (!r->error) {
        r->error = error_from_wire(error);
    }
    return nbd_conn_skip(c, len - sizeof(buf));
}

static int coroutine_fn recv_chunk(NbdConn *c, NbdRequest *r, uint16_t type,
                                   uint32_t len)
{
    switch (type) {
    case NBD_REPLY_TYPE_NONE:
        return len ? violation(c, "empty chunk with content") : 0;
    case NBD_REPLY_TYPE_OFFSET_DATA:
        return chunk_data(c, r, len);
    case NBD_REPLY_TYPE_OFFSET_HOLE:
        return chunk_hole(c, r, len);
    case NBD_REPLY_TYPE_BLOCK_STATUS:
        return chunk_status(c, r, len);
    default:
        return type & NBD_REPLY_TYPE_ERR_BIT ? chunk_error(c, r, len) :
               violation(c, "chunk of an unknown type");
    }
}

/* ---- Replies ---- */

static NbdRequest *find_request(NbdConn *c, uint64_t cookie)
{
    NbdRequest *r, *found = NULL;

    g_mutex_lock(&c->guard);
    LIST_FOREACH(r, &c->requests, link) {
        if (r->cookie == cookie && !r->done) {
            found = r;
        }
    }
    g_mutex_unlock(&c->guard);
    return found;
}

/* All is there that a reply without an error has. */
static int check_complete(NbdConn *c, const NbdRequest *r)
{
    if (r->error) {
        return 0;
    }
    if (r->type == NBD_CMD_READ && r->received != r->bytes) {
        return violation(c, "less data than requested");
    }
    if (r->type == NBD_CMD_BLOCK_STATUS && !r->got_status) {
        return violation(c, "no block status");
    }
    return 0;
}

static int coroutine_fn recv_structured(NbdConn *c, NbdRequest **done)
{
    uint8_t buf[NBD_STRUCTURED_REPLY_BYTES - 4];
    uint16_t flags, type;
    NbdRequest *r;
    int ret = nbd_conn_recv(c, buf, sizeof(buf));

    if (ret < 0) {
        return ret;
    }
    if (!c->info.structured) {
        return violation(c, "structured reply that was not agreed on");
    }
    flags = get_be16(buf);
    type = get_be16(buf + 2);
    r = find_request(c, get_be64(buf + 4));
    if (!r) {
        return violation(c, "reply to no request");
    }
    if (type == NBD_REPLY_TYPE_NONE && !(flags & NBD_REPLY_FLAG_DONE)) {
        return violation(c, "empty chunk that is not the last");
    }
    ret = recv_chunk(c, r, type, get_be32(buf + 12));
    if (ret == 0 && (flags & NBD_REPLY_FLAG_DONE)) {
        ret = check_complete(c, r);
        *done = r;
    }
    return ret;
}

static int coroutine_fn recv_simple(NbdConn *c, NbdRequest **done)
{
    uint8_t buf[NBD_SIMPLE_REPLY_BYTES - 4];
    NbdRequest *r;
    int ret = nbd_conn_recv(c, buf, sizeof(buf));

    if (ret < 0) {
        return ret;
    }
    r = find_request(c, get_be64(buf + 4));
    if (!r) {
        return violation(c, "reply to no request");
    }
    if (c->info.structured && (r->type == NBD_CMD_READ ||
                               r->type == NBD_CMD_BLOCK_STATUS)) {
        return violation(c, "simple reply where a structured one was agreed "
                         "on");
    }
    if (get_be32(buf)) {
        r->error = error_from_wire(get_be32(buf));
    } else if (r->type == NBD_CMD_READ) {
        ret = nbd_conn_recv_iov(c, r->iov, 0, r->bytes);
    }
    *done = r;
    return ret;
}

static int coroutine_fn recv_message(NbdConn *c, NbdRequest **done)
{
    uint8_t magic[4];
    int ret = nbd_conn_recv(c, magic, sizeof(magic));

    if (ret < 0) {
        return ret;
    }
    switch (get_be32(magic)) {
    case NBD_SIMPLE_REPLY_MAGIC:
        return recv_simple(c, done);
    case NBD_STRUCTURED_REPLY_MAGIC:
        return recv_structured(c, done);
    default:
        return violation(c, "reply with a wrong magic number");
    }
}

/* ---- The turns ---- */

/* Under the guard. */
static void wake_locked(NbdRequest *r)
{
    if (r->waiting) {
        r->waiting = false;
        aio_co_wake(r->co);
    }
}

static void break_locked(NbdConn *c)
{
    NbdRequest *r;

    c->broken = true;
    nbd_conn_shutdown(c);
    LIST_FOREACH(r, &c->requests, link) {
        wake_locked(r);
    }
}

/* This request's turn: read until its reply is there. */
static void coroutine_fn read_replies(NbdConn *c, NbdRequest *self)
{
    NbdRequest *r;

    while (!self->done && !c->broken) {
        NbdRequest *done = NULL;
        int ret;

        g_mutex_unlock(&c->guard);
        ret = recv_message(c, &done);
        g_mutex_lock(&c->guard);
        if (ret < 0) {
            break_locked(c);
        } else if (done) {
            done->done = true;
            wake_locked(done);
        }
    }
    c->reading = false;
    LIST_FOREACH(r, &c->requests, link) {
        if (r != self && r->waiting) {
            wake_locked(r);
            if (!c->broken) {
                break;
            }
        }
    }
}

/* No reader has a hold on the request when this returns. */
static void coroutine_fn await_reply(NbdConn *c, NbdRequest *r)
{
    g_mutex_lock(&c->guard);
    while (!r->done && !(c->broken && !c->reading)) {
        if (!c->reading) {
            c->reading = true;
            read_replies(c, r);
            continue;
        }
        r->waiting = true;
        g_mutex_unlock(&c->guard);
        coroutine_yield();
        g_mutex_lock(&c->guard);
    }
    LIST_REMOVE(r, link);
    g_mutex_unlock(&c->guard);
}

int coroutine_fn nbd_conn_request(NbdConn *c, NbdRequest *r)
{
    r->co = coroutine_self();
    g_mutex_lock(&c->guard);
    if (c->broken) {
        g_mutex_unlock(&c->guard);
        return c->violated ? -EPROTO : -ECONNRESET;
    }
    r->cookie = ++c->last_cookie;
    LIST_INSERT_HEAD(&c->requests, r, link);
    g_mutex_unlock(&c->guard);

    if (send_request(c, r) < 0) {
        g_mutex_lock(&c->guard);
        break_locked(c);
        g_mutex_unlock(&c->guard);
    }
    await_reply(c, r);
    if (r->done) {
        return r->error;
    }
    return c->violated ? -EPROTO : -ECONNRESET;
}
