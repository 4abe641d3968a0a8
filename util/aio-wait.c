/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for a condition by running the event loop: AIO_WAIT_WHILE. */
#include "util/osdep.h"
#include "util/aio-internal.h"
#include "util/main-loop.h"

/* How many threads wait in the main context; atomic. Nearly always 0, which
 * makes a kick one load. */
static unsigned aio_waiters;

AioContext *aio_wait_begin(AioContext *ctx)
{
    __atomic_fetch_add(&aio_waiters, 1, __ATOMIC_SEQ_CST);
    if (ctx && aio_in_home(ctx)) {
        return ctx;
    }
    /* Not the home: the main loop has to run, so that what the other thread
     * needs from it is done. */
    g_assert(aio_in_home(main_context()));
    return main_context();
}

void aio_wait_end(void)
{
    __atomic_fetch_sub(&aio_waiters, 1, __ATOMIC_SEQ_CST);
}

void aio_wait_kick(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&aio_waiters, __ATOMIC_SEQ_CST)) {
        aio_notify(main_context());
    }
}

typedef struct AioWaitBH {
    AioFn *cb;
    void *opaque;
    bool done;                          /* atomic */
} AioWaitBH;

static void aio_wait_bh(void *opaque)
{
    AioWaitBH *w = opaque;

    w->cb(w->opaque);
    __atomic_store_n(&w->done, true, __ATOMIC_SEQ_CST);
    aio_wait_kick();
}

void aio_wait_bh_oneshot(AioContext *ctx, AioFn *cb, void *opaque)
{
    AioWaitBH w = { .cb = cb, .opaque = opaque };

    if (aio_in_home(ctx)) {
        cb(opaque);
        return;
    }
    aio_bh_schedule_oneshot(ctx, aio_wait_bh, &w);
    AIO_WAIT_WHILE(NULL, !__atomic_load_n(&w.done, __ATOMIC_SEQ_CST));
}
