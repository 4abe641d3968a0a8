/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening files and the small operations on descriptors.
 *
 * Everything that takes a path from the user opens it by file_open(), which
 * never leaks a descriptor over exec and knows /dev/fdset/N, through which a
 * client passes open files.
 */
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct Error;

/*
 * file_open: open(2) with O_CLOEXEC. @mode matters with O_CREAT.
 * Returns the descriptor, or -1 with *@errp set and errno as open(2).
 */
int file_open(const char *path, int flags, mode_t mode, struct Error **errp);

/*
 * file_set_fdset_handler: who serves "/dev/fdset/<id>" (the monitor): gives a
 * new descriptor with the access mode of @flags, or -1 with errno set.
 */
typedef int FileFdsetFn(int64_t fdset_id, int flags);
void file_set_fdset_handler(FileFdsetFn *fn);

/* fd_set_nonblock, fd_set_cloexec: 0 or -errno. */
int fd_set_nonblock(int fd, bool nonblock);
int fd_set_cloexec(int fd, bool cloexec);

/* fd_is_valid: whether @fd is open. */
bool fd_is_valid(int fd);

/*
 * Whole-buffer I/O on blocking descriptors. Return 0, or -errno; a short file
 * gives -ENODATA.
 */
int fd_read_full(int fd, void *buf, size_t len);
int fd_write_full(int fd, const void *buf, size_t len);

/*
 * Byte-range locks that belong to the open file description (F_OFD_*), as
 * QEMU takes on images. 0, or -errno (-EAGAIN: someone has it).
 */
int fd_lock(int fd, uint64_t start, uint64_t len, bool exclusive);
int fd_unlock(int fd, uint64_t start, uint64_t len);
/* fd_lock_test: 0 when it could be taken, -EAGAIN when not, or -errno. */
int fd_lock_test(int fd, uint64_t start, uint64_t len, bool exclusive);

/* file_read_all: the content of a small file (at most @max bytes) plus a NUL.
 * NULL with *@errp set. g_free() it. */
char *file_read_all(const char *path, size_t max, size_t *len,
                    struct Error **errp);

#endif
