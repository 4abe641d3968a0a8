/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams over descriptors: when to watch them, and the common parent of the
 * drivers that are nothing else (stdio, file, pipe, pty).
 */
#include "util/osdep.h"
#include "chardev/char-internal.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "util/main-loop.h"

/* ---- CharStream ---- */

void char_stream_init(CharStream *s, Chardev *chr, AioFn *read)
{
    s->chr = chr;
    s->in = s->out = -1;
    s->read = read;
}

static void stream_unwatch(CharStream *s)
{
    if (!s->ctx) {
        return;
    }
    if (s->in >= 0) {
        aio_set_fd_handler(s->ctx, s->in, NULL, NULL, NULL, NULL);
    }
    if (s->out >= 0 && s->out != s->in) {
        aio_set_fd_handler(s->ctx, s->out, NULL, NULL, NULL, NULL);
    }
    s->ctx = NULL;
}

void char_stream_set_fds(CharStream *s, int in, int out)
{
    stream_unwatch(s);
    if (s->out >= 0 && s->out != s->in) {
        close(s->out);
    }
    if (s->in >= 0) {
        close(s->in);
    }
    s->in = in;
    s->out = out;
    s->blocked = false;
    s->want_write = false;
}

static void stream_writable(void *opaque)
{
    CharStream *s = opaque;

    char_stream_set_write_watch(s, false);
    chr_be_writable(s->chr);
}

static void stream_readable(void *opaque)
{
    CharStream *s = opaque;

    s->read(s->chr);
}

void char_stream_update(CharStream *s)
{
    Chardev *chr = s->chr;
    AioContext *ctx = chr->ctx;
    AioFn *rd = s->read && chr->fe && chr->fe->handlers_set &&
                !s->blocked ? stream_readable : NULL;
    AioFn *wr = s->want_write ? stream_writable : NULL;

    if (s->ctx && s->ctx != ctx) {
        stream_unwatch(s);
    }
    s->ctx = ctx;
    if (s->in >= 0 && s->in == s->out) {
        aio_set_fd_handler(ctx, s->in, rd, wr, NULL, s);
        return;
    }
    if (s->in >= 0) {
        aio_set_fd_handler(ctx, s->in, rd, NULL, NULL, s);
    }
    if (s->out >= 0) {
        aio_set_fd_handler(ctx, s->out, NULL, wr, NULL, s);
    }
}

void char_stream_accept_input(CharStream *s)
{
    if (s->blocked) {
        s->blocked = false;
        char_stream_update(s);
    }
}

void char_stream_set_write_watch(CharStream *s, bool on)
{
    if (s->want_write != on) {
        s->want_write = on;
        char_stream_update(s);
    }
}

void char_stream_wait_writable(CharStream *s)
{
    struct pollfd pfd = { .fd = s->out, .events = POLLOUT };

    if (s->out >= 0) {
        (void)RETRY_ON_EINTR(poll(&pfd, 1, -1));
    }
}

ssize_t char_stream_write(CharStream *s, const void *buf, size_t len)
{
    ssize_t n;

    if (s->out < 0) {
        return len;
    }
    n = RETRY_ON_EINTR(write(s->out, buf, len));
    if (n < 0) {
        return errno == EAGAIN ? 0 : -errno;
    }
    return n;
}

size_t char_stream_room(CharStream *s, size_t max)
{
    size_t room = chr_be_can_read(s->chr);

    if (!room) {
        s->blocked = true;
        char_stream_update(s);
    }
    return MIN(room, max);
}

/* ---- CharFd ---- */

static void char_fd_end_input(CharFd *s, int err)
{
    if (s->eof) {
        s->eof(s, err);
        return;
    }
    /* Nothing will come any more; what goes out still does. */
    if (s->stream.in != s->stream.out) {
        aio_set_fd_handler(s->stream.ctx, s->stream.in, NULL, NULL, NULL,
                           NULL);
        close(s->stream.in);
        s->stream.in = -1;
    } else {
        s->stream.blocked = true;
        char_stream_update(&s->stream);
    }
    chr_be_event(CHARDEV(s), CHR_EVENT_CLOSED);
}

