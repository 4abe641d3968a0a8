/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Coroutines: entering, yielding, waking; see include/util/coroutine.h. */
#include "util/osdep.h"
#include "util/coroutine-internal.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

static __thread Coroutine leader;
static __thread Coroutine *current;     /* NULL: the leader */

/*
 * A coroutine may yield in one thread and go on in another, but a compiler may
 * compute the address of a thread-local variable once per function. So nobody
 * touches those two but these, which are not inlined.
 */
static __attribute__((noinline)) Coroutine *coroutine_current(void)
{
    __asm__ volatile("");
    if (!current) {
        current = &leader;
#ifdef __SANITIZE_THREAD__
        leader.tsan_fiber = __tsan_get_current_fiber();
#endif
    }
    return current;
}

static __attribute__((noinline)) void coroutine_set_current(Coroutine *co)
{
    __asm__ volatile("");
    current = co;
}

static __attribute__((noinline)) bool coroutine_is_leader(const Coroutine *co)
{
    __asm__ volatile("");
    return co == &leader;
}

/* Lists */

static void coroutine_list_append(CoroutineList *l, Coroutine *co)
{
    co->next = NULL;
    if (l->first) {
        l->last->next = co;
    } else {
        l->first = co;
    }
    l->last = co;
}

/* Put all of @from in front of @l. */
static void coroutine_list_prepend(CoroutineList *l, CoroutineList *from)
{
    if (from->first) {
        from->last->next = l->first;
        if (!l->first) {
            l->last = from->last;
        }
        l->first = from->first;
        from->first = NULL;
    }
}

/* Switching */

/* Leave @from; it returns when somebody switches back. */
static void coroutine_switch(Coroutine *from, Coroutine *to)
{
    coroutine_set_current(to);
#ifdef __SANITIZE_ADDRESS__
    /* NULL: it will not come back, so let its fake stack go. */
    __sanitizer_start_switch_fiber(from->done ? NULL : &from->asan_stack,
                                   to->stack_bottom, to->stack_bytes);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(to->tsan_fiber, 0);
#endif
    coroutine_swap(&from->sp, to->sp);
}

/* What the sanitizer wants to know in @self after a switch from @from. */
static void coroutine_arrive(Coroutine *self, Coroutine *from)
{
#ifdef __SANITIZE_ADDRESS__
    /* Tells the bounds of the stack we came from, the thread's own too. */
    __sanitizer_finish_switch_fiber(self->asan_stack, &from->stack_bottom,
                                    &from->stack_bytes);
#endif
}

/* The bottom of each coroutine's stack. */
static void coroutine_start(Coroutine *co)
{
    coroutine_arrive(co, co->caller);
    co->fn(co->opaque);
    co->done = true;
    coroutine_switch(co, co->caller);
    g_assert_not_reached();
}

Coroutine *coroutine_create(CoroutineFn *fn, void *opaque)
{
    Coroutine *co = coroutine_stack_alloc(coroutine_start);

#ifdef __SANITIZE_ADDRESS__
    co->asan_stack = NULL;
#endif
    co->fn = fn;
    co->opaque = opaque;
    return co;
}

static void coroutine_enter_ctx(AioContext *ctx, Coroutine *co)
{
    CoroutineList pending = { NULL, NULL };
    Coroutine *self = coroutine_current();

    coroutine_list_append(&pending, co);
    while ((co = pending.first)) {
        pending.first = co->next;
        g_assert(!co->caller && !co->done);
        co->caller = self;
        __atomic_store_n(&co->ctx, ctx, __ATOMIC_RELEASE);
        coroutine_switch(self, co);
        coroutine_arrive(self, co);
        /* It yielded or ended. Those that it woke come first. */
        coroutine_list_prepend(&pending, &co->wakeups);
        if (co->done) {
            coroutine_stack_free(co);
        }
    }
}

void coroutine_enter(Coroutine *co)
{
    coroutine_enter_ctx(aio_get_current(), co);
}

void coroutine_fn coroutine_yield(void)
{
    Coroutine *self = coroutine_current();
    Coroutine *to = self->caller;

    g_assert(to);
    self->caller = NULL;
    coroutine_switch(self, to);
    coroutine_arrive(self, self->caller);
}

Coroutine *coroutine_self(void)
{
    Coroutine *co = coroutine_current();

    return coroutine_is_leader(co) ? NULL : co;
}

bool in_coroutine(void)
{
    return coroutine_self() != NULL;
}

bool coroutine_entered(const Coroutine *co)
{
    return co->caller != NULL;
}

AioContext *coroutine_get_context(const Coroutine *co)
{
    return __atomic_load_n(&co->ctx, __ATOMIC_ACQUIRE);
}

/* Waking */

static void coroutine_wake_bh(void *opaque)
{
    Coroutine *co = opaque;
    AioContext *ctx = co->wake_bh.ctx;

    __atomic_store_n(&co->scheduled, false, __ATOMIC_SEQ_CST);
    coroutine_enter_ctx(ctx, co);
}

void aio_co_schedule(AioContext *ctx, Coroutine *co)
{
    /* Two wake-ups for one sleep: the second would find another sleep. */
    g_assert(!__atomic_exchange_n(&co->scheduled, true, __ATOMIC_SEQ_CST));
    aio_bh_init_embedded(&co->wake_bh, ctx, coroutine_wake_bh, co);
    /* It may run, end, and let its context go before this call is through. */
    aio_context_ref(ctx);
    aio_bh_schedule(&co->wake_bh);
    aio_context_unref(ctx);
}

void aio_co_enter(AioContext *ctx, Coroutine *co)
{
    Coroutine *self;

    if (!aio_in_home(ctx)) {
        aio_co_schedule(ctx, co);
        return;
    }
    self = coroutine_self();
    if (self) {
        g_assert(self != co);
        coroutine_list_append(&self->wakeups, co);
    } else {
        coroutine_enter_ctx(ctx, co);
    }
}

void aio_co_wake(Coroutine *co)
{
    aio_co_enter(coroutine_get_context(co), co);
}

typedef struct CoMove {
    Coroutine *co;
    AioContext *to;
} CoMove;

static void coroutine_move_bh(void *opaque)
{
    CoMove *move = opaque;

    aio_co_schedule(move->to, move->co);
}

void coroutine_fn aio_co_reschedule_self(AioContext *ctx)
{
    CoMove move = { coroutine_self(), ctx };
    AioContext *old = aio_get_current();

    if (ctx == old) {
        return;
    }
    /* By way of the old loop: the other thread must not enter before we have
     * left the stack. */
    aio_bh_schedule_oneshot(old, coroutine_move_bh, &move);
    coroutine_yield();
}
