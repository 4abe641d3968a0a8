/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sanitizer knows of coroutine stacks, and the pool of them. */
#include "util/osdep.h"
#include "util/coroutine.h"
#include <setjmp.h>
#include "tests/unit/lib/emulated.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

/* More than the pool keeps. */
#define MANY 200

static __attribute__((noinline)) void jump_out(jmp_buf env)
{
    volatile char local[64];

    /* A call that does not return: its frame keeps its red zones. */
    local[sizeof(local) - 1] = 1;
    longjmp(env, local[sizeof(local) - 1]);
}

static void coroutine_fn co_jump(void *opaque)
{
    jmp_buf env;

    coroutine_yield();
    if (setjmp(env) == 0) {
        jump_out(env);
    }
    *(bool *)opaque = true;
}

/* The sanitizer warns when the stack pointer is not on the stack it knows. */
static void test_known_stack(void)
{
    bool jumped = false;

    if (g_test_subprocess()) {
        Coroutine *co = coroutine_create(co_jump, &jumped);

        coroutine_enter(co);
        coroutine_enter(co);
        exit(jumped ? 0 : 1);
    }
    if (test_skip_emulated("needs a subprocess")) {
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr_unmatched("*WARNING*");
}

typedef struct Deep {
    Coroutine *co;
    const char *low;                /* an address deep in its stack */
} Deep;

static void coroutine_fn co_note_address(void *opaque)
{
    Deep *d = opaque;

    d->low = (const char *)__builtin_frame_address(0) - 4096;
#ifdef __SANITIZE_ADDRESS__
    /* As a frame that was left by a jump would. */
    __asan_poison_memory_region(d->low, 64);
#endif
    coroutine_yield();
}

/* Neither a pooled stack nor one that was unmapped stays marked. */
static void test_no_marks_left(void)
{
    Deep deep[MANY] = { { NULL, NULL } };

    for (int i = 0; i < MANY; i++) {
        deep[i].co = coroutine_create(co_note_address, &deep[i]);
        coroutine_enter(deep[i].co);
    }
    for (int i = 0; i < MANY; i++) {
        coroutine_enter(deep[i].co);
    }
#ifdef __SANITIZE_ADDRESS__
    for (int i = 0; i < MANY; i++) {
        g_assert_false(__asan_address_is_poisoned(deep[i].low));
    }
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/coroutine/stack/known", test_known_stack);
    g_test_add_func("/coroutine/stack/no-marks-left", test_no_marks_left);
    return g_test_run();
}
