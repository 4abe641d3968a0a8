/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch between coroutines, AAPCS64: what a function must keep is stored
 * on the old stack and loaded from the new one. FPCR stays with the thread.
 *
 * This file has no property note, so the linker does not mark the program as
 * fit for guarded control stacks, which a change of stacks breaks.
 */
        .text

/* void coroutine_swap(void **save_sp, void *sp) */
        .globl  coroutine_swap
        .hidden coroutine_swap
        .type   coroutine_swap, %function
        .p2align 4
coroutine_swap:
        .cfi_startproc
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        ret
        .cfi_endproc
        .size   coroutine_swap, . - coroutine_swap

/*
 * void coroutine_entry(void): the outermost frame, reached by the first swap:
 * call x20(x19), which does not return. Nothing to unwind beyond.
 */
        .globl  coroutine_entry
        .hidden coroutine_entry
        .type   coroutine_entry, %function
        .p2align 4
coroutine_entry:
        .cfi_startproc
        .cfi_undefined x30
        mov     x0, x19
        blr     x20
        brk     #0
        .cfi_endproc
        .size   coroutine_entry, . - coroutine_entry

        .section .note.GNU-stack, "", %progbits
