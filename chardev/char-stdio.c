/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard input and output. A terminal is put into raw mode and given back
 * as it was, also when the process is stopped and continued or dies by exit().
 *
 * The descriptors may be shared with other processes, so they are never made
 * non-blocking themselves: terminals and pipes are opened once more.
 */
#include "util/osdep.h"
#include "chardev/char-internal.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include "qapi/qapi-types-char.h"

/* The terminal belongs to the process, so does this. */
static struct {
    CharFd *user;
    bool disabled;
    struct termios saved, raw;
    struct sigaction old_cont;
    bool is_tty;
    bool signals;                   /* C-c is for us, not for the guest */
} stdio;

static void stdio_restore(void)
{
    if (stdio.is_tty) {
        tcsetattr(0, TCSANOW, &stdio.saved);
    }
}

/* Back in the foreground: the shell has set its own modes meanwhile. */
static void stdio_continued(int sig)
{
    if (stdio.user && stdio.is_tty) {
        tcsetattr(0, TCSANOW, &stdio.raw);
    }
}

static void char_stdio_set_echo(Chardev *chr, bool echo)
{
    if (!stdio.is_tty) {
        return;
    }
    stdio.raw = stdio.saved;
    if (!echo) {
        cfmakeraw(&stdio.raw);
        stdio.raw.c_oflag |= OPOST;     /* our own lines end in LF only */
        stdio.raw.c_cc[VMIN] = 1;
        stdio.raw.c_cc[VTIME] = 0;
        if (stdio.signals) {
            stdio.raw.c_lflag |= ISIG;
        }
    }
    tcsetattr(0, TCSANOW, &stdio.raw);
}

/* A descriptor of our own for what @fd is, non-blocking when possible. */
static int stdio_reopen(int fd, int flags)
{
    char path[32];
    struct stat st;
    int own = -1;

    /* a regular file opened again would have a position of its own */
    if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(fd))) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool stdio_open_fds(int *in, int *out, Error **errp)
{
    *in = stdio_reopen(0, O_RDONLY);
    *out = stdio_reopen(1, O_WRONLY);
    if (*in >= 0 && *out >= 0) {
        return true;
    }
    error_setg_errno(errp, errno, "standard input or output is not open");
    if (*in >= 0) {
        close(*in);
    }
    if (*out >= 0) {
        close(*out);
    }
    return false;
}

void chr_stdio_disable(void)
{
    stdio.disabled = true;
}

bool chr_stdio_is_free(void)
{
    return !stdio.disabled && !stdio.user;
}

static bool char_stdio_open(Chardev *chr, ChardevBackend *backend,
                            bool *be_opened, Error **errp)
{
    ChardevStdio *opts = backend->u.stdio.data;
    struct sigaction act = { .sa_handler = stdio_continued };
    static bool registered;
    int in, out;

    if (stdio.disabled) {
        error_setg(errp, "cannot use stdio with -daemonize");
        error_append_hint(errp, "use a unix socket, a pty or a file");
        return false;
    }
    if (stdio.user) {
        error_setg(errp, "cannot use stdio by multiple character devices");
        error_append_hint(errp, "one chardev with mux=on serves several "
                          "devices");
        return false;
    }
    if (!stdio_open_fds(&in, &out, errp)) {
        return false;
    }
    stdio.user = CHARDEV_FD(chr);
    stdio.signals = !opts->has_signal || opts->signal;
    stdio.is_tty = tcgetattr(0, &stdio.saved) == 0;
    if (!registered) {
        atexit(stdio_restore);
        registered = true;
    }
    sigaction(SIGCONT, &act, &stdio.old_cont);
    chr->filename = g_strdup("stdio");
    char_fd_open(CHARDEV_FD(chr), in, out);
    char_stdio_set_echo(chr, false);
    return true;
}

static void char_stdio_close(Chardev *chr)
{
    ChardevClass *parent =
        CHARDEV_CLASS(object_class_by_name(TYPE_CHARDEV_FD));

    if (stdio.user == CHARDEV_FD(chr)) {
        stdio_restore();
        sigaction(SIGCONT, &stdio.old_cont, NULL);
        stdio.user = NULL;
        stdio.is_tty = false;
    }
    parent->close(chr);
}

static void char_stdio_class_init(ObjectClass *oc, const void *data)
{
    ChardevClass *cc = CHARDEV_CLASS(oc);

    cc->open = char_stdio_open;
    cc->close = char_stdio_close;
    cc->set_echo = char_stdio_set_echo;
}

static const TypeInfo char_stdio_types[] = {
    {
        .name = TYPE_CHARDEV_STDIO,
        .parent = TYPE_CHARDEV_FD,
        .help = "standard input and output of the process",
        .class_init = char_stdio_class_init,
    },
};

DEFINE_TYPES(char_stdio_types)
