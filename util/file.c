/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening files; see include/util/file.h. */
#include "util/osdep.h"
#include "util/file.h"
#include <fcntl.h>
#include "util/cutils.h"
#include "util/error.h"
#include "trace/trace-util.h"

#define FDSET_PREFIX "/dev/fdset/"

static FileFdsetFn *fdset_handler;

void file_set_fdset_handler(FileFdsetFn *fn)
{
    fdset_handler = fn;
}

static int file_open_fdset(const char *path, int flags)
{
    int64_t id;

    if (!parse_int64(path + strlen(FDSET_PREFIX), &id, NULL)) {
        errno = EINVAL;
        return -1;
    }
    if (!fdset_handler) {
        errno = ENOENT;
        return -1;
    }
    return fdset_handler(id, flags);
}

int file_open(const char *path, int flags, mode_t mode, Error **errp)
{
    int fd, err;

    if (g_str_has_prefix(path, FDSET_PREFIX)) {
        fd = file_open_fdset(path, flags);
    } else {
        fd = RETRY_ON_EINTR(open(path, flags | O_CLOEXEC, mode));
    }
    err = errno;
    trace_file_open(path, flags, fd);
    if (fd < 0) {
        error_setg_errno(errp, err, flags & O_CREAT ?
                         "cannot create '%s'" : "cannot open '%s'", path);
        errno = err;
    }
    return fd;
}

static int fd_set_flag(int fd, int get, int set, int flag, bool on)
{
    int flags = fcntl(fd, get), want;

    if (flags < 0) {
        return -errno;
    }
    want = on ? flags | flag : flags & ~flag;
    if (want != flags && fcntl(fd, set, want) < 0) {
        return -errno;
    }
    return 0;
}

int fd_set_nonblock(int fd, bool nonblock)
{
    return fd_set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, nonblock);
}

int fd_set_cloexec(int fd, bool cloexec)
{
    return fd_set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, cloexec);
}

bool fd_is_valid(int fd)
{
    return fd >= 0 && fcntl(fd, F_GETFD) >= 0;
}

int fd_read_full(int fd, void *buf, size_t len)
{
    char *to = buf;

    while (len) {
        ssize_t n = RETRY_ON_EINTR(read(fd, to, len));

        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            return -ENODATA;
        }
        to += n;
        len -= n;
    }
    return 0;
}

int fd_write_full(int fd, const void *buf, size_t len)
{
    const char *from = buf;

    while (len) {
        ssize_t n = RETRY_ON_EINTR(write(fd, from, len));

        if (n < 0) {
            return -errno;
        }
        from += n;
        len -= n;
    }
    return 0;
}

static int fd_lock_op(int fd, int op, short type, uint64_t start, uint64_t len)
{
    struct flock fl = {
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = start,
        .l_len = len,
    };

    if (RETRY_ON_EINTR(fcntl(fd, op, &fl)) < 0) {
        return errno == EACCES ? -EAGAIN : -errno;
    }
    return op == F_OFD_GETLK && fl.l_type != F_UNLCK ? -EAGAIN : 0;
}

int fd_lock(int fd, uint64_t start, uint64_t len, bool exclusive)
{
    return fd_lock_op(fd, F_OFD_SETLK, exclusive ? F_WRLCK : F_RDLCK, start,
                      len);
}

int fd_unlock(int fd, uint64_t start, uint64_t len)
{
    return fd_lock_op(fd, F_OFD_SETLK, F_UNLCK, start, len);
}

int fd_lock_test(int fd, uint64_t start, uint64_t len, bool exclusive)
{
    return fd_lock_op(fd, F_OFD_GETLK, exclusive ? F_WRLCK : F_RDLCK, start,
                      len);
}

char *file_read_all(const char *path, size_t max, size_t *len, Error **errp)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char buf[4096];
    ssize_t n;
    int fd = file_open(path, O_RDONLY, 0, errp);

    if (fd < 0) {
        return NULL;
    }
    while ((n = RETRY_ON_EINTR(read(fd, buf, sizeof(buf)))) > 0) {
        if (n > max - text->len) {
            error_setg(errp, "'%s' is larger than %zu bytes", path, max);
            close(fd);
            return NULL;
        }
        g_string_append_len(text, buf, n);
    }
    if (n < 0) {
        error_setg_errno(errp, errno, "cannot read '%s'", path);
        close(fd);
        return NULL;
    }
    close(fd);
    if (len) {
        *len = text->len;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
