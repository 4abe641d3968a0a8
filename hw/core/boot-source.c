/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of kernel images and the like; see hw/core/boot-source.h. */
#include "util/osdep.h"
#include "hw/core/boot-source.h"
#include <fcntl.h>
#include <sys/stat.h>
#include "util/bytes.h"
#include "util/file.h"

bool boot_source_open(BootSource *src, const char *path, const char *what,
                      Error **errp)
{
    struct stat st;

    *src = (BootSource){ .fd = -1, .name = path };
    src->fd = file_open(path, O_RDONLY, 0, errp);
    if (src->fd < 0) {
        error_prepend(errp, "%s: ", what);
        return false;
    }
    if (fstat(src->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        error_setg(errp, "%s '%s' is not a regular file", what, path);
        boot_source_close(src);
        return false;
    }
    src->size = st.st_size;
    if (src->size == 0) {
        error_setg(errp, "%s '%s' is empty", what, path);
        boot_source_close(src);
        return false;
    }
    return true;
}

void boot_source_close(BootSource *src)
{
    if (src->fd >= 0) {
        close(src->fd);
    }
    src->fd = -1;
    src->size = 0;
}

static bool boot_source_pread(const BootSource *src, uint64_t offset,
                              uint8_t *buf, uint64_t len, Error **errp)
{
    while (len) {
        ssize_t n = RETRY_ON_EINTR(pread(src->fd, buf, MIN(len, 1 * GiB),
                                         offset));

        if (n < 0) {
            error_setg_errno(errp, errno, "cannot read '%s'", src->name);
            return false;
        }
        if (n == 0) {
            error_setg(errp, "'%s' became shorter", src->name);
            return false;
        }
        buf += n;
        offset += n;
        len -= n;
    }
    return true;
}

bool boot_source_read(const BootSource *src, uint64_t offset, void *buf,
                      uint64_t len, Error **errp)
{
    if (!range_fits(offset, len, src->size)) {
        error_setg(errp, "'%s' is truncated: %" PRIu64 " bytes at %" PRIu64
                   " are beyond its end at %" PRIu64, src->name, len, offset,
                   src->size);
        return false;
    }
    if (src->fd < 0) {
        memcpy(buf, src->data + offset, len);
        return true;
    }
    return boot_source_pread(src, offset, buf, len, errp);
}
