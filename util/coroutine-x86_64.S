/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch between coroutines, x86-64 System V ABI: what a function must
 * keep is pushed on the old stack and popped from the new one. MXCSR and the
 * x87 control word are never changed here and stay with the thread.
 *
 * This file has no property note, so the linker does not mark the program as
 * fit for shadow stacks, which a change of stacks breaks.
 */
        .text

/* void coroutine_swap(void **save_sp, void *sp) */
        .globl  coroutine_swap
        .hidden coroutine_swap
        .type   coroutine_swap, @function
        .p2align 4
coroutine_swap:
        .cfi_startproc
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .cfi_endproc
        .size   coroutine_swap, . - coroutine_swap

/*
 * void coroutine_entry(void): the outermost frame, reached by the first swap:
 * call rbx(r12), which does not return. Nothing to unwind beyond.
 */
        .globl  coroutine_entry
        .hidden coroutine_entry
        .type   coroutine_entry, @function
        .p2align 4
coroutine_entry:
        .cfi_startproc
        .cfi_undefined rip
        movq    %r12, %rdi
        call    *%rbx
        ud2
        .cfi_endproc
        .size   coroutine_entry, . - coroutine_entry

        .section .note.GNU-stack, "", @progbits
