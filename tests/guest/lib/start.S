/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start of a bare-metal payload: from the 32-bit entry of the PVH boot
 * protocol to 64-bit C. Page tables are data, so nothing is computed at
 * 0.6 Minstr/s: the first 4 GiB, identity mapped by 2 MiB pages.
 *
 * Also the way other processors take: ap_trampoline is copied below 1 MiB.
 */
#define CODE32  0x08
#define CODE64  0x10
#define DATA    0x18

#define PAGE_BITS   0x07        /* present, writable, user */
#define LARGE_BITS  0x87

        /* Xen note 18: physical address of the 32-bit entry */
        .section .note.Xen, "a", @note
        .align 4
        .long 4, 4, 18
        .asciz "Xen"
        .long pvh_start

        .section .text.start, "ax"
        .code32
        .globl pvh_start
pvh_start:
        cli
        movl    %ebx, boot_info
        movl    $stack_top, %esp
        .globl  enter_long_mode, stack_top
enter_long_mode:
        lgdt    gdt_pointer
        movl    %cr4, %eax
        orl     $0x620, %eax            /* PAE, OSFXSR, OSXMMEXCPT */
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       /* EFER */
        rdmsr
        orl     $0x100, %eax            /* LME */
        wrmsr
        movl    $0x80000011, %eax       /* PG, ET, PE */
        movl    %eax, %cr0
        ljmp    $CODE64, $start64

        .code64
        /* ELF entry of loaders that start in long mode: RSI = boot_params */
        .globl start64_linux
start64_linux:
        cli
        movl    %esi, linux_params
        movq    $stack_top, %rsp
        movq    $pml4, %rax
        movq    %rax, %cr3
        lgdt    gdt_pointer
        pushq   $CODE64
        pushq   $start64
        lretq

start64:
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        movl    boot_info, %edi
        call    payload_start
1:      hlt
        jmp     1b

        /*
         * Real mode, at 0x8000 (SIPI vector 8). Each processor takes a stack
         * by counting up; ap_trampoline_end bounds the copy.
         */
        .globl ap_trampoline, ap_trampoline_end
        .code16
ap_trampoline:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdtl   0x8000 + ap_gdt_pointer - ap_trampoline
        movl    $0x11, %eax
        movl    %eax, %cr0
        ljmpl   $CODE32, $ap_start32
ap_gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt
ap_trampoline_end:

        .code32
ap_start32:
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %ss
        movl    %cr4, %eax
        orl     $0x620, %eax
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    $0x80000011, %eax
        movl    %eax, %cr0
        ljmp    $CODE64, $ap_start64
        .code64
ap_start64:
        movl    $1, %eax
        lock xaddl %eax, ap_started
        incl    %eax
        movl    %eax, %edi              /* 1, 2 ... */
        shll    $12, %eax
        leaq    ap_stacks(%rax), %rsp
        call    payload_ap
1:      hlt
        jmp     1b

        /* Interrupt gates lead here: vector 32 + n at isr_table + 16 n */
        .globl isr_table
        .align 16
isr_table:
        vector = 32
        .rept 16
        .align 16
        pushq   $vector
        jmp     isr_common
        vector = vector + 1
        .endr
isr_common:
        pushq   %rax
        pushq   %rcx
        pushq   %rdx
        pushq   %rsi
        pushq   %rdi
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        movq    72(%rsp), %rdi
        cld
        call    payload_irq
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rdx
        popq    %rcx
        popq    %rax
        addq    $8, %rsp
        iretq

        .data
        .globl boot_info, linux_params, ap_started, multiboot_magic
boot_info:      .long 0
linux_params:   .long 0
ap_started:     .long 0
multiboot_magic: .long 0

        .align 16
gdt:    .quad 0
        .quad 0x00cf9b000000ffff        /* CODE32 */
        .quad 0x00af9b000000ffff        /* CODE64 */
        .quad 0x00cf93000000ffff        /* DATA */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .quad   gdt

        .align 4096
pml4:   .quad   pdpt + PAGE_BITS
        .fill   511, 8, 0
pdpt:   .quad   pd + PAGE_BITS
        .quad   pd + 4096 + PAGE_BITS
        .quad   pd + 8192 + PAGE_BITS
        .quad   pd + 12288 + PAGE_BITS
        .fill   508, 8, 0
pd:
        n = 0
        .rept   2048
        .quad   n * 0x200000 + LARGE_BITS
        n = n + 1
        .endr

        .bss
        .align 4096
        .fill   16384
stack_top:
ap_stacks:
        .fill   4096 * 17

        .section .note.GNU-stack, "", @progbits
