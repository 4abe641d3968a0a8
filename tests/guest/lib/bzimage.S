/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-mode part of a bzImage, protocol 2.15 (Linux,
 * Documentation/arch/x86/boot.rst), as far as a 64-bit loader reads it: a boot
 * sector and one more. What follows in the file is loaded at 1 MiB and entered
 * 0x200 bytes in.
 */
#define LOAD_ADDR 0x100000

        .section .bzimage, "a"
setup:
        .org    0x1f1
        .byte   1                       /* sectors after the first */
        .org    0x1fe
        .word   0xaa55
        .byte   0xeb, 0x66              /* 0x200: the header ends at 0x268 */
        .ascii  "HdrS"
        .word   0x020f                  /* version */
        .org    0x211
        .byte   1                       /* loaded high */
        .org    0x22c
        .long   0x7fffffff              /* initrd_addr_max */
        .long   0x1000                  /* kernel_alignment */
        .byte   0                       /* not relocatable */
        .org    0x236
        .word   1                       /* XLF_KERNEL_64 */
        .long   255                     /* cmdline_size */
        .org    0x258
        .quad   LOAD_ADDR
        .long   bzimage_init_size
        .org    0x400

        .section .bzimage.entry, "ax"
        .code64
        .fill   0x200, 1, 0xf4          /* not the entry */
        .globl  bzimage_entry
bzimage_entry:
        movw    %cs, entry_cs
        movw    %ds, entry_ds
        movq    %cr0, %rax
        movq    %rax, entry_cr0
        jmp     start64_linux

        .data
        .globl  entry_cs, entry_ds, entry_cr0
        .align  8
entry_cs: .quad 0
entry_ds: .quad 0
entry_cr0: .quad 0
        .section .note.GNU-stack, "", @progbits
