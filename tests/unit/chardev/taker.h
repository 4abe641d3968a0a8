/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -chardev from a text, and a front end that notes what it gets. */
#ifndef TESTS_UNIT_CHARDEV_TAKER_H
#define TESTS_UNIT_CHARDEV_TAKER_H

#include "util/osdep.h"
#include "chardev/char.h"
#include "util/error.h"

/* What -chardev with this argument makes; it must succeed. */
static Chardev *new_arg(const char *fmt, ...) PRINTF(1, 2);
static inline Chardev *new_arg(const char *fmt, ...)
{
    g_autofree char *arg = NULL;
    g_autoptr(Error) err = NULL;
    Chardev *chr;
    va_list ap;

    va_start(ap, fmt);
    arg = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    chr = chardev_new_from_arg(arg, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return chr;
}

/* The front end. */
typedef struct Taker {
    CharFrontend fe;
    GString *got;
    size_t room;                    /* what it takes at a time */
    int opened, closed, breaks, mux_in, mux_out;
    int fd;                         /* the last that came; -1: none */
    bool writable;
} Taker;

static inline size_t taker_can_read(void *opaque)
{
    return ((Taker *)opaque)->room;
}

static inline void taker_read(void *opaque, const uint8_t *buf, size_t size)
{
    Taker *t = opaque;
    int fd;

    g_assert_cmpuint(size, <=, t->room);
    g_string_append_len(t->got, (const char *)buf, size);
    if (chr_fe_get_msgfds(&t->fe, &fd, 1) == 1) {
        t->fd = fd;
    }
}

static inline void taker_event(void *opaque, ChrEvent event)
{
    Taker *t = opaque;

    t->opened += event == CHR_EVENT_OPENED;
    t->closed += event == CHR_EVENT_CLOSED;
    t->breaks += event == CHR_EVENT_BREAK;
    t->mux_in += event == CHR_EVENT_MUX_IN;
    t->mux_out += event == CHR_EVENT_MUX_OUT;
}

static inline void taker_init(Taker *t, Chardev *chr)
{
    memset(t, 0, sizeof(*t));
    t->got = g_string_new("");
    t->room = 4096;
    t->fd = -1;
    g_assert_nonnull(chr);
    g_assert_true(chr_fe_init(&t->fe, chr, NULL));
    chr_fe_set_handlers(&t->fe, taker_can_read, taker_read, taker_event, t,
                        NULL);
}

static inline void taker_cleanup(Taker *t, bool del)
{
    chr_fe_deinit(&t->fe, del);
    g_string_free(t->got, TRUE);
}

#endif
