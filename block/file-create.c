/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New files of the host. A file that is there and in use by another program is
 * left as it is: nothing is cut before its locks are had.
 */
#include "util/osdep.h"
#include "block/create.h"
#include "block-internal.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include "util/main-loop.h"

const BdrvCreateOption bdrv_file_create_options[] = {
    { "size", BDRV_OPTION_SIZE, NULL, "Virtual disk size" },
    { "preallocation", BDRV_OPTION_STRING, NULL,
      "Preallocation mode (allowed values: off, falloc, full)" },
    { "nocow", BDRV_OPTION_BOOL, NULL,
      "Turn off copy-on-write (valid only on btrfs)" },
    { "extent_size_hint", BDRV_OPTION_SIZE, NULL,
      "Extent size hint for the image file, 0 to disable" },
    { NULL },
};

typedef struct FileCreate {
    BlockBackend *blk;
    int64_t size;
    PreallocMode prealloc;
    Error **errp;
} FileCreate;

/* Only now is the lock held: what was there is cut off. */
static int coroutine_fn file_create_co(void *opaque)
{
    FileCreate *c = opaque;
    int ret = blk_co_truncate(c->blk, 0, false, PREALLOC_MODE_OFF, 0, c->errp);

    return ret < 0 ? ret : blk_co_truncate(c->blk, c->size, false, c->prealloc,
                                           0, c->errp);
}

static bool file_create_fill(FileCreate *c, const char *path, Error **errp)
{
    BlockDriverState *bs = bdrv_open_image(path, "file", NULL, NULL, 0, errp);
    bool ok;

    if (!bs) {
        return false;
    }
    c->errp = errp;
    c->blk = blk_new(NULL, BLK_PERM_WRITE | BLK_PERM_RESIZE,
                     BLK_PERM_ALL & ~BLK_PERM_RESIZE);
    /* A snapshot makes it while all nodes are drained. */
    c->blk->no_queue = true;
    ok = blk_insert_bs(c->blk, bs, errp) &&
         bdrv_run(main_context(), file_create_co, c) >= 0;
    blk_unref(c->blk);
    bdrv_unref(bs);
    return ok;
}

/* Hints: a file system that has no use for them is no reason to fail. */
static void file_create_hints(int fd, struct json_object *options)
{
    const char *nocow = bdrv_create_value(options, "nocow");
    const char *hint = bdrv_create_value(options, "extent_size_hint");
    uint64_t bytes = hint ? g_ascii_strtoull(hint, NULL, 10) : 1 * MiB;
    struct fsxattr attr;
    int flags;

    if (nocow && g_str_equal(nocow, "on") &&
        ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_NOCOW_FL;
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
    }
    if (bytes && bytes <= UINT32_MAX &&
        ioctl(fd, FS_IOC_FSGETXATTR, &attr) == 0) {
        attr.fsx_xflags |= FS_XFLAG_EXTSIZE;
        attr.fsx_extsize = bytes;
        (void)ioctl(fd, FS_IOC_FSSETXATTR, &attr);
    }
}

static bool parse_mode(const char *text, PreallocMode *mode, Error **errp)
{
    for (int i = 0; i < PREALLOC_MODE__MAX; i++) {
        if (g_str_equal(text, PreallocMode_str(i))) {
            *mode = i;
            return true;
        }
    }
    error_setg(errp, "invalid parameter value: %s", text);
    return false;
}

bool bdrv_create_posix_file(const char *filename, struct json_object *options,
                            Error **errp)
{
    const char *path = bdrv_skip_file_prefix(filename);
    const char *size = bdrv_create_value(options, "size");
    const char *mode = bdrv_create_value(options, "preallocation");
    FileCreate c = { .prealloc = PREALLOC_MODE_OFF };
    int fd;

    c.size = size ? g_ascii_strtoll(size, NULL, 10) : 0;
    c.size = ROUND_UP(c.size, 512);
    if (mode && !parse_mode(mode, &c.prealloc, errp)) {
        return false;
    }
    if (c.prealloc == PREALLOC_MODE_METADATA) {
        error_setg(errp, "Unsupported preallocation mode: %s", mode);
        return false;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        error_setg_errno(errp, errno, "Could not create '%s'", path);
        return false;
    }
    file_create_hints(fd, options);
    close(fd);
    return file_create_fill(&c, path, errp);
}