/* Returns whether to go on. */
static bool char_fd_read_some(CharFd *s)
{
    uint8_t buf[CHAR_READ_BYTES];
    size_t room = char_stream_room(&s->stream, sizeof(buf));
    ssize_t n;

    if (!room && s->no_room) {
        s->no_room(s);
    }
    if (!room || s->stream.in < 0) {
        return false;
    }
    n = RETRY_ON_EINTR(read(s->stream.in, buf, room));
    if (n < 0 && errno == EAGAIN) {
        return true;
    }
    if (n <= 0) {
        char_fd_end_input(s, n < 0 ? errno : 0);
        return false;
    }
    chr_be_read(CHARDEV(s), buf, n);
    return true;
}

static void char_fd_read(void *opaque)
{
    char_fd_read_some(CHARDEV_FD(opaque));
}

/* A regular file cannot be watched (epoll refuses it): it is always ready. */
static void char_fd_read_file(void *opaque)
{
    CharFd *s = opaque;

    if (char_fd_read_some(s)) {
        aio_bh_schedule(s->file_bh);
    }
}

static void char_fd_update_read_handler(Chardev *chr)
{
    CharFd *s = CHARDEV_FD(chr);

    s->stream.blocked = false;
    if (!s->file_bh) {
        char_stream_update(&s->stream);
    } else if (chr->fe && chr->fe->handlers_set) {
        aio_bh_schedule(s->file_bh);
    } else {
        aio_bh_cancel(s->file_bh);
    }
}

static void char_fd_accept_input(Chardev *chr)
{
    CharFd *s = CHARDEV_FD(chr);

    if (s->file_bh) {
        s->stream.blocked = false;
        aio_bh_schedule(s->file_bh);
    } else {
        char_stream_accept_input(&s->stream);
    }
}

void char_fd_open(CharFd *s, int in, int out)
{
    struct stat st;

    char_stream_set_fds(&s->stream, in, out);
    if (in >= 0 && fstat(in, &st) == 0 && S_ISREG(st.st_mode)) {
        s->stream.read = NULL;
        s->file_bh = aio_bh_new(main_context(), char_fd_read_file, s);
    }
}

static ssize_t char_fd_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    return char_stream_write(&CHARDEV_FD(chr)->stream, buf, len);
}

static void char_fd_set_write_watch(Chardev *chr, bool on)
{
    char_stream_set_write_watch(&CHARDEV_FD(chr)->stream, on);
}

static void char_fd_wait_writable(Chardev *chr)
{
    char_stream_wait_writable(&CHARDEV_FD(chr)->stream);
}

static void char_fd_close(Chardev *chr)
{
    CharFd *s = CHARDEV_FD(chr);

    char_stream_set_fds(&s->stream, -1, -1);
    if (s->file_bh) {
        aio_bh_delete(s->file_bh);
        s->file_bh = NULL;
    }
}

static void char_fd_instance_init(Object *obj)
{
    CharFd *s = CHARDEV_FD(obj);

    char_stream_init(&s->stream, CHARDEV(obj), char_fd_read);
}

static void char_fd_class_init(ObjectClass *oc, const void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    cc->close = char_fd_close;
    cc->write = char_fd_write;
    cc->set_write_watch = char_fd_set_write_watch;
    cc->wait_writable = char_fd_wait_writable;
    cc->update_read_handler = char_fd_update_read_handler;
    cc->accept_input = char_fd_accept_input;
}

static const TypeInfo char_fd_types[] = {
    {
        .name = TYPE_CHARDEV_FD,
        .parent = TYPE_CHARDEV,
        .help = "stream over file descriptors",
        .abstract = true,
        .instance_size = sizeof(CharFd),
        .instance_init = char_fd_instance_init,
        .class_init = char_fd_class_init,
    },
};

DEFINE_TYPES(char_fd_types)
