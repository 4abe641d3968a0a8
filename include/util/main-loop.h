/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main loop: the AioContext whose home is the holder of the big lock.
 *
 * main() calls main_loop_init() early, with the big lock held, and
 * main_loop_run() once everything is built. The lock is released while the
 * loop sleeps and held in every callback. Another thread that holds the lock
 * may run nested aio_poll() on the main context meanwhile.
 *
 * Tools (nemu-img and so on) use it the same way.
 */
#ifndef UTIL_MAIN_LOOP_H
#define UTIL_MAIN_LOOP_H

#include "util/aio.h"
#include "util/bql.h"

/* main_loop_init: create the main context. Big lock held. */
bool main_loop_init(struct Error **errp);

/* main_loop_cleanup: drop it. For tests. */
void main_loop_cleanup(void);

/* main_context: the main context. Any thread, after main_loop_init(). */
AioContext *main_context(void);

/* main_loop_run: serve until main_loop_quit(). Big lock held. */
void main_loop_run(void);

/* main_loop_iterate: one blocking iteration of main_loop_run(). */
void main_loop_iterate(void);

/* main_loop_quit: make main_loop_run() return. Any thread; sticky: a call
 * before main_loop_run() makes that return at once, and clears it. */
void main_loop_quit(void);

/* Short forms for the main context. */
static inline void main_loop_set_fd_handler(int fd, AioFn *io_read,
                                            AioFn *io_write, void *opaque)
{
    aio_set_fd_handler(main_context(), fd, io_read, io_write, NULL, opaque);
}

/* main_loop_bh_new: runs from main_loop_run() only; see
 * aio_bh_new_outermost(). */
static inline AioBH *main_loop_bh_new(AioFn *cb, void *opaque)
{
    return aio_bh_new_outermost(main_context(), cb, opaque);
}

#endif
