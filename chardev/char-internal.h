/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of chardev/ share: the descriptors of a Chardev and how they
 * are watched, and the inside of the mux.
 */
#ifndef CHARDEV_CHAR_INTERNAL_H
#define CHARDEV_CHAR_INTERNAL_H

#include "chardev/char.h"

/* Bytes taken from a descriptor at a time: what a pipe or tty gives at most
 * in one go, and small enough for the stack. */
#define CHAR_READ_BYTES 4096

/*
 * One or two descriptors that carry the stream. Input stops while the front
 * end has no room (blocked) and goes on with char_stream_accept_input().
 */
typedef struct CharStream {
    Chardev *chr;
    AioContext *ctx;                /* where they are watched now */
    int in, out;                    /* -1: none; may be the same */
    bool blocked;
    bool want_write;
    AioFn *read;                    /* there is input and room; @chr */
} CharStream;

void char_stream_init(CharStream *s, Chardev *chr, AioFn *read);
/* Take the descriptors over, or close those it has with -1, -1. */
void char_stream_set_fds(CharStream *s, int in, int out);
/* Watch what there is reason to watch, in chr->ctx. */
void char_stream_update(CharStream *s);
void char_stream_accept_input(CharStream *s);
void char_stream_set_write_watch(CharStream *s, bool on);
void char_stream_wait_writable(CharStream *s);
/* write(2): bytes, 0 when full, or -errno. */
ssize_t char_stream_write(CharStream *s, const void *buf, size_t len);
/*
 * Room for a read: how many bytes at most, up to @max. 0: none; input is
 * blocked from now on, do not read.
 */
size_t char_stream_room(CharStream *s, size_t max);

/* A Chardev that is such a stream and nothing else: parent of some. */
#define TYPE_CHARDEV_FD "chardev-fd"
OBJECT_DECLARE_SIMPLE_TYPE(CharFd, CHARDEV_FD)

struct CharFd {
    Chardev parent_obj;
    CharStream stream;
    AioBH *file_bh;                 /* reads a regular file */
    void (*eof)(CharFd *s, int err);    /* end of input; NULL: ignored */
    void (*no_room)(CharFd *s);         /* input is blocked now; may be NULL */
};

void char_fd_open(CharFd *s, int in, int out);

/* In char-mux.c, called by char-fe.c. */
bool chr_mux_attach(Chardev *chr, CharFrontend *fe, Error **errp);
void chr_mux_detach(Chardev *chr, CharFrontend *fe);
void chr_mux_handlers_changed(Chardev *chr, CharFrontend *fe);
bool chr_mux_is_full(const Chardev *chr);
bool chr_mux_any_open(const Chardev *chr);

#endif
