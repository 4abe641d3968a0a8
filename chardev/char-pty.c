/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pseudo terminal, for screen, minicom or virsh console to open.
 *
 * The master end says "hang-up" all the time nobody has the slave open, so it
 * is not watched then. That somebody opens it is told by inotify, which costs
 * nothing until it happens.
 */
#include "util/osdep.h"
#include "chardev/char-internal.h"
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/inotify.h>
#include <termios.h>
#include "util/file.h"
#include "util/main-loop.h"
#include "util/timer.h"

/* Much longer than a close takes in the kernel. */
#define PTY_RECHECK_NS (100 * NSEC_PER_MSEC)

OBJECT_DECLARE_SIMPLE_TYPE(CharPty, CHARDEV_PTY)

struct CharPty {
    CharFd parent_obj;
    int master;                     /* also the stream's */
    int inotify_fd;
    bool connected;
    AioTimer recheck;               /* once after an open or close */
};

static void char_pty_set_connected(CharPty *s, bool connected)
{
    Chardev *chr = CHARDEV(s);
    CharStream *stream = &s->parent_obj.stream;

    if (s->connected == connected) {
        return;
    }
    s->connected = connected;
    stream->blocked = !connected;
    if (!connected) {
        stream->want_write = false;
    }
    char_stream_update(stream);
    chr_be_event(chr, connected ? CHR_EVENT_OPENED : CHR_EVENT_CLOSED);
    if (!connected) {
        chr_be_writable(chr);
    }
}

static bool char_pty_has_peer(CharPty *s)
{
    struct pollfd pfd = { .fd = s->master, .events = POLLOUT };

    return poll(&pfd, 1, 0) >= 0 && !(pfd.revents & POLLHUP);
}

/* Nobody is going to read up to the end, which would tell that it is one. */
static void char_pty_check_blocked(CharPty *s)
{
    if (s->connected && s->parent_obj.stream.blocked && !char_pty_has_peer(s)) {
        char_pty_set_connected(s, false);
    }
}

static void char_pty_no_room(CharFd *fd)
{
    char_pty_check_blocked(CHARDEV_PTY(fd));
}

static void char_pty_recheck(void *opaque)
{
    char_pty_check_blocked(opaque);
}

/* Somebody opened or closed the slave. */
static void char_pty_inotify(void *opaque)
{
    CharPty *s = opaque;
    char buf[1024] __attribute__((aligned(__alignof__(struct inotify_event))));

    while (read(s->inotify_fd, buf, sizeof(buf)) > 0) {
        /* what happened shows in the state of the master */
    }
    if (!s->connected && char_pty_has_peer(s)) {
        char_pty_set_connected(s, true);
        return;
    }
    char_pty_check_blocked(s);
    if (s->connected && s->parent_obj.stream.blocked) {
        /* the news of a close comes before the close itself */
        timer_mod_ns(&s->recheck, clock_get_ns(CLOCK_REALTIME_NS) +
                                  PTY_RECHECK_NS);
    }
}

static void char_pty_eof(CharFd *fd, int err)
{
    CharPty *s = CHARDEV_PTY(fd);

    char_pty_set_connected(s, char_pty_has_peer(s));
}

static ssize_t char_pty_write(Chardev *chr, const uint8_t *buf, size_t len)
{
    CharPty *s = CHARDEV_PTY(chr);

    if (!s->connected) {
        return len;
    }
    return char_stream_write(&s->parent_obj.stream, buf, len);
}

static void char_pty_set_write_watch(Chardev *chr, bool on)
{
    CharPty *s = CHARDEV_PTY(chr);

    char_stream_set_write_watch(&s->parent_obj.stream, on && s->connected);
}

static void char_pty_update_read_handler(Chardev *chr)
{
    CharPty *s = CHARDEV_PTY(chr);

    s->parent_obj.stream.blocked = !s->connected;
    char_stream_update(&s->parent_obj.stream);
}

static void char_pty_accept_input(Chardev *chr)
{
    CharPty *s = CHARDEV_PTY(chr);

    if (s->connected) {
        char_stream_accept_input(&s->parent_obj.stream);
    }
}

static bool char_pty_open_fds(CharPty *s, char *name, Error **errp)
{
    struct termios tio;
    int slave;

    if (openpty(&s->master, &slave, name, NULL, NULL) < 0) {
        error_setg_errno(errp, errno, "cannot create a pseudo terminal");
        s->master = -1;
        return false;
    }
    tcgetattr(slave, &tio);
    cfmakeraw(&tio);
    tcsetattr(slave, TCSAFLUSH, &tio);
    close(slave);
    fd_set_cloexec(s->master, true);
    fd_set_nonblock(s->master, true);
    s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (s->inotify_fd < 0 ||
        inotify_add_watch(s->inotify_fd, name, IN_OPEN | IN_CLOSE) < 0) {
        error_setg_errno(errp, errno, "cannot watch '%s'", name);
        return false;
    }
    return true;
}

static bool char_pty_open(Chardev *chr, ChardevBackend *backend,
                          bool *be_opened, Error **errp)
{
    CharPty *s = CHARDEV_PTY(chr);
    char name[PATH_MAX];

    if (!char_pty_open_fds(s, name, errp)) {
        return false;
    }
    s->parent_obj.eof = char_pty_eof;
    s->parent_obj.no_room = char_pty_no_room;
    timer_init_ns(&s->recheck, NULL, CLOCK_REALTIME_NS, char_pty_recheck, s);
    s->parent_obj.stream.in = s->parent_obj.stream.out = s->master;
    s->parent_obj.stream.blocked = true;
    main_loop_set_fd_handler(s->inotify_fd, char_pty_inotify, NULL, s);
    chr->filename = g_strdup_printf("pty:%s", name);
    *be_opened = false;
    return true;
}

static void char_pty_close(Chardev *chr)
{
    CharPty *s = CHARDEV_PTY(chr);

    if (s->recheck.cb) {
        timer_del(&s->recheck);
    }
    if (s->inotify_fd >= 0) {
        main_loop_set_fd_handler(s->inotify_fd, NULL, NULL, NULL);
        close(s->inotify_fd);
        s->inotify_fd = -1;
    }
    if (s->parent_obj.stream.in >= 0) {
        char_stream_set_fds(&s->parent_obj.stream, -1, -1);
    } else if (s->master >= 0) {
        close(s->master);
    }
    s->master = -1;
}

static void char_pty_instance_init(Object *obj)
{
    CharPty *s = CHARDEV_PTY(obj);

    s->master = s->inotify_fd = -1;
}

static void char_pty_class_init(ObjectClass *oc, const void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    cc->open = char_pty_open;
    cc->close = char_pty_close;
    cc->write = char_pty_write;
    cc->set_write_watch = char_pty_set_write_watch;
    cc->update_read_handler = char_pty_update_read_handler;
    cc->accept_input = char_pty_accept_input;
}

static const TypeInfo char_pty_types[] = {
    {
        .name = TYPE_CHARDEV_PTY,
        .parent = TYPE_CHARDEV_FD,
        .help = "a new pseudo terminal",
        .instance_size = sizeof(CharPty),
        .instance_init = char_pty_instance_init,
        .class_init = char_pty_class_init,
    },
};

DEFINE_TYPES(char_pty_types)
