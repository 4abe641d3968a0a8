/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of coroutines, and the pool of each thread.
 *
 * A stack that was used has some pages of memory, so the pool is small; it
 * serves the steady state of a queue, and bursts beyond it pay for mmap.
 */
#include "util/osdep.h"
#include "util/coroutine-internal.h"
#include <sys/mman.h>
#include "util/mmap-alloc.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/* The depth of a virtio queue of moderate size; at 8 KiB touched each, half a
 * megabyte a thread at most. */
#define POOL_MAX 64

typedef struct CoroutinePool {
    Coroutine *first;
    unsigned n;
} CoroutinePool;

static void coroutine_pool_free(void *opaque);

/* For the destructor when a thread ends. */
static GPrivate pool_key = G_PRIVATE_INIT(coroutine_pool_free);

static size_t coroutine_map_bytes(void)
{
    return COROUTINE_STACK_BYTES + host_page_size();
}

static void coroutine_unmap(Coroutine *co)
{
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(co->tsan_fiber);
#endif
    munmap((char *)co->stack_bottom - host_page_size(), coroutine_map_bytes());
}

static void coroutine_pool_free(void *opaque)
{
    CoroutinePool *pool = opaque;
    Coroutine *co;

    while ((co = pool->first)) {
        pool->first = co->next;
        coroutine_unmap(co);
    }
    g_free(pool);
}

static CoroutinePool *coroutine_pool(void)
{
    CoroutinePool *pool = g_private_get(&pool_key);

    if (!pool) {
        pool = g_new0(CoroutinePool, 1);
        g_private_set(&pool_key, pool);
    }
    return pool;
}

static Coroutine *coroutine_map(void)
{
    size_t bytes = coroutine_map_bytes();
    char *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE,
                      -1, 0);
    Coroutine *co;

    /* As for any small allocation, there is no life without. */
    if (base == MAP_FAILED ||
        mprotect(base, host_page_size(), PROT_NONE) < 0) {
        g_error("cannot map a coroutine stack: %s", g_strerror(errno));
    }
    co = (Coroutine *)(base + bytes) - 1;
    co->stack_bottom = base + host_page_size();
    co->stack_bytes = (char *)co - (char *)co->stack_bottom;
#ifdef __SANITIZE_THREAD__
    co->tsan_fiber = __tsan_create_fiber(0);
#endif
    return co;
}

/* What coroutine_swap() takes off a stack, in that order. */
static void coroutine_first_frame(Coroutine *co,
                                  void (*start)(Coroutine *co))
{
    uintptr_t *top = (uintptr_t *)ROUND_DOWN((uintptr_t)co, 16);
    uintptr_t *sp;

#if defined(__x86_64__)
    sp = top - 7;
    sp[3] = (uintptr_t)co;              /* r12 */
    sp[4] = (uintptr_t)start;           /* rbx */
    sp[5] = 0;                          /* rbp: end of the chain of frames */
    sp[6] = (uintptr_t)coroutine_entry;
#elif defined(__aarch64__)
    sp = top - 20;
    sp[0] = (uintptr_t)co;              /* x19 */
    sp[1] = (uintptr_t)start;           /* x20 */
    sp[10] = 0;                         /* x29: end of the chain of frames */
    sp[11] = (uintptr_t)coroutine_entry;
#else
#error "no coroutine switch for this architecture"
#endif
    co->sp = sp;
}

Coroutine *coroutine_stack_alloc(void (*start)(Coroutine *co))
{
    CoroutinePool *pool = coroutine_pool();
    Coroutine *co = pool->first;

    if (co) {
        pool->first = co->next;
        pool->n--;
#ifdef __SANITIZE_THREAD__
        /* So its record of calls would only grow. */
        __tsan_destroy_fiber(co->tsan_fiber);
        co->tsan_fiber = __tsan_create_fiber(0);
#endif
    } else {
        co = coroutine_map();
    }
    co->caller = NULL;
    co->ctx = NULL;
    co->scheduled = false;
    co->done = false;
    co->wakeups = (CoroutineList) { NULL, NULL };
    co->next = NULL;
    coroutine_first_frame(co, start);
    return co;
}

void coroutine_stack_free(Coroutine *co)
{
    CoroutinePool *pool = coroutine_pool();

#ifdef __SANITIZE_ADDRESS__
    /* The last function on it never returned, and marks outlive a mapping. */
    __asan_unpoison_memory_region(co->stack_bottom, co->stack_bytes);
#endif
    if (pool->n >= POOL_MAX) {
        coroutine_unmap(co);
        return;
    }
    co->next = pool->first;
    pool->first = co;
    pool->n++;
}
