/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bottom halves.
 *
 * Scheduling pushes onto a stack by compare-and-swap; the home takes the whole
 * stack with one exchange and turns it round into a queue. A bottom half with
 * QUEUED set is on the stack or in a queue and belongs to the loop: cancel and
 * delete only change its flags, the loop frees it when it gets there.
 */
#include "util/osdep.h"
#include "util/aio-internal.h"

enum {
    AIO_BH_QUEUED    = 1 << 0,
    AIO_BH_SCHEDULED = 1 << 1,          /* call it when its turn comes */
    AIO_BH_DELETED   = 1 << 2,          /* free it when its turn comes */
    AIO_BH_ONESHOT   = 1 << 3,          /* and this one too */
    AIO_BH_OUTERMOST = 1 << 4,
};

static void aio_bh_push(AioBH *bh, unsigned flags)
{
    AioContext *ctx = bh->ctx;

    if (__atomic_fetch_or(&bh->flags, flags | AIO_BH_QUEUED,
                          __ATOMIC_SEQ_CST) & AIO_BH_QUEUED) {
        return;
    }
    bh->next = __atomic_load_n(&ctx->bh_new, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&ctx->bh_new, &bh->next, bh, true,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
    }
}

/* The next of @q, or NULL. */
static AioBH *aio_bh_queue_pop(AioBHQueue *q)
{
    AioBH *bh = q->first;

    if (bh) {
        q->first = bh->next;
    }
    return bh;
}

static void aio_bh_queue_append(AioBHQueue *q, AioBH *first, AioBH *last)
{
    if (!first) {
        return;
    }
    if (q->first) {
        q->last->next = first;
    } else {
        q->first = first;
    }
    q->last = last;
    last->next = NULL;
}

/* Move what is on the stack to the end of bh_run, oldest first. */
static void aio_bh_take(AioContext *ctx)
{
    AioBH *bh = __atomic_exchange_n(&ctx->bh_new, NULL, __ATOMIC_SEQ_CST);
    AioBH *newest = bh, *turned = NULL;

    while (bh) {
        AioBH *older = bh->next;

        bh->next = turned;
        turned = bh;
        bh = older;
    }
    aio_bh_queue_append(&ctx->bh_run, turned, newest);
}

/* Run or free @bh, which is off all lists. Whether it was run. */
static bool aio_bh_call(AioBH *bh)
{
    /* From here on it may be scheduled again, so look at nothing of it after
     * the callback unless it is ours to free. */
    unsigned flags = __atomic_fetch_and(&bh->flags,
                                        ~(AIO_BH_QUEUED | AIO_BH_SCHEDULED),
                                        __ATOMIC_SEQ_CST);
    bool run = (flags & (AIO_BH_SCHEDULED | AIO_BH_DELETED)) ==
               AIO_BH_SCHEDULED;

    if (run) {
        bh->cb(bh->opaque);
    }
    if (flags & (AIO_BH_DELETED | AIO_BH_ONESHOT)) {
        g_free(bh);
    }
    return run;
}

static bool aio_bh_must_wait(const AioBH *bh, bool outermost)
{
    unsigned flags = __atomic_load_n(&bh->flags, __ATOMIC_RELAXED);

    return !outermost && (flags & AIO_BH_OUTERMOST) &&
           !(flags & AIO_BH_DELETED);
}

bool aio_bh_run(AioContext *ctx, bool outermost)
{
    bool progress = false;
    AioBH *bh;

    if (outermost) {
        aio_bh_queue_append(&ctx->bh_run, ctx->bh_outermost.first,
                            ctx->bh_outermost.last);
        ctx->bh_outermost.first = NULL;
    }
    aio_bh_take(ctx);
    /* A nested aio_poll goes on with the same queue. What is scheduled from
     * now on waits for the next iteration, else it could go on forever. */
    while ((bh = aio_bh_queue_pop(&ctx->bh_run))) {
        if (aio_bh_must_wait(bh, outermost)) {
            aio_bh_queue_append(&ctx->bh_outermost, bh, bh);
        } else {
            progress |= aio_bh_call(bh);
        }
    }
    return progress;
}

bool aio_bh_pending(const AioContext *ctx, bool outermost)
{
    return __atomic_load_n(&ctx->bh_new, __ATOMIC_SEQ_CST) ||
           ctx->bh_run.first || (outermost && ctx->bh_outermost.first);
}

void aio_bh_cleanup(AioContext *ctx)
{
    AioBH *bh;

    aio_bh_take(ctx);
    while ((bh = aio_bh_queue_pop(&ctx->bh_run)) ||
           (bh = aio_bh_queue_pop(&ctx->bh_outermost))) {
        /* A one-shot that never ran is a leak of what it was to do. */
        g_assert(bh->flags & AIO_BH_DELETED);
        g_free(bh);
    }
}

void aio_bh_init_embedded(AioBH *bh, AioContext *ctx, AioFn *cb, void *opaque)
{
    *bh = (AioBH) { .ctx = ctx, .cb = cb, .opaque = opaque };
}

AioBH *aio_bh_new(AioContext *ctx, AioFn *cb, void *opaque)
{
    AioBH *bh = g_new(AioBH, 1);

    aio_bh_init_embedded(bh, ctx, cb, opaque);
    return bh;
}

AioBH *aio_bh_new_outermost(AioContext *ctx, AioFn *cb, void *opaque)
{
    AioBH *bh = aio_bh_new(ctx, cb, opaque);

    bh->flags = AIO_BH_OUTERMOST;
    return bh;
}

void aio_bh_schedule(AioBH *bh)
{
    AioContext *ctx = bh->ctx;

    aio_bh_push(bh, AIO_BH_SCHEDULED);
    aio_notify(ctx);
}

void aio_bh_cancel(AioBH *bh)
{
    __atomic_fetch_and(&bh->flags, ~AIO_BH_SCHEDULED, __ATOMIC_SEQ_CST);
}

void aio_bh_delete(AioBH *bh)
{
    if (bh) {
        aio_bh_push(bh, AIO_BH_DELETED);
    }
}

void aio_bh_schedule_oneshot(AioContext *ctx, AioFn *cb, void *opaque)
{
    AioBH *bh = aio_bh_new(ctx, cb, opaque);

    aio_bh_push(bh, AIO_BH_SCHEDULED | AIO_BH_ONESHOT);
    aio_notify(ctx);
}
