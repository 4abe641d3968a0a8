/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output to a file, input optionally from another; and named pipes, which are
 * a pair of files called PATH.in and PATH.out, or one called PATH.
 */
#include "util/osdep.h"
#include "chardev/char-internal.h"
#include <fcntl.h>
#include "util/file.h"
#include "qapi/qapi-types-char.h"

static bool char_file_open(Chardev *chr, ChardevBackend *backend,
                           bool *be_opened, Error **errp)
{
    ChardevFile *file = backend->u.file.data;
    int flags = O_WRONLY | O_CREAT | O_NONBLOCK;
    int in = -1, out;

    flags |= file->has_append && file->append ? O_APPEND : O_TRUNC;
    out = file_open(file->out, flags, 0666, errp);
    if (out < 0) {
        return false;
    }
    if (file->in) {
        in = file_open(file->in, O_RDONLY | O_NONBLOCK, 0, errp);
        if (in < 0) {
            close(out);
            return false;
        }
    }
    chr->filename = g_strdup("file");
    char_fd_open(CHARDEV_FD(chr), in, out);
    return true;
}

static void char_file_class_init(ObjectClass *oc, const void *data)
{
    CHARDEV_CLASS(oc)->open = char_file_open;
}

static bool char_pipe_open(Chardev *chr, ChardevBackend *backend,
                           bool *be_opened, Error **errp)
{
    const char *path = backend->u.pipe.data->device;
    g_autofree char *path_in = g_strdup_printf("%s.in", path);
    g_autofree char *path_out = g_strdup_printf("%s.out", path);
    /* Read and write: a pipe must not end when its other end closes. */
    int in = file_open(path_in, O_RDWR | O_NONBLOCK, 0, NULL);
    int out = file_open(path_out, O_RDWR | O_NONBLOCK, 0, NULL);

    if (in < 0 || out < 0) {
        if (in >= 0) {
            close(in);
        }
        if (out >= 0) {
            close(out);
        }
        in = out = file_open(path, O_RDWR | O_NONBLOCK, 0, errp);
        if (in < 0) {
            error_append_hint(errp, "make it by mkfifo '%s', or '%s' and '%s'",
                              path, path_in, path_out);
            return false;
        }
    }
    chr->filename = g_strdup_printf("pipe:%s", path);
    char_fd_open(CHARDEV_FD(chr), in, out);
    return true;
}

static void char_pipe_class_init(ObjectClass *oc, const void *data)
{
    CHARDEV_CLASS(oc)->open = char_pipe_open;
}

static const TypeInfo char_file_types[] = {
    {
        .name = TYPE_CHARDEV_FILE,
        .parent = TYPE_CHARDEV_FD,
        .help = "writes to a file, reads optionally from another",
        .class_init = char_file_class_init,
    }, {
        .name = TYPE_CHARDEV_PIPE,
        .parent = TYPE_CHARDEV_FD,
        .help = "named pipes PATH.in and PATH.out, or PATH both ways",
        .class_init = char_pipe_class_init,
    },
};

DEFINE_TYPES(char_file_types)
