/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot at 16 KiB, where KVM's real-mode tests are linked: from protected
 * to real mode, a software interrupt there, back, and out.
 */
#define CODE32  0x08
#define DATA32  0x10
#define CODE16  0x18
#define DATA16  0x20
#define EXIT    0xf4
#define VECTOR  0x40

        .text
        .align  4
        .long   0x1badb002, 0, -0x1badb002
        .code32
        .globl  multiboot_start
multiboot_start:
        cli
        movl    $2, %ebx                /* status: failed */
        cmpl    $0x2badb002, %eax
        jne     end32
        lgdt    gdt_pointer
        .byte   0xea                    /* ljmp $CODE16, $protected16 */
        .long   protected16
        .word   CODE16

        .code16
protected16:
        movw    $DATA16, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        lidtl   real_idt
        movl    %cr0, %eax
        andl    $~1, %eax
        movl    %eax, %cr0
        ljmpl   $0, $real
real:
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $stack_top, %esp
        movl    $handler, VECTOR * 4    /* segment 0 */
        int     $VECTOR
        cmpw    $0x1234, %cx
        jne     1f
        movl    $1, %ebx                /* status: fine */
1:
        movl    %cr0, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   $CODE32, $end32
handler:
        movw    $0x1234, %cx
        iret

        .code32
end32:
        movl    %ebx, %eax
        movw    $EXIT, %dx
        outl    %eax, %dx
1:      hlt
        jmp     1b

        .data
        .align  8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff      /* CODE32 */
        .quad   0x00cf93000000ffff      /* DATA32 */
        .quad   0x00009b000000ffff      /* CODE16 */
        .quad   0x000093000000ffff      /* DATA16 */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt
real_idt:
        .word   0x3ff
        .long   0
        .bss
        .fill   512
stack_top:
        .section .note.GNU-stack, "", @progbits
