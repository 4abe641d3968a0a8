/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bare thread that runs an AioContext, without the iothread object. */
#ifndef TESTS_UNIT_UTIL_IOTHREAD_UTIL_H
#define TESTS_UNIT_UTIL_IOTHREAD_UTIL_H

#include "util/osdep.h"
#include "util/aio.h"
#include "util/bql.h"
#include "util/thread.h"

typedef struct IoThread {
    AioContext *ctx;
    Thread thread;
    bool stop;
} IoThread;

static inline void *iothread_run(void *opaque)
{
    IoThread *io = opaque;

    aio_context_set_current(io->ctx);
    while (!io->stop) {
        aio_poll(io->ctx, true);
        g_assert_false(bql_locked());
    }
    return NULL;
}

static inline void iothread_start(IoThread *io)
{
    io->ctx = aio_context_new(NULL);
    io->stop = false;
    g_assert_true(thread_create(&io->thread, "iothread", iothread_run, io, 0,
                                NULL));
}

static inline void iothread_stop_bh(void *opaque)
{
    ((IoThread *)opaque)->stop = true;
}

static inline void iothread_end(IoThread *io)
{
    aio_wait_bh_oneshot(io->ctx, iothread_stop_bh, io);
    thread_join(&io->thread);
    aio_context_unref(io->ctx);
}

#endif
