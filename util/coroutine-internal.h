/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of coroutines.
 *
 * A coroutine is one mapping: the guard page at the bottom, the stack above,
 * and this structure at the very top. The function that runs outside of any
 * coroutine has a Coroutine too, the thread's leader, without a stack.
 */
#ifndef UTIL_COROUTINE_INTERNAL_H
#define UTIL_COROUTINE_INTERNAL_H

#include "util/aio-internal.h"
#include "util/coroutine.h"

typedef struct CoroutineList {
    Coroutine *first, *last;
} CoroutineList;

struct Coroutine {
    void *sp;                           /* while it does not run */
    CoroutineFn *fn;
    void *opaque;
    Coroutine *caller;                  /* whom a yield goes back to */
    AioContext *ctx;                    /* atomic: where it last ran */
    AioBH wake_bh;                      /* enters it from the loop of a ctx */
    bool scheduled;                     /* atomic: wake_bh is on its way */
    bool done;
    CoroutineList wakeups;              /* to enter when this one yields */
    Coroutine *next;                    /* on wakeups, or in the pool */
#ifdef __SANITIZE_ADDRESS__
    void *asan_stack;                   /* its fake stack while it waits */
#endif
#ifdef __SANITIZE_THREAD__
    void *tsan_fiber;
#endif
    const void *stack_bottom;
    size_t stack_bytes;
};

/* coroutine-<arch>.S */

/* coroutine_swap: save this stack in *@save_sp and go on on @sp. */
void coroutine_swap(void **save_sp, void *sp);
/* coroutine_entry: where a new one starts, in assembly. */
void coroutine_entry(void);

/* coroutine-stack.c */

/* coroutine_stack_alloc: a zeroed coroutine whose sp is such that the first
 * swap to it calls @start(it), which must not return. */
Coroutine *coroutine_stack_alloc(void (*start)(Coroutine *co));
void coroutine_stack_free(Coroutine *co);

#endif
